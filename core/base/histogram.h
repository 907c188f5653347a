/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log-linear histogram of nanoseconds: 32 sub-buckets per power of two (error ≤ 3.2 %), up to
 * 2^40 ns. Plain adds by one owner; readers merge copies.
 */
#ifndef MC_CORE_BASE_HISTOGRAM_H
#define MC_CORE_BASE_HISTOGRAM_H

#include <stdint.h>

#define MC_HISTOGRAM_BUCKETS (32 * 37)

struct mc_histogram {
	uint64_t count;
	uint64_t sum_ns;
	uint64_t max_ns;
	uint32_t bucket[MC_HISTOGRAM_BUCKETS];
};

void mc_histogram_reset(struct mc_histogram *histogram);
void mc_histogram_add(struct mc_histogram *histogram, uint64_t ns);
void mc_histogram_merge(struct mc_histogram *into, const struct mc_histogram *from);
/* The value below which @fraction (0..1) of all samples lie; 0 when empty. */
uint64_t mc_histogram_percentile(const struct mc_histogram *histogram, double fraction);

#endif
