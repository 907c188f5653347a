/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pass: descriptors (sleeping here when there is nothing to do), messages, timers, pollers.
 *
 * Sleeping and waking: the receiver exchanges `sleeping` to true and then looks at its ring; the
 * sender puts its message into the ring and then exchanges `sleeping` to false. Both are
 * read-modify-writes of one variable, so one comes first: if the receiver's, the sender finds true
 * and writes the eventfd; if the sender's, the receiver's exchange reads what the sender wrote and
 * so sees the message. Either way no wake-up is lost, and a busy receiver costs no system call.
 */
#include "core/eal/reactor.h"

#include <errno.h>
#include <pthread.h>
#include <rte_ring.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

#include "core/base/assert.h"
#include "core/base/clock.h"
#include "core/eal/idle.h"
#include "core/eal/timer.h"
#include "core/metrics/metrics.h"
#include "mc/log.h"

#define EVENTS_PER_PASS 64
#define MESSAGES_PER_PASS 256
#define MESSAGES_DEFAULT 32768u

struct mc_reactor {
	/* written by senders */
	_Atomic bool sleeping __attribute__((aligned(64)));
	_Atomic bool stopping;

	/* the reactor's own */
	struct rte_ring *ring __attribute__((aligned(64)));
	uint64_t now_ns;
	uint64_t work_ns;		/* when work from outside was last done; 0: never */
	enum mc_idle_policy policy;
	struct mc_idle idle;
	bool polled;			/* a poller did work in the last pass */
	int epoll_fd;
	int wake_fd;
	struct mc_list pollers;
	struct mc_list *poller_next;	/* of the pass that is under way */
	struct timer_heap timers;
	struct epoll_event *events;	/* of the pass that is under way */
	int events_count;
	struct mc_counter passes;
	struct mc_counter busy_ns;
	struct mc_counter messages;
	struct mc_counter sleeps;
	char name[16];
};

static __thread struct mc_reactor *self;

/* ---- life ---- */

/*
 * In memory of our own, not the EAL's, so that a reactor without an lcore needs no EAL. Senders are
 * threads of any kind, more than there are CPUs: with the plain ring all of them spin behind one
 * that was preempted (20 s for 18,000 messages of 6 threads on 2 CPUs), with this one none does.
 */
static struct rte_ring *
ring_create(uint32_t messages_max)
{
	size_t bytes = (size_t)rte_ring_get_memsize(messages_max);
	struct rte_ring *ring = aligned_alloc(RTE_CACHE_LINE_SIZE, bytes);

	if (ring == NULL || rte_ring_init(ring, "mc-reactor", messages_max,
					  RING_F_MP_RTS_ENQ | RING_F_SC_DEQ) == 0)
		return ring;
	free(ring);
	return NULL;
}

static enum mc_status
reactor_open(struct mc_reactor *reactor, uint32_t messages_max)
{
	struct epoll_event wake = {.events = EPOLLIN};

	reactor->ring = ring_create(messages_max);
	if (reactor->ring == NULL)
		return MC_ERR_NO_MEMORY;
	reactor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	reactor->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (reactor->epoll_fd < 0 || reactor->wake_fd < 0 ||
	    epoll_ctl(reactor->epoll_fd, EPOLL_CTL_ADD, reactor->wake_fd, &wake) != 0)
		return MC_ERR_IO;
	return MC_OK;
}

enum mc_status
mc_reactor_create(const struct mc_reactor_params *params, struct mc_reactor **reactor_out)
{
	struct mc_reactor *reactor = aligned_alloc(64, sizeof(*reactor));
	uint32_t messages = params->messages_max != 0 ? params->messages_max : MESSAGES_DEFAULT;
	enum mc_status st;

	mc_assert(params->size == sizeof(*params) && (messages & (messages - 1)) == 0);
	if (reactor == NULL)
		return MC_ERR_NO_MEMORY;
	*reactor = (struct mc_reactor){
		.policy = params->idle,
		.epoll_fd = -1,
		.wake_fd = -1,
	};
	snprintf(reactor->name, sizeof(reactor->name), "%s",
		 params->name != NULL ? params->name : "mc-reactor");
	mc_list_init(&reactor->pollers);
	mc_idle_init(&reactor->idle, params->spin_ns);
	reactor->now_ns = mc_clock_mono_ns();
	st = reactor_open(reactor, messages);
	if (st != MC_OK) {
		mc_reactor_destroy(reactor);
		return st;
	}
	*reactor_out = reactor;
	return MC_OK;
}

void
mc_reactor_destroy(struct mc_reactor *reactor)
{
	if (reactor == NULL)
		return;
	if (reactor->epoll_fd >= 0)
		close(reactor->epoll_fd);
	if (reactor->wake_fd >= 0)
		close(reactor->wake_fd);
	free(reactor->ring);
	mc_timer_heap_fini(&reactor->timers);
	free(reactor);
}

struct mc_reactor *
mc_reactor_self(void)
{
	return self;
}

uint64_t
mc_reactor_now(const struct mc_reactor *reactor)
{
	return reactor->now_ns;
}

uint64_t
mc_reactor_worked(const struct mc_reactor *reactor)
{
	return reactor->work_ns;
}

/* ---- pollers ---- */

void
mc_poller_add(struct mc_reactor *reactor, struct mc_poller *poller)
{
	poller->reactor = reactor;
	mc_list_add_tail(&reactor->pollers, &poller->link);
	/* it may have work already: asked once before the reactor sleeps */
	reactor->polled = true;
}

void
mc_poller_del(struct mc_poller *poller)
{
	struct mc_reactor *reactor = poller->reactor;

	if (reactor == NULL)
		return;
	/* it may be the one that comes next in this pass */
	if (reactor->poller_next == &poller->link)
		reactor->poller_next = poller->link.next;
	mc_list_del(&poller->link);
	poller->reactor = NULL;
}

static uint32_t
pollers_run(struct mc_reactor *reactor)
{
	struct mc_list *node = reactor->pollers.next;
	uint32_t work = 0;

	while (node != &reactor->pollers) {
		struct mc_poller *poller = mc_container_of(node, struct mc_poller, link);

		reactor->poller_next = node->next;
		work += poller->poll(poller);
		node = reactor->poller_next;
	}
	reactor->poller_next = NULL;
	return work;
}

/* ---- descriptors ---- */

enum mc_status
mc_watch_add(struct mc_reactor *reactor, struct mc_watch *watch)
{
	struct epoll_event event = {.events = watch->events, .data.ptr = watch};

	if (epoll_ctl(reactor->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) != 0) {
		mc_log_error("epoll: cannot watch descriptor %d: errno %d", watch->fd, errno);
		return errno == ENOMEM || errno == ENOSPC ? MC_ERR_NO_MEMORY : MC_ERR_INVALID;
	}
	watch->on = true;
	return MC_OK;
}

enum mc_status
mc_watch_mod(struct mc_reactor *reactor, struct mc_watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	if (epoll_ctl(reactor->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) != 0)
		return MC_ERR_INVALID;
	watch->events = events;
	return MC_OK;
}

void
mc_watch_del(struct mc_reactor *reactor, struct mc_watch *watch)
{
	if (!watch->on)
		return;
	epoll_ctl(reactor->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->on = false;
	/* an event of this pass that was not handled yet must not reach it */
	for (int i = 0; i < reactor->events_count; i++) {
		if (reactor->events[i].data.ptr == watch)
			reactor->events[i].data.ptr = NULL;
	}
}

static void
wake_clear(struct mc_reactor *reactor)
{
	uint64_t count;

	if (read(reactor->wake_fd, &count, sizeof(count)) < 0)
		return;		/* EAGAIN: nothing to clear */
}

static uint32_t
events_run(struct mc_reactor *reactor, struct epoll_event *events, int count)
{
	reactor->events = events;
	reactor->events_count = count;
	for (int i = 0; i < count; i++) {
		struct mc_watch *watch = events[i].data.ptr;

		/* the wake-up descriptor carries no pointer; a deleted watch lost its own */
		if (watch != NULL)
			watch->ready(watch, events[i].events);
		else
			wake_clear(reactor);
	}
	reactor->events_count = 0;
	return count > 0 ? (uint32_t)count : 0;
}

/* ---- sleeping ---- */

/* Has every poller made sure that it will be woken? */
static bool
pollers_sleep(struct mc_reactor *reactor)
{
	bool ready = true;

	for (struct mc_list *node = reactor->pollers.next; node != &reactor->pollers;
	     node = node->next) {
		struct mc_poller *poller = mc_container_of(node, struct mc_poller, link);

		if (poller->sleep != NULL)
			ready &= poller->sleep(poller);
	}
	return ready;
}

/* How long this pass may sleep: 0 while there is work or spinning is worth it. */
static uint64_t
sleep_ns(const struct mc_reactor *reactor, enum mc_idle_policy policy, uint64_t now)
{
	/* a pass that did work ended after its own clock reading */
	uint64_t idle = now > reactor->work_ns ? now - reactor->work_ns : 0;
	uint64_t next;

	if (policy != MC_IDLE_ADAPTIVE || reactor->polled ||
	    idle < mc_idle_spin_ns(&reactor->idle))
		return 0;
	next = timer_heap_next_ns(&reactor->timers);
	return next > now ? next - now : 0;
}

/* rte_ring_empty(), with loads that order what follows; the reactor is the only consumer. */
static bool
ring_empty(const struct rte_ring *ring)
{
	return __atomic_load_n(&ring->prod.tail, __ATOMIC_ACQUIRE) == ring->cons.tail;
}

static int
events_sleep(struct mc_reactor *reactor, struct epoll_event *events, uint64_t ns)
{
	struct timespec timeout = {.tv_sec = (time_t)(ns / MC_NS_PER_S),
				   .tv_nsec = (long)(ns % MC_NS_PER_S)};
	int count;

	atomic_exchange_explicit(&reactor->sleeping, true, memory_order_acq_rel);
	if (!ring_empty(reactor->ring) ||
	    atomic_load_explicit(&reactor->stopping, memory_order_acquire)) {
		atomic_store_explicit(&reactor->sleeping, false, memory_order_relaxed);
		return 0;
	}
	mc_counter_add(&reactor->sleeps, 1);
	count = epoll_pwait2(reactor->epoll_fd, events, EVENTS_PER_PASS,
			     ns == UINT64_MAX ? NULL : &timeout, NULL);
	if (count < 0 && errno == ENOSYS)	/* before Linux 5.11 */
		count = epoll_wait(reactor->epoll_fd, events, EVENTS_PER_PASS,
				   ns > 1000 * MC_NS_PER_S ? 1000000
							   : (int)(ns / MC_NS_PER_MS + 1));
	atomic_store_explicit(&reactor->sleeping, false, memory_order_relaxed);
	return count;
}

static int
events_wait(struct mc_reactor *reactor, enum mc_idle_policy policy, struct epoll_event *events)
{
	uint64_t ns = sleep_ns(reactor, policy, reactor->now_ns);

	/* a timer without end: UINT64_MAX less the time is still centuries */
	if (ns > 0 && pollers_sleep(reactor))
		return events_sleep(reactor, events,
				    reactor->timers.count > 0 ? ns : UINT64_MAX);
	return epoll_wait(reactor->epoll_fd, events, EVENTS_PER_PASS, 0);
}

/* ---- left alone ---- */

bool
mc_reactor_arm(struct mc_reactor *reactor, uint64_t *wake_ns_out)
{
	uint64_t next = timer_heap_next_ns(&reactor->timers);

	if (reactor->polled || !pollers_sleep(reactor) || next <= mc_clock_mono_ns())
		return false;
	atomic_exchange_explicit(&reactor->sleeping, true, memory_order_acq_rel);
	if (!ring_empty(reactor->ring)) {
		atomic_store_explicit(&reactor->sleeping, false, memory_order_relaxed);
		return false;
	}
	*wake_ns_out = reactor->timers.count > 0 ? next : UINT64_MAX;
	return true;
}

void
mc_reactor_disarm(struct mc_reactor *reactor)
{
	atomic_exchange_explicit(&reactor->sleeping, false, memory_order_acq_rel);
}

int
mc_reactor_fd(const struct mc_reactor *reactor)
{
	return reactor->epoll_fd;
}

/* ---- messages ---- */

/*
 * What was written in front of a send is seen by whoever runs the message. rte_ring sees to that on
 * every machine that DPDK runs on, but in steps that the C memory model does not count (one sender
 * waits for another's tail with a relaxed load), so a race detector is told; tests/tsan.supp has
 * the inside of the ring.
 */
#ifdef __SANITIZE_THREAD__
#define ring_hand_over(ring) __tsan_release(ring)
#define ring_take_over(ring) __tsan_acquire(ring)
#else
#define ring_hand_over(ring) (void)0
#define ring_take_over(ring) (void)0
#endif

void
mc_reactor_wake(struct mc_reactor *reactor)
{
	uint64_t one = 1;

	/* a counter at its limit (EAGAIN) wakes just as well */
	if (write(reactor->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		mc_log_error("eventfd: cannot wake %s: errno %d", reactor->name, errno);
}

enum mc_status
mc_reactor_send(struct mc_reactor *reactor, struct mc_msg *msg)
{
	ring_hand_over(reactor->ring);
	if (rte_ring_enqueue(reactor->ring, msg) != 0)
		return MC_AGAIN;
	if (atomic_exchange_explicit(&reactor->sleeping, false, memory_order_acq_rel))
		mc_reactor_wake(reactor);
	return MC_OK;
}

static uint32_t
messages_run(struct mc_reactor *reactor)
{
	void *messages[32];
	uint32_t total = 0;
	unsigned int count;

	do {
		count = rte_ring_sc_dequeue_burst(reactor->ring, messages, 32, NULL);
		ring_take_over(reactor->ring);
		for (unsigned int i = 0; i < count; i++) {
			struct mc_msg *msg = messages[i];

			msg->run(msg);
		}
		total += count;
	} while (count == 32 && total < MESSAGES_PER_PASS);
	if (total > 0)
		mc_counter_add(&reactor->messages, total);
	return total;
}

/* ---- timers ---- */

enum mc_status
mc_timer_start(struct mc_reactor *reactor, struct mc_timer *timer, uint64_t deadline_ns)
{
	return mc_timer_heap_set(&reactor->timers, timer, deadline_ns);
}

void
mc_timer_stop(struct mc_reactor *reactor, struct mc_timer *timer)
{
	mc_timer_heap_del(&reactor->timers, timer);
}

static uint32_t
timers_run(struct mc_reactor *reactor)
{
	uint32_t most = reactor->timers.count;
	uint32_t count = 0;

	/* as many as there were: one that starts itself again for now waits for the next pass */
	while (count < most) {
		struct mc_timer *timer = mc_timer_heap_due(&reactor->timers, reactor->now_ns);

		if (timer == NULL)
			break;
		timer->expired(timer);
		count++;
	}
	return count;
}

/* ---- the loop ---- */

uint32_t
mc_reactor_poll(struct mc_reactor *reactor)
{
	return mc_reactor_poll_as(reactor, reactor->policy);
}

uint32_t
mc_reactor_poll_as(struct mc_reactor *reactor, enum mc_idle_policy policy)
{
	struct mc_reactor *before = self;
	struct epoll_event events[EVENTS_PER_PASS];
	uint32_t outside, work, polled;
	int count;

	self = reactor;
	count = events_wait(reactor, policy, events);
	reactor->now_ns = mc_clock_mono_ns();
	outside = events_run(reactor, events, count);
	outside += messages_run(reactor);
	if (outside > 0 && reactor->work_ns > 0)
		mc_idle_note(&reactor->idle, reactor->now_ns - reactor->work_ns);
	work = outside + timers_run(reactor);
	polled = pollers_run(reactor);
	reactor->polled = polled > 0;
	work += polled;
	mc_counter_add(&reactor->passes, 1);
	if (work > 0) {
		uint64_t end = mc_clock_mono_ns();

		mc_counter_add(&reactor->busy_ns, end - reactor->now_ns);
		/* a timer alone is no reason to expect more */
		if (outside + polled > 0)
			reactor->work_ns = end;
	}
	self = before;
	return work;
}

void
mc_reactor_run(struct mc_reactor *reactor)
{
	while (!atomic_load_explicit(&reactor->stopping, memory_order_acquire))
		mc_reactor_poll(reactor);
	atomic_store_explicit(&reactor->stopping, false, memory_order_relaxed);
}

void
mc_reactor_stop(struct mc_reactor *reactor)
{
	atomic_store_explicit(&reactor->stopping, true, memory_order_release);
	atomic_exchange_explicit(&reactor->sleeping, false, memory_order_acq_rel);
	mc_reactor_wake(reactor);
}

void
mc_reactor_stats_read(const struct mc_reactor *reactor, struct mc_reactor_stats *stats_out)
{
	stats_out->passes = mc_counter_read(&reactor->passes);
	stats_out->busy_ns = mc_counter_read(&reactor->busy_ns);
	stats_out->messages = mc_counter_read(&reactor->messages);
	stats_out->sleeps = mc_counter_read(&reactor->sleeps);
}
