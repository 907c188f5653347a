/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handshake listener: one request and one reply on each connection, several connections at
 * once. After the reply our side is finished, and the connection goes when the peer closes, or in
 * time. Anything that breaks the rules is closed without a reply, as upstream does.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/peer/private.h"
#include "mc/log.h"

#define CONNECTIONS_MAX 256u
#define REQUEST_TIMEOUT_NS (5 * MC_NS_PER_S)
#define CLOSE_TIMEOUT_NS (5 * MC_NS_PER_S)
#define PORT_TRIES 500u
#define RECV_BYTES 65536u
#define ACCEPT_PAUSE_NS (100 * MC_NS_PER_MS)

/* What an engine without RDMA answers to a connection request. */
#define CONNECTION_REPLY                                                                           \
	"{\"local_gid\":\"\",\"local_lid\":0,\"local_nic_path\":\"\",\"payload\":\"\","            \
	"\"peer_nic_path\":\"\",\"qp_num\":[],\"reply_msg\":\"\"}"

struct serving {
	struct mc_watch watch;
	struct mc_timer timer;
	struct mc_list link;
	struct mc_peer *peer;
	struct mc_buf in;
	struct mc_buf out;
	bool replied;
};

static void listen_resume(struct mc_peer *peer);

static void
serving_free(struct serving *serving)
{
	struct mc_peer *peer = serving->peer;

	mc_watch_del(peer->reactor, &serving->watch);
	mc_timer_stop(peer->reactor, &serving->timer);
	mc_net()->close(serving->watch.fd);
	mc_list_del(&serving->link);
	mc_buf_fini(&serving->in);
	mc_buf_fini(&serving->out);
	free(serving);
	peer->serving_count--;
	listen_resume(peer);
}

static void
serving_expired(struct mc_timer *timer)
{
	serving_free(mc_container_of(timer, struct serving, timer));
}

/* ---- replies ---- */

static const char *
member(const json_t *root, const char *name)
{
	const char *text = json_string_value(json_object_get(root, name));

	return text != NULL ? text : "";
}

static enum mc_status
notify_reply(struct serving *serving, const json_t *root)
{
	const struct mc_peer_params *params = &serving->peer->params;
	bool taken = params->notified != NULL &&
		     params->notified(params->context, member(root, "name"),
				      member(root, "notify_msg"));
	const char *reply = taken ? "{\"name\":\"\",\"notify_msg\":\"success\"}"
				  : "{\"name\":\"\",\"notify_msg\":\"\"}";

	return peer_frame_write(&serving->out, FRAME_NOTIFY, (struct mc_str){reply, strlen(reply)});
}

static enum mc_status
connection_reply(struct serving *serving, const struct peer_frame *frame)
{
	const struct mc_peer_params *params = &serving->peer->params;
	struct mc_str reply = {CONNECTION_REPLY, strlen(CONNECTION_REPLY)};
	struct mc_buf buf;
	enum mc_status st;

	mc_buf_init(&buf);
	if (params->connect != NULL) {
		params->connect(params->context, frame->body, &buf);
		reply = peer_text(&buf);
	}
	st = peer_frame_write(&serving->out, frame->type, reply);
	mc_buf_fini(&buf);
	return st;
}

static enum mc_status
metadata_reply(struct serving *serving)
{
	const struct mc_peer *peer = serving->peer;
	struct mc_str own = peer_text(&peer->own);

	/* with a metadata server, descriptors are there and not here */
	if (!peer->p2p || own.len == 0)
		own = (struct mc_str){"null", 4};
	return peer_frame_write(&serving->out, FRAME_METADATA, own);
}

static enum mc_status
reply_make(struct serving *serving, const struct peer_frame *frame)
{
	json_t *root = json_loadb(frame->body.ptr, frame->body.len, JSON_DECODE_ANY, NULL);
	enum mc_status st = MC_ERR_PROTOCOL;

	if (root == NULL)
		return st;
	switch (frame->type) {
	case FRAME_METADATA:
		st = metadata_reply(serving);
		break;
	case FRAME_NOTIFY:
		if (json_is_object(root))
			st = notify_reply(serving, root);
		break;
	case FRAME_PROBE:
		st = peer_frame_write(&serving->out, FRAME_PROBE,
				      (struct mc_str){"{\"status\":\"success\"}", 20});
		break;
	default:
		if (json_is_object(root))
			st = connection_reply(serving, frame);
		break;
	}
	json_decref(root);
	return st;
}

/* ---- a connection ---- */

/* Sends what is left; then waits for the peer to close. */
static enum mc_status
serving_send(struct serving *serving)
{
	struct mc_peer *peer = serving->peer;

	while (mc_buf_len(&serving->out) > 0) {
		struct iovec iov = {serving->out.data + serving->out.head,
				    mc_buf_len(&serving->out)};
		size_t sent;
		enum mc_status st = mc_net()->send(serving->watch.fd, &iov, 1, &sent);

		if (st == MC_AGAIN)
			return mc_watch_mod(peer->reactor, &serving->watch, EPOLLOUT);
		if (st != MC_OK)
			return st;
		mc_buf_consume(&serving->out, sent);
	}
	mc_net()->finish(serving->watch.fd);
	if (mc_timer_start(peer->reactor, &serving->timer,
			   mc_clock_mono_ns() + CLOSE_TIMEOUT_NS) != MC_OK)
		return MC_ERR_NO_MEMORY;
	return mc_watch_mod(peer->reactor, &serving->watch, EPOLLIN);
}

/* One read; what comes behind the reply is thrown away. */
static enum mc_status
serving_recv(struct serving *serving)
{
	struct peer_frame frame;
	size_t got;
	enum mc_status st;

	if (mc_buf_reserve(&serving->in, RECV_BYTES) != MC_OK)
		return MC_ERR_NO_MEMORY;
	st = mc_net()->recv(serving->watch.fd, serving->in.data + serving->in.tail, RECV_BYTES,
			    &got);
	if (st != MC_OK)
		return st;
	if (serving->replied)
		return MC_OK;
	serving->in.tail += got;
	st = peer_frame_read(&serving->in, serving->peer->frame_max, &frame);
	if (st != MC_OK)
		return st;
	st = reply_make(serving, &frame);
	if (st != MC_OK)
		return st;
	serving->replied = true;
	return serving_send(serving);
}

static void
serving_ready(struct mc_watch *watch, uint32_t events)
{
	struct serving *serving = mc_container_of(watch, struct serving, watch);
	enum mc_status st;

	if (serving->replied && mc_buf_len(&serving->out) > 0)
		st = serving_send(serving);
	else
		st = serving_recv(serving);
	if (st != MC_OK && st != MC_AGAIN)
		serving_free(serving);
}

static void
serving_create(struct mc_peer *peer, int fd)
{
	struct serving *serving = calloc(1, sizeof(*serving));

	if (serving == NULL) {
		mc_net()->close(fd);
		return;
	}
	serving->peer = peer;
	serving->watch.fd = fd;
	serving->watch.events = EPOLLIN;
	serving->watch.ready = serving_ready;
	serving->timer.expired = serving_expired;
	mc_buf_init(&serving->in);
	mc_buf_init(&serving->out);
	mc_list_add_tail(&peer->serving, &serving->link);
	peer->serving_count++;
	if (mc_watch_add(peer->reactor, &serving->watch) != MC_OK ||
	    mc_timer_start(peer->reactor, &serving->timer,
			   mc_clock_mono_ns() + REQUEST_TIMEOUT_NS) != MC_OK)
		serving_free(serving);
}

/* ---- the listener ---- */

static void
listen_pause(struct mc_peer *peer)
{
	peer->paused = true;
	mc_watch_mod(peer->reactor, &peer->listen, 0);
}

/* Above the most connections, new ones wait in the kernel's queue. */
static void
listen_resume(struct mc_peer *peer)
{
	if (!peer->paused || peer->closing || peer->serving_count >= CONNECTIONS_MAX)
		return;
	peer->paused = false;
	mc_watch_mod(peer->reactor, &peer->listen, EPOLLIN);
}

static void
accept_again(struct mc_timer *timer)
{
	listen_resume(mc_container_of(timer, struct mc_peer, accept_again));
}

/* Without a descriptor for it, a connection stays in the queue, and would be told at each pass. */
static void
accept_failed(struct mc_peer *peer, enum mc_status why)
{
	if (why == MC_AGAIN || why == MC_ERR_CONN_CLOSED || why == MC_ERR_CONN_REFUSED)
		return;
	MC_LOG_LIMITED(MC_LOG_WARN, "handshake port %u: accept: %s; raise the limit of open files "
		       "(ulimit -n)", peer->port, mc_status_text(why));
	if (mc_timer_start(peer->reactor, &peer->accept_again,
			   mc_clock_mono_ns() + ACCEPT_PAUSE_NS) == MC_OK)
		listen_pause(peer);
}

static void
listen_ready(struct mc_watch *watch, uint32_t events)
{
	struct mc_peer *peer = mc_container_of(watch, struct mc_peer, listen);
	struct mc_net_addr addr;
	int fd;

	while (peer->serving_count < CONNECTIONS_MAX) {
		enum mc_status st = mc_net()->accept(watch->fd, &fd, &addr);

		if (st != MC_OK) {
			accept_failed(peer, st);
			return;
		}
		serving_create(peer, fd);
	}
	listen_pause(peer);
	MC_LOG_LIMITED(MC_LOG_WARN, "handshake port %u: %u connections at once; more must wait",
		       peer->port, CONNECTIONS_MAX);
}

static enum mc_status
listen_on(const char *host, uint16_t port, int *fd_out)
{
	int backlog = (int)peer_env("MC_HANDSHAKE_LISTEN_BACKLOG", 128, 1, 65535);
	struct mc_net_addr addr;
	enum mc_status st = mc_net_addr_parse(host, port, &addr);

	return st != MC_OK ? st : mc_net()->listen(&addr, backlog, fd_out);
}

static enum mc_status
listen_somewhere(struct mc_peer *peer, const char *host)
{
	struct peer_ports ports = peer_ports_choose();
	enum mc_status st = MC_ERR_ADDRESS_IN_USE;
	struct mc_random random;

	mc_random_init(&random, mc_random_seed());
	for (unsigned int i = 0; i < PORT_TRIES && st == MC_ERR_ADDRESS_IN_USE; i++) {
		peer->port = (uint16_t)(ports.min + mc_random_below(&random, ports.max -
								       ports.min + 1u));
		st = listen_on(host, peer->port, &peer->listen.fd);
	}
	if (st != MC_OK)
		mc_log_error("handshake listener on %s, ports %u to %u: %s; give another address, "
			     "or other ports by MC_MIN_RPC_PORT and MC_MAX_RPC_PORT", host,
			     ports.min, ports.max, mc_status_text(st));
	return st;
}

static enum mc_status
listen_there(struct mc_peer *peer, const char *host, uint16_t port)
{
	enum mc_status st = listen_on(host, port, &peer->listen.fd);

	peer->port = port;
	if (st != MC_OK)
		mc_log_error("handshake listener on %s, port %u: %s; give a name with another "
			     "port, or unset MC_LEGACY_RPC_PORT_BINDING", host, port,
			     mc_status_text(st));
	return st;
}

enum mc_status
peer_serve_open(struct mc_peer *peer, const char *bind_host, uint16_t port)
{
	const char *any = getenv("MC_USE_IPV6") != NULL ? "::" : "0.0.0.0";
	const char *host = bind_host != NULL ? bind_host : any;
	enum mc_status st = port != 0 ? listen_there(peer, host, port)
				      : listen_somewhere(peer, host);

	if (st != MC_OK)
		return st;
	peer->accept_again.expired = accept_again;
	peer->listen.events = EPOLLIN;
	peer->listen.ready = listen_ready;
	st = mc_watch_add(peer->reactor, &peer->listen);
	if (st != MC_OK) {
		mc_net()->close(peer->listen.fd);
		peer->listen.fd = -1;
	}
	return st;
}

void
peer_serve_close(struct mc_peer *peer)
{
	while (!mc_list_empty(&peer->serving))
		serving_free(mc_container_of(peer->serving.next, struct serving, link));
	if (peer->listen.fd < 0)
		return;
	mc_timer_stop(peer->reactor, &peer->accept_again);
	mc_watch_del(peer->reactor, &peer->listen);
	mc_net()->close(peer->listen.fd);
}
