/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/alloc_model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define model_check(condition)                                                                     \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: allocator differs from its model: %s\n", __FILE__, \
				__LINE__, #condition);                                             \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static uint64_t
extent_bytes(uint64_t size)
{
	return (size + MC_ALLOC_TRAILER + MC_ALLOC_ALIGN - 1) / MC_ALLOC_ALIGN * MC_ALLOC_ALIGN;
}

static uint64_t
first_aligned(const struct alloc_model *model)
{
	uint64_t offset = 0;

	while ((model->base + offset) % MC_ALLOC_ALIGN != 0)
		offset++;
	return offset;
}

/* The longest run of whole free units, the number of runs, and all whole units. */
static void
runs_find(const struct alloc_model *model, uint64_t *longest, uint32_t *count, uint64_t *whole)
{
	uint64_t run = 0;
	uint64_t at;

	*longest = 0;
	*count = 0;
	*whole = 0;
	for (at = first_aligned(model); at + MC_ALLOC_ALIGN <= model->size; at += MC_ALLOC_ALIGN) {
		*whole += MC_ALLOC_ALIGN;
		run = model->taken[at] ? 0 : run + MC_ALLOC_ALIGN;
		if (run == MC_ALLOC_ALIGN)
			(*count)++;
		if (run > *longest)
			*longest = run;
	}
}

void
alloc_model_init(struct alloc_model *model, uint64_t base, uint64_t size)
{
	memset(model, 0, sizeof(*model));
	model->base = base;
	model->size = size;
	model->objects_max = size / MC_ALLOC_ALIGN + 1;
	model->taken = calloc(1, size);
	model->objects = calloc(model->objects_max, sizeof(*model->objects));
	model_check(model->taken && model->objects);
	model_check(mc_alloc_create(base, size, &model->alloc) == MC_OK);
	alloc_model_check(model);
}

void
alloc_model_fini(struct alloc_model *model)
{
	mc_alloc_destroy(model->alloc);
	free(model->taken);
	free(model->objects);
}

static void
refusal_check(const struct alloc_model *model, uint64_t size)
{
	uint64_t longest, whole;
	uint32_t count;

	runs_find(model, &longest, &count, &whole);
	model_check(size > model->size || extent_bytes(size) > longest);
}

static void
object_add(struct alloc_model *model, const struct alloc_model_object *object)
{
	uint64_t offset = object->extent.offset;
	uint64_t bytes = extent_bytes(object->size);
	uint64_t i;

	model_check(object->extent.handle != MC_EXTENT_NONE);
	model_check((model->base + offset) % MC_ALLOC_ALIGN == 0);
	model_check(offset <= model->size && bytes <= model->size - offset);
	for (i = 0; i < bytes; i++)
		model_check(!model->taken[offset + i]);
	memset(model->taken + offset, 1, bytes);
	model_check(model->objects_count < model->objects_max);
	model->objects[model->objects_count++] = *object;
	model->used += bytes;
	model->object_bytes += object->size;
}

void
alloc_model_take(struct alloc_model *model, uint64_t size)
{
	struct alloc_model_object object = {.size = size, .owner = model->owner_next++};
	enum mc_status st = mc_alloc_take(model->alloc, size, object.owner, &object.extent);

	if (size == 0)
		model_check(st == MC_ERR_INVALID);
	else if (st == MC_OK)
		object_add(model, &object);
	else {
		model_check(st == MC_ERR_NO_SPACE);
		refusal_check(model, size);
	}
}

void
alloc_model_give(struct alloc_model *model, size_t at)
{
	struct alloc_model_object *object;
	uint64_t bytes;

	if (model->objects_count == 0)
		return;
	object = &model->objects[at % model->objects_count];
	model_check(mc_alloc_owner(model->alloc, object->extent.handle) == object->owner);
	mc_alloc_give(model->alloc, object->extent.handle);
	bytes = extent_bytes(object->size);
	memset(model->taken + object->extent.offset, 0, bytes);
	model->used -= bytes;
	model->object_bytes -= object->size;
	*object = model->objects[--model->objects_count];
}

void
alloc_model_own(struct alloc_model *model, size_t at)
{
	struct alloc_model_object *object;

	if (model->objects_count == 0)
		return;
	object = &model->objects[at % model->objects_count];
	object->owner = ~model->owner_next++;
	mc_alloc_owner_set(model->alloc, object->extent.handle, object->owner);
}

static const struct alloc_model_object *
lowest_find(const struct alloc_model *model)
{
	const struct alloc_model_object *lowest = NULL;
	size_t i;

	for (i = 0; i < model->objects_count; i++) {
		const struct alloc_model_object *object = &model->objects[i];

		model_check(mc_alloc_owner(model->alloc, object->extent.handle) == object->owner);
		if (!lowest || object->extent.offset < lowest->extent.offset)
			lowest = object;
	}
	return lowest;
}

/* What free_largest promises holds, and one byte more does not fit. */
static void
largest_check(const struct alloc_model *model, uint64_t largest)
{
	struct mc_alloc_stats before, after;
	struct mc_extent extent;

	mc_alloc_stats_read(model->alloc, &before);
	model_check(mc_alloc_take(model->alloc, largest + 1, 0, &extent) == MC_ERR_NO_SPACE);
	if (largest > 0) {
		model_check(mc_alloc_take(model->alloc, largest, 0, &extent) == MC_OK);
		mc_alloc_give(model->alloc, extent.handle);
	}
	mc_alloc_stats_read(model->alloc, &after);
	model_check(memcmp(&before, &after, sizeof(before)) == 0);
}

void
alloc_model_check(struct alloc_model *model)
{
	const struct alloc_model_object *lowest = lowest_find(model);
	uint64_t longest, whole;
	struct mc_alloc_stats stats;
	uint32_t runs;

	runs_find(model, &longest, &runs, &whole);
	memset(&stats, 0, sizeof(stats));
	mc_alloc_stats_read(model->alloc, &stats);
	model_check(stats.capacity == whole);
	model_check(stats.used == model->used);
	model_check(stats.object_bytes == model->object_bytes);
	model_check(stats.extents_used == model->objects_count);
	model_check(stats.extents_free == runs);
	model_check(stats.free_largest == (longest > 0 ? longest - MC_ALLOC_TRAILER : 0));
	model_check(mc_alloc_first_used(model->alloc) ==
		    (lowest ? lowest->extent.handle : MC_EXTENT_NONE));
	largest_check(model, stats.free_largest);
}

void
alloc_model_drain(struct alloc_model *model)
{
	while (model->objects_count > 0) {
		uint32_t handle = mc_alloc_first_used(model->alloc);
		size_t i = 0;

		while (i < model->objects_count && model->objects[i].extent.handle != handle)
			i++;
		model_check(i < model->objects_count);
		alloc_model_give(model, i);
	}
	alloc_model_check(model);
}
