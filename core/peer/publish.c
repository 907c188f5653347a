/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others learn of us. With a metadata server: rpc_meta once, then ram, each time as a whole.
 * One PUT of ram is under way at a time; what was published meanwhile goes out together after it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/assert.h"
#include "core/base/clock.h"
#include "core/peer/private.h"
#include "mc/log.h"

#define PUT_TIMEOUT_NS (3 * MC_NS_PER_S)	/* of a PUT for which nobody waits any more */

struct publish {
	struct mc_list link;
	struct mc_timer timer;
	struct mc_peer *peer;
	uint64_t deadline_ns;
	enum mc_status status;		/* to be told when the timer expires */
	mc_peer_done done;
	void *context;
};

static void publish_start(struct mc_peer *peer);

static uint64_t
time_left(uint64_t deadline_ns)
{
	uint64_t now = mc_clock_mono_ns();

	return deadline_ns > now ? deadline_ns - now : 1;
}

/* ---- calls ---- */

static void
publish_end(struct publish *publish, enum mc_status status)
{
	mc_timer_stop(publish->peer->reactor, &publish->timer);
	if (mc_list_linked(&publish->link))
		mc_list_del(&publish->link);
	publish->done(publish->context, status);
	free(publish);
}

/* Too late, or an answer that was not given inside the call. */
static void
publish_expired(struct mc_timer *timer)
{
	struct publish *publish = mc_container_of(timer, struct publish, timer);

	publish_end(publish, publish->status);
}

static struct publish *
publish_create(struct mc_peer *peer, uint64_t timeout_ns, mc_peer_done done, void *context)
{
	struct publish *publish = calloc(1, sizeof(*publish));

	if (publish == NULL)
		return NULL;
	publish->timer.expired = publish_expired;
	publish->peer = peer;
	publish->deadline_ns = mc_clock_mono_ns() + timeout_ns;
	publish->status = MC_ERR_TIMEOUT;
	publish->done = done;
	publish->context = context;
	if (mc_timer_start(peer->reactor, &publish->timer, publish->deadline_ns) == MC_OK)
		return publish;
	free(publish);
	return NULL;
}

/* Tells @status in the next pass. */
static void
publish_later(struct publish *publish, enum mc_status status)
{
	publish->status = status;
	mc_list_add_tail(&publish->peer->published, &publish->link);
	mc_assert(mc_timer_start(publish->peer->reactor, &publish->timer, mc_clock_mono_ns()) ==
		  MC_OK);	/* it runs already, and is moved only */
}

static void
all_end(struct mc_list *list, enum mc_status status)
{
	while (!mc_list_empty(list))
		publish_end(mc_container_of(list->next, struct publish, link), status);
}

static void
all_move(struct mc_list *from, struct mc_list *to)
{
	while (!mc_list_empty(from)) {
		struct mc_list *node = from->next;

		mc_list_del(node);
		mc_list_add_tail(to, node);
	}
}

void
peer_publish_close(struct mc_peer *peer)
{
	all_end(&peer->publishing, MC_ERR_CANCELED);
	all_end(&peer->waiting, MC_ERR_CANCELED);
	all_end(&peer->published, MC_ERR_CANCELED);
}

/* ---- the descriptor ---- */

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
		mc_log_error("name %s: its descriptor cannot be written: %s (names are UTF-8)",
			     peer->name, mc_status_text(st));
		mc_buf_fini(&text);
		return st;
	}
	mc_buf_fini(&peer->own);
	peer->own = text;
	return MC_OK;
}

/* ---- telling the metadata server ---- */

/* What was published meanwhile goes out before anybody is told, as they may publish more. */
static void
put_end(struct mc_peer *peer, enum mc_status status)
{
	struct mc_list ended;

	mc_list_init(&ended);
	all_move(&peer->publishing, &ended);
	peer->putting = false;
	if (!peer->closing)
		publish_start(peer);
	all_end(&ended, status);
}

static void
ram_put(void *context, enum mc_status status, struct mc_str body)
{
	put_end(context, status);
}

static void
ram_put_start(struct mc_peer *peer)
{
	peer->own_sent = true;
	peer_http(peer, "PUT", PEER_KEY_RAM, peer->name, peer_text(&peer->own),
		  time_left(peer->put_deadline_ns), ram_put, peer);
}

static bool
is_ours(const struct mc_peer *peer, struct mc_str body)
{
	char error[MC_DESC_ERROR_MAX];
	struct mc_rpc_meta meta;

	return mc_rpc_meta_read(body, &meta, error) == MC_OK && meta.port == peer->port &&
	       strcmp(meta.host, peer->host) == 0;
}

/*
 * The entry that was in the way. It may be our own: the server stored it, and its answer was lost.
 * The stand-alone server of upstream refuses even the same bytes again.
 */
static void
rpc_meta_seen(void *context, enum mc_status status, struct mc_str body)
{
	struct mc_peer *peer = context;
	char error[MC_DESC_ERROR_MAX];
	struct mc_rpc_meta meta = {0};

	if (status == MC_OK && is_ours(peer, body)) {
		peer->rpc_meta_put = true;
		ram_put_start(peer);
		return;
	}
	if (status != MC_OK || mc_rpc_meta_read(body, &meta, error) != MC_OK)
		snprintf(meta.host, sizeof(meta.host), "an unknown address");
	mc_log_error("metadata server %s: key %srpc_meta/%s is another process's (%s, port %u): "
		     "choose another name than %s, or DELETE the key if that process is dead",
		     peer->url, peer->prefix, peer->name, meta.host, meta.port, peer->name);
	put_end(peer, MC_ERR_EXISTS);
}

static void
rpc_meta_put(void *context, enum mc_status status, struct mc_str body)
{
	struct mc_peer *peer = context;

	if (status == MC_OK) {
		peer->rpc_meta_put = true;
		ram_put_start(peer);
	} else if (status == MC_ERR_EXISTS) {
		peer_http(peer, "GET", PEER_KEY_RPC, peer->name, (struct mc_str){0},
			  time_left(peer->put_deadline_ns), rpc_meta_seen, peer);
	} else {
		peer->rpc_meta_lost |= status != MC_ERR_CONN_REFUSED;
		put_end(peer, status);
	}
}

static void
rpc_meta_put_start(struct mc_peer *peer)
{
	struct mc_rpc_meta meta = {.port = peer->port};
	struct mc_buf text;

	snprintf(meta.host, sizeof(meta.host), "%s", peer->host);
	mc_buf_init(&text);
	if (mc_rpc_meta_write(&meta, &text) != MC_OK)
		peer_later(peer, ram_put, peer, MC_ERR_NO_MEMORY);
	else
		peer_http(peer, "PUT", PEER_KEY_RPC, peer->name,
			  peer_text(&text), time_left(peer->put_deadline_ns), rpc_meta_put, peer);
	mc_buf_fini(&text);
}

/* Sends the newest descriptor, for all that wait; those that gave up want it sent all the same. */
static void
publish_start(struct mc_peer *peer)
{
	if (peer->own_sent && mc_list_empty(&peer->waiting))
		return;
	all_move(&peer->waiting, &peer->publishing);
	peer->putting = true;
	/* once: what fails is told, and tried again by the next call */
	peer->own_sent = true;
	peer->put_deadline_ns = 0;
	for (struct mc_list *node = peer->publishing.next; node != &peer->publishing;
	     node = node->next) {
		uint64_t deadline_ns = mc_container_of(node, struct publish, link)->deadline_ns;

		if (deadline_ns > peer->put_deadline_ns)
			peer->put_deadline_ns = deadline_ns;
	}
	if (mc_list_empty(&peer->publishing))
		peer->put_deadline_ns = mc_clock_mono_ns() + PUT_TIMEOUT_NS;
	if (!peer->rpc_meta_put) {
		rpc_meta_put_start(peer);
		return;
	}
	ram_put_start(peer);
}

void
mc_peer_publish(struct mc_peer *peer, const struct mc_desc *own, uint64_t timeout_ns,
		mc_peer_done done, void *context)
{
	struct publish *publish = publish_create(peer, timeout_ns, done, context);
	enum mc_status st;

	if (publish == NULL) {
		done(context, MC_ERR_NO_MEMORY);
		return;
	}
	st = own_set(peer, own);
	if (st != MC_OK || peer->p2p) {
		publish_later(publish, st);
		return;
	}
	peer->own_sent = false;
	mc_list_add_tail(&peer->waiting, &publish->link);
	if (!peer->putting)
		publish_start(peer);
}

/* ---- taking it back ---- */

static void
ram_deleted(void *context, enum mc_status status, struct mc_str body)
{
	publish_end(context, status == MC_ERR_NOT_FOUND ? MC_OK : status);
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
		publish_end(publish, status);
}

static void
rpc_meta_delete(struct publish *publish)
{
	struct mc_peer *peer = publish->peer;

	peer_http(peer, "DELETE", PEER_KEY_RPC, peer->name, (struct mc_str){0},
		  time_left(publish->deadline_ns), rpc_meta_deleted, publish);
}

/* A PUT whose answer was lost may have arrived. What is another process's stays. */
static void
rpc_meta_found(void *context, enum mc_status status, struct mc_str body)
{
	struct publish *publish = context;

	if (status == MC_OK && is_ours(publish->peer, body))
		rpc_meta_delete(publish);
	else
		publish_end(publish, status == MC_ERR_NOT_FOUND ? MC_OK : status);
}

void
mc_peer_unpublish(struct mc_peer *peer, uint64_t timeout_ns, mc_peer_done done, void *context)
{
	struct publish *publish = publish_create(peer, timeout_ns, done, context);

	if (publish == NULL) {
		done(context, MC_ERR_NO_MEMORY);
		return;
	}
	if (peer->p2p || (!peer->rpc_meta_put && !peer->rpc_meta_lost)) {
		publish_later(publish, MC_OK);
		return;
	}
	/* the requests have its deadline, and end it */
	mc_timer_stop(peer->reactor, &publish->timer);
	if (peer->rpc_meta_put)
		rpc_meta_delete(publish);
	else
		peer_http(peer, "GET", PEER_KEY_RPC, peer->name, (struct mc_str){0}, timeout_ns,
			  rpc_meta_found, publish);
}
