/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PutStart, PutEnd, PutRevoke: a key gets space, becomes visible, or gives its space back. Upserts
 * begin otherwise (upsert.c), and end here like any other write.
 *
 * An object between PutStart and PutEnd is in MC_QUEUE_WRITING. After put_discard_ns another
 * PutStart may take the key over; the space that the first writer may still write to is parked
 * until put_release_ns after its start.
 */
#include "core/master/state.h"

/* An unfinished write that has had its time. */
static bool
write_stale(const struct mc_master *master, const struct mc_object *object)
{
	return object->queue == MC_QUEUE_WRITING &&
	       mc_reactor_now(master->exec) - object->lease_ns >= master->params.put_discard_ns;
}

/* Makes sure that @key is free; MC_ERR_OBJECT_EXISTS. */
static enum mc_status
key_clear(struct mc_master *master, struct mc_str key, uint64_t hash)
{
	uint32_t object = mc_object_find(master, key, hash);
	struct mc_object *obj;

	if (object == MC_OBJECT_NONE)
		return MC_OK;
	obj = master_object(master, object);
	if (!write_stale(master, obj))
		return MC_ERR_OBJECT_EXISTS;
	mc_write_discarded(master, obj);
	mc_write_drop(master, object, obj->lease_ns + master->params.put_release_ns);
	return MC_OK;
}

enum mc_status
mc_put_check_key(struct mc_master *master, const struct put_request *put)
{
	uint64_t hash = mc_table_hash(put->key.ptr, put->key.len);
	enum mc_status st = mc_write_check(master, put);
	uint32_t object;

	if (st != MC_OK)
		return st;
	object = mc_object_find(master, put->key, hash);
	return object == MC_OBJECT_NONE || write_stale(master, master_object(master, object))
		       ? MC_OK
		       : MC_ERR_OBJECT_EXISTS;
}

enum mc_status
mc_put_start_key(struct mc_master *master, const struct put_request *put, enum mc_release answer,
		 struct desc_list *descs_out)
{
	uint64_t hash = mc_table_hash(put->key.ptr, put->key.len);
	enum mc_status st = mc_write_check(master, put);
	uint32_t object;

	if (st == MC_OK)
		st = key_clear(master, put->key, hash);
	if (st == MC_OK)
		st = mc_write_new(master, put, hash, &object);
	if (st == MC_OK)
		mc_write_begun(master, put, object, answer, descs_out);
	return st;
}

/* Replica types that stand for replicas in memory; there is no other kind here. */
static bool
type_covers_memory(int32_t replica_type)
{
	return replica_type == MC_REPLICA_ALL || replica_type == MC_REPLICA_MEMORY;
}

/* The object of a PutEnd or PutRevoke, if the caller is its writer. */
static enum mc_status
written_object(struct mc_master *master, struct mc_uuid client_id, struct mc_str key,
	       uint32_t *object_out)
{
	uint64_t hash = mc_table_hash(key.ptr, key.len);
	uint32_t object = mc_object_find(master, key, hash);

	if (object == MC_OBJECT_NONE)
		return MC_ERR_OBJECT_NOT_FOUND;
	if (!mc_uuid_equal(master->clients[master_object(master, object)->owner].id, client_id))
		return MC_ERR_ILLEGAL_CLIENT;
	*object_out = object;
	return MC_OK;
}

static enum mc_status
checksum_store(struct mc_master *master, uint32_t object, const struct mc_object_meta *meta)
{
	struct mc_object_extra *extra = mc_table_extra_of(master->table, object);

	if (meta->checksum.present && extra == NULL) {
		enum mc_status st = mc_table_extra(master->table, object, &extra);

		if (st != MC_OK)
			return st;
	}
	if (extra != NULL) {
		extra->has_checksum = meta->checksum.present;
		extra->checksum = meta->checksum.value;
	}
	return MC_OK;
}

enum mc_status
mc_put_end_key(struct mc_master *master, struct mc_uuid client_id,
	       const struct mc_object_meta *meta, int32_t replica_type)
{
	uint32_t object;
	enum mc_status st = written_object(master, client_id, meta->key, &object);

	if (st != MC_OK)
		return st;
	if (!type_covers_memory(replica_type))
		return MC_ERR_INVALID_WRITE;
	/* told again: what the first one said stays; a copy under way is not its to end */
	if (master_object(master, object)->queue != MC_QUEUE_WRITING)
		return mc_object_unfinished(master_object(master, object)) ? MC_ERR_INVALID_WRITE
									   : MC_OK;
	st = checksum_store(master, object, meta);
	if (st == MC_OK)
		mc_write_complete(master, object);
	return st;
}

/* How long readers from before an upsert may still read from its space; 0: there are none. */
static uint64_t
readers_until(const struct mc_master *master, uint32_t object)
{
	const struct mc_object_extra *extra = mc_table_extra_of(master->table, object);

	if (extra == NULL || extra->readers_until_ns <= mc_reactor_now(master->exec))
		return 0;
	return extra->readers_until_ns;
}

enum mc_status
mc_put_revoke_key(struct mc_master *master, struct mc_uuid client_id, struct mc_str key,
		  int32_t replica_type)
{
	uint32_t object;
	enum mc_status st = written_object(master, client_id, key, &object);

	if (st != MC_OK)
		return st;
	if (master_object(master, object)->queue != MC_QUEUE_WRITING)
		return MC_ERR_INVALID_WRITE;
	/* of a kind that it has none of: nothing to do, and no error (upstream's answer) */
	if (!type_covers_memory(replica_type))
		return MC_OK;
	mc_write_drop(master, object, readers_until(master, object));
	return MC_OK;
}

enum mc_rpc_verdict
mc_op_start(struct master_op *op, write_start_fn start)
{
	struct put_request put = {
		.client_id = op->args->client_id,
		.key = op->args->key,
		.size = op->args->slice_length,
		.config = &op->args->config,
		.release = op->release,
	};
	struct mc_vec_cursor cursor = {0};
	struct desc_list descs;
	struct mc_result_vec result = {0};

	mc_vec_next_str(&put.config->group_ids, &cursor, &put.group);
	result.error = mc_wire_error(start(op->master, &put, op->answer, &descs));
	if (result.error == 0)
		result.value =
			(struct mc_vec){descs.desc, descs.count, sizeof(descs.desc[0]), 0, 0};
	return mc_op_result(op, &result, result.error);
}

enum mc_rpc_verdict
mc_master_put_start(struct master_op *op)
{
	return mc_op_start(op, mc_put_start_key);
}

enum mc_rpc_verdict
mc_master_put_end(struct master_op *op)
{
	struct mc_object_meta meta = op->args->object_meta;

	/* before 0.3.13 the key stands alone */
	meta.key = op->args->key;
	return mc_op_status(op, mc_put_end_key(op->master, op->args->client_id, &meta,
					       op->args->replica_type));
}

enum mc_rpc_verdict
mc_master_put_revoke(struct master_op *op)
{
	return mc_op_status(op, mc_put_revoke_key(op->master, op->args->client_id, op->args->key,
						  op->args->replica_type));
}
