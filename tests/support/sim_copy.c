/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sim_copy.h"

#include <string.h>

#include "tests/support/must.h"
#include "tests/support/sim_segment.h"

#define TARGETS_MAX 80u

struct mc_vec
sim_names(const char *text, struct mc_str *names, uint32_t names_max)
{
	uint32_t count = 0;

	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		must(count < names_max);
		names[count++] = (struct mc_str){text, len};
		text += len + strspn(text + len, " ");
	}
	return (struct mc_vec){names, count, sizeof(names[0]), 0, 0};
}

int32_t
sim_copy_start(struct sim_client *client, const char *key, const char *source, const char *targets,
	       struct mc_result_copy *result_out)
{
	struct mc_args args = sim_args(client);
	struct mc_str names[TARGETS_MAX];
	struct mc_result_copy result;

	args.key = sim_str(key);
	args.source = sim_str(source);
	args.targets = sim_names(targets, names, TARGETS_MAX);
	return sim_call(client, MC_FN_COPY_START, &args, result_out ? result_out : &result);
}

int32_t
sim_move_start(struct sim_client *client, const char *key, const char *source, const char *target,
	       struct mc_result_copy *result_out)
{
	struct mc_args args = sim_args(client);
	struct mc_result_copy result;

	args.key = sim_str(key);
	args.source = sim_str(source);
	args.target = sim_str(target);
	return sim_call(client, MC_FN_MOVE_START, &args, result_out ? result_out : &result);
}

int32_t
sim_copy_finish(struct sim_client *client, enum mc_fn fn, const char *key)
{
	struct mc_args args = sim_args(client);
	struct mc_result_void result;

	args.key = sim_str(key);
	return sim_call(client, fn, &args, &result);
}

int32_t
sim_copy(struct sim_client *client, const char *key, const char *source, const char *targets)
{
	int32_t error = sim_copy_start(client, key, source, targets, NULL);

	return error != 0 ? error : sim_copy_finish(client, MC_FN_COPY_END, key);
}

int32_t
sim_move(struct sim_client *client, const char *key, const char *source, const char *target)
{
	int32_t error = sim_move_start(client, key, source, target, NULL);

	return error != 0 ? error : sim_copy_finish(client, MC_FN_MOVE_END, key);
}

int32_t
sim_put_on(struct sim_client *client, const char *key, uint64_t size, const char *name)
{
	struct mc_replicate_config config = {.replica_num = 1, .preferred_segment = sim_str(name)};

	return sim_put_as(client, key, size, &config);
}
