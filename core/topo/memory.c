/* SPDX-License-Identifier: Apache-2.0 */
/* Memory and hugepages of each node; of the machine, where the kernel knows no nodes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/topo/private.h"

#define PATH_ROOM 512

/* "MemFree:   123 kB", and "Node 0 MemFree: …" of a node. */
static void
meminfo_read(const char *path, struct mc_topo_node *node)
{
	FILE *file = fopen(path, "re");
	char line[256];
	uint64_t kib;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		const char *at = strstr(line, "Mem");

		if (at == NULL)
			continue;
		if (sscanf(at, "MemTotal: %" SCNu64 " kB", &kib) == 1 && kib < UINT64_MAX / 1024)
			node->memory_total = kib * 1024;
		if (sscanf(at, "MemFree: %" SCNu64 " kB", &kib) == 1 && kib < UINT64_MAX / 1024)
			node->memory_free = kib * 1024;
	}
	if (file != NULL)
		fclose(file);
}

static void
hugepages_read(const char *folder, struct mc_topo_node *node)
{
	char **names;
	int count = topo_names_read(&names, "%s", folder);

	for (int i = 0; i < count && node->huge_count < MC_TOPO_HUGE_SIZES; i++) {
		struct mc_topo_hugepages *huge = &node->huge[node->huge_count];
		uint64_t kib;
		int64_t total = topo_number_read(-1, "%s/%s/nr_hugepages", folder, names[i]);
		int64_t free = topo_number_read(0, "%s/%s/free_hugepages", folder, names[i]);

		if (sscanf(names[i], "hugepages-%" SCNu64 "kB", &kib) != 1 || total < 0 || free < 0)
			continue;
		*huge = (struct mc_topo_hugepages){kib * 1024, (uint64_t)total, (uint64_t)free};
		node->huge_count++;
	}
	topo_names_free(names, count);
}

static int
huge_order(const void *a, const void *b)
{
	uint64_t left = ((const struct mc_topo_hugepages *)a)->page_size;
	uint64_t right = ((const struct mc_topo_hugepages *)b)->page_size;

	return left < right ? -1 : left > right;
}

void
topo_memory_read(const char *root, struct mc_topo *topo)
{
	char path[PATH_ROOM];

	for (uint32_t i = 0; i < topo->nodes_count; i++) {
		struct mc_topo_node *node = &topo->nodes[i];

		if (topo->nodes_count == 1) {
			snprintf(path, sizeof(path), "%s/proc/meminfo", root);
			meminfo_read(path, node);
		}
		snprintf(path, sizeof(path), "%s/sys/devices/system/node/node%d/meminfo", root,
			 node->id);
		meminfo_read(path, node);
		snprintf(path, sizeof(path), "%s/sys/devices/system/node/node%d/hugepages", root,
			 node->id);
		hugepages_read(path, node);
		if (node->huge_count == 0 && topo->nodes_count == 1) {
			snprintf(path, sizeof(path), "%s/sys/kernel/mm/hugepages", root);
			hugepages_read(path, node);
		}
		qsort(node->huge, node->huge_count, sizeof(node->huge[0]), huge_order);
	}
}
