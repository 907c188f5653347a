/* SPDX-License-Identifier: Apache-2.0 */
#include <hwloc.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/topo/private.h"
#include "mc/log.h"

#define DISTANCE_LOCAL	10	/* as the kernel has it where the firmware says nothing */
#define DISTANCE_REMOTE 20

/* ---- loading ---- */

/* What hwloc takes from the environment only: another machine's files, and nothing but files. */
static const char *const root_variables[] = {"HWLOC_FSROOT", "HWLOC_COMPONENTS"};
#define ROOT_VARIABLES 2

static void
root_enter(const char *root, char *saved[ROOT_VARIABLES])
{
	const char *values[ROOT_VARIABLES] = {root, "linux,stop"};

	for (int i = 0; i < ROOT_VARIABLES; i++) {
		const char *now = getenv(root_variables[i]);

		saved[i] = now != NULL ? strdup(now) : NULL;
		setenv(root_variables[i], values[i], 1);
	}
}

static void
root_leave(char *saved[ROOT_VARIABLES])
{
	for (int i = 0; i < ROOT_VARIABLES; i++) {
		if (saved[i] != NULL)
			setenv(root_variables[i], saved[i], 1);
		else
			unsetenv(root_variables[i]);
		free(saved[i]);
	}
}

/*
 * All of hwloc's knowledge takes tens of milliseconds, a visit of this thread to every CPU, and the
 * start of GPU runtimes where their plugins are installed. CPUs, nodes, PCI devices and what the
 * system calls them is enough, and stands in files.
 */
static void
hardware_limit(hwloc_topology_t hardware)
{
	static const char *const without[] = {"x86",  "opencl", "cuda",     "nvml",
					      "rsmi", "gl",     "levelzero"};

	/* fails for those that are not installed */
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
		(void)hwloc_topology_set_components(
			hardware, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, without[i]);
	hwloc_topology_set_all_types_filter(hardware, HWLOC_TYPE_FILTER_KEEP_NONE);
	/* the CPUs of a node are those of its parent: with no levels at all, the whole machine's */
	hwloc_topology_set_type_filter(hardware, HWLOC_OBJ_GROUP, HWLOC_TYPE_FILTER_KEEP_STRUCTURE);
	hwloc_topology_set_type_filter(hardware, HWLOC_OBJ_PCI_DEVICE,
				       HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
	hwloc_topology_set_type_filter(hardware, HWLOC_OBJ_OS_DEVICE,
				       HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
	/* a NIC may be on a node that this process may not use */
	hwloc_topology_set_flags(hardware, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
}

enum mc_status
topo_hardware_open(const char *root, struct hwloc_topology **hardware_out)
{
	char *saved[ROOT_VARIABLES] = {NULL};
	hwloc_topology_t hardware;
	int rc;

	if (hwloc_topology_init(&hardware) != 0)
		return MC_ERR_NO_MEMORY;
	hardware_limit(hardware);
	if (root[0] != '\0')
		root_enter(root, saved);
	rc = hwloc_topology_load(hardware);
	if (root[0] != '\0')
		root_leave(saved);
	if (rc != 0) {
		mc_log_error("the CPUs and nodes of %s cannot be read",
			     root[0] != '\0' ? root : "this machine");
		hwloc_topology_destroy(hardware);
		return MC_ERR_IO;
	}
	*hardware_out = hardware;
	return MC_OK;
}

void
topo_hardware_close(struct hwloc_topology *hardware)
{
	hwloc_topology_destroy(hardware);
}

/* ---- nodes ---- */

/* What /proc/self/status lists behind @label; false: nothing. */
static bool
status_list(const char *root, const char *label, hwloc_bitmap_t set_out)
{
	char path[PATH_MAX], line[4096];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/self/status", root);
	file = fopen(path, "re");
	while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
		size_t len = strlen(label);

		line[strcspn(line, "\n")] = '\0';
		found = strncmp(line, label, len) == 0 &&
			hwloc_bitmap_list_sscanf(set_out, line + len) == 0;
	}
	if (file != NULL)
		fclose(file);
	return found;
}

/* hwloc looks at the cgroups that it finds mounted; in a container that may be none. */
static void
nodes_allowed(hwloc_topology_t hardware, const char *root, hwloc_bitmap_t allowed,
	      hwloc_bitmap_t room)
{
	hwloc_bitmap_copy(allowed, hwloc_topology_get_allowed_nodeset(hardware));
	if (status_list(root, "Mems_allowed_list:\t", room))
		hwloc_bitmap_and(allowed, allowed, room);
}

/*
 * What this process may run on: its cpuset, and the affinity of its threads together, as one of
 * them may have been pinned by whoever calls.
 */
static void
cpus_allowed(hwloc_topology_t hardware, const char *root, hwloc_bitmap_t allowed,
	     hwloc_bitmap_t room)
{
	bool found;

	hwloc_bitmap_copy(allowed, hwloc_topology_get_allowed_cpuset(hardware));
	if (hwloc_topology_is_thissystem(hardware))
		found = hwloc_get_cpubind(hardware, room, HWLOC_CPUBIND_PROCESS) == 0;
	else
		found = status_list(root, "Cpus_allowed_list:\t", room);
	if (found)
		hwloc_bitmap_and(allowed, allowed, room);
}

static const char *
list_make(hwloc_const_bitmap_t set, uint32_t *count_out)
{
	char *text;
	int weight = hwloc_bitmap_weight(set);

	*count_out = weight > 0 ? (uint32_t)weight : 0;
	return hwloc_bitmap_list_asprintf(&text, set) >= 0 ? text : NULL;
}

static int
node_order(const void *a, const void *b)
{
	return ((const struct mc_topo_node *)a)->id - ((const struct mc_topo_node *)b)->id;
}

/* Memory alone: hwloc gives it the CPUs that it is nearest to, which have a node of their own. */
static bool
is_memory_alone(const char *root, int id)
{
	char line[8];

	return topo_line_read(line, sizeof(line), "%s/sys/devices/system/node/node%d/cpulist", root,
			      id) &&
	       line[0] == '\0';
}

static enum mc_status
node_read(const char *root, hwloc_obj_t from, hwloc_const_bitmap_t allowed, struct mc_topo *topo)
{
	struct mc_topo_node *node = &topo->nodes[topo->nodes_count++];
	hwloc_bitmap_t cpus = hwloc_bitmap_dup(from->cpuset);

	node->id = (int)from->os_index;
	node->memory_total = from->attr->numanode.local_memory;
	if (cpus == NULL)
		return MC_ERR_NO_MEMORY;
	if (is_memory_alone(root, node->id))
		hwloc_bitmap_zero(cpus);
	for (uint32_t cpu = 0; cpu < topo->cpus_count; cpu++) {
		if (hwloc_bitmap_isset(cpus, cpu) == 1)
			topo->cpu_nodes[cpu] = (int16_t)node->id;
	}
	node->cpus = list_make(cpus, &node->cpus_count);
	hwloc_bitmap_and(cpus, cpus, allowed);
	node->cpus_allowed = list_make(cpus, &node->cpus_allowed_count);
	hwloc_bitmap_free(cpus);
	return node->cpus != NULL && node->cpus_allowed != NULL ? MC_OK : MC_ERR_NO_MEMORY;
}

static enum mc_status
nodes_alloc(hwloc_topology_t hardware, struct mc_topo *topo)
{
	int nodes = hwloc_get_nbobjs_by_type(hardware, HWLOC_OBJ_NUMANODE);
	int last = hwloc_bitmap_last(hwloc_topology_get_topology_cpuset(hardware));

	topo->nodes = calloc((size_t)nodes + 1, sizeof(*topo->nodes));
	topo->cpus_count = last >= 0 ? (uint32_t)last + 1 : 0;
	topo->cpu_nodes = malloc((topo->cpus_count + 1) * sizeof(*topo->cpu_nodes));
	if (topo->nodes == NULL || topo->cpu_nodes == NULL)
		return MC_ERR_NO_MEMORY;
	for (uint32_t cpu = 0; cpu < topo->cpus_count; cpu++)
		topo->cpu_nodes[cpu] = MC_NODE_UNKNOWN;
	return MC_OK;
}

static enum mc_status
nodes_read(hwloc_topology_t hardware, const char *root, struct mc_topo *topo)
{
	hwloc_bitmap_t allowed = hwloc_bitmap_alloc(), room = hwloc_bitmap_alloc();
	hwloc_obj_t node = NULL;
	enum mc_status st = MC_ERR_NO_MEMORY;

	if (allowed != NULL && room != NULL)
		st = nodes_alloc(hardware, topo);
	if (st != MC_OK)
		goto free_sets;
	cpus_allowed(hardware, root, allowed, room);
	while (st == MC_OK && (node = hwloc_get_next_obj_by_type(hardware, HWLOC_OBJ_NUMANODE,
								  node)) != NULL) {
		if (node->os_index <= TOPO_NODE_ID_MAX)
			st = node_read(root, node, allowed, topo);
	}
	nodes_allowed(hardware, root, allowed, room);
	for (uint32_t i = 0; i < topo->nodes_count; i++)
		topo->nodes[i].allowed =
			hwloc_bitmap_isset(allowed, (unsigned int)topo->nodes[i].id) == 1;
	if (st == MC_OK)
		qsort(topo->nodes, topo->nodes_count, sizeof(*topo->nodes), node_order);
free_sets:
	hwloc_bitmap_free(allowed);
	hwloc_bitmap_free(room);
	return st;
}

/* ---- distances ---- */

static uint32_t
node_index(const struct mc_topo *topo, hwloc_obj_t node)
{
	uint32_t i = 0;

	while (i < topo->nodes_count && topo->nodes[i].id != (int)node->os_index)
		i++;
	return i;
}

static void
distances_take(struct mc_topo *topo, const struct hwloc_distances_s *from)
{
	for (unsigned int i = 0; i < from->nbobjs; i++) {
		uint32_t row = node_index(topo, from->objs[i]);

		for (unsigned int j = 0; j < from->nbobjs; j++) {
			uint32_t column = node_index(topo, from->objs[j]);
			uint64_t value = from->values[i * from->nbobjs + j];

			if (row < topo->nodes_count && column < topo->nodes_count &&
			    value < UINT32_MAX)
				topo->distances[row * topo->nodes_count + column] =
					(uint32_t)value;
		}
	}
}

static enum mc_status
distances_read(hwloc_topology_t hardware, struct mc_topo *topo)
{
	uint32_t count = topo->nodes_count;
	struct hwloc_distances_s *from;
	unsigned int from_count = 1;

	topo->distances = malloc(((size_t)count * count + 1) * sizeof(*topo->distances));
	if (topo->distances == NULL)
		return MC_ERR_NO_MEMORY;
	for (uint32_t i = 0; i < count * count; i++)
		topo->distances[i] = i / count == i % count ? DISTANCE_LOCAL : DISTANCE_REMOTE;
	if (hwloc_distances_get_by_type(hardware, HWLOC_OBJ_NUMANODE, &from_count, &from,
					HWLOC_DISTANCES_KIND_FROM_OS, 0) == 0 &&
	    from_count > 0) {
		distances_take(topo, from);
		hwloc_distances_release(hardware, from);
	}
	return MC_OK;
}

enum mc_status
topo_hardware_read(struct hwloc_topology *hardware, const char *root, struct mc_topo *topo)
{
	enum mc_status st = nodes_read(hardware, root, topo);

	return st == MC_OK ? distances_read(hardware, topo) : st;
}

/* ---- NICs ---- */

int
topo_hardware_nic_node(struct hwloc_topology *hardware, const char *name)
{
	hwloc_obj_t device = NULL;

	while ((device = hwloc_get_next_osdev(hardware, device)) != NULL) {
		hwloc_obj_t at;

		if (device->attr->osdev.type != HWLOC_OBJ_OSDEV_OPENFABRICS ||
		    strcmp(device->name, name) != 0)
			continue;
		at = hwloc_get_non_io_ancestor_obj(hardware, device);
		/* more than one: it hangs on the machine as a whole, or nobody said where */
		return hwloc_bitmap_weight(at->nodeset) == 1 ? hwloc_bitmap_first(at->nodeset)
							     : MC_NODE_UNKNOWN;
	}
	return MC_NODE_UNKNOWN;
}
