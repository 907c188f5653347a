/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/tick.h"

#include "core/base/clock.h"
#include "tests/support/suite.h"

START_TEST(time_passes)
{
	uint64_t start = mc_clock_mono_ns();

	tick_sleep(3 * MC_NS_PER_MS);
	ck_assert_uint_ge(mc_clock_mono_ns() - start, 3 * MC_NS_PER_MS);
	tick_sleep(0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mc-bench/tick");
	TCase *tc = tcase_create("tick");

	tcase_add_test(tc, time_passes);
	suite_add_tcase(s, tc);
	return suite_run(s, CK_FORK_GETENV);
}
