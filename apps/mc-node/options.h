/* SPDX-License-Identifier: Apache-2.0 */
/* The flags of mc-node. */
#ifndef MC_APPS_MC_NODE_OPTIONS_H
#define MC_APPS_MC_NODE_OPTIONS_H

#include "apps/cli/flags.h"

extern const struct mc_flag node_options_table[];
extern const size_t node_options_count;

/* The page that doc/flags-node.md is. */
enum mc_status node_options_document(const struct mc_flags *flags, struct mc_buf *out);

#endif
