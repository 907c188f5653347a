/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/store_model.h"

#include <stdio.h>
#include <string.h>

#define SIZES 64u /* a version's size tells it from that many before it */

/* splitmix64: one call for each eight bytes. */
static uint64_t
mixed(uint64_t value)
{
	value += 0x9e3779b97f4a7c15u;
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
	value = (value ^ value >> 27) * 0x94d049bb133111ebu;
	return value ^ value >> 31;
}

void
model_key_init(struct model_key *key, const char *name, uint64_t size_max)
{
	*key = (struct model_key){.low = 1, .size_max = size_max};
	snprintf(key->name, sizeof(key->name), "%s", name);
	for (const char *at = name; *at != '\0'; at++)
		key->seed = mixed(key->seed ^ (unsigned char)*at);
}

uint64_t
model_size(const struct model_key *key, uint64_t version)
{
	uint64_t random = mixed(key->seed ^ mixed(version));
	unsigned int bits = 0;
	uint64_t most;

	while (key->size_max >> (bits + 1) > 0)
		bits++;
	most = key->size_max >> random % (bits + 1);
	return 1 + ((random >> 8) % most & ~(uint64_t)(SIZES - 1)) + version % SIZES;
}

static uint64_t
word_of(const struct model_key *key, uint64_t version, uint64_t index)
{
	return mixed(key->seed + version * 0xd6e8feb86659fd93u + index);
}

void
model_fill(const struct model_key *key, uint64_t version, void *bytes)
{
	uint64_t left = model_size(key, version);
	unsigned char *at = bytes;

	for (uint64_t i = 0; left > 0; i++) {
		uint64_t word = word_of(key, version, i);
		uint64_t run = left < sizeof(word) ? left : sizeof(word);

		memcpy(at, &word, run);
		at += run;
		left -= run;
	}
}

static bool
is_version(const struct model_key *key, uint64_t version, const unsigned char *bytes,
	   uint64_t length)
{
	if (length != model_size(key, version))
		return false;
	for (uint64_t i = 0; length > 0; i++) {
		uint64_t word = word_of(key, version, i);
		uint64_t run = length < sizeof(word) ? length : sizeof(word);

		if (memcmp(bytes, &word, run) != 0)
			return false;
		bytes += run;
		length -= run;
	}
	return true;
}

uint64_t
model_write_begin(struct model_key *key)
{
	return atomic_fetch_add_explicit(&key->high, 1, memory_order_seq_cst) + 1;
}

void
model_write_end(struct model_key *key, uint64_t version, bool replaces, enum mc_status status)
{
	/* nothing was written: the next one shall be the version after what is there */
	if (status == MC_ERR_NO_SPACE)
		atomic_store_explicit(&key->high, version - 1, memory_order_seq_cst);
	if (status != MC_OK)
		return;
	if (replaces || !key->present)
		atomic_store_explicit(&key->low, version, memory_order_seq_cst);
	key->present = true;
}

void
model_removed(struct model_key *key)
{
	atomic_store_explicit(&key->low, atomic_load(&key->high) + 1, memory_order_seq_cst);
	key->present = false;
}

uint64_t
model_read_begin(struct model_key *key)
{
	return atomic_load_explicit(&key->low, memory_order_seq_cst);
}

bool
model_judge(struct model_key *key, uint64_t low, const void *bytes, uint64_t length)
{
	uint64_t high = atomic_load_explicit(&key->high, memory_order_seq_cst);

	for (uint64_t version = low; version <= high; version++) {
		if (is_version(key, version, bytes, length))
			return true;
	}
	return false;
}
