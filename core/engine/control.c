/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control thread: a reactor on an unpinned thread, where everything happens that may block or
 * take long. Other threads call it and wait; cores send to it and go on.
 */
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/engine/private.h"
#include "mc/log.h"

_Atomic uint32_t engine_forks;

static void
forked_child(void)
{
	atomic_fetch_add_explicit(&engine_forks, 1, memory_order_relaxed);
}

static void
forks_begin(void)
{
	if (pthread_atfork(NULL, NULL, forked_child) != 0)
		mc_log_warn("engine: pthread_atfork failed; a forked child must not submit");
}

void
engine_forks_count(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, forks_begin);
}

bool
engine_forked(const struct mc_engine *engine)
{
	return engine->pid != getpid();
}

void
engine_send(struct mc_reactor *reactor, struct mc_msg *msg)
{
	/* the ring has room as soon as its reactor has made a pass */
	while (mc_reactor_send(reactor, msg) == MC_AGAIN)
		sched_yield();
}

/* ---- calls ---- */

static void
call_run(struct mc_msg *msg)
{
	struct engine_call *call = mc_container_of(msg, struct engine_call, msg);

	call->run(call);
}

void
engine_call_end(struct engine_call *call, enum mc_status status)
{
	call->status = status;
	if (call->ended != NULL) {
		call->ended(call);
		return;
	}
	atomic_store_explicit(&call->done, 1, memory_order_release);
	/* the caller may be gone by now; a wake-up on its stack that nobody awaits is harmless */
	syscall(SYS_futex, &call->done, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void
engine_call_start(struct mc_engine *engine, struct engine_call *call,
		  void (*run)(struct engine_call *call), void (*ended)(struct engine_call *call))
{
	call->msg.run = call_run;
	call->run = run;
	call->ended = ended;
	call->engine = engine;
	atomic_store_explicit(&call->done, 0, memory_order_relaxed);
	engine_send(engine->control, &call->msg);
}

enum mc_status
engine_call(struct mc_engine *engine, struct engine_call *call,
	    void (*run)(struct engine_call *call))
{
	mc_assert(mc_reactor_self() != engine->control);
	engine_call_start(engine, call, run, NULL);
	while (atomic_load_explicit(&call->done, memory_order_acquire) == 0) {
		/* inline: control may need our core, which nobody but this thread runs */
		if (engine->poll_inline && !engine->driven)
			mc_reactor_poll_as(engine->cores[0].reactor, MC_IDLE_INLINE);
		else
			syscall(SYS_futex, &call->done, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	}
	return call->status;
}

/* ---- asking every core ---- */

struct round {
	_Atomic uint32_t left;
	void (*run)(void *context, struct engine_core *core);
	void *context;
};

struct visit {
	struct mc_msg msg;
	struct engine_core *core;
	struct round *round;
};

static void
visit_run(struct mc_msg *msg)
{
	struct visit *visit = mc_container_of(msg, struct visit, msg);
	struct round *round = visit->round;

	round->run(round->context, visit->core);
	atomic_fetch_sub_explicit(&round->left, 1, memory_order_release);
}

void
engine_each_core(struct mc_engine *engine, void (*run)(void *context, struct engine_core *core),
		 void *context)
{
	struct round round = {.left = engine->cores_count, .run = run, .context = context};
	struct visit visits[MC_LCORE_MAX];

	for (uint32_t i = 0; i < engine->cores_count; i++) {
		visits[i] = (struct visit){
			.msg.run = visit_run, .core = &engine->cores[i], .round = &round};
		engine_send(engine->cores[i].reactor, &visits[i].msg);
	}
	while (atomic_load_explicit(&round.left, memory_order_acquire) > 0)
		sched_yield();
}

/* ---- life ---- */

static void *
control_main(void *arg)
{
	struct mc_engine *engine = arg;

	pthread_setname_np(pthread_self(), "mc-control");
	mc_reactor_run(engine->control);
	return NULL;
}

enum mc_status
engine_control_start(struct mc_engine *engine)
{
	struct mc_reactor_params params = {
		.size = sizeof(params), .name = "mc-control", .idle = MC_IDLE_ADAPTIVE};
	sigset_t all, before;
	enum mc_status st;
	int rc;

	st = mc_reactor_create(&params, &engine->control);
	if (st != MC_OK)
		return st;
	/* signals are the host program's */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&engine->thread, NULL, control_main, engine);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0) {
		mc_log_error("engine: cannot start the control thread: errno %d; raise the limit "
			     "of threads (ulimit -u)", rc);
		return MC_ERR_NO_MEMORY;
	}
	engine->thread_started = true;
	return MC_OK;
}

void
engine_control_stop(struct mc_engine *engine)
{
	if (engine->thread_started) {
		mc_reactor_stop(engine->control);
		pthread_join(engine->thread, NULL);
	}
	mc_reactor_destroy(engine->control);
}
