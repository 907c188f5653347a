/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of mc/store.h that are ops. */
#include <stdlib.h>

#include "core/store/private.h"

/* ---- batches ---- */

static enum mc_status
batch_run(struct mc_store *store, enum mc_store_op kind, struct mc_store_item *items,
	  uint32_t count, const struct mc_store_config *config)
{
	struct store_op *op;
	enum mc_status st = store_op_create(store, kind, items, count, config, &op);

	return st == MC_OK ? store_op_run(op) : st;
}

enum mc_status
mc_store_put_batch(struct mc_store *store, struct mc_store_item *items, uint32_t count,
		   const struct mc_store_config *config)
{
	return batch_run(store, MC_STORE_PUT, items, count, config);
}

enum mc_status
mc_store_upsert_batch(struct mc_store *store, struct mc_store_item *items, uint32_t count,
		      const struct mc_store_config *config)
{
	return batch_run(store, MC_STORE_UPSERT, items, count, config);
}

enum mc_status
mc_store_get_batch(struct mc_store *store, struct mc_store_item *items, uint32_t count)
{
	return batch_run(store, MC_STORE_GET, items, count, NULL);
}

enum mc_status
mc_store_size_batch(struct mc_store *store, struct mc_store_item *items, uint32_t count)
{
	return batch_run(store, MC_STORE_SIZE, items, count, NULL);
}

enum mc_status
mc_store_exist_batch(struct mc_store *store, struct mc_store_item *items, uint32_t count)
{
	return batch_run(store, MC_STORE_EXIST, items, count, NULL);
}

enum mc_status
mc_store_remove_batch(struct mc_store *store, struct mc_store_item *items, uint32_t count,
		      bool force)
{
	struct store_op *op;
	enum mc_status st = store_op_create(store, MC_STORE_REMOVE, items, count, NULL, &op);

	if (st != MC_OK)
		return st;
	op->force = force;
	return store_op_run(op);
}

/* ---- one object ---- */

enum mc_status
mc_store_put_parts(struct mc_store *store, const char *key, const struct mc_iov *parts,
		   uint32_t parts_count, const struct mc_store_config *config)
{
	struct mc_store_item item = {.key = key, .pieces = parts, .pieces_count = parts_count};

	return mc_store_put_batch(store, &item, 1, config);
}

enum mc_status
mc_store_put(struct mc_store *store, const char *key, const void *value, uint64_t length,
	     const struct mc_store_config *config)
{
	/* only read from */
	struct mc_iov part = {.addr = (void *)(uintptr_t)value, .length = length};

	return mc_store_put_parts(store, key, &part, 1, config);
}

enum mc_status
mc_store_upsert_parts(struct mc_store *store, const char *key, const struct mc_iov *parts,
		      uint32_t parts_count, const struct mc_store_config *config)
{
	struct mc_store_item item = {.key = key, .pieces = parts, .pieces_count = parts_count};

	return mc_store_upsert_batch(store, &item, 1, config);
}

enum mc_status
mc_store_upsert(struct mc_store *store, const char *key, const void *value, uint64_t length,
		const struct mc_store_config *config)
{
	struct mc_iov part = {.addr = (void *)(uintptr_t)value, .length = length};

	return mc_store_upsert_parts(store, key, &part, 1, config);
}

enum mc_status
mc_store_get_into(struct mc_store *store, const char *key, void *buffer, uint64_t buffer_length,
		  uint64_t *length_out)
{
	struct mc_iov part = {.addr = buffer, .length = buffer_length};
	struct mc_store_item item = {.key = key, .pieces = &part, .pieces_count = 1};
	enum mc_status st = mc_store_get_batch(store, &item, 1);

	if ((st == MC_OK || st == MC_ERR_TOO_LARGE) && length_out != NULL)
		*length_out = item.length;
	return st;
}

enum mc_status
mc_store_exist(struct mc_store *store, const char *key)
{
	struct mc_store_item item = {.key = key};

	return mc_store_exist_batch(store, &item, 1);
}

enum mc_status
mc_store_size(struct mc_store *store, const char *key, uint64_t *length_out)
{
	struct mc_store_item item = {.key = key};
	enum mc_status st = mc_store_size_batch(store, &item, 1);

	if (st == MC_OK)
		*length_out = item.length;
	return st;
}

enum mc_status
mc_store_remove(struct mc_store *store, const char *key, bool force)
{
	struct mc_store_item item = {.key = key};

	return mc_store_remove_batch(store, &item, 1, force);
}

/* ---- into memory of the store ---- */

enum mc_status
mc_store_get_buffers(struct mc_store *store, struct mc_store_item *items, uint32_t count,
		     struct mc_store_buffer **buffers_out)
{
	struct store_op *op;
	enum mc_status st;

	for (uint32_t i = 0; i < count; i++) {
		buffers_out[i] = NULL;
		items[i].pieces_count = 0;
	}
	st = store_op_create(store, MC_STORE_GET, items, count, NULL, &op);
	if (st != MC_OK)
		return st;
	op->buffers = buffers_out;
	return store_op_run(op);
}

enum mc_status
mc_store_get(struct mc_store *store, const char *key, struct mc_store_buffer **buffer_out)
{
	struct mc_store_item item = {.key = key};

	return mc_store_get_buffers(store, &item, 1, buffer_out);
}

/* ---- without blocking ---- */

enum mc_status
mc_store_start(struct mc_store *store, enum mc_store_op kind, struct mc_store_item *items,
	       uint32_t count, const struct mc_store_config *config,
	       void (*done)(void *context, enum mc_status status), void *context)
{
	struct store_op *op;
	enum mc_status st;

	if (done == NULL)
		return MC_ERR_INVALID;
	st = store_op_create(store, kind, items, count, config, &op);
	if (st != MC_OK)
		return st;
	op->done = done;
	op->context = context;
	store_enter(store);
	st = store_op_submit(op);
	store_op_unref(op);
	if (st == MC_OK && store->turns != NULL)
		mc_turns_nudge(store->turns);
	store_leave(store);
	return st;
}
