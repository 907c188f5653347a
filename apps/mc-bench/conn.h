/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection of the load generator: a fixed number of calls in flight, each in a slot whose
 * number is its sequence number. Requests that are made while answers are handled go out together.
 */
#ifndef MC_APPS_MC_BENCH_CONN_H
#define MC_APPS_MC_BENCH_CONN_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/net.h"
#include "core/eal/reactor.h"

struct conn_slot {
	uint64_t queued_ns;
	uint64_t key;		/* the workload's: first key number of the call */
	uint8_t phase;		/* the workload's */
	bool busy;
};

struct conn {
	struct mc_watch watch;
	struct mc_reactor *reactor;
	struct mc_buf in;
	struct mc_buf out;
	struct conn_slot *slots;
	unsigned int depth;
	unsigned int flying;
	bool open;
	enum mc_status status;	/* not MC_OK: lost, and why; MC_ERR_PROTOCOL: broken framing */
	bool handling;		/* answers are being handled: sending waits for the end */
	/* An answer; slot->busy is false again, and conn_call() may be used at once. */
	void (*answer)(struct conn *conn, struct conn_slot *slot, uint8_t err_code,
		       const uint8_t *body, size_t len);
	void *owner;
};

/*
 * Connects and waits for it by polling @reactor, at most @timeout_ns or until a signal asks for the
 * end (MC_ERR_TIMEOUT). The reactor must wake by itself.
 */
enum mc_status conn_open(struct conn *conn, struct mc_reactor *reactor,
			 const struct mc_net_addr *addr, unsigned int depth, uint64_t timeout_ns);
void conn_close(struct conn *conn);

/* Queues a call in a free slot. The buffer that takes the body: append to it, then conn_sent(). */
struct mc_buf *conn_call(struct conn *conn, struct conn_slot *slot, uint32_t function_id);
void conn_sent(struct conn *conn, struct conn_slot *slot);

#endif
