/* SPDX-License-Identifier: Apache-2.0 */
/* This program as its own child: lines, every way to end, and nothing left behind. */
#include "apps/mc-bench/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/mc-bench/interrupt.h"
#include "core/base/clock.h"
#include "tests/support/suite.h"

#define LONG_NS (20 * MC_NS_PER_S)

static struct child child;
static char line[64], text[96];

/* What the child does, by its name. */
static int
child_act(const char *act)
{
	if (strcmp(act, "serve") == 0 || strcmp(act, "stubborn") == 0) {
		if (strcmp(act, "stubborn") == 0)
			signal(SIGTERM, SIG_IGN);
		printf("a line\nanother\n");
		fflush(stdout);
		for (;;)
			pause();
	}
	if (strcmp(act, "silent") == 0) {
		for (;;)
			pause();
	}
	if (strcmp(act, "grandchild") == 0) {
		char *argv[] = {"child", "silent", NULL};
		struct child own;

		if (child_start(&own, argv) != MC_OK)
			return 1;
		printf("%d\n", (int)own.pid);
		fflush(stdout);
		for (;;)
			pause();
	}
	return strcmp(act, "seven") == 0 ? 7 : 99;
}

static void
start(const char *act)
{
	char *argv[] = {"child", (char *)act, NULL};

	ck_assert_int_eq(child_start(&child, argv), MC_OK);
}

static void
teardown(void)
{
	child_stop(&child);
	/* reaped, whichever way it ended */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

START_TEST(its_lines_come_one_by_one)
{
	start("serve");
	ck_assert_int_eq(child_line(&child, line, sizeof(line), LONG_NS), MC_OK);
	ck_assert_str_eq(line, "a line");
	ck_assert_int_eq(child_line(&child, line, sizeof(line), LONG_NS), MC_OK);
	ck_assert_str_eq(line, "another");
	ck_assert(child_alive(&child));
	ck_assert_int_ne(getpgid(child.pid), getpgrp());
	child_stop(&child);
	ck_assert(child.stopped && !child_alive(&child));
	ck_assert_int_eq(WTERMSIG(child.wait_status), SIGTERM);
	child_stop(&child);
}
END_TEST

START_TEST(one_that_will_not_end_is_killed)
{
	start("stubborn");
	ck_assert_int_eq(child_line(&child, line, sizeof(line), LONG_NS), MC_OK);
	child_stop(&child);
	ck_assert_int_eq(WTERMSIG(child.wait_status), SIGKILL);
}
END_TEST

START_TEST(one_that_stands_still_is_killed)
{
	start("serve");
	ck_assert_int_eq(child_line(&child, line, sizeof(line), LONG_NS), MC_OK);
	kill(child.pid, SIGSTOP);
	child_stop(&child);
	ck_assert(WIFSIGNALED(child.wait_status));
}
END_TEST

START_TEST(how_it_ended_is_told)
{
	start("seven");
	ck_assert_int_eq(child_line(&child, line, sizeof(line), LONG_NS), MC_ERR_CONN_CLOSED);
	ck_assert(child_ended(&child, LONG_NS));
	ck_assert(!child.stopped);
	ck_assert_str_eq(child_text(&child, text, sizeof(text)), "ended with code 7");
	child_stop(&child);
	start("serve");
	kill(child.pid, SIGKILL);
	ck_assert(child_ended(&child, LONG_NS));
	ck_assert_str_eq(child_text(&child, text, sizeof(text)),
			 "was killed by signal 9 (Killed)");
}
END_TEST

START_TEST(silence_ends_with_the_time)
{
	start("silent");
	ck_assert_int_eq(child_line(&child, line, sizeof(line), 30 * MC_NS_PER_MS),
			 MC_ERR_TIMEOUT);
	ck_assert(child_alive(&child));
	ck_assert(!child_ended(&child, MC_NS_PER_MS));
}
END_TEST

START_TEST(a_signal_ends_the_wait)
{
	start("silent");
	interrupt_watch();
	raise(SIGINT);
	ck_assert_int_eq(child_line(&child, line, sizeof(line), LONG_NS), MC_ERR_CANCELED);
}
END_TEST

START_TEST(it_dies_with_its_parent)
{
	uint64_t end = mc_clock_mono_ns() + LONG_NS;
	int grandchild;

	start("grandchild");
	ck_assert_int_eq(child_line(&child, line, sizeof(line), LONG_NS), MC_OK);
	ck_assert_int_eq(sscanf(line, "%d", &grandchild), 1);
	ck_assert_int_eq(kill(grandchild, 0), 0);
	kill(child.pid, SIGKILL);
	ck_assert(child_ended(&child, LONG_NS));
	/* dead at once; who adopted it may take a moment to reap it */
	for (;;) {
		char path[64], state = 'X';
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/stat", grandchild);
		file = fopen(path, "r");
		if (file == NULL)
			break;
		if (fscanf(file, "%*d %*s %c", &state) != 1)
			state = 'X';
		fclose(file);
		if (state == 'Z' || state == 'X')
			break;
		ck_assert_uint_lt(mc_clock_mono_ns(), end);
	}
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s;
	TCase *tc;

	if (argc > 1)
		return child_act(argv[1]);
	s = suite_create("mc-bench/child");
	tc = tcase_create("child");
	child.out = -1;
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, its_lines_come_one_by_one);
	tcase_add_test(tc, one_that_will_not_end_is_killed);
	tcase_add_test(tc, one_that_stands_still_is_killed);
	tcase_add_test(tc, how_it_ended_is_told);
	tcase_add_test(tc, silence_ends_with_the_time);
	tcase_add_test(tc, a_signal_ends_the_wait);
	tcase_add_test(tc, it_dies_with_its_parent);
	suite_add_tcase(s, tc);
	return suite_run(s, CK_FORK_GETENV);
}
