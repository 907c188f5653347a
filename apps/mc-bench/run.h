/* SPDX-License-Identifier: Apache-2.0 */
/* One run: connections that are kept busy for a time, and what was measured on them. */
#ifndef MC_APPS_MC_BENCH_RUN_H
#define MC_APPS_MC_BENCH_RUN_H

#include "apps/mc-bench/target.h"
#include "apps/mc-bench/workload.h"
#include "core/base/histogram.h"

struct run_params {
	enum op op;
	enum mc_form form;
	unsigned int connections;
	unsigned int depth;
	unsigned int batch;
	unsigned int key_size;
	uint64_t keys_count;
	uint64_t value_size;
	double seconds;
	double warmup;
	uint64_t seed;
	bool live;			/* a line per second on stderr */
};

struct run_result {
	struct mc_histogram latency;
	uint64_t calls;
	uint64_t keys;
	uint64_t wrong;
	struct error_count errors[ERROR_KINDS];
	double seconds;
	double cpu_us_per_call;		/* negative: unknown */
};

/*
 * OP_FILL ends by itself: the first fill makes the keys that reads ask for, a later one takes new
 * keys, as puts do. A signal ends every run early. What fails is said on stderr; @result_out then
 * holds what there was. MC_ERR_TIMEOUT: no answer for as long as target->timeout_ns.
 */
enum mc_status run_once(struct target *target, const struct run_params *params,
			struct run_result *result_out);

#endif
