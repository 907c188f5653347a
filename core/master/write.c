/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all writes share, whether a put or an upsert begins them: what they may ask for, their
 * space, and what their end grants.
 */
#include "core/base/clock.h"
#include "core/master/state.h"
#include "mc/log.h"

enum mc_status
mc_write_check(const struct mc_master *master, const struct put_request *put)
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
	if (config->has_group_ids && (config->group_ids.count != 1 || put->group.len > MC_NAME_MAX))
		return MC_ERR_INVALID;
	if (config->dfs_replica_num > 0)
		return MC_ERR_DFS_UNAVAILABLE;
	return MC_OK;
}

/* Before 0.3.13 a soft pin was a bool. */
static uint8_t
soft_pin_action(const struct mc_replicate_config *config)
{
	return config->with_soft_pin ? MC_SOFT_PIN_ENABLE : config->soft_pin_action;
}

enum mc_status
mc_write_pins_reserve(struct mc_master *master, uint32_t object,
		      const struct mc_replicate_config *config)
{
	struct mc_object_extra *extra;

	if (soft_pin_action(config) != MC_SOFT_PIN_ENABLE)
		return MC_OK;
	return mc_table_extra(master->table, object, &extra);
}

/* For its end. */
static void
pins_note(struct mc_master *master, uint32_t object, const struct mc_replicate_config *config)
{
	struct mc_object_extra *extra = mc_table_extra_of(master->table, object);

	if (config->with_hard_pin)
		master_object(master, object)->flags |= MC_OBJECT_HARD_PIN;
	if (extra == NULL)
		return;
	extra->soft_pin_action = soft_pin_action(config);
	extra->soft_pin_ttl_ns = config->soft_pin_ttl_ms.present
					 ? config->soft_pin_ttl_ms.value * MC_NS_PER_MS
					 : master->params.soft_pin_ttl_ns;
}

unsigned int
mc_write_replicas(const struct mc_master *master, const struct mc_replicate_config *config)
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

enum mc_status
mc_write_place(struct mc_master *master, uint32_t object, unsigned int wanted,
	       const struct put_request *put)
{
	unsigned int placed = mc_place(master, object, wanted, put);

	if (placed > 0) {
		if (placed < put->config->replica_num)
			mc_counter_add(&master->stats.put_partial, 1);
		return MC_OK;
	}
	mc_counter_add(&master->stats.put_refused, 1);
	mc_evict_want(master);
	return MC_ERR_NO_SPACE;
}

enum mc_status
mc_write_new(struct mc_master *master, const struct put_request *put, uint64_t hash,
	     uint32_t *object_out)
{
	unsigned int wanted = mc_write_replicas(master, put->config);
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
	obj->owner = client;
	master->clients[client].objects++;
	mc_counter_add(&master->stats.objects, 1);
	st = mc_group_join(master, object, put->group);
	if (st == MC_OK)
		st = mc_write_pins_reserve(master, object, put->config);
	if (st == MC_OK)
		st = mc_write_place(master, object, wanted, put);
	if (st != MC_OK) {
		mc_object_delete(master, object);
		return st;
	}
	*object_out = object;
	return MC_OK;
}

void
mc_write_begun(struct mc_master *master, const struct put_request *put, uint32_t object,
	       enum mc_release answer, struct desc_list *descs_out)
{
	struct mc_object *obj = master_object(master, object);

	obj->lease_ns = mc_reactor_now(master->exec);
	obj->data_type = put->config->data_type;
	pins_note(master, object, put->config);
	mc_object_queue(master, object, MC_QUEUE_WRITING);
	account_put(master, put->size);
	mc_object_describe(master, obj, answer, true, descs_out);
	mc_evict_check(master);
}

void
mc_write_discarded(struct mc_master *master, const struct mc_object *object)
{
	mc_counter_add(&master->stats.put_discarded, 1);
	mc_counter_add(&master->stats.put_discarded_bytes, object->size * object->replicas);
}

void
mc_write_drop(struct mc_master *master, uint32_t object, uint64_t until_ns)
{
	struct mc_object *obj = master_object(master, object);

	while (obj->replicas > 0)
		mc_replica_drop(master, object, obj->replicas - 1u, until_ns);
	mc_object_delete(master, object);
}

/* The soft pin as the write asked for it; an earlier one lasts unless it said otherwise. */
static void
soft_pin_settle(struct mc_object_extra *extra, uint64_t now)
{
	if (extra->soft_pin_action == MC_SOFT_PIN_ENABLE)
		extra->soft_pin_until_ns = now + extra->soft_pin_ttl_ns;
	if (extra->soft_pin_action == MC_SOFT_PIN_DISABLE || extra->soft_pin_until_ns <= now)
		extra->soft_pin_until_ns = 0;
	extra->soft_pin_action = MC_SOFT_PIN_PRESERVE;
	extra->soft_pin_ttl_ns = 0;
}

/* Into the order of eviction, or out of it. */
static void
complete_queue(struct mc_master *master, uint32_t object, uint64_t now)
{
	struct mc_object_extra *extra = mc_table_extra_of(master->table, object);

	if (extra != NULL) {
		if (extra->group != MC_GROUP_NONE)
			extra->written_ns = now;
		soft_pin_settle(extra, now);
	}
	if ((master_object(master, object)->flags & MC_OBJECT_HARD_PIN) != 0) {
		mc_object_queue(master, object, MC_QUEUE_NONE);
		return;
	}
	if (extra != NULL && extra->soft_pin_until_ns > now) {
		if (mc_pin(master, object) == MC_OK)
			return;
		MC_LOG_LIMITED(MC_LOG_ERROR, "out of memory: a soft pin is not granted");
	}
	mc_object_admit(master, object, MC_QUEUE_WRITTEN);
}

void
mc_write_complete(struct mc_master *master, uint32_t object)
{
	struct mc_object *obj = master_object(master, object);
	struct mc_object_extra *extra = mc_table_extra_of(master->table, object);
	uint64_t now = mc_reactor_now(master->exec);

	for (unsigned int i = 0; i < obj->replicas; i++)
		mc_object_replicas(obj)[i].status = MC_REPLICA_COMPLETE;
	obj->flags |= MC_OBJECT_WAS_COMPLETE;
	/* a lease that is over already: the object may be evicted or removed at once */
	obj->lease_ns = now;
	complete_queue(master, object, now);
	if (extra == NULL)
		return;
	/* unless readers from before an upsert may still be at it */
	if (extra->readers_until_ns > now)
		mc_object_lease(master, object);
	extra->readers_until_ns = 0;
	mc_table_extra_trim(master->table, object);
}
