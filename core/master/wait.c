/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BatchPutStartWait: a BatchPutStart whose keys may wait for space until a deadline. Any other
 * error settles a key at once; keys that found space keep it while others wait, and what they got
 * is told when the last one is settled.
 *
 * Calls wait in the order in which they came. Only the first one tries, key after key in its own
 * order: when it came, when space is given back, and once a second. Each try that fails asks for a
 * round of eviction, so these follow each other until its keys fit or nothing can be evicted. Plain
 * puts do not queue here, and may be faster.
 */
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/master/state.h"

/* Keys per pass of the reactor, as in batch.c. */
#define SLICE 1024u

enum wait_phase {
	PHASE_FIRST,	/* every key is looked at once */
	PHASE_WAIT,	/* those without space, until there is none or the time is over */
	PHASE_ANSWER,
};

struct key_cursor {
	struct mc_vec_cursor key;
	struct mc_vec_cursor size;
	struct mc_vec_cursor group;
	uint32_t index;
};

struct put_wait {
	struct master_job job;
	struct mc_list link;		/* in master->waits, before PHASE_ANSWER */
	struct mc_timer deadline;
	struct mc_args args;
	struct mc_vec group_ids;	/* one per key; the config that each key sees has one */
	enum mc_release release;
	enum mc_release answer;
	struct mc_writer writer;
	enum wait_phase phase;
	struct key_cursor next;		/* of the phase */
	enum mc_status *status;		/* by key; MC_AGAIN: it waits */
	uint32_t pending;		/* keys that wait */
	uint32_t failures;
	bool refused;			/* the arguments do not fit: every key INVALID_PARAMS */
	bool over;			/* the time, or the master's */
};

static struct put_wait *
wait_of(struct master_job *job)
{
	return mc_container_of(job, struct put_wait, job);
}

static struct put_wait *
wait_first(const struct mc_master *master)
{
	return mc_container_of(master->waits.next, struct put_wait, link);
}

void
mc_waits_wake(struct mc_master *master)
{
	if (!mc_list_empty(&master->waits))
		mc_job_wake(&wait_first(master)->job);
}

/* Whose turn it is: a call that does not wait has no turn to wait for. */
static bool
wait_may_try(const struct put_wait *wait)
{
	return wait->over || wait_first(wait->job.master) == wait;
}

/* Out of the line, if it is in it; the next one may try. */
static void
wait_leave(struct put_wait *wait)
{
	struct mc_master *master = wait->job.master;

	if (!mc_list_linked(&wait->link))
		return;
	mc_list_del(&wait->link);
	mc_timer_stop(master->exec, &wait->deadline);
	mc_waits_wake(master);
}

static void
deadline_passed(struct mc_timer *timer)
{
	struct put_wait *wait = mc_container_of(timer, struct put_wait, deadline);

	wait->over = true;
	mc_job_wake(&wait->job);
}

/* ---- keys ---- */

/* The key at the cursor, which moves on. */
static void
key_next(struct put_wait *wait, struct put_request *put_out)
{
	*put_out = (struct put_request){
		.client_id = wait->args.client_id,
		.config = &wait->args.config,
		.release = wait->release,
	};
	mc_vec_next_str(&wait->args.keys, &wait->next.key, &put_out->key);
	mc_vec_next_str(&wait->group_ids, &wait->next.group, &put_out->group);
	if (!wait->refused)
		mc_vec_next_u64(&wait->args.slice_lengths, &wait->next.size, &put_out->size);
	wait->next.index++;
}

static enum mc_status
key_try(struct put_wait *wait, const struct put_request *put)
{
	struct desc_list descs;
	enum mc_status st = mc_put_start_key(wait->job.master, put, wait->answer, &descs);

	return st == MC_ERR_NO_SPACE ? MC_AGAIN : st;
}

/* @largest: no object above that will ever fit, and none shall keep others waiting for it. */
static enum mc_status
key_first(struct put_wait *wait, const struct put_request *put, uint64_t largest)
{
	enum mc_status st;

	if (wait->refused)
		return MC_ERR_INVALID;
	if (wait_may_try(wait)) {
		st = key_try(wait, put);
	} else {
		st = mc_put_check_key(wait->job.master, put);
		if (st == MC_OK)
			st = MC_AGAIN;
	}
	return st == MC_AGAIN && put->size > largest ? MC_ERR_NO_SPACE : st;
}

/* Of the segments that take objects; while there are none, any may come. */
static uint64_t
segment_largest(const struct mc_master *master)
{
	uint64_t largest = 0;

	for (uint32_t i = 0; i < master->segments_used; i++) {
		if (master->segments[i].state == SEGMENT_LIVE &&
		    master->segments[i].size > largest)
			largest = master->segments[i].size;
	}
	return largest > 0 ? largest : UINT64_MAX;
}

static void
phase_begin(struct put_wait *wait, enum wait_phase phase)
{
	wait->phase = phase;
	wait->next = (struct key_cursor){.index = 0};
}

static void
first_run(struct put_wait *wait, uint32_t *left)
{
	uint64_t largest = segment_largest(wait->job.master);
	struct put_request put;

	for (; wait->next.index < wait->args.keys.count && *left > 0; (*left)--) {
		uint32_t i = wait->next.index;

		key_next(wait, &put);
		wait->status[i] = key_first(wait, &put, largest);
		wait->pending += wait->status[i] == MC_AGAIN;
	}
	if (wait->next.index == wait->args.keys.count)
		phase_begin(wait, PHASE_WAIT);
}

/* The next key that waits; false: there is still no space for it, and the cursor stays. */
static bool
key_retry(struct put_wait *wait)
{
	struct key_cursor here = wait->next;
	enum mc_status *status = &wait->status[wait->next.index];
	struct put_request put;

	key_next(wait, &put);
	if (*status != MC_AGAIN)
		return true;
	*status = key_try(wait, &put);
	if (*status == MC_AGAIN) {
		wait->next = here;
		return false;
	}
	wait->pending--;
	return true;
}

static void
wait_run(struct put_wait *wait, uint32_t *left)
{
	while (wait->pending > 0 && !wait->over) {
		if (!wait_may_try(wait)) {
			wait->job.waits = true;
			return;
		}
		if (*left == 0)
			return;
		(*left)--;
		if (!key_retry(wait)) {
			wait->job.waits = true;
			return;
		}
	}
	wait_leave(wait);
	phase_begin(wait, PHASE_ANSWER);
}

/* ---- the answer ---- */

/*
 * A key that got space. Its time to be written begins now; that it is gone again, with its segment
 * or by other hands, is as if there had been no space.
 */
static enum mc_status
key_describe(struct put_wait *wait, struct mc_str key, struct desc_list *descs_out)
{
	struct mc_master *master = wait->job.master;
	uint32_t object = mc_object_find(master, key, mc_table_hash(key.ptr, key.len));
	struct mc_object *obj;

	if (object == MC_OBJECT_NONE)
		return MC_ERR_NO_SPACE;
	obj = master_object(master, object);
	if (obj->queue != MC_QUEUE_WRITING ||
	    !mc_uuid_equal(master->clients[obj->owner].id, wait->args.client_id))
		return MC_ERR_NO_SPACE;
	obj->lease_ns = mc_reactor_now(master->exec);
	mc_object_queue(master, object, MC_QUEUE_WRITING);
	mc_object_describe(master, obj, wait->answer, true, descs_out);
	return MC_OK;
}

static void
key_answer(struct put_wait *wait)
{
	enum mc_status st = wait->status[wait->next.index];
	struct mc_result_vec result = {0};
	struct put_request put;
	struct desc_list descs;

	key_next(wait, &put);
	if (st == MC_OK)
		st = key_describe(wait, put.key, &descs);
	else if (st == MC_AGAIN)
		st = MC_ERR_NO_SPACE;
	result.error = mc_wire_error(st);
	if (st == MC_OK)
		result.value =
			(struct mc_vec){descs.desc, descs.count, sizeof(descs.desc[0]), 0, 0};
	else
		wait->failures++;
	mc_result_put_element(&wait->writer, &result);
}

/* Not before: names of segments that come while the call waits must fit in, too. */
static void
answer_open(struct put_wait *wait)
{
	struct mc_request request = {.fn = MC_FN_BATCH_PUT_START_WAIT};
	struct master_op op = {
		.master = wait->job.master,
		.call = wait->job.call,
		.request = &request,
		.answer = wait->answer,
	};

	mc_op_open(&op, &wait->writer, wait->args.keys.count);
	mc_result_put_count(&wait->writer, wait->args.keys.count);
}

static bool
answer_run(struct put_wait *wait, uint32_t left)
{
	if (wait->next.index == 0)
		answer_open(wait);
	for (; wait->next.index < wait->args.keys.count; left--) {
		if (left == 0)
			return false;
		key_answer(wait);
	}
	return true;
}

/* ---- the job ---- */

static bool
wait_step(struct master_job *job)
{
	struct put_wait *wait = wait_of(job);
	uint32_t left = SLICE;

	if (wait->phase == PHASE_FIRST)
		first_run(wait, &left);
	if (wait->phase == PHASE_WAIT)
		wait_run(wait, &left);
	/* what is answered has a slice of its own, so that its first one always gets on */
	return wait->phase == PHASE_ANSWER && answer_run(wait, SLICE);
}

static enum mc_rpc_verdict
wait_end(struct master_job *job, struct master_op *op)
{
	struct put_wait *wait = wait_of(job);
	struct mc_master_stats *stats = &job->master->stats;
	enum mc_fn fn = MC_FN_BATCH_PUT_START_WAIT;
	uint32_t count = wait->args.keys.count;

	mc_counter_add(&stats->items[fn], count);
	mc_counter_add(&stats->item_failures[fn], wait->failures);
	if (wait->failures > 0 && wait->failures < count)
		mc_counter_add(&stats->partial[fn], 1);
	op->failed = count > 0 && wait->failures == count;
	return mc_op_close(op, &wait->writer);
}

static void
wait_release(struct master_job *job)
{
	struct put_wait *wait = wait_of(job);

	wait_leave(wait);
	free(wait->status);
}

/* No longer than an unfinished write is let alone: keys that have space must not lose it here. */
static uint64_t
wait_time_ns(const struct mc_master *master, uint64_t timeout_ms)
{
	uint64_t most = master->params.put_discard_ns;

	return timeout_ms < most / MC_NS_PER_MS ? timeout_ms * MC_NS_PER_MS : most;
}

static void
wait_line_up(struct put_wait *wait, struct mc_master *master)
{
	uint64_t time_ns = wait_time_ns(master, wait->args.timeout_ms);

	wait->over = time_ns == 0 || master->draining;
	if (wait->over)
		return;
	mc_list_add_tail(&master->waits, &wait->link);
	mc_timer_start(master->exec, &wait->deadline, mc_reactor_now(master->exec) + time_ns);
}

enum mc_rpc_verdict
mc_master_put_start_wait(struct master_op *op)
{
	struct mc_args *args = op->args;
	struct put_wait *wait = calloc(1, sizeof(*wait));

	if (wait == NULL)
		return MC_RPC_CLOSE;
	wait->status = calloc((size_t)args->keys.count + 1, sizeof(*wait->status));
	if (wait->status == NULL) {
		free(wait);
		return MC_RPC_CLOSE;
	}
	wait->job = (struct master_job){
		.size = sizeof(*wait),
		.master = op->master,
		.step = wait_step,
		.end = wait_end,
		.release = wait_release,
	};
	wait->deadline.expired = deadline_passed;
	wait->args = *args;
	wait->release = op->release;
	wait->answer = op->answer;
	wait->refused = args->slice_lengths.count != args->keys.count ||
			(args->config.has_group_ids &&
			 args->config.group_ids.count != args->keys.count);
	wait->group_ids = args->config.group_ids;
	wait->args.config.group_ids.count = 1;
	op->call->patient = true;
	wait_line_up(wait, op->master);
	return mc_job_begin_kept(op, &wait->job);
}

void
mc_waits_end(struct mc_master *master)
{
	while (!mc_list_empty(&master->waits)) {
		struct put_wait *wait = wait_first(master);

		wait->over = true;
		while (!wait_step(&wait->job))
			continue;
		if (mc_list_linked(&wait->job.link))
			mc_list_del(&wait->job.link);
		mc_rpc_resume(wait->job.call);
	}
}
