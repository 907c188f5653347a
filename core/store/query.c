/* SPDX-License-Identifier: Apache-2.0 */
/* Ops that are one question to the master: exist, size, remove; and the first one of a get. */
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/store/private.h"

void
store_op_ask(struct store_op *op, enum mc_fn one, enum mc_fn many,
	     void (*answered)(struct store_call *call, enum mc_status status, const uint8_t *body,
			      size_t len))
{
	struct mc_str *keys = malloc((op->count + 1) * sizeof(*keys));
	struct mc_args args;

	if (keys == NULL) {
		store_op_fail(op, MC_ERR_NO_MEMORY);
		return;
	}
	store_args_init(op->store, &args);
	op->asked = 0;
	for (uint32_t i = store_op_live(op, 0); i < op->count; i = store_op_live(op, i + 1))
		keys[op->asked++] = op->objects[i].key;
	args.key = keys[0];
	args.keys = (struct mc_vec){.items = keys, .count = op->asked, .stride = sizeof(keys[0])};
	args.force = op->force;
	op->stage = OP_ASKING;
	op->sent_ns = mc_clock_mono_ns();
	op->call.answered = answered;
	store_op_ref(op);
	store_call(op->store, &op->call, op->asked > 1 ? many : one, &args);
	free(keys);
}

/* ---- what each asks ---- */

struct query {
	enum mc_fn one, many;
};

static const struct query *
query_of(enum mc_store_op kind)
{
	static const struct query exist = {MC_FN_EXIST_KEY, MC_FN_BATCH_EXIST_KEY};
	static const struct query size = {MC_FN_GET_REPLICA_LIST, MC_FN_BATCH_GET_REPLICA_LIST};
	static const struct query remove = {MC_FN_REMOVE, MC_FN_BATCH_REMOVE};

	return kind == MC_STORE_EXIST ? &exist : kind == MC_STORE_SIZE ? &size : &remove;
}

union answer {
	struct mc_result_void removed;
	struct mc_result_bool there;
	struct mc_result_replicas replicas;
};

/* The bytes of an object, whatever its replicas lie in. */
static uint64_t
replicas_length(const struct mc_vec *replicas)
{
	struct mc_vec_cursor cursor = {0};
	struct mc_replica_desc replica;

	if (!mc_vec_next_replica(replicas, &cursor, STORE_RELEASE, &replica))
		return 0;
	if (replica.type == MC_REPLICA_MEMORY || replica.type == MC_REPLICA_NOF_SSD)
		return replica.buffer.size;
	return replica.object_size;
}

static void
answer_take(enum mc_store_op kind, struct store_object *object, const union answer *answer)
{
	/* each begins with its error */
	enum mc_status st = mc_wire_error_status(answer->removed.error);

	if (kind == MC_STORE_EXIST && st == MC_OK && !answer->there.value)
		st = MC_ERR_OBJECT_NOT_FOUND;
	if (kind == MC_STORE_SIZE && st == MC_OK)
		object->length = replicas_length(&answer->replicas.value.replicas);
	store_object_end(object, st);
}

static enum mc_status
query_decode(struct store_op *op, const uint8_t *body, size_t len)
{
	const struct query *query = query_of(op->kind);
	struct mc_vec_cursor cursor = {0};
	struct mc_result_vec results;
	union answer answer;
	enum mc_status st;

	if (op->asked == 1) {
		st = mc_result_decode(body, len, query->one, STORE_RELEASE, &answer);
		if (st == MC_OK)
			answer_take(op->kind, &op->objects[store_op_live(op, 0)], &answer);
		return st;
	}
	st = mc_result_decode(body, len, query->many, STORE_RELEASE, &results);
	for (uint32_t i = store_op_live(op, 0); st == MC_OK && i < op->count;
	     i = store_op_live(op, i + 1)) {
		if (!mc_vec_next_result(&results.value, &cursor, query->many, STORE_RELEASE,
					&answer))
			return MC_ERR_BAD_MESSAGE;
		answer_take(op->kind, &op->objects[i], &answer);
	}
	return st;
}

static void
query_answered(struct store_call *call, enum mc_status status, const uint8_t *body, size_t len)
{
	struct store_op *op = mc_container_of(call, struct store_op, call);

	if (op->stage != OP_OVER) {
		if (status == MC_OK)
			status = query_decode(op, body, len);
		store_op_fail(op, status);
	}
	store_op_unref(op);
}

void
store_query_begin(struct store_op *op)
{
	const struct query *query = query_of(op->kind);

	store_op_ask(op, query->one, query->many, query_answered);
}
