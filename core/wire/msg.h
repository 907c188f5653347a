/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The master's messages as C values, one superset of all releases: a member that a release does
 * not send keeps the default that mc_wire_args_init() gave it. Strings and vectors of a decoded
 * message are views into the message's bytes and live as long as these.
 */
#ifndef MC_CORE_WIRE_MSG_H
#define MC_CORE_WIRE_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "mc/types.h"

/*
 * What a client and a master of ours may agree on, for one connection (ClientFeatures). TRAILER:
 * the client writes the 32 bytes behind an object; ids of replicas that it is given to write carry
 * the promise.
 */
#define MC_FEATURE_TRAILER 1u
#define MC_REPLICA_PROMISE (1ull << 63)

enum mc_replica_type {
	MC_REPLICA_MEMORY = 0,
	MC_REPLICA_DISK = 1,
	MC_REPLICA_LOCAL_DISK = 2,
	MC_REPLICA_NOF_SSD = 3,
	MC_REPLICA_ALL = 4,
	MC_REPLICA_DFS = 100,
};

enum mc_replica_status {
	MC_REPLICA_UNDEFINED = 0,
	MC_REPLICA_INITIALIZED = 1,
	MC_REPLICA_PROCESSING = 2,
	MC_REPLICA_COMPLETE = 3,
	MC_REPLICA_REMOVED = 4,
	MC_REPLICA_FAILED = 5,
};

enum mc_client_status {
	MC_CLIENT_UNDEFINED = 0,
	MC_CLIENT_OK = 1,
	MC_CLIENT_NEED_REMOUNT = 2,
};

enum mc_segment_status {
	MC_SEGMENT_UNDEFINED = 0,
	MC_SEGMENT_OK = 1,
	MC_SEGMENT_DRAINING = 2,
	MC_SEGMENT_DRAINED = 3,
	MC_SEGMENT_GRACEFULLY_UNMOUNTING = 4,
	MC_SEGMENT_UNMOUNTING = 5,
};

enum mc_soft_pin_action {
	MC_SOFT_PIN_PRESERVE = 0,
	MC_SOFT_PIN_ENABLE = 1,
	MC_SOFT_PIN_DISABLE = 2,
};

enum mc_task_type {
	MC_TASK_COPY = 0,
	MC_TASK_MOVE = 1,
};

enum mc_task_status {
	MC_TASK_PENDING = 0,
	MC_TASK_PROCESSING = 1,
	MC_TASK_FAILED = 2,
	MC_TASK_SUCCESS = 3,
};

/*
 * A vector. Decoded: the wire bytes of its elements (stride 0), read one by one with
 * mc_wire_vec_next(). To encode: stride bytes per element of an array of C values.
 */
struct mc_vec {
	const void *items;
	uint32_t count;
	uint32_t stride;
	uint32_t bytes;		/* decoded: length of the elements on the wire */
	uint8_t width;		/* decoded: bytes per container length in this message */
};

struct mc_opt_u64 {
	bool present;
	uint64_t value;
};

struct mc_buffer_desc {
	uint64_t size;
	uint64_t address;
	struct mc_str protocol;		/* 0.3.9+ */
	struct mc_str endpoint;		/* transport_endpoint; 0.3.6: segment_name */
	int32_t status;			/* 0.3.6 */
};

/* One replica. Which of the members holds depends on @type. */
struct mc_replica_desc {
	uint64_t id;			/* 0.3.9+ */
	int32_t status;			/* enum mc_replica_status */
	int32_t type;			/* enum mc_replica_type; NOF_SSD and MEMORY use buffer */
	struct mc_buffer_desc buffer;
	struct mc_vec buffers;		/* 0.3.6 MEMORY: vector of mc_buffer_desc instead of one */
	struct mc_str file_path;	/* DISK, DFS */
	uint64_t object_size;		/* DISK, LOCAL_DISK, DFS */
	struct mc_uuid client_id;	/* LOCAL_DISK */
	struct mc_str endpoint;		/* LOCAL_DISK */
	uint64_t offset;		/* DFS */
	uint64_t aligned_size;		/* DFS */
	int32_t shard_idx;		/* DFS */
};

struct mc_replica_list {
	struct mc_vec replicas;		/* mc_replica_desc */
	uint64_t lease_ttl_ms;		/* 0.3.7+ */
	struct mc_opt_u64 checksum;	/* 0.3.13 */
};

struct mc_replicate_config {
	uint64_t replica_num;
	uint64_t nof_replica_num;
	uint64_t dfs_replica_num;
	bool with_soft_pin;		/* up to 0.3.12 */
	uint8_t soft_pin_action;	/* 0.3.13 */
	struct mc_opt_u64 soft_pin_ttl_ms;
	bool with_hard_pin;
	struct mc_vec preferred_segments;	/* mc_str */
	struct mc_str preferred_segment;
	struct mc_vec preferred_nof_segments;	/* mc_str */
	bool prefer_same_node;
	uint8_t data_type;
	struct mc_str host_id;
	bool has_group_ids;
	struct mc_vec group_ids;		/* mc_str */
};

struct mc_object_meta {
	struct mc_str key;
	struct mc_opt_u64 checksum;
};

struct mc_segment_desc {
	struct mc_uuid id;
	struct mc_str name;
	uint64_t base;
	uint64_t size;
	struct mc_str te_endpoint;	/* 0.3.7+; before, peers use the name */
	struct mc_str protocol;		/* 0.3.9+ */
	struct mc_str host_id;		/* 0.3.12+ */
};

struct mc_nof_owner {
	struct mc_uuid segment_id;
	struct mc_uuid client_id;
};

struct mc_offload_item {
	struct mc_str tenant_id;	/* 0.3.12+ */
	struct mc_str key;
	int64_t size;
};

struct mc_storage_meta {
	int64_t bucket_id;
	int64_t offset;
	int64_t key_size;
	int64_t data_size;
	struct mc_str endpoint;
};

struct mc_task_assignment {
	struct mc_uuid id;
	int32_t type;			/* enum mc_task_type */
	struct mc_str payload;
	int64_t created_at_ms;
	uint32_t max_retry_attempts;	/* 0.3.10+ */
};

struct mc_task_complete {
	struct mc_uuid id;
	int32_t status;			/* enum mc_task_status */
	struct mc_str message;
};

/*
 * The arguments of every function, by the names of the protocol. One struct for all: a call uses
 * the members that its row in the layout table names. tenant_id is "default" where absent.
 */
struct mc_args {
	struct mc_uuid client_id;
	struct mc_uuid id;		/* segment_id, task_id */
	struct mc_uuid lease_id;
	struct mc_str key;		/* also regex and segment_name, where these come first */
	struct mc_str tenant_id;
	struct mc_vec keys;		/* mc_str; object_keys */
	struct mc_vec object_metas;	/* mc_object_meta */
	struct mc_object_meta object_meta;	/* its key is copied to @key by the decoder */
	uint64_t slice_length;		/* 0.3.6, 0.3.7: the sum of slices */
	struct mc_vec slice_lengths;	/* u64; 0.3.6 and 0.3.7 batches: vector of vectors */
	struct mc_vec slices;		/* 0.3.6, 0.3.7 PutStart: vector<u64>, as received */
	struct mc_replicate_config config;
	int32_t replica_type;		/* default MC_REPLICA_ALL */
	bool force;
	bool enable_offloading;
	uint64_t grace_period_ms;
	uint64_t timeout_ms;
	uint64_t features;		/* of our own: MC_FEATURE_* */
	uint64_t batch_size;
	uint64_t size;
	uint64_t version_epoch;
	int64_t ssd_capacity;
	struct mc_segment_desc segment;
	struct mc_vec segments;		/* mc_segment_desc */
	struct mc_vec client_ids;	/* mc_uuid */
	struct mc_str segment_name;
	struct mc_str source;		/* src_segment */
	struct mc_str target;		/* tgt_segment */
	struct mc_vec targets;		/* mc_str: targets, tgt_segments */
	struct mc_vec preferred_segments;	/* mc_str: PromotionAllocStart */
	struct mc_vec offload_items;	/* mc_offload_item; before 0.3.12 a map<str,i64> */
	struct mc_vec storage_metas;	/* mc_storage_meta */
	struct mc_task_complete request;
};

/*
 * Results. Each starts with the error of expected<T, ErrorCode>: 0, or an upstream code (see
 * mc_wire_error()). A result that the protocol does not wrap has no error on the wire.
 */
struct mc_result_void { int32_t error; };
struct mc_result_bool { int32_t error; bool value; };
struct mc_result_i64 { int32_t error; int64_t value; };		/* RemoveAll: not wrapped */
struct mc_result_enum { int32_t error; int32_t value; };	/* SegmentStatus */
struct mc_result_str { int32_t error; struct mc_str value; };	/* 0.3.7 ServiceReady: void */
struct mc_result_uuid { int32_t error; struct mc_uuid value; };
struct mc_result_vec { int32_t error; struct mc_vec value; };	/* any vector or map of pairs */
struct mc_result_replicas { int32_t error; struct mc_replica_list value; };
struct mc_result_ping { int32_t error; int64_t view_version; int32_t client_status; };
struct mc_result_storage {
	int32_t error;
	struct mc_str fsdir;
	bool enable_disk_eviction;
	uint64_t quota_bytes;
};
struct mc_result_copy {			/* CopyStart; MoveStart: 0 or 1 targets */
	int32_t error;
	struct mc_replica_desc source;
	struct mc_vec targets;		/* mc_replica_desc */
};
struct mc_result_replica { int32_t error; struct mc_replica_desc value; };
struct mc_result_task {
	int32_t error;
	struct mc_uuid id;
	int32_t type;
	int32_t status;
	int64_t created_at_ms;
	int64_t updated_at_ms;
	struct mc_uuid assigned_client;
	struct mc_str message;
};

/* Elements of maps: map<str, vector<ReplicaDescriptor>> and map<UUID, vector<str>>. */
struct mc_pair_replicas { struct mc_str key; struct mc_vec replicas; };
struct mc_pair_hosts { struct mc_uuid client_id; struct mc_vec hosts; };

#endif
