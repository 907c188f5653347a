/* SPDX-License-Identifier: Apache-2.0 */
/* The flags' values, checked against each other and in the units of the modules. */
#ifndef MC_APPS_MC_MASTER_CONFIG_H
#define MC_APPS_MC_MASTER_CONFIG_H

#include "apps/cli/flags.h"
#include "core/master/master.h"
#include "core/rpc/server.h"
#include "mc/eal.h"
#include "mc/log.h"

#define CONFIG_ABI_PORTS_MAX 16

struct config {
	struct mc_eal_params eal;
	struct mc_master_params master;		/* without exec and callbacks */
	struct mc_rpc_listen rpc[1 + CONFIG_ABI_PORTS_MAX];
	unsigned int rpc_count;
	const char *rpc_flag;			/* which flag gave rpc[0]'s port */
	uint64_t rpc_idle_timeout_ns;
	bool rpc_nodelay;
	struct mc_net_addr metrics;
	bool admin_remote_writes;
	bool report;
	bool metadata_on;
	struct mc_net_addr metadata;
	bool metadata_cleanup;
	const char *cluster_id;
	enum mc_log_level log_level;
	const char *log_dir;			/* NULL: standard error */
};

/* Complaints go to @flags; strings in @config_out are @flags's. */
enum mc_status config_read(struct mc_flags *flags, struct config *config_out);

/*
 * Tries every address before anything starts, so that a port in use is reported with its flag and
 * its owner.
 */
enum mc_status config_ports_check(struct mc_flags *flags, const struct config *config);

#endif
