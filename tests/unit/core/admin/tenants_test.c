/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "tests/support/admin_port.h"
#include "tests/support/suite.h"

#define QUOTAS "/api/v1/tenant_quotas"

static void
quota_expect(const char *method, const char *target, const char *body, unsigned int status,
	     int code)
{
	json_t *json = admin_port_json(method, target, body, status);

	admin_port_member(json, "success", json_false());
	admin_port_member(json, "error_code", json_integer(code));
	json_decref(json);
}

START_TEST(there_are_no_tenants)
{
	quota_expect("GET", QUOTAS, "", 409, -1011);
	quota_expect("GET", QUOTAS "?tenant_id=a", "", 409, -1011);
	quota_expect("PUT", QUOTAS "?tenant_id=a", "{\"requested_quota_bytes\":1}", 409, -1011);
	quota_expect("DELETE", QUOTAS "?tenant_id=a", "", 409, -1011);
}
END_TEST

START_TEST(a_request_that_is_wrong_is_told_so)
{
	static const char *const bodies[] = {"",
					     "x",
					     "5",
					     "[]",
					     "{}",
					     "{\"requested_quota_bytes\":0}",
					     "{\"requested_quota_bytes\":\"5\"}",
					     "{\"requested_quota_bytes\":9223372036854775808}"};

	quota_expect("PUT", QUOTAS, "{\"requested_quota_bytes\":1}", 400, -600);
	quota_expect("DELETE", QUOTAS, "", 400, -600);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		quota_expect("PUT", QUOTAS "?tenant_id=a", bodies[i], 400, -600);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("admin/tenants");
	TCase *tc = admin_port_tcase("tenants");

	tcase_add_test(tc, there_are_no_tenants);
	tcase_add_test(tc, a_request_that_is_wrong_is_told_so);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_NOFORK);
}
