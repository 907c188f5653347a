/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/topo_report.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/topo_tree.h"

static struct topo_tree tree;
static struct mc_topo *topo;
static struct mc_buf out;

static void
setup(void)
{
	topo_tree_make(&tree, 2, 4);
	mc_buf_init(&out);
}

static void
teardown(void)
{
	mc_topo_close(topo);
	mc_buf_fini(&out);
	topo_tree_remove(&tree);
}

static const char *
written(enum mc_status (*write)(const struct mc_topo *topo, struct mc_buf *out),
	const char *devices)
{
	struct mc_topo_params params = {.size = sizeof(params), .devices = devices,
					.matrix_path = "", .root = tree.root};

	ck_assert_int_eq(mc_topo_open(&params, &topo), MC_OK);
	ck_assert_int_eq(write(topo, &out), MC_OK);
	ck_assert_int_eq(mc_buf_append(&out, "", 1), MC_OK);
	return (const char *)out.data;
}

static void
nics_make(void)
{
	topo_tree_nic(&tree, &(struct tree_nic){"mlx5_0", TREE_PCI, 0, .netdev = "eth0"});
	topo_tree_nic(&tree, &(struct tree_nic){"mlx5_1", TREE_PCI, 1, .state = "1: DOWN",
						.link = "InfiniBand"});
	topo_tree_nic(&tree, &(struct tree_nic){"rxe0", TREE_VIRTUAL, -1, .netdev = "nic0"});
}

START_TEST(a_table)
{
	nics_make();
	ck_assert_str_eq(
		written(topo_table_write, "mlx5_0,mlx5_1"),
		"node  CPUs            allowed              memory        free  hugepages free/all"
		"   distances\n"
		"   0  0-3             all                64.0 GiB     1.0 GiB  none           "
		"      10 12\n"
		"   1  4-7             all                64.0 GiB     2.0 GiB  2M 5/16        "
		"      12 10\n"
		"\n"
		"NIC        port  state    link       rate                   interface  PCI     "
		"     node  rail\n"
		"mlx5_0        1  ACTIVE   Ethernet   100 Gb/sec (4X EDR)    eth0       "
		"0000:10:00.0    0  0\n"
		"mlx5_1        1  DOWN     InfiniBand 100 Gb/sec (4X EDR)    -          "
		"0000:11:00.0    1  not active\n"
		"rxe0          1  ACTIVE   Ethernet   100 Gb/sec (4X EDR)    nic0       -       "
		"        -  not asked for\n"
		"\n"
		"priority_matrix {\"cpu:0\":[[\"mlx5_0\"],[]],\"cpu:1\":[[\"mlx5_0\"],[]]}\n");
}
END_TEST

START_TEST(a_machine_without_nics)
{
	ck_assert_ptr_nonnull(strstr(written(topo_table_write, ""),
				     "12 10\n\nno RDMA devices: transfers use shm and tcp\n"));
}
END_TEST

START_TEST(json)
{
	nics_make();
	ck_assert_str_eq(
		written(topo_json_write, "mlx5_0"),
		"{\"bench\":\"topo\",\"nodes\":[{\"node\":0,\"allowed\":true,\"cpus\":\"0-3\","
		"\"cpus_allowed\":\"0-3\",\"memory_bytes\":68719476736,"
		"\"memory_free_bytes\":1073741824,\"hugepages\":[{\"page_size\":2097152,"
		"\"total\":0,\"free\":0}],\"distances\":[10,12]},{\"node\":1,\"allowed\":true,"
		"\"cpus\":\"4-7\",\"cpus_allowed\":\"4-7\",\"memory_bytes\":68719476736,"
		"\"memory_free_bytes\":2147483648,\"hugepages\":[{\"page_size\":2097152,"
		"\"total\":16,\"free\":5}],\"distances\":[12,10]}],\"nics\":[{\"port\":1,"
		"\"name\":\"mlx5_0\",\"state\":\"ACTIVE\",\"link_layer\":\"Ethernet\","
		"\"rate\":\"100 Gb/sec (4X EDR)\",\"netdev\":\"eth0\",\"pci\":\"0000:10:00.0\","
		"\"node\":0,\"rail\":0},{\"port\":1,\"name\":\"mlx5_1\",\"state\":\"DOWN\","
		"\"link_layer\":\"InfiniBand\",\"rate\":\"100 Gb/sec (4X EDR)\",\"netdev\":\"\","
		"\"pci\":\"0000:11:00.0\",\"node\":1,\"rail\":null},{\"port\":1,"
		"\"name\":\"rxe0\",\"state\":\"ACTIVE\",\"link_layer\":\"Ethernet\","
		"\"rate\":\"100 Gb/sec (4X EDR)\",\"netdev\":\"nic0\",\"pci\":\"\",\"node\":null,"
		"\"rail\":null}],\"priority_matrix\":{\"cpu:0\":[[\"mlx5_0\"],[]],"
		"\"cpu:1\":[[\"mlx5_0\"],[]]}}\n");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mc-bench/topo_report");
	TCase *tc = tcase_create("topo_report");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_table);
	tcase_add_test(tc, a_machine_without_nics);
	tcase_add_test(tc, json);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
