/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reactor: one loop on one thread that runs pollers, descriptor watches, timers and messages.
 * Everything here but mc_reactor_send() is called on the reactor's own thread (or before it runs).
 * Objects are embedded by their owner and must outlive their registration.
 *
 * There is one reactor per lcore (mc_lcore_reactor()), made by mc_eal_start(), and any number of
 * reactors on unpinned threads or without a thread (MC_IDLE_INLINE), made by mc_reactor_create().
 */
#ifndef MC_CORE_EAL_REACTOR_H
#define MC_CORE_EAL_REACTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/list.h"
#include "mc/eal.h"
#include "mc/status.h"

struct mc_reactor;

/* Called in every pass; returns how much work it did, 0 for none (lets the reactor sleep). */
struct mc_poller {
	struct mc_list link;
	struct mc_reactor *reactor;	/* set by mc_poller_add() */
	uint32_t (*poll)(struct mc_poller *poller);
	/*
	 * Before the reactor sleeps: false if the poller must be called first, as what comes next
	 * would not wake it. NULL: it may always sleep.
	 */
	bool (*sleep)(struct mc_poller *poller);
};

/* A descriptor; @ready gets EPOLL* bits (level-triggered). */
struct mc_watch {
	void (*ready)(struct mc_watch *watch, uint32_t events);
	int fd;
	uint32_t events;
	bool on;
};

/* One shot; may be started again from its own callback. Zero-initialise before first use. */
struct mc_timer {
	void (*expired)(struct mc_timer *timer);
	uint64_t deadline_ns;
	uint32_t slot;		/* place in the heap + 1; 0: not running */
};

/* Sent by pointer: owned by the receiver until @run is called there. */
struct mc_msg {
	void (*run)(struct mc_msg *msg);
};

struct mc_reactor_params {
	size_t size;
	const char *name;		/* thread name, at most 15 bytes */
	enum mc_idle_policy idle;
	uint64_t spin_ns;
	uint32_t messages_max;		/* ring size, a power of two; 0: 32768 */
};

/* Needs no started EAL. */
enum mc_status mc_reactor_create(const struct mc_reactor_params *params,
				 struct mc_reactor **reactor_out);
void mc_reactor_destroy(struct mc_reactor *reactor);

/* Runs on the calling thread until mc_reactor_stop() (any thread); or one pass, for inline use. */
void mc_reactor_run(struct mc_reactor *reactor);
void mc_reactor_stop(struct mc_reactor *reactor);
uint32_t mc_reactor_poll(struct mc_reactor *reactor);
/* One pass as under @policy: MC_IDLE_ADAPTIVE may sleep in it, MC_IDLE_INLINE never does. */
uint32_t mc_reactor_poll_as(struct mc_reactor *reactor, enum mc_idle_policy policy);

/*
 * For a reactor that no thread stays with (core/eal/turns.h). Armed, it may be left alone until its
 * descriptor is readable (poll() it) or the time *wake_ns_out (UINT64_MAX: never). False: there is
 * something to do now. Whoever runs it next disarms it first.
 */
bool mc_reactor_arm(struct mc_reactor *reactor, uint64_t *wake_ns_out);
void mc_reactor_disarm(struct mc_reactor *reactor);
int mc_reactor_fd(const struct mc_reactor *reactor);
/* Any thread: makes the descriptor readable, ends a sleep. */
void mc_reactor_wake(struct mc_reactor *reactor);

/* The reactor of lcore @index, and the one whose thread this is (NULL: none). */
struct mc_reactor *mc_lcore_reactor(unsigned int index);
struct mc_reactor *mc_reactor_self(void);

/* Time at the start of this pass, from mc_clock_mono_ns(). */
uint64_t mc_reactor_now(const struct mc_reactor *reactor);
/* When the last pass that did something ended. */
uint64_t mc_reactor_worked(const struct mc_reactor *reactor);

void mc_poller_add(struct mc_reactor *reactor, struct mc_poller *poller);
void mc_poller_del(struct mc_poller *poller);

enum mc_status mc_watch_add(struct mc_reactor *reactor, struct mc_watch *watch);
enum mc_status mc_watch_mod(struct mc_reactor *reactor, struct mc_watch *watch, uint32_t events);
void mc_watch_del(struct mc_reactor *reactor, struct mc_watch *watch);

/* Starting a running timer moves it. Growth of the heap may fail: MC_ERR_NO_MEMORY. */
enum mc_status mc_timer_start(struct mc_reactor *reactor, struct mc_timer *timer,
			      uint64_t deadline_ns);
void mc_timer_stop(struct mc_reactor *reactor, struct mc_timer *timer);

/*
 * Any thread. Messages of one sender arrive in order. MC_AGAIN: the ring is full, nothing was
 * sent. A sleeping reactor is woken; a wake-up is never lost.
 */
enum mc_status mc_reactor_send(struct mc_reactor *reactor, struct mc_msg *msg);

/* Counters, for any reader (relaxed). */
struct mc_reactor_stats {
	uint64_t passes;
	uint64_t busy_ns;	/* time in passes that did work */
	uint64_t messages;
	uint64_t sleeps;
};
void mc_reactor_stats_read(const struct mc_reactor *reactor, struct mc_reactor_stats *stats_out);

#endif
