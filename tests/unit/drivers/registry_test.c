/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>

#include "drivers/driver.h"
#include "tests/support/suite.h"

START_TEST(every_driver_is_found_by_its_name)
{
	unsigned int count = 0;

	for (const struct mc_driver *driver; (driver = mc_driver_at(count)) != NULL; count++)
		ck_assert_ptr_eq(mc_driver_find(driver->name), driver);
	ck_assert_ptr_null(mc_driver_at(count + 1));
	ck_assert_ptr_null(mc_driver_find("carrier-pigeon"));
	ck_assert_ptr_null(mc_driver_find(""));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("drivers/registry");
	TCase *tc = tcase_create("list");

	tcase_add_test(tc, every_driver_is_found_by_its_name);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
