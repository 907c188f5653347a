/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Submitting: a batch becomes one part for each core that works on it, a part becomes slices, a
 * slice goes to the best route of its peer. Hot path: no lock, memory or log.
 *
 * A small batch stays on one core. A large one is striped over all of them: stripe number n belongs
 * to core n modulo the number of cores, so that no core needs a list of what is its own. Slices are
 * cut while there are free ones, in turns over the parts that have something to cut: a small batch
 * never waits for the end of a large one.
 */
#include "core/base/assert.h"
#include "core/base/clock.h"
#include "core/engine/private.h"

#define DEADLINE_DEFAULT_NS (30 * MC_NS_PER_S)
#define SPREAD_BYTES (4u << 20)		/* smaller batches stay on one core */
#define CUT_PER_TURN 16u
#define TURNS_MAX 64u			/* then the pollers have theirs */

/* ---- on the submitter's thread ---- */

/* The core of @engine whose thread this is, or NULL. */
static struct engine_core *
core_here(struct mc_engine *engine)
{
	struct mc_reactor *self;

	if (engine->poll_inline)
		return &engine->cores[0];
	self = mc_reactor_self();
	for (uint32_t i = 0; self != NULL && i < engine->active_count; i++) {
		if (engine->cores[i].reactor == self)
			return &engine->cores[i];
	}
	return NULL;
}

static void
part_prepare(struct engine_part *part, struct engine_core *core, uint32_t first, uint32_t stride,
	     uint64_t deadline_ns)
{
	part->core = core;
	part->deadline_ns = deadline_ns;
	part->first = first;
	part->stride = stride;
	part->ended = MC_OK;
	part->slices_count = 0;
	part->slices_bytes = 0;
	part->paused = false;
	part->request = 0;
	part->stripe = 0;
	part->piece = 0;
	part->stripe_left = 0;
	part->piece_offset = 0;
	part->offset = 0;
}

enum mc_status
mc_batch_submit(struct mc_batch *batch, uint64_t deadline_ns,
		void (*done)(void *context, struct mc_batch *batch), void *context)
{
	struct mc_engine *engine = batch->engine;
	struct engine_core *here = core_here(engine);
	struct engine_core *lead = here != NULL ? here : &engine->cores[batch->home];
	struct engine_part *part = &batch->parts[lead->index];
	uint32_t parts = batch->bytes >= SPREAD_BYTES ? engine->active_count : 1;

	if (atomic_load_explicit(&batch->state, memory_order_relaxed) != BATCH_IDLE)
		return MC_ERR_BUSY;
	if (engine->forks != atomic_load_explicit(&engine_forks, memory_order_relaxed))
		return MC_ERR_PERMISSION;
	if (atomic_load_explicit(&engine->stopping, memory_order_relaxed))
		return MC_ERR_CANCELED;
	if (deadline_ns == 0)
		deadline_ns = mc_clock_mono_ns() + DEADLINE_DEFAULT_NS;
	batch->done = done;
	batch->context = context;
	atomic_store_explicit(&batch->parts_left, parts, memory_order_relaxed);
	atomic_store_explicit(&batch->state, BATCH_RUNNING, memory_order_relaxed);
	part_prepare(part, lead, 0, parts, deadline_ns);
	if (here != NULL) {
		engine_part_run(&part->msg);
		return MC_OK;
	}
	if (mc_reactor_send(lead->reactor, &part->msg) == MC_OK)
		return MC_OK;
	atomic_store_explicit(&batch->state, BATCH_IDLE, memory_order_relaxed);
	return MC_AGAIN;
}

/* ---- on the core ---- */

/* Nothing of @part may be touched behind it: it may have ended. */
static void
part_take(struct engine_core *core, struct engine_part *part)
{
	mc_list_add_tail(&core->parts, &part->link);
	mc_list_add_tail(&core->building, &part->building);
	if (core->stopping)
		engine_part_end(core, part, MC_ERR_CANCELED);
	else if (engine_core_arm(core, part->deadline_ns) != MC_OK)
		engine_part_end(core, part, MC_ERR_NO_MEMORY);
}

/* Shares the stripes of a large batch out; the part of a core whose ring is full is done here. */
static void
part_share(struct engine_part *part)
{
	struct engine_core *core = part->core;
	struct mc_batch *batch = part->batch;
	uint32_t stride = part->stride;

	for (uint32_t i = 1; i < stride; i++) {
		uint32_t index = (core->index + i) % stride;
		struct engine_part *other = &batch->parts[index];

		part_prepare(other, &core->engine->cores[index], i, stride, part->deadline_ns);
		if (mc_reactor_send(other->core->reactor, &other->msg) == MC_OK)
			continue;
		other->core = core;
		part_take(core, other);
	}
}

void
engine_part_run(struct mc_msg *msg)
{
	struct engine_part *part = mc_container_of(msg, struct engine_part, msg);
	struct engine_core *core = part->core;

	if (part->first == 0 && part->stride > 1)
		part_share(part);
	part_take(core, part);
	engine_core_cut(core);
}

/* ---- cutting ---- */

/* Goes on to the next stripe, or the next request; false: all are cut. */
static bool
stripe_next(struct engine_part *part)
{
	struct mc_batch *batch = part->batch;

	while (part->request < batch->requests_count) {
		struct engine_request *request = &batch->requests[part->request];
		uint64_t left = request->length - part->offset;

		if (left > 0) {
			part->stripe_left = part->stride == 1 && left <= UINT32_MAX ? (uint32_t)left
					    : left < ENGINE_STRIPE_BYTES ? (uint32_t)left
									 : ENGINE_STRIPE_BYTES;
			return true;
		}
		part->request++;
		part->offset = 0;
		if (part->request < batch->requests_count)
			part->piece = batch->requests[part->request].pieces_first;
		part->piece_offset = 0;
	}
	return false;
}

/* Moves the cursor on by @bytes of this stripe without a slice. */
static void
cursor_skip(struct engine_part *part, uint32_t bytes)
{
	const struct mc_iov *pieces = part->batch->pieces;

	part->offset += bytes;
	part->stripe_left -= bytes;
	while (bytes > 0) {
		uint64_t room = pieces[part->piece].length - part->piece_offset;

		if (bytes < room) {
			part->piece_offset += bytes;
			return;
		}
		bytes -= (uint32_t)room;
		part->piece++;
		part->piece_offset = 0;
	}
}

/* Fills @slice from the cursor: at most @bytes_max, and as many pieces as an operation takes. */
static void
slice_fill(struct engine_part *part, struct engine_slice *slice, uint32_t bytes_max,
	   uint32_t sge_max)
{
	const struct engine_request *request = &part->batch->requests[part->request];
	uint32_t count = 0, bytes = 0;

	slice->remote_addr = request->remote_addr + part->offset;
	while (bytes < bytes_max && count < sge_max) {
		const struct mc_iov *piece = &part->batch->pieces[part->piece];
		uint64_t room = piece->length - part->piece_offset;
		uint32_t take = room < bytes_max - bytes ? (uint32_t)room : bytes_max - bytes;

		if (take > 0) {
			slice->sge[count++] = (struct mc_sge){
				.addr = (char *)piece->addr + part->piece_offset, .length = take};
			bytes += take;
		}
		cursor_skip(part, take);
		if (take == 0) {	/* an empty piece */
			part->piece++;
			part->piece_offset = 0;
		}
	}
	slice->length = bytes;
	slice->sge_count = (uint16_t)count;
}

/* How much the next slice takes of a stripe: its end absorbs what would be a small rest. */
static uint32_t
slice_bytes(const struct engine_core *core, const struct engine_peer *peer, uint32_t left)
{
	const struct mc_engine *engine = core->engine;
	uint32_t want = engine->slice_bytes;

	for (uint32_t i = 0; i < engine->devs_count; i++) {
		if (peer->routes[i] != NULL) {
			want = engine->devs[i].dev->limits.slice_bytes;
			break;
		}
	}
	if (left <= want || (left - want <= want / 4 && left <= engine->slice_bytes_max))
		return left < engine->slice_bytes_max ? left : engine->slice_bytes_max;
	return want;
}

/* Cuts one slice, or passes a stripe of another core; false: the part is cut. */
static bool
part_cut(struct engine_core *core, struct engine_part *part)
{
	struct engine_peer *peer;
	struct engine_slice *slice;

	if (part->stripe_left == 0) {
		if (!stripe_next(part))
			return false;
		if (part->stripe++ % part->stride != part->first) {
			cursor_skip(part, part->stripe_left);
			return true;
		}
	}
	peer = &part->batch->requests[part->request].segment->peers[core->index];
	slice = mc_container_of(core->free.next, struct engine_slice, queue);
	mc_list_del(&slice->queue);
	slice->part = part;
	slice->request = part->request;
	slice->attempts = 0;
	slice->canceled = false;
	slice->refreshed = false;
	slice->route = NULL;
	mc_list_add_tail(&part->slices, &slice->link);
	slice_fill(part, slice, slice_bytes(core, peer, part->stripe_left), core->engine->sge_max);
	part->slices_count++;
	part->slices_bytes += slice->length;
	engine_slice_send(core, peer, slice);
	return true;
}

/* A turn: true while the part has more to cut now. */
static bool
part_turn(struct engine_core *core, struct engine_part *part)
{
	for (uint32_t i = 0; i < CUT_PER_TURN; i++) {
		if (mc_list_empty(&core->free))
			return true;
		if (part->slices_bytes >= ENGINE_PART_BYTES ||
		    part->slices_count >= ENGINE_PART_SLICES) {
			part->paused = true;
			return false;
		}
		if (!part_cut(core, part))
			return false;
	}
	return true;
}

void
engine_core_cut(struct engine_core *core)
{
	uint32_t turns = TURNS_MAX;

	/* from a callback of a batch that ended in here: the loop below goes on with the new one */
	if (core->cutting)
		return;
	core->cutting = true;
	while (turns-- > 0 && !mc_list_empty(&core->building) && !mc_list_empty(&core->free)) {
		struct engine_part *part =
			mc_container_of(core->building.next, struct engine_part, building);

		mc_list_del(&part->building);
		/* linked during its turn, too: it is not complete */
		mc_list_add_tail(&core->building, &part->building);
		if (part_turn(core, part))
			continue;
		if (mc_list_linked(&part->building))
			mc_list_del(&part->building);
		engine_part_check(core, part);
	}
	core->cutting = false;
	engine_core_flush(core);
}
