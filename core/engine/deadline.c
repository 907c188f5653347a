/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines, on a core: one timer at the earliest of all parts. Deadlines of parts that follow each
 * other grow, so that the timer is hardly ever moved; when it fires, all parts are looked at.
 */
#include "core/engine/private.h"

enum mc_status
engine_core_arm(struct engine_core *core, uint64_t deadline_ns)
{
	if (deadline_ns >= core->deadline_ns)
		return MC_OK;
	if (mc_timer_start(core->reactor, &core->timer, deadline_ns) != MC_OK)
		return MC_ERR_NO_MEMORY;
	core->deadline_ns = deadline_ns;
	return MC_OK;
}

/* Marks what was not cut yet. */
static void
uncut_fail(struct engine_part *part, enum mc_status status)
{
	struct mc_batch *batch = part->batch;
	uint64_t offset = part->offset;

	for (uint32_t i = part->request; i < batch->requests_count; i++) {
		if (offset < batch->requests[i].length)
			engine_request_fail(&batch->requests[i], status);
		offset = 0;
	}
}

/* No memory of it is touched from now on; its completion may be there already. */
static void
slice_cancel(struct engine_slice *slice)
{
	struct mc_ep *ep = slice->route->ep;

	if (slice->canceled || slice->route->broken)
		return;
	slice->canceled = true;
	ep->dev->driver->ops->ep_cancel(ep, (uintptr_t)slice);
}

void
engine_part_end(struct engine_core *core, struct engine_part *part, enum mc_status status)
{
	struct mc_list *node = part->slices.next;

	if (part->ended != MC_OK)
		return;
	part->ended = status;
	if (mc_list_linked(&part->building) || part->paused)
		uncut_fail(part, status);
	part->paused = false;
	if (mc_list_linked(&part->building))
		mc_list_del(&part->building);
	/* linked while its slices end one by one: it is not complete before the loop is through */
	mc_list_add_tail(&core->building, &part->building);
	while (node != &part->slices) {
		struct engine_slice *slice = mc_container_of(node, struct engine_slice, link);

		node = node->next;
		if (mc_list_linked(&slice->queue)) {
			mc_list_del(&slice->queue);
			engine_slice_end(core, slice, status);
		} else {
			slice_cancel(slice);
			core->ready[slice->route->device] = true;
		}
	}
	mc_list_del(&part->building);
	engine_part_check(core, part);
}

/* Callbacks in there may end, complete or submit any part: what is due is set apart first. */
uint64_t
engine_parts_expire(struct engine_core *core, uint64_t now, enum mc_status status)
{
	struct mc_list *node = core->parts.next;
	uint64_t earliest = UINT64_MAX;
	struct mc_list due;

	mc_list_init(&due);
	while (node != &core->parts) {
		struct engine_part *part = mc_container_of(node, struct engine_part, link);

		node = node->next;
		if (part->ended == MC_OK && part->deadline_ns <= now) {
			mc_list_del(&part->link);
			mc_list_add_tail(&due, &part->link);
		} else if (part->ended == MC_OK && part->deadline_ns < earliest) {
			earliest = part->deadline_ns;
		}
	}
	while (!mc_list_empty(&due)) {
		struct engine_part *part = mc_container_of(due.next, struct engine_part, link);

		mc_list_del(&part->link);
		mc_list_add_tail(&core->parts, &part->link);
		engine_part_end(core, part, status);
	}
	return earliest;
}

void
engine_core_expired(struct mc_timer *timer)
{
	struct engine_core *core = mc_container_of(timer, struct engine_core, timer);
	uint64_t earliest;

	/* a callback in there may submit: its deadline is armed on its own */
	core->deadline_ns = UINT64_MAX;
	earliest = engine_parts_expire(core, mc_reactor_now(core->reactor), MC_ERR_TIMEOUT);
	if (earliest < UINT64_MAX)
		engine_core_arm(core, earliest);
}
