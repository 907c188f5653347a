/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to core/engine: its objects, and who owns which.
 *
 *   control thread   struct mc_engine, mc_segment, engine_link, registrations
 *   each core        struct engine_core, its slices, parts, and one engine_peer for each segment
 *   the submitter    struct mc_batch, until it is submitted and after it is complete
 *
 * The two sides talk by messages only (mc_reactor_send()). What a message points to belongs to the
 * side that received it.
 */
#ifndef MC_CORE_ENGINE_PRIVATE_H
#define MC_CORE_ENGINE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "core/base/list.h"
#include "core/engine/engine.h"
#include "core/topo/topo.h"

#define ENGINE_DEVS_MAX 8u
#define ENGINE_SGE_MAX 4u
#define ENGINE_NO_KEY UINT32_MAX
#define ENGINE_SOCKETS_MAX 8u		/* to one peer, over all cores */
#define ENGINE_STRIPE_BYTES (1u << 20)	/* what one core takes of a large batch at a time */
#define ENGINE_ATTEMPTS_MAX 9u		/* of one slice; upstream's MC_RETRY_CNT */
#define ENGINE_PART_BYTES (32u << 20)	/* slices of one part, cut and not done, */
#define ENGINE_PART_SLICES 1024u	/* so that others have their share */
#define ENGINE_FAILURES_MAX 3u		/* of a route, in a row: then its slices fail at once */

/* ---- slices, parts, batches ---- */

struct engine_core;
struct engine_part;
struct engine_peer;
struct engine_route;

/* One operation of a driver. */
struct engine_slice {
	struct mc_list link;		/* in its part */
	struct mc_list queue;		/* in a route's or peer's queue, or the free list */
	struct engine_part *part;
	struct engine_route *route;	/* posted there; NULL: it waits */
	uint64_t remote_addr;
	uint32_t length;
	uint32_t remote_key;
	uint32_t request;
	uint16_t sge_count;
	uint8_t attempts;
	bool canceled;
	bool refreshed;			/* the descriptor was in doubt for it, once */
	struct mc_sge sge[ENGINE_SGE_MAX];
};

struct engine_request {
	struct mc_segment *segment;
	uint64_t remote_addr;
	uint64_t length;
	uint32_t pieces_first;
	uint32_t pieces_count;
	uint32_t generation;		/* of the segment when the request was added */
	uint32_t op;			/* enum mc_transfer_op */
	_Atomic int32_t status;		/* the first failure */
};

/* What one core does of a batch: every stride-th stripe, from stripe number first on. */
struct engine_part {
	struct mc_msg msg;
	struct mc_batch *batch;
	struct engine_core *core;
	struct mc_list link;		/* in the core's parts */
	struct mc_list building;	/* linked while there are slices to cut */
	struct mc_list slices;		/* in flight or waiting */
	uint32_t slices_count;
	bool paused;			/* has enough of them; cut on when half are done */
	uint64_t slices_bytes;
	uint64_t deadline_ns;
	uint32_t first;
	uint32_t stride;
	enum mc_status ended;		/* not MC_OK: deadline or cancel; cut no more */
	/* where the next slice begins */
	uint32_t request;
	uint32_t stripe;		/* counted over the batch */
	uint32_t piece;
	uint32_t stripe_left;		/* bytes until the next stripe; 0: at its beginning */
	uint64_t piece_offset;
	uint64_t offset;		/* in the request */
};

enum engine_batch_state {
	BATCH_IDLE,
	BATCH_RUNNING,
	BATCH_AWAITED,			/* running, and a thread sleeps on it */
	BATCH_DONE,
};

struct mc_batch {
	struct mc_engine *engine;
	_Atomic uint32_t state;		/* enum engine_batch_state; a futex */
	_Atomic uint32_t parts_left;
	void (*done)(void *context, struct mc_batch *batch);
	void *context;
	uint64_t bytes;
	uint32_t requests_count;
	uint32_t requests_max;
	uint32_t pieces_count;
	uint32_t pieces_max;
	uint32_t home;			/* the core of a small batch */
	struct engine_request *requests;
	struct mc_iov *pieces;
	struct engine_part parts[];	/* one for each core */
};

/* ---- a peer, as a core sees it ---- */

struct engine_range {
	uint64_t addr;
	uint64_t length;
};

/*
 * A connection over one device. Control makes it, the core has it while it works, control gets it
 * back; its message takes it there and back.
 */
struct engine_route {
	struct mc_msg msg;
	struct engine_peer *peer;
	struct mc_ep *ep;
	struct mc_list pending;		/* slices that post() did not take yet */
	struct mc_list link;		/* in the core's list, while it is broken and not drained */
	uint32_t device;
	uint32_t generation;		/* the life of the peer that it leads to */
	uint32_t inflight;
	uint32_t failures;		/* in a row, over the routes of this link */
	bool broken;
	enum mc_status status;		/* why */
	/* The peer's buffers by address, and their keys; keys NULL: the device needs none. */
	struct engine_range *ranges;
	uint32_t *keys;
	uint32_t ranges_count;
};

struct engine_peer {
	struct mc_segment *segment;
	struct engine_core *core;
	struct mc_list waiting;		/* slices without a route */
	struct mc_list flush;		/* linked while a route has something pending */
	struct engine_route *rails[ENGINE_DEVS_MAX];	/* the best that work, in turns */
	uint32_t rails_count;
	uint32_t turn;
	enum mc_status dead;		/* not MC_OK: no route, and none to be expected soon */
	bool dropped;			/* its segment is being closed */
	bool asked;			/* control knows that a route is wanted */
	_Atomic bool refresh;		/* and that its descriptor is in doubt */
	struct mc_msg ask;
	struct mc_msg drop;
	struct engine_route *routes[ENGINE_DEVS_MAX];
};

/* Control's word on a peer; freed by the core. */
struct engine_verdict {
	struct mc_msg msg;
	struct engine_peer *peer;
	uint32_t generation;
	enum mc_status status;		/* MC_OK: learned anew; try again what waits */
};

/* ---- a core ---- */

struct engine_watch {
	struct mc_watch watch;
	bool *ready;
};

struct engine_core {
	struct mc_engine *engine;
	struct mc_reactor *reactor;
	struct mc_poller poller;
	uint32_t index;
	struct mc_list free;		/* slices */
	struct mc_list parts;		/* not complete */
	struct mc_list building;	/* of those, with slices to cut */
	struct mc_list flush;		/* peers with slices pending on a route */
	struct mc_list draining;	/* broken routes with operations in flight */
	bool cutting;
	bool stopping;			/* the engine is being destroyed */
	uint64_t room;			/* bytes to post in this pass */
	uint64_t deadline_ns;		/* no part ends before */
	struct mc_timer timer;		/* at deadline_ns or earlier */
	uint32_t inflight[ENGINE_DEVS_MAX];
	bool ready[ENGINE_DEVS_MAX];	/* there may be something to do */
	bool polled[ENGINE_DEVS_MAX];	/* since it was armed */
	uint8_t idle[ENGINE_DEVS_MAX];	/* polls in a row that found nothing */
	struct mc_cq *cqs[ENGINE_DEVS_MAX];
	struct engine_watch watches[ENGINE_DEVS_MAX];
	struct engine_slice *slices;
	uint32_t passes;		/* inline: until the reactor is asked */
	struct mc_counter read_bytes, write_bytes, transfers, failures, timeouts, retries;
};

/* ---- hot: submit.c, poll.c, complete.c ---- */

void engine_part_run(struct mc_msg *msg);	/* takes a part on, on its core */
/* Cuts slices while there are free ones, and posts them. */
void engine_core_cut(struct engine_core *core);
uint32_t engine_core_poll(struct mc_poller *poller);
bool engine_core_sleep(struct mc_poller *poller);
/* Sends @slice over the best route, or lets it wait for one. */
void engine_slice_send(struct engine_core *core, struct engine_peer *peer,
		       struct engine_slice *slice);
/* Posts what is pending; how many slices. */
uint32_t engine_core_flush(struct engine_core *core);
/* @slice is in no queue. May complete its batch. */
void engine_slice_end(struct engine_core *core, struct engine_slice *slice,
		      enum mc_status status);
void engine_slice_completed(struct engine_core *core, const struct mc_completion *completion);
/* Completes @part if nothing of it is left. */
void engine_part_check(struct engine_core *core, struct engine_part *part);

/* ---- cold, on a core: route.c, deadline.c ---- */

/* No rail leads to it: any other route, else it waits, or fails. */
void engine_slice_stray(struct engine_core *core, struct engine_peer *peer,
			struct engine_slice *slice);
void engine_slice_failed(struct engine_core *core, struct engine_slice *slice,
			 enum mc_status status);
void engine_route_break(struct engine_core *core, struct engine_route *route,
			enum mc_status status);
/* Gives broken routes back to control when nothing is in flight on them. */
void engine_core_drain(struct engine_core *core);
void engine_route_install(struct mc_msg *msg);
void engine_verdict_run(struct mc_msg *msg);
/* Breaks all routes to @peer and fails what waits for one. */
void engine_peer_drop(struct engine_core *core, struct engine_peer *peer, enum mc_status status);
/* The range that holds all of [addr, addr + length), or UINT32_MAX. */
uint32_t engine_range_find(const struct engine_route *route, uint64_t addr, uint64_t length);

/* Ends @part: nothing of it is touched any more once its last completion is in. */
void engine_part_end(struct engine_core *core, struct engine_part *part, enum mc_status status);
void engine_core_expired(struct mc_timer *timer);
enum mc_status engine_core_arm(struct engine_core *core, uint64_t deadline_ns);
/* Ends what is due at @now; returns the earliest deadline of the rest. */
uint64_t engine_parts_expire(struct engine_core *core, uint64_t now, enum mc_status status);

static inline void
engine_request_fail(struct engine_request *request, enum mc_status status)
{
	int32_t ok = MC_OK;

	atomic_compare_exchange_strong_explicit(&request->status, &ok, status,
						memory_order_relaxed, memory_order_relaxed);
}

/* ---- control: engine.c, control.c, memory.c, segment.c, link.c ---- */

struct engine_dev {
	const struct mc_driver *driver;
	struct mc_dev *dev;
	bool listening;
};

/* A registration with every device; a span longer than a device takes has several mems there. */
struct mc_engine_mem {
	struct mc_engine *engine;
	struct mc_list link;
	struct mc_span span;
	struct mc_region *region;	/* referenced; NULL: memory of the program */
	char location[MC_LOCATION_MAX];
	bool local_only;
	bool attached;
	struct mc_mem **mems;
	uint32_t mems_count;
};

/* Control's side of the routes to one peer over one device from one core. */
enum engine_link_state {
	LINK_IDLE,
	LINK_UP,		/* the core has a route */
	LINK_BACKOFF,		/* until the timer fires */
	LINK_UNUSABLE,		/* not for this life of the peer: another host, another driver */
};

struct engine_link {
	struct mc_segment *segment;
	uint32_t core;
	uint32_t device;
	enum engine_link_state state;
	uint32_t failures;
	bool partial;			/* some buffers cannot be reached this way */
	struct engine_route *route;	/* the newest; an older one may still drain */
	struct mc_timer timer;
};

struct mc_segment {
	struct mc_engine *engine;
	struct mc_list link;
	char *name;
	uint32_t refs;
	uint32_t holds;			/* routes and questions that are not back yet */
	_Atomic uint32_t generation;	/* of the peer's life */
	struct mc_desc *desc;
	uint64_t learned_ns;
	uint32_t misses;		/* in a row: it could not be resolved */
	struct mc_timer probe;		/* asks again for a peer that is not there */
	bool resolving;
	bool closing;
	bool fallback_told;
	bool *wanted;			/* by core: a route was asked for */
	const char *_Atomic driver;
	struct engine_link *links;	/* [core][device] */
	struct mc_list waiters;		/* calls that wait for the descriptor */
	struct engine_call *closed;	/* the call that waits for the end, or NULL */
	struct engine_peer peers[];	/* one for each core */
};

struct mc_engine {
	pid_t pid;
	uint32_t forks;			/* engine_forks when it was created */
	_Atomic bool stopping;
	uint64_t instance;
	struct mc_reactor *control;
	pthread_t thread;
	bool thread_started;
	const struct engine_directory *directory;
	struct mc_peer *peer;
	bool published;			/* it was possible once */
	struct engine_dev devs[ENGINE_DEVS_MAX];
	uint32_t devs_count;
	uint32_t slice_bytes;		/* before it is known which device it will be */
	uint32_t slice_bytes_max;	/* that every device takes as one operation */
	uint32_t sge_max;
	struct engine_core *cores;
	bool cores_started;
	uint32_t cores_count;
	uint32_t active_count;		/* cores that initiate: for ENGINE_SOCKETS_MAX */
	bool poll_inline;
	bool driven;			/* inline, and another thread polls */
	struct mc_reactor *reactor;	/* inline: the owner's, to run on; NULL: one of our own */
	uint32_t slices_max;
	_Atomic uint32_t turn;		/* home cores, round robin */
	struct mc_list mems;
	struct mc_list segments;
	struct mc_peer_addr addr;	/* of the passive side */
	_Atomic uint64_t fallbacks;
	void (*notified)(void *context, const char *name, const char *text);
	void *notified_context;
	struct engine_call *closing;	/* the call that waits for all segments to go */
	char drivers_text[64];
	char *text;
};

/*
 * Runs @run on the control thread and returns what engine_call_end() is given there, now or later.
 * From any thread but control itself.
 */
struct engine_call {
	struct mc_msg msg;
	void (*run)(struct engine_call *call);
	void (*ended)(struct engine_call *call);	/* instead of waking its caller */
	struct mc_engine *engine;
	enum mc_status status;
	_Atomic uint32_t done;
};
enum mc_status engine_call(struct mc_engine *engine, struct engine_call *call,
			   void (*run)(struct engine_call *call));
/* Without waiting: @ended is called on control, and owns the call then. From any thread. */
void engine_call_start(struct mc_engine *engine, struct engine_call *call,
		       void (*run)(struct engine_call *call),
		       void (*ended)(struct engine_call *call));
void engine_call_end(struct engine_call *call, enum mc_status status);

/* Sends from control to a core, or back; waits for room, which others make. */
void engine_send(struct mc_reactor *reactor, struct mc_msg *msg);
/* Runs @run(context, core) on each core and waits. On control, or before the cores run. */
void engine_each_core(struct mc_engine *engine,
		      void (*run)(void *context, struct engine_core *core), void *context);

/* How often this process was forked off another: cheaper to look at than getpid(). */
extern _Atomic uint32_t engine_forks;
void engine_forks_count(void);
bool engine_forked(const struct mc_engine *engine);

/* @reactor NULL: the lcores, or with poll_inline a reactor of the engine's own. */
enum mc_status engine_create(const struct mc_engine_params *params,
			     const struct mc_driver *const *drivers,
			     const struct engine_directory *directory, struct mc_reactor *reactor,
			     struct mc_engine **engine_out);
enum mc_status engine_control_start(struct mc_engine *engine);
void engine_control_stop(struct mc_engine *engine);
enum mc_status engine_cores_create(struct mc_engine *engine);
enum mc_status engine_cores_start(struct mc_engine *engine);
void engine_cores_destroy(struct mc_engine *engine);

/* What we publish; the caller frees. */
struct mc_desc *engine_describe(const struct mc_engine *engine);

/* A call that waits for a segment's descriptor. */
struct segment_call {
	struct engine_call call;
	struct mc_list link;
	const char *name;
	const char *text;
	uint64_t timeout_ns;
	struct mc_segment *segment;
	struct mc_segment_buffer *buffers;
	uint32_t max;
	uint32_t count;
};

/* Learns the descriptor anew, then tells the cores that asked and goes on with the links. */
void engine_segment_refresh(struct mc_segment *segment);
void engine_segment_verdict(struct mc_segment *segment, uint32_t core, enum mc_status status);
void engine_segment_asked(struct mc_msg *msg);	/* from a core */
void engine_segments_close(struct engine_call *call);

/* 10 ms, doubled with each failure up to 1 s, and up to a quarter more. */
uint64_t engine_backoff_ns(uint32_t failures);

enum mc_status engine_links_create(struct mc_segment *segment);
/* A core wants a route: brings up the best links that can be had now. */
void engine_links_want(struct mc_segment *segment, uint32_t core);
/* After another life of the peer, or other buffers of it, were learned. */
void engine_links_reset(struct mc_segment *segment);
void engine_links_renew(struct mc_segment *segment);
void engine_links_close(struct mc_segment *segment);
void engine_route_returned(struct mc_msg *msg);
/* Gives one hold back; the last one of a closing segment frees it. */
void engine_segment_let(struct mc_segment *segment);
bool engine_links_possible(const struct mc_engine *engine, const struct mc_desc *desc);

/* Something was done to a device outside of poll(): it is asked before the core sleeps. */
static inline void
engine_core_look(struct engine_core *core)
{
	for (uint32_t i = 0; i < core->engine->devs_count; i++)
		core->ready[i] = true;
}

#endif
