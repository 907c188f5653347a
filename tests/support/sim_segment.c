/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sim_segment.h"

#include <check.h>
#include <stdio.h>

#include "tests/support/must.h"

#define REPLICAS_MAX 8u

int32_t
sim_mount_desc(struct sim_client *client, const struct mc_segment_desc *desc)
{
	struct mc_args args = sim_args(client);
	struct mc_result_void result;

	args.segment = *desc;
	return sim_call(client, MC_FN_MOUNT_SEGMENT, &args, &result);
}

int32_t
sim_remount(struct sim_client *client, const struct mc_segment_desc *descs, uint32_t descs_count)
{
	struct mc_args args = sim_args(client);
	struct mc_result_void result;

	args.segments = (struct mc_vec){descs, descs_count, sizeof(*descs), 0, 0};
	return sim_call(client, MC_FN_REMOUNT_SEGMENT, &args, &result);
}

int32_t
sim_unmount_gracefully(struct sim_client *client, uint64_t number, uint64_t grace_ms)
{
	struct mc_args args = sim_args(client);
	struct mc_result_void result;

	args.id = sim_segment_id(client, number);
	args.grace_period_ms = grace_ms;
	return sim_call(client, MC_FN_GRACEFUL_UNMOUNT_SEGMENT, &args, &result);
}

static int32_t
status_of(struct sim_client *client, enum mc_fn fn, const struct mc_args *args)
{
	struct mc_result_enum result;
	int32_t error = sim_call(client, fn, args, &result);

	return error != 0 ? error : result.value;
}

int32_t
sim_segment_status(struct sim_client *client, const char *name)
{
	struct mc_args args = sim_args(client);

	args.key = sim_str(name);
	return status_of(client, MC_FN_QUERY_SEGMENT_STATUS, &args);
}

int32_t
sim_segment_status_by_id(struct sim_client *client, uint64_t number)
{
	struct mc_args args = sim_args(client);

	args.id = sim_segment_id(client, number);
	return status_of(client, MC_FN_QUERY_SEGMENT_STATUS_BY_ID, &args);
}

int32_t
sim_put_as(struct sim_client *client, const char *key, uint64_t size,
	   const struct mc_replicate_config *config)
{
	int32_t error = sim_put_start(client, key, size, config, NULL);

	return error != 0 ? error : sim_put_end(client, key);
}

void
sim_put_many(struct sim_client *client, const char *prefix, unsigned int count, uint64_t size)
{
	char key[64];

	for (unsigned int i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "%s%u", prefix, i);
		must(sim_put(client, key, size) == 0);
	}
}

const char *
sim_where(struct sim_client *client, const char *key)
{
	static char text[256];
	struct mc_replica_desc descs[REPLICAS_MAX];
	int32_t count = sim_get(client, key, descs, REPLICAS_MAX);
	size_t len = 0;

	text[0] = '\0';
	for (int32_t i = 0; i < count; i++) {
		struct mc_str endpoint = descs[i].buffer.endpoint;

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%.*s ", (int)endpoint.len,
					endpoint.ptr);
		must(len < sizeof(text));
	}
	return text;
}
