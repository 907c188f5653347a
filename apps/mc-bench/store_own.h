/* SPDX-License-Identifier: Apache-2.0 */
/* A master and nodes that mc-bench store starts itself, and ends. */
#ifndef MC_APPS_MC_BENCH_STORE_OWN_H
#define MC_APPS_MC_BENCH_STORE_OWN_H

#include "apps/mc-bench/child.h"
#include "apps/mc-bench/store_options.h"

#define STORE_NODES_MAX 16u

struct store_own {
	struct child master;
	struct child nodes[STORE_NODES_MAX];
	unsigned int nodes_count;
	char address[64];		/* of the master */
};

/* Returns when all of them serve. On failure stderr says why, with the log of who failed. */
enum mc_status store_own_start(struct store_own *own, const struct store_options *options);
/* Harmless when nothing was started. */
void store_own_stop(struct store_own *own);

#endif
