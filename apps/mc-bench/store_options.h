/* SPDX-License-Identifier: Apache-2.0 */
/* The flags of mc-bench store, and what they ask for. */
#ifndef MC_APPS_MC_BENCH_STORE_OPTIONS_H
#define MC_APPS_MC_BENCH_STORE_OPTIONS_H

#include "apps/cli/flags.h"
#include "mc/eal.h"
#include "mc/store.h"

#define STORE_SIZES_MAX	 32u
#define STORE_ROUNDS_MAX 100u
#define STORE_ROWS_MAX	 (2 * STORE_SIZES_MAX * 4)

enum store_load_op {
	LOAD_PUT,
	LOAD_GET,
	LOAD_EXIST,
	LOAD_MIXED,		/* puts and gets, by put_ratio */
	LOAD_OPS,
};

/* Strings live as long as the flags. */
struct store_options {
	bool quick;
	const char *master;		/* NULL: one of our own, with two nodes */
	const char *metadata;
	const char *host;
	const char *drivers;		/* NULL: all */
	const char *devices;		/* NULL: all */
	uint64_t segment;		/* that each client gives to the pool */
	uint64_t node;			/* bytes of each node of our own */
	unsigned int nodes;
	enum store_load_op ops[LOAD_OPS];
	unsigned int ops_count;
	uint64_t sizes[STORE_SIZES_MAX];
	unsigned int sizes_count;
	unsigned int batch;
	unsigned int batch_most;	/* of any row: -quick has one more */
	unsigned int clients;
	uint64_t live;			/* bytes of objects that are kept at a time */
	double hit_ratio;
	double put_ratio;
	unsigned int replicas;
	bool staged;
	bool poll_inline;
	bool checksum;
	bool verify;
	double seconds;
	double warmup;
	unsigned int rounds;
	uint32_t deadline_ms;
	const char *corelist;		/* NULL: the stores' own threads */
	enum mc_idle_policy idle;
	const char *master_cpus;	/* of the master of our own; NULL: the first */
	bool master_busy;
	bool json;
	const char *html;		/* NULL: none */
};

extern const struct mc_flag store_options_table[];
extern const size_t store_options_count;

/* From parsed flags. MC_ERR_INVALID: mc_flags_errors() names flag and value and what to give. */
enum mc_status store_options_read(struct mc_flags *flags, struct store_options *options_out);

const char *store_op_name(enum store_load_op op);

#endif
