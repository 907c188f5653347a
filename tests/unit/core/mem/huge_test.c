/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mem/huge.h"

#include <check.h>
#include <errno.h>

#include "tests/support/fake_root.h"
#include "tests/support/suite.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)
#define THP "/sys/kernel/mm/transparent_hugepage/"
#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define NODE "/sys/devices/system/node/node1/hugepages/hugepages-2048kB/"

static char root[FAKE_ROOT_PATH], why[512];

static void
set_up(void)
{
	fake_root_make(root);
	why[0] = '\0';
}

static void
tear_down(void)
{
	fake_root_remove(root);
}

static bool
expect(uint64_t page_size, uint64_t length, int node)
{
	return mc_huge_expect(root, page_size, length, node, why, sizeof(why));
}

START_TEST(limits_of_control_groups)
{
	ck_assert(expect(2 * MIB, GIB, -1));
	fake_root_write(root, "/proc/self/cgroup", "0::/g\n");
	fake_root_write(root, "/sys/fs/cgroup/g/hugetlb.2MB.max", "1073741824\n");
	fake_root_write(root, "/sys/fs/cgroup/g/hugetlb.2MB.current", "2097152\n");
	ck_assert(expect(2 * MIB, GIB - 2 * MIB, -1));
	ck_assert_str_eq(why, "");
	ck_assert(!expect(2 * MIB, GIB, -1));
	ck_assert_ptr_nonnull(
		strstr(why, "the control group leaves 1022 MiB of hugepages; "));
	ck_assert_ptr_nonnull(strstr(why, "/sys/fs/cgroup/g/hugetlb.2MB.max"));
	/* the other size has limits of its own */
	ck_assert(expect(GIB, 4 * GIB, -1));
	fake_root_write(root, "/sys/fs/cgroup/g/hugetlb.1GB.rsvd.max", "2147483648\n");
	ck_assert(!expect(GIB, 4 * GIB, -1));
	ck_assert_ptr_nonnull(strstr(why, "hugetlb.1GB.rsvd.max"));
}
END_TEST

START_TEST(pages_of_a_node)
{
	ck_assert(expect(2 * MIB, 6 * MIB, 1));
	fake_root_write(root, NODE "free_hugepages", "3\n");
	ck_assert(expect(2 * MIB, 6 * MIB, 1));
	ck_assert(expect(2 * MIB, 8 * MIB, -1));
	ck_assert(!expect(2 * MIB, 8 * MIB, 1));
	ck_assert_ptr_nonnull(
		strstr(why, "3 hugepages of 2 MiB free on node 1, 4 needed; "));
	ck_assert_ptr_nonnull(strstr(why, NODE "nr_hugepages"));
}
END_TEST

START_TEST(what_a_failed_call_means)
{
	fake_root_write(root, POOL "nr_hugepages", "10\n");
	fake_root_write(root, POOL "free_hugepages", "8\n");
	fake_root_write(root, POOL "resv_hugepages", "5\n");
	mc_huge_explain(root, 2 * MIB, 8 * MIB, ENOMEM, why, sizeof(why));
	ck_assert_str_eq(why, "3 hugepages of 2 MiB free and unreserved, 4 needed; echo 11 >" POOL
			      "nr_hugepages");
	mc_huge_explain(root, 2 * MIB, 6 * MIB, EPERM, why, sizeof(why));
	ck_assert_str_eq(why, "hugepages of 2 MiB: Operation not permitted");
}
END_TEST

START_TEST(transparent_hugepages)
{
	static const struct {
		const char *all, *size_2m;
		bool on;
	} cases[] = {
		{"always within_size advise [never] deny force", NULL, false},
		{"always within_size [advise] never deny force", NULL, true},
		{"[always] within_size advise never deny force", NULL, true},
		{"always within_size advise never [deny] force", "[always] inherit", false},
		{"always within_size advise never deny [force]", "always [never]", true},
		{"always within_size advise [never] deny force", "always [inherit]", false},
		{"always within_size [advise] never deny force", "always [inherit]", true},
		{"always within_size [advise] never deny force", "inherit [never]", false},
		{"always within_size advise [never] deny force", "inherit [advise] never", true},
		{"always [within_size] advise never deny force", "inherit advise [never]", false},
	};

	ck_assert(!mc_huge_transparent(root));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_root_write(root, THP "shmem_enabled", cases[i].all);
		if (cases[i].size_2m != NULL)
			fake_root_write(root, THP "hugepages-2048kB/shmem_enabled",
					cases[i].size_2m);
		ck_assert_msg(mc_huge_transparent(root) == cases[i].on, "case %zu", i);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mem/huge");
	TCase *tc = tcase_create("huge");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, limits_of_control_groups);
	tcase_add_test(tc, pages_of_a_node);
	tcase_add_test(tc, what_a_failed_call_means);
	tcase_add_test(tc, transparent_hugepages);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
