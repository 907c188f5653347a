/* SPDX-License-Identifier: Apache-2.0 */
/* The batch forms: an answer for each key, in order, and long batches between other calls. */
#include <string.h>

#include "core/base/clock.h"
#include "tests/support/must.h"
#include "tests/support/sim_batch.h"

/* Two slices and a part of a third (SLICE of batch.c). */
#define SLICE 1024u
#define MANY  3000u

static struct sim_client writer, other;

static void
setup(void)
{
	struct mc_master_params params;

	mc_master_params_init(&params);
	params.client_ttl_ns = 3600 * MC_NS_PER_S;
	sim_master_open(&params);
	writer = sim_client_open(1, MC_RELEASE_NEWEST);
	other = sim_client_open(2, MC_RELEASE_NEWEST);
	ck_assert_int_eq(sim_mount(&writer, "a:1", 1, 64 * SIM_MIB), 0);
}

static const struct mc_master_stats *
stats(void)
{
	return mc_master_stats(sim_master());
}

/* k0 is complete, k1 unfinished, k2 leased; k3 is not there. */
static void
put_of_each_kind(void)
{
	ck_assert_int_eq(sim_put(&writer, "k0", 1000), 0);
	ck_assert_int_eq(sim_put_start(&writer, "k1", 1000, NULL, NULL), 0);
	ck_assert_int_eq(sim_put(&writer, "k2", 1000), 0);
	ck_assert(sim_exist(&other, "k2"));
}

/* ---- an answer for each key ---- */

/* @fn, which the client calls with k0 … k3, answers with @errors. */
static void
four_expect(struct sim_client *client, enum mc_fn fn, const int32_t errors[4])
{
	struct mc_args args = sim_batch_args(client, sim_keys(4), 1000);

	sim_batch_expect(client, fn, &args, errors);
}

START_TEST(starts_are_judged_one_by_one)
{
	static const int32_t all_taken[] = {-705, -705, -705, 0};
	static const uint64_t sizes[] = {10, 0, 1ull << 40, 20};
	static const int32_t errors[] = {-600, -600, -200, 0};
	const struct mc_str keys[] = {sim_str(""), sim_str("l1"), sim_str("l2"), sim_str("l3")};
	struct mc_args args;

	put_of_each_kind();
	four_expect(&other, MC_FN_BATCH_PUT_START, all_taken);
	args = sim_batch_args(&other, SIM_VEC(keys), 0);
	args.slice_lengths = SIM_VEC(sizes);
	sim_batch_expect(&other, MC_FN_BATCH_PUT_START, &args, errors);
	ck_assert_int_eq(sim_put_end(&other, "k3"), 0);
	ck_assert_int_eq(sim_put_end(&other, "l3"), 0);
}
END_TEST

START_TEST(ends_are_judged_one_by_one)
{
	static const int32_t illegal[] = {-601, -601, -601, -704};
	static const int32_t ended[] = {0, 0, 0, -704};
	static const int32_t no_disk[] = {-700, -700, -700, -704};
	struct mc_args args;

	put_of_each_kind();
	four_expect(&other, MC_FN_BATCH_PUT_END, illegal);
	ck_assert(!sim_exist(&other, "k1"));
	four_expect(&writer, MC_FN_BATCH_PUT_END, ended);
	ck_assert(sim_exist(&other, "k1"));
	args = sim_batch_args(&writer, sim_keys(4), 0);
	args.replica_type = MC_REPLICA_DISK;
	sim_batch_expect(&writer, MC_FN_BATCH_PUT_END, &args, no_disk);
}
END_TEST

START_TEST(revokes_are_judged_one_by_one)
{
	static const int32_t illegal[] = {-601, -601, -601, -704};
	static const int32_t revoked[] = {-700, 0, -700, -704};

	put_of_each_kind();
	four_expect(&other, MC_FN_BATCH_PUT_REVOKE, illegal);
	four_expect(&writer, MC_FN_BATCH_PUT_REVOKE, revoked);
	ck_assert_int_eq(sim_put(&writer, "k1", 1000), 0);
}
END_TEST

START_TEST(reads_are_judged_one_by_one)
{
	static const int32_t errors[] = {0, -703, 0, -704};

	put_of_each_kind();
	four_expect(&other, MC_FN_BATCH_GET_REPLICA_LIST, errors);
	ck_assert_uint_eq(sim_stat(&stats()->get_total), 4);
	ck_assert_uint_eq(sim_stat(&stats()->get_hits), 2);
	four_expect(&other, MC_FN_BATCH_EXIST_KEY, NULL);
	ck_assert_uint_eq(sim_exist_keys(&other, 4), 2);
}
END_TEST

START_TEST(removals_are_judged_one_by_one)
{
	static const int32_t errors[] = {0, -703, -706, -704};
	static const int32_t forced[] = {-704, -703, 0, -704};
	struct mc_args args;

	put_of_each_kind();
	four_expect(&other, MC_FN_BATCH_REMOVE, errors);
	args = sim_batch_args(&other, sim_keys(4), 0);
	args.force = true;
	sim_batch_expect(&other, MC_FN_BATCH_REMOVE, &args, forced);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 1);
}
END_TEST

START_TEST(there_is_nothing_on_disks)
{
	static const int32_t errors[] = {0, 0, 0, -704};
	static const int32_t not_of_disks[] = {-600, -600, -600, -600};
	struct mc_args args = sim_batch_args(&other, sim_keys(4), 0);

	put_of_each_kind();
	args.replica_type = MC_REPLICA_DISK;
	sim_batch_expect(&other, MC_FN_BATCH_EVICT_DISK_REPLICA, &args, errors);
	args.replica_type = MC_REPLICA_LOCAL_DISK;
	sim_batch_expect(&other, MC_FN_BATCH_EVICT_DISK_REPLICA, &args, errors);
	args.replica_type = MC_REPLICA_MEMORY;
	sim_batch_expect(&other, MC_FN_BATCH_EVICT_DISK_REPLICA, &args, not_of_disks);
	ck_assert(sim_exist(&other, "k0"));
}
END_TEST

START_TEST(a_key_may_come_twice)
{
	const struct mc_str keys[] = {sim_str("k"), sim_str("k")};
	static const int32_t started[] = {0, -705}, revoked[] = {0, -704};
	struct mc_args args = sim_batch_args(&writer, SIM_VEC(keys), 1000);

	sim_batch_expect(&writer, MC_FN_BATCH_PUT_START, &args, started);
	sim_batch_expect(&writer, MC_FN_BATCH_PUT_REVOKE, &args, revoked);
}
END_TEST

START_TEST(a_checksum_comes_with_each_key)
{
	struct mc_args args = sim_batch_args(&writer, sim_keys(3), 1000);
	struct mc_object_meta metas[3];
	struct mc_vec_cursor cursor = {0};
	struct mc_result_vec result;
	union sim_result element;

	memcpy(metas, args.object_metas.items, sizeof(metas));
	metas[1].checksum = (struct mc_opt_u64){true, 17};
	args.object_metas = SIM_VEC(metas);
	sim_batch_expect(&writer, MC_FN_BATCH_PUT_START, &args, NULL);
	sim_batch_expect(&writer, MC_FN_BATCH_PUT_END, &args, NULL);
	ck_assert_int_eq(sim_call(&other, MC_FN_BATCH_GET_REPLICA_LIST, &args, &result), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert(mc_vec_next_result(&result.value, &cursor, MC_FN_BATCH_GET_REPLICA_LIST,
					     other.release, &element));
		ck_assert_int_eq(element.replicas.value.checksum.present, i == 1);
		if (i == 1)
			ck_assert_uint_eq(element.replicas.value.checksum.value, 17);
	}
}
END_TEST

START_TEST(nothing_asked_is_nothing_answered)
{
	static const enum mc_fn fns[] = {MC_FN_BATCH_PUT_START,	 MC_FN_BATCH_PUT_END,
					 MC_FN_BATCH_PUT_REVOKE, MC_FN_BATCH_GET_REPLICA_LIST,
					 MC_FN_BATCH_EXIST_KEY,	 MC_FN_BATCH_REMOVE};
	struct mc_args args = sim_batch_args(&writer, (struct mc_vec){0}, 0);

	for (size_t i = 0; i < sizeof(fns) / sizeof(fns[0]); i++) {
		sim_batch_expect(&writer, fns[i], &args, NULL);
		ck_assert_uint_eq(sim_stat(&stats()->calls[fns[i]]), 1);
		ck_assert_uint_eq(sim_stat(&stats()->failures[fns[i]]), 0);
	}
}
END_TEST

/* ---- lists of different lengths ---- */

static const int32_t refused[] = {-600, -600, -600, -600};

START_TEST(a_size_for_each_key_or_none_is_started)
{
	static const uint64_t sizes[] = {1, 2, 3, 4, 5};
	struct mc_args args = sim_batch_args(&writer, sim_keys(4), 0);

	args.slice_lengths = SIM_VEC(sizes);
	sim_batch_expect(&writer, MC_FN_BATCH_PUT_START, &args, refused);
	args.slice_lengths.count = 1;
	sim_batch_expect(&writer, MC_FN_BATCH_PUT_START, &args, refused);
	args.slice_lengths.count = 0;
	sim_batch_expect(&writer, MC_FN_BATCH_PUT_START, &args, refused);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 0);
	ck_assert_uint_eq(sim_stat(&stats()->failures[MC_FN_BATCH_PUT_START]), 3);
	ck_assert_uint_eq(sim_stat(&stats()->item_failures[MC_FN_BATCH_PUT_START]), 12);
	args.slice_lengths.count = 4;
	sim_batch_expect(&writer, MC_FN_BATCH_PUT_START, &args, NULL);
}
END_TEST

START_TEST(a_group_for_each_key_or_none_is_started)
{
	struct mc_args args = sim_batch_args(&writer, sim_keys(4), 1000);

	args.config.has_group_ids = true;
	sim_batch_expect(&writer, MC_FN_BATCH_PUT_START, &args, refused);
	args.config.group_ids = sim_keys(1);
	sim_batch_expect(&writer, MC_FN_BATCH_PUT_START, &args, refused);
	args.config.group_ids = sim_keys(5);
	sim_batch_expect(&writer, MC_FN_BATCH_PUT_START, &args, refused);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 0);
	args.config.group_ids = sim_keys(4);
	sim_batch_expect(&writer, MC_FN_BATCH_PUT_START, &args, NULL);
}
END_TEST

/* ---- more than one slice ---- */

START_TEST(many_keys_are_answered_in_order)
{
	struct mc_args args = sim_batch_args(&writer, sim_keys(MANY), 0);
	struct mc_vec_cursor elements = {0};
	static uint64_t sizes[MANY];
	struct mc_replica_desc desc;
	struct mc_result_vec result;
	union sim_result element;

	for (uint32_t i = 0; i < MANY; i++)
		sizes[i] = i + 1;
	args.slice_lengths = SIM_VEC(sizes);
	sim_batch_expect(&writer, MC_FN_BATCH_PUT_START, &args, NULL);
	sim_batch_expect(&writer, MC_FN_BATCH_PUT_END, &args, NULL);
	must(sim_call(&other, MC_FN_BATCH_GET_REPLICA_LIST, &args, &result) == 0);
	for (uint32_t i = 0; i < MANY; i++) {
		struct mc_vec_cursor cursor = {0};

		must(mc_vec_next_result(&result.value, &elements, MC_FN_BATCH_GET_REPLICA_LIST,
					other.release, &element));
		must(mc_vec_next_replica(&element.replicas.value.replicas, &cursor, other.release,
					 &desc));
		must(desc.buffer.size == i + 1);
	}
}
END_TEST

START_TEST(errors_stand_at_their_keys)
{
	struct mc_args args = sim_batch_args(&other, sim_keys(MANY), 0);
	static int32_t errors[MANY];

	sim_put_keys(&writer, MANY, 64);
	for (uint32_t i = 0; i < MANY; i++) {
		errors[i] = i % 7 == 0 ? -704 : 0;
		if (i % 7 == 0)
			must(sim_remove(&other, sim_key(i), false) == 0);
	}
	sim_batch_expect(&other, MC_FN_BATCH_GET_REPLICA_LIST, &args, errors);
	for (uint32_t i = 0; i < MANY; i++)
		errors[i] = i % 7 == 0 ? -704 : -706;
	sim_batch_expect(&other, MC_FN_BATCH_REMOVE, &args, errors);
	ck_assert_uint_eq(sim_exist_keys(&other, MANY), MANY - (MANY + 6) / 7);
}
END_TEST

START_TEST(a_long_batch_lets_others_in_between)
{
	struct mc_args args = sim_batch_args(&writer, sim_keys(MANY), 64);

	sim_send(&writer, MC_FN_BATCH_PUT_START, &args);
	ck_assert(!sim_answered(&writer));
	/* k2999 is still to come, and is the other's then */
	ck_assert_int_eq(sim_put(&other, sim_key(MANY - 1), 64), 0);
	ck_assert(!sim_answered(&writer));
	static int32_t errors[MANY] = {[MANY - 1] = -705};

	sim_batch_receive(&writer, MC_FN_BATCH_PUT_START, MANY, errors);
	ck_assert_uint_eq(sim_stat(&stats()->objects), MANY);
}
END_TEST

START_TEST(two_long_batches_take_turns)
{
	struct mc_args args = sim_batch_args(&writer, sim_keys(MANY), 64);

	sim_put_keys(&writer, MANY, 64);
	sim_send(&writer, MC_FN_BATCH_EXIST_KEY, &args);
	sim_send(&other, MC_FN_BATCH_GET_REPLICA_LIST, &args);
	sim_batch_receive(&other, MC_FN_BATCH_GET_REPLICA_LIST, MANY, NULL);
	/* it was a slice ahead */
	ck_assert(sim_answered(&writer));
	sim_batch_receive(&writer, MC_FN_BATCH_EXIST_KEY, MANY, NULL);
}
END_TEST

/* ---- a client that vanishes in the middle ---- */

static const struct {
	enum mc_fn fn;
	uint32_t objects; /* after the first slice of MANY keys */
	uint32_t writing;
} partly[] = {
	{MC_FN_BATCH_PUT_START, SLICE, SLICE},
	{MC_FN_BATCH_PUT_END, MANY, MANY - SLICE},
	{MC_FN_BATCH_PUT_REVOKE, MANY - SLICE, MANY - SLICE},
	{MC_FN_BATCH_EXIST_KEY, MANY, 0},
	{MC_FN_BATCH_GET_REPLICA_LIST, MANY, 0},
	{MC_FN_BATCH_REMOVE, MANY - SLICE, 0},
	{MC_FN_BATCH_EVICT_DISK_REPLICA, MANY, 0},
	{MC_FN_BATCH_REPLICA_CLEAR, MANY - SLICE, 0},
};
#define PARTLY ((int)(sizeof(partly) / sizeof(partly[0])))

/* What has to be there for the call to succeed. */
static void
prepare(enum mc_fn fn, const struct mc_args *args)
{
	if (fn == MC_FN_BATCH_PUT_START)
		return;
	sim_batch_expect(&writer, MC_FN_BATCH_PUT_START, args, NULL);
	if (fn != MC_FN_BATCH_PUT_END && fn != MC_FN_BATCH_PUT_REVOKE)
		sim_batch_expect(&writer, MC_FN_BATCH_PUT_END, args, NULL);
}

START_TEST(a_client_vanishes_in_the_middle)
{
	/* the writer by another connection */
	struct sim_client gone = sim_client_open(1, MC_RELEASE_NEWEST);
	struct mc_args args = sim_batch_args(&writer, sim_keys(MANY), 64);
	enum mc_fn fn = partly[_i].fn;

	prepare(fn, &args);
	if (fn == MC_FN_BATCH_EVICT_DISK_REPLICA)
		args.replica_type = MC_REPLICA_DISK;
	sim_send(&gone, fn, &args);
	ck_assert(!sim_answered(&gone));
	sim_client_vanish(&gone);
	ck_assert_uint_eq(sim_stat(&stats()->objects), partly[_i].objects);
	ck_assert_uint_eq(sim_stat(&stats()->objects_writing), partly[_i].writing);
	/* a call that was not answered is not counted */
	ck_assert_uint_eq(sim_stat(&stats()->calls[fn]), 0);
	ck_assert_uint_eq(sim_exist_keys(&other, MANY), partly[_i].objects - partly[_i].writing);
	args.force = true;
	sim_send(&writer, MC_FN_REMOVE_ALL, &args);
	sim_receive(&writer, MC_FN_REMOVE_ALL, &(struct mc_result_i64){0});
	ck_assert_uint_eq(sim_stat(&stats()->objects), partly[_i].writing);
}
END_TEST

/* ---- prefer_same_node ---- */

/* Starts the first @count keys; returns how many lie where the first one does. */
static uint32_t
start_with_preference(uint32_t count, bool prefer)
{
	struct mc_args args = sim_batch_args(&writer, sim_keys(count), 64);
	struct mc_vec_cursor elements = {0};
	struct mc_result_vec result;
	union sim_result element;
	char first[3] = "";
	uint32_t same = 0;

	args.config.prefer_same_node = prefer;
	must(sim_call(&writer, MC_FN_BATCH_PUT_START, &args, &result) == 0);
	while (mc_vec_next_result(&result.value, &elements, MC_FN_BATCH_PUT_START, writer.release,
				  &element)) {
		struct mc_vec_cursor cursor = {0};
		struct mc_replica_desc desc;

		if (element.error != 0)
			continue;
		must(mc_vec_next_replica(&element.vec.value, &cursor, writer.release, &desc));
		if (same == 0)
			memcpy(first, desc.buffer.endpoint.ptr, sizeof(first));
		same += memcmp(first, desc.buffer.endpoint.ptr, sizeof(first)) == 0;
	}
	return same;
}

static void
mount_more(void)
{
	ck_assert_int_eq(sim_mount(&other, "b:1", 1, 64 * SIM_MIB), 0);
	ck_assert_int_eq(sim_mount(&other, "c:1", 2, 64 * SIM_MIB), 0);
}

START_TEST(keys_follow_the_first_to_its_node)
{
	mount_more();
	ck_assert_uint_eq(start_with_preference(MANY, true), MANY);
}
END_TEST

START_TEST(keys_spread_without_a_preference)
{
	mount_more();
	ck_assert_uint_lt(start_with_preference(MANY, false), MANY / 2);
}
END_TEST

START_TEST(keys_spread_when_the_first_went_nowhere)
{
	mount_more();
	ck_assert_int_eq(sim_put(&writer, sim_key(0), 64), 0);
	ck_assert_uint_lt(start_with_preference(MANY, true), MANY / 2);
}
END_TEST

START_TEST(the_preferred_node_leaves_and_returns_in_the_middle)
{
	const uint32_t count = 8 * SLICE; /* so many passes that the dead segment is buried */
	struct sim_client twin = sim_client_open(1, MC_RELEASE_NEWEST); /* the writer's, too */
	struct mc_args args = sim_batch_args(&writer, sim_keys(count), 64);
	struct mc_replica_desc desc;

	args.config.prefer_same_node = true;
	sim_send(&writer, MC_FN_BATCH_PUT_START, &args);
	/* there is another choice now, which is to be passed over */
	ck_assert_int_eq(sim_mount(&other, "b:1", 1, 64 * SIM_MIB), 0);
	ck_assert_int_eq(sim_unmount(&twin, 1), 0);
	ck_assert_int_eq(sim_mount(&twin, "a:1", 1, 64 * SIM_MIB), 0);
	ck_assert(!sim_answered(&writer));
	sim_batch_receive(&writer, MC_FN_BATCH_PUT_START, count, NULL);
	ck_assert_int_eq(sim_put_end(&writer, sim_key(0)), -704);
	for (uint32_t i = count - 10; i < count; i++) {
		ck_assert_int_eq(sim_put_end(&writer, sim_key(i)), 0);
		ck_assert_int_eq(sim_get(&writer, sim_key(i), &desc, 1), 1);
		ck_assert(memcmp(desc.buffer.endpoint.ptr, "a:1", 3) == 0);
	}
}
END_TEST

/* ---- releases and counters ---- */

static void
setup_alone(void)
{
	sim_master_open(NULL);
}

START_TEST(every_release_has_its_batches)
{
	struct sim_client client = sim_client_open(1, (enum mc_release)_i);
	struct mc_args args = sim_batch_args(&client, sim_keys(MANY), 64);

	ck_assert_int_eq(sim_mount(&client, "a:1", 1, 64 * SIM_MIB), 0);
	sim_batch_expect(&client, MC_FN_BATCH_PUT_START, &args, NULL);
	sim_batch_expect(&client, MC_FN_BATCH_PUT_REVOKE, &args, NULL);
	sim_put_keys(&client, MANY, 64);
	ck_assert_uint_eq(sim_stat(&stats()->object_bytes), MANY * 64);
	sim_batch_expect(&client, MC_FN_BATCH_GET_REPLICA_LIST, &args, NULL);
	ck_assert_uint_eq(sim_exist_keys(&client, MANY), MANY);
	if ((mc_fn_releases(MC_FN_BATCH_REMOVE) & MC_RELEASE_BIT(_i)) == 0)
		return;
	args.force = true;
	sim_batch_expect(&client, MC_FN_BATCH_REMOVE, &args, NULL);
	ck_assert_uint_eq(sim_exist_keys(&client, MANY), 0);
}
END_TEST

/* What was counted of BatchGetReplicaList. */
static void
counted_expect(uint64_t calls, uint64_t failures, uint64_t items, uint64_t item_failures,
	       uint64_t partial)
{
	enum mc_fn fn = MC_FN_BATCH_GET_REPLICA_LIST;

	ck_assert_uint_eq(sim_stat(&stats()->calls[fn]), calls);
	ck_assert_uint_eq(sim_stat(&stats()->failures[fn]), failures);
	ck_assert_uint_eq(sim_stat(&stats()->items[fn]), items);
	ck_assert_uint_eq(sim_stat(&stats()->item_failures[fn]), item_failures);
	ck_assert_uint_eq(sim_stat(&stats()->partial[fn]), partial);
}

START_TEST(calls_and_keys_are_counted_apart)
{
	struct mc_args args = sim_batch_args(&other, sim_keys(4), 0);
	struct mc_result_vec result;

	sim_call(&other, MC_FN_BATCH_GET_REPLICA_LIST, &args, &result);
	counted_expect(1, 1, 4, 4, 0); /* all failed */
	put_of_each_kind();
	sim_call(&other, MC_FN_BATCH_GET_REPLICA_LIST, &args, &result);
	counted_expect(2, 1, 8, 6, 1); /* some did */
	args.keys = sim_keys(1);
	sim_call(&other, MC_FN_BATCH_GET_REPLICA_LIST, &args, &result);
	counted_expect(3, 1, 9, 6, 1); /* none did */
	args.keys = sim_keys(MANY);
	sim_call(&other, MC_FN_BATCH_GET_REPLICA_LIST, &args, &result);
	counted_expect(4, 1, 9 + MANY, 6 + MANY - 2, 2);
}
END_TEST

static void
add_all(TCase *tc)
{
	tcase_add_test(tc, starts_are_judged_one_by_one);
	tcase_add_test(tc, ends_are_judged_one_by_one);
	tcase_add_test(tc, revokes_are_judged_one_by_one);
	tcase_add_test(tc, reads_are_judged_one_by_one);
	tcase_add_test(tc, removals_are_judged_one_by_one);
	tcase_add_test(tc, there_is_nothing_on_disks);
	tcase_add_test(tc, a_key_may_come_twice);
	tcase_add_test(tc, a_checksum_comes_with_each_key);
	tcase_add_test(tc, nothing_asked_is_nothing_answered);
	tcase_add_test(tc, a_size_for_each_key_or_none_is_started);
	tcase_add_test(tc, a_group_for_each_key_or_none_is_started);
	tcase_add_test(tc, many_keys_are_answered_in_order);
	tcase_add_test(tc, errors_stand_at_their_keys);
	tcase_add_test(tc, a_long_batch_lets_others_in_between);
	tcase_add_test(tc, two_long_batches_take_turns);
	tcase_add_loop_test(tc, a_client_vanishes_in_the_middle, 0, PARTLY);
	tcase_add_test(tc, keys_follow_the_first_to_its_node);
	tcase_add_test(tc, keys_spread_without_a_preference);
	tcase_add_test(tc, keys_spread_when_the_first_went_nowhere);
	tcase_add_test(tc, the_preferred_node_leaves_and_returns_in_the_middle);
	tcase_add_test(tc, calls_and_keys_are_counted_apart);
}

int
main(void)
{
	Suite *suite = suite_create("master/batch");

	add_all(sim_tcase(suite, "batch", setup));
	tcase_add_loop_test(sim_tcase(suite, "releases", setup_alone),
			    every_release_has_its_batches, 0, MC_RELEASE_COUNT);
	return sim_run(suite);
}
