/* SPDX-License-Identifier: Apache-2.0 */
/* The buffers of either end: regions, ready when they are returned. */
#ifndef MC_APPS_MC_BENCH_TRANSFER_MEMORY_H
#define MC_APPS_MC_BENCH_TRANSFER_MEMORY_H

#include "apps/mc-bench/transfer_options.h"
#include "mc/memory.h"

/*
 * Blocks until all of it is populated, with a live line when standard error is a terminal and
 * nothing asked for JSON. Complains on stderr.
 */
enum mc_status transfer_memory_create(const struct transfer_options *options, uint64_t length,
				      struct mc_region **region_out);

#endif
