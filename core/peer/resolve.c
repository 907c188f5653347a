/* SPDX-License-Identifier: Apache-2.0 */
/* What we learn of others: their descriptors, and where they listen for a notify or a probe. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/peer/private.h"
#include "mc/log.h"

struct lookup {
	struct mc_peer *peer;
	uint64_t deadline_ns;
	char segment[PEER_NAME_MAX];
	/* one of the two */
	mc_peer_resolved resolved;
	mc_peer_done done;
	void *context;
	struct mc_desc *desc;		/* that lacks its host */
	uint8_t type;			/* of the question that follows */
	struct mc_buf body;
};

static void
lookup_end(struct lookup *lookup, enum mc_status status, struct mc_desc *desc)
{
	if (lookup->resolved != NULL)
		lookup->resolved(lookup->context, status, desc);
	else
		lookup->done(lookup->context, status);
	if (desc != lookup->desc)
		mc_desc_free(lookup->desc);
	mc_buf_fini(&lookup->body);
	free(lookup);
}

static uint64_t
lookup_left(const struct lookup *lookup)
{
	uint64_t now = mc_clock_mono_ns();

	return lookup->deadline_ns > now ? lookup->deadline_ns - now : 1;
}

static void
lookup_failed(void *context, enum mc_status status, struct mc_str body)
{
	lookup_end(context, status, NULL);
}

/* NULL: no memory. A name that is too long is as none. */
static struct lookup *
lookup_create(struct mc_peer *peer, const char *segment, uint64_t timeout_ns)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));

	if (lookup == NULL)
		return NULL;
	lookup->peer = peer;
	lookup->deadline_ns = mc_clock_mono_ns() + timeout_ns;
	mc_buf_init(&lookup->body);
	/* as upstream opens segments */
	while (*segment == '/')
		segment++;
	if (strlen(segment) < sizeof(lookup->segment))
		snprintf(lookup->segment, sizeof(lookup->segment), "%s", segment);
	return lookup;
}

/* ---- descriptors ---- */

static struct mc_desc *
desc_read(const struct lookup *lookup, struct mc_str body)
{
	char error[MC_DESC_ERROR_MAX];
	struct mc_desc *desc;

	if (body.len >= 4 && strncmp(body.ptr, "null", 4) == 0)
		MC_LOG_LIMITED(MC_LOG_WARN, "segment %s has no descriptor to give: it uses a "
			       "metadata server, we P2PHANDSHAKE", lookup->segment);
	else if (mc_desc_read(body, &desc, error) == MC_OK)
		return desc;
	else
		MC_LOG_LIMITED(MC_LOG_WARN, "segment %s: its descriptor is not valid: %s",
			       lookup->segment, error);
	return NULL;
}

/*
 * Of several addresses IPv4 first: the data ports of upstream's processes take both kinds, or IPv4
 * alone. An address with a scope stays as it is.
 */
static void
host_found(void *context, enum mc_status status, const struct mc_net_addr *addrs,
	   uint32_t addrs_count)
{
	struct lookup *lookup = context;
	const struct mc_net_addr *best = addrs;
	char text[MC_NET_ADDR_TEXT];

	for (uint32_t i = addrs_count; i-- > 0;) {
		if (addrs[i].storage.ss_family == AF_INET)
			best = &addrs[i];
	}
	if (status == MC_OK && strchr(lookup->desc->tcp_data_host, '%') == NULL) {
		free(lookup->desc->tcp_data_host);
		lookup->desc->tcp_data_host = strdup(mc_net_addr_host(best, text));
		if (lookup->desc->tcp_data_host == NULL)
			status = MC_ERR_NO_MEMORY;
	}
	lookup_end(lookup, status, status == MC_OK ? lookup->desc : NULL);
}

/* The descriptor is there, and @host is where its data port is. */
static void
host_set(struct lookup *lookup, const char *host)
{
	struct mc_desc *desc = lookup->desc;
	enum mc_status st = MC_ERR_NO_MEMORY;

	if (host != desc->tcp_data_host) {
		free(desc->tcp_data_host);
		desc->tcp_data_host = strdup(host);
	}
	if (desc->tcp_data_host != NULL)
		st = peer_host_look(lookup->peer, desc->tcp_data_host, 0, lookup_left(lookup),
				    host_found, lookup);
	if (st != MC_OK)
		lookup_end(lookup, st, NULL);
}

/* The data host, where the descriptor does not say it: as releases before 0.3.13 leave it. */
static void
host_learned(void *context, enum mc_status status, struct mc_str body)
{
	struct lookup *lookup = context;
	char error[MC_DESC_ERROR_MAX];
	struct mc_rpc_meta meta;

	if (status == MC_OK && mc_rpc_meta_read(body, &meta, error) != MC_OK) {
		MC_LOG_LIMITED(MC_LOG_WARN, "segment %s: its rpc_meta is not valid: %s",
			       lookup->segment, error);
		status = MC_ERR_BAD_MESSAGE;
	}
	if (status == MC_OK)
		host_set(lookup, meta.host);
	else
		lookup_end(lookup, status, NULL);
}

static void
desc_came(void *context, enum mc_status status, struct mc_str body)
{
	struct lookup *lookup = context;
	struct mc_peer *peer = lookup->peer;
	struct mc_desc *desc = status == MC_OK ? desc_read(lookup, body) : NULL;
	struct peer_name name;

	if (desc == NULL) {
		lookup_end(lookup, status != MC_OK ? status : MC_ERR_BAD_MESSAGE, NULL);
		return;
	}
	lookup->desc = desc;
	if (strcmp(desc->protocol, "tcp") != 0)
		lookup_end(lookup, MC_OK, desc);
	else if (desc->tcp_data_host[0] != '\0')
		host_set(lookup, desc->tcp_data_host);
	else if (!peer->p2p)
		peer_http(peer, "GET", PEER_KEY_RPC, lookup->segment, (struct mc_str){0},
			  lookup_left(lookup), host_learned, lookup);
	else if (peer_name_parse(lookup->segment, &name) == MC_OK)
		host_set(lookup, name.host);
	else
		lookup_end(lookup, MC_ERR_ADDRESS_INVALID, NULL);
}

void
mc_peer_resolve(struct mc_peer *peer, const char *name, uint64_t timeout_ns, mc_peer_resolved done,
		void *context)
{
	struct lookup *lookup = lookup_create(peer, name, timeout_ns);
	struct mc_str own = peer_text(&peer->own);
	struct peer_name to;

	if (lookup == NULL) {
		done(context, MC_ERR_NO_MEMORY, NULL);
		return;
	}
	lookup->resolved = done;
	lookup->context = context;
	if (lookup->segment[0] == '\0' ||
	    (peer->p2p && peer_name_parse(lookup->segment, &to) != MC_OK))
		peer_later(peer, lookup_failed, lookup, MC_ERR_ADDRESS_INVALID);
	else if (peer->p2p)
		peer_ask(peer, &to, FRAME_METADATA, own.len > 0 ? own : (struct mc_str){"{}", 2},
			 timeout_ns, desc_came, lookup);
	else
		peer_http(peer, "GET", PEER_KEY_RAM, lookup->segment, (struct mc_str){0},
			  timeout_ns, desc_came, lookup);
}

/* ---- notify and probe ---- */

/* An empty text says that the peer refuses it; "success" that it was taken. */
static void
notify_answered(void *context, enum mc_status status, struct mc_str body)
{
	json_t *root = status == MC_OK ? json_loadb(body.ptr, body.len, 0, NULL) : NULL;
	const char *reply = json_string_value(json_object_get(root, "notify_msg"));

	if (status == MC_OK && !json_is_object(root))
		status = MC_ERR_BAD_MESSAGE;
	else if (status == MC_OK && (reply == NULL || *reply == '\0'))
		status = MC_ERR_PERMISSION;
	json_decref(root);
	lookup_end(context, status, NULL);
}

static void
probe_answered(void *context, enum mc_status status, struct mc_str body)
{
	json_t *root = status == MC_OK ? json_loadb(body.ptr, body.len, 0, NULL) : NULL;

	if (status == MC_OK && !json_is_object(root))
		status = MC_ERR_BAD_MESSAGE;
	json_decref(root);
	lookup_end(context, status, NULL);
}

static void
lookup_ask(struct lookup *lookup, const struct peer_name *to)
{
	peer_ask(lookup->peer, to, lookup->type, peer_text(&lookup->body), lookup_left(lookup),
		 lookup->type == FRAME_NOTIFY ? notify_answered : probe_answered, lookup);
}

static void
port_learned(void *context, enum mc_status status, struct mc_str body)
{
	struct lookup *lookup = context;
	char error[MC_DESC_ERROR_MAX];
	struct mc_rpc_meta meta;
	struct peer_name to = {0};

	if (status == MC_OK && mc_rpc_meta_read(body, &meta, error) != MC_OK) {
		MC_LOG_LIMITED(MC_LOG_WARN, "segment %s: its rpc_meta is not valid: %s",
			       lookup->segment, error);
		status = MC_ERR_BAD_MESSAGE;
	}
	if (status != MC_OK) {
		lookup_end(lookup, status, NULL);
		return;
	}
	snprintf(to.host, sizeof(to.host), "%s", meta.host);
	to.port = meta.port;
	to.v6 = strchr(meta.host, ':') != NULL;
	lookup_ask(lookup, &to);
}

static void
ask_segment(struct mc_peer *peer, const char *segment, uint8_t type, struct mc_buf *body,
	    uint64_t timeout_ns, mc_peer_done done, void *context)
{
	struct lookup *lookup = lookup_create(peer, segment, timeout_ns);
	struct peer_name to;

	if (lookup == NULL) {
		mc_buf_fini(body);
		done(context, MC_ERR_NO_MEMORY);
		return;
	}
	lookup->done = done;
	lookup->context = context;
	lookup->type = type;
	lookup->body = *body;
	if (lookup->segment[0] == '\0' ||
	    (peer->p2p && peer_name_parse(lookup->segment, &to) != MC_OK))
		peer_later(peer, lookup_failed, lookup, MC_ERR_ADDRESS_INVALID);
	else if (peer->p2p)
		lookup_ask(lookup, &to);
	else
		peer_http(peer, "GET", PEER_KEY_RPC, lookup->segment, (struct mc_str){0},
			  timeout_ns, port_learned, lookup);
}

void
mc_peer_notify(struct mc_peer *peer, const char *segment, const char *name, const char *text,
	       uint64_t timeout_ns, mc_peer_done done, void *context)
{
	struct mc_buf body;

	mc_buf_init(&body);
	if (mc_buf_printf(&body, "{\"name\":") == MC_OK &&
	    mc_json_str(&body, (struct mc_str){name, strlen(name)}) == MC_OK &&
	    mc_buf_printf(&body, ",\"notify_msg\":") == MC_OK &&
	    mc_json_str(&body, (struct mc_str){text, strlen(text)}) == MC_OK &&
	    mc_buf_printf(&body, "}") == MC_OK) {
		ask_segment(peer, segment, FRAME_NOTIFY, &body, timeout_ns, done, context);
		return;
	}
	mc_buf_fini(&body);
	done(context, MC_ERR_NO_MEMORY);
}

void
mc_peer_probe(struct mc_peer *peer, const char *segment, uint64_t timeout_ns, mc_peer_done done,
	      void *context)
{
	struct mc_buf body;

	mc_buf_init(&body);
	if (mc_buf_printf(&body, "{}") != MC_OK)
		done(context, MC_ERR_NO_MEMORY);
	else
		ask_segment(peer, segment, FRAME_PROBE, &body, timeout_ns, done, context);
}
