/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mem/numa.h"

#include <check.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/mem/mem.h"
#include "tests/support/fake_root.h"
#include "tests/support/suite.h"

START_TEST(lists_of_nodes)
{
	struct mc_node_set set;

	ck_assert(mc_node_set_parse("0\n", &set));
	ck_assert_uint_eq(mc_node_set_count(&set), 1);
	ck_assert(mc_node_set_has(&set, 0));
	ck_assert(mc_node_set_parse("0-3,8,64-65", &set));
	ck_assert_uint_eq(mc_node_set_count(&set), 7);
	ck_assert(mc_node_set_has(&set, 3) && mc_node_set_has(&set, 8));
	ck_assert(mc_node_set_has(&set, 64) && mc_node_set_has(&set, 65));
	ck_assert(!mc_node_set_has(&set, 4) && !mc_node_set_has(&set, 66));
	ck_assert(!mc_node_set_has(&set, -1) && !mc_node_set_has(&set, MC_NODE_MAX));
	ck_assert(mc_node_set_parse("1023", &set));
	ck_assert(mc_node_set_has(&set, 1023));
}
END_TEST

START_TEST(what_is_no_list_is_refused)
{
	static const char *const lists[] = {"x", "3-1", "1024", "0-1024", "0;1", "0-3 x", "-1"};
	struct mc_node_set set = {{7}};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		ck_assert_msg(!mc_node_set_parse(lists[i], &set), "%s", lists[i]);
	ck_assert_uint_eq(set.bits[0], 7);
}
END_TEST

START_TEST(some_node_is_allowed)
{
	struct mc_node_set set;

	mc_node_set_allowed(&set);
	ck_assert_uint_ge(mc_node_set_count(&set), 1);
}
END_TEST

START_TEST(a_page_has_a_node_once_it_is_there)
{
	struct mc_node_set set;
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char resident;
	int node;

	ck_assert_ptr_ne(page, MAP_FAILED);
	ck_assert_int_eq(mc_mem_node(page), -1);
	page[1] = 1;
	node = mc_mem_node(page + 5);
	mc_node_set_allowed(&set);
	/* -1 where the system forbids to ask, or knows no nodes */
	ck_assert(node == -1 || mc_node_set_has(&set, node));
	/* asking has not brought its neighbour in; where it is forbidden, the mapping answers */
	ck_assert_int_eq(mincore(page + 4096, 4096, &resident), 0);
	ck_assert_int_eq(resident & 1, 0);
	munmap(page, 8192);
	ck_assert_int_eq(mc_mem_node(NULL), -1);
}
END_TEST

START_TEST(maps_tell_nodes_too)
{
	static const char maps[] =
		"00400000 default file=/bin/x mapped=10 N0=10 kernelpagesize_kB=4\n"
		"00800000 bind:1 anon=9 dirty=9 N0=2 N1=7 kernelpagesize_kB=4\n"
		"7f0000000000 default\n";
	char root[FAKE_ROOT_PATH], path[FAKE_ROOT_PATH + 16];

	fake_root_make(root);
	snprintf(path, sizeof(path), "%s/maps", root);
	ck_assert_int_eq(mc_numa_maps_node(path, 0x400000), -1);
	fake_root_write(root, "/maps", maps);
	ck_assert_int_eq(mc_numa_maps_node(path, 0x3fffff), -1);
	ck_assert_int_eq(mc_numa_maps_node(path, 0x400000), 0);
	ck_assert_int_eq(mc_numa_maps_node(path, 0x7fffff), 0);
	ck_assert_int_eq(mc_numa_maps_node(path, 0x801000), 1);
	ck_assert_int_eq(mc_numa_maps_node(path, 0x7f0000001000), -1);
	fake_root_remove(root);
}
END_TEST

START_TEST(a_node_without_cpus_leaves_the_thread_where_it_is)
{
	cpu_set_t before, after;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(before), &before), 0);
	mc_numa_thread_near(1023);
	ck_assert_int_eq(sched_getaffinity(0, sizeof(after), &after), 0);
	ck_assert(CPU_EQUAL(&before, &after));
	mc_numa_thread_near(0);
	ck_assert_int_eq(sched_getaffinity(0, sizeof(after), &after), 0);
	CPU_AND(&before, &before, &after);
	ck_assert(CPU_EQUAL(&before, &after));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mem/numa");
	TCase *tc = tcase_create("numa");

	tcase_add_test(tc, lists_of_nodes);
	tcase_add_test(tc, what_is_no_list_is_refused);
	tcase_add_test(tc, some_node_is_allowed);
	tcase_add_test(tc, a_page_has_a_node_once_it_is_there);
	tcase_add_test(tc, maps_tell_nodes_too);
	tcase_add_test(tc, a_node_without_cpus_leaves_the_thread_where_it_is);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
