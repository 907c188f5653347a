/* SPDX-License-Identifier: Apache-2.0 */
/* Figures from results, and the exact lines that are made of them. */
#include "apps/mc-bench/transfer_report.h"

#include <string.h>

#include "core/base/clock.h"
#include "tests/support/suite.h"

static char *text;
static size_t text_len;
static FILE *out;

static const struct transfer_row sample = {
	.driver = "shm", .op = MC_WRITE, .size = 65536, .set = 256 << 20, .batch = 4, .post = 1,
	.threads = 2,
	.rounds = 3, .complete = "callback", .cpu_of_both = true,
	.figures = {.gb_per_s = 12.3456, .ops_per_s = 188380.2, .p50_us = 40.25, .p99_us = 99.5,
		    .p999_us = 150, .max_us = 400.125, .cpu_s_per_gb = 0.0815,
		    .first_gb_per_s = 3.5, .errors = 1, .verified = 77, .seconds = 12},
};

static void
setup(void)
{
	out = open_memstream(&text, &text_len);
}

static void
teardown(void)
{
	fclose(out);
	free(text);
}

static void
text_expect(const char *expected)
{
	fflush(out);
	ck_assert_str_eq(text, expected);
}

/* 2 s with @ops transfers of 10 µs. */
static struct transfer_result
result_make(uint64_t ops, double cpu_s)
{
	struct transfer_result result = {.ops = ops, .seconds = 2, .cpu_s = cpu_s, .errors = 1,
					 .verified = 10, .first_pass_s = 0.5};

	for (uint64_t i = 0; i < ops; i++)
		mc_histogram_add(&result.latency, 10 * MC_NS_PER_US);
	return result;
}

START_TEST(figures_are_per_second_and_per_gb)
{
	struct transfer_result result = result_make(1000, 0.5);
	struct transfer_figures figures = transfer_figures_median(&result, 1, 1000000, 10500000);

	ck_assert_double_eq_tol(figures.gb_per_s, 0.5, 1e-9);
	ck_assert_double_eq_tol(figures.ops_per_s, 500, 1e-9);
	ck_assert_double_eq_tol(figures.p50_us, 10, 0.4);
	ck_assert_double_eq_tol(figures.cpu_s_per_gb, 0.5, 1e-9);
	/* ten whole blocks */
	ck_assert_double_eq_tol(figures.first_gb_per_s, 0.02, 1e-9);
}
END_TEST

START_TEST(medians_pass_over_a_bad_round)
{
	static struct transfer_result results[3];
	struct transfer_figures figures;

	results[0] = result_make(1000, 0.5);
	results[1] = result_make(10, 0.5);
	results[2] = result_make(1200, 0.5);
	results[1].first_pass_s = 9;
	figures = transfer_figures_median(results, 3, 1000000, 10000000);
	ck_assert_double_eq_tol(figures.ops_per_s, 500, 1e-9);
	ck_assert_uint_eq(figures.errors, 3);
	ck_assert_uint_eq(figures.verified, 30);
	ck_assert_double_eq(figures.seconds, 6);
	ck_assert_double_eq_tol(figures.first_gb_per_s, 0.02, 1e-9);
}
END_TEST

START_TEST(nothing_moved_is_no_division)
{
	struct transfer_result result = {.cpu_s = 1};
	struct transfer_figures figures = transfer_figures_median(&result, 1, 4096, 8192);

	ck_assert_double_eq(figures.gb_per_s, 0);
	ck_assert_double_lt(figures.cpu_s_per_gb, 0);
	ck_assert_double_eq(figures.first_gb_per_s, 0);
}
END_TEST

START_TEST(the_table_is_aligned)
{
	struct transfer_row unknown = sample;

	unknown.figures.cpu_s_per_gb = -1;
	unknown.figures.first_gb_per_s = 0;
	unknown.op = MC_READ;
	transfer_report_head(out, false, "shm", "about it");
	transfer_report_row(out, false, &sample);
	transfer_report_row(out, false, &unknown);
	text_expect("shm: about it\n"
		    "    size op    driver  flight     GB/s       ops/s     p50 us     p99 us  "
		    "cpu s/GB first GB/s errors\n"
		    "     64K write shm          8   12.346      188380       40.2       99.5     "
		    "0.082      3.500      1\n"
		    "     64K read  shm          8   12.346      188380       40.2       99.5     "
		    "    -          -      1\n");
}
END_TEST

START_TEST(submissions_of_several_are_told)
{
	char flight[TRANSFER_FLIGHT_TEXT];
	struct transfer_row row = sample;

	ck_assert_str_eq(transfer_flight_text(&row, flight), "8");
	row.post = 16;
	ck_assert_str_eq(transfer_flight_text(&row, flight), "8x16");
}
END_TEST

START_TEST(json_is_a_line_per_row)
{
	transfer_report_head(out, true, "shm", "about it");
	transfer_report_row(out, true, &sample);
	text_expect("{\"bench\":\"transfer\",\"op\":\"write\",\"size\":65536,\"batch\":4,"
		    "\"post\":1,\"threads\":2,\"driver\":\"shm\",\"complete\":\"callback\","
		    "\"set\":268435456,\"rounds\":3,\"seconds\":12.000,\"gb_per_s\":12.3456,"
		    "\"ops_per_s\":188380.2,"
		    "\"p50_us\":40.250,\"p99_us\":99.500,\"p999_us\":150.000,\"max_us\":400.125,"
		    "\"cpu_s_per_gb\":0.0815,\"cpu_of\":\"both\",\"first_pass_gb_per_s\":3.5,"
		    "\"verified\":77,\"errors\":1}\n");
}
END_TEST

START_TEST(what_is_unknown_is_null)
{
	struct transfer_row unknown = sample;

	unknown.figures.cpu_s_per_gb = -1;
	unknown.figures.first_gb_per_s = 0;
	unknown.cpu_of_both = false;
	transfer_report_row(out, true, &unknown);
	fflush(out);
	ck_assert_ptr_nonnull(strstr(text, "\"cpu_s_per_gb\":null,\"cpu_of\":\"initiator\","
					   "\"first_pass_gb_per_s\":null,"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mc-bench/transfer_report");
	TCase *tc = tcase_create("report");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, figures_are_per_second_and_per_gb);
	tcase_add_test(tc, medians_pass_over_a_bad_round);
	tcase_add_test(tc, nothing_moved_is_no_division);
	tcase_add_test(tc, the_table_is_aligned);
	tcase_add_test(tc, submissions_of_several_are_told);
	tcase_add_test(tc, json_is_a_line_per_row);
	tcase_add_test(tc, what_is_unknown_is_null);
	suite_add_tcase(s, tc);
	return suite_run(s, CK_FORK_GETENV);
}
