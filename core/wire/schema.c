/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layouts of all releases as data. Members stand in wire order; R(x, y) are the first and last
 * release that has a member. To add a release: its bit in release.h, the members that changed here,
 * its hashes in hashes.c; tests/unit/core/wire recomputes every literal and hash.
 */
#include "core/wire/schema.h"

#define V6 MC_RELEASE_0_3_6
#define V7 MC_RELEASE_0_3_7
#define V8 MC_RELEASE_0_3_8
#define V9 MC_RELEASE_0_3_9
#define V10 MC_RELEASE_0_3_10
#define V11 MC_RELEASE_0_3_11
#define V12 MC_RELEASE_0_3_12
#define V13 MC_RELEASE_0_3_13

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MEMBER(owner, type, name, first, last) {&t_##type, offsetof(owner, name), first, last, 0}
#define STRUCT_TYPE(ctype, list)                                                                   \
	{.kind = WIRE_STRUCT,                                                                      \
	 .size = sizeof(ctype),                                                                    \
	 .members = (list),                                                                        \
	 .members_count = COUNT(list)}
#define VEC_TYPE(of) {.kind = WIRE_VEC, .size = sizeof(struct mc_vec), .elem = &t_##of}

#define t_str mc_wire_type_str
#define t_u64 mc_wire_type_u64
#define t_uuid mc_wire_type_uuid
#define t_vec_u64 mc_wire_type_vec_u64
#define t_meta mc_wire_type_meta
#define t_segment mc_wire_type_segment
#define t_replica mc_wire_type_replica
/* ---- plain types ---- */

static const struct wire_type t_u8 = {.kind = WIRE_U8, .size = 1};
static const struct wire_type t_flag = {.kind = WIRE_BOOL, .size = sizeof(bool)};
static const struct wire_type t_i32 = {.kind = WIRE_I32, .size = 4};
static const struct wire_type t_u32 = {.kind = WIRE_U32, .size = 4};
static const struct wire_type t_i64 = {.kind = WIRE_I64, .size = 8};
const struct wire_type mc_wire_type_u64 = {.kind = WIRE_U64, .size = 8};
static const struct wire_type t_void = {.kind = WIRE_VOID};
const struct wire_type mc_wire_type_str = {.kind = WIRE_STR, .size = sizeof(struct mc_str)};
const struct wire_type mc_wire_type_uuid = {.kind = WIRE_UUID, .size = sizeof(struct mc_uuid)};
static const struct wire_type t_vec_str = VEC_TYPE(str);
const struct wire_type mc_wire_type_vec_u64 = VEC_TYPE(u64);
static const struct wire_type t_vec_vec_u64 = VEC_TYPE(vec_u64);
static const struct wire_type t_vec_uuid = VEC_TYPE(uuid);
static const struct wire_type t_opt_u64 = {.kind = WIRE_OPT,
					   .size = sizeof(struct mc_opt_u64),
					   .value_offset = offsetof(struct mc_opt_u64, value),
					   .elem = &t_u64};

/* ---- descriptors of replicas; members are placed in struct mc_replica_desc ---- */

#define DESC(type, name, first, last) MEMBER(struct mc_replica_desc, type, name, first, last)
#define BUFFER(type, name, first, last) MEMBER(struct mc_buffer_desc, type, name, first, last)

static const struct wire_member buffer_members[] = {
	BUFFER(str, endpoint, V6, V6),	/* segment_name */
	BUFFER(u64, size, V6, V13),
	BUFFER(u64, address, V6, V13),
	BUFFER(i32, status, V6, V6),
	BUFFER(str, protocol, V9, V13),
	BUFFER(str, endpoint, V7, V13),	/* transport_endpoint */
};
static const struct wire_type t_buffer = STRUCT_TYPE(struct mc_buffer_desc, buffer_members);
static const struct wire_type t_vec_buffer = VEC_TYPE(buffer);

static const struct wire_member memory_members[] = {
	DESC(vec_buffer, buffers, V6, V7),
	DESC(buffer, buffer, V8, V13),
};
static const struct wire_type t_memory = STRUCT_TYPE(struct mc_replica_desc, memory_members);

static const struct wire_member disk_members[] = {
	DESC(str, file_path, V6, V13),
	DESC(u64, object_size, V6, V13),
};
static const struct wire_type t_disk = STRUCT_TYPE(struct mc_replica_desc, disk_members);

static const struct wire_member local_disk_members[] = {
	DESC(uuid, client_id, V8, V13),
	DESC(u64, object_size, V8, V13),
	DESC(str, endpoint, V8, V13),
};
static const struct wire_type t_local_disk =
	STRUCT_TYPE(struct mc_replica_desc, local_disk_members);

static const struct wire_member dfs_members[] = {
	DESC(str, file_path, V13, V13),
	DESC(u64, offset, V13, V13),
	DESC(u64, object_size, V13, V13),
	DESC(u64, aligned_size, V13, V13),
	DESC(i32, shard_idx, V13, V13),
};
static const struct wire_type t_dfs = STRUCT_TYPE(struct mc_replica_desc, dfs_members);

static const struct wire_member kind_members[] = {
	{&t_memory, 0, V6, V13, MC_REPLICA_MEMORY},
	{&t_memory, 0, V11, V13, MC_REPLICA_NOF_SSD},	/* one buffer, as memory */
	{&t_disk, 0, V6, V13, MC_REPLICA_DISK},
	{&t_local_disk, 0, V8, V13, MC_REPLICA_LOCAL_DISK},
	{&t_dfs, 0, V13, V13, MC_REPLICA_DFS},
};
static const struct wire_type t_replica_kind = {
	.kind = WIRE_VARIANT,
	.size = sizeof(struct mc_replica_desc),
	.value_offset = offsetof(struct mc_replica_desc, type),
	.members = kind_members,
	.members_count = COUNT(kind_members),
};

static const struct wire_member replica_members[] = {
	DESC(u64, id, V9, V13),
	{&t_replica_kind, 0, V6, V13, 0},
	DESC(i32, status, V6, V13),
};
const struct wire_type mc_wire_type_replica = STRUCT_TYPE(struct mc_replica_desc, replica_members);
static const struct wire_type t_vec_replica = VEC_TYPE(replica);
static const struct wire_type t_opt_replica = {
	.kind = WIRE_OPT_VEC, .size = sizeof(struct mc_vec), .elem = &t_replica};

static const struct wire_member replica_list_members[] = {
	MEMBER(struct mc_replica_list, vec_replica, replicas, V6, V13),
	MEMBER(struct mc_replica_list, u64, lease_ttl_ms, V7, V13),
	MEMBER(struct mc_replica_list, opt_u64, checksum, V13, V13),
};
static const struct wire_type t_replica_list =
	STRUCT_TYPE(struct mc_replica_list, replica_list_members);

/* ---- other structs ---- */

#define CONFIG(type, name, first, last) MEMBER(struct mc_replicate_config, type, name, first, last)

static const struct wire_type t_opt_group_ids = {
	.kind = WIRE_OPT,
	.value_offset = offsetof(struct mc_replicate_config, group_ids) -
			offsetof(struct mc_replicate_config, has_group_ids),
	.elem = &t_vec_str,
};
static const struct wire_member config_members[] = {
	CONFIG(u64, replica_num, V6, V13),
	CONFIG(u64, nof_replica_num, V11, V13),
	CONFIG(u64, dfs_replica_num, V13, V13),
	CONFIG(flag, with_soft_pin, V6, V12),
	CONFIG(u8, soft_pin_action, V13, V13),
	CONFIG(opt_u64, soft_pin_ttl_ms, V13, V13),
	CONFIG(flag, with_hard_pin, V10, V13),
	CONFIG(vec_str, preferred_segments, V8, V13),
	CONFIG(str, preferred_segment, V6, V13),
	CONFIG(vec_str, preferred_nof_segments, V11, V13),
	CONFIG(flag, prefer_same_node, V7, V13),
	CONFIG(u8, data_type, V11, V13),
	CONFIG(str, host_id, V12, V13),
	CONFIG(opt_group_ids, has_group_ids, V12, V13),
};
static const struct wire_type t_config = STRUCT_TYPE(struct mc_replicate_config, config_members);

static const struct wire_member meta_members[] = {
	MEMBER(struct mc_object_meta, str, key, V13, V13),
	MEMBER(struct mc_object_meta, opt_u64, checksum, V13, V13),
};
const struct wire_type mc_wire_type_meta = STRUCT_TYPE(struct mc_object_meta, meta_members);
static const struct wire_type t_vec_meta = VEC_TYPE(meta);

#define SEGMENT(type, name, first, last) MEMBER(struct mc_segment_desc, type, name, first, last)

static const struct wire_member segment_members[] = {
	SEGMENT(uuid, id, V6, V13),
	SEGMENT(str, name, V6, V13),
	SEGMENT(u64, base, V6, V13),
	SEGMENT(u64, size, V6, V13),
	SEGMENT(str, te_endpoint, V7, V13),
	SEGMENT(str, protocol, V9, V13),
	SEGMENT(str, host_id, V12, V13),
};
const struct wire_type mc_wire_type_segment = STRUCT_TYPE(struct mc_segment_desc, segment_members);
static const struct wire_type t_vec_segment = VEC_TYPE(segment);

/* NoF segments are as segments were in 0.3.7. */
static const struct wire_member nof_segment_members[] = {
	SEGMENT(uuid, id, V11, V13),
	SEGMENT(str, name, V11, V13),
	SEGMENT(u64, base, V11, V13),
	SEGMENT(u64, size, V11, V13),
	SEGMENT(str, te_endpoint, V11, V13),
};
static const struct wire_type t_nof_segment =
	STRUCT_TYPE(struct mc_segment_desc, nof_segment_members);
static const struct wire_type t_vec_nof_segment = VEC_TYPE(nof_segment);

static const struct wire_member nof_owner_members[] = {
	MEMBER(struct mc_nof_owner, uuid, segment_id, V11, V13),
	MEMBER(struct mc_nof_owner, uuid, client_id, V11, V13),
};
static const struct wire_type t_nof_owner = STRUCT_TYPE(struct mc_nof_owner, nof_owner_members);
static const struct wire_type t_vec_nof_owner = VEC_TYPE(nof_owner);

static const struct wire_member offload_members[] = {
	MEMBER(struct mc_offload_item, str, tenant_id, V12, V13),
	MEMBER(struct mc_offload_item, str, key, V8, V13),
	MEMBER(struct mc_offload_item, i64, size, V8, V13),
};
static const struct wire_type t_offload_item =
	STRUCT_TYPE(struct mc_offload_item, offload_members);
static const struct wire_type t_vec_offload = VEC_TYPE(offload_item);
static const struct wire_type t_map_offload = {
	.kind = WIRE_MAP, .size = sizeof(struct mc_vec), .elem = &t_offload_item};

#define STORED(type, name) MEMBER(struct mc_storage_meta, type, name, V8, V13)

static const struct wire_member storage_members[] = {
	STORED(i64, bucket_id), STORED(i64, offset),   STORED(i64, key_size),
	STORED(i64, data_size), STORED(str, endpoint),
};
static const struct wire_type t_storage_meta =
	STRUCT_TYPE(struct mc_storage_meta, storage_members);
static const struct wire_type t_vec_storage = VEC_TYPE(storage_meta);

static const struct wire_member assignment_members[] = {
	MEMBER(struct mc_task_assignment, uuid, id, V8, V13),
	MEMBER(struct mc_task_assignment, i32, type, V8, V13),
	MEMBER(struct mc_task_assignment, str, payload, V8, V13),
	MEMBER(struct mc_task_assignment, i64, created_at_ms, V8, V13),
	MEMBER(struct mc_task_assignment, u32, max_retry_attempts, V10, V13),
};
static const struct wire_type t_assignment =
	STRUCT_TYPE(struct mc_task_assignment, assignment_members);
static const struct wire_type t_vec_assignment = VEC_TYPE(assignment);

static const struct wire_member complete_members[] = {
	MEMBER(struct mc_task_complete, uuid, id, V8, V13),
	MEMBER(struct mc_task_complete, i32, status, V8, V13),
	MEMBER(struct mc_task_complete, str, message, V8, V13),
};
static const struct wire_type t_complete = STRUCT_TYPE(struct mc_task_complete, complete_members);

/* ---- results: expected<value, ErrorCode>, the value somewhere in the struct ---- */

#define EXPECTED_TYPE(ctype, list)                                                                 \
	{.kind = WIRE_EXPECTED,                                                                    \
	 .size = sizeof(ctype),                                                                    \
	 .members = (list),                                                                        \
	 .members_count = COUNT(list)}
/* t_x_NAME: expected with one value, a member of its result struct. */
#define EXPECTED(name, ctype, type, member)                                                        \
	static const struct wire_member x_##name##_value[] = {                                     \
		{&t_##type, offsetof(ctype, member), V6, V13, 0}};                                 \
	static const struct wire_type t_x_##name = EXPECTED_TYPE(ctype, x_##name##_value)

static const struct wire_member x_void_value[] = {{&t_void, 0, V6, V13, 0}};
static const struct wire_type t_x_void = EXPECTED_TYPE(struct mc_result_void, x_void_value);
EXPECTED(flag, struct mc_result_bool, flag, value);
EXPECTED(i64, struct mc_result_i64, i64, value);
EXPECTED(enum, struct mc_result_enum, i32, value);
EXPECTED(str, struct mc_result_str, str, value);
EXPECTED(uuid, struct mc_result_uuid, uuid, value);
EXPECTED(vec_str, struct mc_result_vec, vec_str, value);
EXPECTED(vec_replica, struct mc_result_vec, vec_replica, value);
EXPECTED(vec_nof_segment, struct mc_result_vec, vec_nof_segment, value);
EXPECTED(vec_nof_owner, struct mc_result_vec, vec_nof_owner, value);
EXPECTED(vec_assignment, struct mc_result_vec, vec_assignment, value);
EXPECTED(vec_offload, struct mc_result_vec, vec_offload, value);
EXPECTED(map_offload, struct mc_result_vec, map_offload, value);

/* 0.3.6 answered the bare vector. */
static const struct wire_member x_replica_list_value[] = {
	{&t_vec_replica, offsetof(struct mc_result_replicas, value.replicas), V6, V6, 0},
	{&t_replica_list, offsetof(struct mc_result_replicas, value), V7, V13, 0},
};
static const struct wire_type t_x_replica_list =
	EXPECTED_TYPE(struct mc_result_replicas, x_replica_list_value);

static const struct wire_member pair_replicas_members[] = {
	MEMBER(struct mc_pair_replicas, str, key, V6, V13),
	MEMBER(struct mc_pair_replicas, vec_replica, replicas, V6, V13),
};
static const struct wire_type t_pair_replicas =
	STRUCT_TYPE(struct mc_pair_replicas, pair_replicas_members);
static const struct wire_type t_map_replicas = {
	.kind = WIRE_MAP, .size = sizeof(struct mc_vec), .elem = &t_pair_replicas};
EXPECTED(map_replicas, struct mc_result_vec, map_replicas, value);

static const struct wire_member pair_hosts_members[] = {
	MEMBER(struct mc_pair_hosts, uuid, client_id, V6, V13),
	MEMBER(struct mc_pair_hosts, vec_str, hosts, V6, V13),
};
static const struct wire_type t_pair_hosts = STRUCT_TYPE(struct mc_pair_hosts, pair_hosts_members);
static const struct wire_type t_map_hosts = {
	.kind = WIRE_MAP, .size = sizeof(struct mc_vec), .elem = &t_pair_hosts};
EXPECTED(map_hosts, struct mc_result_vec, map_hosts, value);

/* Structs whose members lie in the result struct itself. */
static const struct wire_member ping_members[] = {
	MEMBER(struct mc_result_ping, i64, view_version, V6, V13),
	MEMBER(struct mc_result_ping, i32, client_status, V6, V13),
};
static const struct wire_type t_ping = STRUCT_TYPE(struct mc_result_ping, ping_members);
static const struct wire_member x_ping_value[] = {{&t_ping, 0, V6, V13, 0}};
static const struct wire_type t_x_ping = EXPECTED_TYPE(struct mc_result_ping, x_ping_value);

static const struct wire_member storage_config_members[] = {
	MEMBER(struct mc_result_storage, str, fsdir, V8, V13),
	MEMBER(struct mc_result_storage, flag, enable_disk_eviction, V8, V13),
	MEMBER(struct mc_result_storage, u64, quota_bytes, V8, V13),
};
static const struct wire_type t_storage_config =
	STRUCT_TYPE(struct mc_result_storage, storage_config_members);
static const struct wire_member x_storage_value[] = {{&t_storage_config, 0, V8, V13, 0}};
static const struct wire_type t_x_storage =
	EXPECTED_TYPE(struct mc_result_storage, x_storage_value);

static const struct wire_member copy_members[] = {
	MEMBER(struct mc_result_copy, replica, source, V9, V13),
	MEMBER(struct mc_result_copy, vec_replica, targets, V9, V13),
};
static const struct wire_type t_copy = STRUCT_TYPE(struct mc_result_copy, copy_members);
static const struct wire_member x_copy_value[] = {{&t_copy, 0, V9, V13, 0}};
static const struct wire_type t_x_copy = EXPECTED_TYPE(struct mc_result_copy, x_copy_value);

static const struct wire_member move_members[] = {
	MEMBER(struct mc_result_copy, replica, source, V9, V13),
	MEMBER(struct mc_result_copy, opt_replica, targets, V9, V13),
};
static const struct wire_type t_move = STRUCT_TYPE(struct mc_result_copy, move_members);
static const struct wire_member x_move_value[] = {{&t_move, 0, V9, V13, 0}};
static const struct wire_type t_x_move = EXPECTED_TYPE(struct mc_result_copy, x_move_value);

static const struct wire_member promoted_members[] = {
	MEMBER(struct mc_result_replica, replica, value, V11, V13),
};
static const struct wire_type t_promoted =
	STRUCT_TYPE(struct mc_result_replica, promoted_members);
static const struct wire_member x_promoted_value[] = {{&t_promoted, 0, V11, V13, 0}};
static const struct wire_type t_x_promoted =
	EXPECTED_TYPE(struct mc_result_replica, x_promoted_value);

#define TASK(type, name) MEMBER(struct mc_result_task, type, name, V8, V13)

static const struct wire_member task_members[] = {
	TASK(uuid, id),		     TASK(i32, type),		  TASK(i32, status),
	TASK(i64, created_at_ms),    TASK(i64, updated_at_ms),
	TASK(uuid, assigned_client), TASK(str, message),
};
static const struct wire_type t_task = STRUCT_TYPE(struct mc_result_task, task_members);
static const struct wire_member x_task_value[] = {{&t_task, 0, V8, V13, 0}};
static const struct wire_type t_x_task = EXPECTED_TYPE(struct mc_result_task, x_task_value);

static const struct wire_type t_vec_x_void = VEC_TYPE(x_void);
static const struct wire_type t_vec_x_flag = VEC_TYPE(x_flag);
static const struct wire_type t_vec_x_replica_list = VEC_TYPE(x_replica_list);
static const struct wire_type t_vec_x_vec_replica = VEC_TYPE(x_vec_replica);

/* ---- functions ---- */

#define ARG(type, name, first, last) MEMBER(struct mc_args, type, name, first, last)
/* A result that is the struct itself, and one that is a member of it. */
#define RESULT(type, first, last) {&t_##type, 0, first, last, 0}
#define BARE(ctype, type, name, first, last) MEMBER(ctype, type, name, first, last)
#define ARGS(name, ...) static const struct wire_member a_##name[] = {__VA_ARGS__}
#define RESULTS(name, ...) static const struct wire_member r_##name[] = {__VA_ARGS__}

#define CLIENT(first) ARG(uuid, client_id, first, V13)
#define KEY ARG(str, key, V6, V13)
#define KEYS ARG(vec_str, keys, V6, V13)
#define TENANT ARG(str, tenant_id, V12, V13)
#define TYPE(first) ARG(i32, replica_type, first, V13)

ARGS(key_tenant, KEY, TENANT);
ARGS(keys_tenant, KEYS, TENANT);
ARGS(query_ip, ARG(vec_uuid, client_ids, V8, V13));
ARGS(replica_clear, KEYS, CLIENT(V8), ARG(str, segment_name, V8, V13));
ARGS(put_start, CLIENT(V8), KEY, ARG(vec_u64, slices, V6, V7), ARG(u64, slice_length, V8, V13),
     ARG(config, config, V6, V13), TENANT);
ARGS(put_end, CLIENT(V8), ARG(str, key, V6, V12), ARG(meta, object_meta, V13, V13), TYPE(V6),
     TENANT);
ARGS(put_revoke, CLIENT(V8), KEY, TYPE(V6), TENANT);
ARGS(batch_put_start, CLIENT(V8), KEYS, ARG(vec_vec_u64, slice_lengths, V6, V7),
     ARG(vec_u64, slice_lengths, V8, V13), ARG(config, config, V6, V13), TENANT);
ARGS(batch_put_start_wait, CLIENT(V13), KEYS, ARG(vec_u64, slice_lengths, V13, V13),
     ARG(config, config, V13, V13), TENANT, ARG(u64, timeout_ms, V13, V13));
ARGS(batch_put_end, CLIENT(V8), ARG(vec_str, keys, V6, V12), ARG(vec_meta, object_metas, V13, V13),
     TYPE(V11), TENANT);
ARGS(batch_put_revoke, CLIENT(V8), KEYS, TYPE(V11), TENANT);
ARGS(batch_upsert_end, CLIENT(V10), ARG(vec_str, keys, V10, V12),
     ARG(vec_meta, object_metas, V13, V13), TENANT);
ARGS(batch_upsert_revoke, CLIENT(V10), KEYS, TENANT);
ARGS(remove, KEY, ARG(flag, force, V9, V13), TENANT);
ARGS(remove_all, ARG(flag, force, V9, V13), TENANT);
ARGS(batch_remove, KEYS, ARG(flag, force, V10, V13), TENANT);
ARGS(mount, ARG(segment, segment, V6, V13), CLIENT(V6));
ARGS(mount_nof, ARG(nof_segment, segment, V11, V13), CLIENT(V6));
ARGS(remount, ARG(vec_segment, segments, V6, V13), CLIENT(V6));
ARGS(remount_nof, ARG(vec_nof_segment, segments, V11, V13), CLIENT(V6));
ARGS(unmount, ARG(uuid, id, V6, V13), CLIENT(V6));
ARGS(graceful, ARG(uuid, id, V11, V13), CLIENT(V11), ARG(u64, grace_period_ms, V11, V13));
ARGS(name, KEY);
ARGS(id, ARG(uuid, id, V6, V13));
ARGS(client, CLIENT(V6));
ARGS(client_offloading, CLIENT(V6), ARG(flag, enable_offloading, V8, V13));
ARGS(capacity, CLIENT(V6), ARG(i64, ssd_capacity, V11, V13));
ARGS(offload_success, CLIENT(V6), ARG(vec_str, keys, V8, V11),
     ARG(vec_offload, offload_items, V12, V13), ARG(vec_storage, storage_metas, V8, V13));
ARGS(promotion_alloc, CLIENT(V6), KEY, TENANT, ARG(u64, size, V11, V13),
     ARG(vec_str, preferred_segments, V11, V13));
ARGS(client_key, CLIENT(V6), KEY, TENANT);
ARGS(copy_start, CLIENT(V6), KEY, TENANT, ARG(str, source, V9, V13),
     ARG(vec_str, targets, V9, V13));
ARGS(dynamic_start, CLIENT(V6), KEY, TENANT, ARG(str, source, V13, V13),
     ARG(vec_str, targets, V13, V13), ARG(uuid, lease_id, V13, V13),
     ARG(u64, version_epoch, V13, V13));
ARGS(dynamic_end, CLIENT(V6), KEY, TENANT, ARG(uuid, lease_id, V13, V13),
     ARG(u64, version_epoch, V13, V13));
ARGS(move_start, CLIENT(V6), KEY, TENANT, ARG(str, source, V9, V13), ARG(str, target, V9, V13));
ARGS(evict_disk, CLIENT(V6), KEY, TENANT, TYPE(V6));
ARGS(batch_evict_disk, CLIENT(V6), KEYS, TENANT, TYPE(V6));
ARGS(copy_task, KEY, TENANT, ARG(vec_str, targets, V8, V13));
ARGS(move_task, KEY, TENANT, ARG(str, source, V8, V13), ARG(str, target, V8, V13));
ARGS(fetch_tasks, CLIENT(V6), ARG(u64, batch_size, V8, V13));
ARGS(client_features, CLIENT(V13), ARG(u64, features, V13, V13));
ARGS(mark_task, CLIENT(V6), ARG(complete, request, V8, V13));

RESULTS(void, RESULT(x_void, V6, V13));
RESULTS(flag, RESULT(x_flag, V6, V13));
RESULTS(i64, RESULT(x_i64, V6, V13));
RESULTS(bare_i64, BARE(struct mc_result_i64, i64, value, V6, V13));
RESULTS(enum, RESULT(x_enum, V6, V13));
RESULTS(str, RESULT(x_str, V6, V13));
RESULTS(ready, RESULT(x_void, V7, V7), RESULT(x_str, V8, V13));
RESULTS(uuid, RESULT(x_uuid, V6, V13));
RESULTS(vec_str, RESULT(x_vec_str, V6, V13));
RESULTS(hosts, RESULT(x_map_hosts, V6, V13));
RESULTS(map_replicas, RESULT(x_map_replicas, V6, V13));
RESULTS(replica_list, RESULT(x_replica_list, V6, V13));
RESULTS(vec_replica, RESULT(x_vec_replica, V6, V13));
RESULTS(batch_get, BARE(struct mc_result_vec, vec_x_replica_list, value, V6, V13));
RESULTS(batch_start, BARE(struct mc_result_vec, vec_x_vec_replica, value, V6, V13));
RESULTS(batch_void, BARE(struct mc_result_vec, vec_x_void, value, V6, V13));
RESULTS(batch_bool, BARE(struct mc_result_vec, vec_x_flag, value, V6, V13));
RESULTS(nof_segments, RESULT(x_vec_nof_segment, V11, V13));
RESULTS(nof_owners, RESULT(x_vec_nof_owner, V11, V13));
RESULTS(ping, RESULT(x_ping, V6, V13));
RESULTS(storage, RESULT(x_storage, V8, V13));
RESULTS(offload, RESULT(x_map_offload, V8, V11), RESULT(x_vec_offload, V12, V13));
RESULTS(promoted, RESULT(x_promoted, V11, V13));
RESULTS(copy, RESULT(x_copy, V9, V13));
RESULTS(move, RESULT(x_move, V9, V13));
RESULTS(task, RESULT(x_task, V8, V13));
RESULTS(assignments, RESULT(x_vec_assignment, V8, V13));

#define FUNCTION(fn, text, number, first, args_name, results_name)                                 \
	[MC_FN_##fn] = {text,                                                                      \
			number,                                                                    \
			first,                                                                     \
			a_##args_name,                                                             \
			COUNT(a_##args_name),                                                      \
			r_##results_name,                                                          \
			COUNT(r_##results_name)}
#define FUNCTION0(fn, text, number, first, results_name)                                           \
	[MC_FN_##fn] = {text, number, first, NULL, 0, r_##results_name, COUNT(r_##results_name)}

/*
 * The ids are the first four bytes of MD5("mooncake::WrappedMasterService::" + name), the same in
 * every release.
 */
const struct wire_function mc_wire_functions[MC_FN_COUNT] = {
	FUNCTION(EXIST_KEY, "ExistKey", 0x89385f09, V6, key_tenant, flag),
	FUNCTION(BATCH_QUERY_IP, "BatchQueryIp", 0x7ce454a9, V8, query_ip, hosts),
	FUNCTION(BATCH_REPLICA_CLEAR, "BatchReplicaClear", 0x137b01fc, V8, replica_clear, vec_str),
	FUNCTION(GET_REPLICA_LIST_BY_REGEX, "GetReplicaListByRegex", 0xfe6af93c,
		 V6, key_tenant, map_replicas),
	FUNCTION(GET_REPLICA_LIST, "GetReplicaList", 0x1f7ef174, V6, key_tenant, replica_list),
	FUNCTION(BATCH_GET_REPLICA_LIST, "BatchGetReplicaList", 0x1b0d20ff,
		 V6, keys_tenant, batch_get),
	FUNCTION(PUT_START, "PutStart", 0x65ea9ac1, V6, put_start, vec_replica),
	FUNCTION(PUT_END, "PutEnd", 0x8e8b2099, V6, put_end, void),
	FUNCTION(PUT_REVOKE, "PutRevoke", 0xa0767c44, V6, put_revoke, void),
	FUNCTION(BATCH_PUT_START, "BatchPutStart", 0x56be1822, V6, batch_put_start, batch_start),
	FUNCTION(BATCH_PUT_END, "BatchPutEnd", 0x80e020ab, V6, batch_put_end, batch_void),
	FUNCTION(BATCH_PUT_REVOKE, "BatchPutRevoke", 0xb82567aa, V6, batch_put_revoke, batch_void),
	FUNCTION(UPSERT_START, "UpsertStart", 0xa1335e41, V10, put_start, vec_replica),
	FUNCTION(UPSERT_END, "UpsertEnd", 0x2e20e258, V10, put_end, void),
	FUNCTION(UPSERT_REVOKE, "UpsertRevoke", 0x610b042e, V10, put_revoke, void),
	FUNCTION(BATCH_UPSERT_START, "BatchUpsertStart", 0xd564b423,
		 V10, batch_put_start, batch_start),
	FUNCTION(BATCH_UPSERT_END, "BatchUpsertEnd", 0xb1bcd72f, V10, batch_upsert_end, batch_void),
	FUNCTION(BATCH_UPSERT_REVOKE, "BatchUpsertRevoke", 0x9093ae79,
		 V10, batch_upsert_revoke, batch_void),
	FUNCTION(REMOVE, "Remove", 0xf1b09774, V6, remove, void),
	FUNCTION(REMOVE_BY_REGEX, "RemoveByRegex", 0xfccc1fd3, V6, remove, i64),
	FUNCTION(REMOVE_ALL, "RemoveAll", 0xd978ceb0, V6, remove_all, bare_i64),
	FUNCTION(BATCH_REMOVE, "BatchRemove", 0x5902407d, V10, batch_remove, batch_void),
	FUNCTION(MOUNT_SEGMENT, "MountSegment", 0x3e7ec4bb, V6, mount, void),
	FUNCTION(MOUNT_NOF_SEGMENT, "MountNoFSegment", 0x14d3f74c, V11, mount_nof, void),
	FUNCTION(REMOUNT_SEGMENT, "ReMountSegment", 0x0b053b72, V6, remount, void),
	FUNCTION(REMOUNT_NOF_SEGMENT, "ReMountNoFSegment", 0xc15a1a37, V11, remount_nof, void),
	FUNCTION(UNMOUNT_SEGMENT, "UnmountSegment", 0x6f10b465, V6, unmount, void),
	FUNCTION(GRACEFUL_UNMOUNT_SEGMENT, "GracefulUnmountSegment", 0xa4ec3175,
		 V11, graceful, void),
	FUNCTION(UNMOUNT_NOF_SEGMENT, "UnmountNoFSegment", 0xbb263e21, V11, unmount, void),
	FUNCTION0(GET_ALL_NOF_SEGMENTS, "GetAllNoFSegments", 0x04eb3c85, V11, nof_segments),
	FUNCTION(GET_NOF_SEGMENTS_BY_NAME, "GetNoFSegmentsByName", 0x6b194364,
		 V11, name, nof_owners),
	FUNCTION(PING, "Ping", 0xd6c2dae5, V6, client, ping),
	FUNCTION0(GET_FSDIR, "GetFsdir", 0x3e585123, V6, str),
	FUNCTION(QUERY_SEGMENT_STATUS, "QuerySegmentStatus", 0x79b8af8c, V11, name, enum),
	FUNCTION(QUERY_SEGMENT_STATUS_BY_ID, "QuerySegmentStatusById", 0x573fd453, V11, id, enum),
	FUNCTION0(GET_STORAGE_CONFIG, "GetStorageConfig", 0x8da9b0a6, V8, storage),
	FUNCTION(BATCH_EXIST_KEY, "BatchExistKey", 0xb89fa6b0, V6, keys_tenant, batch_bool),
	FUNCTION0(SERVICE_READY, "ServiceReady", 0x7b81bb56, V7, ready),
	FUNCTION(MOUNT_LOCAL_DISK_SEGMENT, "MountLocalDiskSegment", 0x281fc089,
		 V8, client_offloading, void),
	FUNCTION(UNMOUNT_LOCAL_DISK_SEGMENT, "UnmountLocalDiskSegment", 0x59fe76e4,
		 V13, client, void),
	FUNCTION(OFFLOAD_OBJECT_HEARTBEAT, "OffloadObjectHeartbeat", 0x2a9b08f8,
		 V8, client_offloading, offload),
	FUNCTION(REPORT_SSD_CAPACITY, "ReportSsdCapacity", 0x7e109a9c, V11, capacity, void),
	FUNCTION(NOTIFY_OFFLOAD_SUCCESS, "NotifyOffloadSuccess", 0x2df85842,
		 V8, offload_success, void),
	FUNCTION(PROMOTION_OBJECT_HEARTBEAT, "PromotionObjectHeartbeat", 0x0a19072a,
		 V11, client, offload),
	FUNCTION(PROMOTION_ALLOC_START, "PromotionAllocStart", 0x36430f70,
		 V11, promotion_alloc, promoted),
	FUNCTION(NOTIFY_PROMOTION_SUCCESS, "NotifyPromotionSuccess", 0xfe6e3d25,
		 V11, client_key, void),
	FUNCTION(NOTIFY_PROMOTION_FAILURE, "NotifyPromotionFailure", 0xcbecf2b4,
		 V11, client_key, void),
	FUNCTION(COPY_START, "CopyStart", 0x29836d38, V9, copy_start, copy),
	FUNCTION(DYNAMIC_REPLICA_COPY_START, "DynamicReplicaCopyStart", 0x21118d62,
		 V13, dynamic_start, copy),
	FUNCTION(COPY_END, "CopyEnd", 0xf696f1d9, V9, client_key, void),
	FUNCTION(DYNAMIC_REPLICA_COPY_END, "DynamicReplicaCopyEnd", 0x4f22bba4,
		 V13, dynamic_end, void),
	FUNCTION(COPY_REVOKE, "CopyRevoke", 0x1f558b5c, V9, client_key, void),
	FUNCTION(DYNAMIC_REPLICA_COPY_REVOKE, "DynamicReplicaCopyRevoke", 0x99768752,
		 V13, dynamic_end, void),
	FUNCTION(MOVE_START, "MoveStart", 0x458e4ce0, V9, move_start, move),
	FUNCTION(MOVE_END, "MoveEnd", 0x636a8b47, V9, client_key, void),
	FUNCTION(MOVE_REVOKE, "MoveRevoke", 0x919b315f, V9, client_key, void),
	FUNCTION(EVICT_DISK_REPLICA, "EvictDiskReplica", 0xd00ac42b, V10, evict_disk, void),
	FUNCTION(BATCH_EVICT_DISK_REPLICA, "BatchEvictDiskReplica", 0x74d1e980,
		 V10, batch_evict_disk, batch_void),
	FUNCTION(POLL_REMOVE_ALL, "PollRemoveAll", 0x05b21025, V12, client, flag),
	FUNCTION(CREATE_COPY_TASK, "CreateCopyTask", 0x7801dba0, V8, copy_task, uuid),
	FUNCTION(CREATE_MOVE_TASK, "CreateMoveTask", 0x97200d2c, V8, move_task, uuid),
	FUNCTION(QUERY_TASK, "QueryTask", 0x07816a74, V8, id, task),
	FUNCTION(FETCH_TASKS, "FetchTasks", 0xdf141844, V8, fetch_tasks, assignments),
	FUNCTION(MARK_TASK_TO_COMPLETE, "MarkTaskToComplete", 0xa7060015, V8, mark_task, void),

	/* ours: MD5("mooncake::" + name), in the layouts of the newest release */
	FUNCTION(BATCH_PUT_START_WAIT, "BatchPutStartWait", 0x115c5109,
		 V13, batch_put_start_wait, batch_start),
	FUNCTION(CLIENT_FEATURES, "ClientFeatures", 0x1b7bc978, V13, client_features, i64),
};
