/* SPDX-License-Identifier: Apache-2.0 */
/* The segments' own state: names, life and death, and the burial of what a dead one held. */
#include <stdlib.h>
#include <xxhash.h>

#include "core/master/drain.h"
#include "mc/log.h"

/* Extents given back per pass of the reactor. */
#define BURY_SLICE 1024u

enum mc_status
mc_segments_init(struct mc_master *master)
{
	master->dying = MC_NUMBER_NONE;
	return mc_uuid_map_init(&master->segment_ids);
}

static void
segment_release(struct master_segment *segment)
{
	mc_alloc_destroy(segment->alloc);
	free((char *)segment->te_endpoint.ptr);
	free((char *)segment->protocol.ptr);
	free((char *)segment->host_id.ptr);
}

void
mc_segments_fini(struct mc_master *master)
{
	for (uint32_t i = 0; i < master->segments_used; i++) {
		if (master->segments[i].state != SEGMENT_FREE)
			segment_release(&master->segments[i]);
	}
	for (uint32_t i = 0; i < master->names_room; i++) {
		free((char *)master->names[i].text.ptr);
		free(master->names[i].segments);
	}
	mc_uuid_map_fini(&master->segment_ids);
	free(master->segments);
	free(master->names);
	free(master->names_live);
	free(master->hosted);
}

/* ---- names ---- */

static uint64_t
name_hash(struct mc_str text)
{
	return XXH3_64bits(text.ptr, text.len);
}

uint32_t
mc_name_find(const struct mc_master *master, struct mc_str text)
{
	uint64_t hash = name_hash(text);

	for (uint32_t i = 0; i < master->names_room; i++) {
		const struct master_name *name = &master->names[i];

		if (name->refs > 0 && name->hash == hash && mc_str_equal(name->text, text))
			return i;
	}
	return MC_NUMBER_NONE;
}

uint32_t
mc_segment_named(const struct mc_master *master, struct mc_str text)
{
	uint32_t name = mc_name_find(master, text);

	for (uint32_t i = 0; name != MC_NUMBER_NONE && i < master->segments_used; i++) {
		if (segment_readable(master, i) && master->segments[i].name == name)
			return i;
	}
	return MC_NUMBER_NONE;
}

enum mc_status
mc_name_check(const struct mc_master *master, struct mc_str text)
{
	uint32_t name = mc_name_find(master, text);

	if (name != MC_NUMBER_NONE && master->names[name].segments_count > 0)
		return MC_OK;
	return mc_segment_named(master, text) == MC_NUMBER_NONE ? MC_ERR_SEGMENT_NOT_FOUND
								: MC_ERR_UNAVAILABLE_STATE;
}

enum mc_status
mc_str_copy(struct mc_str from, struct mc_str *to)
{
	char *copy = malloc(from.len + 1);

	if (copy == NULL)
		return MC_ERR_NO_MEMORY;
	if (from.len > 0)
		memcpy(copy, from.ptr, from.len);
	copy[from.len] = '\0';	/* for logs */
	*to = (struct mc_str){copy, from.len};
	return MC_OK;
}

static enum mc_status
names_grow(struct mc_master *master)
{
	uint32_t room = master->names_room == 0 ? 16 : master->names_room * 2;
	struct master_name *names = realloc(master->names, room * sizeof(*names));
	uint32_t *live;

	if (names == NULL)
		return MC_ERR_NO_MEMORY;
	master->names = names;
	live = realloc(master->names_live, room * sizeof(*live));
	if (live == NULL)
		return MC_ERR_NO_MEMORY;
	master->names_live = live;
	memset(names + master->names_room, 0, (room - master->names_room) * sizeof(*names));
	master->names_room = room;
	return MC_OK;
}

/* The entry of @text, made if there is none; it counts one segment more. */
static enum mc_status
name_ref(struct mc_master *master, struct mc_str text, uint32_t *name_out)
{
	uint32_t i = mc_name_find(master, text);
	struct master_name *name;
	enum mc_status st = MC_OK;

	if (i != MC_NUMBER_NONE) {
		master->names[i].refs++;
		*name_out = i;
		return MC_OK;
	}
	for (i = 0; i < master->names_room && master->names[i].refs > 0;)
		i++;
	if (i == master->names_room)
		st = names_grow(master);
	if (st != MC_OK)
		return st;
	name = &master->names[i];
	*name = (struct master_name){
		.refs = 1, .hash = name_hash(text), .position = MC_NUMBER_NONE};
	st = mc_str_copy(text, &name->text);
	if (st != MC_OK) {
		name->refs = 0;
		return st;
	}
	*name_out = i;
	return MC_OK;
}

static void
name_unref(struct mc_master *master, uint32_t i)
{
	struct master_name *name = &master->names[i];

	if (--name->refs > 0)
		return;
	free((char *)name->text.ptr);
	free(name->segments);
	*name = (struct master_name){0};
}

/* From now on objects may be placed on @segment. */
static enum mc_status
name_offer(struct mc_master *master, uint32_t i, uint32_t segment)
{
	struct master_name *name = &master->names[i];

	if (name->segments_count == name->segments_room) {
		uint32_t room = name->segments_room == 0 ? 2 : name->segments_room * 2;
		uint32_t *segments = realloc(name->segments, room * sizeof(*segments));

		if (segments == NULL)
			return MC_ERR_NO_MEMORY;
		name->segments = segments;
		name->segments_room = room;
	}
	name->segments[name->segments_count++] = segment;
	if (name->position == MC_NUMBER_NONE) {
		name->position = master->names_live_count;
		master->names_live[master->names_live_count++] = i;
	}
	return MC_OK;
}

static void
name_withdraw(struct mc_master *master, uint32_t i, uint32_t segment)
{
	struct master_name *name = &master->names[i];
	uint32_t at = 0, moved;

	while (at < name->segments_count && name->segments[at] != segment)
		at++;
	if (at == name->segments_count)
		return;
	name->segments[at] = name->segments[--name->segments_count];
	if (name->segments_count > 0)
		return;
	moved = master->names_live[--master->names_live_count];
	master->names_live[name->position] = moved;
	master->names[moved].position = name->position;
	name->position = MC_NUMBER_NONE;
}

/* ---- birth ---- */

static enum mc_status
slot_take(struct mc_master *master, uint32_t *segment_out)
{
	uint32_t room = master->segments_room == 0 ? 16 : master->segments_room * 2;
	struct master_segment *segments;

	for (uint32_t i = 0; i < master->segments_used; i++) {
		if (master->segments[i].state == SEGMENT_FREE) {
			*segment_out = i;
			return MC_OK;
		}
	}
	if (master->segments_used == MC_SEGMENTS_MAX)
		return MC_ERR_TOO_LARGE;
	if (master->segments_used == master->segments_room) {
		segments = realloc(master->segments, room * sizeof(*segments));
		if (segments == NULL)
			return MC_ERR_NO_MEMORY;
		memset(segments + master->segments_room, 0,
		       (room - master->segments_room) * sizeof(*segments));
		master->segments = segments;
		master->segments_room = room;
	}
	*segment_out = master->segments_used++;
	return MC_OK;
}

static void
text_max_raise(struct mc_master *master, size_t len)
{
	if (len > master->text_max)
		master->text_max = len;
}

/* What of the segment is its own: on failure all of it is released again. */
static enum mc_status
segment_fill(struct mc_master *master, struct master_segment *segment,
	     const struct mc_segment_desc *desc)
{
	struct mc_str endpoint = desc->te_endpoint.len > 0 ? desc->te_endpoint : desc->name;
	enum mc_status st = mc_alloc_create(desc->base, desc->size, &segment->alloc);

	if (st != MC_OK)
		return st;
	segment->id = desc->id;
	segment->base = desc->base;
	segment->size = desc->size;
	st = mc_str_copy(endpoint, &segment->te_endpoint);
	if (st == MC_OK)
		st = mc_str_copy(desc->protocol, &segment->protocol);
	if (st == MC_OK)
		st = mc_str_copy(desc->host_id, &segment->host_id);
	if (st == MC_OK)
		st = name_ref(master, desc->name, &segment->name);
	if (st != MC_OK) {
		segment_release(segment);
		return st;
	}
	text_max_raise(master, desc->name.len);
	text_max_raise(master, endpoint.len);
	return MC_OK;
}

static void
account_capacity(struct mc_master *master, int64_t capacity, int segments)
{
	master->capacity_bytes += (uint64_t)capacity;
	mc_counter_set(&master->stats.capacity_bytes, master->capacity_bytes);
	mc_counter_add(&master->stats.segments, (uint64_t)(int64_t)segments);
}

static int64_t
segment_capacity(const struct master_segment *segment)
{
	struct mc_alloc_stats stats;

	mc_alloc_stats_read(segment->alloc, &stats);
	return (int64_t)stats.capacity;
}

enum mc_status
mc_segment_add(struct mc_master *master, const struct mc_segment_desc *desc, uint32_t client)
{
	struct master_segment fresh = {.client = client, .state = SEGMENT_LIVE};
	uint32_t i;
	enum mc_status st = slot_take(master, &i);

	if (st == MC_OK)
		st = segment_fill(master, &fresh, desc);
	if (st != MC_OK)
		return st;
	fresh.generation = master->segments[i].generation + 1;
	st = name_offer(master, fresh.name, i);
	if (st == MC_OK)
		st = mc_hosted_reserve(master);
	if (st == MC_OK)
		st = mc_client_host_set(master, client, desc->host_id);
	if (st == MC_OK)
		st = mc_uuid_map_add(&master->segment_ids, desc->id, i);
	if (st != MC_OK) {
		name_withdraw(master, fresh.name, i);
		name_unref(master, fresh.name);
		segment_release(&fresh);
		return st;
	}
	master->segments[i] = fresh;
	mc_hosted_add(master, i);
	master->clients[client].segments++;
	account_capacity(master, segment_capacity(&fresh), 1);
	mc_waits_wake(master);
	mc_log_info("segment %s mounted: %lu MiB at %s, by client %lu-%lu",
		    master->names[fresh.name].text.ptr, (unsigned long)(desc->size >> 20),
		    fresh.te_endpoint.ptr, (unsigned long)master->clients[client].id.first,
		    (unsigned long)master->clients[client].id.second);
	return MC_OK;
}

/* ---- death ---- */

/* No more objects are placed on it. */
static void
segment_withdraw(struct mc_master *master, uint32_t i)
{
	name_withdraw(master, master->segments[i].name, i);
	mc_hosted_remove(master, i);
}

void
mc_segment_leave(struct mc_master *master, uint32_t i, uint64_t leave_at_ns)
{
	struct master_segment *segment = &master->segments[i];

	if (segment->state == SEGMENT_LIVE)
		segment_withdraw(master, i);
	segment->state = SEGMENT_LEAVING;
	segment->leave_at_ns = leave_at_ns;
}

enum mc_segment_status
mc_segment_status_told(const struct mc_master *master, uint32_t i)
{
	switch (master->segments[i].state) {
	case SEGMENT_LIVE:
		return MC_SEGMENT_OK;
	case SEGMENT_DRAINING:
		return MC_SEGMENT_DRAINING;
	case SEGMENT_DRAINED:
		return MC_SEGMENT_DRAINED;
	default:
		return MC_SEGMENT_GRACEFULLY_UNMOUNTING;
	}
}

void
mc_segment_drain(struct mc_master *master, uint32_t i)
{
	name_withdraw(master, master->segments[i].name, i);
	master->segments[i].state = SEGMENT_DRAINING;
}

void
mc_segment_drained(struct mc_master *master, uint32_t i)
{
	if (master->segments[i].state == SEGMENT_DRAINING)
		master->segments[i].state = SEGMENT_DRAINED;
}

enum mc_status
mc_segment_undrain(struct mc_master *master, uint32_t i)
{
	struct master_segment *segment = &master->segments[i];
	enum mc_status st = MC_OK;

	/* it may have left since */
	if (segment->state == SEGMENT_DRAINING)
		st = name_offer(master, segment->name, i);
	if (st == MC_OK && segment->state == SEGMENT_DRAINING)
		segment->state = SEGMENT_LIVE;
	return st;
}

void
mc_segment_kill(struct mc_master *master, uint32_t i)
{
	struct master_segment *segment = &master->segments[i];
	struct mc_alloc_stats stats;

	if (!segment_readable(master, i))
		return;
	mc_log_info("segment %s unmounted", master->names[segment->name].text.ptr);
	if (segment->drain != 0)
		mc_drain_lost(master, i);
	mc_alloc_stats_read(segment->alloc, &stats);
	master->extent_bytes -= stats.used;
	mc_counter_set(&master->stats.extent_bytes, master->extent_bytes);
	mc_counter_add(&master->stats.object_bytes, segment->parked_bytes - stats.object_bytes);
	mc_counter_add(&master->stats.parked_bytes, -segment->parked_bytes);
	account_capacity(master, -segment_capacity(segment), -1);
	if (segment->state == SEGMENT_LIVE)
		segment_withdraw(master, i);
	mc_uuid_map_del(&master->segment_ids, segment->id);
	master->clients[segment->client].segments--;
	mc_client_settle(master, segment->client);
	segment->state = SEGMENT_DEAD;
	segment->dying_next = master->dying;
	master->dying = i;
}

void
mc_segments_kill_endpoint(struct mc_master *master, struct mc_str endpoint)
{
	for (uint32_t i = 0; i < master->segments_used; i++) {
		const struct master_segment *segment = &master->segments[i];

		if (segment_readable(master, i) &&
		    (mc_str_equal(segment->te_endpoint, endpoint) ||
		     mc_str_equal(master->names[segment->name].text, endpoint)))
			mc_segment_kill(master, i);
	}
}

/* Drops the replicas of @object that lie on segment @i. */
static void
object_leave(struct mc_master *master, uint32_t object, uint32_t i)
{
	struct mc_object *obj = master_object(master, object);

	for (unsigned int r = obj->replicas; r-- > 0;) {
		if (mc_object_replicas(obj)[r].segment == i)
			mc_replica_drop(master, object, r, 0);
	}
	if (obj->replicas == 0)
		mc_object_delete(master, object);
}

uint32_t
mc_segments_bury(struct mc_master *master)
{
	uint32_t i = master->dying;
	struct master_segment *segment;

	if (i == MC_NUMBER_NONE)
		return 0;
	segment = &master->segments[i];
	for (unsigned int n = 0; n < BURY_SLICE; n++) {
		uint32_t extent = mc_alloc_first_used(segment->alloc);
		uint32_t owner;

		if (extent == MC_EXTENT_NONE) {
			master->dying = segment->dying_next;
			segment_release(segment);
			name_unref(master, segment->name);
			segment->state = SEGMENT_FREE;
			return n + 1;
		}
		owner = mc_alloc_owner(segment->alloc, extent);
		if (owner == MC_OWNER_PARKED)
			mc_alloc_give(segment->alloc, extent);
		else
			object_leave(master, owner, i);
	}
	return BURY_SLICE;
}

void
mc_segments_tick(struct mc_master *master, uint64_t now_ns)
{
	for (uint32_t i = 0; i < master->segments_used; i++) {
		struct master_segment *segment = &master->segments[i];

		if (segment->state == SEGMENT_LEAVING && now_ns >= segment->leave_at_ns)
			mc_segment_kill(master, i);
	}
}
