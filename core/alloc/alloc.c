/* SPDX-License-Identifier: Apache-2.0 */
#include "core/alloc/alloc.h"

#include <stdbool.h>
#include <stdlib.h>

#include "core/alloc/extent.h"
#include "core/base/assert.h"

/* The first extent: all of the segment. */
static enum mc_status
segment_fill(struct mc_alloc *alloc)
{
	uint32_t index = mc_extent_store_alloc(alloc);

	if (index == MC_EXTENT_NONE)
		return MC_ERR_NO_MEMORY;
	extent_span_set(extent_at(alloc, index), 0, alloc->units);
	mc_extent_index_add(alloc, index);
	alloc->first = index;
	return MC_OK;
}

enum mc_status
mc_alloc_create(uint64_t base, uint64_t size, struct mc_alloc **alloc_out)
{
	uint32_t lead = (uint32_t)(-base & (MC_ALLOC_ALIGN - 1));
	struct mc_alloc *alloc;
	enum mc_status st;

	if (size > MC_ALLOC_SIZE_MAX || size < lead + MC_ALLOC_ALIGN || base > UINT64_MAX - size)
		return MC_ERR_INVALID;
	alloc = calloc(1, sizeof(*alloc));
	if (!alloc)
		return MC_ERR_NO_MEMORY;
	alloc->lead = lead;
	alloc->units = (size - lead) / MC_ALLOC_ALIGN;
	alloc->classes_count = mc_extent_class(alloc->units) + 1;
	st = MC_ERR_NO_MEMORY;
	alloc->classes = calloc(alloc->classes_count, sizeof(*alloc->classes));
	if (!alloc->classes)
		goto free_alloc;
	st = mc_extent_store_init(alloc);
	if (st != MC_OK)
		goto free_classes;
	st = segment_fill(alloc);
	if (st != MC_OK)
		goto fini_store;
	*alloc_out = alloc;
	return MC_OK;
fini_store:
	mc_extent_store_fini(alloc);
free_classes:
	free(alloc->classes);
free_alloc:
	free(alloc);
	return st;
}

void
mc_alloc_destroy(struct mc_alloc *alloc)
{
	if (!alloc)
		return;
	mc_extent_store_fini(alloc);
	free(alloc->classes);
	free(alloc);
}

/* Puts @index between @prev and @next, either of which may be none. */
static void
neighbours_link(struct mc_alloc *alloc, uint32_t prev, uint32_t index, uint32_t next)
{
	struct extent *extent = extent_at(alloc, index);

	extent->prev = prev;
	extent->next = next;
	extent_at(alloc, next)->prev = index;
	extent_at(alloc, prev)->next = index;
	if (prev == MC_EXTENT_NONE)
		alloc->first = index;
}

/*
 * Cuts @units off the free extent @hole at its low or high end into the new extent @index. The rest
 * stays in @hole.
 */
static void
hole_cut(struct mc_alloc *alloc, uint32_t hole, uint32_t index, uint64_t units, bool high)
{
	struct extent *rest = extent_at(alloc, hole);
	uint64_t start = extent_start(rest);
	uint64_t left = extent_size(rest) - units;

	mc_extent_index_remove(alloc, hole);
	if (high) {
		extent_span_set(rest, start, left);
		extent_span_set(extent_at(alloc, index), start + left, units);
		neighbours_link(alloc, hole, index, rest->next);
	} else {
		extent_span_set(rest, start + units, left);
		extent_span_set(extent_at(alloc, index), start, units);
		neighbours_link(alloc, rest->prev, index, hole);
	}
	mc_extent_index_add(alloc, hole);
}

/*
 * Small objects gather at the high end of the segment and large ones at the low end: what small
 * ones leave behind joins up there, instead of pinning holes among the large ones.
 */
static bool
goes_high(const struct mc_alloc *alloc, uint64_t units)
{
	return alloc->extents_used > 0 && units < alloc->units_used / alloc->extents_used;
}

/* A used extent of @units, not yet filled in. */
static enum mc_status
extent_take(struct mc_alloc *alloc, uint64_t units, uint32_t *index_out)
{
	bool high = goes_high(alloc, units);
	uint32_t hole = mc_extent_index_pick(alloc, units, high);
	uint32_t index = hole;

	if (hole == MC_EXTENT_NONE)
		return MC_ERR_NO_SPACE;
	if (extent_size(extent_at(alloc, hole)) == units) {
		mc_extent_index_remove(alloc, hole);
	} else {
		index = mc_extent_store_alloc(alloc);
		if (index == MC_EXTENT_NONE)
			return MC_ERR_NO_MEMORY;
		hole_cut(alloc, hole, index, units, high);
	}
	*index_out = index;
	return MC_OK;
}

enum mc_status
mc_alloc_take(struct mc_alloc *alloc, uint64_t size, uint32_t owner, struct mc_extent *extent_out)
{
	struct extent *extent;
	enum mc_status st;
	uint64_t units;
	uint32_t index;

	if (size == 0)
		return MC_ERR_INVALID;
	if (size > MC_ALLOC_SIZE_MAX)
		return MC_ERR_NO_SPACE;
	units = (size + MC_ALLOC_TRAILER + MC_ALLOC_ALIGN - 1) / MC_ALLOC_ALIGN;
	if (units > alloc->units)
		return MC_ERR_NO_SPACE;
	st = extent_take(alloc, units, &index);
	if (st != MC_OK)
		return st;
	extent = extent_at(alloc, index);
	extent->used = 1;
	extent->rank = 0;
	extent->slack = (uint32_t)(units * MC_ALLOC_ALIGN - MC_ALLOC_TRAILER - size) & 0x3f;
	extent->owner = owner;
	alloc->units_used += units;
	alloc->object_bytes += size;
	alloc->extents_used++;
	extent_out->offset = alloc->lead + extent_start(extent) * MC_ALLOC_ALIGN;
	extent_out->handle = index;
	return MC_OK;
}

/* Joins the free extent @index with its free neighbour behind it, which is no more. */
static void
next_absorb(struct mc_alloc *alloc, uint32_t index)
{
	struct extent *extent = extent_at(alloc, index);
	uint32_t gone = extent->next;
	struct extent *next = extent_at(alloc, gone);

	extent_span_set(extent, extent_start(extent), extent_size(extent) + extent_size(next));
	extent->next = next->next;
	extent_at(alloc, next->next)->prev = index;
	mc_extent_store_free(alloc, gone);
}

static bool
is_free(const struct mc_alloc *alloc, uint32_t index)
{
	return index != MC_EXTENT_NONE && !extent_at(alloc, index)->used;
}

static struct extent *
used_at(const struct mc_alloc *alloc, uint32_t handle)
{
	struct extent *extent;

	mc_assert(handle != MC_EXTENT_NONE && handle < alloc->fresh);
	extent = extent_at(alloc, handle);
	mc_assert(extent->used);
	return extent;
}

void
mc_alloc_give(struct mc_alloc *alloc, uint32_t handle)
{
	struct extent *extent = used_at(alloc, handle);
	uint32_t prev = extent->prev;
	uint64_t units = extent_size(extent);

	alloc->units_used -= units;
	alloc->object_bytes -= units * MC_ALLOC_ALIGN - MC_ALLOC_TRAILER - extent->slack;
	alloc->extents_used--;
	extent->used = 0;
	if (is_free(alloc, extent->next)) {
		mc_extent_index_remove(alloc, extent->next);
		next_absorb(alloc, handle);
	}
	if (is_free(alloc, prev)) {
		mc_extent_index_remove(alloc, prev);
		next_absorb(alloc, prev);
		handle = prev;
	}
	mc_extent_index_add(alloc, handle);
}

uint32_t
mc_alloc_owner(const struct mc_alloc *alloc, uint32_t handle)
{
	return used_at(alloc, handle)->owner;
}

void
mc_alloc_owner_set(struct mc_alloc *alloc, uint32_t handle, uint32_t owner)
{
	used_at(alloc, handle)->owner = owner;
}

uint32_t
mc_alloc_first_used(const struct mc_alloc *alloc)
{
	const struct extent *first = extent_at(alloc, alloc->first);

	/* Behind a free extent comes a used one, or nothing. */
	return first->used ? alloc->first : first->next;
}

void
mc_alloc_stats_read(const struct mc_alloc *alloc, struct mc_alloc_stats *stats_out)
{
	uint64_t largest = mc_extent_index_largest(alloc) * MC_ALLOC_ALIGN;

	stats_out->capacity = alloc->units * MC_ALLOC_ALIGN;
	stats_out->used = alloc->units_used * MC_ALLOC_ALIGN;
	stats_out->object_bytes = alloc->object_bytes;
	stats_out->free_largest = largest > 0 ? largest - MC_ALLOC_TRAILER : 0;
	stats_out->extents_used = alloc->extents_used;
	stats_out->extents_free = alloc->extents_free;
}
