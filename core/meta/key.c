/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "core/meta/private.h"

#define ROOT "mooncake/"
#define RPC_META "rpc_meta/"
#define RAM "ram/"

static bool
str_begins(struct mc_str str, const char *with)
{
	size_t len = strlen(with);

	return str.len >= len && memcmp(str.ptr, with, len) == 0;
}

static struct mc_str
str_from(struct mc_str str, size_t at)
{
	return (struct mc_str){str.ptr + at, str.len - at};
}

/* @key is P @kind name; views into it. */
static bool
key_split(struct mc_str key, const char *kind, struct mc_str *prefix_out, struct mc_str *name_out)
{
	struct mc_str rest;
	const char *slash;

	if (!str_begins(key, ROOT))
		return false;
	rest = str_from(key, strlen(ROOT));
	if (!str_begins(rest, kind)) {
		/* a cluster id, which holds no slash, may come first */
		slash = memchr(rest.ptr, '/', rest.len);
		if (slash == NULL)
			return false;
		rest = str_from(rest, (size_t)(slash + 1 - rest.ptr));
	}
	if (!str_begins(rest, kind))
		return false;
	*prefix_out = (struct mc_str){key.ptr, (size_t)(rest.ptr - key.ptr)};
	*name_out = str_from(rest, strlen(kind));
	/* cut at a zero byte, as C strings are further on, it would be somebody else's name */
	return name_out->len > 0 && memchr(name_out->ptr, '\0', name_out->len) == NULL;
}

bool
mc_meta_key_split(struct mc_str key, struct mc_str *prefix_out, struct mc_str *name_out)
{
	return key_split(key, RPC_META, prefix_out, name_out);
}

bool
mc_meta_ram_key_split(struct mc_str key, struct mc_str *name_out)
{
	struct mc_str prefix;

	return key_split(key, RAM, &prefix, name_out);
}

size_t
mc_meta_ram_key(struct mc_str prefix, struct mc_str name, char *buf, size_t size)
{
	bool slash = memchr(name.ptr, '/', name.len) != NULL;
	int len = snprintf(buf, size, "%.*s%s%.*s", (int)prefix.len, prefix.ptr,
			   slash ? "" : RAM, (int)name.len, name.ptr);

	return len > 0 && (size_t)len < size ? (size_t)len : 0;
}

enum mc_status
mc_meta_rpc_addr(const void *body, size_t len, struct mc_net_addr *addr_out)
{
	json_t *json = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	const char *host = json_string_value(json_object_get(json, "ip_or_host_name"));
	json_int_t port = json_integer_value(json_object_get(json, "rpc_port"));
	enum mc_status st = MC_ERR_BAD_MESSAGE;

	if (host != NULL && port > 0 && port <= UINT16_MAX)
		st = mc_net_addr_parse(host, (uint16_t)port, addr_out);
	json_decref(json);
	return st;
}

uint16_t
mc_meta_data_port(const void *body, size_t len)
{
	json_t *json = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	json_int_t port = json_integer_value(json_object_get(json, "tcp_data_port"));

	json_decref(json);
	return port > 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
}
