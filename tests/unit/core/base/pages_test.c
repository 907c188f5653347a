/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/pages.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

#define HUGE (2u << 20)

/* Address space and memory of this process, in bytes. */
static void
statm_read(size_t *mapped, size_t *resident)
{
	FILE *file = fopen("/proc/self/statm", "r");
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%zu %zu", mapped, resident), 2);
	fclose(file);
	*mapped *= page;
	*resident *= page;
}

static bool
zero(const uint8_t *bytes, size_t len)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

START_TEST(pages_are_aligned_and_zero)
{
	static const size_t aligns[] = {0, 4096, 65536, HUGE, 64u << 20};

	for (size_t i = 0; i < sizeof(aligns) / sizeof(aligns[0]); i++) {
		uint8_t *at = mc_pages_map(3 * HUGE, aligns[i]);

		ck_assert_ptr_nonnull(at);
		ck_assert_uint_eq((uintptr_t)at & (aligns[i] == 0 ? 0 : aligns[i] - 1), 0);
		ck_assert(zero(at, 3 * HUGE));
		memset(at, 0xa5, 3 * HUGE);
		mc_pages_gather(at, 3 * HUGE);
		for (size_t b = 0; b < 3 * HUGE; b++)
			must(at[b] == 0xa5);
		mc_pages_unmap(at, 3 * HUGE);
	}
	mc_pages_unmap(NULL, HUGE);
}
END_TEST

START_TEST(mapping_takes_no_memory_and_unmapping_gives_all_back)
{
	size_t mapped, resident, mapped_after, resident_after;
	uint8_t *at[64];

	statm_read(&mapped, &resident);
	for (int i = 0; i < 64; i++) {
		at[i] = mc_pages_map(16 * HUGE, HUGE);
		ck_assert_ptr_nonnull(at[i]);
		at[i][0] = 1;
	}
	/* 2 GiB mapped, a page of each touched */
	statm_read(&mapped_after, &resident_after);
	ck_assert_uint_ge(mapped_after - mapped, 64ull * 16 * HUGE);
	ck_assert_uint_lt(mapped_after - mapped, 64ull * 17 * HUGE);
	ck_assert_uint_lt(resident_after, resident + (16u << 20));
	for (int i = 0; i < 64; i++)
		mc_pages_unmap(at[i], 16 * HUGE);
	statm_read(&mapped_after, &resident_after);
	ck_assert_uint_lt(mapped_after, mapped + HUGE);
}
END_TEST

START_TEST(what_cannot_be_mapped_is_refused)
{
	ck_assert_ptr_null(mc_pages_map(SIZE_MAX - 4095, HUGE));
	ck_assert_ptr_null(mc_pages_map(SIZE_MAX / 2, HUGE));
	ck_assert_ptr_null(mc_pages_map(0, 0));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base/pages");
	TCase *tc = tcase_create("pages");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, pages_are_aligned_and_zero);
	tcase_add_test(tc, mapping_takes_no_memory_and_unmapping_gives_all_back);
	tcase_add_test(tc, what_cannot_be_mapped_is_refused);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
