/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/admin_port.h"
#include "tests/support/suite.h"

START_TEST(the_summary_is_one_line)
{
	struct http_reply reply = http_once(admin_port(), "GET", "/metrics/summary", "", 0);
	char *summary = mc_admin_summary(admin_port_admin());

	ck_assert_uint_eq(reply.status, 200);
	ck_assert_ptr_nonnull(strstr(reply.body, "Keys: 0 "));
	ck_assert_ptr_nonnull(strstr(reply.body, "role=leader, state=serving"));
	ck_assert_ptr_nonnull(strstr(summary, "Clients: 0 "));
	ck_assert_ptr_null(strchr(summary, '\n'));
	free(summary);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("admin/summary");
	TCase *tc = admin_port_tcase("summary");

	tcase_add_test(tc, the_summary_is_one_line);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_NOFORK);
}
