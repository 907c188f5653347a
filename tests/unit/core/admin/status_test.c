/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "tests/support/admin_port.h"
#include "tests/support/suite.h"

static void
health_expect(unsigned int status, const char *word, bool ready)
{
	json_t *json = admin_port_json("GET", "/health", "", status);

	admin_port_member(json, "status", json_string(word));
	admin_port_member(json, "service_ready", json_boolean(ready));
	admin_port_member(json, "role", json_string("leader"));
	json_decref(json);
}

START_TEST(health_ends_with_serving)
{
	uint16_t port = admin_port();

	health_expect(200, "ok", true);
	http_expect(port, "GET", "/ha_status", "", 200, "serving");
	mc_admin_serving_set(admin_port_admin(), 0);
	health_expect(503, "unavailable", false);
	http_expect(port, "GET", "/ha_status", "", 200, "stopping");
	http_expect(port, "GET", "/role", "", 200, "leader");
	mc_admin_serving_set(admin_port_admin(), 1);
	health_expect(200, "ok", true);
}
END_TEST

START_TEST(there_is_no_other_leader)
{
	json_t *json = admin_port_json("GET", "/leader", "", 200);

	admin_port_member(json, "present", json_false());
	admin_port_member(json, "leader_address", json_null());
	admin_port_member(json, "view_version", json_null());
	json_decref(json);
}
END_TEST

START_TEST(no_events_are_published)
{
	json_t *json = admin_port_json("GET", "/kv_events/status", "", 200);

	admin_port_member(json, "enabled", json_false());
	admin_port_member(json, "published_events", json_integer(0));
	ck_assert_uint_eq(json_object_size(json), 5);
	json_decref(json);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("admin/status");
	TCase *tc = admin_port_tcase("status");

	tcase_add_test(tc, health_ends_with_serving);
	tcase_add_test(tc, there_is_no_other_leader);
	tcase_add_test(tc, no_events_are_published);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_NOFORK);
}
