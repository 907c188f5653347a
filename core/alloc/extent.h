/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of core/alloc: the extents of a segment, where their descriptions live, and the index of
 * the free ones. Lengths and positions are in units of MC_ALLOC_ALIGN bytes here.
 */
#ifndef MC_CORE_ALLOC_EXTENT_H
#define MC_CORE_ALLOC_EXTENT_H

#include <stdint.h>

#include "core/alloc/alloc.h"

/*
 * A description. Used and free extents form one list in order of address; two free ones are never
 * neighbours in it. Index 0 is no extent: it reads as one of rank 0, so that the heaps need not
 * test for it, and its links may be written.
 */
struct extent {
	uint32_t start_low;
	uint32_t size_low;
	uint32_t start_high : 8;
	uint32_t size_high : 9; /* a whole segment may have 2^40 units */
	uint32_t slack : 6;	/* used: bytes behind object and trailer, < MC_ALLOC_ALIGN */
	uint32_t rank : 6;	/* free: of a leftist heap; at most log2 of the number of extents */
	uint32_t used : 1;
	uint32_t prev; /* by address; unused descriptions are chained by next */
	uint32_t next;
	union {
		uint32_t owner; /* used */
		uint32_t left;	/* free */
	};
	uint32_t right; /* free */
	uint32_t parent;
};
_Static_assert(sizeof(struct extent) == 32, "two to a cache line");

#define EXTENT_CHUNK_SHIFT 16u /* descriptions in a chunk, 2 MiB of them */

/*
 * The free extents by size: each power of two is cut into 128 classes, so that a class spans less
 * than 0.8 % (below 128 units: one size each).
 */
#define EXTENT_CLASS_BITS  7u
#define EXTENT_CLASSES	   (((40u - EXTENT_CLASS_BITS + 1u) << EXTENT_CLASS_BITS) + 1u)
#define EXTENT_CLASS_WORDS ((EXTENT_CLASSES + 63u) / 64u)

struct extent_class {
	uint32_t root;	/* largest of the class, and of those the latest */
	uint32_t where; /* its start >> 8, so that choosing among classes reads no extent */
};

struct mc_alloc {
	struct extent **chunks;
	struct extent_class *classes; /* up to the class of the whole segment */
	uint64_t units;
	uint64_t units_used;
	uint64_t object_bytes;
	uint32_t lead; /* bytes in front of the first aligned address */
	uint32_t extents_used;
	uint32_t extents_free;
	uint32_t first;	 /* extent of the lowest address */
	uint32_t unused; /* chain of descriptions to use again */
	uint32_t fresh;	 /* descriptions from here on were never used */
	uint32_t chunks_max;
	uint32_t classes_count;
	uint64_t class_summary[(EXTENT_CLASS_WORDS + 63u) / 64u]; /* which words are not 0 */
	uint64_t class_words[EXTENT_CLASS_WORDS];		  /* which classes are not empty */
};

static inline struct extent *
extent_at(const struct mc_alloc *alloc, uint32_t index)
{
	return &alloc->chunks[index >> EXTENT_CHUNK_SHIFT]
			     [index & ((1u << EXTENT_CHUNK_SHIFT) - 1)];
}

static inline uint64_t
extent_start(const struct extent *extent)
{
	return (uint64_t)extent->start_high << 32 | extent->start_low;
}

static inline uint64_t
extent_size(const struct extent *extent)
{
	return (uint64_t)extent->size_high << 32 | extent->size_low;
}

static inline void
extent_span_set(struct extent *extent, uint64_t start, uint64_t size)
{
	extent->start_low = (uint32_t)start;
	extent->start_high = (uint32_t)(start >> 32) & 0xff;
	extent->size_low = (uint32_t)size;
	extent->size_high = (uint32_t)(size >> 32) & 0x1ff;
}

/* store.c: descriptions. */
enum mc_status mc_extent_store_init(struct mc_alloc *alloc);
void mc_extent_store_fini(struct mc_alloc *alloc);
/* A description to fill in, or MC_EXTENT_NONE when there is no memory. */
uint32_t mc_extent_store_alloc(struct mc_alloc *alloc);
void mc_extent_store_free(struct mc_alloc *alloc, uint32_t index);

/* index.c: the free extents. */
uint32_t mc_extent_class(uint64_t size);
void mc_extent_index_add(struct mc_alloc *alloc, uint32_t index);
void mc_extent_index_remove(struct mc_alloc *alloc, uint32_t index);
/*
 * A free extent of at least @size units, MC_EXTENT_NONE if and only if there is none. One of
 * exactly that size if the search meets it, else one from the high or from the low end.
 */
uint32_t mc_extent_index_pick(const struct mc_alloc *alloc, uint64_t size, int high);
uint64_t mc_extent_index_largest(const struct mc_alloc *alloc);

#endif
