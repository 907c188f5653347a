/* SPDX-License-Identifier: Apache-2.0 */
/* The I/O side of a served connection: bytes to whole frames, answers to bytes. */
#include <stdlib.h>
#include <sys/epoll.h>

#include "core/rpc/conn.h"
#include "core/wire/frame.h"
#include "mc/log.h"

static void conn_ready(struct mc_watch *watch, uint32_t events);
static void conn_progress(struct mc_rpc_conn *conn);

void
mc_rpc_conn_begin(struct mc_rpc_conn *conn)
{
	mc_list_add_tail(&conn->io->conns, &conn->link);
	mc_counter_add(&conn->io->stats.accepted, 1);
	conn->watch.ready = conn_ready;
	conn->watch.events = EPOLLIN;
	if (conn->io->draining || mc_watch_add(conn->io->reactor, &conn->watch) != MC_OK)
		mc_rpc_conn_close(conn);
}

/* Frees the connection once it is closed and neither its batch nor its cancel is away. */
void
mc_rpc_conn_free(struct mc_rpc_conn *conn)
{
	struct rpc_io *io = conn->io;

	if (!conn->dead || conn->lent || conn->cancelling)
		return;
	mc_list_del(&conn->link);
	mc_buf_fini(&conn->in);
	mc_buf_fini(&conn->out);
	mc_buf_fini(&conn->batch.in);
	mc_buf_fini(&conn->batch.out);
	free(conn);
	atomic_fetch_sub_explicit(&io->load, 1, memory_order_relaxed);
	if (io->draining && mc_list_empty(&io->conns))
		sem_post(&io->server->commanded);
}

void
mc_rpc_conn_close(struct mc_rpc_conn *conn)
{
	if (conn->dead)
		return;
	conn->dead = true;
	if (conn->watch.on)
		mc_watch_del(conn->io->reactor, &conn->watch);
	mc_net()->close(conn->watch.fd);
	mc_counter_add(&conn->io->stats.closed, 1);
	/* while @arrive is away, it does so when it is back */
	if (conn->lent && !conn->cancelling)
		mc_rpc_batch_cancel(conn);
	mc_rpc_conn_free(conn);
}

/* Asks for the events that the connection can make use of now. */
static void
conn_interest(struct mc_rpc_conn *conn)
{
	uint32_t events = 0;

	if (!conn->eof && conn->whole < RPC_PENDING_MAX && mc_buf_len(&conn->out) < RPC_UNSENT_MAX)
		events |= EPOLLIN;
	if (mc_buf_len(&conn->out) > 0)
		events |= EPOLLOUT;
	if (events != conn->watch.events &&
	    mc_watch_mod(conn->io->reactor, &conn->watch, events) != MC_OK)
		mc_rpc_conn_close(conn);
}

/* False: the connection was closed. */
static bool
conn_flush(struct mc_rpc_conn *conn)
{
	while (mc_buf_len(&conn->out) > 0) {
		struct iovec iov = {conn->out.data + conn->out.head, mc_buf_len(&conn->out)};
		size_t sent;
		enum mc_status st = mc_net()->send(conn->watch.fd, &iov, 1, &sent);

		if (st == MC_AGAIN)
			return true;
		if (st != MC_OK) {
			mc_rpc_conn_close(conn);
			return false;
		}
		mc_counter_add(&conn->io->stats.bytes_out, sent);
		mc_buf_consume(&conn->out, sent);
	}
	mc_buf_shrink(&conn->out, RPC_READ_CHUNK);
	return true;
}

/*
 * The time that calls took is known without a look at the clock: a batch that comes home in a later
 * pass took until that began, and one of this pass takes until this pass ends, which the next
 * tells.
 */
static void
latency_count(struct rpc_io *io, const struct mc_rpc_batch *batch)
{
	uint64_t now_ns = mc_reactor_now(io->reactor);

	if (batch->calls == 0 || batch->waited)
		return;
	if (now_ns > batch->since_ns) {
		mc_latency_add(&io->stats.latency, now_ns - batch->since_ns, batch->calls);
		return;
	}
	if (io->answered_ns != now_ns)
		mc_rpc_io_settle(&io->settle);
	io->answered += batch->calls;
	io->answered_ns = now_ns;
}

uint32_t
mc_rpc_io_settle(struct mc_poller *settle)
{
	struct rpc_io *io = mc_container_of(settle, struct rpc_io, settle);

	if (io->answered > 0 && io->answered_ns != mc_reactor_now(io->reactor)) {
		mc_latency_add(&io->stats.latency, mc_reactor_worked(io->reactor) - io->answered_ns,
			       io->answered);
		io->answered = 0;
	}
	return 0;
}

/* The batch is home: its answers go out, its buffers are kept for the next one. */
static void
batch_collect(struct mc_rpc_conn *conn)
{
	struct mc_rpc_batch *batch = &conn->batch;

	mc_counter_add(&conn->io->stats.calls, batch->calls);
	latency_count(conn->io, batch);
	batch->calls = 0;
	batch->waited = false;
	if (mc_buf_len(&conn->out) == 0) {
		struct mc_buf empty = conn->out;

		conn->out = batch->out;
		batch->out = empty;
	} else if (mc_buf_append(&conn->out, batch->out.data + batch->out.head,
				 mc_buf_len(&batch->out)) != MC_OK) {
		batch->close = true;
	}
	batch->out.head = batch->out.tail = 0;
	if (batch->close) {
		/* what was answered before is still sent, then conn_progress() closes */
		conn->eof = true;
		conn->whole = 0;
		batch->in.head = batch->in.tail = 0;
	}
	mc_buf_shrink(&batch->in, RPC_READ_CHUNK);
	mc_buf_shrink(&batch->out, RPC_READ_CHUNK);
}

/* Moves the whole frames into the batch; what follows them stays for the next one. */
static bool
batch_fill(struct mc_rpc_conn *conn)
{
	struct mc_buf *in = &conn->in;
	size_t rest = mc_buf_len(in) - conn->whole;
	struct mc_buf empty = conn->batch.in;

	if (mc_buf_append(&empty, in->data + in->head + conn->whole, rest) != MC_OK)
		return false;
	in->tail -= rest;
	conn->batch.in = *in;
	conn->batch.since_ns = conn->whole_ns;
	conn->in = empty;
	conn->whole = 0;
	return true;
}

static void
batch_start(struct mc_rpc_conn *conn)
{
	/* calls that were left when their answers grew large come first */
	if (mc_buf_len(&conn->batch.in) == 0 && !batch_fill(conn)) {
		mc_rpc_conn_close(conn);
		return;
	}
	conn->last_request_ns = mc_reactor_now(conn->io->reactor);
	conn->lent = true;
	if (mc_rpc_batch_lend(&conn->batch)) {
		conn->lent = false;
		batch_collect(conn);
	}
}

void
mc_rpc_conn_returned(struct mc_rpc_conn *conn)
{
	conn->lent = false;
	if (conn->dead) {
		mc_rpc_conn_free(conn);
		return;
	}
	batch_collect(conn);
	conn_progress(conn);
}

/* Takes attachment bytes out of the input, behind the whole frames. */
static void
attachment_drop(struct mc_rpc_conn *conn)
{
	struct mc_buf *in = &conn->in;
	uint8_t *from = in->data + in->head + conn->whole;
	size_t there = mc_buf_len(in) - conn->whole;
	size_t drop = there < conn->attach_left ? there : (size_t)conn->attach_left;

	memmove(from, from + drop, there - drop);
	in->tail -= drop;
	conn->attach_left -= drop;
}

/* Extends @whole over the frames that are complete; false when the framing is broken. */
static bool
frames_scan(struct mc_rpc_conn *conn)
{
	for (;;) {
		struct mc_buf *in = &conn->in;
		uint8_t *at = in->data + in->head + conn->whole;
		size_t there = mc_buf_len(in) - conn->whole;
		struct mc_frame_request frame;

		if (there == 0)
			return true;
		/* judged from the first byte on, as a peer of another protocol may send few */
		if (at[0] != MC_FRAME_MAGIC)
			return false;
		if (there < MC_FRAME_REQUEST_LEN)
			return true;
		if (!mc_frame_request_load(at, &frame))
			return false;
		if (there - MC_FRAME_REQUEST_LEN < frame.body_len)
			return true;
		if (frame.attach_len > 0) {
			/* forgotten here, so that exec sees plain frames back to back */
			frame.attach_len = 0;
			conn->attach_left = mc_le32_load(at + 16);
			mc_frame_request_store(at, &frame);
			conn->whole += MC_FRAME_REQUEST_LEN + frame.body_len;
			attachment_drop(conn);
			if (conn->attach_left > 0)
				return true;
			continue;
		}
		conn->whole += MC_FRAME_REQUEST_LEN + frame.body_len;
	}
}

/* Reads once; false when the connection was closed. */
static bool
conn_read(struct mc_rpc_conn *conn)
{
	bool none = conn->whole == 0;
	/* by way of a shared buffer, so that a quiet connection holds what it needs, not a chunk */
	uint8_t *chunk = conn->io->chunk;
	size_t got = 0;
	enum mc_status st = mc_net()->recv(conn->watch.fd, chunk, RPC_READ_CHUNK, &got);

	if (st == MC_AGAIN)
		return true;
	if (st == MC_ERR_CONN_CLOSED) {
		/* in the middle of an attachment: its call is not run */
		if (conn->attach_left > 0)
			conn->whole = 0;
		conn->eof = true;
		return true;
	}
	if (st != MC_OK || mc_buf_append(&conn->in, chunk, got) != MC_OK) {
		mc_rpc_conn_close(conn);
		return false;
	}
	mc_counter_add(&conn->io->stats.bytes_in, got);
	if (conn->attach_left > 0)
		attachment_drop(conn);
	if (conn->attach_left == 0 && !frames_scan(conn)) {
		/* frames before the broken one are still answered */
		conn->eof = true;
		mc_counter_add(&conn->io->stats.broken, 1);
	}
	if (none)
		conn->whole_ns = mc_reactor_now(conn->io->reactor);
	return true;
}

/* A frame whose attachment is still arriving is not complete yet. */
static bool
batch_due(const struct mc_rpc_conn *conn)
{
	bool more = conn->whole > 0 && conn->attach_left == 0;

	/* first of all: a batch that is lent is not even looked at */
	if (conn->lent || conn->dead)
		return false;
	return (more || mc_buf_len(&conn->batch.in) > 0) && mc_buf_len(&conn->out) < RPC_UNSENT_MAX;
}

/* Runs what is complete, sends what is answered, closes what is finished. */
static void
conn_progress(struct mc_rpc_conn *conn)
{
	do {
		if (batch_due(conn))
			batch_start(conn);
		if (conn->dead || !conn_flush(conn))
			return;
	} while (batch_due(conn)); /* held back until the peer took its answers */
	if (conn->eof && !conn->lent && conn->whole == 0 && mc_buf_len(&conn->batch.in) == 0 &&
	    mc_buf_len(&conn->out) == 0) {
		mc_rpc_conn_close(conn);
		return;
	}
	if (conn->eof && conn->lent && !conn->eof_told) {
		conn->eof_told = true;
		mc_rpc_batch_no_more(conn);
	}
	conn_interest(conn);
}

static void
conn_ready(struct mc_watch *watch, uint32_t events)
{
	struct mc_rpc_conn *conn = mc_container_of(watch, struct mc_rpc_conn, watch);

	if ((events & (EPOLLERR | EPOLLHUP)) != 0 && (events & EPOLLIN) == 0) {
		mc_rpc_conn_close(conn);
		return;
	}
	if ((events & EPOLLIN) != 0 && !conn->eof && !conn_read(conn))
		return;
	conn_progress(conn);
}
