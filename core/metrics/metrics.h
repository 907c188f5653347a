/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters that their owner thread adds to with plain stores and any thread may read, and the
 * Prometheus text format (version 0.0.4) to write them in.
 */
#ifndef MC_CORE_METRICS_METRICS_H
#define MC_CORE_METRICS_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/base/buf.h"

/* One writer, any readers. */
struct mc_counter {
	_Atomic uint64_t value;
};

static inline void
mc_counter_add(struct mc_counter *counter, uint64_t n)
{
	uint64_t v = atomic_load_explicit(&counter->value, memory_order_relaxed);

	atomic_store_explicit(&counter->value, v + n, memory_order_relaxed);
}

static inline void
mc_counter_set(struct mc_counter *counter, uint64_t v)
{
	atomic_store_explicit(&counter->value, v, memory_order_relaxed);
}

static inline uint64_t
mc_counter_read(const struct mc_counter *counter)
{
	return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

enum mc_metric_kind {
	MC_METRIC_COUNTER,
	MC_METRIC_GAUGE,
	MC_METRIC_HISTOGRAM,
};

/* "# HELP", "# TYPE": once per name, before its samples. */
void mc_prometheus_head(struct mc_buf *out, const char *name, enum mc_metric_kind kind,
			const char *help);
/* @label may be NULL; its value is escaped. */
void mc_prometheus_u64(struct mc_buf *out, const char *name, const char *label,
		       const char *label_value, uint64_t value);
void mc_prometheus_double(struct mc_buf *out, const char *name, const char *label,
			  const char *label_value, double value);

#endif
