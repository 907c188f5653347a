/* SPDX-License-Identifier: Apache-2.0 */
/* This test program once more, as a process of its own: its main() gets "again" as argv[1]. */
#ifndef MC_TESTS_SUPPORT_AGAIN_H
#define MC_TESTS_SUPPORT_AGAIN_H

#include <check.h>
#include <sys/wait.h>
#include <unistd.h>

/* @uid 0: the same user; another: as root only. */
static inline pid_t
again_begin(const char *path, uid_t uid)
{
	pid_t child = fork();

	if (child != 0)
		return child;
	if (uid != 0 && (setgid(uid) != 0 || setuid(uid) != 0))
		_exit(126);
	execl(path, path, "again", (char *)NULL);
	_exit(127);
}

/* Its exit code. */
static inline int
again_end(pid_t child)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status), "ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

#endif
