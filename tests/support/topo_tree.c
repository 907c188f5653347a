/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/topo_tree.h"

#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_ROOM 512

__attribute__((format(printf, 2, 3))) static void
text_make(char text[PATH_ROOM], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	ck_assert_int_lt(vsnprintf(text, PATH_ROOM, format, args), PATH_ROOM);
	va_end(args);
}

static void
folders_make(char *path)
{
	for (char *at = strchr(path + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
		*at = '\0';
		ck_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
		*at = '/';
	}
}

void
topo_tree_put(struct topo_tree *tree, const char *path, const char *format, ...)
{
	char full[PATH_ROOM];
	va_list args;
	FILE *file;

	text_make(full, "%s/%s", tree->root, path);
	folders_make(full);
	file = fopen(full, "w");
	ck_assert_msg(file != NULL, "%s", full);
	va_start(args, format);
	vfprintf(file, format, args);
	va_end(args);
	fclose(file);
}

static void
tree_link(struct topo_tree *tree, const char *path, const char *to)
{
	char full[PATH_ROOM], target[PATH_ROOM];

	text_make(full, "%s/%s", tree->root, path);
	text_make(target, "%s/%s", tree->root, to);
	folders_make(full);
	ck_assert_msg(symlink(target, full) == 0, "%s", full);
}

/* As "00000000,000000f0": hwloc reads masks. */
static void
mask_put(struct topo_tree *tree, const char *path, unsigned int first, unsigned int count)
{
	unsigned int words = (tree->nodes * tree->cpus + 31) / 32;
	char text[PATH_ROOM] = "";

	for (unsigned int word = words; word-- > 0;) {
		unsigned int bits = 0;

		for (unsigned int cpu = first; cpu < first + count; cpu++)
			bits |= cpu / 32 == word ? 1u << cpu % 32 : 0;
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%08x%s", bits,
			 word > 0 ? "," : "");
	}
	topo_tree_put(tree, path, "%s\n", text);
}

static void
cpu_make(struct topo_tree *tree, unsigned int node, unsigned int cpu)
{
	char path[PATH_ROOM];

	text_make(path, "sys/devices/system/cpu/cpu%u/topology/core_siblings", cpu);
	mask_put(tree, path, node * tree->cpus, tree->cpus);
	text_make(path, "sys/devices/system/cpu/cpu%u/topology/thread_siblings", cpu);
	mask_put(tree, path, cpu, 1);
	text_make(path, "sys/devices/system/cpu/cpu%u/topology/core_id", cpu);
	topo_tree_put(tree, path, "%u\n", cpu);
	text_make(path, "sys/devices/system/cpu/cpu%u/topology/physical_package_id",
		 cpu);
	topo_tree_put(tree, path, "%u\n", node);
}

static void
node_make(struct topo_tree *tree, unsigned int node)
{
	const char *folder = "sys/devices/system/node";
	unsigned int first = node * tree->cpus;
	char path[PATH_ROOM], text[PATH_ROOM] = "";

	text_make(path, "%s/node%u/cpumap", folder, node);
	mask_put(tree, path, first, tree->cpus);
	text_make(path, "%s/node%u/cpulist", folder, node);
	topo_tree_put(tree, path, "%u-%u\n", first, first + tree->cpus - 1);
	text_make(path, "%s/node%u/meminfo", folder, node);
	topo_tree_put(tree, path,
		      "Node %u MemTotal:       67108864 kB\nNode %u MemFree:        %u kB\n", node,
		      node, 1048576 * (node + 1));
	text_make(path, "%s/node%u/hugepages/hugepages-2048kB/nr_hugepages", folder,
		 node);
	topo_tree_put(tree, path, "%u\n", 16 * node);
	text_make(path, "%s/node%u/hugepages/hugepages-2048kB/free_hugepages", folder,
		 node);
	topo_tree_put(tree, path, "%u\n", 5 * node);
	for (unsigned int other = 0; other < tree->nodes; other++) {
		unsigned int apart = node > other ? node - other : other - node;

		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%u ", 10 + 2 * apart);
	}
	text_make(path, "%s/node%u/distance", folder, node);
	topo_tree_put(tree, path, "%s\n", text);
	for (unsigned int cpu = first; cpu < first + tree->cpus; cpu++)
		cpu_make(tree, node, cpu);
}

void
topo_tree_make(struct topo_tree *tree, unsigned int nodes, unsigned int cpus)
{
	static const char *const lists[] = {"sys/devices/system/cpu/online",
					    "sys/devices/system/cpu/possible"};

	*tree = (struct topo_tree){.root = "/tmp/mc-topo-XXXXXX", .nodes = nodes, .cpus = cpus};
	ck_assert_ptr_nonnull(mkdtemp(tree->root));
	for (unsigned int i = 0; i < 2; i++)
		topo_tree_put(tree, lists[i], "0-%u\n", nodes * cpus - 1);
	topo_tree_put(tree, "sys/devices/system/node/online", "0-%u\n", nodes - 1);
	topo_tree_put(tree, "proc/meminfo", "MemTotal: 1 kB\n");
	for (unsigned int node = 0; node < nodes; node++)
		node_make(tree, node);
}

/* ---- NICs ---- */

/* A PCI function at @path. */
static void
function_make(struct topo_tree *tree, const char *path, int node, bool told)
{
	const struct {
		const char *name, *text;
	} files[] = {{"class", "0x020000"}, {"vendor", "0x15b3"}, {"device", "0x101d"},
		     {"subsystem_vendor", "0x15b3"}, {"subsystem_device", "0x0001"}};
	char file[PATH_ROOM];
	int cpus = (int)tree->cpus;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		text_make(file, "%s/%s", path, files[i].name);
		topo_tree_put(tree, file, "%s\n", files[i].text);
	}
	text_make(file, "%s/numa_node", path);
	topo_tree_put(tree, file, "%d\n", told ? node : -1);
	text_make(file, "%s/local_cpus", path);
	mask_put(tree, file, node < 0 ? 0 : (unsigned int)(node * cpus),
		 node < 0 ? tree->nodes * tree->cpus : tree->cpus);
}

/* The interface: of a virtio device on a PCI function, as a virtual machine has it. */
static void
netdev_make(struct topo_tree *tree, const char *name, int node)
{
	char path[PATH_ROOM], virtio[PATH_ROOM], link[PATH_ROOM];

	text_make(path, "sys/devices/pci0000:80/0000:80:%02x.0", tree->devices++);
	function_make(tree, path, node, true);
	text_make(virtio, "%s/virtio%u", path, tree->devices);
	text_make(link, "%s/net/%s/device", virtio, name);
	tree_link(tree, link, virtio);
	text_make(link, "sys/class/net/%s", name);
	text_make(path, "%s/net/%s", virtio, name);
	tree_link(tree, link, path);
}

static void
port_make(struct topo_tree *tree, const char *device, const struct tree_nic *nic)
{
	const struct {
		const char *name, *text;
	} files[] = {{"state", nic->state != NULL ? nic->state : "4: ACTIVE"},
		     {"link_layer", nic->link != NULL ? nic->link : "Ethernet"},
		     {"rate", "100 Gb/sec (4X EDR)"}};
	char path[PATH_ROOM];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		text_make(path, "%s/ports/1/%s", device, files[i].name);
		topo_tree_put(tree, path, "%s\n", files[i].text);
	}
	if (nic->netdev != NULL && nic->kind != TREE_VIRTUAL) {
		text_make(path, "%s/ports/1/gid_attrs/ndevs/1", device);
		topo_tree_put(tree, path, "%s\n", nic->netdev);
	}
}

void
topo_tree_nic(struct topo_tree *tree, const struct tree_nic *nic)
{
	char function[PATH_ROOM], device[PATH_ROOM], path[PATH_ROOM];

	/* a bus of its own: hwloc takes all of one bus to be in one place */
	text_make(function, "sys/devices/pci0000:%02x/0000:%02x:00.0", tree->devices + 16,
		  tree->devices + 16);
	tree->devices++;
	if (nic->kind == TREE_VIRTUAL) {
		text_make(device, "sys/devices/virtual/infiniband/%s", nic->name);
		netdev_make(tree, nic->netdev, nic->node);
		text_make(path, "%s/parent", device);
		topo_tree_put(tree, path, "%s\n", nic->netdev);
	} else {
		text_make(device, "%s/infiniband/%s", function, nic->name);
		function_make(tree, function, nic->node, nic->kind != TREE_SILENT);
		text_make(path, "%s/device", device);
		tree_link(tree, path, function);
	}
	port_make(tree, device, nic);
	text_make(path, "sys/class/infiniband/%s", nic->name);
	tree_link(tree, path, device);
	if (nic->kind == TREE_PCI || nic->kind == TREE_SILENT) {
		text_make(path, "sys/bus/pci/devices/%s", strrchr(function, '/') + 1);
		tree_link(tree, path, function);
	}
}

/* ---- the end ---- */

static int
entry_remove(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	return remove(path);
}

void
topo_tree_remove(struct topo_tree *tree)
{
	ck_assert_int_eq(nftw(tree->root, entry_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
}
