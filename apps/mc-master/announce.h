/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a start: what is served where, by which cores, on what memory. */
#ifndef MC_APPS_MC_MASTER_ANNOUNCE_H
#define MC_APPS_MC_MASTER_ANNOUNCE_H

#include "apps/mc-master/config.h"
#include "core/admin/admin.h"
#include "core/meta/meta.h"
#include "core/rpc/server.h"

#define VERSION_TEXT MC_VERSION " (speaks Mooncake 0.3.6 to " MC_VERSION_UPSTREAM ")"

struct announcement {
	const struct config *config;
	const struct mc_rpc_server *server;
	const struct mc_admin *admin;
	const struct mc_meta *meta;	/* NULL: none */
	unsigned int lcores;
};

void announce(const struct announcement *what);

#endif
