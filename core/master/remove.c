/* SPDX-License-Identifier: Apache-2.0 */
/* Removals: one key, all that match, all. A lease, an unfinished write or a task forbids. */
#include <stdlib.h>

#include "core/master/regex.h"
#include "core/master/state.h"

/* Keys per pass of the reactor, as in batch.c. */
#define CLEAR_SLICE 1024u

static bool
object_leased(const struct mc_master *master, uint32_t object)
{
	return master_object(master, object)->queue != MC_QUEUE_WRITING &&
	       mc_object_leased_until(master, object) > mc_reactor_now(master->exec);
}

enum mc_status
mc_remove_object(struct mc_master *master, uint32_t object, bool force)
{
	const struct mc_object *obj = master_object(master, object);

	if (object_leased(master, object) && !force)
		return MC_ERR_OBJECT_LEASED;
	/* force helps against leases only */
	if (obj->queue == MC_QUEUE_WRITING || mc_object_unfinished(obj))
		return MC_ERR_REPLICA_NOT_READY;
	if (mc_object_busy(obj))
		return MC_ERR_OBJECT_BUSY;
	mc_object_delete(master, object);
	return MC_OK;
}

enum mc_status
mc_remove_key(struct mc_master *master, struct mc_str key, bool force)
{
	uint32_t object = mc_object_find(master, key, mc_table_hash(key.ptr, key.len));

	if (object == MC_OBJECT_NONE)
		return MC_ERR_OBJECT_NOT_FOUND;
	return mc_remove_object(master, object, force);
}

enum mc_rpc_verdict
mc_master_remove(struct master_op *op)
{
	return mc_op_status(op, mc_remove_key(op->master, op->args->key, op->args->force));
}

/* ---- RemoveByRegex and RemoveAll: walks ---- */

static void
remove_each(struct master_walk *walk, uint32_t object)
{
	struct mc_object *obj = master_object(walk->job.master, object);
	struct mc_str key = {mc_object_key(obj), obj->key_len};

	if (walk->regex != NULL && !mc_regex_match(walk->regex, key))
		return;
	if (mc_object_prune(walk->job.master, object) &&
	    mc_remove_object(walk->job.master, object, walk->force) == MC_OK)
		walk->count++;
}

static enum mc_rpc_verdict
remove_end(struct master_job *job, struct master_op *op)
{
	struct master_walk *walk = mc_container_of(job, struct master_walk, job);
	struct mc_result_i64 result = {0, walk->count};

	return mc_op_result(op, &result, 0);
}

enum mc_rpc_verdict
mc_master_remove_all(struct master_op *op)
{
	struct master_walk walk = {
		.job.end = remove_end, .each = remove_each, .force = op->args->force};

	return mc_walk_begin(op, &walk);
}

enum mc_rpc_verdict
mc_master_remove_by_regex(struct master_op *op)
{
	struct master_walk walk = {
		.job.end = remove_end, .each = remove_each, .force = op->args->force};
	struct mc_result_i64 failed = {0};
	enum mc_status st = mc_regex_compile(op->args->key, &walk.regex);

	if (st == MC_OK)
		return mc_walk_begin(op, &walk);
	failed.error = mc_wire_error(st);
	return mc_op_result(op, &failed, failed.error);
}

/* ---- BatchReplicaClear ---- */

/* Drops the COMPLETE replicas on segments named @name; true when there was one. */
static bool
clear_segment(struct mc_master *master, uint32_t object, struct mc_str name)
{
	struct mc_object *obj = master_object(master, object);
	bool cleared = false;

	for (unsigned int i = obj->replicas; i-- > 0;) {
		const struct mc_replica *replica = &mc_object_replicas(obj)[i];
		uint32_t at = master->segments[replica->segment].name;

		if (replica->status != MC_REPLICA_COMPLETE ||
		    !mc_str_equal(master->names[at].text, name))
			continue;
		mc_replica_drop(master, object, i, 0);
		cleared = true;
	}
	if (obj->replicas == 0)
		mc_object_delete(master, object);
	return cleared;
}

static bool
clear_key(struct mc_master *master, struct mc_str key, struct mc_uuid client_id,
	  struct mc_str segment)
{
	uint32_t object = mc_object_find(master, key, mc_table_hash(key.ptr, key.len));
	struct mc_object *obj;

	if (object == MC_OBJECT_NONE)
		return false;
	obj = master_object(master, object);
	if (!mc_uuid_equal(master->clients[obj->owner].id, client_id) ||
	    object_leased(master, object) || mc_object_busy(obj))
		return false;
	if (segment.len > 0)
		return clear_segment(master, object, segment);
	return mc_remove_object(master, object, false) == MC_OK;
}

/*
 * The answer lists the keys that were cleared; how many is known at the end only. The keys are
 * views into the request, so an array of them is all that has to be kept.
 */
struct master_clear {
	struct master_job job;
	struct mc_vec keys;
	struct mc_vec_cursor at;
	struct mc_uuid client_id;
	struct mc_str segment;
	struct mc_str *cleared; /* owned */
	uint32_t count;
};

static bool
clear_step(struct master_job *job)
{
	struct master_clear *clear = mc_container_of(job, struct master_clear, job);
	struct mc_str key;

	for (unsigned int n = 0; n < CLEAR_SLICE; n++) {
		if (!mc_vec_next_str(&clear->keys, &clear->at, &key))
			return true;
		if (clear_key(job->master, key, clear->client_id, clear->segment))
			clear->cleared[clear->count++] = key;
	}
	return clear->at.index == clear->keys.count;
}

static enum mc_rpc_verdict
clear_end(struct master_job *job, struct master_op *op)
{
	struct master_clear *clear = mc_container_of(job, struct master_clear, job);
	struct mc_result_vec result = {
		.value = {clear->cleared, clear->count, sizeof(*clear->cleared), 0, 0}};
	struct mc_writer writer;

	mc_counter_add(&op->master->stats.items[op->request->fn], clear->keys.count);
	mc_op_open(op, &writer, clear->count > MC_KEY_MAX ? clear->count : MC_KEY_MAX);
	mc_result_put(&writer, &result);
	return mc_op_close(op, &writer);
}

static void
clear_release(struct master_job *job)
{
	free(mc_container_of(job, struct master_clear, job)->cleared);
}

enum mc_rpc_verdict
mc_master_replica_clear(struct master_op *op)
{
	struct master_clear clear = {
		.job = {.size = sizeof(clear),
			.step = clear_step,
			.end = clear_end,
			.release = clear_release},
		.keys = op->args->keys,
		.client_id = op->args->client_id,
		.segment = op->args->segment_name,
	};

	clear.cleared = malloc((clear.keys.count + (size_t)1) * sizeof(*clear.cleared));
	if (clear.cleared == NULL)
		return MC_RPC_CLOSE;
	return mc_job_begin(op, &clear.job);
}
