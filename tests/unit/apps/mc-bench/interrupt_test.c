/* SPDX-License-Identifier: Apache-2.0 */
/* The first signal is noted, the second ends the process. Each test is a process of its own. */
#include "apps/mc-bench/interrupt.h"

#include <check.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/suite.h"

static const int signals[] = {SIGINT, SIGTERM};

START_TEST(nothing_came)
{
	interrupt_watch();
	ck_assert_int_eq(interrupt_signal(), 0);
}
END_TEST

START_TEST(the_first_is_noted)
{
	interrupt_watch();
	raise(signals[_i]);
	ck_assert_int_eq(interrupt_signal(), signals[_i]);
	ck_assert_int_eq(interrupt_signal(), signals[_i]);
}
END_TEST

START_TEST(the_second_ends_the_process)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		interrupt_watch();
		raise(signals[_i]);
		raise(signals[_i]);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == signals[_i]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mc-bench/interrupt");
	TCase *tc = tcase_create("interrupt");

	tcase_add_test(tc, nothing_came);
	tcase_add_loop_test(tc, the_first_is_noted, 0, 2);
	tcase_add_loop_test(tc, the_second_ends_the_process, 0, 2);
	suite_add_tcase(s, tc);
	/* what came once stays: never without forking */
	return suite_run(s, CK_FORK);
}
