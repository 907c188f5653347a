/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of a peer that is no memfd: the kernel copies (cross memory attach), one system call for
 * each operation.
 */
#include <errno.h>
#include <poll.h>
#include <sys/uio.h>

#include "drivers/shm/private.h"

static enum mc_status
status_from_errno(int error)
{
	switch (error) {
	case EFAULT:
		return MC_ERR_ADDRESS_REJECTED;
	case ESRCH:
		return MC_ERR_CONN_CLOSED;
	case EPERM:
	case ENOSYS:
		return MC_ERR_UNREACHABLE;
	default:
		return MC_ERR_IO;
	}
}

static int
probe_byte(const struct shm_ep *ep, uint64_t addr)
{
	char byte;
	struct iovec local = {&byte, 1}, remote = {(void *)(uintptr_t)addr, 1};

	return process_vm_readv(ep->pid, &local, 1, &remote, 1, 0) == 1 ? 0 : errno;
}

enum mc_status
shm_cma_probe(const struct shm_ep *ep, uint64_t addr, uint64_t length)
{
	int error;

	/* without a pidfd another process might get the number while we copy */
	if (ep->pid <= 0 || ep->pidfd < 0)
		return MC_ERR_PERMISSION;
	error = probe_byte(ep, addr);
	if (error == 0)
		error = probe_byte(ep, addr + length - 1);
	if (error == 0)
		return MC_OK;
	if (error != EPERM && error != ENOSYS)
		return status_from_errno(error);
	MC_LOG_LIMITED(MC_LOG_WARN,
		       "memory of pid %d is reached by a slower way: process_vm_readv is not "
		       "permitted; sysctl kernel.yama.ptrace_scope=0, or let the peer register a "
		       "region of mc_region_create()",
		       (int)ep->pid);
	return MC_ERR_PERMISSION;
}

/* The number of a process is free for another only when its pidfd has told that it died. */
static bool
peer_lives(const struct shm_ep *ep)
{
	struct pollfd fd = {.fd = ep->pidfd, .events = POLLIN};

	return poll(&fd, 1, 0) == 0;
}

enum mc_status
shm_cma_copy(const struct shm_ep *ep, const struct mc_op *op, uint64_t length,
	     uint32_t *errno_out)
{
	struct iovec local[SHM_SGE_MAX];
	struct iovec remote = {(void *)(uintptr_t)op->remote_addr, length};
	ssize_t got;

	if (!peer_lives(ep))
		return MC_ERR_CONN_CLOSED;
	for (uint16_t i = 0; i < op->sge_count; i++)
		local[i] = (struct iovec){op->sge[i].addr, op->sge[i].length};
	if (op->opcode == MC_OP_READ)
		got = process_vm_readv(ep->pid, local, op->sge_count, &remote, 1, 0);
	else
		got = process_vm_writev(ep->pid, local, op->sge_count, &remote, 1, 0);
	if (got >= 0)	/* cut short: a page that is not there */
		return (uint64_t)got == length ? MC_OK : MC_ERR_ADDRESS_REJECTED;
	*errno_out = (uint32_t)errno;
	return status_from_errno(errno);
}
