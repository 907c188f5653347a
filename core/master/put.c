/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PutStart, PutEnd, PutRevoke: a key gets space, becomes visible, or gives its space back.
 *
 * An object between PutStart and PutEnd is in MC_QUEUE_WRITING. After put_discard_ns another
 * PutStart may take the key over; the space that the first writer may still write to is parked
 * until put_release_ns after its start.
 */
#include "core/base/clock.h"
#include "core/master/state.h"
#include "mc/log.h"

/* What PutStart refuses whatever the state of the master; the order is upstream's. */
static enum mc_status
put_check(const struct mc_master *master, const struct put_request *put)
{
	const struct mc_replicate_config *config = put->config;
	const struct mc_opt_u64 *ttl = &config->soft_pin_ttl_ms;

	if (put->key.len == 0 || put->key.len > MC_KEY_MAX || put->size == 0)
		return MC_ERR_INVALID;
	if (config->replica_num == 0 && config->nof_replica_num == 0 &&
	    config->dfs_replica_num == 0)
		return MC_ERR_INVALID;
	if (config->dfs_replica_num > 1 ||
	    (config->dfs_replica_num > 0 && config->replica_num == 0))
		return MC_ERR_INVALID;
	/* storage over NVMe-oF is not built, here as in upstream's wheel */
	if (config->nof_replica_num > 0)
		return MC_ERR_INVALID;
	if (config->soft_pin_action > MC_SOFT_PIN_DISABLE)
		return MC_ERR_INVALID;
	if (ttl->present && (config->soft_pin_action != MC_SOFT_PIN_ENABLE ||
			     ttl->value > master->params.soft_pin_ttl_max_ns / MC_NS_PER_MS))
		return MC_ERR_INVALID;
	if (config->has_group_ids && config->group_ids.count != 1)
		return MC_ERR_INVALID;
	if (config->dfs_replica_num > 0)
		return MC_ERR_DFS_UNAVAILABLE;
	return MC_OK;
}

/* An unfinished write that another one replaces: readers never saw it. */
static void
write_discard(struct mc_master *master, uint32_t object)
{
	struct mc_object *obj = master_object(master, object);
	uint64_t until = obj->lease_ns + master->params.put_release_ns;

	mc_counter_add(&master->stats.put_discarded, 1);
	mc_counter_add(&master->stats.put_discarded_bytes, obj->size * obj->replicas);
	while (obj->replicas > 0)
		mc_replica_drop(master, object, obj->replicas - 1u, until);
	mc_object_delete(master, object);
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
	if (obj->queue != MC_QUEUE_WRITING ||
	    mc_reactor_now(master->exec) - obj->lease_ns < master->params.put_discard_ns)
		return MC_ERR_OBJECT_EXISTS;
	write_discard(master, object);
	return MC_OK;
}

/* Before 0.3.13 a soft pin was a bool. */
static uint8_t
soft_pin_action(const struct mc_replicate_config *config)
{
	return config->with_soft_pin ? MC_SOFT_PIN_ENABLE : config->soft_pin_action;
}

/* Notes what PutEnd has to do; most objects need no extra for it. */
static enum mc_status
pins_note(struct mc_master *master, uint32_t object, const struct mc_replicate_config *config)
{
	struct mc_object *obj = master_object(master, object);
	struct mc_object_extra *extra;
	enum mc_status st;

	if (config->with_hard_pin)
		obj->flags |= MC_OBJECT_HARD_PIN;
	if (soft_pin_action(config) != MC_SOFT_PIN_ENABLE)
		return MC_OK;
	st = mc_table_extra(master->table, object, &extra);
	if (st != MC_OK)
		return st;
	extra->soft_pin_action = MC_SOFT_PIN_ENABLE;
	extra->soft_pin_ttl_ns = config->soft_pin_ttl_ms.present
					 ? config->soft_pin_ttl_ms.value * MC_NS_PER_MS
					 : master->params.soft_pin_ttl_ns;
	return MC_OK;
}

static unsigned int
replicas_wanted(const struct mc_master *master, const struct mc_replicate_config *config)
{
	uint64_t most = master->names_live_count;

	if (most > MC_REPLICAS_MAX)
		most = MC_REPLICAS_MAX;
	if (most == 0)
		most = 1;
	return (unsigned int)(config->replica_num < most ? config->replica_num : most);
}

static void
account_put(struct mc_master *master, uint64_t size)
{
	unsigned int i = 0;

	while (i < MC_MASTER_BATCH_BUCKETS - 1 && size > (4096ull << 2 * i))
		i++;
	mc_counter_add(&master->stats.size_bucket[i], 1);
	mc_counter_add(&master->stats.size_sum, size);
}

static enum mc_status
object_begin(struct mc_master *master, const struct put_request *put, uint64_t hash,
	     uint32_t *object_out)
{
	unsigned int wanted = replicas_wanted(master, put->config);
	struct mc_object *obj;
	uint32_t client, object;
	enum mc_status st = mc_client_ref(master, put->client_id, &client);

	if (st != MC_OK)
		return st;
	st = mc_table_insert(master->table, hash, put->key.ptr, put->key.len, wanted, &object);
	if (st != MC_OK) {
		mc_client_settle(master, client);
		return st;
	}
	obj = master_object(master, object);
	obj->size = put->size;
	obj->lease_ns = mc_reactor_now(master->exec);
	obj->owner = client;
	obj->data_type = put->config->data_type;
	master->clients[client].objects++;
	mc_counter_add(&master->stats.objects, 1);
	st = pins_note(master, object, put->config);
	if (st == MC_OK && mc_place(master, object, wanted, put) == 0)
		st = MC_ERR_NO_SPACE;
	if (st != MC_OK) {
		mc_object_delete(master, object);
		return st;
	}
	mc_object_queue(master, object, MC_QUEUE_WRITING);
	*object_out = object;
	return MC_OK;
}

enum mc_status
mc_put_start_key(struct mc_master *master, const struct put_request *put, enum mc_release answer,
		 struct desc_list *descs_out)
{
	uint64_t hash = mc_table_hash(put->key.ptr, put->key.len);
	enum mc_status st = put_check(master, put);
	uint32_t object;

	if (st == MC_OK)
		st = key_clear(master, put->key, hash);
	if (st == MC_OK)
		st = object_begin(master, put, hash, &object);
	if (st == MC_ERR_NO_SPACE)
		mc_evict_want(master);
	if (st != MC_OK)
		return st;
	account_put(master, put->size);
	mc_object_describe(master, master_object(master, object), answer, true, descs_out);
	mc_evict_check(master);
	return MC_OK;
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

/* The write is complete: pins are granted, and the object enters the order of eviction. */
static void
write_complete(struct mc_master *master, uint32_t object)
{
	struct mc_object *obj = master_object(master, object);
	struct mc_object_extra *extra = mc_table_extra_of(master->table, object);
	uint64_t now = mc_reactor_now(master->exec);

	for (unsigned int i = 0; i < obj->replicas; i++)
		mc_object_replicas(obj)[i].status = MC_REPLICA_COMPLETE;
	/* a lease that is over already: the object may be evicted or removed at once */
	obj->lease_ns = now;
	if ((obj->flags & MC_OBJECT_HARD_PIN) != 0) {
		mc_object_queue(master, object, MC_QUEUE_NONE);
		return;
	}
	if (extra != NULL && extra->soft_pin_action == MC_SOFT_PIN_ENABLE) {
		extra->soft_pin_action = MC_SOFT_PIN_PRESERVE;
		extra->soft_pin_until_ns = now + extra->soft_pin_ttl_ns;
		if (mc_pin(master, object) == MC_OK)
			return;
		MC_LOG_LIMITED(MC_LOG_ERROR, "out of memory: a soft pin is not granted");
	}
	mc_object_queue(master, object, MC_QUEUE_WRITTEN);
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
	/* told again: what the first one said stays */
	if (master_object(master, object)->queue != MC_QUEUE_WRITING)
		return MC_OK;
	st = checksum_store(master, object, meta);
	if (st == MC_OK)
		write_complete(master, object);
	return st;
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
	if (type_covers_memory(replica_type))
		mc_object_delete(master, object);
	return MC_OK;
}

enum mc_rpc_verdict
mc_master_put_start(struct master_op *op)
{
	struct put_request put = {
		.client_id = op->args->client_id,
		.key = op->args->key,
		.size = op->args->slice_length,
		.config = &op->args->config,
		.release = op->release,
	};
	struct desc_list descs;
	struct mc_result_vec result = {0};

	result.error = mc_wire_error(mc_put_start_key(op->master, &put, op->answer, &descs));
	if (result.error == 0)
		result.value =
			(struct mc_vec){descs.desc, descs.count, sizeof(descs.desc[0]), 0, 0};
	return mc_op_result(op, &result, result.error);
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
