/* SPDX-License-Identifier: Apache-2.0 */
/* Private to core/eal: a binary heap of running timers, earliest first. */
#ifndef MC_CORE_EAL_TIMER_H
#define MC_CORE_EAL_TIMER_H

#include "core/eal/reactor.h"

struct timer_heap {
	struct mc_timer **timers;
	uint32_t count;
	uint32_t room;
};

void mc_timer_heap_fini(struct timer_heap *heap);
/* Adds or moves. */
enum mc_status mc_timer_heap_set(struct timer_heap *heap, struct mc_timer *timer,
				 uint64_t deadline_ns);
void mc_timer_heap_del(struct timer_heap *heap, struct mc_timer *timer);
/* Takes out the earliest timer if it is due; NULL otherwise. */
struct mc_timer *mc_timer_heap_due(struct timer_heap *heap, uint64_t now_ns);

static inline uint64_t
timer_heap_next_ns(const struct timer_heap *heap)
{
	return heap->count > 0 ? heap->timers[0]->deadline_ns : UINT64_MAX;
}

#endif
