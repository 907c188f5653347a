/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/histogram.h"

#include <string.h>

#define SUB_BITS 5u
#define SUB (1u << SUB_BITS)

/* Values below 64 have a bucket each; above, 32 buckets per power of two. */
static uint32_t
bucket_of(uint64_t ns)
{
	uint32_t log2, index;

	if (ns < 2 * SUB)
		return (uint32_t)ns;
	log2 = 63 - (uint32_t)__builtin_clzll(ns);
	index = (log2 - SUB_BITS) * SUB + (uint32_t)(ns >> (log2 - SUB_BITS));
	return index < MC_HISTOGRAM_BUCKETS ? index : MC_HISTOGRAM_BUCKETS - 1;
}

/* The largest value of a bucket. */
static uint64_t
bucket_top(uint32_t bucket)
{
	uint32_t shift;

	if (bucket < 2 * SUB)
		return bucket;
	shift = bucket / SUB - 1;
	return (((uint64_t)(bucket % SUB) + SUB + 1) << shift) - 1;
}

void
mc_histogram_reset(struct mc_histogram *histogram)
{
	memset(histogram, 0, sizeof(*histogram));
}

void
mc_histogram_add(struct mc_histogram *histogram, uint64_t ns)
{
	histogram->count++;
	histogram->sum_ns += ns;
	if (ns > histogram->max_ns)
		histogram->max_ns = ns;
	histogram->bucket[bucket_of(ns)]++;
}

void
mc_histogram_merge(struct mc_histogram *into, const struct mc_histogram *from)
{
	into->count += from->count;
	into->sum_ns += from->sum_ns;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
	for (uint32_t i = 0; i < MC_HISTOGRAM_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
}

uint64_t
mc_histogram_percentile(const struct mc_histogram *histogram, double fraction)
{
	uint64_t wanted = (uint64_t)((double)histogram->count * fraction);
	uint64_t seen = 0;

	if (histogram->count == 0)
		return 0;
	for (uint32_t i = 0; i < MC_HISTOGRAM_BUCKETS; i++) {
		seen += histogram->bucket[i];
		if (seen > wanted || seen == histogram->count) {
			uint64_t top = bucket_top(i);

			return top < histogram->max_ns ? top : histogram->max_ns;
		}
	}
	return histogram->max_ns;
}
