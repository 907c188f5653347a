/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/mem/mem.h"
#include "mc/log.h"
#include "tests/support/suite.h"

START_TEST(host_memory_of_any_alignment)
{
	static char bytes[10000];
	struct mc_region *region = (struct mc_region *)bytes;
	struct mc_span span;

	for (size_t offset = 0; offset < 9; offset++) {
		ck_assert_int_eq(mc_mem_span(bytes + offset, 9000 + offset, &span, &region), MC_OK);
		ck_assert_ptr_null(region);
		ck_assert_ptr_eq(span.addr, bytes + offset);
		ck_assert_uint_eq(span.length, 9000 + offset);
		ck_assert_int_lt(span.fd, 0);
		ck_assert_uint_eq(span.page_size, (uint64_t)sysconf(_SC_PAGESIZE));
	}
}
END_TEST

START_TEST(a_part_of_a_region)
{
	struct mc_region_params params = {
		.size = sizeof(params), .length = 1 << 20, .huge = MC_HUGE_NEVER};
	struct mc_region *region, *found;
	struct mc_span span;
	char *addr;

	ck_assert_int_eq(mc_region_create(&params, &region), MC_OK);
	addr = mc_region_addr(region);
	ck_assert_int_eq(mc_mem_span(addr + 5001, 77, &span, &found), MC_OK);
	ck_assert_ptr_eq(found, region);
	ck_assert_int_eq(span.fd, mc_region_fd(region));
	ck_assert_uint_eq(span.fd_offset, 5001);
	ck_assert_uint_eq(span.length, 77);
	ck_assert_uint_eq(span.page_size, mc_region_page_size(region));
	ck_assert_int_eq(mc_region_destroy(region), MC_ERR_BUSY);
	mc_region_unref(found);
	ck_assert_int_eq(mc_region_destroy(region), MC_OK);
}
END_TEST

START_TEST(bad_ranges_are_refused)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, 3 * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct mc_region *region;
	struct mc_span span;

	ck_assert_ptr_ne(map, MAP_FAILED);
	munmap(map + page, page);
	ck_assert_int_eq(mc_mem_span(map, page, &span, &region), MC_OK);
	ck_assert_int_eq(mc_mem_span(map, page + 1, &span, &region), MC_ERR_INVALID);
	ck_assert_int_eq(mc_mem_span(map + page - 1, 2, &span, &region), MC_ERR_INVALID);
	ck_assert_int_eq(mc_mem_span(map, 3 * page, &span, &region), MC_ERR_INVALID);
	ck_assert_int_eq(mc_mem_span(map, 0, &span, &region), MC_ERR_INVALID);
	ck_assert_int_eq(mc_mem_span(NULL, 1, &span, &region), MC_ERR_INVALID);
	ck_assert_int_eq(mc_mem_span(map, UINT64_MAX, &span, &region), MC_ERR_INVALID);
	ck_assert_int_eq(mc_mem_span(map, -(uint64_t)(uintptr_t)map, &span, &region),
			 MC_ERR_INVALID);
	ck_assert_int_eq(mc_mem_span((void *)-1, 1, &span, &region), MC_ERR_INVALID);
	ck_assert_int_eq(mc_mem_span((void *)-1, 2, &span, &region), MC_ERR_INVALID);
	munmap(map, 3 * page);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mem/span");
	TCase *tc = tcase_create("span");

	tcase_add_test(tc, host_memory_of_any_alignment);
	tcase_add_test(tc, a_part_of_a_region);
	tcase_add_test(tc, bad_ranges_are_refused);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
