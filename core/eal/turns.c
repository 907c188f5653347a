/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The turn is a flag that is tried for, never waited for. Who does not get it lists itself and
 * tries once more before it sleeps; who gives it back looks at the list after it did. One of the
 * two sees the other, so nobody sleeps while the turn is free.
 *
 * The keeper sleeps in poll() while the reactor is armed. Whoever takes the turn disarms it, and
 * must leave it armed again, or wake the keeper; unless the keeper is parked, which it is for a
 * millisecond at a time while others use the reactor, as every event would wake it for nothing.
 */
#include "core/eal/turns.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "mc/log.h"

#define PARK_NS	      MC_NS_PER_MS
#define SPIN_ROUNDS   200u
#define KEEPER_PASSES 64u	/* in one turn, before others get theirs */

enum turn_word {
	TURN_WAITING,
	TURN_ASLEEP,
	TURN_YOURS,	/* try to take the turn */
	TURN_OVER,
};

enum keeper_state {
	KEEPER_AWAKE,
	KEEPER_POLLING,	/* asleep, the reactor is armed */
	KEEPER_PARKED,
	KEEPER_NONE,
};

struct mc_turns {
	struct mc_reactor *reactor;
	_Atomic bool taken __attribute__((aligned(64)));
	_Atomic uint32_t keeper;	/* enum keeper_state; a futex */
	_Atomic uint64_t wake_ns;	/* when the polling keeper wakes by itself */
	_Atomic bool stopping;
	_Atomic uint32_t waiters;	/* length of the list */
	pthread_mutex_t lock;		/* of the list */
	struct mc_list list;
	pthread_t thread;
};

static void
futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void
futex_wait(_Atomic uint32_t *word, uint32_t value, const struct timespec *timeout)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout, NULL, 0);
}

/* ---- the turn ---- */

static bool
turn_take(struct mc_turns *turns)
{
	if (atomic_load_explicit(&turns->taken, memory_order_relaxed) ||
	    atomic_exchange_explicit(&turns->taken, true, memory_order_seq_cst))
		return false;
	mc_reactor_disarm(turns->reactor);
	return true;
}

/* Unless it is over by now, which must stay. */
static void
waiter_call(struct mc_turn *turn)
{
	uint32_t word = atomic_load_explicit(&turn->word, memory_order_relaxed);

	while (word != TURN_OVER &&
	       !atomic_compare_exchange_weak(&turn->word, &word, TURN_YOURS))
		continue;
	if (word == TURN_ASLEEP)
		futex_wake(&turn->word);
}

/* Tells the one that waits longest to try for the turn. */
static void
waiter_pop(struct mc_turns *turns)
{
	if (atomic_load_explicit(&turns->waiters, memory_order_seq_cst) == 0)
		return;
	pthread_mutex_lock(&turns->lock);
	if (!mc_list_empty(&turns->list)) {
		struct mc_turn *turn = mc_container_of(turns->list.next, struct mc_turn, link);

		mc_list_del(&turn->link);
		atomic_fetch_sub_explicit(&turns->waiters, 1, memory_order_relaxed);
		/* under the lock: it cannot end its wait, and its memory, before */
		waiter_call(turn);
	}
	pthread_mutex_unlock(&turns->lock);
}

/* The keeper sleeps and must go on doing so only if it will be woken for what comes next. */
static void
keeper_care(struct mc_turns *turns)
{
	uint64_t wake_ns;

	if (atomic_load_explicit(&turns->keeper, memory_order_acquire) != KEEPER_POLLING)
		return;
	if (!mc_reactor_arm(turns->reactor, &wake_ns) ||
	    wake_ns < atomic_load_explicit(&turns->wake_ns, memory_order_relaxed))
		mc_reactor_wake(turns->reactor);
}

static void
turn_give(struct mc_turns *turns)
{
	keeper_care(turns);
	atomic_store_explicit(&turns->taken, false, memory_order_seq_cst);
	waiter_pop(turns);
}

/* ---- waiting ---- */

static bool
is_over(const struct mc_turn *turn)
{
	return atomic_load_explicit(&turn->word, memory_order_acquire) == TURN_OVER;
}

static void
waiter_unlist(struct mc_turns *turns, struct mc_turn *turn)
{
	pthread_mutex_lock(&turns->lock);
	if (mc_list_linked(&turn->link)) {
		mc_list_del(&turn->link);
		atomic_fetch_sub_explicit(&turns->waiters, 1, memory_order_relaxed);
	}
	pthread_mutex_unlock(&turns->lock);
}

/* Until it is over, or is told to try for the turn. True: it has the turn. */
static bool
waiter_sleep(struct mc_turns *turns, struct mc_turn *turn)
{
	uint32_t waiting = TURN_WAITING, yours = TURN_YOURS;
	bool taken;

	atomic_compare_exchange_strong(&turn->word, &yours, TURN_WAITING);
	pthread_mutex_lock(&turns->lock);
	mc_list_add_tail(&turns->list, &turn->link);
	atomic_fetch_add_explicit(&turns->waiters, 1, memory_order_seq_cst);
	pthread_mutex_unlock(&turns->lock);
	taken = turn_take(turns);
	if (!taken &&
	    atomic_compare_exchange_strong(&turn->word, &waiting, TURN_ASLEEP)) {
		while (atomic_load_explicit(&turn->word, memory_order_acquire) == TURN_ASLEEP)
			futex_wait(&turn->word, TURN_ASLEEP, NULL);
	}
	waiter_unlist(turns, turn);
	return taken;
}

void
mc_turns_wait(struct mc_turns *turns, struct mc_turn *turn)
{
	bool taken = false;

	while (!taken && !is_over(turn))
		taken = turn_take(turns) || waiter_sleep(turns, turn);
	if (!taken) {
		/* it may have been told to try for the turn: others may */
		if (!atomic_load_explicit(&turns->taken, memory_order_seq_cst))
			waiter_pop(turns);
		return;
	}
	while (!is_over(turn))
		mc_reactor_poll_as(turns->reactor, MC_IDLE_ADAPTIVE);
	turn_give(turns);
}

/* A thread needs longer to sleep and wake than most answers take. */
static void
turn_spin(const struct mc_turn *turn)
{
	for (uint32_t i = 0; i < SPIN_ROUNDS && !is_over(turn); i++) {
#if defined(__x86_64__)
		__builtin_ia32_pause();
#endif
	}
}

void
mc_turn_wait_for(struct mc_turn *turn, struct mc_reactor *reactor)
{
	uint32_t waiting = TURN_WAITING;

	if (reactor != NULL) {
		while (!is_over(turn))
			mc_reactor_poll_as(reactor, MC_IDLE_ADAPTIVE);
		return;
	}
	turn_spin(turn);
	atomic_compare_exchange_strong(&turn->word, &waiting, TURN_ASLEEP);
	while (!is_over(turn))
		futex_wait(&turn->word, TURN_ASLEEP, NULL);
}

void
mc_turn_over(struct mc_turn *turn)
{
	if (atomic_exchange_explicit(&turn->word, TURN_OVER, memory_order_acq_rel) == TURN_ASLEEP)
		/* the waiter may be gone by now: a wake-up that nobody awaits is harmless */
		futex_wake(&turn->word);
}

void
mc_turns_nudge(struct mc_turns *turns)
{
	uint32_t parked = KEEPER_PARKED;

	if (atomic_compare_exchange_strong(&turns->keeper, &parked, KEEPER_AWAKE))
		futex_wake(&turns->keeper);
}

/* ---- the keeper ---- */

static void
keeper_park(struct mc_turns *turns)
{
	static const struct timespec while_ = {.tv_nsec = (long)PARK_NS};

	atomic_store_explicit(&turns->keeper, KEEPER_PARKED, memory_order_release);
	futex_wait(&turns->keeper, KEEPER_PARKED, &while_);
	atomic_store_explicit(&turns->keeper, KEEPER_AWAKE, memory_order_release);
}

static void
keeper_sleep(struct mc_turns *turns, uint64_t wake_ns)
{
	struct pollfd fd = {.fd = mc_reactor_fd(turns->reactor), .events = POLLIN};
	uint64_t now = mc_clock_mono_ns();
	uint64_t ns = wake_ns > now ? wake_ns - now : 0;
	struct timespec timeout = {.tv_sec = (time_t)(ns / MC_NS_PER_S),
				   .tv_nsec = (long)(ns % MC_NS_PER_S)};

	ppoll(&fd, 1, wake_ns == UINT64_MAX ? NULL : &timeout, NULL);
	atomic_store_explicit(&turns->keeper, KEEPER_AWAKE, memory_order_release);
}

/* Until nothing is to do; with the turn, which it gives back. */
static void
keeper_turn(struct mc_turns *turns)
{
	uint64_t wake_ns;

	for (;;) {
		for (uint32_t i = 0; i < KEEPER_PASSES; i++)
			if (mc_reactor_poll_as(turns->reactor, MC_IDLE_INLINE) == 0 && i > 0)
				break;
		if (atomic_load_explicit(&turns->waiters, memory_order_relaxed) > 0 ||
		    atomic_load_explicit(&turns->stopping, memory_order_relaxed)) {
			turn_give(turns);
			return;
		}
		if (!mc_reactor_arm(turns->reactor, &wake_ns))
			continue;
		atomic_store_explicit(&turns->wake_ns, wake_ns, memory_order_relaxed);
		atomic_store_explicit(&turns->keeper, KEEPER_POLLING, memory_order_release);
		atomic_store_explicit(&turns->taken, false, memory_order_seq_cst);
		waiter_pop(turns);
		keeper_sleep(turns, wake_ns);
		return;
	}
}

static void *
keeper_main(void *arg)
{
	struct mc_turns *turns = arg;

	while (!atomic_load_explicit(&turns->stopping, memory_order_acquire)) {
		if (turn_take(turns))
			keeper_turn(turns);
		else
			keeper_park(turns);
	}
	return NULL;
}

enum mc_status
mc_turns_keep(struct mc_turns *turns, const char *name)
{
	sigset_t all, before;
	int error;

	atomic_store_explicit(&turns->stopping, false, memory_order_relaxed);
	atomic_store_explicit(&turns->keeper, KEEPER_AWAKE, memory_order_release);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&turns->thread, NULL, keeper_main, turns);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0) {
		atomic_store_explicit(&turns->keeper, KEEPER_NONE, memory_order_release);
		mc_log_error("thread %s: cannot be started: errno %d", name, error);
		return error == EAGAIN ? MC_ERR_NO_MEMORY : MC_ERR_INTERNAL;
	}
	pthread_setname_np(turns->thread, name);
	return MC_OK;
}

void
mc_turns_leave(struct mc_turns *turns)
{
	if (atomic_load_explicit(&turns->keeper, memory_order_acquire) == KEEPER_NONE)
		return;
	atomic_store_explicit(&turns->stopping, true, memory_order_release);
	mc_turns_nudge(turns);
	mc_reactor_wake(turns->reactor);
	pthread_join(turns->thread, NULL);
	atomic_store_explicit(&turns->keeper, KEEPER_NONE, memory_order_release);
}

/* ---- life ---- */

enum mc_status
mc_turns_create(struct mc_reactor *reactor, struct mc_turns **turns_out)
{
	struct mc_turns *turns = aligned_alloc(64, (sizeof(*turns) + 63) / 64 * 64);

	if (turns == NULL)
		return MC_ERR_NO_MEMORY;
	*turns = (struct mc_turns){.reactor = reactor, .keeper = KEEPER_NONE};
	pthread_mutex_init(&turns->lock, NULL);
	mc_list_init(&turns->list);
	*turns_out = turns;
	return MC_OK;
}

void
mc_turns_destroy(struct mc_turns *turns)
{
	if (turns == NULL)
		return;
	pthread_mutex_destroy(&turns->lock);
	free(turns);
}
