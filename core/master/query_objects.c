/* SPDX-License-Identifier: Apache-2.0 */
/* Queries about objects. What takes a walk over all of them is done in slices. */
#include <inttypes.h>

#include "core/master/query.h"

/* Objects per pass of the reactor. */
#define SLICE 1024u

/* Keys named in a query, per pass: each has its replicas told. */
#define NAMED_SLICE 64u

/* ---- named keys ---- */

/* The readable replicas of @key as a JSON array. An error: nothing was added. */
static enum mc_status
replicas_add(struct mc_master *master, struct mc_master_query *query, struct mc_str key)
{
	uint32_t object = mc_object_find(master, key, mc_table_hash(key.ptr, key.len));
	struct desc_list descs;

	if (object == MC_OBJECT_NONE)
		return MC_ERR_OBJECT_NOT_FOUND;
	/* a look, not a read: the lease stays as it is */
	mc_object_describe(master, master_object(master, object), MC_RELEASE_NEWEST, false, &descs);
	if (descs.count == 0)
		return MC_ERR_REPLICA_NOT_READY;
	mc_query_add(query, "[");
	for (uint32_t i = 0; i < descs.count; i++) {
		const struct mc_buffer_desc *buffer = &descs.desc[i].buffer;

		mc_query_add(query, "%s{\"size_\":%" PRIu64 ",\"buffer_address_\":%" PRIu64,
			     i ? "," : "", buffer->size, buffer->address);
		mc_query_add(query, ",\"protocol_\":\"tcp\",\"transport_endpoint_\":");
		mc_query_add_json(query, buffer->endpoint);
		mc_query_add(query, "}");
	}
	mc_query_add(query, "]");
	return MC_OK;
}

bool
mc_query_key(struct mc_master *master, struct mc_master_query *query)
{
	enum mc_status st =
		replicas_add(master, query, (struct mc_str){query->key, query->key_len});

	if (st != MC_OK)
		query->status = st;
	return true;
}

static void
named_add(struct mc_master *master, struct mc_master_query *query, struct mc_str key)
{
	size_t before = query->text.tail;
	enum mc_status st;

	mc_query_add(query, before > 0 ? "," : "");
	mc_query_add_json(query, key);
	before = query->text.tail;
	mc_query_add(query, ":{\"ok\":true,\"error\":null,\"values\":");
	st = replicas_add(master, query, key);
	if (st != MC_OK) {
		query->text.tail = before;
		mc_query_add(query, ":{\"ok\":false,\"error\":\"%s\",\"values\":null",
			     mc_wire_error_name(mc_wire_error(st)));
	}
	mc_query_add(query,
		     ",\"disk_values\":null,\"local_disk_values\":null,\"nof_values\":null}");
}

/* The cursor is where in the list the next key begins. */
bool
mc_query_keys_named(struct mc_master *master, struct mc_master_query *query)
{
	uint32_t at = query->cursor != MC_OBJECT_NONE ? query->cursor : 0;

	for (unsigned int n = 0; n < NAMED_SLICE; n++) {
		const char *key = query->key + at, *end = query->key + query->key_len;
		const char *comma = memchr(key, ',', (size_t)(end - key));
		size_t len = (size_t)((comma != NULL ? comma : end) - key);

		named_add(master, query, (struct mc_str){key, len});
		if (comma == NULL || query->status != MC_OK)
			return true;
		at += (uint32_t)len + 1;
	}
	query->cursor = at;
	return false;
}

/* ---- all keys ---- */

bool
mc_query_keys(struct mc_master *master, struct mc_master_query *query)
{
	uint32_t steps = SLICE;

	while (steps > 0 && query->status == MC_OK) {
		uint32_t object = mc_table_walk(master->table, &query->cursor, &steps);

		if (object != MC_OBJECT_NONE) {
			struct mc_object *obj = master_object(master, object);

			mc_query_add_str(query, (struct mc_str){mc_object_key(obj), obj->key_len});
			mc_query_add(query, "\n");
		}
		if (query->cursor == MC_OBJECT_NONE)
			return true;
	}
	return query->status != MC_OK;
}

/* ---- their removal ---- */

bool
mc_query_remove_all(struct mc_master *master, struct mc_master_query *query)
{
	uint32_t steps = SLICE;

	while (steps > 0) {
		uint32_t object = mc_table_walk(master->table, &query->cursor, &steps);

		if (object != MC_OBJECT_NONE && mc_object_prune(master, object) &&
		    mc_remove_object(master, object, query->force) == MC_OK)
			query->count++;
		if (query->cursor == MC_OBJECT_NONE)
			return true;
	}
	return false;
}
