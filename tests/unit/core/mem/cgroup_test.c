/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mem/cgroup.h"

#include <check.h>

#include "tests/support/fake_root.h"
#include "tests/support/suite.h"

static char root[FAKE_ROOT_PATH];
static struct mc_cgroup_left left;

static void
set_up(void)
{
	fake_root_make(root);
	left = (struct mc_cgroup_left){.left = 17};
}

static void
tear_down(void)
{
	fake_root_remove(root);
}

static bool
look(void)
{
	return mc_cgroup_left(root, &mc_cgroup_memory, &left);
}

/* Ends the limit's path with @path. */
static void
path_check(const char *path)
{
	ck_assert_str_eq(left.limit_path + strlen(root), path);
}

START_TEST(no_groups_no_limit)
{
	ck_assert(!look());
	fake_root_write(root, "/proc/self/cgroup", "");
	ck_assert(!look());
	fake_root_write(root, "/proc/self/cgroup", "nonsense\n0::/a/b\n3:cpu,cpuset:/\n");
	ck_assert(!look());
	fake_root_write(root, "/sys/fs/cgroup/a/b/memory.max", "max\n");
	ck_assert(!look());
	ck_assert_uint_eq(left.left, 17);
}
END_TEST

START_TEST(the_least_of_all_groups_counts)
{
	fake_root_write(root, "/proc/self/cgroup", "0::/a/b\n");
	fake_root_write(root, "/sys/fs/cgroup/a/b/memory.max", "5000\n");
	fake_root_write(root, "/sys/fs/cgroup/a/b/memory.current", "1000\n");
	ck_assert(look());
	ck_assert_uint_eq(left.left, 4000);
	path_check("/sys/fs/cgroup/a/b/memory.max");
	fake_root_write(root, "/sys/fs/cgroup/a/memory.max", "6000\n");
	fake_root_write(root, "/sys/fs/cgroup/a/memory.current", "5500\n");
	ck_assert(look());
	ck_assert_uint_eq(left.left, 500);
	path_check("/sys/fs/cgroup/a/memory.max");
	/* caches of files make room */
	fake_root_write(root, "/sys/fs/cgroup/a/memory.stat",
			"anon 100\nactive_file 200\ninactive_file 4700\nslab 9\n");
	ck_assert(look());
	ck_assert_uint_eq(left.left, 4000);
	path_check("/sys/fs/cgroup/a/b/memory.max");
	fake_root_write(root, "/sys/fs/cgroup/a/b/memory.current", "5001\n");
	ck_assert(look());
	ck_assert_uint_eq(left.left, 0);
}
END_TEST

START_TEST(a_container_sees_its_group_at_the_mount)
{
	fake_root_write(root, "/proc/self/cgroup", "0::/docker/0123\n");
	fake_root_write(root, "/sys/fs/cgroup/memory.max", "4096\n");
	ck_assert(look());
	ck_assert_uint_eq(left.left, 4096);
	path_check("/sys/fs/cgroup/memory.max");
}
END_TEST

START_TEST(version_1)
{
	fake_root_write(root, "/proc/self/cgroup", "5:cpu,memoryx:/\n4:cpuset,memory:/c\n0::/\n");
	fake_root_write(root, "/sys/fs/cgroup/memory/memory.limit_in_bytes",
			"9223372036854771712\n");
	ck_assert(!look());
	fake_root_write(root, "/sys/fs/cgroup/memory/c/memory.limit_in_bytes", "3000\n");
	fake_root_write(root, "/sys/fs/cgroup/memory/c/memory.usage_in_bytes", "2000\n");
	fake_root_write(root, "/sys/fs/cgroup/memory/c/memory.stat",
			"inactive_file 9999\ntotal_inactive_file 100\ntotal_active_file 1\n");
	ck_assert(look());
	ck_assert_uint_eq(left.left, 1101);
	path_check("/sys/fs/cgroup/memory/c/memory.limit_in_bytes");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mem/cgroup");
	TCase *tc = tcase_create("cgroup");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, no_groups_no_limit);
	tcase_add_test(tc, the_least_of_all_groups_counts);
	tcase_add_test(tc, a_container_sees_its_group_at_the_mount);
	tcase_add_test(tc, version_1);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
