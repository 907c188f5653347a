/* SPDX-License-Identifier: Apache-2.0 */
#include "core/master/regex.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "tests/support/suite.h"

static struct mc_str
str(const char *text)
{
	return (struct mc_str){text, strlen(text)};
}

static bool
matches(struct mc_str pattern, struct mc_str subject)
{
	struct mc_regex *regex;
	bool found;

	ck_assert_int_eq(mc_regex_compile(pattern, &regex), MC_OK);
	found = mc_regex_match(regex, subject);
	ck_assert(mc_regex_match(regex, subject) == found);
	mc_regex_destroy(regex);
	return found;
}

static const struct {
	const char *pattern, *subject;
	bool found;
} cases[] = {
	{"b", "abc", true}, /* anywhere */
	{"^b", "abc", false},
	{"^a", "abc", true},
	{"c$", "abc", true},
	{"b$", "abc", false},
	{"abc$", "abc\n", false}, /* the very end, not before a last newline */
	{"^b", "a\nb", false},
	{"a.c", "a\nc", false}, /* . is no newline */
	{"", "abc", true},
	{"", "", true},
	{"x*", "abc", true},
	{"x+", "abc", false},
	{"ABC", "abc", false},
	{"key_\\d{3}", "model/key_042", true},
	{"key_\\d{3}", "model/key_42", false},
	{"a|c", "xc", true},
	{"(a)(b)?\\2c", "ac", true},  /* a group that took no part is empty */
	{"[^]", "\n", true},	      /* ECMAScript: any byte */
	{"[]", "]", false},	      /* ECMAScript: none */
	{"^.{2}$", "\xc3\xa9", true}, /* bytes, not characters */
	{"\xa9", "\xc3\xa9", true},
};

START_TEST(matches_as_upstream_does)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(matches(str(cases[i].pattern), str(cases[i].subject)) ==
				      cases[i].found,
			      "/%s/ on \"%s\"", cases[i].pattern, cases[i].subject);
}
END_TEST

START_TEST(zero_bytes_are_bytes)
{
	ck_assert(matches(str("b"), (struct mc_str){"a\0b", 3}));
	ck_assert(!matches(str("^a$"), (struct mc_str){"a\0b", 3}));
	ck_assert(matches((struct mc_str){"a\0b", 3}, (struct mc_str){"xa\0b", 4}));
	ck_assert(!matches((struct mc_str){"a\0b", 3}, str("a")));
	ck_assert(matches(str("a\\x00b"), (struct mc_str){"a\0b", 3}));
	ck_assert(matches((struct mc_str){NULL, 0}, str("a")));
}
END_TEST

START_TEST(bad_patterns_are_invalid)
{
	static const char *const bad[] = {"(", ")", "[a", "*a", "a{2,1}", "\\", "(?<n", "\\C"};
	static char big[MC_REGEX_PATTERN_MAX + 1];
	struct mc_regex *regex = NULL;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(mc_regex_compile(str(bad[i]), &regex) == MC_ERR_INVALID, "%s",
			      bad[i]);
	memset(big, 'a', sizeof(big));
	ck_assert_int_eq(mc_regex_compile((struct mc_str){big, sizeof(big)}, &regex),
			 MC_ERR_INVALID);
	ck_assert_ptr_null(regex);
	ck_assert_int_eq(mc_regex_compile((struct mc_str){big, 20000}, &regex), MC_OK);
	mc_regex_destroy(regex);
	mc_regex_destroy(NULL);
}
END_TEST

/* Patterns whose naive search takes 2^n or n^2 steps, or a stack as deep as the key. */
START_TEST(no_pattern_stalls)
{
	static const char *const heavy[] = {"^(a+)+$",		 "(a|aa)+$",	 "(a*)*b",
					    "(.*)(.*)(.*)(.*)x", "^(?:(a)|b)*$", "((((a*)*)*)*)*c",
					    "(?R)?a(?R)?c"};
	static char key[4096];
	uint64_t begun = mc_clock_mono_ns();

	memset(key, 'a', sizeof(key));
	key[sizeof(key) - 1] = '!';
	for (size_t i = 0; i < sizeof(heavy) / sizeof(heavy[0]); i++) {
		struct mc_regex *regex;

		ck_assert_int_eq(mc_regex_compile(str(heavy[i]), &regex), MC_OK);
		for (int n = 0; n < 20; n++)
			ck_assert_msg(!mc_regex_match(regex, (struct mc_str){key, sizeof(key)}),
				      "%s", heavy[i]);
		mc_regex_destroy(regex);
	}
	ck_assert_uint_lt(mc_clock_mono_ns() - begun, 2 * MC_NS_PER_S);
}
END_TEST

START_TEST(a_limit_hit_leaves_the_next_key_alone)
{
	struct mc_regex *regex;
	char key[64];

	memset(key, 'a', sizeof(key));
	key[sizeof(key) - 1] = '!';
	ck_assert_int_eq(mc_regex_compile(str("^(a+)+$"), &regex), MC_OK);
	ck_assert(!mc_regex_match(regex, (struct mc_str){key, sizeof(key)}));
	ck_assert(mc_regex_match(regex, str("aaa")));
	mc_regex_destroy(regex);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("regex");
	TCase *tc = tcase_create("match");

	tcase_add_test(tc, matches_as_upstream_does);
	tcase_add_test(tc, zero_bytes_are_bytes);
	tcase_add_test(tc, bad_patterns_are_invalid);
	tcase_add_test(tc, no_pattern_stalls);
	tcase_add_test(tc, a_limit_hit_leaves_the_next_key_alone);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
