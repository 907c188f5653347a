/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to a master, as a client: pipelined calls, matched by sequence number. All on the
 * thread of its reactor; nothing blocks.
 */
#ifndef MC_CORE_RPC_CLIENT_H
#define MC_CORE_RPC_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/net.h"
#include "core/eal/reactor.h"
#include "mc/status.h"

struct mc_rpc_client;

/* Embedded by the caller; lives until @done was called, which happens exactly once. */
struct mc_rpc_pending {
	/*
	 * MC_OK: @body is the result (err_code 0), valid during the call. MC_ERR_PROTOCOL: a
	 * framing-level error, @body its text's message. MC_ERR_CONN_CLOSED, MC_ERR_TIMEOUT: no
	 * answer.
	 */
	void (*done)(struct mc_rpc_pending *pending, enum mc_status status, const uint8_t *body,
		     size_t len);
	uint32_t seq;
	uint64_t sent_ns;
};

struct mc_rpc_client_params {
	size_t size;
	struct mc_reactor *reactor;
	struct mc_net_addr addr;
	uint64_t connect_timeout_ns;	/* 0: 30 s */
	uint64_t call_timeout_ns;	/* 0: 30 s; closes the connection */
	uint32_t depth_max;		/* calls in flight, at most 65536; 0: 1024 */
	/*
	 * MC_OK when connected; later once more with the reason when the connection is gone, behind
	 * the done() of every call. It may close the client then. Not called for a close.
	 */
	void (*state)(void *context, enum mc_status status);
	void *context;
};

enum mc_status mc_rpc_client_open(const struct mc_rpc_client_params *params,
				  struct mc_rpc_client **client_out);
/* Pending calls end with MC_ERR_CONN_CLOSED before this returns. Not from inside done(). */
void mc_rpc_client_close(struct mc_rpc_client *client);

/*
 * Queues a call, also while connecting; @body is copied. What was queued in one pass of the reactor
 * goes out together, at the latest at its end. MC_AGAIN: depth_max calls are in flight.
 * MC_ERR_CONN_CLOSED: the connection is gone. MC_ERR_TOO_LARGE: above MC_FRAME_BODY_MAX. No done()
 * for a call that was not taken.
 */
enum mc_status mc_rpc_client_call(struct mc_rpc_client *client, uint32_t function_id,
				  const void *body, size_t len, struct mc_rpc_pending *pending);

#endif
