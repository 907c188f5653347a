/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the handshake port of a peer: one connection each, and one deadline for all of it.
 * */
#include <stdlib.h>
#include <sys/epoll.h>

#include "core/base/clock.h"
#include "core/peer/private.h"

#define ANSWER_MAX (128u << 20)	/* a descriptor of another engine; upstream's largest limit */
#define RECV_BYTES 65536u

struct question {
	struct mc_watch watch;
	struct mc_timer timer;		/* connecting, then all of it */
	struct mc_list link;
	struct mc_peer *peer;
	struct mc_buf in;
	struct mc_buf out;
	uint64_t deadline_ns;
	uint8_t type;
	bool connected;
	peer_answer answer;
	void *context;
};

static void
question_stop(struct question *question)
{
	struct mc_peer *peer = question->peer;

	mc_watch_del(peer->reactor, &question->watch);
	mc_timer_stop(peer->reactor, &question->timer);
	if (question->watch.fd >= 0)
		mc_net()->close(question->watch.fd);
	mc_list_del(&question->link);
}

static void
question_free(struct question *question)
{
	mc_buf_fini(&question->in);
	mc_buf_fini(&question->out);
	free(question);
}

/* @body may lie in the question. */
static void
question_end(struct question *question, enum mc_status status, struct mc_str body)
{
	question_stop(question);
	question->answer(question->context, status, body);
	question_free(question);
}

static void
question_expired(struct mc_timer *timer)
{
	struct question *question = mc_container_of(timer, struct question, timer);

	question_end(question, question->connected ? MC_ERR_TIMEOUT : MC_ERR_UNREACHABLE,
		     (struct mc_str){0});
}

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

static enum mc_status
question_connected(struct question *question)
{
	enum mc_status st = mc_net()->connect_result(question->watch.fd);

	if (st != MC_OK)
		return st;
	question->connected = true;
	st = mc_timer_start(question->peer->reactor, &question->timer, question->deadline_ns);
	return st != MC_OK ? st : question_send(question);
}

static void
question_ready(struct mc_watch *watch, uint32_t events)
{
	struct question *question = mc_container_of(watch, struct question, watch);
	enum mc_status st;

	if (!question->connected)
		st = question_connected(question);
	else if (mc_buf_len(&question->out) > 0)
		st = question_send(question);
	else if ((st = question_recv(question)) == MC_OK)
		return;
	if (st != MC_OK && st != MC_AGAIN)
		question_end(question, st, (struct mc_str){0});
}

static enum mc_status
question_start(struct question *question, const struct peer_name *to)
{
	struct mc_peer *peer = question->peer;
	uint64_t now = mc_clock_mono_ns();
	uint64_t connect_ns = now + peer->connect_timeout_ns;
	struct mc_net_addr addr;
	enum mc_status st = peer_name_addr(to, &addr);

	if (st == MC_OK)
		st = mc_net()->connect(&addr, &question->watch.fd);
	if (st != MC_OK)
		return st;
	question->watch.events = EPOLLOUT;
	question->watch.ready = question_ready;
	st = mc_watch_add(peer->reactor, &question->watch);
	if (st != MC_OK)
		return st;
	question->timer.expired = question_expired;
	return mc_timer_start(peer->reactor, &question->timer,
			      connect_ns < question->deadline_ns ? connect_ns
								 : question->deadline_ns);
}

void
peer_ask(struct mc_peer *peer, const struct peer_name *to, uint8_t type, struct mc_str body,
	 uint64_t timeout_ns, peer_answer answer, void *context)
{
	struct question *question = calloc(1, sizeof(*question));
	enum mc_status st = MC_ERR_NO_MEMORY;

	if (question == NULL) {
		peer_later(peer, answer, context, st);
		return;
	}
	question->watch.fd = -1;
	question->peer = peer;
	question->type = type;
	question->deadline_ns = mc_clock_mono_ns() + timeout_ns;
	question->answer = answer;
	question->context = context;
	mc_buf_init(&question->in);
	mc_buf_init(&question->out);
	mc_list_add_tail(&peer->asking, &question->link);
	st = peer_frame_write(&question->out, type, body);
	if (st == MC_OK)
		st = question_start(question, to);
	if (st == MC_OK)
		return;
	/* told in the next pass, as every answer */
	peer_later(peer, answer, context, st);
	question_stop(question);
	question_free(question);
}

void
peer_ask_close(struct mc_peer *peer)
{
	while (!mc_list_empty(&peer->asking))
		question_end(mc_container_of(peer->asking.next, struct question, link),
			     MC_ERR_CANCELED, (struct mc_str){0});
}
