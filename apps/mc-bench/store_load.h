/* SPDX-License-Identifier: Apache-2.0 */
/* The load that one client of mc-bench store makes: puts, gets, exists, one call after another. */
#ifndef MC_APPS_MC_BENCH_STORE_LOAD_H
#define MC_APPS_MC_BENCH_STORE_LOAD_H

#include "apps/mc-bench/store_options.h"
#include "core/base/histogram.h"
#include "core/base/random.h"

struct store_result {
	struct mc_histogram latency;	/* of calls */
	uint64_t objects;		/* that went well */
	uint64_t bytes;
	uint64_t misses;		/* of keys that were put: evicted */
	uint64_t errors;
	uint64_t verified;		/* bytes */
	uint64_t wrong;			/* objects with a wrong byte */
	uint64_t busy_ns;		/* in calls */
	enum mc_status first_error;
};

/* One thread's. */
struct store_client {
	const struct store_options *options;
	struct mc_store *store;
	unsigned int number;
	uint64_t run;			/* in all keys, so that runs do not meet */
	struct mc_random random;
	uint8_t *values;		/* set bytes */
	uint64_t set;
	struct mc_store_item *items;	/* batch, with their keys and pieces */
	struct mc_iov *pieces;
	struct mc_store_buffer **buffers;
	char (*keys)[64];
	uint64_t turn;			/* values used, for which comes next */
	uint64_t next;			/* number of the next new key */
	uint64_t oldest;		/* new keys from here on are there */
	uint64_t filled;		/* keys for gets are there, of that size */
	uint64_t filled_size;
};

/* @store stays the caller's. MC_ERR_NO_MEMORY. */
enum mc_status store_client_init(struct store_client *client, const struct store_options *options,
				 struct mc_store *store, unsigned int number, uint64_t run);
void store_client_fini(struct store_client *client);

/*
 * A few small objects, so that the ways to all nodes are there before something is measured. The
 * first status that is not MC_OK.
 */
enum mc_status store_client_greet(struct store_client *client);
/* Puts what gets of @size will ask for. The first status that is not MC_OK. */
enum mc_status store_client_fill(struct store_client *client, uint64_t size);
/* Until @until_ns; adds to @result. */
void store_client_load(struct store_client *client, enum store_load_op op, uint64_t size,
		       uint64_t until_ns, struct store_result *result);
/* Removes all that the client put. */
void store_client_clear(struct store_client *client);

#endif
