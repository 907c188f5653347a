/* SPDX-License-Identifier: Apache-2.0 */
/* One word for each eight bytes of address, well mixed: neighbours and seeds have nothing alike. */
#include "apps/mc-bench/pattern.h"

#include <endian.h>
#include <string.h>

#define WORD sizeof(uint64_t)

/* Of the aligned address @addr, as it lies in memory. */
static inline uint64_t
word(uint64_t addr, uint64_t seed)
{
	uint64_t x = (addr ^ seed * 0xd6e8feb86659fd93ull) * 0x9e3779b97f4a7c15ull;

	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ull;
	x ^= x >> 29;
	return htole64(x);
}

uint8_t
pattern_byte(uint64_t addr, uint64_t seed)
{
	return (uint8_t)(le64toh(word(addr & ~(uint64_t)(WORD - 1), seed)) >>
			 (8 * (addr & (WORD - 1))));
}

/* How many bytes lie in front of the first whole word. */
static size_t
head_length(uint64_t addr, size_t length)
{
	size_t head = (size_t)(-addr & (WORD - 1));

	return head < length ? head : length;
}

void
pattern_fill(void *to, uint64_t addr, size_t length, uint64_t seed)
{
	uint8_t *bytes = to;
	size_t i = 0, head = head_length(addr, length);

	for (; i < head; i++)
		bytes[i] = pattern_byte(addr + i, seed);
	for (; length - i >= WORD; i += WORD) {
		uint64_t value = word(addr + i, seed);

		memcpy(bytes + i, &value, WORD);
	}
	for (; i < length; i++)
		bytes[i] = pattern_byte(addr + i, seed);
}

/* From @i on, at most to @end. */
static size_t
bytes_check(const uint8_t *bytes, uint64_t addr, size_t i, size_t end, uint64_t seed)
{
	while (i < end && bytes[i] == pattern_byte(addr + i, seed))
		i++;
	return i;
}

size_t
pattern_check(const void *from, uint64_t addr, size_t length, uint64_t seed)
{
	const uint8_t *bytes = from;
	size_t head = head_length(addr, length);
	size_t i = bytes_check(bytes, addr, 0, head, seed);

	if (i < head)
		return i;
	for (; length - i >= WORD; i += WORD) {
		uint64_t value;

		memcpy(&value, bytes + i, WORD);
		if (value != word(addr + i, seed))
			break;
	}
	return bytes_check(bytes, addr, i, length, seed);
}
