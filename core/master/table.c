/* SPDX-License-Identifier: Apache-2.0 */
#include "core/master/object.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "core/base/random.h"
#include "core/master/slots.h"

struct queue {
	uint32_t oldest;
	uint32_t newest;
};

/* Older objects that mc_table_queue_first() passes, so that no call takes long. */
#define FIRST_OLDER_MAX 64u

struct mc_table {
	struct mc_slots slots;
	struct mc_arena *objects;
	struct mc_arena *extras;
	struct queue queues[MC_QUEUE_COUNT];
};

_Static_assert(sizeof(struct mc_object) == 40, "with one replica and a 20-byte key: 84 bytes");
_Static_assert(sizeof(struct mc_replica) == 24, "with one replica and a 20-byte key: 84 bytes");
_Static_assert(sizeof(struct mc_object) + MC_REPLICAS_MAX * sizeof(struct mc_replica) +
			       MC_KEY_MAX <=
		       MC_ARENA_RECORD_MAX,
	       "the largest object is one record");

/*
 * Keys come from outside. With a seed that nobody outside knows, nobody can choose keys that meet
 * in one place. One seed per process, so that a hash needs no table.
 */
static uint64_t hash_seed;
static pthread_once_t hash_seed_once = PTHREAD_ONCE_INIT;

static void
hash_seed_draw(void)
{
	hash_seed = mc_random_seed();
}

uint64_t
mc_table_hash(const void *key, size_t len)
{
	return XXH3_64bits_withSeed(key, len, hash_seed);
}

/* What a slot keeps: it gives the slot's place in a table of any size, and tells keys apart. */
static uint32_t
hash_slot(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

enum mc_status
mc_table_create(struct mc_table **table_out)
{
	struct mc_table *table = calloc(1, sizeof(*table));
	enum mc_status st;

	if (!table)
		return MC_ERR_NO_MEMORY;
	pthread_once(&hash_seed_once, hash_seed_draw);
	st = mc_arena_create(&table->objects);
	if (st != MC_OK)
		goto free_table;
	st = mc_arena_create(&table->extras);
	if (st != MC_OK)
		goto destroy_objects;
	st = mc_slots_init(&table->slots);
	if (st != MC_OK)
		goto destroy_extras;
	*table_out = table;
	return MC_OK;
destroy_extras:
	mc_arena_destroy(table->extras);
destroy_objects:
	mc_arena_destroy(table->objects);
free_table:
	free(table);
	return st;
}

void
mc_table_destroy(struct mc_table *table)
{
	if (!table)
		return;
	mc_slots_fini(&table->slots);
	mc_arena_destroy(table->extras);
	mc_arena_destroy(table->objects);
	free(table);
}

struct mc_object *
mc_table_object(const struct mc_table *table, uint32_t object)
{
	return mc_arena_ptr(table->objects, object);
}

static uint32_t
object_hash(const struct mc_table *table, uint32_t object)
{
	struct mc_object *at = mc_table_object(table, object);

	return hash_slot(mc_table_hash(mc_object_key(at), at->key_len));
}

/* ---- by key ---- */

void
mc_table_prefetch(const struct mc_table *table, uint64_t hash)
{
	uint32_t slot = hash_slot(hash);
	const struct mc_slots_area *area = mc_slots_area_of(&table->slots, slot);

	__builtin_prefetch(&area->at[slot >> area->shift]);
}

uint32_t
mc_table_find(struct mc_table *table, uint64_t hash, const void *key, size_t len)
{
	struct mc_slots_probe probe;
	struct mc_slot *slot;

	mc_slots_probe_init(&probe, &table->slots, hash_slot(hash));
	while ((slot = mc_slots_probe_next(&probe)) != NULL) {
		struct mc_object *at = mc_table_object(table, slot->handle);

		if (at->key_len == len && memcmp(mc_object_key(at), key, len) == 0)
			return slot->handle;
	}
	return MC_OBJECT_NONE;
}

static size_t
object_bytes(size_t key_len, unsigned int replicas_room)
{
	return sizeof(struct mc_object) + replicas_room * sizeof(struct mc_replica) + key_len;
}

enum mc_status
mc_table_insert(struct mc_table *table, uint64_t hash, const void *key, size_t len,
		unsigned int replicas_room, uint32_t *object_out)
{
	struct mc_object *at;
	enum mc_status st;
	uint32_t object;

	if (len > MC_KEY_MAX || replicas_room > MC_REPLICAS_MAX)
		return MC_ERR_TOO_LARGE;
	st = mc_slots_reserve(&table->slots);
	if (st != MC_OK)
		return st;
	st = mc_arena_alloc(table->objects, object_bytes(len, replicas_room), &object);
	if (st != MC_OK)
		return st;
	at = mc_table_object(table, object);
	memset(at, 0, object_bytes(0, replicas_room));
	at->extra = MC_ARENA_NONE;
	at->key_len = (uint16_t)len;
	at->replicas_room = (uint8_t)replicas_room;
	if (len > 0)
		memcpy(mc_object_key(at), key, len);
	mc_slots_insert(&table->slots, hash_slot(hash), object);
	*object_out = object;
	return MC_OK;
}

void
mc_table_delete(struct mc_table *table, uint32_t object)
{
	struct mc_object *at = mc_table_object(table, object);

	mc_table_queue(table, object, MC_QUEUE_NONE);
	mc_slots_remove(&table->slots, object_hash(table, object), object);
	if (at->extra != MC_ARENA_NONE)
		mc_arena_free(table->extras, at->extra);
	mc_arena_free(table->objects, object);
}

enum mc_status
mc_table_extra(struct mc_table *table, uint32_t object, struct mc_object_extra **extra_out)
{
	struct mc_object *at = mc_table_object(table, object);
	enum mc_status st;
	uint32_t extra;

	if (at->extra == MC_ARENA_NONE) {
		st = mc_arena_alloc(table->extras, sizeof(struct mc_object_extra), &extra);
		if (st != MC_OK)
			return st;
		memset(mc_arena_ptr(table->extras, extra), 0, sizeof(struct mc_object_extra));
		at->extra = extra;
	}
	*extra_out = mc_arena_ptr(table->extras, at->extra);
	return MC_OK;
}

void
mc_table_extra_trim(struct mc_table *table, uint32_t object)
{
	struct mc_object *at = mc_table_object(table, object);
	const struct mc_object_extra *extra = mc_table_extra_of(table, object);
	struct mc_object_extra blank = {0};

	if (extra == NULL)
		return;
	blank.pin_at = extra->pin_at;
	blank.copy = extra->copy;
	if (memcmp(extra, &blank, sizeof(blank)) != 0)
		return;
	mc_arena_free(table->extras, at->extra);
	at->extra = MC_ARENA_NONE;
}

struct mc_object_extra *
mc_table_extra_of(const struct mc_table *table, uint32_t object)
{
	struct mc_object *at = mc_table_object(table, object);

	return at->extra == MC_ARENA_NONE ? NULL : mc_arena_ptr(table->extras, at->extra);
}

/* ---- queues ---- */

/* Makes what pointed at @object from the newer side, and from the older one, point at these. */
static void
queue_repoint(struct mc_table *table, const struct mc_object *at, uint32_t from_newer,
	      uint32_t from_older)
{
	struct queue *queue = &table->queues[at->queue];

	if (at->newer != MC_OBJECT_NONE)
		mc_table_object(table, at->newer)->older = from_newer;
	else
		queue->newest = from_newer;
	if (at->older != MC_OBJECT_NONE)
		mc_table_object(table, at->older)->newer = from_older;
	else
		queue->oldest = from_older;
}

void
mc_table_queue(struct mc_table *table, uint32_t object, enum mc_queue queue)
{
	struct mc_object *at = mc_table_object(table, object);
	struct queue *to = &table->queues[queue];

	if (at->queue != MC_QUEUE_NONE)
		queue_repoint(table, at, at->older, at->newer);
	at->queue = (uint8_t)queue;
	at->newer = MC_OBJECT_NONE;
	at->older = MC_OBJECT_NONE;
	if (queue == MC_QUEUE_NONE)
		return;
	at->older = to->newest;
	if (to->newest != MC_OBJECT_NONE)
		mc_table_object(table, to->newest)->newer = object;
	else
		to->oldest = object;
	to->newest = object;
}

void
mc_table_queue_first(struct mc_table *table, uint32_t object, enum mc_queue queue)
{
	struct mc_object *at = mc_table_object(table, object);
	struct queue *to = &table->queues[queue];

	mc_table_queue(table, object, MC_QUEUE_NONE);
	at->queue = (uint8_t)queue;
	at->newer = to->oldest;
	for (unsigned int n = 0; n < FIRST_OLDER_MAX && at->newer != MC_OBJECT_NONE &&
				 mc_table_object(table, at->newer)->lease_ns < at->lease_ns;
	     n++) {
		at->older = at->newer;
		at->newer = mc_table_object(table, at->newer)->newer;
	}
	queue_repoint(table, at, object, object);
}

void
mc_table_trade(struct mc_table *table, uint32_t a, uint32_t b)
{
	struct mc_object *at_a = mc_table_object(table, a);
	struct mc_object *at_b = mc_table_object(table, b);
	struct mc_object was_a = *at_a;

	at_a->queue = at_b->queue;
	at_a->newer = at_b->newer;
	at_a->older = at_b->older;
	at_b->queue = was_a.queue;
	at_b->newer = was_a.newer;
	at_b->older = was_a.older;
	queue_repoint(table, at_a, a, a);
	queue_repoint(table, at_b, b, b);
}

uint32_t
mc_table_oldest(const struct mc_table *table, enum mc_queue queue)
{
	return table->queues[queue].oldest;
}

uint32_t
mc_table_newer(const struct mc_table *table, uint32_t object)
{
	return mc_table_object(table, object)->newer;
}

/* ---- more replicas ---- */

enum mc_status
mc_table_widen(struct mc_table *table, uint32_t *object, unsigned int replicas_room)
{
	struct mc_object *from = mc_table_object(table, *object);
	struct mc_object *to;
	enum mc_status st;
	uint32_t wider;

	if (replicas_room <= from->replicas_room)
		return MC_OK;
	if (replicas_room > MC_REPLICAS_MAX)
		return MC_ERR_TOO_LARGE;
	st = mc_arena_alloc(table->objects, object_bytes(from->key_len, replicas_room), &wider);
	if (st != MC_OK)
		return st;
	to = mc_table_object(table, wider);
	memset(to, 0, object_bytes(0, replicas_room));
	memcpy(to, from, object_bytes(0, from->replicas_room));
	to->replicas_room = (uint8_t)replicas_room;
	memcpy(mc_object_key(to), mc_object_key(from), from->key_len);
	if (to->queue != MC_QUEUE_NONE)
		queue_repoint(table, to, wider, wider);
	mc_slots_replace(&table->slots, object_hash(table, wider), *object, wider);
	mc_arena_free(table->objects, *object);
	*object = wider;
	return MC_OK;
}

/* ---- all of them ---- */

uint32_t
mc_table_walk(struct mc_table *table, uint32_t *cursor, uint32_t *steps)
{
	int paused = 0;

	*cursor = mc_arena_next(table->objects, *cursor, steps, &paused);
	return paused ? MC_OBJECT_NONE : *cursor;
}

void
mc_table_stats_read(const struct mc_table *table, struct mc_table_stats *stats_out)
{
	stats_out->objects = table->slots.used;
	stats_out->slots = mc_slots_count(&table->slots);
	stats_out->bytes = mc_slots_bytes(&table->slots) + mc_arena_bytes(table->objects) +
			   mc_arena_bytes(table->extras);
	stats_out->growing = table->slots.old.at != NULL;
}
