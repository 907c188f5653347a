/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting and stopping the runtime: what threads there are and where they may run, what the host's
 * threads keep, and that several processes of several users can do it at once.
 * hugepages_test.c has the kinds of memory.
 */
#include <check.h>
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/eal/reactor.h"
#include "mc/eal.h"
#include "mc/log.h"
#include "tests/support/again.h"
#include "tests/support/suite.h"

static const char *self_path;

/* ---- /proc/self/task ---- */

static void
task_read(const char *thread, const char *file, const char *field, char *value, size_t size)
{
	char path[320], line[4096];
	FILE *in;

	snprintf(path, sizeof(path), "/proc/self/task/%s/%s", thread, file);
	value[0] = '\0';
	in = fopen(path, "r");
	while (in != NULL && fgets(line, sizeof(line), in) != NULL) {
		size_t len = strlen(field);

		if (strncmp(line, field, len) != 0)
			continue;
		snprintf(value, size, "%.*s", (int)strcspn(line + len, "\n"), line + len);
	}
	if (in != NULL)
		fclose(in);
}

/* Threads with exactly this name; @field of /proc/PID/task/TID/status of the last one. */
static unsigned int
threads_named(const char *name, const char *field, char *value, size_t size)
{
	DIR *tasks = opendir("/proc/self/task");
	const struct dirent *entry;
	unsigned int count = 0;

	while ((entry = readdir(tasks)) != NULL) {
		char comm[32];

		if (entry->d_name[0] == '.')
			continue;
		task_read(entry->d_name, "comm", "", comm, sizeof(comm));
		if (strcmp(comm, name) != 0)
			continue;
		task_read(entry->d_name, "status", field, value, size);
		count++;
	}
	closedir(tasks);
	return count;
}

static void
lcores_check(void)
{
	for (unsigned int i = 0; i < mc_eal_lcore_count(); i++) {
		char name[32], cpus[256], wanted[16];

		snprintf(name, sizeof(name), "mc-lcore-%u", i);
		snprintf(wanted, sizeof(wanted), "%d", mc_eal_lcore_cpu(i));
		ck_assert_uint_eq(
			threads_named(name, "Cpus_allowed_list:\t", cpus, sizeof(cpus)), 1);
		ck_assert_str_eq(cpus, wanted);
	}
}

/* The kernel fills in what it knows of a set, and leaves the rest: compared one by one. */
static bool
same_signals(const sigset_t *a, const sigset_t *b)
{
	for (int number = 1; number < NSIG; number++) {
		if (sigismember(a, number) != sigismember(b, number))
			return false;
	}
	return true;
}

static unsigned int
cpus_allowed(void)
{
	cpu_set_t set;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	return (unsigned int)CPU_COUNT(&set);
}

/* ---- in one process ---- */

START_TEST(lcores_are_pinned_and_the_host_is_left_alone)
{
	struct mc_eal_params params = {.size = sizeof(params), .lcore_count = cpus_allowed()};
	sigset_t before, after;
	cpu_set_t was, is;
	char blocked[256];

	sched_getaffinity(0, sizeof(was), &was);
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	ck_assert_int_eq(mc_eal_start(&params), MC_OK);
	ck_assert_uint_eq(mc_eal_lcore_count(), params.lcore_count);
	lcores_check();
	sched_getaffinity(0, sizeof(is), &is);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	ck_assert(CPU_EQUAL(&was, &is));
	ck_assert(same_signals(&before, &after));
	/* ours block every signal that can be: all but KILL, STOP and two of the C library's own */
	ck_assert_uint_eq(threads_named("mc-lcore-0", "SigBlk:\t", blocked, sizeof(blocked)), 1);
	ck_assert_uint_eq(strtoull(blocked, NULL, 16) | 1ull << 31 | 1ull << 32,
			  ~(uint64_t)0x40100);
	ck_assert_int_eq(mc_eal_start(&params), MC_ERR_EXISTS);
	mc_eal_stop();
	ck_assert_uint_eq(mc_eal_lcore_count(), 0);
	ck_assert_uint_eq(threads_named("mc-lcore-0", "SigBlk:\t", blocked, sizeof(blocked)), 0);
}
END_TEST

START_TEST(stop_and_start_again_with_fewer)
{
	struct mc_eal_params params = {.size = sizeof(params), .lcore_count = 1};

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(mc_eal_start(&params), MC_OK);
		lcores_check();
		ck_assert_ptr_nonnull(mc_lcore_reactor(0));
		ck_assert_ptr_null(mc_lcore_reactor(1));
		mc_eal_stop();
	}
	mc_eal_stop();	/* harmless */
}
END_TEST

START_TEST(a_core_that_does_not_exist_is_refused)
{
	struct mc_eal_params params = {.size = sizeof(params), .corelist = "4000"};

	ck_assert_int_eq(mc_eal_start(&params), MC_ERR_INVALID);
	params.corelist = NULL;
	params.main_lcore = "7";
	ck_assert_int_eq(mc_eal_start(&params), MC_ERR_INVALID);
	ck_assert_uint_eq(mc_eal_lcore_count(), 0);
}
END_TEST

START_TEST(a_forked_child_is_refused)
{
	struct mc_eal_params params = {.size = sizeof(params), .lcore_count = 1};
	int status;
	pid_t child;

	ck_assert_int_eq(mc_eal_start(&params), MC_OK);
	child = fork();
	if (child == 0) {
		mc_eal_stop();
		_exit(mc_eal_start(&params) == MC_ERR_PERMISSION && mc_eal_lcore_count() == 0 ? 0
											      : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	lcores_check();
	mc_eal_stop();
}
END_TEST

/* ---- several processes: this program again, with an argument ---- */

static void
spawned_end(const pid_t *children, int count)
{
	for (int i = 0; i < count; i++)
		ck_assert_int_eq(again_end(children[i]), 0);
}

START_TEST(four_processes_at_once)
{
	pid_t children[4];

	for (int i = 0; i < 4; i++)
		children[i] = again_begin(self_path, 0);
	spawned_end(children, 4);
}
END_TEST

#define NOBODY 65534

START_TEST(as_nobody_beside_root)
{
	pid_t children[3];

	/* only root can become somebody else: for others this is three processes more */
	for (int i = 0; i < 3; i++)
		children[i] = again_begin(self_path, geteuid() == 0 && i < 2 ? NOBODY : 0);
	spawned_end(children, 3);
}
END_TEST

static int
start_once(void)
{
	struct mc_eal_params params = {.size = sizeof(params), .lcore_count = 2};

	if (mc_eal_start(&params) != MC_OK)
		return 1;
	mc_eal_stop();
	return 0;
}

static Suite *
suite(void)
{
	Suite *s = suite_create("eal/eal");
	TCase *tc = tcase_create("eal");

	tcase_set_timeout(tc, 60);
	/* first, as nothing of this process may be pinned yet */
	tcase_add_test(tc, lcores_are_pinned_and_the_host_is_left_alone);
	tcase_add_test(tc, stop_and_start_again_with_fewer);
	tcase_add_test(tc, a_core_that_does_not_exist_is_refused);
	tcase_add_test(tc, a_forked_child_is_refused);
	tcase_add_test(tc, four_processes_at_once);
	tcase_add_test(tc, as_nobody_beside_root);
	suite_add_tcase(s, tc);
	return s;
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		return start_once();
	self_path = argv[0];
	return suite_run(suite(), CK_NOFORK);
}
