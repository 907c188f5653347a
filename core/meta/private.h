/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to core/meta:  key.c what keys mean (pure)   store.c the entries
 * takeover.c one name, two processes   metadata.c the routes
 */
#ifndef MC_CORE_META_PRIVATE_H
#define MC_CORE_META_PRIVATE_H

#include <stdbool.h>

#include "core/base/list.h"
#include "core/base/net.h"
#include "core/http/http.h"
#include "core/meta/meta.h"
#include "mc/types.h"

#define META_KEY_MAX 8192u	/* bytes of a decoded key */

/* ---- key.c ---- */

/*
 * An rpc_meta key: P "rpc_meta/" name, where P is "mooncake/" or "mooncake/CLUSTER/". False for any
 * other key, or a name with a zero byte; views into @key.
 */
bool mc_meta_key_split(struct mc_str key, struct mc_str *prefix_out, struct mc_str *name_out);
/* P "ram/" name, likewise. */
bool mc_meta_ram_key_split(struct mc_str key, struct mc_str *name_out);
/* The key of its segment descriptor: P "ram/" name, or P name if that has a '/'. 0: no room. */
size_t mc_meta_ram_key(struct mc_str prefix, struct mc_str name, char *buf, size_t size);
/*
 * The address in an rpc_meta body, {"ip_or_host_name": H, "rpc_port": N}. MC_ERR_BAD_MESSAGE: not
 * such a body. MC_ERR_ADDRESS_INVALID: H is a name, which is not looked up here.
 */
enum mc_status mc_meta_rpc_addr(const void *body, size_t len, struct mc_net_addr *addr_out);

/* tcp_data_port of a segment descriptor; 0: there is none. */
uint16_t mc_meta_data_port(const void *body, size_t len);

/* ---- store.c ---- */

struct meta_entry {
	struct meta_entry *next;	/* in its bucket */
	uint64_t hash;
	uint64_t put_ns;		/* when it was last PUT */
	size_t len;
	uint8_t *value;
	size_t key_len;
	char key[];
};

struct meta_store {
	struct meta_entry **buckets;
	size_t count;
	size_t bytes;			/* of keys and values */
	size_t entries_max;
	size_t bytes_max;
	uint64_t seed;
};

enum mc_status mc_meta_store_init(struct meta_store *store);
void mc_meta_store_fini(struct meta_store *store);
struct meta_entry *mc_meta_store_find(const struct meta_store *store, struct mc_str key);
/* Adds or replaces. MC_ERR_TOO_LARGE: entries_max or bytes_max would be passed. */
enum mc_status mc_meta_store_put(struct meta_store *store, struct mc_str key, const void *value,
				 size_t len, uint64_t now_ns);
/* False: there was none. */
bool mc_meta_store_del(struct meta_store *store, struct mc_str key);
/* Calls @each for every entry; it may delete the entry it is called with. */
void mc_meta_store_each(struct meta_store *store,
			void (*each)(struct meta_store *store, struct meta_entry *entry,
				     void *context),
			void *context);

/* ---- takeover.c and metadata.c ---- */

/* Connections whose PUT of a name was refused: their clean-up must not touch its holder. */
#define META_REFUSED 64u

struct meta_refusal {
	struct mc_net_addr peer;
	uint64_t until_ns;
	size_t name_len;
	char name[256];
};

struct mc_meta {
	struct mc_meta_params params;
	struct mc_http_server *http;
	struct meta_store store;
	struct mc_list takeovers;
	struct meta_refusal refused[META_REFUSED];
	unsigned int refused_next;
};

/*
 * A PUT of @key with a body that differs from the stored one. Answers @request, now or later.
 */
void mc_meta_takeover(struct mc_meta *meta, struct mc_http_request *request, struct mc_str key);
/*
 * A PUT of a `ram` key by another process than the one that stored it: the two listen for data on
 * different ports. Answers @request like mc_meta_takeover(), without asking the first.
 */
void mc_meta_replace(struct mc_meta *meta, struct mc_http_request *request, struct mc_str key,
		     struct mc_str name);
/* A takeover of @key is under way. */
bool mc_meta_contested(const struct mc_meta *meta, struct mc_str key);

/* Answers a PUT by storing its body. */
void mc_meta_put_reply(struct mc_meta *meta, struct mc_http_request *request, struct mc_str key);
/* Answers it with the refusal, and remembers whom. */
void mc_meta_refuse(struct mc_meta *meta, struct mc_http_request *request, struct mc_str key);

#endif
