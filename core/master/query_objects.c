/* SPDX-License-Identifier: Apache-2.0 */
/* Queries about objects. What takes a walk over all of them is done in slices. */
#include <inttypes.h>

#include "core/master/query.h"

/* Objects per pass of the reactor. */
#define SLICE 1024u

/* ---- one key ---- */

bool
mc_query_key(struct mc_master *master, struct mc_master_query *query)
{
	struct mc_str key = {query->key, query->key_len};
	uint32_t object = mc_object_find(master, key, mc_table_hash(key.ptr, key.len));
	struct desc_list descs;

	if (object == MC_OBJECT_NONE) {
		query->status = MC_ERR_OBJECT_NOT_FOUND;
		return true;
	}
	/* a look, not a read: the lease stays as it is */
	mc_object_describe(master, master_object(master, object), MC_RELEASE_NEWEST, false, &descs);
	if (descs.count == 0) {
		query->status = MC_ERR_REPLICA_NOT_READY;
		return true;
	}
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
	return true;
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
