/* SPDX-License-Identifier: Apache-2.0 */
/* Figures from results, and the exact lines that are made of them. */
#include "apps/mc-bench/report.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "tests/support/suite.h"

static char *text;
static size_t text_len;
static FILE *out;
static struct target target;
static struct run_params params;

static void
setup(void)
{
	out = open_memstream(&text, &text_len);
	target = (struct target){.address = "10.0.0.1:50051"};
	params = (struct run_params){.op = OP_GET, .connections = 8, .depth = 16, .batch = 1,
				     .key_size = 20, .keys_count = 1000, .value_size = 4096};
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

/* A run of 2 s with @calls calls of 1 µs, but for one of @slowest_ns. */
static struct run_result
result_make(uint64_t calls, uint64_t slowest_ns)
{
	struct run_result result = {.calls = calls, .keys = 4 * calls, .seconds = 2,
				    .cpu_us_per_call = 1.5, .wrong = 1};

	for (uint64_t i = 1; i < calls; i++)
		mc_histogram_add(&result.latency, MC_NS_PER_US);
	mc_histogram_add(&result.latency, slowest_ns);
	return result;
}

static const struct figures sample = {
	.calls_per_s = 1234.56, .keys_per_s = 4938.2, .p50_us = 1.25, .p99_us = 20.5,
	.p999_us = 300.75, .max_us = 4000, .cpu_us_per_call = 2.125, .wrong = 3, .seconds = 4,
};

/* ---- figures ---- */

START_TEST(figures_are_per_second)
{
	struct run_result result = result_make(1000, 5 * MC_NS_PER_MS);
	struct figures figures = figures_of(&result);

	ck_assert_double_eq(figures.calls_per_s, 500);
	ck_assert_double_eq(figures.keys_per_s, 2000);
	ck_assert_double_eq_tol(figures.p50_us, 1, 0.04);
	ck_assert_double_eq_tol(figures.p99_us, 1, 0.04);
	ck_assert_double_eq_tol(figures.max_us, 5000, 1);
	ck_assert_double_eq(figures.cpu_us_per_call, 1.5);
	ck_assert_uint_eq(figures.wrong, 1);
}
END_TEST

START_TEST(nothing_measured_is_zero)
{
	struct run_result result = {.cpu_us_per_call = -1};
	struct figures figures = figures_of(&result);

	ck_assert_double_eq(figures.calls_per_s, 0);
	ck_assert_double_eq(figures.p999_us, 0);
	ck_assert_double_lt(figures.cpu_us_per_call, 0);
}
END_TEST

START_TEST(medians_pass_over_a_bad_round)
{
	struct run_result *results = calloc(REPORT_ROUNDS_MAX, sizeof(*results));
	static const uint64_t calls[] = {300, 100, 1000000, 200};
	struct figures figures;

	for (int i = 0; i < 4; i++)
		results[i] = result_make(calls[i] > 1000 ? 1000 : calls[i], MC_NS_PER_MS);
	figures = figures_median(results, 3);
	ck_assert_double_eq(figures.calls_per_s, 150);
	ck_assert_double_eq(figures.seconds, 6);
	ck_assert_uint_eq(figures.wrong, 3);
	/* of an even number, the middle of the two */
	figures = figures_median(results, 4);
	ck_assert_double_eq(figures.calls_per_s, 125);
	ck_assert_double_eq(figures_median(results, 1).calls_per_s, 150);
	for (unsigned int i = 0; i < REPORT_ROUNDS_MAX; i++)
		results[i] = result_make(2 * (i + 1), MC_NS_PER_MS);
	ck_assert_double_eq(figures_median(results, REPORT_ROUNDS_MAX).calls_per_s, 50.5);
	free(results);
}
END_TEST

/* ---- rows ---- */

START_TEST(the_table_is_aligned)
{
	report_head(out, false);
	report_row(out, false, &target, &params, &sample);
	strcpy(target.name, "mc-master");
	report_row(out, false, &target, &params, &(struct figures){.cpu_us_per_call = -1});
	text_expect("op           conns depth     calls/s      keys/s    p50 us    p99 us  p99.9 us"
		    "    cpu us  errors  master\n"
		    "get              8    16        1235        4938       1.2      20.5     300.8"
		    "      2.12       3  10.0.0.1:50051\n"
		    "get              8    16           0           0       0.0       0.0       0.0"
		    "         -       0  mc-master\n");
}
END_TEST

#define JSON_LOAD                                                                             \
	"{\"bench\":\"master\",\"op\":\"get\",\"master\":\"10.0.0.1:50051\",\"connections\":8," \
	"\"depth\":16,\"batch\":1,\"keys\":1000,\"key_size\":20,\"value_size\":4096,"
#define JSON_FIGURES                                                                            \
	"\"seconds\":4.000,\"ops_per_s\":1234.6,\"keys_per_s\":4938.2,\"p50_us\":1.25,"          \
	"\"p99_us\":20.50,\"p999_us\":300.75,\"max_us\":4000.00,"

START_TEST(json_is_a_line_per_row)
{
	struct figures unknown = sample;

	unknown.cpu_us_per_call = -1;
	report_head(out, true);
	report_row(out, true, &target, &params, &sample);
	report_row(out, true, &target, &params, &unknown);
	text_expect(JSON_LOAD JSON_FIGURES "\"cpu_us_per_call\":2.125,\"errors\":3}\n"
		    JSON_LOAD JSON_FIGURES "\"cpu_us_per_call\":null,\"errors\":3}\n");
}
END_TEST

START_TEST(another_program_is_named)
{
	strcpy(target.name, "mooncake_master");
	report_row(out, true, &target, &params, &sample);
	strcpy(target.name, "mc-master");
	report_row(out, true, &target, &params, &sample);
	text_expect(JSON_LOAD JSON_FIGURES
		    "\"cpu_us_per_call\":2.125,\"peer\":\"mooncake_master\",\"errors\":3}\n"
		    JSON_LOAD JSON_FIGURES "\"cpu_us_per_call\":2.125,\"errors\":3}\n");
}
END_TEST

/* ---- comparisons ---- */

START_TEST(a_ratio_is_the_first_to_the_second)
{
	struct figures half = sample;

	half.calls_per_s /= 2;
	half.p50_us *= 4;
	half.cpu_us_per_call = -1;
	half.p99_us = 0;
	report_ratio(out, true, &params, &sample, &half);
	report_ratio(out, false, &params, &half, &sample);
	text_expect("{\"bench\":\"master\",\"op\":\"get\",\"connections\":8,\"depth\":16,"
		    "\"batch\":1,\"ratio\":{\"ops_per_s\":2,\"p50_us\":0.25,\"p99_us\":null,"
		    "\"cpu_us_per_call\":null}}\n"
		    "  ratio                          0.5                     4         0"
		    "                   -\n");
}
END_TEST

/* ---- errors ---- */

START_TEST(errors_are_named)
{
	struct run_result result = {.errors = {{-704, 12}, {1, 1}, {2, 3}, {-9999, 4}}};

	report_errors(out, &target, &params, &result);
	text_expect("mc-bench: 10.0.0.1:50051: get: 12 x OBJECT_NOT_FOUND (-704)\n"
		    "mc-bench: 10.0.0.1:50051: get: 1 x framing-level error (1)\n"
		    "mc-bench: 10.0.0.1:50051: get: 3 x wrong answer (2)\n"
		    "mc-bench: 10.0.0.1:50051: get: 4 x UNKNOWN (-9999)\n");
}
END_TEST

START_TEST(no_errors_are_no_lines)
{
	report_errors(out, &target, &params, &(struct run_result){0});
	text_expect("");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mc-bench/report");
	TCase *tc = tcase_create("report");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, figures_are_per_second);
	tcase_add_test(tc, nothing_measured_is_zero);
	tcase_add_test(tc, medians_pass_over_a_bad_round);
	tcase_add_test(tc, the_table_is_aligned);
	tcase_add_test(tc, json_is_a_line_per_row);
	tcase_add_test(tc, another_program_is_named);
	tcase_add_test(tc, a_ratio_is_the_first_to_the_second);
	tcase_add_test(tc, errors_are_named);
	tcase_add_test(tc, no_errors_are_no_lines);
	suite_add_tcase(s, tc);
	return suite_run(s, CK_FORK_GETENV);
}
