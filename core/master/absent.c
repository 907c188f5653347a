/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of features that this master does not have: each gets the answer that upstream's master
 * gives where the feature is off, so that a client goes on without it. doc/limits.md lists them.
 */
#include "core/master/state.h"

static enum mc_status
absent_status(const struct master_op *op)
{
	switch (op->request->fn) {
	case MC_FN_MOUNT_LOCAL_DISK_SEGMENT:
		return MC_ERR_OFFLOAD_UNAVAILABLE;
	case MC_FN_OFFLOAD_OBJECT_HEARTBEAT:
	case MC_FN_REPORT_SSD_CAPACITY:
	case MC_FN_NOTIFY_OFFLOAD_SUCCESS:
	case MC_FN_PROMOTION_OBJECT_HEARTBEAT:
	case MC_FN_GET_NOF_SEGMENTS_BY_NAME:
		return MC_ERR_SEGMENT_NOT_FOUND;
	case MC_FN_PROMOTION_ALLOC_START:
	case MC_FN_NOTIFY_PROMOTION_SUCCESS:
		return MC_ERR_REPLICA_NOT_READY;
	/* nothing was begun, so there is nothing to undo */
	case MC_FN_UNMOUNT_LOCAL_DISK_SEGMENT:
	case MC_FN_NOTIFY_PROMOTION_FAILURE:
		return MC_OK;
	default:
		return MC_ERR_UNAVAILABLE_MODE;
	}
}

/* Room for the result of any function; an error is written from its first member alone. */
union any_result {
	int32_t error;
	struct mc_result_bool flag;
	struct mc_result_uuid uuid;
	struct mc_result_vec vec;
	struct mc_result_replica replica;
};

enum mc_rpc_verdict
mc_master_absent(struct master_op *op)
{
	union any_result result = {0};

	/* these two say "none" rather than "no such feature" */
	if (op->request->fn != MC_FN_GET_ALL_NOF_SEGMENTS &&
	    op->request->fn != MC_FN_POLL_REMOVE_ALL)
		result.error = mc_wire_error(absent_status(op));
	return mc_op_result(op, &result, result.error);
}

enum mc_status
mc_evict_disk_key(struct mc_master *master, struct mc_str key, int32_t replica_type)
{
	if (replica_type != MC_REPLICA_DISK && replica_type != MC_REPLICA_LOCAL_DISK)
		return MC_ERR_INVALID;
	if (mc_object_find(master, key, mc_table_hash(key.ptr, key.len)) == MC_OBJECT_NONE)
		return MC_ERR_OBJECT_NOT_FOUND;
	return MC_OK;
}

enum mc_rpc_verdict
mc_master_evict_disk(struct master_op *op)
{
	return mc_op_status(
		op, mc_evict_disk_key(op->master, op->args->key, op->args->replica_type));
}
