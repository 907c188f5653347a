/* SPDX-License-Identifier: Apache-2.0 */
/* The end of every test program's main(). */
#ifndef MC_TESTS_SUPPORT_SUITE_H
#define MC_TESTS_SUPPORT_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Runs @suite and frees it; returns the exit code. The runtime (mc/eal.h) needs CK_NOFORK. */
static inline int
suite_run(Suite *suite, enum fork_status fork)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_set_fork_status(runner, fork);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
