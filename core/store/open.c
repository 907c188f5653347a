/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing a store, and what it runs on. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/base/clock.h"
#include "core/store/private.h"
#include "mc/log.h"

#define DEADLINE_MS 5000u
#define RPC_TIMEOUT_MS 900u
#define BUFFER_BYTES (16ull << 20)
#define PROTOCOL_VERSION "2.0.0"	/* what masters of 0.3.8 and newer answer to ServiceReady */
#define PORT_MIN 12300u			/* of names without one: upstream's range */
#define PORT_COUNT 2000u
#define NAME_ATTEMPTS 10u
#define SPIN_NS (100 * MC_NS_PER_US)
#define CLOSE_NS (10 * MC_NS_PER_S)

/* ---- what it runs on ---- */

bool
store_forked(const struct mc_store *store)
{
	return store->pid != getpid();
}

void
store_yield(struct mc_store *store)
{
	if (store->poll_inline)
		mc_reactor_poll(store->home);
	else
		sched_yield();
}

void
store_send(struct mc_store *store, struct mc_msg *msg)
{
	while (mc_reactor_send(store->home, msg) == MC_AGAIN) {
		/* home itself cannot wait for room that it has to make */
		if (mc_reactor_self() == store->home) {
			msg->run(msg);
			return;
		}
		sched_yield();
	}
}

void
store_wait(struct mc_store *store, struct mc_turn *turn)
{
	mc_assert(mc_reactor_self() != store->home);
	if (store->turns != NULL)
		mc_turns_wait(store->turns, turn);
	else
		mc_turn_wait_for(turn, store->poll_inline ? store->home : NULL);
}

struct home_sleep {
	struct mc_msg msg;
	struct mc_timer timer;
	struct mc_store *store;
	uint64_t until_ns;
	struct mc_turn turn;
};

static void
home_slept(struct mc_timer *timer)
{
	mc_turn_over(&mc_container_of(timer, struct home_sleep, timer)->turn);
}

static void
home_sleep_begin(struct mc_msg *msg)
{
	struct home_sleep *sleep = mc_container_of(msg, struct home_sleep, msg);

	sleep->timer.expired = home_slept;
	if (mc_timer_start(sleep->store->home, &sleep->timer, sleep->until_ns) != MC_OK)
		mc_turn_over(&sleep->turn);
}

void
store_sleep(struct mc_store *store, uint64_t ns)
{
	struct home_sleep sleep = {.msg.run = home_sleep_begin,
				   .store = store,
				   .until_ns = mc_clock_mono_ns() + ns};

	store_send(store, &sleep.msg);
	store_wait(store, &sleep.turn);
}

struct home_call {
	struct mc_msg msg;
	void (*run)(void *context);
	void *context;
	struct mc_turn turn;
};

static void
home_call_run(struct mc_msg *msg)
{
	struct home_call *call = mc_container_of(msg, struct home_call, msg);

	call->run(call->context);
	mc_turn_over(&call->turn);
}

void
store_on_home(struct mc_store *store, void (*run)(void *context), void *context)
{
	struct home_call call = {.msg.run = home_call_run, .run = run, .context = context};

	store_send(store, &call.msg);
	store_wait(store, &call.turn);
}

/* ---- parameters ---- */

static enum mc_status
refuse(const char *name, const char *value, const char *fix)
{
	mc_log_error("store: %s=\"%s\": %s", name, value != NULL ? value : "", fix);
	return MC_ERR_INVALID;
}

static enum mc_status
params_check(const struct mc_store_params *params)
{
	const char *protocol = params->protocol;

	if (params->size != sizeof(*params)) {
		mc_log_error("store: params.size is %zu, this library's is %zu: set it to sizeof "
			     "and compile against the headers of the library that runs",
			     params->size, sizeof(*params));
		return MC_ERR_INVALID;
	}
	if (params->hostname == NULL || params->hostname[0] == '\0')
		return refuse("local_hostname", NULL,
			      "missing: give the address by which peers reach this process");
	if (params->metadata == NULL || params->metadata[0] == '\0')
		return refuse("metadata_server", NULL,
			      "missing: give P2PHANDSHAKE or http://host:port/metadata");
	if (protocol != NULL && strcmp(protocol, "tcp") != 0 && strcmp(protocol, "rdma") != 0)
		return refuse("protocol", protocol, "not known: tcp or rdma");
	if (params->master != NULL && strstr(params->master, "://") != NULL)
		return refuse("master_server_address", params->master,
			      "masters found through etcd, redis or k8s are not supported: give "
			      "host:port");
	return MC_OK;
}

static enum mc_status
copy_text(char **to, const char *from)
{
	*to = strdup(from != NULL ? from : "");
	return *to != NULL ? MC_OK : MC_ERR_NO_MEMORY;
}

static uint64_t
ms_or(uint32_t ms, uint32_t fallback)
{
	return (ms != 0 ? ms : fallback) * MC_NS_PER_MS;
}

static enum mc_status
params_take(struct mc_store *store, const struct mc_store_params *params)
{
	const char *upstream = getenv("MOONCAKE_STORE_CHECKSUM");
	const char *master = params->master != NULL ? params->master : "127.0.0.1:50051";
	enum mc_status st;

	store->mount = *params;
	store->put_deadline_ns = ms_or(params->put_deadline_ms, DEADLINE_MS);
	store->get_deadline_ns = ms_or(params->get_deadline_ms, DEADLINE_MS);
	store->rpc_timeout_ns = ms_or(params->rpc_timeout_ms, RPC_TIMEOUT_MS);
	store->checksum = params->checksum;
	store->checksum_upstream = params->checksum_upstream ||
				   (upstream != NULL && strcmp(upstream, "1") == 0);
	store->poll_inline = params->poll_inline;
	st = copy_text(&store->tenant, params->tenant != NULL ? params->tenant : "default");
	if (st == MC_OK)
		st = copy_text(&store->host_id, params->host_id);
	if (st == MC_OK)
		st = copy_text(&store->protocol, params->protocol ? params->protocol : "tcp");
	if (st != MC_OK)
		return st;
	snprintf(store->master.text, sizeof(store->master.text), "%s", master);
	if (mc_net_addr_resolve(master, &store->master.addr) != MC_OK)
		return refuse("master_server_address", master,
			      "not a host:port that can be resolved");
	return MC_OK;
}

/* ---- the engine and its reactor ---- */

/* "host" with P2PHANDSHAKE gets the listener's port; with a metadata server one is drawn. */
static bool
needs_port(const struct mc_store_params *params)
{
	const char *colon = strrchr(params->hostname, ':');
	bool v6 = colon != NULL && strchr(params->hostname, ':') != colon &&
		  params->hostname[0] != '[';

	if (strcmp(params->metadata, "P2PHANDSHAKE") == 0)
		return false;
	return colon == NULL || v6 || strchr(colon, ']') != NULL;
}

/* What the engine could only tell in terms of requests. */
static void
metadata_explain(const struct mc_store_params *params, const char *name, enum mc_status st)
{
	switch (st) {
	case MC_ERR_EXISTS:
		mc_log_error("store: local_hostname=\"%s\": metadata_server \"%s\" has this name "
			     "from another process; give another port, or end that one",
			     name, params->metadata);
		return;
	case MC_ERR_ADDRESS_INVALID:
		if (params->bind_host != NULL)
			return;		/* it, and said so */
		break;
	case MC_ERR_CONN_REFUSED:
	case MC_ERR_CONN_CLOSED:
	case MC_ERR_UNREACHABLE:
	case MC_ERR_TIMEOUT:
	case MC_ERR_PROTOCOL:
	case MC_ERR_NOT_FOUND:
	case MC_ERR_IO:
		break;
	default:
		return;
	}
	mc_log_error("store: metadata_server=\"%s\": %s; is it served there (mc-master "
		     "-enable_http_metadata_server)? P2PHANDSHAKE needs no server",
		     params->metadata, mc_status_text(st));
}

static enum mc_status
engine_make(struct mc_store *store, const struct mc_store_params *params)
{
	struct mc_engine_params how = {
		.size = sizeof(how),
		.metadata = params->metadata,
		.drivers = params->drivers,
		.devices = params->devices != NULL && params->devices[0] != '\0' ? params->devices
										 : NULL,
		.bind_host = params->bind_host,
		.poll_inline = store->reactor != NULL,
	};
	enum mc_status st = MC_ERR_EXISTS;
	char name[300];

	for (uint32_t i = 0; i < NAME_ATTEMPTS && st == MC_ERR_EXISTS; i++) {
		uint32_t port = PORT_MIN + (uint32_t)mc_random_below(&store->random, PORT_COUNT);

		snprintf(name, sizeof(name), "%.255s", params->hostname);
		if (needs_port(params))
			snprintf(name, sizeof(name), "%.255s:%u", params->hostname, port);
		how.name = name;
		st = mc_engine_create_on(&how, store->reactor, &store->engine);
		if (!needs_port(params))
			break;
	}
	if (st != MC_OK && strcmp(params->metadata, "P2PHANDSHAKE") != 0)
		metadata_explain(params, name, st);
	store->engine_own = st == MC_OK;
	if (st == MC_OK)
		st = copy_text(&store->name,
			       strcmp(params->metadata, "P2PHANDSHAKE") == 0
				       ? mc_engine_name(store->engine) : name);
	return st;
}

static enum mc_status
engine_share(struct mc_store *store, const struct mc_store_params *params)
{
	if (mc_engine_inline(params->engine) != params->poll_inline) {
		mc_log_error("store: engine: it runs %s, and poll_inline says otherwise",
			     params->poll_inline ? "on lcores" : "where its caller polls");
		return MC_ERR_INVALID;
	}
	store->engine = params->engine;
	return copy_text(&store->name, mc_engine_name(store->engine));
}

static enum mc_status
home_make(struct mc_store *store, const struct mc_store_params *params)
{
	struct mc_reactor_params how = {.size = sizeof(how), .name = "mc-store",
					.idle = MC_IDLE_INLINE, .spin_ns = SPIN_NS};
	bool lcores = params->engine == NULL && !params->poll_inline && mc_eal_lcore_count() > 0;
	enum mc_status st = MC_OK;

	if (params->engine != NULL) {
		st = engine_share(store, params);
	} else {
		if (!lcores)
			st = mc_reactor_create(&how, &store->reactor);
		if (st == MC_OK)
			st = engine_make(store, params);
	}
	if (st != MC_OK)
		return st;
	store->home = mc_engine_reactor(store->engine);
	if (store->reactor == NULL || params->poll_inline)
		return MC_OK;
	st = mc_turns_create(store->reactor, &store->turns);
	if (st == MC_OK) {
		mc_engine_driven(store->engine, true);
		st = mc_turns_keep(store->turns, "mc-store");
	}
	return st;
}

/* ---- the master ---- */

static enum mc_status
ready_decode(void *context, const uint8_t *body, size_t len)
{
	struct mc_store *store = context;
	struct mc_result_str result;
	enum mc_status st = mc_result_decode(body, len, MC_FN_SERVICE_READY, STORE_RELEASE,
					     &result);

	if (st == MC_OK)
		st = mc_wire_error_status(result.error);
	if (st != MC_OK)
		return st;
	if (result.value.len == strlen(PROTOCOL_VERSION) &&
	    memcmp(result.value.ptr, PROTOCOL_VERSION, result.value.len) == 0)
		return MC_OK;
	mc_log_error("master %s: its protocol is \"%.*s\", ours is \"%s\"", store->master.text,
		     (int)(result.value.len < 32 ? result.value.len : 32), result.value.ptr,
		     PROTOCOL_VERSION);
	return MC_ERR_INVALID_VERSION;
}

static enum mc_status
master_meet(struct mc_store *store)
{
	struct mc_args args;
	enum mc_status st;

	store_args_init(store, &args);
	st = store_ask(store, MC_FN_SERVICE_READY, &args, 3 * MC_NS_PER_S, ready_decode, store);
	if (st != MC_OK && st != MC_ERR_INVALID_VERSION)
		mc_log_error("store: master_server_address=\"%s\": %s; is mc-master or "
			     "mooncake_master running there?",
			     store->master.text, mc_status_text(st));
	return st;
}

/* ---- life ---- */

static void
liveness_start(void *context)
{
	store_liveness_start(context);
}

static void
text_make(struct mc_store *store, const struct mc_store_params *params)
{
	const char *runs = store->turns != NULL ? "its own thread"
			   : store->poll_inline ? "its caller's" : "lcores";

	if (asprintf(&store->text,
		     "store %s: master %s, %llu bytes for the pool, runs on %s, trailers %s\n%s",
		     store->name, store->master.text, (unsigned long long)params->segment_size,
		     runs, (store->master.features & MC_FEATURE_TRAILER) != 0 ? "on" : "off",
		     mc_engine_text(store->engine)) < 0)
		store->text = NULL;
}

static enum mc_status
store_start(struct mc_store *store, const struct mc_store_params *params)
{
	uint64_t buffer = params->buffer_size != 0 ? params->buffer_size : BUFFER_BYTES;
	struct mc_uuid segment;
	enum mc_status st = params_take(store, params);

	if (st == MC_OK)
		st = home_make(store, params);
	if (st == MC_OK)
		st = master_meet(store);
	if (st == MC_OK)
		st = store_pool_open(store, buffer);
	if (st == MC_OK && params->segment_size > 0)
		st = store_mount(store, params->segment_size, &segment);
	if (st != MC_OK)
		return st;
	store_on_home(store, liveness_start, store);
	text_make(store, params);
	return MC_OK;
}

enum mc_status
mc_store_open(const struct mc_store_params *params, struct mc_store **store_out)
{
	struct mc_store *store;
	enum mc_status st = params_check(params);

	if (st != MC_OK)
		return st;
	if (mc_wire_init() != MC_OK)
		return MC_ERR_NO_MEMORY;
	store = calloc(1, sizeof(*store));
	if (store == NULL)
		return MC_ERR_NO_MEMORY;
	store->pid = getpid();
	store->client_id = (struct mc_uuid){mc_random_seed(), mc_random_seed()};
	mc_random_init(&store->random, mc_random_seed());
	mc_list_init(&store->peers);
	mc_list_init(&store->ops);
	mc_list_init(&store->resolving);
	mc_list_init(&store->pool.waiters);
	mc_buf_init(&store->master.body);
	pthread_mutex_init(&store->segments_lock, NULL);
	st = store_start(store, params);
	if (st != MC_OK) {
		mc_store_close(store, MC_STORE_GRACEFUL);
		return st;
	}
	*store_out = store;
	return MC_OK;
}

/* ---- closing ---- */

/* No op, and no thread that was in a call and is not out of it yet. */
static bool
is_idle(struct mc_store *store)
{
	return atomic_load_explicit(&store->outstanding, memory_order_acquire) == 0 &&
	       atomic_load_explicit(&store->callers, memory_order_acquire) == 0;
}

/* Ends what waits for the master or for peers; what moves bytes ends by itself. */
static void
ops_cancel(void *context)
{
	struct mc_store *store = context;
	struct mc_list *node = store->ops.next;

	store_liveness_stop(store);
	while (node != &store->ops) {
		struct store_op *op = mc_container_of(node, struct store_op, link);

		node = node->next;
		if (op->stage == OP_MOVING)
			continue;
		if (op->kind == MC_STORE_PUT || op->kind == MC_STORE_UPSERT)
			store_put_expired(op);
		store_op_fail(op, MC_ERR_CANCELED);
		/* that may have ended others */
		node = store->ops.next;
	}
}

static void
ops_finish(struct mc_store *store)
{
	uint64_t until = mc_clock_mono_ns() + store->put_deadline_ns + store->get_deadline_ns +
			 CLOSE_NS;

	do {
		store_on_home(store, ops_cancel, store);
		if (is_idle(store))
			return;
		store_sleep(store, MC_NS_PER_MS);
	} while (mc_clock_mono_ns() < until);
}

static void
segments_drop(struct mc_store *store, enum mc_store_close how)
{
	while (store->segments_count > 0) {
		struct mc_uuid id = store->segments[0].id;

		if (how == MC_STORE_GRACEFUL)
			store_unmount(store, id, 0);
		else
			store_segment_forget(store, id);
	}
}

static void
master_close(void *context)
{
	store_master_close(context);
}

static void
peers_close(struct mc_store *store)
{
	while (!mc_list_empty(&store->peers)) {
		struct store_peer *peer =
			mc_container_of(store->peers.next, struct store_peer, link);

		mc_list_del(&peer->link);
		mc_segment_close(peer->segment);
		free(peer);
	}
}

static bool
peers_opening(struct mc_store *store)
{
	for (struct mc_list *node = store->peers.next; node != &store->peers; node = node->next) {
		if (mc_container_of(node, struct store_peer, link)->state == PEER_OPENING)
			return true;
	}
	return false;
}

static void
peers_count(void *context)
{
	struct mc_store *store = context;

	store->opening = peers_opening(store);
}

/* Those that are being opened answer within their time-out. */
static void
peers_settle(struct mc_store *store)
{
	store_on_home(store, peers_count, store);
	while (store->opening) {
		store_sleep(store, MC_NS_PER_MS);
		store_on_home(store, peers_count, store);
	}
}

static void
store_free(struct mc_store *store)
{
	if (store->turns != NULL) {
		mc_turns_leave(store->turns);
		mc_engine_driven(store->engine, false);
	}
	if (store->engine_own)
		mc_engine_destroy(store->engine);
	mc_turns_destroy(store->turns);
	mc_reactor_destroy(store->reactor);
	pthread_mutex_destroy(&store->segments_lock);
	free(store->iov);
	free(store->tenant);
	free(store->host_id);
	free(store->protocol);
	free(store->name);
	free(store->text);
	free(store);
}

void
mc_store_close(struct mc_store *store, enum mc_store_close how)
{
	if (store == NULL || store_forked(store))
		return;
	if (store->home != NULL) {
		atomic_store_explicit(&store->closing, true, memory_order_release);
		ops_finish(store);
		segments_drop(store, how);
		store_on_home(store, master_close, store);
		peers_settle(store);
		store_pool_close(store);
		peers_close(store);
		for (uint32_t i = 0; i < store->batches_count; i++)
			mc_batch_free(store->batches[i]);
	}
	store_free(store);
}
