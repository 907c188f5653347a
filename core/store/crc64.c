/* SPDX-License-Identifier: Apache-2.0 */
/* Eight bytes at a time, by eight tables that are made once. */
#include "core/store/crc64.h"

#include <pthread.h>

#define POLYNOMIAL 0x42f0e1eba9ea3693ull

static uint64_t tables[8][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
tables_make(void)
{
	for (unsigned int i = 0; i < 256; i++) {
		uint64_t crc = (uint64_t)i << 56;

		for (unsigned int bit = 0; bit < 8; bit++)
			crc = crc << 1 ^ (crc >> 63 != 0 ? POLYNOMIAL : 0);
		tables[0][i] = crc;
	}
	for (unsigned int t = 1; t < 8; t++) {
		for (unsigned int i = 0; i < 256; i++)
			tables[t][i] = tables[t - 1][i] << 8 ^ tables[0][tables[t - 1][i] >> 56];
	}
}

uint64_t
crc64_ecma(uint64_t crc, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	pthread_once(&once, tables_make);
	for (; length >= 8; length -= 8, at += 8) {
		uint64_t word = 0;

		for (unsigned int i = 0; i < 8; i++)
			word = word << 8 | at[i];
		word ^= crc;
		crc = 0;
		for (unsigned int i = 0; i < 8; i++)
			crc ^= tables[i][word >> (8 * i) & 0xff];
	}
	for (; length > 0; length--, at++)
		crc = crc << 8 ^ tables[0][(crc >> 56 ^ *at) & 0xff];
	return crc;
}
