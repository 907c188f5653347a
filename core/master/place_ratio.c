/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strategy "free_ratio_first": of a random sample of names, those with the largest share of free
 * space. A sample is as good as all for keeping the pool level, and its cost does not grow with the
 * pool.
 */
#include "core/master/state.h"

/* Names looked at per replica, as upstream does. */
#define SAMPLE_PER_REPLICA 6u
#define SAMPLE_MAX	   (SAMPLE_PER_REPLICA * MC_REPLICAS_MAX)

struct candidate {
	uint32_t name;
	double free_ratio;
};

static double
free_ratio(const struct mc_master *master, uint32_t i)
{
	const struct master_name *name = &master->names[i];
	uint64_t capacity = 0, used = 0;

	for (uint32_t n = 0; n < name->segments_count; n++) {
		struct mc_alloc_stats stats;

		mc_alloc_stats_read(master->segments[name->segments[n]].alloc, &stats);
		capacity += stats.capacity;
		used += stats.used;
	}
	return (double)(capacity - used) / (double)capacity;
}

/* Consecutive names from a random one on. */
static unsigned int
sample(struct mc_master *master, unsigned int count, struct candidate *candidates_out)
{
	uint32_t names = master->names_live_count;
	uint32_t start = (uint32_t)mc_random_below(&master->random, names);
	uint32_t taken = count * SAMPLE_PER_REPLICA < names ? count * SAMPLE_PER_REPLICA : names;

	for (uint32_t n = 0; n < taken; n++) {
		uint32_t name = master->names_live[(start + n) % names];

		candidates_out[n] = (struct candidate){name, free_ratio(master, name)};
	}
	return taken;
}

/* Of equal ones the first: the sample begins at random. */
static unsigned int
best(const struct candidate *candidates, unsigned int count)
{
	unsigned int at = 0;

	for (unsigned int i = 1; i < count; i++) {
		if (candidates[i].free_ratio > candidates[at].free_ratio)
			at = i;
	}
	return at;
}

unsigned int
mc_place_by_ratio(struct mc_master *master, uint32_t object, unsigned int count)
{
	struct candidate candidates[SAMPLE_MAX];
	unsigned int left = sample(master, count, candidates);
	unsigned int placed = 0;

	while (placed < count && left > 0) {
		unsigned int at = best(candidates, left);

		placed += mc_place_on(master, object, candidates[at].name);
		/* in order, so that "the first of equal ones" keeps its meaning */
		left--;
		memmove(&candidates[at], &candidates[at + 1], (left - at) * sizeof(*candidates));
	}
	return placed;
}
