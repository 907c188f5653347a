/* SPDX-License-Identifier: Apache-2.0 */
#include "core/metrics/latency.h"

#include <inttypes.h>
#include <stdio.h>

void
mc_latency_sum(const struct mc_latency *latency, struct mc_latency_sums *into)
{
	for (unsigned int i = 0; i < MC_LATENCY_BUCKETS; i++) {
		uint64_t count = mc_counter_read(&latency->bucket[i]);

		into->bucket[i] += count;
		into->count += count;
	}
	into->sum_ns += mc_counter_read(&latency->sum_ns);
}

uint64_t
mc_latency_end_ns(unsigned int bucket)
{
	unsigned int power = MC_LATENCY_SHIFT + (bucket - 1) / 4;

	if (bucket == 0)
		return 1ull << MC_LATENCY_SHIFT;
	if (bucket == MC_LATENCY_BUCKETS - 1)
		return UINT64_MAX;
	return (uint64_t)(4 + (bucket - 1) % 4 + 1) << (power - 2);
}

void
mc_prometheus_latency(struct mc_buf *out, const char *name, const char *help,
		      const struct mc_latency_sums *sums)
{
	char sample[128], end[32];
	uint64_t below = 0;

	mc_prometheus_head(out, name, MC_METRIC_HISTOGRAM, help);
	snprintf(sample, sizeof(sample), "%s_bucket", name);
	for (unsigned int i = 0; i < MC_LATENCY_BUCKETS - 1; i++) {
		below += sums->bucket[i];
		if (i % 4 != 0)
			continue;
		snprintf(end, sizeof(end), "%.10g", (double)mc_latency_end_ns(i) * 1e-9);
		mc_prometheus_u64(out, sample, "le", end, below);
	}
	mc_prometheus_u64(out, sample, "le", "+Inf", sums->count);
	snprintf(sample, sizeof(sample), "%s_sum", name);
	mc_prometheus_double(out, sample, NULL, NULL, (double)sums->sum_ns * 1e-9);
	snprintf(sample, sizeof(sample), "%s_count", name);
	mc_prometheus_u64(out, sample, NULL, NULL, sums->count);
}
