/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/mc-bench/interrupt.h"
#include "apps/mc-bench/tick.h"
#include "core/base/clock.h"

#define TICK_NS (2 * MC_NS_PER_MS)
#define STOP_NS (2 * MC_NS_PER_S)

/* By its name rather than as /proc/self/exe, which is what ps would show. */
static void
program_path(char *path, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", path, size - 1);

	if (len > 0)
		path[len] = '\0';
	/* a program that was replaced on disk is still to be had by this one */
	if (len <= 0 || access(path, X_OK) != 0)
		snprintf(path, size, "/proc/self/exe");
}

/* In the child: only calls that are safe after a fork of a process with threads. */
static void
child_exec(const char *path, char *const *argv, int out, bool err_too, pid_t parent)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);	/* it died before the line above */
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	if (dup2(out, STDOUT_FILENO) < 0 || (err_too && dup2(out, STDERR_FILENO) < 0))
		_exit(127);
	execv(path, argv);
	_exit(127);
}

static enum mc_status
child_spawn(struct child *child, const char *path, char *const *argv, bool err_too)
{
	pid_t parent = getpid();
	int pipes[2];

	*child = (struct child){.out = -1};
	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) != 0) {
		fprintf(stderr, "mc-bench: pipe: %s\n", strerror(errno));
		return MC_ERR_IO;
	}
	/* ours only: the child's end blocks, as its output would otherwise be lost */
	fcntl(pipes[1], F_SETFL, 0);
	child->pid = fork();
	if (child->pid == 0)
		child_exec(path, argv, pipes[1], err_too, parent);
	close(pipes[1]);
	if (child->pid < 0) {
		fprintf(stderr, "mc-bench: fork: %s\n", strerror(errno));
		close(pipes[0]);
		child->pid = 0;
		return MC_ERR_NO_MEMORY;
	}
	child->out = pipes[0];
	return MC_OK;
}

enum mc_status
child_start(struct child *child, char *const *argv)
{
	char path[PATH_MAX];

	program_path(path, sizeof(path));
	return child_spawn(child, path, argv, false);
}

/* The folder of this program. */
static void
own_folder(char *folder, size_t size)
{
	char *slash;

	program_path(folder, size);
	slash = strrchr(folder, '/');
	if (slash != NULL)
		*slash = '\0';
}

/* True, and the path, if there is such a program. */
static bool
is_program(char *path, const char *folder, size_t folder_length, const char *name)
{
	char found[CHILD_PATH_MAX];
	int length = snprintf(found, sizeof(found), "%.*s/%s", (int)folder_length, folder, name);

	if (length < 0 || (size_t)length >= sizeof(found) || access(found, X_OK) != 0)
		return false;
	memcpy(path, found, (size_t)length + 1);
	return true;
}

bool
child_program_find(const char *name, char path[CHILD_PATH_MAX])
{
	const char *at = getenv("PATH");
	char own[PATH_MAX], beside[PATH_MAX + 64];

	own_folder(own, sizeof(own));
	snprintf(beside, sizeof(beside), "%s/../%s", own, name);
	if (is_program(path, own, strlen(own), name) ||
	    is_program(path, beside, strlen(beside), name))
		return true;
	while (at != NULL && *at != '\0') {
		size_t length = strcspn(at, ":");

		if (is_program(path, at, length, name))
			return true;
		at += length + (at[length] == ':');
	}
	fprintf(stderr, "mc-bench: there is no %s in %s, in %s or in PATH; build it, or give "
		"-master\n", name, own, beside);
	return false;
}

enum mc_status
child_start_program(struct child *child, const char *path, char *const *argv)
{
	return child_spawn(child, path, argv, true);
}

bool
child_alive(struct child *child)
{
	pid_t pid;

	if (child->pid == 0)
		return false;
	pid = waitpid(child->pid, &child->wait_status, WNOHANG);
	if (pid == 0 || (pid < 0 && errno == EINTR))
		return true;
	child->pid = 0;
	return false;
}

enum mc_status
child_line(struct child *child, char *line, size_t size, uint64_t timeout_ns)
{
	uint64_t end = mc_clock_mono_ns() + timeout_ns;
	size_t len = 0;

	while (len + 1 < size) {
		ssize_t got = read(child->out, line + len, 1);

		if (got == 1 && line[len] == '\n')
			break;
		if (got == 1) {
			len++;
			continue;
		}
		if (got == 0)
			return MC_ERR_CONN_CLOSED;
		if (errno != EAGAIN && errno != EINTR)
			return MC_ERR_IO;
		if (interrupt_signal() != 0)
			return MC_ERR_CANCELED;
		if (mc_clock_mono_ns() >= end)
			return MC_ERR_TIMEOUT;
		tick_sleep(TICK_NS);
	}
	line[len] = '\0';
	return MC_OK;
}

bool
child_ended(struct child *child, uint64_t timeout_ns)
{
	uint64_t end = mc_clock_mono_ns() + timeout_ns;

	while (child_alive(child)) {
		if (mc_clock_mono_ns() >= end)
			return false;
		tick_sleep(TICK_NS);
	}
	return true;
}

void
child_stop(struct child *child)
{
	if (child->pid != 0 && child_alive(child)) {
		child->stopped = true;
		kill(child->pid, SIGTERM);
		if (!child_ended(child, STOP_NS)) {
			kill(child->pid, SIGKILL);
			while (waitpid(child->pid, &child->wait_status, 0) < 0 && errno == EINTR)
				;
			child->pid = 0;
		}
	}
	child_mute(child);
}

void
child_mute(struct child *child)
{
	if (child->out >= 0)
		close(child->out);
	child->out = -1;
}

const char *
child_text(const struct child *child, char *text, size_t size)
{
	int status = child->wait_status;

	if (WIFSIGNALED(status))
		snprintf(text, size, "was killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(text, size, "ended with code %d", WEXITSTATUS(status));
	return text;
}
