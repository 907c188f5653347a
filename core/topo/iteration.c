/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Upstream's readers keep a matrix in a C++ std::unordered_map<std::string, ...> and give each NIC
 * the number of its first appearance while they walk that map. Where a key stands in such a walk
 * is not specified by C++, but fixed in practice: by the hash of libstdc++ (64-bit MurmurHash2
 * with a seed of its own), the numbers of its buckets, and where its lists take a new element. A
 * test compiles such a map and compares (tests/integration/test_bench_topo.py).
 */
#include <string.h>

#include "core/base/endian.h"
#include "core/topo/private.h"

#define HASH_SEED     0xc70f6907ull
#define HASH_MULTIPLY 0xc6a4a7935bd1e995ull
#define HASH_SHIFT    47

/* At most as many elements as buckets; a larger map has more than MC_MATRIX_LOCATIONS_MAX. */
static const uint32_t bucket_counts[] = {13, 29, 59, 127, 257, 541, 1109};

static uint64_t
text_hash(const char *text)
{
	size_t len = strlen(text), tail = len % 8;
	uint64_t hash = HASH_SEED ^ len * HASH_MULTIPLY;
	uint8_t last[8] = {0};

	for (size_t at = 0; at + 8 <= len; at += 8) {
		uint64_t word = mc_le64_load(text + at) * HASH_MULTIPLY;

		word = (word ^ word >> HASH_SHIFT) * HASH_MULTIPLY;
		hash = (hash ^ word) * HASH_MULTIPLY;
	}
	if (tail > 0) {
		memcpy(last, text + len - tail, tail);
		hash = (hash ^ mc_le64_load(last)) * HASH_MULTIPLY;
	}
	hash = (hash ^ hash >> HASH_SHIFT) * HASH_MULTIPLY;
	return hash ^ hash >> HASH_SHIFT;
}

/* A new element stands before the others of its bucket, or before all when it is the first. */
static void
element_insert(uint32_t *order, uint32_t count, const uint64_t *hashes, uint32_t element,
	       uint32_t buckets)
{
	uint32_t at = 0;

	while (at < count && hashes[order[at]] % buckets != hashes[element] % buckets)
		at++;
	if (at == count)
		at = 0;
	memmove(order + at + 1, order + at, (count - at) * sizeof(*order));
	order[at] = element;
}

void
topo_iteration_order(const char *const *locations, uint32_t count, uint32_t *order_out)
{
	uint64_t hashes[MC_MATRIX_LOCATIONS_MAX];
	uint32_t before[MC_MATRIX_LOCATIONS_MAX];
	const uint32_t *buckets = bucket_counts;

	for (uint32_t i = 0; i < count; i++) {
		hashes[i] = text_hash(locations[i]);
		if (i == *buckets) {
			/* more buckets: all elements go in anew, in the order of the walk */
			buckets++;
			memcpy(before, order_out, i * sizeof(*before));
			for (uint32_t j = 0; j < i; j++)
				element_insert(order_out, j, hashes, before[j], *buckets);
		}
		element_insert(order_out, i, hashes, i, *buckets);
	}
}
