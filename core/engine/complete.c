/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way back: a completion ends a slice, the last slice ends a part, the last part completes the
 * batch. Hot path: no lock, memory or log; one system call, and only to wake a thread that sleeps.
 */
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/engine/private.h"

/* Behind the exchange @batch may be freed, if nobody is called back: nothing of it is touched. */
static void
batch_complete(struct mc_batch *batch)
{
	void (*done)(void *context, struct mc_batch *batch) = batch->done;
	void *context = batch->context;

	if (atomic_exchange_explicit(&batch->state, BATCH_DONE, memory_order_acq_rel) ==
	    BATCH_AWAITED)
		syscall(SYS_futex, &batch->state, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
	if (done != NULL)
		done(context, batch);
}

static void
requests_count(struct engine_core *core, const struct mc_batch *batch)
{
	for (uint32_t i = 0; i < batch->requests_count; i++) {
		int32_t status = atomic_load_explicit(&batch->requests[i].status,
						      memory_order_relaxed);

		mc_counter_add(status == MC_OK ? &core->transfers : &core->failures, 1);
		if (status == MC_ERR_TIMEOUT)
			mc_counter_add(&core->timeouts, 1);
	}
}

void
engine_part_check(struct engine_core *core, struct engine_part *part)
{
	struct mc_batch *batch = part->batch;

	if (mc_list_linked(&part->building) || !mc_list_empty(&part->slices))
		return;
	mc_list_del(&part->link);
	/* acquire: what other cores wrote of the requests is seen by the last */
	if (atomic_fetch_sub_explicit(&batch->parts_left, 1, memory_order_acq_rel) != 1)
		return;
	requests_count(core, batch);
	batch_complete(batch);
}

void
engine_slice_end(struct engine_core *core, struct engine_slice *slice, enum mc_status status)
{
	struct engine_part *part = slice->part;
	struct engine_request *request = &part->batch->requests[slice->request];

	if (status != MC_OK)
		engine_request_fail(request, status);
	else
		mc_counter_add(request->op == MC_READ ? &core->read_bytes : &core->write_bytes,
			       slice->length);
	mc_list_del(&slice->link);
	part->slices_count--;
	part->slices_bytes -= slice->length;
	if (part->paused && part->slices_bytes <= ENGINE_PART_BYTES / 2 &&
	    part->slices_count <= ENGINE_PART_SLICES / 2) {
		part->paused = false;
		mc_list_add_tail(&core->building, &part->building);
	}
	mc_list_add_head(&core->free, &slice->queue);	/* the one still in the cache */
	engine_part_check(core, part);
}

void
engine_slice_completed(struct engine_core *core, const struct mc_completion *completion)
{
	struct engine_slice *slice = (struct engine_slice *)(uintptr_t)completion->cookie;
	struct engine_route *route = completion->ep->owner;

	if (slice == NULL) {
		engine_route_break(core, route, (enum mc_status)completion->status);
		return;
	}
	route->inflight--;
	core->inflight[route->device]--;
	if (completion->status != MC_OK) {
		engine_slice_failed(core, slice, (enum mc_status)completion->status);
		return;
	}
	route->failures = 0;
	engine_slice_end(core, slice, MC_OK);
}
