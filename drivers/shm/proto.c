/* SPDX-License-Identifier: Apache-2.0 */
/* Messages, in little-endian, and the gate. */
#include "drivers/shm/proto.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/endian.h"

#define MAGIC 0x6d68734du	/* "Mshm" */
#define GATE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* Offsets in a message. */
enum {
	AT_MAGIC = 0,
	AT_VERSION = 4,
	AT_TYPE = 6,
	AT_SLOT = 8,
	AT_PAGE_SIZE = 12,
	AT_INSTANCE = 16,
	AT_ADDR = 24,
	AT_LENGTH = 32,
	AT_OFFSET = 40,
};

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static enum mc_status
status_from_errno(int error)
{
	switch (error) {
	case EAGAIN:
	case EINTR:
		return MC_AGAIN;
	case EPIPE:
	case ECONNRESET:
	case ENOTCONN:
		return MC_ERR_CONN_CLOSED;
	case ENOMEM:
	case ENOBUFS:
		return MC_ERR_NO_MEMORY;
	default:
		return MC_ERR_IO;
	}
}

enum mc_status
shm_msg_send(int socket, const struct shm_msg *msg, int fd)
{
	uint8_t bytes[SHM_MSG_BYTES];
	struct iovec piece = {bytes, sizeof(bytes)};
	union control control;
	struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1};

	mc_le32_store(bytes + AT_MAGIC, MAGIC);
	mc_le16_store(bytes + AT_VERSION, SHM_VERSION);
	mc_le16_store(bytes + AT_TYPE, msg->type);
	mc_le32_store(bytes + AT_SLOT, msg->slot);
	mc_le32_store(bytes + AT_PAGE_SIZE, msg->page_size);
	mc_le64_store(bytes + AT_INSTANCE, msg->instance);
	mc_le64_store(bytes + AT_ADDR, msg->addr);
	mc_le64_store(bytes + AT_LENGTH, msg->length);
	mc_le64_store(bytes + AT_OFFSET, msg->offset);
	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		header.msg_control = control.bytes;
		header.msg_controllen = sizeof(control.bytes);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	if (sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return status_from_errno(errno);
	return MC_OK;
}

/*
 * How many came; *fd_out is the first, the others are closed. The
 * buffer, rounded up as it is, has room for more than the one that we expect.
 */
static size_t
descriptors_take(struct msghdr *header, int *fd_out)
{
	size_t total = 0;

	*fd_out = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int fd;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++, total++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (total == 0)
				*fd_out = fd;
			else
				close(fd);
		}
	}
	return total;
}

enum mc_status
shm_msg_recv(int socket, struct shm_msg *msg_out, int *fd_out)
{
	uint8_t bytes[SHM_MSG_BYTES];
	struct iovec piece = {bytes, sizeof(bytes)};
	union control control;
	struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes,
				.msg_controllen = sizeof(control.bytes)};
	ssize_t got = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	size_t fds;
	int fd;

	if (got < 0)
		return status_from_errno(errno);
	fds = descriptors_take(&header, &fd);
	if (got == 0 && fds == 0)
		return MC_ERR_CONN_CLOSED;
	if (got != sizeof(bytes) || fds > 1 ||
	    (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
	    mc_le32_load(bytes + AT_MAGIC) != MAGIC) {
		if (fd >= 0)
			close(fd);
		return MC_ERR_PROTOCOL;
	}
	msg_out->version = mc_le16_load(bytes + AT_VERSION);
	msg_out->type = mc_le16_load(bytes + AT_TYPE);
	msg_out->slot = mc_le32_load(bytes + AT_SLOT);
	msg_out->page_size = mc_le32_load(bytes + AT_PAGE_SIZE);
	msg_out->instance = mc_le64_load(bytes + AT_INSTANCE);
	msg_out->addr = mc_le64_load(bytes + AT_ADDR);
	msg_out->length = mc_le64_load(bytes + AT_LENGTH);
	msg_out->offset = mc_le64_load(bytes + AT_OFFSET);
	*fd_out = fd;
	return MC_OK;
}

static enum mc_status
gate_mmap(int fd, struct shm_gate **gate_out)
{
	void *at = mmap(NULL, sizeof(struct shm_gate), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_POPULATE, fd, 0);

	if (at == MAP_FAILED)
		return errno == ENOMEM ? MC_ERR_NO_MEMORY : MC_ERR_IO;
	/* a forked child is no party to this connection */
	madvise(at, sizeof(struct shm_gate), MADV_DONTFORK);
	*gate_out = at;
	return MC_OK;
}

enum mc_status
shm_gate_create(struct shm_gate **gate_out, int *fd_out)
{
	int fd = memfd_create("mooncore-gate", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	enum mc_status st = MC_ERR_IO;

	if (fd < 0)
		return errno == ENOMEM ? MC_ERR_NO_MEMORY : MC_ERR_IO;
	if (ftruncate(fd, sizeof(struct shm_gate)) == 0 && fcntl(fd, F_ADD_SEALS, GATE_SEALS) == 0)
		st = gate_mmap(fd, gate_out);
	if (st != MC_OK) {
		close(fd);
		return st;
	}
	*fd_out = fd;
	return MC_OK;
}

enum mc_status
shm_gate_map(int fd, struct shm_gate **gate_out)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat about;

	if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || fstat(fd, &about) != 0 ||
	    about.st_size != sizeof(struct shm_gate))
		return MC_ERR_PROTOCOL;
	return gate_mmap(fd, gate_out);
}

void
shm_gate_unmap(struct shm_gate *gate)
{
	if (gate != NULL)
		munmap(gate, sizeof(*gate));
}
