/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes whose value follows from their address in the target and from a seed, so that either end
 * can judge any piece of a buffer by itself, and a piece that lies at a wrong place is wrong.
 */
#ifndef MC_APPS_MC_BENCH_PATTERN_H
#define MC_APPS_MC_BENCH_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* Writes to @to what [addr, addr + length) of the target has with @seed. */
void pattern_fill(void *to, uint64_t addr, size_t length, uint64_t seed);
/* The offset of the first byte that is another; @length when all are right. */
size_t pattern_check(const void *bytes, uint64_t addr, size_t length, uint64_t seed);
/* The byte that stands at @addr. */
uint8_t pattern_byte(uint64_t addr, uint64_t seed);

#endif
