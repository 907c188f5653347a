/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRC-64/ECMA-182 (polynomial 0x42F0E1EBA9EA3693, not reflected, init and final xor 0), which
 * upstream's clients send with MOONCAKE_STORE_CHECKSUM=1. Pure; any thread.
 */
#ifndef MC_CORE_STORE_CRC64_H
#define MC_CORE_STORE_CRC64_H

#include <stddef.h>
#include <stdint.h>

/* Start with @crc 0, go on with the last result. "123456789" is 0x6c40df5f0b497347. */
uint64_t crc64_ecma(uint64_t crc, const void *bytes, size_t length);

#endif
