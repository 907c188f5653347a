/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mem/size.h"

#include <check.h>

#include "tests/support/suite.h"

START_TEST(sizes_as_people_read_them)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0 bytes"},		     {1023, "1023 bytes"},
		{1024, "1 KiB"},	     {1536, "1.5 KiB"},
		{4096, "4 KiB"},	     {(1 << 20) - 1, "1023.9 KiB"},
		{2 << 20, "2 MiB"},	     {16ull << 30, "16 GiB"},
		{(1ull << 30) + 1, "1 GiB"}, {1ull << 55, "32768 TiB"},
		{UINT64_MAX, "16777215.9 TiB"},
	};
	char text[32];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_str_eq(mc_size_text(cases[i].bytes, text, sizeof(text)), cases[i].text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mem/size");
	TCase *tc = tcase_create("size");

	tcase_add_test(tc, sizes_as_people_read_them);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
