/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory regions: what a process contributes to the pool, or stages its own transfers in.
 *
 * A region is a memfd, sealed against resizing, on hugepages where there are any, bound to a NUMA
 * node or interleaved. Creating one returns at once; threads of its own populate it from its start
 * while it is in use already, so that the first bytes of a large segment serve within a second.
 * Being a memfd it can be handed to a process of the same user on the same host, which then reads
 * and writes it without a system call (drivers/shm).
 *
 * All calls from any thread. Nothing here knows a NIC: mc_engine_mem_reg() makes memory reachable.
 */
#ifndef MC_MEMORY_H
#define MC_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "mc/status.h"

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

struct mc_region;

enum mc_huge {
	MC_HUGE_TRY,		/* hugepages, else 4 KiB pages and a text that says why */
	MC_HUGE_NEVER,
	MC_HUGE_ONLY,		/* hugepages, else MC_ERR_NO_MEMORY */
};

enum mc_numa {
	MC_NUMA_LOCAL,		/* the node of the thread that populates: the kernel's default */
	MC_NUMA_BIND,		/* numa_node */
	MC_NUMA_INTERLEAVE,	/* page by page over all nodes that this process may use */
};

struct mc_region_params {
	size_t size;			/* sizeof(struct mc_region_params) */
	uint64_t length;		/* bytes, above 0; rounded up to whole pages */
	const char *name;		/* shown in /proc/PID/maps; copied; NULL: "mooncore" */
	enum mc_huge huge;
	uint64_t page_size;		/* of the hugepages: 2 MiB (0) or 1 GiB, in bytes */
	enum mc_numa numa;
	int numa_node;
	unsigned int threads;		/* that populate; 0: one per allowed CPU, at most 8 */
	/*
	 * Called from a populating thread, one call at a time, at least every 1/64 of the length
	 * (or page) and with ready == length at the end, which may be before mc_region_create()
	 * returns; must not call mc_region_destroy(). NULL: nothing.
	 */
	void (*progress)(void *context, uint64_t ready, uint64_t length);
	void *context;
};

/*
 * Returns once the region is mapped. What the system refused without need (hugepages, mbind) is one
 * warning with its fix. MC_ERR_NO_MEMORY: no address space, or MC_HUGE_ONLY and no hugepages.
 */
enum mc_status mc_region_create(const struct mc_region_params *params,
				struct mc_region **region_out);

/*
 * A forked child shares the bytes of its parent's regions and does not populate them; it may
 * destroy its view of one, which leaves the parent's as it is.
 *
 * Stops populating, unmaps and closes. MC_ERR_BUSY, and nothing happened, while the region is
 * registered with an engine. NULL is fine.
 */
enum mc_status mc_region_destroy(struct mc_region *region);

void *mc_region_addr(const struct mc_region *region);
uint64_t mc_region_length(const struct mc_region *region);
uint64_t mc_region_page_size(const struct mc_region *region);
/* The region's own descriptor; do not close it. */
int mc_region_fd(const struct mc_region *region);

/* How many bytes from the start are populated. */
uint64_t mc_region_ready(const struct mc_region *region);
/*
 * Blocks until the first @bytes are. MC_ERR_TIMEOUT; MC_ERR_NO_MEMORY: the system has no more (a
 * cgroup's limit counts), logged once; the populated part remains usable. MC_ERR_PERMISSION: in a
 * forked child, of what was not yet populated.
 */
enum mc_status mc_region_wait(struct mc_region *region, uint64_t bytes, uint64_t timeout_ns);

/* One line: "16 GiB of 2 MiB hugepages on node 0", or why there are none. Lives as the region. */
const char *mc_region_text(const struct mc_region *region);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
