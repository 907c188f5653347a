/* SPDX-License-Identifier: Apache-2.0 */
/* mc-bench transfer -target: buffers for others to read and write. */
#ifndef MC_APPS_MC_BENCH_TRANSFER_TARGET_H
#define MC_APPS_MC_BENCH_TRANSFER_TARGET_H

#include "apps/mc-bench/transfer_options.h"

/*
 * On a started runtime. Prints the segment's name as one line and serves until a signal. Complains
 * on stderr.
 */
enum mc_status transfer_target_serve(const struct transfer_options *options);

#endif
