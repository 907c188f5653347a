/* SPDX-License-Identifier: Apache-2.0 */
/* main() of a test program that holds a master in virtual time. */
#ifndef MC_TESTS_SUPPORT_SIM_SUITE_H
#define MC_TESTS_SUPPORT_SIM_SUITE_H

#include <inttypes.h>
#include <stdio.h>

#include "core/base/random.h"
#include "tests/support/sim_master.h"
#include "tests/support/suite.h"

#define SIM_CASE_SECONDS 60

/* Of random inputs: MC_TEST_SEED, else another one each time, printed. Before sim_begin(). */
static inline uint64_t
sim_test_seed(void)
{
	const char *text = getenv("MC_TEST_SEED");
	uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : mc_random_seed();

	printf("MC_TEST_SEED=%" PRIu64 "\n", seed);
	return seed;
}

/* Runs @cases, up to a NULL; each test between @setup and sim_master_close(). The exit code. */
static inline int
sim_suite_run(const char *name, TCase *const *cases, void (*setup)(void))
{
	Suite *suite = suite_create(name);
	int rc;

	for (; *cases != NULL; cases++) {
		tcase_add_checked_fixture(*cases, setup, sim_master_close);
		tcase_set_timeout(*cases, SIM_CASE_SECONDS);
		suite_add_tcase(suite, *cases);
	}
	sim_begin();
	rc = suite_run(suite, CK_NOFORK);
	sim_end();
	return rc;
}

#endif
