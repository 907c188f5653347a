/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of the passive side: what a peer asks for is checked, and done, in its order. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drivers/tcp/private.h"
#include "mc/log.h"

#define DISCARD_LIMIT_S 2u

static const uint8_t status_ok[TCP_STATUS_BYTES] = {0, 0, 0, 0, 'V', 'T', 'C', 'M'};
static const uint8_t status_rejected[TCP_STATUS_BYTES] = {1, 0, 0, 0, 'V', 'T', 'C', 'M'};

enum mc_status
tcp_conn_open(struct tcp_cq *cq, int fd)
{
	struct tcp_conn *conn = calloc(1, sizeof(*conn));
	enum mc_status st;

	if (conn == NULL)
		return MC_ERR_NO_MEMORY;
	conn->sock = (struct tcp_sock){.fd = fd, .kind = TCP_KIND_CONN};
	conn->state = TCP_CONN_HEADER;
	st = tcp_sock_watch(cq, &conn->sock);
	if (st != MC_OK) {
		free(conn);
		return st;
	}
	mc_list_add_tail(&cq->conns, &conn->link);
	atomic_fetch_add_explicit(&tcp_dev(cq->base.dev)->conns, 1, memory_order_relaxed);
	return MC_OK;
}

void
tcp_conn_close(struct tcp_cq *cq, struct tcp_conn *conn, bool abort)
{
	mc_list_del(&conn->link);
	tcp_sock_close(cq, &conn->sock, abort);
	free(conn);
	atomic_fetch_sub_explicit(&tcp_dev(cq->base.dev)->conns, 1, memory_order_relaxed);
}

/* ---- what is to be sent ---- */

static bool
out_empty(const struct tcp_conn *conn)
{
	return conn->out_at == conn->out_end;
}

static void
out_add(struct tcp_conn *conn, const void *at, uint64_t bytes)
{
	conn->out[conn->out_end++] = (struct iovec){(void *)at, bytes};
}

static bool
is_status(const struct iovec *piece)
{
	const uint8_t *at = piece->iov_base;

	return (at >= status_ok && at < status_ok + TCP_STATUS_BYTES) ||
	       (at >= status_rejected && at < status_rejected + TCP_STATUS_BYTES);
}

static void
out_sent(struct tcp_cq *cq, struct tcp_conn *conn, uint64_t bytes)
{
	struct mc_cq_counters *counters = &cq->base.counters;

	while (bytes > 0) {
		struct iovec *piece = &conn->out[conn->out_at];
		uint64_t part = bytes < piece->iov_len ? bytes : piece->iov_len;

		if (!is_status(piece)) {
			mc_counter_add(&counters->served_bytes, part);
			mc_counter_add(&counters->served_ops, part == piece->iov_len);
			conn->out_payload -= part;
		}
		piece->iov_base = (uint8_t *)piece->iov_base + part;
		piece->iov_len -= part;
		bytes -= part;
		if (piece->iov_len == 0)
			conn->out_at++;
	}
	if (out_empty(conn))
		conn->out_at = conn->out_end = 0;
}

/* A turn's worth: status and bytes, and the next status and bytes, with one call. */
static uint32_t
out_gather(const struct tcp_conn *conn, struct iovec *iov, uint64_t *bytes_out)
{
	uint32_t n = 0;
	uint64_t bytes = 0;

	for (uint32_t i = conn->out_at; i < conn->out_end && bytes < TCP_TURN_BYTES; i++) {
		iov[n] = conn->out[i];
		if (iov[n].iov_len > TCP_TURN_BYTES - bytes)
			iov[n].iov_len = TCP_TURN_BYTES - bytes;
		bytes += iov[n++].iov_len;
	}
	*bytes_out = bytes;
	return n;
}

/* One system call. How much went; negative: the connection is lost. */
static int64_t
out_send(struct tcp_cq *cq, struct tcp_conn *conn)
{
	struct iovec iov[TCP_CONN_OUTPUT];
	struct msghdr msg = {.msg_iov = iov};
	uint64_t bytes;
	ssize_t sent;

	msg.msg_iovlen = out_gather(conn, iov, &bytes);
	sent = sendmsg(conn->sock.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0 && errno == EINTR)
		return 0;
	if (sent < 0 && errno != EAGAIN)
		return -1;
	if (sent < (ssize_t)bytes)
		tcp_sock_block(cq, &conn->sock, true);
	if (sent > 0)
		out_sent(cq, conn, (uint64_t)sent);
	return sent > 0 ? sent : 0;
}

/* ---- what was asked ---- */

/* Says so, where the version has words for it, and ends. */
static void
reject(struct tcp_conn *conn, uint8_t version)
{
	if (version >= 2)
		out_add(conn, status_rejected, TCP_STATUS_BYTES);
	conn->state = TCP_CONN_ENDING;
	conn->idle_s = 0;
}

static void
request_begin(struct tcp_cq *cq, struct tcp_conn *conn, const struct tcp_header *header)
{
	uint8_t *at = tcp_mem_at(cq, header->addr, header->size);

	if (at == NULL) {
		MC_LOG_LIMITED(MC_LOG_WARN,
			       "tcp: a peer's %s of %llu bytes at 0x%llx is rejected: not within "
			       "one registered buffer",
			       header->write ? "write" : "read", (unsigned long long)header->size,
			       (unsigned long long)header->addr);
		reject(conn, header->version);
		return;
	}
	if (header->write) {
		conn->state = TCP_CONN_BODY;
		conn->version = header->version;
		conn->at = at;
		conn->left = conn->body = header->size;
		return;
	}
	if (header->version >= 2)
		out_add(conn, status_ok, TCP_STATUS_BYTES);
	out_add(conn, at, header->size);
	conn->out_payload += header->size;
}

static void
body_note(struct tcp_cq *cq, struct tcp_conn *conn, uint64_t bytes)
{
	conn->at += bytes;
	conn->left -= bytes;
	mc_counter_add(&cq->base.counters.served_bytes, bytes);
	if (conn->left > 0)
		return;
	mc_counter_add(&cq->base.counters.served_ops, 1);
	if (conn->version >= 2)
		out_add(conn, status_ok, TCP_STATUS_BYTES);
	conn->at = NULL;
	conn->state = TCP_CONN_HEADER;
}

/*
 * The kernel hands out what came before a reset; but whoever reset the connection, to cancel a
 * write, may use its memory for another purpose by now.
 */
static bool
is_reset(struct tcp_conn *conn)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(conn->sock.fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0)
		conn->sock.broken = true;
	return conn->sock.broken;
}

/*
 * Works off what was read already, until it ends or something is to be sent first: a write waits
 * for reads before it, as their bytes are taken when they are sent.
 */
static void
input_parse(struct tcp_cq *cq, struct tcp_conn *conn)
{
	bool asked = false;

	while (conn->state <= TCP_CONN_BODY && conn->out_end + 2 <= TCP_CONN_OUTPUT) {
		uint32_t have = conn->input_end - conn->input_at;
		const uint8_t *from = conn->input + conn->input_at;

		if (conn->state == TCP_CONN_BODY) {
			uint32_t part = have < conn->left ? have : (uint32_t)conn->left;

			if (part == 0 || (!asked && is_reset(conn)))
				return;
			asked = true;
			memcpy(conn->at, from, part);
			conn->input_at += part;
			body_note(cq, conn, part);
		} else {
			struct tcp_header header;

			if (have < TCP_HEADER_BYTES)
				return;
			header = tcp_header_decode(from);
			if (header.write && conn->out_payload > 0)
				return;
			conn->input_at += TCP_HEADER_BYTES;
			request_begin(cq, conn, &header);
		}
	}
}

/* The body goes where it belongs; what follows it into the input. */
static int64_t
input_receive(struct tcp_cq *cq, struct tcp_conn *conn)
{
	struct iovec iov[2];
	struct msghdr msg = {.msg_iov = iov};
	uint64_t body = 0;
	ssize_t got;

	memmove(conn->input, conn->input + conn->input_at, conn->input_end - conn->input_at);
	conn->input_end -= conn->input_at;
	conn->input_at = 0;
	if (conn->state == TCP_CONN_BODY) {
		if (is_reset(conn))
			return -1;
		body = conn->left < TCP_TURN_BYTES ? conn->left : TCP_TURN_BYTES;
		iov[msg.msg_iovlen++] = (struct iovec){conn->at, body};
	}
	if (conn->state != TCP_CONN_BODY || body == conn->left)
		iov[msg.msg_iovlen++] = (struct iovec){conn->input + conn->input_end,
						       TCP_CONN_INPUT - conn->input_end};
	got = recvmsg(conn->sock.fd, &msg, MSG_DONTWAIT);
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		return -1;
	if (got < 0)
		return 0;
	body = (uint64_t)got < body ? (uint64_t)got : body;
	conn->input_end += (uint32_t)((uint64_t)got - body);
	if (body > 0)
		body_note(cq, conn, body);
	return got;
}

/* Until the peer has read why, and closes. Negative: it has. */
static int64_t
discard(struct tcp_conn *conn)
{
	uint8_t nowhere[16384];
	ssize_t got = recv(conn->sock.fd, nowhere, sizeof(nowhere), MSG_DONTWAIT);

	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		return -1;
	return got > 0 ? got : 0;
}

/* ---- the whole ---- */

static bool
header_complete(const struct tcp_conn *conn)
{
	return conn->state == TCP_CONN_HEADER &&
	       conn->input_end - conn->input_at >= TCP_HEADER_BYTES;
}

/* One or two system calls. How many bytes went or came; negative: the connection is over. */
static int64_t
advance(struct tcp_cq *cq, struct tcp_conn *conn)
{
	int64_t sent = 0, got = 0;

	input_parse(cq, conn);
	if (conn->sock.broken)
		return -1;
	if (!out_empty(conn)) {
		if (conn->sock.blocked)
			return 0;
		sent = out_send(cq, conn);
		if (sent < 0 || !out_empty(conn))
			return sent;
	}
	if (conn->state == TCP_CONN_ENDING) {
		(void)shutdown(conn->sock.fd, SHUT_WR);
		conn->state = TCP_CONN_DISCARD;
	}
	if (header_complete(conn))
		return sent + 1;
	got = conn->state == TCP_CONN_DISCARD ? discard(conn) : input_receive(cq, conn);
	return got < 0 ? got : sent + got;
}

static bool
under_way(const struct tcp_conn *conn)
{
	return conn->state != TCP_CONN_HEADER || conn->input_end > conn->input_at ||
	       !out_empty(conn);
}

bool
tcp_conn_step(struct tcp_cq *cq, struct tcp_conn *conn)
{
	int64_t moved = 0, n = 1;

	while (!conn->sock.broken && n > 0 && moved < TCP_TURN_BYTES) {
		n = advance(cq, conn);
		moved += n > 0 ? n : 0;
	}
	if (n < 0 || conn->sock.broken) {
		tcp_conn_close(cq, conn, false);
		return false;
	}
	conn->moved = conn->moved || moved > 0;
	if (under_way(conn))
		tcp_tick_need(cq);
	return moved > 0;
}

void
tcp_conn_revoke(struct tcp_cq *cq, struct tcp_conn *conn, const uint8_t *begin, const uint8_t *end)
{
	for (uint32_t i = conn->out_at; i < conn->out_end; i++) {
		const uint8_t *at = conn->out[i].iov_base;

		/* in the midst of an answer there is no other way to say so */
		if (at >= begin && at < end) {
			tcp_conn_close(cq, conn, true);
			return;
		}
	}
	if (conn->state != TCP_CONN_BODY || conn->at < begin || conn->at >= end)
		return;
	conn->input_at = conn->input_end = 0;
	reject(conn, conn->version);
	tcp_sock_ready(cq, &conn->sock);
}

bool
tcp_conn_tick(struct tcp_cq *cq, struct tcp_conn *conn)
{
	uint32_t limit_s = tcp_dev(cq->base.dev)->progress_limit_s;
	bool ending = conn->state == TCP_CONN_DISCARD;

	if (!under_way(conn)) {
		conn->idle_s = 0;
		return false;
	}
	conn->idle_s = conn->moved && !ending ? 0 : conn->idle_s + 1;
	conn->moved = false;
	if (conn->idle_s >= (ending ? DISCARD_LIMIT_S : limit_s))
		tcp_conn_close(cq, conn, true);
	return true;
}
