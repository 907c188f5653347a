/* SPDX-License-Identifier: Apache-2.0 */
/* Results as a table for people, or as JSON with one object per line and nothing else. */
#ifndef MC_APPS_MC_BENCH_TRANSFER_REPORT_H
#define MC_APPS_MC_BENCH_TRANSFER_REPORT_H

#include <stdio.h>

#include "apps/mc-bench/transfer_run.h"

/* Of the rounds of a row: the median of each, but for errors, verified and seconds, the sums. */
struct transfer_figures {
	double gb_per_s;		/* 1e9 bytes */
	double ops_per_s;
	double p50_us, p99_us, p999_us, max_us;
	double cpu_s_per_gb;		/* negative: unknown */
	double first_gb_per_s;		/* the first pass over the working set; 0: not finished */
	uint64_t errors;
	uint64_t verified;
	double seconds;
};

struct transfer_row {
	char driver[16];
	enum mc_transfer_op op;
	uint64_t size;
	uint64_t set;
	unsigned int batch;
	unsigned int post;
	unsigned int threads;
	unsigned int rounds;
	const char *complete;		/* static storage */
	bool cpu_of_both;		/* ends, or of ours alone */
	struct transfer_figures figures;
};

/* @count results of transfers of @size over @set, 1 to TRANSFER_ROUNDS_MAX. */
struct transfer_figures transfer_figures_median(const struct transfer_result *results,
						unsigned int count, uint64_t size, uint64_t set);

/* Says what the table is of, and its columns; nothing with @json. */
void transfer_report_head(FILE *out, bool json, const char *driver, const char *about);
#define TRANSFER_FLIGHT_TEXT 32
/* What is in flight: "8", or "8x16" for submissions of 16. @text has TRANSFER_FLIGHT_TEXT bytes. */
const char *transfer_flight_text(const struct transfer_row *row, char *text);
void transfer_report_row(FILE *out, bool json, const struct transfer_row *row);

#endif
