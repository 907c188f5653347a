/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "core/base/random.h"
#include "core/meta/private.h"

#define BUCKETS 8192u	/* fixed: a cluster has some thousand entries */

enum mc_status
mc_meta_store_init(struct meta_store *store)
{
	store->buckets = calloc(BUCKETS, sizeof(*store->buckets));
	store->seed = mc_random_seed();
	return store->buckets != NULL ? MC_OK : MC_ERR_NO_MEMORY;
}

static void
entry_free(struct meta_entry *entry)
{
	free(entry->value);
	free(entry);
}

void
mc_meta_store_fini(struct meta_store *store)
{
	for (size_t i = 0; store->buckets != NULL && i < BUCKETS; i++) {
		while (store->buckets[i] != NULL) {
			struct meta_entry *entry = store->buckets[i];

			store->buckets[i] = entry->next;
			entry_free(entry);
		}
	}
	free(store->buckets);
}

/* The link that points at the entry of @key, or at NULL where it would go. */
static struct meta_entry **
entry_link(const struct meta_store *store, struct mc_str key, uint64_t *hash_out)
{
	uint64_t hash = XXH3_64bits_withSeed(key.ptr, key.len, store->seed);
	struct meta_entry **link = &store->buckets[hash % BUCKETS];

	while (*link != NULL && ((*link)->hash != hash || (*link)->key_len != key.len ||
				 memcmp((*link)->key, key.ptr, key.len) != 0))
		link = &(*link)->next;
	*hash_out = hash;
	return link;
}

struct meta_entry *
mc_meta_store_find(const struct meta_store *store, struct mc_str key)
{
	uint64_t hash;

	return *entry_link(store, key, &hash);
}

static enum mc_status
entry_add(struct meta_store *store, struct meta_entry **link, uint64_t hash, struct mc_str key)
{
	struct meta_entry *entry;

	if (store->count >= store->entries_max)
		return MC_ERR_TOO_LARGE;
	entry = calloc(1, sizeof(*entry) + key.len);
	if (entry == NULL)
		return MC_ERR_NO_MEMORY;
	entry->hash = hash;
	entry->key_len = key.len;
	memcpy(entry->key, key.ptr, key.len);
	*link = entry;
	store->count++;
	store->bytes += key.len;
	return MC_OK;
}

enum mc_status
mc_meta_store_put(struct meta_store *store, struct mc_str key, const void *value, size_t len,
		  uint64_t now_ns)
{
	uint64_t hash;
	struct meta_entry **link = entry_link(store, key, &hash);
	size_t before = *link != NULL ? (*link)->len + key.len : 0;
	uint8_t *copy;
	enum mc_status st = MC_OK;

	if (store->bytes - before + key.len + len > store->bytes_max)
		return MC_ERR_TOO_LARGE;
	copy = malloc(len > 0 ? len : 1);
	if (copy == NULL)
		return MC_ERR_NO_MEMORY;
	if (*link == NULL)
		st = entry_add(store, link, hash, key);
	if (st != MC_OK) {
		free(copy);
		return st;
	}
	memcpy(copy, value, len);
	free((*link)->value);
	(*link)->value = copy;
	store->bytes += len - (*link)->len;
	(*link)->len = len;
	(*link)->put_ns = now_ns;
	return MC_OK;
}

bool
mc_meta_store_del(struct meta_store *store, struct mc_str key)
{
	uint64_t hash;
	struct meta_entry **link = entry_link(store, key, &hash);
	struct meta_entry *entry = *link;

	if (entry == NULL)
		return false;
	*link = entry->next;
	store->count--;
	store->bytes -= entry->len + entry->key_len;
	entry_free(entry);
	return true;
}

void
mc_meta_store_each(struct meta_store *store,
		   void (*each)(struct meta_store *store, struct meta_entry *entry, void *context),
		   void *context)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		struct meta_entry *entry = store->buckets[i];

		while (entry != NULL) {
			struct meta_entry *next = entry->next;

			each(store, entry, context);
			entry = next;
		}
	}
}
