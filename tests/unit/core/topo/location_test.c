/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "core/topo/topo.h"
#include "tests/support/suite.h"

static struct mc_location location;

START_TEST(nodes_by_name)
{
	ck_assert(mc_location_parse("cpu:0", &location));
	ck_assert_int_eq(mc_location_node(&location, 0, 4096), 0);
	ck_assert(mc_location_parse("cpu:1023", &location));
	ck_assert_int_eq(mc_location_node(&location, UINT64_MAX, 0), 1023);
}
END_TEST

START_TEST(what_tells_no_node)
{
	static const char *const texts[] = {"*", "", "cuda:0", "cpu", "segment", "npu:1"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ck_assert_msg(mc_location_parse(texts[i], &location), "%s", texts[i]);
		ck_assert_int_eq(mc_location_node(&location, 5, 10), MC_NODE_UNKNOWN);
	}
}
END_TEST

START_TEST(equal_regions_of_a_buffer)
{
	ck_assert(mc_location_parse("segments:4096:3,0,2", &location));
	ck_assert_uint_eq(location.nodes_count, 3);
	ck_assert_int_eq(mc_location_node(&location, 0, 3000), 3);
	ck_assert_int_eq(mc_location_node(&location, 999, 3000), 3);
	ck_assert_int_eq(mc_location_node(&location, 1000, 3000), 0);
	ck_assert_int_eq(mc_location_node(&location, 2000, 3000), 2);
	ck_assert_int_eq(mc_location_node(&location, 2999, 3000), 2);
	/* regions of 1000, and two bytes more */
	ck_assert_int_eq(mc_location_node(&location, 3001, 3002), 2);
	/* behind the end, too short to divide: some node of it, and no division by 0 */
	ck_assert_int_eq(mc_location_node(&location, UINT64_MAX, 3000), 2);
	ck_assert_int_eq(mc_location_node(&location, 1, 2), 3);
	ck_assert_int_eq(mc_location_node(&location, 0, 0), 3);
	/* a page size does not move the borders */
	ck_assert(mc_location_parse("segments:2097152:1", &location));
	ck_assert_int_eq(mc_location_node(&location, 77, 100), 1);
}
END_TEST

START_TEST(what_begins_well_and_goes_wrong)
{
	static const char *const texts[] = {
		"cpu:",		   "cpu:x",	       "cpu:-1",	  "cpu:1 ",
		"cpu:1024",	   "cpu:0,1",	       "cpu:99999999999999999999",
		"segments:",	   "segments:4096",    "segments:4096:", "segments:4096:0,",
		"segments:0:0",	   "segments::0",      "segments:4k:0",	  "segments:4096:0;1",
		"segments:4096:0,1024", "segments:4096:,0", "segments:99999999999999999999:0"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		memset(&location, 0x11, sizeof(location));
		ck_assert_msg(!mc_location_parse(texts[i], &location), "%s", texts[i]);
		ck_assert_int_eq(mc_location_node(&location, 0, 100), MC_NODE_UNKNOWN);
	}
}
END_TEST

START_TEST(as_many_nodes_as_there_is_room_for)
{
	char text[1024] = "segments:4096:0";

	for (unsigned int i = 1; i < MC_LOCATION_NODES_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), ",%u", i);
	ck_assert(mc_location_parse(text, &location));
	ck_assert_int_eq(mc_location_node(&location, 63, 64), 63);
	strcat(text, ",64");
	ck_assert(!mc_location_parse(text, &location));
}
END_TEST

START_TEST(written_as_parsed)
{
	char text[MC_LOCATION_MAX];

	mc_location_write(MC_NODE_UNKNOWN, text);
	ck_assert_str_eq(text, "*");
	mc_location_write(12, text);
	ck_assert_str_eq(text, "cpu:12");
	ck_assert(mc_location_parse(text, &location));
	ck_assert_int_eq(mc_location_node(&location, 0, 1), 12);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("topo/location");
	TCase *tc = tcase_create("location");

	tcase_add_test(tc, nodes_by_name);
	tcase_add_test(tc, what_tells_no_node);
	tcase_add_test(tc, equal_regions_of_a_buffer);
	tcase_add_test(tc, what_begins_well_and_goes_wrong);
	tcase_add_test(tc, as_many_nodes_as_there_is_room_for);
	tcase_add_test(tc, written_as_parsed);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
