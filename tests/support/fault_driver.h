/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver that stacks on any other and makes its operations late, lost, refused or few.
 *
 *	const struct mc_driver *shaky = fault_driver_over(mc_driver_find("shm"));
 *	fault_plan_set(shaky, &(struct fault_plan){.seed = 7, .drop = 20, .error = 50});
 *
 * It has the name, family and capabilities of the driver below, passes every call of the cold
 * table on, and holds the driver below to its word: an operation that completes twice, or that was
 * never posted, ends the program. What a plan does to an operation is decided when it is posted:
 *
 *   short    post() takes fewer than fit, perhaps none. The others come with a later call.
 *   error    the driver below never sees it; it completes with plan.error_status.
 *   drop     the driver below never sees it, and it does not complete: ep_cancel() and ep_detach()
 *            complete it with MC_ERR_CANCELED. What a deadline is for.
 *   delay    it is done at once and completes some polls later, as it went.
 *   kill     the ep fails: this operation and all later ones complete with MC_ERR_CONN_CLOSED,
 *            and a completion with cookie 0 says so. A new ep to the same peer works.
 *
 * With plan.reorder completions that are due come in any order. Chances are out of 1000, drawn
 * from the seed in the order of posting: with one posting thread the same seed does the same. The
 * script comes before chance: step.op counts the operations posted since the plan was set, over
 * all eps of the stack, from 0; the steps are sorted by op.
 *
 * Unlike a true driver it takes a lock in post() and poll(). fault_plan_set() may be called by any
 * thread at any time, and copies all but the script.
 */
#ifndef MC_TESTS_SUPPORT_FAULT_DRIVER_H
#define MC_TESTS_SUPPORT_FAULT_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/driver.h"

#define FAULT_STACKS_MAX 4	/* drivers that can have one on top, in one process */

enum fault_kind {
	FAULT_NONE,
	FAULT_SHORT,
	FAULT_ERROR,
	FAULT_DROP,
	FAULT_DELAY,
	FAULT_KILL,
};

struct fault_step {
	uint64_t op;
	enum fault_kind kind;
	enum mc_status status;	/* FAULT_ERROR */
};

struct fault_plan {
	uint64_t seed;
	/* chances out of 1000 */
	uint16_t shorter;
	uint16_t error;
	uint16_t drop;
	uint16_t delay;
	uint16_t kill;
	enum mc_status error_status;	/* 0: MC_ERR_IO */
	uint32_t delay_polls_max;	/* 0: 16 */
	bool reorder;
	/* what ep_create() answers instead of connecting; MC_OK: it connects */
	enum mc_status connect_status;
	const struct fault_step *script;	/* stays the caller's, until the next plan */
	size_t script_count;
};

/* What happened since the plan was set. */
struct fault_counts {
	uint64_t ops;		/* taken by post() */
	uint64_t shorter;
	uint64_t errors;
	uint64_t drops;
	uint64_t delays;
	uint64_t kills;
	uint64_t connects_refused;
};

/* The stack on @below, made at the first call, without a plan. Lives as long as the process. */
const struct mc_driver *fault_driver_over(const struct mc_driver *below);
/* NULL: no faults any more. */
void fault_plan_set(const struct mc_driver *stack, const struct fault_plan *plan);
void fault_counts_read(const struct mc_driver *stack, struct fault_counts *counts_out);

#endif
