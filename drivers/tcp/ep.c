/* SPDX-License-Identifier: Apache-2.0 */
/* A peer: what was posted to it, and which lane carries what. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "drivers/tcp/private.h"
#include "mc/log.h"

#define CONNECT_TIMEOUT_NS (5 * MC_NS_PER_S)
/* No further attempt for so long after one failed; what is posted meanwhile fails at once. */
#define COOL_NS (200 * MC_NS_PER_MS)
/*
 * With so many bytes under way on each lane another one is opened and used; with so many on all of
 * them, operations wait here, where they can be canceled without closing a lane.
 */
#define LANE_SPREAD (8u << 20)
#define LANE_WINDOW (16u << 20)

/* ---- create, destroy: control ---- */

/* The first lane, so that a peer that is not there is known at once. */
static enum mc_status
connect_await(struct tcp_ep *ep)
{
	struct pollfd fd = {.events = POLLOUT};
	socklen_t length = sizeof(int);
	int error = 0, n;
	enum mc_status st = tcp_sock_connect(&ep->addr, &fd.fd, &error);

	if (st == MC_AGAIN) {
		uint64_t timeout_ms = (ep->connect_timeout_ns + MC_NS_PER_MS - 1) / MC_NS_PER_MS;

		do {
			n = poll(&fd, 1, timeout_ms < INT32_MAX ? (int)timeout_ms : INT32_MAX);
		} while (n < 0 && errno == EINTR);
		if (n > 0)
			getsockopt(fd.fd, SOL_SOCKET, SO_ERROR, &error, &length);
		st = n == 0 ? MC_ERR_TIMEOUT : n < 0 ? MC_ERR_IO : MC_OK;
		if (n > 0 && error != 0)
			st = tcp_errno_status(error);
		if (st != MC_OK)
			close(fd.fd);
	}
	if (st == MC_OK)
		ep->lanes[0].sock.fd = fd.fd;
	return st;
}

enum mc_status
tcp_ep_create(struct mc_cq *cq, const struct mc_ep_params *params, const struct mc_peer_addr *peer,
	      struct mc_ep **ep_out)
{
	const struct tcp_dev *dev = tcp_dev(cq->dev);
	uint32_t lanes = params->lanes_max > 0 ? params->lanes_max : dev->lanes;
	struct tcp_ep *ep;
	enum mc_status st;

	if (params->depth > TCP_DEPTH_MAX || peer->tcp.version < 1 || peer->tcp.version > 2)
		return MC_ERR_INVALID;
	if (peer->tcp.addr.len == 0)
		return MC_ERR_UNREACHABLE;
	ep = calloc(1, sizeof(*ep));
	if (ep == NULL)
		return MC_ERR_NO_MEMORY;
	ep->base.dev = cq->dev;
	ep->base.cq = cq;
	ep->addr = peer->tcp.addr;
	ep->version = dev->version_1 ? 1 : peer->tcp.version;
	ep->lanes_count = (uint8_t)(lanes < TCP_LANES_MAX ? lanes : TCP_LANES_MAX);
	ep->depth = params->depth > 0 ? params->depth : TCP_DEPTH_MAX;
	ep->connect_timeout_ns =
		params->connect_timeout_ns > 0 ? params->connect_timeout_ns : CONNECT_TIMEOUT_NS;
	mc_list_init(&ep->pending);
	for (uint32_t l = 0; l < TCP_LANES_MAX; l++)
		tcp_lane_init(&ep->lanes[l], ep);
	st = connect_await(ep);
	if (st != MC_OK) {
		free(ep);
		return st;
	}
	*ep_out = &ep->base;
	return MC_OK;
}

void
tcp_ep_destroy(struct mc_ep *base)
{
	struct tcp_ep *ep = tcp_ep(base);

	if (ep->lanes[0].sock.fd >= 0)
		close(ep->lanes[0].sock.fd);	/* never attached */
	free(ep);
}

/* ---- attach, detach, cancel: owner ---- */

enum mc_status
tcp_ep_attach(struct mc_ep *base)
{
	struct tcp_ep *ep = tcp_ep(base);
	struct tcp_cq *cq = tcp_cq(base->cq);
	enum mc_status st;

	if (ep->lanes[0].sock.fd >= 0) {
		st = tcp_sock_watch(cq, &ep->lanes[0].sock);
		if (st != MC_OK)
			return st;
		ep->lanes[0].state = TCP_LANE_OPEN;
	}
	mc_list_add_tail(&cq->eps, &ep->link);
	ep->attached = true;
	return MC_OK;
}

static void
pending_complete(struct tcp_ep *ep, enum mc_status status, uint32_t detail)
{
	while (!mc_list_empty(&ep->pending)) {
		struct tcp_op *op = mc_container_of(ep->pending.next, struct tcp_op, link);

		mc_list_del(&op->link);
		tcp_op_complete(op, status, detail);
	}
}

void
tcp_ep_detach(struct mc_ep *base)
{
	struct tcp_ep *ep = tcp_ep(base);

	if (!ep->attached)
		return;
	ep->attached = false;
	mc_list_del(&ep->link);
	for (uint32_t l = 0; l < ep->lanes_count; l++)
		tcp_lane_close(&ep->lanes[l], !mc_list_empty(&ep->lanes[l].ops));
	pending_complete(ep, MC_ERR_CANCELED, 0);
	if (mc_list_linked(&ep->failed_link))
		mc_list_del(&ep->failed_link);
	if (mc_list_linked(&ep->kick_link))
		mc_list_del(&ep->kick_link);
}

static struct tcp_op *
op_find(const struct mc_list *list, uint64_t cookie)
{
	for (struct mc_list *node = list->next; node != list; node = node->next) {
		struct tcp_op *op = mc_container_of(node, struct tcp_op, link);

		if (op->cookie == cookie)
			return op;
	}
	return NULL;
}

/*
 * An answer that is due cannot be called back but with the whole lane. Others of the lane begin
 * anew on another one, which is harmless: the same bytes go to the same place.
 */
void
tcp_ep_cancel(struct mc_ep *base, uint64_t cookie)
{
	struct tcp_ep *ep = tcp_ep(base);
	struct tcp_op *op = op_find(&ep->pending, cookie);

	for (uint32_t l = 0; l < ep->lanes_count && op == NULL; l++)
		op = op_find(&ep->lanes[l].ops, cookie);
	if (op == NULL)
		return;
	if (op->lane != NULL)
		tcp_lane_close(op->lane, true);
	mc_list_del(&op->link);
	tcp_op_complete(op, MC_ERR_CANCELED, 0);
}

/* ---- the hot path ---- */

void
tcp_op_complete(struct tcp_op *op, enum mc_status status, uint32_t detail)
{
	struct tcp_ep *ep = op->ep;
	struct tcp_cq *cq = tcp_cq(ep->base.cq);
	struct mc_cq_counters *counters = &cq->base.counters;

	cq->ring[cq->tail++ & cq->mask] = (struct mc_completion){
		.cookie = op->cookie, .ep = &ep->base, .status = status, .detail = detail};
	if (status == MC_OK) {
		mc_counter_add(&counters->ops, 1);
		mc_counter_add(&counters->bytes, op->length);
		ep->told = false;
	} else {
		mc_counter_add(&counters->errors, 1);
	}
	/* used again soon: its lines are in the cache */
	mc_list_add_tail(cq->free.next, &op->link);
}

static void
op_fill(struct tcp_op *op, struct tcp_ep *ep, const struct mc_op *from)
{
	struct tcp_header header = {.addr = from->remote_addr,
				    .write = from->opcode == MC_OP_WRITE,
				    .version = ep->version};

	op->ep = ep;
	op->lane = NULL;
	op->cookie = from->cookie;
	op->length = 0;
	op->sent = 0;
	op->received = ep->version == 1 ? TCP_STATUS_BYTES : 0;
	op->opcode = from->opcode;
	op->version = ep->version;
	op->sge_count = from->sge_count;
	for (uint32_t i = 0; i < from->sge_count; i++) {
		op->sge[i] = from->sge[i];
		op->length += from->sge[i].length;
	}
	header.size = op->length;
	tcp_header_encode(&header, op->header);
}

uint32_t
tcp_post(struct mc_ep *base, const struct mc_op *ops, uint32_t count)
{
	struct tcp_ep *ep = tcp_ep(base);
	struct tcp_cq *cq = tcp_cq(base->cq);
	uint32_t n = 0;

	while (n < count && ep->outstanding < ep->depth && cq->outstanding < cq->depth) {
		struct tcp_op *op = mc_container_of(cq->free.next, struct tcp_op, link);

		mc_list_del(&op->link);
		op_fill(op, ep, &ops[n++]);
		mc_list_add_tail(&ep->pending, &op->link);
		ep->outstanding++;
		cq->outstanding++;
	}
	if (n > 0) {
		tcp_tick_need(cq);
		tcp_ep_pump(ep);
	}
	return n;
}

static bool
lanes_any(const struct tcp_ep *ep, enum tcp_lane_state state)
{
	for (uint32_t l = 0; l < ep->lanes_count; l++) {
		if (ep->lanes[l].state == state)
			return true;
	}
	return false;
}

/* One at a time, and none for a while after one failed. */
static void
lane_more(struct tcp_ep *ep)
{
	if (lanes_any(ep, TCP_LANE_CONNECTING))
		return;
	if (ep->cool_until_ns != 0 && mc_clock_mono_ns() < ep->cool_until_ns) {
		if (!lanes_any(ep, TCP_LANE_OPEN))
			pending_complete(ep, ep->cool_status, 0);
		return;
	}
	ep->cool_until_ns = 0;
	for (uint32_t l = 0; l < ep->lanes_count; l++) {
		if (ep->lanes[l].state == TCP_LANE_CLOSED) {
			tcp_lane_open(&ep->lanes[l]);
			return;
		}
	}
}

/*
 * The first that has little to do: it is warm, and many requests go with one call. Else the one
 * that has least, while another is being opened. NULL: there is none, or all have enough; one
 * request is enough of version 1.
 */
static struct tcp_lane *
lane_pick(struct tcp_ep *ep)
{
	struct tcp_lane *least = NULL;

	for (uint32_t l = 0; l < ep->lanes_count; l++) {
		struct tcp_lane *lane = &ep->lanes[l];

		if (lane->state != TCP_LANE_OPEN ||
		    (ep->version == 1 && !mc_list_empty(&lane->ops)))
			continue;
		if (lane->bytes < LANE_SPREAD)
			return lane;
		if (lane->bytes < LANE_WINDOW && (least == NULL || lane->bytes < least->bytes))
			least = lane;
	}
	lane_more(ep);
	return least;
}

void
tcp_ep_pump(struct tcp_ep *ep)
{
	struct tcp_lane *lane;

	while (!mc_list_empty(&ep->pending) && (lane = lane_pick(ep)) != NULL) {
		struct tcp_op *op = mc_container_of(ep->pending.next, struct tcp_op, link);

		mc_list_del(&op->link);
		tcp_lane_add(lane, op);
	}
	for (uint32_t l = 0; l < ep->lanes_count; l++)
		tcp_lane_send(&ep->lanes[l]);
}

void
tcp_ep_refuse(struct tcp_ep *ep, enum mc_status status, uint32_t detail)
{
	ep->cool_until_ns = mc_clock_mono_ns() + COOL_NS;
	ep->cool_status = status;
	if (!lanes_any(ep, TCP_LANE_OPEN) && !lanes_any(ep, TCP_LANE_CONNECTING))
		pending_complete(ep, status, detail);
}

void
tcp_ep_lane_lost(struct tcp_ep *ep)
{
	if (ep->told || mc_list_linked(&ep->failed_link) || !mc_list_empty(&ep->pending) ||
	    lanes_any(ep, TCP_LANE_OPEN) || lanes_any(ep, TCP_LANE_CONNECTING))
		return;
	ep->told = true;
	mc_list_add_tail(&tcp_cq(ep->base.cq)->failed, &ep->failed_link);
}
