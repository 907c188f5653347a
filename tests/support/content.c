/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/content.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- SHAKE128, FIPS 202 ---- */

#define RATE	 168u /* bytes in and out between two permutations */
#define ROUNDS	 24u
#define LANES	 25u
#define HEAD_MAX 8192u /* salt, key and length as text */

static uint64_t
rotate(uint64_t value, unsigned int bits)
{
	return bits == 0 ? value : value << bits | value >> (64 - bits);
}

/* The round constants are the output of a shift register (3.2.5). */
static uint64_t
round_constant(unsigned char *shift)
{
	uint64_t constant = 0;

	for (unsigned int i = 0; i < 7; i++) {
		if (*shift & 1)
			constant ^= 1ull << ((1u << i) - 1);
		*shift = (unsigned char)(*shift & 0x80 ? *shift << 1 ^ 0x71 : *shift << 1);
	}
	return constant;
}

static void
permute(uint64_t lanes[LANES])
{
	unsigned char shift = 1;
	uint64_t sums[5], row[5];

	for (unsigned int round = 0; round < ROUNDS; round++) {
		unsigned int x = 1, y = 0, bits = 0;
		uint64_t carried;

		for (unsigned int i = 0; i < 5; i++)
			sums[i] = lanes[i] ^ lanes[i + 5] ^ lanes[i + 10] ^ lanes[i + 15] ^
				  lanes[i + 20];
#pragma GCC unroll 25 /* so that remainders are constants */
		for (unsigned int i = 0; i < LANES; i++)
			lanes[i] ^= sums[(i + 4) % 5] ^ rotate(sums[(i + 1) % 5], 1);
		carried = lanes[1];
#pragma GCC unroll 24
		for (unsigned int t = 0; t < 24; t++) {
			unsigned int next = (2 * x + 3 * y) % 5;
			uint64_t kept;

			bits = (bits + t + 1) % 64;
			x = y;
			y = next;
			kept = lanes[x + 5 * y];
			lanes[x + 5 * y] = rotate(carried, bits);
			carried = kept;
		}
		for (unsigned int line = 0; line < LANES; line += 5) {
			memcpy(row, lanes + line, sizeof(row));
			for (unsigned int i = 0; i < 5; i++)
				lanes[line + i] = row[i] ^ (~row[(i + 1) % 5] & row[(i + 2) % 5]);
		}
		lanes[0] ^= round_constant(&shift);
	}
}

/* Lanes are little-endian, as this machine is. */
static void
shake128(const unsigned char *in, size_t in_length, unsigned char *out, uint64_t out_length)
{
	uint64_t lanes[LANES] = {0};
	unsigned char *state = (unsigned char *)lanes;

	for (; in_length >= RATE; in += RATE, in_length -= RATE) {
		for (size_t i = 0; i < RATE; i++)
			state[i] ^= in[i];
		permute(lanes);
	}
	for (size_t i = 0; i < in_length; i++)
		state[i] ^= in[i];
	state[in_length] ^= 0x1f;
	state[RATE - 1] ^= 0x80;
	while (out_length > 0) {
		uint64_t run = out_length < RATE ? out_length : RATE;

		permute(lanes);
		memcpy(out, state, run);
		out += run;
		out_length -= run;
	}
}

/* ---- contents ---- */

void
content_make(const char *key, uint64_t length, const char *salt, void *bytes)
{
	unsigned char head[HEAD_MAX];
	int used =
		snprintf((char *)head, sizeof(head), "%s%c%s%c%" PRIu64, salt, 0, key, 0, length);

	if (used < 0 || (size_t)used >= sizeof(head))
		abort();
	shake128(head, (size_t)used, bytes, length);
}

const char *
content_judge(const char *key, uint64_t length, const char *salt, const void *got,
	      uint64_t got_length)
{
	static _Thread_local char text[128];
	const unsigned char *bytes = got;
	unsigned char *want;
	uint64_t at = 0;

	if (got_length != length) {
		snprintf(text, sizeof(text), "wrong: %" PRIu64 " bytes instead of %" PRIu64,
			 got_length, length);
		return text;
	}
	want = malloc(length);
	if (want == NULL)
		abort();
	content_make(key, length, salt, want);
	while (at < length && bytes[at] == want[at])
		at++;
	if (at < length)
		snprintf(text, sizeof(text),
			 "wrong: byte %" PRIu64 " of %" PRIu64 " is 0x%02x, not "
			 "0x%02x",
			 at, length, bytes[at], want[at]);
	free(want);
	return at < length ? text : "ok";
}
