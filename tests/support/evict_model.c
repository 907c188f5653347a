/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/evict_model.h"

#include <math.h>
#include <stddef.h>

#include "tests/support/must.h"

#define PARKED_MAX (4 * EVICT_MODEL_KEYS)
#define ROUND_NS   10000000ull
#define SECOND_NS  1000000000ull

static double
used_ratio(const struct evict_model *model)
{
	return (double)model->used / (double)model->capacity;
}

static bool
is_due(const struct evict_model *model)
{
	return model->wanted || used_ratio(model) > model->watermark;
}

static void
trigger(struct evict_model *model, uint64_t at_ns)
{
	if (is_due(model) && model->round_at_ns == 0)
		model->round_at_ns = at_ns;
}

/* ---- parked buffers, unfinished writes ---- */

static void
park(struct evict_model *model, uint64_t bytes, uint64_t free_at_ns)
{
	uint32_t i = 0;

	while (model->parked[i].bytes > 0)
		must(++i < PARKED_MAX);
	model->parked[i] = (struct evict_model_parked){free_at_ns, bytes};
}

static uint64_t
unpark(struct evict_model *model, uint64_t now_ns)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < PARKED_MAX; i++) {
		struct evict_model_parked *parked = &model->parked[i];

		if (parked->bytes == 0 || parked->free_at_ns > now_ns)
			continue;
		model->used -= parked->bytes;
		parked->bytes = 0;
		count++;
	}
	return count;
}

static void
unfinished_release(struct evict_model *model, uint64_t now_ns)
{
	for (uint32_t i = 0; i < EVICT_MODEL_KEYS; i++) {
		const struct evict_model_object *object = &model->objects[i];

		if (!object->there || object->complete ||
		    now_ns - object->started_ns < model->release_ns)
			continue;
		evict_model_drop(model, i);
		model->released++;
	}
}

/* ---- a round ---- */

static bool
may_go(const struct evict_model_object *object, uint64_t now_ns, bool pinned)
{
	bool is_pinned = object->soft && object->pinned_until_ns > now_ns;

	return object->there && object->complete && !object->hard && object->lease_ns <= now_ns &&
	       is_pinned == pinned;
}

static uint64_t
evictable(const struct evict_model *model)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < EVICT_MODEL_KEYS; i++) {
		const struct evict_model_object *object = &model->objects[i];

		count += object->there && object->complete && !object->hard;
	}
	return count;
}

/* The one whose lease ended first is evicted; false when there is none. */
static bool
evict_one(struct evict_model *model, uint64_t now_ns, bool pinned)
{
	uint32_t oldest = EVICT_MODEL_KEYS;

	for (uint32_t i = 0; i < EVICT_MODEL_KEYS; i++) {
		if (may_go(&model->objects[i], now_ns, pinned) &&
		    (oldest == EVICT_MODEL_KEYS ||
		     model->objects[i].lease_ns < model->objects[oldest].lease_ns))
			oldest = i;
	}
	if (oldest == EVICT_MODEL_KEYS)
		return false;
	evict_model_drop(model, oldest);
	model->evicted++;
	return true;
}

static void
run_round(struct evict_model *model, uint64_t now_ns)
{
	double over = used_ratio(model) - model->watermark;
	double share = fmin(fmax(model->ratio, over + model->ratio), 1);
	double least = fmax(share / 2, over);
	uint64_t freed = unpark(model, now_ns), base = evictable(model), done = 0;
	uint64_t target = (uint64_t)ceil((double)base * share);
	uint64_t enough = (uint64_t)ceil((double)base * least);

	unfinished_release(model, now_ns);
	while (done < target && evict_one(model, now_ns, false))
		done++;
	while (model->evict_soft_pinned && done + freed < enough &&
	       evict_one(model, now_ns, true)) {
		done++;
		model->evicted_pinned++;
	}
	if (done > 0 || freed > 0 || base == 0)
		model->wanted = false;
	model->unparked += freed;
	model->rounds++;
}

void
evict_model_rounds(struct evict_model *model, uint64_t now_ns)
{
	while (model->round_at_ns != 0 && model->round_at_ns <= now_ns) {
		model->round_at_ns = 0;
		if (is_due(model))
			run_round(model, now_ns);
		trigger(model, now_ns + ROUND_NS);
	}
}

void
evict_model_tick(struct evict_model *model, uint64_t now_ns)
{
	if (now_ns < model->tick_at_ns)
		return;
	unpark(model, now_ns);
	unfinished_release(model, now_ns);
	model->tick_at_ns = now_ns + SECOND_NS;
}

/* ---- calls ---- */

bool
evict_model_key_free(struct evict_model *model, uint32_t key, uint64_t now_ns)
{
	struct evict_model_object *object = &model->objects[key];
	uint32_t replicas = object->replicas;

	if (!object->there)
		return true;
	if (object->complete || now_ns - object->started_ns < model->discard_ns)
		return false;
	for (uint32_t i = 0; i < replicas; i++)
		park(model, object->bytes / replicas, object->started_ns + model->release_ns);
	object->there = false; /* its bytes stay in use */
	return true;
}

void
evict_model_put(struct evict_model *model, uint32_t key, const struct evict_model_object *object,
		uint64_t now_ns)
{
	model->objects[key] = *object;
	model->objects[key].there = true;
	model->objects[key].started_ns = now_ns;
	model->used += object->bytes;
	trigger(model, now_ns);
}

void
evict_model_no_space(struct evict_model *model, uint64_t now_ns)
{
	model->wanted = true;
	trigger(model, now_ns);
}

void
evict_model_complete(struct evict_model *model, uint32_t key, uint64_t now_ns)
{
	struct evict_model_object *object = &model->objects[key];

	object->complete = true;
	object->lease_ns = now_ns;
	object->pinned_until_ns = now_ns + object->pin_ttl_ns;
}

void
evict_model_read(struct evict_model *model, uint32_t key, uint64_t now_ns)
{
	model->objects[key].lease_ns = now_ns + model->lease_ttl_ns;
}

void
evict_model_drop(struct evict_model *model, uint32_t key)
{
	model->used -= model->objects[key].bytes;
	model->objects[key] = (struct evict_model_object){0};
}
