/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks: copies and moves of objects that the master has us do, as their source lies in a segment
 * of ours. Each is a put from that memory to the places that CopyStart or MoveStart reserved.
 *
 * The trailer of a copy names the new replica. Its checksum is the source's: were it made anew, it
 * would vouch for bytes that nobody checked.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/store/private.h"
#include "mc/log.h"

#define TASK_NS (30 * MC_NS_PER_S)

struct store_task {
	struct store_call call;
	struct mc_store *store;
	struct mc_uuid id;
	int32_t type;			/* enum mc_task_type */
	json_t *payload;
	const char *key, *source, *tenant;
	struct mc_str targets[STORE_REPLICAS_MAX];
	uint32_t targets_count;
	struct mc_store_item item;
	struct mc_iov piece;
};

static bool
is_move(const struct store_task *task)
{
	return task->type == MC_TASK_MOVE;
}

/* ---- the end ---- */

static void
task_free(struct store_task *task)
{
	json_decref(task->payload);
	free(task);
}

static void
task_marked(struct store_call *call, enum mc_status status, const uint8_t *body, size_t len)
{
	/* a lost report is the master's to time out */
	task_free(mc_container_of(call, struct store_task, call));
}

static void
task_report(struct store_task *task, enum mc_status status)
{
	struct mc_store *store = task->store;
	struct mc_args args;

	mc_counter_add(status == MC_OK ? &store->counters.tasks_done
				       : &store->counters.tasks_failed, 1);
	store_args_init(store, &args);
	args.request.id = task->id;
	args.request.status = status == MC_OK ? MC_TASK_SUCCESS : MC_TASK_FAILED;
	args.request.message = store_str(status == MC_OK ? "done" : mc_status_text(status));
	task->call.answered = task_marked;
	store_call(store, &task->call, MC_FN_MARK_TASK_TO_COMPLETE, &args);
}

static void
task_args(const struct store_task *task, struct mc_args *args)
{
	store_args_init(task->store, args);
	args->key = store_str(task->key);
	args->tenant_id = store_str(task->tenant);
}

static void
task_revoked(struct store_call *call, enum mc_status status, const uint8_t *body, size_t len)
{
	struct store_task *task = mc_container_of(call, struct store_task, call);

	task_report(task, task->item.status);
}

static void
task_ended(struct store_call *call, enum mc_status status, const uint8_t *body, size_t len)
{
	struct store_task *task = mc_container_of(call, struct store_task, call);

	if (status == MC_OK)
		status = store_decode_void(is_move(task) ? MC_FN_MOVE_END : MC_FN_COPY_END, body,
					   len);
	task_report(task, status);
}

/* The bytes are there, or are not. */
static void
task_moved(void *context, enum mc_status status)
{
	struct store_task *task = context;
	bool ok = status == MC_OK;
	struct mc_args args;

	task->item.status = status;
	task_args(task, &args);
	task->call.answered = ok ? task_ended : task_revoked;
	store_call(task->store, &task->call,
		   is_move(task) ? (ok ? MC_FN_MOVE_END : MC_FN_MOVE_REVOKE)
				 : (ok ? MC_FN_COPY_END : MC_FN_COPY_REVOKE),
		   &args);
}

/* ---- the bytes ---- */

/* Does [address, address + length + trailer) lie in a segment of ours? */
static bool
is_ours(struct mc_store *store, uint64_t address, uint64_t length)
{
	bool found = false;

	pthread_mutex_lock(&store->segments_lock);
	for (uint32_t i = 0; i < store->segments_count; i++) {
		const struct store_segment *segment = &store->segments[i];
		uint64_t base = (uintptr_t)mc_region_addr(segment->region);

		found |= address >= base && address - base <= segment->length &&
			 length + TRAILER_BYTES <= segment->length - (address - base);
	}
	pthread_mutex_unlock(&store->segments_lock);
	return found;
}

/* The source's kind and checksum; TRAILER_NONE where it has none. False: it is not the object. */
static bool
source_trailer(const struct store_task *task, const struct mc_replica_desc *source,
	       struct trailer *trailer)
{
	struct trailer expected = {
		.key_hash = trailer_key_hash(store_str(task->tenant), store_str(task->key)),
		.replica_id = source->id,
		.length = source->buffer.size,
	};

	*trailer = expected;
	trailer->kind = TRAILER_NONE;
	if ((source->id & MC_REPLICA_PROMISE) == 0)
		return true;
	return trailer_check((const uint8_t *)(uintptr_t)(source->buffer.address +
							  source->buffer.size),
			     &expected, trailer) == MC_OK;
}

static enum mc_status
places_set(struct store_op *op, const struct mc_vec *targets, struct trailer *trailer)
{
	struct store_object *object = &op->objects[0];
	struct mc_vec_cursor cursor = {0};
	struct mc_replica_desc replica;
	uint32_t at = 0;
	enum mc_status st;

	if (targets->count > STORE_REPLICAS_MAX)
		return MC_ERR_TOO_LARGE;
	st = store_object_places(object, targets->count);
	while (st == MC_OK && mc_vec_next_replica(targets, &cursor, STORE_RELEASE, &replica)) {
		struct store_place *place = &object->places[at++];

		if (replica.type != MC_REPLICA_MEMORY || replica.buffer.size != object->length)
			return MC_ERR_BAD_MESSAGE;
		place->peer = store_peer_get(op->store, replica.buffer.endpoint);
		if (place->peer == NULL)
			return MC_ERR_TRANSFER;
		place->address = replica.buffer.address;
		place->id = replica.id;
		trailer->replica_id = place->id;
		if ((place->id & MC_REPLICA_PROMISE) != 0)
			trailer_store(trailer, place->trailer);
	}
	return st;
}

static enum mc_status
task_copy(struct store_task *task, const struct mc_result_copy *result)
{
	const struct mc_buffer_desc *buffer = &result->source.buffer;
	struct trailer trailer;
	struct store_op *op;
	enum mc_status st;

	if (result->source.type != MC_REPLICA_MEMORY ||
	    !is_ours(task->store, buffer->address, buffer->size))
		return MC_ERR_SEGMENT_NOT_FOUND;
	if (!source_trailer(task, &result->source, &trailer))
		return MC_ERR_CHECKSUM;
	task->piece = (struct mc_iov){(void *)(uintptr_t)buffer->address, buffer->size};
	task->item = (struct mc_store_item){
		.key = task->key, .pieces = &task->piece, .pieces_count = 1};
	st = store_op_create(task->store, MC_STORE_PUT, &task->item, 1, NULL, &op);
	if (st != MC_OK)
		return st;
	st = places_set(op, &result->targets, &trailer);
	if (st == MC_OK) {
		op->copy = true;
		op->deadline_ns = mc_clock_mono_ns() + TASK_NS;
		op->done = task_moved;
		op->context = task;
		st = store_op_submit(op);
	}
	store_op_unref(op);
	return st;
}

/* ---- the beginning ---- */

static void
task_started(struct store_call *call, enum mc_status status, const uint8_t *body, size_t len)
{
	struct store_task *task = mc_container_of(call, struct store_task, call);
	struct mc_result_copy result;

	if (status == MC_OK)
		status = mc_result_decode(body, len,
					  is_move(task) ? MC_FN_MOVE_START : MC_FN_COPY_START,
					  STORE_RELEASE, &result);
	if (status == MC_OK)
		status = mc_wire_error_status(result.error);
	if (status != MC_OK) {
		task_report(task, status);
		return;
	}
	/* the targets may all have it: nothing to copy, and the task is done */
	status = result.targets.count > 0 ? task_copy(task, &result) : MC_OK;
	if (status != MC_OK || result.targets.count == 0)
		task_moved(task, status);
}

static bool
payload_read(struct store_task *task)
{
	const json_t *targets = json_object_get(task->payload, "targets");

	task->key = json_string_value(json_object_get(task->payload, "key"));
	task->source = json_string_value(json_object_get(task->payload, "source"));
	task->tenant = json_string_value(json_object_get(task->payload, "tenant_id"));
	if (task->tenant == NULL)
		task->tenant = task->store->tenant;
	if (is_move(task)) {
		const char *target =
			json_string_value(json_object_get(task->payload, "target"));

		task->targets[task->targets_count++] = store_str(target);
		return task->key != NULL && task->source != NULL && target != NULL;
	}
	for (size_t i = 0; i < json_array_size(targets) && i < STORE_REPLICAS_MAX; i++)
		task->targets[task->targets_count++] =
			store_str(json_string_value(json_array_get(targets, i)));
	return task->key != NULL && task->source != NULL && task->targets_count > 0;
}

void
store_task_run(struct mc_store *store, const struct mc_task_assignment *assigned)
{
	struct store_task *task = calloc(1, sizeof(*task));
	struct mc_args args;

	if (task == NULL)
		return;		/* the master gives the task up after a while */
	task->store = store;
	task->id = assigned->id;
	task->type = assigned->type;
	task->payload = json_loadb(assigned->payload.ptr, assigned->payload.len, 0, NULL);
	if (!payload_read(task)) {
		mc_log_warn("master %s: a task whose payload does not read: %.*s",
			    store->master.text,
			    (int)(assigned->payload.len < 200 ? assigned->payload.len : 200),
			    assigned->payload.ptr);
		task_report(task, MC_ERR_BAD_MESSAGE);
		return;
	}
	task_args(task, &args);
	args.source = store_str(task->source);
	args.target = task->targets[0];
	args.targets = (struct mc_vec){.items = task->targets, .count = task->targets_count,
				       .stride = sizeof(task->targets[0])};
	task->call.answered = task_started;
	store_call(store, &task->call, is_move(task) ? MC_FN_MOVE_START : MC_FN_COPY_START, &args);
}
