/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order in which the blocks of a working set have their turn: each of @slots walks a share of
 * its own, each block of it once per pass, by steps that no prefetcher guesses.
 */
#ifndef MC_APPS_MC_BENCH_WALK_H
#define MC_APPS_MC_BENCH_WALK_H

#include <stdint.h>

struct walk {
	uint64_t first;		/* block of the share */
	uint64_t share;		/* blocks */
	uint64_t stride;
	uint64_t position;
};

/* Of slot @index; blocks above 0. With fewer blocks than slots several walk the same one. */
void walk_init(struct walk *walk, uint64_t blocks, uint64_t slots, uint64_t index);

static inline uint64_t
walk_next(struct walk *walk)
{
	uint64_t block = walk->first + walk->position;

	walk->position += walk->stride;
	if (walk->position >= walk->share)
		walk->position -= walk->share;
	return block;
}

#endif
