/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metadata server that transfer engines use: GET, PUT and DELETE /metadata?key=K over HTTP.
 * Values are opaque bytes in memory. Keys are percent-decoded, so that every spelling of a key
 * means one entry. All calls on the thread of the reactor.
 *
 * A PUT of an rpc_meta key that exists with another body is a second process under one name. It
 * is accepted when the first one is dead: a TCP connect to the address in the stored entry is
 * refused, or is not answered within 1 s while client_ttl is over; else 400, and the stored entry
 * stays. Before the 200 goes out, the stored `ram` entry is dropped and @evicted has been called
 * and has finished, so that no reader meets another process's memory.
 */
#ifndef MC_CORE_META_META_H
#define MC_CORE_META_META_H

#include <stddef.h>
#include <stdint.h>

#include "core/eal/reactor.h"
#include "mc/status.h"

struct mc_meta;

struct mc_meta_params {
	size_t size;
	struct mc_reactor *reactor;
	const char *host;
	uint16_t port;
	uint64_t client_ttl_ns;
	/*
	 * Drop every segment and replica whose te_endpoint is @endpoint (or whose name is), then
	 * call done(done_context) on this reactor. NULL: nothing to drop.
	 */
	void (*evict_endpoint)(void *context, const char *endpoint,
			       void (*done)(void *done_context), void *done_context);
	void *context;
	size_t entries_max;	/* 0: 65536 */
	size_t bytes_max;	/* of all values; 0: 1 GiB */
};

enum mc_status mc_meta_open(const struct mc_meta_params *params, struct mc_meta **meta_out);
void mc_meta_close(struct mc_meta *meta);
uint16_t mc_meta_port(const struct mc_meta *meta);

/* Removes the ram and rpc_meta entries of segment @name, in every cluster id. Returns how many. */
unsigned int mc_meta_forget(struct mc_meta *meta, const char *name);

#endif
