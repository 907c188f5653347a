/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every chunk holds records of one size class, so that a record needs no header and a walk is
 * arithmetic: what is beside the records (a bit per record: alive or not) lies apart from them.
 */
#include "core/base/arena.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/assert.h"
#include "core/base/pages.h"

#define CHUNK_BYTES (1u << MC_ARENA_CHUNK_SHIFT)
#define UNIT_SHIFT (MC_ARENA_CHUNK_SHIFT - 4)	/* units of a chunk, in bits */
#define UNIT_MASK ((1u << UNIT_SHIFT) - 1)
#define CHUNKS_MAX (1u << (32 - UNIT_SHIFT))
#define CLASSES_FINE 64u	/* 16 bytes apart up to 1 KiB */
#define CLASSES 128u		/* then eight per power of two, up to MC_ARENA_RECORD_MAX */

struct chunk {
	uint64_t *alive;	/* a bit per record */
	uint32_t units;		/* per record */
	uint32_t room;		/* records that fit */
	uint32_t used;		/* records ever given out; fresh ones follow in order */
};

struct mc_arena {
	struct mc_arena_view view;	/* first: see mc_arena_ptr() */
	struct chunk *chunks;
	uint32_t chunks_count;
	uint32_t chunks_room;
	uint32_t free_first[CLASSES];	/* dead records, linked through their first bytes */
	uint32_t open[CLASSES];		/* chunk + 1 with fresh records, or 0 */
	size_t live;
	size_t side_bytes;
};

/* ---- classes ---- */

static uint32_t
class_of(size_t size, uint32_t *units_out)
{
	uint32_t units = (uint32_t)((size + MC_ARENA_UNIT - 1) / MC_ARENA_UNIT);
	uint32_t log2, step;

	if (units <= CLASSES_FINE) {
		*units_out = units;
		return units - 1;
	}
	/* the highest set bit and the three below it, rounded up */
	log2 = 31 - (uint32_t)__builtin_clz(units - 1);
	step = 1u << (log2 - 3);
	*units_out = (units + step - 1) / step * step;
	return CLASSES_FINE + (log2 - 6) * 8 + (units - 1 - (1u << log2)) / step;
}

/* ---- chunks ---- */

static enum mc_status
chunks_grow(struct mc_arena *arena)
{
	uint32_t room = arena->chunks_room == 0 ? 64 : arena->chunks_room * 2;
	uint8_t **memory;
	struct chunk *chunks;

	if (arena->chunks_count < arena->chunks_room)
		return MC_OK;
	if (arena->chunks_count == CHUNKS_MAX)
		return MC_ERR_NO_MEMORY;
	memory = realloc(arena->view.chunks, room * sizeof(*memory));
	if (memory == NULL)
		return MC_ERR_NO_MEMORY;
	arena->view.chunks = memory;
	chunks = realloc(arena->chunks, room * sizeof(*chunks));
	if (chunks == NULL)
		return MC_ERR_NO_MEMORY;
	arena->chunks = chunks;
	arena->chunks_room = room;
	return MC_OK;
}

static enum mc_status
chunk_add(struct mc_arena *arena, uint32_t class, uint32_t units)
{
	uint32_t room = (1u << UNIT_SHIFT) / units;
	size_t side = (room + 63) / 64 * sizeof(uint64_t);
	struct chunk chunk = {.units = units, .room = room};
	enum mc_status st = chunks_grow(arena);
	uint8_t *memory;

	if (st != MC_OK)
		return st;
	chunk.alive = calloc(1, side);
	/* aligned to its size, so that one huge page can hold it later */
	memory = chunk.alive != NULL ? mc_pages_map(CHUNK_BYTES, CHUNK_BYTES) : NULL;
	if (memory == NULL) {
		free(chunk.alive);
		return MC_ERR_NO_MEMORY;
	}
	/* handle 0 means none: the first record of all is never given out */
	chunk.used = arena->chunks_count == 0 ? 1 : 0;
	arena->side_bytes += side;
	arena->view.chunks[arena->chunks_count] = memory;
	arena->chunks[arena->chunks_count] = chunk;
	arena->open[class] = ++arena->chunks_count;
	return MC_OK;
}

/* ---- records ---- */

static struct chunk *
record_chunk(const struct mc_arena *arena, uint32_t handle, uint32_t *index_out)
{
	struct chunk *chunk = &arena->chunks[handle >> UNIT_SHIFT];

	*index_out = (handle & UNIT_MASK) / chunk->units;
	return chunk;
}

static uint32_t
record_handle(const struct mc_arena *arena, uint32_t chunk, uint32_t index)
{
	return chunk << UNIT_SHIFT | index * arena->chunks[chunk].units;
}

static void
alive_flip(struct mc_arena *arena, uint32_t handle, bool alive)
{
	uint32_t index;
	struct chunk *chunk = record_chunk(arena, handle, &index);

	mc_assert((chunk->alive[index / 64] >> index % 64 & 1) == !alive);
	chunk->alive[index / 64] ^= 1ull << index % 64;
}

enum mc_status
mc_arena_create(struct mc_arena **arena_out)
{
	struct mc_arena *arena = calloc(1, sizeof(*arena));

	if (arena == NULL)
		return MC_ERR_NO_MEMORY;
	*arena_out = arena;
	return MC_OK;
}

void
mc_arena_destroy(struct mc_arena *arena)
{
	if (arena == NULL)
		return;
	for (uint32_t i = 0; i < arena->chunks_count; i++) {
		mc_pages_unmap(arena->view.chunks[i], CHUNK_BYTES);
		free(arena->chunks[i].alive);
	}
	free(arena->view.chunks);
	free(arena->chunks);
	free(arena);
}

static enum mc_status
record_fresh(struct mc_arena *arena, uint32_t class, uint32_t units, uint32_t *handle_out)
{
	uint32_t at = arena->open[class];
	struct chunk *chunk;
	enum mc_status st;

	if (at == 0 || arena->chunks[at - 1].used == arena->chunks[at - 1].room) {
		st = chunk_add(arena, class, units);
		if (st != MC_OK)
			return st;
		at = arena->open[class];
	}
	chunk = &arena->chunks[at - 1];
	*handle_out = record_handle(arena, at - 1, chunk->used++);
	/* Full: not before, as the first touch of a huge page takes up to 5 ms (pages.h). */
	if (chunk->used == chunk->room)
		mc_pages_gather(arena->view.chunks[at - 1], CHUNK_BYTES);
	return MC_OK;
}

enum mc_status
mc_arena_alloc(struct mc_arena *arena, size_t size, uint32_t *handle_out)
{
	uint32_t units, class, handle;
	enum mc_status st;

	if (size == 0 || size > MC_ARENA_RECORD_MAX)
		return MC_ERR_TOO_LARGE;
	class = class_of(size, &units);
	handle = arena->free_first[class];
	if (handle != MC_ARENA_NONE) {
		memcpy(&arena->free_first[class], mc_arena_ptr(arena, handle), sizeof(uint32_t));
	} else {
		st = record_fresh(arena, class, units, &handle);
		if (st != MC_OK)
			return st;
	}
	alive_flip(arena, handle, true);
	arena->live++;
	*handle_out = handle;
	return MC_OK;
}

void
mc_arena_free(struct mc_arena *arena, uint32_t handle)
{
	const struct chunk *chunk = &arena->chunks[handle >> UNIT_SHIFT];
	uint32_t units;
	uint32_t class = class_of((size_t)chunk->units * MC_ARENA_UNIT, &units);

	alive_flip(arena, handle, false);
	memcpy(mc_arena_ptr(arena, handle), &arena->free_first[class], sizeof(uint32_t));
	arena->free_first[class] = handle;
	arena->live--;
}

uint32_t
mc_arena_next(const struct mc_arena *arena, uint32_t handle, uint32_t *steps, int *paused_out)
{
	uint32_t chunk = handle >> UNIT_SHIFT;
	uint32_t index = 0;

	*paused_out = 0;
	if (chunk < arena->chunks_count)
		index = (handle & UNIT_MASK) / arena->chunks[chunk].units + 1;
	for (; chunk < arena->chunks_count; chunk++, index = 0) {
		const struct chunk *at = &arena->chunks[chunk];

		for (; index < at->used; index++) {
			if (*steps == 0) {
				*paused_out = 1;
				return handle;
			}
			(*steps)--;
			handle = record_handle(arena, chunk, index);
			if ((at->alive[index / 64] >> index % 64 & 1) != 0)
				return handle;
		}
	}
	return MC_ARENA_NONE;
}

size_t
mc_arena_bytes(const struct mc_arena *arena)
{
	return (size_t)arena->chunks_count * CHUNK_BYTES + arena->side_bytes;
}

size_t
mc_arena_live(const struct mc_arena *arena)
{
	return arena->live;
}
