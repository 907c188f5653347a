/* SPDX-License-Identifier: Apache-2.0 */
/* The flags of mc-master: the one table that parsing, --help and doc/flags.md come from. */
#ifndef MC_APPS_MC_MASTER_OPTIONS_H
#define MC_APPS_MC_MASTER_OPTIONS_H

#include <stddef.h>

#include "apps/cli/flags.h"

extern const struct mc_flag mc_options_table[];
extern const size_t mc_options_count;

/* doc/flags.md, which a test holds against the file. */
enum mc_status mc_options_document(const struct mc_flags *flags, struct mc_buf *out);

#endif
