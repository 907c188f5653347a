/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sim_task.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/must.h"

#define TARGETS_MAX 80u

static char message[8192];

static int32_t
create(struct sim_client *client, enum mc_fn fn, const struct mc_args *args, struct mc_uuid *id_out)
{
	struct mc_result_uuid result;
	int32_t error = sim_call(client, fn, args, &result);

	if (error == 0)
		*id_out = result.value;
	return error;
}

int32_t
sim_copy_task(struct sim_client *client, const char *key, const char *targets,
	      struct mc_uuid *id_out)
{
	struct mc_args args = sim_args(client);
	struct mc_str names[TARGETS_MAX];

	args.key = sim_str(key);
	args.targets = sim_names(targets, names, TARGETS_MAX);
	return create(client, MC_FN_CREATE_COPY_TASK, &args, id_out);
}

int32_t
sim_move_task(struct sim_client *client, const char *key, const char *source, const char *target,
	      struct mc_uuid *id_out)
{
	struct mc_args args = sim_args(client);

	args.key = sim_str(key);
	args.source = sim_str(source);
	args.target = sim_str(target);
	return create(client, MC_FN_CREATE_MOVE_TASK, &args, id_out);
}

uint32_t
sim_fetch(struct sim_client *client, uint64_t most, struct sim_task *tasks)
{
	struct mc_args args = sim_args(client);
	struct mc_vec_cursor cursor = {0};
	struct mc_task_assignment task = {0};
	struct mc_result_vec result;
	uint32_t count = 0;

	args.batch_size = most;
	must(sim_call(client, MC_FN_FETCH_TASKS, &args, &result) == 0);
	must(result.value.count <= most);
	while (mc_vec_next_result(&result.value, &cursor, MC_FN_FETCH_TASKS, client->release,
				  &task)) {
		struct sim_task *to = &tasks[count++];

		to->id = task.id;
		to->type = (enum mc_task_type)task.type;
		to->max_retry_attempts = task.max_retry_attempts;
		snprintf(to->payload, sizeof(to->payload), "%.*s", (int)task.payload.len,
			 task.payload.ptr);
	}
	must(count == result.value.count);
	return count;
}

int32_t
sim_mark(struct sim_client *client, struct mc_uuid id, int32_t status, const char *text)
{
	struct mc_args args = sim_args(client);
	struct mc_result_void result;

	args.request = (struct mc_task_complete){id, status, sim_str(text)};
	return sim_call(client, MC_FN_MARK_TASK_TO_COMPLETE, &args, &result);
}

int32_t
sim_task_status(struct sim_client *client, struct mc_uuid id)
{
	struct mc_args args = sim_args(client);
	struct mc_result_task result;
	int32_t error;

	args.id = id;
	error = sim_call(client, MC_FN_QUERY_TASK, &args, &result);
	if (error != 0)
		return error;
	snprintf(message, sizeof(message), "%.*s", (int)result.message.len, result.message.ptr);
	return result.status;
}

const char *
sim_task_message(void)
{
	return message;
}

/* The text of a member of a payload that needs no escapes. */
static const char *
member(const struct sim_task *task, const char *name, char *text, size_t size)
{
	char open[64];
	const char *at;

	snprintf(open, sizeof(open), "\"%s\":\"", name);
	at = strstr(task->payload, open);
	must(at != NULL);
	at += strlen(open);
	snprintf(text, size, "%.*s", (int)strcspn(at, "\""), at);
	return text;
}

bool
sim_task_move(struct sim_client *client, const struct sim_task *task)
{
	char key[64], source[64], target[64];
	bool ok = sim_move(client, member(task, "key", key, sizeof(key)),
			   member(task, "source", source, sizeof(source)),
			   member(task, "target", target, sizeof(target))) == 0;

	must(sim_mark(client, task->id, ok ? MC_TASK_SUCCESS : MC_TASK_FAILED, "done") == 0);
	return ok;
}
