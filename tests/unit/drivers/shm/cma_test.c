/* SPDX-License-Identifier: Apache-2.0 */
/* Copies by the kernel, between this process and a forked one. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drivers/shm/private.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

#define PAGE 4096u
#define PAGES 4u

static struct shm_ep ep;
static uint8_t *theirs;		/* in both; the child lacks page 2 */
static uint8_t ours[PAGES * PAGE];

static void
setup(void)
{
	int ready[2];
	char byte;

	theirs = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	must(theirs != MAP_FAILED && pipe(ready) == 0);
	memset(theirs, 0x11, PAGES * PAGE);
	ep.pid = fork();
	if (ep.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		munmap(theirs + 2 * PAGE, PAGE);
		must(write(ready[1], "", 1) == 1);
		for (;;)
			pause();
	}
	must(read(ready[0], &byte, 1) == 1);
	ep.pidfd = (int)syscall(SYS_pidfd_open, ep.pid, 0);
	must(ep.pidfd >= 0);
}

static void
teardown(void)
{
	kill(ep.pid, SIGKILL);
	waitpid(ep.pid, NULL, 0);
	close(ep.pidfd);
	munmap(theirs, PAGES * PAGE);
}

static enum mc_status
copy(enum mc_opcode opcode, uint64_t at, uint32_t first, uint32_t second)
{
	struct mc_sge sge[2] = {{ours, first, 0}, {ours + 3 * PAGE, second, 0}};
	struct mc_op op = {.cookie = 1, .remote_addr = (uintptr_t)theirs + at, .opcode = opcode,
			   .sge_count = second > 0 ? 2 : 1, .sge = sge};
	uint32_t detail = 0;

	return shm_cma_copy(&ep, &op, first + second, &detail);
}

START_TEST(bytes_go_both_ways)
{
	must(shm_cma_probe(&ep, (uintptr_t)theirs, PAGE) == MC_OK);
	must(copy(MC_OP_READ, 5, 100, 50) == MC_OK);
	must(ours[0] == 0x11 && ours[99] == 0x11 && ours[100] == 0);
	must(ours[3 * PAGE + 49] == 0x11 && ours[3 * PAGE + 50] == 0);
	memset(ours, 0x22, sizeof(ours));
	must(copy(MC_OP_WRITE, PAGE - 10, 20, 0) == MC_OK);
	must(theirs[PAGE - 11] == 0x11 && theirs[PAGE - 10] == 0x22);
	must(theirs[PAGE + 9] == 0x22 && theirs[PAGE + 10] == 0x11);
}
END_TEST

START_TEST(a_page_that_is_not_there)
{
	must(shm_cma_probe(&ep, (uintptr_t)theirs + PAGE, 2 * PAGE) == MC_ERR_ADDRESS_REJECTED);
	must(shm_cma_probe(&ep, (uintptr_t)theirs + 2 * PAGE, 2 * PAGE) ==
	     MC_ERR_ADDRESS_REJECTED);
	/* wholly, and from the middle on */
	must(copy(MC_OP_READ, 2 * PAGE, 64, 0) == MC_ERR_ADDRESS_REJECTED);
	must(copy(MC_OP_READ, 2 * PAGE - 32, 64, 0) == MC_ERR_ADDRESS_REJECTED);
	must(copy(MC_OP_WRITE, PAGE, 2 * PAGE, 64) == MC_ERR_ADDRESS_REJECTED);
	must(copy(MC_OP_READ, PAGE, PAGE, 0) == MC_OK);
}
END_TEST

START_TEST(a_process_that_died)
{
	must(kill(ep.pid, SIGKILL) == 0);
	must(waitpid(ep.pid, NULL, 0) == ep.pid);
	must(copy(MC_OP_READ, 0, 64, 0) == MC_ERR_CONN_CLOSED);
	must(shm_cma_probe(&ep, (uintptr_t)theirs, 64) == MC_ERR_CONN_CLOSED);
}
END_TEST

START_TEST(a_process_that_cannot_be_seen)
{
	struct shm_ep blind = {.pid = 0, .pidfd = -1};

	must(shm_cma_probe(&blind, (uintptr_t)theirs, 64) == MC_ERR_PERMISSION);
	blind.pid = ep.pid;
	must(shm_cma_probe(&blind, (uintptr_t)theirs, 64) == MC_ERR_PERMISSION);
}
END_TEST

/* Root's process is not for nobody to read. */
START_TEST(not_permitted)
{
	int status;
	pid_t child;

	if (geteuid() != 0) {
		printf("not tried: takes root\n");
		return;
	}
	child = fork();
	if (child == 0) {
		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(2);
		_exit(shm_cma_probe(&ep, (uintptr_t)theirs, 64) == MC_ERR_PERMISSION &&
				      copy(MC_OP_READ, 0, 64, 0) == MC_ERR_UNREACHABLE
			      ? 0
			      : 1);
	}
	must(waitpid(child, &status, 0) == child && WIFEXITED(status));
	must(WEXITSTATUS(status) == 0);
}
END_TEST

/* Where the kernel lets no process read its own child there is nothing to try. */
static bool
permitted(void)
{
	char text[300];
	bool yes;

	setup();
	yes = mc_mem_peer_check(ep.pid, text, sizeof(text)) == MC_OK;
	teardown();
	if (!yes)
		printf("skipped: %s\n", text);
	return yes;
}

int
main(void)
{
	Suite *suite = suite_create("drivers/shm/cma");
	TCase *tc = tcase_create("copies");

	if (!permitted())
		return 77;
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, bytes_go_both_ways);
	tcase_add_test(tc, a_page_that_is_not_there);
	tcase_add_test(tc, a_process_that_died);
	tcase_add_test(tc, a_process_that_cannot_be_seen);
	tcase_add_test(tc, not_permitted);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
