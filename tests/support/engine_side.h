/* SPDX-License-Identifier: Apache-2.0 */
/* One end of a transfer in a test: an engine of the fake directory, with registered memory. */
#ifndef MC_TESTS_SUPPORT_ENGINE_SIDE_H
#define MC_TESTS_SUPPORT_ENGINE_SIDE_H

#include "core/engine/engine.h"

struct engine_side {
	struct mc_engine *engine;
	struct mc_region *region;
	struct mc_engine_mem *mem;
	unsigned char *bytes;
};

struct engine_side_params {
	const char *name;
	const struct mc_driver *const *drivers;	/* ends with NULL */
	const char *list;		/* those of them to use; NULL: all */
	bool poll_inline;
	uint32_t slices_max;		/* 0: the engine's default */
	uint64_t length;		/* of the memory; 0: no memory */
};

/* The test fails unless all of it works. */
void engine_side_open(struct engine_side *side, const struct engine_side_params *params);
void engine_side_close(struct engine_side *side);

#endif
