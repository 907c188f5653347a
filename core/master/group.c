/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups: objects that were put under one group id are leased and evicted together.
 *
 * A read of one member leases all that were there, whatever their number: the group notes when it
 * was read last, and a member whose last write was before that is leased by it.
 *
 * In the order of eviction a group stands where its last read puts it, or its last write once no
 * lease is left. One member, the leader, stands there for all; the others are in MC_QUEUE_GROUPED,
 * in no order. When the leader goes, the next one takes its place, so that the rest of a group
 * follows behind its leader. Members that are soft-pinned are a list of their own, with a leader
 * among the soft-pinned objects; those that are hard-pinned, or being written, are in neither list
 * and stay when the group goes.
 *
 * lease_ns of a member only says where a leader stands; what a member is leased until is told by
 * mc_object_leased_until().
 */
#include <string.h>

#include "core/master/state.h"

struct group {
	uint64_t read_ns;	/* when a member was read last; 0: never */
	uint64_t stamp_ns;	/* lease_ns of its leaders */
	uint32_t members;	/* of any kind */
	uint32_t leaders[GROUP_LISTS];
	uint32_t id_len;
	char id[];
};

static struct group *
group_at(const struct mc_master *master, uint32_t handle)
{
	return mc_arena_ptr(master->groups.records, handle);
}

static struct mc_object_extra *
member(const struct mc_master *master, uint32_t object)
{
	struct mc_object_extra *extra = mc_table_extra_of(master->table, object);

	return extra == NULL || extra->group == MC_GROUP_NONE ? NULL : extra;
}

enum mc_status
mc_groups_init(struct mc_master *master)
{
	enum mc_status st = mc_arena_create(&master->groups.records);

	if (st != MC_OK)
		return st;
	st = mc_slots_init(&master->groups.slots);
	if (st != MC_OK) {
		mc_arena_destroy(master->groups.records);
		master->groups.records = NULL;
	}
	return st;
}

void
mc_groups_fini(struct mc_master *master)
{
	if (master->groups.records == NULL)
		return;
	mc_slots_fini(&master->groups.slots);
	mc_arena_destroy(master->groups.records);
}

/* ---- by id ---- */

static uint32_t
id_hash(const char *id, size_t len)
{
	return (uint32_t)(mc_table_hash(id, len) >> 32);
}

static uint32_t
group_find(struct mc_master *master, struct mc_str id)
{
	struct mc_slots_probe probe;
	struct mc_slot *slot;

	mc_slots_probe_init(&probe, &master->groups.slots, id_hash(id.ptr, id.len));
	while ((slot = mc_slots_probe_next(&probe)) != NULL) {
		const struct group *group = group_at(master, slot->handle);

		if (mc_str_equal((struct mc_str){group->id, group->id_len}, id))
			return slot->handle;
	}
	return MC_GROUP_NONE;
}

static enum mc_status
group_make(struct mc_master *master, struct mc_str id, uint32_t *handle_out)
{
	enum mc_status st = mc_slots_reserve(&master->groups.slots);
	struct group *group;
	uint32_t handle;

	if (st != MC_OK)
		return st;
	st = mc_arena_alloc(master->groups.records, sizeof(*group) + id.len, &handle);
	if (st != MC_OK)
		return st;
	group = group_at(master, handle);
	*group = (struct group){.id_len = (uint32_t)id.len};
	memcpy(group->id, id.ptr, id.len);
	mc_slots_insert(&master->groups.slots, id_hash(id.ptr, id.len), handle);
	*handle_out = handle;
	return MC_OK;
}

enum mc_status
mc_group_join(struct mc_master *master, uint32_t object, struct mc_str id)
{
	struct mc_object_extra *extra;
	enum mc_status st;
	uint32_t handle;

	if (id.len == 0)
		return MC_OK;
	st = mc_table_extra(master->table, object, &extra);
	if (st != MC_OK)
		return st;
	handle = group_find(master, id);
	if (handle == MC_GROUP_NONE)
		st = group_make(master, id, &handle);
	if (st != MC_OK)
		return st;
	extra->group = handle;
	group_at(master, handle)->members++;
	return MC_OK;
}

void
mc_group_leave(struct mc_master *master, uint32_t object)
{
	struct mc_object_extra *extra = member(master, object);
	struct group *group;

	if (extra == NULL)
		return;
	mc_group_retire(master, object);
	group = group_at(master, extra->group);
	if (--group->members == 0) {
		if (master->eviction.group == extra->group)
			master->eviction.group = MC_GROUP_NONE;
		mc_slots_remove(&master->groups.slots, id_hash(group->id, group->id_len),
				extra->group);
		mc_arena_free(master->groups.records, extra->group);
	}
	extra->group = MC_GROUP_NONE;
}

uint32_t
mc_group_of(const struct mc_master *master, uint32_t object)
{
	const struct mc_object_extra *extra = member(master, object);

	return extra == NULL ? MC_GROUP_NONE : extra->group;
}

struct mc_str
mc_group_id(const struct mc_master *master, uint32_t object)
{
	uint32_t handle = mc_group_of(master, object);
	const struct group *group;

	if (handle == MC_GROUP_NONE)
		return (struct mc_str){0};
	group = group_at(master, handle);
	return (struct mc_str){group->id, group->id_len};
}

/* ---- its lists ---- */

/* Behind the leader; there is no order. */
static void
list_add(struct mc_master *master, uint32_t object, enum group_list list)
{
	struct mc_object_extra *extra = member(master, object), *leader;
	uint32_t *first = &group_at(master, extra->group)->leaders[list];

	extra->group_list = (uint8_t)list;
	extra->group_before = *first;
	extra->group_behind = MC_OBJECT_NONE;
	if (*first == MC_OBJECT_NONE) {
		*first = object;
		return;
	}
	leader = member(master, *first);
	extra->group_behind = leader->group_behind;
	if (leader->group_behind != MC_OBJECT_NONE)
		member(master, leader->group_behind)->group_before = object;
	leader->group_behind = object;
}

/* Makes what points at a member of a list, whose links are in @extra, point at these. */
static void
list_repoint(struct mc_master *master, const struct mc_object_extra *extra, uint32_t from_before,
	     uint32_t from_behind)
{
	if (extra->group_before != MC_OBJECT_NONE)
		member(master, extra->group_before)->group_behind = from_before;
	else
		group_at(master, extra->group)->leaders[extra->group_list] = from_before;
	if (extra->group_behind != MC_OBJECT_NONE)
		member(master, extra->group_behind)->group_before = from_behind;
}

void
mc_group_moved(struct mc_master *master, uint32_t object)
{
	struct mc_object_extra *extra = member(master, object);

	if (extra != NULL && extra->group_list != GROUP_UNLISTED)
		list_repoint(master, extra, object, object);
}

/* ---- the order of eviction ---- */

/* @next stands where @leader stood, and the other way round. */
static void
leader_replace(struct mc_master *master, const struct group *group, uint32_t leader, uint32_t next)
{
	master_object(master, next)->lease_ns = group->stamp_ns;
	mc_table_trade(master->table, leader, next);
	if (master_object(master, next)->queue == MC_QUEUE_UNPINNED)
		mc_pin_trade(master, leader, next);
}

void
mc_group_retire(struct mc_master *master, uint32_t object)
{
	struct mc_object_extra *extra = member(master, object);

	if (extra == NULL || extra->group_list == GROUP_UNLISTED)
		return;
	list_repoint(master, extra, extra->group_behind, extra->group_before);
	if (extra->group_before == MC_OBJECT_NONE && extra->group_behind != MC_OBJECT_NONE)
		leader_replace(master, group_at(master, extra->group), object, extra->group_behind);
	extra->group_list = GROUP_UNLISTED;
}

/* Where a leader stands; the others of its list. */
static const struct {
	enum mc_queue written, read, grouped;
} queues[GROUP_LISTS] = {
	[GROUP_PLAIN] = {MC_QUEUE_WRITTEN, MC_QUEUE_READ, MC_QUEUE_GROUPED},
	[GROUP_SOFT] = {MC_QUEUE_SOFT_WRITTEN, MC_QUEUE_SOFT_READ, MC_QUEUE_SOFT_GROUPED},
};

/* Both leaders become the newest of what was read, or written. */
static void
leaders_stamp(struct mc_master *master, struct group *group, uint64_t stamp_ns, bool read)
{
	group->stamp_ns = stamp_ns;
	for (unsigned int list = GROUP_PLAIN; list < GROUP_LISTS; list++) {
		uint32_t leader = group->leaders[list];

		if (leader == MC_OBJECT_NONE)
			continue;
		master_object(master, leader)->lease_ns = stamp_ns;
		mc_object_requeue(master, leader, read ? queues[list].read : queues[list].written);
	}
}

static uint64_t
leased_until(const struct mc_master *master, const struct group *group)
{
	return group->read_ns == 0 ? 0 : group->read_ns + master->params.lease_ttl_ns;
}

bool
mc_group_admit(struct mc_master *master, uint32_t object, bool soft)
{
	enum group_list list = soft ? GROUP_SOFT : GROUP_PLAIN;
	struct mc_object_extra *extra = member(master, object);
	uint64_t now = mc_reactor_now(master->exec);
	struct group *group;

	if (extra == NULL)
		return false;
	group = group_at(master, extra->group);
	mc_group_retire(master, object);
	list_add(master, object, list);
	mc_object_requeue(master, object, queues[list].grouped);
	if (leased_until(master, group) <= now)
		leaders_stamp(master, group, now, false);
	/* the place of the group's last read is in the middle of others by now */
	else if (group->leaders[list] == object)
		leaders_stamp(master, group, now + master->params.lease_ttl_ns, true);
	return true;
}

bool
mc_group_unpin(struct mc_master *master, uint32_t object)
{
	struct mc_object_extra *extra = member(master, object);
	struct group *group;

	if (extra == NULL)
		return false;
	group = group_at(master, extra->group);
	mc_group_retire(master, object);
	list_add(master, object, GROUP_PLAIN);
	if (group->leaders[GROUP_PLAIN] != object) {
		mc_object_requeue(master, object, MC_QUEUE_GROUPED);
		return true;
	}
	/* the leader goes where any object goes whose pin is over */
	master_object(master, object)->lease_ns = group->stamp_ns;
	return false;
}

bool
mc_group_read(struct mc_master *master, uint32_t object)
{
	struct mc_object_extra *extra = member(master, object);
	uint64_t now = master->serving_ns;
	struct group *group;

	if (extra == NULL)
		return false;
	group = group_at(master, extra->group);
	/* a second read in one call changes nothing */
	if (group->read_ns == now)
		return true;
	group->read_ns = now;
	leaders_stamp(master, group, now + master->params.lease_ttl_ns, true);
	return true;
}

uint64_t
mc_object_leased_until(const struct mc_master *master, uint32_t object)
{
	const struct mc_object_extra *extra = member(master, object);
	const struct group *group;

	if (extra == NULL)
		return master_object(master, object)->lease_ns;
	group = group_at(master, extra->group);
	return extra->written_ns <= group->read_ns ? leased_until(master, group) : 0;
}

uint32_t
mc_group_rest(const struct mc_master *master, uint32_t handle, uint64_t stamp_ns, bool soft)
{
	const struct group *group;

	if (handle == MC_GROUP_NONE)
		return MC_OBJECT_NONE;
	group = group_at(master, handle);
	if (group->stamp_ns != stamp_ns)
		return MC_OBJECT_NONE;
	if (group->leaders[GROUP_PLAIN] != MC_OBJECT_NONE || !soft)
		return group->leaders[GROUP_PLAIN];
	return group->leaders[GROUP_SOFT];
}
