/* SPDX-License-Identifier: Apache-2.0 */
/* The interface: who we are, and the steps of publishing, resolving, notifying and probing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/assert.h"
#include "core/base/clock.h"
#include "core/peer/private.h"
#include "mc/log.h"

#define FRAME_MAX_DEFAULT (1u << 20)
#define FRAME_MAX_MOST (128u << 20)

/* ---- answers in the next pass ---- */

struct deferred {
	struct mc_msg msg;
	struct mc_list link;
	peer_answer answer;	/* NULL: given already */
	void *context;
	enum mc_status status;
};

static void
deferred_run(struct mc_msg *msg)
{
	struct deferred *deferred = mc_container_of(msg, struct deferred, msg);

	if (deferred->answer != NULL) {
		mc_list_del(&deferred->link);
		deferred->answer(deferred->context, deferred->status, (struct mc_str){0});
	}
	free(deferred);
}

/* The messages stay in the ring, and free themselves there. */
static void
deferred_close(struct mc_peer *peer)
{
	while (!mc_list_empty(&peer->deferred)) {
		struct deferred *deferred =
			mc_container_of(peer->deferred.next, struct deferred, link);
		peer_answer answer = deferred->answer;

		mc_list_del(&deferred->link);
		deferred->answer = NULL;
		answer(deferred->context, MC_ERR_CANCELED, (struct mc_str){0});
	}
}

void
peer_later(struct mc_peer *peer, peer_answer answer, void *context, enum mc_status status)
{
	struct deferred *deferred = calloc(1, sizeof(*deferred));

	mc_assert(deferred != NULL);	/* nobody could be told */
	deferred->msg.run = deferred_run;
	deferred->answer = answer;
	deferred->context = context;
	deferred->status = status;
	mc_list_add_tail(&peer->deferred, &deferred->link);
	/* a full ring of the reactor that we run on gets no emptier by waiting */
	mc_assert(mc_reactor_send(peer->reactor, &deferred->msg) == MC_OK);
}

/* ---- opening ---- */

/* Where peers find us: what the caller says, what upstream's variable says, what there is. */
static void
host_choose(struct mc_peer *peer, const struct peer_name *name)
{
	const char *bind = peer->params.bind_host;
	const char *published = getenv("MC_TCP_BIND_ADDRESS");
	struct mc_net_addr addr;
	char text[MC_NET_ADDR_TEXT];
	bool any = bind == NULL || strcmp(bind, "0.0.0.0") == 0 || strcmp(bind, "::") == 0;

	if (peer->p2p)
		snprintf(peer->host, sizeof(peer->host), "%s", name->host);
	else if (!any)
		snprintf(peer->host, sizeof(peer->host), "%s", bind);
	else if (published != NULL && *published != '\0')
		snprintf(peer->host, sizeof(peer->host), "%s", published);
	else if (mc_net_addr_parse(name->host, 0, &addr) == MC_OK)
		snprintf(peer->host, sizeof(peer->host), "%s", name->host);
	else if (mc_net_first_addr(getenv("MC_USE_IPV6") != NULL, &addr) == MC_OK)
		snprintf(peer->host, sizeof(peer->host), "%s", mc_net_addr_host(&addr, text));
	else
		snprintf(peer->host, sizeof(peer->host), "%s", name->host);
}

static enum mc_status
metadata_set(struct mc_peer *peer, const char *metadata)
{
	const char *cluster = getenv("MC_METADATA_CLUSTER_ID");
	size_t length = cluster != NULL ? strlen(cluster) : 0;

	snprintf(peer->prefix, sizeof(peer->prefix), "mooncake/%s%s", length > 0 ? cluster : "",
		 length > 0 && cluster[length - 1] != '/' ? "/" : "");
	peer->p2p = strcmp(metadata, "P2PHANDSHAKE") == 0;
	if (peer->p2p)
		return MC_OK;
	if (length > 100 || strlen(metadata) >= sizeof(peer->url) ||
	    (strncmp(metadata, "http://", 7) != 0 && strncmp(metadata, "https://", 8) != 0)) {
		mc_log_error("metadata server %.200s: give P2PHANDSHAKE or "
			     "http://HOST:PORT/metadata; etcd and redis are not built", metadata);
		return MC_ERR_UNSUPPORTED;
	}
	snprintf(peer->url, sizeof(peer->url), "%s", metadata);
	return mc_http_client_create(peer->reactor, 0, &peer->http);
}

static enum mc_status
name_set(struct mc_peer *peer, const char *text)
{
	struct peer_name name;

	if (strlen(text) >= sizeof(peer->name) || peer_name_parse(text, &name) != MC_OK) {
		mc_log_error("name %.200s: give HOST or HOST:PORT, with a host of 1 to 255 bytes",
			     text);
		return MC_ERR_ADDRESS_INVALID;
	}
	host_choose(peer, &name);
	if (peer->p2p) {
		name.port = peer->port;
		peer_name_text(&name, peer->name);
	} else {
		snprintf(peer->name, sizeof(peer->name), "%s", text);
	}
	return MC_OK;
}

enum mc_status
mc_peer_open(const struct mc_peer_params *params, struct mc_peer **peer_out)
{
	struct mc_peer *peer = calloc(1, sizeof(*peer));
	enum mc_status st;

	mc_assert(params->size == sizeof(*params));
	if (peer == NULL)
		return MC_ERR_NO_MEMORY;
	peer->reactor = params->reactor;
	peer->params = *params;
	peer->listen.fd = -1;
	mc_list_init(&peer->serving);
	mc_list_init(&peer->asking);
	mc_list_init(&peer->deferred);
	mc_list_init(&peer->publishing);
	mc_list_init(&peer->waiting);
	mc_buf_init(&peer->own);
	peer->frame_max = peer_env("MC_HANDSHAKE_MAX_LENGTH", FRAME_MAX_DEFAULT, 1, FRAME_MAX_MOST);
	peer->connect_timeout_ns = MC_NS_PER_S *
				   peer_env("MC_HANDSHAKE_CONNECT_TIMEOUT", 5, 1, 3599);
	st = metadata_set(peer, params->metadata);
	if (st == MC_OK)
		st = peer_serve_open(peer, params->bind_host);
	if (st == MC_OK)
		st = name_set(peer, params->name);
	if (st != MC_OK) {
		mc_peer_close(peer);
		return st;
	}
	*peer_out = peer;
	return MC_OK;
}

void
mc_peer_close(struct mc_peer *peer)
{
	if (peer == NULL)
		return;
	peer->closing = true;
	peer_serve_close(peer);
	peer_ask_close(peer);
	mc_http_client_destroy(peer->http);
	deferred_close(peer);
	mc_buf_fini(&peer->own);
	free(peer);
}

const char *
mc_peer_name(const struct mc_peer *peer)
{
	return peer->name;
}

uint16_t
mc_peer_port(const struct mc_peer *peer)
{
	return peer->port;
}

const char *
mc_peer_host(const struct mc_peer *peer)
{
	return peer->host;
}

bool
mc_peer_is_p2p(const struct mc_peer *peer)
{
	return peer->p2p;
}
