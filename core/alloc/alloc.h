/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Space inside one segment: which bytes are free, which belong to whom. Pure: it never touches the
 * segment's memory, does no I/O and reads no clock. One owner thread. No call but destroy has an
 * O(n) step; what is not O(1) is O(log n) of the free extents of about one size.
 *
 * Every object is followed by MC_ALLOC_TRAILER bytes that belong to it (doc/wire.md: the trailer);
 * sizes given here are object bytes, the trailer is added inside. Extents start at addresses that
 * are multiples of MC_ALLOC_ALIGN, whatever the alignment of the segment's base.
 */
#ifndef MC_CORE_ALLOC_ALLOC_H
#define MC_CORE_ALLOC_ALLOC_H

#include <stdint.h>

#include "mc/status.h"

#define MC_ALLOC_ALIGN	  64u
#define MC_ALLOC_TRAILER  32u
#define MC_ALLOC_SIZE_MAX (1ull << 46) /* a segment's size */
#define MC_EXTENT_NONE	  0u

struct mc_alloc;

struct mc_extent {
	uint64_t offset; /* from the segment's base, in bytes */
	uint32_t handle; /* names the extent in later calls; never MC_EXTENT_NONE */
};

struct mc_alloc_stats {
	uint64_t capacity;     /* bytes that can be given out */
	uint64_t used;	       /* bytes of extents in use: rounded, trailers included */
	uint64_t object_bytes; /* bytes that were asked for */
	uint64_t free_largest; /* largest object that fits now */
	uint32_t extents_used;
	uint32_t extents_free;
};

/* A segment of @size bytes mounted at @base. MC_ERR_INVALID: nothing fits; above the cap. */
enum mc_status mc_alloc_create(uint64_t base, uint64_t size, struct mc_alloc **alloc_out);
void mc_alloc_destroy(struct mc_alloc *alloc);

/*
 * Space for an object of @size bytes, recorded as belonging to @owner (any number).
 * MC_ERR_NO_SPACE: no free extent is large enough; MC_ERR_NO_MEMORY: bookkeeping memory;
 * MC_ERR_INVALID: no bytes.
 */
enum mc_status mc_alloc_take(struct mc_alloc *alloc, uint64_t size, uint32_t owner,
			     struct mc_extent *extent_out);
void mc_alloc_give(struct mc_alloc *alloc, uint32_t handle);

uint32_t mc_alloc_owner(const struct mc_alloc *alloc, uint32_t handle);
void mc_alloc_owner_set(struct mc_alloc *alloc, uint32_t handle, uint32_t owner);

/* The lowest extent in use, or MC_EXTENT_NONE: to empty a segment piece by piece. O(1). */
uint32_t mc_alloc_first_used(const struct mc_alloc *alloc);

/* O(1). */
void mc_alloc_stats_read(const struct mc_alloc *alloc, struct mc_alloc_stats *stats_out);

#endif
