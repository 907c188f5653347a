/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and methods. */
#include "tests/support/admin_port.h"
#include "tests/support/suite.h"

START_TEST(other_paths_and_methods_are_not_found)
{
	http_expect(admin_port(), "GET", "/nothing", "", 404, "404 Not Found");
	http_expect(admin_port(), "GET", "/metrics/", "", 404, "404 Not Found");
	http_expect(admin_port(), "POST", "/metrics", "", 404, "404 Not Found");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("admin/admin");
	TCase *tc = admin_port_tcase("admin");

	tcase_add_test(tc, other_paths_and_methods_are_not_found);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_NOFORK);
}
