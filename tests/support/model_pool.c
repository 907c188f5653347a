/* SPDX-License-Identifier: Apache-2.0 */
/* The model's segments and clients, time, and what the master does by itself. */
#include "tests/support/model_private.h"

/* ---- segments ---- */

static void
client_touch(struct model *model, uint32_t client, uint64_t now_ns)
{
	model->clients[client].tracked = true;
	model->clients[client].expires_ns = now_ns + model->client_ttl_ns;
}

int32_t
model_mount(struct model *model, uint32_t client, uint32_t segment, uint64_t now_ns)
{
	struct model_segment *seg = &model->segments[segment];

	if (seg->state == MODEL_LEAVING)
		return UNAVAILABLE;
	client_touch(model, client, now_ns);
	if (seg->state == MODEL_LIVE)
		return 0;
	seg->state = MODEL_LIVE;
	seg->owner = client;
	return 0;
}

int32_t
model_remount(struct model *model, uint32_t client, uint32_t mask, bool altered, uint64_t now_ns)
{
	for (uint32_t i = 0; i < MODEL_SEGMENTS; i++) {
		bool last = mask >> i == 1;

		if ((mask >> i & 1) != 0 && model->segments[i].state != MODEL_ABSENT &&
		    (model->segments[i].owner != client || (last && altered)))
			return INVALID_PARAMS;
	}
	if (model->clients[client].ok)
		return 0;
	client_touch(model, client, now_ns);
	model->clients[client].ok = true;
	for (uint32_t i = 0; i < MODEL_SEGMENTS; i++) {
		if ((mask >> i & 1) != 0 && model->segments[i].state == MODEL_ABSENT)
			model_mount(model, client, i, now_ns);
	}
	return 0;
}

void
model_unmount(struct model *model, uint32_t segment)
{
	model->segments[segment].state = MODEL_ABSENT;
	for (uint32_t i = 0; i < MODEL_PARKED; i++) {
		if (model->parked[i].segment == segment)
			model->parked[i].used = false;
	}
	for (uint32_t i = 0; i < MODEL_KEYS; i++) {
		struct model_object *object = &model->objects[i];

		for (uint32_t r = object->replicas; r-- > 0;) {
			if (object->replica[r].segment == segment)
				model_replica_drop(object, r);
		}
		if (object->there && object->replicas == 0) {
			model_object_drop(model, i);
			model->orphaned++;
		}
	}
	model->may_evict |= model_eviction_due(model);
}

int32_t
model_leave(struct model *model, uint32_t client, uint32_t segment, uint64_t at_ns)
{
	struct model_segment *seg = &model->segments[segment];
	bool has_any = false;

	for (uint32_t i = 0; i < MODEL_SEGMENTS; i++)
		has_any |= model->segments[i].state != MODEL_ABSENT &&
			   model->segments[i].owner == client;
	if (!has_any)
		return NO_SEGMENT;
	if (seg->state == MODEL_ABSENT || seg->owner != client)
		return INVALID_PARAMS;
	seg->state = MODEL_LEAVING;
	seg->leave_at_ns = at_ns;
	return 0;
}

int32_t
model_segment_status(const struct model *model, uint32_t segment)
{
	switch (model->segments[segment].state) {
	case MODEL_LIVE:
		return MC_SEGMENT_OK;
	case MODEL_LEAVING:
		return MC_SEGMENT_GRACEFULLY_UNMOUNTING;
	default:
		return NO_SEGMENT;
	}
}

bool
model_ping(struct model *model, uint32_t client, uint64_t now_ns)
{
	client_touch(model, client, now_ns);
	return model->clients[client].ok;
}

/* ---- time ---- */

static bool
abandoned(const struct model *model, const struct model_object *object, uint64_t now_ns)
{
	return object->there && object->writing && now_ns - object->started_ns >= model->release_ns;
}

void
model_tick(struct model *model, uint64_t now_ns)
{
	for (uint32_t c = 0; c < MODEL_CLIENTS; c++) {
		struct model_client *client = &model->clients[c];

		if (!client->tracked || client->expires_ns > now_ns)
			continue;
		client->tracked = client->ok = false;
		model->expired++;
		for (uint32_t i = 0; i < MODEL_SEGMENTS; i++) {
			if (model->segments[i].state != MODEL_ABSENT &&
			    model->segments[i].owner == c)
				model_unmount(model, i);
		}
		model_copies_lose(model, c, now_ns);
	}
	for (uint32_t i = 0; i < MODEL_SEGMENTS; i++) {
		if (model->segments[i].state == MODEL_LEAVING &&
		    model->segments[i].leave_at_ns <= now_ns)
			model_unmount(model, i);
	}
	model_unpark(model, now_ns);
	for (uint32_t i = 0; i < MODEL_KEYS; i++) {
		if (!abandoned(model, &model->objects[i], now_ns))
			continue;
		model_object_drop(model, i);
		model->released++;
	}
}

/* ---- eviction ---- */

/* A member of a group waits for the group. */
static bool
evictable(const struct model *model, const struct model_object *object, uint64_t now_ns)
{
	uint64_t lease_ns =
		object->group == 0 ? object->lease_ns : model_group_lease(model, object->group);

	return object->there && !object->writing && !object->hard && !object->busy &&
	       lease_ns <= now_ns;
}

static bool
is_pinned(const struct model_object *object, uint64_t now_ns)
{
	return object->pinned_until_ns > now_ns;
}

/* It is gone, and no call took it: was that right? */
static void
vanish(struct model *model, uint32_t key, uint64_t now_ns)
{
	struct model_object *object = &model->objects[key];

	must(model->may_evict);
	if (object->writing) {
		must(abandoned(model, object, now_ns));
		model->released++;
		model_object_drop(model, key);
		return;
	}
	must(evictable(model, object, now_ns));
	if (is_pinned(object, now_ns)) {
		must(model->evict_soft_pinned);
		model->evicted_pinned++;
	}
	model->evicted++;
	model->evicted_grouped += object->group != 0;
	model->wanted = false;
	model_object_drop(model, key);
}

static uint64_t
place_from(const struct model *model, const struct model_object *object)
{
	return object->group == 0 ? object->lease_ns : model->groups[object->group].from_ns;
}

static uint64_t
place_to(const struct model *model, const struct model_object *object)
{
	return object->group == 0 ? object->lease_ns : model->groups[object->group].to_ns;
}

/*
 * It could have been evicted at the last look already, and since. A group whose only member was
 * written while it was leased may stand as if that had been a read.
 */
static bool
was_evictable(const struct model *model, const struct model_object *object)
{
	return evictable(model, object, model->looked_ns) &&
	       place_to(model, object) <= model->looked_ns &&
	       !is_pinned(object, model->looked_ns) && object->let_go_ns <= model->looked_ns;
}

/* Nobody is left who should have gone before @gone, or with it. */
static void
must_be_oldest(const struct model *model, const struct model_object *gone, const bool *has,
	       uint64_t now_ns)
{
	for (uint32_t i = 0; i < MODEL_KEYS; i++) {
		const struct model_object *left = &model->objects[i];

		if (!has[i] || !was_evictable(model, left))
			continue;
		must(!is_pinned(gone, now_ns));
		must(place_to(model, left) >= place_from(model, gone));
		must(gone->group == 0 || gone->group != left->group);
	}
}

void
model_look(struct model *model, const bool *has, uint64_t extent_bytes, uint64_t now_ns)
{
	uint64_t bytes;

	for (uint32_t i = 0; i < MODEL_KEYS; i++) {
		const struct model_object *object = &model->objects[i];

		must(object->there || !has[i]);
		if (object->there && !has[i] && !object->writing)
			must_be_oldest(model, object, has, now_ns);
	}
	for (uint32_t i = 0; i < MODEL_KEYS; i++) {
		if (model->objects[i].there && !has[i])
			vanish(model, i, now_ns);
	}
	bytes = model_extent_bytes(model);
	/* a round of eviction gives back what was parked, too, up to its own time */
	for (; bytes != extent_bytes; bytes = model_extent_bytes(model)) {
		uint64_t due_ns = model_unpark_next(model);

		must(model->may_evict && due_ns <= now_ns);
		model_unpark(model, due_ns);
		model->wanted = false;
	}
	model->may_evict = model_eviction_due(model);
	model->looked_ns = now_ns;
}

void
model_at_rest(const struct model *model, uint64_t now_ns)
{
	if ((double)model_extent_bytes(model) <= model->watermark * (double)model_capacity(model))
		return;
	for (uint32_t i = 0; i < MODEL_KEYS; i++)
		must(!evictable(model, &model->objects[i], now_ns) ||
		     (is_pinned(&model->objects[i], now_ns) && !model->evict_soft_pinned));
}
