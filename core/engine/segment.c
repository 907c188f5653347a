/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments: opened by name, learned anew when in doubt, closed. All on the control thread, but for
 * the entry points at the end.
 *
 * What a failure means is told by asking again. The same descriptor: the way to the peer failed,
 * and is tried again after a while. Another one: the peer was restarted; what was submitted for its
 * earlier life fails, as its addresses are void. None: the peer is not there; transfers fail at
 * once until it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/engine/private.h"
#include "mc/log.h"

#define REFRESH_TIMEOUT_NS (2 * MC_NS_PER_S)
#define REFRESH_PAUSE_NS (20 * MC_NS_PER_MS)

/* ---- life ---- */

static void
segment_free(struct mc_segment *segment)
{
	mc_desc_free(segment->desc);
	free(segment->links);
	free(segment->wanted);
	free(segment->name);
	free(segment);
}

/* Takes @desc, on success only. */
static enum mc_status
segment_create(struct mc_engine *engine, const char *name, struct mc_desc *desc,
	       struct mc_segment **segment_out)
{
	struct mc_segment *segment =
		calloc(1, sizeof(*segment) + engine->cores_count * sizeof(segment->peers[0]));

	if (segment == NULL)
		return MC_ERR_NO_MEMORY;
	segment->engine = engine;
	segment->name = strdup(name);
	segment->wanted = calloc(engine->cores_count, sizeof(*segment->wanted));
	if (segment->name == NULL || segment->wanted == NULL ||
	    engine_links_create(segment) != MC_OK) {
		segment_free(segment);
		return MC_ERR_NO_MEMORY;
	}
	for (uint32_t i = 0; i < engine->cores_count; i++) {
		struct engine_peer *peer = &segment->peers[i];

		peer->segment = segment;
		peer->core = &engine->cores[i];
		peer->ask.run = engine_segment_asked;
		mc_list_init(&peer->waiting);
	}
	mc_list_init(&segment->waiters);
	segment->desc = desc;
	segment->learned_ns = mc_clock_mono_ns();
	segment->refs = 1;
	mc_list_add_tail(&engine->segments, &segment->link);
	*segment_out = segment;
	return MC_OK;
}

void
engine_segment_let(struct mc_segment *segment)
{
	struct mc_engine *engine = segment->engine;
	struct engine_call *closed = segment->closed;

	if (--segment->holds > 0 || !segment->closing)
		return;
	mc_timer_stop(engine->control, &segment->probe);
	mc_list_del(&segment->link);
	segment_free(segment);
	if (closed != NULL)
		engine_call_end(closed, MC_OK);
	if (engine->closing != NULL && mc_list_empty(&engine->segments))
		engine_call_end(engine->closing, MC_OK);
}

static struct mc_segment *
segment_find(struct mc_engine *engine, const char *name)
{
	struct mc_list *node = engine->segments.next;

	for (; node != &engine->segments; node = node->next) {
		struct mc_segment *segment = mc_container_of(node, struct mc_segment, link);

		if (!segment->closing && strcmp(segment->name, name) == 0)
			return segment;
	}
	return NULL;
}

/* ---- telling cores ---- */

void
engine_segment_verdict(struct mc_segment *segment, uint32_t core, enum mc_status status)
{
	struct engine_verdict *verdict = calloc(1, sizeof(*verdict));

	if (verdict == NULL)
		return;		/* the deadlines end what waits */
	verdict->msg.run = engine_verdict_run;
	verdict->peer = &segment->peers[core];
	verdict->generation = atomic_load_explicit(&segment->generation, memory_order_relaxed);
	verdict->status = status;
	engine_send(segment->engine->cores[core].reactor, &verdict->msg);
}

static void
cores_tell(struct mc_segment *segment, enum mc_status status)
{
	for (uint32_t i = 0; i < segment->engine->cores_count; i++) {
		if (segment->wanted[i])
			engine_segment_verdict(segment, i, status);
	}
}

/* What they learn is the descriptor that is known, new or not. */
static void
waiters_end(struct mc_segment *segment)
{
	while (!mc_list_empty(&segment->waiters)) {
		struct segment_call *call =
			mc_container_of(segment->waiters.next, struct segment_call, link);

		mc_list_del(&call->link);
		call->call.run(&call->call);
	}
}

/* ---- learning ---- */

static bool
same_life(const struct mc_desc *a, const struct mc_desc *b)
{
	if (a->own.version > 0 || b->own.version > 0)
		return a->own.version > 0 && b->own.version > 0 &&
		       a->own.instance == b->own.instance;
	return a->tcp_data_port == b->tcp_data_port && strcmp(a->protocol, b->protocol) == 0 &&
	       strcmp(a->tcp_data_host, b->tcp_data_host) == 0;
}

static bool
same_buffers(const struct mc_desc *a, const struct mc_desc *b)
{
	if (a->buffers_count != b->buffers_count)
		return false;
	for (uint32_t i = 0; i < a->buffers_count; i++) {
		if (a->buffers[i].addr != b->buffers[i].addr ||
		    a->buffers[i].length != b->buffers[i].length)
			return false;
	}
	return true;
}

static void
segment_learn(struct mc_segment *segment, struct mc_desc *desc)
{
	struct mc_desc *old = segment->desc;

	segment->desc = desc;
	segment->learned_ns = mc_clock_mono_ns();
	segment->misses = 0;
	if (!same_life(old, desc)) {
		mc_log_info("segment %s: its process was restarted", segment->name);
		atomic_fetch_add_explicit(&segment->generation, 1, memory_order_release);
		engine_links_reset(segment);
	} else if (!same_buffers(old, desc)) {
		engine_links_renew(segment);
	}
	mc_desc_free(old);
}

static void
probe_again(struct mc_timer *timer)
{
	engine_segment_refresh(mc_container_of(timer, struct mc_segment, probe));
}

/* A peer that cannot be found: definitely, or only for now? */
static void
segment_missed(struct mc_segment *segment, enum mc_status status)
{
	struct mc_reactor *control = segment->engine->control;
	bool definite = status == MC_ERR_CONN_REFUSED || status == MC_ERR_NOT_FOUND ||
			status == MC_ERR_BAD_MESSAGE;

	segment->misses++;
	if (definite || segment->misses >= ENGINE_FAILURES_MAX)
		cores_tell(segment, status);
	segment->probe.expired = probe_again;
	if (mc_timer_start(control, &segment->probe,
			   mc_clock_mono_ns() + engine_backoff_ns(segment->misses)) != MC_OK)
		cores_tell(segment, MC_ERR_NO_MEMORY);
}

static void
segment_resolved(void *context, enum mc_status status, struct mc_desc *desc)
{
	struct mc_segment *segment = context;
	struct mc_engine *engine = segment->engine;

	segment->resolving = false;
	if (segment->closing) {
		mc_desc_free(desc);
	} else if (status != MC_OK) {
		segment_missed(segment, status);
	} else {
		segment_learn(segment, desc);
		cores_tell(segment, MC_OK);
		for (uint32_t i = 0; i < engine->cores_count; i++) {
			if (segment->wanted[i])
				engine_links_want(segment, i);
		}
	}
	waiters_end(segment);
	engine_segment_let(segment);
}

void
engine_segment_refresh(struct mc_segment *segment)
{
	struct mc_engine *engine = segment->engine;

	if (segment->resolving || segment->closing)
		return;
	segment->resolving = true;
	segment->holds++;
	engine->directory->resolve(engine->peer, segment->name, REFRESH_TIMEOUT_NS,
				   segment_resolved, segment);
}

/* At once, or when the pause since the last time is over: wrong addresses come in numbers. */
static void
refresh_soon(struct mc_segment *segment)
{
	uint64_t due = segment->learned_ns + REFRESH_PAUSE_NS;

	segment->probe.expired = probe_again;
	if (mc_clock_mono_ns() >= due ||
	    mc_timer_start(segment->engine->control, &segment->probe, due) != MC_OK)
		engine_segment_refresh(segment);
}

void
engine_segment_asked(struct mc_msg *msg)
{
	struct engine_peer *peer = mc_container_of(msg, struct engine_peer, ask);
	struct mc_segment *segment = peer->segment;
	uint32_t core = peer->core->index;

	segment->wanted[core] = true;
	if (segment->closing || segment->resolving || segment->misses > 0)
		return;		/* the answer is on its way */
	if (!atomic_load_explicit(&peer->refresh, memory_order_relaxed))
		engine_links_want(segment, core);
	else
		refresh_soon(segment);
}

/* ---- calls, on control ---- */

static void
open_resolved(void *context, enum mc_status status, struct mc_desc *desc)
{
	struct segment_call *call = context;
	struct mc_engine *engine = call->call.engine;

	if (status != MC_OK) {
		engine_call_end(&call->call, status);
		return;
	}
	/* opened by another thread in the meantime */
	call->segment = segment_find(engine, call->name);
	if (call->segment != NULL) {
		call->segment->refs++;
		mc_desc_free(desc);
		engine_call_end(&call->call, MC_OK);
		return;
	}
	if (!engine_links_possible(engine, desc)) {
		mc_log_error("segment %s: it offers nothing that is used here: protocol %s, our "
			     "drivers are %s", call->name, desc->protocol, engine->drivers_text);
		mc_desc_free(desc);
		engine_call_end(&call->call, MC_ERR_UNSUPPORTED);
		return;
	}
	status = segment_create(engine, call->name, desc, &call->segment);
	if (status != MC_OK)
		mc_desc_free(desc);
	engine_call_end(&call->call, status);
}

static void
open_run(struct engine_call *base)
{
	struct segment_call *call = mc_container_of(base, struct segment_call, call);
	struct mc_engine *engine = base->engine;

	call->segment = segment_find(engine, call->name);
	if (call->segment != NULL) {
		call->segment->refs++;
		engine_call_end(base, MC_OK);
		return;
	}
	engine->directory->resolve(engine->peer, call->name, call->timeout_ns, open_resolved,
				   call);
}

static void
close_run(struct engine_call *base)
{
	struct segment_call *call = mc_container_of(base, struct segment_call, call);
	struct mc_segment *segment = call->segment;

	if (--segment->refs > 0) {
		engine_call_end(base, MC_OK);
		return;
	}
	segment->closed = base;
	engine_links_close(segment);
}

void
engine_segments_close(struct engine_call *call)
{
	struct mc_engine *engine = call->engine;

	if (mc_list_empty(&engine->segments)) {
		engine_call_end(call, MC_OK);
		return;
	}
	engine->closing = call;
	for (struct mc_list *node = engine->segments.next; node != &engine->segments;
	     node = node->next) {
		struct mc_segment *segment = mc_container_of(node, struct mc_segment, link);

		if (!segment->closing)
			engine_links_close(segment);
	}
}

static void
buffers_copy(struct engine_call *base)
{
	struct segment_call *call = mc_container_of(base, struct segment_call, call);
	const struct mc_desc *desc = call->segment->desc;

	call->count = desc->buffers_count;
	for (uint32_t i = 0; i < desc->buffers_count && i < call->max; i++) {
		struct mc_segment_buffer *out = &call->buffers[i];

		out->addr = desc->buffers[i].addr;
		out->length = desc->buffers[i].length;
		snprintf(out->location, sizeof(out->location), "%s", desc->buffers[i].name);
	}
	engine_call_end(base, MC_OK);
}

static void
buffers_refresh_run(struct engine_call *base)
{
	struct segment_call *call = mc_container_of(base, struct segment_call, call);

	base->run = buffers_copy;
	mc_list_add_tail(&call->segment->waiters, &call->link);
	engine_segment_refresh(call->segment);
}

static void
told(void *context, enum mc_status status)
{
	struct segment_call *call = context;

	engine_call_end(&call->call, status);
}

static void
notify_run(struct engine_call *base)
{
	struct segment_call *call = mc_container_of(base, struct segment_call, call);
	struct mc_engine *engine = base->engine;

	engine->directory->notify(engine->peer, call->segment->name, call->name, call->text,
				  call->timeout_ns, told, call);
}

static void
probe_run(struct engine_call *base)
{
	struct segment_call *call = mc_container_of(base, struct segment_call, call);
	struct mc_engine *engine = base->engine;

	engine->directory->probe(engine->peer, call->segment->name, call->timeout_ns, told, call);
}

/* ---- the API ---- */

enum mc_status
mc_segment_open(struct mc_engine *engine, const char *name, uint64_t timeout_ns,
		struct mc_segment **segment_out)
{
	struct segment_call call = {.timeout_ns = timeout_ns};
	enum mc_status st;

	if (engine_forked(engine))
		return MC_ERR_PERMISSION;
	while (*name == '/')	/* as upstream does */
		name++;
	if (*name == '\0')
		return MC_ERR_INVALID;
	call.name = name;
	st = engine_call(engine, &call.call, open_run);
	if (st == MC_OK)
		*segment_out = call.segment;
	return st;
}

/* An open that nobody waits for. */
struct segment_opening {
	struct segment_call call;
	void (*done)(void *context, enum mc_status status, struct mc_segment *segment);
	void *context;
	char name[];
};

static void
opening_ended(struct engine_call *base)
{
	struct segment_call *call = mc_container_of(base, struct segment_call, call);
	struct segment_opening *opening = mc_container_of(call, struct segment_opening, call);

	opening->done(opening->context, base->status, call->segment);
	free(opening);
}

enum mc_status
mc_segment_open_start(struct mc_engine *engine, const char *name, uint64_t timeout_ns,
		      void (*done)(void *context, enum mc_status status,
				   struct mc_segment *segment),
		      void *context)
{
	size_t length = strlen(name) + 1;
	struct segment_opening *opening = calloc(1, sizeof(*opening) + length);

	if (opening == NULL)
		return MC_ERR_NO_MEMORY;
	memcpy(opening->name, name, length);
	opening->call.name = opening->name;
	opening->call.timeout_ns = timeout_ns;
	opening->done = done;
	opening->context = context;
	engine_call_start(engine, &opening->call.call, open_run, opening_ended);
	return MC_OK;
}

void
mc_segment_close(struct mc_segment *segment)
{
	struct segment_call call = {.segment = segment};

	if (segment != NULL && !engine_forked(segment->engine))
		engine_call(segment->engine, &call.call, close_run);
}

uint32_t
mc_segment_buffers(struct mc_segment *segment, bool refresh, struct mc_segment_buffer *buffers_out,
		   uint32_t max)
{
	struct segment_call call = {.segment = segment, .buffers = buffers_out, .max = max};

	if (engine_forked(segment->engine))
		return 0;
	engine_call(segment->engine, &call.call, refresh ? buffers_refresh_run : buffers_copy);
	return call.count;
}

const char *
mc_segment_driver(const struct mc_segment *segment)
{
	return atomic_load_explicit(&segment->driver, memory_order_relaxed);
}

enum mc_status
mc_segment_notify(struct mc_segment *segment, const char *name, const char *text,
		  uint64_t timeout_ns)
{
	struct segment_call call = {
		.segment = segment, .name = name, .text = text, .timeout_ns = timeout_ns};

	if (engine_forked(segment->engine))
		return MC_ERR_PERMISSION;
	return engine_call(segment->engine, &call.call, notify_run);
}

enum mc_status
mc_segment_probe(struct mc_segment *segment, uint64_t timeout_ns)
{
	struct segment_call call = {.segment = segment, .timeout_ns = timeout_ns};

	if (engine_forked(segment->engine))
		return MC_ERR_PERMISSION;
	return engine_call(segment->engine, &call.call, probe_run);
}
