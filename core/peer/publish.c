/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others learn of us. With a metadata server: rpc_meta once, then ram, each time as a whole.
 * One PUT of ram is under way at a time; what was published meanwhile goes out together after it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/peer/private.h"
#include "mc/log.h"

struct publish {
	struct mc_list link;
	struct mc_peer *peer;
	uint64_t deadline_ns;
	mc_peer_done done;
	void *context;
};

static void publish_start(struct mc_peer *peer);

static struct mc_str
own_text(const struct mc_peer *peer)
{
	return (struct mc_str){(const char *)peer->own.data + peer->own.head,
			       mc_buf_len(&peer->own)};
}

static uint64_t
time_left(uint64_t deadline_ns)
{
	uint64_t now = mc_clock_mono_ns();

	return deadline_ns > now ? deadline_ns - now : 1;
}

/* "2026-11-23 02:54:28.689695", local time: for people. */
static void
timestamp_text(char buf[40])
{
	uint64_t now = mc_clock_real_ns();
	time_t seconds = (time_t)(now / MC_NS_PER_S);
	struct tm tm;
	size_t at;

	localtime_r(&seconds, &tm);
	at = strftime(buf, 40, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(buf + at, 40 - at, ".%06u", (unsigned int)(now % MC_NS_PER_S / MC_NS_PER_US));
}

static enum mc_status
own_set(struct mc_peer *peer, const struct mc_desc *own)
{
	struct mc_desc copy = *own;
	char timestamp[40];
	struct mc_buf text;
	enum mc_status st;

	timestamp_text(timestamp);
	copy.timestamp = timestamp;
	mc_buf_init(&text);
	st = mc_desc_write(&copy, &text);
	if (st != MC_OK) {
		mc_buf_fini(&text);
		return st;
	}
	mc_buf_fini(&peer->own);
	peer->own = text;
	return MC_OK;
}

static void
publishing_end(struct mc_peer *peer, enum mc_status status)
{
	struct mc_list ended;

	mc_list_init(&ended);
	while (!mc_list_empty(&peer->publishing)) {
		struct mc_list *node = peer->publishing.next;

		mc_list_del(node);
		mc_list_add_tail(&ended, node);
	}
	if (!peer->closing)
		publish_start(peer);
	while (!mc_list_empty(&ended)) {
		struct publish *publish = mc_container_of(ended.next, struct publish, link);

		mc_list_del(&publish->link);
		publish->done(publish->context, status);
		free(publish);
	}
}

static void
ram_put(void *context, enum mc_status status, struct mc_str body)
{
	publishing_end(context, status);
}

static uint64_t
publishing_deadline(const struct mc_peer *peer)
{
	const struct mc_list *last = peer->publishing.prev;

	return mc_container_of(last, struct publish, link)->deadline_ns;
}

static void
rpc_meta_put(void *context, enum mc_status status, struct mc_str body)
{
	struct mc_peer *peer = context;

	if (status == MC_ERR_EXISTS)
		mc_log_error("metadata server %s: name %s is another process's (key "
			     "%srpc_meta/%s); choose another name, or DELETE the key if that "
			     "process is dead", peer->url, peer->name, peer->prefix, peer->name);
	if (status != MC_OK) {
		publishing_end(peer, status);
		return;
	}
	peer->rpc_meta_put = true;
	peer_http(peer, "PUT", PEER_KEY_RAM, peer->name, own_text(peer),
		  time_left(publishing_deadline(peer)), ram_put, peer);
}

/* Sends the newest descriptor for all that wait. */
static void
publish_start(struct mc_peer *peer)
{
	struct mc_rpc_meta meta = {.port = peer->port};
	struct mc_buf text;

	if (mc_list_empty(&peer->waiting))
		return;
	while (!mc_list_empty(&peer->waiting)) {
		struct mc_list *node = peer->waiting.next;

		mc_list_del(node);
		mc_list_add_tail(&peer->publishing, node);
	}
	if (peer->p2p) {
		peer_later(peer, ram_put, peer, MC_OK);
		return;
	}
	if (peer->rpc_meta_put) {
		rpc_meta_put(peer, MC_OK, (struct mc_str){0});
		return;
	}
	snprintf(meta.host, sizeof(meta.host), "%s", peer->host);
	mc_buf_init(&text);
	if (mc_rpc_meta_write(&meta, &text) != MC_OK)
		peer_later(peer, ram_put, peer, MC_ERR_NO_MEMORY);
	else
		peer_http(peer, "PUT", PEER_KEY_RPC, peer->name,
			  (struct mc_str){(const char *)text.data, mc_buf_len(&text)},
			  time_left(publishing_deadline(peer)), rpc_meta_put, peer);
	mc_buf_fini(&text);
}

void
mc_peer_publish(struct mc_peer *peer, const struct mc_desc *own, uint64_t timeout_ns,
		mc_peer_done done, void *context)
{
	struct publish *publish = calloc(1, sizeof(*publish));
	enum mc_status st = MC_ERR_NO_MEMORY;

	if (publish != NULL)
		st = own_set(peer, own);
	if (st != MC_OK) {
		free(publish);
		done(context, st);
		return;
	}
	publish->peer = peer;
	publish->deadline_ns = mc_clock_mono_ns() + timeout_ns;
	publish->done = done;
	publish->context = context;
	mc_list_add_tail(&peer->waiting, &publish->link);
	if (mc_list_empty(&peer->publishing))
		publish_start(peer);
}

/* ---- taking it back ---- */

static void
unpublish_end(struct publish *publish, enum mc_status status)
{
	publish->done(publish->context, status);
	free(publish);
}

static void
ram_deleted(void *context, enum mc_status status, struct mc_str body)
{
	unpublish_end(context, status == MC_ERR_NOT_FOUND ? MC_OK : status);
}

static void
rpc_meta_deleted(void *context, enum mc_status status, struct mc_str body)
{
	struct publish *publish = context;
	struct mc_peer *peer = publish->peer;

	if (status == MC_OK || status == MC_ERR_NOT_FOUND)
		peer_http(peer, "DELETE", PEER_KEY_RAM, peer->name, (struct mc_str){0},
			  time_left(publish->deadline_ns), ram_deleted, publish);
	else
		unpublish_end(publish, status);
}

void
mc_peer_unpublish(struct mc_peer *peer, uint64_t timeout_ns, mc_peer_done done, void *context)
{
	struct publish *publish = calloc(1, sizeof(*publish));

	if (publish == NULL) {
		done(context, MC_ERR_NO_MEMORY);
		return;
	}
	publish->peer = peer;
	publish->deadline_ns = mc_clock_mono_ns() + timeout_ns;
	publish->done = done;
	publish->context = context;
	/* not our name any more, or never: another process may have it */
	if (peer->p2p || !peer->rpc_meta_put)
		peer_later(peer, ram_deleted, publish, MC_OK);
	else
		peer_http(peer, "DELETE", PEER_KEY_RPC, peer->name, (struct mc_str){0}, timeout_ns,
			  rpc_meta_deleted, publish);
}
