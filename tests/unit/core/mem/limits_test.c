/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/mem/mem.h"
#include "tests/support/suite.h"

#define NOBODY 65534

START_TEST(pinning_within_the_limit)
{
	struct rlimit limit = {1 << 20, 1 << 20};
	char text[300] = "";

	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	/* root may pin all the same */
	if (geteuid() == 0) {
		ck_assert(mc_mem_pinnable(1ull << 40, text, sizeof(text)));
		ck_assert_int_eq(setresuid(NOBODY, NOBODY, NOBODY), 0);
	}
	ck_assert(mc_mem_pinnable(1 << 20, text, sizeof(text)));
	ck_assert_str_eq(text, "");
	ck_assert(!mc_mem_pinnable((1 << 20) + 1, text, sizeof(text)));
	ck_assert_ptr_nonnull(strstr(text, "RLIMIT_MEMLOCK is 1 MiB with 0 bytes pinned, 1 MiB "
					   "more needed for RDMA; run ulimit -l "));
	ck_assert_uint_lt(strlen(text), sizeof(text) - 1);
	ck_assert(!mc_mem_pinnable(UINT64_MAX, text, sizeof(text)));
}
END_TEST

/* A child that waits to be killed; dumpable says if others may look into it. */
static pid_t
child_start(int dumpable)
{
	int ready[2];
	char byte;
	pid_t child;

	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_DUMPABLE, dumpable);
		if (write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return child;
}

static void
child_end(pid_t child)
{
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

START_TEST(a_child_may_be_read)
{
	char text[300] = "";
	pid_t child = child_start(1);
	enum mc_status st = mc_mem_peer_check(child, text, sizeof(text));

	child_end(child);
	if (st != MC_OK) {
		/* yama lets a process at its descendants; a seccomp filter may forbid it all */
		ck_assert_ptr_nonnull(strstr(text, "seccomp"));
		return;
	}
	ck_assert_int_eq(mc_mem_peer_check(child, text, sizeof(text)), MC_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(text, "there is no process"));
}
END_TEST

START_TEST(refusals_name_the_reason)
{
	char text[300] = "";
	pid_t child;

	if (geteuid() != 0) {
		child = child_start(0);
		ck_assert_int_eq(mc_mem_peer_check(child, text, sizeof(text)), MC_ERR_PERMISSION);
		child_end(child);
		return;
	}
	/* as nobody: the parent, which is root's, then a child that is not dumpable */
	ck_assert_int_eq(setresgid(NOBODY, NOBODY, NOBODY), 0);
	ck_assert_int_eq(setresuid(NOBODY, NOBODY, NOBODY), 0);
	ck_assert_int_eq(mc_mem_peer_check(getppid(), text, sizeof(text)), MC_ERR_PERMISSION);
	ck_assert(strstr(text, " runs as user 0, this one as 65534; run both as one user") ||
		  strstr(text, "seccomp"));
	child = child_start(0);
	ck_assert_int_eq(mc_mem_peer_check(child, text, sizeof(text)), MC_ERR_PERMISSION);
	ck_assert(strstr(text, "it is not dumpable") || strstr(text, "yama") ||
		  strstr(text, "seccomp"));
	ck_assert_uint_lt(strlen(text), sizeof(text) - 1);
	child_end(child);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mem/limits");
	TCase *tc = tcase_create("limits");

	tcase_add_test(tc, pinning_within_the_limit);
	tcase_add_test(tc, a_child_may_be_read);
	tcase_add_test(tc, refusals_name_the_reason);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
