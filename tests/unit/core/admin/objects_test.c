/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

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

/* ---- several keys ---- */

static void
named_expect(const json_t *data, const char *key, const char *error)
{
	const json_t *one = json_object_get(data, key);

	ck_assert_msg(one != NULL, "no %s", key);
	admin_port_member(one, "ok", json_boolean(error == NULL));
	admin_port_member(one, "error", error != NULL ? json_string(error) : json_null());
	ck_assert_uint_eq(json_array_size(json_object_get(one, "values")), error == NULL);
	admin_port_member(one, "disk_values", json_null());
	admin_port_member(one, "local_disk_values", json_null());
	admin_port_member(one, "nof_values", json_null());
}

START_TEST(keys_are_told_by_name)
{
	json_t *json, *data;

	admin_port_mount("a:1", 1, MIB);
	admin_port_put("a b", 1000);
	admin_port_put("\xc3\xbc\"", 10);
	json = admin_port_json("GET", "/batch_query_keys?keys=nope,a%20b,%C3%BC%22,nope,a%20b,", "",
			       200);
	data = json_object_get(json, "data");
	ck_assert_uint_eq(json_object_size(data), 4);
	named_expect(data, "a b", NULL);
	named_expect(data, "\xc3\xbc\"", NULL);
	named_expect(data, "nope", "OBJECT_NOT_FOUND");
	named_expect(data, "", "OBJECT_NOT_FOUND");
	json_decref(json);
}
END_TEST

/* More than are told in one pass of the master. */
START_TEST(many_keys_are_told)
{
	char target[4096] = "/batch_query_keys?keys=";
	size_t at = strlen(target);
	json_t *json, *data;

	admin_port_mount("a:1", 1, MIB);
	for (int i = 0; i < 300; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%d", i);
		if (i % 2 == 0)
			admin_port_put(key, 10);
		at += (size_t)snprintf(target + at, sizeof(target) - at, "%s,", key);
	}
	target[at - 1] = '\0';
	json = admin_port_json("GET", target, "", 200);
	data = json_object_get(json, "data");
	ck_assert_uint_eq(json_object_size(data), 300);
	named_expect(data, "k0", NULL);
	named_expect(data, "k298", NULL);
	named_expect(data, "k299", "OBJECT_NOT_FOUND");
	json_decref(json);
}
END_TEST

START_TEST(keys_that_are_no_text_leave_valid_json)
{
	json_t *json;

	admin_port_mount("a:1", 1, MIB);
	admin_port_put("\xff", 10);
	json = admin_port_json("GET", "/batch_query_keys?keys=%FF,%C3x", "", 200);
	ck_assert_uint_ge(json_object_size(json_object_get(json, "data")), 1);
	json_decref(json);
}
END_TEST

START_TEST(no_key_is_an_error)
{
	json_t *json = admin_port_json("GET", "/batch_query_keys", "", 400);

	admin_port_member(json, "success", json_false());
	json_decref(json);
	json_decref(admin_port_json("GET", "/batch_query_keys?keys=", "", 400));
}
END_TEST

/* ---- the removal of all ---- */

static void
removed_expect(const char *target, int wanted)
{
	json_t *json = admin_port_json("POST", target, "", 200);

	admin_port_member(json, "success", json_true());
	admin_port_member(json, "removed_count", json_integer(wanted));
	json_decref(json);
}

static void
lease(const char *key)
{
	struct mc_args args;

	mc_args_init(&args);
	args.key = (struct mc_str){key, strlen(key)};
	ck_assert_int_eq(admin_port_call(MC_FN_GET_REPLICA_LIST, &args), 0);
}

START_TEST(all_are_removed_but_leased_ones)
{
	removed_expect("/api/v1/remove_all", 0);
	admin_port_mount("a:1", 1, MIB);
	admin_port_put("a", 10);
	admin_port_put("b", 10);
	admin_port_put("c", 10);
	lease("b");
	removed_expect("/api/v1/remove_all?force=false&tenant_id=default", 2);
	ck_assert_str_eq(admin_port_text("/get_all_keys"), "b\n");
	removed_expect("/api/v1/remove_all?force=yes", 0);
	removed_expect("/api/v1/remove_all?force=true", 1);
	ck_assert_str_eq(admin_port_text("/get_all_keys"), "");
}
END_TEST

/* More than one slice, with another query waiting behind. */
START_TEST(many_are_removed)
{
	char key[16];

	admin_port_mount("a:1", 1, 64 * MIB);
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		admin_port_put(key, 10);
	}
	removed_expect("/api/v1/remove_all?force=1", 5000);
}
END_TEST

START_TEST(nothing_is_removed_for_another_tenant)
{
	json_t *json;

	admin_port_mount("a:1", 1, MIB);
	admin_port_put("a", 10);
	json = admin_port_json("POST", "/api/v1/remove_all?force=true&tenant_id=other", "", 409);
	admin_port_member(json, "error_code", json_integer(-1011));
	json_decref(json);
	ck_assert_str_eq(admin_port_text("/get_all_keys"), "a\n");
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
	tcase_add_test(tc, keys_are_told_by_name);
	tcase_add_test(tc, many_keys_are_told);
	tcase_add_test(tc, keys_that_are_no_text_leave_valid_json);
	tcase_add_test(tc, no_key_is_an_error);
	tcase_add_test(tc, all_are_removed_but_leased_ones);
	tcase_add_test(tc, many_are_removed);
	tcase_add_test(tc, nothing_is_removed_for_another_tenant);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_NOFORK);
}
