/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to the master that block their thread: rare ones, and those of opening and mounting.
 * The thread may stop waiting before the answer is there, so both hold a reference.
 */
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/store/private.h"

struct ask {
	struct mc_msg msg;
	struct store_call call;
	struct mc_timer timer;
	struct mc_store *store;
	enum mc_fn fn;
	const struct mc_args *args;	/* the caller's: only until the call was made */
	uint64_t timeout_ns;
	enum mc_status (*decode)(void *context, const uint8_t *body, size_t len);
	void *context;
	enum mc_status status;
	bool over;			/* the caller was told */
	uint32_t refs;			/* home's: of the call and of the wait */
	struct mc_turn turn;
};

static void
ask_unref(struct ask *ask)
{
	if (--ask->refs == 0)
		free(ask);
}

static void
ask_end(struct ask *ask, enum mc_status status)
{
	ask->over = true;
	ask->status = status;
	mc_timer_stop(ask->store->home, &ask->timer);
	mc_turn_over(&ask->turn);
}

static void
ask_answered(struct store_call *call, enum mc_status status, const uint8_t *body, size_t len)
{
	struct ask *ask = mc_container_of(call, struct ask, call);

	if (!ask->over) {
		if (status == MC_OK)
			status = ask->decode(ask->context, body, len);
		ask_end(ask, status);
	}
	ask_unref(ask);
}

static void
ask_expired(struct mc_timer *timer)
{
	struct ask *ask = mc_container_of(timer, struct ask, timer);

	store_master_doubt(ask->store);
	ask_end(ask, MC_ERR_TIMEOUT);
}

static void
ask_begin(struct mc_msg *msg)
{
	struct ask *ask = mc_container_of(msg, struct ask, msg);

	ask->timer.expired = ask_expired;
	if (mc_timer_start(ask->store->home, &ask->timer,
			   mc_clock_mono_ns() + ask->timeout_ns) != MC_OK) {
		ask_unref(ask);
		ask_end(ask, MC_ERR_NO_MEMORY);
		return;
	}
	ask->call.answered = ask_answered;
	store_call(ask->store, &ask->call, ask->fn, ask->args);
}

/* The caller is through with it. */
static void
ask_leave(struct mc_msg *msg)
{
	ask_unref(mc_container_of(msg, struct ask, msg));
}

enum mc_status
store_ask(struct mc_store *store, enum mc_fn fn, const struct mc_args *args, uint64_t timeout_ns,
	  enum mc_status (*decode)(void *context, const uint8_t *body, size_t len), void *context)
{
	struct ask *ask;
	enum mc_status st;

	if (store_forked(store))
		return MC_ERR_PERMISSION;
	ask = calloc(1, sizeof(*ask));
	if (ask == NULL)
		return MC_ERR_NO_MEMORY;
	ask->store = store;
	ask->fn = fn;
	ask->args = args;
	ask->timeout_ns = timeout_ns;
	ask->decode = decode;
	ask->context = context;
	ask->refs = 2;
	ask->msg.run = ask_begin;
	store_enter(store);
	store_send(store, &ask->msg);
	store_wait(store, &ask->turn);
	st = ask->status;
	ask->msg.run = ask_leave;
	store_send(store, &ask->msg);
	store_leave(store);
	return st;
}

enum mc_status
store_decode_void(enum mc_fn fn, const uint8_t *body, size_t len)
{
	struct mc_result_void result;
	enum mc_status st = mc_result_decode(body, len, fn, STORE_RELEASE, &result);

	return st == MC_OK ? mc_wire_error_status(result.error) : st;
}
