/* SPDX-License-Identifier: Apache-2.0 */
/* Objects and their replicas: space taken and given back, and every counter that follows. */
#include "core/base/assert.h"
#include "core/master/state.h"

/* Bytes that extents of @segment occupy, before and after a call into its allocator. */
static uint64_t
extents_used(const struct master_segment *segment)
{
	struct mc_alloc_stats stats;

	mc_alloc_stats_read(segment->alloc, &stats);
	return stats.used;
}

static void
account_space(struct mc_master *master, struct master_segment *segment, uint64_t before)
{
	uint64_t after = extents_used(segment);

	/* a dead segment's bytes left the totals when it died */
	if (segment->state == SEGMENT_DEAD)
		return;
	master->extent_bytes += after - before;
	mc_counter_set(&master->stats.extent_bytes, master->extent_bytes);
}

static void
account_object_bytes(struct mc_master *master, uint32_t segment, int64_t bytes)
{
	if (master->segments[segment].state != SEGMENT_DEAD)
		mc_counter_add(&master->stats.object_bytes, (uint64_t)bytes);
}

static void
space_give(struct mc_master *master, uint32_t segment, uint32_t extent)
{
	struct master_segment *seg = &master->segments[segment];
	uint64_t before = extents_used(seg);

	mc_alloc_give(seg->alloc, extent);
	account_space(master, seg, before);
	mc_waits_wake(master);
}

enum mc_status
mc_replica_take(struct mc_master *master, uint32_t object, uint32_t segment)
{
	struct mc_object *obj = master_object(master, object);
	struct master_segment *seg = &master->segments[segment];
	struct mc_extent extent;
	uint64_t before;
	enum mc_status st;

	mc_assert(obj->replicas < obj->replicas_room);
	before = extents_used(seg);
	st = mc_alloc_take(seg->alloc, obj->size, object, &extent);
	if (st != MC_OK)
		return st;
	account_space(master, seg, before);
	account_object_bytes(master, segment, (int64_t)obj->size);
	mc_object_replicas(obj)[obj->replicas++] = (struct mc_replica){
		.id = mc_replica_id(master),
		.offset = extent.offset,
		.extent = extent.handle,
		.segment = (uint16_t)segment,
		.status = MC_REPLICA_PROCESSING,
	};
	return MC_OK;
}

void
mc_replica_give(struct mc_master *master, const struct mc_replica *replica, uint64_t size,
		uint64_t park_until_ns)
{
	uint32_t segment = replica->segment;

	account_object_bytes(master, segment, -(int64_t)size);
	if (park_until_ns == 0 || master->segments[segment].state == SEGMENT_DEAD)
		space_give(master, segment, replica->extent);
	else
		mc_park(master, segment, replica->extent, size, park_until_ns);
}

void
mc_replica_drop(struct mc_master *master, uint32_t object, unsigned int index,
		uint64_t park_until_ns)
{
	struct mc_object *obj = master_object(master, object);
	struct mc_replica *replicas = mc_object_replicas(obj);
	struct mc_replica gone = replicas[index];

	obj->replicas--;
	memmove(&replicas[index], &replicas[index + 1],
		(obj->replicas - index) * sizeof(*replicas));
	mc_replica_give(master, &gone, obj->size, park_until_ns);
}

static bool
queue_evictable(uint8_t queue)
{
	return queue >= MC_QUEUE_WRITTEN && queue <= MC_QUEUE_UNPINNED;
}

static bool
queue_soft(uint8_t queue)
{
	return queue == MC_QUEUE_SOFT_WRITTEN || queue == MC_QUEUE_SOFT_READ ||
	       queue == MC_QUEUE_SOFT_GROUPED || queue == MC_QUEUE_SOFT_PASSED;
}

static bool
queue_in_heap(uint8_t queue)
{
	return queue_soft(queue) || queue == MC_QUEUE_UNPINNED;
}

/* The counters of what lies in queues, as @object goes from one to another; its pin ends at last.
 */
static void
account_queue(struct mc_master *master, uint32_t object, uint8_t to)
{
	struct mc_master_stats *stats = &master->stats;
	const struct mc_object *obj = master_object(master, object);
	uint8_t from = obj->queue;

	if (queue_in_heap(from) && !queue_in_heap(to))
		mc_pin_forget(master, object);
	if (!mc_object_busy(obj))
		master->evictable += (uint64_t)queue_evictable(to) - queue_evictable(from);
	mc_counter_add(&stats->objects_soft_pinned, (uint64_t)queue_soft(to) - queue_soft(from));
	mc_counter_add(&stats->objects_writing,
		       (uint64_t)(to == MC_QUEUE_WRITING) - (from == MC_QUEUE_WRITING));
}

enum mc_status
mc_object_widen(struct mc_master *master, uint32_t *object, unsigned int replicas_room)
{
	uint32_t before = *object;
	enum mc_status st = mc_table_widen(master->table, object, replicas_room);
	struct mc_object *obj;

	if (st != MC_OK || *object == before)
		return st;
	obj = master_object(master, *object);
	for (unsigned int i = 0; i < obj->replicas; i++) {
		const struct mc_replica *replica = &mc_object_replicas(obj)[i];

		mc_alloc_owner_set(master->segments[replica->segment].alloc, replica->extent,
				   *object);
	}
	if (queue_in_heap(obj->queue))
		mc_pin_moved(master, *object);
	mc_group_moved(master, *object);
	return MC_OK;
}

void
mc_object_requeue(struct mc_master *master, uint32_t object, enum mc_queue queue)
{
	account_queue(master, object, (uint8_t)queue);
	mc_table_queue(master->table, object, queue);
}

void
mc_object_queue(struct mc_master *master, uint32_t object, enum mc_queue queue)
{
	mc_group_retire(master, object);
	mc_object_requeue(master, object, queue);
}

void
mc_object_admit(struct mc_master *master, uint32_t object, enum mc_queue queue)
{
	if (!mc_group_admit(master, object, queue_soft((uint8_t)queue)))
		mc_object_requeue(master, object, queue);
}

void
mc_object_busy_set(struct mc_master *master, uint32_t object)
{
	struct mc_object *obj = master_object(master, object);

	master->evictable -= queue_evictable(obj->queue);
	obj->flags |= MC_OBJECT_BUSY;
}

void
mc_object_busy_clear(struct mc_master *master, uint32_t object)
{
	struct mc_object *obj = master_object(master, object);
	enum mc_queue queue = (enum mc_queue)obj->queue;

	/* passed over as the oldest of all, it is older than what is there now; in a group it is
	 * as good as written now */
	if ((queue == MC_QUEUE_PASSED || queue == MC_QUEUE_SOFT_PASSED) &&
	    !mc_group_admit(master, object, queue == MC_QUEUE_SOFT_PASSED)) {
		queue = queue == MC_QUEUE_PASSED ? MC_QUEUE_WRITTEN : MC_QUEUE_SOFT_WRITTEN;
		account_queue(master, object, (uint8_t)queue);
		mc_table_queue_first(master->table, object, queue);
	}
	obj->flags &= (uint8_t)~MC_OBJECT_BUSY;
	master->evictable += queue_evictable(obj->queue);
}

void
mc_object_pass(struct mc_master *master, uint32_t object)
{
	mc_object_queue(master, object,
			queue_soft(master_object(master, object)->queue) ? MC_QUEUE_SOFT_PASSED
									  : MC_QUEUE_PASSED);
}

void
mc_object_delete(struct mc_master *master, uint32_t object)
{
	struct mc_object *obj = master_object(master, object);
	uint32_t owner = obj->owner;

	/* first, as the end of a copy makes a group that it is still in look newer */
	mc_group_leave(master, object);
	if (mc_object_busy(obj))
		mc_copy_forget(master, object);
	while (obj->replicas > 0)
		mc_replica_drop(master, object, obj->replicas - 1u, 0);
	account_queue(master, object, MC_QUEUE_NONE);
	mc_table_delete(master->table, object);
	mc_counter_add(&master->stats.objects, (uint64_t)-1);
	master->clients[owner].objects--;
	mc_client_settle(master, owner);
}

bool
mc_object_prune(struct mc_master *master, uint32_t object)
{
	struct mc_object *obj = master_object(master, object);

	for (unsigned int i = 0; i < obj->replicas;) {
		if (segment_readable(master, mc_object_replicas(obj)[i].segment))
			i++;
		else
			mc_replica_drop(master, object, i, 0);
	}
	if (obj->replicas > 0)
		return true;
	mc_object_delete(master, object);
	return false;
}

uint32_t
mc_object_find(struct mc_master *master, struct mc_str key, uint64_t hash)
{
	uint32_t object = mc_table_find(master->table, hash, key.ptr, key.len);

	if (object == MC_OBJECT_NONE || !mc_object_prune(master, object))
		return MC_OBJECT_NONE;
	return object;
}

bool
mc_object_readable(struct mc_master *master, const struct mc_object *object)
{
	const struct mc_replica *replicas = (const struct mc_replica *)(object + 1);

	for (unsigned int i = 0; i < object->replicas; i++) {
		if (replicas[i].status == MC_REPLICA_COMPLETE &&
		    segment_readable(master, replicas[i].segment))
			return true;
	}
	return false;
}

bool
mc_object_unfinished(const struct mc_object *object)
{
	const struct mc_replica *replicas = (const struct mc_replica *)(object + 1);

	for (unsigned int i = 0; i < object->replicas; i++) {
		if (replicas[i].status != MC_REPLICA_COMPLETE)
			return true;
	}
	return false;
}

void
mc_object_lease(struct mc_master *master, uint32_t object)
{
	struct mc_object *obj = master_object(master, object);
	uint64_t until = master->serving_ns + master->params.lease_ttl_ns;

	if (mc_group_read(master, object))
		return;
	/* a second read in one call changes nothing */
	if (until <= obj->lease_ns)
		return;
	obj->lease_ns = until;
	if (obj->queue == MC_QUEUE_WRITTEN || obj->queue == MC_QUEUE_READ ||
	    obj->queue == MC_QUEUE_UNPINNED || obj->queue == MC_QUEUE_PASSED)
		mc_object_queue(master, object, MC_QUEUE_READ);
	else if (queue_soft(obj->queue))
		mc_object_queue(master, object, MC_QUEUE_SOFT_READ);
}

void
mc_replica_describe(struct mc_master *master, const struct mc_object *object,
		    const struct mc_replica *replica, enum mc_release answer,
		    struct mc_replica_desc *desc)
{
	const struct master_segment *segment = &master->segments[replica->segment];

	desc->id = replica->id;
	desc->status = replica->status;
	desc->type = MC_REPLICA_MEMORY;
	desc->buffer.size = object->size;
	desc->buffer.address = segment->base + replica->offset;
	desc->buffer.protocol = MC_STR("tcp");
	desc->buffer.endpoint = segment->te_endpoint;
	/* up to 0.3.7 an object was a list of buffers */
	if (answer <= MC_RELEASE_0_3_7)
		desc->buffers = (struct mc_vec){
			.items = &desc->buffer, .count = 1, .stride = sizeof(desc->buffer)};
	/* 0.3.6 names segments, and gives each buffer a status: 0 begun, 1 complete */
	if (answer == MC_RELEASE_0_3_6) {
		desc->buffer.endpoint = master->names[segment->name].text;
		desc->buffer.status = replica->status == MC_REPLICA_COMPLETE;
	}
}

void
mc_object_describe(struct mc_master *master, struct mc_object *object, enum mc_release answer,
		   bool all, struct desc_list *descs_out)
{
	const struct mc_replica *replicas = mc_object_replicas(object);

	descs_out->count = 0;
	for (unsigned int i = 0; i < object->replicas; i++) {
		if (!all && (replicas[i].status != MC_REPLICA_COMPLETE ||
			     !segment_readable(master, replicas[i].segment)))
			continue;
		mc_replica_describe(master, object, &replicas[i], answer,
				    &descs_out->desc[descs_out->count++]);
	}
}
