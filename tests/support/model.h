/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the protocol says of objects, segments and clients, by the plainest means: arrays that are
 * looked through from end to end, and nothing of how core/master does it. Calls return the code
 * that must be answered and take effect; what is the master's choice (where a replica lies, when
 * eviction takes whom) the model is told, and holds against what may be chosen. It ends the test
 * where the two disagree.
 */
#ifndef MC_TESTS_SUPPORT_MODEL_H
#define MC_TESTS_SUPPORT_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/wire/wire.h"

#define MODEL_KEYS     64u
#define MODEL_CLIENTS  4u
#define MODEL_SEGMENTS 6u
#define MODEL_REPLICAS 8u
#define MODEL_TARGETS  3u
#define MODEL_PARKED   512u
#define MODEL_GROUPS   5u

struct model_replica {
	uint64_t id;
	uint64_t address;
	uint32_t segment;
	bool complete;
	bool source; /* of a copy or move */
	bool target;
};

struct model_object {
	bool there;
	bool writing;	   /* between a start and its end */
	bool was_complete; /* before this write */
	bool hard;
	uint8_t soft; /* enum mc_soft_pin_action: asked for, granted when the write ends */
	uint32_t owner;
	uint32_t group; /* 0: none */
	uint64_t size;
	uint64_t started_ns;
	uint64_t written_ns; /* of a member of a group: when its last write ended */
	uint64_t lease_ns;
	uint64_t pin_ttl_ns;
	uint64_t pinned_until_ns;
	uint64_t readers_until_ns; /* of what it held before an upsert in place */
	bool busy;		   /* is copied or moved */
	bool moved;
	uint32_t copier;
	uint32_t targets; /* that were begun */
	uint64_t copied_ns;
	uint64_t let_go_ns; /* when a copy of it was undone */
	uint32_t replicas;
	struct model_replica replica[MODEL_REPLICAS];
};

/* Objects that are leased, and evicted, together. */
struct model_group {
	uint64_t read_ns; /* the last read of a member; 0: none */
	/* its place in the order of eviction is between these: members that were passed over while
	 * they were busy may have renewed it */
	uint64_t from_ns;
	uint64_t to_ns;
};

/* Space that its writer may still write to. */
struct model_parked {
	bool used;
	uint32_t segment;
	uint64_t address;
	uint64_t bytes;
	uint64_t free_at_ns;
};

enum model_segment_state {
	MODEL_ABSENT,
	MODEL_LIVE,
	MODEL_LEAVING,
};

struct model_segment {
	enum model_segment_state state;
	uint32_t name; /* two replicas of an object never share one */
	uint32_t owner;
	uint64_t base;
	uint64_t size;
	uint64_t leave_at_ns;
};

struct model_client {
	bool tracked;
	bool ok;
	uint64_t expires_ns;
};

struct model {
	uint64_t lease_ttl_ns;
	uint64_t client_ttl_ns;
	uint64_t discard_ns;
	uint64_t release_ns;
	double watermark;
	bool evict_soft_pinned;

	struct model_object objects[MODEL_KEYS];
	struct model_segment segments[MODEL_SEGMENTS];
	struct model_client clients[MODEL_CLIENTS];
	struct model_parked parked[MODEL_PARKED];
	struct model_group groups[MODEL_GROUPS + 1];
	uint64_t id_last;
	bool wanted;	/* a put found no space */
	bool may_evict; /* eviction was due at some time since the last look */
	uint64_t looked_ns;

	/* what has happened, so that a test can tell that it tried everything */
	uint64_t evicted;
	uint64_t evicted_pinned;
	uint64_t released;
	uint64_t unparked;
	uint64_t expired;
	uint64_t orphaned; /* objects that went with their last segment */
	uint64_t evicted_grouped;
	uint64_t in_place; /* upserts */
	uint64_t replaced;
	uint64_t copied;
	uint64_t copies_lost; /* their source or a target had gone */
	uint64_t copies_undone;
};

struct model_put {
	uint32_t client;
	uint32_t key;
	uint32_t group;
	uint64_t size;
	uint32_t replicas;
	bool hard;
	uint8_t soft;
	uint64_t pin_ttl_ns;
};

/* ---- objects ---- */

/* Whether the key may be written; if so, an abandoned write under it is parked. */
bool model_put_start(struct model *model, const struct model_put *put, uint64_t now_ns);
/* It was answered with these, or with none: no space. */
void model_put_placed(struct model *model, const struct model_put *put,
		      const struct mc_replica_desc *descs, uint32_t count, uint64_t now_ns);
/* The code, where 0 also stands for -200; then what it was answered with. */
int32_t model_upsert_start(const struct model *model, const struct model_put *put);
void model_upsert_placed(struct model *model, const struct model_put *put,
			 const struct mc_replica_desc *descs, uint32_t count, uint64_t now_ns);
/* Ends and revokes of either. */
int32_t model_put_end(struct model *model, uint32_t client, uint32_t key, uint64_t now_ns);
int32_t model_put_revoke(struct model *model, uint32_t client, uint32_t key, uint64_t now_ns);
/* A read: the code, and the lease. The replicas that are told must be these, in order. */
int32_t model_get(struct model *model, uint32_t key, uint64_t now_ns);
void model_got(const struct model *model, uint32_t key, const struct mc_replica_desc *descs,
	       uint32_t count);
int32_t model_remove(struct model *model, uint32_t key, bool force, uint64_t now_ns);
/* Whether it is cleared on the segments of @name, or everywhere for UINT32_MAX. */
bool model_clear(struct model *model, uint32_t client, uint32_t key, uint32_t name,
		 uint64_t now_ns);

/* ---- copies and moves ---- */

struct model_copy {
	uint32_t client;
	uint32_t key;
	bool move;
	uint32_t source; /* names, as all of these */
	uint32_t targets;
	uint32_t target[MODEL_TARGETS];
};

/* The code, where 0 also stands for -200; then what it was answered with. */
int32_t model_copy_start(const struct model *model, const struct model_copy *copy);
void model_copy_begun(struct model *model, const struct model_copy *copy,
		      const struct mc_replica_desc *source, const struct mc_replica_desc *targets,
		      uint32_t count, uint64_t now_ns);
void model_no_space(struct model *model);
int32_t model_copy_end(struct model *model, uint32_t client, uint32_t key, bool move,
		       uint64_t now_ns);
int32_t model_copy_revoke(struct model *model, uint32_t client, uint32_t key, bool move,
			  uint64_t now_ns);
/* Those that nobody ended in time are undone. */
void model_copies_expire(struct model *model, uint64_t now_ns);

/* ---- segments and clients ---- */

int32_t model_mount(struct model *model, uint32_t client, uint32_t segment, uint64_t now_ns);
/* @mask: a bit per segment; @altered: the last of them is told with another size. */
int32_t model_remount(struct model *model, uint32_t client, uint32_t mask, bool altered,
		      uint64_t now_ns);
void model_unmount(struct model *model, uint32_t segment);
int32_t model_leave(struct model *model, uint32_t client, uint32_t segment, uint64_t at_ns);
int32_t model_segment_status(const struct model *model, uint32_t segment);
/* True: the answer is "ok". */
bool model_ping(struct model *model, uint32_t client, uint64_t now_ns);

/* ---- time, and what the master did by itself ---- */

/* Once a second: the ends of clients, of grace periods, of abandoned writes, of parking. */
void model_tick(struct model *model, uint64_t now_ns);
/* A look at the master: which keys it has, and the bytes of all its extents. */
void model_look(struct model *model, const bool *has, uint64_t extent_bytes, uint64_t now_ns);
/* Rounds have run until they came to rest. */
void model_at_rest(const struct model *model, uint64_t now_ns);

/* What counters must say. */
uint64_t model_extent_bytes(const struct model *model);
uint64_t model_object_bytes(const struct model *model);
uint64_t model_capacity(const struct model *model);
uint32_t model_objects(const struct model *model);

#endif
