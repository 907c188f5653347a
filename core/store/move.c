/* SPDX-License-Identifier: Apache-2.0 */
/* From places to bytes: waits until the peers are known, then has the engine move all at once. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/assert.h"
#include "core/base/clock.h"
#include "core/store/private.h"

#define SMALL_REQUESTS 32u	/* batches of this size are kept */
#define SMALL_PIECES 64u
#define AGAIN_NS (50 * MC_NS_PER_US)

static bool
is_get(const struct store_op *op)
{
	return op->kind == MC_STORE_GET;
}

/* The places that come into question now: of a get one, of a put all. */
static struct store_place *
places_of(const struct store_op *op, struct store_object *object, uint32_t *count_out)
{
	*count_out = is_get(op) ? 1 : object->places_count;
	return &object->places[is_get(op) ? object->place : 0];
}

/* ---- resolving ---- */

/* PEER_OPENING: not yet known; PEER_FAILED: no. */
static enum peer_state
object_reach(const struct store_op *op, struct store_object *object)
{
	enum peer_state state = PEER_OPEN;
	uint32_t count;
	struct store_place *places = places_of(op, object, &count);

	for (uint32_t i = 0; i < count; i++) {
		if (places[i].peer->state == PEER_FAILED)
			return PEER_FAILED;
		if (places[i].peer->state == PEER_OPENING)
			state = PEER_OPENING;
	}
	return state;
}

/* False: peers are still being opened. */
static bool
op_reached(struct store_op *op)
{
	bool all = true;

	for (uint32_t i = store_op_live(op, 0); i < op->count; i = store_op_live(op, i + 1)) {
		struct store_object *object = &op->objects[i];
		enum peer_state state = object_reach(op, object);

		while (state == PEER_FAILED && is_get(op) &&
		       store_get_next(object, MC_ERR_TRANSFER))
			state = object_reach(op, object);
		if (state == PEER_FAILED && object->stage == OBJECT_LIVE)
			store_object_end(object, MC_ERR_TRANSFER);
		all &= state != PEER_OPENING;
	}
	return all;
}

void
store_op_resolve(struct store_op *op)
{
	op->stage = OP_RESOLVING;
	if (op_reached(op))
		store_op_move(op);
	else
		mc_list_add_tail(&op->store->resolving, &op->wait);
}

void
store_op_resolved_all(struct mc_store *store)
{
	struct mc_list *node = store->resolving.next;

	while (node != &store->resolving) {
		struct store_op *op = mc_container_of(node, struct store_op, wait);

		node = node->next;
		if (!op_reached(op))
			continue;
		mc_list_del(&op->wait);
		store_op_move(op);
		/* that may have ended others */
		node = store->resolving.next;
	}
}

/* ---- pieces ---- */

uint32_t
store_object_iov(struct store_op *op, uint32_t index, struct store_place *place,
		 struct mc_iov *iov)
{
	struct store_object *object = &op->objects[index];
	const struct mc_store_item *item = &op->items[index];
	uint64_t left = object->length;
	uint32_t count = 0;

	if (object->buffer != NULL)
		iov[count++] = (struct mc_iov){object->buffer->pub.addr, left};
	for (uint32_t i = 0; object->buffer == NULL && i < item->pieces_count && left > 0; i++) {
		uint64_t length = item->pieces[i].length < left ? item->pieces[i].length : left;

		if (length > 0)
			iov[count++] = (struct mc_iov){item->pieces[i].addr, length};
		left -= length;
	}
	if ((place->id & MC_REPLICA_PROMISE) != 0)
		iov[count++] = (struct mc_iov){place->trailer, TRAILER_BYTES};
	return count;
}

static uint32_t
pieces_most(const struct store_op *op, uint32_t index)
{
	return (op->objects[index].buffer != NULL ? 1 : op->items[index].pieces_count) + 1;
}

static enum mc_status
iov_reserve(struct mc_store *store, uint32_t count)
{
	struct mc_iov *iov;

	if (count <= store->iov_room)
		return MC_OK;
	iov = realloc(store->iov, count * sizeof(*iov));
	if (iov == NULL)
		return MC_ERR_NO_MEMORY;
	store->iov = iov;
	store->iov_room = count;
	return MC_OK;
}

/* ---- the batch ---- */

void
store_op_batch_drop(struct store_op *op)
{
	struct mc_store *store = op->store;

	if (op->batch == NULL)
		return;
	if (op->batch_small && store->batches_count < STORE_BATCHES_KEPT) {
		mc_batch_reset(op->batch);
		store->batches[store->batches_count++] = op->batch;
	} else {
		mc_batch_free(op->batch);
	}
	op->batch = NULL;
}

static enum mc_status
batch_take(struct store_op *op, uint32_t requests, uint32_t pieces)
{
	struct mc_store *store = op->store;

	store_op_batch_drop(op);
	op->batch_small = requests <= SMALL_REQUESTS && pieces <= SMALL_PIECES;
	if (!op->batch_small)
		return mc_batch_alloc(store->engine, requests, pieces, &op->batch);
	if (store->batches_count > 0) {
		op->batch = store->batches[--store->batches_count];
		return MC_OK;
	}
	return mc_batch_alloc(store->engine, SMALL_REQUESTS, SMALL_PIECES, &op->batch);
}

/* Adds what @object has to move; its requests are numbered from @at. */
static enum mc_status
object_add(struct store_op *op, uint32_t index, uint32_t *at)
{
	struct store_object *object = &op->objects[index];
	uint32_t count;
	struct store_place *places = places_of(op, object, &count);
	enum mc_status st = iov_reserve(op->store, pieces_most(op, index));

	object->request = *at;
	for (uint32_t i = 0; st == MC_OK && i < count; i++) {
		uint32_t pieces = store_object_iov(op, index, &places[i], op->store->iov);

		st = mc_batch_addv(op->batch, is_get(op) ? MC_READ : MC_WRITE,
				   places[i].peer->segment, places[i].address, op->store->iov,
				   pieces);
	}
	*at += count;
	return st;
}

static enum mc_status
batch_fill(struct store_op *op)
{
	uint32_t requests = 0, pieces = 0, at = 0, count;
	enum mc_status st;

	for (uint32_t i = store_op_live(op, 0); i < op->count; i = store_op_live(op, i + 1)) {
		places_of(op, &op->objects[i], &count);
		requests += count;
		pieces += count * pieces_most(op, i);
	}
	st = batch_take(op, requests, pieces);
	for (uint32_t i = store_op_live(op, 0); st == MC_OK && i < op->count;
	     i = store_op_live(op, i + 1))
		st = object_add(op, i, &at);
	return st;
}

/* ---- under way ---- */

static void
op_moved(struct mc_msg *msg)
{
	struct store_op *op = mc_container_of(msg, struct store_op, moved);

	if (is_get(op))
		store_get_moved(op);
	else
		store_put_moved(op);
}

/* On the lcore where the last transfer ended. */
static void
batch_done(void *context, struct mc_batch *batch)
{
	struct store_op *op = context;

	if (mc_reactor_self() == op->store->home)
		op_moved(&op->moved);
	else
		store_send(op->store, &op->moved);
}

/* A get's bytes are of no use after its lease. */
static uint64_t
op_moving_until(const struct store_op *op)
{
	uint64_t until = op->deadline_ns;

	if (!is_get(op))
		return until;
	for (uint32_t i = store_op_live(op, 0); i < op->count; i = store_op_live(op, i + 1)) {
		if (op->objects[i].lease_ns < until)
			until = op->objects[i].lease_ns;
	}
	return until;
}

/* Nothing was moved: live objects end with @status. */
static void
op_unmoved(struct store_op *op, enum mc_status status)
{
	for (uint32_t i = store_op_live(op, 0); i < op->count; i = store_op_live(op, i + 1))
		store_object_end(&op->objects[i], status);
	if (is_get(op))
		store_op_end(op);
	else
		store_put_moved(op);
}

static void op_batch_submit(struct store_op *op);

static void
op_submit_again(struct mc_timer *timer)
{
	op_batch_submit(mc_container_of(timer, struct store_op, timer));
}

static void
op_batch_submit(struct store_op *op)
{
	enum mc_status st;

	op->stage = OP_MOVING;
	op->moved.run = op_moved;
	mc_timer_stop(op->store->home, &op->timer);
	st = mc_batch_submit(op->batch, op_moving_until(op), batch_done, op);
	if (st == MC_OK)
		return;
	if (st == MC_AGAIN && mc_clock_mono_ns() < op->deadline_ns) {
		/* the ring of its lcore is full; it will not be for long */
		op->timer.expired = op_submit_again;
		if (mc_timer_start(op->store->home, &op->timer,
				   mc_clock_mono_ns() + AGAIN_NS) == MC_OK)
			return;
	}
	op_unmoved(op, st == MC_AGAIN ? MC_ERR_TIMEOUT : st);
}

void
store_op_move(struct store_op *op)
{
	enum mc_status st;

	if (store_op_live_count(op) == 0) {
		op_unmoved(op, MC_OK);
		return;
	}
	st = batch_fill(op);
	if (st == MC_OK)
		op_batch_submit(op);
	else
		op_unmoved(op, st);
}
