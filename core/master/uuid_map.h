/* SPDX-License-Identifier: Apache-2.0 */
/* UUID -> number, for the few thousand clients and segments of a cluster. One owner thread. */
#ifndef MC_CORE_MASTER_UUID_MAP_H
#define MC_CORE_MASTER_UUID_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "mc/status.h"
#include "mc/types.h"

struct uuid_slot {
	struct mc_uuid id;
	uint32_t value;
	bool used;
};

struct mc_uuid_map {
	struct uuid_slot *slots;
	uint32_t mask;		/* slots - 1 */
	uint32_t count;
	uint64_t seed;		/* ids come from outside: they must not choose their slot */
};

enum mc_status mc_uuid_map_init(struct mc_uuid_map *map);
void mc_uuid_map_fini(struct mc_uuid_map *map);

bool mc_uuid_map_get(const struct mc_uuid_map *map, struct mc_uuid id, uint32_t *value_out);
/* @id must not be there yet. MC_ERR_NO_MEMORY. */
enum mc_status mc_uuid_map_add(struct mc_uuid_map *map, struct mc_uuid id, uint32_t value);
void mc_uuid_map_del(struct mc_uuid_map *map, struct mc_uuid id);

static inline bool
mc_uuid_equal(struct mc_uuid a, struct mc_uuid b)
{
	return a.first == b.first && a.second == b.second;
}

#endif
