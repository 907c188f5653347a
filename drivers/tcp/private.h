/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of drivers/tcp. What no comment gives to the control thread is the cq's owner's. */
#ifndef MC_DRIVERS_TCP_PRIVATE_H
#define MC_DRIVERS_TCP_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "core/base/list.h"
#include "drivers/driver.h"
#include "drivers/tcp/frame.h"

#define TCP_SGE_MAX 16u
#define TCP_DEPTH_MAX 1024u
#define TCP_LANES_MAX 8u
#define TCP_CONNS_MAX 4096u	/* that a dev serves */
#define TCP_IOV_MAX 64u		/* of one system call */
#define TCP_CALL_BYTES (4u << 20)	/* and its bytes, about */
#define TCP_TURN_BYTES (1u << 20)	/* that a served connection may move in one poll */

/* ---- something with a descriptor in a cq's epoll set ---- */

enum tcp_kind {
	TCP_KIND_LISTENER,
	TCP_KIND_TICK,
	TCP_KIND_LANE,
	TCP_KIND_CONN,
};

/*
 * Lanes and connections are watched edge-triggered. In the ready list is what an event came for,
 * and for a while after, as asking a socket that is in use costs less than asking epoll first.
 */
struct tcp_sock {
	struct mc_list ready_link;
	int fd;
	uint8_t kind;		/* enum tcp_kind */
	bool blocked;		/* the kernel takes no more until an event says so */
	bool broken;		/* an event said: reset */
	uint16_t misses;	/* how often it was asked in vain, one after the other */
};

/* ---- the dev: control thread, but for conns ---- */

struct tcp_dev {
	struct mc_dev base;
	struct mc_list cqs;
	struct tcp_sock listener;
	char bind_host[64];
	uint16_t port_min;
	uint16_t port_max;
	uint8_t lanes;			/* of an ep that does not ask for a number */
	bool version_1;			/* MC_TCP_PROTO=1 */
	uint32_t status_limit_s;	/* how long we wait for a status, and for */
	uint32_t progress_limit_s;	/* any byte in the middle of a transfer */
	_Atomic uint32_t conns;		/* served by all cqs */
};

/* ---- an operation ---- */

struct tcp_op {
	struct mc_list link;		/* of tcp_ep.pending, tcp_lane.ops or tcp_cq.free */
	struct tcp_ep *ep;
	struct tcp_lane *lane;		/* NULL: pending */
	uint64_t cookie;
	uint64_t length;
	uint64_t sent;			/* of header and, of a write, bytes */
	uint64_t received;		/* of status and, of a read, bytes */
	uint8_t opcode;
	uint8_t version;
	uint16_t sge_count;
	uint8_t header[TCP_HEADER_BYTES];
	uint8_t status[TCP_STATUS_BYTES];
	struct mc_sge sge[TCP_SGE_MAX];
};

/* ---- the cq ---- */

struct tcp_cq {
	struct mc_cq base;
	struct mc_completion *ring;	/* [head & mask] to [(tail - 1) & mask] */
	uint32_t head;
	uint32_t tail;
	uint32_t mask;
	uint32_t depth;
	uint32_t outstanding;		/* posted and not polled: at most depth */
	uint32_t blocked;		/* sockets that wait to be writable */
	struct mc_list ready;		/* tcp_sock.ready_link */
	uint32_t ready_count;
	uint32_t look_in;		/* polls until epoll is asked */
	int epoll;
	struct mc_list free;		/* tcp_op.link */
	struct tcp_op *ops;
	struct mc_list failed;		/* tcp_ep.failed_link: to tell of with cookie 0 */
	struct mc_list eps;		/* tcp_ep.link: attached */
	struct mc_list kicked;		/* tcp_ep.kick_link: with operations that lost their lane */
	struct mc_list conns;		/* tcp_conn.link */
	struct mc_mem **mems;		/* attached; room for mems_max */
	uint32_t mems_count;
	uint32_t mems_max;
	struct tcp_sock tick;		/* once a second while anything is under way */
	bool ticking;
	bool accept_paused;		/* no descriptors left: until the next tick */
	struct mc_list link;		/* in tcp_dev.cqs: control */
};

/* ---- the active side ---- */

enum tcp_lane_state {
	TCP_LANE_CLOSED,
	TCP_LANE_CONNECTING,
	TCP_LANE_OPEN,
};

struct tcp_lane {
	struct tcp_sock sock;
	struct tcp_ep *ep;
	uint8_t state;			/* enum tcp_lane_state */
	bool moved;			/* since the last tick */
	uint32_t idle_s;		/* ticks without */
	struct mc_list ops;		/* in the order of the wire */
	struct tcp_op *sending;		/* the first of ops that is not sent wholly; NULL: none */
	uint64_t bytes;			/* of ops */
};

struct tcp_ep {
	struct mc_ep base;
	struct mc_net_addr addr;
	uint8_t version;
	uint8_t lanes_count;
	bool attached;
	bool told;			/* that it failed, and since then nothing went well */
	uint32_t depth;
	uint32_t outstanding;		/* not polled yet */
	int32_t cool_status;		/* why connecting failed */
	uint64_t cool_until_ns;
	uint64_t connect_timeout_ns;
	struct mc_list pending;		/* tcp_op.link: on no lane */
	struct mc_list failed_link;
	struct mc_list kick_link;
	struct mc_list link;		/* in tcp_cq.eps */
	struct tcp_lane lanes[TCP_LANES_MAX];
};

/* ---- the passive side ---- */

#define TCP_CONN_INPUT 512u
#define TCP_CONN_OUTPUT 32u

enum tcp_conn_state {
	TCP_CONN_HEADER,
	TCP_CONN_BODY,		/* of a write */
	TCP_CONN_ENDING,	/* sends what is in out, then ends */
	TCP_CONN_DISCARD,	/* has said so; lets the peer read that before a reset takes it */
};

struct tcp_conn {
	struct tcp_sock sock;
	struct mc_list link;
	uint8_t state;			/* enum tcp_conn_state */
	uint8_t version;		/* of the write under way */
	bool moved;
	uint32_t idle_s;
	uint8_t *at;			/* where the body goes on */
	uint64_t left;
	uint64_t body;
	uint32_t input_at;		/* input[input_at, input_end): read, not parsed */
	uint32_t input_end;
	uint32_t out_at;		/* out[out_at, out_end): not sent */
	uint32_t out_end;
	uint64_t out_payload;		/* bytes of memory in it */
	struct iovec out[TCP_CONN_OUTPUT];
	uint8_t input[TCP_CONN_INPUT];
};

/* ---- sock.c ---- */

/* What errno means for a connection. */
enum mc_status tcp_errno_status(int error);
/* Small delays, cubic, and dead peers are noticed. */
void tcp_sock_tune(int fd);
/* Begins to connect. MC_OK: connected; MC_AGAIN: writable when it is. */
enum mc_status tcp_sock_connect(const struct mc_net_addr *addr, int *fd_out, int *errno_out);
/* As tcp_dev says; the address is what listens. */
enum mc_status tcp_sock_listen(const struct tcp_dev *dev, int *fd_out,
			       struct mc_net_addr *addr_out);
enum mc_status tcp_sock_watch(struct tcp_cq *cq, struct tcp_sock *sock);
/* Out of every list; @abort: what the kernel has not sent yet is dropped. */
void tcp_sock_close(struct tcp_cq *cq, struct tcp_sock *sock, bool abort);
void tcp_sock_ready(struct tcp_cq *cq, struct tcp_sock *sock);
void tcp_sock_block(struct tcp_cq *cq, struct tcp_sock *sock, bool blocked);

/* ---- poll.c ---- */

uint32_t tcp_poll(struct mc_cq *cq, struct mc_completion *out, uint32_t out_count);
enum mc_status tcp_arm(struct mc_cq *cq);
enum mc_status tcp_tick_open(struct tcp_cq *cq);
/* Something is under way: ticks come until nothing is. */
void tcp_tick_need(struct tcp_cq *cq);

/* ---- lane.c ---- */

void tcp_lane_init(struct tcp_lane *lane, struct tcp_ep *ep);
/* [owner] Begins to connect a closed lane. */
void tcp_lane_open(struct tcp_lane *lane);
void tcp_lane_add(struct tcp_lane *lane, struct tcp_op *op);
/* Sends what is to be sent, as far as the kernel takes it. */
void tcp_lane_send(struct tcp_lane *lane);
/* In the ready list: sends and receives. Anything moved? */
bool tcp_lane_step(struct tcp_lane *lane);
/* Its operations go back to pending, in order, as if never begun. */
void tcp_lane_close(struct tcp_lane *lane, bool abort);
/* The lane cannot go on: its first operation bears the blame. */
void tcp_lane_fail(struct tcp_lane *lane, enum mc_status status, uint32_t detail);
/* Every second. Is anything under way? */
bool tcp_lane_tick(struct tcp_lane *lane);

/* ---- ep.c ---- */

enum mc_status tcp_ep_create(struct mc_cq *cq, const struct mc_ep_params *params,
			     const struct mc_peer_addr *peer, struct mc_ep **ep_out);
void tcp_ep_destroy(struct mc_ep *ep);
enum mc_status tcp_ep_attach(struct mc_ep *ep);
void tcp_ep_detach(struct mc_ep *ep);
void tcp_ep_cancel(struct mc_ep *ep, uint64_t cookie);
uint32_t tcp_post(struct mc_ep *ep, const struct mc_op *ops, uint32_t count);
/* Gives pending operations to lanes, and opens lanes. */
void tcp_ep_pump(struct tcp_ep *ep);
/* Of an operation that is in no list. */
void tcp_op_complete(struct tcp_op *op, enum mc_status status, uint32_t detail);
/* All pending operations, when no lane can be had. */
void tcp_ep_refuse(struct tcp_ep *ep, enum mc_status status, uint32_t detail);
/* A lane closed that nothing was asked of: is there still one? */
void tcp_ep_lane_lost(struct tcp_ep *ep);

/* ---- serve.c, conn.c ---- */

enum mc_status tcp_listen(struct mc_dev *dev, struct mc_peer_addr *addr_out);
enum mc_status tcp_serve_begin(struct tcp_cq *cq);
void tcp_serve_end(struct tcp_cq *cq);
void tcp_accept(struct tcp_cq *cq);
/* After a pause. */
void tcp_accept_resume(struct tcp_cq *cq);
enum mc_status tcp_mem_attach(struct mc_cq *cq, struct mc_mem *mem);
void tcp_mem_detach(struct mc_cq *cq, struct mc_mem *mem);
/* The whole of [addr, addr + size) in one mem, as memory of ours; else NULL. */
uint8_t *tcp_mem_at(const struct tcp_cq *cq, uint64_t addr, uint64_t size);

/* Serves @fd from now on, which it owns. */
enum mc_status tcp_conn_open(struct tcp_cq *cq, int fd);
void tcp_conn_close(struct tcp_cq *cq, struct tcp_conn *conn, bool abort);
bool tcp_conn_step(struct tcp_cq *cq, struct tcp_conn *conn);
/* Ends what it does with [begin, end). */
void tcp_conn_revoke(struct tcp_cq *cq, struct tcp_conn *conn, const uint8_t *begin,
		     const uint8_t *end);
bool tcp_conn_tick(struct tcp_cq *cq, struct tcp_conn *conn);

static inline struct tcp_dev *
tcp_dev(const struct mc_dev *dev)
{
	return mc_container_of(dev, struct tcp_dev, base);
}

static inline struct tcp_cq *
tcp_cq(const struct mc_cq *cq)
{
	return mc_container_of(cq, struct tcp_cq, base);
}

static inline struct tcp_ep *
tcp_ep(const struct mc_ep *ep)
{
	return mc_container_of(ep, struct tcp_ep, base);
}

#endif
