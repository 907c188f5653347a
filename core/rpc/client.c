/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's connection. A call has a slot; its sequence number is the slot's number in the low
 * half and, above it, how often the slot was used, so that an answer to a call that is over cannot
 * pass for one that is not. Calls are listed in the order they were made: all have the same time,
 * so the first one is the next to be late.
 */
#include "core/rpc/client.h"

#include <stdlib.h>
#include <sys/epoll.h>

#include "core/base/assert.h"
#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/wire/frame.h"
#include "mc/log.h"

#define READ_CHUNK	   (64u << 10)
#define BUF_KEEP	   (256u << 10) /* of an empty buffer; more is given back */
#define TIMEOUT_DEFAULT_NS (30 * MC_NS_PER_S)
#define DEPTH_DEFAULT	   1024u
#define DEPTH_MAX	   65536u /* slots that the low half of a sequence number can name */

struct slot {
	struct mc_list link;		/* in calls or in free */
	struct mc_rpc_pending *pending; /* NULL: free */
	uint32_t seq;
};

struct mc_rpc_client {
	struct mc_watch watch;
	struct mc_poller poller; /* sends what the pass queued */
	struct mc_timer timer;	 /* of connecting, then of the oldest call */
	struct mc_reactor *reactor;
	struct mc_buf in;
	struct mc_buf out;
	struct slot *slots;
	uint32_t slots_count;
	struct mc_list calls; /* oldest first */
	struct mc_list free;
	uint64_t call_timeout_ns;
	uint64_t attach_left; /* attachment bytes still to be dropped */
	bool connected;
	bool dead;
	bool answering; /* inside done() */
	struct mc_net_addr addr;
	void (*state)(void *context, enum mc_status status);
	void *context;
};

/* ---- ends ---- */

static void
slot_finish(struct mc_rpc_client *client, struct slot *slot, enum mc_status status,
	    const uint8_t *body, size_t len)
{
	struct mc_rpc_pending *pending = slot->pending;
	bool outer = client->answering;

	slot->pending = NULL;
	slot->seq += DEPTH_MAX;
	mc_list_del(&slot->link);
	mc_list_add_tail(&client->free, &slot->link);
	client->answering = true;
	pending->done(pending, status, body, len);
	client->answering = outer;
}

/* Everything but the memory; the calls that were late end with @late, others as closed. */
static void
client_end(struct mc_rpc_client *client, enum mc_status late)
{
	uint64_t overdue = mc_reactor_now(client->reactor) - client->call_timeout_ns;

	client->dead = true;
	mc_watch_del(client->reactor, &client->watch);
	mc_poller_del(&client->poller);
	mc_timer_stop(client->reactor, &client->timer);
	mc_net()->close(client->watch.fd);
	mc_buf_fini(&client->out);
	while (!mc_list_empty(&client->calls)) {
		struct slot *slot = mc_container_of(client->calls.next, struct slot, link);
		bool is_late = (int64_t)(overdue - slot->pending->sent_ns) >= 0;

		slot_finish(client, slot, is_late ? late : MC_ERR_CONN_CLOSED, NULL, 0);
	}
}

/* Last thing done with the client by whoever calls it: state() may close it. */
static void
client_fail(struct mc_rpc_client *client, enum mc_status why)
{
	client_end(client, why == MC_ERR_TIMEOUT ? MC_ERR_TIMEOUT : MC_ERR_CONN_CLOSED);
	client->state(client->context, why);
}

/* ---- answers ---- */

/* The string that is a framing-level error's body; what does not read as one is no text. */
static size_t
error_text(const uint8_t *body, size_t len, const uint8_t **text_out)
{
	const uint8_t *at = body + 4, *end = body + len;
	unsigned int width = 1;
	uint64_t count = 0;

	*text_out = body;
	if (len < 5)
		return 0;
	if ((body[0] & 1) != 0) {
		uint8_t meta = *at++;

		width = 1u << (meta >> 3 & 3);
		if ((meta & 4) != 0) {
			/* a type literal, up to its zero */
			at = memchr(at, 0, (size_t)(end - at));
			if (at == NULL)
				return 0;
			at++;
		}
	}
	if ((size_t)(end - at) < width)
		return 0;
	for (unsigned int i = 0; i < width; i++)
		count |= (uint64_t)at[i] << (8 * i);
	at += width;
	if (count > (size_t)(end - at))
		return 0;
	*text_out = at;
	return (size_t)count;
}

static void
answer_give(struct mc_rpc_client *client, struct slot *slot, uint8_t err_code, const uint8_t *body,
	    size_t len)
{
	const uint8_t *text;

	if (err_code == MC_FRAME_OK) {
		slot_finish(client, slot, MC_OK, body, len);
		return;
	}
	len = error_text(body, len, &text);
	slot_finish(client, slot, MC_ERR_PROTOCOL, text, len);
}

static struct slot *
slot_find(const struct mc_rpc_client *client, uint32_t seq)
{
	uint32_t index = seq % DEPTH_MAX;
	struct slot *slot = &client->slots[index];

	if (index >= client->slots_count || slot->pending == NULL || slot->seq != seq)
		return NULL;
	return slot;
}

static void
attachment_drop(struct mc_rpc_client *client)
{
	size_t there = mc_buf_len(&client->in);
	size_t drop = there < client->attach_left ? there : (size_t)client->attach_left;

	mc_buf_consume(&client->in, drop);
	client->attach_left -= drop;
}

/*
 * Takes one answer from the input. MC_AGAIN: it is not all there. MC_ERR_PROTOCOL: nobody asked,
 * or the framing is broken; seen before the body is waited for.
 */
static enum mc_status
answer_take(struct mc_rpc_client *client)
{
	const uint8_t *at = client->in.data + client->in.head;
	size_t there = mc_buf_len(&client->in);
	struct mc_frame_response frame;
	struct slot *slot;

	if (there > 0 && at[0] != MC_FRAME_MAGIC)
		return MC_ERR_PROTOCOL;
	if (there < MC_FRAME_RESPONSE_LEN)
		return MC_AGAIN;
	mc_frame_response_load(at, &frame);
	slot = slot_find(client, frame.seq);
	if (slot == NULL || frame.body_len > MC_FRAME_BODY_MAX)
		return MC_ERR_PROTOCOL;
	if (there - MC_FRAME_RESPONSE_LEN < frame.body_len)
		return MC_AGAIN;
	answer_give(client, slot, frame.err_code, at + MC_FRAME_RESPONSE_LEN, frame.body_len);
	mc_buf_consume(&client->in, MC_FRAME_RESPONSE_LEN + frame.body_len);
	client->attach_left = frame.attach_len;
	attachment_drop(client);
	return client->attach_left > 0 ? MC_AGAIN : MC_OK;
}

static enum mc_status
client_read(struct mc_rpc_client *client)
{
	struct mc_buf *in = &client->in;
	size_t got = 0;
	enum mc_status st = mc_buf_reserve(in, READ_CHUNK);

	if (st == MC_OK)
		st = mc_net()->recv(client->watch.fd, in->data + in->tail, READ_CHUNK, &got);
	if (st != MC_OK)
		return st;
	in->tail += got;
	attachment_drop(client);
	if (client->attach_left > 0)
		return MC_OK;
	do
		st = answer_take(client);
	while (st == MC_OK);
	mc_buf_shrink(in, BUF_KEEP);
	return st;
}

/* ---- requests ---- */

static enum mc_status
client_interest(struct mc_rpc_client *client, uint32_t events)
{
	if (events == client->watch.events)
		return MC_OK;
	return mc_watch_mod(client->reactor, &client->watch, events);
}

static enum mc_status
client_flush(struct mc_rpc_client *client)
{
	struct mc_buf *out = &client->out;

	while (mc_buf_len(out) > 0) {
		struct iovec iov = {out->data + out->head, mc_buf_len(out)};
		size_t sent = 0;
		enum mc_status st = mc_net()->send(client->watch.fd, &iov, 1, &sent);

		if (st == MC_AGAIN)
			return client_interest(client, EPOLLIN | EPOLLOUT);
		if (st != MC_OK)
			return st;
		mc_buf_consume(out, sent);
	}
	mc_buf_shrink(out, BUF_KEEP);
	return client_interest(client, EPOLLIN);
}

static uint32_t
client_poll(struct mc_poller *poller)
{
	struct mc_rpc_client *client = mc_container_of(poller, struct mc_rpc_client, poller);
	enum mc_status st;

	/* a full socket is the watch's to wait for */
	if (!client->connected || mc_buf_len(&client->out) == 0 ||
	    (client->watch.events & EPOLLOUT) != 0)
		return 0;
	st = client_flush(client);
	if (st != MC_OK)
		client_fail(client, MC_ERR_CONN_CLOSED);
	return 1;
}

enum mc_status
mc_rpc_client_call(struct mc_rpc_client *client, uint32_t function_id, const void *body, size_t len,
		   struct mc_rpc_pending *pending)
{
	struct mc_frame_request frame = {.function_id = function_id, .body_len = (uint32_t)len};
	uint8_t header[MC_FRAME_REQUEST_LEN];
	struct slot *slot;
	enum mc_status st;

	if (client->dead)
		return MC_ERR_CONN_CLOSED;
	if (len > MC_FRAME_BODY_MAX)
		return MC_ERR_TOO_LARGE;
	if (mc_list_empty(&client->free))
		return MC_AGAIN;
	st = mc_buf_reserve(&client->out, sizeof(header) + len);
	if (st != MC_OK)
		return st;
	slot = mc_container_of(client->free.next, struct slot, link);
	pending->seq = frame.seq = slot->seq;
	pending->sent_ns = mc_reactor_now(client->reactor);
	if (client->connected && mc_list_empty(&client->calls)) {
		st = mc_timer_start(client->reactor, &client->timer,
				    pending->sent_ns + client->call_timeout_ns);
		if (st != MC_OK)
			return st;
	}
	slot->pending = pending;
	mc_list_del(&slot->link);
	mc_list_add_tail(&client->calls, &slot->link);
	mc_frame_request_store(header, &frame);
	mc_buf_append(&client->out, header, sizeof(header));
	mc_buf_append(&client->out, body, len);
	return MC_OK;
}

/* ---- the connection ---- */

static enum mc_status
timer_rearm(struct mc_rpc_client *client)
{
	struct slot *oldest = mc_container_of(client->calls.next, struct slot, link);

	if (mc_list_empty(&client->calls)) {
		mc_timer_stop(client->reactor, &client->timer);
		return MC_OK;
	}
	return mc_timer_start(client->reactor, &client->timer,
			      oldest->pending->sent_ns + client->call_timeout_ns);
}

/* Not moved with each answer: the oldest call may be younger than the timer thinks. */
static void
timer_expired(struct mc_timer *timer)
{
	struct mc_rpc_client *client = mc_container_of(timer, struct mc_rpc_client, timer);
	uint64_t now = mc_reactor_now(client->reactor);
	struct slot *oldest = mc_container_of(client->calls.next, struct slot, link);
	char text[MC_NET_ADDR_TEXT];

	if (client->connected && (mc_list_empty(&client->calls) ||
				  now - oldest->pending->sent_ns < client->call_timeout_ns)) {
		if (timer_rearm(client) != MC_OK)
			client_fail(client, MC_ERR_NO_MEMORY);
		return;
	}
	mc_log_warn("%s: no %s in time; closing the connection",
		    mc_net_addr_text(&client->addr, text),
		    client->connected ? "answer" : "connection");
	client_fail(client, MC_ERR_TIMEOUT);
}

static void
client_connected(struct mc_rpc_client *client)
{
	enum mc_status st = mc_net()->connect_result(client->watch.fd);

	if (st == MC_OK)
		st = client_interest(client, EPOLLIN);
	client->connected = st == MC_OK;
	if (st == MC_OK)
		st = timer_rearm(client);
	if (st != MC_OK)
		client_fail(client, st);
	else
		client->state(client->context, MC_OK);
}

static void
client_ready(struct mc_watch *watch, uint32_t events)
{
	struct mc_rpc_client *client = mc_container_of(watch, struct mc_rpc_client, watch);
	char text[MC_NET_ADDR_TEXT];
	enum mc_status st = MC_AGAIN;

	if (!client->connected) {
		client_connected(client);
		return;
	}
	if ((events & ~(uint32_t)EPOLLOUT) != 0)
		st = client_read(client);
	if (st == MC_ERR_PROTOCOL)
		mc_log_warn("%s: an answer that nobody asked for, or no answer at all; closing the "
			    "connection",
			    mc_net_addr_text(&client->addr, text));
	/* what the answers made the caller ask is sent by the poller, with all else of this pass */
	if ((st == MC_OK || st == MC_AGAIN) && (client->watch.events & EPOLLOUT) != 0)
		st = client_flush(client);
	if (st != MC_OK && st != MC_AGAIN)
		client_fail(client, st == MC_ERR_PROTOCOL ? st : MC_ERR_CONN_CLOSED);
}

static void
client_free(struct mc_rpc_client *client)
{
	mc_buf_fini(&client->in);
	mc_buf_fini(&client->out);
	free(client->slots);
	free(client);
}

static enum mc_status
client_create(const struct mc_rpc_client_params *params, struct mc_rpc_client **client_out)
{
	struct mc_rpc_client *client = calloc(1, sizeof(*client));
	uint32_t count = params->depth_max != 0 ? params->depth_max : DEPTH_DEFAULT;

	if (client == NULL)
		return MC_ERR_NO_MEMORY;
	client->slots = calloc(count, sizeof(*client->slots));
	if (client->slots == NULL) {
		free(client);
		return MC_ERR_NO_MEMORY;
	}
	client->slots_count = count;
	client->reactor = params->reactor;
	client->addr = params->addr;
	client->state = params->state;
	client->context = params->context;
	client->call_timeout_ns =
		params->call_timeout_ns != 0 ? params->call_timeout_ns : TIMEOUT_DEFAULT_NS;
	client->watch.ready = client_ready;
	client->watch.events = EPOLLIN | EPOLLOUT;
	client->poller.poll = client_poll;
	client->timer.expired = timer_expired;
	mc_buf_init(&client->in);
	mc_buf_init(&client->out);
	mc_list_init(&client->calls);
	mc_list_init(&client->free);
	for (uint32_t i = 0; i < count; i++) {
		client->slots[i].seq = i;
		mc_list_add_tail(&client->free, &client->slots[i].link);
	}
	*client_out = client;
	return MC_OK;
}

enum mc_status
mc_rpc_client_open(const struct mc_rpc_client_params *params, struct mc_rpc_client **client_out)
{
	uint64_t timeout =
		params->connect_timeout_ns != 0 ? params->connect_timeout_ns : TIMEOUT_DEFAULT_NS;
	struct mc_rpc_client *client;
	enum mc_status st;

	mc_assert(params->size == sizeof(*params) && params->depth_max <= DEPTH_MAX);
	st = client_create(params, &client);
	if (st != MC_OK)
		return st;
	st = mc_net()->connect(&params->addr, &client->watch.fd);
	if (st != MC_OK)
		goto free;
	/* calls go out together as it is; one alone should not wait for another */
	mc_net()->nodelay(client->watch.fd, true);
	st = mc_timer_start(client->reactor, &client->timer,
			    mc_reactor_now(client->reactor) + timeout);
	if (st == MC_OK)
		st = mc_watch_add(client->reactor, &client->watch);
	if (st != MC_OK)
		goto close;
	mc_poller_add(client->reactor, &client->poller);
	*client_out = client;
	return MC_OK;
close:
	mc_timer_stop(client->reactor, &client->timer);
	mc_net()->close(client->watch.fd);
free:
	client_free(client);
	return st;
}

void
mc_rpc_client_close(struct mc_rpc_client *client)
{
	if (client == NULL)
		return;
	mc_assert(!client->answering);
	if (!client->dead)
		client_end(client, MC_ERR_CONN_CLOSED);
	client_free(client);
}
