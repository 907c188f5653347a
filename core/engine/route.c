/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes on the core that uses them: installed by control, picked, broken, drained, given back.
 * Nothing here is on the way of a transfer that goes well.
 */
#include <stdlib.h>

#include "core/engine/private.h"

uint32_t
engine_range_find(const struct engine_route *route, uint64_t addr, uint64_t length)
{
	uint32_t low = 0, high = route->ranges_count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (route->ranges[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0)
		return UINT32_MAX;
	low--;
	if (addr - route->ranges[low].addr > route->ranges[low].length ||
	    length > route->ranges[low].length - (addr - route->ranges[low].addr))
		return UINT32_MAX;
	return low;
}

/* ---- which routes are used ---- */

/* The rails are the working routes of the best family that has one. */
static void
rails_choose(struct engine_peer *peer)
{
	const struct mc_engine *engine = peer->core->engine;
	enum mc_family family = MC_FAMILY_TCP;

	peer->rails_count = 0;
	for (uint32_t i = 0; i < engine->devs_count; i++) {
		if (peer->routes[i] == NULL)
			continue;
		if (peer->rails_count > 0 && engine->devs[i].driver->family != family)
			break;
		family = engine->devs[i].driver->family;
		peer->rails[peer->rails_count++] = peer->routes[i];
	}
}

/* Any route by which the bytes can be reached: the rails first, as they come first. */
static struct engine_route *
route_any(struct engine_peer *peer, struct engine_slice *slice)
{
	for (uint32_t i = 0; i < peer->core->engine->devs_count; i++) {
		struct engine_route *route = peer->routes[i];
		uint32_t at;

		if (route == NULL)
			continue;
		if (route->keys == NULL)
			return route;
		at = engine_range_find(route, slice->remote_addr, slice->length);
		if (at != UINT32_MAX && route->keys[at] != ENGINE_NO_KEY) {
			slice->remote_key = route->keys[at];
			return route;
		}
	}
	return NULL;
}

static void
peer_ask(struct engine_core *core, struct engine_peer *peer, bool refresh)
{
	peer->refresh |= refresh;
	if (peer->asked)
		return;
	peer->asked = true;
	while (mc_reactor_send(core->engine->control, &peer->ask) == MC_AGAIN)
		continue;	/* control makes room, and waits for nobody */
}

static void
slice_wait(struct engine_core *core, struct engine_peer *peer, struct engine_slice *slice,
	   bool refresh)
{
	slice->route = NULL;
	if (peer->dropped) {
		engine_slice_end(core, slice, peer->dead);
		return;
	}
	mc_list_add_tail(&peer->waiting, &slice->queue);
	peer_ask(core, peer, refresh);
}

void
engine_slice_stray(struct engine_core *core, struct engine_peer *peer, struct engine_slice *slice)
{
	const struct engine_request *request = &slice->part->batch->requests[slice->request];
	struct engine_route *route = route_any(peer, slice);

	if (request->generation !=
	    atomic_load_explicit(&peer->segment->generation, memory_order_acquire)) {
		engine_slice_end(core, slice, MC_ERR_PEER_RESTARTED);
	} else if (route != NULL && route->generation == request->generation) {
		slice->route = route;
		mc_list_add_tail(&route->pending, &slice->queue);
		if (!mc_list_linked(&peer->flush))
			mc_list_add_tail(&core->flush, &peer->flush);
	} else if (peer->rails_count == 0 && peer->dead != MC_OK) {
		engine_slice_end(core, slice, peer->dead);
	} else if (peer->rails_count == 0) {
		slice_wait(core, peer, slice, false);
	} else if (!slice->refreshed) {
		/* none of the buffers that we know: perhaps of one that is new */
		slice->refreshed = true;
		slice_wait(core, peer, slice, true);
	} else {
		engine_slice_end(core, slice, MC_ERR_ADDRESS_REJECTED);
	}
}

/* Slices that waited try again; those that find nothing wait once more. */
static void
waiting_retry(struct engine_core *core, struct engine_peer *peer)
{
	struct mc_list again;

	mc_list_init(&again);
	while (!mc_list_empty(&peer->waiting)) {
		struct mc_list *node = peer->waiting.next;

		mc_list_del(node);
		mc_list_add_tail(&again, node);
	}
	while (!mc_list_empty(&again)) {
		struct engine_slice *slice =
			mc_container_of(again.next, struct engine_slice, queue);

		mc_list_del(&slice->queue);
		engine_slice_send(core, peer, slice);
	}
}

static void
waiting_fail(struct engine_core *core, struct engine_peer *peer, enum mc_status status)
{
	while (!mc_list_empty(&peer->waiting)) {
		struct engine_slice *slice =
			mc_container_of(peer->waiting.next, struct engine_slice, queue);

		mc_list_del(&slice->queue);
		engine_slice_end(core, slice, status);
	}
}

/* ---- control's messages ---- */

void
engine_route_install(struct mc_msg *msg)
{
	struct engine_route *route = mc_container_of(msg, struct engine_route, msg);
	struct engine_peer *peer = route->peer;
	struct engine_core *core = peer->core;
	struct engine_route *old = peer->routes[route->device];
	enum mc_status st = route->ep->dev->driver->ops->ep_attach(route->ep);

	route->ep->owner = route;
	if (st != MC_OK) {
		route->broken = true;
		route->status = st;
		mc_list_add_tail(&core->draining, &route->link);
		engine_core_drain(core);
		return;
	}
	peer->routes[route->device] = route;
	core->ready[route->device] = true;
	if (old != NULL)
		engine_route_break(core, old, MC_ERR_CANCELED);
	peer->dead = MC_OK;
	peer->asked = false;
	peer->refresh = false;
	rails_choose(peer);
	waiting_retry(core, peer);
	engine_core_flush(core);
}

void
engine_verdict_run(struct mc_msg *msg)
{
	struct engine_verdict *verdict = mc_container_of(msg, struct engine_verdict, msg);
	struct engine_peer *peer = verdict->peer;
	struct engine_core *core = peer->core;
	enum mc_status status = verdict->status;

	for (uint32_t i = 0; i < core->engine->devs_count; i++) {
		struct engine_route *route = peer->routes[i];

		if (route != NULL && route->generation != verdict->generation)
			engine_route_break(core, route, MC_ERR_PEER_RESTARTED);
	}
	free(verdict);
	peer->asked = false;
	peer->refresh = false;
	if (peer->rails_count == 0)
		peer->dead = status;
	if (status != MC_OK && peer->rails_count == 0)
		waiting_fail(core, peer, status);
	else
		waiting_retry(core, peer);
	engine_core_flush(core);
}

/* ---- failures ---- */

void
engine_route_break(struct engine_core *core, struct engine_route *route, enum mc_status status)
{
	struct engine_peer *peer = route->peer;

	if (route->broken)
		return;
	route->broken = true;
	route->status = status;
	route->failures++;
	if (peer->routes[route->device] == route)
		peer->routes[route->device] = NULL;
	rails_choose(peer);
	route->ep->dev->driver->ops->ep_detach(route->ep);
	mc_list_add_tail(&core->draining, &route->link);
	/* the completions of what was posted are still to come, through the queue of the device */
	core->ready[route->device] = true;
	while (!mc_list_empty(&route->pending)) {
		struct engine_slice *slice =
			mc_container_of(route->pending.next, struct engine_slice, queue);

		mc_list_del(&slice->queue);
		slice->route = NULL;
		engine_slice_send(core, peer, slice);
	}
}

void
engine_core_drain(struct engine_core *core)
{
	struct mc_list *node = core->draining.next;

	while (node != &core->draining) {
		struct engine_route *route = mc_container_of(node, struct engine_route, link);

		node = node->next;
		if (route->inflight > 0)
			continue;
		mc_list_del(&route->link);
		route->msg.run = engine_route_returned;
		while (mc_reactor_send(core->engine->control, &route->msg) == MC_AGAIN)
			continue;
	}
}

/* Is it worth another attempt? */
static bool
slice_retries(struct engine_peer *peer, struct engine_slice *slice,
	      const struct engine_route *route)
{
	if (++slice->attempts >= ENGINE_ATTEMPTS_MAX)
		return false;
	return peer->rails_count > 0 || route->failures < ENGINE_FAILURES_MAX;
}

void
engine_slice_failed(struct engine_core *core, struct engine_slice *slice, enum mc_status status)
{
	struct engine_route *route = slice->route;
	struct engine_peer *peer = route->peer;

	slice->route = NULL;
	if (slice->part->ended != MC_OK) {
		engine_slice_end(core, slice, slice->part->ended);
		return;
	}
	if (status == MC_ERR_ADDRESS_REJECTED) {
		bool again = !slice->refreshed;

		slice->refreshed = true;
		if (again)
			slice_wait(core, peer, slice, true);
		else
			engine_slice_end(core, slice, status);
		return;
	}
	/* canceled: with another one, or with its route; not its own fault */
	if (status != MC_ERR_CANCELED) {
		engine_route_break(core, route, status);
		if (!slice_retries(peer, slice, route)) {
			engine_slice_end(core, slice, status);
			return;
		}
	}
	mc_counter_add(&core->retries, 1);
	engine_slice_send(core, peer, slice);
	if (!mc_list_empty(&core->flush))
		engine_core_flush(core);
}

void
engine_peer_drop(struct engine_core *core, struct engine_peer *peer, enum mc_status status)
{
	peer->dead = status;
	peer->dropped = true;
	for (uint32_t i = 0; i < core->engine->devs_count; i++) {
		if (peer->routes[i] != NULL)
			engine_route_break(core, peer->routes[i], status);
	}
	waiting_fail(core, peer, status);
	/* control may free it as soon as it hears of this */
	if (mc_list_linked(&peer->flush))
		mc_list_del(&peer->flush);
}
