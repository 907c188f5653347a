/* SPDX-License-Identifier: Apache-2.0 */
/* The initiator: an engine with a buffer, joined to a peer's segment by one driver. */
#ifndef MC_APPS_MC_BENCH_TRANSFER_SIDE_H
#define MC_APPS_MC_BENCH_TRANSFER_SIDE_H

#include "apps/mc-bench/transfer_options.h"
#include "apps/mc-bench/transfer_run.h"
#include "mc/engine.h"
#include "mc/memory.h"

struct transfer_side {
	struct mc_region *region;	/* kept between two drivers */
	struct mc_engine *engine;
	struct mc_engine_mem *mem;
	struct mc_segment *segment;
	struct transfer_path path;
	const char *driver;		/* in use */
};

/*
 * @driver: "auto" or one driver's name. Complains on stderr. @child: the target, where it is ours;
 * else NULL. Close it before opening it anew.
 */
enum mc_status transfer_side_open(struct transfer_side *side,
				  const struct transfer_options *options, const char *driver,
				  const char *peer, struct child *child);
void transfer_side_close(struct transfer_side *side);
/* Frees the memory too; after transfer_side_close(). */
void transfer_side_fini(struct transfer_side *side);

#endif
