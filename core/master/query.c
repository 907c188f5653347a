/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What other threads ask: queries wait in a line, and the first of them gets a slice per pass of
 * the reactor, between calls.
 */
#include "core/master/query.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/assert.h"
#include "core/base/json.h"
#include "mc/log.h"

/* ---- the text of an answer ---- */

void
mc_query_add(struct mc_master_query *query, const char *format, ...)
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

void
mc_query_add_str(struct mc_master_query *query, struct mc_str text)
{
	if (query->status == MC_OK)
		query->status = mc_buf_append(&query->text, text.ptr, text.len);
}

void
mc_query_add_json(struct mc_master_query *query, struct mc_str text)
{
	if (query->status == MC_OK)
		query->status = mc_json_str(&query->text, text);
}

void
mc_query_add_label(struct mc_master_query *query, struct mc_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '\n')
			mc_query_add(query, "\\n");
		else if (c == '"' || c == '\\')
			mc_query_add(query, "\\%c", c);
		else
			mc_query_add_str(query, (struct mc_str){&text.ptr[i], 1});
	}
}

/* ---- the line ---- */

static const query_step steps[] = {
	[MC_QUERY_KEY] = mc_query_key,
	[MC_QUERY_KEYS_NAMED] = mc_query_keys_named,
	[MC_QUERY_KEYS] = mc_query_keys,
	[MC_QUERY_REMOVE_ALL] = mc_query_remove_all,
	[MC_QUERY_SEGMENT_NAMES] = mc_query_segment_names,
	[MC_QUERY_SEGMENT] = mc_query_segment,
	[MC_QUERY_SEGMENT_STATUS] = mc_query_segment_status,
	[MC_QUERY_SEGMENTS] = mc_query_segments,
	[MC_QUERY_STATE] = mc_query_state,
	[MC_QUERY_SEGMENT_STATS] = mc_query_segment_stats,
	[MC_QUERY_DROP_ENDPOINT] = mc_query_drop_endpoint,
	[MC_QUERY_DRAIN_CREATE] = mc_query_drain_create,
	[MC_QUERY_DRAIN] = mc_query_drain,
	[MC_QUERY_DRAIN_CANCEL] = mc_query_drain_cancel,
};

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
	free(query->scratch);
	query->scratch = NULL;
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
		query->answered = steps[query->kind](master, query);
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
	query->count = 0;
	query->scratch = NULL;
	query->answered = false;
	mc_buf_init(&query->text);
	query->msg.run = query_arrived;
	return mc_reactor_send(master->exec, &query->msg);
}
