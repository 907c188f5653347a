/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/replay_trace.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

static struct trace trace;
static char why[128];

static enum mc_status
read_text(const char *text, uint32_t most)
{
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	enum mc_status st;

	ck_assert_ptr_nonnull(file);
	st = trace_read(file, most, &trace, why, sizeof(why));
	fclose(file);
	return st;
}

START_TEST(requests_and_their_blocks)
{
	ck_assert_int_eq(read_text("{\"timestamp\": 0, \"hash_ids\": [1, 2]}\n\n"
				   "{\"timestamp\": 27.5, \"hash_ids\": []}\n"
				   "{\"timestamp\": 90, \"hash_ids\": [1, -7, 9]}", 0), MC_OK);
	ck_assert_uint_eq(trace.requests_count, 2);
	ck_assert_uint_eq(trace.requests[0].blocks, 2);
	ck_assert_uint_eq(trace.requests[1].at_ms, 90);
	ck_assert_uint_eq(trace.requests[1].first, 2);
	ck_assert_uint_eq(trace.blocks_count, 5);
	ck_assert_uint_eq(trace.blocks[3], (uint64_t)-7);
	trace_free(&trace);
	ck_assert_int_eq(read_text("{\"timestamp\": 0, \"hash_ids\": [1]}\nnonsense", 1), MC_OK);
	ck_assert_uint_eq(trace.requests_count, 1);
	trace_free(&trace);
}
END_TEST

START_TEST(what_is_wrong_is_named_with_its_line)
{
	static const char *const bad[] = {
		"nonsense", "[1]", "{\"timestamp\": \"x\", \"hash_ids\": [1]}",
		"{\"timestamp\": -1, \"hash_ids\": [1]}", "{\"timestamp\": 1}",
		"{\"timestamp\": 1, \"hash_ids\": [1.5]}", "{\"timestamp\": 1, \"hash_ids\": 3}",
		"{\"timestamp\": 1, \"hash_ids\": [99999999999999999999999]}",
	};
	char text[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "{\"timestamp\": 0, \"hash_ids\": [1]}\n%s\n", bad[i]);
		ck_assert_msg(read_text(text, 0) == MC_ERR_INVALID, "%s", bad[i]);
		ck_assert_msg(strstr(why, "line 2") != NULL, "%s: %s", bad[i], why);
	}
	ck_assert_int_eq(read_text("\n", 0), MC_ERR_INVALID);
}
END_TEST

START_TEST(lengths_are_bounded)
{
	size_t size = TRACE_LINE_MAX + 100;
	char *text = malloc(size);

	ck_assert_ptr_nonnull(text);
	memset(text, ' ', size);
	text[size - 1] = '\0';
	ck_assert_int_eq(read_text(text, 0), MC_ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(why, "1 MiB"));
	strcpy(text, "{\"timestamp\": 0, \"hash_ids\": [0");
	for (unsigned int i = 0; i < TRACE_BLOCKS_MAX; i++)
		strcat(text + 2 * i, ",1");
	strcat(text, "]}");
	ck_assert_int_eq(read_text(text, 0), MC_ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(why, "8192"));
	free(text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mc-bench/replay_trace");
	TCase *tc = tcase_create("trace");

	tcase_add_test(tc, requests_and_their_blocks);
	tcase_add_test(tc, what_is_wrong_is_named_with_its_line);
	tcase_add_test(tc, lengths_are_bounded);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
