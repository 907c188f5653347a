/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a core does in every pass: completions in, slices out. Hot path: no lock, memory or log.
 */
#include "core/engine/private.h"

#define COMPLETIONS_PER_POLL 32u
#define OPS_PER_POST 32u
/* What is posted in one pass: where post() copies, the pass takes that long. */
#define BYTES_PER_PASS (8u << 20)
/* Arming may make the next polls dearer: only what was idle for a while is armed. */
#define IDLE_POLLS 32u

/* ---- out ---- */

void
engine_slice_send(struct engine_core *core, struct engine_peer *peer, struct engine_slice *slice)
{
	const struct engine_request *request = &slice->part->batch->requests[slice->request];
	struct engine_route *route;

	if (peer->rails_count == 0) {
		engine_slice_stray(core, peer, slice);
		return;
	}
	route = peer->rails[0];
	if (peer->rails_count > 1)
		route = peer->rails[peer->turn++ % peer->rails_count];
	if (route->generation != request->generation) {
		engine_slice_stray(core, peer, slice);
		return;
	}
	if (route->keys != NULL) {
		uint32_t at = engine_range_find(route, slice->remote_addr, slice->length);

		if (at == UINT32_MAX || route->keys[at] == ENGINE_NO_KEY) {
			engine_slice_stray(core, peer, slice);
			return;
		}
		slice->remote_key = route->keys[at];
	}
	slice->route = route;
	mc_list_add_tail(&route->pending, &slice->queue);
	if (!mc_list_linked(&peer->flush))
		mc_list_add_tail(&core->flush, &peer->flush);
}

static void
op_fill(struct mc_op *op, const struct engine_slice *slice)
{
	const struct mc_batch *batch = slice->part->batch;

	*op = (struct mc_op){
		.cookie = (uintptr_t)slice,
		.remote_addr = slice->remote_addr,
		.remote_key = slice->remote_key,
		.opcode = batch->requests[slice->request].op == MC_READ ? MC_OP_READ : MC_OP_WRITE,
		.sge_count = slice->sge_count,
		.sge = slice->sge,
	};
}

/* Posts what is pending on @route; false: the driver takes no more now, or the pass is full. */
static bool
route_flush(struct engine_core *core, struct engine_route *route, uint32_t *posted)
{
	while (!mc_list_empty(&route->pending)) {
		struct mc_op ops[OPS_PER_POST];
		struct mc_list *node = route->pending.next;
		uint32_t count = 0, taken;
		uint64_t bytes = 0;

		while (node != &route->pending && count < OPS_PER_POST && bytes < core->room) {
			struct engine_slice *slice =
				mc_container_of(node, struct engine_slice, queue);

			op_fill(&ops[count++], slice);
			bytes += slice->length;
			node = node->next;
		}
		if (count == 0)
			return false;
		taken = route->ep->dev->fast.post(route->ep, ops, count);
		route->inflight += taken;
		core->inflight[route->device] += taken;
		*posted += taken;
		core->room -= bytes < core->room ? bytes : core->room;
		for (uint32_t i = 0; i < taken; i++) {
			struct mc_list *first = route->pending.next;

			mc_list_del(first);
		}
		if (taken < count)
			return false;
	}
	return true;
}

uint32_t
engine_core_flush(struct engine_core *core)
{
	/* those that are here now: what is not empty comes behind it, and not again in this pass */
	const struct mc_list *last = core->flush.prev;
	bool more = !mc_list_empty(&core->flush);
	uint32_t posted = 0;

	while (more) {
		struct engine_peer *peer =
			mc_container_of(core->flush.next, struct engine_peer, flush);
		bool empty = true;

		more = &peer->flush != last;
		for (uint32_t i = 0; i < core->engine->devs_count; i++) {
			if (peer->routes[i] != NULL)
				empty &= route_flush(core, peer->routes[i], &posted);
		}
		mc_list_del(&peer->flush);
		if (!empty)	/* behind the others, whose turn it is next */
			mc_list_add_tail(&core->flush, &peer->flush);
	}
	return posted;
}

/* ---- in ---- */

/* From now on its descriptor tells when there is something to do; false: there is already. */
static bool
device_arm(struct engine_core *core, uint32_t device)
{
	struct mc_cq *cq = core->cqs[device];

	core->idle[device] = 0;
	core->ready[device] = cq->dev->driver->ops->arm(cq) != MC_OK;
	core->polled[device] = core->ready[device];
	return !core->ready[device];
}

static uint32_t
device_poll(struct engine_core *core, uint32_t device)
{
	struct mc_completion completions[COMPLETIONS_PER_POLL];
	struct mc_cq *cq = core->cqs[device];
	uint32_t count = cq->dev->fast.poll(cq, completions, COMPLETIONS_PER_POLL);
	uint32_t served = cq->counters.busy;

	cq->counters.busy = false;
	core->polled[device] = true;
	if (count + served > 0) {
		core->idle[device] = 0;
		core->ready[device] = true;
	} else if (core->inflight[device] == 0 && ++core->idle[device] == IDLE_POLLS) {
		device_arm(core, device);
	}
	/* what callbacks submit is cut after all of them, and so posted together */
	core->cutting = true;
	for (uint32_t i = 0; i < count; i++)
		engine_slice_completed(core, &completions[i]);
	core->cutting = false;
	return count + served;
}

uint32_t
engine_core_poll(struct mc_poller *poller)
{
	struct engine_core *core = mc_container_of(poller, struct engine_core, poller);
	uint32_t work = 0;

	core->room = BYTES_PER_PASS;
	for (uint32_t i = 0; i < core->engine->devs_count; i++) {
		if (core->inflight[i] > 0 || core->ready[i])
			work += device_poll(core, i);
	}
	if (!mc_list_empty(&core->building) && !mc_list_empty(&core->free)) {
		engine_core_cut(core);
		work++;
	} else if (!mc_list_empty(&core->flush)) {
		work += engine_core_flush(core);
	}
	if (!mc_list_empty(&core->draining))
		engine_core_drain(core);
	return work;
}

bool
engine_core_sleep(struct mc_poller *poller)
{
	struct engine_core *core = mc_container_of(poller, struct engine_core, poller);
	bool armed = true, busy = false;

	for (uint32_t i = 0; i < core->engine->devs_count; i++)
		busy |= core->inflight[i] > 0;
	/* nothing in flight, so that no completion will make room: the driver had none to give */
	if (!busy && !mc_list_empty(&core->flush))
		return false;
	for (uint32_t i = 0; i < core->engine->devs_count; i++) {
		if (core->polled[i] || core->ready[i])
			armed &= device_arm(core, i);
	}
	return armed;
}
