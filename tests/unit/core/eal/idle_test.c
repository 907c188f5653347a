/* SPDX-License-Identifier: Apache-2.0 */
/* When an idle lcore spins. */
#include "core/eal/idle.h"

#include <check.h>

#include "tests/support/suite.h"

#define SPIN 20000

static struct mc_idle idle;

static void
setup(void)
{
	mc_idle_init(&idle, SPIN);
}

static void
note(uint64_t gap_ns, unsigned int times)
{
	while (times-- > 0)
		mc_idle_note(&idle, gap_ns);
}

START_TEST(a_new_one_spins)
{
	ck_assert_uint_eq(mc_idle_spin_ns(&idle), SPIN);
}
END_TEST

START_TEST(work_that_comes_soon_is_waited_for)
{
	note(SPIN / 2, 100);
	ck_assert_uint_eq(mc_idle_spin_ns(&idle), SPIN);
}
END_TEST

START_TEST(work_that_comes_later_is_slept_for)
{
	note(SPIN * 2, 100);
	ck_assert_uint_eq(mc_idle_spin_ns(&idle), 0);
}
END_TEST

START_TEST(one_pause_among_short_gaps_changes_little)
{
	note(SPIN / 4, 100);
	note(UINT64_MAX, 1);
	ck_assert_uint_eq(mc_idle_spin_ns(&idle), 0);
	note(SPIN / 4, 8);
	ck_assert_uint_eq(mc_idle_spin_ns(&idle), SPIN);
}
END_TEST

START_TEST(a_burst_after_a_night_is_noticed)
{
	note(UINT64_MAX, 1000);
	ck_assert_uint_eq(mc_idle_spin_ns(&idle), 0);
	note(1000, 12);
	ck_assert_uint_eq(mc_idle_spin_ns(&idle), SPIN);
}
END_TEST

START_TEST(without_spin_time_it_never_spins)
{
	mc_idle_init(&idle, 0);
	ck_assert_uint_eq(mc_idle_spin_ns(&idle), 0);
	note(0, 100);
	note(UINT64_MAX, 100);
	ck_assert_uint_eq(mc_idle_spin_ns(&idle), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("eal/idle");
	TCase *tc = tcase_create("idle");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, a_new_one_spins);
	tcase_add_test(tc, work_that_comes_soon_is_waited_for);
	tcase_add_test(tc, work_that_comes_later_is_slept_for);
	tcase_add_test(tc, one_pause_among_short_gaps_changes_little);
	tcase_add_test(tc, a_burst_after_a_night_is_noticed);
	tcase_add_test(tc, without_spin_time_it_never_spins);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
