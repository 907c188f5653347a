/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: a distributed map from keys to immutable values that lie in the memory of its nodes.
 * A process that opens a store becomes a client of one master and, with segment_size > 0, a node.
 *
 *	struct mc_store_params params = {.size = sizeof(params), .hostname = "10.0.0.7",
 *		.metadata = "P2PHANDSHAKE", .master = "10.0.0.1:50051", .segment_size = 1ull << 30};
 *	mc_store_open(&params, &store);
 *	mc_store_put(store, "prefix/1", kv, kv_length, NULL);
 *	mc_store_get_into(store, "prefix/1", kv, kv_length, &length);
 *	mc_store_close(store);
 *
 * Who runs it. On a started runtime (mc/eal.h) the store works on the lcores. With poll_inline it
 * works where its one user calls mc_store_poll() or any call that blocks. Else it has a thread of
 * its own, the keeper, which sleeps while nothing happens and steps back while other threads are in
 * calls: these then poll for themselves, so that a call costs no wake-up. No call starts a thread.
 *
 * Calls that block may be made by any number of threads at once (poll_inline: by one), not from a
 * completion. A forked child must not use its parent's stores: all calls answer MC_ERR_PERMISSION
 * there and closing does nothing. All of it works against upstream's master too; what needs more
 * than its protocol has (the trailer that proves whose bytes these are) is then not done.
 *
 * Deadlines. A put that is not complete at its deadline is taken back and never seen by readers; a
 * get ends at its deadline, or when the master's lease ends, and bytes that came later are not
 * returned. No buffer is read or written any more when its call has returned or @done was called.
 */
#ifndef MC_STORE_H
#define MC_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mc/engine.h"
#include "mc/memory.h"
#include "mc/status.h"
#include "mc/types.h"

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

struct mc_store;

#define MC_STORE_KEY_MAX 4096u		/* bytes of a key, at least 1 */
#define MC_STORE_BATCH_MAX 65536u	/* objects in one call */

/* ---- open and close ---- */

struct mc_store_params {
	size_t size;			/* sizeof(struct mc_store_params) */
	/*
	 * "host" or "host:port": the segment's name, and how peers reach us. Without a port one is
	 * chosen, see mc_store_hostname(). Required, as the metadata is.
	 */
	const char *hostname;
	const char *metadata;		/* "P2PHANDSHAKE" or "http://host:port/metadata" */
	const char *master;		/* "host:port"; NULL: "127.0.0.1:50051" */
	const char *protocol;		/* "tcp" (NULL) or "rdma", as the segment is mounted with */
	const char *devices;		/* NICs: "mlx5_0,mlx5_1"; NULL or "": all */
	const char *drivers;		/* "shm,tcp"; NULL: all that work here */
	const char *tenant;		/* NULL: "default" */
	const char *host_id;		/* a name for the machine; NULL: none */
	const char *bind_host;		/* numeric address to listen on; NULL: all */
	uint64_t segment_size;		/* bytes given to the pool; 0: a client only */
	/*
	 * Bytes for values that the store holds for its user (mc_store_get()). A call waits while
	 * others use them up; a value above it gets memory of its own. 0: 16 MiB.
	 */
	uint64_t buffer_size;
	struct mc_engine *engine;	/* to share, and kept open; NULL: one of its own */
	bool poll_inline;		/* the caller polls: mc_store_poll() */
	bool checksum;			/* of values put (the trailer's), and checked by readers */
	/*
	 * Upstream's CRC-64 of the whole value: sent with puts, checked in gets, as upstream's
	 * clients do with MOONCAKE_STORE_CHECKSUM=1. Also set by that variable.
	 */
	bool checksum_upstream;
	uint32_t put_deadline_ms;	/* 0: 5000 */
	uint32_t get_deadline_ms;	/* 0: 5000 */
	uint32_t rpc_timeout_ms;	/* of lookups and removals; 0: 900 */
	enum mc_huge huge;		/* of the segment's memory, as in struct mc_region_params */
	enum mc_numa numa;
	int numa_node;
	/* As in struct mc_region_params, for the segment. NULL: nothing. */
	void (*progress)(void *context, uint64_t ready, uint64_t length);
	void *context;
};

/*
 * Opens the engine, reaches the master, mounts the segment. Blocks, at most 5 s (and until the
 * first GiB of the segment is populated). On failure one error line names the parameter, its value
 * and the fix, and nothing stays behind. MC_ERR_INVALID; MC_ERR_CONN_REFUSED, MC_ERR_UNREACHABLE,
 * MC_ERR_TIMEOUT: the master or the metadata server; MC_ERR_INVALID_VERSION: a master of another
 * protocol; MC_ERR_EXISTS: another process has the name; MC_ERR_NO_MEMORY.
 */
enum mc_status mc_store_open(const struct mc_store_params *params, struct mc_store **store_out);

/*
 * The same from names and values, as upstream's setup(dict) takes them: local_hostname,
 * metadata_server, global_segment_size and local_buffer_size ("30GB", "16 MiB", "1073741824"),
 * protocol, rdma_devices | device_name, master_server_addr | master_server_address, tenant_id,
 * put_deadline_ms, get_deadline_ms and the rest of struct mc_store_params by its own names. An
 * unknown name is a warning that tells the nearest one. MC_ERR_INVALID: a value that does not
 * parse, or one that is missing; @error, if not NULL, gets one line on it (of @error_size bytes).
 * The strings are borrowed by *params and must outlive mc_store_open().
 */
struct mc_store_option {
	const char *name;
	const char *value;
};
enum mc_status mc_store_params_read(const struct mc_store_option *options, unsigned int count,
				    struct mc_store_params *params, char *error,
				    size_t error_size);

enum mc_store_close {
	MC_STORE_GRACEFUL,	/* unmounts: the objects of our segment go, and the master knows */
	MC_STORE_ABRUPT,	/* leaves as a killed process does: the master finds out itself */
};
/*
 * Ends calls under way with MC_ERR_CANCELED, waits until peers reach our memory no more, frees.
 * Buffers of mc_store_get() must have been freed. NULL is fine. Blocks, at most some seconds.
 */
void mc_store_close(struct mc_store *store, enum mc_store_close how);

/* "host:port": the name of our segment, for preferred_segments. Lives as the store. */
const char *mc_store_hostname(const struct mc_store *store);
/* MC_OK; MC_ERR_UNREACHABLE: the master does not answer. Blocks, at most rpc_timeout_ms. */
enum mc_status mc_store_health(struct mc_store *store);
struct mc_engine *mc_store_engine(struct mc_store *store);
/* A few lines on what was opened, for a log at start. Lives as the store. */
const char *mc_store_text(const struct mc_store *store);
/* poll_inline only, at least each second: one pass. How much was done. */
uint32_t mc_store_poll(struct mc_store *store);

/* ---- objects ---- */

enum mc_store_pin {
	MC_STORE_PIN_PRESERVE,	/* as it is: new objects are not pinned */
	MC_STORE_PIN_ENABLE,	/* soft: evicted last */
	MC_STORE_PIN_DISABLE,
};

/* Zeroed, but for size, it is the default: one replica anywhere, evictable. */
struct mc_store_config {
	size_t size;			/* sizeof(struct mc_store_config) */
	/* As many as asked for where there are so many segments, at least one; 0: 1. */
	uint32_t replicas;
	bool hard_pin;			/* never evicted */
	enum mc_store_pin soft_pin;
	uint64_t soft_pin_ttl_ms;	/* with ENABLE; 0: the master's */
	bool prefer_same_node;
	uint8_t data_type;		/* upstream's ObjectDataType; 0: unknown */
	const char *preferred_segment;	/* NULL: none */
	const char *const *preferred_segments;
	uint32_t preferred_segments_count;
	/* One for each object of the call: objects of a group are leased and evicted together. */
	const char *const *group_ids;
};

/*
 * One object of a call. @pieces lie in any memory of the process; memory registered with
 * mc_store_buffer_reg() is used by NICs as it is.
 */
struct mc_store_item {
	const char *key;
	const struct mc_iov *pieces;	/* puts: the value is their concatenation */
	uint32_t pieces_count;
	enum mc_status status;		/* out */
	uint64_t length;		/* out: bytes of the object (gets, sizes) */
};

/*
 * Puts: each object is new, or stays as it is (MC_OK as well, as with upstream). Upserts replace
 * it. Return MC_OK if every item went well, else the status of the first that did not. Per item:
 * MC_ERR_INVALID: key or value empty; MC_ERR_NO_SPACE; MC_ERR_TIMEOUT; MC_ERR_TRANSFER: a node that
 * was to hold it cannot be reached; MC_ERR_UNREACHABLE: the master. @config NULL: the default.
 */
enum mc_status mc_store_put_batch(struct mc_store *store, struct mc_store_item *items,
				  uint32_t count, const struct mc_store_config *config);
enum mc_status mc_store_upsert_batch(struct mc_store *store, struct mc_store_item *items,
				     uint32_t count, const struct mc_store_config *config);
/*
 * Gets: the value is laid into the pieces in turn; they may be longer than it. Per item:
 * MC_ERR_OBJECT_NOT_FOUND: a miss, also where the bytes found were not the object's (counted);
 * MC_ERR_REPLICA_NOT_READY; MC_ERR_TOO_LARGE: the pieces are shorter, and @length says what is
 * needed; MC_ERR_LEASE_EXPIRED; MC_ERR_TRANSFER; MC_ERR_CHECKSUM: upstream's, with
 * checksum_upstream; MC_ERR_UNSUPPORTED: it lies on disks only. What the pieces hold is undefined
 * where the status is not MC_OK.
 */
enum mc_status mc_store_get_batch(struct mc_store *store, struct mc_store_item *items,
				  uint32_t count);
/* Per item: MC_OK and its length; else as above. Reads no byte of it, and extends its lease. */
enum mc_status mc_store_size_batch(struct mc_store *store, struct mc_store_item *items,
				   uint32_t count);
/* Per item: MC_OK: there, and leased; MC_ERR_OBJECT_NOT_FOUND; the rest: not known. */
enum mc_status mc_store_exist_batch(struct mc_store *store, struct mc_store_item *items,
				    uint32_t count);
/* Per item: MC_ERR_OBJECT_LEASED: was read lately; @force removes it nevertheless. */
enum mc_status mc_store_remove_batch(struct mc_store *store, struct mc_store_item *items,
				     uint32_t count, bool force);

/* The same for one object. */
enum mc_status mc_store_put(struct mc_store *store, const char *key, const void *value,
			    uint64_t length, const struct mc_store_config *config);
enum mc_status mc_store_put_parts(struct mc_store *store, const char *key,
				  const struct mc_iov *parts, uint32_t parts_count,
				  const struct mc_store_config *config);
enum mc_status mc_store_upsert(struct mc_store *store, const char *key, const void *value,
			       uint64_t length, const struct mc_store_config *config);
enum mc_status mc_store_upsert_parts(struct mc_store *store, const char *key,
				     const struct mc_iov *parts, uint32_t parts_count,
				     const struct mc_store_config *config);
enum mc_status mc_store_get_into(struct mc_store *store, const char *key, void *buffer,
				 uint64_t buffer_length, uint64_t *length_out);
enum mc_status mc_store_exist(struct mc_store *store, const char *key);
enum mc_status mc_store_size(struct mc_store *store, const char *key, uint64_t *length_out);
enum mc_status mc_store_remove(struct mc_store *store, const char *key, bool force);
/* Objects whose key has a match (ECMAScript syntax, not anchored); all of the tenant. */
enum mc_status mc_store_remove_regex(struct mc_store *store, const char *regex, bool force,
				     uint64_t *removed_out);
enum mc_status mc_store_remove_all(struct mc_store *store, bool force, uint64_t *removed_out);

/* A value in memory of the store. */
struct mc_store_buffer {
	void *addr;
	uint64_t length;
};
/* NULL at *buffer_out where it failed. Freed by mc_store_buffer_free(), before the store closes. */
enum mc_status mc_store_get(struct mc_store *store, const char *key,
			    struct mc_store_buffer **buffer_out);
/*
 * For all of @items, whose pieces are not looked at. Needs room for one at a time only, but holds
 * what it has: items that find none before the deadline are MC_ERR_NO_SPACE.
 */
enum mc_status mc_store_get_buffers(struct mc_store *store, struct mc_store_item *items,
				    uint32_t count, struct mc_store_buffer **buffers_out);
void mc_store_buffer_free(struct mc_store *store, struct mc_store_buffer *buffer);

/*
 * Registers memory of the program with all devices, for transfers without a copy where NICs are
 * used. Blocks, but no other call. MC_ERR_INVALID: empty; MC_ERR_EXISTS: overlaps.
 */
enum mc_status mc_store_buffer_reg(struct mc_store *store, void *addr, uint64_t length);
/* By its first byte. MC_ERR_NOT_FOUND; MC_ERR_BUSY: a call uses it. */
enum mc_status mc_store_buffer_unreg(struct mc_store *store, void *addr);

/* ---- without blocking ---- */

enum mc_store_op {
	MC_STORE_PUT,
	MC_STORE_UPSERT,
	MC_STORE_GET,
	MC_STORE_SIZE,
	MC_STORE_EXIST,
	MC_STORE_REMOVE,
};

/*
 * Starts a batch as above and returns; any thread, also from a completion. @items and all that they
 * and @config point to stay as they are until @done is called: once, on a thread that runs the
 * store (an lcore, the keeper, or one that is in a call of its own), where it must not block; it
 * may start more. @status is the first that is not MC_OK. MC_AGAIN: thousands are under way
 * already; nothing was started.
 */
enum mc_status mc_store_start(struct mc_store *store, enum mc_store_op op,
			      struct mc_store_item *items, uint32_t count,
			      const struct mc_store_config *config,
			      void (*done)(void *context, enum mc_status status), void *context);

/* ---- where objects lie ---- */

struct mc_store_replica {
	uint64_t id;
	uint64_t address;
	uint64_t length;
	int32_t status;			/* upstream's ReplicaStatus: 3 is complete */
	int32_t type;			/* upstream's ReplicaType: 0 is memory, 1 a file, … */
	char endpoint[256];		/* of memory: the segment; else a path */
};
/*
 * Up to @max of the replicas of @key; *count_out says how many there are.
 * MC_ERR_OBJECT_NOT_FOUND.
 */
enum mc_status mc_store_replicas(struct mc_store *store, const char *key,
				 struct mc_store_replica *replicas_out, uint32_t max,
				 uint32_t *count_out);

/* Copies of an object to other segments, made by the nodes in the background. */
enum mc_status mc_store_copy_task(struct mc_store *store, const char *key,
				  const char *const *targets, uint32_t targets_count,
				  struct mc_uuid *task_out);
enum mc_status mc_store_move_task(struct mc_store *store, const char *key, const char *source,
				  const char *target, struct mc_uuid *task_out);
struct mc_store_task {
	int32_t type;			/* 0: copy, 1: move */
	int32_t status;			/* 0: pending, 1: under way, 2: failed, 3: done */
	char message[256];
};
enum mc_status mc_store_task_query(struct mc_store *store, struct mc_uuid task,
				   struct mc_store_task *task_out);

/* ---- more segments ---- */

/* Gives @length bytes more to the pool. Blocks. *segment_out names the segment. */
enum mc_status mc_store_mount(struct mc_store *store, uint64_t length,
			      struct mc_uuid *segment_out);
/* @grace_ms: for so long its objects stay readable, and no new ones are placed there. Blocks. */
enum mc_status mc_store_unmount(struct mc_store *store, struct mc_uuid segment, uint64_t grace_ms);

/* ---- counters ---- */

struct mc_store_counters {
	size_t size;
	uint64_t puts, gets, exists, removes;	/* objects asked for */
	uint64_t put_bytes, get_bytes;		/* of those that went well */
	uint64_t put_failures, get_failures;	/* misses and objects there already not counted */
	uint64_t misses;
	uint64_t put_timeouts, get_timeouts;
	uint64_t checked, unchecked;		/* objects read with a trailer, and without one */
	uint64_t mismatches;			/* trailers that were not the object's: misses */
	uint64_t checksum_failures;		/* of those, by the bytes */
	uint64_t lease_expired;
	uint64_t remounts;			/* the master forgot us, or was restarted */
	uint64_t rpc_failures;			/* connections to the master lost or refused */
	uint64_t tasks_done, tasks_failed;
	uint64_t segments, segment_bytes;	/* mounted now */
	uint64_t outstanding;			/* calls under way */
	uint64_t buffer_used;			/* of buffer_size */
};
void mc_store_counters_read(const struct mc_store *store, struct mc_store_counters *out);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
