/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mem/budget.h"

#include <check.h>

#include "tests/support/fake_root.h"
#include "tests/support/suite.h"

#define NODE "/sys/devices/system/node/node1/meminfo"

START_TEST(the_least_that_is_left_and_why)
{
	char root[FAKE_ROOT_PATH], text[700] = "";

	fake_root_make(root);
	ck_assert_uint_eq(mc_budget_left(root, -1, text, sizeof(text)), UINT64_MAX);
	ck_assert_str_eq(text, "");
	fake_root_write(root, "/proc/meminfo",
			"MemTotal:  4096 kB\nMemFree:  1 kB\nMemAvailable:    2048 kB\n");
	ck_assert_uint_eq(mc_budget_left(root, -1, text, sizeof(text)), 2 << 20);
	ck_assert_str_eq(text,
			 "the machine has 2 MiB left (MemAvailable); ask for less, or end "
			 "something");

	fake_root_write(root, NODE,
			"Node 1 MemTotal: 4096 kB\nNode 1 MemFree: 1000 kB\nNode 1 Active: 7 kB\n"
			"Node 1 Active(file): 20 kB\nNode 1 Inactive(file): 4 kB\n");
	ck_assert_uint_eq(mc_budget_left(root, -1, text, sizeof(text)), 2 << 20);
	ck_assert_uint_eq(mc_budget_left(root, 0, text, sizeof(text)), 2 << 20);
	ck_assert_uint_eq(mc_budget_left(root, 1, text, sizeof(text)), 1 << 20);
	ck_assert_str_eq(text, "node 1 has 1 MiB left; ask for less, or interleave over the nodes");

	fake_root_write(root, "/proc/self/cgroup", "0::/g\n");
	fake_root_write(root, "/sys/fs/cgroup/g/memory.max", "1024\n");
	ck_assert_uint_eq(mc_budget_left(root, 1, text, sizeof(text)), 1024);
	ck_assert_ptr_nonnull(strstr(text, "the control group has 1 KiB left; ask for less, or "
					   "raise /tmp/mc_fake_root_"));
	ck_assert_ptr_nonnull(strstr(text, "/sys/fs/cgroup/g/memory.max"));

	/* nothing left is not the same as nothing known */
	fake_root_write(root, "/proc/meminfo", "MemAvailable: 0 kB\n");
	ck_assert_uint_eq(mc_budget_left(root, -1, text, sizeof(text)), 0);
	fake_root_remove(root);
}
END_TEST

START_TEST(this_machine_has_something_left)
{
	char text[700];

	ck_assert_uint_gt(mc_budget_left("", -1, text, sizeof(text)), 1 << 20);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mem/budget");
	TCase *tc = tcase_create("budget");

	tcase_add_test(tc, the_least_that_is_left_and_why);
	tcase_add_test(tc, this_machine_has_something_left);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
