/* SPDX-License-Identifier: Apache-2.0 */
/* Replicas: what is told of them, and that every counter is the sum over what is there. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/master/state.h"
#include "tests/support/must.h"
#include "tests/support/sim_segment.h"
#include "tests/support/sim_suite.h"

#define CLIENTS	      3u
#define SEGMENTS      4u /* of each client */
#define SEGMENT_SIZE  (2 * SIM_MIB)
#define KEYS	      300u
#define SIZE_MAX_PUT  100000u
#define OPS	      6000u
#define PUT_DISCARD_S 2u
#define PUT_RELEASE_S 6u

static struct sim_client clients[CLIENTS];
static struct sim_client *const owner = &clients[0];
static uint64_t seed;

static void
setup(void)
{
	struct mc_master_params params;

	mc_master_params_init(&params);
	params.lease_ttl_ns = 500 * MC_NS_PER_MS;
	params.client_ttl_ns = 2500 * MC_NS_PER_MS;
	params.put_discard_ns = PUT_DISCARD_S * MC_NS_PER_S;
	params.put_release_ns = PUT_RELEASE_S * MC_NS_PER_S;
	sim_master_open(&params);
	for (uint64_t i = 0; i < CLIENTS; i++)
		clients[i] = sim_client_open(i + 1, MC_RELEASE_NEWEST);
}

static const struct mc_master_stats *
stats(void)
{
	return mc_master_stats(sim_master());
}

/* What an object of @size occupies: core/alloc adds a trailer and rounds up. */
static uint64_t
occupied(uint64_t size)
{
	return (size + 32 + 63) / 64 * 64;
}

/* ---- what is told of a replica ---- */

START_TEST(a_replica_is_told_by_its_address)
{
	struct mc_segment_desc desc = sim_segment(owner, "name", 1, SEGMENT_SIZE);
	struct mc_replica_desc replicas[1];

	desc.base = 0x10001; /* not aligned */
	desc.te_endpoint = sim_str("10.0.0.1:7");
	desc.protocol = sim_str("rdma");
	ck_assert_int_eq(sim_mount_desc(owner, &desc), 0);
	for (int i = 0; i < 20; i++) {
		char key[8];

		snprintf(key, sizeof(key), "k%d", i);
		ck_assert_int_eq(sim_put(owner, key, 1000), 0);
		ck_assert_int_eq(sim_get(owner, key, replicas, 1), 1);
		ck_assert_int_eq(replicas[0].type, MC_REPLICA_MEMORY);
		ck_assert_uint_eq(replicas[0].buffer.size, 1000);
		ck_assert_uint_ge(replicas[0].buffer.address, desc.base);
		ck_assert_uint_le(replicas[0].buffer.address + 1000, desc.base + desc.size);
		ck_assert(mc_str_equal(replicas[0].buffer.endpoint, desc.te_endpoint));
		/* of every segment, whatever it was mounted with */
		ck_assert(mc_str_equal(replicas[0].buffer.protocol, sim_str("tcp")));
	}
}
END_TEST

START_TEST(no_two_replicas_share_a_number)
{
	struct mc_replicate_config twice = {.replica_num = 2};
	struct mc_replica_desc replicas[2];
	uint64_t last = 0;

	ck_assert_int_eq(sim_mount(owner, "a:1", 1, SEGMENT_SIZE), 0);
	ck_assert_int_eq(sim_mount(owner, "b:1", 2, SEGMENT_SIZE), 0);
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(sim_put_as(owner, "k", 10, &twice), 0);
		ck_assert_int_eq(sim_get(owner, "k", replicas, 2), 2);
		ck_assert_uint_gt(replicas[0].id, last);
		ck_assert_uint_gt(replicas[1].id, replicas[0].id);
		last = replicas[1].id;
		ck_assert_int_eq(sim_remove(owner, "k", true), 0);
	}
}
END_TEST

START_TEST(counters_follow_one_object)
{
	struct mc_replicate_config twice = {.replica_num = 2};

	ck_assert_int_eq(sim_mount(owner, "a:1", 1, SEGMENT_SIZE), 0);
	ck_assert_int_eq(sim_mount(owner, "b:1", 2, SEGMENT_SIZE), 0);
	ck_assert_int_eq(sim_put_start(owner, "k", 1000, &twice, NULL), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 1);
	ck_assert_uint_eq(sim_stat(&stats()->objects_writing), 1);
	ck_assert_uint_eq(sim_stat(&stats()->object_bytes), 2000);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), 2 * occupied(1000));
	ck_assert_int_eq(sim_put_end(owner, "k"), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects_writing), 0);
	ck_assert_int_eq(sim_unmount(owner, 1), 0);
	ck_assert_uint_eq(sim_stat(&stats()->object_bytes), 1000);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), occupied(1000));
	ck_assert_int_eq(sim_remove(owner, "k", false), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 0);
	ck_assert_uint_eq(sim_stat(&stats()->object_bytes), 0);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), 0);
}
END_TEST

/* ---- the sums, after each of many random calls ---- */

struct sums {
	uint64_t objects;
	uint64_t writing;
	uint64_t soft_pinned;
	uint64_t evictable;
	uint64_t object_bytes;
	uint64_t extent_bytes;
	uint64_t capacity;
	uint64_t segments;
	uint32_t client_objects[8]; /* by the master's number */
	uint32_t client_segments[8];
};

static void
sum_object(struct sums *sums, uint32_t handle)
{
	const struct mc_master *master = sim_master();
	struct mc_object *object = master_object(master, handle);
	const struct mc_replica *replicas = mc_object_replicas(object);

	sums->objects++;
	sums->writing += object->queue == MC_QUEUE_WRITING;
	sums->soft_pinned +=
		object->queue == MC_QUEUE_SOFT_WRITTEN || object->queue == MC_QUEUE_SOFT_READ;
	sums->evictable += object->queue != MC_QUEUE_WRITING && object->queue != MC_QUEUE_NONE;
	sums->client_objects[object->owner]++;
	must(object->replicas > 0);
	for (unsigned int i = 0; i < object->replicas; i++) {
		const struct master_segment *segment = &master->segments[replicas[i].segment];

		must(segment->state != SEGMENT_FREE);
		must(mc_alloc_owner(segment->alloc, replicas[i].extent) == handle);
		if (segment->state == SEGMENT_DEAD)
			continue;
		sums->object_bytes += object->size;
		sums->extent_bytes += occupied(object->size);
	}
}

static void
sum_segments(struct sums *sums)
{
	const struct mc_master *master = sim_master();

	for (uint32_t i = 0; i < master->segments_used; i++) {
		const struct master_segment *segment = &master->segments[i];

		if (!segment_readable(master, i))
			continue;
		sums->segments++;
		/* each base here is a multiple of 64 */
		sums->capacity += segment->size / 64 * 64;
		sums->client_segments[segment->client]++;
	}
}

static void
sum_parked(struct sums *sums)
{
	const struct mc_master *master = sim_master();

	for (uint32_t i = 0; i < master->parked_count; i++) {
		const struct parked_extent *parked = &master->parked[i];

		if (segment_readable(master, parked->segment) &&
		    master->segments[parked->segment].generation == parked->generation)
			sums->extent_bytes += occupied(parked->bytes);
	}
}

static void
sums_check(void)
{
	const struct mc_master *master = sim_master();
	uint32_t cursor = MC_OBJECT_NONE, steps = UINT32_MAX, handle;
	struct sums sums = {0};

	while ((handle = mc_table_walk(master->table, &cursor, &steps)) != MC_OBJECT_NONE)
		sum_object(&sums, handle);
	sum_segments(&sums);
	sum_parked(&sums);
	must(sim_stat(&stats()->objects) == sums.objects);
	must(sim_stat(&stats()->objects_writing) == sums.writing);
	must(sim_stat(&stats()->objects_soft_pinned) == sums.soft_pinned);
	must(master->evictable == sums.evictable);
	must(sim_stat(&stats()->object_bytes) == sums.object_bytes);
	must(sim_stat(&stats()->extent_bytes) == sums.extent_bytes);
	must(sim_stat(&stats()->capacity_bytes) == sums.capacity);
	must(sim_stat(&stats()->segments) == sums.segments);
	must(master->clients_used <= 8);
	for (uint32_t i = 0; i < master->clients_used; i++) {
		must(!master->clients[i].used ||
		     master->clients[i].objects == sums.client_objects[i]);
		must(!master->clients[i].used ||
		     master->clients[i].segments == sums.client_segments[i]);
	}
}

static struct sim_client *
any_client(struct mc_random *random)
{
	return &clients[mc_random_below(random, CLIENTS)];
}

static const char *
any_key(struct mc_random *random)
{
	static char key[16];

	snprintf(key, sizeof(key), "key%u", (unsigned int)mc_random_below(random, KEYS));
	return key;
}

/* Names are shared among clients. */
static const char *const names[] = {"a:1", "b:1", "c:1", "d:1", "e:1"};

static const char *
any_name(struct mc_random *random)
{
	return names[mc_random_below(random, sizeof(names) / sizeof(names[0]))];
}

static void
random_put(struct mc_random *random)
{
	struct sim_client *client = any_client(random);
	const char *key = any_key(random);
	struct mc_replicate_config config = {
		.replica_num = 1 + mc_random_below(random, 3),
		.with_hard_pin = mc_random_below(random, 20) == 0,
		.preferred_segment = sim_str(mc_random_below(random, 4) == 0 ? "a:1" : ""),
	};

	if (mc_random_below(random, 4) == 0) {
		config.soft_pin_action = MC_SOFT_PIN_ENABLE;
		config.soft_pin_ttl_ms = (struct mc_opt_u64){true, mc_random_below(random, 20000)};
	}
	if (sim_put_start(client, key, 1 + mc_random_below(random, SIZE_MAX_PUT), &config, NULL) ==
		    0 &&
	    mc_random_below(random, 4) > 0)
		must(sim_put_end(client, key) == 0);
}

static void
random_clear(struct mc_random *random)
{
	struct sim_client *client = any_client(random);
	struct mc_str keys[3] = {sim_str("key1"), sim_str("key2"), sim_str("key3")};
	struct mc_args args = sim_args(client);
	struct mc_result_vec result;

	args.keys = (struct mc_vec){keys, 3, sizeof(keys[0]), 0, 0};
	args.segment_name = sim_str(mc_random_below(random, 3) == 0 ? "" : any_name(random));
	must(sim_call(client, MC_FN_BATCH_REPLICA_CLEAR, &args, &result) == 0);
}

static void
random_segment_call(struct mc_random *random)
{
	struct sim_client *client = any_client(random);
	uint64_t number = 1 + mc_random_below(random, SEGMENTS);

	switch (mc_random_below(random, 10)) {
	case 0:
		sim_unmount(client, number);
		break;
	case 1:
		sim_unmount_gracefully(client, number, mc_random_below(random, 5000));
		break;
	default:
		sim_mount(client, any_name(random), number, SEGMENT_SIZE);
	}
}

static void
random_time(struct mc_random *random)
{
	/* long enough now and then for a client to be taken for dead */
	sim_advance_ms(mc_random_below(random, 20) == 0 ? 3000 : 10);
	for (uint32_t i = 0; i < CLIENTS; i++) {
		if (mc_random_below(random, 4) == 0)
			sim_ping(&clients[i]);
	}
}

static void
random_call(struct mc_random *random)
{
	switch (mc_random_below(random, 20)) {
	case 0:
	case 1:
		random_segment_call(random);
		break;
	case 2:
		random_time(random);
		break;
	case 3:
		sim_put_end(any_client(random), any_key(random));
		break;
	case 4:
		sim_put_revoke(any_client(random), any_key(random));
		break;
	case 5:
		sim_remove(any_client(random), any_key(random), mc_random_below(random, 2));
		break;
	case 6:
		sim_exist(any_client(random), any_key(random));
		break;
	case 7:
		random_clear(random);
		break;
	default:
		random_put(random);
	}
}

/* All that the test is about. */
static bool
all_happened(void)
{
	return sim_stat(&stats()->evicted_objects) > 0 && sim_stat(&stats()->put_discarded) > 0 &&
	       sim_stat(&stats()->clients_expired) > 0;
}

START_TEST(every_counter_is_the_sum_over_what_is_there)
{
	struct mc_random random;

	mc_random_init(&random, seed);
	for (unsigned int i = 0; i < OPS || !all_happened(); i++) {
		ck_assert_uint_lt(i, 100 * OPS);
		random_call(&random);
		/* with rounds of eviction and burials in front of it, and behind them */
		sums_check();
		if (mc_random_below(&random, 2) == 0)
			sim_settle();
		sums_check();
	}
}
END_TEST

START_TEST(nothing_is_left_of_what_went)
{
	struct mc_random random;

	mc_random_init(&random, seed);
	for (unsigned int i = 0; i < OPS / 10; i++)
		random_call(&random);
	/* nobody pings: all are dead, and so is their memory */
	sim_advance_ms(30000);
	sums_check();
	ck_assert_uint_eq(sim_stat(&stats()->objects), 0);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), 0);
	ck_assert_uint_eq(sim_stat(&stats()->capacity_bytes), 0);
	ck_assert_uint_eq(sim_stat(&stats()->clients), 0);
	ck_assert_uint_eq(sim_master()->parked_count, 0);
	for (uint32_t i = 0; i < sim_master()->clients_used; i++)
		ck_assert(!sim_master()->clients[i].used);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("replica");
	TCase *cases[] = {tc, NULL};

	tcase_add_test(tc, a_replica_is_told_by_its_address);
	tcase_add_test(tc, no_two_replicas_share_a_number);
	tcase_add_test(tc, counters_follow_one_object);
	tcase_add_test(tc, every_counter_is_the_sum_over_what_is_there);
	tcase_add_test(tc, nothing_is_left_of_what_went);
	seed = sim_test_seed();
	return sim_suite_run("master/replica", cases, setup);
}
