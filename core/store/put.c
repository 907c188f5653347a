/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A put: reserve room (PutStart), write all replicas, commit (PutEnd). What cannot be committed is
 * taken back (PutRevoke). An upsert is the same in the Upsert calls.
 *
 * The deadline ends it at every step. Under way the batch has it: it touches no byte afterwards.
 * An answer to PutStart that comes later still is answered by a revoke, so no room is lost. Only
 * what was written whole before the deadline is committed; if no answer to that comes in time, the
 * object is revoked and removed, as it may be complete by then.
 */
#include <stdlib.h>
#include <string.h>

#include "core/store/private.h"

/* ---- what is sent ---- */

/* The functions of puts and of upserts, for one object and for many. */
struct put_fns {
	enum mc_fn start, end, revoke;
};

static struct put_fns
fns_of(enum mc_store_op kind, bool batch)
{
	static const struct put_fns fns[2][2] = {
		{{MC_FN_PUT_START, MC_FN_PUT_END, MC_FN_PUT_REVOKE},
		 {MC_FN_BATCH_PUT_START, MC_FN_BATCH_PUT_END, MC_FN_BATCH_PUT_REVOKE}},
		{{MC_FN_UPSERT_START, MC_FN_UPSERT_END, MC_FN_UPSERT_REVOKE},
		 {MC_FN_BATCH_UPSERT_START, MC_FN_BATCH_UPSERT_END, MC_FN_BATCH_UPSERT_REVOKE}},
	};

	return fns[kind == MC_STORE_UPSERT][batch];
}

/* Arrays of the objects that a message is about. */
struct put_lists {
	struct mc_str *keys;
	uint64_t *lengths;
	struct mc_object_meta *metas;
	struct mc_str *groups;
	uint32_t count;
	void *memory;
};

static enum mc_status
lists_init(struct put_lists *lists, uint32_t most)
{
	size_t each = 2 * sizeof(struct mc_str) + sizeof(uint64_t) + sizeof(struct mc_object_meta);
	char *at = malloc(most * each + 1);

	if (at == NULL)
		return MC_ERR_NO_MEMORY;
	lists->memory = at;
	lists->count = 0;
	lists->metas = (struct mc_object_meta *)at;
	lists->keys = (struct mc_str *)(lists->metas + most);
	lists->groups = lists->keys + most;
	lists->lengths = (uint64_t *)(lists->groups + most);
	return MC_OK;
}

static void
lists_add(struct put_lists *lists, const struct store_op *op, uint32_t index)
{
	const struct store_object *object = &op->objects[index];
	uint32_t at = lists->count++;

	lists->keys[at] = object->key;
	lists->lengths[at] = object->length;
	lists->metas[at] = (struct mc_object_meta){
		.key = object->key,
		.checksum = {.present = object->has_crc64, .value = object->crc64},
	};
	if (op->stage != OP_OVER && op->config != NULL && op->config->group_ids != NULL)
		lists->groups[at] = store_str(op->config->group_ids[index]);
}

static struct mc_vec
vec_of(const void *items, uint32_t count, uint32_t stride)
{
	return (struct mc_vec){.items = items, .count = count, .stride = stride};
}

static void
args_fill(const struct mc_store *store, struct mc_args *args, const struct put_lists *lists)
{
	store_args_init(store, args);
	args->replica_type = MC_REPLICA_ALL;
	args->key = lists->keys[0];
	args->slice_length = lists->lengths[0];
	args->object_meta = lists->metas[0];
	args->keys = vec_of(lists->keys, lists->count, sizeof(lists->keys[0]));
	args->slice_lengths = vec_of(lists->lengths, lists->count, sizeof(lists->lengths[0]));
	args->object_metas = vec_of(lists->metas, lists->count, sizeof(lists->metas[0]));
}

/* @preferred: room for the names. */
static void
config_fill(const struct mc_store *store, const struct mc_store_config *config,
	    const struct put_lists *lists, struct mc_str *preferred,
	    struct mc_replicate_config *out)
{
	out->replica_num = 1;
	out->host_id = store_str(store->host_id);
	if (config == NULL)
		return;
	if (config->replicas > 0)
		out->replica_num = config->replicas;
	out->with_hard_pin = config->hard_pin;
	out->soft_pin_action = (uint8_t)config->soft_pin;
	out->soft_pin_ttl_ms = (struct mc_opt_u64){.present = config->soft_pin_ttl_ms > 0,
						   .value = config->soft_pin_ttl_ms};
	out->prefer_same_node = config->prefer_same_node;
	out->data_type = config->data_type;
	out->preferred_segment = store_str(config->preferred_segment);
	for (uint32_t i = 0; i < config->preferred_segments_count; i++)
		preferred[i] = store_str(config->preferred_segments[i]);
	out->preferred_segments =
		vec_of(preferred, config->preferred_segments_count, sizeof(preferred[0]));
	out->has_group_ids = config->group_ids != NULL;
	if (out->has_group_ids)
		out->group_ids = vec_of(lists->groups, lists->count, sizeof(lists->groups[0]));
}

/* ---- taking back ---- */

/* A call that nobody waits for. */
struct put_revoke {
	struct store_call call;
};

static void
revoke_answered(struct store_call *call, enum mc_status status, const uint8_t *body, size_t len)
{
	/* an error says that there is nothing to take back; a lost one is the master's to find */
	free(mc_container_of(call, struct put_revoke, call));
}

/* Objects that were started and did not end well: @one for a single one, @many for more. */
static void
op_take_back(struct store_op *op, enum mc_fn one, enum mc_fn many)
{
	struct put_lists lists;
	struct put_revoke *revoke;
	struct mc_args args;

	if (lists_init(&lists, op->count) != MC_OK)
		return;
	for (uint32_t i = 0; i < op->count; i++) {
		if (op->objects[i].started && op->objects[i].status != MC_OK)
			lists_add(&lists, op, i);
	}
	revoke = lists.count > 0 ? calloc(1, sizeof(*revoke)) : NULL;
	if (revoke != NULL) {
		args_fill(op->store, &args, &lists);
		args.force = true;	/* of removals */
		revoke->call.answered = revoke_answered;
		store_call(op->store, &revoke->call, lists.count > 1 ? many : one, &args);
	}
	free(lists.memory);
}

static void
op_revoke(struct store_op *op)
{
	op_take_back(op, fns_of(op->kind, false).revoke, fns_of(op->kind, true).revoke);
}

void
store_put_expired(struct store_op *op)
{
	for (uint32_t i = store_op_live(op, 0); i < op->count; i = store_op_live(op, i + 1))
		op->objects[i].status = MC_ERR_TIMEOUT;
	/* what was asked for and not answered is taken back when the answer comes */
	if (op->stage == OP_RESOLVING || op->stage == OP_ENDING)
		op_revoke(op);
	/* if the master heard that it is complete, it refuses to revoke */
	if (op->stage == OP_ENDING)
		op_take_back(op, MC_FN_REMOVE, MC_FN_BATCH_REMOVE);
}

/* ---- the end ---- */

static void
put_ended_one(struct store_object *object, int32_t error)
{
	store_object_end(object, mc_wire_error_status(error));
}

static enum mc_status
put_end_decode(struct store_op *op, const uint8_t *body, size_t len)
{
	bool batch = store_op_live_count(op) > 1;
	enum mc_fn fn = fns_of(op->kind, batch).end;
	struct mc_vec_cursor cursor = {0};
	struct mc_result_void result;
	struct mc_result_vec results;
	enum mc_status st;

	if (!batch) {
		st = mc_result_decode(body, len, fn, STORE_RELEASE, &result);
		if (st == MC_OK)
			put_ended_one(&op->objects[store_op_live(op, 0)], result.error);
		return st;
	}
	st = mc_result_decode(body, len, fn, STORE_RELEASE, &results);
	for (uint32_t i = store_op_live(op, 0); st == MC_OK && i < op->count;
	     i = store_op_live(op, i + 1)) {
		if (!mc_vec_next_result(&results.value, &cursor, fn, STORE_RELEASE, &result))
			return MC_ERR_BAD_MESSAGE;
		put_ended_one(&op->objects[i], result.error);
	}
	return st;
}

static void
put_ended(struct store_call *call, enum mc_status status, const uint8_t *body, size_t len)
{
	struct store_op *op = mc_container_of(call, struct store_op, call);

	if (op->stage != OP_OVER) {
		if (status == MC_OK)
			status = put_end_decode(op, body, len);
		store_op_fail(op, status);
		op_revoke(op);
	}
	store_op_unref(op);
}

static void
put_end(struct store_op *op)
{
	struct put_lists lists;
	struct mc_args args;

	op->stage = OP_ENDING;
	if (lists_init(&lists, op->count) != MC_OK) {
		store_put_expired(op);
		store_op_fail(op, MC_ERR_NO_MEMORY);
		return;
	}
	for (uint32_t i = store_op_live(op, 0); i < op->count; i = store_op_live(op, i + 1))
		lists_add(&lists, op, i);
	args_fill(op->store, &args, &lists);
	op->call.answered = put_ended;
	store_op_ref(op);
	store_call(op->store, &op->call, fns_of(op->kind, lists.count > 1).end, &args);
	free(lists.memory);
}

/* ---- the middle ---- */

static enum mc_status
object_moved(const struct store_op *op, const struct store_object *object)
{
	for (uint32_t i = 0; i < object->places_count; i++) {
		enum mc_status st = mc_batch_status(op->batch, object->request + i);

		if (st == MC_ERR_TIMEOUT || st == MC_ERR_CANCELED)
			return st;
		if (st != MC_OK)
			return MC_ERR_TRANSFER;
	}
	return MC_OK;
}

void
store_put_moved(struct store_op *op)
{
	for (uint32_t i = store_op_live(op, 0); i < op->count; i = store_op_live(op, i + 1)) {
		enum mc_status st = object_moved(op, &op->objects[i]);

		if (st != MC_OK)
			store_object_end(&op->objects[i], st);
	}
	if (op->copy) {
		store_op_fail(op, MC_OK);
	} else if (store_op_live_count(op) == 0) {
		store_op_ref(op);
		store_op_end(op);
		op_revoke(op);
		store_op_unref(op);
	} else if (store_op_rearm(op)) {
		put_end(op);
	} else {
		op->stage = OP_RESOLVING;	/* written, not committed: taken back */
		store_put_expired(op);
		store_op_fail(op, MC_ERR_TIMEOUT);
	}
}

/* ---- the beginning ---- */

/* Where to write: all replicas in memory, each with its trailer. */
static enum mc_status
places_set(struct store_op *op, struct store_object *object, const struct mc_vec *replicas)
{
	struct mc_vec_cursor cursor = {0};
	struct mc_replica_desc replica;
	struct trailer trailer = {
		.kind = op->store->checksum ? TRAILER_XXH3 : TRAILER_NONE,
		.checksum = object->checksum,
		.length = object->length,
	};
	enum mc_status st;
	uint32_t at = 0;

	st = store_object_places(object, store_places_most(replicas));
	while (st == MC_OK && mc_vec_next_replica(replicas, &cursor, STORE_RELEASE, &replica)) {
		struct store_place *place = &object->places[at];

		if (replica.type != MC_REPLICA_MEMORY)
			continue;
		if (at == object->places_count || replica.buffer.size != object->length)
			return MC_ERR_BAD_MESSAGE;
		place->peer = store_peer_get(op->store, replica.buffer.endpoint);
		if (place->peer == NULL)
			return MC_ERR_TRANSFER;
		place->address = replica.buffer.address;
		place->id = replica.id;
		if ((place->id & MC_REPLICA_PROMISE) != 0) {
			trailer.key_hash = trailer_key_hash(store_str(op->store->tenant),
							    object->key);
			trailer.replica_id = place->id;
			trailer_store(&trailer, place->trailer);
		}
		at++;
	}
	object->places_count = (uint8_t)at;
	return st != MC_OK ? st : at > 0 ? MC_OK : MC_ERR_UNSUPPORTED;
}

static void
put_started_one(struct store_op *op, struct store_object *object,
		const struct mc_result_vec *result)
{
	enum mc_status st = mc_wire_error_status(result->error);

	/* as upstream's clients: what is there stays, and that is no error */
	if (st == MC_ERR_OBJECT_EXISTS && op->kind == MC_STORE_PUT) {
		store_object_end(object, MC_OK);
		return;
	}
	object->started = st == MC_OK;
	if (st == MC_OK && op->stage != OP_OVER)
		st = places_set(op, object, &result->value);
	if (st != MC_OK)
		store_object_end(object, st);
}

/* Whether the objects of an answer are to be taken: those that were asked about. */
static bool
was_asked(const struct store_op *op, uint32_t index)
{
	return op->objects[index].stage == OBJECT_LIVE ||
	       (op->stage == OP_OVER && op->objects[index].asked);
}

static enum mc_status
put_start_decode(struct store_op *op, const uint8_t *body, size_t len)
{
	enum mc_fn fn = fns_of(op->kind, op->asked > 1).start;
	struct mc_vec_cursor cursor = {0};
	struct mc_result_vec result, results;
	enum mc_status st = mc_result_decode(body, len, fn, STORE_RELEASE,
					     op->asked > 1 ? &results : &result);

	for (uint32_t i = 0; st == MC_OK && i < op->count; i++) {
		if (!was_asked(op, i))
			continue;
		if (op->asked > 1 &&
		    !mc_vec_next_result(&results.value, &cursor, fn, STORE_RELEASE, &result))
			return MC_ERR_BAD_MESSAGE;
		put_started_one(op, &op->objects[i], &result);
	}
	return st;
}

static void
put_started(struct store_call *call, enum mc_status status, const uint8_t *body, size_t len)
{
	struct store_op *op = mc_container_of(call, struct store_op, call);

	if (status == MC_OK)
		status = put_start_decode(op, body, len);
	/* a connection that was lost may have carried it: the master may hold room all the same */
	for (uint32_t i = 0; status == MC_ERR_UNREACHABLE && i < op->count; i++)
		op->objects[i].started |= op->objects[i].asked;
	if (op->stage != OP_OVER && status == MC_OK) {
		store_op_resolve(op);
	} else {
		if (op->stage != OP_OVER)
			store_op_fail(op, status);
		/* too late, or wrong: the statuses say that nothing went well */
		op_revoke(op);
	}
	store_op_unref(op);
}

void
store_put_begin(struct store_op *op)
{
	const struct mc_store_config *config = op->config;
	struct put_lists lists;
	struct mc_str *preferred = NULL;
	struct mc_args args;

	if (lists_init(&lists, op->count) != MC_OK) {
		store_op_fail(op, MC_ERR_NO_MEMORY);
		return;
	}
	if (config != NULL && config->preferred_segments_count > 0) {
		preferred = calloc(config->preferred_segments_count, sizeof(*preferred));
		if (preferred == NULL) {
			free(lists.memory);
			store_op_fail(op, MC_ERR_NO_MEMORY);
			return;
		}
	}
	for (uint32_t i = store_op_live(op, 0); i < op->count; i = store_op_live(op, i + 1)) {
		lists_add(&lists, op, i);
		op->objects[i].asked = true;
	}
	args_fill(op->store, &args, &lists);
	config_fill(op->store, config, &lists, preferred, &args.config);
	op->asked = lists.count;
	op->stage = OP_ASKING;
	op->call.answered = put_started;
	store_op_ref(op);
	store_call(op->store, &op->call, fns_of(op->kind, lists.count > 1).start, &args);
	free(preferred);
	free(lists.memory);
}
