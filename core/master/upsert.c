/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UpsertStart: a write to a key, whether it is there or not. It ends as a put does (put.c).
 *
 * Bytes of the same size go to the same space, and nobody can read the key until the write ends.
 * Replicas get fresh ids then, by which readers that came before tell old bytes from new. Bytes of
 * another size go to new space, and the old is parked, for its readers. A write of somebody else
 * that is not finished is taken over at once; what it may still write to is parked likewise.
 *
 * The object stays the same one throughout, with its pins and its group. When it gets no space,
 * nothing has happened to it: the old bytes can be read, or the other writer may finish.
 */
#include "core/master/state.h"

/* Is the space of @object as good as new for @size bytes? */
static bool
space_fits(const struct mc_master *master, struct mc_object *object, uint64_t size)
{
	const struct mc_replica *replicas = mc_object_replicas(object);

	if (object->queue == MC_QUEUE_WRITING || object->size != size)
		return false;
	for (unsigned int i = 0; i < object->replicas; i++) {
		/* what is leaving takes no new bytes */
		if (master->segments[replicas[i].segment].state != SEGMENT_LIVE)
			return false;
	}
	return true;
}

static void
space_reuse(struct mc_master *master, struct mc_object *object)
{
	struct mc_replica *replicas = mc_object_replicas(object);

	for (unsigned int i = 0; i < object->replicas; i++) {
		replicas[i].id = mc_replica_id(master);
		replicas[i].status = MC_REPLICA_PROCESSING;
	}
}

/* Takes other space; what @object had is parked until nobody reads or writes there any more. */
static enum mc_status
space_replace(struct mc_master *master, const struct put_request *put, uint32_t *object)
{
	unsigned int wanted = mc_write_replicas(master, put->config);
	uint64_t park_until = mc_reactor_now(master->exec) + master->params.put_release_ns;
	struct mc_replica old[MC_REPLICAS_MAX];
	struct mc_object_extra *extra;
	enum mc_status st = mc_object_widen(master, object, wanted);
	struct mc_object *obj = master_object(master, *object);
	uint8_t old_count = obj->replicas;
	uint64_t old_size = obj->size;

	if (st != MC_OK)
		return st;
	memcpy(old, mc_object_replicas(obj), old_count * sizeof(old[0]));
	obj->replicas = 0;
	obj->size = put->size;
	st = mc_write_place(master, *object, wanted, put);
	if (st != MC_OK) {
		/* no replica was placed, so that the old ones were not written over */
		obj->replicas = old_count;
		obj->size = old_size;
		return st;
	}
	for (unsigned int i = 0; i < old_count; i++)
		mc_replica_give(master, &old[i], old_size, park_until);
	extra = mc_table_extra_of(master->table, *object);
	if (extra != NULL)
		extra->readers_until_ns = 0;
	return MC_OK;
}

/* Readers whose lease lasts read from space that is about to be written: it stays the object's. */
static enum mc_status
readers_note(struct mc_master *master, uint32_t object)
{
	uint64_t until = mc_object_leased_until(master, object);
	struct mc_object_extra *extra;
	enum mc_status st;

	if (until <= mc_reactor_now(master->exec))
		return MC_OK;
	st = mc_table_extra(master->table, object, &extra);
	if (st == MC_OK)
		extra->readers_until_ns = until;
	return st;
}

static enum mc_status
space_prepare(struct mc_master *master, const struct put_request *put, uint32_t *object)
{
	struct mc_object *obj = master_object(master, *object);
	enum mc_status st;

	if (!space_fits(master, obj, put->size))
		return space_replace(master, put, object);
	st = readers_note(master, *object);
	if (st == MC_OK)
		space_reuse(master, obj);
	return st;
}

static void
owner_set(struct mc_master *master, struct mc_object *object, uint32_t client)
{
	uint32_t before = object->owner;

	object->owner = client;
	master->clients[client].objects++;
	master->clients[before].objects--;
	mc_client_settle(master, before);
}

static enum mc_status
upsert_object(struct mc_master *master, const struct put_request *put, uint32_t *object)
{
	struct mc_object before = *master_object(master, *object);
	struct mc_object *obj;
	uint32_t client;
	enum mc_status st;

	/* an object never changes its group */
	if (put->config->has_group_ids &&
	    !mc_str_equal(mc_group_id(master, *object), put->group))
		return MC_ERR_INVALID;
	if (mc_object_busy(&before))
		return MC_ERR_OBJECT_BUSY;
	st = mc_client_ref(master, put->client_id, &client);
	if (st != MC_OK)
		return st;
	st = mc_write_pins_reserve(master, *object, put->config);
	if (st == MC_OK)
		st = space_prepare(master, put, object);
	if (st != MC_OK) {
		mc_client_settle(master, client);
		return st;
	}
	obj = master_object(master, *object);
	if (before.queue == MC_QUEUE_WRITING)
		mc_write_discarded(master, &before);
	/* pins of a first write that did not end were never the object's */
	if ((before.flags & MC_OBJECT_WAS_COMPLETE) == 0)
		obj->flags &= (uint8_t)~MC_OBJECT_HARD_PIN;
	owner_set(master, obj, client);
	return MC_OK;
}

enum mc_status
mc_upsert_start_key(struct mc_master *master, const struct put_request *put, enum mc_release answer,
		    struct desc_list *descs_out)
{
	uint64_t hash = mc_table_hash(put->key.ptr, put->key.len);
	enum mc_status st = mc_write_check(master, put);
	uint32_t object;

	if (st != MC_OK)
		return st;
	object = mc_object_find(master, put->key, hash);
	if (object == MC_OBJECT_NONE)
		st = mc_write_new(master, put, hash, &object);
	else
		st = upsert_object(master, put, &object);
	if (st == MC_OK)
		mc_write_begun(master, put, object, answer, descs_out);
	return st;
}

enum mc_rpc_verdict
mc_master_upsert_start(struct master_op *op)
{
	return mc_op_start(op, mc_upsert_start_key);
}
