/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CopyStart and MoveStart, and what ends them: a client reads one replica of an object, the source,
 * and writes fresh ones, the targets. In between the object is busy: it stays where it is, and
 * readers get it as before. CopyEnd makes the targets readable, MoveEnd removes the source as well.
 *
 * Segments may die at any time, with the source or with targets. What was written from a source
 * that is gone is not trusted. A client that expires, or lets put_release_ns pass, has its copies
 * rolled back; until put_release_ns after the start it may still write, so that space is parked.
 */
#include <stdlib.h>

#include "core/master/state.h"
#include "mc/log.h"

/* Entries looked at per pass of the reactor, and copies rolled back. */
#define SWEEP_SLICE  1024u
#define EXPIRE_SLICE 128u

struct master_copy {
	uint64_t started_ns;
	uint32_t object; /* MC_OBJECT_NONE: the entry is free */
	uint32_t client; /* that carries it out */
	uint32_t newer;	 /* by their start; of a free entry: the next free one */
	uint32_t older;
	uint8_t targets; /* replicas that were begun */
	bool move;
};

struct master_copies {
	struct master_copy *at;
	uint32_t room;
	uint32_t used; /* entries ever used */
	uint32_t free; /* a free entry, or MC_NUMBER_NONE; as are the two below */
	uint32_t oldest;
	uint32_t newest;
	uint32_t sweep; /* the next one to look at for a client that is gone */
};

enum mc_status
mc_copies_init(struct mc_master *master)
{
	struct master_copies *copies = calloc(1, sizeof(*copies));

	if (copies == NULL)
		return MC_ERR_NO_MEMORY;
	copies->free = copies->oldest = copies->newest = copies->sweep = MC_NUMBER_NONE;
	master->copies = copies;
	return MC_OK;
}

void
mc_copies_fini(struct mc_master *master)
{
	if (master->copies != NULL)
		free(master->copies->at);
	free(master->copies);
}

/* ---- entries ---- */

static enum mc_status
entry_take(struct master_copies *copies, uint32_t *entry_out)
{
	uint32_t room = copies->room == 0 ? 64 : copies->room * 2;
	struct master_copy *at;

	if (copies->free != MC_NUMBER_NONE) {
		*entry_out = copies->free;
		copies->free = copies->at[copies->free].newer;
		return MC_OK;
	}
	if (copies->used == copies->room) {
		at = realloc(copies->at, room * sizeof(*at));
		if (at == NULL)
			return MC_ERR_NO_MEMORY;
		copies->at = at;
		copies->room = room;
	}
	*entry_out = copies->used++;
	return MC_OK;
}

static void
entry_give(struct master_copies *copies, uint32_t entry)
{
	copies->at[entry] = (struct master_copy){.object = MC_OBJECT_NONE, .newer = copies->free};
	copies->free = entry;
}

static void
entry_link(struct master_copies *copies, uint32_t entry)
{
	struct master_copy *copy = &copies->at[entry];

	copy->older = copies->newest;
	copy->newer = MC_NUMBER_NONE;
	if (copies->newest != MC_NUMBER_NONE)
		copies->at[copies->newest].newer = entry;
	else
		copies->oldest = entry;
	copies->newest = entry;
}

static void
entry_unlink(struct master_copies *copies, const struct master_copy *copy)
{
	if (copy->newer != MC_NUMBER_NONE)
		copies->at[copy->newer].older = copy->older;
	else
		copies->newest = copy->older;
	if (copy->older != MC_NUMBER_NONE)
		copies->at[copy->older].newer = copy->newer;
	else
		copies->oldest = copy->newer;
}

static struct master_copy *
copy_of(struct mc_master *master, uint32_t object)
{
	return &master->copies->at[mc_table_extra_of(master->table, object)->copy];
}

/* ---- the end, whichever ---- */

void
mc_copy_forget(struct mc_master *master, uint32_t object)
{
	struct mc_object *obj = master_object(master, object);
	struct master_copies *copies = master->copies;
	struct master_copy *copy = copy_of(master, object);
	uint32_t client = copy->client;

	for (unsigned int i = 0; i < obj->replicas; i++)
		mc_object_replicas(obj)[i].flags &=
			(uint8_t) ~(MC_REPLICA_SOURCE | MC_REPLICA_TARGET);
	mc_object_busy_clear(master, object);
	entry_unlink(copies, copy);
	entry_give(copies, (uint32_t)(copy - copies->at));
	mc_table_extra_trim(master->table, object);
	master->clients[client].copies--;
	mc_client_settle(master, client);
}

/* Gives the targets' space back, or parks it until @park_until_ns. */
static void
targets_drop(struct mc_master *master, uint32_t object, uint64_t park_until_ns)
{
	struct mc_object *obj = master_object(master, object);

	for (unsigned int i = obj->replicas; i-- > 0;) {
		if ((mc_object_replicas(obj)[i].flags & MC_REPLICA_TARGET) != 0)
			mc_replica_drop(master, object, i, park_until_ns);
	}
}

/* As if it had never begun; of an object that lost its source nothing may be left. */
static void
copy_undo(struct mc_master *master, uint32_t object, uint64_t park_until_ns)
{
	targets_drop(master, object, park_until_ns);
	mc_copy_forget(master, object);
	if (master_object(master, object)->replicas == 0)
		mc_object_delete(master, object);
}

/* Index of the source, or -1. */
static int
source_index(struct mc_object *obj)
{
	for (unsigned int i = 0; i < obj->replicas; i++) {
		if ((mc_object_replicas(obj)[i].flags & MC_REPLICA_SOURCE) != 0)
			return (int)i;
	}
	return -1;
}

/* The targets become readable; returns how many there still are. */
static unsigned int
targets_complete(struct mc_object *obj)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < obj->replicas; i++) {
		struct mc_replica *replica = &mc_object_replicas(obj)[i];

		if ((replica->flags & MC_REPLICA_TARGET) == 0)
			continue;
		replica->status = MC_REPLICA_COMPLETE;
		count++;
	}
	return count;
}

static enum mc_status
copy_end(struct mc_master *master, uint32_t object)
{
	struct mc_object *obj = master_object(master, object);
	const struct master_copy *copy = copy_of(master, object);
	int source = source_index(obj);
	bool gone, move = copy->move;

	if (source < 0) {
		copy_undo(master, object, 0);
		return MC_ERR_REPLICA_GONE;
	}
	gone = targets_complete(obj) < copy->targets;
	/* a move to where a replica was before, which has gone since */
	if (move && obj->replicas == 1)
		gone = true;
	mc_copy_forget(master, object);
	/* parked, as readers may have its address */
	if (move && !gone)
		mc_replica_drop(master, object, (unsigned int)source,
				mc_reactor_now(master->exec) + master->params.put_release_ns);
	return gone ? MC_ERR_REPLICA_GONE : MC_OK;
}

/* ---- the start ---- */

struct copy_request {
	struct mc_uuid client_id;
	struct mc_str key;
	struct mc_str source;
	struct mc_vec targets;
	bool move;
};

static enum mc_status
targets_check(const struct mc_master *master, const struct copy_request *request)
{
	struct mc_vec_cursor cursor = {0};
	struct mc_str target;
	enum mc_status st = MC_OK;

	if (request->targets.count > MC_REPLICAS_MAX)
		return MC_ERR_INVALID;
	while (st == MC_OK && mc_vec_next_str(&request->targets, &cursor, &target)) {
		if (request->move && mc_str_equal(request->source, target))
			return MC_ERR_INVALID;
		st = mc_name_check(master, target);
	}
	return st;
}

/* The object, which must be free for a copy, and the index of its source. */
static enum mc_status
source_find(struct mc_master *master, const struct copy_request *request, uint32_t *object_out,
	    unsigned int *source_out)
{
	uint32_t name = mc_name_find(master, request->source);
	uint32_t object = mc_object_find(master, request->key,
					 mc_table_hash(request->key.ptr, request->key.len));
	struct mc_object *obj;

	if (object == MC_OBJECT_NONE)
		return MC_ERR_OBJECT_NOT_FOUND;
	obj = master_object(master, object);
	if (mc_object_busy(obj))
		return MC_ERR_OBJECT_BUSY;
	for (unsigned int i = 0; i < obj->replicas; i++) {
		const struct mc_replica *replica = &mc_object_replicas(obj)[i];

		if (replica->status != MC_REPLICA_COMPLETE ||
		    master->segments[replica->segment].name != name)
			continue;
		*object_out = object;
		*source_out = i;
		return MC_OK;
	}
	return MC_ERR_REPLICA_NOT_FOUND;
}

/* One replica on each target that has none yet: all of them, or none. */
static enum mc_status
targets_take(struct mc_master *master, uint32_t *object, const struct copy_request *request)
{
	struct mc_object *obj = master_object(master, *object);
	struct mc_vec_cursor cursor = {0};
	unsigned int before = obj->replicas;
	struct mc_str target;

	while (mc_vec_next_str(&request->targets, &cursor, &target)) {
		uint32_t name = mc_name_find(master, target);
		enum mc_status st;

		obj = master_object(master, *object);
		if (mc_placed_on(master, obj, name))
			continue;
		st = mc_object_widen(master, object, obj->replicas + 1u);
		if (st == MC_OK && !mc_place_on(master, *object, name))
			st = MC_ERR_NO_SPACE;
		obj = master_object(master, *object);
		if (st == MC_OK) {
			mc_object_replicas(obj)[obj->replicas - 1].flags = MC_REPLICA_TARGET;
			continue;
		}
		while (obj->replicas > before)
			mc_replica_drop(master, *object, obj->replicas - 1u, 0);
		return st;
	}
	return MC_OK;
}

/* Everything that may fail is done: the object is busy from now on. */
static void
copy_begin(struct mc_master *master, uint32_t object, uint32_t entry, uint32_t client, bool move)
{
	struct mc_object *obj = master_object(master, object);
	struct master_copy *copy = &master->copies->at[entry];

	*copy = (struct master_copy){
		.started_ns = mc_reactor_now(master->exec),
		.object = object,
		.client = client,
		.move = move,
	};
	for (unsigned int i = 0; i < obj->replicas; i++)
		copy->targets += (mc_object_replicas(obj)[i].flags & MC_REPLICA_TARGET) != 0;
	entry_link(master->copies, entry);
	mc_table_extra_of(master->table, object)->copy = entry;
	master->clients[client].copies++;
	mc_object_busy_set(master, object);
}

static enum mc_status
copy_start(struct mc_master *master, const struct copy_request *request, uint32_t *object_out)
{
	struct mc_object_extra *extra;
	unsigned int source;
	uint32_t object, client, entry;
	enum mc_status st = targets_check(master, request);

	if (st == MC_OK)
		st = source_find(master, request, &object, &source);
	if (st == MC_OK)
		st = mc_client_ref(master, request->client_id, &client);
	if (st != MC_OK)
		return st;
	st = entry_take(master->copies, &entry);
	if (st != MC_OK)
		goto settle;
	st = mc_table_extra(master->table, object, &extra);
	if (st == MC_OK)
		st = targets_take(master, &object, request);
	if (st != MC_OK)
		goto give;
	mc_object_replicas(master_object(master, object))[source].flags |= MC_REPLICA_SOURCE;
	copy_begin(master, object, entry, client, request->move);
	*object_out = object;
	return MC_OK;
give:
	mc_table_extra_trim(master->table, object);
	entry_give(master->copies, entry);
settle:
	mc_client_settle(master, client);
	if (st == MC_ERR_NO_SPACE)
		mc_evict_want(master);
	return st;
}

/* ---- copies that nobody ends ---- */

void
mc_copies_sweep(struct mc_master *master)
{
	master->copies->sweep = 0;
}

static void
copy_abandon(struct mc_master *master, const struct master_copy *copy)
{
	uint32_t object = copy->object;
	uint64_t until = copy->started_ns + master->params.put_release_ns;

	MC_LOG_LIMITED(MC_LOG_WARN, "a %s that nobody ended is rolled back",
		       copy->move ? "move" : "copy");
	copy_undo(master, object, until > mc_reactor_now(master->exec) ? until : 0);
}

static uint32_t
sweep_work(struct mc_master *master)
{
	struct master_copies *copies = master->copies;
	uint32_t n = 0;

	for (; copies->sweep < copies->used && n < SWEEP_SLICE; n++) {
		const struct master_copy *copy = &copies->at[copies->sweep++];

		if (copy->object != MC_OBJECT_NONE && master->clients[copy->client].expired)
			copy_abandon(master, copy);
	}
	if (copies->sweep >= copies->used)
		copies->sweep = MC_NUMBER_NONE;
	return n;
}

uint32_t
mc_copies_work(struct mc_master *master)
{
	struct master_copies *copies = master->copies;
	uint64_t now = mc_reactor_now(master->exec);
	uint32_t n = copies->sweep != MC_NUMBER_NONE ? sweep_work(master) : 0;

	for (uint32_t i = 0; i < EXPIRE_SLICE && copies->oldest != MC_NUMBER_NONE; i++, n++) {
		const struct master_copy *copy = &copies->at[copies->oldest];

		if (now - copy->started_ns < master->params.put_release_ns)
			break;
		copy_abandon(master, copy);
	}
	return n;
}

/* ---- the functions of the protocol ---- */

/* What a client is told to read from, and to write to. */
static void
copy_describe(struct master_op *op, uint32_t object, struct mc_replica_desc *source,
	      struct desc_list *targets)
{
	struct mc_object *obj = master_object(op->master, object);

	targets->count = 0;
	for (unsigned int i = 0; i < obj->replicas; i++) {
		const struct mc_replica *replica = &mc_object_replicas(obj)[i];

		if ((replica->flags & MC_REPLICA_SOURCE) != 0)
			mc_replica_describe(op->master, obj, replica, op->answer, source);
		if ((replica->flags & MC_REPLICA_TARGET) != 0)
			mc_replica_describe(op->master, obj, replica, op->answer,
					    &targets->desc[targets->count++]);
	}
}

enum mc_rpc_verdict
mc_master_copy_start(struct master_op *op)
{
	struct copy_request request = {
		.client_id = op->args->client_id,
		.key = op->args->key,
		.source = op->args->source,
		.targets = op->args->targets,
		.move = op->request->fn == MC_FN_MOVE_START,
	};
	struct mc_result_copy result = {0};
	struct desc_list targets;
	uint32_t object = MC_OBJECT_NONE;

	if (request.move)
		request.targets =
			(struct mc_vec){&op->args->target, 1, sizeof(op->args->target), 0, 0};
	result.error = mc_wire_error(copy_start(op->master, &request, &object));
	if (result.error == 0) {
		copy_describe(op, object, &result.source, &targets);
		result.targets =
			(struct mc_vec){targets.desc, targets.count, sizeof(targets.desc[0]), 0, 0};
		mc_evict_check(op->master);
	}
	return mc_op_result(op, &result, result.error);
}

/* The object of an end, which the caller began. */
static enum mc_status
busy_object(struct mc_master *master, const struct mc_args *args, uint32_t *object_out)
{
	uint32_t object =
		mc_object_find(master, args->key, mc_table_hash(args->key.ptr, args->key.len));

	if (object == MC_OBJECT_NONE)
		return MC_ERR_OBJECT_NOT_FOUND;
	if (!mc_object_busy(master_object(master, object)))
		return MC_ERR_NO_TASK;
	if (!mc_uuid_equal(master->clients[copy_of(master, object)->client].id, args->client_id))
		return MC_ERR_ILLEGAL_CLIENT;
	*object_out = object;
	return MC_OK;
}

enum mc_rpc_verdict
mc_master_copy_end(struct master_op *op)
{
	enum mc_fn fn = op->request->fn;
	bool move = fn == MC_FN_MOVE_END || fn == MC_FN_MOVE_REVOKE;
	uint32_t object;
	enum mc_status st = busy_object(op->master, op->args, &object);

	if (st == MC_OK && copy_of(op->master, object)->move != move)
		st = MC_ERR_INVALID;
	if (st != MC_OK)
		return mc_op_status(op, st);
	if (fn == MC_FN_COPY_END || fn == MC_FN_MOVE_END)
		st = copy_end(op->master, object);
	else
		copy_undo(op->master, object, 0);
	return mc_op_status(op, st);
}

/* Nobody makes the leases that these need: replication of hot keys is off, as it is upstream. */
enum mc_rpc_verdict
mc_master_dynamic_copy_start(struct master_op *op)
{
	struct mc_result_copy result = {.error = mc_wire_error(MC_ERR_UNAVAILABLE_STATE)};

	return mc_op_result(op, &result, result.error);
}

enum mc_rpc_verdict
mc_master_dynamic_copy_end(struct master_op *op)
{
	uint32_t object;
	enum mc_status st = busy_object(op->master, op->args, &object);

	return mc_op_status(op, st == MC_OK ? MC_ERR_INVALID_VERSION : st);
}
