/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to the handshake port of a peer: one connection each, and one deadline for all of it.
 * The addresses of a host are tried in turn, as its name may stand for one that the peer does not
 * listen on ("localhost" is ::1 first, and upstream listens on IPv4).
 */
#include <stdlib.h>
#include <sys/epoll.h>

#include "core/base/clock.h"
#include "core/peer/private.h"

#define ANSWER_MAX ((16u << 20) + 2)	/* the longest descriptor that is read, in its frame */
#define RECV_BYTES 65536u

struct question {
	struct mc_watch watch;
	struct mc_timer timer;		/* connecting, then all of it */
	struct mc_list link;
	struct mc_peer *peer;
	struct mc_buf in;
	struct mc_buf out;
	struct mc_net_addr addrs[PEER_ADDRS_MAX];
	uint32_t addrs_count;
	uint32_t addrs_next;
	uint64_t deadline_ns;
	uint8_t type;
	bool connected;
	peer_answer answer;
	void *context;
};

static void
question_hang_up(struct question *question)
{
	if (question->watch.fd < 0)
		return;
	mc_watch_del(question->peer->reactor, &question->watch);
	mc_net()->close(question->watch.fd);
	question->watch.fd = -1;
}

/* @body may lie in the question. */
static void
question_end(struct question *question, enum mc_status status, struct mc_str body)
{
	question_hang_up(question);
	mc_timer_stop(question->peer->reactor, &question->timer);
	mc_list_del(&question->link);
	question->answer(question->context, status, body);
	mc_buf_fini(&question->in);
	mc_buf_fini(&question->out);
	free(question);
}

/* ---- talking ---- */

static enum mc_status
question_send(struct question *question)
{
	while (mc_buf_len(&question->out) > 0) {
		struct iovec iov = {question->out.data + question->out.head,
				    mc_buf_len(&question->out)};
		size_t sent;
		enum mc_status st = mc_net()->send(question->watch.fd, &iov, 1, &sent);

		if (st == MC_AGAIN)
			return MC_OK;
		if (st != MC_OK)
			return st;
		mc_buf_consume(&question->out, sent);
	}
	return mc_watch_mod(question->peer->reactor, &question->watch, EPOLLIN);
}

/* MC_AGAIN: the answer is not all there. MC_OK: the question has ended. */
static enum mc_status
question_recv(struct question *question)
{
	struct peer_frame frame;
	size_t got;
	enum mc_status st;

	if (mc_buf_reserve(&question->in, RECV_BYTES) != MC_OK)
		return MC_ERR_NO_MEMORY;
	st = mc_net()->recv(question->watch.fd, question->in.data + question->in.tail, RECV_BYTES,
			    &got);
	if (st != MC_OK)
		return st;
	question->in.tail += got;
	st = peer_frame_read(&question->in, ANSWER_MAX, &frame);
	if (st != MC_OK)
		return st;
	if (frame.type != question->type)
		return MC_ERR_PROTOCOL;
	question_end(question, MC_OK, frame.body);
	return MC_OK;
}

static void
question_ready(struct mc_watch *watch, uint32_t events)
{
	struct question *question = mc_container_of(watch, struct question, watch);
	enum mc_status st;

	if (mc_buf_len(&question->out) > 0)
		st = question_send(question);
	else if ((st = question_recv(question)) == MC_OK)
		return;
	if (st != MC_OK && st != MC_AGAIN)
		question_end(question, st, (struct mc_str){0});
}

/* ---- connecting ---- */

static void question_try(struct question *question, enum mc_status status);

static void
question_connected(struct mc_watch *watch, uint32_t events)
{
	struct question *question = mc_container_of(watch, struct question, watch);
	enum mc_status st = mc_net()->connect_result(watch->fd);

	if (st != MC_OK) {
		question_try(question, st);
		return;
	}
	question->connected = true;
	watch->ready = question_ready;
	st = mc_timer_start(question->peer->reactor, &question->timer, question->deadline_ns);
	if (st == MC_OK)
		st = question_send(question);
	if (st != MC_OK)
		question_end(question, st, (struct mc_str){0});
}

static void
question_expired(struct mc_timer *timer)
{
	struct question *question = mc_container_of(timer, struct question, timer);

	if (question->connected)
		question_end(question, MC_ERR_TIMEOUT, (struct mc_str){0});
	else if (mc_clock_mono_ns() < question->deadline_ns)
		question_try(question, MC_ERR_UNREACHABLE);
	else
		question_end(question, MC_ERR_UNREACHABLE, (struct mc_str){0});
}

static enum mc_status
question_connect(struct question *question, const struct mc_net_addr *addr)
{
	struct mc_peer *peer = question->peer;
	uint64_t end_ns = mc_clock_mono_ns() + peer->connect_timeout_ns;
	enum mc_status st = mc_net()->connect(addr, &question->watch.fd);

	if (st != MC_OK)
		return st;
	question->watch.events = EPOLLOUT;
	question->watch.ready = question_connected;
	st = mc_watch_add(peer->reactor, &question->watch);
	if (st != MC_OK)
		return st;
	return mc_timer_start(peer->reactor, &question->timer,
			      end_ns < question->deadline_ns ? end_ns : question->deadline_ns);
}

/* The next address; with none left, the end, for the reason that the last one gave. */
static void
question_try(struct question *question, enum mc_status status)
{
	while (question->addrs_next < question->addrs_count) {
		question_hang_up(question);
		status = question_connect(question, &question->addrs[question->addrs_next++]);
		if (status == MC_OK)
			return;
	}
	question_end(question, status, (struct mc_str){0});
}

static void
question_found(void *context, enum mc_status status, const struct mc_net_addr *addrs,
	       uint32_t addrs_count)
{
	struct question *question = context;

	memcpy(question->addrs, addrs, addrs_count * sizeof(*addrs));
	question->addrs_count = addrs_count;
	question_try(question, status);
}

void
peer_ask(struct mc_peer *peer, const struct peer_name *to, uint8_t type, struct mc_str body,
	 uint64_t timeout_ns, peer_answer answer, void *context)
{
	struct question *question = calloc(1, sizeof(*question));

	if (question == NULL) {
		peer_later(peer, answer, context, MC_ERR_NO_MEMORY);
		return;
	}
	question->watch.fd = -1;
	question->timer.expired = question_expired;
	question->peer = peer;
	question->type = type;
	question->deadline_ns = mc_clock_mono_ns() + timeout_ns;
	question->answer = answer;
	question->context = context;
	mc_buf_init(&question->in);
	mc_buf_init(&question->out);
	if (peer_frame_write(&question->out, type, body) == MC_OK &&
	    peer_host_look(peer, to->host, to->port, timeout_ns, question_found, question) ==
		    MC_OK) {
		mc_list_add_tail(&peer->asking, &question->link);
		return;
	}
	mc_buf_fini(&question->out);
	free(question);
	peer_later(peer, answer, context, MC_ERR_NO_MEMORY);
}

void
peer_ask_close(struct mc_peer *peer)
{
	while (!mc_list_empty(&peer->asking))
		question_end(mc_container_of(peer->asking.next, struct question, link),
			     MC_ERR_CANCELED, (struct mc_str){0});
}
