/* SPDX-License-Identifier: Apache-2.0 */
#include "core/master/uuid_map.h"

#include <stdlib.h>
#include <xxhash.h>

#include "core/base/random.h"

#define SLOTS_FIRST 64u

static uint32_t
slot_home(const struct mc_uuid_map *map, struct mc_uuid id)
{
	return (uint32_t)XXH3_64bits_withSeed(&id, sizeof(id), map->seed) & map->mask;
}

/* The slot that holds @id, or the free one where it would go. */
static uint32_t
slot_find(const struct mc_uuid_map *map, struct mc_uuid id)
{
	uint32_t i = slot_home(map, id);

	while (map->slots[i].used && !mc_uuid_equal(map->slots[i].id, id))
		i = (i + 1) & map->mask;
	return i;
}

enum mc_status
mc_uuid_map_init(struct mc_uuid_map *map)
{
	map->slots = calloc(SLOTS_FIRST, sizeof(*map->slots));
	if (map->slots == NULL)
		return MC_ERR_NO_MEMORY;
	map->mask = SLOTS_FIRST - 1;
	map->count = 0;
	map->seed = mc_random_seed();
	return MC_OK;
}

void
mc_uuid_map_fini(struct mc_uuid_map *map)
{
	free(map->slots);
	map->slots = NULL;
}

bool
mc_uuid_map_get(const struct mc_uuid_map *map, struct mc_uuid id, uint32_t *value_out)
{
	uint32_t i = slot_find(map, id);

	if (!map->slots[i].used)
		return false;
	*value_out = map->slots[i].value;
	return true;
}

static enum mc_status
map_grow(struct mc_uuid_map *map)
{
	struct mc_uuid_map larger = *map;

	larger.mask = map->mask * 2 + 1;
	larger.slots = calloc((size_t)larger.mask + 1, sizeof(*larger.slots));
	if (larger.slots == NULL)
		return MC_ERR_NO_MEMORY;
	for (uint32_t i = 0; i <= map->mask; i++) {
		if (map->slots[i].used)
			larger.slots[slot_find(&larger, map->slots[i].id)] = map->slots[i];
	}
	free(map->slots);
	*map = larger;
	return MC_OK;
}

enum mc_status
mc_uuid_map_add(struct mc_uuid_map *map, struct mc_uuid id, uint32_t value)
{
	if (map->count >= map->mask / 2) {
		enum mc_status st = map_grow(map);

		if (st != MC_OK)
			return st;
	}
	map->slots[slot_find(map, id)] = (struct uuid_slot){id, value, true};
	map->count++;
	return MC_OK;
}

void
mc_uuid_map_del(struct mc_uuid_map *map, struct mc_uuid id)
{
	uint32_t hole = slot_find(map, id);

	if (!map->slots[hole].used)
		return;
	map->count--;
	/* close the hole, so that no probe ends early: move back what may stand there */
	for (uint32_t i = (hole + 1) & map->mask; map->slots[i].used; i = (i + 1) & map->mask) {
		uint32_t home = slot_home(map, map->slots[i].id);

		if (((i - home) & map->mask) < ((i - hole) & map->mask))
			continue;
		map->slots[hole] = map->slots[i];
		hole = i;
	}
	map->slots[hole].used = false;
}
