/* SPDX-License-Identifier: Apache-2.0 */
/* Each byte follows from its address and the seed, however a buffer is cut. */
#include "apps/mc-bench/pattern.h"

#include <string.h>

#include "tests/support/suite.h"

#define LEN  4096
#define BASE 0x7f1234567000ull

static uint8_t bytes[LEN + 64];

START_TEST(any_piece_is_the_same_as_the_whole)
{
	uint8_t whole[256], piece[256];

	pattern_fill(whole, BASE, sizeof(whole), 5);
	for (size_t from = 0; from < 20; from++) {
		for (size_t len = 0; len < 40; len++) {
			pattern_fill(piece, BASE + from, len, 5);
			ck_assert_mem_eq(piece, whole + from, len);
			ck_assert_uint_eq(pattern_check(whole + from, BASE + from, len, 5), len);
		}
	}
	for (size_t i = 0; i < sizeof(whole); i++)
		ck_assert_uint_eq(pattern_byte(BASE + i, 5), whole[i]);
}
END_TEST

START_TEST(a_single_wrong_bit_is_found_where_it_is)
{
	for (size_t at = 0; at < LEN; at += 7) {
		pattern_fill(bytes, BASE + 3, LEN, 1);
		bytes[at] ^= 1;
		ck_assert_uint_eq(pattern_check(bytes, BASE + 3, LEN, 1), at);
	}
}
END_TEST

START_TEST(the_first_of_several_is_told)
{
	pattern_fill(bytes, BASE, LEN, 1);
	bytes[900] ^= 4;
	bytes[901] ^= 4;
	bytes[4000] ^= 4;
	ck_assert_uint_eq(pattern_check(bytes, BASE, LEN, 1), 900);
}
END_TEST

/* A piece that was put elsewhere, or is of another seed, has hardly a byte in common. */
static unsigned int
alike(uint64_t addr, uint64_t seed)
{
	static uint8_t other[LEN];
	unsigned int same = 0;

	pattern_fill(bytes, BASE, LEN, 1);
	pattern_fill(other, addr, LEN, seed);
	for (size_t i = 0; i < LEN; i++)
		same += bytes[i] == other[i];
	return same;
}

START_TEST(other_places_and_seeds_are_unlike)
{
	ck_assert_uint_lt(alike(BASE + 1, 1), 40);
	ck_assert_uint_lt(alike(BASE + 8, 1), 40);
	ck_assert_uint_lt(alike(BASE + 4096, 1), 40);
	ck_assert_uint_lt(alike(BASE + (1ull << 32), 1), 40);
	ck_assert_uint_lt(alike(BASE, 2), 40);
	ck_assert_uint_lt(alike(BASE, ~1ull), 40);
	ck_assert_uint_eq(alike(BASE, 1), LEN);
}
END_TEST

START_TEST(zeroes_are_never_right)
{
	memset(bytes, 0, LEN);
	ck_assert_uint_lt(pattern_check(bytes, BASE, LEN, 0), 16);
	ck_assert_uint_lt(pattern_check(bytes, 0x1000, LEN, 1), 16);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mc-bench/pattern");
	TCase *tc = tcase_create("pattern");

	tcase_add_test(tc, any_piece_is_the_same_as_the_whole);
	tcase_add_test(tc, a_single_wrong_bit_is_found_where_it_is);
	tcase_add_test(tc, the_first_of_several_is_told);
	tcase_add_test(tc, other_places_and_seeds_are_unlike);
	tcase_add_test(tc, zeroes_are_never_right);
	suite_add_tcase(s, tc);
	return suite_run(s, CK_FORK_GETENV);
}
