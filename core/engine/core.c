/* SPDX-License-Identifier: Apache-2.0 */
/* Cores: what an engine has on each lcore, or on the one reactor that its caller polls. */
#include <stdlib.h>
#include <sys/epoll.h>

#include "core/engine/private.h"
#include "mc/log.h"

#define COMPLETIONS_MAX 8192u	/* of one queue: more than the slices of a core */

/* From the start of a cache line; in whole ones, without which aligned_alloc() may refuse. */
static void *
lines_alloc(size_t bytes)
{
	return aligned_alloc(64, (bytes + 63) / 64 * 64);
}

static enum mc_status
slices_create(struct engine_core *core)
{
	core->slices = lines_alloc(core->engine->slices_max * sizeof(*core->slices));
	if (core->slices == NULL)
		return MC_ERR_NO_MEMORY;
	for (uint32_t i = 0; i < core->engine->slices_max; i++) {
		core->slices[i] = (struct engine_slice){0};
		mc_list_add_tail(&core->free, &core->slices[i].queue);
	}
	return MC_OK;
}

static enum mc_status
core_create(struct engine_core *core)
{
	struct mc_engine *engine = core->engine;

	mc_list_init(&core->free);
	mc_list_init(&core->parts);
	mc_list_init(&core->building);
	mc_list_init(&core->flush);
	mc_list_init(&core->draining);
	core->deadline_ns = UINT64_MAX;
	core->timer.expired = engine_core_expired;
	core->poller.poll = engine_core_poll;
	core->poller.sleep = engine_core_sleep;
	for (uint32_t i = 0; i < engine->devs_count; i++) {
		enum mc_status st = engine->devs[i].driver->ops->cq_create(
			engine->devs[i].dev, COMPLETIONS_MAX, &core->cqs[i]);

		if (st != MC_OK)
			return st;
	}
	return slices_create(core);
}

static void
device_ready(struct mc_watch *base, uint32_t events)
{
	struct engine_watch *watch = mc_container_of(base, struct engine_watch, watch);

	*watch->ready = true;
}

struct start {
	_Atomic int32_t status;
};

static void
core_start(void *context, struct engine_core *core)
{
	struct start *start = context;
	struct mc_engine *engine = core->engine;

	for (uint32_t i = 0; i < engine->devs_count; i++) {
		struct engine_watch *watch = &core->watches[i];
		enum mc_status st;

		watch->watch.fd = engine->devs[i].driver->ops->event_fd(core->cqs[i]);
		if (watch->watch.fd < 0)
			continue;
		watch->watch.ready = device_ready;
		watch->watch.events = EPOLLIN;
		watch->ready = &core->ready[i];
		core->ready[i] = true;
		st = mc_watch_add(core->reactor, &watch->watch);
		if (st != MC_OK)
			atomic_store_explicit(&start->status, st, memory_order_relaxed);
	}
	mc_poller_add(core->reactor, &core->poller);
}

static void
core_stop(void *context, struct engine_core *core)
{
	for (uint32_t i = 0; i < core->engine->devs_count; i++)
		mc_watch_del(core->reactor, &core->watches[i].watch);
	mc_timer_stop(core->reactor, &core->timer);
	mc_poller_del(&core->poller);
}

enum mc_status
engine_cores_create(struct mc_engine *engine)
{
	engine->cores_count = engine->poll_inline ? 1 : mc_eal_lcore_count();
	if (engine->cores_count == 0) {
		mc_log_error("engine: no lcores; start the runtime first (mc_eal_start()), or "
			     "poll the engine yourself (poll_inline)");
		return MC_ERR_INVALID;
	}
	engine->active_count = engine->cores_count < ENGINE_SOCKETS_MAX ? engine->cores_count
									 : ENGINE_SOCKETS_MAX;
	engine->cores = lines_alloc(engine->cores_count * sizeof(*engine->cores));
	if (engine->cores == NULL)
		return MC_ERR_NO_MEMORY;
	for (uint32_t i = 0; i < engine->cores_count; i++)
		engine->cores[i] = (struct engine_core){.engine = engine, .index = i};
	for (uint32_t i = 0; i < engine->cores_count; i++) {
		struct mc_reactor_params params = {
			.size = sizeof(params), .name = "mc-inline", .idle = MC_IDLE_INLINE};
		struct engine_core *core = &engine->cores[i];
		enum mc_status st = MC_OK;

		if (engine->reactor != NULL)
			core->reactor = engine->reactor;
		else if (engine->poll_inline)
			st = mc_reactor_create(&params, &core->reactor);
		else
			core->reactor = mc_lcore_reactor(i);
		if (st == MC_OK)
			st = core_create(core);
		if (st != MC_OK)
			return st;
	}
	return MC_OK;
}

enum mc_status
engine_cores_start(struct mc_engine *engine)
{
	struct start start = {.status = MC_OK};

	if (engine->poll_inline)
		core_start(&start, &engine->cores[0]);
	else
		engine_each_core(engine, core_start, &start);
	engine->cores_started = true;
	return (enum mc_status)atomic_load_explicit(&start.status, memory_order_relaxed);
}

void
engine_cores_destroy(struct mc_engine *engine)
{
	if (engine->cores_started && engine->poll_inline)
		core_stop(NULL, &engine->cores[0]);
	else if (engine->cores_started)
		engine_each_core(engine, core_stop, NULL);
	for (uint32_t i = 0; engine->cores != NULL && i < engine->cores_count; i++) {
		struct engine_core *core = &engine->cores[i];

		for (uint32_t d = 0; d < engine->devs_count; d++) {
			if (core->cqs[d] != NULL)
				engine->devs[d].driver->ops->cq_destroy(core->cqs[d]);
		}
		free(core->slices);
		if (engine->poll_inline && engine->reactor == NULL)
			mc_reactor_destroy(core->reactor);
	}
	free(engine->cores);
}
