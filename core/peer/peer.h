/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a segment is, how to reach it, whether it is alive: descriptors by an HTTP metadata server or
 * straight from the peer (P2PHANDSHAKE), and the handshake channel in both roles (metadata, notify,
 * probe; connection in a later driver). Everything on the thread of one reactor, the engine's
 * control thread; nothing here blocks it: host names are looked up on threads of their own, within
 * the time of the call. Callbacks run on that thread, never inside the call that asked, unless it
 * finds no memory.
 *
 * Source of the formats: doc/wire.md; recorded frames: tests/vectors/transfer.
 */
#ifndef MC_CORE_PEER_PEER_H
#define MC_CORE_PEER_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/eal/reactor.h"
#include "core/meta/descriptor.h"
#include "mc/status.h"

struct mc_peer;

struct mc_peer_params {
	size_t size;
	struct mc_reactor *reactor;
	const char *name;		/* "host" or "host:port", see mc_engine_params */
	const char *metadata;		/* "P2PHANDSHAKE" or "http://…" */
	const char *bind_host;		/* NULL: all addresses */
	/* A peer's notify; false: refuse it. The texts live during the call. NULL: refuse all. */
	bool (*notified)(void *context, const char *name, const char *text);
	/*
	 * A peer's connection request (RDMA): writes the reply. NULL: answered as an engine without
	 * RDMA answers.
	 */
	void (*connect)(void *context, struct mc_str request, struct mc_buf *reply_out);
	void *context;
};

typedef void (*mc_peer_done)(void *context, enum mc_status status);
/* @desc is the receiver's to free; NULL unless MC_OK. */
typedef void (*mc_peer_resolved)(void *context, enum mc_status status, struct mc_desc *desc);

/*
 * Opens the handshake listener (environment MC_MIN_RPC_PORT, MC_MAX_RPC_PORT as upstream; a free
 * port of 15000..17000; with HTTP and MC_LEGACY_RPC_PORT_BINDING that of the name). Nothing is
 * published yet.
 */
enum mc_status mc_peer_open(const struct mc_peer_params *params, struct mc_peer **peer_out);
/*
 * What was asked and not answered is answered MC_ERR_CANCELED, inside this call; nothing may be
 * asked from there. Does not unpublish.
 */
void mc_peer_close(struct mc_peer *peer);

/* Our segment name (P2PHANDSHAKE: "host:port" of the listener) and the port. */
const char *mc_peer_name(const struct mc_peer *peer);
uint16_t mc_peer_port(const struct mc_peer *peer);
/* The host that rpc_meta and tcp_data_host give. */
const char *mc_peer_host(const struct mc_peer *peer);
bool mc_peer_is_p2p(const struct mc_peer *peer);

/*
 * Makes @own (copied) what peers are told from now on. With HTTP the first call PUTs rpc_meta, then
 * each PUTs ram; calls overlap at most to one PUT of the newest. After MC_ERR_TIMEOUT it may still
 * get there. MC_ERR_EXISTS: another process has our name (a line says which, and what helps).
 */
void mc_peer_publish(struct mc_peer *peer, const struct mc_desc *own, uint64_t timeout_ns,
		     mc_peer_done done, void *context);
/* DELETEs rpc_meta and ram; nothing with P2PHANDSHAKE. */
void mc_peer_unpublish(struct mc_peer *peer, uint64_t timeout_ns, mc_peer_done done, void *context);

/*
 * Asks for the descriptor of segment @name, without a cache. The tcp_data_host of a tcp segment is
 * numeric afterwards: names are looked up, and where it is missing it comes from rpc_meta or the
 * segment's name. MC_ERR_NOT_FOUND, MC_ERR_ADDRESS_INVALID, MC_ERR_CONN_REFUSED,
 * MC_ERR_UNREACHABLE, MC_ERR_TIMEOUT, MC_ERR_BAD_MESSAGE (its reason was logged).
 */
void mc_peer_resolve(struct mc_peer *peer, const char *name, uint64_t timeout_ns,
		     mc_peer_resolved done, void *context);

void mc_peer_notify(struct mc_peer *peer, const char *segment, const char *name, const char *text,
		    uint64_t timeout_ns, mc_peer_done done, void *context);
void mc_peer_probe(struct mc_peer *peer, const char *segment, uint64_t timeout_ns,
		   mc_peer_done done, void *context);

#endif
