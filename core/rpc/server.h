/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RPC server: listeners and connections spread over I/O reactors, requests executed on one reactor.
 *
 * A connection belongs to the I/O reactor that it was given to when it was accepted (the one with
 * the fewest). That reactor reads until at least one whole frame is there, then lends the bytes to
 * the exec reactor as a *batch*: every whole frame received so far. The exec reactor runs the
 * handler for one frame after the other, in order, which appends the answers to the batch's output;
 * then the batch goes back and the answers are sent. While a batch is out, its owner touches
 * neither input nor output of it, so no lock is needed and one message each way serves up to
 * hundreds of calls; a connection owned by the exec reactor needs no message at all.
 *
 * Bounds: bodies above MC_FRAME_BODY_MAX close the connection; memory grows with the bytes that
 * came, not with announced lengths; attachments are dropped as they arrive; a peer that does not
 * read its answers is not read from.
 */
#ifndef MC_CORE_RPC_SERVER_H
#define MC_CORE_RPC_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/net.h"
#include "core/eal/reactor.h"
#include "core/metrics/latency.h"
#include "core/metrics/metrics.h"
#include "core/wire/release.h"
#include "mc/status.h"

struct mc_rpc_server;
struct mc_rpc_batch;

/* What the server knows of a connection that its calls may use and keep; exec reactor only. */
struct mc_rpc_peer {
	mc_release_set releases;	/* still possible; starts as the listener's */
	mc_release_set allowed;		/* of the listener */
	uint64_t features;		/* that the master granted to it */
	struct mc_net_addr addr;
};

/* One request; the handler's. Valid until the handler answered. */
struct mc_rpc_call {
	struct mc_rpc_peer *peer;
	uint32_t function_id;
	uint32_t seq;
	const uint8_t *body;
	uint32_t body_len;
	struct mc_buf *out;		/* append the answer's body here */
	size_t out_start;		/* where this answer's header lies in @out */
	struct mc_rpc_batch *batch;
	void *job;			/* the handler's, across MC_RPC_LATER; NULL at first */
	bool patient;			/* with MC_RPC_LATER, set by the handler: see cancel */
};

enum mc_rpc_verdict {
	MC_RPC_ANSWERED,	/* @out holds the body, mc_rpc_answer() was called */
	MC_RPC_LATER,		/* call mc_rpc_resume() when it may be called again, same call */
	MC_RPC_CLOSE,		/* cannot answer (out of memory): close the connection */
};

struct mc_rpc_handler {
	/* On the exec reactor. Called again for the same call after mc_rpc_resume(). */
	enum mc_rpc_verdict (*call)(void *context, struct mc_rpc_call *call);
	/*
	 * The peer left while its call was waiting for mc_rpc_resume(): forget the call. A peer
	 * that only sends no more still gets its answers, but for a patient call, whose wait may
	 * be long or in vain: there the end of its input is taken for its leave.
	 */
	void (*cancel)(void *context, struct mc_rpc_call *call);
	void *context;
};

struct mc_rpc_listen {
	struct mc_net_addr addr;	/* port 0: the kernel's choice */
	mc_release_set releases;	/* MC_RELEASE_ALL, or one: an exact port */
};

struct mc_rpc_server_params {
	size_t size;
	struct mc_reactor **io;		/* copied */
	unsigned int io_count;
	struct mc_reactor *exec;	/* may be one of @io */
	struct mc_rpc_handler handler;
	const struct mc_rpc_listen *listens;	/* copied */
	unsigned int listens_count;
	uint64_t idle_timeout_ns;	/* 0: never; counts after the first request */
	bool nodelay;
	uint32_t connections_max;	/* 0: 8192, the most that the message rings hold */
};

/* Per I/O reactor; read by any thread. */
struct mc_rpc_io_stats {
	struct mc_counter calls;	/* answered requests */
	struct mc_counter accepted;
	struct mc_counter closed;
	struct mc_counter refused;	/* over connections_max */
	struct mc_counter broken;	/* closed for breaking the framing */
	struct mc_counter bytes_in;
	struct mc_counter bytes_out;
	struct mc_latency latency;	/* of calls: from the whole frame to the sent answer */
};

/*
 * Binds every address, then begins to accept. Call from a thread that is none of the reactors; it
 * waits for them. On failure one line says which address, why, and what to do.
 */
enum mc_status mc_rpc_server_open(const struct mc_rpc_server_params *params,
				  struct mc_rpc_server **server_out);
/* Stops accepting, closes every connection, waits for the reactors; same thread rule. */
void mc_rpc_server_close(struct mc_rpc_server *server);
uint16_t mc_rpc_server_port(const struct mc_rpc_server *server, unsigned int listen_index);
const struct mc_rpc_io_stats *mc_rpc_server_stats(const struct mc_rpc_server *server,
						  unsigned int io_index);

/* ---- for handlers, on the exec reactor ---- */

/* Completes the answer: @err_code is 0 or a framing-level error (core/wire/frame.h). */
void mc_rpc_answer(struct mc_rpc_call *call, uint8_t err_code);
/* The call that answered MC_RPC_LATER is to be called again; not from inside the handler. */
void mc_rpc_resume(struct mc_rpc_call *call);

#endif
