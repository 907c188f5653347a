/* SPDX-License-Identifier: Apache-2.0 */
/* The calls about segments: mount, re-mount, unmount, status. */
#include "core/base/clock.h"
#include "core/master/state.h"
#include "mc/log.h"

#define GRACE_MAX_MS (24ull * 3600 * 1000)

static uint32_t
segment_by_id(const struct mc_master *master, struct mc_uuid id)
{
	uint32_t segment;

	return mc_uuid_map_get(&master->segment_ids, id, &segment) ? segment : MC_NUMBER_NONE;
}

static enum mc_status
segment_check(const struct mc_segment_desc *desc)
{
	if (desc->base == 0 || desc->size == 0 || desc->base + desc->size < desc->base ||
	    desc->size > MC_ALLOC_SIZE_MAX)
		return MC_ERR_INVALID;
	if (desc->name.len == 0 || desc->name.len > MC_NAME_MAX ||
	    desc->te_endpoint.len > MC_NAME_MAX || desc->protocol.len > MC_NAME_MAX ||
	    desc->host_id.len > MC_NAME_MAX)
		return MC_ERR_INVALID;
	return MC_OK;
}

static enum mc_status
mount(struct mc_master *master, const struct mc_segment_desc *desc, struct mc_uuid client_id)
{
	enum mc_status st = segment_check(desc);
	uint32_t known = segment_by_id(master, desc->id);
	uint32_t client;

	if (st != MC_OK)
		return st;
	if (known != MC_NUMBER_NONE && master->segments[known].state == SEGMENT_LEAVING)
		return MC_ERR_UNAVAILABLE_STATE;
	st = mc_client_ref(master, client_id, &client);
	if (st != MC_OK)
		return st;
	mc_client_touch(master, client);
	/* mounted already: the contents are not compared (upstream's answer) */
	if (known != MC_NUMBER_NONE)
		return MC_OK;
	return mc_segment_add(master, desc, client);
}

enum mc_rpc_verdict
mc_master_mount(struct master_op *op)
{
	return mc_op_status(op, mount(op->master, &op->args->segment, op->args->client_id));
}

static bool
segment_is(const struct mc_master *master, uint32_t i, const struct mc_segment_desc *desc,
	   struct mc_uuid client_id)
{
	const struct master_segment *segment = &master->segments[i];
	struct mc_str endpoint = desc->te_endpoint.len > 0 ? desc->te_endpoint : desc->name;

	return mc_str_equal(master->names[segment->name].text, desc->name) &&
	       segment->base == desc->base && segment->size == desc->size &&
	       mc_str_equal(segment->te_endpoint, endpoint) &&
	       mc_str_equal(segment->protocol, desc->protocol) &&
	       mc_str_equal(segment->host_id, desc->host_id) &&
	       mc_uuid_equal(master->clients[segment->client].id, client_id);
}

/* All or nothing: what is mounted already must be the same. */
static enum mc_status
remount_check(const struct master_op *op)
{
	struct mc_vec_cursor cursor = {0};
	struct mc_segment_desc desc;

	while (mc_vec_next_segment(&op->args->segments, &cursor, op->release, &desc)) {
		uint32_t known = segment_by_id(op->master, desc.id);

		if (known != MC_NUMBER_NONE &&
		    !segment_is(op->master, known, &desc, op->args->client_id))
			return MC_ERR_INVALID;
	}
	return MC_OK;
}

static enum mc_status
remount(struct master_op *op)
{
	struct mc_master *master = op->master;
	struct mc_vec_cursor cursor = {0};
	struct mc_segment_desc desc;
	uint32_t client;
	enum mc_status st = mc_client_ref(master, op->args->client_id, &client);

	if (st != MC_OK)
		return st;
	st = remount_check(op);
	if (st != MC_OK) {
		mc_client_settle(master, client);
		return st;
	}
	if (master->clients[client].ok)
		return MC_OK;
	mc_client_touch(master, client);
	while (mc_vec_next_segment(&op->args->segments, &cursor, op->release, &desc)) {
		if (segment_by_id(master, desc.id) != MC_NUMBER_NONE)
			continue;
		st = segment_check(&desc);
		if (st == MC_OK)
			st = mc_segment_add(master, &desc, client);
		if (st != MC_OK)
			MC_LOG_LIMITED(MC_LOG_WARN, "a re-mounted segment was left out: %s",
				       mc_status_text(st));
	}
	mc_client_ok_set(master, client, true);
	return MC_OK;
}

enum mc_rpc_verdict
mc_master_remount(struct master_op *op)
{
	return mc_op_status(op, remount(op));
}

enum mc_rpc_verdict
mc_master_unmount(struct master_op *op)
{
	uint32_t segment = segment_by_id(op->master, op->args->id);

	if (segment != MC_NUMBER_NONE)
		mc_segment_kill(op->master, segment);
	return mc_op_status(op, MC_OK);
}

static enum mc_status
unmount_gracefully(struct mc_master *master, const struct mc_args *args)
{
	uint32_t client = mc_client_find(master, args->client_id);
	uint32_t segment = segment_by_id(master, args->id);
	uint64_t grace_ms = args->grace_period_ms;

	if (client == MC_NUMBER_NONE || master->clients[client].segments == 0)
		return MC_ERR_SEGMENT_NOT_FOUND;
	if (segment == MC_NUMBER_NONE || master->segments[segment].client != client)
		return MC_ERR_INVALID;
	if (master->segments[segment].state == SEGMENT_DRAINED)
		return MC_ERR_UNAVAILABLE_STATE;
	if (grace_ms > GRACE_MAX_MS)
		grace_ms = GRACE_MAX_MS;
	mc_segment_leave(master, segment,
			 mc_reactor_now(master->exec) + grace_ms * MC_NS_PER_MS);
	return MC_OK;
}

enum mc_rpc_verdict
mc_master_unmount_gracefully(struct master_op *op)
{
	return mc_op_status(op, unmount_gracefully(op->master, op->args));
}

static enum mc_rpc_verdict
segment_status(struct master_op *op, uint32_t segment)
{
	struct mc_result_enum result = {0};

	if (segment == MC_NUMBER_NONE)
		result.error = mc_wire_error(MC_ERR_SEGMENT_NOT_FOUND);
	else
		result.value = mc_segment_status_told(op->master, segment);
	return mc_op_result(op, &result, result.error);
}

enum mc_rpc_verdict
mc_master_segment_status_by_id(struct master_op *op)
{
	return segment_status(op, segment_by_id(op->master, op->args->id));
}

enum mc_rpc_verdict
mc_master_segment_status(struct master_op *op)
{
	return segment_status(op, mc_segment_named(op->master, op->args->key));
}

/* ---- BatchQueryIp ---- */

/* "10.0.0.1:1234" and "[::1]:1234" to the part in front of the port. */
static struct mc_str
endpoint_host(struct mc_str endpoint)
{
	size_t len = endpoint.len;

	while (len > 0 && endpoint.ptr[len - 1] != ':')
		len--;
	return len > 0 ? (struct mc_str){endpoint.ptr, len - 1} : endpoint;
}

#define HOSTS_MAX 64u	/* distinct ones told of one client */

static uint32_t
client_hosts(const struct mc_master *master, uint32_t client, struct mc_str *hosts)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < master->segments_used && count < HOSTS_MAX; i++) {
		struct mc_str host;
		uint32_t known = 0;

		if (!segment_readable(master, i) || master->segments[i].client != client)
			continue;
		host = endpoint_host(master->segments[i].te_endpoint);
		while (known < count && !mc_str_equal(hosts[known], host))
			known++;
		if (known == count)
			hosts[count++] = host;
	}
	return count;
}

static uint32_t
client_with_segments(const struct mc_master *master, struct mc_uuid id)
{
	uint32_t client = mc_client_find(master, id);

	if (client == MC_NUMBER_NONE || master->clients[client].segments == 0)
		return MC_NUMBER_NONE;
	return client;
}

enum mc_rpc_verdict
mc_master_query_ip(struct master_op *op)
{
	const struct mc_vec *ids = &op->args->client_ids;
	struct mc_vec_cursor cursor = {0};
	struct mc_str hosts[HOSTS_MAX];
	struct mc_pair_hosts pair;
	struct mc_writer writer;
	uint32_t count = 0;

	while (mc_vec_next_uuid(ids, &cursor, &pair.client_id))
		count += client_with_segments(op->master, pair.client_id) != MC_NUMBER_NONE;
	mc_counter_add(&op->master->stats.items[op->request->fn], ids->count);
	mc_op_open(op, &writer, count);
	mc_result_put_ok_count(&writer, count);
	cursor = (struct mc_vec_cursor){0};
	while (mc_vec_next_uuid(ids, &cursor, &pair.client_id)) {
		uint32_t client = client_with_segments(op->master, pair.client_id);

		if (client == MC_NUMBER_NONE)
			continue;
		pair.hosts = (struct mc_vec){hosts, client_hosts(op->master, client, hosts),
					     sizeof(hosts[0]), 0, 0};
		mc_result_put_element(&writer, &pair);
	}
	return mc_op_close(op, &writer);
}
