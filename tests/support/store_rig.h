/* SPDX-License-Identifier: Apache-2.0 */
/* A real master in the test's own process, on a thread of its own, and stores that know it. */
#ifndef MC_TESTS_SUPPORT_STORE_RIG_H
#define MC_TESTS_SUPPORT_STORE_RIG_H

#include "core/master/master.h"
#include "mc/store.h"

struct store_rig {
	struct mc_reactor *reactor;
	struct mc_master *master;
	struct mc_rpc_server *server;
	pthread_t thread;
	char address[32];		/* "127.0.0.1:port" */
};

/* @tune, if not NULL, changes the master's parameters. The test fails unless it starts. */
void store_rig_start(struct store_rig *rig, void (*tune)(struct mc_master_params *params));
/* As if it were killed: connections are closed, nothing is said. */
void store_rig_stop(struct store_rig *rig);

/* P2PHANDSHAKE on 127.0.0.1, a segment of @bytes. */
struct mc_store_params store_rig_params(const struct store_rig *rig, uint64_t bytes);
struct mc_store *store_rig_open(const struct store_rig *rig, uint64_t bytes);

#endif
