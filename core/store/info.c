/* SPDX-License-Identifier: Apache-2.0 */
/* What a store tells of itself, and what it asks the master that concerns no one object. */
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/store/private.h"

#define LONG_NS (30 * MC_NS_PER_S)	/* of what goes over all objects */

/* ---- of itself ---- */

const char *
mc_store_hostname(const struct mc_store *store)
{
	return store->name;
}

const char *
mc_store_text(const struct mc_store *store)
{
	return store->text != NULL ? store->text : "";
}

struct mc_engine *
mc_store_engine(struct mc_store *store)
{
	return store->engine;
}

uint32_t
mc_store_poll(struct mc_store *store)
{
	return mc_reactor_poll(store->home);
}

void
mc_store_counters_read(const struct mc_store *store, struct mc_store_counters *out)
{
	const struct store_counters *from = &store->counters;

	*out = (struct mc_store_counters){
		.size = sizeof(*out),
		.puts = mc_counter_read(&from->puts),
		.gets = mc_counter_read(&from->gets),
		.exists = mc_counter_read(&from->exists),
		.removes = mc_counter_read(&from->removes),
		.put_bytes = mc_counter_read(&from->put_bytes),
		.get_bytes = mc_counter_read(&from->get_bytes),
		.put_failures = mc_counter_read(&from->put_failures),
		.get_failures = mc_counter_read(&from->get_failures),
		.misses = mc_counter_read(&from->misses),
		.put_timeouts = mc_counter_read(&from->put_timeouts),
		.get_timeouts = mc_counter_read(&from->get_timeouts),
		.checked = mc_counter_read(&from->checked),
		.unchecked = mc_counter_read(&from->unchecked),
		.mismatches = mc_counter_read(&from->mismatches),
		.checksum_failures = mc_counter_read(&from->checksum_failures),
		.lease_expired = mc_counter_read(&from->lease_expired),
		.remounts = mc_counter_read(&from->remounts),
		.rpc_failures = mc_counter_read(&from->rpc_failures),
		.tasks_done = mc_counter_read(&from->tasks_done),
		.tasks_failed = mc_counter_read(&from->tasks_failed),
		.segments = mc_counter_read(&from->segments),
		.segment_bytes = mc_counter_read(&from->segment_bytes),
		.buffer_used = mc_counter_read(&from->buffer_used),
		.outstanding =
			atomic_load_explicit(&store->outstanding, memory_order_relaxed),
	};
}

/* ---- buffers of the program ---- */

enum mc_status
mc_store_buffer_reg(struct mc_store *store, void *addr, uint64_t length)
{
	struct mc_mem_params params = {.size = sizeof(params), .local_only = true};
	struct mc_engine_mem *mem;

	if (store_forked(store))
		return MC_ERR_PERMISSION;
	return mc_engine_mem_reg(store->engine, addr, length, &params, &mem);
}

enum mc_status
mc_store_buffer_unreg(struct mc_store *store, void *addr)
{
	struct mc_engine_mem *mem;

	if (store_forked(store))
		return MC_ERR_PERMISSION;
	mem = mc_engine_mem_find(store->engine, addr);
	return mem != NULL ? mc_engine_mem_unreg(mem) : MC_ERR_NOT_FOUND;
}

/* ---- the master ---- */

static enum mc_status
ready_decode(void *context, const uint8_t *body, size_t len)
{
	return MC_OK;
}

enum mc_status
mc_store_health(struct mc_store *store)
{
	struct mc_args args;
	enum mc_status st;

	store_args_init(store, &args);
	st = store_ask(store, MC_FN_SERVICE_READY, &args, store->rpc_timeout_ns, ready_decode,
		       NULL);
	return st == MC_OK || st == MC_ERR_PERMISSION ? st : MC_ERR_UNREACHABLE;
}

struct removed {
	enum mc_fn fn;
	uint64_t count;
};

static enum mc_status
removed_decode(void *context, const uint8_t *body, size_t len)
{
	struct removed *removed = context;
	struct mc_result_i64 result;
	enum mc_status st = mc_result_decode(body, len, removed->fn, STORE_RELEASE, &result);

	if (st == MC_OK)
		st = mc_wire_error_status(result.error);
	if (st == MC_OK)
		removed->count = result.value > 0 ? (uint64_t)result.value : 0;
	return st;
}

static enum mc_status
remove_many(struct mc_store *store, enum mc_fn fn, const struct mc_args *args,
	    uint64_t *removed_out)
{
	struct removed removed = {.fn = fn};
	enum mc_status st = store_ask(store, fn, args, LONG_NS, removed_decode, &removed);

	if (st == MC_OK && removed_out != NULL)
		*removed_out = removed.count;
	return st;
}

enum mc_status
mc_store_remove_regex(struct mc_store *store, const char *regex, bool force,
		      uint64_t *removed_out)
{
	struct mc_args args;

	store_args_init(store, &args);
	args.key = store_str(regex);
	args.force = force;
	return remove_many(store, MC_FN_REMOVE_BY_REGEX, &args, removed_out);
}

enum mc_status
mc_store_remove_all(struct mc_store *store, bool force, uint64_t *removed_out)
{
	struct mc_args args;

	store_args_init(store, &args);
	args.force = force;
	return remove_many(store, MC_FN_REMOVE_ALL, &args, removed_out);
}

/* ---- where objects lie ---- */

struct replicas {
	struct mc_store_replica *out;
	uint32_t max;
	uint32_t count;
};

static void
replica_copy(const struct mc_replica_desc *from, struct mc_store_replica *to)
{
	bool memory = from->type == MC_REPLICA_MEMORY || from->type == MC_REPLICA_NOF_SSD;
	struct mc_str text = memory ? from->buffer.endpoint
			     : from->type == MC_REPLICA_LOCAL_DISK ? from->endpoint
								   : from->file_path;

	*to = (struct mc_store_replica){
		.id = from->id,
		.address = memory ? from->buffer.address : 0,
		.length = memory ? from->buffer.size : from->object_size,
		.status = from->status,
		.type = from->type,
	};
	snprintf(to->endpoint, sizeof(to->endpoint), "%.*s", (int)text.len,
		 text.len > 0 ? text.ptr : "");
}

static enum mc_status
replicas_decode(void *context, const uint8_t *body, size_t len)
{
	struct replicas *replicas = context;
	struct mc_result_replicas result;
	struct mc_vec_cursor cursor = {0};
	struct mc_replica_desc replica;
	enum mc_status st = mc_result_decode(body, len, MC_FN_GET_REPLICA_LIST, STORE_RELEASE,
					     &result);

	if (st == MC_OK)
		st = mc_wire_error_status(result.error);
	while (st == MC_OK && mc_vec_next_replica(&result.value.replicas, &cursor, STORE_RELEASE,
						  &replica)) {
		if (replicas->count < replicas->max)
			replica_copy(&replica, &replicas->out[replicas->count]);
		replicas->count++;
	}
	return st;
}

enum mc_status
mc_store_replicas(struct mc_store *store, const char *key, struct mc_store_replica *replicas_out,
		  uint32_t max, uint32_t *count_out)
{
	struct replicas replicas = {.out = replicas_out, .max = max};
	struct mc_args args;
	enum mc_status st;

	store_args_init(store, &args);
	args.key = store_str(key);
	st = store_ask(store, MC_FN_GET_REPLICA_LIST, &args, store->rpc_timeout_ns,
		       replicas_decode, &replicas);
	if (st == MC_OK)
		*count_out = replicas.count;
	return st;
}

/* ---- copies ---- */

struct task_made {
	enum mc_fn fn;
	struct mc_uuid id;
};

static enum mc_status
task_made_decode(void *context, const uint8_t *body, size_t len)
{
	struct task_made *made = context;
	struct mc_result_uuid result;
	enum mc_status st = mc_result_decode(body, len, made->fn, STORE_RELEASE, &result);

	if (st == MC_OK)
		st = mc_wire_error_status(result.error);
	made->id = result.value;
	return st;
}

enum mc_status
mc_store_copy_task(struct mc_store *store, const char *key, const char *const *targets,
		   uint32_t targets_count, struct mc_uuid *task_out)
{
	struct task_made made = {.fn = MC_FN_CREATE_COPY_TASK};
	struct mc_str names[STORE_REPLICAS_MAX];
	struct mc_args args;
	enum mc_status st;

	if (targets_count > STORE_REPLICAS_MAX)
		return MC_ERR_TOO_LARGE;
	store_args_init(store, &args);
	args.key = store_str(key);
	for (uint32_t i = 0; i < targets_count; i++)
		names[i] = store_str(targets[i]);
	args.targets = (struct mc_vec){
		.items = names, .count = targets_count, .stride = sizeof(names[0])};
	st = store_ask(store, made.fn, &args, store->rpc_timeout_ns, task_made_decode, &made);
	if (st == MC_OK)
		*task_out = made.id;
	return st;
}

enum mc_status
mc_store_move_task(struct mc_store *store, const char *key, const char *source,
		   const char *target, struct mc_uuid *task_out)
{
	struct task_made made = {.fn = MC_FN_CREATE_MOVE_TASK};
	struct mc_args args;
	enum mc_status st;

	store_args_init(store, &args);
	args.key = store_str(key);
	args.source = store_str(source);
	args.target = store_str(target);
	st = store_ask(store, made.fn, &args, store->rpc_timeout_ns, task_made_decode, &made);
	if (st == MC_OK)
		*task_out = made.id;
	return st;
}

static enum mc_status
task_decode(void *context, const uint8_t *body, size_t len)
{
	struct mc_store_task *task = context;
	struct mc_result_task result;
	enum mc_status st = mc_result_decode(body, len, MC_FN_QUERY_TASK, STORE_RELEASE, &result);

	if (st == MC_OK)
		st = mc_wire_error_status(result.error);
	if (st != MC_OK)
		return st;
	*task = (struct mc_store_task){.type = result.type, .status = result.status};
	snprintf(task->message, sizeof(task->message), "%.*s", (int)result.message.len,
		 result.message.len > 0 ? result.message.ptr : "");
	return MC_OK;
}

enum mc_status
mc_store_task_query(struct mc_store *store, struct mc_uuid task, struct mc_store_task *task_out)
{
	struct mc_args args;

	store_args_init(store, &args);
	args.id = task;
	return store_ask(store, MC_FN_QUERY_TASK, &args, store->rpc_timeout_ns, task_decode,
			 task_out);
}

/* ---- segments ---- */

enum mc_status
mc_store_mount(struct mc_store *store, uint64_t length, struct mc_uuid *segment_out)
{
	if (store_forked(store))
		return MC_ERR_PERMISSION;
	return length > 0 ? store_mount(store, length, segment_out) : MC_ERR_INVALID;
}

enum mc_status
mc_store_unmount(struct mc_store *store, struct mc_uuid segment, uint64_t grace_ms)
{
	return store_forked(store) ? MC_ERR_PERMISSION : store_unmount(store, segment, grace_ms);
}
