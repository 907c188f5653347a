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

START_TEST(a_segment_is_told_by_its_use)
{
	admin_port_mount("a:1", 1, MIB);
	admin_port_put("k", 1000);
	http_expect(admin_port(), "GET", "/query_segment?segment=a:1", "", 200,
		    "a:1\nUsed(bytes): 1000\nCapacity(bytes) : 1048576\n");
	json_decref(admin_port_json("GET", "/query_segment?segment=b:1", "", 404));
	json_decref(admin_port_json("GET", "/query_segment", "", 404));
}
END_TEST

static void
status_expect(const char *target, int status, const char *name)
{
	json_t *json = admin_port_json("GET", target, "", 200);

	admin_port_member(json, "success", json_true());
	admin_port_member(json, "segment", json_string("q\"a:1"));
	admin_port_member(json, "status", json_integer(status));
	admin_port_member(json, "status_name", json_string(name));
	admin_port_member(json, "error_code", json_integer(0));
	admin_port_member(json, "error_message", json_string(""));
	json_decref(json);
}

START_TEST(the_status_of_a_segment)
{
	struct mc_args args;

	admin_port_mount("q\"a:1", 1, MIB);
	status_expect("/api/v1/segments/status?segment=q%22a:1", 1, "OK");
	mc_args_init(&args);
	args.client_id = ADMIN_PORT_CLIENT;
	args.id = (struct mc_uuid){ADMIN_PORT_CLIENT.first, 1};
	args.grace_period_ms = 60000;
	ck_assert_int_eq(admin_port_call(MC_FN_GRACEFUL_UNMOUNT_SEGMENT, &args), 0);
	status_expect("/api/v1/segments/status?segment=q%22a:1", 4, "GRACEFULLY_UNMOUNTING");
}
END_TEST

START_TEST(a_segment_that_is_not_there)
{
	json_t *json = admin_port_json("GET", "/api/v1/segments/status?segment=b:1", "", 404);

	admin_port_member(json, "error_code", json_integer(-101));
	admin_port_member(json, "error_message", json_string("SEGMENT_NOT_FOUND"));
	json_decref(json);
	json = admin_port_json("GET", "/api/v1/segments/status", "", 400);
	admin_port_member(json, "error_code", json_integer(-600));
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
	tcase_add_test(tc, a_segment_is_told_by_its_use);
	tcase_add_test(tc, the_status_of_a_segment);
	tcase_add_test(tc, a_segment_that_is_not_there);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_NOFORK);
}
