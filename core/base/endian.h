/* SPDX-License-Identifier: Apache-2.0 */
/* Unaligned little-endian loads and stores, for wire formats. */
#ifndef MC_CORE_BASE_ENDIAN_H
#define MC_CORE_BASE_ENDIAN_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t
mc_le16_load(const void *from)
{
	uint16_t v;

	memcpy(&v, from, sizeof(v));
	return le16toh(v);
}

static inline uint32_t
mc_le32_load(const void *from)
{
	uint32_t v;

	memcpy(&v, from, sizeof(v));
	return le32toh(v);
}

static inline uint64_t
mc_le64_load(const void *from)
{
	uint64_t v;

	memcpy(&v, from, sizeof(v));
	return le64toh(v);
}

static inline void
mc_le16_store(void *to, uint16_t v)
{
	v = htole16(v);
	memcpy(to, &v, sizeof(v));
}

static inline void
mc_le32_store(void *to, uint32_t v)
{
	v = htole32(v);
	memcpy(to, &v, sizeof(v));
}

static inline void
mc_le64_store(void *to, uint64_t v)
{
	v = htole64(v);
	memcpy(to, &v, sizeof(v));
}

#endif
