/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live page, and the state of the pool that it draws: counters as they are, with the time of
 * their reading, and what the master tells of segments and clients.
 */
#include <inttypes.h>

#include "core/admin/private.h"
#include "core/base/clock.h"
#include "mc/version.h"

/* More than all that is written in front of the master's part. */
#define HEAD_MAX 65536u

void
mc_admin_get_page(void *context, struct mc_http_request *request)
{
	mc_http_reply(request, 200, "text/html; charset=utf-8", mc_admin_page, mc_admin_page_len);
}

static void
totals_add(const struct mc_master_stats *stats, struct mc_buf *out)
{
	const struct {
		const char *name;
		const struct mc_counter *counter;
	} totals[] = {
		{"objects", &stats->objects},
		{"objects_writing", &stats->objects_writing},
		{"object_bytes", &stats->object_bytes},
		{"taken_bytes", &stats->extent_bytes},
		{"parked_bytes", &stats->parked_bytes},
		{"capacity_bytes", &stats->capacity_bytes},
		{"segments", &stats->segments},
		{"clients", &stats->clients},
		{"get_hits", &stats->get_hits},
		{"get_total", &stats->get_total},
		{"evicted_objects", &stats->evicted_objects},
		{"evicted_bytes", &stats->evicted_bytes},
	};

	mc_buf_printf(out, "\"totals\":{");
	for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++)
		mc_buf_printf(out, "%s\"%s\":%" PRIu64, i > 0 ? "," : "", totals[i].name,
			      mc_counter_read(totals[i].counter));
	mc_buf_printf(out, "},");
}

static void
calls_add(const struct mc_master_stats *stats, struct mc_buf *out)
{
	const char *comma = "";

	mc_buf_printf(out, "\"calls\":{");
	for (int fn = 0; fn < MC_FN_COUNT; fn++) {
		uint64_t calls = mc_counter_read(&stats->calls[fn]);

		if (calls == 0)
			continue;
		mc_buf_printf(out, "%s\"%s\":[%" PRIu64 ",%" PRIu64 "]", comma,
			      mc_fn_name((enum mc_fn)fn), calls,
			      mc_counter_read(&stats->failures[fn]));
		comma = ",";
	}
	mc_buf_printf(out, "},");
}

static void
latency_add(const struct mc_admin *admin, struct mc_buf *out)
{
	struct mc_latency_sums sums = {0};

	for (unsigned int i = 0; i < admin->params.io_count; i++)
		mc_latency_sum(&mc_rpc_server_stats(admin->params.server, i)->latency, &sums);
	mc_buf_printf(out, "\"latency\":{\"ends_ns\":[");
	for (unsigned int i = 0; i + 1 < MC_LATENCY_BUCKETS; i++)
		mc_buf_printf(out, "%" PRIu64 ",", mc_latency_end_ns(i));
	mc_buf_printf(out, "null],\"counts\":[");
	for (unsigned int i = 0; i < MC_LATENCY_BUCKETS; i++)
		mc_buf_printf(out, "%s%" PRIu64, i > 0 ? "," : "", sums.bucket[i]);
	mc_buf_printf(out, "]},");
}

static void
lcores_add(const struct mc_admin *admin, struct mc_buf *out)
{
	mc_buf_printf(out, "\"lcores\":[");
	for (unsigned int i = 0; i < admin->params.io_count; i++) {
		const struct mc_rpc_io_stats *io = mc_rpc_server_stats(admin->params.server, i);
		uint64_t closed = mc_counter_read(&io->closed);
		struct mc_reactor_stats stats;

		mc_reactor_stats_read(admin->params.io[i], &stats);
		mc_buf_printf(out,
			      "%s{\"busy_ns\":%" PRIu64 ",\"sleeps\":%" PRIu64 ",\"calls\":%" PRIu64
			      ",\"connections\":%" PRIu64 "}",
			      i > 0 ? "," : "", stats.busy_ns, stats.sleeps,
			      mc_counter_read(&io->calls), mc_counter_read(&io->accepted) - closed);
	}
	mc_buf_printf(out, "],");
}

static void
answer_state(struct admin_ask *ask)
{
	const struct mc_master_stats *stats = mc_master_stats(ask->admin->params.master);
	const struct mc_buf *rest = &ask->query.text;
	uint64_t now_ns = mc_clock_mono_ns();
	struct mc_buf out;

	mc_buf_init(&out);
	/* once there is room, nothing below fails */
	if (mc_buf_reserve(&out, HEAD_MAX + mc_buf_len(rest)) != MC_OK) {
		mc_admin_reply_error(ask->request, MC_ERR_NO_MEMORY, NULL);
		return;
	}
	mc_buf_printf(&out, "{\"version\":\"%s\",\"serving\":%s,", MC_VERSION,
		      ask->admin->serving ? "true" : "false");
	mc_buf_printf(&out, "\"at_ms\":%" PRIu64 ",\"uptime_s\":%" PRIu64 ",",
		      (uint64_t)(now_ns / MC_NS_PER_MS),
		      (uint64_t)((now_ns - ask->admin->opened_ns) / MC_NS_PER_S));
	totals_add(stats, &out);
	calls_add(stats, &out);
	latency_add(ask->admin, &out);
	lcores_add(ask->admin, &out);
	mc_buf_append(&out, rest->data + rest->head, mc_buf_len(rest));
	mc_buf_append(&out, "}", 1);
	mc_admin_reply(ask->request, 200, ADMIN_JSON, &out);
	mc_buf_fini(&out);
}

void
mc_admin_get_state(void *context, struct mc_http_request *request)
{
	static const struct admin_question question = {.kind = MC_QUERY_STATE,
						       .answer = answer_state};

	mc_admin_ask(context, request, &question);
}
