/* SPDX-License-Identifier: Apache-2.0 */
/* The flags of mc-bench transfer, and what they ask for. */
#ifndef MC_APPS_MC_BENCH_TRANSFER_OPTIONS_H
#define MC_APPS_MC_BENCH_TRANSFER_OPTIONS_H

#include "apps/cli/flags.h"
#include "mc/eal.h"
#include "mc/engine.h"
#include "mc/memory.h"

#define TRANSFER_SIZES_MAX   48u
#define TRANSFER_DRIVERS_MAX 4u
#define TRANSFER_ROUNDS_MAX  100u
#define TRANSFER_FLIGHT_MAX  65536u	/* transfers in flight: their records are memory */

/* Who takes up a completion and starts the next transfer. */
enum transfer_complete {
	COMPLETE_CALLBACK,	/* the lcore that completed it */
	COMPLETE_WAIT,		/* a submitting thread, which sleeps meanwhile */
	COMPLETE_POLL,		/* a submitting thread, which looks all the time */
};

/* Strings live as long as the flags. */
struct transfer_options {
	bool target;			/* serve, and nothing else */
	const char *peer;		/* NULL: start a target of our own */
	const char *metadata;
	const char *name;
	const char *devices;		/* NULL: all */
	const char *driver_list;	/* as given, for a target of our own */
	char drivers[TRANSFER_DRIVERS_MAX][16];
	unsigned int drivers_count;
	enum mc_transfer_op ops[2];
	unsigned int ops_count;
	uint64_t sizes[TRANSFER_SIZES_MAX];
	unsigned int sizes_count;
	uint64_t size_largest;
	unsigned int batch;
	unsigned int post;		/* transfers in each submission */
	unsigned int threads;
	uint64_t flight;		/* batch * post * threads */
	enum transfer_complete complete;
	bool poll_inline;
	double seconds;
	double warmup;
	unsigned int rounds;
	uint64_t timeout_ns;
	uint64_t buffer;		/* bytes of each buffer that a target offers */
	unsigned int buffers;
	uint64_t set;			/* bytes to use of the peer's buffer; 0: all */
	enum mc_huge huge;
	bool verify;
	bool fill;
	uint64_t seed;
	const char *corelist, *coremask, *lcores;	/* NULL: not given */
	int inline_cpu;			/* of the polling thread; -1: any */
	const char *target_cpus;
	enum mc_idle_policy idle;
	uint64_t spin_ns;
	bool json;
	const char *html;		/* NULL: none */
};

extern const struct mc_flag transfer_options_table[];
extern const size_t transfer_options_count;

/* From parsed flags. MC_ERR_INVALID: mc_flags_errors() names flag and value and what to give. */
enum mc_status transfer_options_read(struct mc_flags *flags,
				     struct transfer_options *options_out);

const char *transfer_op_name(enum mc_transfer_op op);

#endif
