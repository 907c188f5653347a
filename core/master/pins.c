/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Soft pins end by time, in another order than that of eviction: each has its own length, and reads
 * change the one order but not the other. So the pinned objects stand in a heap by the end of their
 * pins, from which those that are over go, in slices, to a heap by the end of their leases. A read
 * takes them out of that one, to the tail of the queue of read objects.
 */
#include <stdlib.h>

#include "core/master/state.h"

/* Pins per pass of the reactor: some 50 µs. */
#define SLICE 128u

static void
pin_set(struct mc_master *master, struct pin_heap *heap, uint32_t i, struct pin pin)
{
	heap->at[i] = pin;
	mc_table_extra_of(master->table, pin.object)->pin_at = i;
}

/* Finds @pin's place at or above @i, which is free. */
static void
pin_sift_up(struct mc_master *master, struct pin_heap *heap, uint32_t i, struct pin pin)
{
	while (i > 0 && pin.key_ns < heap->at[(i - 1) / 2].key_ns) {
		pin_set(master, heap, i, heap->at[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	pin_set(master, heap, i, pin);
}

/* The same, below. */
static void
pin_sift_down(struct mc_master *master, struct pin_heap *heap, uint32_t i, struct pin pin)
{
	for (;;) {
		uint32_t least = 2 * i + 1;

		if (least + 1 < heap->count && heap->at[least + 1].key_ns < heap->at[least].key_ns)
			least++;
		if (least >= heap->count || heap->at[least].key_ns >= pin.key_ns)
			break;
		pin_set(master, heap, i, heap->at[least]);
		i = least;
	}
	pin_set(master, heap, i, pin);
}

static void
pin_remove(struct mc_master *master, struct pin_heap *heap, uint32_t i)
{
	struct pin last = heap->at[--heap->count];

	if (i == heap->count)
		return;
	if (i > 0 && last.key_ns < heap->at[(i - 1) / 2].key_ns)
		pin_sift_up(master, heap, i, last);
	else
		pin_sift_down(master, heap, i, last);
}

/* Room in both heaps, so that going from one to the other never fails. */
static enum mc_status
pins_room(struct mc_master *master)
{
	uint32_t room = master->pins_room == 0 ? 64 : master->pins_room * 2;
	struct pin_heap *heaps[2] = {&master->pinned, &master->unpinned};

	if (master->pinned.count + master->unpinned.count < master->pins_room)
		return MC_OK;
	for (unsigned int i = 0; i < 2; i++) {
		struct pin *at = realloc(heaps[i]->at, room * sizeof(*at));

		if (at == NULL)
			return MC_ERR_NO_MEMORY;
		heaps[i]->at = at;
	}
	master->pins_room = room;
	return MC_OK;
}

enum mc_status
mc_pin(struct mc_master *master, uint32_t object)
{
	const struct mc_object_extra *extra = mc_table_extra_of(master->table, object);
	enum mc_status st = pins_room(master);

	if (st != MC_OK)
		return st;
	pin_sift_up(master, &master->pinned, master->pinned.count++,
		    (struct pin){extra->soft_pin_until_ns, object});
	mc_object_admit(master, object, MC_QUEUE_SOFT_WRITTEN);
	return MC_OK;
}

static struct pin_heap *
heap_of(struct mc_master *master, uint32_t object)
{
	return master_object(master, object)->queue == MC_QUEUE_UNPINNED ? &master->unpinned
									 : &master->pinned;
}

void
mc_pin_forget(struct mc_master *master, uint32_t object)
{
	pin_remove(master, heap_of(master, object),
		   mc_table_extra_of(master->table, object)->pin_at);
}

void
mc_pin_moved(struct mc_master *master, uint32_t object)
{
	heap_of(master, object)->at[mc_table_extra_of(master->table, object)->pin_at].object =
		object;
}

void
mc_pin_trade(struct mc_master *master, uint32_t from, uint32_t to)
{
	uint32_t at = mc_table_extra_of(master->table, from)->pin_at;

	mc_table_extra_of(master->table, to)->pin_at = at;
	master->unpinned.at[at].object = to;
}

uint32_t
mc_unpinned_oldest(const struct mc_master *master)
{
	return master->unpinned.count > 0 ? master->unpinned.at[0].object : MC_OBJECT_NONE;
}

bool
mc_pins_due(const struct mc_master *master)
{
	return master->pinned.count > 0 &&
	       master->pinned.at[0].key_ns <= mc_reactor_now(master->exec);
}

uint32_t
mc_pins_work(struct mc_master *master)
{
	uint32_t n;

	for (n = 0; n < SLICE && mc_pins_due(master); n++) {
		uint32_t object = master->pinned.at[0].object;

		if (mc_group_unpin(master, object))
			continue;
		pin_remove(master, &master->pinned, 0);
		pin_sift_up(master, &master->unpinned, master->unpinned.count++,
			    (struct pin){master_object(master, object)->lease_ns, object});
		mc_object_requeue(master, object, MC_QUEUE_UNPINNED);
	}
	return n;
}

void
mc_pins_fini(struct mc_master *master)
{
	free(master->pinned.at);
	free(master->unpinned.at);
}
