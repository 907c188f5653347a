/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The object table: key -> object, the objects themselves, and the order of eviction. Owned by the
 * metadata lcore. Nothing here knows segments, clients or the wire.
 *
 * Sizes (doc/decisions/object-table.md): an object with a 20-byte key and one replica takes 96
 * bytes, its slot in the table 8 bytes at a load of 3/8 to 3/4. No call is O(n): the table grows
 * by moving a few slots per call, the old one goes back to the kernel as it empties.
 */
#ifndef MC_CORE_MASTER_OBJECT_H
#define MC_CORE_MASTER_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "mc/status.h"
#include "mc/types.h"

#define MC_KEY_MAX 65535u
#define MC_OBJECT_NONE MC_ARENA_NONE
#define MC_REPLICAS_MAX 64u	/* of one object */

/* One memory replica. */
struct mc_replica {
	uint64_t id;
	uint64_t offset;	/* from the segment's base */
	uint32_t extent;	/* core/alloc handle */
	uint16_t segment;	/* index in the master's segment table */
	uint8_t status;		/* enum mc_replica_status */
	uint8_t flags;		/* MC_REPLICA_* */
};

#define MC_REPLICA_SOURCE 0x01	/* pinned: it is read from */
#define MC_REPLICA_TARGET 0x02	/* begun: it is written to */
/* While its segment is drained: a task to move it is there; how often moves have failed. */
#define MC_REPLICA_DRAINED 0x04
#define MC_REPLICA_FAILED_SHIFT 4

/* Where an object stands in the order of eviction. */
enum mc_queue {
	MC_QUEUE_NONE,		/* in no queue: hard-pinned */
	MC_QUEUE_WRITTEN,	/* lease_ns is when it was written: ascends from head to tail */
	MC_QUEUE_READ,		/* lease_ns is the last read + ttl: ascends likewise */
	MC_QUEUE_SOFT_WRITTEN,	/* the same two for soft-pinned objects */
	MC_QUEUE_SOFT_READ,
	MC_QUEUE_GROUPED,	/* of a group, behind its leader: in no order here, see group.c */
	MC_QUEUE_SOFT_GROUPED,
	MC_QUEUE_UNPINNED,	/* a soft pin that is over: in no order here, see pins.c */
	MC_QUEUE_PASSED,	/* busy when its turn to be evicted came; it keeps its turn */
	MC_QUEUE_SOFT_PASSED,	/* the same for soft-pinned objects */
	MC_QUEUE_WRITING,	/* between PutStart and PutEnd; lease_ns is the start */
	MC_QUEUE_COUNT,
};

/*
 * Handles are arena handles; a pointer stays valid until the object is deleted. Replicas lie
 * behind the struct, the key behind them: see mc_object_replicas() and mc_object_key().
 */
struct mc_object {
	uint64_t lease_ns;	/* monotonic: leased until then; when it began, while unfinished;
				   of a group: see group.c */
	uint64_t size;		/* object bytes */
	uint32_t newer;		/* neighbours in the queue */
	uint32_t older;
	uint32_t owner;		/* the master's number of the client that wrote it */
	uint32_t extra;		/* arena handle of struct mc_object_extra, or none */
	uint16_t key_len;
	uint8_t queue;		/* enum mc_queue */
	uint8_t replicas;	/* count */
	uint8_t replicas_room;	/* slots in front of the key */
	uint8_t flags;		/* MC_OBJECT_* */
	uint8_t data_type;
	uint8_t pad;
};

#define MC_OBJECT_HARD_PIN 0x01
#define MC_OBJECT_WAS_COMPLETE 0x02	/* once: its pins are its own, not of an unfinished write */
#define MC_OBJECT_BUSY 0x08	/* a copy or move is under way: see extra->copy */

/* What few objects have. */
struct mc_object_extra {
	uint64_t soft_pin_until_ns;
	uint64_t soft_pin_ttl_ns;	/* asked for, granted when the write completes */
	uint64_t readers_until_ns;	/* the lease of readers from before the last upsert */
	uint64_t written_ns;	/* of a group: when its last write was complete */
	uint64_t checksum;
	uint32_t group;		/* arena handle, or MC_GROUP_NONE: see group.c */
	uint32_t group_before;	/* neighbours in a list of its group */
	uint32_t group_behind;
	uint32_t pin_at;	/* place in a heap of pins.c */
	uint32_t copy;		/* with MC_OBJECT_BUSY: which one (copy.c) */
	bool has_checksum;
	uint8_t soft_pin_action;
	uint8_t group_list;	/* enum group_list */
};

#define MC_GROUP_NONE MC_ARENA_NONE

/* A copy or move has begun and not ended: the object is not evicted, removed or overwritten. */
static inline bool
mc_object_busy(const struct mc_object *object)
{
	return (object->flags & MC_OBJECT_BUSY) != 0;
}

static inline struct mc_replica *
mc_object_replicas(struct mc_object *object)
{
	return (struct mc_replica *)(object + 1);
}

static inline char *
mc_object_key(struct mc_object *object)
{
	return (char *)(mc_object_replicas(object) + object->replicas_room);
}

struct mc_table;

enum mc_status mc_table_create(struct mc_table **table_out);
void mc_table_destroy(struct mc_table *table);

/* Hash of a key; give the same one to the calls below. */
uint64_t mc_table_hash(const void *key, size_t len);
/* Brings the slot of @hash into the cache: for batches, some keys ahead. */
void mc_table_prefetch(const struct mc_table *table, uint64_t hash);

/* MC_OBJECT_NONE when absent. */
uint32_t mc_table_find(struct mc_table *table, uint64_t hash, const void *key, size_t len);

/*
 * A new object under a key that is not in the table, with room for @replicas_room replicas (its
 * replicas count is 0), in no queue, all members zero but key_len and replicas_room.
 * MC_ERR_NO_MEMORY; MC_ERR_TOO_LARGE: a key above MC_KEY_MAX.
 */
enum mc_status mc_table_insert(struct mc_table *table, uint64_t hash, const void *key, size_t len,
			       unsigned int replicas_room, uint32_t *object_out);
/* Takes the object out of its queue and of the table, and frees it with its extra. */
void mc_table_delete(struct mc_table *table, uint32_t object);
/*
 * The same object with room for more replicas; it may move, its handle changes then (queues and
 * table follow, nothing else does). A walk under way may meet it twice, or not at all.
 * MC_ERR_NO_MEMORY: nothing changed.
 */
enum mc_status mc_table_widen(struct mc_table *table, uint32_t *object, unsigned int replicas_room);
/* Gives the object an extra, zeroed, if it has none. */
enum mc_status mc_table_extra(struct mc_table *table, uint32_t object,
			      struct mc_object_extra **extra_out);
/* Takes away an extra that says nothing but places where the object no longer is. */
void mc_table_extra_trim(struct mc_table *table, uint32_t object);

struct mc_object *mc_table_object(const struct mc_table *table, uint32_t object);
struct mc_object_extra *mc_table_extra_of(const struct mc_table *table, uint32_t object);

/* ---- queues ---- */

/* Moves the object to the tail of @queue (out of all: MC_QUEUE_NONE). */
void mc_table_queue(struct mc_table *table, uint32_t object, enum mc_queue queue);
/* To its head, but behind those there that are older: as a rule there is none, or a few. */
void mc_table_queue_first(struct mc_table *table, uint32_t object, enum mc_queue queue);
/* Two objects of different queues change places. */
void mc_table_trade(struct mc_table *table, uint32_t a, uint32_t b);
/* The oldest of @queue, and the next newer one; MC_OBJECT_NONE at the end. */
uint32_t mc_table_oldest(const struct mc_table *table, enum mc_queue queue);
uint32_t mc_table_newer(const struct mc_table *table, uint32_t object);

/* ---- walks ---- */

/*
 * Every object that exists during the whole walk is met exactly once, in at most *steps steps per
 * call; begin with MC_OBJECT_NONE as *cursor. Returns the object, or MC_OBJECT_NONE: the walk is
 * over when *cursor is MC_OBJECT_NONE, else the steps are used up and the next call goes on.
 * The object returned may be deleted before the next call.
 */
uint32_t mc_table_walk(struct mc_table *table, uint32_t *cursor, uint32_t *steps);

struct mc_table_stats {
	uint64_t objects;
	uint64_t slots;
	uint64_t bytes;		/* memory held, table and arena */
	bool growing;
};
void mc_table_stats_read(const struct mc_table *table, struct mc_table_stats *stats_out);

#endif
