/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of hosts. The C library's look-up of a name blocks for as long as it likes, so that
 * each runs on a thread of its own, and a timer asks every few milliseconds whether it is done:
 * that needs neither a lock nor a message to a reactor that may be gone. Whoever asked is told in
 * time, whatever the thread does; the last of the two frees what they share. Numeric hosts need no
 * thread.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/peer/private.h"
#include "mc/log.h"

#define THREADS_MAX 16u		/* of the process; more names wait for one to end */
#define STACK_BYTES (512u << 10)	/* modules of the name service want some */
#define PAUSE_FIRST_NS MC_NS_PER_MS
#define PAUSE_MOST_NS (16 * MC_NS_PER_MS)

/* What the thread has. */
struct look {
	_Atomic unsigned int refs;
	_Atomic bool done;
	enum mc_status status;
	uint32_t count;
	uint16_t port;
	char host[PEER_HOST_MAX];
	struct mc_net_addr addrs[PEER_ADDRS_MAX];
};

/* What the asker has. */
struct asked_host {
	struct mc_list link;
	struct mc_timer timer;
	struct mc_peer *peer;
	struct look *look;
	bool started;
	uint64_t pause_ns;
	uint64_t deadline_ns;
	peer_host_found found;
	void *context;
};

static _Atomic unsigned int threads;

static void
look_unref(struct look *look)
{
	if (atomic_fetch_sub_explicit(&look->refs, 1, memory_order_acq_rel) == 1)
		free(look);
}

static void *
look_main(void *arg)
{
	struct look *look = arg;

	look->status = mc_net_host_resolve(look->host, look->port, look->addrs, PEER_ADDRS_MAX,
					   &look->count);
	/* whoever sees this sees the addresses */
	atomic_store_explicit(&look->done, true, memory_order_release);
	atomic_fetch_sub_explicit(&threads, 1, memory_order_relaxed);
	look_unref(look);
	return NULL;
}

/* False: no thread now; asked again at the next tick. */
static bool
look_start(struct look *look)
{
	pthread_attr_t attr;
	sigset_t all, before;
	pthread_t thread;
	int rc;

	if (atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) >= THREADS_MAX) {
		atomic_fetch_sub_explicit(&threads, 1, memory_order_relaxed);
		return false;
	}
	atomic_fetch_add_explicit(&look->refs, 1, memory_order_relaxed);
	/* signals are the host program's, on threads of its own */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	rc = pthread_create(&thread, &attr, look_main, look);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		return true;
	atomic_fetch_sub_explicit(&threads, 1, memory_order_relaxed);
	look_unref(look);
	return false;
}

static void
host_end(struct asked_host *asked, enum mc_status status)
{
	struct look *look = asked->look;

	mc_timer_stop(asked->peer->reactor, &asked->timer);
	mc_list_del(&asked->link);
	if (status == MC_ERR_ADDRESS_INVALID)
		MC_LOG_LIMITED(MC_LOG_WARN, "host %s: the name service knows no address of it",
			       look->host);
	else if (status == MC_ERR_TIMEOUT)
		MC_LOG_LIMITED(MC_LOG_WARN, "host %s: the name service did not answer in time",
			       look->host);
	asked->found(asked->context, status, look->addrs, status == MC_OK ? look->count : 0);
	look_unref(look);
	free(asked);
}

static void
host_tick(struct mc_timer *timer)
{
	struct asked_host *asked = mc_container_of(timer, struct asked_host, timer);
	struct look *look = asked->look;
	uint64_t now = mc_clock_mono_ns(), next;

	if (atomic_load_explicit(&look->done, memory_order_acquire)) {
		host_end(asked, look->status);
		return;
	}
	if (now >= asked->deadline_ns) {
		host_end(asked, MC_ERR_TIMEOUT);
		return;
	}
	if (!asked->started)
		asked->started = look_start(look);
	next = now + asked->pause_ns;
	if (asked->pause_ns < PAUSE_MOST_NS)
		asked->pause_ns *= 2;
	if (mc_timer_start(asked->peer->reactor, timer,
			   next < asked->deadline_ns ? next : asked->deadline_ns) != MC_OK)
		host_end(asked, MC_ERR_NO_MEMORY);
}

enum mc_status
peer_host_look(struct mc_peer *peer, const char *host, uint16_t port, uint64_t timeout_ns,
	       peer_host_found found, void *context)
{
	struct asked_host *asked = calloc(1, sizeof(*asked));
	struct look *look = calloc(1, sizeof(*look));
	uint64_t now = mc_clock_mono_ns();

	if (asked == NULL || look == NULL ||
	    mc_timer_start(peer->reactor, &asked->timer, now) != MC_OK) {
		free(asked);
		free(look);
		return MC_ERR_NO_MEMORY;
	}
	atomic_init(&look->refs, 1);
	snprintf(look->host, sizeof(look->host), "%s", host);
	look->port = port;
	if (mc_net_addr_parse(host, port, &look->addrs[0]) == MC_OK) {
		look->count = 1;
		atomic_store_explicit(&look->done, true, memory_order_relaxed);
	}
	asked->timer.expired = host_tick;
	asked->peer = peer;
	asked->look = look;
	asked->pause_ns = PAUSE_FIRST_NS;
	asked->deadline_ns = now + timeout_ns;
	asked->found = found;
	asked->context = context;
	mc_list_add_tail(&peer->looking, &asked->link);
	return MC_OK;
}

void
peer_host_close(struct mc_peer *peer)
{
	while (!mc_list_empty(&peer->looking))
		host_end(mc_container_of(peer->looking.next, struct asked_host, link),
			 MC_ERR_CANCELED);
}
