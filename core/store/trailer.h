/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trailer: 32 bytes behind each object that prove to a reader that the bytes it read are those
 * of the object it asked for (doc/wire.md has the layout). Its writer promises it to the master,
 * which then sets the top bit of the replica's id; readers check it where that bit is set. Pure.
 */
#ifndef MC_CORE_STORE_TRAILER_H
#define MC_CORE_STORE_TRAILER_H

#include <stdint.h>

#include "mc/engine.h"
#include "mc/status.h"
#include "mc/types.h"

#define TRAILER_BYTES 32u

enum trailer_checksum {
	TRAILER_NONE = 0,	/* all but the value's bytes is proved */
	TRAILER_XXH3 = 1,	/* the low half of XXH3-64 of the value */
};

struct trailer {
	enum trailer_checksum kind;
	uint32_t checksum;
	uint64_t key_hash;
	uint64_t replica_id;	/* with the top bit */
	uint64_t length;	/* of the value */
};

/* XXH3-64 of tenant, a zero byte, and key. */
uint64_t trailer_key_hash(struct mc_str tenant, struct mc_str key);
void trailer_store(const struct trailer *trailer, uint8_t bytes[TRAILER_BYTES]);
/*
 * MC_ERR_OBJECT_NOT_FOUND: no trailer, or that of another object, replica or length than @expected,
 * whose kind and checksum are not looked at. *found_out has what was read.
 */
enum mc_status trailer_check(const uint8_t bytes[TRAILER_BYTES], const struct trailer *expected,
			     struct trailer *found_out);

/* Of the first @length bytes of @pieces, which hold as many. */
uint32_t trailer_checksum(const struct mc_iov *pieces, uint32_t pieces_count, uint64_t length);

#endif
