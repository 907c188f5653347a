/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "tests/support/admin_port.h"
#include "tests/support/suite.h"

#define MIB (1ull << 20)

START_TEST(a_key_that_is_not_there)
{
	static const char *const targets[] = {"/query_key?key=nobody", "/query_key",
					      "/query_key?key=", "/query_key?key=%00%ff"};

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		http_expect(admin_port(), "GET", targets[i], "", 404,
			    "{\"success\":false,\"error_code\":-704,"
			    "\"error_message\":\"OBJECT_NOT_FOUND\"}");
}
END_TEST

START_TEST(a_key_is_told_by_its_replicas)
{
	json_t *json, *replica;

	admin_port_mount("a:1", 1, MIB);
	admin_port_put("a b/c", 1000);
	json = admin_port_json("GET", "/query_key?key=a%20b/c", "", 200);
	admin_port_member(json, "success", json_true());
	ck_assert_uint_eq(json_array_size(json_object_get(json, "data")), 1);
	replica = json_array_get(json_object_get(json, "data"), 0);
	admin_port_member(replica, "size_", json_integer(1000));
	admin_port_member(replica, "transport_endpoint_", json_string("a:1"));
	json_decref(json);
}
END_TEST

START_TEST(keys_are_listed_on_lines)
{
	http_expect(admin_port(), "GET", "/get_all_keys", "", 200, "");
	admin_port_mount("a:1", 1, MIB);
	admin_port_put("some \xff key", 1000);
	http_expect(admin_port(), "GET", "/get_all_keys", "", 200, "some \xff key\n");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("admin/objects");
	TCase *tc = admin_port_tcase("objects");

	tcase_add_test(tc, a_key_that_is_not_there);
	tcase_add_test(tc, a_key_is_told_by_its_replicas);
	tcase_add_test(tc, keys_are_listed_on_lines);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_NOFORK);
}
