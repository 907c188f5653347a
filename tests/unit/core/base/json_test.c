/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <string.h>

#include "core/base/json.h"
#include "tests/support/suite.h"

static void
json_expect(struct mc_str text, const char *wanted)
{
	struct mc_buf out;

	mc_buf_init(&out);
	ck_assert_int_eq(mc_json_str(&out, text), MC_OK);
	ck_assert_int_eq(mc_buf_append(&out, "", 1), MC_OK);
	ck_assert_str_eq((char *)out.data, wanted);
	mc_buf_fini(&out);
}

#define STR(literal) ((struct mc_str){literal, sizeof(literal) - 1})

START_TEST(text_stays_as_it_is)
{
	json_expect(STR(""), "\"\"");
	json_expect((struct mc_str){NULL, 0}, "\"\"");
	json_expect(STR("a/b c:1"), "\"a/b c:1\"");
	json_expect(STR("u\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7"),
		    "\"u\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7\"");
}
END_TEST

START_TEST(marks_and_controls_are_escaped)
{
	json_expect(STR("q\"b\\n\n\0\x7f"), "\"q\\\"b\\\\n\\u000a\\u0000\\u007f\"");
}
END_TEST

/* Cut off, a surrogate, overlong, past the last, a rest alone. */
START_TEST(bytes_that_are_no_text_are_replaced)
{
	json_expect(STR("\xc3"), "\"\\ufffd\"");
	json_expect(STR("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"");
	json_expect(STR("\xc0\xaf"), "\"\\ufffd\\ufffd\"");
	json_expect(STR("\xe0\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\"");
	json_expect(STR("\xf4\x90\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
	json_expect(STR("a\x80z"), "\"a\\ufffdz\"");
}
END_TEST

START_TEST(text_is_told_from_other_bytes)
{
	ck_assert(mc_json_is_text(STR("")));
	ck_assert(mc_json_is_text(STR("a\n\0\x7f\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7")));
	ck_assert(!mc_json_is_text(STR("a\xff")));
	ck_assert(!mc_json_is_text(STR("\xed\xa0\x80")));
	ck_assert(!mc_json_is_text(STR("cut \xe2\x82")));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base/json");
	TCase *tc = tcase_create("strings");

	tcase_add_test(tc, text_stays_as_it_is);
	tcase_add_test(tc, marks_and_controls_are_escaped);
	tcase_add_test(tc, bytes_that_are_no_text_are_replaced);
	tcase_add_test(tc, text_is_told_from_other_bytes);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
