/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait for the master. */
#include "tests/support/admin_port.h"
#include "tests/support/suite.h"

START_TEST(a_query_holds_up_nobody_else)
{
	struct http_client client;
	struct http_reply reply;

	admin_port_stand(true);
	http_client_open(&client, admin_port());
	http_client_request(&client, "GET", "/get_all_keys", "", 0);
	ck_assert(http_client_waits(&client));
	http_expect(admin_port(), "GET", "/role", "", 200, "leader");
	admin_port_stand(false);
	reply = http_client_reply(&client);
	http_reply_expect(&reply, 200, "");
	http_client_close(&client);
}
END_TEST

START_TEST(closing_leaves_a_query_to_end_later)
{
	struct http_client client;

	admin_port_stand(true);
	http_client_open(&client, admin_port());
	http_client_request(&client, "GET", "/metrics", "", 0);
	ck_assert(http_client_waits(&client));
	admin_port_close();
	ck_assert_uint_eq(http_client_reply(&client).status, 0);
	admin_port_stand(false);
	http_loop_settle();
	http_client_close(&client);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("admin/ask");
	TCase *tc = admin_port_tcase("ask");

	tcase_add_test(tc, a_query_holds_up_nobody_else);
	tcase_add_test(tc, closing_leaves_a_query_to_end_later);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_NOFORK);
}
