/* SPDX-License-Identifier: Apache-2.0 */
/* The flags of mc-bench master, and what they ask for. */
#ifndef MC_APPS_MC_BENCH_OPTIONS_H
#define MC_APPS_MC_BENCH_OPTIONS_H

#include "apps/cli/flags.h"
#include "apps/mc-bench/run.h"

#define BENCH_ROWS_MAX 16u

/* One op on each target, and one line of the report. */
struct bench_row {
	enum op op;
	unsigned int connections;
	unsigned int depth;
	unsigned int batch;
};

struct bench_options {
	struct target targets[2];
	unsigned int targets_count;
	struct bench_row rows[BENCH_ROWS_MAX];
	unsigned int rows_count;
	struct run_params params;	/* what all rows share */
	unsigned int rounds;
	bool json;
	const char *cpus;		/* "": any; lives as long as the flags */
	enum mc_idle_policy idle;
	uint64_t spin_ns;
};

extern const struct mc_flag bench_options_table[];
extern const size_t bench_options_count;

/* From parsed flags. MC_ERR_INVALID: mc_flags_errors() names flag and value and what to give. */
enum mc_status bench_options_read(struct mc_flags *flags, struct bench_options *options_out);

#endif
