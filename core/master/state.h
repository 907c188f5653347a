/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to core/master: the state of a master and what its files offer each other. Everything
 * runs on the exec reactor.
 *
 *   dispatch.c  frames to functions, release learning (release.c), answers
 *   put.c upsert.c get.c remove.c mount.c session.c absent.c   the functions, by theme;  batch.c
 *   write.c     what puts and upserts share
 *   copy.c      copies and moves of objects, from their start to their end
 *   task.h      tasks;  drain.h   drain jobs, which make them
 *   segment.c   the segments' own state
 *   place.c     which segments a new object goes to;  place_ratio.c place_host.c
 *   replica.c   giving and taking space, dropping replicas, the counters that follow
 *   evict.c     the watermark loop, parked space, unfinished writes;  pins.c  soft pins
 *   group.c     objects that are leased and evicted together
 *   client.c    who is alive
 *   wait.c      puts that wait for space
 *   job.c walk.c   long work in slices between calls;  query*.c  what other threads ask
 */
#ifndef MC_CORE_MASTER_STATE_H
#define MC_CORE_MASTER_STATE_H

#include "core/alloc/alloc.h"
#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/base/random.h"
#include "core/master/job.h"
#include "core/master/master.h"
#include "core/master/object.h"
#include "core/master/slots.h"
#include "core/master/uuid_map.h"

#define MC_SEGMENTS_MAX 65535u
#define MC_CLIENTS_MAX (1u << 20)
#define MC_NAME_MAX 4096u		/* of a segment, an endpoint, a protocol, a host id */
#define MC_NUMBER_NONE UINT32_MAX

/* ---- segments ---- */

enum segment_state {
	SEGMENT_FREE,
	SEGMENT_LIVE,		/* takes objects */
	SEGMENT_DRAINING,	/* readable, takes none: its objects are moved elsewhere */
	SEGMENT_DRAINED,	/* the same when that is done */
	SEGMENT_LEAVING,	/* readable, takes none; a normal unmount follows at @leave_at_ns */
	SEGMENT_DEAD,		/* unreadable; its extents are given back in slices */
};

struct master_segment {
	enum segment_state state;
	uint32_t generation;	/* of the slot; tells a parked extent that its segment is gone */
	struct mc_alloc *alloc;
	uint64_t base;
	uint64_t size;
	uint64_t parked_bytes;	/* object bytes of parked extents: no longer in the counters */
	uint32_t client;
	uint32_t name;		/* index of struct master_name */
	struct mc_uuid id;
	struct mc_str te_endpoint;	/* owned; as are the two below */
	struct mc_str protocol;
	struct mc_str host_id;
	uint64_t leave_at_ns;
	uint32_t drain;		/* the job that empties it, or 0 */
	uint32_t dying_next;	/* DEAD ones: a stack by number */
};

/* Segments that share a name; no two replicas of an object go to one name. */
struct master_name {
	struct mc_str text;	/* owned */
	uint64_t hash;
	uint32_t *segments;	/* LIVE ones */
	uint32_t segments_count;
	uint32_t segments_room;
	uint32_t refs;		/* segments of any state but FREE; at 0 the entry is free */
	uint32_t position;	/* in master.names_live, or MC_NUMBER_NONE */
};

/* ---- clients ---- */

/* Tasks by number; both ends hold while @count > 0. See task.h. */
struct task_queue {
	uint32_t oldest;
	uint32_t newest;
	uint32_t count;
};

struct master_client {
	struct mc_uuid id;
	uint64_t since_ns;	/* known */
	uint64_t expires_ns;	/* while tracked */
	struct mc_str host_id;	/* of the segment that it mounted last; owned */
	uint32_t objects;	/* that it wrote */
	uint32_t segments;	/* that it has mounted, LIVE or LEAVING */
	uint32_t copies;	/* that it carries out */
	uint32_t tasks;		/* that it is to carry out, or does */
	struct task_queue tasks_pending;
	uint32_t free_next;
	bool used;
	bool tracked;		/* has pinged or mounted: its TTL runs */
	bool ok;		/* has re-mounted: Ping says OK */
	bool expired;		/* its TTL passed, and it has not come back */
};

/* ---- the space of replicas whose time is over but which a writer may still write to ---- */

struct parked_extent {
	uint64_t free_at_ns;
	uint64_t bytes;
	uint32_t extent;
	uint32_t generation;
	uint16_t segment;
};

/* Owner number of a parked extent in its allocator: no object has it. */
#define MC_OWNER_PARKED MC_OBJECT_NONE

/* Which releases were seen at an address lately; see release.c. */
#define MC_ADDRESSES 1024u
struct master_address {
	uint8_t ip[16];
	uint32_t seen_s[MC_RELEASE_COUNT];	/* 0: never */
};

/* A heap of soft-pinned objects; each knows its place in it (mc_object_extra.pin_at). */
struct pin {
	uint64_t key_ns;
	uint32_t object;
};
struct pin_heap {
	struct pin *at;
	uint32_t count;
};

struct master_eviction {
	struct mc_timer timer;
	bool wanted;		/* an allocation failed */
	bool running;
	bool second_pass;
	uint64_t target;	/* objects this round */
	uint64_t enough;	/* fewer in the first pass: a second one takes soft-pinned too */
	uint64_t done;
	uint64_t freed_parked;
	uint32_t group;		/* of the object that went last, while some of it are left */
	uint64_t group_stamp_ns;
};

/* Groups (group.c): their records, and these by the hash of their id. */
struct master_groups {
	struct mc_slots slots;
	struct mc_arena *records;
};

struct mc_master {
	struct mc_master_params params;
	struct mc_reactor *exec;
	struct mc_table *table;
	struct mc_random random;
	uint64_t replica_id_next;
	uint64_t promise;		/* MC_REPLICA_PROMISE or 0: of the writer being served */
	uint64_t serving_ns;		/* when the call that is being served was taken up */
	uint64_t evictable;	/* objects in the WRITTEN and READ queues that are not busy */

	struct master_segment *segments;	/* by segment number, grown */
	uint32_t segments_room;
	uint32_t segments_used;			/* slots ever used */
	struct mc_uuid_map segment_ids;
	struct master_name *names;
	uint32_t names_room;
	uint32_t *names_live;			/* names that have LIVE segments */
	uint32_t names_live_count;
	uint32_t *hosted;			/* LIVE segments by host id, see place_host.c */
	uint32_t hosted_count;
	uint32_t hosted_room;
	size_t text_max;			/* longest string any answer may hold */
	uint32_t dying;				/* the first DEAD segment, or MC_NUMBER_NONE */

	struct master_client *clients;
	uint32_t clients_room;
	uint32_t clients_used;
	uint32_t clients_free;			/* a free entry, or MC_NUMBER_NONE */
	struct mc_uuid_map client_ids;

	struct master_copies *copies;		/* see copy.c */
	struct master_tasks *tasks;		/* see task.h */
	struct master_drains *drains;		/* see drain.h */

	struct parked_extent *parked;		/* binary heap by free_at_ns */
	uint32_t parked_count;
	uint32_t parked_room;

	struct master_groups groups;

	struct pin_heap pinned;			/* by the end of the pin */
	struct pin_heap unpinned;		/* pins that are over: by the end of the lease */
	uint32_t pins_room;			/* of each */

	struct master_address addresses[MC_ADDRESSES];

	uint64_t extent_bytes;			/* in LIVE and LEAVING segments */
	uint64_t capacity_bytes;
	struct master_eviction eviction;
	struct mc_timer second;			/* liveness, unfinished writes, gauges */
	struct mc_poller work;			/* jobs, queries, dying segments, eviction */
	struct mc_list jobs;
	struct mc_list waits;			/* calls that wait for space, see wait.c */
	struct mc_list queries;
	bool draining;				/* no call waits any more */
	bool stopped;				/* queries are refused */

	struct mc_master_stats stats;
};

/* ---- one call ---- */

/* What a function of the protocol gets, and its means to answer. */
struct master_op {
	struct mc_master *master;
	struct mc_rpc_call *call;
	const struct mc_request *request;
	struct mc_args *args;
	enum mc_release release;	/* of the arguments: any of the request's */
	enum mc_release answer;		/* of the result */
	bool failed;			/* an error was answered: counted */
};

/* Opens the writer of this call's result; @len_max of its containers (strings are covered). */
void mc_op_open(struct master_op *op, struct mc_writer *writer, size_t len_max);
enum mc_rpc_verdict mc_op_close(struct master_op *op, struct mc_writer *writer);
/* Answers with the struct mc_result_* that the function has; error != 0 counts as a failure. */
enum mc_rpc_verdict mc_op_result(struct master_op *op, const void *result, int32_t error);
enum mc_rpc_verdict mc_op_status(struct master_op *op, enum mc_status status);

typedef enum mc_rpc_verdict (*master_fn)(struct master_op *op);

/* The functions of the protocol, by theme. */
enum mc_rpc_verdict mc_master_put_start(struct master_op *op);
enum mc_rpc_verdict mc_master_put_end(struct master_op *op);
enum mc_rpc_verdict mc_master_put_revoke(struct master_op *op);
enum mc_rpc_verdict mc_master_upsert_start(struct master_op *op);
enum mc_rpc_verdict mc_master_exist(struct master_op *op);
enum mc_rpc_verdict mc_master_get(struct master_op *op);
enum mc_rpc_verdict mc_master_get_by_regex(struct master_op *op);
enum mc_rpc_verdict mc_master_remove(struct master_op *op);
enum mc_rpc_verdict mc_master_remove_by_regex(struct master_op *op);
enum mc_rpc_verdict mc_master_remove_all(struct master_op *op);
enum mc_rpc_verdict mc_master_replica_clear(struct master_op *op);
enum mc_rpc_verdict mc_master_mount(struct master_op *op);
enum mc_rpc_verdict mc_master_remount(struct master_op *op);
enum mc_rpc_verdict mc_master_unmount(struct master_op *op);
enum mc_rpc_verdict mc_master_unmount_gracefully(struct master_op *op);
enum mc_rpc_verdict mc_master_segment_status(struct master_op *op);
enum mc_rpc_verdict mc_master_segment_status_by_id(struct master_op *op);
enum mc_rpc_verdict mc_master_query_ip(struct master_op *op);
enum mc_rpc_verdict mc_master_ping(struct master_op *op);
enum mc_rpc_verdict mc_master_service_ready(struct master_op *op);
enum mc_rpc_verdict mc_master_client_features(struct master_op *op);
enum mc_rpc_verdict mc_master_storage_config(struct master_op *op);
enum mc_rpc_verdict mc_master_fsdir(struct master_op *op);
enum mc_rpc_verdict mc_master_fetch_tasks(struct master_op *op);
enum mc_rpc_verdict mc_master_copy_start(struct master_op *op);	/* MoveStart too */
enum mc_rpc_verdict mc_master_copy_end(struct master_op *op);	/* and its three siblings */
enum mc_rpc_verdict mc_master_dynamic_copy_start(struct master_op *op);
enum mc_rpc_verdict mc_master_dynamic_copy_end(struct master_op *op);
enum mc_rpc_verdict mc_master_create_copy_task(struct master_op *op);
enum mc_rpc_verdict mc_master_create_move_task(struct master_op *op);
enum mc_rpc_verdict mc_master_mark_task(struct master_op *op);
enum mc_rpc_verdict mc_master_query_task(struct master_op *op);
/* Functions that are not there: their typed answers (absent.c). */
enum mc_rpc_verdict mc_master_absent(struct master_op *op);
enum mc_rpc_verdict mc_master_evict_disk(struct master_op *op);

/* Every batch form (batch.c): element by element, in the order of the request. */
enum mc_rpc_verdict mc_master_batch(struct master_op *op);
/* BatchPutStartWait (wait.c). */
enum mc_rpc_verdict mc_master_put_start_wait(struct master_op *op);

/* One key of the functions above, single or in a batch. */
struct put_request {
	struct mc_uuid client_id;
	struct mc_str key;
	uint64_t size;
	const struct mc_replicate_config *config;
	struct mc_str prefer;		/* a segment name before the config's own, or empty */
	struct mc_str group;		/* of the config's group_ids this key's, or empty */
	enum mc_release release;	/* of the config */
};
#define MC_DESCS_MAX MC_REPLICAS_MAX
/* Descriptors of one object, with the room that their vectors point into. */
struct desc_list {
	struct mc_replica_desc desc[MC_DESCS_MAX];
	uint32_t count;
};
typedef enum mc_status (*write_start_fn)(struct mc_master *master, const struct put_request *put,
					 enum mc_release answer, struct desc_list *descs_out);
enum mc_status mc_put_start_key(struct mc_master *master, const struct put_request *put,
				enum mc_release answer, struct desc_list *descs_out);
enum mc_status mc_upsert_start_key(struct mc_master *master, const struct put_request *put,
				   enum mc_release answer, struct desc_list *descs_out);
/* The call of one key that @start serves. */
enum mc_rpc_verdict mc_op_start(struct master_op *op, write_start_fn start);
/* What it would answer for want of nothing but space; MC_OK: it would look for some. */
enum mc_status mc_put_check_key(struct mc_master *master, const struct put_request *put);
enum mc_status mc_put_end_key(struct mc_master *master, struct mc_uuid client_id,
			      const struct mc_object_meta *meta, int32_t replica_type);
enum mc_status mc_put_revoke_key(struct mc_master *master, struct mc_uuid client_id,
				 struct mc_str key, int32_t replica_type);
bool mc_exist_key(struct mc_master *master, struct mc_str key);
enum mc_status mc_get_key(struct mc_master *master, struct mc_str key, enum mc_release answer,
			  struct desc_list *descs_out, struct mc_replica_list *list_out);
/* Replicas on disks: there are none, so this only checks. */
enum mc_status mc_evict_disk_key(struct mc_master *master, struct mc_str key, int32_t replica_type);
enum mc_status mc_remove_key(struct mc_master *master, struct mc_str key, bool force);
/* The checks of a removal, then the removal, of an object found in a walk. */
enum mc_status mc_remove_object(struct mc_master *master, uint32_t object, bool force);

/* ---- writes (write.c) ---- */

/* What is refused whatever the state of the master; the order is upstream's. */
enum mc_status mc_write_check(const struct mc_master *master, const struct put_request *put);
/* How many replicas are worth trying for. */
unsigned int mc_write_replicas(const struct mc_master *master,
			       const struct mc_replicate_config *config);
/* Space for up to @wanted replicas. MC_ERR_NO_SPACE: not for one, and eviction was told. */
enum mc_status mc_write_place(struct mc_master *master, uint32_t object, unsigned int wanted,
			      const struct put_request *put);
/* A new object with its space, under a key that is free. */
enum mc_status mc_write_new(struct mc_master *master, const struct put_request *put, uint64_t hash,
			    uint32_t *object_out);
/* Memory to note what @config says of pins; most objects need none. */
enum mc_status mc_write_pins_reserve(struct mc_master *master, uint32_t object,
				     const struct mc_replicate_config *config);
/* @object has its space: it is in the caller's hands from now on. */
void mc_write_begun(struct mc_master *master, const struct put_request *put, uint32_t object,
		    enum mc_release answer, struct desc_list *descs_out);
/* Pins are granted, and the object enters the order of eviction. */
void mc_write_complete(struct mc_master *master, uint32_t object);
/* An unfinished write is given up: counted. */
void mc_write_discarded(struct mc_master *master, const struct mc_object *object);
/* The object goes; its space is given back at @until_ns, 0: at once. */
void mc_write_drop(struct mc_master *master, uint32_t object, uint64_t until_ns);

/* ---- objects and replicas (replica.c) ---- */

static inline struct mc_object *
master_object(const struct mc_master *master, uint32_t object)
{
	return mc_table_object(master->table, object);
}

static inline bool
segment_readable(const struct mc_master *master, uint32_t segment)
{
	enum segment_state state = master->segments[segment].state;

	return state != SEGMENT_FREE && state != SEGMENT_DEAD;
}

/* The object of @key without replicas whose segment is gone; MC_OBJECT_NONE: none is left. */
uint32_t mc_object_find(struct mc_master *master, struct mc_str key, uint64_t hash);
/* The same for an object met in a walk: false when it vanished. */
bool mc_object_prune(struct mc_master *master, uint32_t object);
bool mc_object_readable(struct mc_master *master, const struct mc_object *object);
/* When the last reader's lease ends, or ended; of no use for an unfinished write. */
uint64_t mc_object_leased_until(const struct mc_master *master, uint32_t object);
/* A read: the lease, and the place in the order of eviction. */
void mc_object_lease(struct mc_master *master, uint32_t object);
/* Descriptors of the readable replicas, or of all (@all: an answer to PutStart). */
void mc_object_describe(struct mc_master *master, struct mc_object *object, enum mc_release answer,
			bool all, struct desc_list *descs_out);
void mc_replica_describe(struct mc_master *master, const struct mc_object *object,
			 const struct mc_replica *replica, enum mc_release answer,
			 struct mc_replica_desc *desc);
/* Is there a replica that is not COMPLETE? */
bool mc_object_unfinished(const struct mc_object *object);
void mc_object_queue(struct mc_master *master, uint32_t object, enum mc_queue queue);
/* It is not to be evicted, keeping its turn, and now it is again. */
void mc_object_busy_set(struct mc_master *master, uint32_t object);
void mc_object_busy_clear(struct mc_master *master, uint32_t object);
/* A busy object's turn to be evicted came. */
void mc_object_pass(struct mc_master *master, uint32_t object);
/* Out of its group's lists, if it is in one, to the end of @queue. */
void mc_object_queue(struct mc_master *master, uint32_t object, enum mc_queue queue);
/* The same for one that is in no list, or stays in it: for group.c and pins.c. */
void mc_object_requeue(struct mc_master *master, uint32_t object, enum mc_queue queue);
/* It may be evicted from now on: to the end of MC_QUEUE_WRITTEN or MC_QUEUE_SOFT_WRITTEN; with its
 * group, if it has one. */
void mc_object_admit(struct mc_master *master, uint32_t object, enum mc_queue queue);
void mc_object_delete(struct mc_master *master, uint32_t object);
/* Drops replica @index and gives its space back, or keeps the space until @park_until_ns. */
void mc_replica_drop(struct mc_master *master, uint32_t object, unsigned int index,
		     uint64_t park_until_ns);
/* The same for the space of a @replica that no object of @size bytes has any more. */
void mc_replica_give(struct mc_master *master, const struct mc_replica *replica, uint64_t size,
		     uint64_t park_until_ns);
/* Room for more replicas. The object may move to another handle; all that knew it follows. */
enum mc_status mc_object_widen(struct mc_master *master, uint32_t *object,
			       unsigned int replicas_room);
/* Takes space for one more replica of @object on @segment. */
/*
 * What is done next is done for @call: replicas that it gets carry its promise, and leases begin
 * now. Not when the pass began: a client counts its lease from when it sent, which may be later.
 */
static inline void
mc_master_serving(struct mc_master *master, const struct mc_rpc_call *call)
{
	master->promise =
		(call->peer->features & MC_FEATURE_TRAILER) != 0 ? MC_REPLICA_PROMISE : 0;
	master->serving_ns = mc_clock_mono_ns();
}

/* A fresh one, with the promise of the writer that is being served. */
static inline uint64_t
mc_replica_id(struct mc_master *master)
{
	return master->replica_id_next++ | master->promise;
}

enum mc_status mc_replica_take(struct mc_master *master, uint32_t object, uint32_t segment);

/* ---- placement (place.c, place_ratio.c, place_host.c) ---- */

/* Adds up to @count replicas to @object, on distinct names; returns how many. */
unsigned int mc_place(struct mc_master *master, uint32_t object, unsigned int count,
		      const struct put_request *put);
/* Has the object a replica on a segment of @name? */
bool mc_placed_on(const struct mc_master *master, struct mc_object *object, uint32_t name);
/* One replica on any segment of @name, if the object has none there. */
bool mc_place_on(struct mc_master *master, uint32_t object, uint32_t name);
/* As many of @count as fit on the names that have most free space. */
unsigned int mc_place_by_ratio(struct mc_master *master, uint32_t object, unsigned int count);
/* One replica on a segment of @host or of those that follow it; 0 also when @host is empty. */
unsigned int mc_place_near(struct mc_master *master, uint32_t object, struct mc_str host);
/* Room for one segment more, and the segment. Its host id stays the same while it is there. */
enum mc_status mc_hosted_reserve(struct mc_master *master);
void mc_hosted_add(struct mc_master *master, uint32_t segment);
void mc_hosted_remove(struct mc_master *master, uint32_t segment);

/* ---- copies and moves (copy.c) ---- */

enum mc_status mc_copies_init(struct mc_master *master);
void mc_copies_fini(struct mc_master *master);
/* @object, which is busy, goes away. */
void mc_copy_forget(struct mc_master *master, uint32_t object);
/* A client expired: what it was copying is rolled back. */
void mc_copies_sweep(struct mc_master *master);
uint32_t mc_copies_work(struct mc_master *master);

/* ---- segments (segment.c) ---- */

enum mc_status mc_segments_init(struct mc_master *master);
void mc_segments_fini(struct mc_master *master);
uint32_t mc_name_find(const struct mc_master *master, struct mc_str text);
/* The first readable segment of that name, or MC_NUMBER_NONE. */
uint32_t mc_segment_named(const struct mc_master *master, struct mc_str name);
/*
 * Whether objects can go to segments named @text: MC_OK; MC_ERR_UNAVAILABLE_STATE: these take
 * none; MC_ERR_SEGMENT_NOT_FOUND.
 */
enum mc_status mc_name_check(const struct mc_master *master, struct mc_str text);
/* Mounts @desc, checked by the caller, for @client. */
enum mc_status mc_segment_add(struct mc_master *master, const struct mc_segment_desc *desc,
			      uint32_t client);
/* Readable, but takes no objects; unmounted at @leave_at_ns. Again: another time. */
void mc_segment_leave(struct mc_master *master, uint32_t segment, uint64_t leave_at_ns);
/* Takes no objects, as they are to go elsewhere; all are gone; it takes objects again. */
void mc_segment_drain(struct mc_master *master, uint32_t segment);
void mc_segment_drained(struct mc_master *master, uint32_t segment);
enum mc_status mc_segment_undrain(struct mc_master *master, uint32_t segment);
/* Unreadable from now on; space, objects and counters follow in slices. */
void mc_segment_kill(struct mc_master *master, uint32_t segment);
/* Kills what lies at @endpoint or carries it as its name. */
void mc_segments_kill_endpoint(struct mc_master *master, struct mc_str endpoint);
/* Returns work done; what dead segments still hold is given back. */
uint32_t mc_segments_bury(struct mc_master *master);
/* What clients are told of a readable segment. */
enum mc_segment_status mc_segment_status_told(const struct mc_master *master, uint32_t segment);
void mc_segments_tick(struct mc_master *master, uint64_t now_ns);

/* ---- clients (client.c) ---- */

enum mc_status mc_clients_init(struct mc_master *master);
void mc_clients_fini(struct mc_master *master);
uint32_t mc_client_find(const struct mc_master *master, struct mc_uuid id);
/* Finds or makes the client's entry. MC_ERR_NO_MEMORY, MC_ERR_TOO_LARGE: MC_CLIENTS_MAX. */
enum mc_status mc_client_ref(struct mc_master *master, struct mc_uuid id, uint32_t *client_out);
/* Lets go of an entry that nothing refers to any more. */
void mc_client_settle(struct mc_master *master, uint32_t client);
/* Notes where the client is. MC_ERR_NO_MEMORY: what was known stays. */
enum mc_status mc_client_host_set(struct mc_master *master, uint32_t client, struct mc_str host_id);
/* Restarts the client's TTL. */
void mc_client_touch(struct mc_master *master, uint32_t client);
void mc_client_ok_set(struct mc_master *master, uint32_t client, bool ok);
void mc_clients_tick(struct mc_master *master, uint64_t now_ns);

/* ---- eviction (evict.c) ---- */

/* After an allocation: is it time? Cheap. */
void mc_evict_check(struct mc_master *master);
/* An allocation failed. */
void mc_evict_want(struct mc_master *master);
uint32_t mc_evict_work(struct mc_master *master);
void mc_evict_init(struct mc_master *master);
/* @extent is given back at @free_at_ns; MC_ERR_NO_MEMORY: it was given back at once. */
void mc_park(struct mc_master *master, uint32_t segment, uint32_t extent, uint64_t bytes,
	     uint64_t free_at_ns);
void mc_parked_tick(struct mc_master *master, uint64_t now_ns);
void mc_unfinished_tick(struct mc_master *master, uint64_t now_ns);

/* ---- soft pins (pins.c) ---- */

/* @object enters MC_QUEUE_SOFT_WRITTEN. MC_ERR_NO_MEMORY: nothing happened. */
enum mc_status mc_pin(struct mc_master *master, uint32_t object);
/* It leaves the queues of soft pins, MC_QUEUE_UNPINNED among them. */
void mc_pin_forget(struct mc_master *master, uint32_t object);
/* The object, in a queue of soft pins or in MC_QUEUE_UNPINNED, has another handle now. */
void mc_pin_moved(struct mc_master *master, uint32_t object);
/* @to stands in MC_QUEUE_UNPINNED in the place of @from. */
void mc_pin_trade(struct mc_master *master, uint32_t from, uint32_t to);
/* Of those in MC_QUEUE_UNPINNED the one whose lease ended first, or MC_OBJECT_NONE. */
uint32_t mc_unpinned_oldest(const struct mc_master *master);
/* Are there pins that are over, but not yet there? */
bool mc_pins_due(const struct mc_master *master);
uint32_t mc_pins_work(struct mc_master *master);
void mc_pins_fini(struct mc_master *master);

/* ---- groups (group.c) ---- */

/* The lists that a group has of its members. */
enum group_list {
	GROUP_UNLISTED,		/* hard-pinned, being written, or of no group */
	GROUP_PLAIN,
	GROUP_SOFT,
	GROUP_LISTS,
};

enum mc_status mc_groups_init(struct mc_master *master);
void mc_groups_fini(struct mc_master *master);
/* @object, which is new, becomes a member; of no group, where @id is empty. */
enum mc_status mc_group_join(struct mc_master *master, uint32_t object, struct mc_str id);
void mc_group_leave(struct mc_master *master, uint32_t object);
/* MC_GROUP_NONE, and an empty id, for objects of no group. */
uint32_t mc_group_of(const struct mc_master *master, uint32_t object);
struct mc_str mc_group_id(const struct mc_master *master, uint32_t object);
/* Out of its list, the next one taking a leader's place. */
void mc_group_retire(struct mc_master *master, uint32_t object);
/* The object has another handle now. */
void mc_group_moved(struct mc_master *master, uint32_t object);
/* False, and nothing was done, for objects of no group. Written: into the order of eviction; … */
bool mc_group_admit(struct mc_master *master, uint32_t object, bool soft);
/* … a soft pin is over (false also for a leader, which goes to MC_QUEUE_UNPINNED itself); … */
bool mc_group_unpin(struct mc_master *master, uint32_t object);
/* … a read. */
bool mc_group_read(struct mc_master *master, uint32_t object);
/* A member that is to be evicted, if the group stands where it stood at @stamp_ns. */
uint32_t mc_group_rest(const struct mc_master *master, uint32_t group, uint64_t stamp_ns,
		       bool soft);

/* ---- releases (release.c) ---- */

/* Notes what @request says about the caller's release, and chooses the answer's. */
enum mc_release mc_release_choose(struct mc_master *master, struct mc_rpc_peer *peer,
				  const struct mc_request *request);

/* ---- waiting for space (wait.c) ---- */

/* Space was given back, or came: who waits longest may try again. Cheap. */
void mc_waits_wake(struct mc_master *master);
/* Answers every call that waits. */
void mc_waits_end(struct mc_master *master);

/* ---- queries (query.c) ---- */

uint32_t mc_queries_work(struct mc_master *master);
/* Answers what is under way with MC_ERR_UNAVAILABLE_STATE. */
void mc_queries_refuse(struct mc_master *master);

/* A copy to be freed, with a NUL behind it for logs. MC_ERR_NO_MEMORY. (segment.c) */
enum mc_status mc_str_copy(struct mc_str from, struct mc_str *to);

#define MC_STR(literal) ((struct mc_str){(literal), sizeof(literal) - 1})

static inline bool
mc_str_equal(struct mc_str a, struct mc_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

#endif
