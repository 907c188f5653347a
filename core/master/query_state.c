/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query behind the live page: segments, then clients, as members of a JSON object. A slice
 * looks at some slots of the table; the page wants no more rows than a person can look through.
 */
#include <inttypes.h>

#include "core/master/query.h"

/* Slots per pass of the reactor, and rows in all of each kind. */
#define SLICE	 256u
#define ROWS_MAX 4096u

/* The cursor: a segment's slot, or this and a client's. 0 is where a query begins. */
#define CLIENTS 0x80000000u

static const char *
state_text(enum segment_state state)
{
	switch (state) {
	case SEGMENT_LIVE:
		return "live";
	case SEGMENT_DRAINING:
		return "draining";
	case SEGMENT_DRAINED:
		return "drained";
	default:
		return "leaving";
	}
}

static void
segment_add(struct mc_master *master, struct mc_master_query *query, uint32_t i)
{
	const struct master_segment *segment = &master->segments[i];
	struct mc_uuid client = master->clients[segment->client].id;
	struct mc_alloc_stats stats;

	mc_alloc_stats_read(segment->alloc, &stats);
	mc_query_add(query, "%s{\"name\":", query->count++ > 0 ? "," : "");
	mc_query_add_json(query, master->names[segment->name].text);
	mc_query_add(query, ",\"protocol\":");
	mc_query_add_json(query, segment->protocol);
	mc_query_add(query, ",\"state\":\"%s\",\"client\":\"%" PRIu64 "-%" PRIu64 "\"",
		     state_text(segment->state), client.first, client.second);
	mc_query_add(query,
		     ",\"size\":%" PRIu64 ",\"taken\":%" PRIu64 ",\"objects\":%u"
		     ",\"free_largest\":%" PRIu64 "}",
		     segment->size, stats.used, stats.extents_used, stats.free_largest);
}

static double
seconds_since(const struct mc_master *master, uint64_t then_ns)
{
	uint64_t now_ns = mc_reactor_now(master->exec);

	return now_ns > then_ns ? (double)(now_ns - then_ns) * 1e-9 : 0;
}

static void
client_add(struct mc_master *master, struct mc_master_query *query, uint32_t i)
{
	const struct master_client *client = &master->clients[i];

	mc_query_add(query, "%s{\"id\":\"%" PRIu64 "-%" PRIu64 "\"", query->count++ > 0 ? "," : "",
		     client->id.first, client->id.second);
	mc_query_add(query, ",\"ok\":%s,\"age_s\":%.3f,\"seen_s\":%.3f",
		     client->ok ? "true" : "false", seconds_since(master, client->since_ns),
		     seconds_since(master, client->expires_ns - master->params.client_ttl_ns));
	mc_query_add(query, ",\"segments\":%u,\"objects\":%u}", client->segments, client->objects);
}

/* True: all segments, or enough, are told. */
static bool
segments_step(struct mc_master *master, struct mc_master_query *query)
{
	for (unsigned int n = 0; n < SLICE; n++, query->cursor++) {
		if (query->cursor >= master->segments_used || query->count == ROWS_MAX)
			return true;
		if (segment_readable(master, query->cursor))
			segment_add(master, query, query->cursor);
	}
	return false;
}

static bool
clients_step(struct mc_master *master, struct mc_master_query *query)
{
	for (unsigned int n = 0; n < SLICE; n++, query->cursor++) {
		uint32_t i = query->cursor - CLIENTS;

		if (i >= master->clients_used || query->count == ROWS_MAX)
			return true;
		if (master->clients[i].used && master->clients[i].tracked)
			client_add(master, query, i);
	}
	return false;
}

bool
mc_query_state(struct mc_master *master, struct mc_master_query *query)
{
	if (query->cursor == 0 && mc_buf_len(&query->text) == 0)
		mc_query_add(query, "\"segments\":[");
	if (query->cursor < CLIENTS) {
		if (segments_step(master, query)) {
			mc_query_add(query, "],\"clients\":[");
			query->cursor = CLIENTS;
			query->count = 0;
		}
		return false;
	}
	if (!clients_step(master, query))
		return false;
	mc_query_add(query, "]");
	return true;
}
