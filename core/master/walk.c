/* SPDX-License-Identifier: Apache-2.0 */
/* Walks over all objects, for the calls that concern every key or every matching one. */
#include "core/master/regex.h"
#include "core/master/state.h"

/* Objects looked at per pass: some 100 µs with a plain pattern. */
#define SLICE 1024u

static bool
walk_step(struct master_job *job)
{
	struct master_walk *walk = mc_container_of(job, struct master_walk, job);
	uint32_t steps = SLICE;

	while (steps > 0) {
		uint32_t object = mc_table_walk(job->master->table, &walk->cursor, &steps);

		if (object != MC_OBJECT_NONE)
			walk->each(walk, object);
		if (walk->cursor == MC_OBJECT_NONE)
			return true;
	}
	return false;
}

static void
walk_release(struct master_job *job)
{
	mc_regex_destroy(mc_container_of(job, struct master_walk, job)->regex);
}

enum mc_rpc_verdict
mc_walk_begin(struct master_op *op, struct master_walk *walk)
{
	walk->job.size = sizeof(*walk);
	walk->job.step = walk_step;
	walk->job.release = walk_release;
	walk->answer = op->answer;
	walk->cursor = MC_OBJECT_NONE;
	return mc_job_begin(op, &walk->job);
}
