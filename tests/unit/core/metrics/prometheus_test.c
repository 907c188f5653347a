/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>

#include "core/metrics/metrics.h"
#include "tests/support/suite.h"

static struct mc_buf out;

static void
setup(void)
{
	mc_buf_init(&out);
}

static void
teardown(void)
{
	mc_buf_fini(&out);
}

static void
text_expect(const char *text)
{
	ck_assert_uint_eq(mc_buf_len(&out), strlen(text));
	ck_assert_msg(memcmp(out.data + out.head, text, strlen(text)) == 0, "\"%.*s\"",
		      (int)mc_buf_len(&out), (const char *)out.data + out.head);
}

START_TEST(heads_name_help_and_type)
{
	mc_prometheus_head(&out, "a_total", MC_METRIC_COUNTER, "What a counts");
	mc_prometheus_head(&out, "b", MC_METRIC_GAUGE, "What b is");
	text_expect("# HELP a_total What a counts\n# TYPE a_total counter\n"
		    "# HELP b What b is\n# TYPE b gauge\n");
}
END_TEST

START_TEST(samples_with_and_without_label)
{
	mc_prometheus_u64(&out, "a", NULL, NULL, 0);
	mc_prometheus_u64(&out, "a", "fn", "Ping", UINT64_MAX);
	mc_prometheus_double(&out, "b", NULL, NULL, 0.25);
	mc_prometheus_double(&out, "b", "lcore", "0", 1);
	text_expect("a 0\na{fn=\"Ping\"} 18446744073709551615\nb 0.25\nb{lcore=\"0\"} 1\n");
}
END_TEST

START_TEST(label_values_are_escaped)
{
	mc_prometheus_u64(&out, "a", "l", "back\\slash \"quote\" line\nend", 1);
	text_expect("a{l=\"back\\\\slash \\\"quote\\\" line\\nend\"} 1\n");
}
END_TEST

START_TEST(long_label_values_are_cut_between_characters)
{
	/* whatever the cut, an escape is never halved and the line stays whole */
	for (size_t lead = 0; lead < 2; lead++) {
		char value[2001];
		const char *text;
		size_t len;

		memset(value, '"', sizeof(value) - 1);
		memset(value, 'x', lead);
		value[sizeof(value) - 1] = '\0';
		out.head = out.tail = 0;
		mc_prometheus_u64(&out, "a", "l", value, 7);
		text = (const char *)out.data;
		len = mc_buf_len(&out);
		ck_assert_uint_gt(len, 400);
		ck_assert(memcmp(text, "a{l=\"", 5) == 0);
		ck_assert(memcmp(text + len - 5, "\"} 7\n", 5) == 0);
		ck_assert_uint_eq((len - 10 - lead) % 2, 0);
		for (size_t i = 5 + lead; i < len - 5; i += 2)
			ck_assert(text[i] == '\\' && text[i + 1] == '"');
	}
}
END_TEST

START_TEST(a_head_that_is_too_long_is_left_out_whole)
{
	char help[1000];

	memset(help, 'h', sizeof(help) - 1);
	help[sizeof(help) - 1] = '\0';
	mc_prometheus_head(&out, "a", MC_METRIC_GAUGE, help);
	ck_assert_uint_eq(mc_buf_len(&out), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("prometheus");
	TCase *tc = tcase_create("text");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, heads_name_help_and_type);
	tcase_add_test(tc, samples_with_and_without_label);
	tcase_add_test(tc, label_values_are_escaped);
	tcase_add_test(tc, long_label_values_are_cut_between_characters);
	tcase_add_test(tc, a_head_that_is_too_long_is_left_out_whole);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
