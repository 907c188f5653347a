/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/options_page.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

static const struct options_page *page;
static const char *document_path;

static struct mc_flags *
flags_create(void)
{
	struct mc_flags_params params = {
		.size = sizeof(params),
		.table = page->table,
		.table_count = page->table_count,
		.program = page->program,
		.env_prefix = page->env_prefix,
	};
	struct mc_flags *flags;

	ck_assert_int_eq(mc_flags_create(&params, &flags), MC_OK);
	return flags;
}

START_TEST(rows_are_sound)
{
	for (size_t i = 0; i < page->table_count; i++) {
		const struct mc_flag *flag = &page->table[i];

		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(flag->name, page->table[j].name);
		ck_assert_ptr_null(strchr(flag->name, '-'));
		ck_assert_msg((flag->class == MC_FLAG_USED) == (flag->reason == NULL), "%s",
			      flag->name);
		ck_assert(flag->help[0] != '\0');
		/* rows of one group stand together */
		if (i == 0 || strcmp(flag->group, page->table[i - 1].group) == 0)
			continue;
		for (size_t j = 0; j < i; j++)
			ck_assert_msg(strcmp(flag->group, page->table[j].group) != 0, "%s",
				      flag->name);
	}
}
END_TEST

/* Whatever is set of it, no flag ends the process or goes by without a word. */
START_TEST(every_class_speaks)
{
	const struct mc_flag *flag = &page->table[_i];
	bool number = flag->type != MC_FLAG_BOOL && flag->type != MC_FLAG_STRING;
	struct mc_flags *flags;
	char word[128];
	const char *argv[] = {page->program, word};
	const char *value = number ? "1" : "changed";

	if (flag->class == MC_FLAG_USED)
		return;
	if (flag->type == MC_FLAG_BOOL)
		value = strcmp(flag->initial, "true") == 0 ? "false" : "true";
	if (flag->choices != NULL) /* the second one; the first is the default */
		value = strchr(flag->choices, '|') + 1;
	snprintf(word, sizeof(word), "-%s=%.*s", flag->name, (int)strcspn(value, "|"), value);
	flags = flags_create();
	if (flag->class == MC_FLAG_HARMLESS && strcmp(value, flag->initial) != 0) {
		ck_assert_int_eq(mc_flags_parse(flags, 2, argv), MC_OK);
		ck_assert_ptr_nonnull(strstr(mc_flags_notices(flags), flag->name));
	} else if (flag->class == MC_FLAG_MISLEADING) {
		ck_assert_int_eq(mc_flags_parse(flags, 2, argv), MC_ERR_INVALID);
		ck_assert_ptr_nonnull(strstr(mc_flags_errors(flags), flag->reason));
	}
	mc_flags_destroy(flags);
}
END_TEST

START_TEST(document_is_current)
{
	struct mc_flags *flags = flags_create();
	FILE *file = fopen(document_path, "r");
	struct mc_buf want, have;
	size_t got;

	ck_assert_msg(file != NULL, "%s", document_path);
	mc_buf_init(&want);
	mc_buf_init(&have);
	ck_assert_int_eq(page->document(flags, &want), MC_OK);
	ck_assert_int_eq(mc_buf_reserve(&have, 1 << 20), MC_OK);
	got = fread(have.data, 1, 1 << 20, file);
	fclose(file);
	ck_assert_msg(got == mc_buf_len(&want) && memcmp(have.data, want.data, got) == 0,
		      "%s is out of date; write it with %s -help_markdown", document_path,
		      page->program);
	mc_buf_fini(&have);
	mc_buf_fini(&want);
	mc_flags_destroy(flags);
}
END_TEST

int
options_page_run(const struct options_page *of, int argc, char **argv)
{
	Suite *suite = suite_create(of->program);
	TCase *tcase = tcase_create("options");

	page = of;
	document_path = argc > 1 ? argv[1] : of->path;
	tcase_add_test(tcase, rows_are_sound);
	tcase_add_loop_test(tcase, every_class_speaks, 0, (int)of->table_count);
	tcase_add_test(tcase, document_is_current);
	suite_add_tcase(suite, tcase);
	return suite_run(suite, CK_FORK_GETENV);
}
