/* SPDX-License-Identifier: Apache-2.0 */
/* What the flags of mc-node come to. */
#ifndef MC_APPS_MC_NODE_CONFIG_H
#define MC_APPS_MC_NODE_CONFIG_H

#include "apps/cli/flags.h"
#include "mc/eal.h"
#include "mc/log.h"
#include "mc/store.h"

struct node_config {
	struct mc_store_params store;	/* its texts live as the flags and this struct */
	struct mc_eal_params eal;
	bool lcores;			/* start the runtime */
	bool http;
	const char *http_host;
	uint16_t http_port;
	enum mc_log_level log_level;
	bool host_any;			/* find the address that leads to the master */
	uint16_t port;			/* of the name; 0: one is chosen */
	char hostname[300];
};

/* MC_ERR_INVALID: the errors of @flags say what is wrong. */
enum mc_status node_config_read(struct mc_flags *flags, struct node_config *config);
/* Makes @host the name of the node, with the port that was asked for. */
void node_config_host(struct node_config *config, const char *host);

#endif
