/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sim_upsert.h"

#include <string.h>

#include "tests/support/must.h"

static const struct mc_replicate_config plain = {.replica_num = 1};

int32_t
sim_upsert_begin(struct sim_client *client, const char *key, uint64_t size,
		 const struct mc_replicate_config *config, struct mc_replica_desc *descs,
		 uint32_t descs_max)
{
	struct mc_args args = sim_args(client);
	struct mc_vec_cursor cursor = {0};
	struct mc_result_vec result;
	int32_t error;

	args.key = sim_str(key);
	args.slice_length = size;
	args.config = config != NULL ? *config : plain;
	error = sim_call(client, MC_FN_UPSERT_START, &args, &result);
	if (error != 0)
		return error;
	for (uint32_t i = 0; i < result.value.count && i < descs_max; i++) {
		must(mc_vec_next_replica(&result.value, &cursor, client->release, &descs[i]));
		ck_assert_int_eq(descs[i].status, MC_REPLICA_PROCESSING);
		ck_assert_uint_eq(descs[i].buffer.size, size);
	}
	return (int32_t)result.value.count;
}

int32_t
sim_upsert_start(struct sim_client *client, const char *key, uint64_t size)
{
	int32_t count = sim_upsert_begin(client, key, size, NULL, NULL, 0);

	return count > 0 ? 0 : count;
}

static int32_t
finish(struct sim_client *client, enum mc_fn fn, const char *key, struct mc_opt_u64 checksum)
{
	struct mc_args args = sim_args(client);
	struct mc_result_void result;

	args.key = sim_str(key);
	args.object_meta = (struct mc_object_meta){.key = args.key, .checksum = checksum};
	return sim_call(client, fn, &args, &result);
}

int32_t
sim_upsert_end_checked(struct sim_client *client, const char *key, struct mc_opt_u64 checksum)
{
	return finish(client, MC_FN_UPSERT_END, key, checksum);
}

int32_t
sim_upsert_end(struct sim_client *client, const char *key)
{
	return finish(client, MC_FN_UPSERT_END, key, (struct mc_opt_u64){0});
}

int32_t
sim_upsert_revoke(struct sim_client *client, const char *key)
{
	return finish(client, MC_FN_UPSERT_REVOKE, key, (struct mc_opt_u64){0});
}

int32_t
sim_upsert(struct sim_client *client, const char *key, uint64_t size,
	   const struct mc_replicate_config *config)
{
	int32_t count = sim_upsert_begin(client, key, size, config, NULL, 0);

	return count > 0 ? sim_upsert_end(client, key) : count;
}

struct mc_object *
sim_object(const char *key)
{
	struct mc_table *table = sim_master()->table;
	uint32_t object = mc_table_find(table, mc_table_hash(key, strlen(key)), key, strlen(key));

	must(object != MC_OBJECT_NONE);
	return mc_table_object(table, object);
}
