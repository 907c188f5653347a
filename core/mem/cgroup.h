/* SPDX-License-Identifier: Apache-2.0 */
/* Private to core/mem: what the control groups of this process leave it. Any thread. */
#ifndef MC_CORE_MEM_CGROUP_H
#define MC_CORE_MEM_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names of one resource's files in both versions of control groups. */
struct mc_cgroup_resource {
	const char *controller;		/* "memory" */
	const char *limit, *usage;	/* version 2: "memory.max", "memory.current" */
	const char *limit1, *usage1;	/* version 1 */
	/* members of memory.stat that are used and can be had back; NULL: none */
	const char *stat, *reclaim[2];
	const char *reclaim1[2];
};

struct mc_cgroup_left {
	uint64_t left;		/* bytes */
	char limit_path[512];	/* the file with the limit */
};

/*
 * The group that leaves least, of the process's own and those above it; false: none has a limit.
 * @root is put before /proc and /sys: "" but in tests.
 */
bool mc_cgroup_left(const char *root, const struct mc_cgroup_resource *resource,
		    struct mc_cgroup_left *out);

extern const struct mc_cgroup_resource mc_cgroup_memory;

#endif
