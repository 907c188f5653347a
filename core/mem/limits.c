/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/mem/mem.h"
#include "core/mem/size.h"

#define CAP_IPC_LOCK_BIT 14	/* capabilities(7) */

/* A number behind @label in a process's status; false: none. */
static bool
status_number(pid_t pid, const char *label, const char *format, unsigned long long *out)
{
	size_t length = strlen(label);
	bool found = false;
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL)
		found = strncmp(line, label, length) == 0 &&
			sscanf(line + length, format, out) == 1;
	if (file != NULL)
		fclose(file);
	return found;
}

bool
mc_mem_pinnable(uint64_t length, char *text, size_t size)
{
	unsigned long long capabilities = 0, pinned_kib = 0;
	char need[32], now[32], used[32];
	struct rlimit limit;
	uint64_t pinned;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return true;
	if (status_number(getpid(), "CapEff:", "%llx", &capabilities) &&
	    (capabilities >> CAP_IPC_LOCK_BIT & 1) != 0)
		return true;
	/* what devices pinned is counted apart from what mlock() locked, against the same limit */
	(void)status_number(getpid(), "VmPin:", "%llu", &pinned_kib);
	pinned = (uint64_t)pinned_kib << 10;
	if (pinned <= limit.rlim_cur && length <= limit.rlim_cur - pinned)
		return true;
	snprintf(text, size,
		 "RLIMIT_MEMLOCK is %s with %s pinned, %s more needed for RDMA; run ulimit -l "
		 "unlimited as root (docker: --ulimit memlock=-1), set LimitMEMLOCK=infinity in "
		 "the systemd unit, or give CAP_IPC_LOCK",
		 mc_size_text(limit.rlim_cur, now, sizeof(now)),
		 mc_size_text(pinned, used, sizeof(used)),
		 mc_size_text(length, need, sizeof(need)));
	return false;
}

/* The kernel judges the permission before the address, and nothing is mapped at address 0. */
static int
peer_read_error(pid_t pid)
{
	char byte;
	struct iovec to = {&byte, 1}, from = {NULL, 1};

	return process_vm_readv(pid, &to, 1, &from, 1, 0) < 0 ? errno : 0;
}

static int
ptrace_scope(void)
{
	FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	int scope = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%d", &scope) != 1)
		scope = 0;
	fclose(file);
	return scope;
}

static void
refusal_explain(pid_t pid, char *text, size_t size)
{
	int scope = ptrace_scope();
	unsigned long long uid;

	if (peer_read_error(getpid()) == EPERM)
		snprintf(text, size,
			 "process_vm_readv() is forbidden here even within one process, by a "
			 "seccomp filter; docker: --cap-add SYS_PTRACE");
	else if (status_number(pid, "Uid:", "%llu", &uid) && uid != getuid())
		snprintf(text, size,
			 "process %d runs as user %llu, this one as %u; run both as one user, or "
			 "give this one CAP_SYS_PTRACE",
			 (int)pid, uid, (unsigned int)getuid());
	else if (scope >= 3)
		snprintf(text, size,
			 "kernel.yama.ptrace_scope is %d: no process may read another until the "
			 "machine is booted with a lower value",
			 scope);
	else if (scope == 2)
		snprintf(text, size,
			 "kernel.yama.ptrace_scope is 2; give this process CAP_SYS_PTRACE, or "
			 "run sysctl kernel.yama.ptrace_scope=0");
	else if (scope == 1)
		snprintf(text, size,
			 "kernel.yama.ptrace_scope is 1 and process %d did not name this one with "
			 "prctl(PR_SET_PTRACER); run sysctl kernel.yama.ptrace_scope=0, or give "
			 "this process CAP_SYS_PTRACE",
			 (int)pid);
	else
		snprintf(text, size,
			 "process %d may not be read: it is not dumpable "
			 "(prctl(PR_SET_DUMPABLE)) or in another user namespace; give this "
			 "process CAP_SYS_PTRACE",
			 (int)pid);
}

enum mc_status
mc_mem_peer_check(pid_t pid, char *text, size_t size)
{
	int error = peer_read_error(pid);

	switch (error) {
	case 0:
	case EFAULT:
		return MC_OK;
	case ESRCH:
		snprintf(text, size, "there is no process %d", (int)pid);
		return MC_ERR_NOT_FOUND;
	case EPERM:
	case EACCES:
		refusal_explain(pid, text, size);
		return MC_ERR_PERMISSION;
	default:
		snprintf(text, size, "process_vm_readv(): %s", strerror(error));
		return MC_ERR_UNSUPPORTED;
	}
}
