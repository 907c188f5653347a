/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The samples of segments in /metrics. First every segment is added to the sums of its name, then
 * the names are written out, once for each metric, as the format wants it; all of it in slices.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "core/master/query.h"

/* Segments or names per pass of the reactor. */
#define SLICE 256u

/* The cursor: a segment's slot, or this and a name's. */
#define NAMES 0x80000000u

struct samples {
	uint32_t names;		    /* as there were in the beginning; later ones wait */
	size_t metric;		    /* being written out */
	struct segment_sums sums[]; /* by name */
};

static const struct {
	const char *name;
	const char *help;
	size_t offset;
} segment_metrics[] = {
	{"segment_allocated_bytes", "Object bytes placed on the segment.",
	 offsetof(struct segment_sums, object_bytes)},
	{"segment_total_capacity_bytes", "Size of the segment.",
	 offsetof(struct segment_sums, size)},
	{"mc_segment_extent_bytes", "Bytes taken on the segment: rounded, with trailers.",
	 offsetof(struct segment_sums, extent_bytes)},
	{"mc_segment_free_bytes", "Bytes that are not taken.",
	 offsetof(struct segment_sums, free_bytes)},
	{"mc_segment_free_largest_bytes", "Largest object that the segment could take now.",
	 offsetof(struct segment_sums, free_largest)},
};

#define METRICS (sizeof(segment_metrics) / sizeof(segment_metrics[0]))

static struct samples *
samples_create(const struct mc_master *master)
{
	struct samples *samples =
		calloc(1, sizeof(*samples) + master->names_room * sizeof(samples->sums[0]));

	if (samples != NULL)
		samples->names = master->names_room;
	return samples;
}

static void
sums_slice(struct mc_master *master, struct mc_master_query *query)
{
	struct samples *samples = query->scratch;

	for (unsigned int n = 0; n < SLICE && query->cursor < master->segments_used; n++) {
		const struct master_segment *segment = &master->segments[query->cursor];

		if (segment_readable(master, query->cursor) && segment->name < samples->names)
			mc_segment_sums_add(&samples->sums[segment->name], segment);
		query->cursor++;
	}
	if (query->cursor >= master->segments_used)
		query->cursor = NAMES;
}

static void
sample_add(struct mc_master *master, struct mc_master_query *query, uint32_t name)
{
	const struct samples *samples = query->scratch;
	uint64_t value;

	/* the name may have gone since, and the slot be another's */
	if (samples->sums[name].segments == 0 || master->names[name].refs == 0)
		return;
	memcpy(&value, (const char *)&samples->sums[name] + segment_metrics[samples->metric].offset,
	       sizeof(value));
	mc_query_add(query, "%s{segment=\"", segment_metrics[samples->metric].name);
	mc_query_add_label(query, master->names[name].text);
	mc_query_add(query, "\"} %" PRIu64 "\n", value);
}

/* True: that was the last name of the last metric. */
static bool
names_slice(struct mc_master *master, struct mc_master_query *query)
{
	struct samples *samples = query->scratch;

	if (query->cursor == NAMES) {
		mc_query_add(query, "# HELP %s %s\n", segment_metrics[samples->metric].name,
			     segment_metrics[samples->metric].help);
		mc_query_add(query, "# TYPE %s gauge\n", segment_metrics[samples->metric].name);
	}
	for (unsigned int n = 0; n < SLICE && query->cursor - NAMES < samples->names; n++)
		sample_add(master, query, query->cursor++ - NAMES);
	if (query->cursor - NAMES < samples->names)
		return false;
	query->cursor = NAMES;
	return ++samples->metric == METRICS;
}

bool
mc_query_segment_stats(struct mc_master *master, struct mc_master_query *query)
{
	if (query->scratch == NULL)
		query->scratch = samples_create(master);
	if (query->scratch == NULL) {
		query->status = MC_ERR_NO_MEMORY;
		return true;
	}
	if (query->cursor >= NAMES)
		return names_slice(master, query);
	sums_slice(master, query);
	return false;
}
