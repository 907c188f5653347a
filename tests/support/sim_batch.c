/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sim_batch.h"

#include <stdio.h>

#include "tests/support/must.h"

#define KEY_ROOM 8u

static char texts[SIM_KEYS_MAX][KEY_ROOM];
static struct mc_str keys_made[SIM_KEYS_MAX];
static uint32_t keys_made_count;

/* What sim_batch_args() hands out: there is one batch call at a time for which it is needed. */
static struct mc_object_meta metas[SIM_KEYS_MAX];
static uint64_t sizes[SIM_KEYS_MAX];
static struct mc_vec slices[SIM_KEYS_MAX]; /* each of one slice */

const char *
sim_key(uint32_t i)
{
	must(i < SIM_KEYS_MAX);
	while (keys_made_count <= i) {
		uint32_t n = keys_made_count++;
		int len = snprintf(texts[n], KEY_ROOM, "k%u", n);

		keys_made[n] = (struct mc_str){texts[n], (size_t)len};
	}
	return texts[i];
}

struct mc_vec
sim_keys(uint32_t count)
{
	sim_key(count - 1);
	return (struct mc_vec){.items = keys_made, .count = count, .stride = sizeof(keys_made[0])};
}

struct mc_args
sim_batch_args(const struct sim_client *client, struct mc_vec keys, uint64_t size)
{
	struct mc_args args = sim_args(client);
	struct mc_vec_cursor cursor = {0};

	must(keys.count <= SIM_KEYS_MAX);
	for (uint32_t i = 0; i < keys.count; i++) {
		metas[i] = (struct mc_object_meta){0};
		must(mc_vec_next_str(&keys, &cursor, &metas[i].key));
		sizes[i] = size;
		slices[i] =
			(struct mc_vec){.items = &sizes[i], .count = 1, .stride = sizeof(sizes[0])};
	}
	args.keys = keys;
	args.object_metas =
		(struct mc_vec){.items = metas, .count = keys.count, .stride = sizeof(metas[0])};
	args.slice_lengths =
		(struct mc_vec){.items = sizes, .count = keys.count, .stride = sizeof(sizes[0])};
	if (client->release <= MC_RELEASE_0_3_7)
		args.slice_lengths = (struct mc_vec){
			.items = slices, .count = keys.count, .stride = sizeof(slices[0])};
	args.config.replica_num = 1;
	return args;
}

void
sim_batch_receive(struct sim_client *client, enum mc_fn fn, uint32_t count, const int32_t *errors)
{
	struct mc_vec_cursor cursor = {0};
	struct mc_result_vec result;
	union sim_result element;

	must(sim_receive(client, fn, &result) == 0);
	ck_assert_uint_eq(result.value.count, count);
	for (uint32_t i = 0; i < count; i++) {
		int32_t wanted = errors != NULL ? errors[i] : 0;

		must(mc_vec_next_result(&result.value, &cursor, fn, client->release, &element));
		if (element.error != wanted)
			ck_abort_msg("%s: element %u ended with %d, not %d", mc_fn_name(fn), i,
				     element.error, wanted);
	}
}

void
sim_batch_expect(struct sim_client *client, enum mc_fn fn, const struct mc_args *args,
		 const int32_t *errors)
{
	sim_send(client, fn, args);
	sim_batch_receive(client, fn, args->keys.count, errors);
}

void
sim_put_keys(struct sim_client *client, uint32_t count, uint64_t size)
{
	struct mc_args args = sim_batch_args(client, sim_keys(count), size);

	sim_batch_expect(client, MC_FN_BATCH_PUT_START, &args, NULL);
	sim_batch_expect(client, MC_FN_BATCH_PUT_END, &args, NULL);
}

uint32_t
sim_exist_keys(struct sim_client *client, uint32_t count)
{
	struct mc_args args = sim_batch_args(client, sim_keys(count), 0);
	struct mc_vec_cursor cursor = {0};
	struct mc_result_vec result;
	union sim_result element;
	uint32_t there = 0;

	must(sim_call(client, MC_FN_BATCH_EXIST_KEY, &args, &result) == 0);
	must(result.value.count == count);
	while (mc_vec_next_result(&result.value, &cursor, MC_FN_BATCH_EXIST_KEY, client->release,
				  &element))
		there += element.flag.value;
	return there;
}
