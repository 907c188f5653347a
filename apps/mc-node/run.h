/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_APPS_MC_NODE_RUN_H
#define MC_APPS_MC_NODE_RUN_H

#include "apps/mc-node/config.h"

/* Until SIGTERM or SIGINT; why it could not is logged. */
enum mc_status node_run(struct node_config *config);

#endif
