/* SPDX-License-Identifier: Apache-2.0 */
/* Copies and moves: from their start to whatever ends them, and what a busy object refuses. */
#include <string.h>

#include "core/base/clock.h"
#include "core/master/state.h"
#include "tests/support/sim_batch.h"
#include "tests/support/sim_copy.h"
#include "tests/support/sim_pool.h"
#include "tests/support/sim_segment.h"
#include "tests/support/sim_upsert.h"

#define DAY_S 86400ull
#define RELEASE_MS (600u * 1000)

static struct sim_client owner, other, mover, reader;

/* Segments a:1 and b:1 of one client, c:1 of another. */
static void
open_segments(uint64_t client_ttl_s)
{
	struct mc_master_params params;

	mc_master_params_init(&params);
	params.client_ttl_ns = client_ttl_s * MC_NS_PER_S;
	sim_master_open(&params);
	owner = sim_client_open(1, MC_RELEASE_NEWEST);
	other = sim_client_open(2, MC_RELEASE_NEWEST);
	mover = sim_client_open(3, MC_RELEASE_NEWEST);
	reader = sim_client_open(4, MC_RELEASE_NEWEST);
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, 4 * SIM_MIB), 0);
	ck_assert_int_eq(sim_mount(&owner, "b:1", 2, 4 * SIM_MIB), 0);
	ck_assert_int_eq(sim_mount(&other, "c:1", 1, 4 * SIM_MIB), 0);
}

static void
setup(void)
{
	open_segments(DAY_S);
}

static const struct mc_master_stats *
stats(void)
{
	return mc_master_stats(sim_master());
}

static void
put_on_a(const char *key)
{
	ck_assert_int_eq(sim_put_on(&owner, key, 1000, "a:1"), 0);
}

static int32_t
copy_end(const char *key)
{
	return sim_copy_finish(&mover, MC_FN_COPY_END, key);
}

static int32_t
move_end(const char *key)
{
	return sim_copy_finish(&mover, MC_FN_MOVE_END, key);
}

/* ---- copies ---- */

START_TEST(a_copy_is_read_once_it_is_complete)
{
	struct mc_result_copy started;
	struct mc_vec_cursor cursor = {0};
	struct mc_replica_desc target;

	put_on_a("k");
	ck_assert_int_eq(sim_copy_start(&mover, "k", "a:1", "b:1 c:1", &started), 0);
	ck_assert_int_eq(started.source.status, MC_REPLICA_COMPLETE);
	ck_assert_uint_eq(started.source.buffer.size, 1000);
	ck_assert_uint_eq(started.targets.count, 2);
	ck_assert(mc_vec_next_replica(&started.targets, &cursor, mover.release, &target));
	ck_assert_int_eq(target.status, MC_REPLICA_PROCESSING);
	ck_assert_uint_ne(target.id, started.source.id);
	ck_assert_str_eq(sim_where(&reader, "k"), "a:1 ");
	ck_assert_int_eq(copy_end("k"), 0);
	ck_assert_str_eq(sim_where(&reader, "k"), "a:1 b:1 c:1 ");
	ck_assert_uint_eq(sim_stat(&stats()->object_bytes), 3000);
	ck_assert_int_eq(copy_end("k"), -709);
}
END_TEST

START_TEST(where_a_replica_is_none_is_added)
{
	struct mc_result_copy started;

	put_on_a("k");
	ck_assert_int_eq(sim_copy_start(&mover, "k", "a:1", "a:1 b:1 b:1", &started), 0);
	ck_assert_uint_eq(started.targets.count, 1);
	ck_assert_int_eq(copy_end("k"), 0);
	ck_assert_str_eq(sim_where(&reader, "k"), "a:1 b:1 ");
	/* with nothing to do it is a copy all the same */
	ck_assert_int_eq(sim_copy_start(&mover, "k", "a:1", "b:1", &started), 0);
	ck_assert_uint_eq(started.targets.count, 0);
	ck_assert_int_eq(copy_end("k"), 0);
	ck_assert_int_eq(sim_copy(&mover, "k", "a:1", ""), 0);
	ck_assert_str_eq(sim_where(&reader, "k"), "a:1 b:1 ");
}
END_TEST

START_TEST(a_copy_revoked_leaves_nothing_behind)
{
	uint64_t extents;

	put_on_a("k");
	extents = sim_stat(&stats()->extent_bytes);
	ck_assert_int_eq(sim_copy_start(&mover, "k", "a:1", "b:1 c:1", NULL), 0);
	ck_assert_uint_gt(sim_stat(&stats()->extent_bytes), extents);
	ck_assert_int_eq(sim_copy_finish(&mover, MC_FN_COPY_REVOKE, "k"), 0);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), extents);
	ck_assert_uint_eq(sim_stat(&stats()->object_bytes), 1000);
	ck_assert_str_eq(sim_where(&reader, "k"), "a:1 ");
	ck_assert_int_eq(sim_copy_finish(&mover, MC_FN_COPY_REVOKE, "k"), -709);
}
END_TEST

START_TEST(what_cannot_start_says_why)
{
	put_on_a("k");
	ck_assert_int_eq(sim_put_start(&owner, "begun", 1000, NULL, NULL), 0);
	ck_assert_int_eq(sim_unmount_gracefully(&owner, 2, 3600 * 1000), 0);
	/* targets come first */
	ck_assert_int_eq(sim_copy_start(&mover, "none", "a:1", "none", NULL), -101);
	ck_assert_int_eq(sim_copy_start(&mover, "none", "a:1", "b:1", NULL), -1010);
	ck_assert_int_eq(sim_copy_start(&mover, "none", "a:1", "c:1", NULL), -704);
	ck_assert_int_eq(sim_copy_start(&mover, "k", "c:1", "c:1", NULL), -710);
	ck_assert_int_eq(sim_copy_start(&mover, "k", "none", "c:1", NULL), -710);
	ck_assert_int_eq(sim_copy_start(&mover, "begun", "a:1", "c:1", NULL), -710);
	ck_assert_int_eq(sim_move_start(&mover, "none", "a:1", "a:1", NULL), -600);
	ck_assert_int_eq(sim_move_start(&mover, "k", "a:1", "none", NULL), -101);
	ck_assert_int_eq(sim_copy_start(&mover, "k", "a:1", "c:1", NULL), 0);
	ck_assert_int_eq(sim_copy_start(&mover, "k", "a:1", "c:1", NULL), -708);
	ck_assert_int_eq(sim_move_start(&other, "k", "a:1", "c:1", NULL), -708);
}
END_TEST

START_TEST(more_targets_than_an_object_may_have_are_refused)
{
	char targets[65 * 4 + 1] = "";

	put_on_a("k");
	for (unsigned int i = 0; i < 65; i++)
		strcat(targets, "b:1 ");
	ck_assert_int_eq(sim_copy_start(&mover, "k", "a:1", targets, NULL), -600);
	ck_assert_int_eq(sim_copy(&mover, "k", "a:1", "b:1"), 0);
}
END_TEST

START_TEST(without_room_on_one_target_none_is_taken)
{
	uint64_t extents;

	ck_assert_int_eq(sim_put_on(&owner, "k", 3 * SIM_MIB, "a:1"), 0);
	ck_assert_int_eq(sim_put_on(&owner, "in the way", 2 * SIM_MIB, "c:1"), 0);
	ck_assert(sim_exist(&reader, "k") && sim_exist(&reader, "in the way"));
	extents = sim_stat(&stats()->extent_bytes);
	ck_assert_int_eq(sim_copy_start(&mover, "k", "a:1", "b:1 c:1", NULL), -200);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), extents);
	ck_assert_int_eq(copy_end("k"), -709);
	ck_assert_int_eq(sim_copy(&mover, "k", "a:1", "b:1"), 0);
}
END_TEST

START_TEST(who_began_it_ends_it_and_as_what_it_is)
{
	put_on_a("k");
	ck_assert_int_eq(sim_copy_start(&mover, "k", "a:1", "b:1", NULL), 0);
	ck_assert_int_eq(sim_copy_finish(&owner, MC_FN_COPY_END, "k"), -601);
	ck_assert_int_eq(sim_copy_finish(&owner, MC_FN_COPY_REVOKE, "k"), -601);
	ck_assert_int_eq(sim_copy_finish(&mover, MC_FN_MOVE_END, "k"), -600);
	ck_assert_int_eq(sim_copy_finish(&mover, MC_FN_MOVE_REVOKE, "k"), -600);
	ck_assert_int_eq(sim_copy_finish(&mover, MC_FN_COPY_END, "none"), -704);
	ck_assert_int_eq(copy_end("k"), 0);
	ck_assert_int_eq(sim_move_start(&mover, "k", "a:1", "c:1", NULL), 0);
	ck_assert_int_eq(copy_end("k"), -600);
	ck_assert_int_eq(move_end("k"), 0);
}
END_TEST

START_TEST(no_replication_of_hot_keys_is_ever_under_way)
{
	struct mc_args args = sim_args(&mover);
	struct mc_result_void result;
	struct mc_result_copy started;

	put_on_a("k");
	args.key = sim_str("k");
	args.source = sim_str("a:1");
	args.lease_id = (struct mc_uuid){1, 2};
	ck_assert_int_eq(sim_call(&mover, MC_FN_DYNAMIC_REPLICA_COPY_START, &args, &started),
			 -1010);
	ck_assert_int_eq(sim_call(&mover, MC_FN_DYNAMIC_REPLICA_COPY_END, &args, &result), -709);
	ck_assert_int_eq(sim_copy_start(&mover, "k", "a:1", "b:1", NULL), 0);
	ck_assert_int_eq(sim_call(&mover, MC_FN_DYNAMIC_REPLICA_COPY_END, &args, &result), -300);
	ck_assert_int_eq(sim_call(&mover, MC_FN_DYNAMIC_REPLICA_COPY_REVOKE, &args, &result), -300);
	ck_assert_int_eq(copy_end("k"), 0);
}
END_TEST

START_TEST(every_release_with_copies_is_told_where)
{
	struct sim_client old = sim_client_open(9, (enum mc_release)_i);
	struct mc_result_copy started;
	struct mc_vec_cursor cursor = {0};
	struct mc_replica_desc target;

	sim_client_restrict(&old);
	put_on_a("k");
	ck_assert_int_eq(sim_copy_start(&old, "k", "a:1", "b:1", &started), 0);
	ck_assert(mc_vec_next_replica(&started.targets, &cursor, old.release, &target));
	ck_assert_uint_eq(target.buffer.endpoint.len, 3);
	ck_assert_mem_eq(target.buffer.endpoint.ptr, "b:1", 3);
	ck_assert_int_eq(sim_copy_finish(&old, MC_FN_COPY_END, "k"), 0);
	ck_assert_int_eq(sim_move(&old, "k", "b:1", "c:1"), 0);
	ck_assert_str_eq(sim_where(&reader, "k"), "a:1 c:1 ");
}
END_TEST

/* ---- moves ---- */

START_TEST(a_move_leaves_the_source_to_its_readers_for_a_while)
{
	uint64_t extents;

	put_on_a("k");
	extents = sim_stat(&stats()->extent_bytes);
	ck_assert_int_eq(sim_move_start(&mover, "k", "a:1", "b:1", NULL), 0);
	ck_assert_str_eq(sim_where(&reader, "k"), "a:1 ");
	ck_assert_int_eq(move_end("k"), 0);
	ck_assert_str_eq(sim_where(&reader, "k"), "b:1 ");
	ck_assert_uint_eq(sim_stat(&stats()->object_bytes), 1000);
	sim_advance_ms(RELEASE_MS - 1000);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), 2 * extents);
	sim_advance_ms(2000);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), extents);
	ck_assert_str_eq(sim_where(&reader, "k"), "b:1 ");
}
END_TEST

START_TEST(a_move_revoked_changes_nothing)
{
	put_on_a("k");
	ck_assert_int_eq(sim_move_start(&mover, "k", "a:1", "b:1", NULL), 0);
	ck_assert_int_eq(sim_copy_finish(&mover, MC_FN_MOVE_REVOKE, "k"), 0);
	ck_assert_str_eq(sim_where(&reader, "k"), "a:1 ");
	ck_assert_uint_eq(sim_stat(&stats()->object_bytes), 1000);
}
END_TEST

START_TEST(a_move_to_where_a_replica_is_removes_the_source_alone)
{
	struct mc_result_copy started;

	put_on_a("k");
	ck_assert_int_eq(sim_copy(&mover, "k", "a:1", "b:1"), 0);
	ck_assert_int_eq(sim_move_start(&mover, "k", "a:1", "b:1", &started), 0);
	ck_assert_uint_eq(started.targets.count, 0);
	ck_assert_int_eq(move_end("k"), 0);
	ck_assert_str_eq(sim_where(&reader, "k"), "b:1 ");
	/* and not the last one, when that replica went in between */
	ck_assert_int_eq(sim_copy(&mover, "k", "b:1", "c:1"), 0);
	ck_assert_int_eq(sim_move_start(&mover, "k", "b:1", "c:1", NULL), 0);
	ck_assert_int_eq(sim_unmount(&other, 1), 0);
	ck_assert_int_eq(move_end("k"), -712);
	ck_assert_str_eq(sim_where(&reader, "k"), "b:1 ");
}
END_TEST

/* ---- what dies ---- */

START_TEST(what_came_from_a_source_that_is_gone_is_not_trusted)
{
	ck_assert_int_eq(sim_put_on(&owner, "k", 1000, "c:1"), 0);
	ck_assert_int_eq(sim_put_on(&owner, "m", 1000, "c:1"), 0);
	ck_assert_int_eq(sim_put_on(&owner, "r", 1000, "c:1"), 0);
	ck_assert_int_eq(sim_put_on(&owner, "two", 1000, "c:1"), 0);
	ck_assert_int_eq(sim_copy(&mover, "two", "c:1", "a:1"), 0);
	ck_assert_int_eq(sim_copy_start(&mover, "k", "c:1", "a:1", NULL), 0);
	ck_assert_int_eq(sim_move_start(&mover, "m", "c:1", "a:1", NULL), 0);
	ck_assert_int_eq(sim_copy_start(&mover, "r", "c:1", "a:1", NULL), 0);
	ck_assert_int_eq(sim_copy_start(&mover, "two", "c:1", "b:1", NULL), 0);
	ck_assert_int_eq(sim_unmount(&other, 1), 0);
	sim_settle();
	ck_assert_int_eq(sim_get(&reader, "k", NULL, 0), -703);
	ck_assert_int_eq(copy_end("k"), -712);
	ck_assert_int_eq(move_end("m"), -712);
	ck_assert_int_eq(sim_copy_finish(&mover, MC_FN_COPY_REVOKE, "r"), 0);
	ck_assert_int_eq(copy_end("two"), -712);
	ck_assert_int_eq(sim_get(&reader, "k", NULL, 0), -704);
	ck_assert_int_eq(copy_end("k"), -704);
	ck_assert_str_eq(sim_where(&reader, "two"), "a:1 ");
	ck_assert_uint_eq(sim_stat(&stats()->objects), 1);
	ck_assert_uint_eq(sim_stat(&stats()->object_bytes), 1000);
}
END_TEST

START_TEST(a_target_that_is_gone_takes_no_other_with_it)
{
	put_on_a("one");
	put_on_a("two");
	put_on_a("m");
	ck_assert_int_eq(sim_copy_start(&mover, "one", "a:1", "c:1", NULL), 0);
	ck_assert_int_eq(sim_copy_start(&mover, "two", "a:1", "c:1 b:1", NULL), 0);
	ck_assert_int_eq(sim_move_start(&mover, "m", "a:1", "c:1", NULL), 0);
	ck_assert_int_eq(sim_unmount(&other, 1), 0);
	ck_assert_int_eq(copy_end("one"), -712);
	ck_assert_int_eq(copy_end("two"), -712);
	ck_assert_int_eq(move_end("m"), -712);
	ck_assert_str_eq(sim_where(&reader, "one"), "a:1 ");
	ck_assert_str_eq(sim_where(&reader, "two"), "a:1 b:1 ");
	ck_assert_str_eq(sim_where(&reader, "m"), "a:1 ");
	ck_assert_int_eq(copy_end("one"), -709);
}
END_TEST

START_TEST(with_all_its_segments_a_busy_object_goes)
{
	put_on_a("k");
	ck_assert_int_eq(sim_copy_start(&mover, "k", "a:1", "b:1", NULL), 0);
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	ck_assert_int_eq(sim_unmount(&owner, 2), 0);
	sim_settle();
	ck_assert_uint_eq(sim_stat(&stats()->objects), 0);
	ck_assert_int_eq(copy_end("k"), -704);
	ck_assert_int_eq(sim_put_on(&owner, "k", 1000, "c:1"), 0);
}
END_TEST

START_TEST(what_nobody_ends_is_rolled_back)
{
	uint64_t extents;

	put_on_a("k");
	extents = sim_stat(&stats()->extent_bytes);
	ck_assert_int_eq(sim_copy_start(&mover, "k", "a:1", "b:1", NULL), 0);
	sim_advance_ms(RELEASE_MS - 1000);
	ck_assert_int_eq(sim_copy_start(&mover, "k", "a:1", "c:1", NULL), -708);
	sim_advance_ms(2000);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), extents);
	ck_assert_int_eq(copy_end("k"), -709);
	ck_assert_int_eq(sim_copy(&mover, "k", "a:1", "c:1"), 0);
	ck_assert_str_eq(sim_where(&reader, "k"), "a:1 c:1 ");
}
END_TEST

static void
setup_mortal(void)
{
	open_segments(10);
}

/* Lets @ms pass, with signs of life from all but the mover. */
static void
live(uint64_t ms)
{
	for (uint64_t at = 0; at < ms; at += 5000) {
		sim_ping(&owner);
		sim_ping(&other);
		sim_advance_ms(5000);
	}
}

START_TEST(a_client_that_expires_may_still_write_for_a_while)
{
	uint64_t extents;

	put_on_a("k");
	put_on_a("m");
	sim_ping(&mover);
	extents = sim_stat(&stats()->extent_bytes);
	ck_assert_int_eq(sim_copy_start(&mover, "k", "a:1", "b:1", NULL), 0);
	ck_assert_int_eq(sim_move_start(&other, "m", "a:1", "b:1", NULL), 0);
	live(15000);
	/* free for others, but the space is not */
	ck_assert_uint_gt(sim_stat(&stats()->extent_bytes), extents);
	ck_assert_int_eq(copy_end("k"), -709);
	ck_assert_int_eq(sim_copy_finish(&other, MC_FN_MOVE_REVOKE, "m"), 0);
	ck_assert_int_eq(sim_remove(&owner, "k", false), 0);
	live(RELEASE_MS);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), extents / 2);
}
END_TEST

/* ---- what a busy object refuses ---- */

static int64_t
remove_all(void)
{
	struct mc_args args = sim_args(&owner);
	struct mc_result_i64 result;

	args.force = true;
	ck_assert_int_eq(sim_call(&owner, MC_FN_REMOVE_ALL, &args, &result), 0);
	return result.value;
}

static uint32_t
clear(const char *key, const char *segment)
{
	struct mc_str keys[] = {sim_str(key)};
	struct mc_args args = sim_args(&owner);
	struct mc_result_vec result;

	args.keys = (struct mc_vec)SIM_VEC(keys);
	args.segment_name = sim_str(segment);
	ck_assert_int_eq(sim_call(&owner, MC_FN_BATCH_REPLICA_CLEAR, &args, &result), 0);
	return result.value.count;
}

START_TEST(a_busy_object_stays_as_it_is)
{
	put_on_a("k");
	put_on_a("same");
	ck_assert_int_eq(sim_copy_start(&mover, "k", "a:1", "b:1", NULL), 0);
	ck_assert_int_eq(sim_copy_start(&mover, "same", "a:1", "a:1", NULL), 0);
	/* an unfinished replica is told first */
	ck_assert_int_eq(sim_remove(&owner, "k", true), -703);
	ck_assert_int_eq(sim_remove(&owner, "same", true), -708);
	ck_assert_int_eq(remove_all(), 0);
	ck_assert_uint_eq(clear("k", ""), 0);
	ck_assert_uint_eq(clear("k", "a:1"), 0);
	ck_assert_uint_eq(clear("same", "a:1"), 0);
	ck_assert_int_eq(sim_put_start(&owner, "k", 1000, NULL, NULL), -705);
	ck_assert_int_eq(sim_upsert_start(&owner, "k", 1000), -708);
	ck_assert_int_eq(sim_put_end(&owner, "k"), -700);
	ck_assert_int_eq(sim_put_revoke(&owner, "k"), -700);
	ck_assert_int_eq(copy_end("k"), 0);
	ck_assert_int_eq(copy_end("same"), 0);
	ck_assert_uint_eq(clear("k", "a:1"), 1);
	ck_assert_int_eq(remove_all(), 2);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), 0);
}
END_TEST

/* ---- eviction ---- */

/* A pool of a hundred slots, and a segment next to it that does not count much. */
static void
setup_pool(void)
{
	struct mc_master_params params;

	mc_master_params_init(&params);
	sim_pool_open(&params, &owner);
	mover = sim_client_open(3, MC_RELEASE_NEWEST);
	reader = sim_client_open(4, MC_RELEASE_NEWEST);
}

START_TEST(eviction_passes_a_busy_object_over_and_comes_back)
{
	sim_pool_put(&owner, 0, 89, NULL);
	ck_assert_int_eq(sim_copy_start(&mover, "k0", "a:1", "a:1", NULL), 0);
	ck_assert_int_eq(sim_copy_start(&mover, "k2", "a:1", "a:1", NULL), 0);
	ck_assert_uint_eq(sim_master()->evictable, 87);
	sim_pool_put(&owner, 89, 92, NULL);
	ck_assert_uint_gt(sim_evicted(), 0);
	ck_assert(sim_pool_has(0) && !sim_pool_has(1) && sim_pool_has(2) && !sim_pool_has(3));
	/* in the other order: each keeps its turn before all that were not passed */
	ck_assert_int_eq(copy_end("k0"), 0);
	ck_assert_int_eq(copy_end("k2"), 0);
	sim_pool_put(&owner, 92, 100, NULL);
	ck_assert(!sim_pool_has(0) && !sim_pool_has(2));
	ck_assert(sim_pool_has(99));
	ck_assert_int_eq(copy_end("k0"), -704);
}
END_TEST

START_TEST(a_read_takes_a_passed_object_to_the_end_of_the_line)
{
	sim_pool_put(&owner, 0, 89, NULL);
	ck_assert_int_eq(sim_copy_start(&mover, "k0", "a:1", "a:1", NULL), 0);
	sim_pool_put(&owner, 89, 92, NULL);
	ck_assert(sim_exist(&reader, "k0"));
	ck_assert_int_eq(copy_end("k0"), 0);
	sim_pool_put(&owner, 92, 100, NULL);
	ck_assert(sim_pool_has(0));
}
END_TEST

START_TEST(a_busy_object_with_a_soft_pin_keeps_both)
{
	sim_pool_put(&owner, 0, 89, &sim_soft_pin);
	ck_assert_int_eq(sim_copy_start(&mover, "k0", "a:1", "a:1", NULL), 0);
	sim_pool_put(&owner, 89, 92, &sim_soft_pin);
	ck_assert(sim_pool_has(0) && !sim_pool_has(1));
	ck_assert_uint_eq(sim_stat(&stats()->objects_soft_pinned),
			  sim_stat(&stats()->objects));
	ck_assert_int_eq(copy_end("k0"), 0);
	sim_pool_put(&owner, 92, 98, &sim_soft_pin);
	ck_assert(!sim_pool_has(0));
	ck_assert_uint_eq(sim_stat(&stats()->objects_soft_pinned),
			  sim_stat(&stats()->objects));
}
END_TEST

START_TEST(a_soft_pin_ends_for_an_object_that_became_wider)
{
	ck_assert_int_eq(sim_mount(&owner, "b:1", 2, SIM_SLOTS * SIM_SLOT), 0);
	for (unsigned int i = 0; i < 20; i++) {
		struct mc_replicate_config config = sim_soft_pin;

		config.preferred_segment = sim_str("a:1");
		config.soft_pin_ttl_ms = (struct mc_opt_u64){true, 1000 * (20 - i)};
		ck_assert_int_eq(sim_put_as(&owner, sim_key(i), SIM_SLOT_SIZE, &config), 0);
	}
	for (unsigned int i = 0; i < 20; i += 2)
		ck_assert_int_eq(sim_copy(&mover, sim_key(i), "a:1", "b:1"), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects_soft_pinned), 20);
	sim_advance_ms(10500);
	/* the round is what notices */
	mc_pins_work(sim_master());
	ck_assert_uint_eq(sim_stat(&stats()->objects_soft_pinned), 10);
	sim_advance_ms(10000);
	mc_pins_work(sim_master());
	ck_assert_uint_eq(sim_stat(&stats()->objects_soft_pinned), 0);
	ck_assert_uint_eq(sim_exist_keys(&reader, 20), 20);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("master/copy");
	TCase *tc = sim_tcase(suite, "copy", setup);

	tcase_add_test(tc, a_copy_is_read_once_it_is_complete);
	tcase_add_test(tc, where_a_replica_is_none_is_added);
	tcase_add_test(tc, a_copy_revoked_leaves_nothing_behind);
	tcase_add_test(tc, what_cannot_start_says_why);
	tcase_add_test(tc, more_targets_than_an_object_may_have_are_refused);
	tcase_add_test(tc, without_room_on_one_target_none_is_taken);
	tcase_add_test(tc, who_began_it_ends_it_and_as_what_it_is);
	tcase_add_test(tc, no_replication_of_hot_keys_is_ever_under_way);
	tcase_add_loop_test(tc, every_release_with_copies_is_told_where, MC_RELEASE_0_3_9,
			    MC_RELEASE_COUNT);
	tcase_add_test(tc, a_move_leaves_the_source_to_its_readers_for_a_while);
	tcase_add_test(tc, a_move_revoked_changes_nothing);
	tcase_add_test(tc, a_move_to_where_a_replica_is_removes_the_source_alone);
	tcase_add_test(tc, what_came_from_a_source_that_is_gone_is_not_trusted);
	tcase_add_test(tc, a_target_that_is_gone_takes_no_other_with_it);
	tcase_add_test(tc, with_all_its_segments_a_busy_object_goes);
	tcase_add_test(tc, what_nobody_ends_is_rolled_back);
	tcase_add_test(tc, a_busy_object_stays_as_it_is);
	tc = sim_tcase(suite, "death", setup_mortal);
	tcase_add_test(tc, a_client_that_expires_may_still_write_for_a_while);
	tc = sim_tcase(suite, "eviction", setup_pool);
	tcase_add_test(tc, eviction_passes_a_busy_object_over_and_comes_back);
	tcase_add_test(tc, a_read_takes_a_passed_object_to_the_end_of_the_line);
	tcase_add_test(tc, a_busy_object_with_a_soft_pin_keeps_both);
	tcase_add_test(tc, a_soft_pin_ends_for_an_object_that_became_wider);
	return sim_run(suite);
}
