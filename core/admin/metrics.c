/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /metrics. Names without mc_ are mooncake_master's and mean what they mean there: bytes are object
 * bytes, requests count batches as one. What is ours begins with mc_. doc/limits.md lists
 * upstream's names of features that are not here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/admin/private.h"
#include "mc/version.h"

/* ---- single counters ---- */

#define STAT(field) offsetof(struct mc_master_stats, field)

static const struct {
	const char *name;
	const char *help;
	size_t offset;
	enum mc_metric_kind kind;
} singles[] = {
	{"master_allocated_bytes", "Object bytes placed in memory, over all segments.",
	 STAT(object_bytes), MC_METRIC_GAUGE},
	{"master_total_capacity_bytes", "Memory of all segments.", STAT(capacity_bytes),
	 MC_METRIC_GAUGE},
	{"master_key_count", "Objects, unfinished ones included.", STAT(objects), MC_METRIC_GAUGE},
	{"master_soft_pin_key_count", "Objects with a soft pin.", STAT(objects_soft_pinned),
	 MC_METRIC_GAUGE},
	{"master_active_clients", "Clients that have mounted and ping.", STAT(clients),
	 MC_METRIC_GAUGE},
	{"valid_get_nums_", "Keys looked up for a read and found.", STAT(get_hits),
	 MC_METRIC_COUNTER},
	{"total_get_nums_", "Keys looked up for a read.", STAT(get_total), MC_METRIC_COUNTER},
	{"mem_cache_hit_nums_", "Reads that found the object in memory.", STAT(get_hits),
	 MC_METRIC_COUNTER},
	{"mem_cache_hit_bytes_total", "Object bytes of these.", STAT(get_hit_bytes),
	 MC_METRIC_COUNTER},
	{"mem_cache_nums_", "Objects in memory.", STAT(objects), MC_METRIC_GAUGE},
	{"master_successful_evictions_total", "Rounds of eviction that evicted something.",
	 STAT(evictions), MC_METRIC_COUNTER},
	{"master_attempted_evictions_total", "Rounds of eviction.", STAT(eviction_attempts),
	 MC_METRIC_COUNTER},
	{"master_evicted_key_count", "Objects evicted.", STAT(evicted_objects), MC_METRIC_COUNTER},
	{"master_evicted_size_bytes", "Object bytes evicted.", STAT(evicted_bytes),
	 MC_METRIC_COUNTER},
	{"master_put_start_discard_cnt", "Unfinished writes that were given up.",
	 STAT(put_discarded), MC_METRIC_COUNTER},
	{"master_put_start_alloc_failures_total", "Writes refused for want of space.",
	 STAT(put_refused), MC_METRIC_COUNTER},
	{"master_put_start_partial_allocations_total", "Writes that got fewer replicas than asked.",
	 STAT(put_partial), MC_METRIC_COUNTER},
	{"master_put_start_release_cnt", "Replicas given up whose space came free.",
	 STAT(parked_freed), MC_METRIC_COUNTER},
	{"master_put_start_discarded_staging_size",
	 "Object bytes given up whose space is not free yet.", STAT(parked_bytes),
	 MC_METRIC_GAUGE},
	{"mc_master_extent_bytes", "Bytes taken on the segments: rounded, with trailers.",
	 STAT(extent_bytes), MC_METRIC_GAUGE},
	{"mc_master_parked_bytes", "Object bytes given up that a writer may still write to.",
	 STAT(parked_bytes), MC_METRIC_GAUGE},
	{"mc_master_segments", "Segments that can be read from.", STAT(segments), MC_METRIC_GAUGE},
	{"mc_master_objects_writing", "Objects between PutStart and PutEnd.", STAT(objects_writing),
	 MC_METRIC_GAUGE},
	{"mc_master_table_bytes", "Memory of the object table and the objects.", STAT(table_bytes),
	 MC_METRIC_GAUGE},
	{"mc_master_clients_expired_total", "Clients whose TTL passed.", STAT(clients_expired),
	 MC_METRIC_COUNTER},
	{"mc_master_rejected_total", "Calls answered with a framing-level error.", STAT(rejected),
	 MC_METRIC_COUNTER},
	{"mc_master_put_bytes_total", "Object bytes of all successful PutStarts.", STAT(size_sum),
	 MC_METRIC_COUNTER},
};

static void
write_single(struct mc_buf *out, const char *name, enum mc_metric_kind kind, const char *help,
	     uint64_t value)
{
	mc_prometheus_head(out, name, kind, help);
	mc_prometheus_u64(out, name, NULL, NULL, value);
}

static void
write_singles(const struct mc_master_stats *stats, struct mc_buf *out)
{
	for (size_t i = 0; i < sizeof(singles) / sizeof(singles[0]); i++) {
		const struct mc_counter *counter =
			(const struct mc_counter *)((const char *)stats + singles[i].offset);

		write_single(out, singles[i].name, singles[i].kind, singles[i].help,
			     mc_counter_read(counter));
	}
}

/* ---- sizes of objects ---- */

/* Upstream's bounds; the counters are finer (master.h). */
static void
write_sizes(const struct mc_master_stats *stats, struct mc_buf *out)
{
	static const char name[] = "master_value_size_bytes_bucket";
	static const uint64_t ends[] = {4096,	 65536,	  262144,  1048576,
					4194304, 16777216, 67108864};
	uint64_t below = 0;
	size_t end = 0;

	mc_prometheus_head(out, "master_value_size_bytes", MC_METRIC_HISTOGRAM,
			   "Sizes of the objects that writes began with.");
	for (unsigned int i = 0; i < MC_MASTER_BATCH_BUCKETS; i++) {
		char text[32];

		below += mc_counter_read(&stats->size_bucket[i]);
		if (end == sizeof(ends) / sizeof(ends[0]) || ends[end] != 4096ull << 2 * i)
			continue;
		snprintf(text, sizeof(text), "%" PRIu64 ".000000", ends[end++]);
		mc_prometheus_u64(out, name, "le", text, below);
	}
	mc_prometheus_u64(out, name, "le", "+Inf", below);
	mc_prometheus_u64(out, "master_value_size_bytes_sum", NULL, NULL,
			  mc_counter_read(&stats->size_sum));
	mc_prometheus_u64(out, "master_value_size_bytes_count", NULL, NULL, below);
}

/* ---- counters per function ---- */

static const struct {
	enum mc_fn fn;
	const char *name;
} functions[] = {
	{MC_FN_EXIST_KEY, "exist_key"},
	{MC_FN_PUT_START, "put_start"},
	{MC_FN_PUT_END, "put_end"},
	{MC_FN_PUT_REVOKE, "put_revoke"},
	{MC_FN_GET_REPLICA_LIST, "get_replica_list"},
	{MC_FN_GET_REPLICA_LIST_BY_REGEX, "get_replica_list_by_regex"},
	{MC_FN_REMOVE, "remove"},
	{MC_FN_REMOVE_BY_REGEX, "remove_by_regex"},
	{MC_FN_REMOVE_ALL, "remove_all"},
	{MC_FN_MOUNT_SEGMENT, "mount_segment"},
	{MC_FN_UNMOUNT_SEGMENT, "unmount_segment"},
	{MC_FN_REMOUNT_SEGMENT, "remount_segment"},
	{MC_FN_PING, "ping"},
	{MC_FN_COPY_START, "copy_start"},
	{MC_FN_COPY_END, "copy_end"},
	{MC_FN_COPY_REVOKE, "copy_revoke"},
	{MC_FN_MOVE_START, "move_start"},
	{MC_FN_MOVE_END, "move_end"},
	{MC_FN_MOVE_REVOKE, "move_revoke"},
	{MC_FN_EVICT_DISK_REPLICA, "evict_disk_replica"},
	{MC_FN_CREATE_COPY_TASK, "create_copy_task"},
	{MC_FN_CREATE_MOVE_TASK, "create_move_task"},
	{MC_FN_MARK_TASK_TO_COMPLETE, "update_task"},
	{MC_FN_QUERY_TASK, "query_task"},
	{MC_FN_FETCH_TASKS, "fetch_tasks"},
};

static const struct {
	enum mc_fn fn;
	const char *name;
} batches[] = {
	{MC_FN_BATCH_EXIST_KEY, "batch_exist_key"},
	{MC_FN_BATCH_QUERY_IP, "batch_query_ip"},
	{MC_FN_BATCH_REPLICA_CLEAR, "batch_replica_clear"},
	{MC_FN_BATCH_GET_REPLICA_LIST, "batch_get_replica_list"},
	{MC_FN_BATCH_PUT_START, "batch_put_start"},
	{MC_FN_BATCH_PUT_END, "batch_put_end"},
	{MC_FN_BATCH_PUT_REVOKE, "batch_put_revoke"},
};

static void
write_of_function(struct mc_buf *out, const char *function, const char *what, const char *help,
		  uint64_t value)
{
	char name[96], text[128];

	snprintf(name, sizeof(name), "master_%s_%s_total", function, what);
	snprintf(text, sizeof(text), "%s of %s.", help, function);
	write_single(out, name, MC_METRIC_COUNTER, text, value);
}

static void
write_functions(const struct mc_master_stats *stats, struct mc_buf *out)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		enum mc_fn fn = functions[i].fn;

		write_of_function(out, functions[i].name, "requests", "Requests",
				  mc_counter_read(&stats->calls[fn]));
		write_of_function(out, functions[i].name, "failures", "Failed requests",
				  mc_counter_read(&stats->failures[fn]));
	}
	for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
		enum mc_fn fn = batches[i].fn;

		write_of_function(out, batches[i].name, "requests", "Requests",
				  mc_counter_read(&stats->calls[fn]));
		write_of_function(out, batches[i].name, "failures", "Requests without any success",
				  mc_counter_read(&stats->failures[fn]));
		write_of_function(out, batches[i].name, "partial_successes",
				  "Requests with some successes",
				  mc_counter_read(&stats->partial[fn]));
		write_of_function(out, batches[i].name, "items", "Keys",
				  mc_counter_read(&stats->items[fn]));
		write_of_function(out, batches[i].name, "failed_items", "Failed keys",
				  mc_counter_read(&stats->item_failures[fn]));
	}
}

/* Every function under the name that it has on the wire, those without a name above included. */
static void
write_rpc(const struct mc_master_stats *stats, struct mc_buf *out)
{
	mc_prometheus_head(out, "mc_master_rpc_total", MC_METRIC_COUNTER,
			   "Requests by function of the protocol.");
	for (int fn = 0; fn < MC_FN_COUNT; fn++) {
		uint64_t calls = mc_counter_read(&stats->calls[fn]);

		if (calls > 0)
			mc_prometheus_u64(out, "mc_master_rpc_total", "function",
					  mc_fn_name((enum mc_fn)fn), calls);
	}
}

/* ---- lcores ---- */

#define IO(field) offsetof(struct mc_rpc_io_stats, field)

static const struct {
	const char *name;
	const char *help;
	size_t offset;
} io_metrics[] = {
	{"mc_lcore_rpc_calls_total", "RPCs answered on connections of the lcore.", IO(calls)},
	{"mc_lcore_rpc_accepted_total", "Connections given to the lcore.", IO(accepted)},
	{"mc_lcore_rpc_closed_total", "Connections of the lcore that ended.", IO(closed)},
	{"mc_lcore_rpc_broken_total", "Connections closed for breaking the framing.", IO(broken)},
	{"mc_lcore_rpc_refused_total", "Connections refused: too many were open.", IO(refused)},
	{"mc_lcore_rpc_received_bytes_total", "Bytes received.", IO(bytes_in)},
	{"mc_lcore_rpc_sent_bytes_total", "Bytes sent.", IO(bytes_out)},
};

static void
write_io(const struct mc_admin *admin, struct mc_buf *out)
{
	for (size_t m = 0; m < sizeof(io_metrics) / sizeof(io_metrics[0]); m++) {
		mc_prometheus_head(out, io_metrics[m].name, MC_METRIC_COUNTER, io_metrics[m].help);
		for (unsigned int i = 0; i < admin->params.io_count; i++) {
			const char *stats =
				(const char *)mc_rpc_server_stats(admin->params.server, i);
			char lcore[16];

			snprintf(lcore, sizeof(lcore), "%u", i);
			mc_prometheus_u64(
				out, io_metrics[m].name, "lcore", lcore,
				mc_counter_read(
					(const struct mc_counter *)(stats + io_metrics[m].offset)));
		}
	}
}

#define LOAD(field) offsetof(struct mc_reactor_stats, field)

static const struct {
	const char *name;
	const char *help;
	size_t offset;
	double scale;
} load_metrics[] = {
	{"mc_lcore_passes_total", "Passes of the loop.", LOAD(passes), 1},
	{"mc_lcore_busy_seconds_total", "Time in passes that did work.", LOAD(busy_ns), 1e-9},
	{"mc_lcore_messages_total", "Messages from other threads.", LOAD(messages), 1},
	{"mc_lcore_sleeps_total", "Times that the lcore went to sleep.", LOAD(sleeps), 1},
};

static void
write_load(const struct mc_admin *admin, struct mc_buf *out)
{
	for (size_t m = 0; m < sizeof(load_metrics) / sizeof(load_metrics[0]); m++) {
		mc_prometheus_head(out, load_metrics[m].name, MC_METRIC_COUNTER,
				   load_metrics[m].help);
		for (unsigned int i = 0; i < admin->params.io_count; i++) {
			struct mc_reactor_stats stats;
			uint64_t value;
			char lcore[16];

			mc_reactor_stats_read(admin->params.io[i], &stats);
			memcpy(&value, (const char *)&stats + load_metrics[m].offset,
			       sizeof(value));
			snprintf(lcore, sizeof(lcore), "%u", i);
			mc_prometheus_double(out, load_metrics[m].name, "lcore", lcore,
					     (double)value * load_metrics[m].scale);
		}
	}
}

static void
write_latency(const struct mc_admin *admin, struct mc_buf *out)
{
	struct mc_latency_sums sums = {0};

	for (unsigned int i = 0; i < admin->params.io_count; i++)
		mc_latency_sum(&mc_rpc_server_stats(admin->params.server, i)->latency, &sums);
	mc_prometheus_latency(out, "mc_master_rpc_latency_seconds",
			      "From a request that has come whole to its answer sent.", &sums);
}

/* ---- the process ---- */

static uint64_t
resident_bytes(void)
{
	unsigned long long total, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file == NULL)
		return 0;
	if (fscanf(file, "%llu %llu", &total, &resident) != 2)
		resident = 0;
	fclose(file);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* All samples but those of segments, which come from a query. */
static void
write_all(const struct mc_admin *admin, struct mc_buf *out)
{
	const struct mc_master_stats *stats = mc_master_stats(admin->params.master);

	write_singles(stats, out);
	write_sizes(stats, out);
	write_functions(stats, out);
	write_rpc(stats, out);
	write_io(admin, out);
	write_latency(admin, out);
	write_load(admin, out);
	write_single(out, "process_resident_memory_bytes", MC_METRIC_GAUGE,
		     "Memory of this process.", resident_bytes());
	mc_prometheus_head(out, "mc_build_info", MC_METRIC_GAUGE, "The version that runs.");
	mc_prometheus_u64(out, "mc_build_info", "version", MC_VERSION, 1);
}

static void
answer_metrics(struct admin_ask *ask)
{
	const struct mc_buf *segments = &ask->query.text;
	struct mc_buf out;

	mc_buf_init(&out);
	write_all(ask->admin, &out);
	if (mc_buf_append(&out, segments->data + segments->head, mc_buf_len(segments)) != MC_OK)
		mc_admin_reply_error(ask->request, MC_ERR_NO_MEMORY, NULL);
	else
		mc_admin_reply(ask->request, 200, ADMIN_METRICS, &out);
	mc_buf_fini(&out);
}

void
mc_admin_get_metrics(void *context, struct mc_http_request *request)
{
	static const struct admin_question question = {.kind = MC_QUERY_SEGMENT_STATS,
						       .answer = answer_metrics};

	mc_admin_ask(context, request, &question);
}
