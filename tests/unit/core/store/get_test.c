/* SPDX-License-Identifier: Apache-2.0 */
/* Gets: into pieces of any shape, from any replica, and only what was put. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/store_rig.h"
#include "tests/support/suite.h"

#define SEGMENT (32ull << 20)
#define VALUE 100003u

static struct store_rig rig;
static struct mc_store *node, *other;
static unsigned char value[VALUE], back[VALUE + 64];

static struct mc_store *
open_with(bool checksum, uint64_t segment)
{
	struct mc_store_params params = store_rig_params(&rig, segment);
	struct mc_store *store;

	params.checksum = checksum;
	ck_assert_int_eq(mc_store_open(&params, &store), MC_OK);
	return store;
}

static void
setup(void)
{
	store_rig_start(&rig, NULL);
	node = open_with(true, SEGMENT);
	for (size_t i = 0; i < VALUE; i++)
		value[i] = (unsigned char)(i * 131 + (i >> 8));
}

static void
teardown(void)
{
	mc_store_close(other, MC_STORE_GRACEFUL);
	other = NULL;
	mc_store_close(node, MC_STORE_GRACEFUL);
	store_rig_stop(&rig);
}

static struct mc_store_counters
counters_of(const struct mc_store *store)
{
	struct mc_store_counters counters;

	mc_store_counters_read(store, &counters);
	return counters;
}

/* The memory of the one replica of @key, which lies in this process. */
static unsigned char *
memory_of(const char *key)
{
	struct mc_store_replica replica;
	uint32_t count = 0;

	ck_assert_int_eq(mc_store_replicas(node, key, &replica, 1, &count), MC_OK);
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(replica.length, VALUE);
	ck_assert_str_eq(replica.endpoint, mc_engine_name(mc_store_engine(node)));
	return (unsigned char *)(uintptr_t)replica.address;
}

START_TEST(pieces_of_any_shape)
{
	struct mc_iov pieces[4] = {
		{back, 1}, {back + 1, 0}, {back + 1, 99999}, {back + 100000, 60}};
	struct mc_store_item items[3] = {
		{.key = "a", .pieces = pieces, .pieces_count = 4},
		{.key = "none", .pieces = pieces, .pieces_count = 4},
		{.key = "a", .pieces = pieces, .pieces_count = 3},
	};

	ck_assert_int_eq(mc_store_put(node, "a", value, VALUE, NULL), MC_OK);
	ck_assert_int_eq(mc_store_get_batch(node, items, 3), MC_ERR_OBJECT_NOT_FOUND);
	ck_assert_int_eq(items[0].status, MC_OK);
	ck_assert_uint_eq(items[0].length, VALUE);
	ck_assert_mem_eq(back, value, VALUE);
	ck_assert_int_eq(items[1].status, MC_ERR_OBJECT_NOT_FOUND);
	/* too short, and what is needed is told */
	ck_assert_int_eq(items[2].status, MC_ERR_TOO_LARGE);
	ck_assert_uint_eq(items[2].length, VALUE);
	ck_assert_int_eq(mc_store_get_into(node, "", back, VALUE, NULL), MC_ERR_INVALID);
}
END_TEST

/* Every kind of damage is a miss, and counted; what is put right again is found again. */
START_TEST(damaged_bytes_are_a_miss)
{
	static const struct {
		size_t at;
		bool by_checksum;
	} damage[] = {{0, true}, {VALUE - 1, true}, {VALUE / 2, true}, {VALUE + 4, true},
		      {VALUE, false}, {VALUE + 8, false}, {VALUE + 16, false}, {VALUE + 31, false}};
	unsigned char *memory;

	ck_assert_int_eq(mc_store_put(node, "k", value, VALUE, NULL), MC_OK);
	memory = memory_of("k");
	ck_assert_mem_eq(memory, value, VALUE);
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		struct mc_store_counters before = counters_of(node), after;

		memory[damage[i].at] ^= 0x10;
		ck_assert_int_eq(mc_store_get_into(node, "k", back, VALUE, NULL),
				 MC_ERR_OBJECT_NOT_FOUND);
		memory[damage[i].at] ^= 0x10;
		after = counters_of(node);
		ck_assert_uint_eq(after.mismatches, before.mismatches + 1);
		ck_assert_uint_eq(after.checksum_failures,
				  before.checksum_failures + damage[i].by_checksum);
		ck_assert_uint_eq(after.misses, before.misses + 1);
		ck_assert_int_eq(mc_store_get_into(node, "k", back, VALUE, NULL), MC_OK);
		ck_assert_mem_eq(back, value, VALUE);
	}
}
END_TEST

/* Without a checksum the trailer still tells whose bytes they are, not what they are. */
START_TEST(a_trailer_without_checksum_proves_the_owner)
{
	unsigned char *memory;

	other = open_with(false, 0);
	ck_assert_int_eq(mc_store_put(other, "k", value, VALUE, NULL), MC_OK);
	memory = memory_of("k");
	memory[10] ^= 1;
	ck_assert_int_eq(mc_store_get_into(other, "k", back, VALUE, NULL), MC_OK);
	memory[10] ^= 1;
	memory[VALUE + 20] ^= 1;
	ck_assert_int_eq(mc_store_get_into(other, "k", back, VALUE, NULL),
			 MC_ERR_OBJECT_NOT_FOUND);
}
END_TEST

START_TEST(the_other_replica_is_read)
{
	struct mc_store_config config = {.size = sizeof(config), .replicas = 2};
	struct mc_store_replica replicas[2];
	uint32_t count;

	other = open_with(true, SEGMENT);
	ck_assert_int_eq(mc_store_put(node, "two", value, VALUE, &config), MC_OK);
	ck_assert_int_eq(mc_store_replicas(node, "two", replicas, 2, &count), MC_OK);
	ck_assert_uint_eq(count, 2);
	for (uint32_t i = 0; i < 2; i++) {
		unsigned char *memory = (unsigned char *)(uintptr_t)replicas[i].address;

		memory[7] ^= 1;
		memset(back, 0, VALUE);
		ck_assert_int_eq(mc_store_get_into(node, "two", back, VALUE, NULL), MC_OK);
		ck_assert_mem_eq(back, value, VALUE);
		memory[7] ^= 1;
	}
	ck_assert_uint_ge(counters_of(node).mismatches, 1);
}
END_TEST

START_TEST(upserts_replace_and_puts_do_not)
{
	uint64_t length;

	ck_assert_int_eq(mc_store_put(node, "k", value, 1000, NULL), MC_OK);
	ck_assert_int_eq(mc_store_put(node, "k", value + 1, 2000, NULL), MC_OK);
	ck_assert_int_eq(mc_store_size(node, "k", &length), MC_OK);
	ck_assert_uint_eq(length, 1000);
	ck_assert_int_eq(mc_store_upsert(node, "k", value + 1, 1000, NULL), MC_OK);
	ck_assert_int_eq(mc_store_get_into(node, "k", back, VALUE, &length), MC_OK);
	ck_assert_mem_eq(back, value + 1, 1000);
	ck_assert_int_eq(mc_store_upsert(node, "k", value + 2, 2000, NULL), MC_OK);
	ck_assert_int_eq(mc_store_get_into(node, "k", back, VALUE, &length), MC_OK);
	ck_assert_uint_eq(length, 2000);
	ck_assert_mem_eq(back, value + 2, 2000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store/get");
	TCase *tc = tcase_create("get");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, pieces_of_any_shape);
	tcase_add_test(tc, damaged_bytes_are_a_miss);
	tcase_add_test(tc, a_trailer_without_checksum_proves_the_owner);
	tcase_add_test(tc, the_other_replica_is_read);
	tcase_add_test(tc, upserts_replace_and_puts_do_not);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
