/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
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
	topo_tree_make(&tree, 2, 4);
	unsetenv("MC_IB_PORT");
	unsetenv("MC_TE_FILTERS");
	unsetenv("MC_CUSTOM_TOPO_JSON");
}

static void
teardown(void)
{
	mc_topo_close(topo);
	topo = NULL;
	topo_tree_remove(&tree);
}

static const struct mc_topo_nic *
nic_only(void)
{
	struct mc_topo_params params = {.size = sizeof(params), .root = tree.root};

	ck_assert_int_eq(mc_topo_open(&params, &topo), MC_OK);
	ck_assert_uint_eq(mc_topo_nics_count(topo), 1);
	return mc_topo_nic(topo, 0);
}

START_TEST(a_card)
{
	const struct mc_topo_nic *nic;

	topo_tree_nic(&tree, &(struct tree_nic){"mlx5_0", TREE_PCI, 1, .netdev = "eth7"});
	nic = nic_only();
	ck_assert_str_eq(nic->name, "mlx5_0");
	ck_assert_int_eq(nic->node, 1);
	ck_assert_str_eq(nic->pci, "0000:10:00.0");
	ck_assert_str_eq(nic->netdev, "eth7");
	ck_assert_uint_eq(nic->port, 1);
	ck_assert_str_eq(nic->state, "ACTIVE");
	ck_assert_str_eq(nic->link, "Ethernet");
	ck_assert_str_eq(nic->rate, "100 Gb/sec (4X EDR)");
	ck_assert(nic->active);
	ck_assert(nic->wanted);
	ck_assert_uint_eq(nic->rail, 0);
}
END_TEST

START_TEST(a_card_that_hwloc_does_not_show)
{
	topo_tree_nic(&tree, &(struct tree_nic){"mlx5_0", TREE_HIDDEN, 1});
	ck_assert_int_eq(nic_only()->node, 1);
	ck_assert_str_eq(mc_topo_nic(topo, 0)->netdev, "");
}
END_TEST

START_TEST(a_card_that_only_hwloc_places)
{
	topo_tree_nic(&tree, &(struct tree_nic){"mlx5_0", TREE_SILENT, 1});
	ck_assert_int_eq(nic_only()->node, 1);
}
END_TEST

START_TEST(a_card_that_is_nowhere)
{
	topo_tree_nic(&tree, &(struct tree_nic){"mlx5_0", TREE_PCI, -1});
	ck_assert_int_eq(nic_only()->node, MC_NODE_UNKNOWN);
	ck_assert_uint_eq(mc_topo_nic(topo, 0)->rail, 0);
}
END_TEST

/* Soft-RoCE is where its interface is. */
START_TEST(a_device_without_hardware)
{
	const struct mc_topo_nic *nic;

	topo_tree_nic(&tree, &(struct tree_nic){"rxe0", TREE_VIRTUAL, 1, .netdev = "nic0"});
	nic = nic_only();
	ck_assert_str_eq(nic->name, "rxe0");
	ck_assert_int_eq(nic->node, 1);
	ck_assert_str_eq(nic->pci, "");
	ck_assert_str_eq(nic->netdev, "nic0");
}
END_TEST

START_TEST(a_device_over_an_interface_that_is_nowhere)
{
	topo_tree_nic(&tree, &(struct tree_nic){"rxe0", TREE_VIRTUAL, -1, .netdev = "nic0"});
	ck_assert_int_eq(nic_only()->node, MC_NODE_UNKNOWN);
}
END_TEST

START_TEST(an_interface_by_its_device)
{
	topo_tree_nic(&tree, &(struct tree_nic){"mlx5_0", TREE_PCI, 0, .link = "InfiniBand"});
	topo_tree_put(&tree, "sys/devices/pci0000:10/0000:10:00.0/net/ib0/address", "00\n");
	ck_assert_str_eq(nic_only()->netdev, "ib0");
	ck_assert_str_eq(mc_topo_nic(topo, 0)->link, "InfiniBand");
}
END_TEST

START_TEST(the_port_that_is_active)
{
	topo_tree_nic(&tree, &(struct tree_nic){"mlx5_0", TREE_PCI, 0, .state = "1: DOWN"});
	topo_tree_put(&tree, "sys/class/infiniband/mlx5_0/ports/2/state", "4: ACTIVE\n");
	ck_assert_uint_eq(nic_only()->port, 2);
	ck_assert(mc_topo_nic(topo, 0)->active);
	/* not told of this port */
	ck_assert_str_eq(mc_topo_nic(topo, 0)->rate, "unknown");
	mc_topo_close(topo);
	setenv("MC_IB_PORT", "1", 1);
	ck_assert_uint_eq(nic_only()->port, 1);
	ck_assert_str_eq(mc_topo_nic(topo, 0)->state, "DOWN");
	ck_assert(!mc_topo_nic(topo, 0)->active);
	ck_assert_uint_eq(mc_topo_nic(topo, 0)->rail, MC_RAIL_NONE);
	mc_topo_close(topo);
	/* ignored, with a warning */
	setenv("MC_IB_PORT", "1x", 1);
	ck_assert_uint_eq(nic_only()->port, 2);
	mc_topo_close(topo);
	/* there is none such */
	setenv("MC_IB_PORT", "7", 1);
	ck_assert_str_eq(nic_only()->state, "unknown");
}
END_TEST

START_TEST(no_port_at_all)
{
	topo_tree_put(&tree, "sys/class/infiniband/odd0/node_guid", "0\n");
	ck_assert_uint_eq(nic_only()->port, 0);
	ck_assert(!mc_topo_nic(topo, 0)->active);
	ck_assert_int_eq(mc_topo_nic(topo, 0)->node, MC_NODE_UNKNOWN);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("topo/nic");
	TCase *tc = tcase_create("nic");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_card);
	tcase_add_test(tc, a_card_that_hwloc_does_not_show);
	tcase_add_test(tc, a_card_that_only_hwloc_places);
	tcase_add_test(tc, a_card_that_is_nowhere);
	tcase_add_test(tc, a_device_without_hardware);
	tcase_add_test(tc, a_device_over_an_interface_that_is_nowhere);
	tcase_add_test(tc, an_interface_by_its_device);
	tcase_add_test(tc, the_port_that_is_active);
	tcase_add_test(tc, no_port_at_all);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
