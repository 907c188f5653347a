/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/model_private.h"

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
bool
model_eviction_due(const struct model *model)
{
	return model->wanted ||
	       (double)model_extent_bytes(model) > model->watermark * (double)model_capacity(model);
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

void
model_park(struct model *model, const struct model_object *object,
	   const struct model_replica *replica, uint64_t free_at_ns)
{
	uint32_t i = 0;

	while (model->parked[i].used)
		must(++i < MODEL_PARKED);
	model->parked[i] = (struct model_parked){true, replica->segment, replica->address,
						 extent_of(object->size), free_at_ns};
}

void
model_unpark(struct model *model, uint64_t now_ns)
{
	for (uint32_t i = 0; i < MODEL_PARKED; i++) {
		struct model_parked *parked = &model->parked[i];

		if (!parked->used || parked->free_at_ns > now_ns)
			continue;
		parked->used = false;
		model->unparked++;
	}
}

uint64_t
model_unpark_next(const struct model *model)
{
	uint64_t next_ns = UINT64_MAX;

	for (uint32_t i = 0; i < MODEL_PARKED; i++) {
		if (model->parked[i].used && model->parked[i].free_at_ns < next_ns)
			next_ns = model->parked[i].free_at_ns;
	}
	return next_ns;
}

/* ---- replicas ---- */

void
model_replica_drop(struct model_object *object, uint32_t r)
{
	object->replicas--;
	for (; r < object->replicas; r++)
		object->replica[r] = object->replica[r + 1];
}

void
model_object_drop(struct model *model, uint32_t key)
{
	model->objects[key] = (struct model_object){0};
}

bool
model_name_used(const struct model *model, const struct model_object *object, uint32_t name)
{
	for (uint32_t r = 0; r < object->replicas; r++) {
		if (model->segments[object->replica[r].segment].name == name)
			return true;
	}
	return false;
}

void
model_replica_add(struct model *model, struct model_object *object,
		  const struct mc_replica_desc *desc)
{
	uint32_t i = 0;

	while (model->segments[i].state == MODEL_ABSENT ||
	       desc->buffer.address < model->segments[i].base ||
	       desc->buffer.address - model->segments[i].base >= model->segments[i].size)
		must(++i < MODEL_SEGMENTS);
	must(model->segments[i].state == MODEL_LIVE);
	must(!model_name_used(model, object, model->segments[i].name));
	must(desc->buffer.address + extent_of(object->size) <=
	     model->segments[i].base + model->segments[i].size);
	must(desc->buffer.address % 64 == 0);
	must(desc->buffer.size == object->size);
	must(desc->status == MC_REPLICA_PROCESSING);
	must(desc->id > model->id_last);
	must_be_free(model, desc->buffer.address, extent_of(object->size));
	model->id_last = desc->id;
	must(object->replicas < MODEL_REPLICAS);
	object->replica[object->replicas++] = (struct model_replica){
		.id = desc->id, .address = desc->buffer.address, .segment = i};
}

/* A segment with nothing on it would have taken another replica. */
static void
must_be_full(const struct model *model, const struct model_object *object)
{
	for (uint32_t i = 0; i < MODEL_SEGMENTS; i++)
		must(model->segments[i].state != MODEL_LIVE ||
		     model_name_used(model, object, model->segments[i].name) ||
		     extent_of(object->size) > model->segments[i].size || !segment_empty(model, i));
}

void
model_no_space(struct model *model)
{
	model->wanted = true;
	model->may_evict = true;
}

/* ---- groups ---- */

uint64_t
model_group_lease(const struct model *model, uint32_t group)
{
	uint64_t read_ns = model->groups[group].read_ns;

	return read_ns == 0 ? 0 : read_ns + model->lease_ttl_ns;
}

/* What was written since the last read of its group is not leased by it. */
uint64_t
model_lease(const struct model *model, const struct model_object *object)
{
	if (object->group == 0)
		return object->lease_ns;
	return object->written_ns <= model->groups[object->group].read_ns
		       ? model_group_lease(model, object->group)
		       : 0;
}

static void
group_join(struct model *model, struct model_object *object, uint32_t group)
{
	bool is_new = true;

	for (uint32_t i = 0; i < MODEL_KEYS; i++)
		is_new &= !model->objects[i].there || model->objects[i].group != group;
	if (is_new)
		model->groups[group] = (struct model_group){0};
	object->group = group;
}

static void
lease(struct model *model, struct model_object *object, uint64_t now_ns)
{
	struct model_group *group = &model->groups[object->group];
	uint64_t until_ns = now_ns + model->lease_ttl_ns;

	if (object->group == 0 && object->lease_ns < until_ns)
		object->lease_ns = until_ns;
	if (object->group != 0 && group->read_ns != now_ns)
		*group = (struct model_group){now_ns, until_ns, until_ns};
}

/* A member enters the order of eviction: its group is as good as written now, or read. */
static void
group_renew(struct model *model, uint32_t number, uint64_t now_ns)
{
	struct model_group *group = &model->groups[number];

	if (model_group_lease(model, number) <= now_ns)
		group->from_ns = group->to_ns = now_ns;
	else
		group->to_ns = now_ns + model->lease_ttl_ns;
}

/* ---- puts ---- */

bool
model_put_start(struct model *model, const struct model_put *put, uint64_t now_ns)
{
	struct model_object *object = &model->objects[put->key];

	if (!object->there)
		return true;
	if (!object->writing || now_ns - object->started_ns < model->discard_ns)
		return false;
	for (uint32_t r = 0; r < object->replicas; r++)
		model_park(model, object, &object->replica[r],
			   object->started_ns + model->release_ns);
	model_object_drop(model, put->key);
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
		model_replica_add(model, &object, &descs[i]);
	if (count < put->replicas)
		must_be_full(model, &object);
	if (put->group != 0)
		group_join(model, &object, put->group);
	if (count > 0)
		model->objects[put->key] = object;
	else
		model_no_space(model);
	model->may_evict |= model_eviction_due(model);
}

/* ---- upserts ---- */

int32_t
model_upsert_start(const struct model *model, const struct model_put *put)
{
	const struct model_object *object = &model->objects[put->key];

	if (object->there && put->group != 0 && put->group != object->group)
		return INVALID_PARAMS;
	return object->busy ? BUSY : 0;
}

/* Bytes of the same size go to the same space, unless some of it is leaving. */
static bool
fits_in_place(const struct model *model, const struct model_object *object, uint64_t size)
{
	if (object->writing || object->size != size)
		return false;
	for (uint32_t r = 0; r < object->replicas; r++) {
		if (model->segments[object->replica[r].segment].state != MODEL_LIVE)
			return false;
	}
	return true;
}

static void
upsert_in_place(struct model *model, struct model_object *object,
		const struct mc_replica_desc *descs, uint32_t count, uint64_t now_ns)
{
	must(count == object->replicas);
	for (uint32_t r = 0; r < count; r++) {
		must(descs[r].id > model->id_last);
		must(descs[r].buffer.address == object->replica[r].address);
		must(descs[r].status == MC_REPLICA_PROCESSING);
		object->replica[r].id = model->id_last = descs[r].id;
		object->replica[r].complete = false;
	}
	object->readers_until_ns =
		model_lease(model, object) > now_ns ? model_lease(model, object) : 0;
	model->in_place++;
}

static void
upsert_replace(struct model *model, struct model_object *object, const struct model_put *put,
	       const struct mc_replica_desc *descs, uint32_t count, uint64_t now_ns)
{
	struct model_object fresh = *object;

	fresh.replicas = 0;
	fresh.size = put->size;
	fresh.readers_until_ns = 0;
	must(count <= put->replicas);
	for (uint32_t i = 0; i < count; i++)
		model_replica_add(model, &fresh, &descs[i]);
	if (count < put->replicas)
		must_be_full(model, &fresh);
	for (uint32_t r = 0; r < object->replicas; r++)
		model_park(model, object, &object->replica[r], now_ns + model->release_ns);
	*object = fresh;
	model->replaced++;
}

void
model_upsert_placed(struct model *model, const struct model_put *put,
		    const struct mc_replica_desc *descs, uint32_t count, uint64_t now_ns)
{
	struct model_object *object = &model->objects[put->key];

	if (!object->there) {
		model_put_placed(model, put, descs, count, now_ns);
		return;
	}
	if (fits_in_place(model, object, put->size)) {
		upsert_in_place(model, object, descs, count, now_ns);
	} else if (count > 0) {
		upsert_replace(model, object, put, descs, count, now_ns);
	} else {
		model_no_space(model); /* and nothing has happened to it */
		return;
	}
	/* the pin of a first write that did not end was never granted */
	object->hard = (object->hard && object->was_complete) || put->hard;
	object->soft = put->soft;
	object->pin_ttl_ns = put->pin_ttl_ns;
	object->owner = put->client;
	object->writing = true;
	object->lease_ns = object->started_ns = now_ns;
	model->may_evict |= model_eviction_due(model);
}

/* ---- ends, reads, removals ---- */

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

	if (code != 0)
		return code;
	if (!object->writing)
		return model_unfinished(object) ? INVALID_WRITE : 0;
	object->writing = false;
	object->lease_ns = now_ns;
	for (uint32_t r = 0; r < object->replicas; r++)
		object->replica[r].complete = true;
	if (object->soft == MC_SOFT_PIN_ENABLE)
		object->pinned_until_ns = now_ns + object->pin_ttl_ns;
	else if (object->soft == MC_SOFT_PIN_DISABLE)
		object->pinned_until_ns = 0;
	object->soft = MC_SOFT_PIN_PRESERVE;
	object->was_complete = true;
	object->written_ns = now_ns;
	if (object->group != 0 && !object->hard)
		group_renew(model, object->group, now_ns);
	/* who read what was there before may still read */
	if (object->readers_until_ns > now_ns)
		lease(model, object, now_ns);
	return 0;
}

int32_t
model_put_revoke(struct model *model, uint32_t client, uint32_t key, uint64_t now_ns)
{
	struct model_object *object = &model->objects[key];
	int32_t code = written(model, client, key);

	if (code != 0)
		return code;
	if (!object->writing)
		return INVALID_WRITE;
	for (uint32_t r = 0; object->readers_until_ns > now_ns && r < object->replicas; r++)
		model_park(model, object, &object->replica[r], object->readers_until_ns);
	model_object_drop(model, key);
	return 0;
}

bool
model_unfinished(const struct model_object *object)
{
	for (uint32_t r = 0; r < object->replicas; r++) {
		if (!object->replica[r].complete)
			return true;
	}
	return false;
}

static bool
readable(const struct model_object *object)
{
	for (uint32_t r = 0; r < object->replicas; r++) {
		if (object->replica[r].complete)
			return true;
	}
	return false;
}

int32_t
model_get(struct model *model, uint32_t key, uint64_t now_ns)
{
	struct model_object *object = &model->objects[key];

	if (!object->there)
		return OBJECT_NOT_FOUND;
	if (!readable(object))
		return NOT_READY;
	lease(model, object, now_ns);
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
	if (model_lease(model, object) > now_ns && !force)
		return LEASED;
	if (model_unfinished(object))
		return NOT_READY;
	if (object->busy)
		return BUSY;
	model_object_drop(model, key);
	return 0;
}

bool
model_clear(struct model *model, uint32_t client, uint32_t key, uint32_t name, uint64_t now_ns)
{
	struct model_object *object = &model->objects[key];
	bool cleared = false;

	if (written(model, client, key) != 0 || object->busy)
		return false;
	if (model_lease(model, object) > now_ns && !object->writing)
		return false;
	if (name == UINT32_MAX)
		return model_remove(model, key, false, now_ns) == 0;
	for (uint32_t r = object->replicas; r-- > 0;) {
		if (!object->replica[r].complete ||
		    model->segments[object->replica[r].segment].name != name)
			continue;
		model_replica_drop(object, r);
		cleared = true;
	}
	if (object->replicas == 0)
		model_object_drop(model, key);
	return cleared;
}
