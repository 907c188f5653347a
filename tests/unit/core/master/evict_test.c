/* SPDX-License-Identifier: Apache-2.0 */
/* Eviction: who goes, when, and how many; the space of abandoned writes. */
#include <check.h>
#include <stdio.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/master/state.h"
#include "tests/support/evict_model.h"
#include "tests/support/must.h"
#include "tests/support/sim_pool.h"
#include "tests/support/sim_suite.h"

static struct sim_client owner, other;
static struct mc_master_params params;
static uint64_t seed;

static void
pool_open(void)
{
	sim_pool_open(&params, &owner);
	other = sim_client_open(2, MC_RELEASE_NEWEST);
}

static void
setup(void)
{
	mc_master_params_init(&params);
	pool_open();
}

static const struct mc_master_stats *
stats(void)
{
	return mc_master_stats(sim_master());
}

/* ---- who goes ---- */

/* Seen with upstream's master: 91 % used, three hard-pinned, and the six oldest of the rest went.
 */
START_TEST(the_observed_round)
{
	sim_pool_put(&owner, 0, 1, &sim_soft_pin);
	sim_pool_put(&owner, 1, 4, &sim_hard_pin);
	sim_pool_put(&owner, 4, 90, NULL);
	ck_assert(sim_exist(&other, "k4")); /* leased now */
	ck_assert_uint_eq(sim_evicted(), 0);
	sim_pool_put(&owner, 90, 91, NULL);
	ck_assert_uint_eq(sim_evicted(), 6);
	sim_pool_gone(91, 5, 11);
	ck_assert_uint_eq(sim_stat(&stats()->evictions), 1);
	ck_assert_uint_eq(sim_stat(&stats()->evicted_bytes), 6 * SIM_SLOT_SIZE);
	sim_advance_ms(1000);
	ck_assert_uint_eq(sim_evicted(), 6);
}
END_TEST

START_TEST(nothing_goes_at_the_watermark)
{
	sim_pool_put(&owner, 0, 90, NULL);
	sim_advance_ms(5000);
	ck_assert_uint_eq(sim_stat(&stats()->eviction_attempts), 0);
	ck_assert_uint_eq(sim_evicted(), 0);
}
END_TEST

START_TEST(a_read_makes_an_object_the_newest)
{
	sim_pool_put(&owner, 0, 90, NULL);
	for (unsigned int i = 0; i < 40; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%u", 39 - i);
		ck_assert(sim_exist(&other, key));
		sim_advance_ms(10);
	}
	sim_advance_ms(20000); /* no lease is left */
	sim_pool_put(&owner, 90, 91, NULL);
	ck_assert_uint_eq(sim_evicted(), 6);
	sim_pool_gone(91, 40, 46);
}
END_TEST

START_TEST(leased_objects_wait_for_the_end_of_their_lease)
{
	struct mc_args args = sim_args(&other);
	struct mc_result_vec result;

	sim_pool_put(&owner, 0, 90, NULL);
	args.key = sim_str("k");
	ck_assert_int_eq(sim_call(&other, MC_FN_GET_REPLICA_LIST_BY_REGEX, &args, &result), 0);
	ck_assert_int_eq(sim_put_start(&owner, "more", SIM_SLOT_SIZE, NULL, NULL), 0);
	sim_advance_ms(9900);
	ck_assert_uint_eq(sim_evicted(), 0);
	ck_assert_uint_gt(sim_stat(&stats()->eviction_attempts), 900); /* every 10 ms */
	ck_assert_uint_eq(sim_stat(&stats()->evictions), 0);
	sim_advance_ms(200);
	ck_assert_uint_eq(sim_evicted(), 6);
}
END_TEST

START_TEST(hard_pinned_objects_never_go)
{
	sim_pool_put(&owner, 0, 95, &sim_hard_pin);
	sim_advance_ms(100);
	ck_assert_int_eq(sim_put(&owner, "large", 10 * SIM_SLOT_SIZE), -200);
	sim_advance_ms(10000);
	ck_assert_uint_eq(sim_evicted(), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 95);
}
END_TEST

/* ---- when ---- */

START_TEST(each_refused_put_makes_some_room)
{
	sim_pool_put(&owner, 0, 8, NULL);
	for (unsigned int i = 0; i < 8; i++) {
		ck_assert_int_eq(sim_put(&owner, "large", 95 * SIM_SLOT), -200);
		sim_advance_ms(1000);
		ck_assert_uint_eq(sim_evicted(), i + 1); /* a twentieth of eight or fewer */
		ck_assert(!sim_pool_has(i));
	}
	ck_assert_int_eq(sim_put(&owner, "large", 95 * SIM_SLOT), 0);
}
END_TEST

START_TEST(a_refused_put_is_remembered_until_something_went)
{
	sim_pool_put(&owner, 0, 8, NULL);
	for (unsigned int i = 0; i < 8; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%u", i);
		ck_assert(sim_exist(&other, key));
	}
	ck_assert_int_eq(sim_put(&owner, "large", 95 * SIM_SLOT_SIZE), -200);
	sim_advance_ms(9900);
	ck_assert_uint_eq(sim_evicted(), 0);
	sim_advance_ms(100);
	ck_assert_uint_eq(sim_evicted(), 1);
	sim_advance_ms(1000);
	ck_assert_uint_eq(sim_evicted(), 1);
}
END_TEST

START_TEST(a_refused_put_is_forgotten_when_nothing_can_go)
{
	uint64_t attempts;

	sim_pool_put(&owner, 0, 8, &sim_hard_pin);
	ck_assert_int_eq(sim_put(&owner, "large", 95 * SIM_SLOT_SIZE), -200);
	sim_advance_ms(100);
	attempts = sim_stat(&stats()->eviction_attempts);
	ck_assert_uint_gt(attempts, 0);
	sim_advance_ms(5000);
	ck_assert_uint_eq(sim_stat(&stats()->eviction_attempts), attempts);
}
END_TEST

/* Everything is leased, so that only the parked space can end it. */
START_TEST(a_refused_put_is_forgotten_when_parked_space_came_free)
{
	uint64_t attempts;

	sim_master_close();
	params.put_discard_ns = 200 * MC_NS_PER_MS;
	params.put_release_ns = 600 * MC_NS_PER_MS;
	pool_open();
	ck_assert_int_eq(sim_put_start(&owner, "parked", 60 * SIM_SLOT, NULL, NULL), 0);
	sim_advance_ms(300);
	ck_assert_int_eq(sim_put(&other, "parked", 100), 0);
	ck_assert(sim_exist(&other, "parked"));
	ck_assert_int_eq(sim_put(&other, "large", 60 * SIM_SLOT), -200);
	sim_advance_ms(310); /* the end of a second would free it without a round */
	attempts = sim_stat(&stats()->eviction_attempts);
	ck_assert_uint_gt(attempts, 25);
	sim_advance_ms(5000);
	ck_assert_uint_eq(sim_stat(&stats()->eviction_attempts), attempts);
	ck_assert_int_eq(sim_put(&other, "large", 60 * SIM_SLOT), 0);
}
END_TEST

#define SMALL 20000u

/* Passes between the calls go on with the round, a slice each. */
START_TEST(a_large_round_is_worked_off_between_calls)
{
	uint64_t before, calls = 0;

	sim_put_many(&owner, "small", SMALL, 200); /* 78 % of the pool */
	ck_assert_int_eq(sim_put_start(&owner, "large", 13 * SIM_SLOT, NULL, NULL), 0);
	do {
		before = sim_evicted();
		ck_assert(sim_has("small19999"));
		ck_assert_int_eq(sim_put(&other, "other", 1), calls == 0 ? 0 : -705);
		ck_assert_uint_le(sim_evicted() - before, SMALL / 20 / 3);
		calls++;
	} while (sim_evicted() > before || calls < 2);
	ck_assert_uint_gt(calls, 5);
	ck_assert_uint_ge(sim_evicted(), SMALL / 20);
	ck_assert_uint_eq(sim_stat(&stats()->eviction_attempts), 1);
}
END_TEST

/* ---- abandoned writes ---- */

START_TEST(unfinished_writes_are_given_up_after_ten_minutes)
{
	ck_assert_int_eq(sim_put_start(&owner, "k", 1000, NULL, NULL), 0);
	sim_advance_ms(600 * 1000 - 10);
	ck_assert(sim_has("k"));
	ck_assert_uint_eq(sim_stat(&stats()->put_discarded), 0);
	sim_advance_ms(1000);
	ck_assert(!sim_has("k"));
	ck_assert_int_eq(sim_put_end(&owner, "k"), -704);
	ck_assert_uint_eq(sim_stat(&stats()->put_discarded), 1);
	ck_assert_uint_eq(sim_stat(&stats()->put_discarded_bytes), 1000);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), 0);
}
END_TEST

START_TEST(unfinished_writes_are_not_evicted)
{
	char key[16];

	for (unsigned int i = 0; i < 95; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		ck_assert_int_eq(sim_put_start(&owner, key, SIM_SLOT_SIZE, NULL, NULL), 0);
	}
	sim_advance_ms(1000);
	ck_assert_uint_eq(sim_evicted(), 0);
	ck_assert_int_eq(sim_put_end(&owner, "k7"), 0);
	sim_advance_ms(1000);
	ck_assert_uint_eq(sim_evicted(), 1);
	ck_assert(!sim_has("k7"));
}
END_TEST

/* A writer of a write that was taken over may still write: its space is kept that long. */
START_TEST(parked_space_is_free_ten_minutes_after_its_write_began)
{
	ck_assert_int_eq(sim_put_start(&owner, "k", 60 * SIM_SLOT, NULL, NULL), 0);
	sim_advance_ms(100 * 1000);
	ck_assert_int_eq(sim_put(&other, "k", 1000), 0);
	ck_assert_int_eq(sim_put(&other, "large", 60 * SIM_SLOT), -200);
	ck_assert_uint_eq(sim_stat(&mc_master_stats(sim_master())->parked_bytes), 60 * SIM_SLOT);
	sim_advance_ms(500 * 1000 - 10);
	ck_assert_int_eq(sim_put(&other, "large", 60 * SIM_SLOT), -200);
	sim_advance_ms(1000);
	ck_assert_uint_eq(sim_stat(&mc_master_stats(sim_master())->parked_bytes), 0);
	ck_assert_int_eq(sim_put(&other, "large", 60 * SIM_SLOT), 0);
}
END_TEST

/* ---- all of it, against a model ---- */

#define STEPS 6000u

static struct evict_model model;
static struct mc_random random_;
static unsigned int soft_of_4; /* how many objects ask for a soft pin */

static uint64_t
below(uint64_t bound)
{
	return mc_random_below(&random_, bound);
}

static void
model_check(void)
{
	for (unsigned int i = 0; i < EVICT_MODEL_KEYS; i++) {
		if (sim_pool_has(i) != model.objects[i].there)
			ck_abort_msg("k%u is %sthere", i, model.objects[i].there ? "not " : "");
	}
	must(sim_stat(&stats()->evicted_objects) == model.evicted);
	must(sim_stat(&stats()->eviction_attempts) == model.rounds);
	must(sim_stat(&stats()->extent_bytes) == model.used);
}

static void
model_open(bool evict_soft_pinned)
{
	sim_master_close();
	params.evict_soft_pinned = evict_soft_pinned;
	params.lease_ttl_ns = 300 * MC_NS_PER_MS + 1; /* ends when no write does */
	params.put_discard_ns = 200 * MC_NS_PER_MS;
	params.put_release_ns = 600 * MC_NS_PER_MS;
	pool_open();
	ck_assert_int_eq(sim_mount(&owner, "b:1", 2, (uint64_t)SIM_SLOTS * SIM_SLOT), 0);
	model = (struct evict_model){
		.ratio = params.eviction_ratio,
		.watermark = params.eviction_watermark,
		.evict_soft_pinned = evict_soft_pinned,
		.lease_ttl_ns = params.lease_ttl_ns,
		.discard_ns = params.put_discard_ns,
		.release_ns = params.put_release_ns,
		.capacity = 2ull * SIM_SLOTS * SIM_SLOT,
		.tick_at_ns = sim_now_ns() + MC_NS_PER_S,
	};
	mc_random_init(&random_, seed);
}

static uint32_t
key_draw(char *key, size_t len)
{
	uint32_t i = (uint32_t)below(EVICT_MODEL_KEYS);

	snprintf(key, len, "k%u", i);
	return i;
}

static void
config_draw(struct mc_replicate_config *config, struct evict_model_object *object)
{
	uint64_t ttl_ms = below(10000);

	*config = (struct mc_replicate_config){.replica_num = 1 + (below(5) == 0)};
	*object = (struct evict_model_object){.hard = below(20) == 0, .soft = below(4) < soft_of_4};
	config->with_hard_pin = object->hard;
	if (!object->soft)
		return;
	config->soft_pin_action = MC_SOFT_PIN_ENABLE;
	config->soft_pin_ttl_ms = (struct mc_opt_u64){true, ttl_ms};
	object->pin_ttl_ns = ttl_ms * MC_NS_PER_MS;
}

/* Mostly a slot; now and then so much that the pool is far above the watermark. */
static uint64_t
size_draw(void)
{
	switch (below(30)) {
	case 0:
		return 1 + below(30 * SIM_SLOT);
	case 1 ... 9:
		return 1 + below(2 * SIM_SLOT);
	default:
		return SIM_SLOT_SIZE;
	}
}

static void
step_put(void)
{
	uint64_t size = size_draw();
	struct evict_model_object object;
	struct mc_replicate_config config;
	struct mc_result_vec result;
	char key[16];
	uint32_t i = key_draw(key, sizeof(key));
	bool is_free = evict_model_key_free(&model, i, sim_now_ns());
	int32_t error;

	config_draw(&config, &object);
	error = sim_put_start(&owner, key, size, &config, &result);
	must(is_free ? error == 0 || error == -200 : error == -705);
	if (error == 0) {
		object.replicas = result.value.count;
		object.bytes = object.replicas * ((size + 32 + 63) / 64 * 64);
		evict_model_put(&model, i, &object, sim_now_ns());
	} else if (error == -200) {
		evict_model_no_space(&model, sim_now_ns());
	}
	sim_settle();
	evict_model_rounds(&model, sim_now_ns());
	if (error == 0 && below(8) > 0) {
		must(sim_put_end(&owner, key) == 0);
		evict_model_complete(&model, i, sim_now_ns());
	}
}

static void
step_finish(void)
{
	char key[16];
	uint32_t i = key_draw(key, sizeof(key));
	const struct evict_model_object *object = &model.objects[i];
	bool revoke = below(2) == 0;
	int32_t error = revoke ? sim_put_revoke(&owner, key) : sim_put_end(&owner, key);

	if (!object->there) {
		must(error == -704);
	} else if (object->complete) {
		must(error == (revoke ? -700 : 0));
	} else if (revoke) {
		must(error == 0);
		evict_model_drop(&model, i);
	} else {
		must(error == 0);
		evict_model_complete(&model, i, sim_now_ns());
	}
}

static void
step_read(void)
{
	char key[16];
	uint32_t i = key_draw(key, sizeof(key));
	bool readable = model.objects[i].there && model.objects[i].complete;

	must(sim_exist(&other, key) == readable);
	if (readable)
		evict_model_read(&model, i, sim_now_ns());
}

static void
step_remove(void)
{
	char key[16];
	uint32_t i = key_draw(key, sizeof(key));
	const struct evict_model_object *object = &model.objects[i];
	int32_t expected = 0;
	bool force = below(2) == 0;

	if (!object->there)
		expected = -704;
	else if (!object->complete)
		expected = -703;
	else if (!force && object->lease_ns > sim_now_ns())
		expected = -706;
	must(sim_remove(&other, key, force) == expected);
	if (expected == 0)
		evict_model_drop(&model, i);
}

static void
call_draw(void)
{
	uint64_t kind = below(20);

	if (kind < 12)
		step_put();
	else if (kind < 14)
		step_finish();
	else if (kind < 18)
		step_read();
	else if (kind < 19)
		step_remove();
	/* else nothing: time goes */
}

/* The master's tick falls on full 10 ms, calls and rounds on 3 ms behind these. */
static void
step(void)
{
	sim_advance_ms(3);
	evict_model_rounds(&model, sim_now_ns());
	model_check();
	call_draw();
	sim_settle();
	evict_model_rounds(&model, sim_now_ns());
	model_check();
	sim_advance_ms(7);
	evict_model_tick(&model, sim_now_ns());
	model_check();
}

/* _i: may soft-pinned objects be evicted? */
START_TEST(every_round_takes_whom_the_model_takes)
{
	model_open(_i == 1);
	soft_of_4 = _i == 1 ? 3 : 1;
	for (unsigned int i = 0; i < STEPS; i++)
		step();
	/* what it is about has happened */
	ck_assert_uint_gt(model.evicted, 100);
	ck_assert_uint_gt(model.released, 0);
	ck_assert_uint_gt(model.unparked, 0);
	ck_assert((model.evicted_pinned > 0) == (_i == 1));
}
END_TEST

static TCase *
victims(void)
{
	TCase *tc = tcase_create("victims");

	tcase_add_test(tc, the_observed_round);
	tcase_add_test(tc, nothing_goes_at_the_watermark);
	tcase_add_test(tc, a_read_makes_an_object_the_newest);
	tcase_add_test(tc, leased_objects_wait_for_the_end_of_their_lease);
	tcase_add_test(tc, hard_pinned_objects_never_go);
	tcase_add_loop_test(tc, every_round_takes_whom_the_model_takes, 0, 2);
	return tc;
}

static TCase *
times(void)
{
	TCase *tc = tcase_create("times");

	tcase_add_test(tc, each_refused_put_makes_some_room);
	tcase_add_test(tc, a_refused_put_is_remembered_until_something_went);
	tcase_add_test(tc, a_refused_put_is_forgotten_when_nothing_can_go);
	tcase_add_test(tc, a_refused_put_is_forgotten_when_parked_space_came_free);
	tcase_add_test(tc, a_large_round_is_worked_off_between_calls);
	tcase_add_test(tc, unfinished_writes_are_given_up_after_ten_minutes);
	tcase_add_test(tc, unfinished_writes_are_not_evicted);
	tcase_add_test(tc, parked_space_is_free_ten_minutes_after_its_write_began);
	return tc;
}

int
main(void)
{
	TCase *cases[] = {victims(), times(), NULL};

	seed = sim_test_seed();
	return sim_suite_run("master/evict", cases, setup);
}
