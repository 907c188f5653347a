/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection of the active side: requests go out in a row, answers come in the same order. Of
 * version 1 it carries one request and no more: there are releases that close behind the first, and
 * a write has no other answer than that its connection ends well.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "drivers/tcp/private.h"

#define STEP_CALLS 4	/* that receive, of one lane in one poll */

void
tcp_lane_init(struct tcp_lane *lane, struct tcp_ep *ep)
{
	lane->sock = (struct tcp_sock){.fd = -1, .kind = TCP_KIND_LANE};
	lane->ep = ep;
	mc_list_init(&lane->ops);
}

static struct tcp_cq *
cq_of(const struct tcp_lane *lane)
{
	return tcp_cq(lane->ep->base.cq);
}

static struct tcp_op *
first(const struct tcp_lane *lane)
{
	return mc_list_empty(&lane->ops) ? NULL
					 : mc_container_of(lane->ops.next, struct tcp_op, link);
}

static struct tcp_op *
after(const struct tcp_lane *lane, const struct tcp_op *op)
{
	return op->link.next == &lane->ops ? NULL
					   : mc_container_of(op->link.next, struct tcp_op, link);
}

void
tcp_lane_open(struct tcp_lane *lane)
{
	struct tcp_cq *cq = cq_of(lane);
	int error = 0;
	enum mc_status st = tcp_sock_connect(&lane->ep->addr, &lane->sock.fd, &error);

	lane->state = TCP_LANE_CONNECTING;
	lane->moved = true;	/* the time begins now */
	if (st == MC_OK || st == MC_AGAIN) {
		tcp_sock_block(cq, &lane->sock, true);
		st = tcp_sock_watch(cq, &lane->sock);
		tcp_tick_need(cq);
	}
	if (st != MC_OK)
		tcp_lane_fail(lane, st, (uint32_t)error);
}

/* Bytes of the request: of a read, the header alone. */
static uint64_t
send_bytes(const struct tcp_op *op)
{
	return TCP_HEADER_BYTES + (op->opcode == MC_OP_WRITE ? op->length : 0);
}

/* Bytes of the answer, with a status that version 1 is taken to have sent already. */
static uint64_t
receive_bytes(const struct tcp_op *op)
{
	return TCP_STATUS_BYTES + (op->opcode == MC_OP_READ ? op->length : 0);
}

static void
op_rewind(struct tcp_op *op)
{
	op->lane = NULL;
	op->sent = 0;
	op->received = op->version == 1 ? TCP_STATUS_BYTES : 0;
}

void
tcp_lane_add(struct tcp_lane *lane, struct tcp_op *op)
{
	op->lane = lane;
	mc_list_add_tail(&lane->ops, &op->link);
	lane->bytes += op->length;
	if (lane->sending == NULL)
		lane->sending = op;
	lane->moved = true;	/* the time begins now */
	tcp_sock_ready(cq_of(lane), &lane->sock);
}

static void
op_take_off(struct tcp_lane *lane, struct tcp_op *op)
{
	if (lane->sending == op)
		lane->sending = after(lane, op);
	mc_list_del(&op->link);
	lane->bytes -= op->length;
	op->lane = NULL;
}

/* ---- pieces ---- */

struct pieces {
	struct iovec iov[TCP_IOV_MAX];
	uint32_t count;
	uint64_t bytes;
};

static bool
pieces_full(const struct pieces *pieces)
{
	return pieces->count == TCP_IOV_MAX || pieces->bytes >= TCP_CALL_BYTES;
}

static void
pieces_add(struct pieces *pieces, void *at, uint64_t bytes)
{
	pieces->iov[pieces->count++] = (struct iovec){at, bytes};
	pieces->bytes += bytes;
}

/* Our side of the operation from byte @skip on. */
static void
pieces_add_memory(struct pieces *pieces, const struct tcp_op *op, uint64_t skip)
{
	for (uint32_t i = 0; i < op->sge_count && !pieces_full(pieces); i++) {
		const struct mc_sge *sge = &op->sge[i];

		if (skip >= sge->length) {
			skip -= sge->length;
			continue;
		}
		pieces_add(pieces, (uint8_t *)sge->addr + skip, sge->length - skip);
		skip = 0;
	}
}

/* ---- sending ---- */

static void
send_gather(const struct tcp_lane *lane, struct pieces *pieces)
{
	for (struct tcp_op *op = lane->sending; op != NULL && !pieces_full(pieces);
	     op = after(lane, op)) {
		uint64_t skip = 0;

		if (op->sent < TCP_HEADER_BYTES)
			pieces_add(pieces, op->header + op->sent, TCP_HEADER_BYTES - op->sent);
		else
			skip = op->sent - TCP_HEADER_BYTES;
		if (op->opcode == MC_OP_WRITE)
			pieces_add_memory(pieces, op, skip);
	}
}

static void
sent_note(struct tcp_lane *lane, uint64_t bytes)
{
	lane->moved = true;
	while (bytes > 0) {
		struct tcp_op *op = lane->sending;
		uint64_t left = send_bytes(op) - op->sent;
		uint64_t part = bytes < left ? bytes : left;

		op->sent += part;
		bytes -= part;
		if (part < left)
			return;
		lane->sending = after(lane, op);
		if (op->opcode == MC_OP_WRITE && op->version == 1)
			shutdown(lane->sock.fd, SHUT_WR);	/* who would serve more ends too */
	}
}

static bool lane_receive(struct tcp_lane *lane);

/* What the peer said before it closed explains more than the error of a send. */
static void
send_failed(struct tcp_lane *lane, int error)
{
	while (lane->state == TCP_LANE_OPEN && lane_receive(lane))
		continue;
	if (lane->state == TCP_LANE_OPEN)
		tcp_lane_fail(lane, tcp_errno_status(error), (uint32_t)error);
}

void
tcp_lane_send(struct tcp_lane *lane)
{
	while (lane->state == TCP_LANE_OPEN && lane->sending != NULL && !lane->sock.blocked) {
		struct pieces pieces = {.count = 0};
		struct msghdr msg = {.msg_iov = pieces.iov};
		ssize_t sent;

		send_gather(lane, &pieces);
		msg.msg_iovlen = pieces.count;
		sent = sendmsg(lane->sock.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno != EAGAIN) {
			send_failed(lane, errno);
			return;
		}
		if (sent > 0)
			sent_note(lane, (uint64_t)sent);
		if (sent < 0 || (uint64_t)sent < pieces.bytes)
			tcp_sock_block(cq_of(lane), &lane->sock, true);
	}
}

/* ---- receiving ---- */

static void
receive_gather(const struct tcp_lane *lane, struct pieces *pieces)
{
	for (struct tcp_op *op = first(lane); op != NULL && !pieces_full(pieces);
	     op = after(lane, op)) {
		uint64_t skip = 0;

		if (op->sent < TCP_HEADER_BYTES || (op->opcode == MC_OP_WRITE && op->version == 1))
			return;
		if (op->received < TCP_STATUS_BYTES)
			pieces_add(pieces, op->status + op->received,
				   TCP_STATUS_BYTES - op->received);
		else
			skip = op->received - TCP_STATUS_BYTES;
		if (op->opcode == MC_OP_READ)
			pieces_add_memory(pieces, op, skip);
	}
}

/* MC_OK: go on with the operation. */
static enum mc_status
status_judge(const struct tcp_op *op, uint32_t *code_out)
{
	*code_out = 0;
	if (!tcp_status_decode(op->status, code_out))
		return MC_ERR_PROTOCOL;
	if (*code_out == TCP_CODE_REJECTED)
		return MC_ERR_ADDRESS_REJECTED;
	if (*code_out != TCP_CODE_OK)
		return MC_ERR_IO;
	/* a write that is done before its bytes are there */
	return op->sent < send_bytes(op) ? MC_ERR_PROTOCOL : MC_OK;
}

static void
op_done(struct tcp_lane *lane, struct tcp_op *op)
{
	op_take_off(lane, op);
	/* by a reset, by which nothing is lost: else our port could not be used for a minute */
	if (op->version == 1)
		tcp_lane_close(lane, true);
	tcp_op_complete(op, MC_OK, 0);
}

/* Operations complete on the way, so that the one looked at is always the first. */
static void
received_note(struct tcp_lane *lane, uint64_t bytes)
{
	lane->moved = true;
	while (bytes > 0) {
		struct tcp_op *op = first(lane);
		bool in_status = op->received < TCP_STATUS_BYTES;
		uint64_t left = (in_status ? TCP_STATUS_BYTES : receive_bytes(op)) - op->received;
		uint64_t part = bytes < left ? bytes : left;
		enum mc_status st;
		uint32_t code;

		op->received += part;
		bytes -= part;
		if (part < left)
			return;
		st = in_status ? status_judge(op, &code) : MC_OK;
		if (st != MC_OK) {
			tcp_lane_fail(lane, st, code);
			return;
		}
		if (op->received == receive_bytes(op))
			op_done(lane, op);
	}
}

/*
 * A peer that ends with bytes unread resets the connection, and so does one that gets more after
 * its end: an end behind which nothing of ours is unacknowledged says that all was read.
 */
static bool
all_read(const struct tcp_lane *lane)
{
	int unacknowledged;

	return ioctl(lane->sock.fd, SIOCOUTQ, &unacknowledged) == 0 &&
	       unacknowledged <= 1;	/* our own end counts as one */
}

static void
lane_ended(struct tcp_lane *lane)
{
	struct tcp_op *op = first(lane);

	if (op != NULL && op->opcode == MC_OP_WRITE && op->version == 1 &&
	    op->sent == send_bytes(op) && all_read(lane))
		op_done(lane, op);
	else
		tcp_lane_fail(lane, MC_ERR_CONN_CLOSED, 0);
}

/* Bytes, or the end, where nothing is due. */
static void
receive_undue(struct tcp_lane *lane)
{
	uint8_t byte;
	ssize_t got = recv(lane->sock.fd, &byte, 1, MSG_DONTWAIT);

	lane->sock.misses = UINT16_MAX;		/* an event will come */
	if (got > 0)
		tcp_lane_fail(lane, MC_ERR_PROTOCOL, 0);
	else if (got == 0)
		lane_ended(lane);
	else if (errno != EAGAIN && errno != EINTR)
		tcp_lane_fail(lane, tcp_errno_status(errno), (uint32_t)errno);
}

/* One system call. Anything come? */
static bool
lane_receive(struct tcp_lane *lane)
{
	struct pieces pieces = {.count = 0};
	struct msghdr msg = {.msg_iov = pieces.iov};
	ssize_t got;

	receive_gather(lane, &pieces);
	if (pieces.count == 0) {
		receive_undue(lane);
		return false;
	}
	msg.msg_iovlen = pieces.count;
	got = recvmsg(lane->sock.fd, &msg, MSG_DONTWAIT);
	if (got > 0) {
		received_note(lane, (uint64_t)got);
		return true;
	}
	if (got == 0)
		tcp_lane_fail(lane, MC_ERR_CONN_CLOSED, 0);
	else if (errno != EAGAIN && errno != EINTR)
		tcp_lane_fail(lane, tcp_errno_status(errno), (uint32_t)errno);
	return false;
}

/* ---- life ---- */

static void
connect_look(struct tcp_lane *lane)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (lane->sock.blocked)
		return;
	if (getsockopt(lane->sock.fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
		error = errno;
	if (error != 0) {
		tcp_lane_fail(lane, tcp_errno_status(error), (uint32_t)error);
		return;
	}
	lane->state = TCP_LANE_OPEN;
}

bool
tcp_lane_step(struct tcp_lane *lane)
{
	bool moved = false, more;

	if (lane->state == TCP_LANE_CONNECTING) {
		connect_look(lane);
	} else {
		for (int i = 0; i < STEP_CALLS && lane->state == TCP_LANE_OPEN; i++) {
			more = lane_receive(lane);
			moved = moved || more;
			if (!more || mc_list_empty(&lane->ops))
				break;
		}
		tcp_lane_send(lane);
	}
	if (!mc_list_empty(&lane->ep->pending))
		tcp_ep_pump(lane->ep);
	return moved && lane->state == TCP_LANE_OPEN;
}

void
tcp_lane_close(struct tcp_lane *lane, bool abort)
{
	struct tcp_ep *ep = lane->ep;
	struct tcp_cq *cq = cq_of(lane);

	while (!mc_list_empty(&lane->ops)) {
		struct tcp_op *op = mc_container_of(lane->ops.prev, struct tcp_op, link);

		op_take_off(lane, op);
		op_rewind(op);
		/* before all others: behind the head of a list is its front */
		mc_list_add_tail(ep->pending.next, &op->link);
	}
	lane->sending = NULL;
	if (lane->sock.fd >= 0)
		tcp_sock_close(cq, &lane->sock, abort);
	lane->state = TCP_LANE_CLOSED;
	if (!mc_list_empty(&ep->pending) && !mc_list_linked(&ep->kick_link))
		mc_list_add_tail(&cq->kicked, &ep->kick_link);
}

/* A peer that stands still does so for all. */
static void
operations_fail(struct tcp_lane *lane, enum mc_status status, uint32_t detail)
{
	struct tcp_op *op = first(lane);

	while (op != NULL) {
		op_take_off(lane, op);
		tcp_op_complete(op, status, detail);
		op = status == MC_ERR_TIMEOUT ? first(lane) : NULL;
	}
}

void
tcp_lane_fail(struct tcp_lane *lane, enum mc_status status, uint32_t detail)
{
	struct tcp_ep *ep = lane->ep;
	bool connecting = lane->state == TCP_LANE_CONNECTING;
	bool idle = mc_list_empty(&lane->ops);

	operations_fail(lane, status, detail);
	tcp_lane_close(lane, true);
	if (connecting)
		tcp_ep_refuse(ep, status, detail);
	else if (idle)
		tcp_ep_lane_lost(ep);
}

bool
tcp_lane_tick(struct tcp_lane *lane)
{
	const struct tcp_dev *dev = tcp_dev(lane->ep->base.dev);
	const struct tcp_op *op = first(lane);
	uint64_t limit_s = dev->progress_limit_s;

	if (lane->state == TCP_LANE_CLOSED || (lane->state == TCP_LANE_OPEN && op == NULL))
		return false;
	lane->idle_s = lane->moved ? 0 : lane->idle_s + 1;
	lane->moved = false;
	if (lane->state == TCP_LANE_CONNECTING)
		limit_s = (lane->ep->connect_timeout_ns + 999999999u) / 1000000000u;
	else if (op->sent == send_bytes(op) && op->received < TCP_STATUS_BYTES)
		limit_s = dev->status_limit_s;
	if (lane->idle_s >= limit_s)
		tcp_lane_fail(lane, MC_ERR_TIMEOUT, 0);
	return true;
}
