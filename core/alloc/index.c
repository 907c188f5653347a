/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The free extents. Each size class holds a leftist heap whose root is the largest of the class
 * and, of equally large ones, the latest. So the root answers whether the class can serve a size,
 * sizes that repeat are added and removed in O(1), and nothing is worse than O(log n) of the class.
 * What else was tried: doc/decisions/allocator.md.
 */
#include "core/alloc/extent.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Classes looked at for an extent near the wanted end of the segment; at least 2, because the first
 * may hold only smaller ones. More comes nearer to first fit by address, fewer nearer to best fit;
 * 4 is best on the KV mix.
 */
#define PICK_CLASSES 4

/* ---- which classes hold something ---- */

uint32_t
mc_extent_class(uint64_t size)
{
	uint32_t shift;

	if (size < (1u << EXTENT_CLASS_BITS))
		return (uint32_t)size;
	shift = 63u - (uint32_t)__builtin_clzll(size) - EXTENT_CLASS_BITS;
	return (shift << EXTENT_CLASS_BITS) + (uint32_t)(size >> shift);
}

static void
class_root_set(struct mc_alloc *alloc, uint32_t class, uint32_t root)
{
	uint32_t word = class / 64;

	alloc->classes[class].root = root;
	if (root != MC_EXTENT_NONE) {
		alloc->classes[class].where = (uint32_t)(extent_start(extent_at(alloc, root)) >> 8);
		alloc->class_words[word] |= 1ull << (class % 64);
		alloc->class_summary[word / 64] |= 1ull << (word % 64);
		return;
	}
	alloc->class_words[word] &= ~(1ull << (class % 64));
	if (alloc->class_words[word] == 0)
		alloc->class_summary[word / 64] &= ~(1ull << (word % 64));
}

/* The first class from @class on that holds something; EXTENT_CLASSES if none does. */
static uint32_t
class_next(const struct mc_alloc *alloc, uint32_t class)
{
	uint32_t word = class / 64;
	uint32_t i;
	uint64_t bits;

	if (class >= EXTENT_CLASSES)
		return EXTENT_CLASSES;
	bits = alloc->class_words[word] >> (class % 64);
	if (bits)
		return class + (uint32_t)__builtin_ctzll(bits);
	word++;
	for (i = word / 64; i * 64 < EXTENT_CLASS_WORDS; i++) {
		bits = alloc->class_summary[i];
		if (i == word / 64)
			bits &= ~0ull << (word % 64);
		if (bits) {
			word = i * 64 + (uint32_t)__builtin_ctzll(bits);
			return word * 64 + (uint32_t)__builtin_ctzll(alloc->class_words[word]);
		}
	}
	return EXTENT_CLASSES;
}

/* ---- one class: a leftist heap ---- */

/* Restores rank and order of the children; false if the rank was right already. */
static bool
heap_rank_fix(const struct mc_alloc *alloc, struct extent *extent)
{
	uint32_t left_rank = extent_at(alloc, extent->left)->rank;
	uint32_t right_rank = extent_at(alloc, extent->right)->rank;
	uint32_t rank = (left_rank < right_rank ? left_rank : right_rank) + 1;
	bool changed = extent->rank != rank;

	if (left_rank < right_rank) {
		uint32_t left = extent->left;

		extent->left = extent->right;
		extent->right = left;
	}
	extent->rank = rank & 0x3f;
	return changed;
}

/*
 * Of equally large ones @a's stay on top. The recursion goes down two right spines: no deeper than
 * the sum of their ranks, below 64.
 */
static uint32_t
heap_merge(const struct mc_alloc *alloc, uint32_t a, uint32_t b)
{
	struct extent *top;

	if (a == MC_EXTENT_NONE)
		return b;
	if (b == MC_EXTENT_NONE)
		return a;
	if (extent_size(extent_at(alloc, b)) > extent_size(extent_at(alloc, a))) {
		uint32_t other = a;

		a = b;
		b = other;
	}
	top = extent_at(alloc, a);
	top->right = heap_merge(alloc, top->right, b);
	extent_at(alloc, top->right)->parent = a;
	heap_rank_fix(alloc, top);
	return a;
}

void
mc_extent_index_add(struct mc_alloc *alloc, uint32_t index)
{
	struct extent *extent = extent_at(alloc, index);
	uint32_t class = mc_extent_class(extent_size(extent));
	uint32_t root;

	extent->left = MC_EXTENT_NONE;
	extent->right = MC_EXTENT_NONE;
	extent->rank = 1;
	root = heap_merge(alloc, index, alloc->classes[class].root);
	extent_at(alloc, root)->parent = MC_EXTENT_NONE;
	class_root_set(alloc, class, root);
	alloc->extents_free++;
}

void
mc_extent_index_remove(struct mc_alloc *alloc, uint32_t index)
{
	struct extent *extent = extent_at(alloc, index);
	uint32_t above = extent->parent;
	uint32_t rest = heap_merge(alloc, extent->left, extent->right);

	alloc->extents_free--;
	extent_at(alloc, rest)->parent = above;
	if (above == MC_EXTENT_NONE) {
		class_root_set(alloc, mc_extent_class(extent_size(extent)), rest);
		return;
	}
	if (extent_at(alloc, above)->left == index)
		extent_at(alloc, above)->left = rest;
	else
		extent_at(alloc, above)->right = rest;
	/* Ranks only shrink on the way up, and stop where a left child was the longer one. */
	while (above != MC_EXTENT_NONE && heap_rank_fix(alloc, extent_at(alloc, above)))
		above = extent_at(alloc, above)->parent;
}

/* ---- choosing ---- */

uint32_t
mc_extent_index_pick(const struct mc_alloc *alloc, uint64_t size, int high)
{
	const struct extent_class *chosen = NULL;
	uint32_t class = class_next(alloc, mc_extent_class(size));
	uint32_t seen;

	for (seen = 0; seen < PICK_CLASSES && class < EXTENT_CLASSES; seen++) {
		const struct extent_class *at = &alloc->classes[class];
		uint64_t found = chosen ? 0 : extent_size(extent_at(alloc, at->root));

		if (found == size)
			return at->root;
		/* Only the class of @size itself can hold smaller ones, and it comes first. */
		if (chosen ? (high ? at->where > chosen->where : at->where < chosen->where)
			   : found > size)
			chosen = at;
		class = class_next(alloc, class + 1);
	}
	return chosen ? chosen->root : MC_EXTENT_NONE;
}

uint64_t
mc_extent_index_largest(const struct mc_alloc *alloc)
{
	uint32_t i = (EXTENT_CLASS_WORDS + 63u) / 64u;
	uint32_t word;
	uint32_t class;

	while (i > 0 && alloc->class_summary[i - 1] == 0)
		i--;
	if (i == 0)
		return 0;
	word = (i - 1) * 64 + 63u - (uint32_t)__builtin_clzll(alloc->class_summary[i - 1]);
	class = word * 64 + 63u - (uint32_t)__builtin_clzll(alloc->class_words[word]);
	return extent_size(extent_at(alloc, alloc->classes[class].root));
}
