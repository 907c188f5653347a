/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One of the submissions that a run keeps in flight. A slot is touched by one thread at a time:
 * whoever has its completion, until it is submitted again; the engine's hand-over orders the two.
 * Others read its atomics only. Private to transfer_run.c.
 */
#ifndef MC_APPS_MC_BENCH_TRANSFER_SLOT_H
#define MC_APPS_MC_BENCH_TRANSFER_SLOT_H

#include <stdatomic.h>

#include "apps/mc-bench/transfer_run.h"
#include "apps/mc-bench/walk.h"

enum slot_state {
	SLOT_IDLE,
	SLOT_FLYING,
	SLOT_PARKED,		/* the engine had no room: to be submitted again */
};

struct slot;

/* What the slots of a run share. */
struct flight {
	const struct transfer_path *path;
	const struct transfer_params *params;
	/* NULL: the submitting thread asks; else as of mc_batch_submit(), with the slot */
	void (*done)(void *context, struct mc_batch *batch);
	uint64_t start_ns;
	atomic_bool counting;
	atomic_bool stopping;
	atomic_int status;		/* of the first failure */
	atomic_uint passing;		/* slots that have not met all blocks of their share */
	_Atomic uint64_t first_pass_ns;	/* when the last one had; 0: not yet */
	struct transfer_mismatch mismatch;	/* written by whoever sets mismatched */
	atomic_bool mismatched;
};

struct slot {
	struct flight *flight;
	struct mc_batch *batch;
	unsigned int index;
	struct walk walk;
	uint64_t begun;
	uint64_t met;			/* transfers of submissions that were completed */
	uint64_t start_ns;
	uint64_t *offsets;		/* of the blocks in the working set, params->post of them */
	bool reading_back;		/* what was just written, into scratch */
	atomic_int state;
	_Atomic uint64_t ops;		/* counted */
	uint64_t errors;
	uint64_t verified;
	struct mc_histogram latency;
};

/* With its walk begun already; slot_fini() may follow a failure, and a slot that is all zero. */
enum mc_status slot_init(struct slot *slot, struct flight *flight, unsigned int index);
void slot_fini(struct slot *slot);

/* Begins the next transfers, unless the flight is stopping; idle then. */
void slot_next(struct slot *slot, uint64_t now_ns);
/* Submits what was parked. */
void slot_unpark(struct slot *slot);
/* The transfers under way are complete: judged and counted, and the next ones begun. */
void slot_complete(struct slot *slot);

#endif
