/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/median.h"

#include <check.h>
#include <stdlib.h>

#include "tests/support/suite.h"

struct figures_pair {
	double first, second;
};

static double
second_of(const struct figures_pair *pairs, unsigned int count)
{
	return median_of(pairs, sizeof(*pairs), count, offsetof(struct figures_pair, second));
}

START_TEST(it_is_the_middle_of_one_member)
{
	static const struct figures_pair pairs[] = {{9, 5}, {9, -1}, {9, 3}, {9, 100}};

	ck_assert_double_eq(second_of(pairs, 1), 5);
	ck_assert_double_eq(second_of(pairs, 2), 2);
	ck_assert_double_eq(second_of(pairs, 3), 3);
	ck_assert_double_eq(second_of(pairs, 4), 4);
	ck_assert_double_eq(pairs[1].second, -1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mc-bench/median");
	TCase *tc = tcase_create("median");

	tcase_add_test(tc, it_is_the_middle_of_one_member);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
