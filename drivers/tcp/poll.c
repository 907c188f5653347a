/* SPDX-License-Identifier: Apache-2.0 */
/* The loop of a cq: who is asked when. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "drivers/tcp/private.h"

#define EVENTS_MAX 64
/*
 * While a few sockets are in use, asking them costs less than asking epoll, and what comes on
 * others may wait for this many polls.
 */
#define LOOK_EVERY 16u
#define HOT_MAX 4u
#define MISSES_MAX 2000u	/* of a hot socket, before epoll alone watches it */

/* ---- ticks ---- */

enum mc_status
tcp_tick_open(struct tcp_cq *cq)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &cq->tick};

	cq->tick.kind = TCP_KIND_TICK;
	cq->tick.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (cq->tick.fd < 0)
		return MC_ERR_IO;
	if (epoll_ctl(cq->epoll, EPOLL_CTL_ADD, cq->tick.fd, &event) == 0)
		return MC_OK;
	close(cq->tick.fd);
	return MC_ERR_IO;
}

static void
tick_set(struct tcp_cq *cq, bool on)
{
	const struct itimerspec spec = {.it_value.tv_sec = on, .it_interval.tv_sec = on};

	(void)timerfd_settime(cq->tick.fd, 0, &spec, NULL);
	cq->ticking = on;
}

void
tcp_tick_need(struct tcp_cq *cq)
{
	if (!cq->ticking)
		tick_set(cq, true);
}

static void
tick(struct tcp_cq *cq)
{
	struct mc_list *node, *next;
	uint64_t times;
	bool needed = false;

	if (read(cq->tick.fd, &times, sizeof(times)) < 0)
		return;
	tcp_accept_resume(cq);
	for (node = cq->eps.next; node != &cq->eps; node = node->next) {
		struct tcp_ep *ep = mc_container_of(node, struct tcp_ep, link);

		for (uint32_t l = 0; l < ep->lanes_count; l++)
			needed |= tcp_lane_tick(&ep->lanes[l]);
	}
	for (node = cq->conns.next; node != &cq->conns; node = next) {
		next = node->next;
		needed |= tcp_conn_tick(cq, mc_container_of(node, struct tcp_conn, link));
	}
	if (!needed)
		tick_set(cq, false);
}

/* ---- events ---- */

static void
event_take(struct tcp_cq *cq, const struct epoll_event *event)
{
	struct tcp_sock *sock = event->data.ptr;

	if (sock->kind == TCP_KIND_LISTENER || sock->kind == TCP_KIND_TICK)
		return;
	if ((event->events & EPOLLERR) != 0)
		sock->broken = true;
	if ((event->events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0)
		tcp_sock_block(cq, sock, false);
	tcp_sock_ready(cq, sock);
}

/* Sockets are closed, and memory freed, only when all events have been taken. */
static void
look(struct tcp_cq *cq)
{
	struct epoll_event events[EVENTS_MAX];
	bool accepting = false, ticked = false;
	int n = epoll_wait(cq->epoll, events, EVENTS_MAX, 0);

	for (int i = 0; i < n; i++) {
		const struct tcp_sock *sock = events[i].data.ptr;

		event_take(cq, &events[i]);
		accepting = accepting || sock->kind == TCP_KIND_LISTENER;
		ticked = ticked || sock->kind == TCP_KIND_TICK;
	}
	if (accepting)
		tcp_accept(cq);
	if (ticked)
		tick(cq);
}

static void
ready_drop(struct tcp_cq *cq, struct tcp_sock *sock)
{
	mc_list_del(&sock->ready_link);
	cq->ready_count--;
}

/* Every one once. A step may close its own socket and others: the list is cut off before. */
static void
ready_run(struct tcp_cq *cq)
{
	for (uint32_t n = cq->ready_count; n > 0 && !mc_list_empty(&cq->ready); n--) {
		struct tcp_sock *sock =
			mc_container_of(cq->ready.next, struct tcp_sock, ready_link);
		uint16_t misses = sock->misses;
		bool moved;

		/* to the end, and known there as asked in vain until it says otherwise */
		ready_drop(cq, sock);
		if (misses < MISSES_MAX && (misses == 0 || cq->ready_count < HOT_MAX))
			tcp_sock_ready(cq, sock);
		sock->misses = misses + 1;
		if (sock->kind == TCP_KIND_LANE) {
			moved = tcp_lane_step(mc_container_of(sock, struct tcp_lane, sock));
		} else {
			moved = tcp_conn_step(cq, mc_container_of(sock, struct tcp_conn, sock));
			cq->base.counters.busy = cq->base.counters.busy || moved;
		}
		if (moved)
			tcp_sock_ready(cq, sock);
	}
}

/* Once each: who is kicked meanwhile has its turn at the next poll. */
static void
kicked_run(struct tcp_cq *cq)
{
	struct mc_list *last = cq->kicked.prev, *node;

	do {
		node = cq->kicked.next;
		mc_list_del(node);
		tcp_ep_pump(mc_container_of(node, struct tcp_ep, kick_link));
	} while (node != last && !mc_list_empty(&cq->kicked));
}

static uint32_t
completions_take(struct tcp_cq *cq, struct mc_completion *out, uint32_t out_count)
{
	uint32_t n = 0;

	while (n < out_count && cq->head != cq->tail) {
		out[n] = cq->ring[cq->head++ & cq->mask];
		tcp_ep(out[n].ep)->outstanding--;
		cq->outstanding--;
		n++;
	}
	while (n < out_count && !mc_list_empty(&cq->failed)) {
		struct tcp_ep *ep = mc_container_of(cq->failed.next, struct tcp_ep, failed_link);

		mc_list_del(&ep->failed_link);
		out[n++] = (struct mc_completion){.ep = &ep->base, .status = MC_ERR_CONN_CLOSED};
	}
	return n;
}

uint32_t
tcp_poll(struct mc_cq *base, struct mc_completion *out, uint32_t out_count)
{
	struct tcp_cq *cq = tcp_cq(base);

	if (!mc_list_empty(&cq->kicked))
		kicked_run(cq);
	if (cq->ready_count == 0 || cq->blocked > 0 || --cq->look_in == 0) {
		cq->look_in = LOOK_EVERY;
		look(cq);
	}
	ready_run(cq);
	return completions_take(cq, out, out_count);
}

/*
 * What was asked in vain since its last event wakes the sleeper by the next one; the others have
 * something to do.
 */
enum mc_status
tcp_arm(struct mc_cq *base)
{
	struct tcp_cq *cq = tcp_cq(base);
	struct mc_list *node, *next;

	if (cq->head != cq->tail || !mc_list_empty(&cq->failed) ||
	    !mc_list_empty(&cq->kicked))
		return MC_AGAIN;
	for (node = cq->ready.next; node != &cq->ready; node = next) {
		struct tcp_sock *sock = mc_container_of(node, struct tcp_sock, ready_link);

		next = node->next;
		if (sock->misses == 0)
			return MC_AGAIN;
		ready_drop(cq, sock);
	}
	return MC_OK;
}
