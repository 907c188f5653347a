/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to core/master: work of one call that takes more than a pass of the reactor, or waits for
 * something. The call is parked meanwhile; jobs take turns, a slice each. The master's exec reactor
 * runs them.
 */
#ifndef MC_CORE_MASTER_JOB_H
#define MC_CORE_MASTER_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/list.h"
#include "core/rpc/server.h"
#include "core/wire/wire.h"

struct mc_master;
struct mc_regex;
struct master_op;

/* The handler's frame is left between slices: everything that the answer needs is kept here. */
struct master_job {
	struct mc_list link;
	struct mc_rpc_call *call;
	struct mc_master *master;
	size_t size;			/* of the struct around this one */
	bool waits;			/* set by @step: nothing to do until mc_job_wake() */
	bool (*step)(struct master_job *job);	/* one slice; true: all is done */
	enum mc_rpc_verdict (*end)(struct master_job *job, struct master_op *op);
	void (*release)(struct master_job *job);	/* what it holds, but not itself */
};
/*
 * Runs the first slice; answers when that was all, else keeps a copy of the struct and goes on
 * between calls. Releases the job when it is over, one way or another.
 */
enum mc_rpc_verdict mc_job_begin(struct master_op *op, struct master_job *job);
/* The same for a job from malloc(), which stays where it is; it is freed with the job. */
enum mc_rpc_verdict mc_job_begin_kept(struct master_op *op, struct master_job *job);
/* What the job waits for may be there: its turn comes again. Nothing, if it does not wait. */
void mc_job_wake(struct master_job *job);
/* The last slice is done and the call resumed: the answer. */
enum mc_rpc_verdict mc_job_end(struct master_op *op);
void mc_job_cancel(struct mc_rpc_call *call);
uint32_t mc_jobs_work(struct mc_master *master);

/* A walk over all objects (walk.c): @each per object, then @end. */
struct master_walk {
	struct master_job job;
	void (*each)(struct master_walk *walk, uint32_t object);
	enum mc_release answer;
	uint32_t cursor;
	bool force;
	int64_t count;
	struct mc_regex *regex;		/* owned; NULL: every key */
	struct mc_writer writer;	/* GetReplicaListByRegex: the answer so far */
	size_t count_at;		/* where its count lies in the output */
};
enum mc_rpc_verdict mc_walk_begin(struct master_op *op, struct master_walk *walk);

#endif
