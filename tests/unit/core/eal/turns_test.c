/* SPDX-License-Identifier: Apache-2.0 */
/* A reactor that threads run in turns, with and without a keeper. */
#include "core/eal/turns.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

#define THREADS 6
#define CALLS 3000

static struct mc_reactor *reactor;
static struct mc_turns *turns;

static void
setup(void)
{
	struct mc_reactor_params params = {.size = sizeof(params), .name = "test",
					   .idle = MC_IDLE_INLINE, .spin_ns = 20000};

	must(mc_reactor_create(&params, &reactor) == MC_OK);
	must(mc_turns_create(reactor, &turns) == MC_OK);
}

static void
teardown(void)
{
	mc_turns_leave(turns);
	mc_turns_destroy(turns);
	mc_reactor_destroy(reactor);
}

/* What is asked of the reactor: over at once, or when a timer fires. */
struct call {
	struct mc_msg msg;
	struct mc_timer timer;
	struct mc_turn turn;
	uint64_t delay_ns;
	unsigned int runs;
};

static void
call_due(struct mc_timer *timer)
{
	struct call *call = mc_container_of(timer, struct call, timer);

	call->runs++;
	mc_turn_over(&call->turn);
}

static void
call_run(struct mc_msg *msg)
{
	struct call *call = mc_container_of(msg, struct call, msg);

	call->timer.expired = call_due;
	if (call->delay_ns == 0)
		call_due(&call->timer);
	else
		must(mc_timer_start(reactor, &call->timer,
				    mc_clock_mono_ns() + call->delay_ns) == MC_OK);
}

static void
call_make(uint64_t delay_ns)
{
	struct call call = {.msg.run = call_run, .delay_ns = delay_ns};

	must(mc_reactor_send(reactor, &call.msg) == MC_OK);
	mc_turns_wait(turns, &call.turn);
	must(call.runs == 1);
}

static void *
caller(void *arg)
{
	unsigned int number = *(unsigned int *)arg;

	for (unsigned int i = 0; i < CALLS; i++)
		call_make(i % 64 == number ? 50 * MC_NS_PER_US : 0);
	return NULL;
}

static void
callers_run(void)
{
	pthread_t threads[THREADS];
	unsigned int numbers[THREADS];

	for (unsigned int i = 0; i < THREADS; i++) {
		numbers[i] = i;
		must(pthread_create(&threads[i], NULL, caller, &numbers[i]) == 0);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		must(pthread_join(threads[i], NULL) == 0);
}

START_TEST(many_callers_and_a_keeper)
{
	ck_assert_int_eq(mc_turns_keep(turns, "keeper"), MC_OK);
	callers_run();
}
END_TEST

START_TEST(callers_need_no_keeper)
{
	callers_run();
}
END_TEST

/* ---- the keeper alone ---- */

static _Atomic unsigned int fired;

static void
timer_fired(struct mc_timer *timer)
{
	atomic_fetch_add(&fired, 1);
}

static struct mc_timer alone = {.expired = timer_fired};

static void
alone_start(struct mc_msg *msg)
{
	must(mc_timer_start(reactor, &alone, mc_clock_mono_ns() + 5 * MC_NS_PER_MS) == MC_OK);
}

static void
fired_await(unsigned int count)
{
	for (int i = 0; i < 2000 && atomic_load(&fired) < count; i++)
		usleep(1000);
	ck_assert_uint_eq(atomic_load(&fired), count);
}

START_TEST(what_nobody_waits_for_is_done)
{
	struct mc_msg msg = {.run = alone_start};

	atomic_store(&fired, 0);
	ck_assert_int_eq(mc_turns_keep(turns, "keeper"), MC_OK);
	usleep(20000);		/* it sleeps without a timer now */
	ck_assert_int_eq(mc_reactor_send(reactor, &msg), MC_OK);
	fired_await(1);
	/* and behind the back of a caller, which leaves a timer that is earlier than any */
	call_make(0);
	ck_assert_int_eq(mc_reactor_send(reactor, &msg), MC_OK);
	call_make(0);
	fired_await(2);
}
END_TEST

START_TEST(it_can_be_left_and_kept_again)
{
	for (int i = 0; i < 50; i++) {
		ck_assert_int_eq(mc_turns_keep(turns, "keeper"), MC_OK);
		call_make(i % 2 == 0 ? 0 : 10 * MC_NS_PER_US);
		mc_turns_leave(turns);
		call_make(0);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("eal/turns");
	TCase *tc = tcase_create("turns");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, many_callers_and_a_keeper);
	tcase_add_test(tc, callers_need_no_keeper);
	tcase_add_test(tc, what_nobody_waits_for_is_done);
	tcase_add_test(tc, it_can_be_left_and_kept_again);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
