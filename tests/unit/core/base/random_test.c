/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>

#include "core/base/random.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

/* The first numbers of xoshiro256** from the state 1, 2, 3, 4, as its authors' program gives. */
START_TEST(the_sequence_is_the_published_one)
{
	static const uint64_t wanted[] = {
		11520ull,
		0ull,
		1509978240ull,
		1215971899390074240ull,
		1216172134540287360ull,
		607988272756665600ull,
		16172922978634559625ull,
		8476171486693032832ull,
		10595114339597558777ull,
		2904607092377533576ull,
	};
	struct mc_random random = {{1, 2, 3, 4}};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		ck_assert_uint_eq(mc_random_next(&random), wanted[i]);
}
END_TEST

/* The state comes from splitmix64, whose first numbers from 0 are known as well. */
START_TEST(seeds_are_spread)
{
	static const uint64_t wanted[] = {0xe220a8397b1dcdafull, 0x6e789e6aa1b965f4ull,
					  0x06c45d188009454full, 0xf88bb8a8724c81ecull};
	struct mc_random random, same;

	mc_random_init(&random, 0);
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(random.state[i], wanted[i]);
	mc_random_init(&same, 0);
	for (int i = 0; i < 1000; i++)
		must(mc_random_next(&random) == mc_random_next(&same));
	mc_random_init(&same, 1);
	ck_assert_uint_ne(mc_random_next(&random), mc_random_next(&same));
}
END_TEST

#define DRAWS 600000

START_TEST(numbers_below_a_bound_are_below_it_and_even)
{
	static const uint64_t bounds[] = {1, 2, 3, 6, 1000, UINT32_MAX, 1ull << 63, UINT64_MAX};
	uint32_t seen[6] = {0};
	struct mc_random random;

	mc_random_init(&random, 12345);
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		uint64_t half = 0;

		for (int n = 0; n < 10000; n++) {
			uint64_t drawn = mc_random_below(&random, bounds[i]);

			must(drawn < bounds[i]);
			half += drawn >= bounds[i] / 2;
		}
		/* 5,000 of the upper half, give or take ten standard deviations */
		must(bounds[i] <= 3 || (half > 4500 && half < 5500));
	}
	for (int n = 0; n < DRAWS; n++)
		seen[mc_random_below(&random, 6)]++;
	for (int i = 0; i < 6; i++)
		ck_assert_int_lt(abs((int)seen[i] - DRAWS / 6), 2900);
}
END_TEST

static uint64_t
seed_fixed(void)
{
	return 99;
}

START_TEST(another_source_of_seeds_can_be_set)
{
	uint64_t first = mc_random_seed();

	ck_assert_uint_ne(first, mc_random_seed());
	mc_random_seed_set(seed_fixed);
	ck_assert_uint_eq(mc_random_seed(), 99);
	ck_assert_uint_eq(mc_random_seed(), 99);
	mc_random_seed_set(NULL);
	ck_assert_uint_ne(mc_random_seed(), mc_random_seed());
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base/random");
	TCase *tc = tcase_create("random");

	tcase_add_test(tc, the_sequence_is_the_published_one);
	tcase_add_test(tc, seeds_are_spread);
	tcase_add_test(tc, numbers_below_a_bound_are_below_it_and_even);
	tcase_add_test(tc, another_source_of_seeds_can_be_set);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
