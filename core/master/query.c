/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What other threads ask: the texts behind the admin port, and the removal of an endpoint. Keys are
 * listed in slices; the rest is as short as the list of segments.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/base/assert.h"
#include "core/master/state.h"
#include "mc/log.h"

/* Objects per pass of the reactor. */
#define SLICE 1024u

__attribute__((format(printf, 2, 3))) static void
text_add(struct mc_master_query *query, const char *format, ...)
{
	char line[256];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	mc_assert(len >= 0 && (size_t)len < sizeof(line));
	if (query->status == MC_OK)
		query->status = mc_buf_append(&query->text, line, (size_t)len);
}

static void
text_add_str(struct mc_master_query *query, struct mc_str text)
{
	if (query->status == MC_OK)
		query->status = mc_buf_append(&query->text, text.ptr, text.len);
}

/* Bytes of the UTF-8 character that @text begins with; 0: it is none. */
static size_t
utf8_len(struct mc_str text)
{
	unsigned char first = (unsigned char)text.ptr[0], second;
	size_t len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	if (first > 0xf4 || len > text.len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((text.ptr[i] & 0xc0) != 0x80)
			return 0;
	}
	if (len < 3)
		return len;
	/* longer than need be, a surrogate, past the last one */
	second = (unsigned char)text.ptr[1];
	if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
	    (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
		return 0;
	return len;
}

/* As a JSON string; names are bytes from outside. */
static void
text_add_json(struct mc_master_query *query, struct mc_str text)
{
	text_add(query, "\"");
	while (text.len > 0) {
		unsigned char c = (unsigned char)text.ptr[0];
		size_t len = utf8_len(text);

		if (c < 0x20 || c == 0x7f)
			text_add(query, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			text_add(query, "\\%c", c);
		else if (len == 0)
			text_add(query, "\\ufffd");
		else
			text_add_str(query, (struct mc_str){text.ptr, len});
		text.ptr += len > 0 ? len : 1;
		text.len -= len > 0 ? len : 1;
	}
	text_add(query, "\"");
}

/* As the value of a Prometheus label. */
static void
text_add_label(struct mc_master_query *query, struct mc_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '\n')
			text_add(query, "\\n");
		else if (c == '"' || c == '\\')
			text_add(query, "\\%c", c);
		else
			text_add_str(query, (struct mc_str){&text.ptr[i], 1});
	}
}

/* ---- one key ---- */

static void
query_key(struct mc_master *master, struct mc_master_query *query)
{
	struct mc_str key = {query->key, query->key_len};
	uint32_t object = mc_object_find(master, key, mc_table_hash(key.ptr, key.len));
	struct desc_list descs;

	if (object == MC_OBJECT_NONE) {
		query->status = MC_ERR_OBJECT_NOT_FOUND;
		return;
	}
	/* a look, not a read: the lease stays as it is */
	mc_object_describe(master, master_object(master, object), MC_RELEASE_NEWEST, false, &descs);
	if (descs.count == 0) {
		query->status = MC_ERR_REPLICA_NOT_READY;
		return;
	}
	text_add(query, "[");
	for (uint32_t i = 0; i < descs.count; i++) {
		const struct mc_buffer_desc *buffer = &descs.desc[i].buffer;

		text_add(query, "%s{\"size_\":%" PRIu64 ",\"buffer_address_\":%" PRIu64,
			 i ? "," : "", buffer->size, buffer->address);
		text_add(query, ",\"protocol_\":\"tcp\",\"transport_endpoint_\":");
		text_add_json(query, buffer->endpoint);
		text_add(query, "}");
	}
	text_add(query, "]");
}

/* ---- segments ---- */

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
	text_add(query, "{\"segment_name\":");
	text_add_json(query, master->names[segment->name].text);
	text_add(query, ",\"segment_id\":\"%" PRIu64 "-%" PRIu64 "\"", segment->id.first,
		 segment->id.second);
	text_add(query, ",\"client_id\":\"%" PRIu64 "-%" PRIu64 "\"", client.first, client.second);
	text_add(query, ",\"base_address\":\"0x%" PRIx64 "\",\"size_bytes\":%" PRIu64,
		 segment->base, segment->size);
	text_add(query, ",\"size_human\":\"%.4f GiB\",\"te_endpoint\":",
		 (double)segment->size / (double)(1ull << 30));
	text_add_json(query, segment->te_endpoint);
	text_add(query, ",\"protocol\":");
	text_add_json(query, segment->protocol);
	text_add(query, ",\"status\":\"%s\",\"allocator_used_bytes\":%" PRIu64,
		 state_name(segment->state), stats.object_bytes);
	text_add(query,
		 ",\"allocator_capacity_bytes\":%" PRIu64 ",\"allocator_usage_percent\":%.6g",
		 segment->size, 100.0 * (double)stats.object_bytes / (double)segment->size);
	text_add(query,
		 ",\"mc_extent_bytes\":%" PRIu64 ",\"mc_free_largest_bytes\":%" PRIu64
		 ",\"mc_extents_used\":%u,\"mc_extents_free\":%u}",
		 stats.used, stats.free_largest, stats.extents_used, stats.extents_free);
}

static void
query_segments(struct mc_master *master, struct mc_master_query *query)
{
	uint64_t count = mc_counter_read(&master->stats.segments);
	const char *comma = "";

	text_add(query, "{\"total_segments\":%" PRIu64 ",\"segments\":[", count);
	for (uint32_t i = 0; i < master->segments_used; i++) {
		if (!segment_readable(master, i))
			continue;
		text_add(query, "%s", comma);
		segment_detail(master, query, i);
		comma = ",";
	}
	text_add(query, "]}");
}

static void
query_segment_names(struct mc_master *master, struct mc_master_query *query)
{
	for (uint32_t i = 0; i < master->segments_used; i++) {
		if (!segment_readable(master, i))
			continue;
		text_add_str(query, master->names[master->segments[i].name].text);
		text_add(query, "\n");
	}
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

static void
query_segment_stats(struct mc_master *master, struct mc_master_query *query)
{
	for (size_t m = 0; m < sizeof(segment_metrics) / sizeof(segment_metrics[0]); m++) {
		text_add(query, "# HELP %s %s\n", segment_metrics[m].name, segment_metrics[m].help);
		text_add(query, "# TYPE %s gauge\n", segment_metrics[m].name);
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
			text_add(query, "%s{segment=\"", segment_metrics[m].name);
			text_add_label(query, master->names[name].text);
			text_add(query, "\"} %" PRIu64 "\n", value);
		}
	}
}

/* ---- all keys ---- */

/* True when the walk is over. */
static bool
query_keys(struct mc_master *master, struct mc_master_query *query)
{
	uint32_t steps = SLICE;

	while (steps > 0 && query->status == MC_OK) {
		uint32_t object = mc_table_walk(master->table, &query->cursor, &steps);

		if (object != MC_OBJECT_NONE) {
			struct mc_object *obj = master_object(master, object);

			text_add_str(query, (struct mc_str){mc_object_key(obj), obj->key_len});
			text_add(query, "\n");
		}
		if (query->cursor == MC_OBJECT_NONE)
			return true;
	}
	return query->status != MC_OK;
}

/* True when it is answered. */
static bool
query_step(struct mc_master *master, struct mc_master_query *query)
{
	switch (query->kind) {
	case MC_QUERY_KEY:
		query_key(master, query);
		return true;
	case MC_QUERY_KEYS:
		return query_keys(master, query);
	case MC_QUERY_SEGMENT_NAMES:
		query_segment_names(master, query);
		return true;
	case MC_QUERY_SEGMENTS:
		query_segments(master, query);
		return true;
	case MC_QUERY_SEGMENT_STATS:
		query_segment_stats(master, query);
		return true;
	case MC_QUERY_DROP_ENDPOINT:
		/* dead at once: no reader is sent there any more, burial may take its time */
		mc_segments_kill_endpoint(master, (struct mc_str){query->key, query->key_len});
		return true;
	}
	query->status = MC_ERR_UNSUPPORTED;
	return true;
}

static void
query_reply(struct mc_msg *msg)
{
	struct mc_master_query *query = mc_container_of(msg, struct mc_master_query, msg);

	query->done(query);
}

/* False: the asker's ring is full. */
static bool
query_answer(struct mc_master *master, struct mc_master_query *query)
{
	/* first, as the query is the asker's again once it is sent */
	mc_list_del(&query->link);
	query->msg.run = query_reply;
	if (mc_reactor_send(query->reply_to, &query->msg) == MC_OK)
		return true;
	mc_list_add_tail(&master->queries, &query->link);
	return false;
}

uint32_t
mc_queries_work(struct mc_master *master)
{
	struct mc_master_query *query;

	if (mc_list_empty(&master->queries))
		return 0;
	query = mc_container_of(master->queries.next, struct mc_master_query, link);
	if (!query->answered)
		query->answered = query_step(master, query);
	/* a full ring: tried again in the next pass */
	if (query->answered)
		query_answer(master, query);
	return 1;
}

void
mc_queries_refuse(struct mc_master *master)
{
	while (!mc_list_empty(&master->queries)) {
		struct mc_master_query *query =
			mc_container_of(master->queries.next, struct mc_master_query, link);

		if (!query->answered)
			query->status = MC_ERR_UNAVAILABLE_STATE;
		query->answered = true;
		if (!query_answer(master, query)) {
			mc_log_error("a query stays without an answer: its asker is too busy");
			return;
		}
	}
}

static void
query_arrived(struct mc_msg *msg)
{
	struct mc_master_query *query = mc_container_of(msg, struct mc_master_query, msg);

	mc_list_add_tail(&query->master->queries, &query->link);
	if (query->master->stopped)
		mc_queries_refuse(query->master);
}

enum mc_status
mc_master_query_send(struct mc_master *master, struct mc_master_query *query)
{
	query->master = master;
	query->cursor = MC_OBJECT_NONE;
	query->status = MC_OK;
	query->answered = false;
	mc_buf_init(&query->text);
	query->msg.run = query_arrived;
	return mc_reactor_send(master->exec, &query->msg);
}
