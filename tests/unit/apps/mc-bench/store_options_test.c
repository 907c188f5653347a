/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/store_options.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

static struct mc_flags *flags;
static struct store_options options;

static void
teardown(void)
{
	mc_flags_destroy(flags);
	flags = NULL;
}

/* @line: flags, separated by spaces. */
static enum mc_status
read_line(const char *line)
{
	static char text[256];
	struct mc_flags_params params = {.size = sizeof(params),
					 .table = store_options_table,
					 .table_count = store_options_count,
					 .program = "test"};
	const char *argv[16] = {"store"};
	int argc = 1;

	teardown();
	strncpy(text, line, sizeof(text) - 1);
	for (char *at = strtok(text, " "); at != NULL; at = strtok(NULL, " "))
		argv[argc++] = at;
	ck_assert_int_eq(mc_flags_create(&params, &flags), MC_OK);
	if (mc_flags_parse(flags, argc, argv) != MC_OK)
		return MC_ERR_INVALID;
	return store_options_read(flags, &options);
}

START_TEST(defaults_and_the_quick_ones)
{
	ck_assert_int_eq(read_line(""), MC_OK);
	ck_assert_uint_eq(options.ops_count, 2);
	ck_assert_int_eq(options.ops[0], LOAD_PUT);
	ck_assert_uint_eq(options.sizes_count, 1);
	ck_assert_uint_eq(options.sizes[0], 1u << 20);
	ck_assert_uint_eq(options.batch_most, 1);
	ck_assert_ptr_null(options.master);
	ck_assert_ptr_null(options.drivers);
	ck_assert_int_eq(read_line("-quick"), MC_OK);
	ck_assert_uint_eq(options.sizes_count, 4);
	ck_assert_uint_eq(options.batch_most, 16);
	ck_assert(options.seconds < 1);
	ck_assert_int_eq(read_line("-quick -size 8K -seconds 3"), MC_OK);
	ck_assert_uint_eq(options.sizes_count, 1);
	ck_assert(options.seconds == 3);
}
END_TEST

START_TEST(lists_and_numbers)
{
	ck_assert_int_eq(read_line("-op exist,mixed -size 1,4K -batch 8 -clients 3 -live 64M "
				   "-driver shm -node_size 2G"), MC_OK);
	ck_assert_uint_eq(options.ops_count, 2);
	ck_assert_int_eq(options.ops[1], LOAD_MIXED);
	ck_assert_str_eq(store_op_name(options.ops[0]), "exist");
	ck_assert_uint_eq(options.sizes[0], 1);
	ck_assert_uint_eq(options.live, 64u << 20);
	ck_assert_uint_eq(options.node, 2ull << 30);
	ck_assert_str_eq(options.drivers, "shm");
}
END_TEST

START_TEST(what_cannot_be_meant_is_refused)
{
	static const struct {
		const char *line, *named;
	} bad[] = {
		{"-op get,gut", "-op"}, {"-op get,", "-op"}, {"-size 4Q", "-size"},
		{"-size 0", "-size"}, {"-live 1K -size 4K", "-live"},
		{"-node_size x", "-node_size"}, {"-hit_ratio 2", "-hit_ratio"},
		{"-batch 0", "-batch"},
		{"-inline -l 0", "-inline"}, {"127.0.0.1:1", "-master 127.0.0.1:1"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(read_line(bad[i].line) == MC_ERR_INVALID, "%s", bad[i].line);
		ck_assert_msg(strstr(mc_flags_errors(flags), bad[i].named) != NULL, "%s: %s",
			      bad[i].line, mc_flags_errors(flags));
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mc-bench/store_options");
	TCase *tc = tcase_create("options");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, defaults_and_the_quick_ones);
	tcase_add_test(tc, lists_and_numbers);
	tcase_add_test(tc, what_cannot_be_meant_is_refused);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
