/* SPDX-License-Identifier: Apache-2.0 */
/* UpsertStart: where the new bytes go, what becomes of the old ones, and of pins and writers. */
#include <string.h>

#include "core/base/clock.h"
#include "tests/support/sim_batch.h"
#include "tests/support/sim_segment.h"
#include "tests/support/sim_upsert.h"

#define DAY_MS (24ull * 3600 * 1000)
#define SIZE   100000u
/* The segment holds one such object, not two. */
#define LARGE (40 * SIM_MIB)

static struct sim_client writer, other, reader;

static void
setup_ttl(uint64_t client_ttl_ms)
{
	struct mc_master_params params;

	mc_master_params_init(&params);
	params.client_ttl_ns = client_ttl_ms * MC_NS_PER_MS;
	sim_master_open(&params);
	writer = sim_client_open(1, MC_RELEASE_NEWEST);
	other = sim_client_open(2, MC_RELEASE_NEWEST);
	reader = sim_client_open(3, MC_RELEASE_NEWEST);
	ck_assert_int_eq(sim_mount(&writer, "a:1", 1, 64 * SIM_MIB), 0);
}

static void
setup(void)
{
	setup_ttl(DAY_MS);
}

static const struct mc_replicate_config hard = {.replica_num = 1, .with_hard_pin = true};
static const struct mc_replicate_config soft = {.replica_num = 1,
						.soft_pin_action = MC_SOFT_PIN_ENABLE};

static const struct mc_master_stats *
stats(void)
{
	return mc_master_stats(sim_master());
}

/* The one replica of @key, as a reader sees it; that is a read. */
static struct mc_replica_desc
read_one(const char *key)
{
	struct mc_replica_desc desc;

	ck_assert_int_eq(sim_get(&reader, key, &desc, 1), 1);
	return desc;
}

static bool
apart(const struct mc_replica_desc *a, const struct mc_replica_desc *b)
{
	return a->buffer.address + a->buffer.size <= b->buffer.address ||
	       b->buffer.address + b->buffer.size <= a->buffer.address;
}

/* Nothing is left of anything, once what rests is over. */
static void
all_comes_back(void)
{
	sim_advance_ms(601000);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 0);
	ck_assert_uint_eq(sim_stat(&stats()->object_bytes), 0);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), 0);
}

/* ---- where it goes ---- */

START_TEST(a_new_key_begins_like_a_put)
{
	struct mc_replica_desc begun, read;

	ck_assert_int_eq(sim_upsert_begin(&writer, "k", SIZE, NULL, &begun, 1), 1);
	ck_assert_int_eq(sim_get(&reader, "k", &read, 1), -703);
	ck_assert_uint_eq(sim_stat(&stats()->objects_writing), 1);
	ck_assert_int_eq(sim_upsert_end(&writer, "k"), 0);
	read = read_one("k");
	ck_assert_uint_eq(read.id, begun.id);
	ck_assert_uint_eq(read.buffer.address, begun.buffer.address);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 1);
	ck_assert_uint_eq(sim_stat(&stats()->size_sum), SIZE);
}
END_TEST

START_TEST(what_a_put_refuses_an_upsert_refuses)
{
	struct mc_replicate_config config = {.replica_num = 1};

	ck_assert_int_eq(sim_put(&writer, "k", SIZE), 0);
	ck_assert_int_eq(sim_upsert_start(&writer, "", SIZE), -600);
	ck_assert_int_eq(sim_upsert_start(&writer, "k", 0), -600);
	config.soft_pin_ttl_ms = (struct mc_opt_u64){true, 1};
	ck_assert_int_eq(sim_upsert_begin(&writer, "k", SIZE, &config, NULL, 0), -600);
	config = (struct mc_replicate_config){.replica_num = 0};
	ck_assert_int_eq(sim_upsert_begin(&writer, "k", SIZE, &config, NULL, 0), -600);
	config = (struct mc_replicate_config){.replica_num = 1, .dfs_replica_num = 1};
	ck_assert_int_eq(sim_upsert_begin(&writer, "k", SIZE, &config, NULL, 0), -1601);
	ck_assert(sim_exist(&reader, "k"));
}
END_TEST

START_TEST(the_same_size_goes_to_the_same_space)
{
	struct mc_replica_desc before, begun, after;

	ck_assert_int_eq(sim_put(&writer, "k", SIZE), 0);
	before = read_one("k");
	ck_assert_int_eq(sim_upsert_begin(&writer, "k", SIZE, NULL, &begun, 1), 1);
	ck_assert_uint_eq(begun.buffer.address, before.buffer.address);
	/* by which a reader knows that the bytes are not those it asked for */
	ck_assert_uint_ne(begun.id, before.id);
	ck_assert(!sim_exist(&reader, "k"));
	ck_assert_int_eq(sim_get(&reader, "k", &after, 1), -703);
	ck_assert_int_eq(sim_remove(&reader, "k", true), -703);
	ck_assert_int_eq(sim_put(&other, "k", SIZE), -705);
	ck_assert_int_eq(sim_upsert_end(&writer, "k"), 0);
	ck_assert_uint_eq(read_one("k").id, begun.id);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 1);
	ck_assert_uint_eq(sim_stat(&stats()->object_bytes), SIZE);
	ck_assert_int_eq(sim_remove(&reader, "k", true), 0);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), 0);
}
END_TEST

START_TEST(another_size_goes_to_other_space)
{
	struct mc_replica_desc before, begun, after;

	ck_assert_int_eq(sim_put(&writer, "k", SIZE), 0);
	before = read_one("k");
	ck_assert_int_eq(sim_upsert_begin(&writer, "k", SIZE + 1, NULL, &begun, 1), 1);
	ck_assert(apart(&before, &begun));
	ck_assert_uint_ne(begun.id, before.id);
	ck_assert_int_eq(sim_get(&reader, "k", &after, 1), -703);
	ck_assert_int_eq(sim_upsert_end(&writer, "k"), 0);
	after = read_one("k");
	ck_assert_uint_eq(after.buffer.address, begun.buffer.address);
	ck_assert_uint_eq(after.buffer.size, SIZE + 1);
	/* what rests is nobody's object, but it is in use */
	ck_assert_uint_eq(sim_stat(&stats()->object_bytes), SIZE + 1);
	ck_assert_uint_ge(sim_stat(&stats()->extent_bytes), 2 * SIZE);
	ck_assert_int_eq(sim_remove(&reader, "k", true), 0);
	all_comes_back();
}
END_TEST

START_TEST(old_space_rests_for_600_seconds)
{
	ck_assert_int_eq(sim_put(&writer, "k", LARGE), 0);
	ck_assert_int_eq(sim_upsert(&writer, "k", SIZE, NULL), 0);
	ck_assert_int_eq(sim_put(&writer, "l", LARGE), -200);
	sim_advance_ms(599990);
	ck_assert_int_eq(sim_put(&writer, "l", LARGE), -200);
	sim_advance_ms(1010);
	ck_assert_int_eq(sim_put(&writer, "l", LARGE), 0);
}
END_TEST

START_TEST(a_segment_that_is_leaving_takes_no_new_bytes)
{
	struct mc_replica_desc before, begun;

	ck_assert_int_eq(sim_put(&writer, "k", SIZE), 0);
	before = read_one("k");
	ck_assert_int_eq(sim_mount(&writer, "b:1", 2, 64 * SIM_MIB), 0);
	ck_assert_int_eq(sim_unmount_gracefully(&writer, 1, 5000), 0);
	ck_assert_int_eq(sim_upsert_begin(&writer, "k", SIZE, NULL, &begun, 1), 1);
	ck_assert(apart(&before, &begun));
	ck_assert_int_eq(sim_upsert_end(&writer, "k"), 0);
	sim_advance_ms(10000);
	ck_assert_str_eq(sim_where(&reader, "k"), "b:1 ");
}
END_TEST

/* ---- how many replicas ---- */

static struct mc_replicate_config
replicas(uint64_t count)
{
	return (struct mc_replicate_config){.replica_num = count};
}

START_TEST(another_size_may_have_other_replicas)
{
	struct mc_replicate_config two = replicas(2), three = replicas(3);
	struct mc_replica_desc descs[3];

	ck_assert_int_eq(sim_mount(&writer, "b:1", 2, 64 * SIM_MIB), 0);
	ck_assert_int_eq(sim_mount(&writer, "c:1", 3, 64 * SIM_MIB), 0);
	ck_assert_int_eq(sim_put(&writer, "k", SIZE), 0);
	ck_assert_int_eq(sim_upsert_begin(&writer, "k", SIZE + 1, &three, descs, 3), 3);
	ck_assert(descs[0].id != descs[1].id && descs[1].id != descs[2].id);
	ck_assert_int_eq(sim_upsert_end(&writer, "k"), 0);
	/* the segment's extents know the object by its present handle */
	ck_assert_int_eq(sim_unmount(&writer, 2), 0);
	sim_settle();
	ck_assert_int_eq(sim_get(&reader, "k", descs, 3), 2);
	/* of the same size: they stay as they are, whatever their number */
	ck_assert_int_eq(sim_upsert_begin(&writer, "k", SIZE + 1, NULL, descs, 3), 2);
	ck_assert_int_eq(sim_upsert_end(&writer, "k"), 0);
	ck_assert_int_eq(sim_upsert_begin(&writer, "k", SIZE, &two, descs, 3), 2);
	ck_assert_int_eq(sim_upsert_end(&writer, "k"), 0);
	ck_assert_int_eq(sim_remove(&reader, "k", true), 0);
	all_comes_back();
}
END_TEST

START_TEST(an_object_that_moved_is_known_to_its_segments)
{
	struct mc_replicate_config two = replicas(2);

	ck_assert_int_eq(sim_mount(&writer, "b:1", 2, 64 * SIM_MIB), 0);
	ck_assert_int_eq(sim_put(&writer, "k", SIZE), 0);
	/* it was made wider, and then got nothing */
	ck_assert_int_eq(sim_upsert_begin(&writer, "k", 65 * SIM_MIB, &two, NULL, 0), -200);
	ck_assert_int_eq(sim_unmount(&writer, 1), 0);
	ck_assert_int_eq(sim_unmount(&writer, 2), 0);
	sim_settle();
	ck_assert_uint_eq(sim_stat(&stats()->objects), 0);
	ck_assert_uint_eq(sim_stat(&stats()->object_bytes), 0);
}
END_TEST

START_TEST(a_replica_that_is_lost_in_between_is_not_waited_for)
{
	struct mc_replicate_config two = replicas(2);

	ck_assert_int_eq(sim_mount(&writer, "b:1", 2, 64 * SIM_MIB), 0);
	ck_assert_int_eq(sim_put_as(&writer, "k", SIZE, &two), 0);
	ck_assert_int_eq(sim_upsert_begin(&writer, "k", SIZE, &two, NULL, 0), 2);
	ck_assert_int_eq(sim_unmount(&writer, 1), 0);
	ck_assert_int_eq(sim_upsert_end(&writer, "k"), 0);
	ck_assert_str_eq(sim_where(&reader, "k"), "b:1 ");
	ck_assert_int_eq(sim_upsert_begin(&writer, "k", SIZE, &two, NULL, 0), 1);
	ck_assert_int_eq(sim_unmount(&writer, 2), 0);
	ck_assert_int_eq(sim_upsert_end(&writer, "k"), -704);
	ck_assert_int_eq(sim_upsert_start(&writer, "k", SIZE), -200);
}
END_TEST

/* ---- who writes ---- */

START_TEST(who_upserts_owns_it)
{
	ck_assert_int_eq(sim_put(&writer, "k", SIZE), 0);
	for (uint64_t size = SIZE; size < SIZE + 2; size++) {
		ck_assert_int_eq(sim_upsert_start(&other, "k", size), 0);
		ck_assert_int_eq(sim_upsert_end(&writer, "k"), -601);
		ck_assert_int_eq(sim_upsert_revoke(&writer, "k"), -601);
		ck_assert_int_eq(sim_upsert_end(&other, "k"), 0);
		ck_assert_int_eq(sim_upsert_start(&writer, "k", size), 0);
		ck_assert_int_eq(sim_upsert_end(&other, "k"), -601);
		ck_assert_int_eq(sim_upsert_end(&writer, "k"), 0);
	}
	ck_assert_int_eq(sim_upsert_end(&writer, "none"), -704);
	ck_assert_int_eq(sim_upsert_revoke(&writer, "k"), -700);
}
END_TEST

START_TEST(the_same_end_ends_both)
{
	ck_assert_int_eq(sim_upsert_start(&writer, "k", SIZE), 0);
	ck_assert_int_eq(sim_put_end(&writer, "k"), 0);
	ck_assert_int_eq(sim_put_start(&writer, "l", SIZE, NULL, NULL), 0);
	ck_assert_int_eq(sim_upsert_end(&writer, "l"), 0);
	ck_assert(sim_exist(&reader, "k") && sim_exist(&reader, "l"));
}
END_TEST

START_TEST(an_unfinished_write_is_taken_over_at_once)
{
	struct mc_replica_desc first, second;
	struct mc_vec_cursor cursor = {0};
	struct mc_result_vec result;

	ck_assert_int_eq(sim_put_start(&writer, "k", SIZE, &hard, &result), 0);
	ck_assert(mc_vec_next_replica(&result.value, &cursor, writer.release, &first));
	ck_assert_int_eq(sim_upsert_begin(&other, "k", SIZE, NULL, &second, 1), 1);
	/* the first writer may still write to its space */
	ck_assert(apart(&first, &second));
	ck_assert_int_eq(sim_upsert_end(&writer, "k"), -601);
	ck_assert_uint_eq(sim_stat(&stats()->put_discarded), 1);
	ck_assert_uint_eq(sim_stat(&stats()->put_discarded_bytes), SIZE);
	ck_assert_int_eq(sim_upsert_end(&other, "k"), 0);
	ck_assert_uint_eq(read_one("k").id, second.id);
	/* a pin of a write that never ended */
	ck_assert_int_eq(sim_object("k")->flags & MC_OBJECT_HARD_PIN, 0);
	ck_assert_int_eq(sim_remove(&reader, "k", true), 0);
	ck_assert_uint_ge(sim_stat(&stats()->extent_bytes), SIZE);
	all_comes_back();
}
END_TEST

START_TEST(an_unfinished_upsert_is_taken_over_at_once)
{
	struct mc_replica_desc first, second;

	ck_assert_int_eq(sim_put_as(&writer, "k", SIZE, &soft), 0);
	ck_assert_int_eq(sim_upsert_begin(&writer, "k", SIZE, &hard, &first, 1), 1);
	ck_assert_int_eq(sim_upsert_begin(&other, "k", SIZE, NULL, &second, 1), 1);
	ck_assert(apart(&first, &second));
	ck_assert_int_eq(sim_upsert_end(&writer, "k"), -601);
	ck_assert_int_eq(sim_upsert_end(&other, "k"), 0);
	ck_assert_uint_eq(read_one("k").id, second.id);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 1);
}
END_TEST

START_TEST(a_pin_outlives_a_write_that_was_taken_over)
{
	ck_assert_int_eq(sim_put_as(&writer, "k", SIZE, &soft), 0);
	ck_assert_int_eq(sim_upsert_start(&writer, "k", SIZE), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects_soft_pinned), 0);
	ck_assert_int_eq(sim_upsert(&other, "k", SIZE, NULL), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects_soft_pinned), 1);
}
END_TEST

START_TEST(a_pin_that_was_only_asked_for_is_not_granted)
{
	ck_assert_int_eq(sim_put_start(&writer, "k", SIZE, &soft, NULL), 0);
	ck_assert_int_eq(sim_upsert(&other, "k", SIZE, NULL), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects_soft_pinned), 0);
}
END_TEST

START_TEST(a_busy_object_is_not_written)
{
	ck_assert_int_eq(sim_put(&writer, "k", SIZE), 0);
	sim_object("k")->flags |= MC_OBJECT_BUSY;
	ck_assert_int_eq(sim_upsert_start(&writer, "k", SIZE), -708);
	ck_assert_int_eq(sim_upsert_start(&other, "k", SIZE + 1), -708);
	ck_assert_int_eq(sim_upsert_end(&other, "k"), -601);
	ck_assert(sim_exist(&reader, "k"));
	sim_object("k")->flags &= (uint8_t)~MC_OBJECT_BUSY;
	ck_assert_int_eq(sim_upsert_start(&writer, "k", SIZE), 0);
}
END_TEST

/* ---- when there is no space ---- */

START_TEST(without_space_the_old_bytes_stay)
{
	struct mc_replica_desc before, after;

	ck_assert_int_eq(sim_put_as(&writer, "k", SIZE, &soft), 0);
	before = read_one("k");
	ck_assert_int_eq(sim_upsert_begin(&other, "k", 65 * SIM_MIB, &hard, NULL, 0), -200);
	after = read_one("k");
	ck_assert_uint_eq(after.id, before.id);
	ck_assert_uint_eq(after.buffer.address, before.buffer.address);
	ck_assert_uint_eq(after.buffer.size, SIZE);
	ck_assert_uint_eq(sim_stat(&stats()->object_bytes), SIZE);
	ck_assert_uint_eq(sim_stat(&stats()->objects_soft_pinned), 1);
	ck_assert_int_eq(sim_object("k")->flags & MC_OBJECT_HARD_PIN, 0);
	ck_assert_int_eq(sim_upsert_end(&other, "k"), -601);
	ck_assert_int_eq(sim_upsert_end(&writer, "k"), 0);
}
END_TEST

START_TEST(without_space_the_other_writer_may_finish)
{
	ck_assert_int_eq(sim_put_start(&writer, "k", SIZE, NULL, NULL), 0);
	ck_assert_int_eq(sim_upsert_start(&other, "k", 65 * SIM_MIB), -200);
	ck_assert_uint_eq(sim_stat(&stats()->put_discarded), 0);
	ck_assert_int_eq(sim_upsert_end(&other, "k"), -601);
	ck_assert_int_eq(sim_put_end(&writer, "k"), 0);
	ck_assert_uint_eq(read_one("k").buffer.size, SIZE);
}
END_TEST

/* ---- writers that never come back ---- */

START_TEST(an_upsert_has_30_seconds_to_itself)
{
	ck_assert_int_eq(sim_put(&writer, "k", SIZE), 0);
	ck_assert_int_eq(sim_upsert_start(&writer, "k", SIZE), 0);
	sim_advance_ms(29990);
	ck_assert_int_eq(sim_put(&other, "k", SIZE), -705);
	sim_advance_ms(10);
	ck_assert_int_eq(sim_put(&other, "k", SIZE), 0);
	ck_assert_int_eq(sim_upsert_end(&writer, "k"), -601);
}
END_TEST

START_TEST(an_abandoned_upsert_is_over_after_600_seconds)
{
	ck_assert_int_eq(sim_put_as(&writer, "k", SIZE, &hard), 0);
	ck_assert_int_eq(sim_upsert_start(&writer, "k", SIZE), 0);
	sim_advance_ms(599990);
	ck_assert_uint_eq(sim_stat(&stats()->objects_writing), 1);
	sim_advance_ms(1010);
	ck_assert_int_eq(sim_upsert_end(&writer, "k"), -704);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), 0);
	ck_assert_uint_eq(sim_stat(&stats()->put_discarded), 1);
}
END_TEST

START_TEST(a_writer_may_die_in_between)
{
	sim_master_close();
	setup_ttl(10000);
	ck_assert_int_eq(sim_mount(&other, "b:1", 2, 64 * SIM_MIB), 0);
	ck_assert_int_eq(sim_unmount(&writer, 1), 0);
	ck_assert_int_eq(sim_put(&writer, "k", SIZE), 0);
	ck_assert_int_eq(sim_upsert_start(&writer, "k", SIZE), 0);
	/* one of them goes on to ping */
	for (unsigned int i = 0; i < 12; i++) {
		sim_ping(&other);
		sim_advance_ms(1000);
	}
	ck_assert_uint_eq(sim_stat(&stats()->clients_expired), 1);
	ck_assert_int_eq(sim_get(&reader, "k", NULL, 0), -703);
	ck_assert_int_eq(sim_upsert(&other, "k", SIZE, NULL), 0);
	ck_assert_str_eq(sim_where(&reader, "k"), "b:1 ");
}
END_TEST

START_TEST(the_segment_of_a_writer_dies_with_it)
{
	sim_master_close();
	setup_ttl(10000);
	ck_assert_int_eq(sim_put(&other, "k", SIZE), 0);
	ck_assert_int_eq(sim_upsert_start(&other, "k", SIZE + 1), 0);
	sim_advance_ms(12000);
	ck_assert_int_eq(sim_upsert_end(&other, "k"), -704);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 0);
	/* resting space of a segment that is gone */
	all_comes_back();
}
END_TEST

/* ---- eviction ---- */

START_TEST(an_upsert_makes_an_object_the_newest)
{
	static const char *const keys[] = {"a", "b", "c"};

	for (unsigned int i = 0; i < 3; i++) {
		ck_assert_int_eq(sim_put(&writer, keys[i], 16 * SIM_MIB), 0);
		sim_advance_ms(10);
	}
	ck_assert_int_eq(sim_upsert(&writer, "a", 16 * SIM_MIB, NULL), 0);
	ck_assert_int_eq(sim_upsert_start(&writer, "b", 16 * SIM_MIB), 0);
	sim_advance_ms(10);
	/* no space: one object goes, and it is none that is being written */
	ck_assert_int_eq(sim_put(&writer, "d", 17 * SIM_MIB), -200);
	sim_settle();
	ck_assert(!sim_exist(&reader, "c"));
	ck_assert(sim_exist(&reader, "a"));
	ck_assert_int_eq(sim_upsert_end(&writer, "b"), 0);
}
END_TEST

/* ---- batches ---- */

START_TEST(a_batch_upserts_each_key)
{
	static const int32_t both[] = {0, 0, 0}, one[] = {0, -601, 0};
	struct mc_args args = sim_batch_args(&writer, sim_keys(3), SIZE);
	struct mc_replica_desc before, after;

	ck_assert_int_eq(sim_put(&writer, "k0", SIZE), 0);
	ck_assert_int_eq(sim_put(&writer, "k1", SIZE + 1), 0);
	before = read_one("k0");
	sim_batch_expect(&writer, MC_FN_BATCH_UPSERT_START, &args, both);
	ck_assert_uint_eq(sim_stat(&stats()->objects_writing), 3);
	ck_assert_int_eq(sim_upsert_start(&other, "k1", SIZE), 0);
	sim_batch_expect(&writer, MC_FN_BATCH_UPSERT_END, &args, one);
	after = read_one("k0");
	ck_assert_uint_eq(after.buffer.address, before.buffer.address);
	ck_assert(sim_exist(&reader, "k2"));
	ck_assert_int_eq(sim_upsert_end(&other, "k1"), 0);
	sim_batch_expect(&writer, MC_FN_BATCH_UPSERT_START, &args, both);
	sim_batch_expect(&writer, MC_FN_BATCH_UPSERT_REVOKE, &args, both);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 0);
	ck_assert_uint_eq(sim_stat(&stats()->items[MC_FN_BATCH_UPSERT_START]), 6);
	ck_assert_uint_eq(sim_stat(&stats()->partial[MC_FN_BATCH_UPSERT_END]), 1);
}
END_TEST

START_TEST(a_batch_that_does_not_fit_together_is_refused)
{
	static const int32_t refused[] = {-600, -600};
	struct mc_args args = sim_batch_args(&writer, sim_keys(2), SIZE);

	args.slice_lengths.count = 1;
	sim_batch_expect(&writer, MC_FN_BATCH_UPSERT_START, &args, refused);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 0);
}
END_TEST

START_TEST(every_release_that_has_upserts_can_use_them)
{
	enum mc_release release = (enum mc_release)_i;
	struct sim_client old;
	struct mc_args args;

	if ((mc_fn_releases(MC_FN_UPSERT_START) & MC_RELEASE_BIT(release)) == 0)
		return;
	old = sim_client_open(4, release);
	sim_client_restrict(&old);
	ck_assert_int_eq(sim_upsert_start(&old, "k", SIZE), 0);
	ck_assert_int_eq(sim_upsert_end(&old, "k"), 0);
	ck_assert_int_eq(sim_upsert_start(&old, "k", SIZE), 0);
	ck_assert_int_eq(sim_upsert_revoke(&old, "k"), 0);
	args = sim_batch_args(&old, sim_keys(3), SIZE);
	sim_batch_expect(&old, MC_FN_BATCH_UPSERT_START, &args, NULL);
	sim_batch_expect(&old, MC_FN_BATCH_UPSERT_END, &args, NULL);
	ck_assert_uint_eq(sim_exist_keys(&old, 3), 3);
	args = sim_batch_args(&old, sim_keys(3), SIZE);
	sim_batch_expect(&old, MC_FN_BATCH_UPSERT_START, &args, NULL);
	sim_batch_expect(&old, MC_FN_BATCH_UPSERT_REVOKE, &args, NULL);
	ck_assert_uint_eq(sim_exist_keys(&old, 3), 0);
}
END_TEST

static void
add_all(TCase *tc)
{
	tcase_add_test(tc, a_new_key_begins_like_a_put);
	tcase_add_test(tc, what_a_put_refuses_an_upsert_refuses);
	tcase_add_test(tc, the_same_size_goes_to_the_same_space);
	tcase_add_test(tc, another_size_goes_to_other_space);
	tcase_add_test(tc, old_space_rests_for_600_seconds);
	tcase_add_test(tc, a_segment_that_is_leaving_takes_no_new_bytes);
	tcase_add_test(tc, another_size_may_have_other_replicas);
	tcase_add_test(tc, an_object_that_moved_is_known_to_its_segments);
	tcase_add_test(tc, a_replica_that_is_lost_in_between_is_not_waited_for);
	tcase_add_test(tc, who_upserts_owns_it);
	tcase_add_test(tc, the_same_end_ends_both);
	tcase_add_test(tc, an_unfinished_write_is_taken_over_at_once);
	tcase_add_test(tc, an_unfinished_upsert_is_taken_over_at_once);
	tcase_add_test(tc, a_pin_outlives_a_write_that_was_taken_over);
	tcase_add_test(tc, a_pin_that_was_only_asked_for_is_not_granted);
	tcase_add_test(tc, a_busy_object_is_not_written);
	tcase_add_test(tc, without_space_the_old_bytes_stay);
	tcase_add_test(tc, without_space_the_other_writer_may_finish);
	tcase_add_test(tc, an_upsert_has_30_seconds_to_itself);
	tcase_add_test(tc, an_abandoned_upsert_is_over_after_600_seconds);
	tcase_add_test(tc, a_writer_may_die_in_between);
	tcase_add_test(tc, the_segment_of_a_writer_dies_with_it);
	tcase_add_test(tc, an_upsert_makes_an_object_the_newest);
	tcase_add_test(tc, a_batch_upserts_each_key);
	tcase_add_test(tc, a_batch_that_does_not_fit_together_is_refused);
	tcase_add_loop_test(tc, every_release_that_has_upserts_can_use_them, 0, MC_RELEASE_COUNT);
}

int
main(void)
{
	Suite *suite = suite_create("master/upsert");

	add_all(sim_tcase(suite, "mounted", setup));
	return sim_run(suite);
}
