/* SPDX-License-Identifier: Apache-2.0 */
/* What the end of a write grants, or a revoke takes: pins, leases, checksums. Mostly by upserts. */
#include "core/base/clock.h"
#include "tests/support/sim_batch.h"
#include "tests/support/sim_segment.h"
#include "tests/support/sim_upsert.h"

#define SIZE 100000u
/* The segment holds one such object, not two. */
#define LARGE (40 * SIM_MIB)

static struct sim_client writer, other, reader;

static void
setup(void)
{
	struct mc_master_params params;

	mc_master_params_init(&params);
	params.client_ttl_ns = 24 * 3600 * MC_NS_PER_S;
	sim_master_open(&params);
	writer = sim_client_open(1, MC_RELEASE_NEWEST);
	other = sim_client_open(2, MC_RELEASE_NEWEST);
	reader = sim_client_open(3, MC_RELEASE_NEWEST);
	ck_assert_int_eq(sim_mount(&writer, "a:1", 1, 64 * SIM_MIB), 0);
}

static const struct mc_replicate_config hard = {.replica_num = 1, .with_hard_pin = true};
static const struct mc_replicate_config soft = {.replica_num = 1,
						.soft_pin_action = MC_SOFT_PIN_ENABLE};

static const struct mc_master_stats *
stats(void)
{
	return mc_master_stats(sim_master());
}

/* ---- pins ---- */

static uint64_t
soft_pinned(void)
{
	return sim_stat(&stats()->objects_soft_pinned);
}

/* Loops: the same size, another one. */
START_TEST(a_soft_pin_is_kept_renewed_or_ended)
{
	uint64_t size = SIZE + (uint64_t)_i;
	struct mc_replicate_config config = {.replica_num = 1};

	ck_assert_int_eq(sim_put_as(&writer, "k", SIZE, &soft), 0);
	sim_advance_ms(60000);
	ck_assert_int_eq(sim_upsert_begin(&writer, "k", size, &config, NULL, 0), 1);
	ck_assert_int_eq(sim_upsert_end(&writer, "k"), 0);
	ck_assert_uint_eq(soft_pinned(), 1);
	sim_advance_ms(1800000 - 60000 - 20);
	ck_assert_uint_eq(soft_pinned(), 1);
	sim_advance_ms(40);
	ck_assert_uint_eq(soft_pinned(), 0);
	/* over is over */
	ck_assert_int_eq(sim_upsert(&writer, "k", size, &config), 0);
	ck_assert_uint_eq(soft_pinned(), 0);
	config = soft;
	config.soft_pin_ttl_ms = (struct mc_opt_u64){true, 5000};
	ck_assert_int_eq(sim_upsert(&writer, "k", SIZE, &config), 0);
	ck_assert_uint_eq(soft_pinned(), 1);
	config.soft_pin_ttl_ms.value = 60000;
	ck_assert_int_eq(sim_upsert(&writer, "k", size, &config), 0);
	sim_advance_ms(30000);
	ck_assert_uint_eq(soft_pinned(), 1);
	config = (struct mc_replicate_config){.replica_num = 1,
					      .soft_pin_action = MC_SOFT_PIN_DISABLE};
	ck_assert_int_eq(sim_upsert(&writer, "k", SIZE, &config), 0);
	ck_assert_uint_eq(soft_pinned(), 0);
	ck_assert_int_eq(sim_upsert(&writer, "k", size, NULL), 0);
	ck_assert_uint_eq(soft_pinned(), 0);
}
END_TEST

START_TEST(a_soft_pin_of_no_time_is_none)
{
	struct mc_replicate_config config = soft;

	ck_assert_int_eq(sim_put_as(&writer, "k", SIZE, &soft), 0);
	config.soft_pin_ttl_ms = (struct mc_opt_u64){true, 0};
	ck_assert_int_eq(sim_upsert(&writer, "k", SIZE + (uint64_t)_i, &config), 0);
	ck_assert_uint_eq(soft_pinned(), 0);
}
END_TEST

START_TEST(a_hard_pin_is_for_good)
{
	uint64_t size = SIZE + (uint64_t)_i;

	ck_assert_int_eq(sim_put_as(&writer, "k", SIZE, &hard), 0);
	ck_assert_int_eq(sim_upsert(&writer, "k", size, NULL), 0);
	ck_assert_int_eq(sim_object("k")->queue, MC_QUEUE_NONE);
	ck_assert_int_eq(sim_put_as(&writer, "l", SIZE, &soft), 0);
	ck_assert_int_eq(sim_upsert(&writer, "l", size, &hard), 0);
	ck_assert_int_eq(sim_object("l")->queue, MC_QUEUE_NONE);
	ck_assert_uint_eq(soft_pinned(), 0);
}
END_TEST

/* Its place in the order of soft pins follows when the object moves. */
START_TEST(a_soft_pin_ends_for_an_object_that_moved)
{
	struct mc_replicate_config two = {.replica_num = 2}, brief = soft;

	ck_assert_int_eq(sim_mount(&writer, "b:1", 2, 64 * SIM_MIB), 0);
	brief.soft_pin_ttl_ms = (struct mc_opt_u64){true, 1000};
	for (uint32_t i = 0; i < 9; i++) {
		ck_assert_int_eq(sim_put_as(&writer, sim_key(i), SIZE, &brief), 0);
		/* so that what gets no space does not drive it out */
		ck_assert(sim_exist(&reader, sim_key(i)));
		sim_advance_ms(10);
	}
	for (uint32_t i = 0; i < 9; i += 2)
		ck_assert_int_eq(sim_upsert_begin(&writer, sim_key(i), 65 * SIM_MIB, &two, NULL, 0),
				 -200);
	ck_assert_uint_eq(soft_pinned(), 9);
	/* also in the order of those whose pin is over */
	sim_advance_ms(1010);
	ck_assert_uint_eq(soft_pinned(), 0);
	two.replica_num = 3;
	ck_assert_int_eq(sim_mount(&writer, "c:1", 3, SIM_MIB), 0);
	ck_assert_int_eq(sim_upsert_begin(&writer, sim_key(3), 65 * SIM_MIB, &two, NULL, 0), -200);
	for (uint32_t i = 0; i < 9; i++)
		ck_assert(sim_exist(&reader, sim_key(i)));
	for (uint32_t i = 0; i < 9; i++)
		ck_assert_int_eq(sim_remove(&reader, sim_key(i), true), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 0);
}
END_TEST

/* ---- what comes with it ---- */

static struct mc_opt_u64
checksum_of(const char *key)
{
	struct mc_args args = sim_args(&reader);
	struct mc_result_replicas result;

	args.key = sim_str(key);
	ck_assert_int_eq(sim_call(&reader, MC_FN_GET_REPLICA_LIST, &args, &result), 0);
	return result.value.checksum;
}

START_TEST(the_checksum_is_that_of_the_last_end)
{
	ck_assert_int_eq(sim_upsert_start(&writer, "k", SIZE), 0);
	ck_assert_int_eq(sim_upsert_end_checked(&writer, "k", (struct mc_opt_u64){true, 7}), 0);
	ck_assert_uint_eq(checksum_of("k").value, 7);
	ck_assert_int_eq(sim_upsert_start(&writer, "k", SIZE), 0);
	ck_assert_int_eq(sim_upsert_end_checked(&writer, "k", (struct mc_opt_u64){true, 8}), 0);
	ck_assert_uint_eq(checksum_of("k").value, 8);
	ck_assert_int_eq(sim_upsert(&writer, "k", SIZE + 1, NULL), 0);
	ck_assert(!checksum_of("k").present);
}
END_TEST

/* ---- readers ---- */

START_TEST(a_lease_is_no_obstacle)
{
	ck_assert_int_eq(sim_put(&writer, "k", SIZE), 0);
	ck_assert(sim_exist(&reader, "k"));
	ck_assert_int_eq(sim_upsert(&writer, "k", SIZE, NULL), 0);
	/* those who read the old bytes still read from this space */
	ck_assert_int_eq(sim_remove(&other, "k", false), -706);
	sim_advance_ms(10000);
	ck_assert_int_eq(sim_remove(&other, "k", false), 0);
	ck_assert_int_eq(sim_put(&writer, "k", SIZE), 0);
	ck_assert(sim_exist(&reader, "k"));
	ck_assert_int_eq(sim_upsert(&writer, "k", SIZE + 1, NULL), 0);
	ck_assert_int_eq(sim_remove(&other, "k", false), 0);
}
END_TEST

START_TEST(no_lease_comes_from_readers_of_other_space)
{
	ck_assert_int_eq(sim_put(&writer, "k", SIZE), 0);
	ck_assert(sim_exist(&reader, "k"));
	ck_assert_int_eq(sim_upsert_start(&writer, "k", SIZE), 0);
	ck_assert_int_eq(sim_upsert(&writer, "k", SIZE, NULL), 0);
	ck_assert_int_eq(sim_remove(&other, "k", false), 0);
}
END_TEST

START_TEST(a_revoke_takes_the_object_away)
{
	for (uint64_t size = SIZE; size < SIZE + 2; size++) {
		ck_assert_int_eq(sim_put(&writer, "k", SIZE), 0);
		ck_assert_int_eq(sim_upsert_start(&writer, "k", size), 0);
		ck_assert_int_eq(sim_upsert_revoke(&writer, "k"), 0);
		ck_assert_int_eq(sim_upsert_revoke(&writer, "k"), -704);
		ck_assert(!sim_exist(&reader, "k"));
		ck_assert_uint_eq(sim_stat(&stats()->objects), 0);
	}
	sim_advance_ms(601000);
	ck_assert_uint_eq(sim_stat(&stats()->object_bytes), 0);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), 0);
}
END_TEST

START_TEST(a_revoke_leaves_its_space_to_readers)
{
	ck_assert_int_eq(sim_put(&writer, "k", LARGE), 0);
	ck_assert_int_eq(sim_upsert_start(&writer, "k", LARGE), 0);
	ck_assert_int_eq(sim_upsert_revoke(&writer, "k"), 0);
	ck_assert_int_eq(sim_put(&writer, "k", LARGE), 0);
	ck_assert(sim_exist(&reader, "k"));
	sim_advance_ms(1000);
	ck_assert_int_eq(sim_upsert_start(&writer, "k", LARGE), 0);
	ck_assert_int_eq(sim_upsert_revoke(&writer, "k"), 0);
	ck_assert_int_eq(sim_put(&writer, "k", LARGE), -200);
	sim_advance_ms(8900);
	ck_assert_int_eq(sim_put(&writer, "k", LARGE), -200);
	sim_advance_ms(1200);
	ck_assert_int_eq(sim_put(&writer, "k", LARGE), 0);
}
END_TEST

/* ---- memory ---- */

START_TEST(what_is_over_takes_no_memory)
{
	struct mc_replicate_config config = soft;

	ck_assert_int_eq(sim_put(&writer, "k", SIZE), 0);
	ck_assert_uint_eq(sim_object("k")->extra, MC_ARENA_NONE);
	ck_assert(sim_exist(&reader, "k"));
	ck_assert_int_eq(sim_upsert_start(&writer, "k", SIZE), 0);
	ck_assert_uint_ne(sim_object("k")->extra, MC_ARENA_NONE);
	ck_assert_int_eq(sim_upsert_end(&writer, "k"), 0);
	ck_assert_uint_eq(sim_object("k")->extra, MC_ARENA_NONE);
	ck_assert_int_eq(sim_upsert(&writer, "k", SIZE, &config), 0);
	ck_assert_uint_ne(sim_object("k")->extra, MC_ARENA_NONE);
	config.soft_pin_action = MC_SOFT_PIN_DISABLE;
	ck_assert_int_eq(sim_upsert(&writer, "k", SIZE, &config), 0);
	ck_assert_uint_eq(sim_object("k")->extra, MC_ARENA_NONE);
}
END_TEST

static void
add_all(TCase *tc)
{
	tcase_add_loop_test(tc, a_soft_pin_is_kept_renewed_or_ended, 0, 2);
	tcase_add_loop_test(tc, a_soft_pin_of_no_time_is_none, 0, 2);
	tcase_add_loop_test(tc, a_hard_pin_is_for_good, 0, 2);
	tcase_add_test(tc, a_soft_pin_ends_for_an_object_that_moved);
	tcase_add_test(tc, the_checksum_is_that_of_the_last_end);
	tcase_add_test(tc, a_lease_is_no_obstacle);
	tcase_add_test(tc, no_lease_comes_from_readers_of_other_space);
	tcase_add_test(tc, a_revoke_takes_the_object_away);
	tcase_add_test(tc, a_revoke_leaves_its_space_to_readers);
	tcase_add_test(tc, what_is_over_takes_no_memory);
}

int
main(void)
{
	Suite *suite = suite_create("master/write");

	add_all(sim_tcase(suite, "mounted", setup));
	return sim_run(suite);
}
