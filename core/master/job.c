/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long work for one call, a slice per pass of the reactor, so that no RPC waits longer than a
 * slice. The call is parked (MC_RPC_LATER) and resumed when its work is done. A job that waits for
 * something stands in no line until it is woken.
 */
#include <stdlib.h>

#include "core/master/state.h"

static void
job_release(struct master_job *job)
{
	if (job->release != NULL)
		job->release(job);
}

static bool
job_step(struct master_job *job)
{
	mc_master_serving(job->master, job->call);
	return job->step(job);
}

static void
job_line_up(struct master_job *job)
{
	if (!job->waits)
		mc_list_add_tail(&job->master->jobs, &job->link);
}

static enum mc_rpc_verdict
job_keep(struct master_op *op, struct master_job *job)
{
	op->call->job = job;
	job_line_up(job);
	return MC_RPC_LATER;
}

enum mc_rpc_verdict
mc_job_begin(struct master_op *op, struct master_job *job)
{
	struct master_job *kept;
	enum mc_rpc_verdict verdict;

	job->call = op->call;
	job->master = op->master;
	if (job_step(job)) {
		verdict = job->end(job, op);
		job_release(job);
		return verdict;
	}
	kept = malloc(job->size);
	if (kept == NULL) {
		job_release(job);
		return MC_RPC_CLOSE;
	}
	memcpy(kept, job, job->size);
	return job_keep(op, kept);
}

enum mc_rpc_verdict
mc_job_begin_kept(struct master_op *op, struct master_job *job)
{
	enum mc_rpc_verdict verdict;

	job->call = op->call;
	job->master = op->master;
	if (!job_step(job))
		return job_keep(op, job);
	verdict = job->end(job, op);
	job_release(job);
	free(job);
	return verdict;
}

void
mc_job_wake(struct master_job *job)
{
	if (!job->waits)
		return;
	job->waits = false;
	job_line_up(job);
}

enum mc_rpc_verdict
mc_job_end(struct master_op *op)
{
	struct master_job *job = op->call->job;
	enum mc_rpc_verdict verdict = job->end(job, op);

	op->call->job = NULL;
	job_release(job);
	free(job);
	return verdict;
}

void
mc_job_cancel(struct mc_rpc_call *call)
{
	struct master_job *job = call->job;

	call->job = NULL;
	if (mc_list_linked(&job->link))
		mc_list_del(&job->link);
	job_release(job);
	free(job);
}

uint32_t
mc_jobs_work(struct mc_master *master)
{
	struct master_job *job;

	if (mc_list_empty(&master->jobs))
		return 0;
	job = mc_container_of(master->jobs.next, struct master_job, link);
	/* to the end of the line: another job's turn comes in the next pass */
	mc_list_del(&job->link);
	if (job_step(job))
		mc_rpc_resume(job->call);
	else
		job_line_up(job);
	return 1;
}
