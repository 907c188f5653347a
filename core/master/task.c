/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a task: pending until its client fetches it, processing until the client tells how it
 * went, then remembered for a while. Tasks that take too long fail, as do those of a client that
 * expired. How many there may be of each kind is bounded.
 */
#include "core/master/task.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/master/drain.h"

#define CHECK_NS (30 * MC_NS_PER_S)
/* Tasks per pass of the reactor. */
#define CHECK_SLICE 128u
#define SWEEP_SLICE 1024u

enum mc_status
mc_tasks_init(struct mc_master *master)
{
	struct master_tasks *tasks = calloc(1, sizeof(*tasks));
	enum mc_status st;

	if (tasks == NULL)
		return MC_ERR_NO_MEMORY;
	tasks->free = tasks->sweep = MC_NUMBER_NONE;
	st = mc_uuid_map_init(&tasks->ids);
	if (st != MC_OK) {
		free(tasks);
		return st;
	}
	master->tasks = tasks;
	return MC_OK;
}

static void
task_release(struct master_task *task)
{
	free(task->order);
	free((char *)task->message.ptr);
}

void
mc_tasks_fini(struct mc_master *master)
{
	struct master_tasks *tasks = master->tasks;

	if (tasks == NULL)
		return;
	for (uint32_t i = 0; i < tasks->used; i++)
		task_release(&tasks->at[i]);
	mc_uuid_map_fini(&tasks->ids);
	free(tasks->at);
	free(tasks);
}

/* ---- queues ---- */

static void
queue_add(struct master_tasks *tasks, struct task_queue *queue, enum task_link link, uint32_t i)
{
	struct master_task *task = &tasks->at[i];

	task->newer[link] = MC_NUMBER_NONE;
	task->older[link] = queue->count > 0 ? queue->newest : MC_NUMBER_NONE;
	if (queue->count++ > 0)
		tasks->at[queue->newest].newer[link] = i;
	else
		queue->oldest = i;
	queue->newest = i;
}

static void
queue_del(struct master_tasks *tasks, struct task_queue *queue, enum task_link link, uint32_t i)
{
	const struct master_task *task = &tasks->at[i];
	uint32_t newer = task->newer[link], older = task->older[link];

	if (newer != MC_NUMBER_NONE)
		tasks->at[newer].older[link] = older;
	else
		queue->newest = older;
	if (older != MC_NUMBER_NONE)
		tasks->at[older].newer[link] = newer;
	else
		queue->oldest = newer;
	queue->count--;
}

static struct task_queue *
queue_of(struct master_tasks *tasks, enum mc_task_status status)
{
	switch (status) {
	case MC_TASK_PENDING:
		return &tasks->pending;
	case MC_TASK_PROCESSING:
		return &tasks->processing;
	default:
		return &tasks->finished;
	}
}

/* To the end of its new state's queue. */
static void
state_enter(struct mc_master *master, uint32_t i, enum mc_task_status status)
{
	struct master_tasks *tasks = master->tasks;
	struct master_task *task = &tasks->at[i];

	task->status = status;
	task->since_ns = mc_reactor_now(master->exec);
	task->updated_at_ms = (int64_t)(mc_clock_real_ns() / MC_NS_PER_MS);
	queue_add(tasks, queue_of(tasks, status), TASK_BY_STATE, i);
	if (status == MC_TASK_PENDING)
		queue_add(tasks, &master->clients[task->client].tasks_pending, TASK_BY_CLIENT, i);
}

static void
state_leave(struct mc_master *master, uint32_t i)
{
	struct master_tasks *tasks = master->tasks;
	struct master_task *task = &tasks->at[i];

	queue_del(tasks, queue_of(tasks, task->status), TASK_BY_STATE, i);
	if (task->status == MC_TASK_PENDING)
		queue_del(tasks, &master->clients[task->client].tasks_pending, TASK_BY_CLIENT, i);
}

/* ---- orders ---- */

static bool
order_is_text(const struct task_request *request, size_t *len_out)
{
	struct mc_vec_cursor cursor = {0};
	struct mc_str target;

	*len_out = request->key.len + request->source.len;
	while (mc_vec_next_str(&request->targets, &cursor, &target)) {
		if (!mc_json_is_text(target))
			return false;
		*len_out += target.len;
	}
	return mc_json_is_text(request->key) && mc_json_is_text(request->source);
}

static struct mc_str
text_copy(char **at, struct mc_str text)
{
	struct mc_str copy = {*at, text.len};

	memcpy(*at, text.ptr, text.len);
	*at += text.len;
	return copy;
}

static enum mc_status
order_create(const struct task_request *request, struct task_order **order_out)
{
	struct mc_vec_cursor cursor = {0};
	struct task_order *order;
	struct mc_str target;
	size_t len, head;
	char *at;

	if (!order_is_text(request, &len))
		return MC_ERR_INVALID_KEY;
	head = sizeof(*order) + request->targets.count * sizeof(order->targets[0]);
	order = malloc(head + len);
	if (order == NULL)
		return MC_ERR_NO_MEMORY;
	at = (char *)order + head;
	order->type = request->type;
	order->key = text_copy(&at, request->key);
	order->source = text_copy(&at, request->source);
	order->targets_count = 0;
	while (mc_vec_next_str(&request->targets, &cursor, &target))
		order->targets[order->targets_count++] = text_copy(&at, target);
	*order_out = order;
	return MC_OK;
}

/* ---- birth ---- */

static enum mc_status
entry_take(struct master_tasks *tasks, uint32_t *task_out)
{
	uint32_t room = tasks->room == 0 ? 64 : tasks->room * 2;
	struct master_task *at;

	if (tasks->free != MC_NUMBER_NONE) {
		*task_out = tasks->free;
		tasks->free = tasks->at[tasks->free].newer[0];
		return MC_OK;
	}
	if (tasks->used == tasks->room) {
		at = realloc(tasks->at, room * sizeof(*at));
		if (at == NULL)
			return MC_ERR_NO_MEMORY;
		tasks->at = at;
		tasks->room = room;
	}
	*task_out = tasks->used++;
	return MC_OK;
}

static void
entry_give(struct master_tasks *tasks, uint32_t i)
{
	tasks->at[i] = (struct master_task){.newer = {tasks->free}};
	tasks->free = i;
}

enum mc_status
mc_task_add(struct mc_master *master, const struct task_request *request, uint32_t *task_out)
{
	struct master_tasks *tasks = master->tasks;
	struct master_task fresh = {
		.id = {mc_random_next(&master->random), mc_random_next(&master->random)},
		.type = request->type,
		.used = true,
		.client_id = master->clients[request->client].id,
		.client = request->client,
		.drain = request->drain,
	};
	uint32_t i;
	enum mc_status st;

	if (tasks->pending.count >= master->params.tasks_pending_max)
		return MC_ERR_TASK_LIMIT;
	st = order_create(request, &fresh.order);
	if (st != MC_OK)
		return st;
	st = entry_take(tasks, &i);
	if (st != MC_OK)
		goto free_order;
	st = mc_uuid_map_add(&tasks->ids, fresh.id, i);
	if (st != MC_OK)
		goto give;
	tasks->at[i] = fresh;
	master->clients[request->client].tasks++;
	state_enter(master, i, MC_TASK_PENDING);
	tasks->at[i].created_at_ms = tasks->at[i].updated_at_ms;
	*task_out = i;
	return MC_OK;
give:
	entry_give(tasks, i);
free_order:
	free(fresh.order);
	return st;
}

uint32_t
mc_task_find(const struct mc_master *master, struct mc_uuid id)
{
	uint32_t task;

	return mc_uuid_map_get(&master->tasks->ids, id, &task) ? task : MC_NUMBER_NONE;
}

/* ---- states ---- */

void
mc_task_start(struct mc_master *master, uint32_t task)
{
	state_leave(master, task);
	state_enter(master, task, MC_TASK_PROCESSING);
}

static void
task_forget(struct master_tasks *tasks, uint32_t i)
{
	struct master_task *task = &tasks->at[i];

	queue_del(tasks, &tasks->finished, TASK_BY_STATE, i);
	mc_uuid_map_del(&tasks->ids, task->id);
	task_release(task);
	entry_give(tasks, i);
}

/* Without memory for it, it is left out. */
static struct mc_str
message_copy(struct mc_str message)
{
	struct mc_str copy;

	if (message.len > MC_TASK_MESSAGE_MAX)
		message.len = MC_TASK_MESSAGE_MAX;
	return mc_str_copy(message, &copy) == MC_OK ? copy : (struct mc_str){0};
}

void
mc_task_finish(struct mc_master *master, uint32_t i, enum mc_task_status status,
	       struct mc_str message)
{
	struct master_tasks *tasks = master->tasks;
	struct master_task *task = &tasks->at[i];
	uint32_t client = task->client;

	if (task->drain != 0)
		mc_drain_task_done(master, task, status);
	state_leave(master, i);
	free(task->order);
	task->order = NULL;
	task->message = message_copy(message);
	task->client = MC_NUMBER_NONE;
	task->drain = 0;
	state_enter(master, i, status);
	master->clients[client].tasks--;
	mc_client_settle(master, client);
	while (tasks->finished.count > master->params.tasks_finished_max)
		task_forget(tasks, tasks->finished.oldest);
}

/* ---- tasks that nobody finishes ---- */

/* Fails tasks that are in @queue for longer than @timeout_ns; 0: none is. */
static uint32_t
timeout_work(struct mc_master *master, const struct task_queue *queue, uint64_t timeout_ns,
	     struct mc_str message)
{
	uint64_t now = mc_reactor_now(master->exec);
	uint32_t n;

	if (timeout_ns == 0)
		return 0;
	for (n = 0; n < CHECK_SLICE && queue->count > 0; n++) {
		if (now - master->tasks->at[queue->oldest].since_ns < timeout_ns)
			break;
		mc_task_finish(master, queue->oldest, MC_TASK_FAILED, message);
	}
	return n;
}

static uint32_t
check_work(struct mc_master *master)
{
	const struct mc_master_params *params = &master->params;
	struct master_tasks *tasks = master->tasks;
	uint32_t n;

	if (mc_reactor_now(master->exec) < tasks->check_at_ns)
		return 0;
	n = timeout_work(master, &tasks->pending, params->task_pending_timeout_ns,
			 MC_STR("pending timeout"));
	n += timeout_work(master, &tasks->processing, params->task_processing_timeout_ns,
			  MC_STR("processing timeout"));
	if (n == 0)
		tasks->check_at_ns = mc_reactor_now(master->exec) + CHECK_NS;
	return n;
}

void
mc_tasks_sweep(struct mc_master *master)
{
	master->tasks->sweep = 0;
}

static uint32_t
sweep_work(struct mc_master *master)
{
	struct master_tasks *tasks = master->tasks;
	uint32_t n = 0;

	for (; tasks->sweep < tasks->used && n < SWEEP_SLICE; n++) {
		const struct master_task *task = &tasks->at[tasks->sweep++];

		if (task->order != NULL && master->clients[task->client].expired)
			mc_task_finish(master, (uint32_t)(task - tasks->at), MC_TASK_FAILED,
				       MC_STR("client is gone"));
	}
	if (tasks->sweep >= tasks->used)
		tasks->sweep = MC_NUMBER_NONE;
	return n;
}

uint32_t
mc_tasks_work(struct mc_master *master)
{
	uint32_t n = master->tasks->sweep != MC_NUMBER_NONE ? sweep_work(master) : 0;

	return n + check_work(master);
}
