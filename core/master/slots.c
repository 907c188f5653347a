/* SPDX-License-Identifier: Apache-2.0 */
#include "core/master/slots.h"

#include <stddef.h>
#include <sys/mman.h>

#include "core/base/assert.h"
#include "core/base/pages.h"

#define BITS_MIN 9u /* one page */
#define BITS_MAX 31u
/*
 * A call moves at least this many slots. 16 empties an old area of n slots within n/16 calls, in
 * which its load grows from 3/4 to at most 13/16.
 */
#define MOVE_SLOTS 16u
#define HUGE_BYTES (2ull << 20)

static uint64_t
area_slots(const struct mc_slots_area *area)
{
	return (uint64_t)area->mask + 1;
}

static uint64_t
area_bytes(const struct mc_slots_area *area)
{
	return area_slots(area) * sizeof(struct mc_slot);
}

/*
 * Zeroed by the kernel when touched: nothing here costs time in proportion to @bits. On small pages
 * while it fills: the first touch of a huge one takes up to 5 ms in a virtual machine.
 */
static enum mc_status
area_map(struct mc_slots_area *area, uint32_t bits)
{
	uint64_t bytes = sizeof(struct mc_slot) << bits;

	area->at = mc_pages_map(bytes, bytes < HUGE_BYTES ? 0 : HUGE_BYTES);
	if (!area->at)
		return MC_ERR_NO_MEMORY;
	area->mask = (1u << bits) - 1;
	area->shift = 32 - bits;
	return MC_OK;
}

/* Filled: the kernel may now gather its pages to huge ones, in the background. */
static void
area_settle(const struct mc_slots_area *area)
{
	if (area_bytes(area) >= HUGE_BYTES)
		mc_pages_gather(area->at, area_bytes(area));
}

static void
area_unmap(struct mc_slots_area *area)
{
	mc_pages_unmap(area->at, area_bytes(area));
	area->at = NULL;
}

static uint32_t
area_distance(const struct mc_slots_area *area, uint32_t at)
{
	return (at - (area->at[at].hash >> area->shift)) & area->mask;
}

/* No slot from @at on belongs in front of it. */
static bool
area_run_begins(const struct mc_slots_area *area, uint32_t at)
{
	return area->at[at].handle == MC_SLOTS_EMPTY || area_distance(area, at) == 0;
}

static void
area_insert(const struct mc_slots_area *area, struct mc_slot slot)
{
	uint32_t at = slot.hash >> area->shift;
	uint32_t distance = 0;

	while (area->at[at].handle != MC_SLOTS_EMPTY) {
		uint32_t other = area_distance(area, at);

		if (other < distance) {
			struct mc_slot richer = area->at[at];

			area->at[at] = slot;
			slot = richer;
			distance = other;
		}
		at = (at + 1) & area->mask;
		distance++;
	}
	area->at[at] = slot;
}

static void
area_remove(const struct mc_slots_area *area, uint32_t at)
{
	uint32_t next = (at + 1) & area->mask;

	while (!area_run_begins(area, next)) {
		area->at[at] = area->at[next];
		at = next;
		next = (at + 1) & area->mask;
	}
	area->at[at].handle = MC_SLOTS_EMPTY;
}

/* ---- growing ---- */

/*
 * Gives back what was emptied, a piece at a time. The first piece stays until the end: slots that
 * belong to the last positions may still come to stand there.
 */
static void
old_release(struct mc_slots *slots)
{
	uint64_t emptied = (slots->start + slots->moved) * sizeof(struct mc_slot);

	if (emptied >= slots->released + HUGE_BYTES &&
	    slots->released + HUGE_BYTES <= area_bytes(&slots->old)) {
		madvise((char *)slots->old.at + slots->released, HUGE_BYTES, MADV_DONTNEED);
		slots->released += HUGE_BYTES;
	}
}

static void
old_move(struct mc_slots *slots)
{
	const struct mc_slots_area *old = &slots->old;
	uint32_t at = (uint32_t)(slots->start + slots->moved) & old->mask;
	uint32_t count;

	for (count = 0; count < MOVE_SLOTS || !area_run_begins(old, at); count++) {
		if (slots->moved >= area_slots(old) && old->at[at].handle == MC_SLOTS_EMPTY) {
			area_unmap(&slots->old);
			area_settle(&slots->now);
			return;
		}
		if (old->at[at].handle != MC_SLOTS_EMPTY) {
			area_insert(&slots->now, old->at[at]);
			old->at[at].handle = MC_SLOTS_EMPTY;
		}
		slots->moved++;
		at = (at + 1) & old->mask;
	}
	old_release(slots);
}

static enum mc_status
grow_begin(struct mc_slots *slots)
{
	struct mc_slots_area bigger;
	uint32_t bits = 32 - slots->now.shift + 1;
	enum mc_status st;

	if (bits > BITS_MAX)
		return MC_ERR_NO_MEMORY;
	st = area_map(&bigger, bits);
	if (st != MC_OK)
		return st;
	slots->old = slots->now;
	slots->now = bigger;
	slots->moved = 0;
	slots->released = HUGE_BYTES;
	slots->start = 0;
	while (!area_run_begins(&slots->old, slots->start))
		slots->start++;
	return MC_OK;
}

enum mc_status
mc_slots_reserve(struct mc_slots *slots)
{
	uint64_t count = area_slots(&slots->now);

	if (slots->used < count / 4 * 3 || slots->old.at)
		return MC_OK;
	if (grow_begin(slots) == MC_OK || slots->used < count / 16 * 15)
		return MC_OK;
	return MC_ERR_NO_MEMORY;
}

/* ---- the rest of the interface ---- */

enum mc_status
mc_slots_init(struct mc_slots *slots)
{
	*slots = (struct mc_slots){0};
	return area_map(&slots->now, BITS_MIN);
}

void
mc_slots_fini(struct mc_slots *slots)
{
	area_unmap(&slots->old);
	area_unmap(&slots->now);
}

void
mc_slots_insert(struct mc_slots *slots, uint32_t hash, uint32_t handle)
{
	struct mc_slot slot = {.hash = hash, .handle = handle};

	if (slots->old.at)
		old_move(slots);
	area_insert(mc_slots_area_of(slots, hash), slot);
	slots->used++;
}

static struct mc_slot *
slot_find(const struct mc_slots *slots, uint32_t hash, uint32_t handle,
	  const struct mc_slots_area **area_out)
{
	struct mc_slots_probe probe;
	struct mc_slot *slot;

	mc_slots_probe_init(&probe, slots, hash);
	do {
		slot = mc_slots_probe_next(&probe);
		mc_assert(slot);
	} while (slot->handle != handle);
	*area_out = probe.area;
	return slot;
}

void
mc_slots_remove(struct mc_slots *slots, uint32_t hash, uint32_t handle)
{
	const struct mc_slots_area *area;
	struct mc_slot *slot;

	if (slots->old.at)
		old_move(slots);
	slot = slot_find(slots, hash, handle, &area);
	area_remove(area, (uint32_t)(slot - area->at));
	slots->used--;
}

void
mc_slots_replace(struct mc_slots *slots, uint32_t hash, uint32_t handle, uint32_t other)
{
	const struct mc_slots_area *area;

	slot_find(slots, hash, handle, &area)->handle = other;
}

uint64_t
mc_slots_count(const struct mc_slots *slots)
{
	return area_slots(&slots->now) + (slots->old.at ? area_slots(&slots->old) : 0);
}

uint64_t
mc_slots_bytes(const struct mc_slots *slots)
{
	uint64_t bytes = area_bytes(&slots->now);

	if (slots->old.at)
		bytes += area_bytes(&slots->old) - (slots->released - HUGE_BYTES);
	return bytes;
}
