/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of objects, in random order: every call that writes, reads, removes, mounts or unmounts,
 * clients that fall silent, and a pool that is too small; each answer and each counter held against
 * a model. MC_TEST_SEED repeats a run, MC_TEST_MODEL_STEPS makes it longer, MC_TEST_TRACE=1 prints
 * each step.
 */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/wire/msg.h"
#include "tests/support/model.h"
#include "tests/support/must.h"
#include "tests/support/sim_pool.h"
#include "tests/support/sim_suite.h"

#define STEPS	     80000u
#define SEGMENT_SIZE (36u * 1024)
#define SIZE_MAX_    12000u

static struct model model;
static struct sim_client clients[MODEL_CLIENTS];
static uint64_t silent_until_ns[MODEL_CLIENTS];
static uint64_t tick_at_ns;
static struct mc_random random_;
static uint64_t seed;
static uint32_t soft_of_8; /* how many objects ask for a soft pin */
static bool trace;

static uint32_t
below(uint32_t bound)
{
	return (uint32_t)mc_random_below(&random_, bound);
}

static void __attribute__((format(printf, 1, 2)))
tell(const char *format, ...)
{
	va_list list;

	if (!trace)
		return;
	printf("%8" PRIu64 " ms ", (uint64_t)(sim_now_ns() / MC_NS_PER_MS) % 100000000);
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	putchar('\n');
}

static const char *
key_text(uint32_t key)
{
	static char text[16];

	snprintf(text, sizeof(text), "k%u", key);
	return text;
}

/* ---- looks ---- */

static const struct mc_master_stats *
stats(void)
{
	return mc_master_stats(sim_master());
}

static void
look(void)
{
	bool has[MODEL_KEYS];

	sim_settle();
	for (uint32_t i = 0; i < MODEL_KEYS; i++) {
		has[i] = sim_has(key_text(i));
		if (has[i] != model.objects[i].there)
			tell("k%u is %s", i, has[i] ? "there" : "gone");
	}
	model_look(&model, has, sim_stat(&stats()->extent_bytes), sim_now_ns());
	must(sim_stat(&stats()->object_bytes) == model_object_bytes(&model));
	must(sim_stat(&stats()->capacity_bytes) == model_capacity(&model));
	must(sim_stat(&stats()->objects) == model_objects(&model));
	must(sim_stat(&stats()->evicted_objects) == model.evicted);
}

/* Time goes on, with a look on either side of the master's tick of a second. */
static void
pass_ms(uint64_t ms)
{
	while (ms > 0) {
		uint64_t left_ms = (tick_at_ns - sim_now_ns()) / MC_NS_PER_MS;
		uint64_t part = left_ms == 1 ? 1 : ms < left_ms ? ms : left_ms - 1;

		sim_advance_ms(part);
		ms -= part;
		if (sim_now_ns() == tick_at_ns) {
			tell("tick");
			model_tick(&model, sim_now_ns());
			tick_at_ns += MC_NS_PER_S;
		}
		look();
	}
}

/* ---- objects ---- */

static struct model_put
put_draw(struct mc_replicate_config *config)
{
	struct model_put put = {
		.client = below(MODEL_CLIENTS),
		.key = below(MODEL_KEYS),
		.size = 1 + below(below(4) == 0 ? SIZE_MAX_ : SIZE_MAX_ / 4),
		.replicas = 1 + (below(3) == 0) + (below(9) == 0),
		.hard = below(40) == 0,
		.soft = below(8) < soft_of_8,
	};
	uint32_t ttl_ms = below(3000);

	*config = (struct mc_replicate_config){.replica_num = put.replicas,
					       .with_hard_pin = put.hard};
	if (put.soft) {
		config->soft_pin_action = MC_SOFT_PIN_ENABLE;
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
	int32_t error = sim_put_start(&clients[put.client], key_text(put.key), put.size, &config,
				      &result);

	tell("c%u starts k%u of %" PRIu64 " bytes, %u replicas: %d", put.client, put.key, put.size,
	     put.replicas, error);
	if (!is_free) {
		must(error == -705);
		return;
	}
	must(error == 0 || error == -200);
	model_put_placed(&model, &put, descs, error == 0 ? descs_read(&result, descs) : 0,
			 sim_now_ns());
	look();
	if (error == 0 && below(6) > 0)
		must(sim_put_end(&clients[put.client], key_text(put.key)) ==
		     model_put_end(&model, put.client, put.key, sim_now_ns()));
}

/* A key whose write is unfinished, if there is one near a random key. */
static uint32_t
unfinished_draw(void)
{
	uint32_t key = below(MODEL_KEYS);

	for (uint32_t n = 0; n < MODEL_KEYS / 2 && !model.objects[key].writing; n++)
		key = (key + 1) % MODEL_KEYS;
	return key;
}

static uint32_t
writer_draw(uint32_t key)
{
	return below(8) == 0 ? below(MODEL_CLIENTS) : model.objects[key].owner;
}

static void
step_put_end(void)
{
	uint32_t key = unfinished_draw(), client = writer_draw(key);
	int32_t error = sim_put_end(&clients[client], key_text(key));

	tell("c%u ends k%u: %d", client, key, error);
	must(error == model_put_end(&model, client, key, sim_now_ns()));
}

static void
step_put_revoke(void)
{
	uint32_t key = unfinished_draw(), client = writer_draw(key);
	int32_t error = sim_put_revoke(&clients[client], key_text(key));

	tell("c%u revokes k%u: %d", client, key, error);
	must(error == model_put_revoke(&model, client, key));
}

static void
step_get(void)
{
	uint32_t key = below(MODEL_KEYS);
	struct mc_replica_desc descs[MODEL_REPLICAS];
	int32_t got = sim_get(&clients[below(MODEL_CLIENTS)], key_text(key), descs, MODEL_REPLICAS);
	int32_t wanted = model_get(&model, key, sim_now_ns());

	tell("k%u is read: %d", key, got);
	must(wanted == (got < 0 ? got : 0));
	if (wanted == 0)
		model_got(&model, key, descs, (uint32_t)got);
}

static void
step_exist(void)
{
	uint32_t key = below(MODEL_KEYS);

	tell("k%u is asked for", key);
	must(sim_exist(&clients[below(MODEL_CLIENTS)], key_text(key)) ==
	     (model_get(&model, key, sim_now_ns()) == 0));
}

static void
step_remove(void)
{
	uint32_t key = below(MODEL_KEYS);
	bool force = below(2) == 0;
	int32_t error = sim_remove(&clients[below(MODEL_CLIENTS)], key_text(key), force);

	tell("k%u is removed%s: %d", key, force ? " by force" : "", error);
	must(error == model_remove(&model, key, force, sim_now_ns()));
}

static void
step_remove_all(void)
{
	struct sim_client *client = &clients[below(MODEL_CLIENTS)];
	struct mc_args args = sim_args(client);
	struct mc_result_i64 result;
	int64_t wanted = 0;

	if (below(10) > 0)
		return;
	args.force = below(4) == 0;
	must(sim_call(client, MC_FN_REMOVE_ALL, &args, &result) == 0);
	for (uint32_t i = 0; i < MODEL_KEYS; i++)
		wanted += model_remove(&model, i, args.force, sim_now_ns()) == 0;
	tell("all are removed: %d", (int)result.value);
	must(result.value == wanted);
}

static void
step_clear(void)
{
	uint32_t key = below(MODEL_KEYS), client = writer_draw(key);
	uint32_t name = below(3) == 0 ? UINT32_MAX : below(MODEL_CLIENTS);
	struct mc_args args = sim_args(&clients[client]);
	struct mc_str keys[1] = {sim_str(key_text(key))};
	struct mc_result_vec result;
	char text[16];

	snprintf(text, sizeof(text), "n%u", name);
	args.keys = (struct mc_vec){keys, 1, sizeof(keys[0]), 0, 0};
	args.segment_name = name == UINT32_MAX ? sim_str("") : sim_str(text);
	must(sim_call(&clients[client], MC_FN_BATCH_REPLICA_CLEAR, &args, &result) == 0);
	tell("c%u clears k%u on %d: %u", client, key, (int)name, result.value.count);
	must(result.value.count == model_clear(&model, client, key, name, sim_now_ns()));
}

/* ---- segments and clients ---- */

static struct mc_segment_desc
segment_desc(uint32_t i)
{
	static char endpoints[MODEL_SEGMENTS][8], names[MODEL_SEGMENTS][8];
	struct mc_segment_desc desc = sim_segment(&clients[0], "", i + 1, SEGMENT_SIZE);

	snprintf(endpoints[i], sizeof(endpoints[i]), "e%u", i);
	snprintf(names[i], sizeof(names[i]), "n%u", model.segments[i].name);
	desc.name = sim_str(names[i]);
	desc.te_endpoint = sim_str(endpoints[i]);
	return desc;
}

static uint32_t
segment_client_draw(uint32_t segment)
{
	return below(10) == 0 ? below(MODEL_CLIENTS) : segment % MODEL_CLIENTS;
}

static bool
is_silent(uint32_t client)
{
	return silent_until_ns[client] > sim_now_ns();
}

static void
step_mount(void)
{
	uint32_t i = below(MODEL_SEGMENTS), client = segment_client_draw(i);
	struct mc_segment_desc desc = segment_desc(i);
	int32_t error;

	if (is_silent(client))
		return;
	error = sim_mount_desc(&clients[client], &desc);
	tell("c%u mounts s%u: %d", client, i, error);
	must(error == model_mount(&model, client, i, sim_now_ns()));
}

static void
step_unmount(void)
{
	uint32_t i = below(MODEL_SEGMENTS);

	if (below(4) > 0)
		return;
	tell("s%u is unmounted", i);
	must(sim_unmount(&clients[0], i + 1) == 0);
	model_unmount(&model, i);
}

static void
step_leave(void)
{
	uint32_t i = below(MODEL_SEGMENTS), client = segment_client_draw(i);
	uint32_t grace_ms = below(4000);
	struct mc_args args = sim_args(&clients[client]);
	struct mc_result_void result;
	int32_t error;

	if (below(4) > 0)
		return;
	args.id = sim_segment_id(&clients[0], i + 1);
	args.grace_period_ms = grace_ms;
	error = sim_call(&clients[client], MC_FN_GRACEFUL_UNMOUNT_SEGMENT, &args, &result);
	tell("c%u unmounts s%u in %u ms: %d", client, i, grace_ms, error);
	must(error ==
	     model_leave(&model, client, i, sim_now_ns() + grace_ms * MC_NS_PER_MS));
}

static void
step_segment_status(void)
{
	uint32_t i = below(MODEL_SEGMENTS);

	must(sim_segment_status_by_id(&clients[0], i + 1) == model_segment_status(&model, i));
}

static void
remount(uint32_t client)
{
	struct mc_segment_desc descs[MODEL_SEGMENTS];
	uint32_t mask = 0, count = 0;
	bool altered = below(8) == 0;
	int32_t error;

	for (uint32_t i = 0; i < MODEL_SEGMENTS; i++) {
		if (i % MODEL_CLIENTS != client && below(30) > 0)
			continue;
		descs[count++] = segment_desc(i);
		mask |= 1u << i;
		/* of one that is not mounted the size may be any */
		if (mask >> i == 1 && model.segments[i].state == MODEL_ABSENT)
			altered = false;
	}
	if (altered && count > 0)
		descs[count - 1].size /= 2;
	error = sim_remount(&clients[client], descs, count);
	tell("c%u re-mounts %#x: %d", client, mask, error);
	must(error == model_remount(&model, client, mask, altered, sim_now_ns()));
}

static void
step_ping(void)
{
	uint32_t client = below(MODEL_CLIENTS);
	bool ok;

	if (is_silent(client))
		return;
	ok = model_ping(&model, client, sim_now_ns());
	must(sim_ping(&clients[client]) == (ok ? MC_CLIENT_OK : MC_CLIENT_NEED_REMOUNT));
	if (!ok || below(10) == 0)
		remount(client);
}

static void
step_fall_silent(void)
{
	uint32_t client = below(MODEL_CLIENTS);

	if (below(10) > 0)
		return;
	silent_until_ns[client] = sim_now_ns() + (1 + below(8)) * MC_NS_PER_S;
	tell("c%u falls silent", client);
}

/* ---- all of it ---- */

static const struct {
	void (*run)(void);
	uint32_t weight;
} steps[] = {
	{step_put_start, 40}, {step_put_end, 5},    {step_put_revoke, 4}, {step_get, 10},
	{step_exist, 4},      {step_remove, 6},	    {step_remove_all, 1}, {step_clear, 3},
	{step_mount, 4},      {step_unmount, 2},    {step_leave, 2},	  {step_segment_status, 1},
	{step_ping, 12},      {step_fall_silent, 2},
};

static void
step(void)
{
	uint32_t sum = 0, drawn;
	unsigned int i = 0;

	for (unsigned int n = 0; n < sizeof(steps) / sizeof(*steps); n++)
		sum += steps[n].weight;
	for (drawn = below(sum); drawn >= steps[i].weight; i++)
		drawn -= steps[i].weight;
	steps[i].run();
	look();
	if (below(3) > 0)
		pass_ms(below(20) == 0 ? below(500) : below(10));
}

static void
open(bool evict_soft_pinned)
{
	struct mc_master_params params;

	mc_master_params_init(&params);
	params.lease_ttl_ns = 300 * MC_NS_PER_MS;
	params.client_ttl_ns = 3 * MC_NS_PER_S;
	params.put_discard_ns = 400 * MC_NS_PER_MS;
	params.put_release_ns = 1500 * MC_NS_PER_MS;
	params.evict_soft_pinned = evict_soft_pinned;
	sim_master_open(&params);
	model = (struct model){
		.lease_ttl_ns = params.lease_ttl_ns,
		.client_ttl_ns = params.client_ttl_ns,
		.discard_ns = params.put_discard_ns,
		.release_ns = params.put_release_ns,
		.watermark = params.eviction_watermark,
		.evict_soft_pinned = evict_soft_pinned,
		.looked_ns = sim_now_ns(),
	};
	tick_at_ns = sim_now_ns() + MC_NS_PER_S;
	for (uint32_t i = 0; i < MODEL_CLIENTS; i++) {
		clients[i] = sim_client_open(i + 1, MC_RELEASE_NEWEST);
		silent_until_ns[i] = 0;
	}
	for (uint32_t i = 0; i < MODEL_SEGMENTS; i++) {
		model.segments[i].name = i % MODEL_CLIENTS;
		model.segments[i].base = segment_desc(i).base;
		model.segments[i].size = SEGMENT_SIZE;
	}
	mc_random_init(&random_, seed);
}

/* All is taken away, and time goes until no writer is waited for: nothing is left in use. */
static void
drain(void)
{
	struct mc_args args = sim_args(&clients[0]);
	struct mc_result_i64 result;

	args.force = true;
	must(sim_call(&clients[0], MC_FN_REMOVE_ALL, &args, &result) == 0);
	for (uint32_t i = 0; i < MODEL_KEYS; i++)
		model_remove(&model, i, true, sim_now_ns());
	pass_ms(4000);
	must(sim_stat(&stats()->objects) == 0);
	must(sim_stat(&stats()->extent_bytes) == 0);
	must(sim_stat(&stats()->object_bytes) == 0);
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
	open(_i == 1);
	soft_of_8 = _i == 1 ? 6 : 1;
	for (uint32_t i = steps_wanted(); i > 0; i--) {
		step();
		if (i % 1000 == 0) {
			pass_ms(1000);
			model_at_rest(&model, sim_now_ns());
		}
	}
	drain();
	/* what it is about has happened */
	ck_assert_uint_gt(model.evicted, 100);
	ck_assert((model.evicted_pinned > 0) == (_i == 1));
	ck_assert_uint_gt(model.released, 10);
	ck_assert_uint_gt(model.unparked, 10);
	ck_assert_uint_gt(model.expired, 5);
	ck_assert_uint_gt(model.orphaned, 100);
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
	trace = getenv("MC_TEST_TRACE") != NULL;
	tcase_add_loop_test(tc, the_master_is_as_the_model, 0, 2);
	tcase_set_timeout(tc, 3600);
	suite_add_tcase(suite, tc);
	sim_begin();
	rc = suite_run(suite, CK_NOFORK);
	sim_end();
	return rc;
}
