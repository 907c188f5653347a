/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/transfer_slot.h"

#include <stdlib.h>

#include "apps/mc-bench/pattern.h"
#include "core/base/clock.h"

static void
flight_fail(struct flight *flight, enum mc_status status)
{
	int none = MC_OK;

	atomic_compare_exchange_strong(&flight->status, &none, (int)status);
	atomic_store(&flight->stopping, true);
}

/* ---- bytes ---- */

/* Of what this transfer moves. A write of what is there already would prove nothing. */
static uint64_t
slot_seed(const struct slot *slot)
{
	const struct transfer_params *params = slot->flight->params;

	return params->op == MC_WRITE ? params->seed + slot->begun : params->seed;
}

static uint8_t *
slot_local(const struct slot *slot, unsigned int piece)
{
	const struct flight *flight = slot->flight;
	const struct transfer_params *params = flight->params;
	uint64_t place = (uint64_t)slot->index * params->post + piece;

	return slot->reading_back ? flight->path->scratch + place * params->size
				  : flight->path->local + slot->offsets[piece];
}

/* What a write sends; and in the way of a read what cannot pass for its bytes. */
static void
slot_prepare(struct slot *slot)
{
	const struct flight *flight = slot->flight;
	const struct transfer_params *params = flight->params;
	bool writes = params->op == MC_WRITE && !slot->reading_back;
	uint64_t seed = writes ? slot_seed(slot) : ~slot_seed(slot);

	for (unsigned int i = 0; i < params->post; i++)
		pattern_fill(slot_local(slot, i), flight->path->remote + slot->offsets[i],
			     params->size, seed);
}

static void
piece_judge(struct slot *slot, unsigned int piece)
{
	struct flight *flight = slot->flight;
	uint64_t addr = flight->path->remote + slot->offsets[piece];
	uint64_t size = flight->params->size, seed = slot_seed(slot);
	const uint8_t *bytes = slot_local(slot, piece);
	size_t right = pattern_check(bytes, addr, size, seed);

	slot->verified += size;
	if (right == size || atomic_exchange(&flight->mismatched, true))
		return;
	flight->mismatch = (struct transfer_mismatch){
		.found = true,
		.addr = addr + right,
		.block = addr,
		.expected = pattern_byte(addr + right, seed),
		.got = bytes[right],
	};
	atomic_store(&flight->stopping, true);
}

static void
slot_judge(struct slot *slot)
{
	for (unsigned int i = 0; i < slot->flight->params->post; i++)
		piece_judge(slot, i);
}

/* ---- transfers ---- */

enum mc_status
slot_init(struct slot *slot, struct flight *flight, unsigned int index)
{
	slot->flight = flight;
	slot->index = index;
	slot->offsets = calloc(flight->params->post, sizeof(*slot->offsets));
	if (slot->offsets == NULL)
		return MC_ERR_NO_MEMORY;
	return mc_batch_alloc(flight->path->engine, flight->params->post, 0, &slot->batch);
}

void
slot_fini(struct slot *slot)
{
	mc_batch_free(slot->batch);
	free(slot->offsets);
}

static enum mc_status
slot_batch(struct slot *slot)
{
	const struct flight *flight = slot->flight;
	const struct transfer_path *path = flight->path;
	const struct transfer_params *params = flight->params;
	enum mc_transfer_op op = slot->reading_back ? MC_READ : params->op;
	enum mc_status st = MC_OK;

	mc_batch_reset(slot->batch);
	for (unsigned int i = 0; i < params->post && st == MC_OK; i++)
		st = mc_batch_add(slot->batch, op, path->segment, path->remote + slot->offsets[i],
				  slot_local(slot, i), params->size);
	if (st != MC_OK)
		return st;
	return mc_batch_submit(slot->batch, slot->start_ns + params->timeout_ns, flight->done,
			       flight->done != NULL ? slot : NULL);
}

/* Once it is submitted its completion may be at work before this returns. */
static void
slot_submit(struct slot *slot)
{
	enum mc_status st;

	atomic_store_explicit(&slot->state, SLOT_FLYING, memory_order_release);
	st = slot_batch(slot);
	if (st == MC_OK)
		return;
	if (st != MC_AGAIN) {
		slot->errors++;
		flight_fail(slot->flight, st);
	}
	atomic_store_explicit(&slot->state, st == MC_AGAIN ? SLOT_PARKED : SLOT_IDLE,
			      memory_order_release);
}

void
slot_next(struct slot *slot, uint64_t now_ns)
{
	struct flight *flight = slot->flight;

	if (atomic_load_explicit(&flight->stopping, memory_order_relaxed)) {
		atomic_store_explicit(&slot->state, SLOT_IDLE, memory_order_release);
		return;
	}
	for (unsigned int i = 0; i < flight->params->post; i++)
		slot->offsets[i] = walk_next(&slot->walk) * flight->params->size;
	slot->reading_back = false;
	slot->begun++;
	if (flight->params->verify) {
		slot_prepare(slot);
		now_ns = mc_clock_mono_ns();
	}
	slot->start_ns = now_ns;
	slot_submit(slot);
}

void
slot_unpark(struct slot *slot)
{
	if (atomic_load_explicit(&slot->flight->stopping, memory_order_relaxed))
		atomic_store_explicit(&slot->state, SLOT_IDLE, memory_order_release);
	else
		slot_submit(slot);
}

static void
slot_count(struct slot *slot, uint64_t now_ns)
{
	struct flight *flight = slot->flight;
	uint64_t met = slot->met, ops;

	slot->met += flight->params->post;
	if (met < slot->walk.share && slot->met >= slot->walk.share &&
	    atomic_fetch_sub(&flight->passing, 1) == 1)
		atomic_store_explicit(&flight->first_pass_ns, now_ns, memory_order_relaxed);
	if (!atomic_load_explicit(&flight->counting, memory_order_acquire))
		return;
	ops = atomic_load_explicit(&slot->ops, memory_order_relaxed);
	atomic_store_explicit(&slot->ops, ops + flight->params->post, memory_order_relaxed);
	mc_histogram_add(&slot->latency, now_ns - slot->start_ns);
}

/* Written blocks come back, and are judged then. */
static bool
slot_reads_back(struct slot *slot, uint64_t now_ns)
{
	const struct transfer_params *params = slot->flight->params;

	if (!params->verify || params->op != MC_WRITE || slot->reading_back)
		return false;
	slot->reading_back = true;
	slot_prepare(slot);
	slot->start_ns = now_ns;	/* for its deadline */
	slot_submit(slot);
	return true;
}

/* The first failure of the submission; each is counted. */
static enum mc_status
slot_status(struct slot *slot)
{
	enum mc_status first = MC_OK;

	for (unsigned int i = 0; i < slot->flight->params->post; i++) {
		enum mc_status st = mc_batch_status(slot->batch, i);

		slot->errors += st != MC_OK;
		if (first == MC_OK)
			first = st;
	}
	return first;
}

void
slot_complete(struct slot *slot)
{
	struct flight *flight = slot->flight;
	uint64_t now_ns = mc_clock_mono_ns();
	enum mc_status st = slot_status(slot);

	if (st != MC_OK) {
		flight_fail(flight, st);
		atomic_store_explicit(&slot->state, SLOT_IDLE, memory_order_release);
		return;
	}
	if (!slot->reading_back)
		slot_count(slot, now_ns);
	if (slot_reads_back(slot, now_ns))
		return;
	if (flight->params->verify)
		slot_judge(slot);
	slot_next(slot, now_ns);
}
