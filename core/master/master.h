/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The master: objects, segments, clients, leases, eviction; the handler of the RPC server.
 *
 * All state belongs to one metadata lcore, the `exec` reactor: the order of eviction is global and
 * exact, and no call takes a lock. Other threads read counters (mc_master_stats_read) or send a
 * query, which is worked off in slices between calls.
 */
#ifndef MC_CORE_MASTER_MASTER_H
#define MC_CORE_MASTER_MASTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/eal/reactor.h"
#include "core/metrics/metrics.h"
#include "core/rpc/server.h"
#include "core/wire/wire.h"
#include "mc/status.h"
#include "mc/types.h"

struct mc_master;

enum mc_strategy {
	MC_STRATEGY_RANDOM,
	MC_STRATEGY_FREE_RATIO_FIRST,
	MC_STRATEGY_LOCAL_FIRST,
};

struct mc_master_params {
	size_t size;
	struct mc_reactor *exec;
	uint64_t lease_ttl_ns;			/* default_kv_lease_ttl, 10 s */
	uint64_t soft_pin_ttl_ns;		/* default_kv_soft_pin_ttl, 30 min */
	uint64_t soft_pin_ttl_max_ns;		/* 24 h */
	uint64_t client_ttl_ns;			/* 10 s */
	uint64_t put_discard_ns;		/* put_start_discard_timeout_sec, 30 s */
	uint64_t put_release_ns;		/* put_start_release_timeout_sec, 600 s */
	uint32_t tasks_pending_max;		/* max_total_pending_tasks, 10000 */
	uint32_t tasks_processing_max;		/* max_total_processing_tasks, 10000 */
	uint32_t tasks_finished_max;		/* max_total_finished_tasks, 10000 */
	uint64_t task_pending_timeout_ns;	/* 300 s; 0: none */
	uint64_t task_processing_timeout_ns;	/* 300 s; 0: none */
	uint32_t task_retries;			/* max_retry_attempts, 10: told to clients */
	double eviction_ratio;			/* 0.05 */
	double eviction_watermark;		/* 0.9 */
	bool evict_soft_pinned;			/* allow_evict_soft_pinned_objects, true */
	bool enable_disk_eviction;		/* told to clients, nothing else */
	uint64_t quota_bytes;			/* told to clients, nothing else */
	enum mc_strategy strategy;
	enum mc_release release_default;	/* abi_default */
	/* A client's TTL passed: @segment_name's metadata may go. On exec; may be NULL. */
	void (*client_expired)(void *context, const char *segment_name);
	void *context;
};

/* Defaults of every member but exec. */
void mc_master_params_init(struct mc_master_params *params);

/* Before the exec reactor serves; its timers and pollers are added by mc_master_start(). */
enum mc_status mc_master_create(const struct mc_master_params *params,
				struct mc_master **master_out);
void mc_master_start(struct mc_master *master);		/* on exec */
/* On exec, while connections can still send: calls that wait are answered, later ones do not. */
void mc_master_drain(struct mc_master *master);
/* On exec. Queries under way, and later ones, are answered with MC_ERR_UNAVAILABLE_STATE. */
void mc_master_stop(struct mc_master *master);
void mc_master_destroy(struct mc_master *master);

struct mc_rpc_handler mc_master_handler(struct mc_master *master);

/* ---- counters ---- */

#define MC_MASTER_BATCH_BUCKETS 16

/* Written by exec, read by any thread. */
struct mc_master_stats {
	struct mc_counter calls[MC_FN_COUNT];		/* requests, batches as one */
	struct mc_counter failures[MC_FN_COUNT];	/* answered with an error */
	struct mc_counter items[MC_FN_COUNT];		/* batches: elements */
	struct mc_counter item_failures[MC_FN_COUNT];
	struct mc_counter partial[MC_FN_COUNT];		/* batches: some elements failed */
	struct mc_counter rejected;			/* framing-level errors answered */
	struct mc_counter objects;			/* gauges from here on */
	struct mc_counter objects_writing;
	struct mc_counter objects_soft_pinned;
	struct mc_counter object_bytes;			/* of COMPLETE and unfinished replicas */
	struct mc_counter extent_bytes;			/* what these occupy */
	struct mc_counter parked_bytes;	/* given up, but a writer may still write there */
	struct mc_counter capacity_bytes;
	struct mc_counter segments;
	struct mc_counter clients;			/* in the ok set */
	struct mc_counter table_bytes;
	struct mc_counter evictions;			/* rounds that evicted something */
	struct mc_counter eviction_attempts;
	struct mc_counter evicted_objects;
	struct mc_counter evicted_bytes;
	struct mc_counter get_hits;			/* keys looked up by reads, found */
	struct mc_counter get_total;
	struct mc_counter get_hit_bytes;
	struct mc_counter put_refused;			/* no space for a single replica */
	struct mc_counter put_partial;			/* for fewer than were asked for */
	struct mc_counter parked_freed;			/* parked replicas whose time was over */
	struct mc_counter put_discarded;		/* unfinished writes given up */
	struct mc_counter put_discarded_bytes;
	struct mc_counter clients_expired;
	struct mc_counter size_sum; /* of put sizes, and how many per power of 4: */
	struct mc_counter size_bucket[MC_MASTER_BATCH_BUCKETS];	/* <= 4 KiB << 2i */
	struct mc_counter checksum_none; /* objects whose writer promised no trailer */
};
const struct mc_master_stats *mc_master_stats(const struct mc_master *master);

/* ---- drain jobs: segments are emptied by moves of their objects to others ---- */

enum mc_drain_status {
	MC_DRAIN_CREATED = 0,
	MC_DRAIN_PLANNING = 1,	/* upstream's number; never seen here */
	MC_DRAIN_RUNNING = 2,
	MC_DRAIN_SUCCEEDED = 3,
	MC_DRAIN_FAILED = 4,
	MC_DRAIN_CANCELED = 5,
};

/* A unit is an object on one of the segments. */
struct mc_drain_job {
	struct mc_uuid id;
	enum mc_drain_status status;
	int64_t created_at_ms;
	int64_t updated_at_ms;
	uint64_t succeeded_units;
	uint64_t failed_units;		/* moves that failed; each object is tried three times */
	uint64_t blocked_units;		/* cannot be moved now: unfinished, or nowhere to go */
	uint64_t active_units;		/* move tasks not yet finished */
	uint64_t migrated_bytes;
};

#define MC_DRAIN_CONCURRENCY 4u		/* moves at a time, where nothing is asked for */
#define MC_DRAIN_CONCURRENCY_MAX 1024u

/* What MC_QUERY_DRAIN_* ask and are told; the asker's, as are the arrays. */
struct mc_drain_request {
	const struct mc_str *segments;	/* in, CREATE: names, at least one */
	uint32_t segments_count;
	const struct mc_str *targets;	/* in, CREATE: where to; none: anywhere else */
	uint32_t targets_count;
	uint32_t concurrency;		/* in, CREATE: 1 to MC_DRAIN_CONCURRENCY_MAX */
	struct mc_uuid id;		/* in, QUERY and CANCEL */
	struct mc_drain_job job;	/* out */
};

/* ---- queries from other threads ---- */

enum mc_query_kind {
	MC_QUERY_KEY,		/* in: key; out: text is a JSON array of its memory replicas */
	MC_QUERY_KEYS_NAMED,	/* in: key = keys with commas between; out: text, JSON members */
	MC_QUERY_KEYS,		/* out: text, one key per line */
	MC_QUERY_REMOVE_ALL,	/* in: force, of leased ones too; out: count */
	MC_QUERY_SEGMENT_NAMES,	/* out: text, one name per line */
	MC_QUERY_SEGMENT,	/* in: key = name; out: text is that of /query_segment */
	MC_QUERY_SEGMENT_STATUS,	/* in: key = name; out: count, enum mc_segment_status */
	MC_QUERY_SEGMENTS,	/* out: text is the JSON of /get_segments_detail */
	MC_QUERY_STATE,		/* out: text, the JSON members "segments" and "clients" */
	MC_QUERY_SEGMENT_STATS,	/* out: text is the segment_* samples of /metrics */
	MC_QUERY_DROP_ENDPOINT,	/* in: key = te_endpoint or name; done when nothing is read there */
	/*
	 * In and out: drain; out: text is a JSON array of the names of the job's segments.
	 * CREATE: MC_ERR_INVALID (no segment, one twice, one that is a target too, concurrency),
	 * MC_ERR_SEGMENT_NOT_FOUND, MC_ERR_UNAVAILABLE_STATE (not plainly mounted),
	 * MC_ERR_TASK_LIMIT (too many jobs). Others: MC_ERR_JOB_NOT_FOUND. CANCEL:
	 * MC_ERR_UNAVAILABLE_STATE while moves are active, and when the job is over.
	 */
	MC_QUERY_DRAIN_CREATE,
	MC_QUERY_DRAIN,
	MC_QUERY_DRAIN_CANCEL,
};

/*
 * Embedded or allocated by the asker, lives until @done was called on @reply_to. Bodies are built
 * in slices; the answer reflects no single instant.
 */
struct mc_master_query {
	struct mc_msg msg;		/* the master's while under way */
	struct mc_list link;		/* the master's */
	void *scratch;			/* the master's: what it keeps from slice to slice */
	enum mc_query_kind kind;
	struct mc_reactor *reply_to;
	void (*done)(struct mc_master_query *query);
	char *key;			/* the asker's */
	size_t key_len;
	struct mc_drain_request *drain;	/* the asker's, for MC_QUERY_DRAIN_* */
	bool force;
	enum mc_status status;		/* out */
	uint64_t count;			/* out */
	struct mc_buf text;		/* out; the asker frees it */
	uint32_t cursor;		/* the master's */
	bool answered;			/* the master's */
	struct mc_master *master;	/* the master's */
};

/* Any thread. MC_AGAIN: the exec reactor's ring is full. */
enum mc_status mc_master_query_send(struct mc_master *master, struct mc_master_query *query);

#endif
