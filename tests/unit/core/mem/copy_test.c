/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdint.h>
#include <string.h>

#include "core/mem/mem.h"
#include "tests/support/suite.h"

START_TEST(copies)
{
	static uint8_t src[100000], dst[100000];

	for (size_t i = 0; i < sizeof(src); i++)
		src[i] = (uint8_t)(i * 7 + i / 256);
	mc_mem_copy(dst + 3, src + 1, sizeof(src) - 7);
	ck_assert_int_eq(memcmp(dst + 3, src + 1, sizeof(src) - 7), 0);
	ck_assert_uint_eq(dst[2], 0);
	ck_assert_uint_eq(dst[sizeof(dst) - 4], 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mem/copy");
	TCase *tc = tcase_create("copy");

	tcase_add_test(tc, copies);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
