/* SPDX-License-Identifier: Apache-2.0 */
/*
 * At the limit of a control group, of a node or of the machine the kernel fails no call: it kills a
 * process. So whoever takes memory by the gigabyte looks first.
 */
#include "core/mem/budget.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/mem/cgroup.h"
#include "core/mem/size.h"

/* The sum of the named members of a meminfo file, in bytes; false: none is there. */
static bool
meminfo_sum(const char *path, const char *const *names, unsigned int names_count,
	    uint64_t *sum_out)
{
	FILE *file = fopen(path, "re");
	unsigned long long kib;
	bool found = false;
	char line[160];

	*sum_out = 0;
	if (file == NULL)
		return false;
	while (fgets(line, sizeof(line), file) != NULL)
		for (unsigned int i = 0; i < names_count; i++) {
			/* a node's lines begin with "Node 0 " */
			const char *at = strstr(line, names[i]);

			if (at == NULL || sscanf(at + strlen(names[i]), "%llu", &kib) != 1)
				continue;
			*sum_out += (uint64_t)kib << 10;
			found = true;
		}
	fclose(file);
	return found;
}

uint64_t
mc_budget_left(const char *root, int node, char *text, size_t size)
{
	static const char *const machine[] = {"MemAvailable:"};
	static const char *const local[] = {" MemFree:", " Active(file):", " Inactive(file):"};
	struct mc_cgroup_left group;
	uint64_t least = UINT64_MAX, left;
	char path[PATH_MAX], bytes[32];

	snprintf(path, sizeof(path), "%s/proc/meminfo", root);
	if (meminfo_sum(path, machine, 1, &left)) {
		least = left;
		snprintf(text, size,
			 "the machine has %s left (MemAvailable); ask for less, or end something",
			 mc_size_text(left, bytes, sizeof(bytes)));
	}
	if (mc_cgroup_left(root, &mc_cgroup_memory, &group) && group.left < least) {
		least = group.left;
		snprintf(text, size, "the control group has %s left; ask for less, or raise %s",
			 mc_size_text(least, bytes, sizeof(bytes)), group.limit_path);
	}
	if (node < 0)
		return least;
	snprintf(path, sizeof(path), "%s/sys/devices/system/node/node%d/meminfo", root, node);
	if (meminfo_sum(path, local, 3, &left) && left < least) {
		least = left;
		snprintf(text, size,
			 "node %d has %s left; ask for less, or interleave over the nodes", node,
			 mc_size_text(left, bytes, sizeof(bytes)));
	}
	return least;
}
