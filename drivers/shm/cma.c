/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of a peer that is no memfd: the kernel copies (cross memory attach), one system call for
 * each operation.
 */
#include <errno.h>
#include <poll.h>
#include <sys/uio.h>

#include "core/mem/mem.h"
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

static bool
byte_is_there(const struct shm_ep *ep, uint64_t addr)
{
	char byte;
	struct iovec local = {&byte, 1}, remote = {(void *)(uintptr_t)addr, 1};

	return process_vm_readv(ep->pid, &local, 1, &remote, 1, 0) == 1;
}

enum mc_status
shm_cma_probe(const struct shm_ep *ep, uint64_t addr, uint64_t length)
{
	char why[300];
	enum mc_status st;

	/* without a pidfd another process might get the number while we copy */
	if (ep->pid <= 0 || ep->pidfd < 0) {
		MC_LOG_LIMITED(MC_LOG_WARN,
			       "memory of a peer is reached by a slower way: its process is not "
			       "visible here; run both in one pid namespace, or let it register "
			       "a region of mc_region_create()");
		return MC_ERR_PERMISSION;
	}
	st = mc_mem_peer_check(ep->pid, why, sizeof(why));
	if (st == MC_OK)
		return byte_is_there(ep, addr) && byte_is_there(ep, addr + length - 1)
			       ? MC_OK
			       : MC_ERR_ADDRESS_REJECTED;
	if (st == MC_ERR_NOT_FOUND)
		return MC_ERR_CONN_CLOSED;
	MC_LOG_LIMITED(MC_LOG_WARN, "memory of pid %d is reached by a slower way: %s",
		       (int)ep->pid, why);
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

	if (op->sge_count > SHM_SGE_MAX)
		return MC_ERR_INVALID;
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
