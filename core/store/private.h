/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to core/store: its objects, and who owns which.
 *
 *	home reactor	struct mc_store but its constants, the connection to the master, peers,
 *			segments, every struct store_op between submit and its end
 *	the caller	what an op points to (items, pieces), which nobody touches after its end
 *
 * Home is the reactor that the store runs on: an lcore's, or one that is run in turns
 * (core/eal/turns.h). All functions here are home's unless they say otherwise.
 */
#ifndef MC_CORE_STORE_PRIVATE_H
#define MC_CORE_STORE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "core/base/list.h"
#include "core/base/random.h"
#include "core/eal/reactor.h"
#include "core/eal/turns.h"
#include "core/engine/engine.h"
#include "core/metrics/metrics.h"
#include "core/rpc/client.h"
#include "core/store/trailer.h"
#include "core/wire/wire.h"
#include "mc/store.h"

#define STORE_RELEASE MC_RELEASE_NEWEST
#define STORE_REPLICAS_MAX 16u		/* of one object, that are written or tried */
#define STORE_OPS_MAX 16384u		/* under way */
#define STORE_SEGMENTS_MAX 64u
#define STORE_OPEN_NS (5 * MC_NS_PER_S)	/* for all that opening does */
#define STORE_BATCHES_KEPT 64u		/* engine batches for ops to come */

struct store_op;

/* ---- calls to the master: master.c ---- */

/* One call. Embedded by who makes it; lives until @answered, which comes once, maybe at once. */
struct store_call {
	struct mc_rpc_pending pending;
	struct mc_store *store;
	/*
	 * MC_OK: @body is the function's result. MC_ERR_UNREACHABLE: no connection, or lost;
	 * MC_ERR_UNSUPPORTED: the master does not know the function, or its arguments.
	 */
	void (*answered)(struct store_call *call, enum mc_status status, const uint8_t *body,
			 size_t len);
};

struct store_master {
	struct mc_net_addr addr;
	char text[MC_NET_ADDR_TEXT];
	struct mc_rpc_client *client;	/* NULL: no connection */
	struct mc_msg drop;		/* closes it, outside of its callbacks */
	bool up;			/* connected; else the client is connecting */
	bool dropping;
	bool told;			/* the log knows that it is gone */
	uint32_t failures;		/* in a row */
	uint64_t retry_ns;		/* no attempt before */
	uint64_t heard_ns;		/* the last answer */
	uint64_t features;		/* granted on this connection */
	struct store_call hello;
	struct mc_buf body;		/* of the request that is being made */
};

void store_call(struct mc_store *store, struct store_call *call, enum mc_fn fn,
		const struct mc_args *args);
/* Nothing was heard for a while: a connection that is dead in silence is given up. */
void store_master_doubt(struct mc_store *store);
void store_master_close(struct mc_store *store);
/* Defaults, with our client id and tenant. */
void store_args_init(const struct mc_store *store, struct mc_args *args);

/* ---- peers: peer.c ---- */

enum peer_state {
	PEER_OPENING,
	PEER_OPEN,
	PEER_FAILED,
};

/* Who a transport_endpoint is. Kept while the store is open. */
struct store_peer {
	struct mc_list link;
	struct mc_msg msg;		/* control's answer, to home */
	struct mc_store *store;
	struct mc_segment *segment;
	enum peer_state state;
	enum mc_status status;
	uint32_t failures;
	uint64_t retry_ns;		/* failed: opened again then */
	char endpoint[];
};

/* Opens it if it is not; NULL: out of memory, or no endpoint. */
struct store_peer *store_peer_get(struct mc_store *store, struct mc_str endpoint);

/* ---- one call of the user: op.c, put.c, get.c, query.c ---- */

/* A replica, as far as an op needs it. */
struct store_place {
	struct store_peer *peer;
	uint64_t address;
	uint64_t id;
	uint8_t trailer[TRAILER_BYTES];
};

enum object_stage {
	OBJECT_LIVE,		/* takes part in what comes next */
	OBJECT_DONE,		/* its status is final */
};

struct store_object {
	struct mc_str key;		/* in the op's memory */
	uint64_t length;
	uint64_t room;			/* bytes of its pieces */
	uint64_t crc64;			/* puts: of the value; gets: as the master has it */
	uint64_t lease_ns;		/* gets: until then the bytes stand still */
	uint32_t checksum;
	uint32_t request;		/* its first in the batch */
	bool has_crc64;
	bool asked;			/* it was in the first message to the master */
	bool started;			/* puts: the master holds room for it */
	uint8_t stage;			/* enum object_stage */
	uint8_t places_count;
	uint8_t place;			/* gets: the one being read */
	uint8_t mismatches;
	enum mc_status status;
	struct store_place one;
	struct store_place *places;	/* &one, or memory of its own */
	struct store_buffer *buffer;	/* mc_store_get() */
};

enum op_stage {
	OP_ASKING,		/* the master, first */
	OP_RESOLVING,		/* peers are being opened */
	OP_ROOM,		/* a get waits for room in the store's buffer */
	OP_MOVING,		/* a batch is under way: its end comes first, whatever else */
	OP_ENDING,		/* the master, last */
	OP_OVER,
};

struct store_op {
	struct mc_msg msg;
	struct store_call call;
	struct mc_store *store;
	struct mc_list link;		/* in the store's ops */
	struct mc_list wait;		/* in its list of those who resolve, or want room */
	enum mc_store_op kind;
	enum op_stage stage;
	bool force;
	bool copy;			/* of a task: its places are set, nothing is to commit */
	struct mc_store_buffer **buffers;	/* a get into memory of the store; else NULL */
	uint32_t count;
	uint32_t asked;			/* objects in the first message to the master */
	uint64_t sent_ns;		/* when that was */
	uint64_t deadline_ns;
	struct mc_timer timer;
	struct mc_store_item *items;	/* the caller's: not after the end */
	const struct mc_store_config *config;
	struct mc_batch *batch;
	bool batch_small;
	struct mc_msg moved;		/* its end, from the lcore where it ended */
	enum mc_status status;
	_Atomic uint32_t refs;
	void (*done)(void *context, enum mc_status status);
	void *context;
	struct mc_turn turn;		/* of a caller that waits */
	struct store_object objects[];
};

/* Any thread. Checks what can be, copies keys, sums up. */
enum mc_status store_op_create(struct mc_store *store, enum mc_store_op kind,
			       struct mc_store_item *items, uint32_t count,
			       const struct mc_store_config *config, struct store_op **op_out);
/* Any thread. MC_AGAIN: too many. The op is the store's then, but for the caller's reference. */
enum mc_status store_op_submit(struct store_op *op);
void store_op_ref(struct store_op *op);
void store_op_unref(struct store_op *op);
/* Any thread but home: submits, waits, frees; the first status that is not MC_OK. */
enum mc_status store_op_run(struct store_op *op);
/* Ends it: statuses to the items, and whoever waits is told. Late answers find it over. */
void store_op_end(struct store_op *op);
/* Gives every live object @status, and goes on to the end. */
void store_op_fail(struct store_op *op, enum mc_status status);
void store_object_end(struct store_object *object, enum mc_status status);
/* The next live object at or behind @index; op->count: none. */
uint32_t store_op_live(const struct store_op *op, uint32_t index);
uint32_t store_op_live_count(const struct store_op *op);
/* As many of the replicas as are looked at. */
static inline uint32_t
store_places_most(const struct mc_vec *replicas)
{
	return replicas->count < STORE_REPLICAS_MAX ? replicas->count : STORE_REPLICAS_MAX;
}

/* Room for @count places. */
enum mc_status store_object_places(struct store_object *object, uint32_t count);
/*
 * Waits until the peers of the current places are known, then calls store_op_move(). Objects whose
 * peer cannot be opened end, or try their next place.
 */
void store_op_resolve(struct store_op *op);
void store_op_resolved_all(struct mc_store *store);
/* Submits a batch of what is live; store_put_moved() or store_get_moved() follows. */
void store_op_move(struct store_op *op);
/* The first @length bytes of the pieces of @object, and its trailer if the place has one. */
uint32_t store_object_iov(struct store_op *op, uint32_t index, struct store_place *place,
			  struct mc_iov *iov);

/* After a batch: the timer again. False: the deadline has passed. */
bool store_op_rearm(struct store_op *op);
/* Gives the batch back. */
void store_op_batch_drop(struct store_op *op);

void store_put_begin(struct store_op *op);
void store_put_moved(struct store_op *op);
void store_put_expired(struct store_op *op);
void store_get_begin(struct store_op *op);
void store_get_moved(struct store_op *op);
/* Its place failed: the next, or @status. True: there is a next. */
bool store_get_next(struct store_object *object, enum mc_status status);
void store_query_begin(struct store_op *op);
/* Asks the master about what is live, by @one or @many; notes what was asked, and when. */
void store_op_ask(struct store_op *op, enum mc_fn one, enum mc_fn many,
		  void (*answered)(struct store_call *call, enum mc_status status,
				   const uint8_t *body, size_t len));

/* ---- memory for values: buffer.c ---- */

struct store_buffer {
	struct mc_store_buffer pub;
	struct mc_msg msg;
	struct mc_store *store;
	uint32_t extent;		/* of the pool; 0: memory of its own */
};

struct store_pool {
	struct mc_region *region;
	struct mc_engine_mem *mem;
	struct mc_alloc *alloc;
	uint8_t *base;
	uint64_t length;
	struct mc_list waiters;		/* ops, first come first served */
};

enum mc_status store_pool_open(struct mc_store *store, uint64_t length);
void store_pool_close(struct mc_store *store);
/* A buffer for each live object; waits for room. Goes on with store_op_resolve(). */
void store_op_room(struct store_op *op);
/* Gives it back, if there is one. */
void store_object_buffer_drop(struct store_object *object);

/* ---- segments and life with the master: mount.c, task.c ---- */

struct store_segment {
	struct mc_uuid id;
	struct mc_region *region;
	struct mc_engine_mem *mem;
	uint64_t length;
	bool mounted;
};

struct store_liveness {
	struct mc_timer timer;
	struct store_call ping;
	struct store_call remount;
	struct store_call fetch;
	bool pinging, remounting, fetching;
	bool ok;			/* the master counts us in */
	bool known;			/* it did once */
};

/* Any thread: memory, registration, MountSegment. */
enum mc_status store_mount(struct mc_store *store, uint64_t length, struct mc_uuid *id_out);
/* Blocks, not home. */
enum mc_status store_unmount(struct mc_store *store, struct mc_uuid id, uint64_t grace_ms);
/* Without a word to the master. */
void store_segment_forget(struct mc_store *store, struct mc_uuid id);
void store_liveness_start(struct mc_store *store);
void store_liveness_stop(struct mc_store *store);

/* Runs the task that FetchTasks brought. */
void store_task_run(struct mc_store *store, const struct mc_task_assignment *task);

/* ---- questions that block: ask.c ---- */

/*
 * One call to the master from any thread but home: @decode gets the answer's body on home. Returns
 * its status, or that of the call. @timeout_ns from now.
 */
enum mc_status store_ask(struct mc_store *store, enum mc_fn fn, const struct mc_args *args,
			 uint64_t timeout_ns,
			 enum mc_status (*decode)(void *context, const uint8_t *body, size_t len),
			 void *context);
/* A result that is only an error. @context: none. */
enum mc_status store_decode_void(enum mc_fn fn, const uint8_t *body, size_t len);

/* ---- the store ---- */

struct store_counters {
	struct mc_counter puts, gets, exists, removes, put_bytes, get_bytes, put_failures,
		get_failures, misses, put_timeouts, get_timeouts, checked, unchecked, mismatches,
		checksum_failures, lease_expired, remounts, rpc_failures, tasks_done, tasks_failed,
		segments, segment_bytes, buffer_used;
};

struct mc_store {
	pid_t pid;
	struct mc_uuid client_id;
	char *tenant;
	char *host_id;
	char *protocol;
	char *name;			/* mc_store_hostname() */
	char *text;
	uint64_t put_deadline_ns, get_deadline_ns, rpc_timeout_ns;
	bool checksum, checksum_upstream;
	bool poll_inline;
	struct mc_store_params mount;	/* how segments are made: sizes, NUMA, progress */

	struct mc_reactor *reactor;	/* of our own; NULL: an lcore's */
	struct mc_reactor *home;
	struct mc_turns *turns;		/* NULL: home runs by itself, or the caller polls */
	struct mc_engine *engine;
	bool engine_own;
	_Atomic bool closing;
	_Atomic uint32_t outstanding;	/* ops */
	_Atomic uint32_t callers;	/* threads between store_enter() and store_leave() */

	struct store_master master;
	struct store_liveness liveness;
	struct mc_list peers;
	struct mc_list ops;
	struct mc_list resolving;
	struct store_pool pool;
	struct mc_random random;
	struct mc_batch *batches[STORE_BATCHES_KEPT];	/* empty ones */
	uint32_t batches_count;
	struct mc_iov *iov;		/* of the op that is being moved */
	uint32_t iov_room;

	pthread_mutex_t segments_lock;	/* written by who mounts, under it; read by home under it */
	struct store_segment segments[STORE_SEGMENTS_MAX];
	uint32_t segments_count;

	bool opening;			/* closing: peers are still being opened */
	struct store_counters counters;
};

/*
 * Around all that a call of the user does with the store: a thread whose op is over still gives its
 * turn back, and closing must not free that under it.
 */
static inline void
store_enter(struct mc_store *store)
{
	atomic_fetch_add_explicit(&store->callers, 1, memory_order_relaxed);
}

static inline void
store_leave(struct mc_store *store)
{
	atomic_fetch_sub_explicit(&store->callers, 1, memory_order_release);
}

/* In a forked child: everything is the parent's. */
bool store_forked(const struct mc_store *store);
/* Runs @run on home and waits. Not from home. */
void store_on_home(struct mc_store *store, void (*run)(void *context), void *context);
/* Waits for @turn, which home ends. */
void store_wait(struct mc_store *store, struct mc_turn *turn);
/* Not home. */
void store_sleep(struct mc_store *store, uint64_t ns);
/* After MC_AGAIN: lets others come on. */
void store_yield(struct mc_store *store);
/* Sends to home; waits for room in its ring. Any thread. */
void store_send(struct mc_store *store, struct mc_msg *msg);

static inline struct mc_str
store_str(const char *text)
{
	return (struct mc_str){.ptr = text, .len = text != NULL ? strlen(text) : 0};
}

#endif
