/* SPDX-License-Identifier: Apache-2.0 */
/* Walks over all objects, and the jobs (job.c) that they are: slices between other calls. */
#include <string.h>

#include "tests/support/must.h"
#include "tests/support/sim_batch.h"

/* Some 20 slices. */
#define OBJECTS SIM_KEYS_MAX

static struct sim_client walker, other;

static void
setup(void)
{
	sim_master_open(NULL);
	walker = sim_client_open(1, MC_RELEASE_NEWEST);
	other = sim_client_open(2, MC_RELEASE_NEWEST);
	ck_assert_int_eq(sim_mount(&walker, "a:1", 1, 64 * SIM_MIB), 0);
	sim_put_keys(&walker, OBJECTS, 64);
}

static const struct mc_master_stats *
stats(void)
{
	return mc_master_stats(sim_master());
}

/* The calls that walk. */
static const enum mc_fn walks[] = {MC_FN_REMOVE_ALL, MC_FN_REMOVE_BY_REGEX,
				   MC_FN_GET_REPLICA_LIST_BY_REGEX};
#define WALKS ((int)(sizeof(walks) / sizeof(walks[0])))

static void
walk_send(struct sim_client *client, enum mc_fn fn, const char *pattern)
{
	struct mc_args args = sim_args(client);

	args.key = sim_str(pattern);
	args.force = true;
	sim_send(client, fn, &args);
	ck_assert(!sim_answered(client));
}

/* How many objects the walk removed or found; those found are marked by the number in their key. */
static uint32_t
walk_receive(struct sim_client *client, enum mc_fn fn, uint8_t *found)
{
	struct mc_vec_cursor cursor = {0};
	struct mc_pair_replicas pair;
	union sim_result result;

	must(sim_receive(client, fn, &result) == 0);
	if (fn != MC_FN_GET_REPLICA_LIST_BY_REGEX)
		return (uint32_t)result.number.value;
	while (mc_vec_next_result(&result.vec.value, &cursor, fn, client->release, &pair)) {
		uint32_t number = 0;

		for (size_t i = 1; i < pair.key.len; i++)
			number = number * 10 + (uint32_t)(pair.key.ptr[i] - '0');
		must(number < OBJECTS);
		if (found != NULL)
			found[number]++;
	}
	must(cursor.index == result.vec.value.count);
	return result.vec.value.count;
}

/* ---- between slices ---- */

START_TEST(a_walk_holds_up_nobody)
{
	enum mc_fn fn = walks[_i];

	walk_send(&walker, fn, "k");
	ck_assert(!sim_exist(&other, "x"));
	ck_assert(!sim_answered(&walker));
	ck_assert_int_eq(sim_ping(&other), MC_CLIENT_NEED_REMOUNT);
	ck_assert(!sim_answered(&walker));
	ck_assert_uint_eq(sim_stat(&stats()->calls[fn]), 0);
	ck_assert_uint_eq(walk_receive(&walker, fn, NULL), OBJECTS);
	ck_assert_uint_eq(sim_stat(&stats()->calls[fn]), 1);
	ck_assert_uint_eq(sim_stat(&stats()->failures[fn]), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects),
			  fn == MC_FN_GET_REPLICA_LIST_BY_REGEX ? OBJECTS : 0);
}
END_TEST

START_TEST(a_short_job_does_not_wait_for_a_long_one)
{
	struct mc_args args = sim_batch_args(&other, sim_keys(3000), 0);

	walk_send(&walker, MC_FN_GET_REPLICA_LIST_BY_REGEX, "k");
	sim_send(&other, MC_FN_BATCH_GET_REPLICA_LIST, &args);
	ck_assert(!sim_answered(&other));
	sim_batch_receive(&other, MC_FN_BATCH_GET_REPLICA_LIST, 3000, NULL);
	ck_assert(!sim_answered(&walker));
	ck_assert_uint_eq(walk_receive(&walker, MC_FN_GET_REPLICA_LIST_BY_REGEX, NULL), OBJECTS);
}
END_TEST

START_TEST(walks_at_once_do_not_mix)
{
	walk_send(&walker, MC_FN_GET_REPLICA_LIST_BY_REGEX, "1$");
	walk_send(&other, MC_FN_GET_REPLICA_LIST_BY_REGEX, "^k12");
	ck_assert_uint_eq(walk_receive(&other, MC_FN_GET_REPLICA_LIST_BY_REGEX, NULL), 1111);
	ck_assert_uint_eq(walk_receive(&walker, MC_FN_GET_REPLICA_LIST_BY_REGEX, NULL),
			  OBJECTS / 10);
}
END_TEST

START_TEST(calls_behind_a_walk_on_its_connection_wait)
{
	struct mc_args args = sim_args(&walker);
	struct mc_result_bool exists;

	args.key = sim_str(sim_key(OBJECTS - 1));
	walk_send(&walker, MC_FN_REMOVE_ALL, "");
	sim_send(&walker, MC_FN_EXIST_KEY, &args);
	walk_send(&walker, MC_FN_REMOVE_ALL, "");
	ck_assert_uint_eq(walk_receive(&walker, MC_FN_REMOVE_ALL, NULL), OBJECTS);
	/* as it is after the walk */
	ck_assert_int_eq(sim_receive(&walker, MC_FN_EXIST_KEY, &exists), 0);
	ck_assert(!exists.value);
	ck_assert_uint_eq(walk_receive(&walker, MC_FN_REMOVE_ALL, NULL), 0);
}
END_TEST

/* ---- objects that change meanwhile ---- */

START_TEST(what_stays_is_met_once_whatever_comes_and_goes)
{
	static uint8_t found[OBJECTS];
	uint32_t gone = 1; /* odd keys go and come again, even ones stay */

	memset(found, 0, sizeof(found));
	walk_send(&walker, MC_FN_GET_REPLICA_LIST_BY_REGEX, "k");
	while (!sim_answered(&walker)) {
		must(sim_remove(&other, sim_key(gone), true) == 0);
		must(sim_remove(&other, sim_key(OBJECTS - gone), true) == 0);
		must(sim_put(&other, sim_key(gone), 64) == 0);
		gone += 2;
	}
	ck_assert_uint_gt(gone, 7);
	walk_receive(&walker, MC_FN_GET_REPLICA_LIST_BY_REGEX, found);
	for (uint32_t i = 0; i < OBJECTS; i += 2)
		must(found[i] == 1);
}
END_TEST

START_TEST(unfinished_writes_live_through_a_removal)
{
	ck_assert_int_eq(sim_put_start(&other, "before", 64, NULL, NULL), 0);
	walk_send(&walker, MC_FN_REMOVE_ALL, "");
	ck_assert_int_eq(sim_put_start(&other, "during", 64, NULL, NULL), 0);
	ck_assert_uint_eq(walk_receive(&walker, MC_FN_REMOVE_ALL, NULL), OBJECTS);
	ck_assert_int_eq(sim_put_end(&other, "before"), 0);
	ck_assert_int_eq(sim_put_end(&other, "during"), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 2);
}
END_TEST

/* Writes the later half of the objects anew, on a segment "b:1" of the other's. */
static void
later_half_move(void)
{
	struct mc_vec keys = sim_keys(OBJECTS);
	struct mc_args args;

	keys.items = (const struct mc_str *)keys.items + OBJECTS / 2;
	keys.count = OBJECTS / 2;
	ck_assert_int_eq(sim_mount(&other, "b:1", 1, 64 * SIM_MIB), 0);
	args = sim_batch_args(&other, keys, 64);
	args.config.preferred_segment = sim_str("b:1");
	sim_batch_expect(&other, MC_FN_BATCH_REMOVE, &args, NULL);
	sim_batch_expect(&other, MC_FN_BATCH_PUT_START, &args, NULL);
	sim_batch_expect(&other, MC_FN_BATCH_PUT_END, &args, NULL);
}

START_TEST(what_lies_on_a_dead_segment_is_not_met)
{
	enum mc_fn fn = walks[_i];

	later_half_move();
	ck_assert_int_eq(sim_mount(&other, "c:1", 2, SIM_MIB), 0);
	/* the last to die is buried first, slice by slice, while the walk is at the other's */
	ck_assert_int_eq(sim_unmount(&walker, 1), 0);
	ck_assert_int_eq(sim_unmount(&other, 1), 0);
	ck_assert_int_eq(sim_put(&other, sim_key(7), 64), 0);
	walk_send(&walker, fn, "k");
	ck_assert_uint_gt(sim_stat(&stats()->objects), OBJECTS / 2);
	ck_assert_uint_eq(walk_receive(&walker, fn, NULL), 1);
	sim_settle();
	ck_assert_uint_eq(sim_stat(&stats()->objects), fn == MC_FN_GET_REPLICA_LIST_BY_REGEX);
}
END_TEST

/* ---- callers that vanish ---- */

START_TEST(a_caller_vanishes_in_the_middle)
{
	enum mc_fn fn = walks[_i];
	uint64_t left;

	walk_send(&walker, fn, "k");
	sim_client_vanish(&walker);
	left = sim_stat(&stats()->objects);
	ck_assert_uint_gt(left, OBJECTS / 2);
	if (fn == MC_FN_GET_REPLICA_LIST_BY_REGEX)
		ck_assert_uint_eq(left, OBJECTS);
	else
		ck_assert_uint_lt(left, OBJECTS);
	ck_assert_uint_eq(sim_stat(&stats()->calls[fn]), 0);
	/* what it did not come to is whole */
	ck_assert_uint_eq(sim_exist_keys(&other, OBJECTS), left);
	ck_assert_uint_eq(sim_stat(&stats()->object_bytes), left * 64);
	walk_send(&other, fn, "k");
	ck_assert_uint_eq(walk_receive(&other, fn, NULL), left);
}
END_TEST

START_TEST(a_caller_vanishes_with_more_calls_in_line)
{
	walk_send(&walker, walks[_i], "k");
	walk_send(&walker, MC_FN_REMOVE_ALL, "");
	walk_send(&other, MC_FN_GET_REPLICA_LIST_BY_REGEX, "^k0$");
	sim_client_vanish(&walker);
	ck_assert_uint_eq(sim_stat(&stats()->calls[MC_FN_REMOVE_ALL]), 0);
	ck_assert_uint_le(walk_receive(&other, MC_FN_GET_REPLICA_LIST_BY_REGEX, NULL), 1);
}
END_TEST

/* The teardown closes everything under a walk; the sanitizer says what that left. */
START_TEST(the_master_closes_in_the_middle)
{
	walk_send(&walker, walks[_i], "k");
	walk_send(&other, walks[_i], "k");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("master/walk");
	TCase *tc = sim_tcase(suite, "walk", setup);

	tcase_add_loop_test(tc, a_walk_holds_up_nobody, 0, WALKS);
	tcase_add_test(tc, a_short_job_does_not_wait_for_a_long_one);
	tcase_add_test(tc, walks_at_once_do_not_mix);
	tcase_add_test(tc, calls_behind_a_walk_on_its_connection_wait);
	tcase_add_test(tc, what_stays_is_met_once_whatever_comes_and_goes);
	tcase_add_test(tc, unfinished_writes_live_through_a_removal);
	tcase_add_loop_test(tc, what_lies_on_a_dead_segment_is_not_met, 0, WALKS);
	tcase_add_loop_test(tc, a_caller_vanishes_in_the_middle, 0, WALKS);
	tcase_add_loop_test(tc, a_caller_vanishes_with_more_calls_in_line, 0, WALKS);
	tcase_add_loop_test(tc, the_master_closes_in_the_middle, 0, WALKS);
	return sim_run(suite);
}
