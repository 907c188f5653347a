/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A get: ask where the object lies (GetReplicaList, which also takes a lease on it), read one
 * replica, and believe the bytes only if they are the object's: read within the lease, and with the
 * trailer that its writer promised. Else the next replica is read; none left is a miss.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/store/crc64.h"
#include "core/store/private.h"

/* ---- which replica ---- */

/* Lower is nearer. Peers that were not used yet may turn out to be anything. */
static unsigned int
place_distance(const struct mc_store *store, const struct store_place *place)
{
	const char *driver;

	if (strcmp(place->peer->endpoint, mc_engine_name(store->engine)) == 0)
		return 0;
	if (place->peer->state == PEER_FAILED)
		return 4;
	if (place->peer->state != PEER_OPEN)
		return 2;
	driver = mc_segment_driver(place->peer->segment);
	if (driver == NULL)
		return 2;
	return strcmp(driver, "shm") == 0 ? 1 : 3;
}

/* The nearest first; equals in a new order each time, so that they share the load. */
static void
places_sort(struct mc_store *store, struct store_object *object)
{
	uint32_t count = object->places_count;

	for (uint32_t i = 0; i + 1 < count; i++) {
		uint32_t best = i + (uint32_t)mc_random_below(&store->random, count - i);
		struct store_place place;

		for (uint32_t k = i; k < count; k++) {
			if (place_distance(store, &object->places[k]) <
			    place_distance(store, &object->places[best]))
				best = k;
		}
		place = object->places[i];
		object->places[i] = object->places[best];
		object->places[best] = place;
	}
}

bool
store_get_next(struct store_object *object, enum mc_status status)
{
	if (object->place + 1u < object->places_count) {
		object->place++;
		return true;
	}
	store_object_end(object, status);
	return false;
}

static enum mc_status
places_set(struct store_op *op, struct store_object *object, const struct mc_vec *replicas)
{
	struct mc_vec_cursor cursor = {0};
	struct mc_replica_desc replica;
	uint32_t at = 0;
	enum mc_status st;

	st = store_object_places(object, store_places_most(replicas));
	while (st == MC_OK && at < object->places_count &&
	       mc_vec_next_replica(replicas, &cursor, STORE_RELEASE, &replica)) {
		struct store_place *place = &object->places[at];

		if (replica.type != MC_REPLICA_MEMORY || replica.status != MC_REPLICA_COMPLETE ||
		    (at > 0 && replica.buffer.size != object->length))
			continue;
		place->peer = store_peer_get(op->store, replica.buffer.endpoint);
		if (place->peer == NULL)
			continue;
		object->length = replica.buffer.size;
		place->address = replica.buffer.address;
		place->id = replica.id;
		at++;
	}
	object->places_count = (uint8_t)at;
	if (st == MC_OK && at > 1)
		places_sort(op->store, object);
	return st != MC_OK ? st : at > 0 ? MC_OK : MC_ERR_UNSUPPORTED;
}

/* ---- the answer ---- */

static void
get_found_one(struct store_op *op, struct store_object *object,
	      const struct mc_result_replicas *result)
{
	const struct mc_replica_list *list = &result->value;
	enum mc_status st = mc_wire_error_status(result->error);

	if (st == MC_OK)
		st = places_set(op, object, &list->replicas);
	if (st == MC_OK && op->buffers == NULL && object->room < object->length)
		st = MC_ERR_TOO_LARGE;
	if (st != MC_OK) {
		store_object_end(object, st);
		return;
	}
	object->lease_ns = op->sent_ns + list->lease_ttl_ms * MC_NS_PER_MS;
	object->has_crc64 = list->checksum.present;
	object->crc64 = list->checksum.value;
}

static enum mc_status
get_decode(struct store_op *op, const uint8_t *body, size_t len)
{
	enum mc_fn fn = op->asked > 1 ? MC_FN_BATCH_GET_REPLICA_LIST : MC_FN_GET_REPLICA_LIST;
	struct mc_vec_cursor cursor = {0};
	struct mc_result_replicas result;
	struct mc_result_vec results;
	enum mc_status st;

	if (op->asked == 1) {
		st = mc_result_decode(body, len, fn, STORE_RELEASE, &result);
		if (st == MC_OK)
			get_found_one(op, &op->objects[store_op_live(op, 0)], &result);
		return st;
	}
	st = mc_result_decode(body, len, fn, STORE_RELEASE, &results);
	for (uint32_t i = store_op_live(op, 0); st == MC_OK && i < op->count;
	     i = store_op_live(op, i + 1)) {
		if (!mc_vec_next_result(&results.value, &cursor, fn, STORE_RELEASE, &result))
			return MC_ERR_BAD_MESSAGE;
		get_found_one(op, &op->objects[i], &result);
	}
	return st;
}

static void
get_found(struct store_call *call, enum mc_status status, const uint8_t *body, size_t len)
{
	struct store_op *op = mc_container_of(call, struct store_op, call);

	if (op->stage != OP_OVER) {
		if (status == MC_OK)
			status = get_decode(op, body, len);
		if (status != MC_OK)
			store_op_fail(op, status);
		else if (store_op_live_count(op) == 0)
			store_op_end(op);
		else if (op->buffers != NULL)
			store_op_room(op);
		else
			store_op_resolve(op);
	}
	store_op_unref(op);
}

void
store_get_begin(struct store_op *op)
{
	store_op_ask(op, MC_FN_GET_REPLICA_LIST, MC_FN_BATCH_GET_REPLICA_LIST, get_found);
}

/* ---- the bytes ---- */

static uint32_t
bytes_checksum(struct store_op *op, uint32_t index, struct store_place *place)
{
	/* as they were read, less the trailer behind them */
	uint32_t count = store_object_iov(op, index, place, op->store->iov);

	return trailer_checksum(op->store->iov, count, op->objects[index].length);
}

static bool
crc64_matches(struct store_op *op, uint32_t index, struct store_place *place)
{
	struct store_object *object = &op->objects[index];
	uint64_t crc = 0, left = object->length;
	uint32_t count;

	if (!op->store->checksum_upstream || !object->has_crc64)
		return true;
	count = store_object_iov(op, index, place, op->store->iov);
	for (uint32_t i = 0; i < count && left > 0; i++) {
		crc = crc64_ecma(crc, op->store->iov[i].addr, op->store->iov[i].length);
		left -= op->store->iov[i].length;
	}
	return crc == object->crc64;
}

/* MC_ERR_OBJECT_NOT_FOUND: they are not the object's. */
static enum mc_status
bytes_check(struct store_op *op, uint32_t index, struct store_place *place)
{
	struct store_counters *counters = &op->store->counters;
	struct store_object *object = &op->objects[index];
	struct trailer found, expected = {
		.key_hash = trailer_key_hash(store_str(op->store->tenant), object->key),
		.replica_id = place->id,
		.length = object->length,
	};

	if (mc_clock_mono_ns() >= object->lease_ns)
		return MC_ERR_LEASE_EXPIRED;
	if ((place->id & MC_REPLICA_PROMISE) == 0) {
		mc_counter_add(&counters->unchecked, 1);
	} else if (trailer_check(place->trailer, &expected, &found) != MC_OK) {
		mc_counter_add(&counters->mismatches, 1);
		return MC_ERR_OBJECT_NOT_FOUND;
	} else if (found.kind == TRAILER_XXH3 &&
		   bytes_checksum(op, index, place) != found.checksum) {
		mc_counter_add(&counters->mismatches, 1);
		mc_counter_add(&counters->checksum_failures, 1);
		return MC_ERR_OBJECT_NOT_FOUND;
	} else {
		mc_counter_add(&counters->checked, 1);
	}
	return crc64_matches(op, index, place) ? MC_OK : MC_ERR_CHECKSUM;
}

static enum mc_status
object_read(struct store_op *op, uint32_t index)
{
	struct store_object *object = &op->objects[index];
	enum mc_status st = mc_batch_status(op->batch, object->request);

	if (st == MC_OK)
		return bytes_check(op, index, &object->places[object->place]);
	if (mc_clock_mono_ns() >= object->lease_ns)
		return MC_ERR_LEASE_EXPIRED;
	return st == MC_ERR_TIMEOUT || st == MC_ERR_CANCELED ? st : MC_ERR_TRANSFER;
}

void
store_get_moved(struct store_op *op)
{
	for (uint32_t i = store_op_live(op, 0); i < op->count; i = store_op_live(op, i + 1)) {
		struct store_object *object = &op->objects[i];
		enum mc_status st = object_read(op, i);

		/* another replica helps against what is wrong with this one, not against time */
		if (st == MC_OK || st == MC_ERR_LEASE_EXPIRED || st == MC_ERR_TIMEOUT ||
		    st == MC_ERR_CANCELED)
			store_object_end(object, st);
		else
			store_get_next(object, st);
	}
	if (store_op_live_count(op) == 0)
		store_op_end(op);
	else if (store_op_rearm(op))
		store_op_resolve(op);
	else
		store_op_fail(op, MC_ERR_TIMEOUT);
}
