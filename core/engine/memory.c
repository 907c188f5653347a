/* SPDX-License-Identifier: Apache-2.0 */
/* Registrations: memory of ours, known to every device, attached on every core, and published. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/engine/private.h"
#include "mc/log.h"

#define PUBLISH_TIMEOUT_NS (5 * MC_NS_PER_S)

struct mem_call {
	struct engine_call call;
	struct mc_engine_mem *mem;
	const void *addr;		/* to find */
	struct mc_engine_mem *found;
};

static bool
overlap(const void *a, uint64_t a_length, const void *b, uint64_t b_length)
{
	return (uintptr_t)a < (uintptr_t)b + b_length && (uintptr_t)b < (uintptr_t)a + a_length;
}

/* ---- devices ---- */

/* One mem after the other, each as long as the device takes. */
static enum mc_status
mem_reg_dev(struct mc_engine_mem *mem, struct mc_dev *dev)
{
	const struct mc_driver_ops *ops = dev->driver->ops;
	uint64_t done = 0;

	while (done < mem->span.length) {
		struct mc_span span = mem->span;
		uint64_t left = span.length - done;
		struct mc_mem **grown = realloc(mem->mems, (mem->mems_count + 1) * sizeof(*grown));
		enum mc_status st;

		if (grown == NULL)
			return MC_ERR_NO_MEMORY;
		mem->mems = grown;
		span.addr = (char *)span.addr + done;
		span.fd_offset += done;
		span.length = left < dev->limits.mr_bytes_max ? left : dev->limits.mr_bytes_max;
		st = ops->mem_reg(dev, &span, &mem->mems[mem->mems_count]);
		if (st != MC_OK)
			return st;
		mem->mems_count++;
		done += span.length;
	}
	return MC_OK;
}

static struct mc_cq *
core_cq(const struct engine_core *core, const struct mc_dev *dev)
{
	for (uint32_t i = 0; i < core->engine->devs_count; i++) {
		if (core->engine->devs[i].dev == dev)
			return core->cqs[i];
	}
	return NULL;
}

struct attach {
	struct mc_engine_mem *mem;
	_Atomic int32_t status;
};

static void
attach_on_core(void *context, struct engine_core *core)
{
	struct attach *attach = context;

	for (uint32_t i = 0; i < attach->mem->mems_count; i++) {
		struct mc_mem *mem = attach->mem->mems[i];
		enum mc_status st = mem->dev->driver->ops->mem_attach(core_cq(core, mem->dev), mem);

		if (st != MC_OK)
			atomic_store_explicit(&attach->status, st, memory_order_relaxed);
	}
	engine_core_look(core);
}

static void
detach_on_core(void *context, struct engine_core *core)
{
	struct attach *attach = context;

	for (uint32_t i = 0; i < attach->mem->mems_count; i++) {
		struct mc_mem *mem = attach->mem->mems[i];

		mem->dev->driver->ops->mem_detach(core_cq(core, mem->dev), mem);
	}
	engine_core_look(core);
}

static void
mem_drop(struct mc_engine_mem *mem)
{
	struct attach attach = {.mem = mem};

	if (mem->attached)
		engine_each_core(mem->engine, detach_on_core, &attach);
	for (uint32_t i = 0; i < mem->mems_count; i++)
		mem->mems[i]->dev->driver->ops->mem_unreg(mem->mems[i]);
	if (mem->region != NULL)
		mc_region_unref(mem->region);
	free(mem->mems);
	free(mem);
}

static enum mc_status
mem_reg_devs(struct mc_engine_mem *mem)
{
	struct mc_engine *engine = mem->engine;
	struct attach attach = {.mem = mem};

	for (uint32_t i = 0; i < engine->devs_count; i++) {
		struct engine_dev *dev = &engine->devs[i];
		enum mc_status st;

		/* what peers shall not reach, and our side needs no registration for, is nothing */
		if (mem->local_only && !(dev->driver->caps & MC_CAP_LOCAL_REG))
			continue;
		st = mem_reg_dev(mem, dev->dev);
		if (st != MC_OK)
			return st;
	}
	if (!mem->local_only) {
		mem->attached = true;
		engine_each_core(engine, attach_on_core, &attach);
	}
	return (enum mc_status)atomic_load_explicit(&attach.status, memory_order_relaxed);
}

/* ---- on control ---- */

static void
mem_published(void *context, enum mc_status status)
{
	struct mem_call *call = context;

	if (status != MC_OK) {
		mc_log_error("engine %s: cannot publish memory: %s",
			     mc_engine_name(call->call.engine), mc_status_text(status));
		mc_list_del(&call->mem->link);
		mem_drop(call->mem);
	}
	engine_call_end(&call->call, status);
}

static void
mem_reg_run(struct engine_call *base)
{
	struct mem_call *call = mc_container_of(base, struct mem_call, call);
	struct mc_engine *engine = base->engine;
	struct mc_engine_mem *mem = call->mem;
	struct mc_desc *desc;
	enum mc_status st;

	for (struct mc_list *node = engine->mems.next; node != &engine->mems; node = node->next) {
		struct mc_engine_mem *other = mc_container_of(node, struct mc_engine_mem, link);

		if (!overlap(mem->span.addr, mem->span.length, other->span.addr,
			     other->span.length))
			continue;
		mc_log_error("memory [%p, +%llu) overlaps with [%p, +%llu), which is registered; "
			     "unregister that first", mem->span.addr,
			     (unsigned long long)mem->span.length, other->span.addr,
			     (unsigned long long)other->span.length);
		mem_drop(mem);
		engine_call_end(base, MC_ERR_EXISTS);
		return;
	}
	st = mem_reg_devs(mem);
	if (st != MC_OK) {
		mem_drop(mem);
		engine_call_end(base, st);
		return;
	}
	mc_list_add_tail(&engine->mems, &mem->link);
	if (mem->local_only) {
		engine_call_end(base, MC_OK);
		return;
	}
	desc = engine_describe(engine);
	if (desc == NULL) {
		mem_published(call, MC_ERR_NO_MEMORY);
		return;
	}
	engine->directory->publish(engine->peer, desc, PUBLISH_TIMEOUT_NS, mem_published, call);
	mc_desc_free(desc);
}

static void
busy_on_core(void *context, struct engine_core *core)
{
	struct attach *attach = context;
	const struct mc_span *span = &attach->mem->span;

	for (struct mc_list *node = core->parts.next; node != &core->parts; node = node->next) {
		const struct mc_batch *batch =
			mc_container_of(node, struct engine_part, link)->batch;

		for (uint32_t i = 0; i < batch->pieces_count; i++) {
			if (overlap(span->addr, span->length, batch->pieces[i].addr,
				    batch->pieces[i].length))
				atomic_store_explicit(&attach->status, MC_ERR_BUSY,
						      memory_order_relaxed);
		}
	}
}

/* The memory is out of reach by now, whether or not that was heard. */
static void
mem_unpublished(void *context, enum mc_status status)
{
	struct mem_call *call = context;

	if (status != MC_OK)
		mc_log_warn("engine %s: unregistered memory is still published: %s",
			    mc_engine_name(call->call.engine), mc_status_text(status));
	engine_call_end(&call->call, MC_OK);
}

static void
mem_unreg_run(struct engine_call *base)
{
	struct mem_call *call = mc_container_of(base, struct mem_call, call);
	struct mc_engine *engine = base->engine;
	struct attach busy = {.mem = call->mem};
	bool local_only = call->mem->local_only;
	struct mc_desc *desc;

	/*
	 * Twice: a batch that a core shared out after another one was asked has reached that one,
	 * when all have answered.
	 */
	engine_each_core(engine, busy_on_core, &busy);
	engine_each_core(engine, busy_on_core, &busy);
	if (atomic_load_explicit(&busy.status, memory_order_relaxed) != MC_OK) {
		engine_call_end(base, MC_ERR_BUSY);
		return;
	}
	mc_list_del(&call->mem->link);
	mem_drop(call->mem);
	/* without a peer: the engine is being destroyed, and has told so */
	if (local_only || engine->peer == NULL) {
		engine_call_end(base, MC_OK);
		return;
	}
	desc = engine_describe(engine);
	if (desc == NULL) {
		mem_unpublished(call, MC_ERR_NO_MEMORY);
		return;
	}
	engine->directory->publish(engine->peer, desc, PUBLISH_TIMEOUT_NS, mem_unpublished, call);
	mc_desc_free(desc);
}

static void
mem_find_run(struct engine_call *base)
{
	struct mem_call *call = mc_container_of(base, struct mem_call, call);
	struct mc_engine *engine = base->engine;

	for (struct mc_list *node = engine->mems.next; node != &engine->mems; node = node->next) {
		struct mc_engine_mem *mem = mc_container_of(node, struct mc_engine_mem, link);

		if (mem->span.addr == call->addr)
			call->found = mem;
	}
	engine_call_end(base, MC_OK);
}

/* ---- the API ---- */

static void
location_set(struct mc_engine_mem *mem, const struct mc_mem_params *params)
{
	if (params != NULL && params->location != NULL)
		snprintf(mem->location, sizeof(mem->location), "%s", params->location);
	else
		mc_location_write(mc_mem_node(mem->span.addr), mem->location);
}

enum mc_status
mc_engine_mem_reg(struct mc_engine *engine, void *addr, uint64_t length,
		  const struct mc_mem_params *params, struct mc_engine_mem **mem_out)
{
	struct mem_call call = {0};
	struct mc_engine_mem *mem;
	enum mc_status st;

	if (engine_forked(engine))
		return MC_ERR_PERMISSION;
	if (params != NULL && (params->size != sizeof(*params) ||
			       (params->location != NULL &&
				strlen(params->location) >= sizeof(mem->location))))
		return MC_ERR_INVALID;
	mem = calloc(1, sizeof(*mem));
	if (mem == NULL)
		return MC_ERR_NO_MEMORY;
	mem->engine = engine;
	mem->local_only = params != NULL && params->local_only;
	st = mc_mem_span(addr, length, &mem->span, &mem->region);
	if (st != MC_OK) {
		free(mem);
		return st;
	}
	location_set(mem, params);
	call.mem = mem;
	st = engine_call(engine, &call.call, mem_reg_run);
	if (st == MC_OK)
		*mem_out = mem;
	return st;
}

enum mc_status
mc_engine_mem_unreg(struct mc_engine_mem *mem)
{
	struct mem_call call = {.mem = mem};

	if (mem == NULL)
		return MC_OK;
	if (engine_forked(mem->engine))
		return MC_ERR_PERMISSION;
	return engine_call(mem->engine, &call.call, mem_unreg_run);
}

struct mc_engine_mem *
mc_engine_mem_find(struct mc_engine *engine, const void *addr)
{
	struct mem_call call = {.addr = addr};

	if (engine_forked(engine))
		return NULL;
	engine_call(engine, &call.call, mem_find_run);
	return call.found;
}
