/* SPDX-License-Identifier: Apache-2.0 */
/* Queries about segments. */
#include <inttypes.h>

#include "core/master/query.h"

bool
mc_query_segment_status(struct mc_master *master, struct mc_master_query *query)
{
	uint32_t segment = mc_segment_named(master, (struct mc_str){query->key, query->key_len});

	if (segment == MC_NUMBER_NONE)
		query->status = MC_ERR_SEGMENT_NOT_FOUND;
	else
		query->count = (uint64_t)segment_status_told(master, segment);
	return true;
}

static const char *
state_name(enum segment_state state)
{
	return state == SEGMENT_LIVE ? "OK" : "GRACEFULLY_UNMOUNTING";
}

static void
segment_detail(struct mc_master *master, struct mc_master_query *query, uint32_t i)
{
	const struct master_segment *segment = &master->segments[i];
	struct mc_uuid client = master->clients[segment->client].id;
	struct mc_alloc_stats stats;

	mc_alloc_stats_read(segment->alloc, &stats);
	mc_query_add(query, "{\"segment_name\":");
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

bool
mc_query_segments(struct mc_master *master, struct mc_master_query *query)
{
	uint64_t count = mc_counter_read(&master->stats.segments);
	const char *comma = "";

	mc_query_add(query, "{\"total_segments\":%" PRIu64 ",\"segments\":[", count);
	for (uint32_t i = 0; i < master->segments_used; i++) {
		if (!segment_readable(master, i))
			continue;
		mc_query_add(query, "%s", comma);
		segment_detail(master, query, i);
		comma = ",";
	}
	mc_query_add(query, "]}");
	return true;
}

bool
mc_query_segment_names(struct mc_master *master, struct mc_master_query *query)
{
	for (uint32_t i = 0; i < master->segments_used; i++) {
		if (!segment_readable(master, i))
			continue;
		mc_query_add_str(query, master->names[master->segments[i].name].text);
		mc_query_add(query, "\n");
	}
	return true;
}

struct name_sums {
	uint64_t object_bytes;
	uint64_t size;
	uint64_t extent_bytes;
	uint64_t free_largest;
	bool any;
};

static struct name_sums
name_sum(const struct mc_master *master, uint32_t name)
{
	struct name_sums sums = {0};

	for (uint32_t i = 0; i < master->segments_used; i++) {
		struct mc_alloc_stats stats;

		if (!segment_readable(master, i) || master->segments[i].name != name)
			continue;
		mc_alloc_stats_read(master->segments[i].alloc, &stats);
		sums.any = true;
		sums.object_bytes += stats.object_bytes;
		sums.extent_bytes += stats.used;
		sums.size += master->segments[i].size;
		if (stats.free_largest > sums.free_largest)
			sums.free_largest = stats.free_largest;
	}
	return sums;
}

/* All segments of one name count as one. */
bool
mc_query_segment(struct mc_master *master, struct mc_master_query *query)
{
	struct mc_str text = {query->key, query->key_len};
	uint32_t name = mc_name_find(master, text);
	struct name_sums sums = {0};

	if (name != MC_NUMBER_NONE)
		sums = name_sum(master, name);
	if (!sums.any) {
		query->status = MC_ERR_SEGMENT_NOT_FOUND;
		return true;
	}
	mc_query_add_str(query, text);
	mc_query_add(query, "\nUsed(bytes): %" PRIu64 "\nCapacity(bytes) : %" PRIu64 "\n",
		     sums.object_bytes, sums.size);
	return true;
}

static const struct {
	const char *name;
	const char *help;
	size_t offset;
} segment_metrics[] = {
	{"segment_allocated_bytes", "Object bytes placed on the segment.",
	 offsetof(struct name_sums, object_bytes)},
	{"segment_total_capacity_bytes", "Size of the segment.", offsetof(struct name_sums, size)},
	{"mc_segment_extent_bytes", "Bytes taken on the segment: rounded, with trailers.",
	 offsetof(struct name_sums, extent_bytes)},
	{"mc_segment_free_largest_bytes", "Largest object that the segment could take now.",
	 offsetof(struct name_sums, free_largest)},
};

bool
mc_query_segment_stats(struct mc_master *master, struct mc_master_query *query)
{
	for (size_t m = 0; m < sizeof(segment_metrics) / sizeof(segment_metrics[0]); m++) {
		mc_query_add(query, "# HELP %s %s\n", segment_metrics[m].name,
			     segment_metrics[m].help);
		mc_query_add(query, "# TYPE %s gauge\n", segment_metrics[m].name);
		for (uint32_t name = 0; name < master->names_room; name++) {
			struct name_sums sums;
			uint64_t value;

			if (master->names[name].refs == 0)
				continue;
			sums = name_sum(master, name);
			if (!sums.any)
				continue;
			memcpy(&value, (const char *)&sums + segment_metrics[m].offset,
			       sizeof(value));
			mc_query_add(query, "%s{segment=\"", segment_metrics[m].name);
			mc_query_add_label(query, master->names[name].text);
			mc_query_add(query, "\"} %" PRIu64 "\n", value);
		}
	}
	return true;
}

bool
mc_query_drop_endpoint(struct mc_master *master, struct mc_master_query *query)
{
	/* dead at once: no reader is sent there any more, burial may take its time */
	mc_segments_kill_endpoint(master, (struct mc_str){query->key, query->key_len});
	return true;
}
