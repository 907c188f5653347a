/* SPDX-License-Identifier: Apache-2.0 */
/* What an order says wrong; the jobs themselves are tests/unit/core/master/drain_test.c's. */
#include <jansson.h>
#include <stdio.h>

#include "tests/support/admin_port.h"
#include "tests/support/suite.h"

#define JOBS "/api/v1/drain_jobs"

static void
refused(const char *method, const char *target, const char *body, unsigned int status, int code)
{
	json_t *json = admin_port_json(method, target, body, status);

	admin_port_member(json, "success", json_false());
	admin_port_member(json, "error_code", json_integer(code));
	json_decref(json);
}

START_TEST(orders_that_cannot_be_are_refused)
{
	static const char *const bodies[] = {
		"",
		"x",
		"[]",
		"{\"segments\":\"a:1\"}",
		"{\"segments\":[1]}",
		"{\"segments\":[\"a:1\"],\"target_segments\":5}",
		"{\"segments\":[\"a:1\"],\"target_segments\":[null]}",
		"{\"segments\":[\"a:1\"],\"max_concurrency\":0}",
		"{\"segments\":[\"a:1\"],\"max_concurrency\":-1}",
		"{\"segments\":[\"a:1\"],\"max_concurrency\":1025}",
		"{\"segments\":[\"a:1\"],\"max_concurrency\":\"4\"}",
	};

	admin_port_mount("a:1", 1, 1 << 20);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		refused("POST", JOBS, bodies[i], 400, -600);
}
END_TEST

START_TEST(jobs_are_named_by_two_numbers)
{
	static const char *const ids[] = {"",
					  "?job_id=",
					  "?job_id=1",
					  "?job_id=1-",
					  "?job_id=-1-2",
					  "?job_id=1-x",
					  "?job_id=1-2x",
					  "?job_id=1-2%00"};
	char target[128];

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		snprintf(target, sizeof(target), JOBS "/query%s", ids[i]);
		refused("GET", target, "", 400, -600);
		snprintf(target, sizeof(target), JOBS "/cancel%s", ids[i]);
		refused("POST", target, "", 400, -600);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("admin/drain");
	TCase *tc = admin_port_tcase("drain");

	tcase_add_test(tc, orders_that_cannot_be_are_refused);
	tcase_add_test(tc, jobs_are_named_by_two_numbers);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_NOFORK);
}
