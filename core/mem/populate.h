/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to core/mem: threads that take a region's pages from the system, from its start to its
 * end, while it is in use already.
 */
#ifndef MC_CORE_MEM_POPULATE_H
#define MC_CORE_MEM_POPULATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/mem/backing.h"

#define MC_POPULATE_THREADS 64

struct mc_populate {
	const struct mc_backing *backing;
	uint64_t chunk;		/* bytes that a thread takes at a time */
	uint64_t chunks;
	int node;		/* that the region is bound to; -1: none */
	void (*progress)(void *context, uint64_t ready, uint64_t length);
	void *context;

	pthread_t threads[MC_POPULATE_THREADS];
	unsigned int threads_wanted;
	unsigned int threads_count;	/* those that could be started */
	pid_t owner;		/* a forked child has none of the threads */

	uint64_t ready;		/* atomic: bytes from the start */
	uint64_t next;		/* atomic: the chunk that nobody has taken yet */
	bool stop;		/* atomic */

	pthread_mutex_t lock;	/* of what follows */
	pthread_cond_t change;
	uint8_t *filled;	/* by chunk */
	uint64_t prefix;	/* chunks filled from the start */
	uint64_t reported;	/* what progress() was last called with */
	bool reporting;		/* a thread is in progress() */
	enum mc_status status;
};

/* @threads: 0 for one per allowed CPU, at most 8. The rest of @params was used by the backing. */
enum mc_status mc_populate_start(struct mc_populate *populate, const struct mc_backing *backing,
				 const struct mc_region_params *params);
/* Returns when no thread runs any more; frees what start() took. */
void mc_populate_stop(struct mc_populate *populate);
uint64_t mc_populate_ready(const struct mc_populate *populate);
/* As mc_region_room(). */
bool mc_populate_room(const struct mc_populate *populate, char *text, size_t size);
enum mc_status mc_populate_wait(struct mc_populate *populate, uint64_t bytes, uint64_t timeout_ns);

#endif
