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
#define CLUSTER_MAX 100u

/* ---- answers in the next pass ---- */

struct deferred {
	struct mc_list link;
	peer_answer answer;
	void *context;
	enum mc_status status;
};

static void
deferred_end(struct mc_list *node, bool canceled)
{
	struct deferred *deferred = mc_container_of(node, struct deferred, link);

	mc_list_del(node);
	deferred->answer(deferred->context, canceled ? MC_ERR_CANCELED : deferred->status,
			 (struct mc_str){0});
	free(deferred);
}

static void
later_expired(struct mc_timer *timer)
{
	struct mc_peer *peer = mc_container_of(timer, struct mc_peer, later);
	const struct mc_list *last = peer->deferred.prev;
	bool more = true;

	/* those that the answers bring start the timer again */
	while (more && !mc_list_empty(&peer->deferred)) {
		more = peer->deferred.next != last;
		deferred_end(peer->deferred.next, false);
	}
}

void
peer_later(struct mc_peer *peer, peer_answer answer, void *context, enum mc_status status)
{
	struct deferred *deferred = calloc(1, sizeof(*deferred));

	mc_assert(deferred != NULL);	/* nobody could be told */
	deferred->answer = answer;
	deferred->context = context;
	deferred->status = status;
	mc_list_add_tail(&peer->deferred, &deferred->link);
	mc_assert(mc_timer_start(peer->reactor, &peer->later, mc_clock_mono_ns()) == MC_OK);
}

/* ---- opening ---- */

static bool
is_loopback(const char *host)
{
	struct mc_net_addr addr;

	return mc_net_addr_parse(host, 0, &addr) != MC_OK || mc_net_addr_loopback(&addr);
}

/*
 * Where peers find us: what the caller binds, what upstream's variable says, an address that is our
 * name (another host's peers may use it as well), the first interface.
 */
static void
host_choose(struct mc_peer *peer, const struct peer_name *name)
{
	const char *bind = peer->params.bind_host;
	const char *published = getenv("MC_TCP_BIND_ADDRESS");
	struct mc_net_addr addr;
	char text[MC_NET_ADDR_TEXT];
	bool any = bind == NULL || strcmp(bind, "0.0.0.0") == 0 || strcmp(bind, "::") == 0;

	if (peer->p2p || peer->legacy_port)
		snprintf(peer->host, sizeof(peer->host), "%s", name->host);
	else if (!any)
		snprintf(peer->host, sizeof(peer->host), "%s", bind);
	else if (published != NULL && *published != '\0')
		snprintf(peer->host, sizeof(peer->host), "%s", published);
	else if (!is_loopback(name->host))
		snprintf(peer->host, sizeof(peer->host), "%s", name->host);
	else if (mc_net_first_addr(getenv("MC_USE_IPV6") != NULL, &addr) == MC_OK)
		snprintf(peer->host, sizeof(peer->host), "%s", mc_net_addr_host(&addr, text));
	else
		snprintf(peer->host, sizeof(peer->host), "%s", name->host);
}

static enum mc_status
prefix_set(struct mc_peer *peer)
{
	const char *cluster = getenv("MC_METADATA_CLUSTER_ID");
	size_t length = cluster != NULL ? strlen(cluster) : 0;

	if (length > CLUSTER_MAX) {
		mc_log_error("MC_METADATA_CLUSTER_ID=%.40s… has %zu bytes: give at most %u",
			     cluster, length, CLUSTER_MAX);
		return MC_ERR_TOO_LARGE;
	}
	snprintf(peer->prefix, sizeof(peer->prefix), "mooncake/%s%s", length > 0 ? cluster : "",
		 length > 0 && cluster[length - 1] != '/' ? "/" : "");
	return MC_OK;
}

static enum mc_status
metadata_set(struct mc_peer *peer, const char *metadata)
{
	enum mc_status st = prefix_set(peer);

	if (st != MC_OK)
		return st;
	peer->p2p = strcmp(metadata, "P2PHANDSHAKE") == 0;
	if (peer->p2p)
		return MC_OK;
	if (strlen(metadata) >= sizeof(peer->url) ||
	    (strncmp(metadata, "http://", 7) != 0 && strncmp(metadata, "https://", 8) != 0)) {
		mc_log_error("metadata server %.200s: give P2PHANDSHAKE or "
			     "http://HOST:PORT/metadata; etcd and redis are not built", metadata);
		return MC_ERR_UNSUPPORTED;
	}
	peer->legacy_port = getenv("MC_LEGACY_RPC_PORT_BINDING") != NULL;
	snprintf(peer->url, sizeof(peer->url), "%s", metadata);
	return mc_http_client_create(peer->reactor, 0, &peer->http);
}

/* The handshake port, and with it the name that peers know us by. */
static enum mc_status
name_set(struct mc_peer *peer, const char *text)
{
	struct peer_name name;
	enum mc_status st;

	if (strlen(text) >= sizeof(peer->name) || peer_name_parse(text, &name) != MC_OK) {
		mc_log_error("name %.200s: give HOST or HOST:PORT, with a host of 1 to 255 bytes",
			     text);
		return MC_ERR_ADDRESS_INVALID;
	}
	st = peer_serve_open(peer, peer->params.bind_host, peer->legacy_port ? name.port : 0);
	if (st != MC_OK)
		return st;
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
	mc_list_init(&peer->looking);
	mc_list_init(&peer->asking);
	mc_list_init(&peer->deferred);
	mc_list_init(&peer->publishing);
	mc_list_init(&peer->waiting);
	mc_list_init(&peer->published);
	peer->own_sent = true;	/* nothing to send */
	peer->later.expired = later_expired;
	mc_buf_init(&peer->own);
	peer->frame_max = peer_env("MC_HANDSHAKE_MAX_LENGTH", FRAME_MAX_DEFAULT, 1, FRAME_MAX_MOST);
	peer->connect_timeout_ns = MC_NS_PER_S *
				   peer_env("MC_HANDSHAKE_CONNECT_TIMEOUT", 5, 1, 3599);
	st = metadata_set(peer, params->metadata);
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
	/* look-ups end questions, questions and requests end what asked them */
	peer_host_close(peer);
	peer_ask_close(peer);
	mc_http_client_destroy(peer->http);
	while (!mc_list_empty(&peer->deferred))
		deferred_end(peer->deferred.next, true);
	mc_timer_stop(peer->reactor, &peer->later);
	peer_publish_close(peer);
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
