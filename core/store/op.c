/* SPDX-License-Identifier: Apache-2.0 */
/* Ops: a call of the user from its start to its end, whatever it asks for. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/store/crc64.h"
#include "core/store/private.h"

#define KEYS_BYTES_MAX (32u << 20)	/* in one call: all must fit in one message */

/* ---- making one, on the caller's thread ---- */

static bool
is_put(enum mc_store_op kind)
{
	return kind == MC_STORE_PUT || kind == MC_STORE_UPSERT;
}

static uint64_t
op_timeout_ns(const struct mc_store *store, enum mc_store_op kind)
{
	if (is_put(kind))
		return store->put_deadline_ns;
	return kind == MC_STORE_GET ? store->get_deadline_ns : store->rpc_timeout_ns;
}

/* UINT64_MAX: no memory is like that. */
static uint64_t
pieces_bytes(const struct mc_store_item *item)
{
	uint64_t total = 0;

	if (item->pieces_count > 0 && item->pieces == NULL)
		return UINT64_MAX;
	for (uint32_t i = 0; i < item->pieces_count; i++) {
		if (total + item->pieces[i].length < total)
			return UINT64_MAX;
		total += item->pieces[i].length;
	}
	return total;
}

static uint64_t
pieces_crc64(const struct mc_store_item *item)
{
	uint64_t crc = 0;

	for (uint32_t i = 0; i < item->pieces_count; i++)
		crc = crc64_ecma(crc, item->pieces[i].addr, item->pieces[i].length);
	return crc;
}

static void
object_init(const struct mc_store *store, enum mc_store_op kind, const struct mc_store_item *item,
	    struct store_object *object)
{
	object->places = &object->one;
	object->room = is_put(kind) || kind == MC_STORE_GET ? pieces_bytes(item) : 0;
	if (object->key.len == 0 || object->key.len > MC_STORE_KEY_MAX ||
	    object->room == UINT64_MAX) {
		store_object_end(object, MC_ERR_INVALID);
		return;
	}
	if (!is_put(kind))
		return;
	object->length = object->room;
	if (object->length == 0) {
		store_object_end(object, MC_ERR_INVALID);
		return;
	}
	/* here, on the caller's thread: many callers, many cores */
	if (store->checksum)
		object->checksum = trailer_checksum(item->pieces, item->pieces_count,
						    object->length);
	object->has_crc64 = store->checksum_upstream;
	if (object->has_crc64)
		object->crc64 = pieces_crc64(item);
}

enum mc_status
store_op_create(struct mc_store *store, enum mc_store_op kind, struct mc_store_item *items,
		uint32_t count, const struct mc_store_config *config, struct store_op **op_out)
{
	size_t keys = 0;
	struct store_op *op;
	char *at;

	if (store_forked(store))
		return MC_ERR_PERMISSION;
	if (count > MC_STORE_BATCH_MAX || (config != NULL && config->size != sizeof(*config)) ||
	    (config != NULL && config->replicas > STORE_REPLICAS_MAX))
		return MC_ERR_INVALID;
	for (uint32_t i = 0; i < count; i++)
		keys += items[i].key != NULL ? strnlen(items[i].key, MC_STORE_KEY_MAX + 1) : 0;
	if (keys > KEYS_BYTES_MAX)
		return MC_ERR_TOO_LARGE;
	op = calloc(1, sizeof(*op) + count * sizeof(op->objects[0]) + keys);
	if (op == NULL)
		return MC_ERR_NO_MEMORY;
	op->store = store;
	op->kind = kind;
	op->items = items;
	op->count = count;
	op->config = config;
	op->deadline_ns = mc_clock_mono_ns() + op_timeout_ns(store, kind);
	atomic_store_explicit(&op->refs, 1, memory_order_relaxed);
	at = (char *)&op->objects[count];
	for (uint32_t i = 0; i < count; i++) {
		struct mc_str *key = &op->objects[i].key;

		key->len = items[i].key != NULL ? strnlen(items[i].key, MC_STORE_KEY_MAX + 1) : 0;
		key->ptr = memcpy(at, items[i].key != NULL ? items[i].key : "", key->len);
		at += key->len;
		object_init(store, kind, &items[i], &op->objects[i]);
	}
	*op_out = op;
	return MC_OK;
}

void
store_op_ref(struct store_op *op)
{
	atomic_fetch_add_explicit(&op->refs, 1, memory_order_relaxed);
}

void
store_op_unref(struct store_op *op)
{
	if (atomic_fetch_sub_explicit(&op->refs, 1, memory_order_acq_rel) > 1)
		return;
	for (uint32_t i = 0; i < op->count; i++) {
		if (op->objects[i].places != &op->objects[i].one)
			free(op->objects[i].places);
	}
	free(op);
}

/* ---- its end ---- */

void
store_object_end(struct store_object *object, enum mc_status status)
{
	object->status = status;
	object->stage = OBJECT_DONE;
}

static void
puts_count(struct store_counters *counters, const struct store_object *object)
{
	if (object->status == MC_OK && object->started)
		mc_counter_add(&counters->put_bytes, object->length);
	else if (object->status != MC_OK)
		mc_counter_add(&counters->put_failures, 1);
	if (object->status == MC_ERR_TIMEOUT)
		mc_counter_add(&counters->put_timeouts, 1);
}

static void
gets_count(struct store_counters *counters, const struct store_object *object)
{
	if (object->status == MC_OK)
		mc_counter_add(&counters->get_bytes, object->length);
	else if (object->status == MC_ERR_OBJECT_NOT_FOUND)
		mc_counter_add(&counters->misses, 1);
	else
		mc_counter_add(&counters->get_failures, 1);
	if (object->status == MC_ERR_TIMEOUT)
		mc_counter_add(&counters->get_timeouts, 1);
	if (object->status == MC_ERR_LEASE_EXPIRED)
		mc_counter_add(&counters->lease_expired, 1);
}

static void
op_count(const struct store_op *op)
{
	struct store_counters *counters = &op->store->counters;

	if (op->copy)
		return;
	switch (op->kind) {
	case MC_STORE_PUT:
	case MC_STORE_UPSERT:
		mc_counter_add(&counters->puts, op->count);
		break;
	case MC_STORE_GET:
		mc_counter_add(&counters->gets, op->count);
		break;
	case MC_STORE_REMOVE:
		mc_counter_add(&counters->removes, op->count);
		break;
	case MC_STORE_EXIST:
	case MC_STORE_SIZE:
		mc_counter_add(&counters->exists, op->count);
		break;
	}
	for (uint32_t i = 0; i < op->count; i++) {
		if (is_put(op->kind))
			puts_count(counters, &op->objects[i]);
		else if (op->kind == MC_STORE_GET)
			gets_count(counters, &op->objects[i]);
	}
}

/* To the user, or back. */
static void
buffers_give(struct store_op *op)
{
	for (uint32_t i = 0; i < op->count; i++) {
		struct store_object *object = &op->objects[i];

		op->buffers[i] = NULL;
		if (object->status == MC_OK && object->buffer != NULL)
			op->buffers[i] = &object->buffer->pub;
		else
			store_object_buffer_drop(object);
	}
}

void
store_op_end(struct store_op *op)
{
	struct mc_store *store = op->store;
	void (*done)(void *context, enum mc_status status) = op->done;

	op->stage = OP_OVER;
	mc_timer_stop(store->home, &op->timer);
	if (mc_list_linked(&op->wait))
		mc_list_del(&op->wait);
	mc_list_del(&op->link);
	store_op_batch_drop(op);
	for (uint32_t i = 0; i < op->count; i++) {
		struct store_object *object = &op->objects[i];

		op->items[i].status = object->status;
		op->items[i].length = object->length;
		if (op->status == MC_OK)
			op->status = object->status;
	}
	op_count(op);
	if (op->buffers != NULL)
		buffers_give(op);
	op->items = NULL;
	atomic_fetch_sub_explicit(&store->outstanding, 1, memory_order_release);
	if (done != NULL)
		done(op->context, op->status);
	else
		mc_turn_over(&op->turn);
	store_op_unref(op);
}

void
store_op_fail(struct store_op *op, enum mc_status status)
{
	for (uint32_t i = 0; i < op->count; i++) {
		if (op->objects[i].stage == OBJECT_LIVE)
			store_object_end(&op->objects[i], status);
	}
	store_op_end(op);
}

/* ---- its life ---- */

static void
op_expired(struct mc_timer *timer)
{
	struct store_op *op = mc_container_of(timer, struct store_op, timer);

	/* a batch has the deadline itself, and memory of the caller until its end */
	if (op->stage == OP_MOVING)
		return;
	store_master_doubt(op->store);
	if (is_put(op->kind))
		store_put_expired(op);
	store_op_fail(op, op->stage == OP_ROOM ? MC_ERR_NO_SPACE : MC_ERR_TIMEOUT);
}

static void
op_begin(struct mc_msg *msg)
{
	struct store_op *op = mc_container_of(msg, struct store_op, msg);
	struct mc_store *store = op->store;

	mc_list_add_tail(&store->ops, &op->link);
	op->timer.expired = op_expired;
	if (atomic_load_explicit(&store->closing, memory_order_acquire))
		store_op_fail(op, MC_ERR_CANCELED);
	else if (mc_timer_start(store->home, &op->timer, op->deadline_ns) != MC_OK)
		store_op_fail(op, MC_ERR_NO_MEMORY);
	else if (store_op_live_count(op) == 0)
		store_op_end(op);
	else if (op->copy)
		store_op_resolve(op);
	else if (is_put(op->kind))
		store_put_begin(op);
	else if (op->kind == MC_STORE_GET)
		store_get_begin(op);
	else
		store_query_begin(op);
}

bool
store_op_rearm(struct store_op *op)
{
	op->timer.expired = op_expired;
	return mc_clock_mono_ns() < op->deadline_ns &&
	       mc_timer_start(op->store->home, &op->timer, op->deadline_ns) == MC_OK;
}

enum mc_status
store_op_submit(struct store_op *op)
{
	struct mc_store *store = op->store;

	if (atomic_fetch_add_explicit(&store->outstanding, 1, memory_order_relaxed) >=
	    STORE_OPS_MAX) {
		atomic_fetch_sub_explicit(&store->outstanding, 1, memory_order_relaxed);
		return MC_AGAIN;
	}
	op->msg.run = op_begin;
	store_op_ref(op);
	store_send(store, &op->msg);
	return MC_OK;
}

enum mc_status
store_op_run(struct store_op *op)
{
	struct mc_store *store = op->store;
	enum mc_status st;

	store_enter(store);
	while ((st = store_op_submit(op)) == MC_AGAIN)
		store_yield(store);
	store_wait(store, &op->turn);
	store_leave(store);
	st = op->status;
	store_op_unref(op);
	return st;
}

/* ---- objects ---- */

uint32_t
store_op_live(const struct store_op *op, uint32_t index)
{
	while (index < op->count && op->objects[index].stage != OBJECT_LIVE)
		index++;
	return index;
}

uint32_t
store_op_live_count(const struct store_op *op)
{
	uint32_t count = 0;

	for (uint32_t i = store_op_live(op, 0); i < op->count; i = store_op_live(op, i + 1))
		count++;
	return count;
}

enum mc_status
store_object_places(struct store_object *object, uint32_t count)
{
	if (count > 1) {
		object->places = calloc(count, sizeof(object->places[0]));
		if (object->places == NULL) {
			object->places = &object->one;
			return MC_ERR_NO_MEMORY;
		}
	}
	object->places_count = (uint8_t)count;
	return MC_OK;
}
