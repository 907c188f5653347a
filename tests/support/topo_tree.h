/* SPDX-License-Identifier: Apache-2.0 */
/* A directory with the sys/ and proc/ of a machine that there is not, for core/topo. */
#ifndef MC_TESTS_SUPPORT_TOPO_TREE_H
#define MC_TESTS_SUPPORT_TOPO_TREE_H

struct topo_tree {
	char root[64];
	unsigned int nodes;
	unsigned int cpus;	/* of each node */
	unsigned int devices;	/* PCI devices made so far */
};

enum tree_nic_kind {
	TREE_PCI,	/* a PCI device that hwloc finds too */
	TREE_SILENT,	/* the same, and only the CPUs near to it tell its node */
	TREE_HIDDEN,	/* one that only sysfs's class of RDMA devices shows */
	TREE_VIRTUAL,	/* rxe: no device, a parent interface */
};

struct tree_nic {
	const char *name;
	enum tree_nic_kind kind;
	int node;		/* -1: not told */
	const char *state;	/* NULL: "4: ACTIVE" */
	const char *netdev;	/* NULL: none */
	const char *link;	/* NULL: "Ethernet" */
};

/* Nodes 0.., each with @cpus CPUs, 64 GiB, hugepages; neighbours are nearer than others. */
void topo_tree_make(struct topo_tree *tree, unsigned int nodes, unsigned int cpus);
void topo_tree_nic(struct topo_tree *tree, const struct tree_nic *nic);
void topo_tree_remove(struct topo_tree *tree);

/* The file at @path, made with the folders above it, gets the text. */
__attribute__((format(printf, 3, 4))) void
topo_tree_put(struct topo_tree *tree, const char *path, const char *format, ...);

#endif
