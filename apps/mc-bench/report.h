/* SPDX-License-Identifier: Apache-2.0 */
/* Results as a table for people, or as JSON with one object per line and nothing else. */
#ifndef MC_APPS_MC_BENCH_REPORT_H
#define MC_APPS_MC_BENCH_REPORT_H

#include <stdio.h>

#include "apps/mc-bench/run.h"

/* The figures of a row; in a comparison the median of each over the rounds. */
struct figures {
	double calls_per_s;
	double keys_per_s;
	double p50_us;
	double p99_us;
	double p999_us;
	double max_us;
	double cpu_us_per_call;		/* negative: unknown */
	uint64_t wrong;
	double seconds;
};

struct figures figures_of(const struct run_result *result);
#define REPORT_ROUNDS_MAX 100u

/* Medians of @count results, 1 to REPORT_ROUNDS_MAX; errors and seconds are summed. */
struct figures figures_median(const struct run_result *results, unsigned int count);

void report_head(FILE *out, bool json);
void report_row(FILE *out, bool json, const struct target *target,
		const struct run_params *params, const struct figures *figures);
/* @ours against @theirs. */
void report_ratio(FILE *out, bool json, const struct run_params *params,
		  const struct figures *ours, const struct figures *theirs);
/* What the master refused or answered wrongly in a run, a line for each kind. */
void report_errors(FILE *out, const struct target *target, const struct run_params *params,
		   const struct run_result *result);

#endif
