/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of objects, in random order: every call that writes, reads, removes, mounts or unmounts,
 * clients that fall silent, and a pool that is too small; each answer and each counter held against
 * a model. MC_TEST_SEED repeats a run, MC_TEST_MODEL_STEPS makes it longer, MC_TEST_TRACE=1 prints
 * each step.
 */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/wire/msg.h"
#include "tests/support/model_sim.h"
#include "tests/support/must.h"
#include "tests/support/sim_batch.h"
#include "tests/support/sim_copy.h"
#include "tests/support/sim_segment.h"
#include "tests/support/sim_suite.h"
#include "tests/support/sim_upsert.h"

#define STEPS	  80000u
#define BYTES_MAX 12000u
#define BATCH	  6u

static uint64_t silent_until_ns[MODEL_CLIENTS];
static uint64_t seed;
static uint32_t soft_of_8; /* how many objects ask for a soft pin */

/* ---- objects ---- */

static void
put_group(struct model_put *put, struct mc_replicate_config *config, uint32_t group)
{
	static struct mc_str id;

	put->group = group;
	config->has_group_ids = group != 0;
	id = sim_str(model_name(group));
	config->group_ids = (struct mc_vec){&id, group != 0, sizeof(id), 0, 0};
}

static struct model_put
put_draw(struct mc_replicate_config *config)
{
	struct model_put put = {
		.client = model_below(MODEL_CLIENTS),
		.key = model_below(MODEL_KEYS),
		.size = 1 + model_below(model_below(4) == 0 ? BYTES_MAX : BYTES_MAX / 4),
		.replicas = 1 + (model_below(3) == 0) + (model_below(9) == 0),
		.hard = model_below(40) == 0,
		.soft = model_below(9) == 0 ? MC_SOFT_PIN_DISABLE : MC_SOFT_PIN_PRESERVE,
	};
	uint32_t ttl_ms = model_below(3000);

	if (model_below(8) < soft_of_8)
		put.soft = MC_SOFT_PIN_ENABLE;
	*config = (struct mc_replicate_config){.replica_num = put.replicas,
					       .with_hard_pin = put.hard,
					       .soft_pin_action = put.soft};
	put_group(&put, config, model_below(3) == 0 ? 1 + model_below(MODEL_GROUPS) : 0);
	if (put.soft == MC_SOFT_PIN_ENABLE) {
		config->soft_pin_ttl_ms = (struct mc_opt_u64){true, ttl_ms};
		put.pin_ttl_ns = ttl_ms * MC_NS_PER_MS;
	}
	return put;
}

/* The descriptors of an answer to a start. */
static uint32_t
descs_read(const struct mc_result_vec *result, struct mc_replica_desc *descs)
{
	struct mc_vec_cursor cursor = {0};
	uint32_t count = 0;

	must(result->value.count <= MODEL_REPLICAS);
	while (mc_vec_next_replica(&result->value, &cursor, MC_RELEASE_NEWEST, &descs[count]))
		count++;
	must(count == result->value.count);
	return count;
}

static void
step_put_start(void)
{
	struct mc_replicate_config config;
	struct model_put put = put_draw(&config);
	struct mc_replica_desc descs[MODEL_REPLICAS + 1];
	struct mc_result_vec result;
	bool is_free = model_put_start(&model, &put, sim_now_ns());
	int32_t error = sim_put_start(&model_clients[put.client], model_key(put.key), put.size,
				      &config, &result);

	model_tell("c%u starts k%u of %" PRIu64 " bytes, %u replicas: %d", put.client, put.key,
		   put.size, put.replicas, error);
	if (!is_free) {
		must(error == -705);
		return;
	}
	must(error == 0 || error == -200);
	model_put_placed(&model, &put, descs, error == 0 ? descs_read(&result, descs) : 0,
			 sim_now_ns());
	model_sim_look();
	if (error == 0 && model_below(6) > 0)
		must(sim_put_end(&model_clients[put.client], model_key(put.key)) ==
		     model_put_end(&model, put.client, put.key, sim_now_ns()));
}

static void
step_upsert_start(void)
{
	struct mc_replicate_config config;
	struct model_put put = put_draw(&config);
	struct mc_replica_desc descs[MODEL_REPLICAS + 1];
	int32_t got, wanted;

	if (model.objects[put.key].there && model_below(2) == 0)
		put.size = model.objects[put.key].size;
	if (model.objects[put.key].there && model_below(4) > 0)
		put_group(&put, &config, model_below(2) == 0 ? 0 : model.objects[put.key].group);
	wanted = model_upsert_start(&model, &put);
	got = sim_upsert_begin(&model_clients[put.client], model_key(put.key), put.size, &config,
			       descs, MODEL_REPLICAS);
	model_tell("c%u upserts k%u of %" PRIu64 " bytes, %u replicas: %d", put.client, put.key,
		   put.size, put.replicas, got);
	if (wanted != 0) {
		must(got == wanted);
		return;
	}
	must(got > 0 || got == -200);
	model_upsert_placed(&model, &put, descs, got > 0 ? (uint32_t)got : 0, sim_now_ns());
	model_sim_look();
	if (got > 0 && model_below(6) > 0)
		must(sim_upsert_end(&model_clients[put.client], model_key(put.key)) ==
		     model_put_end(&model, put.client, put.key, sim_now_ns()));
}

/* A key whose write is unfinished, if there is one near a random key. */
static uint32_t
unfinished_draw(void)
{
	uint32_t key = model_below(MODEL_KEYS);

	for (uint32_t n = 0; n < MODEL_KEYS / 2 && !model.objects[key].writing; n++)
		key = (key + 1) % MODEL_KEYS;
	return key;
}

static uint32_t
writer_draw(uint32_t key)
{
	return model_below(8) == 0 ? model_below(MODEL_CLIENTS) : model.objects[key].owner;
}

static void
step_put_end(void)
{
	uint32_t key = unfinished_draw(), client = writer_draw(key);
	int32_t error = sim_put_end(&model_clients[client], model_key(key));

	model_tell("c%u ends k%u: %d", client, key, error);
	must(error == model_put_end(&model, client, key, sim_now_ns()));
}

static void
step_put_revoke(void)
{
	uint32_t key = unfinished_draw(), client = writer_draw(key);
	int32_t error = sim_put_revoke(&model_clients[client], model_key(key));

	model_tell("c%u revokes k%u: %d", client, key, error);
	must(error == model_put_revoke(&model, client, key, sim_now_ns()));
}

static void
step_get(void)
{
	uint32_t key = model_below(MODEL_KEYS);
	struct mc_replica_desc descs[MODEL_REPLICAS];
	int32_t got = sim_get(&model_clients[model_below(MODEL_CLIENTS)], model_key(key), descs,
			      MODEL_REPLICAS);
	int32_t wanted = model_get(&model, key, sim_now_ns());

	model_tell("k%u is read: %d", key, got);
	must(wanted == (got < 0 ? got : 0));
	if (wanted == 0)
		model_got(&model, key, descs, (uint32_t)got);
}

static void
step_exist(void)
{
	uint32_t key = model_below(MODEL_KEYS);

	model_tell("k%u is asked for", key);
	must(sim_exist(&model_clients[model_below(MODEL_CLIENTS)], model_key(key)) ==
	     (model_get(&model, key, sim_now_ns()) == 0));
}

static void
step_remove(void)
{
	uint32_t key = model_below(MODEL_KEYS);
	bool force = model_below(2) == 0;
	int32_t error =
		sim_remove(&model_clients[model_below(MODEL_CLIENTS)], model_key(key), force);

	model_tell("k%u is removed%s: %d", key, force ? " by force" : "", error);
	must(error == model_remove(&model, key, force, sim_now_ns()));
}

static void
step_remove_all(void)
{
	struct sim_client *client = &model_clients[model_below(MODEL_CLIENTS)];
	struct mc_args args = sim_args(client);
	struct mc_result_i64 result;
	int64_t wanted = 0;

	if (model_below(10) > 0)
		return;
	args.force = model_below(4) == 0;
	must(sim_call(client, MC_FN_REMOVE_ALL, &args, &result) == 0);
	for (uint32_t i = 0; i < MODEL_KEYS; i++)
		wanted += model_remove(&model, i, args.force, sim_now_ns()) == 0;
	model_tell("all are removed: %d", (int)result.value);
	must(result.value == wanted);
}

static void
step_clear(void)
{
	uint32_t key = model_below(MODEL_KEYS), client = writer_draw(key);
	uint32_t name = model_below(3) == 0 ? UINT32_MAX : model_below(MODEL_CLIENTS);
	struct mc_args args = sim_args(&model_clients[client]);
	struct mc_str keys[1] = {sim_str(model_key(key))};
	struct mc_result_vec result;
	char text[16];

	snprintf(text, sizeof(text), "n%u", name);
	args.keys = (struct mc_vec){keys, 1, sizeof(keys[0]), 0, 0};
	args.segment_name = name == UINT32_MAX ? sim_str("") : sim_str(text);
	must(sim_call(&model_clients[client], MC_FN_BATCH_REPLICA_CLEAR, &args, &result) == 0);
	model_tell("c%u clears k%u on %d: %u", client, key, (int)name, result.value.count);
	must(result.value.count == model_clear(&model, client, key, name, sim_now_ns()));
}

static int32_t
batch_element(enum mc_fn fn, uint32_t client, uint32_t key, bool force)
{
	switch (fn) {
	case MC_FN_BATCH_REMOVE:
		return model_remove(&model, key, force, sim_now_ns());
	case MC_FN_BATCH_PUT_END:
	case MC_FN_BATCH_UPSERT_END:
		return model_put_end(&model, client, key, sim_now_ns());
	case MC_FN_BATCH_PUT_REVOKE:
		return model_put_revoke(&model, client, key, sim_now_ns());
	default:
		return model_get(&model, key, sim_now_ns());
	}
}

/* One after the other, in the order of the keys, which may be alike. */
static void
step_batch(void)
{
	static const enum mc_fn fns[] = {MC_FN_BATCH_REMOVE, MC_FN_BATCH_PUT_END,
					 MC_FN_BATCH_UPSERT_END, MC_FN_BATCH_PUT_REVOKE,
					 MC_FN_BATCH_GET_REPLICA_LIST};
	enum mc_fn fn = fns[model_below(sizeof(fns) / sizeof(*fns))];
	uint32_t client = model_below(MODEL_CLIENTS);
	struct mc_str keys[BATCH];
	int32_t errors[BATCH];
	struct mc_args args;
	bool force = model_below(2) == 0;

	model_tell("c%u: %s%s", client, mc_fn_name(fn), force ? ", by force" : "");
	for (uint32_t i = 0; i < BATCH; i++) {
		uint32_t key = model_below(4) == 0 ? unfinished_draw() : model_below(MODEL_KEYS);

		keys[i] = sim_str(sim_key(key));
		errors[i] = batch_element(fn, client, key, force);
		model_tell("  k%u: %d", key, errors[i]);
	}
	args = sim_batch_args(&model_clients[client], SIM_VEC(keys), 1);
	args.force = force;
	sim_batch_expect(&model_clients[client], fn, &args, errors);
}

/* ---- copies and moves ---- */

/* Mostly from where a replica is; sometimes from or to a name that is not there. */
static struct model_copy
copy_draw(void)
{
	struct model_copy copy = {
		.client = model_below(MODEL_CLIENTS),
		.key = model_below(MODEL_KEYS),
		.move = model_below(2) == 0,
		.source = model_below(MODEL_CLIENTS),
	};
	const struct model_object *object = &model.objects[copy.key];

	if (object->replicas > 0 && model_below(6) > 0)
		copy.source =
			model.segments[object->replica[model_below(object->replicas)].segment].name;
	copy.targets = copy.move ? 1 : 1 + model_below(MODEL_TARGETS);
	for (uint32_t i = 0; i < copy.targets; i++)
		copy.target[i] = model_below(40) == 0 ? 9 : model_below(MODEL_CLIENTS);
	return copy;
}

static int32_t
copy_start(const struct model_copy *copy, struct mc_result_copy *result)
{
	struct sim_client *client = &model_clients[copy->client];
	const char *key = model_key(copy->key), *source = model_name(copy->source);
	char targets[MODEL_TARGETS * 8] = "";

	if (copy->move)
		return sim_move_start(client, key, source, model_name(copy->target[0]), result);
	for (uint32_t i = 0; i < copy->targets; i++) {
		strcat(targets, model_name(copy->target[i]));
		strcat(targets, " ");
	}
	return sim_copy_start(client, key, source, targets, result);
}

static void
copy_begun(const struct model_copy *copy, const struct mc_result_copy *result)
{
	struct mc_replica_desc targets[MODEL_TARGETS + 1];
	struct mc_vec_cursor cursor = {0};
	uint32_t count = 0;

	must(result->targets.count <= MODEL_TARGETS);
	while (mc_vec_next_replica(&result->targets, &cursor, MC_RELEASE_NEWEST, &targets[count]))
		count++;
	model_copy_begun(&model, copy, &result->source, targets, count, sim_now_ns());
}

static void
step_copy_start(void)
{
	struct model_copy copy = copy_draw();
	struct mc_result_copy result;
	int32_t got, wanted = model_copy_start(&model, &copy);

	if (!model.clients[copy.client].tracked)
		return;
	got = copy_start(&copy, &result);
	model_tell("c%u %s k%u from n%u to n%u and %u more: %d", copy.client,
		   copy.move ? "moves" : "copies", copy.key, copy.source, copy.target[0],
		   copy.targets - 1, got);
	must(got == wanted || (got == -200 && wanted == 0));
	if (got == 0)
		copy_begun(&copy, &result);
	else if (got == -200)
		model_no_space(&model);
}

/* A busy key, if there is one near a random key. */
static uint32_t
busy_draw(void)
{
	uint32_t key = model_below(MODEL_KEYS);

	for (uint32_t n = 0; n < MODEL_KEYS / 2 && !model.objects[key].busy; n++)
		key = (key + 1) % MODEL_KEYS;
	return key;
}

static void
step_copy_end(void)
{
	uint32_t key = busy_draw();
	const struct model_object *object = &model.objects[key];
	uint32_t client = model_below(8) == 0 ? model_below(MODEL_CLIENTS) : object->copier;
	bool move = model_below(12) == 0 ? !object->moved : object->moved;
	bool revoke = model_below(4) == 0;
	enum mc_fn fn = revoke ? move ? MC_FN_MOVE_REVOKE : MC_FN_COPY_REVOKE
			: move ? MC_FN_MOVE_END
			       : MC_FN_COPY_END;
	int32_t error = sim_copy_finish(&model_clients[client], fn, model_key(key));

	model_tell("c%u %s the %s of k%u: %d", client, revoke ? "revokes" : "ends",
		   move ? "move" : "copy", key, error);
	must(error == (revoke ? model_copy_revoke(&model, client, key, move, sim_now_ns())
			      : model_copy_end(&model, client, key, move, sim_now_ns())));
}

/* ---- segments and clients ---- */

static uint32_t
segment_client_draw(uint32_t segment)
{
	return model_below(10) == 0 ? model_below(MODEL_CLIENTS) : segment % MODEL_CLIENTS;
}

static bool
is_silent(uint32_t client)
{
	return silent_until_ns[client] > sim_now_ns();
}

static void
step_mount(void)
{
	uint32_t i = model_below(MODEL_SEGMENTS), client = segment_client_draw(i);
	struct mc_segment_desc desc = model_segment_desc(i);
	int32_t error;

	if (is_silent(client))
		return;
	error = sim_mount_desc(&model_clients[client], &desc);
	model_tell("c%u mounts s%u: %d", client, i, error);
	must(error == model_mount(&model, client, i, sim_now_ns()));
}

static void
step_unmount(void)
{
	uint32_t i = model_below(MODEL_SEGMENTS);

	if (model_below(4) > 0)
		return;
	model_tell("s%u is unmounted", i);
	must(sim_unmount(&model_clients[0], i + 1) == 0);
	model_unmount(&model, i);
}

static void
step_leave(void)
{
	uint32_t i = model_below(MODEL_SEGMENTS), client = segment_client_draw(i);
	uint32_t grace_ms = model_below(4000);
	struct mc_args args = sim_args(&model_clients[client]);
	struct mc_result_void result;
	int32_t error;

	if (model_below(4) > 0)
		return;
	args.id = sim_segment_id(&model_clients[0], i + 1);
	args.grace_period_ms = grace_ms;
	error = sim_call(&model_clients[client], MC_FN_GRACEFUL_UNMOUNT_SEGMENT, &args, &result);
	model_tell("c%u unmounts s%u in %u ms: %d", client, i, grace_ms, error);
	must(error == model_leave(&model, client, i, sim_now_ns() + grace_ms * MC_NS_PER_MS));
}

static void
step_segment_status(void)
{
	uint32_t i = model_below(MODEL_SEGMENTS);

	must(sim_segment_status_by_id(&model_clients[0], i + 1) == model_segment_status(&model, i));
}

static void
remount(uint32_t client)
{
	struct mc_segment_desc descs[MODEL_SEGMENTS];
	uint32_t mask = 0, count = 0;
	bool altered = model_below(8) == 0;
	int32_t error;

	for (uint32_t i = 0; i < MODEL_SEGMENTS; i++) {
		if (i % MODEL_CLIENTS != client && model_below(30) > 0)
			continue;
		descs[count++] = model_segment_desc(i);
		mask |= 1u << i;
		/* of one that is not mounted the size may be any */
		if (mask >> i == 1 && model.segments[i].state == MODEL_ABSENT)
			altered = false;
	}
	if (altered && count > 0)
		descs[count - 1].size /= 2;
	error = sim_remount(&model_clients[client], descs, count);
	model_tell("c%u re-mounts %#x: %d", client, mask, error);
	must(error == model_remount(&model, client, mask, altered, sim_now_ns()));
}

static void
step_ping(void)
{
	uint32_t client = model_below(MODEL_CLIENTS);
	bool ok;

	if (is_silent(client))
		return;
	ok = model_ping(&model, client, sim_now_ns());
	must(sim_ping(&model_clients[client]) == (ok ? MC_CLIENT_OK : MC_CLIENT_NEED_REMOUNT));
	if (!ok || model_below(10) == 0)
		remount(client);
}

static void
step_fall_silent(void)
{
	uint32_t client = model_below(MODEL_CLIENTS);

	if (model_below(10) > 0)
		return;
	silent_until_ns[client] = sim_now_ns() + (1 + model_below(8)) * MC_NS_PER_S;
	model_tell("c%u falls silent", client);
}

/* ---- all of it ---- */

static const struct {
	void (*run)(void);
	uint32_t weight;
} steps[] = {
	{step_put_start, 40},	  {step_batch, 4},	{step_upsert_start, 12},
	{step_put_end, 5},	  {step_put_revoke, 4}, {step_get, 10},
	{step_exist, 4},	  {step_remove, 6},	{step_remove_all, 1},
	{step_clear, 3},	  {step_copy_start, 8}, {step_copy_end, 8},
	{step_mount, 4},	  {step_unmount, 2},	{step_leave, 2},
	{step_segment_status, 1}, {step_ping, 12},	{step_fall_silent, 2},
};

static void
step(void)
{
	uint32_t sum = 0, drawn;
	unsigned int i = 0;

	for (unsigned int n = 0; n < sizeof(steps) / sizeof(*steps); n++)
		sum += steps[n].weight;
	for (drawn = model_below(sum); drawn >= steps[i].weight; i++)
		drawn -= steps[i].weight;
	steps[i].run();
	model_sim_look();
	if (model_below(3) > 0)
		model_sim_pass_ms(model_below(20) == 0 ? model_below(500) : model_below(10));
}

static uint32_t
steps_wanted(void)
{
	const char *text = getenv("MC_TEST_MODEL_STEPS");

	return text != NULL ? (uint32_t)strtoul(text, NULL, 0) : STEPS;
}

/* _i: may soft-pinned objects be evicted? */
START_TEST(the_master_is_as_the_model)
{
	model_sim_open(seed, _i == 1);
	memset(silent_until_ns, 0, sizeof(silent_until_ns));
	soft_of_8 = _i == 1 ? 6 : 1;
	for (uint32_t i = steps_wanted(); i > 0; i--) {
		step();
		if (i % 1000 == 0) {
			model_sim_pass_ms(1000);
			model_at_rest(&model, sim_now_ns());
		}
	}
	model_sim_drain();
	/* what it is about has happened */
	ck_assert_uint_gt(model.evicted, 100);
	ck_assert((model.evicted_pinned > 0) == (_i == 1));
	ck_assert_uint_gt(model.released, 10);
	ck_assert_uint_gt(model.unparked, 10);
	ck_assert_uint_gt(model.expired, 5);
	ck_assert_uint_gt(model.orphaned, 100);
	ck_assert_uint_gt(model.evicted_grouped, 50);
	ck_assert_uint_gt(model.in_place, 100);
	ck_assert_uint_gt(model.replaced, 100);
	ck_assert_uint_gt(model.copied, 100);
	ck_assert_uint_gt(model.copies_lost, 10);
	ck_assert_uint_gt(model.copies_undone, 10);
	sim_master_close();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("master/model");
	TCase *tc = tcase_create("model");
	int rc;

	seed = sim_test_seed();
	tcase_add_loop_test(tc, the_master_is_as_the_model, 0, 2);
	tcase_set_timeout(tc, 3600);
	suite_add_tcase(suite, tc);
	sim_begin();
	rc = suite_run(suite, CK_NOFORK);
	sim_end();
	return rc;
}
