/* SPDX-License-Identifier: Apache-2.0 */
/* The handler of the RPC server: from a frame to the function, and to the answer's bytes. */
#include "core/master/state.h"
#include "core/wire/frame.h"
#include "mc/log.h"

static const master_fn functions[MC_FN_COUNT] = {
	[MC_FN_EXIST_KEY] = mc_master_exist,
	[MC_FN_BATCH_QUERY_IP] = mc_master_query_ip,
	[MC_FN_BATCH_REPLICA_CLEAR] = mc_master_replica_clear,
	[MC_FN_GET_REPLICA_LIST_BY_REGEX] = mc_master_get_by_regex,
	[MC_FN_GET_REPLICA_LIST] = mc_master_get,
	[MC_FN_BATCH_GET_REPLICA_LIST] = mc_master_batch,
	[MC_FN_PUT_START] = mc_master_put_start,
	[MC_FN_PUT_END] = mc_master_put_end,
	[MC_FN_PUT_REVOKE] = mc_master_put_revoke,
	[MC_FN_BATCH_PUT_START] = mc_master_batch,
	[MC_FN_BATCH_PUT_END] = mc_master_batch,
	[MC_FN_BATCH_PUT_REVOKE] = mc_master_batch,
	[MC_FN_UPSERT_START] = mc_master_upsert_start,
	[MC_FN_UPSERT_END] = mc_master_put_end,
	[MC_FN_UPSERT_REVOKE] = mc_master_put_revoke,
	[MC_FN_BATCH_UPSERT_START] = mc_master_batch,
	[MC_FN_BATCH_UPSERT_END] = mc_master_batch,
	[MC_FN_BATCH_UPSERT_REVOKE] = mc_master_batch,
	[MC_FN_REMOVE] = mc_master_remove,
	[MC_FN_REMOVE_BY_REGEX] = mc_master_remove_by_regex,
	[MC_FN_REMOVE_ALL] = mc_master_remove_all,
	[MC_FN_BATCH_REMOVE] = mc_master_batch,
	[MC_FN_MOUNT_SEGMENT] = mc_master_mount,
	[MC_FN_REMOUNT_SEGMENT] = mc_master_remount,
	[MC_FN_UNMOUNT_SEGMENT] = mc_master_unmount,
	[MC_FN_GRACEFUL_UNMOUNT_SEGMENT] = mc_master_unmount_gracefully,
	[MC_FN_PING] = mc_master_ping,
	[MC_FN_GET_FSDIR] = mc_master_fsdir,
	[MC_FN_QUERY_SEGMENT_STATUS] = mc_master_segment_status,
	[MC_FN_QUERY_SEGMENT_STATUS_BY_ID] = mc_master_segment_status_by_id,
	[MC_FN_GET_STORAGE_CONFIG] = mc_master_storage_config,
	[MC_FN_BATCH_EXIST_KEY] = mc_master_batch,
	[MC_FN_SERVICE_READY] = mc_master_service_ready,
	[MC_FN_COPY_START] = mc_master_copy_start,
	[MC_FN_COPY_END] = mc_master_copy_end,
	[MC_FN_COPY_REVOKE] = mc_master_copy_end,
	[MC_FN_MOVE_START] = mc_master_copy_start,
	[MC_FN_MOVE_END] = mc_master_copy_end,
	[MC_FN_MOVE_REVOKE] = mc_master_copy_end,
	[MC_FN_DYNAMIC_REPLICA_COPY_START] = mc_master_dynamic_copy_start,
	[MC_FN_DYNAMIC_REPLICA_COPY_END] = mc_master_dynamic_copy_end,
	[MC_FN_DYNAMIC_REPLICA_COPY_REVOKE] = mc_master_dynamic_copy_end,
	[MC_FN_EVICT_DISK_REPLICA] = mc_master_evict_disk,
	[MC_FN_BATCH_EVICT_DISK_REPLICA] = mc_master_batch,
	[MC_FN_CREATE_COPY_TASK] = mc_master_create_copy_task,
	[MC_FN_CREATE_MOVE_TASK] = mc_master_create_move_task,
	[MC_FN_QUERY_TASK] = mc_master_query_task,
	[MC_FN_FETCH_TASKS] = mc_master_fetch_tasks,
	[MC_FN_MARK_TASK_TO_COMPLETE] = mc_master_mark_task,
	[MC_FN_BATCH_PUT_START_WAIT] = mc_master_put_start_wait,
	[MC_FN_CLIENT_FEATURES] = mc_master_client_features,
	/* the rest: mc_master_absent */
};

void
mc_op_open(struct master_op *op, struct mc_writer *writer, size_t len_max)
{
	/* any replica count and any text of a segment fit as well */
	if (len_max < op->master->text_max)
		len_max = op->master->text_max;
	if (len_max < MC_REPLICAS_MAX)
		len_max = MC_REPLICAS_MAX;
	mc_result_open(writer, op->call->out, op->request->fn, op->answer, MC_FORM_SHORT, len_max);
}

static enum mc_rpc_verdict
answer_error(struct mc_rpc_call *call, uint8_t err_code, const char *text)
{
	if (mc_error_body(call->out, text, MC_FORM_SHORT) != MC_OK)
		return MC_RPC_CLOSE;
	mc_rpc_answer(call, err_code);
	return MC_RPC_ANSWERED;
}

enum mc_rpc_verdict
mc_op_close(struct master_op *op, struct mc_writer *writer)
{
	switch (mc_result_close(writer)) {
	case MC_OK:
		mc_rpc_answer(op->call, MC_FRAME_OK);
		return MC_RPC_ANSWERED;
	case MC_ERR_TOO_LARGE:
		op->failed = true;
		return answer_error(op->call, MC_FRAME_TOO_LARGE, "the answer is too large");
	default:
		return MC_RPC_CLOSE;
	}
}

enum mc_rpc_verdict
mc_op_result(struct master_op *op, const void *result, int32_t error)
{
	struct mc_writer writer;

	op->failed = error != 0;
	mc_op_open(op, &writer, 0);
	mc_result_put(&writer, result);
	return mc_op_close(op, &writer);
}

enum mc_rpc_verdict
mc_op_status(struct master_op *op, enum mc_status status)
{
	struct mc_result_void result = {mc_wire_error(status)};

	return mc_op_result(op, &result, result.error);
}

static void
account(struct master_op *op, enum mc_rpc_verdict verdict)
{
	struct mc_master_stats *stats = &op->master->stats;
	enum mc_fn fn = op->request->fn;

	if (verdict == MC_RPC_LATER)
		return;
	mc_counter_add(&stats->calls[fn], 1);
	if (op->failed)
		mc_counter_add(&stats->failures[fn], 1);
}

static enum mc_release
oldest(mc_release_set set)
{
	return (enum mc_release)__builtin_ctz(set);
}

static enum mc_rpc_verdict
call_reject(struct mc_master *master, struct mc_rpc_call *call, enum mc_status why)
{
	mc_counter_add(&master->stats.rejected, 1);
	MC_LOG_LIMITED(MC_LOG_WARN, "call of function %08x with %u bytes: %s", call->function_id,
		       call->body_len, mc_status_text(why));
	if (why == MC_ERR_UNKNOWN_FUNCTION)
		return answer_error(call, MC_FRAME_NOT_REGISTERED,
				    "the rpc function not registered");
	return answer_error(call, MC_FRAME_INVALID_ARGUMENTS, "invalid rpc arg");
}

static enum mc_rpc_verdict
master_call(void *context, struct mc_rpc_call *call)
{
	struct mc_master *master = context;
	struct master_op op = {.master = master, .call = call};
	struct mc_request request;
	struct mc_args args;
	enum mc_rpc_verdict verdict;
	master_fn function;
	enum mc_status st = mc_request_open(call->function_id, call->body, call->body_len,
					    call->peer->allowed, &request);

	op.request = &request;
	op.args = &args;
	mc_master_serving(master, call);
	if (st == MC_OK && call->job == NULL)
		st = mc_request_decode(&request, &args);
	if (st != MC_OK)
		return call_reject(master, call, st);
	op.release = oldest(request.releases);
	op.answer = mc_release_choose(master, call->peer, &request);
	function = functions[request.fn] != NULL ? functions[request.fn] : mc_master_absent;
	verdict = call->job != NULL ? mc_job_end(&op) : function(&op);
	account(&op, verdict);
	return verdict;
}

static void
master_cancel(void *context, struct mc_rpc_call *call)
{
	mc_job_cancel(call);
}

struct mc_rpc_handler
mc_master_handler(struct mc_master *master)
{
	return (struct mc_rpc_handler){
		.call = master_call, .cancel = master_cancel, .context = master};
}
