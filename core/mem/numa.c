/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mem/numa.h"

#include <errno.h>
#include <numaif.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem/mem.h"
#include "mc/log.h"

bool
mc_node_set_has(const struct mc_node_set *set, int node)
{
	return node >= 0 && node < MC_NODE_MAX && (set->bits[node / 64] >> (node % 64) & 1) != 0;
}

unsigned int
mc_node_set_count(const struct mc_node_set *set)
{
	unsigned int count = 0;

	for (size_t i = 0; i < MC_NODE_MAX / 64; i++)
		count += (unsigned int)__builtin_popcountll(set->bits[i]);
	return count;
}

bool
mc_node_set_parse(const char *list, struct mc_node_set *set_out)
{
	struct mc_node_set set = {{0}};

	while (*list >= '0' && *list <= '9') {
		char *end;
		unsigned long first = strtoul(list, &end, 10);
		unsigned long last = *end == '-' ? strtoul(end + 1, &end, 10) : first;

		if (last < first || last >= MC_NODE_MAX)
			return false;
		for (unsigned long node = first; node <= last; node++)
			set.bits[node / 64] |= 1ull << (node % 64);
		list = *end == ',' ? end + 1 : end;
	}
	if (*list != '\0' && *list != '\n')
		return false;
	*set_out = set;
	return true;
}

/* Asked of /proc, as containers often forbid get_mempolicy() and never this. */
void
mc_node_set_allowed(struct mc_node_set *set_out)
{
	static const char label[] = "Mems_allowed_list:\t";
	FILE *file = fopen("/proc/self/status", "re");
	char line[4096];
	bool found = false;

	while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL)
		found = strncmp(line, label, sizeof(label) - 1) == 0 &&
			mc_node_set_parse(line + sizeof(label) - 1, set_out);
	if (file != NULL)
		fclose(file);
	if (!found)	/* a kernel without NUMA */
		*set_out = (struct mc_node_set){{1}};
}

static void
refusal_log(enum mc_numa numa, int node, int error)
{
	char what[64];

	if (numa == MC_NUMA_BIND)
		snprintf(what, sizeof(what), "bound to NUMA node %d", node);
	else
		snprintf(what, sizeof(what), "interleaved over the NUMA nodes");
	if (error == EPERM)
		mc_log_warn("a region is not %s: mbind() is not permitted; in a container add "
			    "CAP_SYS_NICE (docker: --cap-add SYS_NICE)",
			    what);
	else
		mc_log_warn("a region is not %s: mbind(): %s", what, strerror(error));
}

void
mc_numa_policy_set(void *addr, uint64_t length, enum mc_numa numa, int node, char *text,
		   size_t size)
{
	struct mc_node_set set;
	int mode = numa == MC_NUMA_BIND ? MPOL_BIND : MPOL_INTERLEAVE;

	text[0] = '\0';
	if (numa == MC_NUMA_LOCAL)
		return;
	mc_node_set_allowed(&set);
	if (mc_node_set_count(&set) == 1) {
		/* nowhere else to go: params were checked */
		if (numa == MC_NUMA_BIND)
			snprintf(text, size, " on node %d", node);
		return;
	}
	if (numa == MC_NUMA_BIND) {
		memset(&set, 0, sizeof(set));
		set.bits[node / 64] = 1ull << (node % 64);
	}
	if (mbind(addr, length, mode, (const unsigned long *)set.bits, MC_NODE_MAX + 1, 0) != 0) {
		refusal_log(numa, node, errno);
		/* bound or not, the threads that populate it run there */
		if (numa == MC_NUMA_BIND)
			snprintf(text, size, " near node %d (mbind was refused)", node);
		else
			snprintf(text, size, " on any node (mbind was refused)");
	} else if (numa == MC_NUMA_BIND) {
		snprintf(text, size, " on node %d", node);
	} else {
		snprintf(text, size, " over %u nodes", mc_node_set_count(&set));
	}
}

void
mc_numa_thread_near(int node)
{
	struct mc_node_set near;	/* of CPUs: the lists look the same, and so do the bounds */
	char path[64], line[4096] = "";
	cpu_set_t cpus;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist", node);
	file = fopen(path, "re");
	if (file == NULL)
		return;
	if (fgets(line, sizeof(line), file) == NULL)
		line[0] = '\0';
	fclose(file);
	if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0 || !mc_node_set_parse(line, &near))
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &cpus) && !mc_node_set_has(&near, cpu))
			CPU_CLR(cpu, &cpus);
	/* refused when none is left: the node has no CPUs, or none that we may use */
	(void)sched_setaffinity(0, sizeof(cpus), &cpus);
}

/* " N0=12 N1=3 " of a line of numa_maps: the node with most. */
static int
line_node(const char *line)
{
	unsigned long long pages, most = 0;
	int node, best = -1;

	for (const char *at = strstr(line, " N"); at != NULL; at = strstr(at + 1, " N"))
		if (sscanf(at, " N%d=%llu", &node, &pages) == 2 && pages > most) {
			most = pages;
			best = node;
		}
	return best;
}

int
mc_numa_maps_node(const char *path, uintptr_t addr)
{
	FILE *file = fopen(path, "re");
	unsigned long long start;
	size_t room = 0;
	char *line = NULL;
	int node = -1;

	/* a line tells where its mapping begins only: the last that begins before @addr has it */
	while (file != NULL && getline(&line, &room, file) >= 0) {
		if (sscanf(line, "%llx", &start) != 1 || start > addr)
			break;
		node = line_node(line);
	}
	free(line);
	if (file != NULL)
		fclose(file);
	return node;
}

int
mc_mem_node(const void *addr)
{
	/* asks only: get_mempolicy() would bring a page in that is not there yet */
	void *page = (void *)((uintptr_t)addr & ~(uintptr_t)4095);
	int node = -1;

	if (move_pages(0, 1, &page, NULL, &node, 0) != 0)
		/* containers often forbid the call: what most of the mapping says will do */
		return errno == EPERM ? mc_numa_maps_node("/proc/self/numa_maps", (uintptr_t)addr)
				      : -1;
	return node < 0 ? -1 : node;
}
