/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection to the master: one, on which all calls are pipelined. It is made when a call needs
 * it; while the master cannot be reached calls fail at once, but for one attempt now and then.
 *
 * The first call of a connection asks for the features of our own (ClientFeatures). A master
 * answers the calls of one connection in order, so what follows is answered as by a client that has
 * them; a master of upstream's says that it knows no such function, and nothing is different then.
 */
#include <string.h>

#include "core/base/clock.h"
#include "core/store/private.h"
#include "mc/log.h"

#define CONNECT_NS (800 * MC_NS_PER_MS)
#define CALL_NS (30 * MC_NS_PER_S)	/* the op's own deadline comes first */
#define RETRY_MIN_NS (20 * MC_NS_PER_MS)
#define RETRY_MAX_NS (500 * MC_NS_PER_MS)
#define SILENCE_NS (2 * MC_NS_PER_S)
#define DEPTH_MAX 65536u

void
store_args_init(const struct mc_store *store, struct mc_args *args)
{
	mc_args_init(args);
	args->client_id = store->client_id;
	args->tenant_id = store_str(store->tenant);
}

/* ---- the connection ---- */

static void
master_drop(struct mc_msg *msg)
{
	struct store_master *master = mc_container_of(msg, struct store_master, drop);
	struct mc_rpc_client *client = master->client;

	master->dropping = false;
	master->client = NULL;
	master->up = false;
	mc_rpc_client_close(client);
}

static void
master_lost(struct mc_store *store, enum mc_status status)
{
	struct store_master *master = &store->master;
	uint64_t pause = RETRY_MIN_NS << (master->failures < 5 ? master->failures : 5);

	master->up = false;
	master->failures++;
	master->retry_ns = mc_clock_mono_ns() + (pause < RETRY_MAX_NS ? pause : RETRY_MAX_NS);
	store->liveness.ok = false;
	mc_counter_add(&store->counters.rpc_failures, 1);
	if (!master->told)
		mc_log_warn("master %s: %s; calls fail until it is back", master->text,
			    mc_status_text(status));
	master->told = true;
}

static void
master_state(void *context, enum mc_status status)
{
	struct mc_store *store = context;
	struct store_master *master = &store->master;

	if (status == MC_OK) {
		if (master->told)
			mc_log_info("master %s: connected again", master->text);
		master->up = true;
		master->told = false;
		master->failures = 0;
		master->heard_ns = mc_clock_mono_ns();
		return;
	}
	master_lost(store, status);
	/* closed by a message: this is called from inside the client */
	if (!master->dropping) {
		master->dropping = true;
		store_send(store, &master->drop);
	}
}

static void
hello_answered(struct store_call *call, enum mc_status status, const uint8_t *body, size_t len)
{
	struct mc_result_i64 result;

	call->store->master.features = 0;
	if (status == MC_OK &&
	    mc_result_decode(body, len, MC_FN_CLIENT_FEATURES, STORE_RELEASE, &result) == MC_OK &&
	    result.error == 0)
		call->store->master.features = (uint64_t)result.value;
}

static enum mc_status
call_send(struct mc_store *store, struct store_call *call, enum mc_fn fn,
	  const struct mc_args *args);

static enum mc_status
master_open(struct mc_store *store)
{
	struct store_master *master = &store->master;
	struct mc_rpc_client_params params = {
		.size = sizeof(params),
		.reactor = store->home,
		.addr = master->addr,
		.connect_timeout_ns = CONNECT_NS,
		.call_timeout_ns = CALL_NS,
		.depth_max = DEPTH_MAX,
		.state = master_state,
		.context = store,
	};
	struct mc_args args;
	enum mc_status st;

	if (mc_clock_mono_ns() < master->retry_ns)
		return MC_ERR_UNREACHABLE;
	st = mc_rpc_client_open(&params, &master->client);
	if (st != MC_OK) {
		master->client = NULL;
		master_lost(store, st);
		return MC_ERR_UNREACHABLE;
	}
	master->drop.run = master_drop;
	master->hello.answered = hello_answered;
	store_args_init(store, &args);
	args.features = MC_FEATURE_TRAILER;
	return call_send(store, &master->hello, MC_FN_CLIENT_FEATURES, &args);
}

void
store_master_close(struct mc_store *store)
{
	struct store_master *master = &store->master;

	if (master->client != NULL)
		mc_rpc_client_close(master->client);
	master->client = NULL;
	mc_buf_fini(&master->body);
}

void
store_master_doubt(struct mc_store *store)
{
	struct store_master *master = &store->master;

	if (!master->up || master->dropping ||
	    mc_clock_mono_ns() - master->heard_ns < SILENCE_NS)
		return;
	master_lost(store, MC_ERR_TIMEOUT);
	master->dropping = true;
	store_send(store, &master->drop);
}

/* ---- calls ---- */

static void
call_done(struct mc_rpc_pending *pending, enum mc_status status, const uint8_t *body, size_t len)
{
	struct store_call *call = mc_container_of(pending, struct store_call, pending);
	struct store_master *master = &call->store->master;

	if (status == MC_OK || status == MC_ERR_PROTOCOL)
		master->heard_ns = mc_clock_mono_ns();
	if (status == MC_ERR_PROTOCOL) {
		if (call != &master->hello)
			mc_log_warn("master %s: %.*s", master->text, (int)(len < 200 ? len : 200),
				    (const char *)body);
		status = MC_ERR_UNSUPPORTED;
	} else if (status != MC_OK) {
		status = MC_ERR_UNREACHABLE;
	}
	call->answered(call, status, body, len);
}

static enum mc_status
call_send(struct mc_store *store, struct store_call *call, enum mc_fn fn,
	  const struct mc_args *args)
{
	struct store_master *master = &store->master;
	enum mc_status st;

	call->store = store;
	call->pending.done = call_done;
	mc_buf_consume(&master->body, mc_buf_len(&master->body));
	st = mc_request_encode(&master->body, fn, STORE_RELEASE, MC_FORM_SHORT, args);
	if (st != MC_OK)
		return st;
	st = mc_rpc_client_call(master->client, mc_fn_id(fn), master->body.data + master->body.head,
				mc_buf_len(&master->body), &call->pending);
	mc_buf_consume(&master->body, mc_buf_len(&master->body));
	mc_buf_shrink(&master->body, 1u << 20);
	return st == MC_ERR_CONN_CLOSED ? MC_ERR_UNREACHABLE : st;
}

void
store_call(struct mc_store *store, struct store_call *call, enum mc_fn fn,
	   const struct mc_args *args)
{
	struct store_master *master = &store->master;
	enum mc_status st = MC_OK;

	call->store = store;
	if (master->client == NULL)
		st = master_open(store);
	else if (master->dropping)
		st = MC_ERR_UNREACHABLE;
	if (st == MC_OK)
		st = call_send(store, call, fn, args);
	if (st != MC_OK)
		call->answered(call, st == MC_AGAIN ? MC_ERR_BUSY : st, NULL, 0);
}
