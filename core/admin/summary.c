/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one-line summary, in mooncake_master's layout, of what there is here; rates are those since
 * the last summary.
 */
#include <inttypes.h>

#include "core/admin/private.h"
#include "core/base/clock.h"

static void
add_bytes(struct mc_buf *out, uint64_t bytes)
{
	static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
	double value = (double)bytes;
	unsigned int unit = 0;

	while (value >= 1024 && unit < 5) {
		value /= 1024;
		unit++;
	}
	if (unit == 0)
		mc_buf_printf(out, "%" PRIu64 " B", bytes);
	else
		mc_buf_printf(out, "%.2f %s", value, units[unit]);
}

static void
snapshot_take(const struct mc_master_stats *stats, struct admin_snapshot *snapshot)
{
	snapshot->at_ns = mc_clock_mono_ns();
	for (int fn = 0; fn < MC_FN_COUNT; fn++) {
		snapshot->calls[fn] = mc_counter_read(&stats->calls[fn]);
		snapshot->failures[fn] = mc_counter_read(&stats->failures[fn]);
		snapshot->items[fn] = mc_counter_read(&stats->items[fn]);
		snapshot->item_failures[fn] = mc_counter_read(&stats->item_failures[fn]);
		snapshot->partial[fn] = mc_counter_read(&stats->partial[fn]);
	}
}

static const struct {
	enum mc_fn fn;
	const char *name;
} singles[] = {
	{MC_FN_PUT_START, "PutStart"},	 {MC_FN_PUT_END, "PutEnd"},
	{MC_FN_PUT_REVOKE, "PutRevoke"}, {MC_FN_GET_REPLICA_LIST, "Get"},
	{MC_FN_EXIST_KEY, "Exist"},	 {MC_FN_REMOVE, "Del"},
	{MC_FN_REMOVE_ALL, "DelAll"},	 {MC_FN_PING, "Ping"},
};

static const struct {
	enum mc_fn fn;
	const char *name;
} batches[] = {
	{MC_FN_BATCH_PUT_START, "PutStart"},   {MC_FN_BATCH_PUT_END, "PutEnd"},
	{MC_FN_BATCH_PUT_REVOKE, "PutRevoke"}, {MC_FN_BATCH_GET_REPLICA_LIST, "Get"},
	{MC_FN_BATCH_EXIST_KEY, "ExistKey"},
};

static void
add_singles(struct mc_buf *out, const struct admin_snapshot *now, const struct admin_snapshot *last,
	    double seconds)
{
	mc_buf_printf(out, "Requests (Success/Total per sec): ");
	for (size_t i = 0; i < sizeof(singles) / sizeof(singles[0]); i++) {
		enum mc_fn fn = singles[i].fn;
		double calls = (double)(now->calls[fn] - last->calls[fn]);
		double failures = (double)(now->failures[fn] - last->failures[fn]);

		mc_buf_printf(out, "%s%s=%.2f/%.2f", i > 0 ? ", " : "", singles[i].name,
			      (calls - failures) / seconds, calls / seconds);
	}
}

static void
add_batches(struct mc_buf *out, const struct admin_snapshot *now, const struct admin_snapshot *last,
	    double seconds)
{
	mc_buf_printf(out, "Batch Requests (per sec, Req=Success/PartialSuccess/Total, "
			   "Item=Success/Total): ");
	for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
		enum mc_fn fn = batches[i].fn;
		double calls = (double)(now->calls[fn] - last->calls[fn]);
		double failures = (double)(now->failures[fn] - last->failures[fn]);
		double partial = (double)(now->partial[fn] - last->partial[fn]);
		double items = (double)(now->items[fn] - last->items[fn]);
		double failed = (double)(now->item_failures[fn] - last->item_failures[fn]);

		mc_buf_printf(out, "%s%s:(Req=%.2f/%.2f/%.2f, Item=%.2f/%.2f)", i > 0 ? ", " : "",
			      batches[i].name, (calls - failures - partial) / seconds,
			      partial / seconds, calls / seconds, (items - failed) / seconds,
			      items / seconds);
	}
}

static void
summary_write(struct mc_admin *admin, struct mc_buf *out)
{
	const struct mc_master_stats *stats = mc_master_stats(admin->params.master);
	uint64_t used = mc_counter_read(&stats->object_bytes);
	uint64_t capacity = mc_counter_read(&stats->capacity_bytes);
	struct admin_snapshot now;
	double seconds;

	snapshot_take(stats, &now);
	seconds = (double)(now.at_ns - admin->last.at_ns) * 1e-9;
	if (admin->last.at_ns == 0 || seconds < 1e-3)
		seconds = 1;
	mc_buf_printf(out, "role=leader, state=%s, service_ready=%s, master={Mem Storage: ",
		      admin->serving ? "serving" : "stopping", admin->serving ? "true" : "false");
	add_bytes(out, used);
	mc_buf_printf(out, " / ");
	add_bytes(out, capacity);
	mc_buf_printf(out,
		      " (%.1f%%) | Keys: %" PRIu64 " (soft-pinned: %" PRIu64 ") | Clients: %" PRIu64
		      " | ",
		      capacity > 0 ? 100.0 * (double)used / (double)capacity : 0.0,
		      mc_counter_read(&stats->objects),
		      mc_counter_read(&stats->objects_soft_pinned),
		      mc_counter_read(&stats->clients));
	add_singles(out, &now, &admin->last, seconds);
	mc_buf_printf(out, " | ");
	add_batches(out, &now, &admin->last, seconds);
	mc_buf_printf(
		out,
		" | Eviction: Success/Attempts=%" PRIu64 "/%" PRIu64 ", keys=%" PRIu64 ", size=",
		mc_counter_read(&stats->evictions), mc_counter_read(&stats->eviction_attempts),
		mc_counter_read(&stats->evicted_objects));
	add_bytes(out, mc_counter_read(&stats->evicted_bytes));
	mc_buf_printf(out, " | Discard: Total=%" PRIu64 "}",
		      mc_counter_read(&stats->put_discarded));
	admin->last = now;
}

char *
mc_admin_summary(struct mc_admin *admin)
{
	struct mc_buf out;

	mc_buf_init(&out);
	summary_write(admin, &out);
	if (mc_buf_append(&out, "", 1) != MC_OK) {
		mc_buf_fini(&out);
		return NULL;
	}
	return (char *)out.data;
}

void
mc_admin_get_summary(void *context, struct mc_http_request *request)
{
	struct mc_buf out;

	mc_buf_init(&out);
	summary_write(context, &out);
	mc_admin_reply(request, 200, ADMIN_METRICS, &out);
	mc_buf_fini(&out);
}
