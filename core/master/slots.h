/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the object table: 8-byte slots that map 32 bits of a hash to handles, by open
 * addressing. The place of a slot is given by the upper bits of its hash, so a grown table has its
 * slots in the same order as the old one and is filled from front to back.
 *
 * Slots are kept by the Robin Hood rule (nobody stands further from home than a slot it passed),
 * and removing shifts the following ones back: probing does not degrade, there are no tombstones.
 */
#ifndef MC_CORE_MASTER_SLOTS_H
#define MC_CORE_MASTER_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mc/status.h"

#define MC_SLOTS_EMPTY 0u /* a handle that is none */

struct mc_slot {
	uint32_t hash;
	uint32_t handle;
};

struct mc_slots_area {
	struct mc_slot *at;
	uint32_t mask;
	uint32_t shift; /* hash >> shift is where a slot belongs */
};

/*
 * While it grows there are two areas. Positions of the old one are emptied in order from @start on,
 * in whole runs: a slot that belongs to one of the @moved first positions is in the new area, all
 * others are in the old one. So every hash has one place to look at.
 */
struct mc_slots {
	struct mc_slots_area now;
	struct mc_slots_area old; /* at == NULL: not growing */
	uint32_t start;
	uint64_t moved;
	uint64_t released; /* bytes of the old area up to here are back with the kernel */
	uint64_t used;
};

enum mc_status mc_slots_init(struct mc_slots *slots);
void mc_slots_fini(struct mc_slots *slots);

/* Call before each insert: begins to grow in time. MC_ERR_NO_MEMORY: too full, and cannot grow. */
enum mc_status mc_slots_reserve(struct mc_slots *slots);
/* Each of these also moves a few slots while the table grows. */
void mc_slots_insert(struct mc_slots *slots, uint32_t hash, uint32_t handle);
/* The slot of @hash and @handle exists. */
void mc_slots_remove(struct mc_slots *slots, uint32_t hash, uint32_t handle);
void mc_slots_replace(struct mc_slots *slots, uint32_t hash, uint32_t handle, uint32_t other);

uint64_t mc_slots_count(const struct mc_slots *slots); /* of both areas */
uint64_t mc_slots_bytes(const struct mc_slots *slots);

static inline const struct mc_slots_area *
mc_slots_area_of(const struct mc_slots *slots, uint32_t hash)
{
	uint32_t from_start;

	if (__builtin_expect(!slots->old.at, 1))
		return &slots->now;
	from_start = ((hash >> slots->old.shift) - slots->start) & slots->old.mask;
	return from_start < slots->moved ? &slots->now : &slots->old;
}

/* Looks for slots of one hash, one after another. */
struct mc_slots_probe {
	const struct mc_slots_area *area;
	uint32_t hash;
	uint32_t distance;
};

static inline void
mc_slots_probe_init(struct mc_slots_probe *probe, const struct mc_slots *slots, uint32_t hash)
{
	probe->area = mc_slots_area_of(slots, hash);
	probe->hash = hash;
	probe->distance = 0;
}

/* The next slot with this hash, or NULL. */
static inline struct mc_slot *
mc_slots_probe_next(struct mc_slots_probe *probe)
{
	const struct mc_slots_area *area = probe->area;
	uint32_t home = probe->hash >> area->shift;

	for (;;) {
		uint32_t at = (home + probe->distance) & area->mask;
		struct mc_slot *slot = &area->at[at];

		if (slot->handle == MC_SLOTS_EMPTY ||
		    ((at - (slot->hash >> area->shift)) & area->mask) < probe->distance)
			return NULL;
		probe->distance++;
		if (slot->hash == probe->hash)
			return slot;
	}
}

#endif
