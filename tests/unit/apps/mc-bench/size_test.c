/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, lists and sweeps: what they mean, and what is refused. */
#include "apps/mc-bench/size.h"

#include "tests/support/suite.h"

static uint64_t sizes[8];
static unsigned int count;

static void
size_expect(const char *text, uint64_t expected)
{
	uint64_t size;

	ck_assert_msg(size_parse(text, &size) == MC_OK, "%s", text);
	ck_assert_uint_eq(size, expected);
}

START_TEST(units_are_powers_of_1024)
{
	size_expect("1", 1);
	size_expect("4096", 4096);
	size_expect("7B", 7);
	size_expect("4K", 4096);
	size_expect("4k", 4096);
	size_expect("4KiB", 4096);
	size_expect("4KB", 4096);
	size_expect("1M", 1 << 20);
	size_expect("3G", 3ull << 30);
	size_expect("1T", SIZE_LARGEST);
}
END_TEST

START_TEST(what_is_no_size_is_refused)
{
	static const char *const bad[] = {"", "K", "0", "0K", "-1", " 1", "1 K", "1.5M", "4KK",
					  "4Kx", "1Q", "2T", "1025G", "99999999999999999999",
					  "0x10", "18446744073709551615", "+4"};
	uint64_t size = 77;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(size_parse(bad[i], &size) == MC_ERR_INVALID, "%s", bad[i]);
	ck_assert_uint_eq(size, 77);
}
END_TEST

START_TEST(lists_keep_their_order)
{
	ck_assert_int_eq(size_list_parse("1M,4K,64", sizes, 8, &count), MC_OK);
	ck_assert_uint_eq(count, 3);
	ck_assert_uint_eq(sizes[0], 1 << 20);
	ck_assert_uint_eq(sizes[1], 4096);
	ck_assert_uint_eq(sizes[2], 64);
	ck_assert_int_eq(size_list_parse("1,2,3", sizes, 2, &count), MC_ERR_TOO_LARGE);
	ck_assert_int_eq(size_list_parse("1,,3", sizes, 8, &count), MC_ERR_INVALID);
	ck_assert_int_eq(size_list_parse("1,", sizes, 8, &count), MC_ERR_INVALID);
	ck_assert_int_eq(size_list_parse("", sizes, 8, &count), MC_ERR_INVALID);
}
END_TEST

START_TEST(sweeps_go_by_a_factor)
{
	ck_assert_int_eq(size_sweep_parse("4K:32K", sizes, 8, &count), MC_OK);
	ck_assert_uint_eq(count, 4);
	ck_assert_uint_eq(sizes[3], 32768);
	ck_assert_int_eq(size_sweep_parse("4K:64M:16", sizes, 8, &count), MC_OK);
	ck_assert_uint_eq(count, 4);
	ck_assert_uint_eq(sizes[3], 16 << 20);
	ck_assert_int_eq(size_sweep_parse("5:5", sizes, 8, &count), MC_OK);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(size_sweep_parse("3:13", sizes, 8, &count), MC_OK);
	ck_assert_uint_eq(count, 3);
	ck_assert_uint_eq(sizes[2], 12);
	ck_assert_int_eq(size_sweep_parse("512G:1T", sizes, 8, &count), MC_OK);
	ck_assert_uint_eq(count, 2);
	ck_assert_int_eq(size_sweep_parse("1:1T:1T", sizes, 8, &count), MC_OK);
	ck_assert_uint_eq(count, 2);
}
END_TEST

START_TEST(what_is_no_sweep_is_refused)
{
	static const char *const bad[] = {"", "4K", "4K:", ":4K", "8K:4K", "4K:8K:1", "4K:8K:0",
					  "4K:8K:", "4K:8K:2:3", "a:b", "4K-8K"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(size_sweep_parse(bad[i], sizes, 8, &count) == MC_ERR_INVALID, "%s",
			      bad[i]);
	ck_assert_int_eq(size_sweep_parse("1:1M", sizes, 8, &count), MC_ERR_TOO_LARGE);
}
END_TEST

START_TEST(texts_are_as_short_as_they_are_exact)
{
	char text[SIZE_TEXT];

	ck_assert_str_eq(size_text(1, text), "1");
	ck_assert_str_eq(size_text(1023, text), "1023");
	ck_assert_str_eq(size_text(1024, text), "1K");
	ck_assert_str_eq(size_text(1025, text), "1025");
	ck_assert_str_eq(size_text(64 << 20, text), "64M");
	ck_assert_str_eq(size_text(3ull << 40, text), "3T");
	ck_assert_str_eq(size_text(1ull << 50, text), "1024T");
	ck_assert_str_eq(size_text(UINT64_MAX, text), "18446744073709551615");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mc-bench/size");
	TCase *tc = tcase_create("size");

	tcase_add_test(tc, units_are_powers_of_1024);
	tcase_add_test(tc, what_is_no_size_is_refused);
	tcase_add_test(tc, lists_keep_their_order);
	tcase_add_test(tc, sweeps_go_by_a_factor);
	tcase_add_test(tc, what_is_no_sweep_is_refused);
	tcase_add_test(tc, texts_are_as_short_as_they_are_exact);
	suite_add_tcase(s, tc);
	return suite_run(s, CK_FORK_GETENV);
}
