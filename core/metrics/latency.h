/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long things took, counted by one thread with plain adds and summed by readers: four buckets
 * per power of two from 1 us to 17 s, so that a percentile is off by a fifth at most.
 */
#ifndef MC_CORE_METRICS_LATENCY_H
#define MC_CORE_METRICS_LATENCY_H

#include "core/metrics/metrics.h"

#define MC_LATENCY_SHIFT   10u	/* the first bucket ends at 1 << this, in nanoseconds */
#define MC_LATENCY_POWERS  24u
#define MC_LATENCY_BUCKETS (1u + 4u * MC_LATENCY_POWERS + 1u)	/* the last one has no end */

struct mc_latency {
	struct mc_counter sum_ns;
	struct mc_counter bucket[MC_LATENCY_BUCKETS];
};

static inline unsigned int
mc_latency_bucket(uint64_t ns)
{
	unsigned int power, part, bucket;

	if (ns < 1ull << MC_LATENCY_SHIFT)
		return 0;
	power = 63u - (unsigned int)__builtin_clzll(ns);
	part = (unsigned int)(ns >> (power - 2)) & 3u;
	bucket = 1u + 4u * (power - MC_LATENCY_SHIFT) + part;
	return bucket < MC_LATENCY_BUCKETS ? bucket : MC_LATENCY_BUCKETS - 1;
}

/* @count things took @ns each. */
static inline void
mc_latency_add(struct mc_latency *latency, uint64_t ns, uint64_t count)
{
	mc_counter_add(&latency->bucket[mc_latency_bucket(ns)], count);
	mc_counter_add(&latency->sum_ns, ns * count);
}

/* A reader's sums. */
struct mc_latency_sums {
	uint64_t count;
	uint64_t sum_ns;
	uint64_t bucket[MC_LATENCY_BUCKETS];
};
/* Adds what was counted so far. */
void mc_latency_sum(const struct mc_latency *latency, struct mc_latency_sums *into);
/* Where bucket @bucket ends; UINT64_MAX for the last one. */
uint64_t mc_latency_end_ns(unsigned int bucket);

/* As a Prometheus histogram in seconds, one bucket per power of two. */
void mc_prometheus_latency(struct mc_buf *out, const char *name, const char *help,
			   const struct mc_latency_sums *sums);

#endif
