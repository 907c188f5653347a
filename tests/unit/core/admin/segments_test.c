/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "tests/support/admin_port.h"
#include "tests/support/suite.h"

#define MIB (1ull << 20)

START_TEST(an_empty_master_lists_nothing)
{
	json_t *json = admin_port_json("GET", "/get_segments_detail", "", 200);

	admin_port_member(json, "total_segments", json_integer(0));
	admin_port_member(json, "segments", json_array());
	json_decref(json);
	http_expect(admin_port(), "GET", "/get_all_segments", "", 200, "");
}
END_TEST

START_TEST(segments_are_listed)
{
	json_t *json;

	admin_port_mount("a:1", 1, MIB);
	admin_port_mount("b:1", 2, MIB);
	http_expect(admin_port(), "GET", "/get_all_segments", "", 200, "a:1\nb:1\n");
	json = admin_port_json("GET", "/get_segments_detail", "", 200);
	admin_port_member(json, "total_segments", json_integer(2));
	ck_assert_uint_eq(json_array_size(json_object_get(json, "segments")), 2);
	json_decref(json);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("admin/segments");
	TCase *tc = admin_port_tcase("segments");

	tcase_add_test(tc, an_empty_master_lists_nothing);
	tcase_add_test(tc, segments_are_listed);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_NOFORK);
}
