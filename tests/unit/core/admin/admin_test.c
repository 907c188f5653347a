/* SPDX-License-Identifier: Apache-2.0 */
/* Paths, methods, and who may change things. */
#include <jansson.h>
#include <string.h>

#include "tests/support/admin_port.h"
#include "tests/support/suite.h"

START_TEST(other_paths_are_not_found)
{
	http_expect(admin_port(), "GET", "/nothing", "", 404, "404 Not Found");
	http_expect(admin_port(), "GET", "/metrics/", "", 404, "404 Not Found");
	http_expect(admin_port(), "POST", "/api/v1", "", 404, "404 Not Found");
}
END_TEST

START_TEST(other_methods_are_not_allowed)
{
	http_expect(admin_port(), "POST", "/metrics", "", 405, "405 Method Not Allowed");
	http_expect(admin_port(), "GET", "/api/v1/remove_all", "", 405, "405 Method Not Allowed");
	http_expect(admin_port(), "POST", "/api/v1/tenant_quotas", "", 405,
		    "405 Method Not Allowed");
}
END_TEST

/* Requests from 127.0.0.1 may; tests/integration/test_admin.py makes some from elsewhere. */
START_TEST(this_host_may_change_things)
{
	json_decref(admin_port_json("POST", "/api/v1/remove_all", "", 200));
}
END_TEST

/* What a browser sends for a form on whatever web page. */
START_TEST(web_pages_may_not)
{
	static const char request[] = "POST /api/v1/remove_all?force=true HTTP/1.1\r\n"
				      "Host: 127.0.0.1\r\nOrigin: https://example.org\r\n"
				      "Content-Length: 0\r\n\r\n";
	struct http_client client;
	struct http_reply reply;

	http_client_open(&client, admin_port());
	http_client_send(&client, request, sizeof(request) - 1);
	reply = http_client_reply(&client);
	ck_assert_uint_eq(reply.status, 403);
	ck_assert_ptr_nonnull(strstr(reply.body, "-admin_remote_writes"));
	http_client_close(&client);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("admin/admin");
	TCase *tc = admin_port_tcase("admin");

	tcase_add_test(tc, other_paths_are_not_found);
	tcase_add_test(tc, other_methods_are_not_allowed);
	tcase_add_test(tc, this_host_may_change_things);
	tcase_add_test(tc, web_pages_may_not);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_NOFORK);
}
