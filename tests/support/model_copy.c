/* SPDX-License-Identifier: Apache-2.0 */
/* The model's copies and moves. */
#include "tests/support/model_private.h"

/* A name that no segment has, that no segment takes objects under, or one that is fine. */
static int32_t
name_state(const struct model *model, uint32_t name)
{
	int32_t code = NO_SEGMENT;

	for (uint32_t i = 0; i < MODEL_SEGMENTS; i++) {
		if (model->segments[i].name != name || model->segments[i].state == MODEL_ABSENT)
			continue;
		if (model->segments[i].state == MODEL_LIVE)
			return 0;
		code = UNAVAILABLE;
	}
	return code;
}

static uint32_t
source_of(const struct model *model, const struct model_object *object, uint32_t name)
{
	uint32_t r = 0;

	while (r < object->replicas && (!object->replica[r].complete ||
					model->segments[object->replica[r].segment].name != name))
		r++;
	return r;
}

int32_t
model_copy_start(const struct model *model, const struct model_copy *copy)
{
	const struct model_object *object = &model->objects[copy->key];

	for (uint32_t i = 0; i < copy->targets; i++) {
		int32_t code = name_state(model, copy->target[i]);

		if (copy->move && copy->source == copy->target[i])
			return INVALID_PARAMS;
		if (code != 0)
			return code;
	}
	if (!object->there)
		return OBJECT_NOT_FOUND;
	if (object->busy)
		return BUSY;
	return source_of(model, object, copy->source) == object->replicas ? REPLICA_NOT_FOUND : 0;
}

void
model_copy_begun(struct model *model, const struct model_copy *copy,
		 const struct mc_replica_desc *source, const struct mc_replica_desc *targets,
		 uint32_t count, uint64_t now_ns)
{
	struct model_object *object = &model->objects[copy->key];
	struct model_replica *from = &object->replica[source_of(model, object, copy->source)];
	uint32_t told = 0;

	must(source->id == from->id && source->buffer.address == from->address);
	must(source->status == MC_REPLICA_COMPLETE);
	from->source = true;
	for (uint32_t i = 0; i < copy->targets; i++) {
		if (model_name_used(model, object, copy->target[i]))
			continue;
		must(told < count);
		model_replica_add(model, object, &targets[told++]);
		must(model_name_used(model, object, copy->target[i]));
		object->replica[object->replicas - 1].target = true;
	}
	must(told == count);
	object->busy = true;
	object->moved = copy->move;
	object->copier = copy->client;
	object->targets = count;
	object->copied_ns = now_ns;
	model->may_evict |= model_eviction_due(model);
}

/* ---- ends ---- */

static void
forget(struct model *model, struct model_object *object, uint64_t now_ns)
{
	uint64_t lease_ns = model_group_lease(model, object->group);
	uint64_t renewed_ns = lease_ns > now_ns ? now_ns + model->lease_ttl_ns : now_ns;
	struct model_group *group = &model->groups[object->group];

	if (object->group != 0 && group->to_ns < renewed_ns)
		group->to_ns = renewed_ns;
	object->busy = false;
	for (uint32_t r = 0; r < object->replicas; r++)
		object->replica[r].source = object->replica[r].target = false;
}

static void
undo(struct model *model, uint32_t key, uint64_t park_until_ns, uint64_t now_ns)
{
	struct model_object *object = &model->objects[key];

	for (uint32_t r = object->replicas; r-- > 0;) {
		if (!object->replica[r].target)
			continue;
		if (park_until_ns != 0)
			model_park(model, object, &object->replica[r], park_until_ns);
		model_replica_drop(object, r);
	}
	forget(model, object, now_ns);
	if (object->replicas == 0)
		model_object_drop(model, key);
}

/* Whether the client may end it as the kind that it says. */
static int32_t
ending(const struct model *model, uint32_t client, uint32_t key, bool move)
{
	const struct model_object *object = &model->objects[key];

	if (!object->there)
		return OBJECT_NOT_FOUND;
	if (!object->busy)
		return NO_TASK;
	if (object->copier != client)
		return ILLEGAL_CLIENT;
	return object->moved == move ? 0 : INVALID_PARAMS;
}

static int32_t
end_with_source(struct model *model, struct model_object *object, uint32_t source, uint64_t now_ns)
{
	struct model_replica from = object->replica[source];
	bool move = object->moved;
	uint32_t left = 0;

	for (uint32_t r = 0; r < object->replicas; r++) {
		left += object->replica[r].target;
		object->replica[r].complete = true;
	}
	forget(model, object, now_ns);
	/* a move never takes the last replica away */
	if (left < object->targets || (move && object->replicas == 1))
		return REPLICA_GONE;
	if (move) {
		model_park(model, object, &from, now_ns + model->release_ns);
		model_replica_drop(object, source);
	}
	return 0;
}

int32_t
model_copy_end(struct model *model, uint32_t client, uint32_t key, bool move, uint64_t now_ns)
{
	struct model_object *object = &model->objects[key];
	int32_t code = ending(model, client, key, move);
	uint32_t source = 0;

	if (code != 0)
		return code;
	while (source < object->replicas && !object->replica[source].source)
		source++;
	if (source < object->replicas) {
		code = end_with_source(model, object, source, now_ns);
	} else {
		undo(model, key, 0, now_ns);
		code = REPLICA_GONE;
	}
	if (code == 0)
		model->copied++;
	else
		model->copies_lost++;
	return code;
}

int32_t
model_copy_revoke(struct model *model, uint32_t client, uint32_t key, bool move, uint64_t now_ns)
{
	int32_t code = ending(model, client, key, move);

	if (code == 0)
		undo(model, key, 0, now_ns);
	return code;
}

/* ---- copies that nobody ends: the copier may still write until its time is over ---- */

static void
abandon(struct model *model, uint32_t key, uint64_t now_ns)
{
	struct model_object *object = &model->objects[key];
	uint64_t until_ns = object->copied_ns + model->release_ns;

	undo(model, key, until_ns > now_ns ? until_ns : 0, now_ns);
	if (object->there)
		object->let_go_ns = now_ns;
	model->copies_undone++;
}

void
model_copies_expire(struct model *model, uint64_t now_ns)
{
	for (uint32_t i = 0; i < MODEL_KEYS; i++) {
		const struct model_object *object = &model->objects[i];

		if (object->busy && now_ns - object->copied_ns >= model->release_ns)
			abandon(model, i, now_ns);
	}
}

void
model_copies_lose(struct model *model, uint32_t client, uint64_t now_ns)
{
	for (uint32_t i = 0; i < MODEL_KEYS; i++) {
		if (model->objects[i].busy && model->objects[i].copier == client)
			abandon(model, i, now_ns);
	}
}
