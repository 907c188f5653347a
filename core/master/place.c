/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placement: the segments that were asked for by name, then those near the writer (place_host.c),
 * then what the strategy takes for best (place_ratio.c), and in the end a walk from a random name
 * on. Each replica of an object goes to another name.
 */
#include "core/master/state.h"

/* Names tried per object, as upstream does. */
#define TRIES_MAX 100u

bool
mc_placed_on(const struct mc_master *master, struct mc_object *object, uint32_t name)
{
	const struct mc_replica *replicas = mc_object_replicas(object);

	for (unsigned int i = 0; i < object->replicas; i++) {
		if (master->segments[replicas[i].segment].name == name)
			return true;
	}
	return false;
}

bool
mc_place_on(struct mc_master *master, uint32_t object, uint32_t i)
{
	const struct master_name *name = &master->names[i];
	uint32_t start;

	if (name->segments_count == 0 || mc_placed_on(master, master_object(master, object), i))
		return false;
	start = name->segments_count == 1
			? 0
			: (uint32_t)mc_random_below(&master->random, name->segments_count);
	for (uint32_t n = 0; n < name->segments_count; n++) {
		uint32_t at = (start + n) % name->segments_count;

		if (mc_replica_take(master, object, name->segments[at]) == MC_OK)
			return true;
	}
	return false;
}

/* Unknown and full ones are passed over in silence. */
static unsigned int
place_preferred(struct mc_master *master, uint32_t object, struct mc_str text)
{
	uint32_t name = text.len > 0 ? mc_name_find(master, text) : MC_NUMBER_NONE;

	return name != MC_NUMBER_NONE && mc_place_on(master, object, name) ? 1 : 0;
}

/* preferred_segment stands for the list when it is given. */
static unsigned int
place_preferences(struct mc_master *master, uint32_t object, unsigned int count,
		  const struct put_request *put)
{
	const struct mc_replicate_config *config = put->config;
	struct mc_vec_cursor cursor = {0};
	unsigned int placed = 0;
	struct mc_str text;

	if (put->prefer.len > 0)
		placed += place_preferred(master, object, put->prefer);
	if (config->preferred_segment.len > 0)
		return placed < count
			       ? placed + place_preferred(master, object, config->preferred_segment)
			       : placed;
	while (placed < count && mc_vec_next_str(&config->preferred_segments, &cursor, &text))
		placed += place_preferred(master, object, text);
	return placed;
}

/* Nearness counts for single replicas only: others are made to be apart. */
static bool
writer_near(const struct mc_master *master, const struct put_request *put)
{
	return put->config->replica_num == 1 &&
	       (put->config->prefer_same_node ||
		master->params.strategy == MC_STRATEGY_LOCAL_FIRST);
}

/* Says so in each call; else where its segments are. */
static struct mc_str
writer_host(const struct mc_master *master, uint32_t object, const struct put_request *put)
{
	uint32_t writer = master_object(master, object)->owner;

	return put->config->host_id.len > 0 ? put->config->host_id
					    : master->clients[writer].host_id;
}

static unsigned int
place_anywhere(struct mc_master *master, uint32_t object, unsigned int count)
{
	uint32_t names = master->names_live_count;
	uint32_t tries = names < TRIES_MAX ? names : TRIES_MAX;
	uint32_t start = names == 1 ? 0 : (uint32_t)mc_random_below(&master->random, names);
	unsigned int placed = 0;

	for (uint32_t n = 0; n < tries && placed < count; n++)
		placed += mc_place_on(master, object, master->names_live[(start + n) % names]);
	return placed;
}

unsigned int
mc_place(struct mc_master *master, uint32_t object, unsigned int count,
	 const struct put_request *put)
{
	unsigned int placed;

	if (master->names_live_count == 0)
		return 0;
	placed = place_preferences(master, object, count, put);
	if (placed < count && writer_near(master, put))
		placed += mc_place_near(master, object, writer_host(master, object, put));
	if (placed < count && master->params.strategy == MC_STRATEGY_FREE_RATIO_FIRST)
		placed += mc_place_by_ratio(master, object, count - placed);
	if (placed < count)
		placed += place_anywhere(master, object, count - placed);
	return placed;
}
