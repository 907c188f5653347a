/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <string.h>

#include "core/topo/private.h"
#include "tests/support/suite.h"

static const char *const names[] = {"a", "b", "c", "d"};
static struct mc_matrix *matrix;

static void
row_add(const char *location, const char *nics, uint32_t preferred)
{
	uint16_t numbers[16];
	uint32_t count = 0;

	for (; nics[count] != '\0'; count++)
		numbers[count] = (uint16_t)(nics[count] - 'a');
	ck_assert_int_eq(topo_matrix_add(matrix, location, numbers, count, preferred), MC_OK);
}

static void
setup(void)
{
	ck_assert_int_eq(topo_matrix_create(names, 4, &matrix), MC_OK);
	row_add("cpu:1", "bcda", 2);
	row_add("cuda:0", "d", 0);
	row_add("cpu:0", "acdb", 1);
	ck_assert_int_eq(topo_matrix_finish(matrix), MC_OK);
}

static void
teardown(void)
{
	mc_matrix_free(matrix);
}

START_TEST(rows_are_sorted_and_found)
{
	ck_assert_uint_eq(mc_matrix_rows_count(matrix), 3);
	ck_assert_str_eq(mc_matrix_row(matrix, 0)->location, "cpu:0");
	ck_assert_str_eq(mc_matrix_row(matrix, 1)->location, "cpu:1");
	ck_assert_ptr_eq(mc_matrix_find(matrix, "cuda:0"), mc_matrix_row(matrix, 2));
	ck_assert_ptr_eq(mc_matrix_find_node(matrix, 1), mc_matrix_row(matrix, 1));
}
END_TEST

START_TEST(any_other_place_prefers_all)
{
	static const int nodes[] = {MC_NODE_UNKNOWN, 2, 1023, 100000, -7};
	const struct mc_matrix_row *row = mc_matrix_find(matrix, "cpu:2");

	ck_assert_str_eq(row->location, "*");
	ck_assert_uint_eq(row->nics_count, 4);
	ck_assert_uint_eq(row->preferred_count, 4);
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		ck_assert_ptr_eq(mc_matrix_find_node(matrix, nodes[i]), row);
}
END_TEST

START_TEST(only_canonical_names_are_nodes)
{
	struct mc_matrix *other;
	uint16_t nics[1] = {0};

	ck_assert_int_eq(topo_matrix_create(names, 1, &other), MC_OK);
	ck_assert_int_eq(topo_matrix_add(other, "cpu:01", nics, 1, 0), MC_OK);
	ck_assert_int_eq(topo_matrix_add(other, "segments:1:1", nics, 1, 0), MC_OK);
	ck_assert_int_eq(topo_matrix_finish(other), MC_OK);
	ck_assert_str_eq(mc_matrix_find_node(other, 1)->location, "*");
	mc_matrix_free(other);
	mc_matrix_free(NULL);
}
END_TEST

START_TEST(a_first_try_is_preferred_and_later_ones_come_in_turn)
{
	const struct mc_matrix_row *row = mc_matrix_find(matrix, "cpu:1");

	for (uint64_t turn = 0; turn < 10; turn++)
		ck_assert_uint_eq(mc_matrix_pick(row, 0, turn), turn % 2 ? 2 : 1);
	/* b c d a, and again */
	for (uint32_t retry = 1; retry < 20; retry++)
		ck_assert_uint_eq(mc_matrix_pick(row, retry, 12345), retry % 4);
	row = mc_matrix_find(matrix, "cuda:0");
	ck_assert_uint_eq(mc_matrix_pick(row, 0, UINT64_MAX), 3);
	ck_assert_uint_eq(mc_matrix_pick(row, UINT32_MAX, 0), 3);
}
END_TEST

START_TEST(a_row_without_nics_has_none)
{
	struct mc_matrix *other;

	ck_assert_int_eq(topo_matrix_create(NULL, 0, &other), MC_OK);
	ck_assert_int_eq(topo_matrix_finish(other), MC_OK);
	ck_assert_uint_eq(mc_matrix_pick(mc_matrix_find(other, "cpu:0"), 0, 3), MC_RAIL_NONE);
	ck_assert_uint_eq(mc_matrix_pick(mc_matrix_find(other, "cpu:0"), 3, 0), MC_RAIL_NONE);
	mc_matrix_free(other);
}
END_TEST

START_TEST(arranged_as_readers_walk)
{
	bool keep[MC_RAILS_MAX] = {true, true, true, true};
	const struct mc_matrix_row *row;

	/* that is cuda:0, cpu:1, cpu:0 */
	ck_assert_int_eq(topo_matrix_arrange(&matrix, keep), MC_OK);
	ck_assert_uint_eq(mc_matrix_nics_count(matrix), 4);
	ck_assert_str_eq(mc_matrix_nic(matrix, 0), "d");
	ck_assert_str_eq(mc_matrix_nic(matrix, 1), "b");
	ck_assert_str_eq(mc_matrix_nic(matrix, 2), "c");
	ck_assert_str_eq(mc_matrix_nic(matrix, 3), "a");
	row = mc_matrix_find_node(matrix, 0);
	ck_assert_uint_eq(row->nics[0], 3);
	ck_assert_uint_eq(row->preferred_count, 1);
	/* once more, without c: it stays so */
	keep[2] = false;
	ck_assert_int_eq(topo_matrix_arrange(&matrix, keep), MC_OK);
	ck_assert_uint_eq(mc_matrix_nics_count(matrix), 3);
	ck_assert_str_eq(mc_matrix_nic(matrix, 0), "d");
	ck_assert_str_eq(mc_matrix_nic(matrix, 2), "a");
	row = mc_matrix_find_node(matrix, 1);
	ck_assert_uint_eq(row->nics_count, 3);
	ck_assert_uint_eq(row->preferred_count, 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("topo/matrix");
	TCase *tc = tcase_create("matrix");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, rows_are_sorted_and_found);
	tcase_add_test(tc, any_other_place_prefers_all);
	tcase_add_test(tc, only_canonical_names_are_nodes);
	tcase_add_test(tc, a_first_try_is_preferred_and_later_ones_come_in_turn);
	tcase_add_test(tc, a_row_without_nics_has_none);
	tcase_add_test(tc, arranged_as_readers_walk);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
