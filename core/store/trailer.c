/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/trailer.h"

/*
 * The library's own choice of vectors for the CPU that it runs on, where it was built with one;
 * inlined, only those of the level that we are built for (doc/decisions/checksum.md).
 */
#ifdef MC_XXHASH_DISPATCH
#define XXH_STATIC_LINKING_ONLY	/* XXH3_state_t as an object */
#include <xxh_x86dispatch.h>
#else
#define XXH_INLINE_ALL
#include <xxhash.h>
#endif

#include "core/base/endian.h"

#define MAGIC	0x4d54u	/* "TM" in memory */
#define VERSION 1u

uint64_t
trailer_key_hash(struct mc_str tenant, struct mc_str key)
{
	XXH3_state_t state;

	XXH3_64bits_reset(&state);
	XXH3_64bits_update(&state, tenant.ptr, tenant.len);
	XXH3_64bits_update(&state, "", 1);
	XXH3_64bits_update(&state, key.ptr, key.len);
	return XXH3_64bits_digest(&state);
}

void
trailer_store(const struct trailer *trailer, uint8_t bytes[TRAILER_BYTES])
{
	mc_le32_store(bytes, MAGIC | VERSION << 16 | (uint32_t)trailer->kind << 24);
	mc_le32_store(bytes + 4, trailer->checksum);
	mc_le64_store(bytes + 8, trailer->key_hash);
	mc_le64_store(bytes + 16, trailer->replica_id);
	mc_le64_store(bytes + 24, trailer->length);
}

enum mc_status
trailer_check(const uint8_t bytes[TRAILER_BYTES], const struct trailer *expected,
	      struct trailer *found_out)
{
	uint32_t head = mc_le32_load(bytes);
	struct trailer found = {
		.kind = (enum trailer_checksum)(head >> 24),
		.checksum = mc_le32_load(bytes + 4),
		.key_hash = mc_le64_load(bytes + 8),
		.replica_id = mc_le64_load(bytes + 16),
		.length = mc_le64_load(bytes + 24),
	};

	if ((head & 0xffff) != MAGIC || (head >> 16 & 0xff) != VERSION ||
	    head >> 24 > TRAILER_XXH3 || found.key_hash != expected->key_hash ||
	    found.replica_id != expected->replica_id || found.length != expected->length ||
	    (found.kind == TRAILER_NONE && found.checksum != 0))
		return MC_ERR_OBJECT_NOT_FOUND;
	*found_out = found;
	return MC_OK;
}

uint32_t
trailer_checksum(const struct mc_iov *pieces, uint32_t pieces_count, uint64_t length)
{
	XXH3_state_t state;

	if (pieces_count > 0 && pieces[0].length >= length)
		return (uint32_t)XXH3_64bits(pieces[0].addr, length);
	XXH3_64bits_reset(&state);
	for (uint32_t i = 0; i < pieces_count && length > 0; i++) {
		uint64_t part = pieces[i].length < length ? pieces[i].length : length;

		XXH3_64bits_update(&state, pieces[i].addr, part);
		length -= part;
	}
	return (uint32_t)XXH3_64bits_digest(&state);
}
