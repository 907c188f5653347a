/* SPDX-License-Identifier: Apache-2.0 */
#include "core/metrics/latency.h"

#include <check.h>
#include <string.h>

#include "tests/support/must.h"
#include "tests/support/suite.h"

/* Every bucket takes what lies from the end of the one before to its own, which it does not. */
START_TEST(buckets_follow_each_other)
{
	ck_assert_uint_eq(mc_latency_bucket(0), 0);
	for (unsigned int i = 0; i + 1 < MC_LATENCY_BUCKETS; i++) {
		must(mc_latency_bucket(mc_latency_end_ns(i) - 1) == i);
		must(mc_latency_bucket(mc_latency_end_ns(i)) == i + 1);
		must(i == 0 || mc_latency_end_ns(i) * 4 <= mc_latency_end_ns(i - 1) * 5);
	}
	ck_assert_uint_eq(mc_latency_bucket(UINT64_MAX), MC_LATENCY_BUCKETS - 1);
	ck_assert_uint_eq(mc_latency_end_ns(MC_LATENCY_BUCKETS - 1), UINT64_MAX);
}
END_TEST

START_TEST(sums_are_of_all_threads)
{
	struct mc_latency latency[2] = {0};
	struct mc_latency_sums sums = {0};

	mc_latency_add(&latency[0], 100, 3);
	mc_latency_add(&latency[1], 100, 1);
	mc_latency_add(&latency[1], 1 << 20, 2);
	mc_latency_sum(&latency[0], &sums);
	mc_latency_sum(&latency[1], &sums);
	ck_assert_uint_eq(sums.count, 6);
	ck_assert_uint_eq(sums.sum_ns, 400 + (2 << 20));
	ck_assert_uint_eq(sums.bucket[0], 4);
	ck_assert_uint_eq(sums.bucket[mc_latency_bucket(1 << 20)], 2);
}
END_TEST

START_TEST(samples_count_what_lies_below)
{
	static const char *const lines[] = {
		"# TYPE a_seconds histogram\n",
		"\na_seconds_bucket{le=\"1.024e-06\"} 1\n",
		"\na_seconds_bucket{le=\"2.048e-06\"} 3\n",
		"\na_seconds_bucket{le=\"4.096e-06\"} 3\n",
		"\na_seconds_bucket{le=\"17.17986918\"} 3\n",
		"\na_seconds_bucket{le=\"+Inf\"} 4\n",
		"\na_seconds_sum 100\n",
		"\na_seconds_count 4\n",
	};
	struct mc_latency_sums sums = {.count = 4, .sum_ns = 100000000000};
	struct mc_buf out;

	sums.bucket[0] = 1;
	sums.bucket[1] = 1;
	sums.bucket[4] = 1;
	sums.bucket[MC_LATENCY_BUCKETS - 1] = 1;
	mc_buf_init(&out);
	mc_prometheus_latency(&out, "a_seconds", "How long a takes", &sums);
	ck_assert_int_eq(mc_buf_append(&out, "", 1), MC_OK);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(strstr((char *)out.data, lines[i]) != NULL, "no %s in %s", lines[i],
			      (char *)out.data);
	mc_buf_fini(&out);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("metrics/latency");
	TCase *tc = tcase_create("latency");

	tcase_add_test(tc, buckets_follow_each_other);
	tcase_add_test(tc, sums_are_of_all_threads);
	tcase_add_test(tc, samples_count_what_lies_below);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
