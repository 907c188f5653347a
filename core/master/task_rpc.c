/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions about tasks: whoever wants an object elsewhere creates one, the client that has the
 * source mounted fetches it, carries it out with CopyStart or MoveStart, and tells how it went.
 */
#include <stdlib.h>

#include "core/master/task.h"

/* Of one answer: tasks, and bytes of what they say (and then one more). */
#define FETCH_MAX   1024u
#define FETCH_BYTES (1u << 20)

/* ---- CreateCopyTask, CreateMoveTask ---- */

static enum mc_status
targets_check(const struct mc_master *master, const struct mc_vec *targets)
{
	struct mc_vec_cursor cursor = {0};
	struct mc_str target;

	while (mc_vec_next_str(targets, &cursor, &target)) {
		enum mc_status st = mc_name_check(master, target);

		if (st != MC_OK)
			return st == MC_ERR_SEGMENT_NOT_FOUND ? MC_ERR_INVALID : st;
	}
	return MC_OK;
}

/* The segment of a replica on @source, or of any when that is empty; MC_NUMBER_NONE. */
static uint32_t
source_choose(struct mc_master *master, struct mc_object *object, struct mc_str source)
{
	const struct mc_replica *replicas = mc_object_replicas(object);
	uint32_t name;

	if (source.len == 0)
		return replicas[mc_random_below(&master->random, object->replicas)].segment;
	name = mc_name_find(master, source);
	for (unsigned int i = 0; i < object->replicas; i++) {
		if (master->segments[replicas[i].segment].name == name)
			return replicas[i].segment;
	}
	return MC_NUMBER_NONE;
}

/* Whether the object is busy or unfinished is seen when the task is carried out. */
static enum mc_status
task_create(struct mc_master *master, struct task_request *request, uint32_t *task_out)
{
	struct mc_str key = request->key;
	uint32_t object, segment;
	enum mc_status st;

	if (request->targets.count == 0 || request->targets.count > MC_REPLICAS_MAX)
		return MC_ERR_INVALID;
	object = mc_object_find(master, key, mc_table_hash(key.ptr, key.len));
	if (object == MC_OBJECT_NONE)
		return MC_ERR_OBJECT_NOT_FOUND;
	segment = source_choose(master, master_object(master, object), request->source);
	if (segment == MC_NUMBER_NONE)
		return MC_ERR_INVALID;
	st = targets_check(master, &request->targets);
	if (st != MC_OK)
		return st;
	request->source = master->names[master->segments[segment].name].text;
	request->client = master->segments[segment].client;
	return mc_task_add(master, request, task_out);
}

static enum mc_rpc_verdict
create(struct master_op *op, struct task_request *request, enum mc_status st)
{
	struct mc_result_uuid result = {0};
	uint32_t task;

	request->key = op->args->key;
	if (st == MC_OK)
		st = task_create(op->master, request, &task);
	result.error = mc_wire_error(st);
	if (st == MC_OK)
		result.value = op->master->tasks->at[task].id;
	return mc_op_result(op, &result, result.error);
}

enum mc_rpc_verdict
mc_master_create_copy_task(struct master_op *op)
{
	struct task_request request = {.type = MC_TASK_COPY, .targets = op->args->targets};

	return create(op, &request, MC_OK);
}

enum mc_rpc_verdict
mc_master_create_move_task(struct master_op *op)
{
	struct task_request request = {
		.type = MC_TASK_MOVE,
		.source = op->args->source,
		.targets = {&op->args->target, 1, sizeof(op->args->target), 0, 0},
	};
	enum mc_status st = MC_OK;

	if (request.source.len == 0 || mc_str_equal(request.source, op->args->target))
		st = MC_ERR_INVALID;
	return create(op, &request, st);
}

/* ---- FetchTasks ---- */

struct fetch {
	struct mc_task_assignment *list; /* owned */
	uint32_t *tasks;		 /* owned: their numbers */
	uint32_t count;
	struct mc_buf payloads;
	size_t longest;
};

static uint32_t
fetch_room(const struct mc_master *master, const struct master_client *client, uint64_t wanted)
{
	const struct master_tasks *tasks = master->tasks;
	uint64_t most = client->tasks_pending.count;
	uint32_t running = tasks->processing.count;

	if (most > wanted)
		most = wanted;
	if (most > FETCH_MAX)
		most = FETCH_MAX;
	if (running >= master->params.tasks_processing_max)
		return 0;
	if (most > master->params.tasks_processing_max - running)
		most = master->params.tasks_processing_max - running;
	return (uint32_t)most;
}

static enum mc_status
fetch_add(struct mc_master *master, struct fetch *fetch, uint32_t i, enum mc_release release)
{
	const struct master_task *task = &master->tasks->at[i];
	size_t before = fetch->payloads.tail;
	enum mc_status st = mc_task_payload(task->order, release, &fetch->payloads);
	size_t len = fetch->payloads.tail - before;

	if (st != MC_OK)
		return st;
	fetch->list[fetch->count] = (struct mc_task_assignment){
		.id = task->id,
		.type = task->type,
		.payload = {NULL, len},
		.created_at_ms = task->created_at_ms,
		.max_retry_attempts = master->params.task_retries,
	};
	fetch->tasks[fetch->count++] = i;
	if (len > fetch->longest)
		fetch->longest = len;
	return MC_OK;
}

/* The oldest pending tasks of @client. */
static enum mc_status
fetch_fill(struct mc_master *master, struct fetch *fetch, const struct master_client *client,
	   uint32_t room, enum mc_release release)
{
	uint32_t next = client->tasks_pending.oldest;
	const char *text;
	enum mc_status st = MC_OK;

	fetch->list = calloc(room, sizeof(*fetch->list));
	fetch->tasks = calloc(room, sizeof(*fetch->tasks));
	if (fetch->list == NULL || fetch->tasks == NULL)
		return MC_ERR_NO_MEMORY;
	while (st == MC_OK && fetch->count < room && fetch->payloads.tail < FETCH_BYTES) {
		st = fetch_add(master, fetch, next, release);
		next = master->tasks->at[next].newer[TASK_BY_CLIENT];
	}
	/* where they lie is known when the last one is there */
	text = (const char *)fetch->payloads.data;
	for (uint32_t i = 0; i < fetch->count; i++) {
		fetch->list[i].payload.ptr = text;
		text += fetch->list[i].payload.len;
	}
	return st;
}

static enum mc_rpc_verdict
fetch_answer(struct master_op *op, struct fetch *fetch)
{
	struct mc_result_vec result = {
		.value = {fetch->list, fetch->count, sizeof(*fetch->list), 0, 0}};
	struct mc_writer writer;
	enum mc_rpc_verdict verdict;

	mc_op_open(op, &writer, fetch->longest > FETCH_MAX ? fetch->longest : FETCH_MAX);
	mc_result_put(&writer, &result);
	verdict = mc_op_close(op, &writer);
	for (uint32_t i = 0; verdict == MC_RPC_ANSWERED && !op->failed && i < fetch->count; i++)
		mc_task_start(op->master, fetch->tasks[i]);
	return verdict;
}

enum mc_rpc_verdict
mc_master_fetch_tasks(struct master_op *op)
{
	struct mc_master *master = op->master;
	uint32_t client = mc_client_find(master, op->args->client_id);
	struct fetch fetch = {0};
	uint32_t room = 0;
	enum mc_status st = MC_OK;
	enum mc_rpc_verdict verdict;

	if (client != MC_NUMBER_NONE)
		room = fetch_room(master, &master->clients[client], op->args->batch_size);
	if (room > 0)
		st = fetch_fill(master, &fetch, &master->clients[client], room, op->answer);
	verdict = st == MC_OK ? fetch_answer(op, &fetch) : MC_RPC_CLOSE;
	mc_buf_fini(&fetch.payloads);
	free(fetch.list);
	free(fetch.tasks);
	return verdict;
}

/* ---- MarkTaskToComplete, QueryTask ---- */

static enum mc_status
task_mark(struct mc_master *master, const struct mc_args *args)
{
	const struct mc_task_complete *request = &args->request;
	uint32_t task = mc_task_find(master, request->id);

	if (request->status != MC_TASK_SUCCESS && request->status != MC_TASK_FAILED)
		return MC_ERR_INVALID;
	if (task == MC_NUMBER_NONE)
		return MC_ERR_TASK_NOT_FOUND;
	if (!mc_uuid_equal(master->tasks->at[task].client_id, args->client_id))
		return MC_ERR_ILLEGAL_CLIENT;
	/* told again, or too late: how it ended is known already */
	if (master->tasks->at[task].order != NULL)
		mc_task_finish(master, task, (enum mc_task_status)request->status,
			       request->message);
	return MC_OK;
}

enum mc_rpc_verdict
mc_master_mark_task(struct master_op *op)
{
	return mc_op_status(op, task_mark(op->master, op->args));
}

enum mc_rpc_verdict
mc_master_query_task(struct master_op *op)
{
	uint32_t i = mc_task_find(op->master, op->args->id);
	const struct master_task *task;
	struct mc_result_task result = {0};
	struct mc_writer writer;

	if (i == MC_NUMBER_NONE) {
		result.error = mc_wire_error(MC_ERR_TASK_NOT_FOUND);
		return mc_op_result(op, &result, result.error);
	}
	task = &op->master->tasks->at[i];
	result.id = task->id;
	result.type = task->type;
	result.status = task->status;
	result.created_at_ms = task->created_at_ms;
	result.updated_at_ms = task->updated_at_ms;
	result.assigned_client = task->client_id;
	result.message = task->message;
	mc_op_open(op, &writer, task->message.len);
	mc_result_put(&writer, &result);
	return mc_op_close(op, &writer);
}
