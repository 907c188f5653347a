/* SPDX-License-Identifier: Apache-2.0 */
/* The heap against an array that is searched. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/random.h"
#include "core/eal/timer.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

#define TIMERS 200
#define STEPS 200000

static uint64_t
naive_first(const struct mc_timer *timers)
{
	uint64_t first = UINT64_MAX;

	for (int i = 0; i < TIMERS; i++) {
		if (timers[i].slot != 0 && timers[i].deadline_ns < first)
			first = timers[i].deadline_ns;
	}
	return first;
}

START_TEST(the_earliest_comes_first)
{
	const char *text = getenv("MC_TEST_SEED");
	uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : mc_random_seed();
	static struct mc_timer timers[TIMERS];
	struct timer_heap heap = {0};
	struct mc_random random;
	uint32_t running = 0;

	printf("MC_TEST_SEED=%" PRIu64 "\n", seed);
	mc_random_init(&random, seed);
	for (int step = 0; step < STEPS; step++) {
		struct mc_timer *timer = &timers[mc_random_below(&random, TIMERS)];
		uint64_t now = mc_random_below(&random, 1000);
		struct mc_timer *due;

		switch (mc_random_below(&random, 4)) {
		case 0:
			mc_timer_heap_del(&heap, timer);
			break;
		case 1:
			due = mc_timer_heap_due(&heap, now);
			must(due == NULL || (due->slot == 0 && due->deadline_ns <= now));
			must(due != NULL || naive_first(timers) > now);
			break;
		default:
			must(mc_timer_heap_set(&heap, timer, now) == MC_OK);
		}
		running = 0;
		for (int i = 0; i < TIMERS; i++)
			running += timers[i].slot != 0;
		must(running == heap.count);
		must(timer_heap_next_ns(&heap) == naive_first(timers));
	}
	mc_timer_heap_fini(&heap);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("eal/timer");
	TCase *tc = tcase_create("timer");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_earliest_comes_first);
	suite_add_tcase(s, tc);
	return suite_run(s, CK_FORK_GETENV);
}
