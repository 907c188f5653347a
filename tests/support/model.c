/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/model.h"

#include "core/wire/msg.h"
#include "tests/support/must.h"

#define OBJECT_NOT_FOUND (-704)
#define NOT_READY	 (-703)
#define LEASED		 (-706)
#define INVALID_WRITE	 (-700)
#define ILLEGAL_CLIENT	 (-601)
#define INVALID_PARAMS	 (-600)
#define UNAVAILABLE	 (-1010)
#define NO_SEGMENT	 (-101)

/* A trailer of 32 bytes follows each object, and extents are multiples of 64 bytes. */
static uint64_t
extent_of(uint64_t size)
{
	return (size + 32 + 63) / 64 * 64;
}

/* ---- space ---- */

uint64_t
model_extent_bytes(const struct model *model)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < MODEL_KEYS; i++)
		bytes += model->objects[i].replicas * extent_of(model->objects[i].size);
	for (uint32_t i = 0; i < MODEL_PARKED; i++) {
		if (model->parked[i].used)
			bytes += model->parked[i].bytes;
	}
	return bytes;
}

uint64_t
model_object_bytes(const struct model *model)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < MODEL_KEYS; i++)
		bytes += model->objects[i].replicas * model->objects[i].size;
	return bytes;
}

uint64_t
model_capacity(const struct model *model)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < MODEL_SEGMENTS; i++) {
		if (model->segments[i].state != MODEL_ABSENT)
			bytes += model->segments[i].size;
	}
	return bytes;
}

uint32_t
model_objects(const struct model *model)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < MODEL_KEYS; i++)
		count += model->objects[i].there;
	return count;
}

/* Above the watermark, or a put found no space. */
static bool
eviction_due(const struct model *model)
{
	return model->wanted || (double)model_extent_bytes(model) >
					model->watermark * (double)model_capacity(model);
}

/* The bytes from @address on overlap no extent that is in use. */
static void
must_be_free(const struct model *model, uint64_t address, uint64_t bytes)
{
	for (uint32_t i = 0; i < MODEL_KEYS; i++) {
		const struct model_object *object = &model->objects[i];

		for (uint32_t r = 0; r < object->replicas; r++)
			must(address + bytes <= object->replica[r].address ||
			     address >= object->replica[r].address + extent_of(object->size));
	}
	for (uint32_t i = 0; i < MODEL_PARKED; i++) {
		const struct model_parked *parked = &model->parked[i];

		must(!parked->used || address + bytes <= parked->address ||
		     address >= parked->address + parked->bytes);
	}
}

static bool
segment_empty(const struct model *model, uint32_t segment)
{
	for (uint32_t i = 0; i < MODEL_KEYS; i++) {
		for (uint32_t r = 0; r < model->objects[i].replicas; r++) {
			if (model->objects[i].replica[r].segment == segment)
				return false;
		}
	}
	for (uint32_t i = 0; i < MODEL_PARKED; i++) {
		if (model->parked[i].used && model->parked[i].segment == segment)
			return false;
	}
	return true;
}

static void
park(struct model *model, const struct model_object *object, const struct model_replica *replica,
     uint64_t free_at_ns)
{
	uint32_t i = 0;

	while (model->parked[i].used)
		must(++i < MODEL_PARKED);
	model->parked[i] = (struct model_parked){true, replica->segment, replica->address,
						 extent_of(object->size), free_at_ns};
}

/* What parked space is due is given back, all at once. */
static void
unpark(struct model *model, uint64_t now_ns)
{
	for (uint32_t i = 0; i < MODEL_PARKED; i++) {
		struct model_parked *parked = &model->parked[i];

		if (!parked->used || parked->free_at_ns > now_ns)
			continue;
		parked->used = false;
		model->unparked++;
	}
}

/* ---- replicas ---- */

static void
replica_drop(struct model_object *object, uint32_t r)
{
	object->replicas--;
	for (; r < object->replicas; r++)
		object->replica[r] = object->replica[r + 1];
}

static void
object_drop(struct model *model, uint32_t key)
{
	model->objects[key] = (struct model_object){0};
}

static bool
name_used(const struct model *model, const struct model_object *object, uint32_t name)
{
	for (uint32_t r = 0; r < object->replicas; r++) {
		if (model->segments[object->replica[r].segment].name == name)
			return true;
	}
	return false;
}

/* A replica that the master chose a place for. */
static void
replica_add(struct model *model, struct model_object *object, const struct mc_replica_desc *desc)
{
	uint32_t i = 0;

	while (model->segments[i].state == MODEL_ABSENT ||
	       desc->buffer.address < model->segments[i].base ||
	       desc->buffer.address - model->segments[i].base >= model->segments[i].size)
		must(++i < MODEL_SEGMENTS);
	must(model->segments[i].state == MODEL_LIVE);
	must(!name_used(model, object, model->segments[i].name));
	must(desc->buffer.address + extent_of(object->size) <=
	     model->segments[i].base + model->segments[i].size);
	must(desc->buffer.address % 64 == 0);
	must(desc->buffer.size == object->size);
	must(desc->status == MC_REPLICA_PROCESSING);
	must(desc->id > model->id_last);
	must_be_free(model, desc->buffer.address, extent_of(object->size));
	model->id_last = desc->id;
	object->replica[object->replicas++] =
		(struct model_replica){desc->id, desc->buffer.address, i, false};
}

/* A segment with nothing on it would have taken another replica. */
static void
must_be_full(const struct model *model, const struct model_object *object)
{
	for (uint32_t i = 0; i < MODEL_SEGMENTS; i++)
		must(model->segments[i].state != MODEL_LIVE ||
		     name_used(model, object, model->segments[i].name) ||
		     extent_of(object->size) > model->segments[i].size ||
		     !segment_empty(model, i));
}

/* ---- objects ---- */

bool
model_put_start(struct model *model, const struct model_put *put, uint64_t now_ns)
{
	struct model_object *object = &model->objects[put->key];

	if (!object->there)
		return true;
	if (!object->writing || now_ns - object->started_ns < model->discard_ns)
		return false;
	for (uint32_t r = 0; r < object->replicas; r++)
		park(model, object, &object->replica[r], object->started_ns + model->release_ns);
	object_drop(model, put->key);
	return true;
}

void
model_put_placed(struct model *model, const struct model_put *put,
		 const struct mc_replica_desc *descs, uint32_t count, uint64_t now_ns)
{
	struct model_object object = {
		.there = true,
		.writing = true,
		.hard = put->hard,
		.soft = put->soft,
		.owner = put->client,
		.size = put->size,
		.started_ns = now_ns,
		.pin_ttl_ns = put->pin_ttl_ns,
	};

	must(count <= put->replicas);
	for (uint32_t i = 0; i < count; i++)
		replica_add(model, &object, &descs[i]);
	if (count < put->replicas)
		must_be_full(model, &object);
	if (count > 0)
		model->objects[put->key] = object;
	else
		model->wanted = true;
	model->may_evict |= eviction_due(model);
}

/* The writer's object, or the code that says why not. */
static int32_t
written(const struct model *model, uint32_t client, uint32_t key)
{
	if (!model->objects[key].there)
		return OBJECT_NOT_FOUND;
	return model->objects[key].owner == client ? 0 : ILLEGAL_CLIENT;
}

int32_t
model_put_end(struct model *model, uint32_t client, uint32_t key, uint64_t now_ns)
{
	struct model_object *object = &model->objects[key];
	int32_t code = written(model, client, key);

	if (code != 0 || !object->writing)
		return code;
	object->writing = false;
	object->lease_ns = now_ns;
	for (uint32_t r = 0; r < object->replicas; r++)
		object->replica[r].complete = true;
	if (object->soft)
		object->pinned_until_ns = now_ns + object->pin_ttl_ns;
	object->soft = false;
	return 0;
}

int32_t
model_put_revoke(struct model *model, uint32_t client, uint32_t key)
{
	int32_t code = written(model, client, key);

	if (code != 0)
		return code;
	if (!model->objects[key].writing)
		return INVALID_WRITE;
	object_drop(model, key);
	return 0;
}

int32_t
model_get(struct model *model, uint32_t key, uint64_t now_ns)
{
	struct model_object *object = &model->objects[key];

	if (!object->there)
		return OBJECT_NOT_FOUND;
	if (object->writing)
		return NOT_READY;
	if (object->lease_ns < now_ns + model->lease_ttl_ns)
		object->lease_ns = now_ns + model->lease_ttl_ns;
	return 0;
}

void
model_got(const struct model *model, uint32_t key, const struct mc_replica_desc *descs,
	  uint32_t count)
{
	const struct model_object *object = &model->objects[key];
	uint32_t told = 0;

	for (uint32_t r = 0; r < object->replicas; r++) {
		if (!object->replica[r].complete)
			continue;
		must(told < count);
		must(descs[told].id == object->replica[r].id);
		must(descs[told].buffer.address == object->replica[r].address);
		must(descs[told].buffer.size == object->size);
		must(descs[told].status == MC_REPLICA_COMPLETE);
		told++;
	}
	must(told == count);
}

int32_t
model_remove(struct model *model, uint32_t key, bool force, uint64_t now_ns)
{
	const struct model_object *object = &model->objects[key];

	if (!object->there)
		return OBJECT_NOT_FOUND;
	if (object->writing)
		return NOT_READY;
	if (object->lease_ns > now_ns && !force)
		return LEASED;
	object_drop(model, key);
	return 0;
}

bool
model_clear(struct model *model, uint32_t client, uint32_t key, uint32_t name, uint64_t now_ns)
{
	struct model_object *object = &model->objects[key];
	bool cleared = false;

	if (written(model, client, key) != 0 || object->lease_ns > now_ns)
		return false;
	if (name == UINT32_MAX)
		return model_remove(model, key, false, now_ns) == 0;
	for (uint32_t r = object->replicas; r-- > 0;) {
		if (!object->replica[r].complete ||
		    model->segments[object->replica[r].segment].name != name)
			continue;
		replica_drop(object, r);
		cleared = true;
	}
	if (object->replicas == 0)
		object_drop(model, key);
	return cleared;
}

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
				replica_drop(object, r);
		}
		if (object->there && object->replicas == 0) {
			object_drop(model, i);
			model->orphaned++;
		}
	}
	model->may_evict |= eviction_due(model);
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
	return object->there && object->writing &&
	       now_ns - object->started_ns >= model->release_ns;
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
	}
	for (uint32_t i = 0; i < MODEL_SEGMENTS; i++) {
		if (model->segments[i].state == MODEL_LEAVING &&
		    model->segments[i].leave_at_ns <= now_ns)
			model_unmount(model, i);
	}
	unpark(model, now_ns);
	for (uint32_t i = 0; i < MODEL_KEYS; i++) {
		if (!abandoned(model, &model->objects[i], now_ns))
			continue;
		object_drop(model, i);
		model->released++;
	}
}

/* ---- eviction ---- */

static bool
evictable(const struct model_object *object, uint64_t now_ns)
{
	return object->there && !object->writing && !object->hard && object->lease_ns <= now_ns;
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
		object_drop(model, key);
		return;
	}
	must(evictable(object, now_ns));
	if (is_pinned(object, now_ns)) {
		must(model->evict_soft_pinned);
		model->evicted_pinned++;
	}
	model->evicted++;
	model->wanted = false;
	object_drop(model, key);
}

/* Nobody is left who should have gone before @gone: it could since the last look. */
static void
must_be_oldest(const struct model *model, const struct model_object *gone, const bool *has,
	       uint64_t now_ns)
{
	for (uint32_t i = 0; i < MODEL_KEYS; i++) {
		const struct model_object *left = &model->objects[i];

		if (!has[i] || !evictable(left, model->looked_ns) ||
		    is_pinned(left, model->looked_ns))
			continue;
		must(!is_pinned(gone, now_ns));
		must(left->lease_ns >= gone->lease_ns);
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
	if (bytes != extent_bytes) {
		/* a round of eviction gives back what was parked, too */
		must(model->may_evict);
		unpark(model, now_ns);
		model->wanted = false;
	}
	must(model_extent_bytes(model) == extent_bytes);
	model->may_evict = eviction_due(model);
	model->looked_ns = now_ns;
}

void
model_at_rest(const struct model *model, uint64_t now_ns)
{
	if ((double)model_extent_bytes(model) <=
	    model->watermark * (double)model_capacity(model))
		return;
	for (uint32_t i = 0; i < MODEL_KEYS; i++)
		must(!evictable(&model->objects[i], now_ns) ||
		     (is_pinned(&model->objects[i], now_ns) && !model->evict_soft_pinned));
}
