/* SPDX-License-Identifier: Apache-2.0 */
/* Private to core/mem: where pages lie. Any thread. */
#ifndef MC_CORE_MEM_NUMA_H
#define MC_CORE_MEM_NUMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mc/memory.h"

#define MC_NODE_MAX 1024	/* the kernel's own bound on x86 and arm64 */

/* The nodes whose memory this process may use. */
struct mc_node_set {
	uint64_t bits[MC_NODE_MAX / 64];
};

/* From the kernel's list syntax, "0-3,8". False: does not parse. */
bool mc_node_set_parse(const char *list, struct mc_node_set *set_out);
void mc_node_set_allowed(struct mc_node_set *set_out);
bool mc_node_set_has(const struct mc_node_set *set, int node);
unsigned int mc_node_set_count(const struct mc_node_set *set);

/*
 * The node on which most pages of the mapping around @addr lie, by a file as /proc/self/numa_maps
 * is one; -1: none of it is populated, or there is no such file.
 */
int mc_numa_maps_node(const char *path, uintptr_t addr);

/* Moves the calling thread to the CPUs of @node, as far as it may run there. */
void mc_numa_thread_near(int node);

/*
 * Sets the policy of a mapping before anything in it is populated. What the system refuses is one
 * warning. @text gets what holds now: "", " on node 1", " over 2 nodes", or that it was refused.
 */
void mc_numa_policy_set(void *addr, uint64_t length, enum mc_numa numa, int node, char *text,
			size_t size);

#endif
