/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable store of small records named by 32-bit handles, in chunks of our own anonymous
 * memory (huge pages once a chunk is full). A handle counts 16-byte units, so 64 GiB can be named.
 * Records of one size class are reused; a record never moves, and a walk by handle sees every
 * record that lived through the whole walk exactly once. Growth maps one chunk (2 MiB) and touches
 * nothing else. One owner thread.
 */
#ifndef MC_CORE_BASE_ARENA_H
#define MC_CORE_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "mc/status.h"

#define MC_ARENA_UNIT 16u
#define MC_ARENA_CHUNK_SHIFT 21u		/* 2 MiB */
#define MC_ARENA_RECORD_MAX (128u * 1024u)	/* bytes */
#define MC_ARENA_NONE 0u			/* never a record */

struct mc_arena;

enum mc_status mc_arena_create(struct mc_arena **arena_out);
void mc_arena_destroy(struct mc_arena *arena);

/*
 * A record of @size bytes (1..MC_ARENA_RECORD_MAX), not zeroed, 16-byte aligned.
 * MC_ERR_NO_MEMORY; MC_ERR_TOO_LARGE.
 */
enum mc_status mc_arena_alloc(struct mc_arena *arena, size_t size, uint32_t *handle_out);
void mc_arena_free(struct mc_arena *arena, uint32_t handle);

/* The next living record behind @handle (MC_ARENA_NONE: the first), or MC_ARENA_NONE at the end.
 * *steps is decreased by the records looked at, dead ones too; at 0 the walk pauses: the handle
 * returned is then where to go on (may be a dead record: *paused_out is true). */
uint32_t mc_arena_next(const struct mc_arena *arena, uint32_t handle, uint32_t *steps,
		       int *paused_out);

size_t mc_arena_bytes(const struct mc_arena *arena);	/* memory held */
size_t mc_arena_live(const struct mc_arena *arena);	/* records */

/* Public so that mc_arena_ptr() inlines to two loads. */
struct mc_arena_view {
	uint8_t **chunks;
};

static inline void *
mc_arena_ptr(const struct mc_arena *arena, uint32_t handle)
{
	const struct mc_arena_view *view = (const struct mc_arena_view *)arena;
	const uint32_t shift = MC_ARENA_CHUNK_SHIFT - 4;

	return view->chunks[handle >> shift] +
	       (size_t)(handle & ((1u << shift) - 1)) * MC_ARENA_UNIT;
}

#endif
