/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The batch forms: each key as in the single call, one result per key in the same order, written as
 * it is made. The arguments stay views into the request; long batches run in slices.
 */
#include <stdlib.h>

#include "core/master/state.h"

/* Keys per pass of the reactor: some 200 µs. */
#define SLICE 1024u
/* Keys ahead whose table slot is brought into the cache. */
#define AHEAD 8u

struct master_batch {
	struct master_job job;
	const struct batch_kind *kind;
	struct mc_args args;
	enum mc_release release;
	enum mc_release answer;
	struct mc_writer writer;
	struct mc_vec_cursor key_at;	/* of keys, or of object_metas */
	struct mc_vec_cursor size_at;
	struct mc_vec group_ids;	/* one per key; the config that each key sees has one */
	struct mc_vec_cursor group_at;
	struct mc_vec_cursor ahead_at;
	struct mc_str prefer;	/* starts with prefer_same_node, from the second on; owned */
	uint32_t done;
	uint32_t count;
	uint32_t failures;
	bool refused;			/* the arguments do not fit: every key INVALID_PARAMS */
};

/* One key: writes its result element, returns its status. */
struct batch_kind {
	enum mc_fn fn;
	enum mc_status (*one)(struct master_batch *batch, struct mc_str key);
	write_start_fn start;	/* with one_start */
};

static enum mc_status
put_void(struct master_batch *batch, enum mc_status st)
{
	struct mc_result_void result = {mc_wire_error(st)};

	mc_result_put_element(&batch->writer, &result);
	return st;
}

static enum mc_status
one_exist(struct master_batch *batch, struct mc_str key)
{
	struct mc_result_bool result = {0, mc_exist_key(batch->job.master, key)};

	mc_result_put_element(&batch->writer, &result);
	return MC_OK;
}

static enum mc_status
one_get(struct master_batch *batch, struct mc_str key)
{
	struct desc_list descs;
	struct mc_result_replicas result = {0};
	enum mc_status st =
		mc_get_key(batch->job.master, key, batch->answer, &descs, &result.value);

	result.error = mc_wire_error(st);
	mc_result_put_element(&batch->writer, &result);
	return st;
}

static enum mc_status
one_remove(struct master_batch *batch, struct mc_str key)
{
	return put_void(batch, mc_remove_key(batch->job.master, key, batch->args.force));
}

static enum mc_status
one_revoke(struct master_batch *batch, struct mc_str key)
{
	return put_void(batch, mc_put_revoke_key(batch->job.master, batch->args.client_id, key,
						 batch->args.replica_type));
}

/* From 0.3.13 on the keys come with checksums; @key is empty then. */
static enum mc_status
one_end(struct master_batch *batch, struct mc_str key)
{
	struct mc_object_meta meta = {.key = key};

	if (batch->args.object_metas.count > 0)
		mc_vec_next_meta(&batch->args.object_metas, &batch->key_at, batch->release, &meta);
	return put_void(batch, mc_put_end_key(batch->job.master, batch->args.client_id, &meta,
					      batch->args.replica_type));
}

/*
 * With prefer_same_node the endpoint of the first key's replica becomes the preferred segment of
 * those that follow. A name is looked for under it, so that this has an effect where both are
 * equal. The text is copied, as the segment may be gone by the next slice; without memory for
 * that, the keys go anywhere.
 */
static void
node_prefer(struct master_batch *batch, const struct desc_list *descs)
{
	struct mc_str endpoint;
	char *copy;

	if (!batch->args.config.prefer_same_node || batch->done > 0 || descs->count == 0)
		return;
	endpoint = descs->desc[0].buffer.endpoint;
	copy = malloc(endpoint.len);
	if (copy == NULL)
		return;
	memcpy(copy, endpoint.ptr, endpoint.len);
	batch->prefer = (struct mc_str){copy, endpoint.len};
}

static enum mc_status
one_start(struct master_batch *batch, struct mc_str key)
{
	struct put_request put = {
		.client_id = batch->args.client_id,
		.key = key,
		.config = &batch->args.config,
		.prefer = batch->prefer,
		.release = batch->release,
	};
	struct mc_result_vec result = {0};
	struct desc_list descs;
	enum mc_status st = MC_ERR_INVALID;

	if (!batch->refused) {
		mc_vec_next_slices(&batch->args.slice_lengths, &batch->size_at, batch->release,
				   &put.size);
		mc_vec_next_str(&batch->group_ids, &batch->group_at, &put.group);
		st = batch->kind->start(batch->job.master, &put, batch->answer, &descs);
	}
	result.error = mc_wire_error(st);
	if (st == MC_OK) {
		result.value =
			(struct mc_vec){descs.desc, descs.count, sizeof(descs.desc[0]), 0, 0};
		node_prefer(batch, &descs);
	}
	mc_result_put_element(&batch->writer, &result);
	return st;
}

/* There are no replicas on disks: nothing to drop is a success. */
static enum mc_status
one_evict_disk(struct master_batch *batch, struct mc_str key)
{
	return put_void(batch, mc_evict_disk_key(batch->job.master, key, batch->args.replica_type));
}

static const struct batch_kind kinds[] = {
	{MC_FN_BATCH_EXIST_KEY, one_exist, NULL},
	{MC_FN_BATCH_GET_REPLICA_LIST, one_get, NULL},
	{MC_FN_BATCH_PUT_START, one_start, mc_put_start_key},
	{MC_FN_BATCH_PUT_END, one_end, NULL},
	{MC_FN_BATCH_PUT_REVOKE, one_revoke, NULL},
	{MC_FN_BATCH_UPSERT_START, one_start, mc_upsert_start_key},
	{MC_FN_BATCH_UPSERT_END, one_end, NULL},
	{MC_FN_BATCH_UPSERT_REVOKE, one_revoke, NULL},
	{MC_FN_BATCH_REMOVE, one_remove, NULL},
	{MC_FN_BATCH_EVICT_DISK_REPLICA, one_evict_disk, NULL},
};

static const struct batch_kind *
kind_find(enum mc_fn fn)
{
	size_t i = 0;

	while (kinds[i].fn != fn)
		i++;
	return &kinds[i];
}

static void
batch_prefetch(struct master_batch *batch)
{
	struct mc_str key;

	if (mc_vec_next_str(&batch->args.keys, &batch->ahead_at, &key))
		mc_table_prefetch(batch->job.master->table, mc_table_hash(key.ptr, key.len));
}

static bool
batch_step(struct master_job *job)
{
	struct master_batch *batch = mc_container_of(job, struct master_batch, job);

	for (unsigned int n = 0; n < SLICE && batch->done < batch->count; n++) {
		struct mc_str key = {0};

		if (batch->args.keys.count > 0) {
			batch_prefetch(batch);
			mc_vec_next_str(&batch->args.keys, &batch->key_at, &key);
		}
		if (batch->kind->one(batch, key) != MC_OK)
			batch->failures++;
		batch->done++;
	}
	return batch->done == batch->count;
}

static void
batch_account(const struct master_batch *batch)
{
	struct mc_master_stats *stats = &batch->job.master->stats;
	enum mc_fn fn = batch->kind->fn;

	mc_counter_add(&stats->items[fn], batch->count);
	mc_counter_add(&stats->item_failures[fn], batch->failures);
	if (batch->failures > 0 && batch->failures < batch->count)
		mc_counter_add(&stats->partial[fn], 1);
}

static enum mc_rpc_verdict
batch_end(struct master_job *job, struct master_op *op)
{
	struct master_batch *batch = mc_container_of(job, struct master_batch, job);

	batch_account(batch);
	op->failed = batch->count > 0 && batch->failures == batch->count;
	return mc_op_close(op, &batch->writer);
}

static void
batch_release(struct master_job *job)
{
	free((char *)mc_container_of(job, struct master_batch, job)->prefer.ptr);
}

/* keys and slice_lengths (and group_ids) tell of the same objects, or all is refused. */
static bool
lengths_differ(const struct mc_args *args, const struct batch_kind *kind)
{
	if (kind->start == NULL)
		return false;
	return args->slice_lengths.count != args->keys.count ||
	       (args->config.has_group_ids && args->config.group_ids.count != args->keys.count);
}

enum mc_rpc_verdict
mc_master_batch(struct master_op *op)
{
	struct master_batch batch = {
		.job = {.size = sizeof(batch),
			.step = batch_step,
			.end = batch_end,
			.release = batch_release},
		.kind = kind_find(op->request->fn),
		.args = *op->args,
		.release = op->release,
		.answer = op->answer,
	};

	batch.count = batch.args.object_metas.count > 0 ? batch.args.object_metas.count
							: batch.args.keys.count;
	batch.refused = lengths_differ(&batch.args, batch.kind);
	batch.group_ids = batch.args.config.group_ids;
	batch.args.config.group_ids.count = 1;
	mc_op_open(op, &batch.writer, batch.count);
	mc_result_put_count(&batch.writer, batch.count);
	batch.job.master = op->master;
	for (unsigned int i = 0; i < AHEAD; i++)
		batch_prefetch(&batch);
	return mc_job_begin(op, &batch.job);
}
