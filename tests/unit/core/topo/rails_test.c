/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/topo/topo.h"
#include "mc/log.h"
#include "tests/support/suite.h"
#include "tests/support/topo_tree.h"

static struct topo_tree tree;
static struct mc_topo *topo;
static char log_path[96], file_path[96];

static void
setup(void)
{
	topo_tree_make(&tree, 2, 1);
	snprintf(log_path, sizeof(log_path), "%s/log", tree.root);
	snprintf(file_path, sizeof(file_path), "%s/matrix.json", tree.root);
	ck_assert_int_eq(mc_log_file_set(log_path), MC_OK);
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

/* Two on each node, of which one is down. */
static void
four_make(void)
{
	topo_tree_nic(&tree, &(struct tree_nic){"mlx5_0", TREE_PCI, 0, .netdev = "eth0"});
	topo_tree_nic(&tree, &(struct tree_nic){"mlx5_1", TREE_HIDDEN, 0, .netdev = "eth1"});
	topo_tree_nic(&tree, &(struct tree_nic){"mlx5_2", TREE_PCI, 1, .netdev = "eth2"});
	topo_tree_nic(&tree, &(struct tree_nic){"mlx5_10", TREE_PCI, 1, .state = "1: DOWN"});
}

static enum mc_status
topo_open(const char *devices, const char *matrix_path)
{
	struct mc_topo_params params = {.size = sizeof(params), .devices = devices,
					.matrix_path = matrix_path, .root = tree.root};

	mc_topo_close(topo);
	topo = NULL;
	return mc_topo_open(&params, &topo);
}

/* The last line of the log, behind its head. */
static const char *
log_last(void)
{
	static char line[1024];
	FILE *file = fopen(log_path, "r");
	const char *text;

	line[0] = '\0';
	while (fgets(line, sizeof(line), file) != NULL)
		;
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	text = strstr(line, "] ");
	return text != NULL ? text + 2 : line;
}

static void
matrix_check(const char *expected)
{
	const char *names[MC_RAILS_MAX];
	struct mc_buf out;

	mc_buf_init(&out);
	for (uint32_t i = 0; i < mc_topo_rails_count(topo); i++) {
		names[i] = mc_topo_rail(topo, i)->name;
		ck_assert_uint_eq(mc_topo_rail(topo, i)->rail, i);
		ck_assert_str_eq(mc_matrix_nic(mc_topo_matrix(topo), i), names[i]);
	}
	ck_assert_int_eq(mc_matrix_write(mc_topo_matrix(topo), names, mc_topo_rails_count(topo),
					 &out),
			 MC_OK);
	ck_assert_int_eq(mc_buf_append(&out, "", 1), MC_OK);
	ck_assert_str_eq((char *)out.data, expected);
	mc_buf_fini(&out);
}

/* ---- our own matrix ---- */

START_TEST(the_near_ones_are_preferred)
{
	four_make();
	ck_assert_int_eq(topo_open(NULL, NULL), MC_OK);
	ck_assert_uint_eq(mc_topo_nics_count(topo), 4);
	ck_assert_str_eq(mc_topo_nic(topo, 3)->name, "mlx5_10");
	ck_assert_uint_eq(mc_topo_nic(topo, 3)->rail, MC_RAIL_NONE);
	/* as published: readers walk cpu:1 first */
	ck_assert_uint_eq(mc_topo_rails_count(topo), 3);
	ck_assert_str_eq(mc_topo_rail(topo, 0)->name, "mlx5_2");
	ck_assert_str_eq(mc_topo_rail(topo, 1)->name, "mlx5_0");
	matrix_check("{\"cpu:0\":[[\"mlx5_0\",\"mlx5_1\"],[\"mlx5_2\"]],"
		     "\"cpu:1\":[[\"mlx5_2\"],[\"mlx5_0\",\"mlx5_1\"]]}");
}
END_TEST

START_TEST(without_any_there_is_nothing_to_say)
{
	ck_assert_int_eq(topo_open(NULL, NULL), MC_OK);
	ck_assert_uint_eq(mc_topo_rails_count(topo), 0);
	matrix_check("{}");
}
END_TEST

START_TEST(the_nearest_where_none_is_near)
{
	topo_tree_remove(&tree);
	topo_tree_make(&tree, 8, 1);
	topo_tree_nic(&tree, &(struct tree_nic){"mlx5_0", TREE_PCI, 1});
	topo_tree_nic(&tree, &(struct tree_nic){"mlx5_1", TREE_PCI, 6});
	topo_tree_nic(&tree, &(struct tree_nic){"rxe0", TREE_VIRTUAL, -1, .netdev = "nic0"});
	ck_assert_int_eq(topo_open("", ""), MC_OK);
	ck_assert_uint_eq(mc_topo_nodes_count(topo), 8);
	/* readers walk cpu:5 first */
	ck_assert_str_eq(mc_topo_rail(topo, 0)->name, "mlx5_1");
	matrix_check("{\"cpu:0\":[[\"mlx5_0\"],[\"mlx5_1\",\"rxe0\"]],"
		     "\"cpu:1\":[[\"mlx5_0\"],[\"mlx5_1\",\"rxe0\"]],"
		     "\"cpu:2\":[[\"mlx5_0\"],[\"mlx5_1\",\"rxe0\"]],"
		     "\"cpu:3\":[[\"mlx5_0\"],[\"mlx5_1\",\"rxe0\"]],"
		     "\"cpu:4\":[[\"mlx5_1\"],[\"mlx5_0\",\"rxe0\"]],"
		     "\"cpu:5\":[[\"mlx5_1\"],[\"mlx5_0\",\"rxe0\"]],"
		     "\"cpu:6\":[[\"mlx5_1\"],[\"mlx5_0\",\"rxe0\"]],"
		     "\"cpu:7\":[[\"mlx5_1\"],[\"mlx5_0\",\"rxe0\"]]}");
}
END_TEST

START_TEST(what_is_nowhere_is_preferred_nowhere)
{
	topo_tree_nic(&tree, &(struct tree_nic){"rxe0", TREE_VIRTUAL, -1, .netdev = "nic0"});
	topo_tree_nic(&tree, &(struct tree_nic){"rxe1", TREE_VIRTUAL, -1, .netdev = "nic1"});
	ck_assert_int_eq(topo_open(NULL, NULL), MC_OK);
	matrix_check("{\"cpu:0\":[[],[\"rxe0\",\"rxe1\"]],\"cpu:1\":[[],[\"rxe0\",\"rxe1\"]]}");
}
END_TEST

START_TEST(with_one_node_all_are_near)
{
	topo_tree_remove(&tree);
	topo_tree_make(&tree, 1, 2);
	topo_tree_nic(&tree, &(struct tree_nic){"rxe0", TREE_VIRTUAL, -1, .netdev = "nic0"});
	ck_assert_int_eq(topo_open(NULL, NULL), MC_OK);
	matrix_check("{\"cpu:0\":[[\"rxe0\"],[]]}");
}
END_TEST

START_TEST(no_more_than_can_be_published)
{
	char path[96];

	/* with no more files than need be: making them is what takes the time */
	for (unsigned int i = 0; i <= MC_RAILS_MAX; i++) {
		snprintf(path, sizeof(path), "sys/class/infiniband/mlx5_%u/ports/1/state", i);
		topo_tree_put(&tree, path, "4: ACTIVE\n");
	}
	ck_assert_int_eq(topo_open(NULL, NULL), MC_OK);
	ck_assert_uint_eq(mc_topo_nics_count(topo), MC_RAILS_MAX + 1);
	ck_assert_uint_eq(mc_topo_rails_count(topo), MC_RAILS_MAX);
	ck_assert_str_eq(log_last(), "only the first 64 of the active devices are used; name those "
				     "to use");
	ck_assert_int_eq(topo_open("mlx5_64", NULL), MC_OK);
	ck_assert_str_eq(mc_topo_rail(topo, 0)->name, "mlx5_64");
}
END_TEST

/* ---- lists ---- */

START_TEST(those_that_are_named)
{
	four_make();
	ck_assert_int_eq(topo_open("mlx5_1, mlx5_2", NULL), MC_OK);
	ck_assert_uint_eq(mc_topo_rails_count(topo), 2);
	ck_assert(!mc_topo_nic(topo, 0)->wanted);
	matrix_check("{\"cpu:0\":[[\"mlx5_1\"],[\"mlx5_2\"]],"
		     "\"cpu:1\":[[\"mlx5_2\"],[\"mlx5_1\"]]}");
	setenv("MC_TE_FILTERS", "mlx5_0", 1);
	ck_assert_int_eq(topo_open(NULL, NULL), MC_OK);
	matrix_check("{\"cpu:0\":[[\"mlx5_0\"],[]],\"cpu:1\":[[\"mlx5_0\"],[]]}");
	/* the caller's word goes first */
	ck_assert_int_eq(topo_open("", NULL), MC_OK);
	ck_assert_uint_eq(mc_topo_rails_count(topo), 3);
	ck_assert_int_eq(topo_open(" ,,", NULL), MC_OK);
	ck_assert_uint_eq(mc_topo_rails_count(topo), 3);
	/* one that is down is there, but of no use */
	ck_assert_int_eq(topo_open("mlx5_10,mlx5_0", NULL), MC_OK);
	ck_assert_uint_eq(mc_topo_rails_count(topo), 1);
	ck_assert_str_eq(log_last(), "devices: device mlx5_10 port 1 is DOWN and is not used");
}
END_TEST

START_TEST(unknown_names_are_told_with_those_there_are)
{
	ck_assert_int_eq(topo_open("mlx5_0", NULL), MC_ERR_NOT_FOUND);
	ck_assert_str_eq(log_last(), "devices: device mlx5_0 is not here: this machine has no RDMA "
				     "devices");
	four_make();
	ck_assert_int_eq(topo_open("mlx5_0,mlx5", NULL), MC_ERR_NOT_FOUND);
	ck_assert_str_eq(log_last(), "devices: device mlx5 is not here; there are mlx5_0, mlx5_1, "
				     "mlx5_2, mlx5_10");
	setenv("MC_TE_FILTERS", "mlx5_9", 1);
	ck_assert_int_eq(topo_open(NULL, NULL), MC_ERR_NOT_FOUND);
	ck_assert_str_eq(log_last(), "MC_TE_FILTERS: device mlx5_9 is not here; there are mlx5_0, "
				     "mlx5_1, mlx5_2, mlx5_10");
	ck_assert_ptr_null(topo);
}
END_TEST

/* ---- files ---- */

START_TEST(a_file_is_used_as_it_is)
{
	four_make();
	topo_tree_put(&tree, "matrix.json",
		      "{\n  \"cpu:0\": [[\"mlx5_2\"], [\"mlx5_10\", \"mlx5_0\"]],\n"
		      "  \"cuda:0\": [[\"mlx5_10\"], []]\n}\n");
	ck_assert_int_eq(topo_open(NULL, file_path), MC_OK);
	ck_assert(!mc_topo_nic(topo, 1)->wanted);
	matrix_check("{\"cpu:0\":[[\"mlx5_2\"],[\"mlx5_0\"]],\"cuda:0\":[[],[]]}");
	setenv("MC_CUSTOM_TOPO_JSON", file_path, 1);
	ck_assert_int_eq(topo_open("mlx5_0,mlx5_1", NULL), MC_OK);
	matrix_check("{\"cpu:0\":[[],[\"mlx5_0\"]],\"cuda:0\":[[],[]]}");
	ck_assert_int_eq(topo_open(NULL, ""), MC_OK);
	ck_assert_uint_eq(mc_topo_rails_count(topo), 3);
}
END_TEST

START_TEST(a_file_that_is_wrong_is_told)
{
	char expected[512];

	four_make();
	ck_assert_int_eq(topo_open(NULL, "/nonexistent"), MC_ERR_INVALID);
	ck_assert_str_eq(log_last(), "matrix: /nonexistent: No such file or directory");
	ck_assert_int_eq(topo_open(NULL, tree.root), MC_ERR_INVALID);
	setenv("MC_CUSTOM_TOPO_JSON", file_path, 1);
	topo_tree_put(&tree, "matrix.json", "{\"cpu:0\": [[\"mlx5_2\"]]}");
	ck_assert_int_eq(topo_open(NULL, NULL), MC_ERR_INVALID);
	snprintf(expected, sizeof(expected),
		 "MC_CUSTOM_TOPO_JSON: %s: \"cpu:0\": 1 lists, not 2; give "
		 "{\"cpu:0\":[[preferred NICs],[others]],...}",
		 file_path);
	ck_assert_str_eq(log_last(), expected);
	topo_tree_put(&tree, "matrix.json", "{\"cpu:0\": [[\"mlx5_7\"],[]]}");
	ck_assert_int_eq(topo_open(NULL, NULL), MC_ERR_NOT_FOUND);
	ck_assert_str_eq(log_last(), "MC_CUSTOM_TOPO_JSON: device mlx5_7 is not here; there are "
				     "mlx5_0, mlx5_1, mlx5_2, mlx5_10");
	topo_tree_put(&tree, "matrix.json", "%*s", (int)MC_MATRIX_BYTES_MAX + 1, "{}");
	ck_assert_int_eq(topo_open(NULL, NULL), MC_ERR_INVALID);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("topo/rails");
	TCase *tc = tcase_create("rails");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_near_ones_are_preferred);
	tcase_add_test(tc, without_any_there_is_nothing_to_say);
	tcase_add_test(tc, the_nearest_where_none_is_near);
	tcase_add_test(tc, what_is_nowhere_is_preferred_nowhere);
	tcase_add_test(tc, with_one_node_all_are_near);
	tcase_add_test(tc, no_more_than_can_be_published);
	tcase_add_test(tc, those_that_are_named);
	tcase_add_test(tc, unknown_names_are_told_with_those_there_are);
	tcase_add_test(tc, a_file_is_used_as_it_is);
	tcase_add_test(tc, a_file_that_is_wrong_is_told);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
