/* SPDX-License-Identifier: Apache-2.0 */
/* The histogram against the sorted samples. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/histogram.h"
#include "core/base/random.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

#define SAMPLES 20000

static const double fractions[] = {0, 0.001, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 0.9999, 1};

static struct mc_histogram histogram;
static struct mc_random prng;
static uint64_t samples[SAMPLES];

static void
setup(void)
{
	const char *text = getenv("MC_TEST_SEED");
	uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : mc_random_seed();

	printf("MC_TEST_SEED=%" PRIu64 "\n", seed);
	fflush(stdout);
	mc_random_init(&prng, seed);
	mc_histogram_reset(&histogram);
}

static int
sample_order(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* The true value, or up to 3.2 % above it. */
static void
percentiles_check(size_t count)
{
	qsort(samples, count, sizeof(samples[0]), sample_order);
	for (size_t i = 0; i < sizeof(fractions) / sizeof(fractions[0]); i++) {
		size_t at = (size_t)((double)count * fractions[i]);
		uint64_t exact = samples[at < count ? at : count - 1];
		uint64_t got = mc_histogram_percentile(&histogram, fractions[i]);

		ck_assert_msg(got >= exact && (double)(got - exact) <= (double)exact * 0.032,
			      "%g of %zu: %" PRIu64 ", not %" PRIu64, fractions[i], count, got,
			      exact);
	}
}

/* All magnitudes alike, up to 2^bits. */
static uint64_t
sample_random(unsigned int bits)
{
	return mc_random_below(&prng, 1ull << (1 + mc_random_below(&prng, bits)));
}

START_TEST(percentiles_are_near_the_sorted_ones)
{
	for (unsigned int bits = 1; bits <= 40; bits++) {
		size_t count = 1 + mc_random_below(&prng, SAMPLES);
		uint64_t sum = 0;

		mc_histogram_reset(&histogram);
		for (size_t i = 0; i < count; i++) {
			samples[i] = sample_random(bits);
			sum += samples[i];
			mc_histogram_add(&histogram, samples[i]);
		}
		percentiles_check(count);
		ck_assert_uint_eq(histogram.count, count);
		ck_assert_uint_eq(histogram.sum_ns, sum);
		ck_assert_uint_eq(histogram.max_ns, samples[count - 1]);
		ck_assert_uint_eq(mc_histogram_percentile(&histogram, 1), samples[count - 1]);
	}
}
END_TEST

START_TEST(every_border_is_near)
{
	for (unsigned int bit = 0; bit < 40; bit++) {
		for (int off = -1; off <= 1; off++) {
			uint64_t value = (1ull << bit) + (uint64_t)off;

			mc_histogram_reset(&histogram);
			mc_histogram_add(&histogram, value);
			/* a larger one, so that it is not the largest that bounds the answer */
			mc_histogram_add(&histogram, 1ull << 41);
			samples[0] = value;
			must(mc_histogram_percentile(&histogram, 0) >= value);
			must(mc_histogram_percentile(&histogram, 0) - value <= value * 0.032);
		}
	}
}
END_TEST

START_TEST(merging_is_adding_both)
{
	struct mc_histogram other;

	mc_histogram_reset(&other);
	for (size_t i = 0; i < SAMPLES; i++) {
		samples[i] = sample_random(36);
		mc_histogram_add(i % 3 == 0 ? &other : &histogram, samples[i]);
	}
	mc_histogram_merge(&histogram, &other);
	ck_assert_uint_eq(histogram.count, SAMPLES);
	percentiles_check(SAMPLES);
	ck_assert_uint_eq(histogram.max_ns, samples[SAMPLES - 1]);
}
END_TEST

START_TEST(empty_and_beyond_the_range)
{
	ck_assert_uint_eq(mc_histogram_percentile(&histogram, 0.5), 0);
	mc_histogram_add(&histogram, UINT64_MAX);
	ck_assert_uint_eq(histogram.max_ns, UINT64_MAX);
	ck_assert_uint_ge(mc_histogram_percentile(&histogram, 0.5), 1ull << 40);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base/histogram");
	TCase *tc = tcase_create("histogram");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, percentiles_are_near_the_sorted_ones);
	tcase_add_test(tc, every_border_is_near);
	tcase_add_test(tc, merging_is_adding_both);
	tcase_add_test(tc, empty_and_beyond_the_range);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
