/* SPDX-License-Identifier: Apache-2.0 */
/* Which host and process this is, and is that peer on it? */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/shm/private.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "550e8400-e29b-41d4-a716-446655440000" */
static enum mc_status
boot_id_read(uint8_t id_out[16])
{
	char text[36];
	int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC), digits = 0;
	ssize_t got;

	if (fd < 0)
		return MC_ERR_IO;
	got = read(fd, text, sizeof(text));
	close(fd);
	if (got != sizeof(text))
		return MC_ERR_IO;
	memset(id_out, 0, 16);
	for (size_t i = 0; i < sizeof(text); i++) {
		int digit = hex_digit(text[i]);

		if (text[i] == '-')
			continue;
		if (digit < 0 || digits == 32)
			return MC_ERR_IO;
		id_out[digits / 2] |= digit << (digits % 2 == 0 ? 4 : 0);
		digits++;
	}
	return digits == 32 ? MC_OK : MC_ERR_IO;
}

static enum mc_status
namespace_read(const char *path, uint64_t *inode_out)
{
	struct stat about;

	if (stat(path, &about) != 0)
		return MC_ERR_IO;
	*inode_out = about.st_ino;
	return MC_OK;
}

enum mc_status
shm_place(struct mc_shm_addr *addr_out)
{
	struct mc_shm_addr addr = {.pid = (uint32_t)getpid()};

	if (boot_id_read(addr.boot_id) != MC_OK ||
	    namespace_read("/proc/self/ns/pid", &addr.pid_ns) != MC_OK ||
	    namespace_read("/proc/self/ns/net", &addr.net_ns) != MC_OK ||
	    namespace_read("/proc/self/ns/mnt", &addr.mnt_ns) != MC_OK) {
		mc_log_warn("shared memory with other processes is not used: no %s or "
			    "/proc/self/ns here; mount /proc",
			    BOOT_ID);
		return MC_ERR_UNSUPPORTED;
	}
	*addr_out = addr;
	return MC_OK;
}

enum mc_status
shm_place_check(const struct mc_shm_addr *ours, const struct mc_shm_addr *peer)
{
	bool same = memcmp(ours->boot_id, peer->boot_id, sizeof(ours->boot_id)) == 0 &&
		    ours->net_ns == peer->net_ns && ours->mnt_ns == peer->mnt_ns;

	return same ? MC_OK : MC_ERR_UNREACHABLE;
}

bool
shm_place_same_process(const struct mc_shm_addr *ours, const struct mc_shm_addr *peer)
{
	/* a forked child has its parent's addr, not its pid */
	return ours->pid == peer->pid && ours->pid_ns == peer->pid_ns &&
	       peer->pid == (uint32_t)getpid();
}

bool
shm_place_pid_fits(const struct mc_shm_addr *ours, const struct mc_shm_addr *peer, pid_t pid)
{
	return ours->pid_ns != peer->pid_ns || (uint32_t)pid == peer->pid;
}

enum mc_status
shm_place_peer(int socket, pid_t *pid_out)
{
	struct ucred who;
	socklen_t size = sizeof(who);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
		return MC_ERR_IO;
	if (who.uid != geteuid()) {
		MC_LOG_LIMITED(MC_LOG_WARN,
			       "shared memory is refused to and from pid %d of uid %u, this is uid "
			       "%u: run both as the same user",
			       (int)who.pid, (unsigned int)who.uid, (unsigned int)geteuid());
		return MC_ERR_PERMISSION;
	}
	*pid_out = who.pid;
	return MC_OK;
}
