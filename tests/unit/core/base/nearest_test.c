/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <string.h>

#include "core/base/nearest.h"
#include "tests/support/suite.h"

static unsigned int
far(const char *a, const char *b)
{
	return mc_nearest_distance(a, strlen(a), b, strlen(b));
}

START_TEST(each_letter_counts_once)
{
	ck_assert_uint_eq(far("port", "port"), 0);
	ck_assert_uint_eq(far("port", "prot"), 2);
	ck_assert_uint_eq(far("port", "ports"), 1);
	ck_assert_uint_eq(far("sort", "port"), 1);
	ck_assert_uint_eq(far("", "port"), 4);
	ck_assert_uint_eq(far("port", ""), 4);
	ck_assert_uint_eq(far("kitten", "sitting"), 3);
	ck_assert_uint_eq(far("sitting", "kitten"), 3);
}
END_TEST

START_TEST(long_names_are_far)
{
	char name[MC_NEAREST_MAX + 2];

	memset(name, 'a', sizeof(name));
	ck_assert_uint_eq(mc_nearest_distance(name, MC_NEAREST_MAX, name, MC_NEAREST_MAX), 0);
	ck_assert_uint_eq(mc_nearest_distance(name, MC_NEAREST_MAX + 1, name, 1), MC_NEAREST_MAX);
	ck_assert_uint_eq(mc_nearest_distance(name, 1, name, MC_NEAREST_MAX + 1), MC_NEAREST_MAX);
}
END_TEST

START_TEST(short_words_are_soon_others)
{
	ck_assert_uint_eq(mc_nearest_limit(1), 2);
	ck_assert_uint_eq(mc_nearest_limit(4), 3);
	ck_assert_uint_eq(mc_nearest_limit(20), 4);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base/nearest");
	TCase *tcase = tcase_create("nearest");

	tcase_add_test(tcase, each_letter_counts_once);
	tcase_add_test(tcase, long_names_are_far);
	tcase_add_test(tcase, short_words_are_soon_others);
	suite_add_tcase(suite, tcase);
	return suite_run(suite, CK_FORK);
}
