/* SPDX-License-Identifier: Apache-2.0 */
/* Puts that wait for space: who gets it, when, and what ends the wait. */
#include <stdio.h>
#include <string.h>

#include "core/master/state.h"
#include "tests/support/must.h"
#include "tests/support/sim_batch.h"
#include "tests/support/sim_pool.h"
#include "tests/support/sim_suite.h"

#define WRITERS 4u
#define EXISTS	(-705)
#define FULL	(-200)
#define INVALID (-600)

static struct sim_client owner, writers[WRITERS];

static void
setup(void)
{
	struct mc_master_params params;

	mc_master_params_init(&params);
	sim_pool_open(&params, &owner);
	for (uint32_t i = 0; i < WRITERS; i++)
		writers[i] = sim_client_open(10 + i, MC_RELEASE_NEWEST);
}

/* No slot is free, and none can be evicted. */
static void
pool_fill(void)
{
	sim_pool_put(&owner, 0, SIM_SLOTS, &sim_hard_pin);
}

static void
pool_free(unsigned int i)
{
	char key[16];

	snprintf(key, sizeof(key), "k%u", i);
	ck_assert_int_eq(sim_remove(&owner, key, true), 0);
	sim_settle();
}

/* Up to three keys at once; each call has its own, as they are told when they are answered. */
struct wait_args {
	struct mc_str keys[3];
	uint64_t sizes[3];
};

static void
wait_send(struct sim_client *writer, struct wait_args *of, uint32_t count, uint64_t timeout_ms)
{
	struct mc_args args = sim_args(writer);

	args.keys = (struct mc_vec){of->keys, count, sizeof(of->keys[0]), 0, 0};
	args.slice_lengths = (struct mc_vec){of->sizes, count, sizeof(of->sizes[0]), 0, 0};
	args.config.replica_num = 1;
	args.timeout_ms = timeout_ms;
	sim_send(writer, MC_FN_BATCH_PUT_START_WAIT, &args);
	sim_settle();
}

static void
wait_one(struct sim_client *writer, const char *key, uint64_t size, uint64_t timeout_ms)
{
	struct wait_args of = {{sim_str(key)}, {size}};

	wait_send(writer, &of, 1, timeout_ms);
}

static void
answered_with(struct sim_client *writer, int32_t error)
{
	ck_assert(sim_answered(writer));
	sim_batch_receive(writer, MC_FN_BATCH_PUT_START_WAIT, 1, &error);
}

static bool
somebody_waits(void)
{
	return !mc_list_empty(&sim_master()->waits);
}

/* ---- at once ---- */

START_TEST(with_space_it_is_a_batch_put_start)
{
	struct wait_args of = {{sim_str("a"), sim_str("b"), sim_str("c")}, {100, 200, 300}};
	struct mc_vec_cursor cursor = {0};
	struct mc_result_vec result, element;
	uint64_t size = 100;

	wait_send(&owner, &of, 3, 1000);
	ck_assert(sim_answered(&owner));
	ck_assert_int_eq(sim_receive(&owner, MC_FN_BATCH_PUT_START_WAIT, &result), 0);
	while (mc_vec_next_result(&result.value, &cursor, MC_FN_BATCH_PUT_START_WAIT, owner.release,
				  &element)) {
		struct mc_vec_cursor at = {0};
		struct mc_replica_desc desc;

		ck_assert_int_eq(element.error, 0);
		ck_assert_uint_eq(element.value.count, 1);
		ck_assert(mc_vec_next_replica(&element.value, &at, owner.release, &desc));
		ck_assert_uint_eq(desc.buffer.size, size);
		ck_assert_int_eq(desc.status, MC_REPLICA_PROCESSING);
		size += 100;
	}
	ck_assert_uint_eq(size, 400);
	ck_assert_int_eq(sim_put_end(&owner, "b"), 0);
	ck_assert(sim_exist(&owner, "b"));
	ck_assert(!somebody_waits());
}
END_TEST

START_TEST(no_time_is_no_wait)
{
	pool_fill();
	wait_one(&writers[0], "w", 100, 0);
	answered_with(&writers[0], FULL);
}
END_TEST

START_TEST(other_errors_do_not_wait)
{
	static const int32_t errors[3] = {EXISTS, INVALID, FULL};
	struct wait_args of = {{sim_str("k0"), sim_str(""), sim_str("large")},
			       {100, 100, (SIM_SLOTS + 1) * SIM_SLOT}};

	pool_fill();
	wait_send(&writers[0], &of, 3, 5000);
	ck_assert(sim_answered(&writers[0]));
	sim_batch_receive(&writers[0], MC_FN_BATCH_PUT_START_WAIT, 3, errors);
	/* nor when others wait already */
	wait_one(&writers[1], "w", SIM_SLOT_SIZE, 5000);
	ck_assert(!sim_answered(&writers[1]));
	wait_send(&writers[0], &of, 3, 5000);
	ck_assert(sim_answered(&writers[0]));
	sim_batch_receive(&writers[0], MC_FN_BATCH_PUT_START_WAIT, 3, errors);
}
END_TEST

START_TEST(arguments_that_do_not_fit_do_not_wait)
{
	static const int32_t errors[2] = {INVALID, INVALID};
	struct mc_str keys[2] = {sim_str("a"), sim_str("b")};
	uint64_t sizes[1] = {100};
	struct mc_args args = sim_args(&owner);

	args.keys = SIM_VEC(keys);
	args.slice_lengths = SIM_VEC(sizes);
	args.config.replica_num = 1;
	args.timeout_ms = 1000;
	sim_batch_expect(&owner, MC_FN_BATCH_PUT_START_WAIT, &args, errors);
	args.keys.count = args.slice_lengths.count = 0;
	sim_batch_expect(&owner, MC_FN_BATCH_PUT_START_WAIT, &args, NULL);
}
END_TEST

START_TEST(a_key_given_twice_has_space_once)
{
	static const int32_t errors[2] = {0, EXISTS};
	struct wait_args of = {{sim_str("w"), sim_str("w")}, {SIM_SLOT_SIZE, SIM_SLOT_SIZE}};

	wait_send(&writers[0], &of, 2, 5000);
	sim_batch_receive(&writers[0], MC_FN_BATCH_PUT_START_WAIT, 2, errors);
	/* two that wait: the first one's space makes the second one a mistake */
	of.keys[0] = of.keys[1] = sim_str("x");
	sim_pool_put(&owner, 0, SIM_SLOTS - 1, &sim_hard_pin);
	wait_send(&writers[0], &of, 2, 5000);
	ck_assert(!sim_answered(&writers[0]));
	pool_free(5);
	ck_assert(sim_answered(&writers[0]));
	sim_batch_receive(&writers[0], MC_FN_BATCH_PUT_START_WAIT, 2, errors);
}
END_TEST

/* ---- what gives space ---- */

START_TEST(a_removal_gives_space)
{
	pool_fill();
	wait_one(&writers[0], "w", SIM_SLOT_SIZE, 5000);
	sim_advance_ms(1500);
	ck_assert(!sim_answered(&writers[0]));
	pool_free(7);
	answered_with(&writers[0], 0);
	ck_assert_int_eq(sim_put_end(&writers[0], "w"), 0);
}
END_TEST

START_TEST(a_revoke_gives_space)
{
	sim_pool_put(&owner, 1, SIM_SLOTS, &sim_hard_pin);
	ck_assert_int_eq(sim_put_start(&owner, "r", SIM_SLOT_SIZE, NULL, NULL), 0);
	wait_one(&writers[0], "w", SIM_SLOT_SIZE, 5000);
	ck_assert(!sim_answered(&writers[0]));
	ck_assert_int_eq(sim_put_revoke(&owner, "r"), 0);
	sim_settle();
	answered_with(&writers[0], 0);
}
END_TEST

START_TEST(a_segment_gives_space)
{
	/* none at all: any may come */
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	wait_one(&writers[0], "w", 100, 5000);
	ck_assert(!sim_answered(&writers[0]));
	ck_assert_int_eq(sim_mount(&owner, "b:1", 2, SIM_MIB), 0);
	sim_settle();
	answered_with(&writers[0], 0);
}
END_TEST

/* The space of an abandoned write, from 600 s after its start on. */
START_TEST(parked_space_gives_space)
{
	sim_pool_put(&owner, 1, SIM_SLOTS, &sim_hard_pin);
	ck_assert_int_eq(sim_put_start(&owner, "r", SIM_SLOT_SIZE, NULL, NULL), 0);
	sim_advance_ms(31000);
	/* the key is taken over; there is no space for that, but the first one's is parked */
	ck_assert_int_eq(sim_put_start(&owner, "r", SIM_SLOT_SIZE, NULL, NULL), FULL);
	sim_advance_ms(560000);
	wait_one(&writers[0], "w", SIM_SLOT_SIZE, 20000);
	ck_assert(!sim_answered(&writers[0]));
	sim_advance_ms(12000);
	answered_with(&writers[0], 0);
}
END_TEST

START_TEST(eviction_gives_space)
{
	sim_pool_put(&owner, 0, 90, NULL);
	/* three quarters of the pool: round after round is needed */
	wait_one(&writers[0], "w", 75 * SIM_SLOT - 32, 5000);
	sim_advance_ms(100);
	answered_with(&writers[0], 0);
	/* without, it fails: upstream's clients ask again */
	ck_assert_int_eq(sim_put(&owner, "plain", 95 * SIM_SLOT), FULL);
}
END_TEST

START_TEST(a_lease_that_ends_gives_space)
{
	sim_pool_put(&owner, 0, SIM_SLOTS, NULL);
	for (unsigned int i = 0; i < SIM_SLOTS; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%u", i);
		sim_exist(&owner, key);
	}
	wait_one(&writers[0], "w", SIM_SLOT_SIZE, 20000);
	sim_advance_ms(9900);
	if (sim_evicted() == 0)
		ck_assert(!sim_answered(&writers[0]));
	sim_advance_ms(200);
	answered_with(&writers[0], 0);
}
END_TEST

START_TEST(what_becomes_evictable_gives_space)
{
	struct mc_replicate_config one = {.replica_num = 1};

	sim_pool_put(&owner, 1, SIM_SLOTS, &sim_hard_pin);
	ck_assert_int_eq(sim_put_start(&owner, "u", SIM_SLOT_SIZE, &one, NULL), 0);
	wait_one(&writers[0], "w", SIM_SLOT_SIZE, 20000);
	sim_advance_ms(5000);
	ck_assert(!sim_answered(&writers[0]));
	ck_assert_int_eq(sim_put_end(&owner, "u"), 0);
	sim_advance_ms(1100);
	answered_with(&writers[0], 0);
	ck_assert(!sim_has("u"));
}
END_TEST

/* ---- whose turn it is ---- */

START_TEST(who_came_first_is_served_first)
{
	char key[16];

	pool_fill();
	for (uint32_t i = 0; i < WRITERS; i++) {
		snprintf(key, sizeof(key), "w%u", i);
		wait_one(&writers[i], key, SIM_SLOT_SIZE, 20000);
	}
	for (uint32_t i = 0; i < WRITERS; i++) {
		pool_free(10 * i);
		for (uint32_t n = 0; n < WRITERS; n++)
			ck_assert(sim_answered(&writers[n]) == (n == i));
		answered_with(&writers[i], 0);
	}
	ck_assert(!somebody_waits());
}
END_TEST

START_TEST(small_ones_do_not_starve_a_large_one)
{
	pool_fill();
	wait_one(&writers[0], "large", 2 * SIM_SLOT_SIZE, 10000);
	wait_one(&writers[1], "small", SIM_SLOT_SIZE, 10000);
	pool_free(10);
	pool_free(20);
	ck_assert(!sim_answered(&writers[0]) && !sim_answered(&writers[1]));
	pool_free(21);
	answered_with(&writers[0], 0);
	answered_with(&writers[1], 0);
}
END_TEST

START_TEST(the_next_one_goes_on_when_the_first_gives_up)
{
	pool_fill();
	wait_one(&writers[0], "large", 2 * SIM_SLOT_SIZE, 1000);
	wait_one(&writers[1], "small", SIM_SLOT_SIZE, 10000);
	pool_free(10);
	ck_assert(!sim_answered(&writers[1]));
	sim_advance_ms(1010);
	answered_with(&writers[0], FULL);
	answered_with(&writers[1], 0);
}
END_TEST

START_TEST(keys_with_space_keep_it)
{
	static const int32_t errors[3] = {0, 0, 0};
	struct wait_args of = {{sim_str("a"), sim_str("b"), sim_str("c")},
			       {SIM_SLOT_SIZE, SIM_SLOT_SIZE, SIM_SLOT_SIZE}};
	struct sim_client again = sim_client_open(10, MC_RELEASE_NEWEST);

	sim_pool_put(&owner, 2, SIM_SLOTS, &sim_hard_pin);
	wait_send(&writers[0], &of, 3, 20000);
	ck_assert(!sim_answered(&writers[0]));
	ck_assert(sim_has("a") && sim_has("b") && !sim_has("c"));
	/* nobody else can have them */
	ck_assert_int_eq(sim_put_start(&owner, "a", 100, NULL, NULL), EXISTS);
	sim_advance_ms(15000);
	pool_free(50);
	ck_assert(sim_answered(&writers[0]));
	sim_batch_receive(&writers[0], MC_FN_BATCH_PUT_START_WAIT, 3, errors);
	/* their time to be written begins with the answer */
	sim_advance_ms(29000);
	ck_assert_int_eq(sim_put_start(&owner, "a", 100, NULL, NULL), EXISTS);
	ck_assert_int_eq(sim_put_end(&again, "a"), 0);
}
END_TEST

START_TEST(space_that_is_lost_while_others_wait_is_no_space)
{
	static const int32_t errors[2] = {FULL, 0};
	struct wait_args of = {{sim_str("a"), sim_str("b")}, {SIM_SLOT_SIZE, 2 * SIM_SLOT_SIZE}};

	pool_fill();
	ck_assert_int_eq(sim_mount(&owner, "b:1", 2, SIM_SLOT), 0);
	wait_send(&writers[0], &of, 2, 20000);
	ck_assert(sim_has("a") && !sim_answered(&writers[0]));
	ck_assert_int_eq(sim_unmount(&owner, 2), 0);
	pool_free(10);
	pool_free(11);
	ck_assert(sim_answered(&writers[0]));
	sim_batch_receive(&writers[0], MC_FN_BATCH_PUT_START_WAIT, 2, errors);
}
END_TEST

/* A key that waits may be written by another meanwhile. */
START_TEST(a_key_that_comes_meanwhile_exists)
{
	pool_fill();
	wait_one(&writers[0], "w", SIM_SLOT_SIZE, 20000);
	ck_assert_int_eq(sim_mount(&owner, "b:1", 2, 4096), 0);
	ck_assert_int_eq(sim_put(&owner, "w", 100), 0);
	pool_free(10);
	answered_with(&writers[0], EXISTS);
}
END_TEST

START_TEST(each_key_has_its_group)
{
	struct mc_str keys[2] = {sim_str("a"), sim_str("b")};
	struct mc_str groups[2] = {sim_str("ga"), sim_str("gb")};
	uint64_t sizes[2] = {SIM_SLOT_SIZE, SIM_SLOT_SIZE};
	struct mc_args args = sim_args(&writers[0]);

	sim_pool_put(&owner, 1, SIM_SLOTS, &sim_hard_pin);
	args.keys = SIM_VEC(keys);
	args.slice_lengths = SIM_VEC(sizes);
	args.config.replica_num = 1;
	args.config.has_group_ids = true;
	args.config.group_ids = SIM_VEC(groups);
	args.timeout_ms = 20000;
	sim_send(&writers[0], MC_FN_BATCH_PUT_START_WAIT, &args);
	pool_free(10);
	sim_batch_receive(&writers[0], MC_FN_BATCH_PUT_START_WAIT, 2, NULL);
	for (unsigned int i = 0; i < 2; i++) {
		uint32_t object = mc_table_find(sim_master()->table,
						mc_table_hash(keys[i].ptr, keys[i].len),
						keys[i].ptr, keys[i].len);

		ck_assert(mc_str_equal(mc_group_id(sim_master(), object), groups[i]));
	}
}
END_TEST

START_TEST(long_batches_wait_in_slices)
{
	struct mc_args args;
	unsigned int passes = 0;

	pool_fill();
	args = sim_batch_args(&writers[0], sim_keys(5000), 32);
	args.keys.items = (const struct mc_str *)args.keys.items + SIM_SLOTS;
	args.keys.count = args.slice_lengths.count = 4000;
	args.timeout_ms = 20000;
	sim_send(&writers[0], MC_FN_BATCH_PUT_START_WAIT, &args);
	sim_settle();
	ck_assert(!sim_answered(&writers[0]));
	ck_assert_int_eq(sim_mount(&owner, "b:1", 2, SIM_MIB), 0);
	for (; !sim_answered(&writers[0]); passes++)
		mc_reactor_poll(sim_reactor());
	ck_assert_uint_ge(passes, 4);
	sim_batch_receive(&writers[0], MC_FN_BATCH_PUT_START_WAIT, 4000, NULL);
}
END_TEST

/* ---- what ends a wait ---- */

START_TEST(the_deadline_ends_it)
{
	pool_fill();
	wait_one(&writers[0], "w", SIM_SLOT_SIZE, 3000);
	sim_advance_ms(2990);
	ck_assert(!sim_answered(&writers[0]));
	sim_advance_ms(20);
	answered_with(&writers[0], FULL);
	ck_assert(!somebody_waits());
	ck_assert_uint_eq(
		sim_stat(&mc_master_stats(sim_master())->item_failures[MC_FN_BATCH_PUT_START_WAIT]),
		1);
}
END_TEST

START_TEST(no_wait_is_longer_than_a_write_is_let_alone)
{
	pool_fill();
	wait_one(&writers[0], "w", SIM_SLOT_SIZE, UINT64_MAX);
	sim_advance_ms(29900);
	ck_assert(!sim_answered(&writers[0]));
	sim_advance_ms(200);
	answered_with(&writers[0], FULL);
}
END_TEST

START_TEST(a_peer_that_leaves_ends_it)
{
	pool_fill();
	wait_one(&writers[0], "a", SIM_SLOT_SIZE, 20000);
	wait_one(&writers[1], "b", SIM_SLOT_SIZE, 20000);
	wait_one(&writers[2], "c", SIM_SLOT_SIZE, 20000);
	sim_client_vanish(&writers[1]);
	sim_client_vanish(&writers[0]);
	sim_settle();
	pool_free(3);
	answered_with(&writers[2], 0);
	ck_assert(!sim_has("a") && !sim_has("b"));
	sim_advance_ms(21000);
	ck_assert(!somebody_waits());
}
END_TEST

START_TEST(the_end_of_the_master_ends_it)
{
	pool_fill();
	wait_one(&writers[0], "a", SIM_SLOT_SIZE, 20000);
	wait_one(&writers[1], "b", SIM_SLOT_SIZE, 20000);
	mc_master_drain(sim_master());
	sim_settle();
	answered_with(&writers[0], FULL);
	answered_with(&writers[1], FULL);
	wait_one(&writers[2], "c", SIM_SLOT_SIZE, 20000);
	answered_with(&writers[2], FULL);
	ck_assert(!somebody_waits());
}
END_TEST

/* Calls of one connection are answered in their order: those behind a wait wait, too. */
START_TEST(calls_behind_it_on_the_connection_wait)
{
	struct mc_args args = sim_args(&writers[0]);
	struct mc_result_bool result;

	pool_fill();
	wait_one(&writers[0], "w", SIM_SLOT_SIZE, 3000);
	args.key = sim_str("k5");
	sim_send(&writers[0], MC_FN_EXIST_KEY, &args);
	sim_advance_ms(1000);
	ck_assert(!sim_answered(&writers[0]));
	ck_assert(sim_exist(&writers[1], "k5"));
	sim_advance_ms(2100);
	answered_with(&writers[0], FULL);
	ck_assert_int_eq(sim_receive(&writers[0], MC_FN_EXIST_KEY, &result), 0);
	ck_assert(result.value);
}
END_TEST

static TCase *
at_once(void)
{
	TCase *tc = tcase_create("at_once");

	tcase_add_test(tc, with_space_it_is_a_batch_put_start);
	tcase_add_test(tc, no_time_is_no_wait);
	tcase_add_test(tc, other_errors_do_not_wait);
	tcase_add_test(tc, arguments_that_do_not_fit_do_not_wait);
	tcase_add_test(tc, a_key_given_twice_has_space_once);
	return tc;
}

static TCase *
space(void)
{
	TCase *tc = tcase_create("space");

	tcase_add_test(tc, a_removal_gives_space);
	tcase_add_test(tc, a_revoke_gives_space);
	tcase_add_test(tc, a_segment_gives_space);
	tcase_add_test(tc, parked_space_gives_space);
	tcase_add_test(tc, eviction_gives_space);
	tcase_add_test(tc, a_lease_that_ends_gives_space);
	tcase_add_test(tc, what_becomes_evictable_gives_space);
	return tc;
}

static TCase *
turns(void)
{
	TCase *tc = tcase_create("turns");

	tcase_add_test(tc, who_came_first_is_served_first);
	tcase_add_test(tc, small_ones_do_not_starve_a_large_one);
	tcase_add_test(tc, the_next_one_goes_on_when_the_first_gives_up);
	tcase_add_test(tc, keys_with_space_keep_it);
	tcase_add_test(tc, space_that_is_lost_while_others_wait_is_no_space);
	tcase_add_test(tc, a_key_that_comes_meanwhile_exists);
	tcase_add_test(tc, each_key_has_its_group);
	tcase_add_test(tc, long_batches_wait_in_slices);
	return tc;
}

static TCase *
ends(void)
{
	TCase *tc = tcase_create("ends");

	tcase_add_test(tc, the_deadline_ends_it);
	tcase_add_test(tc, no_wait_is_longer_than_a_write_is_let_alone);
	tcase_add_test(tc, a_peer_that_leaves_ends_it);
	tcase_add_test(tc, the_end_of_the_master_ends_it);
	tcase_add_test(tc, calls_behind_it_on_the_connection_wait);
	return tc;
}

int
main(void)
{
	TCase *cases[] = {at_once(), space(), turns(), ends(), NULL};

	return sim_suite_run("master/wait", cases, setup);
}
