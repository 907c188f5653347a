/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run: as many transfers of one size as asked for kept in flight for a time, and what was
 * measured on them. Each slot has one submission in flight and a share of the blocks of the working
 * set, which it goes through in an order of its own, over and over; block i of ours belongs to
 * block i of the peer's, so that what lies there is known without writing it down.
 */
#ifndef MC_APPS_MC_BENCH_TRANSFER_RUN_H
#define MC_APPS_MC_BENCH_TRANSFER_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "apps/mc-bench/child.h"
#include "apps/mc-bench/transfer_options.h"
#include "core/base/histogram.h"
#include "mc/engine.h"

/* The two memories, and what joins them. Borrowed. */
struct transfer_path {
	struct mc_engine *engine;
	struct mc_segment *segment;
	const char *peer;
	uint64_t remote;		/* address of the working set in the peer */
	uint8_t *local;			/* and here, registered */
	uint64_t set;			/* bytes of both */
	uint8_t *scratch;		/* for -verify of writes: a block for each in flight */
	struct child *child;		/* the target, where it is ours; else NULL */
};

struct transfer_params {
	enum mc_transfer_op op;
	uint64_t size;
	unsigned int batch;		/* slots of each thread */
	unsigned int post;		/* transfers of each slot */
	unsigned int threads;
	enum transfer_complete complete;
	bool poll_inline;
	double seconds;
	double warmup;
	uint64_t timeout_ns;		/* of each transfer */
	bool verify;
	uint64_t seed;
	bool live;			/* a line twice a second on stderr */
};

/* The first byte that was wrong. */
struct transfer_mismatch {
	bool found;
	uint64_t addr;			/* in the peer */
	uint64_t block;			/* where its transfer began */
	uint8_t expected, got;
};

struct transfer_result {
	struct mc_histogram latency;	/* of submissions */
	uint64_t ops;			/* transfers */
	uint64_t errors;
	uint64_t verified;		/* bytes judged, all right but for the mismatch */
	double seconds;
	double first_pass_s;		/* from the start until each block had its turn; 0: not */
	double cpu_s;			/* negative: unknown */
	enum mc_status status;		/* of the first transfer that failed */
	struct transfer_mismatch mismatch;
};

/*
 * Ends after its time, at the first transfer that fails, when the child is gone, or with a signal;
 * nothing is in flight any more when it returns. MC_ERR_NO_MEMORY: nothing was started. What was
 * measured is in result_out in all other cases; MC_OK: result_out->status says how it went.
 */
enum mc_status transfer_run(const struct transfer_path *path, const struct transfer_params *params,
			    struct transfer_result *result_out);

/*
 * Writes what @seed puts into the whole working set of the peer, from ours. Blocks; ends early with
 * a signal (MC_ERR_CANCELED).
 */
enum mc_status transfer_fill(const struct transfer_path *path, uint64_t seed, uint64_t timeout_ns);

#endif
