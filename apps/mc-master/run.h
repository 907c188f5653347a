/* SPDX-License-Identifier: Apache-2.0 */
/* The running master: every module in its order, up and down. */
#ifndef MC_APPS_MC_MASTER_RUN_H
#define MC_APPS_MC_MASTER_RUN_H

#include "apps/mc-master/config.h"

/*
 * Serves until SIGTERM or SIGINT. On failure to start the reason was logged and nothing keeps
 * running. The calling thread becomes the control thread; SIGTERM, SIGINT and SIGHUP are blocked in
 * it and in all that it starts.
 */
enum mc_status run(const struct config *config);

#endif
