/* SPDX-License-Identifier: Apache-2.0 */
/* The exec side of the RPC server: runs the calls of a batch in order and sends it home. */
#include "core/base/assert.h"
#include "core/rpc/conn.h"
#include "core/wire/frame.h"

static struct mc_rpc_server *
batch_server(const struct mc_rpc_batch *batch)
{
	return batch->conn->io->server;
}

/* The rings hold two messages of every connection (see connections_max): a full one is a bug. */
static void
send_certain(struct mc_reactor *to, struct mc_msg *msg)
{
	enum mc_status st = mc_reactor_send(to, msg);

	mc_assert(st == MC_OK);
}

static void
batch_home(struct mc_msg *msg)
{
	struct mc_rpc_batch *batch = mc_container_of(msg, struct mc_rpc_batch, msg);

	mc_rpc_conn_returned(batch->conn);
}

static void
batch_send_home(struct mc_rpc_batch *batch)
{
	batch->msg.run = batch_home;
	send_certain(batch->conn->io->reactor, &batch->msg);
}

static bool
call_begin(struct mc_rpc_batch *batch)
{
	struct mc_rpc_call *call = &batch->call;
	const uint8_t *bytes = batch->in.data + batch->in.head;
	struct mc_frame_request frame;

	mc_frame_request_load(bytes, &frame);
	call->peer = &batch->conn->peer;
	call->function_id = frame.function_id;
	call->seq = frame.seq;
	call->body = bytes + MC_FRAME_REQUEST_LEN;
	call->body_len = frame.body_len;
	call->out = &batch->out;
	call->out_start = batch->out.tail;
	call->batch = batch;
	call->job = NULL;
	call->patient = false;
	if (mc_buf_reserve(&batch->out, MC_FRAME_RESPONSE_LEN) != MC_OK)
		return false;
	/* mc_buf_reserve() may have moved the held bytes to the front */
	call->out_start = batch->out.tail;
	batch->out.tail += MC_FRAME_RESPONSE_LEN;
	return true;
}

void
mc_rpc_answer(struct mc_rpc_call *call, uint8_t err_code)
{
	struct mc_buf *out = call->out;
	struct mc_frame_response frame = {
		.err_code = err_code,
		.seq = call->seq,
		.body_len = (uint32_t)(out->tail - call->out_start - MC_FRAME_RESPONSE_LEN),
	};

	mc_frame_response_store(out->data + call->out_start, &frame);
}

/* Forgets the call that waits; nobody is there for its answer. */
static void
call_abandon(struct mc_rpc_batch *batch)
{
	const struct mc_rpc_handler *handler = &batch_server(batch)->handler;

	batch->waiting = false;
	batch->close = true;
	handler->cancel(handler->context, &batch->call);
	batch->out.tail = batch->call.out_start;
}

/*
 * Runs until all is answered or the answers are many (true), or a call waits (false). What is left
 * of the input then is run when the peer has taken the answers.
 */
static bool
batch_go_on(struct mc_rpc_batch *batch, bool resumed)
{
	const struct mc_rpc_handler *handler = &batch_server(batch)->handler;

	while (mc_buf_len(&batch->in) > 0 &&
	       (resumed || mc_buf_len(&batch->out) < RPC_UNSENT_MAX)) {
		enum mc_rpc_verdict verdict = MC_RPC_CLOSE;

		if (resumed || call_begin(batch))
			verdict = handler->call(handler->context, &batch->call);
		resumed = false;
		if (verdict == MC_RPC_LATER) {
			batch->waiting = true;
			batch->waited = batch->waited || batch->call.patient;
			if (!batch->no_more || !batch->call.patient)
				return false;
			call_abandon(batch);
			return true;
		}
		if (verdict == MC_RPC_CLOSE) {
			batch->out.tail = batch->call.out_start;
			batch->close = true;
			return true;
		}
		batch->calls++;
		mc_buf_consume(&batch->in, MC_FRAME_REQUEST_LEN + batch->call.body_len);
	}
	return true;
}

bool
mc_rpc_batch_run(struct mc_rpc_batch *batch)
{
	return batch_go_on(batch, false);
}

static void
batch_arrived(struct mc_msg *msg)
{
	struct mc_rpc_batch *batch = mc_container_of(msg, struct mc_rpc_batch, msg);

	if (mc_rpc_batch_run(batch))
		batch_send_home(batch);
}

bool
mc_rpc_batch_lend(struct mc_rpc_batch *batch)
{
	struct mc_rpc_server *server = batch_server(batch);

	if (server->exec == batch->conn->io->reactor)
		return mc_rpc_batch_run(batch);
	batch->msg.run = batch_arrived;
	send_certain(server->exec, &batch->msg);
	return false;
}

void
mc_rpc_resume(struct mc_rpc_call *call)
{
	struct mc_rpc_batch *batch = call->batch;

	batch->waiting = false;
	if (batch_go_on(batch, true))
		batch_send_home(batch);
}

static void
cancel_home(struct mc_msg *msg)
{
	struct mc_rpc_conn *conn = mc_container_of(msg, struct mc_rpc_conn, arrive);

	conn->cancelling = false;
	/* closed while exec was told of the end of its input: the batch may wait for ever */
	if (conn->dead && conn->lent)
		mc_rpc_batch_cancel(conn);
	else
		mc_rpc_conn_free(conn);
}

static void
cancel_arrived(struct mc_msg *msg)
{
	struct mc_rpc_conn *conn = mc_container_of(msg, struct mc_rpc_conn, arrive);
	struct mc_rpc_batch *batch = &conn->batch;

	/* Not waiting: the batch is already on its way home, nothing refers to it any more. */
	if (batch->waiting) {
		call_abandon(batch);
		batch_send_home(batch);
	}
	conn->arrive.run = cancel_home;
	send_certain(conn->io->reactor, &conn->arrive);
}

void
mc_rpc_batch_cancel(struct mc_rpc_conn *conn)
{
	conn->cancelling = true;
	conn->arrive.run = cancel_arrived;
	send_certain(batch_server(&conn->batch)->exec, &conn->arrive);
}

static void
no_more_arrived(struct mc_msg *msg)
{
	struct mc_rpc_conn *conn = mc_container_of(msg, struct mc_rpc_conn, arrive);
	struct mc_rpc_batch *batch = &conn->batch;

	batch->no_more = true;
	if (batch->waiting && batch->call.patient) {
		call_abandon(batch);
		batch_send_home(batch);
	}
	conn->arrive.run = cancel_home;
	send_certain(conn->io->reactor, &conn->arrive);
}

void
mc_rpc_batch_no_more(struct mc_rpc_conn *conn)
{
	conn->cancelling = true;
	conn->arrive.run = no_more_arrived;
	send_certain(batch_server(&conn->batch)->exec, &conn->arrive);
}
