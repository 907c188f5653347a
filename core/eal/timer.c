/* SPDX-License-Identifier: Apache-2.0 */
#include "core/eal/timer.h"

#include <stdlib.h>

static void
heap_place(struct timer_heap *heap, uint32_t at, struct mc_timer *timer)
{
	heap->timers[at] = timer;
	timer->slot = at + 1;
}

static void
sift_up(struct timer_heap *heap, uint32_t at, struct mc_timer *timer)
{
	while (at > 0) {
		uint32_t parent = (at - 1) / 2;

		if (heap->timers[parent]->deadline_ns <= timer->deadline_ns)
			break;
		heap_place(heap, at, heap->timers[parent]);
		at = parent;
	}
	heap_place(heap, at, timer);
}

static void
sift_down(struct timer_heap *heap, uint32_t at, struct mc_timer *timer)
{
	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= heap->count)
			break;
		if (child + 1 < heap->count &&
		    heap->timers[child + 1]->deadline_ns < heap->timers[child]->deadline_ns)
			child++;
		if (timer->deadline_ns <= heap->timers[child]->deadline_ns)
			break;
		heap_place(heap, at, heap->timers[child]);
		at = child;
	}
	heap_place(heap, at, timer);
}

static void
heap_fix(struct timer_heap *heap, uint32_t at, struct mc_timer *timer)
{
	if (at > 0 && heap->timers[(at - 1) / 2]->deadline_ns > timer->deadline_ns)
		sift_up(heap, at, timer);
	else
		sift_down(heap, at, timer);
}

void
mc_timer_heap_fini(struct timer_heap *heap)
{
	free(heap->timers);
	heap->timers = NULL;
}

static enum mc_status
heap_room(struct timer_heap *heap)
{
	uint32_t room = heap->room == 0 ? 16 : heap->room * 2;
	struct mc_timer **timers;

	if (heap->count < heap->room)
		return MC_OK;
	timers = realloc(heap->timers, room * sizeof(struct mc_timer *));
	if (timers == NULL)
		return MC_ERR_NO_MEMORY;
	heap->timers = timers;
	heap->room = room;
	return MC_OK;
}

enum mc_status
mc_timer_heap_set(struct timer_heap *heap, struct mc_timer *timer, uint64_t deadline_ns)
{
	enum mc_status st;

	if (timer->slot != 0) {
		timer->deadline_ns = deadline_ns;
		heap_fix(heap, timer->slot - 1, timer);
		return MC_OK;
	}
	st = heap_room(heap);
	if (st != MC_OK)
		return st;
	timer->deadline_ns = deadline_ns;
	sift_up(heap, heap->count++, timer);
	return MC_OK;
}

void
mc_timer_heap_del(struct timer_heap *heap, struct mc_timer *timer)
{
	uint32_t at = timer->slot - 1;
	struct mc_timer *last;

	if (timer->slot == 0)
		return;
	timer->slot = 0;
	last = heap->timers[--heap->count];
	if (last != timer)
		heap_fix(heap, at, last);
}

struct mc_timer *
mc_timer_heap_due(struct timer_heap *heap, uint64_t now_ns)
{
	struct mc_timer *timer;

	if (timer_heap_next_ns(heap) > now_ns)
		return NULL;
	timer = heap->timers[0];
	mc_timer_heap_del(heap, timer);
	return timer;
}
