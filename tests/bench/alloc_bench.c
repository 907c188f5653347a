/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints how full the allocator keeps a segment on a mix of KV-cache objects, and what a call
 * costs at a million extents. Asserts nothing. alloc_bench [seeds]
 *
 * The mix: KV-cache objects of 3.12 MiB, alone or each followed by an index object of 643 KiB (the
 * two objects a model with sparse attention stores per page). When an object does not fit, 5 % of
 * all objects, chosen at random, are evicted; use is sampled right before.
 *
 * Costs are CPU time of the one thread: what else the machine does counts through the caches only.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/alloc/alloc.h"
#include "core/base/clock.h"
#include "core/base/random.h"

#define KV_BYTES    3274752u
#define INDEX_BYTES 658432u
#define LIVE_MAX    (2u << 20)

static uint32_t live[LIVE_MAX];
static uint32_t live_count;

struct use {
	double sum;
	unsigned int samples;
};

/* Moves 5 % of the live handles, chosen at random, to the end of the array; returns how many. */
static uint32_t
victims_choose(struct mc_random *random)
{
	uint32_t count = live_count / 20;
	uint32_t i;

	for (i = 0; i < count; i++) {
		uint32_t last = live_count - 1 - i;
		uint32_t at = (uint32_t)mc_random_below(random, last + 1);
		uint32_t victim = live[at];

		live[at] = live[last];
		live[last] = victim;
	}
	return count;
}

static void
evict(struct mc_alloc *alloc, struct mc_random *random)
{
	uint32_t count = victims_choose(random);

	while (count-- > 0)
		mc_alloc_give(alloc, live[--live_count]);
}

/* ---- use ---- */

/* Evictions 41..80 are what a fresh pool does soon, 41..500 what it settles at. */
static void
use_sample(const struct mc_alloc *alloc, unsigned int eviction, struct use use[2])
{
	struct mc_alloc_stats stats;
	double ratio;

	mc_alloc_stats_read(alloc, &stats);
	ratio = (double)stats.used / (double)stats.capacity;
	if (eviction > 40 && eviction <= 80) {
		use[0].sum += ratio;
		use[0].samples++;
	}
	if (eviction > 40) {
		use[1].sum += ratio;
		use[1].samples++;
	}
}

static void
use_run(uint64_t capacity, bool pairs, uint64_t seed, struct use use[2])
{
	struct mc_random random;
	struct mc_alloc *alloc;
	unsigned int evictions = 0;
	unsigned int turn = 0;

	mc_random_init(&random, seed);
	if (mc_alloc_create(1 << 20, capacity, &alloc) != MC_OK)
		exit(1);
	live_count = 0;
	while (evictions < 500) {
		struct mc_extent extent;
		uint64_t size = pairs && turn % 2 ? INDEX_BYTES : KV_BYTES;

		turn++;
		while (mc_alloc_take(alloc, size, 0, &extent) != MC_OK) {
			use_sample(alloc, ++evictions, use);
			evict(alloc, &random);
		}
		live[live_count++] = extent.handle;
	}
	mc_alloc_destroy(alloc);
}

static void
use_print(unsigned int gib, bool pairs, unsigned int seeds)
{
	struct use use[2] = {0};
	unsigned int seed;

	for (seed = 1; seed <= seeds; seed++)
		use_run((uint64_t)gib << 30, pairs, seed, use);
	printf("%-22s %3u GiB: use before evictions 41..80 %.2f %%, 41..500 %.2f %%\n",
	       pairs ? "3.12 MiB + 643 KiB" : "3.12 MiB", gib, 100 * use[0].sum / use[0].samples,
	       100 * use[1].sum / use[1].samples);
}

/* ---- cost ---- */

static uint64_t
cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * MC_NS_PER_S + (uint64_t)ts.tv_nsec;
}

static uint64_t
size_kv(struct mc_random *random, uint32_t turn)
{
	(void)random;
	return turn % 2 ? INDEX_BYTES : KV_BYTES;
}

/* Any size between 4 KiB and 4 MiB, each power of two as likely as the next. */
static uint64_t
size_any(struct mc_random *random, uint32_t turn)
{
	uint64_t octave = 4096ull << mc_random_below(random, 10);

	(void)turn;
	return octave + mc_random_below(random, octave);
}

struct cost {
	uint64_t take_ns;
	uint64_t give_ns;
	uint64_t takes;
	uint64_t gives;
	uint64_t worst_ns;
};

/* Takes until nothing fits; sizes are drawn beforehand, so that only the allocator is timed. */
static void
cost_take(struct mc_alloc *alloc, const uint64_t *sizes, uint32_t count, struct cost *cost)
{
	uint64_t begin = cpu_ns();
	struct mc_extent extent;
	uint32_t i;

	for (i = 0; i < count; i++) {
		if (mc_alloc_take(alloc, sizes[i], 0, &extent) != MC_OK)
			break;
		live[live_count++] = extent.handle;
	}
	cost->take_ns += cpu_ns() - begin;
	cost->takes += i;
}

static void
cost_give(struct mc_alloc *alloc, uint32_t count, struct cost *cost)
{
	uint64_t begin = cpu_ns();
	uint32_t i;

	for (i = 0; i < count; i++)
		mc_alloc_give(alloc, live[--live_count]);
	cost->give_ns += cpu_ns() - begin;
	cost->gives += count;
}

/* Every call timed by itself: for the longest one. Includes some 500 ns of asking for the time. */
static void
cost_worst(struct mc_alloc *alloc, const uint64_t *sizes, uint32_t count, struct cost *cost)
{
	struct mc_extent extent;
	uint32_t i;

	for (i = 0; i < count; i++) {
		uint64_t begin = cpu_ns();
		enum mc_status st = mc_alloc_take(alloc, sizes[i], 0, &extent);
		uint64_t ns = cpu_ns() - begin;

		cost->worst_ns = ns > cost->worst_ns ? ns : cost->worst_ns;
		if (st != MC_OK)
			return;
		live[live_count++] = extent.handle;
	}
}

static void
cost_print(const char *name, uint64_t (*draw)(struct mc_random *random, uint32_t turn),
	   uint64_t mean_bytes)
{
	enum {
		EXTENTS = 1 << 20,
		ROUNDS = 60
	};
	uint64_t *sizes = malloc(2 * EXTENTS * sizeof(*sizes));
	struct cost cost = {0}, fill = {0};
	struct mc_alloc_stats stats;
	struct mc_random random;
	struct mc_alloc *alloc;
	uint32_t i, round;

	mc_random_init(&random, 1);
	if (!sizes || mc_alloc_create(1 << 20, EXTENTS * mean_bytes, &alloc) != MC_OK)
		exit(1);
	for (i = 0; i < 2 * EXTENTS; i++)
		sizes[i] = draw(&random, i);
	live_count = 0;
	cost_take(alloc, sizes, 2 * EXTENTS - 1, &fill);
	for (round = 0; round < ROUNDS; round++) {
		uint32_t from = (uint32_t)mc_random_below(&random, EXTENTS) & ~1u;

		cost_give(alloc, victims_choose(&random), &cost);
		if (round + 1 < ROUNDS)
			cost_take(alloc, sizes + from, EXTENTS, &cost);
		else
			cost_worst(alloc, sizes + from, EXTENTS, &cost);
	}
	mc_alloc_stats_read(alloc, &stats);
	printf("%-22s %u used, %u free extents, use %.1f %%: take %.0f ns, give %.0f ns, "
	       "both %.0f ns a call; filling %.0f ns; longest take %.1f us\n",
	       name, stats.extents_used, stats.extents_free,
	       100.0 * (double)stats.used / (double)stats.capacity,
	       (double)cost.take_ns / (double)cost.takes, (double)cost.give_ns / (double)cost.gives,
	       (double)(cost.take_ns + cost.give_ns) / (double)(cost.takes + cost.gives),
	       (double)fill.take_ns / (double)fill.takes, (double)cost.worst_ns / 1000);
	mc_alloc_destroy(alloc);
	free(sizes);
}

int
main(int argc, char **argv)
{
	unsigned int seeds = argc > 1 ? (unsigned int)atoi(argv[1]) : 20;

	use_print(1, false, seeds);
	use_print(16, false, 1);
	use_print(1, true, seeds);
	use_print(16, true, seeds / 5 + 1);
	cost_print("KV mix", size_kv, (KV_BYTES + INDEX_BYTES) / 2);
	cost_print("4 KiB .. 4 MiB", size_any, 614400);
	return 0;
}
