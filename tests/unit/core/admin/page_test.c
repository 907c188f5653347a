/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "core/metrics/latency.h"
#include "tests/support/admin_port.h"
#include "tests/support/suite.h"

#define MIB (1ull << 20)

/* Nothing is fetched from elsewhere, so the page works where there is no internet. */
START_TEST(the_page_stands_alone)
{
	struct http_reply reply = http_once(admin_port(), "GET", "/", "", 0);

	ck_assert_uint_eq(reply.status, 200);
	ck_assert_str_eq(reply.type, "text/html; charset=utf-8");
	ck_assert(strncmp(reply.body, "<!doctype html>", 15) == 0);
	ck_assert_ptr_nonnull(strstr(reply.body, "</html>\n"));
	ck_assert_ptr_null(strstr(reply.body, "src=\""));
	ck_assert_ptr_null(strstr(reply.body, "https:"));
	ck_assert_ptr_nonnull(strstr(reply.body, "default-src 'none'"));
}
END_TEST

START_TEST(an_empty_master_has_a_state)
{
	json_t *json = admin_port_json("GET", "/mc/state", "", 200), *part;

	admin_port_member(json, "serving", json_true());
	admin_port_member(json, "segments", json_array());
	admin_port_member(json, "clients", json_array());
	admin_port_member(json, "calls", json_object());
	ck_assert_uint_eq(json_array_size(json_object_get(json, "lcores")), 1);
	part = json_object_get(json, "latency");
	ck_assert_uint_eq(json_array_size(json_object_get(part, "counts")), MC_LATENCY_BUCKETS);
	ck_assert_uint_eq(json_array_size(json_object_get(part, "ends_ns")), MC_LATENCY_BUCKETS);
	json_decref(json);
}
END_TEST

START_TEST(the_state_tells_of_segments_and_clients)
{
	json_t *json, *row, *totals;

	admin_port_mount("q\"a:1", 1, MIB);
	admin_port_put("k", 1000);
	json = admin_port_json("GET", "/mc/state", "", 200);
	totals = json_object_get(json, "totals");
	admin_port_member(totals, "objects", json_integer(1));
	admin_port_member(totals, "taken_bytes", json_integer(1088));
	admin_port_member(totals, "capacity_bytes", json_integer(MIB));
	ck_assert_uint_eq(json_array_size(json_object_get(json, "segments")), 1);
	row = json_array_get(json_object_get(json, "segments"), 0);
	admin_port_member(row, "name", json_string("q\"a:1"));
	admin_port_member(row, "state", json_string("live"));
	admin_port_member(row, "taken", json_integer(1088));
	admin_port_member(row, "client", json_string("7-8"));
	row = json_array_get(json_object_get(json, "clients"), 0);
	admin_port_member(row, "id", json_string("7-8"));
	admin_port_member(row, "segments", json_integer(1));
	admin_port_member(row, "objects", json_integer(1));
	ck_assert_uint_eq(
		json_array_size(json_object_get(json_object_get(json, "calls"), "PutStart")), 2);
	json_decref(json);
}
END_TEST

/* More than fit into the room that the head is given, with the parts still in their places. */
START_TEST(many_segments_are_told)
{
	json_t *json;

	for (unsigned int i = 1; i <= 1000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "host%u:1", i);
		admin_port_mount(name, i, MIB);
	}
	json = admin_port_json("GET", "/mc/state", "", 200);
	ck_assert_uint_eq(json_array_size(json_object_get(json, "segments")), 1000);
	ck_assert_uint_eq(json_array_size(json_object_get(json, "clients")), 1);
	json_decref(json);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("admin/page");
	TCase *tc = admin_port_tcase("page");

	tcase_add_test(tc, the_page_stands_alone);
	tcase_add_test(tc, an_empty_master_has_a_state);
	tcase_add_test(tc, the_state_tells_of_segments_and_clients);
	tcase_add_test(tc, many_segments_are_told);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_NOFORK);
}
