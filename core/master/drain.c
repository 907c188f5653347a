/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drain jobs. While a segment is drained it takes no objects, and stays readable; at the end it is
 * empty and can be unmounted without loss. A job that fails or is cancelled gives its segments back
 * as they were before, less what was moved.
 */
#include "core/master/drain.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/master/query.h"
#include "mc/log.h"

enum mc_status
mc_drains_init(struct mc_master *master)
{
	master->drains = calloc(1, sizeof(*master->drains));
	if (master->drains == NULL)
		return MC_ERR_NO_MEMORY;
	mc_list_init(&master->drains->jobs);
	return MC_OK;
}

static void
names_release(struct drain_names *names)
{
	for (uint32_t i = 0; i < names->count; i++)
		free((char *)names->at[i].ptr);
	free(names->at);
}

static void
job_free(struct drain_job *job)
{
	names_release(&job->segments);
	names_release(&job->targets);
	free(job);
}

static void
job_forget(struct master_drains *drains, struct drain_job *job)
{
	mc_list_del(&job->link);
	drains->count--;
	job_free(job);
}

void
mc_drains_fini(struct mc_master *master)
{
	struct master_drains *drains = master->drains;

	while (drains != NULL && !mc_list_empty(&drains->jobs))
		job_forget(drains, mc_container_of(drains->jobs.next, struct drain_job, link));
	free(drains);
}

/* ---- by number, by id ---- */

static struct drain_job *
job_next(const struct master_drains *drains, const struct mc_list *link)
{
	return link->next == &drains->jobs ? NULL
					   : mc_container_of(link->next, struct drain_job, link);
}

struct drain_job *
mc_drain_find(const struct mc_master *master, uint32_t number)
{
	struct drain_job *job = job_next(master->drains, &master->drains->jobs);

	while (job != NULL && job->number != number)
		job = job_next(master->drains, &job->link);
	return job;
}

static struct drain_job *
job_by_id(const struct mc_master *master, struct mc_uuid id)
{
	struct drain_job *job = job_next(master->drains, &master->drains->jobs);

	while (job != NULL && !mc_uuid_equal(job->told.id, id))
		job = job_next(master->drains, &job->link);
	return job;
}

static bool
job_over(const struct drain_job *job)
{
	return job->told.status > MC_DRAIN_RUNNING;
}

/* Room for one job more: the oldest one that is over is forgotten. */
static enum mc_status
room_make(struct master_drains *drains)
{
	struct drain_job *job = job_next(drains, &drains->jobs);

	if (drains->count < MC_DRAINS_MAX)
		return MC_OK;
	while (job != NULL && !job_over(job))
		job = job_next(drains, &job->link);
	if (job == NULL)
		return MC_ERR_TASK_LIMIT;
	job_forget(drains, job);
	return MC_OK;
}

/* ---- orders ---- */

/* Each of @names once, and able to take part; @numbers_out gets what they are known by. */
static enum mc_status
names_check(const struct mc_master *master, const struct mc_str *names, uint32_t count,
	    uint32_t *numbers_out)
{
	if (count > MC_DRAIN_NAMES_MAX)
		return MC_ERR_INVALID;
	for (uint32_t i = 0; i < count; i++) {
		enum mc_status st = mc_name_check(master, names[i]);

		if (st != MC_OK)
			return st;
		numbers_out[i] = mc_name_find(master, names[i]);
		for (uint32_t before = 0; before < i; before++) {
			if (numbers_out[before] == numbers_out[i])
				return MC_ERR_INVALID;
		}
	}
	return MC_OK;
}

static bool
any_common(const uint32_t *a, uint32_t a_count, const uint32_t *b, uint32_t b_count)
{
	for (uint32_t i = 0; i < a_count; i++) {
		for (uint32_t k = 0; k < b_count; k++) {
			if (a[i] == b[k])
				return true;
		}
	}
	return false;
}

static enum mc_status
order_check(const struct mc_master *master, const struct mc_drain_request *request,
	    uint32_t *segments)
{
	uint32_t targets[MC_DRAIN_NAMES_MAX];
	enum mc_status st;

	if (request->segments_count == 0 || request->concurrency == 0 ||
	    request->concurrency > MC_DRAIN_CONCURRENCY_MAX)
		return MC_ERR_INVALID;
	st = names_check(master, request->segments, request->segments_count, segments);
	if (st == MC_OK)
		st = names_check(master, request->targets, request->targets_count, targets);
	if (st == MC_OK &&
	    any_common(segments, request->segments_count, targets, request->targets_count))
		st = MC_ERR_INVALID;
	return st;
}

static enum mc_status
names_copy(const struct mc_str *from, uint32_t count, struct drain_names *to)
{
	enum mc_status st = MC_OK;

	to->at = calloc(count + 1u, sizeof(*to->at));
	if (to->at == NULL)
		return MC_ERR_NO_MEMORY;
	for (; st == MC_OK && to->count < count; to->count++)
		st = mc_str_copy(from[to->count], &to->at[to->count]);
	return st;
}

static enum mc_status
job_create(struct mc_master *master, const struct mc_drain_request *request,
	   struct drain_job **job_out)
{
	struct drain_job *job = calloc(1, sizeof(*job));
	enum mc_status st;

	if (job == NULL)
		return MC_ERR_NO_MEMORY;
	st = names_copy(request->segments, request->segments_count, &job->segments);
	if (st == MC_OK)
		st = names_copy(request->targets, request->targets_count, &job->targets);
	if (st != MC_OK) {
		job_free(job);
		return st;
	}
	job->told.id.first = mc_random_next(&master->random);
	job->told.id.second = mc_random_next(&master->random);
	job->concurrency = request->concurrency;
	job->first_round = true;
	mc_drain_touch(job);
	job->told.created_at_ms = job->told.updated_at_ms;
	*job_out = job;
	return MC_OK;
}

static enum mc_status
drain_create(struct mc_master *master, const struct mc_drain_request *request,
	     struct drain_job **job_out)
{
	struct master_drains *drains = master->drains;
	uint32_t segments[MC_DRAIN_NAMES_MAX];
	struct drain_job *job;
	enum mc_status st = order_check(master, request, segments);

	if (st == MC_OK)
		st = room_make(drains);
	if (st == MC_OK)
		st = job_create(master, request, &job);
	if (st != MC_OK)
		return st;
	job->number = ++drains->number_last;
	mc_list_add_tail(&drains->jobs, &job->link);
	drains->count++;
	for (uint32_t i = 0; i < request->segments_count; i++) {
		const struct master_name *name = &master->names[segments[i]];

		while (name->segments_count > 0) {
			master->segments[name->segments[0]].drain = job->number;
			mc_segment_drain(master, name->segments[0]);
		}
	}
	mc_log_info("drain job %lu-%lu: %u names of segments", (unsigned long)job->told.id.first,
		    (unsigned long)job->told.id.second, request->segments_count);
	*job_out = job;
	return MC_OK;
}

/* ---- the end ---- */

void
mc_drain_touch(struct drain_job *job)
{
	job->told.updated_at_ms = (int64_t)(mc_clock_real_ns() / MC_NS_PER_MS);
}

static void
segment_end(struct mc_master *master, uint32_t i, enum mc_drain_status status)
{
	master->segments[i].drain = 0;
	if (status == MC_DRAIN_SUCCEEDED)
		mc_segment_drained(master, i);
	else if (mc_segment_undrain(master, i) != MC_OK)
		mc_log_error("out of memory: a segment whose drain job ended takes no objects");
}

void
mc_drain_end(struct mc_master *master, struct drain_job *job, enum mc_drain_status status)
{
	for (uint32_t i = 0; i < master->segments_used; i++) {
		if (segment_readable(master, i) && master->segments[i].drain == job->number)
			segment_end(master, i, status);
	}
	job->told.status = status;
	mc_drain_touch(job);
	mc_log_info("drain job %lu-%lu %s: %lu objects moved, %lu moves failed",
		    (unsigned long)job->told.id.first, (unsigned long)job->told.id.second,
		    status == MC_DRAIN_SUCCEEDED ? "succeeded"
		    : status == MC_DRAIN_FAILED	 ? "failed"
						 : "was cancelled",
		    (unsigned long)job->told.succeeded_units,
		    (unsigned long)job->told.failed_units);
}

void
mc_drain_lost(struct mc_master *master, uint32_t i)
{
	struct master_segment *segment = &master->segments[i];
	struct drain_job *job = mc_drain_find(master, segment->drain);
	struct mc_alloc_stats stats;

	segment->drain = 0;
	mc_alloc_stats_read(segment->alloc, &stats);
	if (job != NULL && stats.object_bytes > segment->parked_bytes)
		job->lost = true;
}

uint32_t
mc_drains_work(struct mc_master *master)
{
	struct drain_job *job = job_next(master->drains, &master->drains->jobs);
	uint32_t n = 0;

	for (; job != NULL; job = job_next(master->drains, &job->link)) {
		if (!job_over(job))
			n += mc_drain_walk(master, job);
	}
	return n;
}

static enum mc_status
drain_cancel(struct mc_master *master, struct drain_job *job)
{
	/* what clients have begun would be moved all the same */
	if (job_over(job) || job->told.active_units > 0)
		return MC_ERR_UNAVAILABLE_STATE;
	mc_drain_end(master, job, MC_DRAIN_CANCELED);
	return MC_OK;
}

/* ---- queries ---- */

static void
job_tell(struct mc_master_query *query, const struct drain_job *job)
{
	query->drain->job = job->told;
	mc_query_add(query, "[");
	for (uint32_t i = 0; i < job->segments.count; i++) {
		if (i > 0)
			mc_query_add(query, ",");
		mc_query_add_json(query, job->segments.at[i]);
	}
	mc_query_add(query, "]");
}

bool
mc_query_drain_create(struct mc_master *master, struct mc_master_query *query)
{
	struct drain_job *job;

	query->status = drain_create(master, query->drain, &job);
	if (query->status == MC_OK)
		job_tell(query, job);
	return true;
}

bool
mc_query_drain(struct mc_master *master, struct mc_master_query *query)
{
	struct drain_job *job = job_by_id(master, query->drain->id);

	if (job == NULL)
		query->status = MC_ERR_JOB_NOT_FOUND;
	else
		job_tell(query, job);
	return true;
}

bool
mc_query_drain_cancel(struct mc_master *master, struct mc_master_query *query)
{
	struct drain_job *job = job_by_id(master, query->drain->id);

	query->status = job == NULL ? MC_ERR_JOB_NOT_FOUND : drain_cancel(master, job);
	if (query->status == MC_OK)
		job_tell(query, job);
	return true;
}
