/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/cli/port_owner.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TCP_LISTENING 0x0A /* as /proc/net/tcp shows it: TCP_LISTEN of linux/tcp_states.h */
#define INODES_MAX    16   /* listeners on one port: one per address */

struct inodes {
	uint64_t inode[INODES_MAX];
	unsigned int count;
};

/* "  0: 0100007F:1F90 00000000:0000 0A tx:rx tr:when retrnsmt uid timeout inode …" */
static void
table_scan(const char *path, uint16_t port, struct inodes *found)
{
	char line[512];
	FILE *table = fopen(path, "re");

	if (table == NULL)
		return;
	while (fgets(line, sizeof(line), table) != NULL && found->count < INODES_MAX) {
		unsigned int local_port, state;
		uint64_t inode;

		if (sscanf(line,
			   " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x "
			   "%*u %*u %" SCNu64,
			   &local_port, &state, &inode) != 3)
			continue;
		if (local_port == port && state == TCP_LISTENING)
			found->inode[found->count++] = inode;
	}
	fclose(table);
}

static bool
link_is_socket_of(const char *path, const struct inodes *wanted)
{
	char target[64];
	uint64_t inode;
	ssize_t len = readlink(path, target, sizeof(target) - 1);

	if (len <= 0)
		return false;
	target[len] = '\0';
	if (sscanf(target, "socket:[%" SCNu64 "]", &inode) != 1)
		return false;
	for (unsigned int i = 0; i < wanted->count; i++) {
		if (wanted->inode[i] == inode)
			return true;
	}
	return false;
}

static bool
process_holds(const char *pid, const struct inodes *wanted)
{
	char path[300];
	struct dirent *entry;
	bool holds = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	dir = opendir(path);
	if (dir == NULL)
		return false;
	while (!holds && (entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "/proc/%.16s/fd/%.32s", pid, entry->d_name);
		holds = link_is_socket_of(path, wanted);
	}
	closedir(dir);
	return holds;
}

static void
process_describe(const char *pid, char *buf, size_t len)
{
	char path[64], name[64] = "";
	FILE *comm;

	snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
	comm = fopen(path, "re");
	if (comm != NULL) {
		if (fgets(name, sizeof(name), comm) == NULL)
			name[0] = '\0';
		fclose(comm);
	}
	name[strcspn(name, "\n")] = '\0';
	snprintf(buf, len, "pid %.16s%s%s", pid, name[0] != '\0' ? " " : "", name);
}

char *
mc_port_owner(uint16_t port, char *buf, size_t len)
{
	struct inodes found = {.count = 0};
	struct dirent *entry;
	DIR *proc;

	snprintf(buf, len, "another process");
	table_scan("/proc/net/tcp", port, &found);
	table_scan("/proc/net/tcp6", port, &found);
	proc = found.count > 0 ? opendir("/proc") : NULL;
	if (proc == NULL)
		return buf;
	while ((entry = readdir(proc)) != NULL) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
		    !process_holds(entry->d_name, &found))
			continue;
		process_describe(entry->d_name, buf, len);
		break;
	}
	closedir(proc);
	return buf;
}
