/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "core/topo/private.h"
#include "tests/support/suite.h"

#define TEXT_MAX 1024

static char *locations[MC_MATRIX_LOCATIONS_MAX];
static uint32_t count;

static int
text_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
locations_add(const char *prefix, unsigned int number)
{
	for (unsigned int i = 0; i < number; i++)
		ck_assert_int_gt(asprintf(&locations[count++], "%s:%u", prefix, i), 0);
	qsort(locations, count, sizeof(locations[0]), text_order);
}

static void
walk_check(const char *expected)
{
	uint32_t order[MC_MATRIX_LOCATIONS_MAX];
	char text[TEXT_MAX] = "";

	topo_iteration_order((const char *const *)locations, count, order);
	for (uint32_t i = 0; i < count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			 i > 0 ? " " : "", locations[order[i]]);
	ck_assert_str_eq(text, expected);
	while (count > 0)
		free(locations[--count]);
}

/* The orders that upstream's readers were seen to walk in. */
START_TEST(measured_orders)
{
	walk_check("");
	locations_add("cpu", 1);
	walk_check("cpu:0");
	locations_add("cpu", 2);
	walk_check("cpu:1 cpu:0");
	locations_add("cpu", 4);
	walk_check("cpu:3 cpu:2 cpu:1 cpu:0");
	locations_add("cpu", 8);
	walk_check("cpu:5 cpu:4 cpu:3 cpu:7 cpu:6 cpu:2 cpu:1 cpu:0");
	locations_add("cpu", 2);
	locations_add("cuda", 8);
	walk_check("cuda:7 cuda:6 cuda:4 cuda:3 cuda:2 cuda:5 cuda:1 cuda:0 cpu:1 cpu:0");
}
END_TEST

/* And of such a map where it has grown once and twice, by g++ 12. */
START_TEST(orders_of_maps_that_grew)
{
	locations_add("cpu", 14);
	walk_check("cpu:9 cpu:1 cpu:12 cpu:10 cpu:0 cpu:11 cpu:13 cpu:4 cpu:2 cpu:6 cpu:3 "
		   "cpu:8 cpu:7 cpu:5");
	locations_add("cpu", 16);
	locations_add("cuda", 16);
	walk_check("cuda:7 cuda:8 cpu:5 cuda:5 cpu:3 cpu:6 cpu:7 cpu:2 cpu:4 cpu:11 cpu:0 "
		   "cuda:2 cpu:14 cpu:10 cuda:15 cpu:15 cuda:4 cpu:12 cpu:13 cpu:8 cpu:9 "
		   "cuda:9 cuda:0 cuda:1 cuda:13 cuda:11 cuda:3 cuda:10 cuda:12 cpu:1 "
		   "cuda:14 cuda:6");
}
END_TEST

START_TEST(every_location_is_walked_once)
{
	uint32_t order[MC_MATRIX_LOCATIONS_MAX];
	bool seen[MC_MATRIX_LOCATIONS_MAX] = {false};

	locations_add("somewhere", MC_MATRIX_LOCATIONS_MAX);
	topo_iteration_order((const char *const *)locations, count, order);
	for (uint32_t i = 0; i < count; i++) {
		ck_assert_uint_lt(order[i], count);
		ck_assert(!seen[order[i]]);
		seen[order[i]] = true;
	}
	while (count > 0)
		free(locations[--count]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("topo/iteration");
	TCase *tc = tcase_create("iteration");

	tcase_add_test(tc, measured_orders);
	tcase_add_test(tc, orders_of_maps_that_grew);
	tcase_add_test(tc, every_location_is_walked_once);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
