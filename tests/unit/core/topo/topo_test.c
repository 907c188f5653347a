/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "core/topo/topo.h"
#include "tests/support/suite.h"
#include "tests/support/topo_tree.h"

static struct topo_tree tree;
static struct mc_topo *topo;

static void
setup(void)
{
	unsetenv("MC_IB_PORT");
	unsetenv("MC_TE_FILTERS");
	unsetenv("MC_CUSTOM_TOPO_JSON");
}

static void
teardown(void)
{
	mc_topo_close(topo);
	topo = NULL;
	if (tree.root[0] != '\0')
		topo_tree_remove(&tree);
	tree.root[0] = '\0';
}

static void
topo_open(const char *root)
{
	struct mc_topo_params params = {.size = sizeof(params), .root = root};

	ck_assert_int_eq(mc_topo_open(&params, &topo), MC_OK);
}

static void
two_nodes_make(void)
{
	topo_tree_make(&tree, 2, 4);
	topo_tree_nic(&tree, &(struct tree_nic){"mlx5_0", TREE_PCI, 0, .netdev = "eth0"});
	topo_tree_nic(&tree, &(struct tree_nic){"mlx5_1", TREE_PCI, 1, .state = "2: INIT"});
	topo_tree_nic(&tree, &(struct tree_nic){"rxe0", TREE_VIRTUAL, -1, .netdev = "nic0"});
}

/* ---- made-up machines ---- */

START_TEST(nodes_with_cpus_and_memory)
{
	const struct mc_topo_node *node;

	two_nodes_make();
	topo_open(tree.root);
	ck_assert_uint_eq(mc_topo_nodes_count(topo), 2);
	node = mc_topo_node(topo, 1);
	ck_assert_int_eq(node->id, 1);
	ck_assert(node->allowed);
	ck_assert_str_eq(node->cpus, "4-7");
	ck_assert_str_eq(node->cpus_allowed, "4-7");
	ck_assert_uint_eq(node->cpus_count, 4);
	ck_assert_uint_eq(node->memory_total, 64ull << 30);
	ck_assert_uint_eq(node->memory_free, 2ull << 30);
	ck_assert_uint_eq(node->huge_count, 1);
	ck_assert_uint_eq(node->huge[0].page_size, 2 << 20);
	ck_assert_uint_eq(node->huge[0].total, 16);
	ck_assert_uint_eq(node->huge[0].free, 5);
	ck_assert_int_eq(mc_topo_cpu_node(topo, 3), 0);
	ck_assert_int_eq(mc_topo_cpu_node(topo, 4), 1);
	ck_assert_int_eq(mc_topo_cpu_node(topo, 8), MC_NODE_UNKNOWN);
	ck_assert_int_eq(mc_topo_cpu_node(topo, -1), MC_NODE_UNKNOWN);
}
END_TEST

START_TEST(memory_without_cpus)
{
	topo_tree_make(&tree, 2, 4);
	/* the CPUs of node 0 alone: node 1 is memory behind a switch */
	topo_tree_put(&tree, "sys/devices/system/node/node1/cpumap", "00000000\n");
	topo_tree_put(&tree, "sys/devices/system/node/node1/cpulist", "\n");
	topo_tree_put(&tree, "sys/devices/system/node/node0/cpumap", "000000ff\n");
	topo_tree_put(&tree, "sys/devices/system/node/node0/cpulist", "0-7\n");
	topo_open(tree.root);
	ck_assert_uint_eq(mc_topo_nodes_count(topo), 2);
	ck_assert_str_eq(mc_topo_node(topo, 1)->cpus, "");
	ck_assert_uint_eq(mc_topo_node(topo, 1)->cpus_count, 0);
	ck_assert_str_eq(mc_topo_node(topo, 0)->cpus, "0-7");
	ck_assert_int_eq(mc_topo_cpu_node(topo, 7), 0);
	ck_assert_ptr_nonnull(strstr(mc_topo_text(topo), "node 1: no CPUs, 64.0 GiB"));
}
END_TEST

START_TEST(what_this_process_may_use)
{
	const struct mc_topo_node *node;

	topo_tree_make(&tree, 2, 4);
	topo_tree_put(&tree, "proc/self/status",
		      "Name:\tx\nCpus_allowed:\tfc\nCpus_allowed_list:\t2-5\n"
		      "Mems_allowed:\t2\nMems_allowed_list:\t1\n");
	topo_open(tree.root);
	node = mc_topo_node(topo, 0);
	ck_assert(!node->allowed);
	ck_assert_str_eq(node->cpus, "0-3");
	ck_assert_str_eq(node->cpus_allowed, "2-3");
	ck_assert_uint_eq(node->cpus_allowed_count, 2);
	node = mc_topo_node(topo, 1);
	ck_assert(node->allowed);
	ck_assert_str_eq(node->cpus_allowed, "4-5");
	ck_assert_ptr_nonnull(strstr(mc_topo_text(topo), "node 0: CPUs 0-3 (for this process: 2-3)"
							 ", 64.0 GiB, 1.0 free, not for this "
							 "process\n"));
}
END_TEST

START_TEST(distances_as_the_firmware_has_them)
{
	topo_tree_make(&tree, 8, 2);
	topo_open(tree.root);
	ck_assert_uint_eq(mc_topo_distance(topo, 3, 3), 10);
	ck_assert_uint_eq(mc_topo_distance(topo, 3, 5), 14);
	ck_assert_uint_eq(mc_topo_distance(topo, 7, 0), 24);
	ck_assert_uint_eq(mc_topo_distance(topo, 0, 8), UINT32_MAX);
	ck_assert_uint_eq(mc_topo_distance(topo, MC_NODE_UNKNOWN, 0), UINT32_MAX);
}
END_TEST

START_TEST(rails_for_a_node)
{
	uint32_t rails[MC_RAILS_MAX];

	two_nodes_make();
	topo_open(tree.root);
	ck_assert_uint_eq(mc_topo_rails_count(topo), 2);
	ck_assert_uint_eq(mc_topo_rails_for(topo, 0, rails), 1);
	ck_assert_str_eq(mc_topo_rail(topo, rails[0])->name, "mlx5_0");
	ck_assert_str_eq(mc_topo_rail(topo, rails[1])->name, "rxe0");
	/* wherever that is: all are as good */
	ck_assert_uint_eq(mc_topo_rails_for(topo, MC_NODE_UNKNOWN, rails), 2);
	ck_assert_uint_eq(mc_topo_rails_for(topo, 5, rails), 2);
}
END_TEST

START_TEST(lcores_for_a_node)
{
	static const int cpus[] = {0, 9, 4, 13, 5, 99};
	uint32_t lcores[6];

	topo_tree_make(&tree, 4, 4);
	topo_open(tree.root);
	/* nodes 0, 2, 1, 3, 1, none */
	ck_assert_uint_eq(mc_topo_lcores_for(topo, 1, cpus, 6, lcores), 2);
	ck_assert_uint_eq(lcores[0], 2);
	ck_assert_uint_eq(lcores[1], 4);
	ck_assert_uint_eq(lcores[2], 0);
	ck_assert_uint_eq(lcores[3], 1);
	ck_assert_uint_eq(lcores[4], 3);
	ck_assert_uint_eq(lcores[5], 5);
	/* no lcore on it: the nearest */
	ck_assert_uint_eq(mc_topo_lcores_for(topo, 3, cpus, 3, lcores), 1);
	ck_assert_uint_eq(lcores[0], 1);
	ck_assert_uint_eq(mc_topo_lcores_for(topo, MC_NODE_UNKNOWN, cpus, 6, lcores), 6);
	for (uint32_t i = 0; i < 6; i++)
		ck_assert_uint_eq(lcores[i], i);
	ck_assert_uint_eq(mc_topo_lcores_for(topo, 0, cpus, 0, lcores), 0);
}
END_TEST

START_TEST(a_few_lines)
{
	two_nodes_make();
	topo_open(tree.root);
	ck_assert_str_eq(
		mc_topo_text(topo),
		"node 0: CPUs 0-3, 64.0 GiB, 1.0 free\n"
		"node 1: CPUs 4-7, 64.0 GiB, 2.0 free, 5 of 16 hugepages of 2 MiB free\n"
		"device mlx5_0 port 1: ACTIVE, Ethernet, 100 Gb/sec (4X EDR), node 0, "
		"interface eth0, rail 0\n"
		"device mlx5_1 port 1: INIT, Ethernet, 100 Gb/sec (4X EDR), node 1, not used: not "
		"active\n"
		"device rxe0 port 1: ACTIVE, Ethernet, 100 Gb/sec (4X EDR), node unknown, "
		"interface nic0, rail 1");
}
END_TEST

START_TEST(a_root_that_is_not_there)
{
	struct mc_topo_params params = {.size = sizeof(params), .root = "/nonexistent"};

	ck_assert_int_eq(mc_topo_open(&params, &topo), MC_ERR_NOT_FOUND);
	mc_topo_close(NULL);
}
END_TEST

START_TEST(the_environment_is_left_as_it_was)
{
	topo_tree_make(&tree, 2, 4);
	setenv("HWLOC_COMPONENTS", "linux", 1);
	unsetenv("HWLOC_FSROOT");
	topo_open(tree.root);
	ck_assert_str_eq(getenv("HWLOC_COMPONENTS"), "linux");
	ck_assert_ptr_null(getenv("HWLOC_FSROOT"));
}
END_TEST

/* ---- this machine ---- */

static unsigned int
allowed_count(const struct mc_topo *of)
{
	unsigned int count = 0;

	for (uint32_t i = 0; i < mc_topo_nodes_count(of); i++)
		count += mc_topo_node(of, i)->cpus_allowed_count;
	return count;
}

START_TEST(here)
{
	cpu_set_t set;
	const struct mc_topo_node *node;

	topo_open(NULL);
	ck_assert_uint_ge(mc_topo_nodes_count(topo), 1);
	ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	ck_assert_uint_eq(allowed_count(topo), (unsigned int)CPU_COUNT(&set));
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		ck_assert(!CPU_ISSET(cpu, &set) || mc_topo_cpu_node(topo, cpu) >= 0);
	node = mc_topo_node(topo, 0);
	ck_assert_uint_gt(node->memory_total, 0);
	ck_assert_uint_gt(node->memory_free, 0);
	ck_assert_uint_le(node->memory_free, node->memory_total);
	ck_assert_ptr_nonnull(strstr(mc_topo_text(topo), "node "));
}
END_TEST

START_TEST(the_affinity_is_honoured)
{
	cpu_set_t set, one;
	int cpu = 0;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	while (!CPU_ISSET(cpu, &set))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	topo_open("/");
	ck_assert_int_eq(sched_getaffinity(0, sizeof(one), &one), 0);
	ck_assert_int_eq(CPU_COUNT(&one), 1);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(set), &set), 0);
	ck_assert_uint_eq(allowed_count(topo), 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("topo/topo");
	TCase *tc = tcase_create("topo");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nodes_with_cpus_and_memory);
	tcase_add_test(tc, memory_without_cpus);
	tcase_add_test(tc, what_this_process_may_use);
	tcase_add_test(tc, distances_as_the_firmware_has_them);
	tcase_add_test(tc, rails_for_a_node);
	tcase_add_test(tc, lcores_for_a_node);
	tcase_add_test(tc, a_few_lines);
	tcase_add_test(tc, a_root_that_is_not_there);
	tcase_add_test(tc, the_environment_is_left_as_it_was);
	tcase_add_test(tc, here);
	tcase_add_test(tc, the_affinity_is_honoured);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
