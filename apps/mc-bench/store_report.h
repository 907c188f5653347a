/* SPDX-License-Identifier: Apache-2.0 */
/* Results of mc-bench store: a table, JSON with one object per line, or a page. */
#ifndef MC_APPS_MC_BENCH_STORE_REPORT_H
#define MC_APPS_MC_BENCH_STORE_REPORT_H

#include <stdio.h>

#include "apps/mc-bench/store_load.h"
#include "core/base/buf.h"

/* Of a row's rounds: the median of each, but for counts, which are sums. */
struct store_figures {
	double gb_per_s;	/* 1e9 bytes, over the time in calls */
	double ops_per_s;	/* objects */
	double p50_us, p99_us, p999_us, max_us;	/* of calls */
	double cpu_s_per_gb;	/* of mc-bench's process; negative: no bytes */
	uint64_t misses, errors, verified, wrong;
};

struct store_row {
	enum store_load_op op;
	uint64_t size;
	unsigned int batch, clients, rounds;
	bool checksum, staged, poll_inline;
	enum mc_status first_error;
	struct store_figures figures;
};

/* One round: what all clients together did. @cpu_ns: of the process. */
struct store_figures store_figures_of(const struct store_result *results, unsigned int clients,
				      uint64_t cpu_ns);
struct store_figures store_figures_median(const struct store_figures *rounds, unsigned int count);

void store_report_head(FILE *out, bool json, const char *about);
void store_report_row(FILE *out, bool json, const struct store_row *row);
/* Appends a page that needs nothing else. @command and @about: any bytes. MC_ERR_NO_MEMORY. */
enum mc_status store_report_page(struct mc_buf *out, const char *command, const char *about,
				 const struct store_row *rows, unsigned int count);

#endif
