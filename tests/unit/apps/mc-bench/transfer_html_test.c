/* SPDX-License-Identifier: Apache-2.0 */
/* The page: whole, with nothing from outside, and with every curve where its figures say. */
#include "apps/mc-bench/transfer_html.h"

#include <string.h>

#include "apps/mc-bench/transfer_chart.h"
#include "tests/support/suite.h"

static struct mc_buf page;
static struct transfer_row rows[6];

static void
setup(void)
{
	mc_buf_init(&page);
	for (unsigned int i = 0; i < 6; i++) {
		rows[i] = (struct transfer_row){
			.op = i / 3 == 0 ? MC_READ : MC_WRITE,
			.size = 4096ull << (4 * (i % 3)),
			.batch = 8,
			.post = 1,
			.threads = 1,
			.complete = "callback",
			.cpu_of_both = true,
			.figures = {.gb_per_s = 2 + i, .p50_us = 10, .p99_us = 100},
		};
		strcpy(rows[i].driver, "shm");
	}
}

static void
teardown(void)
{
	mc_buf_fini(&page);
}

static const char *
write_page(const char *command, unsigned int count)
{
	struct transfer_page params = {
		.command = command, .about = "a & b", .rows = rows, .rows_count = count,
		.real_ns = 1795000000ull * 1000000000,
	};

	ck_assert_int_eq(transfer_html_write(&params, &page), MC_OK);
	ck_assert_int_eq(mc_buf_append(&page, "", 1), MC_OK);
	return (const char *)page.data + page.head;
}

static unsigned int
times(const char *text, const char *part)
{
	unsigned int count = 0;

	for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
		count++;
	return count;
}

START_TEST(it_needs_nothing_from_outside)
{
	const char *text = write_page("mc-bench transfer", 6);

	ck_assert_uint_eq(times(text, "http:") + times(text, "https:"), 0);
	ck_assert_uint_eq(times(text, "src="), 0);
	ck_assert_uint_eq(times(text, "url("), 0);
	ck_assert_uint_eq(times(text, "@import"), 0);
	ck_assert_uint_eq(times(text, "<script"), 0);
	ck_assert_uint_eq(times(text, "prefers-color-scheme:dark"), 1);
	ck_assert_uint_eq(times(text, "width=device-width"), 1);
	ck_assert_uint_eq(times(text, "2026-11-"), 1);
}
END_TEST

START_TEST(each_driver_and_op_is_a_curve)
{
	const char *text = write_page("mc-bench transfer", 6);

	ck_assert_uint_eq(times(text, "<svg"), 2);
	/* two in the first, two and their tails in the second */
	ck_assert_uint_eq(times(text, "<polyline"), 6);
	ck_assert_uint_eq(times(text, "<polyline class=\"curve tail\""), 2);
	ck_assert_uint_eq(times(text, "<circle"), 18);
	ck_assert_uint_eq(times(text, "<tr><td>shm</td>"), 6);
	ck_assert_uint_eq(times(text, "nan"), 0);
	ck_assert_uint_eq(times(text, "inf"), 0);
}
END_TEST

START_TEST(one_row_and_none_are_fine)
{
	const char *text = write_page("mc-bench transfer", 1);

	ck_assert_uint_eq(times(text, "<circle"), 3);
	ck_assert_uint_eq(times(text, "nan"), 0);
	teardown();
	mc_buf_init(&page);
	memset(rows, 0, sizeof(rows[0]));
	rows[0].size = 1;
	text = write_page("mc-bench transfer", 1);
	ck_assert_uint_eq(times(text, "nan"), 0);
	ck_assert_uint_eq(times(text, "inf\""), 0);
	teardown();
	mc_buf_init(&page);
	text = write_page("mc-bench transfer", 0);
	ck_assert_uint_eq(times(text, "<svg"), 0);
	ck_assert_uint_eq(times(text, "</html>"), 1);
}
END_TEST

START_TEST(texts_cannot_leave_their_place)
{
	const char *text = write_page("mc-bench </pre><script>\"&\x01", 1);

	ck_assert_uint_eq(times(text, "<script"), 0);
	ck_assert_ptr_nonnull(strstr(text, "&lt;/pre>&lt;script>&quot;&amp;?</pre>"));
	ck_assert_ptr_nonnull(strstr(text, "<p>a &amp; b</p>"));
}
END_TEST

START_TEST(what_is_not_utf8_is_shown_as_such)
{
	ck_assert_ptr_nonnull(strstr(write_page("\xff\xfe ok", 1), "<pre>?? ok</pre>"));
	teardown();
	mc_buf_init(&page);
	ck_assert_ptr_nonnull(strstr(write_page("µ ok", 1), "<pre>µ ok</pre>"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mc-bench/transfer_html");
	TCase *tc = tcase_create("html");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, it_needs_nothing_from_outside);
	tcase_add_test(tc, each_driver_and_op_is_a_curve);
	tcase_add_test(tc, one_row_and_none_are_fine);
	tcase_add_test(tc, texts_cannot_leave_their_place);
	tcase_add_test(tc, what_is_not_utf8_is_shown_as_such);
	suite_add_tcase(s, tc);
	return suite_run(s, CK_FORK_GETENV);
}
