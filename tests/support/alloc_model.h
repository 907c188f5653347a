/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An allocator next to the plainest model of it: one entry per byte of a small segment, searched
 * from end to end. Every step checks what the allocator answered and aborts with a message when it
 * is wrong. Shared by the property test and the fuzz target.
 */
#ifndef MC_TESTS_SUPPORT_ALLOC_MODEL_H
#define MC_TESTS_SUPPORT_ALLOC_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "core/alloc/alloc.h"

struct alloc_model_object {
	struct mc_extent extent;
	uint64_t size;
	uint32_t owner;
};

struct alloc_model {
	struct mc_alloc *alloc;
	uint64_t base;
	uint64_t size;
	uint8_t *taken; /* one per byte of the segment */
	struct alloc_model_object *objects;
	size_t objects_count;
	size_t objects_max;
	uint64_t used;
	uint64_t object_bytes;
	uint32_t owner_next;
};

/* The segment must be able to hold an object. */
void alloc_model_init(struct alloc_model *model, uint64_t base, uint64_t size);
void alloc_model_fini(struct alloc_model *model);

/* An object of @size bytes (0 too): taken and checked, or rightly refused. */
void alloc_model_take(struct alloc_model *model, uint64_t size);
/* Gives back the object at @at, counted modulo the objects there are; none: nothing. */
void alloc_model_give(struct alloc_model *model, size_t at);
/* Gives another owner to the object at @at. */
void alloc_model_own(struct alloc_model *model, size_t at);
/* Everything the statistics say, the owners, and the lowest extent. O(segment). */
void alloc_model_check(struct alloc_model *model);
/* Gives everything back, lowest extent first, and checks that one free extent is left. */
void alloc_model_drain(struct alloc_model *model);

#endif
