/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a store must answer about objects that one thread writes and all threads read. A value
 * follows from its key and its version; at any time a window of versions may be found under a key:
 * from the last that surely replaced all before it, to the newest that was tried. So a reader that
 * began after a value was replaced or removed sees it if it is given that value nevertheless.
 */
#ifndef MC_TESTS_SUPPORT_STORE_MODEL_H
#define MC_TESTS_SUPPORT_STORE_MODEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "mc/status.h"

#define MODEL_KEY_MAX 32u

struct model_key {
	char name[MODEL_KEY_MAX];
	uint64_t seed;			/* of its contents */
	uint64_t size_max;
	_Atomic uint64_t low, high;	/* versions that may be there; low > high: none */
	bool present;			/* its writer knows that there is one */
};

void model_key_init(struct model_key *key, const char *name, uint64_t size_max);

/* Of 1 to size_max bytes, small ones as often as large ones; two in a row are never alike. */
uint64_t model_size(const struct model_key *key, uint64_t version);
void model_fill(const struct model_key *key, uint64_t version, void *bytes);

/* ---- its writer ---- */

/* The version to be written. It may be seen from now on. */
uint64_t model_write_begin(struct model_key *key);
/* @replaces: an upsert; else what was there stays. */
void model_write_end(struct model_key *key, uint64_t version, bool replaces,
		     enum mc_status status);
void model_removed(struct model_key *key);

/* ---- any reader ---- */

/* Before a read is begun; for model_judge() behind it. */
uint64_t model_read_begin(struct model_key *key);
/* Are these @length bytes of a version that may have been there meanwhile? */
bool model_judge(struct model_key *key, uint64_t low, const void *bytes, uint64_t length);

#endif
