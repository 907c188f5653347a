/* SPDX-License-Identifier: Apache-2.0 */
/* The routes of the metadata server; status codes and texts are upstream's. */
#include <stdlib.h>
#include <string.h>

#include "core/base/assert.h"
#include "core/base/clock.h"
#include "core/meta/private.h"
#include "mc/log.h"

#define ENTRIES_MAX_DEFAULT 65536u
#define BYTES_MAX_DEFAULT (1ull << 30)
#define BODY_MAX (16u << 20)
/* How long a refused connection's clean-up is kept away from the holder's entries. */
#define REFUSED_NS (30 * MC_NS_PER_S)

static void
reply_text(struct mc_http_request *request, unsigned int status, const char *text)
{
	mc_http_reply(request, status, NULL, text, strlen(text));
}

/* False: answered already. */
static bool
key_of(struct mc_http_request *request, struct mc_str *key_out)
{
	key_out->ptr = mc_http_query(request, "key", &key_out->len);
	if (key_out->ptr == NULL || key_out->len == 0) {
		reply_text(request, 400, "Missing key parameter");
		return false;
	}
	if (key_out->len > META_KEY_MAX) {
		reply_text(request, 414, "key too long: at most 8192 bytes");
		return false;
	}
	return true;
}

static void
metadata_get(void *context, struct mc_http_request *request)
{
	struct mc_meta *meta = context;
	const struct meta_entry *entry;
	struct mc_str key;

	if (!key_of(request, &key))
		return;
	entry = mc_meta_store_find(&meta->store, key);
	if (entry == NULL)
		reply_text(request, 404, "metadata not found");
	else
		mc_http_reply(request, 200, "application/json", entry->value, entry->len);
}

void
mc_meta_put_reply(struct mc_meta *meta, struct mc_http_request *request, struct mc_str key)
{
	size_t len;
	const void *body = mc_http_body(request, &len);

	switch (mc_meta_store_put(&meta->store, key, body, len,
				  mc_reactor_now(meta->params.reactor))) {
	case MC_OK:
		reply_text(request, 200, "metadata updated");
		break;
	case MC_ERR_TOO_LARGE:
		MC_LOG_LIMITED(MC_LOG_WARN, "metadata: %zu entries, %zu bytes: full",
			       meta->store.count, meta->store.bytes);
		reply_text(request, 507, "metadata store is full");
		break;
	default:
		reply_text(request, 500, "out of memory");
	}
}

/* ---- whom a name was refused ---- */

static bool
same_peer(const struct mc_net_addr *a, const struct mc_net_addr *b)
{
	return a->len == b->len && a->len > 0 && memcmp(&a->storage, &b->storage, a->len) == 0;
}

void
mc_meta_refuse(struct mc_meta *meta, struct mc_http_request *request, struct mc_str key)
{
	struct meta_refusal *refusal = &meta->refused[meta->refused_next];
	struct mc_str prefix, name;

	if (mc_meta_key_split(key, &prefix, &name) && name.len <= sizeof(refusal->name)) {
		mc_http_peer(request, &refusal->peer);
		refusal->until_ns = mc_reactor_now(meta->params.reactor) + REFUSED_NS;
		refusal->name_len = name.len;
		memcpy(refusal->name, name.ptr, name.len);
		meta->refused_next = (meta->refused_next + 1) % META_REFUSED;
	}
	reply_text(request, 400, "Duplicate rpc_meta key not allowed");
}

static bool
key_ends_with(struct mc_str key, const char *tail, size_t len)
{
	return key.len > len && memcmp(key.ptr + key.len - len, tail, len) == 0 &&
	       key.ptr[key.len - len - 1] == '/';
}

/* This connection's own PUT of the name was refused: what is stored is somebody else's. */
static bool
refused_before(struct mc_meta *meta, struct mc_http_request *request, struct mc_str key)
{
	uint64_t now = mc_reactor_now(meta->params.reactor);
	struct mc_net_addr peer;

	mc_http_peer(request, &peer);
	for (unsigned int i = 0; i < META_REFUSED; i++) {
		const struct meta_refusal *refusal = &meta->refused[i];

		if (refusal->until_ns > now && same_peer(&refusal->peer, &peer) &&
		    key_ends_with(key, refusal->name, refusal->name_len))
			return true;
	}
	return false;
}

/* ---- PUT, DELETE ---- */

static bool
mentions_rpc_meta(struct mc_str key)
{
	return memmem(key.ptr, key.len, "rpc_meta", strlen("rpc_meta")) != NULL;
}

static void
ram_put(struct mc_meta *meta, struct mc_http_request *request, struct mc_str key)
{
	const struct meta_entry *entry = mc_meta_store_find(&meta->store, key);
	struct mc_str name;
	uint16_t before, now;
	const void *body;
	size_t len;

	body = mc_http_body(request, &len);
	before = entry != NULL ? mc_meta_data_port(entry->value, entry->len) : 0;
	now = mc_meta_data_port(body, len);
	if (before != 0 && now != 0 && before != now && mc_meta_ram_key_split(key, &name))
		mc_meta_replace(meta, request, key, name);
	else
		mc_meta_put_reply(meta, request, key);
}

static void
metadata_put(void *context, struct mc_http_request *request)
{
	struct mc_meta *meta = context;
	const struct meta_entry *entry;
	const void *body;
	struct mc_str key;
	size_t len;

	if (!key_of(request, &key))
		return;
	body = mc_http_body(request, &len);
	entry = mc_meta_store_find(&meta->store, key);
	if (!mentions_rpc_meta(key))
		ram_put(meta, request, key);
	else if (entry != NULL && entry->len == len && memcmp(entry->value, body, len) == 0)
		reply_text(request, 200, "metadata unchanged");
	else if (mc_meta_contested(meta, key))
		mc_meta_refuse(meta, request, key);	/* a third: the first of the others wins */
	else if (entry == NULL)
		mc_meta_put_reply(meta, request, key);
	else
		mc_meta_takeover(meta, request, key);
}

static void
metadata_delete(void *context, struct mc_http_request *request)
{
	struct mc_meta *meta = context;
	struct mc_str key;

	if (!key_of(request, &key))
		return;
	if (refused_before(meta, request, key) || mc_meta_store_del(&meta->store, key))
		reply_text(request, 200, "metadata deleted");
	else
		reply_text(request, 404, "metadata not found");
}

static void
health_get(void *context, struct mc_http_request *request)
{
	reply_text(request, 200, "OK");
}

/* ---- forgetting a name ---- */

struct forget {
	struct mc_str name;
	unsigned int count;
};

static void
forget_each(struct meta_store *store, struct meta_entry *entry, void *context)
{
	struct mc_str key = {entry->key, entry->key_len};
	struct forget *forget = context;
	struct mc_str prefix, name;
	bool mine = mc_meta_key_split(key, &prefix, &name)
			    ? name.len == forget->name.len &&
				      memcmp(name.ptr, forget->name.ptr, name.len) == 0
			    : key_ends_with(key, forget->name.ptr, forget->name.len) &&
				      memcmp(key.ptr, "mooncake/", 9) == 0;

	if (mine && mc_meta_store_del(store, key))
		forget->count++;
}

unsigned int
mc_meta_forget(struct mc_meta *meta, const char *name)
{
	struct forget forget = {.name = {name, strlen(name)}};

	mc_meta_store_each(&meta->store, forget_each, &forget);
	return forget.count;
}

/* ---- open and close ---- */

enum mc_status
mc_meta_open(const struct mc_meta_params *params, struct mc_meta **meta_out)
{
	struct mc_meta *meta = calloc(1, sizeof(*meta));
	const struct mc_http_route routes[] = {
		{"GET", "/metadata", metadata_get, meta},
		{"PUT", "/metadata", metadata_put, meta},
		{"DELETE", "/metadata", metadata_delete, meta},
		{"GET", "/health", health_get, meta},
	};
	struct mc_http_params http = {
		.size = sizeof(http),
		.reactor = params->reactor,
		.host = params->host,
		.port = params->port,
		.routes = routes,
		.routes_count = sizeof(routes) / sizeof(routes[0]),
		.body_max = BODY_MAX,
		.connections_max = 4096,
	};
	enum mc_status st;

	mc_assert(params->size == sizeof(*params));
	if (meta == NULL)
		return MC_ERR_NO_MEMORY;
	meta->params = *params;
	meta->store.entries_max = params->entries_max ? params->entries_max : ENTRIES_MAX_DEFAULT;
	meta->store.bytes_max = params->bytes_max ? params->bytes_max : BYTES_MAX_DEFAULT;
	mc_list_init(&meta->takeovers);
	st = mc_meta_store_init(&meta->store);
	if (st == MC_OK)
		st = mc_http_server_open(&http, &meta->http);
	if (st != MC_OK) {
		mc_meta_store_fini(&meta->store);
		free(meta);
		return st;
	}
	*meta_out = meta;
	return MC_OK;
}

void
mc_meta_close(struct mc_meta *meta)
{
	if (meta == NULL)
		return;
	mc_http_server_close(meta->http);
	mc_meta_store_fini(&meta->store);
	free(meta);
}

uint16_t
mc_meta_port(const struct mc_meta *meta)
{
	return mc_http_server_port(meta->http);
}
