/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/conn.h"

#include <stdlib.h>
#include <sys/epoll.h>

#include "apps/mc-bench/interrupt.h"
#include "core/base/clock.h"
#include "core/wire/frame.h"

#define READ_CHUNK (256u << 10)

static void
conn_fail(struct conn *conn, enum mc_status why)
{
	conn->status = why;
	if (conn->watch.on)
		mc_watch_del(conn->reactor, &conn->watch);
}

static void
conn_interest(struct conn *conn, uint32_t events)
{
	if (conn->status == MC_OK && conn->watch.events != events &&
	    mc_watch_mod(conn->reactor, &conn->watch, events) != MC_OK)
		conn_fail(conn, MC_ERR_INTERNAL);
}

static void
conn_flush(struct conn *conn)
{
	while (conn->status == MC_OK && mc_buf_len(&conn->out) > 0) {
		struct iovec iov = {conn->out.data + conn->out.head, mc_buf_len(&conn->out)};
		size_t sent = 0;
		enum mc_status st = mc_net()->send(conn->watch.fd, &iov, 1, &sent);

		if (st == MC_AGAIN) {
			conn_interest(conn, EPOLLIN | EPOLLOUT);
			return;
		}
		if (st != MC_OK)
			conn_fail(conn, st);
		else
			mc_buf_consume(&conn->out, sent);
	}
	conn_interest(conn, EPOLLIN);
}

struct mc_buf *
conn_call(struct conn *conn, struct conn_slot *slot, uint32_t function_id)
{
	struct mc_frame_request frame = {
		.seq = (uint32_t)(slot - conn->slots), .function_id = function_id};
	uint8_t header[MC_FRAME_REQUEST_LEN];

	mc_frame_request_store(header, &frame);
	/* the offset of the header is kept in queued_ns until conn_sent() */
	slot->queued_ns = mc_buf_len(&conn->out);
	if (mc_buf_append(&conn->out, header, sizeof(header)) != MC_OK)
		conn_fail(conn, MC_ERR_NO_MEMORY);
	return &conn->out;
}

void
conn_sent(struct conn *conn, struct conn_slot *slot)
{
	size_t start = (size_t)slot->queued_ns;
	size_t body = mc_buf_len(&conn->out) - start - MC_FRAME_REQUEST_LEN;

	if (conn->status != MC_OK)
		return;
	mc_le32_store(conn->out.data + conn->out.head + start + 12, (uint32_t)body);
	slot->queued_ns = mc_clock_mono_ns();
	slot->busy = true;
	conn->flying++;
	if (!conn->handling)
		conn_flush(conn);
}

/* One whole answer at the head of the input; false when there is none. */
static bool
answer_take(struct conn *conn)
{
	const uint8_t *at = conn->in.data + conn->in.head;
	struct mc_frame_response frame;
	struct conn_slot *slot;

	if (conn->status != MC_OK || mc_buf_len(&conn->in) < MC_FRAME_RESPONSE_LEN)
		return false;
	if (!mc_frame_response_load(at, &frame) || frame.seq >= conn->depth ||
	    !conn->slots[frame.seq].busy || frame.body_len > MC_FRAME_BODY_MAX ||
	    frame.attach_len > 0) {
		conn_fail(conn, MC_ERR_PROTOCOL);
		return false;
	}
	if (mc_buf_len(&conn->in) - MC_FRAME_RESPONSE_LEN < frame.body_len)
		return false;
	slot = &conn->slots[frame.seq];
	slot->busy = false;
	conn->flying--;
	conn->answer(conn, slot, frame.err_code, at + MC_FRAME_RESPONSE_LEN, frame.body_len);
	mc_buf_consume(&conn->in, MC_FRAME_RESPONSE_LEN + frame.body_len);
	return true;
}

static void
conn_read(struct conn *conn)
{
	size_t got = 0;
	enum mc_status st = mc_buf_reserve(&conn->in, READ_CHUNK);

	if (st == MC_OK)
		st = mc_net()->recv(conn->watch.fd, conn->in.data + conn->in.tail, READ_CHUNK,
				    &got);
	if (st == MC_AGAIN)
		return;
	if (st != MC_OK) {
		conn_fail(conn, st);
		return;
	}
	conn->in.tail += got;
	conn->handling = true;
	while (answer_take(conn))
		continue;
	conn->handling = false;
}

static void
conn_ready(struct mc_watch *watch, uint32_t events)
{
	struct conn *conn = mc_container_of(watch, struct conn, watch);

	if (!conn->open) {
		enum mc_status st = mc_net()->connect_result(watch->fd);

		conn->open = true;
		if (st != MC_OK)
			conn_fail(conn, st);
		else
			conn_interest(conn, EPOLLIN);
		return;
	}
	if ((events & ~(uint32_t)EPOLLOUT) != 0)
		conn_read(conn);
	conn_flush(conn);
}

enum mc_status
conn_open(struct conn *conn, struct mc_reactor *reactor, const struct mc_net_addr *addr,
	  unsigned int depth, uint64_t timeout_ns)
{
	uint64_t deadline = mc_clock_mono_ns() + timeout_ns;
	enum mc_status st = mc_net()->connect(addr, &conn->watch.fd);

	if (st != MC_OK)
		return st;
	conn->reactor = reactor;
	conn->depth = depth;
	conn->slots = calloc(depth, sizeof(*conn->slots));
	conn->watch.ready = conn_ready;
	conn->watch.events = EPOLLOUT;
	mc_net()->nodelay(conn->watch.fd, true);
	conn->status = conn->slots != NULL ? mc_watch_add(reactor, &conn->watch)
					   : MC_ERR_NO_MEMORY;
	while (!conn->open && conn->status == MC_OK && mc_clock_mono_ns() < deadline &&
	       interrupt_signal() == 0)
		mc_reactor_poll(reactor);
	if (conn->open && conn->status == MC_OK)
		return MC_OK;
	st = conn->status != MC_OK ? conn->status : MC_ERR_TIMEOUT;
	conn_close(conn);
	return st;
}

void
conn_close(struct conn *conn)
{
	if (conn->reactor == NULL)
		return;
	if (conn->watch.on)
		mc_watch_del(conn->reactor, &conn->watch);
	mc_net()->close(conn->watch.fd);
	mc_buf_fini(&conn->in);
	mc_buf_fini(&conn->out);
	free(conn->slots);
	*conn = (struct conn){0};
}
