/* SPDX-License-Identifier: Apache-2.0 */
/* Reactors: messages without a lost wake-up, timers, watches, pollers. */
#include <check.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/eal/reactor.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define MESSAGES 1000000u
#else
#define MESSAGES 10000000u
#endif
#define SENDERS 2u

static struct mc_reactor *
reactor_make(void)
{
	struct mc_reactor_params params = {
		.size = sizeof(params), .name = "test", .idle = MC_IDLE_ADAPTIVE};
	struct mc_reactor *reactor;

	ck_assert_int_eq(mc_reactor_create(&params, &reactor), MC_OK);
	return reactor;
}

/* ---- messages ---- */

struct sender {
	pthread_t thread;
	uint32_t number;
	uint32_t received;	/* the receiver's: the next that must come */
	uint32_t count;
};

struct numbered {
	struct mc_msg msg;
	struct sender *sender;
	uint32_t number;
	_Atomic bool free;
};

#define BATCH 4096u

static struct numbered pools[SENDERS][BATCH];
static sem_t all_received;

static void
numbered_run(struct mc_msg *msg)
{
	struct numbered *numbered = mc_container_of(msg, struct numbered, msg);
	struct sender *sender = numbered->sender;

	must(numbered->number == sender->received);
	sender->received++;
	atomic_store_explicit(&numbered->free, true, memory_order_release);
	if (sender->received == sender->count)
		sem_post(&all_received);
}

/* In bursts with pauses of random length, so that the receiver falls asleep at every point. */
static void *
sender_main(void *arg)
{
	struct sender *sender = arg;
	struct mc_reactor *to = mc_lcore_reactor(0);
	struct mc_random random;
	uint32_t burst = 1;

	mc_random_init(&random, sender->number);
	for (uint32_t i = 0; i < sender->count; i++) {
		struct numbered *numbered = &pools[sender->number][i % BATCH];

		while (!atomic_load_explicit(&numbered->free, memory_order_acquire))
			sched_yield();
		atomic_store_explicit(&numbered->free, false, memory_order_relaxed);
		numbered->msg.run = numbered_run;
		numbered->sender = sender;
		numbered->number = i;
		while (mc_reactor_send(to, &numbered->msg) == MC_AGAIN)
			sched_yield();
		if (--burst == 0) {
			burst = 1 + (uint32_t)mc_random_below(&random, 500);
			for (uint64_t n = mc_random_below(&random, 3000); n > 0; n--)
				__asm__ volatile("");
		}
	}
	return NULL;
}

START_TEST(no_wake_up_is_lost)
{
	const char *scale = getenv("MC_TEST_SCALE");
	uint32_t count = MESSAGES / SENDERS / (scale != NULL ? (uint32_t)atoi(scale) : 1);
	struct sender senders[SENDERS];
	struct mc_reactor_stats before, after;

	sem_init(&all_received, 0, 0);
	mc_reactor_stats_read(mc_lcore_reactor(0), &before);
	for (uint32_t s = 0; s < SENDERS; s++) {
		for (uint32_t i = 0; i < BATCH; i++)
			atomic_store(&pools[s][i].free, true);
		senders[s] = (struct sender){.number = s, .count = count};
		pthread_create(&senders[s].thread, NULL, sender_main, &senders[s]);
	}
	/* a lost wake-up would leave the receiver asleep, and this waiting */
	for (uint32_t s = 0; s < SENDERS; s++) {
		while (sem_wait(&all_received) != 0)
			;
	}
	for (uint32_t s = 0; s < SENDERS; s++)
		pthread_join(senders[s].thread, NULL);
	/* the receiver counts a burst when it has run all of it, the last message included */
	do
		mc_reactor_stats_read(mc_lcore_reactor(0), &after);
	while (after.messages - before.messages < (uint64_t)count * SENDERS && sched_yield() == 0);
	printf("%u messages, %lu sleeps\n", count * SENDERS,
	       (unsigned long)(after.sleeps - before.sleeps));
	ck_assert_uint_eq(after.messages - before.messages, (uint64_t)count * SENDERS);
	ck_assert_uint_gt(after.sleeps - before.sleeps, 100);
}
END_TEST

/* ---- timers ---- */

struct tick {
	struct mc_timer timer;
	struct mc_reactor *reactor;
	unsigned int *order;
	unsigned int *at;
	unsigned int number;
	unsigned int again;	/* times to start itself again */
};

static void
tick_expired(struct mc_timer *timer)
{
	struct tick *tick = mc_container_of(timer, struct tick, timer);

	must(mc_reactor_now(tick->reactor) >= timer->deadline_ns);
	tick->order[(*tick->at)++] = tick->number;
	if (tick->again-- > 0)
		mc_timer_start(tick->reactor, timer, mc_reactor_now(tick->reactor) + 1000);
	else
		tick->again = 0;
}

START_TEST(timers_expire_in_order_and_can_start_again)
{
	struct mc_reactor *reactor = reactor_make();
	unsigned int order[8], at = 0;
	struct tick ticks[3] = {0};
	uint64_t now = mc_clock_mono_ns();
	static const uint64_t after_ms[] = {30, 10, 20};

	for (unsigned int i = 0; i < 3; i++) {
		ticks[i] =
			(struct tick){.reactor = reactor, .order = order, .at = &at, .number = i};
		ticks[i].timer.expired = tick_expired;
		mc_timer_start(reactor, &ticks[i].timer, now + after_ms[i] * MC_NS_PER_MS);
	}
	ticks[1].again = 2;
	mc_timer_stop(reactor, &ticks[2].timer);
	while (at < 4)
		mc_reactor_poll(reactor);
	ck_assert_uint_ge(mc_clock_mono_ns() - now, 30 * MC_NS_PER_MS);
	ck_assert_uint_eq(order[0] + order[1] + order[2], 3);
	ck_assert_uint_eq(order[3], 0);
	mc_reactor_destroy(reactor);
}
END_TEST

/* ---- watches ---- */

struct pair {
	struct mc_watch watch;
	struct mc_reactor *reactor;
	struct pair *other;
	unsigned int *ready;
};

/* Whichever is told first takes the other one away, whose event is in the same batch. */
static void
pair_ready(struct mc_watch *watch, uint32_t events)
{
	struct pair *pair = mc_container_of(watch, struct pair, watch);

	(*pair->ready)++;
	mc_watch_del(pair->reactor, &pair->other->watch);
	mc_watch_del(pair->reactor, watch);
}

START_TEST(a_watch_deleted_in_its_batch_is_not_told)
{
	struct mc_reactor *reactor = reactor_make();
	struct pair pairs[2] = {0};
	unsigned int ready = 0;

	for (int i = 0; i < 2; i++) {
		pairs[i] = (struct pair){
			.watch = {.ready = pair_ready, .fd = eventfd(1, 0), .events = EPOLLIN},
			.reactor = reactor,
			.other = &pairs[1 - i],
			.ready = &ready,
		};
		ck_assert_int_eq(mc_watch_add(reactor, &pairs[i].watch), MC_OK);
	}
	while (ready == 0)
		mc_reactor_poll(reactor);
	ck_assert_uint_eq(ready, 1);
	for (int i = 0; i < 2; i++)
		close(pairs[i].watch.fd);
	mc_reactor_destroy(reactor);
}
END_TEST

/* ---- pollers ---- */

static struct mc_poller first, second, third;
static unsigned int polls[3];

static uint32_t
first_poll(struct mc_poller *poller)
{
	polls[0]++;
	mc_poller_del(&second);	/* the one that would come next */
	mc_poller_del(poller);
	return 1;
}

static uint32_t
second_poll(struct mc_poller *poller)
{
	polls[1]++;
	return 0;
}

static uint32_t
third_poll(struct mc_poller *poller)
{
	polls[2]++;
	return 1;
}

START_TEST(pollers_may_go_while_they_run)
{
	struct mc_reactor *reactor = reactor_make();

	first.poll = first_poll;
	second.poll = second_poll;
	third.poll = third_poll;
	mc_poller_add(reactor, &first);
	mc_poller_add(reactor, &second);
	mc_poller_add(reactor, &third);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_gt(mc_reactor_poll(reactor), 0);
	ck_assert_uint_eq(polls[0], 1);
	ck_assert_uint_eq(polls[1], 0);
	ck_assert_uint_eq(polls[2], 3);
	mc_poller_del(&third);
	mc_reactor_destroy(reactor);
}
END_TEST

/* It asks for two more passes before the reactor may sleep. */
static bool
unwilling_sleep(struct mc_poller *poller)
{
	return ++polls[0] > 2;
}

static uint32_t
unwilling_poll(struct mc_poller *poller)
{
	polls[1]++;
	return 0;
}

static void
nothing_expired(struct mc_timer *timer)
{
}

START_TEST(a_poller_keeps_the_reactor_from_sleeping)
{
	struct mc_reactor *reactor = reactor_make();
	struct mc_poller poller = {.poll = unwilling_poll, .sleep = unwilling_sleep};
	struct mc_timer timer = {.expired = nothing_expired};
	struct mc_reactor_stats stats;

	polls[0] = polls[1] = 0;
	mc_poller_add(reactor, &poller);
	ck_assert_int_eq(mc_timer_start(reactor, &timer,
					mc_clock_mono_ns() + 20 * MC_NS_PER_MS), MC_OK);
	for (int i = 0; i < 3; i++)	/* the first does not ask: a poller that is new */
		mc_reactor_poll(reactor);
	mc_reactor_stats_read(reactor, &stats);
	ck_assert_uint_eq(stats.sleeps, 0);
	ck_assert_uint_eq(polls[1], 3);
	mc_reactor_poll(reactor);
	mc_reactor_stats_read(reactor, &stats);
	ck_assert_uint_eq(stats.sleeps, 1);
	mc_poller_del(&poller);
	mc_reactor_destroy(reactor);
}
END_TEST

/* ---- spinning ---- */

static void
nothing_run(struct mc_msg *msg)
{
}

/* Sleeps of the pass that follows a message, and of the one that follows a timer. */
static uint64_t
sleeps_of_a_pass(struct mc_reactor *reactor, bool message)
{
	struct mc_timer ends = {.expired = nothing_expired}, due = {.expired = nothing_expired};
	struct mc_msg msg = {.run = nothing_run};
	struct mc_reactor_stats before, after;

	if (message)
		ck_assert_int_eq(mc_reactor_send(reactor, &msg), MC_OK);
	else
		mc_timer_start(reactor, &due, 1);
	ck_assert_uint_gt(mc_reactor_poll(reactor), 0);
	mc_reactor_stats_read(reactor, &before);
	/* a sleep does not last for ever */
	mc_timer_start(reactor, &ends, mc_clock_mono_ns() + 20 * MC_NS_PER_MS);
	mc_reactor_poll(reactor);
	mc_reactor_stats_read(reactor, &after);
	mc_timer_stop(reactor, &ends);
	return after.sleeps - before.sleeps;
}

START_TEST(an_idle_reactor_spins_before_it_sleeps)
{
	struct mc_reactor_params params = {.size = sizeof(params), .idle = MC_IDLE_ADAPTIVE};
	struct mc_reactor *reactor;

	params.spin_ns = 10 * MC_NS_PER_S;
	ck_assert_int_eq(mc_reactor_create(&params, &reactor), MC_OK);
	/* more may follow soon on work that came from outside, but not on a timer */
	ck_assert_uint_eq(sleeps_of_a_pass(reactor, true), 0);
	mc_reactor_destroy(reactor);

	ck_assert_int_eq(mc_reactor_create(&params, &reactor), MC_OK);
	ck_assert_uint_eq(sleeps_of_a_pass(reactor, false), 1);
	mc_reactor_destroy(reactor);

	params.spin_ns = 0;
	ck_assert_int_eq(mc_reactor_create(&params, &reactor), MC_OK);
	ck_assert_uint_eq(sleeps_of_a_pass(reactor, true), 1);
	mc_reactor_destroy(reactor);
}
END_TEST

static void
runtime_start(void)
{
	struct mc_eal_params eal = {.size = sizeof(eal), .idle = MC_IDLE_ADAPTIVE, .spin_ns = 0};

	ck_assert_int_eq(mc_eal_start(&eal), MC_OK);
}

/* The reactor's own cases come first: they need no runtime. */
static Suite *
suite(void)
{
	Suite *s = suite_create("eal/reactor");
	TCase *tc = tcase_create("reactor");
	TCase *lcore = tcase_create("lcore");

	tcase_add_test(tc, timers_expire_in_order_and_can_start_again);
	tcase_add_test(tc, a_watch_deleted_in_its_batch_is_not_told);
	tcase_add_test(tc, pollers_may_go_while_they_run);
	tcase_add_test(tc, a_poller_keeps_the_reactor_from_sleeping);
	tcase_add_test(tc, an_idle_reactor_spins_before_it_sleeps);
	suite_add_tcase(s, tc);
	tcase_set_timeout(lcore, 120);
	tcase_add_unchecked_fixture(lcore, runtime_start, mc_eal_stop);
	tcase_add_test(lcore, no_wake_up_is_lost);
	suite_add_tcase(s, lcore);
	return s;
}

int
main(void)
{
	return suite_run(suite(), CK_NOFORK);
}
