/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin and metrics HTTP port of a master: /metrics, /health, /query_key and the rest, with the
 * paths, formats and metric names of mooncake_master, plus our own metrics as mc_*. Runs on the
 * control reactor and asks the master by queries.
 */
#ifndef MC_CORE_ADMIN_ADMIN_H
#define MC_CORE_ADMIN_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/eal/reactor.h"
#include "core/master/master.h"
#include "core/rpc/server.h"
#include "mc/status.h"

struct mc_admin;

struct mc_admin_params {
	size_t size;
	struct mc_reactor *reactor;		/* control */
	struct mc_master *master;
	struct mc_rpc_server *server;
	struct mc_reactor **io;			/* lcore reactors, for their load */
	unsigned int io_count;
	const char *host;
	uint16_t port;
	bool remote_writes;			/* not from this host's loopback alone */
};

enum mc_status mc_admin_open(const struct mc_admin_params *params, struct mc_admin **admin_out);
void mc_admin_close(struct mc_admin *admin);
uint16_t mc_admin_port(const struct mc_admin *admin);
/* False from the moment a shutdown begins: /health answers 503. */
void mc_admin_serving_set(struct mc_admin *admin, int serving);
/* The one-line summary of /metrics/summary, also logged every 10 s; malloc()ed. */
char *mc_admin_summary(struct mc_admin *admin);

#endif
