/* SPDX-License-Identifier: Apache-2.0 */
/* Queries about segments. Lists of them are made in slices. */
#include <inttypes.h>

#include "core/master/query.h"

/* Slots of the table per pass of the reactor. */
#define SLICE 256u

bool
mc_query_segment_status(struct mc_master *master, struct mc_master_query *query)
{
	uint32_t segment = mc_segment_named(master, (struct mc_str){query->key, query->key_len});

	if (segment == MC_NUMBER_NONE)
		query->status = MC_ERR_SEGMENT_NOT_FOUND;
	else
		query->count = (uint64_t)mc_segment_status_told(master, segment);
	return true;
}

static const char *
state_name(enum segment_state state)
{
	switch (state) {
	case SEGMENT_LIVE:
		return "OK";
	case SEGMENT_DRAINING:
		return "DRAINING";
	case SEGMENT_DRAINED:
		return "DRAINED";
	default:
		return "GRACEFULLY_UNMOUNTING";
	}
}

static void
segment_detail(struct mc_master *master, struct mc_master_query *query, uint32_t i)
{
	const struct master_segment *segment = &master->segments[i];
	struct mc_uuid client = master->clients[segment->client].id;
	struct mc_alloc_stats stats;

	mc_alloc_stats_read(segment->alloc, &stats);
	mc_query_add(query, "%s{\"segment_name\":", query->count > 0 ? "," : "");
	mc_query_add_json(query, master->names[segment->name].text);
	mc_query_add(query, ",\"segment_id\":\"%" PRIu64 "-%" PRIu64 "\"", segment->id.first,
		     segment->id.second);
	mc_query_add(query, ",\"client_id\":\"%" PRIu64 "-%" PRIu64 "\"", client.first,
		     client.second);
	mc_query_add(query, ",\"base_address\":\"0x%" PRIx64 "\",\"size_bytes\":%" PRIu64,
		     segment->base, segment->size);
	mc_query_add(query, ",\"size_human\":\"%.10g GiB\",\"te_endpoint\":",
		     (double)segment->size / (double)(1ull << 30));
	mc_query_add_json(query, segment->te_endpoint);
	mc_query_add(query, ",\"protocol\":");
	mc_query_add_json(query, segment->protocol);
	mc_query_add(query, ",\"status\":\"%s\",\"allocator_used_bytes\":%" PRIu64,
		     state_name(segment->state), stats.object_bytes);
	mc_query_add(query,
		     ",\"allocator_capacity_bytes\":%" PRIu64 ",\"allocator_usage_percent\":%.15g",
		     segment->size, 100.0 * (double)stats.object_bytes / (double)segment->size);
	mc_query_add(query,
		     ",\"mc_extent_bytes\":%" PRIu64 ",\"mc_free_largest_bytes\":%" PRIu64
		     ",\"mc_extents_used\":%u,\"mc_extents_free\":%u}",
		     stats.used, stats.free_largest, stats.extents_used, stats.extents_free);
}

/* Calls @each for the readable segments of one slice; true: of the last one. */
static bool
segments_slice(struct mc_master *master, struct mc_master_query *query,
	       void (*each)(struct mc_master *master, struct mc_master_query *query, uint32_t i))
{
	for (unsigned int n = 0; n < SLICE && query->cursor < master->segments_used; n++) {
		if (segment_readable(master, query->cursor)) {
			each(master, query, query->cursor);
			query->count++;
		}
		query->cursor++;
	}
	return query->cursor >= master->segments_used;
}

bool
mc_query_segments(struct mc_master *master, struct mc_master_query *query)
{
	if (mc_buf_len(&query->text) == 0)
		mc_query_add(query, "{\"total_segments\":%" PRIu64 ",\"segments\":[",
			     mc_counter_read(&master->stats.segments));
	if (!segments_slice(master, query, segment_detail))
		return false;
	mc_query_add(query, "]}");
	return true;
}

static void
segment_name(struct mc_master *master, struct mc_master_query *query, uint32_t i)
{
	mc_query_add_str(query, master->names[master->segments[i].name].text);
	mc_query_add(query, "\n");
}

bool
mc_query_segment_names(struct mc_master *master, struct mc_master_query *query)
{
	return segments_slice(master, query, segment_name);
}

void
mc_segment_sums_add(struct segment_sums *sums, const struct master_segment *segment)
{
	struct mc_alloc_stats stats;

	mc_alloc_stats_read(segment->alloc, &stats);
	sums->segments++;
	sums->object_bytes += stats.object_bytes;
	sums->extent_bytes += stats.used;
	sums->free_bytes += stats.capacity - stats.used;
	sums->size += segment->size;
	if (stats.free_largest > sums->free_largest)
		sums->free_largest = stats.free_largest;
}

/* All segments of one name count as one. */
bool
mc_query_segment(struct mc_master *master, struct mc_master_query *query)
{
	struct mc_str text = {query->key, query->key_len};
	uint32_t name = mc_name_find(master, text);
	struct segment_sums sums = {0};

	for (uint32_t i = 0; name != MC_NUMBER_NONE && i < master->segments_used; i++) {
		if (segment_readable(master, i) && master->segments[i].name == name)
			mc_segment_sums_add(&sums, &master->segments[i]);
	}
	if (sums.segments == 0) {
		query->status = MC_ERR_SEGMENT_NOT_FOUND;
		return true;
	}
	mc_query_add_str(query, text);
	mc_query_add(query, "\nUsed(bytes): %" PRIu64 "\nCapacity(bytes) : %" PRIu64 "\n",
		     sums.object_bytes, sums.size);
	return true;
}

bool
mc_query_drop_endpoint(struct mc_master *master, struct mc_master_query *query)
{
	/* dead at once: no reader is sent there any more, burial may take its time */
	mc_segments_kill_endpoint(master, (struct mc_str){query->key, query->key_len});
	return true;
}
