/* SPDX-License-Identifier: Apache-2.0 */
/* CPU time of processes that use some, use none, and are not there. */
#include "apps/mc-bench/cpu.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/suite.h"

static uint64_t
thread_used_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Burns 30 ms of its thread's time. */
static void *
burn(void *context)
{
	uint64_t end = thread_used_ns() + 30000000;

	while (thread_used_ns() < end)
		continue;
	return NULL;
}

START_TEST(it_grows_with_what_is_used)
{
	uint64_t before = cpu_ns(getpid());

	burn(NULL);
	/* the scheduler adds at its ticks, the last one may be to come */
	ck_assert_uint_ge(cpu_ns(getpid()) - before, 15000000);
}
END_TEST

static int release[2];

static void *
burn_and_stay(void *context)
{
	char byte;

	burn(NULL);
	if (write(release[0], "x", 1) != 1 || read(release[1], &byte, 1) < 0)
		return context;
	return NULL;
}

START_TEST(every_thread_counts)
{
	uint64_t before = cpu_ns(getpid());
	int done[2], stay[2];
	pthread_t threads[2];
	char byte;

	ck_assert_int_eq(pipe(done), 0);
	ck_assert_int_eq(pipe(stay), 0);
	release[0] = done[1];
	release[1] = stay[0];
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, burn_and_stay, NULL);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(read(done[0], &byte, 1), 1);
	ck_assert_uint_ge(cpu_ns(getpid()) - before, 45000000);
	close(stay[1]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	close(stay[0]);
	close(done[0]);
	close(done[1]);
}
END_TEST

START_TEST(a_sleeper_uses_nothing)
{
	uint64_t first;
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	burn(NULL);	/* until it sleeps, at the latest */
	first = cpu_ns(child);
	burn(NULL);
	ck_assert_uint_lt(cpu_ns(child) - first, 10000000);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	/* and it is gone now */
	ck_assert_uint_eq(cpu_ns(child), 0);
}
END_TEST

START_TEST(no_process_has_none)
{
	ck_assert_uint_eq(cpu_ns(0), 0);
	ck_assert_uint_eq(cpu_ns(-1), 0);
	ck_assert_uint_eq(cpu_ns(99999999), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mc-bench/cpu");
	TCase *tc = tcase_create("cpu");

	tcase_add_test(tc, it_grows_with_what_is_used);
	tcase_add_test(tc, every_thread_counts);
	tcase_add_test(tc, a_sleeper_uses_nothing);
	tcase_add_test(tc, no_process_has_none);
	suite_add_tcase(s, tc);
	return suite_run(s, CK_FORK_GETENV);
}
