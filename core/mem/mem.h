/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: regions (mc/memory.h), what the rest of the library sees of them, and how bytes are
 * copied. Knows no NIC. Any thread.
 */
#ifndef MC_CORE_MEM_MEM_H
#define MC_CORE_MEM_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "mc/memory.h"
#include "mc/status.h"

/*
 * A run of bytes as a driver registers it: part of a region (fd >= 0), or memory of the host
 * program at any alignment (fd < 0), which no other process can map.
 */
struct mc_span {
	void *addr;
	uint64_t length;
	int fd;			/* the region's: borrowed */
	uint64_t fd_offset;	/* of addr in it */
	uint64_t page_size;	/* in bytes */
};

/* The region that holds all of [addr, addr + length), referenced, or NULL. */
struct mc_region *mc_region_find(const void *addr, uint64_t length);
/* A referenced region cannot be destroyed. */
void mc_region_ref(struct mc_region *region);
void mc_region_unref(struct mc_region *region);

/*
 * Does what is left to populate fit into what the machine, the control groups and the node have
 * left now? If not, @text gets which of them it is, and the fix; 700 bytes hold it. Always true of
 * hugepages, which were set aside when the region was made.
 */
bool mc_region_room(const struct mc_region *region, char *text, size_t size);

/*
 * The span of [addr, addr + length); its region, if it has one, is referenced in *region_out, else
 * that is NULL. MC_ERR_INVALID, with a line that names it: empty, wraps around, or has pages that
 * are not mapped.
 */
enum mc_status mc_mem_span(const void *addr, uint64_t length, struct mc_span *span_out,
			   struct mc_region **region_out);

/* The NUMA node of the page at @addr; -1: unknown (not populated, or one node only and no NUMA). */
int mc_mem_node(const void *addr);

/*
 * May @length more bytes be pinned, as RDMA devices need it? False: @text gets one line with the
 * fix. Of @size bytes; 300 hold any such line, here and below.
 */
bool mc_mem_pinnable(uint64_t length, char *text, size_t size);

/*
 * May this process read and write memory of process @pid with process_vm_readv() and _writev()? If
 * not, @text gets one line with the fix. MC_ERR_PERMISSION; MC_ERR_NOT_FOUND: no such process;
 * MC_ERR_UNSUPPORTED: a kernel without these calls.
 */
enum mc_status mc_mem_peer_check(pid_t pid, char *text, size_t size);

/*
 * Copies, with stores that go around the caches where that is faster: large runs, which no cache
 * would hold. Regions must not overlap. Stores are ordered when it returns (other threads and
 * processes that learn of it by an atomic see the bytes).
 */
void mc_mem_copy(void *dst, const void *src, size_t length);

#endif
