/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for values that the store holds for its user: a pool, registered once with all devices. */
#include <stdlib.h>

#include "core/alloc/alloc.h"
#include "core/store/private.h"
#include "mc/log.h"

enum mc_status
store_pool_open(struct mc_store *store, uint64_t length)
{
	struct mc_region_params region = {
		.size = sizeof(region), .length = length, .name = "mooncore-buffer"};
	struct mc_mem_params mem = {.size = sizeof(mem), .local_only = true};
	struct store_pool *pool = &store->pool;
	enum mc_status st = mc_region_create(&region, &pool->region);

	if (st != MC_OK) {
		mc_log_error("buffer_size: no %llu bytes of memory: %s",
			     (unsigned long long)length, mc_status_text(st));
		return st;
	}
	pool->base = mc_region_addr(pool->region);
	pool->length = mc_region_length(pool->region);
	st = mc_engine_mem_reg(store->engine, pool->base, pool->length, &mem, &pool->mem);
	if (st == MC_OK)
		st = mc_alloc_create((uintptr_t)pool->base, pool->length, &pool->alloc);
	return st;
}

void
store_pool_close(struct mc_store *store)
{
	struct store_pool *pool = &store->pool;

	mc_alloc_destroy(pool->alloc);
	if (pool->mem != NULL && mc_engine_mem_unreg(pool->mem) != MC_OK)
		mc_log_error("buffer: its memory is in use and stays");
	else
		mc_region_destroy(pool->region);
	*pool = (struct store_pool){0};
}

/* ---- taking and giving ---- */

/* Above the pool's size: memory of its own, which no NIC takes as it is. */
static enum mc_status
buffer_own(struct store_buffer *buffer, uint64_t length)
{
	buffer->pub.addr = aligned_alloc(64, (length + 63) / 64 * 64);
	return buffer->pub.addr != NULL ? MC_OK : MC_ERR_NO_MEMORY;
}

static void
used_add(struct mc_store *store, uint64_t bytes)
{
	mc_counter_add(&store->counters.buffer_used, bytes);
}

/* MC_AGAIN: no room now. */
static enum mc_status
buffer_take(struct mc_store *store, uint64_t length, struct store_buffer **buffer_out)
{
	struct store_pool *pool = &store->pool;
	struct store_buffer *buffer = calloc(1, sizeof(*buffer));
	struct mc_extent extent;
	enum mc_status st;

	if (buffer == NULL)
		return MC_ERR_NO_MEMORY;
	buffer->store = store;
	buffer->pub.length = length;
	if (length + MC_ALLOC_TRAILER > pool->length - MC_ALLOC_ALIGN) {
		st = buffer_own(buffer, length);
	} else {
		st = mc_alloc_take(pool->alloc, length, 0, &extent);
		buffer->extent = extent.handle;
		buffer->pub.addr = pool->base + extent.offset;
	}
	if (st != MC_OK) {
		free(buffer);
		return st == MC_ERR_NO_SPACE ? MC_AGAIN : st;
	}
	used_add(store, length);
	*buffer_out = buffer;
	return MC_OK;
}

static void
buffer_give(struct store_buffer *buffer)
{
	struct store_pool *pool = &buffer->store->pool;

	used_add(buffer->store, -buffer->pub.length);
	if (buffer->extent != MC_EXTENT_NONE)
		mc_alloc_give(pool->alloc, buffer->extent);
	else
		free(buffer->pub.addr);
	free(buffer);
}

/* ---- ops that want room ---- */

/* False: it waits. */
static bool
op_take_room(struct store_op *op)
{
	for (uint32_t i = store_op_live(op, 0); i < op->count; i = store_op_live(op, i + 1)) {
		struct store_object *object = &op->objects[i];
		enum mc_status st;

		if (object->buffer != NULL)
			continue;
		st = buffer_take(op->store, object->length, &object->buffer);
		if (st == MC_AGAIN)
			return false;
		if (st != MC_OK)
			store_object_end(object, st);
	}
	return true;
}

static void
op_room_taken(struct store_op *op)
{
	if (store_op_live_count(op) == 0)
		store_op_end(op);
	else
		store_op_resolve(op);
}

void
store_op_room(struct store_op *op)
{
	struct store_pool *pool = &op->store->pool;

	op->stage = OP_ROOM;
	if (mc_list_empty(&pool->waiters) && op_take_room(op))
		op_room_taken(op);
	else
		mc_list_add_tail(&pool->waiters, &op->wait);
}

static void
buffer_freed(struct mc_msg *msg)
{
	struct store_buffer *buffer = mc_container_of(msg, struct store_buffer, msg);
	struct store_pool *pool = &buffer->store->pool;

	buffer_give(buffer);
	while (!mc_list_empty(&pool->waiters)) {
		struct store_op *op = mc_container_of(pool->waiters.next, struct store_op, wait);

		if (!op_take_room(op))
			break;
		mc_list_del(&op->wait);
		op_room_taken(op);
	}
}

void
store_object_buffer_drop(struct store_object *object)
{
	if (object->buffer != NULL)
		buffer_freed(&object->buffer->msg);
	object->buffer = NULL;
}

void
mc_store_buffer_free(struct mc_store *store, struct mc_store_buffer *pub)
{
	struct store_buffer *buffer;

	if (pub == NULL || store_forked(store))
		return;
	buffer = mc_container_of(pub, struct store_buffer, pub);
	buffer->msg.run = buffer_freed;
	store_send(store, &buffer->msg);
}
