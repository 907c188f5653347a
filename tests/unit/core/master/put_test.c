/* SPDX-License-Identifier: Apache-2.0 */
/* PutStart, PutEnd, PutRevoke: what they refuse, and the life of an object between them. */
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/master/object.h"
#include "tests/support/sim_batch.h"

#define DAY_MS (24ull * 3600 * 1000)

static struct sim_client writer, other, reader;

/* Nobody pings here: clients live for as long as any test takes. */
static void
setup(void)
{
	struct mc_master_params params;

	mc_master_params_init(&params);
	params.client_ttl_ns = DAY_MS * MC_NS_PER_MS;
	sim_master_open(&params);
	writer = sim_client_open(1, MC_RELEASE_NEWEST);
	other = sim_client_open(2, MC_RELEASE_NEWEST);
	reader = sim_client_open(3, MC_RELEASE_NEWEST);
}

/* The one segment of most tests. */
static void
setup_mounted(void)
{
	setup();
	ck_assert_int_eq(sim_mount(&writer, "a:1", 1, 64 * SIM_MIB), 0);
}

static const struct mc_master_stats *
stats(void)
{
	return mc_master_stats(sim_master());
}

static struct mc_replicate_config
config_of(uint64_t replica_num)
{
	return (struct mc_replicate_config){.replica_num = replica_num};
}

static int32_t
start(const char *key, const struct mc_replicate_config *config)
{
	return sim_put_start(&writer, key, 1000, config, NULL);
}

/* PutEnd or PutRevoke of one type of replicas. */
static int32_t
finish_type(enum mc_fn fn, const char *key, int32_t replica_type)
{
	struct mc_args args = sim_args(&writer);
	struct mc_result_void result;

	args.key = args.object_meta.key = sim_str(key);
	args.replica_type = replica_type;
	return sim_call(&writer, fn, &args, &result);
}

/* ---- what PutStart refuses ---- */

static const struct mc_str groups[] = {{"g", 1}, {"h", 1}};

static const struct mc_replicate_config bad_configs[] = {
	/* no replicas, more in the file system than one, none in memory beside that one */
	{.replica_num = 0},
	{.replica_num = 1, .dfs_replica_num = 2},
	{.replica_num = 0, .dfs_replica_num = 1},
	/* NVMe-oF is not built */
	{.replica_num = 1, .nof_replica_num = 1},
	{.replica_num = 0, .nof_replica_num = 1},
	/* a pin's time without a pin, or longer than a day; an action that there is not */
	{.replica_num = 1, .soft_pin_ttl_ms = {true, 5}},
	{.replica_num = 1, .soft_pin_action = MC_SOFT_PIN_DISABLE, .soft_pin_ttl_ms = {true, 5}},
	{.replica_num = 1,
	 .soft_pin_action = MC_SOFT_PIN_ENABLE,
	 .soft_pin_ttl_ms = {true, DAY_MS + 1}},
	{.replica_num = 1, .soft_pin_action = 3},
	/* groups, but not one for the one key */
	{.replica_num = 1, .has_group_ids = true},
	{.replica_num = 1,
	 .has_group_ids = true,
	 .group_ids = {.items = groups, .count = 2, .stride = sizeof(groups[0])}},
};
#define BAD_CONFIGS ((int)(sizeof(bad_configs) / sizeof(bad_configs[0])))

START_TEST(a_config_that_cannot_be_is_refused)
{
	const struct mc_replicate_config *config = &bad_configs[_i];

	ck_assert_int_eq(start("k", config), -600);
	/* with an object there it is the same: arguments are looked at first */
	ck_assert_int_eq(sim_put(&writer, "k", 1000), 0);
	ck_assert_int_eq(start("k", config), -600);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 1);
}
END_TEST

START_TEST(a_config_that_cannot_be_comes_before_a_missing_file_system)
{
	struct mc_replicate_config config = bad_configs[_i];

	config.dfs_replica_num += config.dfs_replica_num == 0;
	ck_assert_int_eq(start("k", &config), -600);
}
END_TEST

START_TEST(there_is_no_distributed_file_system)
{
	struct mc_replicate_config config = config_of(1);

	config.dfs_replica_num = 1;
	ck_assert_int_eq(start("k", &config), -1601);
	ck_assert_int_eq(sim_put(&writer, "k", 1000), 0);
	ck_assert_int_eq(start("k", &config), -1601);
}
END_TEST

START_TEST(keys_and_sizes_have_bounds)
{
	char *longest = malloc(MC_KEY_MAX + 2);

	memset(longest, 'x', MC_KEY_MAX + 1);
	longest[MC_KEY_MAX + 1] = '\0';
	ck_assert_int_eq(sim_put(&writer, "", 1000), -600);
	ck_assert_int_eq(sim_put(&writer, "k", 0), -600);
	ck_assert_int_eq(sim_put(&writer, longest, 1000), -600);
	longest[MC_KEY_MAX] = '\0';
	ck_assert_int_eq(sim_put(&writer, longest, 1000), 0);
	ck_assert(sim_exist(&reader, longest));
	ck_assert_int_eq(sim_put(&writer, "k", 1), 0);
	free(longest);
}
END_TEST

START_TEST(what_is_at_a_limit_is_allowed)
{
	struct mc_replicate_config config = config_of(1);

	config.soft_pin_action = MC_SOFT_PIN_ENABLE;
	config.soft_pin_ttl_ms = (struct mc_opt_u64){true, DAY_MS};
	config.has_group_ids = true;
	config.group_ids =
		(struct mc_vec){.items = groups, .count = 1, .stride = sizeof(groups[0])};
	ck_assert_int_eq(start("k", &config), 0);
}
END_TEST

START_TEST(without_room_there_is_no_handle)
{
	struct mc_replicate_config config = config_of(1);

	ck_assert_int_eq(start("k", NULL), -200);
	/* arguments come first here too */
	config.soft_pin_action = 3;
	ck_assert_int_eq(start("k", &config), -600);
	ck_assert_int_eq(sim_mount(&writer, "a:1", 1, SIM_MIB), 0);
	ck_assert_int_eq(sim_put(&writer, "k", SIM_MIB + 1), -200);
	ck_assert_int_eq(sim_put(&writer, "k", 1ull << 40), -200);
	ck_assert_int_eq(sim_put(&writer, "k", UINT64_MAX), -200);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects_writing), 0);
	ck_assert_int_eq(sim_put(&writer, "k", SIM_MIB / 2), 0);
}
END_TEST

/* ---- from PutStart to PutEnd ---- */

START_TEST(an_object_is_seen_once_it_is_complete)
{
	struct mc_replica_desc desc;

	ck_assert_int_eq(sim_put_start(&writer, "k", 1000, NULL, NULL), 0);
	ck_assert(!sim_exist(&reader, "k"));
	ck_assert_int_eq(sim_get(&reader, "k", &desc, 1), -703);
	ck_assert_int_eq(sim_put_end(&writer, "k"), 0);
	ck_assert(sim_exist(&reader, "k"));
	ck_assert_int_eq(sim_get(&reader, "k", &desc, 1), 1);
	ck_assert_uint_eq(desc.buffer.size, 1000);
	ck_assert_int_eq(desc.status, MC_REPLICA_COMPLETE);
	ck_assert_int_eq(sim_put(&writer, "k", 1000), -705);
}
END_TEST

/* The descriptors of a PutStart, of which there must be @count. */
static void
started(const struct mc_result_vec *result, struct mc_replica_desc *descs, uint32_t count)
{
	struct mc_vec_cursor cursor = {0};

	ck_assert_uint_eq(result->value.count, count);
	for (uint32_t i = 0; i < count; i++) {
		ck_assert(mc_vec_next_replica(&result->value, &cursor, writer.release, &descs[i]));
		ck_assert_int_eq(descs[i].status, MC_REPLICA_PROCESSING);
		ck_assert_int_eq(descs[i].type, MC_REPLICA_MEMORY);
	}
}

START_TEST(a_start_tells_where_to_write)
{
	struct mc_replica_desc begun, read;
	struct mc_result_vec result;

	ck_assert_int_eq(sim_put_start(&writer, "k", 1000, NULL, &result), 0);
	started(&result, &begun, 1);
	ck_assert_uint_eq(begun.buffer.size, 1000);
	ck_assert_int_eq(sim_put_end(&writer, "k"), 0);
	ck_assert_int_eq(sim_get(&reader, "k", &read, 1), 1);
	ck_assert_uint_eq(read.buffer.address, begun.buffer.address);
	ck_assert_uint_eq(read.id, begun.id);
}
END_TEST

START_TEST(an_end_needs_its_own_start)
{
	ck_assert_int_eq(sim_put_end(&writer, "k"), -704);
	ck_assert_int_eq(sim_put_revoke(&writer, "k"), -704);
	ck_assert_int_eq(start("k", NULL), 0);
	ck_assert_int_eq(sim_put_end(&other, "k"), -601);
	ck_assert_int_eq(sim_put_revoke(&other, "k"), -601);
	ck_assert(!sim_exist(&reader, "k"));
	ck_assert_int_eq(sim_put_end(&writer, "k"), 0);
	ck_assert_int_eq(sim_put_end(&other, "k"), -601);
}
END_TEST

START_TEST(an_end_may_come_again)
{
	ck_assert_int_eq(start("k", NULL), 0);
	ck_assert_int_eq(finish_type(MC_FN_PUT_END, "k", MC_REPLICA_MEMORY), 0);
	ck_assert(sim_exist(&reader, "k"));
	ck_assert_int_eq(finish_type(MC_FN_PUT_END, "k", MC_REPLICA_MEMORY), 0);
	ck_assert_int_eq(sim_put_end(&writer, "k"), 0);
	/* of a kind that the object has none of */
	ck_assert_int_eq(finish_type(MC_FN_PUT_END, "k", MC_REPLICA_DISK), -700);
	ck_assert_int_eq(finish_type(MC_FN_PUT_END, "k", MC_REPLICA_LOCAL_DISK), -700);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 1);
}
END_TEST

START_TEST(a_repeated_end_grants_no_lease_and_takes_none)
{
	ck_assert_int_eq(sim_put(&writer, "k", 1000), 0);
	ck_assert_int_eq(sim_put_end(&writer, "k"), 0);
	ck_assert_int_eq(sim_remove(&reader, "k", false), 0);
	ck_assert_int_eq(sim_put(&writer, "k", 1000), 0);
	ck_assert(sim_exist(&reader, "k"));
	ck_assert_int_eq(sim_put_end(&writer, "k"), 0);
	ck_assert_int_eq(sim_remove(&reader, "k", false), -706);
}
END_TEST

START_TEST(an_object_without_its_segment_cannot_end)
{
	ck_assert_int_eq(start("k", NULL), 0);
	ck_assert_int_eq(sim_unmount(&writer, 1), 0);
	ck_assert_int_eq(sim_put_end(&writer, "k"), -704);
	ck_assert_int_eq(start("k", NULL), -200);
}
END_TEST

/* ---- PutRevoke ---- */

START_TEST(a_revoke_gives_back_space_and_key)
{
	uint64_t most = 60 * SIM_MIB;

	ck_assert_int_eq(sim_put_start(&writer, "k", most, NULL, NULL), 0);
	ck_assert_int_eq(sim_put_revoke(&writer, "k"), 0);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), 0);
	ck_assert_uint_eq(sim_stat(&stats()->object_bytes), 0);
	ck_assert_int_eq(sim_put_revoke(&writer, "k"), -704);
	ck_assert_int_eq(sim_put(&other, "k", most), 0);
}
END_TEST

START_TEST(what_is_complete_cannot_be_revoked)
{
	ck_assert_int_eq(sim_put(&writer, "k", 1000), 0);
	ck_assert_int_eq(sim_put_revoke(&writer, "k"), -700);
	ck_assert_int_eq(finish_type(MC_FN_PUT_REVOKE, "k", MC_REPLICA_MEMORY), -700);
	ck_assert(sim_exist(&reader, "k"));
}
END_TEST

START_TEST(a_revoke_is_of_one_kind_of_replicas)
{
	ck_assert_int_eq(start("k", NULL), 0);
	ck_assert_int_eq(finish_type(MC_FN_PUT_REVOKE, "k", MC_REPLICA_DISK), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects_writing), 1);
	ck_assert_int_eq(finish_type(MC_FN_PUT_REVOKE, "k", MC_REPLICA_MEMORY), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 0);
	ck_assert_int_eq(sim_put_end(&writer, "k"), -704);
}
END_TEST

/* ---- writes that are not finished ---- */

START_TEST(an_unfinished_key_is_taken_for_30_seconds)
{
	ck_assert_int_eq(start("k", NULL), 0);
	sim_advance_ms(29990);
	ck_assert_int_eq(sim_put(&other, "k", 1000), -705);
	ck_assert_int_eq(sim_put(&writer, "k", 1000), -705);
	sim_advance_ms(10);
	ck_assert_int_eq(sim_put(&other, "k", 2000), 0);
	/* its first writer has lost it */
	ck_assert_int_eq(sim_put_end(&writer, "k"), -601);
	ck_assert_uint_eq(sim_stat(&stats()->put_discarded), 1);
	ck_assert_uint_eq(sim_stat(&stats()->put_discarded_bytes), 1000);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 1);
}
END_TEST

START_TEST(a_finished_key_is_taken_for_good)
{
	ck_assert_int_eq(sim_put(&writer, "k", 1000), 0);
	sim_advance_ms(31000);
	ck_assert_int_eq(sim_put(&other, "k", 1000), -705);
}
END_TEST

START_TEST(a_late_end_is_in_time_when_nobody_came)
{
	ck_assert_int_eq(start("k", NULL), 0);
	sim_advance_ms(599000);
	ck_assert_int_eq(sim_put_end(&writer, "k"), 0);
	ck_assert(sim_exist(&reader, "k"));
	sim_advance_ms(2000);
	ck_assert(sim_exist(&reader, "k"));
}
END_TEST

/* The segment holds one such object, not two. */
#define LARGE (40 * SIM_MIB)

START_TEST(space_of_a_lost_write_rests_for_600_seconds)
{
	ck_assert_int_eq(sim_put_start(&writer, "k", LARGE, NULL, NULL), 0);
	sim_advance_ms(31000);
	/* the key is free, but its space is not: the first writer may still write there */
	ck_assert_int_eq(sim_put(&other, "k", LARGE), -200);
	ck_assert_int_eq(sim_put_end(&writer, "k"), -704);
	sim_advance_ms(599990 - 31000);
	ck_assert_int_eq(sim_put(&other, "k", LARGE), -200);
	/* given back once a second */
	sim_advance_ms(1010);
	ck_assert_int_eq(sim_put(&other, "k", LARGE), 0);
}
END_TEST

START_TEST(a_second_writer_gets_other_space)
{
	struct mc_replica_desc first, second;
	struct mc_result_vec result;

	ck_assert_int_eq(sim_put_start(&writer, "k", 1000, NULL, &result), 0);
	started(&result, &first, 1);
	sim_advance_ms(31000);
	ck_assert_int_eq(sim_put_start(&writer, "k", 1000, NULL, &result), 0);
	started(&result, &second, 1);
	ck_assert(first.buffer.address + 1000 <= second.buffer.address ||
		  second.buffer.address + 1000 <= first.buffer.address);
	ck_assert_uint_ne(first.id, second.id);
	/* what rests is nobody's object, but it is in use */
	ck_assert_uint_eq(sim_stat(&stats()->object_bytes), 1000);
	ck_assert_uint_ge(sim_stat(&stats()->extent_bytes), 2000);
	sim_advance_ms(600000);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), 0);
}
END_TEST

START_TEST(an_abandoned_write_is_over_after_600_seconds)
{
	ck_assert_int_eq(sim_put_start(&writer, "k", LARGE, NULL, NULL), 0);
	sim_advance_ms(599990);
	ck_assert_int_eq(sim_put(&other, "l", LARGE), -200);
	ck_assert_uint_eq(sim_stat(&stats()->objects_writing), 1);
	sim_advance_ms(1010);
	ck_assert_uint_eq(sim_stat(&stats()->objects_writing), 0);
	ck_assert_uint_eq(sim_stat(&stats()->put_discarded), 1);
	ck_assert_int_eq(sim_put_end(&writer, "k"), -704);
	ck_assert_int_eq(sim_put(&other, "l", LARGE), 0);
}
END_TEST

START_TEST(resting_space_goes_with_its_segment)
{
	ck_assert_int_eq(sim_put_start(&writer, "k", LARGE, NULL, NULL), 0);
	sim_advance_ms(31000);
	ck_assert_int_eq(sim_put(&other, "k", 1000), 0);
	ck_assert_int_eq(sim_unmount(&writer, 1), 0);
	sim_settle();
	ck_assert_int_eq(sim_mount(&writer, "a:1", 1, 64 * SIM_MIB), 0);
	ck_assert_int_eq(sim_put(&other, "k", LARGE), 0);
	/* the old segment's time comes: it must not free what the new one gave out */
	sim_advance_ms(600000);
	ck_assert_uint_ge(sim_stat(&stats()->extent_bytes), LARGE);
	ck_assert_int_eq(sim_put(&other, "l", LARGE), -200);
}
END_TEST

/* ---- replicas ---- */

/* Starts "k" with @asked replicas; expects @got on names of their own. */
static void
replicas_expect(uint64_t asked, uint32_t got)
{
	struct mc_replicate_config config = config_of(asked);
	struct mc_replica_desc descs[8];
	struct mc_result_vec result;

	/* a preferred name is none that may be used twice */
	config.preferred_segment = sim_str("a:1");
	ck_assert_int_eq(sim_put_start(&writer, "k", 1000, &config, &result), 0);
	started(&result, descs, got);
	for (uint32_t i = 0; i < got; i++) {
		for (uint32_t n = 0; n < i; n++)
			ck_assert(memcmp(descs[i].buffer.endpoint.ptr, descs[n].buffer.endpoint.ptr,
					 descs[i].buffer.endpoint.len) != 0);
	}
	ck_assert_int_eq(sim_put_end(&writer, "k"), 0);
	ck_assert_int_eq(sim_get(&reader, "k", descs, 8), (int32_t)got);
	ck_assert_int_eq(sim_remove(&reader, "k", true), 0);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), 0);
}

START_TEST(replicas_go_to_as_many_names_as_there_are)
{
	replicas_expect(2, 1);
	ck_assert_int_eq(sim_mount(&writer, "b:1", 2, 64 * SIM_MIB), 0);
	replicas_expect(1, 1);
	replicas_expect(2, 2);
	replicas_expect(3, 2);
	replicas_expect(UINT64_MAX, 2);
	/* two segments of one name fail together: they count as one */
	ck_assert_int_eq(sim_mount(&other, "b:1", 1, 64 * SIM_MIB), 0);
	replicas_expect(3, 2);
}
END_TEST

START_TEST(a_full_segment_costs_a_replica_not_the_object)
{
	struct mc_replicate_config config = config_of(2);
	struct mc_replica_desc desc;
	struct mc_result_vec result;

	ck_assert_int_eq(sim_mount(&writer, "b:1", 2, SIM_MIB), 0);
	ck_assert_int_eq(sim_put_start(&writer, "k", LARGE, &config, &result), 0);
	started(&result, &desc, 1);
}
END_TEST

/* ---- what comes with an object ---- */

static void
checksum_end(const char *key, struct mc_opt_u64 checksum)
{
	struct mc_args args = sim_args(&writer);
	struct mc_result_void result;

	args.object_meta = (struct mc_object_meta){.key = sim_str(key), .checksum = checksum};
	ck_assert_int_eq(sim_call(&writer, MC_FN_PUT_END, &args, &result), 0);
}

static struct mc_opt_u64
checksum_of(const char *key)
{
	struct mc_args args = sim_args(&reader);
	struct mc_result_replicas result;

	args.key = sim_str(key);
	ck_assert_int_eq(sim_call(&reader, MC_FN_GET_REPLICA_LIST, &args, &result), 0);
	return result.value.checksum;
}

START_TEST(a_checksum_is_kept_for_readers)
{
	struct mc_opt_u64 none = {0}, some = {true, 0xdeadbeef};

	ck_assert_int_eq(start("k", NULL), 0);
	checksum_end("k", some);
	ck_assert(checksum_of("k").present);
	ck_assert_uint_eq(checksum_of("k").value, 0xdeadbeef);
	checksum_end("k", none); /* ends that come again change nothing */
	ck_assert(checksum_of("k").present);
	ck_assert_uint_eq(checksum_of("k").value, 0xdeadbeef);
	ck_assert_int_eq(sim_put(&writer, "plain", 1000), 0);
	checksum_end("plain", some);
	ck_assert(!checksum_of("plain").present);
}
END_TEST

START_TEST(a_soft_pin_begins_with_the_end)
{
	struct mc_replicate_config config = config_of(1);

	config.soft_pin_action = MC_SOFT_PIN_ENABLE;
	ck_assert_int_eq(start("k", &config), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects_soft_pinned), 0);
	ck_assert_int_eq(sim_put_end(&writer, "k"), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects_soft_pinned), 1);
	ck_assert(sim_exist(&reader, "k"));
	ck_assert_int_eq(sim_put_end(&writer, "k"), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects_soft_pinned), 1);
	ck_assert_int_eq(sim_remove(&reader, "k", true), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects_soft_pinned), 0);
}
END_TEST

START_TEST(other_actions_pin_nothing)
{
	struct mc_replicate_config config = config_of(1);

	ck_assert_int_eq(start("preserved", &config), 0);
	ck_assert_int_eq(sim_put_end(&writer, "preserved"), 0);
	config.soft_pin_action = MC_SOFT_PIN_DISABLE;
	ck_assert_int_eq(start("disabled", &config), 0);
	ck_assert_int_eq(sim_put_end(&writer, "disabled"), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects_soft_pinned), 0);
}
END_TEST

START_TEST(a_soft_pin_was_a_flag_once)
{
	struct sim_client older = sim_client_open(4, MC_RELEASE_0_3_12);
	struct mc_replicate_config config = config_of(1);

	config.with_soft_pin = true;
	ck_assert_int_eq(sim_put_start(&older, "k", 1000, &config, NULL), 0);
	ck_assert_int_eq(sim_put_end(&older, "k"), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects_soft_pinned), 1);
}
END_TEST

START_TEST(sizes_are_counted_by_powers_of_four)
{
	static const uint64_t sizes[] = {1, 4096, 4097, 16384, 16385};
	static const uint64_t in_bucket[] = {2, 2, 1, 0};

	for (uint32_t i = 0; i < 5; i++)
		ck_assert_int_eq(sim_put(&writer, sim_key(i), sizes[i]), 0);
	ck_assert_int_eq(sim_put(&writer, sim_key(0), 1), -705);
	for (unsigned int i = 0; i < 4; i++)
		ck_assert_uint_eq(sim_stat(&stats()->size_bucket[i]), in_bucket[i]);
	ck_assert_uint_eq(sim_stat(&stats()->size_sum), 1 + 4096 + 4097 + 16384 + 16385);
}
END_TEST

static void
add_all(TCase *tc)
{
	tcase_add_loop_test(tc, a_config_that_cannot_be_is_refused, 0, BAD_CONFIGS);
	tcase_add_loop_test(tc, a_config_that_cannot_be_comes_before_a_missing_file_system, 0,
			    BAD_CONFIGS);
	tcase_add_test(tc, there_is_no_distributed_file_system);
	tcase_add_test(tc, keys_and_sizes_have_bounds);
	tcase_add_test(tc, what_is_at_a_limit_is_allowed);
	tcase_add_test(tc, an_object_is_seen_once_it_is_complete);
	tcase_add_test(tc, a_start_tells_where_to_write);
	tcase_add_test(tc, an_end_needs_its_own_start);
	tcase_add_test(tc, an_end_may_come_again);
	tcase_add_test(tc, a_repeated_end_grants_no_lease_and_takes_none);
	tcase_add_test(tc, an_object_without_its_segment_cannot_end);
	tcase_add_test(tc, a_revoke_gives_back_space_and_key);
	tcase_add_test(tc, what_is_complete_cannot_be_revoked);
	tcase_add_test(tc, a_revoke_is_of_one_kind_of_replicas);
	tcase_add_test(tc, an_unfinished_key_is_taken_for_30_seconds);
	tcase_add_test(tc, a_finished_key_is_taken_for_good);
	tcase_add_test(tc, a_late_end_is_in_time_when_nobody_came);
	tcase_add_test(tc, space_of_a_lost_write_rests_for_600_seconds);
	tcase_add_test(tc, a_second_writer_gets_other_space);
	tcase_add_test(tc, an_abandoned_write_is_over_after_600_seconds);
	tcase_add_test(tc, resting_space_goes_with_its_segment);
	tcase_add_test(tc, replicas_go_to_as_many_names_as_there_are);
	tcase_add_test(tc, a_full_segment_costs_a_replica_not_the_object);
	tcase_add_test(tc, a_checksum_is_kept_for_readers);
	tcase_add_test(tc, a_soft_pin_begins_with_the_end);
	tcase_add_test(tc, other_actions_pin_nothing);
	tcase_add_test(tc, a_soft_pin_was_a_flag_once);
	tcase_add_test(tc, sizes_are_counted_by_powers_of_four);
}

int
main(void)
{
	Suite *suite = suite_create("master/put");

	add_all(sim_tcase(suite, "mounted", setup_mounted));
	tcase_add_test(sim_tcase(suite, "empty", setup), without_room_there_is_no_handle);
	return sim_run(suite);
}
