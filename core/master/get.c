/* SPDX-License-Identifier: Apache-2.0 */
/* Reads: they answer from the table and extend the lease of what they found. */
#include "core/base/clock.h"
#include "core/master/regex.h"
#include "core/master/state.h"
#include "core/wire/frame.h"

static uint32_t
read_object(struct mc_master *master, struct mc_str key)
{
	return mc_object_find(master, key, mc_table_hash(key.ptr, key.len));
}

bool
mc_exist_key(struct mc_master *master, struct mc_str key)
{
	uint32_t object = read_object(master, key);

	if (object == MC_OBJECT_NONE || !mc_object_readable(master, master_object(master, object)))
		return false;
	mc_object_lease(master, object);
	return true;
}

static struct mc_opt_u64
object_checksum(struct mc_master *master, uint32_t object)
{
	const struct mc_object_extra *extra = mc_table_extra_of(master->table, object);
	struct mc_opt_u64 checksum = {0};

	if (extra != NULL && extra->has_checksum)
		checksum = (struct mc_opt_u64){true, extra->checksum};
	return checksum;
}

enum mc_status
mc_get_key(struct mc_master *master, struct mc_str key, enum mc_release answer,
	   struct desc_list *descs_out, struct mc_replica_list *list_out)
{
	uint32_t object = read_object(master, key);

	mc_counter_add(&master->stats.get_total, 1);
	if (object == MC_OBJECT_NONE)
		return MC_ERR_OBJECT_NOT_FOUND;
	mc_object_describe(master, master_object(master, object), answer, false, descs_out);
	if (descs_out->count == 0)
		return MC_ERR_REPLICA_NOT_READY;
	mc_counter_add(&master->stats.get_hits, 1);
	mc_counter_add(&master->stats.get_hit_bytes, master_object(master, object)->size);
	mc_object_lease(master, object);
	list_out->replicas = (struct mc_vec){descs_out->desc, descs_out->count,
					     sizeof(descs_out->desc[0]), 0, 0};
	list_out->lease_ttl_ms = master->params.lease_ttl_ns / MC_NS_PER_MS;
	list_out->checksum = object_checksum(master, object);
	return MC_OK;
}

enum mc_rpc_verdict
mc_master_exist(struct master_op *op)
{
	struct mc_result_bool result = {0, mc_exist_key(op->master, op->args->key)};

	return mc_op_result(op, &result, 0);
}

enum mc_rpc_verdict
mc_master_get(struct master_op *op)
{
	struct desc_list descs;
	struct mc_result_replicas result = {0};

	result.error = mc_wire_error(
		mc_get_key(op->master, op->args->key, op->answer, &descs, &result.value));
	return mc_op_result(op, &result, result.error);
}

/* ---- GetReplicaListByRegex: a walk that collects encoded pairs ---- */

static void
regex_each(struct master_walk *walk, uint32_t object)
{
	struct mc_master *master = walk->job.master;
	struct mc_object *obj = master_object(master, object);
	struct mc_str key = {mc_object_key(obj), obj->key_len};
	struct desc_list descs;
	struct mc_pair_replicas pair;

	if (!mc_regex_match(walk->regex, key) || !mc_object_prune(master, object))
		return;
	mc_object_describe(master, obj, walk->answer, false, &descs);
	if (descs.count == 0)
		return;
	mc_object_lease(master, object);
	pair.key = key;
	pair.replicas = (struct mc_vec){descs.desc, descs.count, sizeof(descs.desc[0]), 0, 0};
	mc_result_put_element(&walk->writer, &pair);
	walk->count++;
}

/* The count went out as 0 before the walk, four bytes wide (REGEX_LEN_MAX sees to that). */
static void
count_patch(const struct master_walk *walk)
{
	mc_le32_store(walk->job.call->out->data + walk->count_at, (uint32_t)walk->count);
}

static enum mc_rpc_verdict
regex_end(struct master_job *job, struct master_op *op)
{
	struct master_walk *walk = mc_container_of(job, struct master_walk, job);
	enum mc_status st = mc_result_close(&walk->writer);
	struct mc_result_vec failed = {0};

	if (st == MC_OK) {
		count_patch(walk);
		mc_rpc_answer(job->call, MC_FRAME_OK);
		return MC_RPC_ANSWERED;
	}
	failed.error = mc_wire_error(st);
	return mc_op_result(op, &failed, failed.error);
}

/* Any count and any key fit lengths of four bytes. */
#define REGEX_LEN_MAX (1u << 31)

enum mc_rpc_verdict
mc_master_get_by_regex(struct master_op *op)
{
	struct master_walk walk = {.job.end = regex_end, .each = regex_each};
	struct mc_result_vec failed = {0};
	enum mc_status st = mc_regex_compile(op->args->key, &walk.regex);

	if (st != MC_OK) {
		failed.error = mc_wire_error(st);
		return mc_op_result(op, &failed, failed.error);
	}
	mc_op_open(op, &walk.writer, REGEX_LEN_MAX);
	mc_result_put_ok_count(&walk.writer, 0);
	walk.count_at = op->call->out->tail - 4;
	return mc_walk_begin(op, &walk);
}
