/* SPDX-License-Identifier: Apache-2.0 */
/* Remove, RemoveByRegex, RemoveAll and BatchReplicaClear: what goes, and what forbids it. */
#include <string.h>

#include "core/base/clock.h"
#include "tests/support/sim_batch.h"

#define LEASE_MS 10000u

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

/* k0 … k3 as a removal may meet them. */
static void
put_of_each_kind(void)
{
	ck_assert_int_eq(sim_put(&writer, "k0", 1000), 0);
	ck_assert_int_eq(sim_put(&writer, "k1", 1000), 0);
	ck_assert_int_eq(sim_put(&writer, "k2", 1000), 0);
	ck_assert(sim_exist(&other, "k2")); /* leased */
	ck_assert_int_eq(sim_put_start(&writer, "k3", 1000, NULL, NULL), 0);
}

static void
left_expect(bool k0, bool k1, bool k2)
{
	ck_assert_int_eq(sim_exist(&other, "k0"), k0);
	ck_assert_int_eq(sim_exist(&other, "k1"), k1);
	ck_assert_int_eq(sim_exist(&other, "k2"), k2);
	/* the unfinished one goes on */
	ck_assert_int_eq(sim_put_end(&writer, "k3"), 0);
	ck_assert(sim_exist(&other, "k3"));
}

/* ---- one key ---- */

START_TEST(a_removed_key_is_free_and_so_is_its_space)
{
	uint64_t most = 60 * SIM_MIB;

	ck_assert_int_eq(sim_put(&writer, "k", most), 0);
	/* anybody may */
	ck_assert_int_eq(sim_remove(&other, "k", false), 0);
	ck_assert(!sim_exist(&other, "k"));
	ck_assert_int_eq(sim_remove(&other, "k", false), -704);
	ck_assert_int_eq(sim_remove(&other, "k", true), -704);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 0);
	ck_assert_int_eq(sim_put(&writer, "k", most), 0);
}
END_TEST

START_TEST(a_lease_forbids_unless_forced)
{
	ck_assert_int_eq(sim_put(&writer, "k", 1000), 0);
	ck_assert(sim_exist(&other, "k"));
	ck_assert_int_eq(sim_remove(&writer, "k", false), -706);
	ck_assert(sim_exist(&other, "k"));
	ck_assert_int_eq(sim_remove(&writer, "k", true), 0);
	ck_assert(!sim_exist(&other, "k"));
}
END_TEST

START_TEST(a_refused_removal_leaves_the_lease_as_it_was)
{
	ck_assert_int_eq(sim_put(&writer, "k", 1000), 0);
	ck_assert(sim_exist(&other, "k"));
	sim_advance_ms(LEASE_MS - 10);
	ck_assert_int_eq(sim_remove(&writer, "k", false), -706);
	sim_advance_ms(10);
	ck_assert_int_eq(sim_remove(&writer, "k", false), 0);
}
END_TEST

START_TEST(an_unfinished_key_stays_even_by_force)
{
	ck_assert_int_eq(sim_put_start(&writer, "k", 1000, NULL, NULL), 0);
	ck_assert_int_eq(sim_remove(&writer, "k", false), -703);
	ck_assert_int_eq(sim_remove(&writer, "k", true), -703);
	sim_advance_ms(31000);
	/* another may write it now, but it is not to be removed */
	ck_assert_int_eq(sim_remove(&writer, "k", true), -703);
	ck_assert_int_eq(sim_put_end(&writer, "k"), 0);
	ck_assert_int_eq(sim_remove(&writer, "k", false), 0);
}
END_TEST

/* ---- many keys ---- */

static int64_t
remove_all(bool force)
{
	struct mc_args args = sim_args(&other);
	struct mc_result_i64 result;

	args.force = force;
	ck_assert_int_eq(sim_call(&other, MC_FN_REMOVE_ALL, &args, &result), 0);
	return result.value;
}

/* How many went, or the error. */
static int64_t
remove_by_regex(const char *pattern, bool force)
{
	struct mc_args args = sim_args(&other);
	struct mc_result_i64 result;
	int32_t error;

	args.key = sim_str(pattern);
	args.force = force;
	error = sim_call(&other, MC_FN_REMOVE_BY_REGEX, &args, &result);
	return error != 0 ? error : result.value;
}

START_TEST(all_but_what_is_leased_or_unfinished_goes)
{
	ck_assert_int_eq(remove_all(false), 0);
	put_of_each_kind();
	ck_assert_int_eq(remove_all(false), 2);
	left_expect(false, false, true);
}
END_TEST

START_TEST(all_but_what_is_unfinished_goes_by_force)
{
	put_of_each_kind();
	ck_assert_int_eq(remove_all(true), 3);
	left_expect(false, false, false);
}
END_TEST

START_TEST(a_pattern_takes_what_it_matches)
{
	put_of_each_kind();
	ck_assert_int_eq(remove_by_regex("^[0-9]", false), 0);
	ck_assert_int_eq(remove_by_regex("[123]", false), 1);
	left_expect(true, false, true);
}
END_TEST

START_TEST(a_pattern_takes_leased_ones_by_force)
{
	put_of_each_kind();
	ck_assert_int_eq(remove_by_regex("[123]", true), 2);
	left_expect(true, false, false);
}
END_TEST

START_TEST(a_pattern_that_is_none_is_refused)
{
	put_of_each_kind();
	ck_assert_int_eq(remove_by_regex("*", true), -600);
	ck_assert_int_eq(remove_by_regex("([", false), -600);
	left_expect(true, true, true);
	ck_assert_uint_eq(sim_stat(&stats()->failures[MC_FN_REMOVE_BY_REGEX]), 2);
}
END_TEST

START_TEST(what_lay_on_a_dead_segment_is_not_counted)
{
	put_of_each_kind();
	ck_assert_int_eq(sim_mount(&other, "b:1", 1, 64 * SIM_MIB), 0);
	ck_assert_int_eq(sim_unmount(&writer, 1), 0);
	ck_assert_int_eq(sim_put(&other, "k9", 1000), 0);
	ck_assert_int_eq(remove_all(true), 1);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 0);
}
END_TEST

/* ---- BatchReplicaClear ---- */

/* Clears @keys, as @client; expects those of @cleared in their order. */
static void
clear_expect(struct sim_client *client, struct mc_vec keys, const char *segment,
	     struct mc_vec cleared)
{
	struct mc_args args = sim_args(client);
	struct mc_vec_cursor at = {0}, wanted_at = {0};
	struct mc_result_vec result;
	struct mc_str key, wanted;

	args.keys = keys;
	args.segment_name = sim_str(segment);
	ck_assert_int_eq(sim_call(client, MC_FN_BATCH_REPLICA_CLEAR, &args, &result), 0);
	ck_assert_uint_eq(result.value.count, cleared.count);
	while (mc_vec_next_str(&result.value, &at, &key)) {
		ck_assert(mc_vec_next_str(&cleared, &wanted_at, &wanted));
		ck_assert(key.len == wanted.len && memcmp(key.ptr, wanted.ptr, key.len) == 0);
	}
}

static const struct mc_vec nothing;

START_TEST(a_clear_passes_over_what_it_may_not_take)
{
	const struct mc_str keys[] = {sim_str("none"), sim_str("k3"), sim_str("k1"), sim_str(""),
				      sim_str("k2"),   sim_str("k0"), sim_str("k1")};
	const struct mc_str cleared[] = {sim_str("k1"), sim_str("k0")};

	put_of_each_kind();
	clear_expect(&other, SIM_VEC(keys), "", nothing); /* not its own */
	clear_expect(&writer, nothing, "", nothing);
	clear_expect(&writer, SIM_VEC(keys), "", SIM_VEC(cleared));
	left_expect(false, false, true);
	ck_assert_uint_eq(sim_stat(&stats()->items[MC_FN_BATCH_REPLICA_CLEAR]), 14);
}
END_TEST

/* A replica of "k" on each of a:1 and b:1. */
static void
put_on_two(void)
{
	struct mc_replicate_config config = {.replica_num = 2};

	ck_assert_int_eq(sim_mount(&other, "b:1", 1, 64 * SIM_MIB), 0);
	ck_assert_int_eq(sim_put_start(&writer, "k", 1000, &config, NULL), 0);
}

START_TEST(a_clear_of_one_segment_leaves_the_others)
{
	const struct mc_str keys[] = {sim_str("k")};
	struct mc_replica_desc descs[2];

	put_on_two();
	ck_assert_int_eq(sim_put_end(&writer, "k"), 0);
	clear_expect(&writer, SIM_VEC(keys), "c:1", nothing);
	clear_expect(&other, SIM_VEC(keys), "a:1", nothing);
	clear_expect(&writer, SIM_VEC(keys), "a:1", SIM_VEC(keys));
	clear_expect(&writer, SIM_VEC(keys), "a:1", nothing);
	ck_assert_int_eq(sim_get(&other, "k", descs, 2), 1);
	ck_assert(memcmp(descs[0].buffer.endpoint.ptr, "b:1", 3) == 0);
	ck_assert_uint_eq(sim_stat(&stats()->object_bytes), 1000);
}
END_TEST

START_TEST(an_object_goes_with_its_last_replica)
{
	const struct mc_str keys[] = {sim_str("k")};

	put_on_two();
	ck_assert_int_eq(sim_put_end(&writer, "k"), 0);
	clear_expect(&writer, SIM_VEC(keys), "a:1", SIM_VEC(keys));
	clear_expect(&writer, SIM_VEC(keys), "b:1", SIM_VEC(keys));
	ck_assert_uint_eq(sim_stat(&stats()->objects), 0); /* at once, not when it is looked for */
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), 0);
	ck_assert(!sim_exist(&other, "k"));
	ck_assert_int_eq(sim_put(&writer, "k", 1000), 0);
}
END_TEST

START_TEST(a_clear_of_one_segment_respects_leases_and_writers)
{
	const struct mc_str keys[] = {sim_str("k")};

	put_on_two();
	clear_expect(&writer, SIM_VEC(keys), "a:1", nothing);
	ck_assert_int_eq(sim_put_end(&writer, "k"), 0);
	ck_assert(sim_exist(&other, "k"));
	clear_expect(&writer, SIM_VEC(keys), "a:1", nothing);
	sim_advance_ms(LEASE_MS);
	clear_expect(&writer, SIM_VEC(keys), "a:1", SIM_VEC(keys));
}
END_TEST

/* Some 20 slices. */
START_TEST(a_long_clear_lets_others_in_between)
{
	struct mc_args args = sim_args(&writer);
	struct mc_result_vec result;

	sim_put_keys(&writer, SIM_KEYS_MAX, 64);
	args.keys = sim_keys(SIM_KEYS_MAX);
	args.segment_name = sim_str("a:1");
	sim_send(&writer, MC_FN_BATCH_REPLICA_CLEAR, &args);
	ck_assert(!sim_answered(&writer));
	ck_assert(!sim_exist(&other, sim_key(0)));
	ck_assert(!sim_answered(&writer));
	ck_assert(sim_exist(&other, sim_key(SIM_KEYS_MAX - 1))); /* a lease, just in time */
	ck_assert_int_eq(sim_receive(&writer, MC_FN_BATCH_REPLICA_CLEAR, &result), 0);
	ck_assert_uint_eq(result.value.count, SIM_KEYS_MAX - 1);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("master/remove");
	TCase *tc = sim_tcase(suite, "remove", setup);

	tcase_add_test(tc, a_removed_key_is_free_and_so_is_its_space);
	tcase_add_test(tc, a_lease_forbids_unless_forced);
	tcase_add_test(tc, a_refused_removal_leaves_the_lease_as_it_was);
	tcase_add_test(tc, an_unfinished_key_stays_even_by_force);
	tcase_add_test(tc, all_but_what_is_leased_or_unfinished_goes);
	tcase_add_test(tc, all_but_what_is_unfinished_goes_by_force);
	tcase_add_test(tc, a_pattern_takes_what_it_matches);
	tcase_add_test(tc, a_pattern_takes_leased_ones_by_force);
	tcase_add_test(tc, a_pattern_that_is_none_is_refused);
	tcase_add_test(tc, what_lay_on_a_dead_segment_is_not_counted);
	tcase_add_test(tc, a_clear_passes_over_what_it_may_not_take);
	tcase_add_test(tc, a_clear_of_one_segment_leaves_the_others);
	tcase_add_test(tc, an_object_goes_with_its_last_replica);
	tcase_add_test(tc, a_clear_of_one_segment_respects_leases_and_writers);
	tcase_add_test(tc, a_long_clear_lets_others_in_between);
	return sim_run(suite);
}
