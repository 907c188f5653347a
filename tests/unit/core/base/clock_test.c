/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/clock.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

static uint64_t
mono_fixed(void)
{
	return 42;
}

static uint64_t
real_fixed(void)
{
	return 77 * MC_NS_PER_S;
}

START_TEST(the_system_clocks_run)
{
	uint64_t before = mc_clock_mono_ns(), first = before;
	uint64_t begun = (uint64_t)time(NULL);
	uint64_t real;

	ck_assert_uint_gt(before, 0);
	for (int i = 0; i < 100000; i++) {
		uint64_t now = mc_clock_mono_ns();

		must(now >= before);
		before = now;
	}
	ck_assert_uint_gt(before, first);
	real = mc_clock_real_ns();
	/* time() may lag behind by a tick of the kernel */
	ck_assert_uint_ge(real / MC_NS_PER_S, begun);
	ck_assert_uint_le(real / MC_NS_PER_S, (uint64_t)time(NULL) + 1);
}
END_TEST

START_TEST(another_source_can_take_their_place)
{
	static const struct mc_clock_ops fixed = {mono_fixed, real_fixed};

	mc_clock_ops_set(&fixed);
	ck_assert_uint_eq(mc_clock_mono_ns(), 42);
	ck_assert_uint_eq(mc_clock_real_ns(), 77 * MC_NS_PER_S);
	mc_clock_ops_set(NULL);
	ck_assert_uint_ne(mc_clock_mono_ns(), 42);
	ck_assert_uint_gt(mc_clock_real_ns(), 1000000000 * MC_NS_PER_S);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base/clock");
	TCase *tc = tcase_create("clock");

	tcase_add_test(tc, the_system_clocks_run);
	tcase_add_test(tc, another_source_can_take_their_place);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
