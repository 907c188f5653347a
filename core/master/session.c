/* SPDX-License-Identifier: Apache-2.0 */
/* The calls with which a client begins and stays: versions, configuration, Ping. */
#include "core/master/state.h"

/* What clients of 0.3.8 and later compare byte for byte with their own; no wheel's version. */
#define STORE_PROTOCOL "2.0.0"

enum mc_rpc_verdict
mc_master_service_ready(struct master_op *op)
{
	struct mc_result_str result = {0, MC_STR(STORE_PROTOCOL)};

	return mc_op_result(op, &result, 0);
}

/* For the connection, not the client: who comes back on another one, or to another master, asks. */
enum mc_rpc_verdict
mc_master_client_features(struct master_op *op)
{
	uint64_t granted = op->args->features & MC_FEATURE_TRAILER;
	struct mc_result_i64 result = {0, (int64_t)granted};

	op->call->peer->features = granted;
	return mc_op_result(op, &result, 0);
}

enum mc_rpc_verdict
mc_master_storage_config(struct master_op *op)
{
	const struct mc_master_params *params = &op->master->params;
	struct mc_result_storage result = {
		.enable_disk_eviction = params->enable_disk_eviction,
		.quota_bytes = params->quota_bytes,
	};

	return mc_op_result(op, &result, 0);
}

enum mc_rpc_verdict
mc_master_fsdir(struct master_op *op)
{
	struct mc_result_str result = {0};

	/* 0.3.6 says that there is none with an error, later releases with an empty text */
	if (op->answer == MC_RELEASE_0_3_6)
		result.error = mc_wire_error(MC_ERR_INVALID);
	return mc_op_result(op, &result, result.error);
}

enum mc_rpc_verdict
mc_master_ping(struct master_op *op)
{
	struct mc_result_ping result = {0};
	uint32_t client;
	enum mc_status st = mc_client_ref(op->master, op->args->client_id, &client);

	if (st != MC_OK) {
		result.error = mc_wire_error(MC_ERR_INTERNAL);
		return mc_op_result(op, &result, result.error);
	}
	mc_client_touch(op->master, client);
	result.client_status =
		op->master->clients[client].ok ? MC_CLIENT_OK : MC_CLIENT_NEED_REMOUNT;
	return mc_op_result(op, &result, 0);
}
