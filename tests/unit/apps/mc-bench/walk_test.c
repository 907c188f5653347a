/* SPDX-License-Identifier: Apache-2.0 */
/* Each block once per pass, no two slots at one block, and no order that a prefetcher guesses. */
#include "apps/mc-bench/walk.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

#define BLOCKS_MAX 5000

static unsigned int met[BLOCKS_MAX];

static void
passes_expect(uint64_t blocks, uint64_t slots, unsigned int passes)
{
	uint64_t share = blocks / slots;
	unsigned int strays = 0;

	memset(met, 0, sizeof(met));
	for (uint64_t s = 0; s < slots; s++) {
		struct walk walk;

		walk_init(&walk, blocks, slots, s);
		for (uint64_t i = 0; i < passes * share; i++) {
			uint64_t block = walk_next(&walk);

			strays += block < s * share || block >= (s + 1) * share;
			met[block % BLOCKS_MAX]++;
		}
	}
	for (uint64_t block = 0; block < share * slots; block++)
		strays += met[block] != passes;
	ck_assert_msg(strays == 0, "%lu blocks, %lu slots: %u blocks", (unsigned long)blocks,
		      (unsigned long)slots, strays);
}

START_TEST(each_block_has_its_turn_once_per_pass)
{
	for (uint64_t blocks = 1; blocks < 200; blocks++) {
		for (uint64_t slots = 1; slots <= 9 && slots <= blocks; slots++)
			passes_expect(blocks, slots, 3);
	}
	passes_expect(4096, 8, 2);
	passes_expect(4999, 16, 2);
}
END_TEST

START_TEST(with_fewer_blocks_than_slots_they_are_shared)
{
	for (uint64_t s = 0; s < 20; s++) {
		struct walk walk;

		walk_init(&walk, 3, 20, s);
		ck_assert_uint_eq(walk_next(&walk), s % 3);
		ck_assert_uint_eq(walk_next(&walk), s % 3);
	}
}
END_TEST

START_TEST(neighbours_in_time_are_far_apart)
{
	struct walk walk;
	uint64_t last;

	walk_init(&walk, 4096, 1, 0);
	last = walk_next(&walk);
	for (int i = 0; i < 4096; i++) {
		uint64_t block = walk_next(&walk);

		ck_assert_int_gt(labs((long)block - (long)last), 1000);
		last = block;
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mc-bench/walk");
	TCase *tc = tcase_create("walk");

	tcase_add_test(tc, each_block_has_its_turn_once_per_pass);
	tcase_add_test(tc, with_fewer_blocks_than_slots_they_are_shared);
	tcase_add_test(tc, neighbours_in_time_are_far_apart);
	suite_add_tcase(s, tc);
	return suite_run(s, CK_FORK_GETENV);
}
