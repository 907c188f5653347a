/* SPDX-License-Identifier: Apache-2.0 */
#include "core/alloc/extent.h"

#include <stdbool.h>
#include <stddef.h>

#include "core/base/pages.h"

#define CHUNK_EXTENTS (1u << EXTENT_CHUNK_SHIFT)
#define CHUNK_BYTES   (sizeof(struct extent) << EXTENT_CHUNK_SHIFT)

/*
 * A chunk fills on small pages, touched one by one: most segments hold few objects, and the first
 * touch of a huge page takes up to 5 ms in a virtual machine. Once it is full, the kernel may
 * gather it to a huge one in the background. Aligned to its size for that.
 */
static bool
chunk_add(struct mc_alloc *alloc)
{
	uint32_t number = alloc->fresh >> EXTENT_CHUNK_SHIFT;
	struct extent *chunk;

	if (number >= alloc->chunks_max)
		return false;
	chunk = mc_pages_map(CHUNK_BYTES, CHUNK_BYTES);
	if (!chunk)
		return false;
	if (number > 0)
		mc_pages_gather(alloc->chunks[number - 1], CHUNK_BYTES);
	alloc->chunks[number] = chunk;
	return true;
}

enum mc_status
mc_extent_store_init(struct mc_alloc *alloc)
{
	uint64_t extents_max = alloc->units + 1; /* none is shorter than a unit; and index 0 */

	if (extents_max > UINT32_MAX)
		extents_max = UINT32_MAX;
	alloc->chunks_max = (uint32_t)((extents_max + CHUNK_EXTENTS - 1) >> EXTENT_CHUNK_SHIFT);
	alloc->chunks = mc_pages_map(alloc->chunks_max * sizeof(*alloc->chunks), 0);
	if (!alloc->chunks)
		return MC_ERR_NO_MEMORY;
	if (!chunk_add(alloc)) {
		mc_extent_store_fini(alloc);
		return MC_ERR_NO_MEMORY;
	}
	alloc->fresh = 1;
	return MC_OK;
}

void
mc_extent_store_fini(struct mc_alloc *alloc)
{
	uint32_t i;

	for (i = 0; i < alloc->chunks_max && alloc->chunks[i]; i++)
		mc_pages_unmap(alloc->chunks[i], CHUNK_BYTES);
	mc_pages_unmap(alloc->chunks, alloc->chunks_max * sizeof(*alloc->chunks));
}

uint32_t
mc_extent_store_alloc(struct mc_alloc *alloc)
{
	uint32_t index = alloc->unused;

	if (index != MC_EXTENT_NONE) {
		alloc->unused = extent_at(alloc, index)->next;
		return index;
	}
	if ((alloc->fresh & (CHUNK_EXTENTS - 1)) == 0 && !chunk_add(alloc))
		return MC_EXTENT_NONE;
	return alloc->fresh++;
}

void
mc_extent_store_free(struct mc_alloc *alloc, uint32_t index)
{
	struct extent *extent = extent_at(alloc, index);

	extent->used = 0;
	extent->next = alloc->unused;
	alloc->unused = index;
}
