/* SPDX-License-Identifier: Apache-2.0 */
/* PutStart, PutEnd, PutRevoke: what they refuse, and the life of an object between them. */
#include <check.h>
#include <stdio.h>

#include "tests/support/sim_master.h"
#include "tests/support/suite.h"

static struct sim_client writer, reader;

static void
setup(void)
{
	sim_master_open(NULL);
	writer = sim_client_open(1, MC_RELEASE_NEWEST);
	reader = sim_client_open(2, MC_RELEASE_NEWEST);
	ck_assert_int_eq(sim_mount(&writer, "a:1", 1, 64 * SIM_MIB), 0);
}

START_TEST(an_object_is_seen_once_it_is_complete)
{
	struct mc_replica_desc desc;

	ck_assert_int_eq(sim_put_start(&writer, "k", 1000, NULL, NULL), 0);
	ck_assert(!sim_exist(&reader, "k"));
	ck_assert_int_eq(sim_get(&reader, "k", &desc, 1), -703);
	ck_assert_int_eq(sim_put_end(&writer, "k"), 0);
	ck_assert(sim_exist(&reader, "k"));
	ck_assert_int_eq(sim_get(&reader, "k", &desc, 1), 1);
	ck_assert_uint_eq(desc.buffer.size, 1000);
	ck_assert_int_eq(desc.status, MC_REPLICA_COMPLETE);
	ck_assert_int_eq(sim_put(&writer, "k", 1000), -705);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("master/put");
	TCase *tc = tcase_create("put");
	int rc;

	tcase_add_checked_fixture(tc, setup, sim_master_close);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, an_object_is_seen_once_it_is_complete);
	suite_add_tcase(suite, tc);
	sim_begin();
	rc = suite_run(suite, CK_NOFORK);
	sim_end();
	return rc;
}
