/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners: bind, accept, spread connections over the I/O reactors; open and close. */
#include "core/rpc/server.h"

#include <stdlib.h>
#include <sys/epoll.h>

#include "core/base/assert.h"
#include "core/base/clock.h"
#include "core/rpc/conn.h"
#include "mc/log.h"

#define CONNECTIONS_MAX 8192u
#define ACCEPTS_PER_PASS 64
#define ACCEPT_PAUSE_NS (100 * MC_NS_PER_MS)
#define BACKLOG 1024

/* ---- accepting, on io[0] ---- */

static void
conn_arrived(struct mc_msg *msg)
{
	mc_rpc_conn_begin(mc_container_of(msg, struct mc_rpc_conn, arrive));
}

/* The reactor with the fewest connections; of equals exec, whose calls need no message. */
static struct rpc_io *
io_choose(struct mc_rpc_server *server)
{
	struct rpc_io *best = NULL;
	uint32_t best_load = UINT32_MAX;

	for (unsigned int i = 0; i < server->io_count; i++) {
		struct rpc_io *io = &server->io[i];
		uint32_t load = atomic_load_explicit(&io->load, memory_order_relaxed);

		if (load < best_load || (load == best_load && io->reactor == server->exec)) {
			best = io;
			best_load = load;
		}
	}
	return best;
}

static uint32_t
connections_count(struct mc_rpc_server *server)
{
	uint32_t count = 0;

	for (unsigned int i = 0; i < server->io_count; i++)
		count += atomic_load_explicit(&server->io[i].load, memory_order_relaxed);
	return count;
}

static struct mc_rpc_conn *
conn_create(struct rpc_listener *listener, int fd, const struct mc_net_addr *peer)
{
	struct mc_rpc_conn *conn = calloc(1, sizeof(*conn));

	if (conn == NULL)
		return NULL;
	conn->watch.fd = fd;
	conn->io = io_choose(listener->server);
	conn->batch.conn = conn;
	mc_buf_init(&conn->in);
	mc_buf_init(&conn->out);
	mc_buf_init(&conn->batch.in);
	mc_buf_init(&conn->batch.out);
	conn->peer.addr = *peer;
	conn->peer.allowed = conn->peer.releases = listener->params.releases;
	return conn;
}

static void
conn_accepted(struct rpc_listener *listener, int fd, const struct mc_net_addr *peer)
{
	struct mc_rpc_server *server = listener->server;
	struct mc_rpc_conn *conn = NULL;

	if (connections_count(server) < server->connections_max)
		conn = conn_create(listener, fd, peer);
	else
		MC_LOG_LIMITED(MC_LOG_WARN,
			       "connection refused: %u are open, the most there may be",
			       server->connections_max);
	if (conn == NULL) {
		mc_counter_add(&server->io[0].stats.refused, 1);
		mc_net()->close(fd);
		return;
	}
	if (server->nodelay)
		mc_net()->nodelay(fd, true);
	atomic_fetch_add_explicit(&conn->io->load, 1, memory_order_relaxed);
	conn->arrive.run = conn_arrived;
	if (conn->io->reactor == server->io[0].reactor) {
		mc_rpc_conn_begin(conn);
	} else {
		enum mc_status st = mc_reactor_send(conn->io->reactor, &conn->arrive);

		mc_assert(st == MC_OK);
	}
}

/* Out of descriptors: the listeners rest, or the level-triggered watch would spin. */
static void
accept_pause(struct mc_rpc_server *server, enum mc_status why)
{
	struct mc_reactor *reactor = server->io[0].reactor;

	MC_LOG_LIMITED(MC_LOG_WARN, "accept: %s; raise the limit of open files (ulimit -n)",
		       mc_status_text(why));
	if (mc_timer_start(reactor, &server->accept_again,
			   mc_reactor_now(reactor) + ACCEPT_PAUSE_NS) != MC_OK)
		return;
	for (unsigned int i = 0; i < server->listeners_count; i++)
		mc_watch_mod(reactor, &server->listeners[i].watch, 0);
}

static void
accept_again(struct mc_timer *timer)
{
	struct mc_rpc_server *server = mc_container_of(timer, struct mc_rpc_server, accept_again);

	for (unsigned int i = 0; i < server->listeners_count; i++)
		mc_watch_mod(server->io[0].reactor, &server->listeners[i].watch, EPOLLIN);
}

static void
listener_ready(struct mc_watch *watch, uint32_t events)
{
	struct rpc_listener *listener = mc_container_of(watch, struct rpc_listener, watch);

	for (int i = 0; i < ACCEPTS_PER_PASS; i++) {
		struct mc_net_addr peer;
		int fd;
		enum mc_status st = mc_net()->accept(watch->fd, &fd, &peer);

		if (st == MC_OK) {
			conn_accepted(listener, fd, &peer);
			continue;
		}
		/* a peer that left while it waited is no reason to rest */
		if (st != MC_AGAIN && st != MC_ERR_CONN_CLOSED && st != MC_ERR_CONN_REFUSED)
			accept_pause(listener->server, st);
		return;
	}
}

/* ---- idle connections ---- */

static uint64_t
idle_period(const struct mc_rpc_server *server)
{
	uint64_t quarter = server->idle_timeout_ns / 4;

	return quarter < MC_NS_PER_S ? quarter : MC_NS_PER_S;
}

static void
idle_expired(struct mc_timer *timer)
{
	struct rpc_io *io = mc_container_of(timer, struct rpc_io, idle);
	uint64_t now = mc_reactor_now(io->reactor);
	struct mc_list *node = io->conns.next;

	while (node != &io->conns) {
		struct mc_rpc_conn *conn = mc_container_of(node, struct mc_rpc_conn, link);

		node = node->next;
		/* as upstream: only a connection that has had a request */
		if (conn->last_request_ns != 0 && !conn->lent &&
		    now - conn->last_request_ns >= io->server->idle_timeout_ns)
			mc_rpc_conn_close(conn);
	}
	mc_timer_start(io->reactor, timer, now + idle_period(io->server));
}

/* ---- open and close ---- */

/* Has @run carried out on the reactor of every io and waits until each said so. */
static void
io_command(struct mc_rpc_server *server, void (*run)(struct mc_msg *msg))
{
	for (unsigned int i = 0; i < server->io_count; i++) {
		server->io[i].command.run = run;
		while (mc_reactor_send(server->io[i].reactor, &server->io[i].command) == MC_AGAIN)
			;
		while (sem_wait(&server->commanded) != 0)
			;
	}
}

static void
io_open(struct mc_msg *msg)
{
	struct rpc_io *io = mc_container_of(msg, struct rpc_io, command);
	struct mc_rpc_server *server = io->server;

	io->settle.poll = mc_rpc_io_settle;
	mc_poller_add(io->reactor, &io->settle);
	if (server->idle_timeout_ns > 0)
		mc_timer_start(io->reactor, &io->idle,
			       mc_reactor_now(io->reactor) + idle_period(server));
	if (io == &server->io[0]) {
		for (unsigned int i = 0; i < server->listeners_count; i++)
			mc_watch_add(io->reactor, &server->listeners[i].watch);
	}
	sem_post(&server->commanded);
}

static void
io_deafen(struct mc_msg *msg)
{
	struct rpc_io *io = mc_container_of(msg, struct rpc_io, command);
	struct mc_rpc_server *server = io->server;

	mc_timer_stop(io->reactor, &io->idle);
	mc_poller_del(&io->settle);
	if (io == &server->io[0]) {
		mc_timer_stop(io->reactor, &server->accept_again);
		for (unsigned int i = 0; i < server->listeners_count; i++)
			mc_watch_del(io->reactor, &server->listeners[i].watch);
	}
	sem_post(&server->commanded);
}

/* Posts when the last connection is gone: mc_rpc_conn_free(). */
static void
io_drain(struct mc_msg *msg)
{
	struct rpc_io *io = mc_container_of(msg, struct rpc_io, command);
	struct mc_list *node = io->conns.next;

	if (mc_list_empty(&io->conns)) {
		io->draining = true;
		sem_post(&io->server->commanded);
		return;
	}
	io->draining = true;
	while (node != &io->conns) {
		struct mc_rpc_conn *conn = mc_container_of(node, struct mc_rpc_conn, link);
		bool last = node->next == &io->conns;

		node = node->next;
		mc_rpc_conn_close(conn);
		if (last)
			break;	/* the list may be gone with the server */
	}
}

static enum mc_status
listener_open(struct mc_rpc_server *server, struct rpc_listener *listener,
	      const struct mc_rpc_listen *params)
{
	char text[MC_NET_ADDR_TEXT];
	struct mc_net_addr bound;
	enum mc_status st = mc_net()->listen(&params->addr, BACKLOG, &listener->watch.fd);

	if (st != MC_OK) {
		mc_log_error("rpc listener %s: %s; stop what uses it or choose another port",
			     mc_net_addr_text(&params->addr, text), mc_status_text(st));
		listener->watch.fd = -1;
		return st;
	}
	listener->server = server;
	listener->params = *params;
	listener->watch.ready = listener_ready;
	listener->watch.events = EPOLLIN;
	st = mc_net()->local(listener->watch.fd, &bound);
	if (st == MC_OK)
		listener->port = mc_net_addr_port(&bound);
	return st;
}

static void
server_free(struct mc_rpc_server *server)
{
	for (unsigned int i = 0; server->listeners != NULL && i < server->listeners_count; i++) {
		if (server->listeners[i].watch.fd >= 0)
			mc_net()->close(server->listeners[i].watch.fd);
	}
	for (unsigned int i = 0; server->io != NULL && i < server->io_count; i++)
		free(server->io[i].chunk);
	sem_destroy(&server->commanded);
	free(server->listeners);
	free(server->io);
	free(server);
}

static enum mc_status
io_init(struct mc_rpc_server *server, const struct mc_rpc_server_params *params)
{
	server->io = aligned_alloc(64, params->io_count * sizeof(*server->io));
	if (server->io == NULL)
		return MC_ERR_NO_MEMORY;
	memset(server->io, 0, params->io_count * sizeof(*server->io));
	server->io_count = params->io_count;
	for (unsigned int i = 0; i < params->io_count; i++) {
		struct rpc_io *io = &server->io[i];

		io->server = server;
		io->reactor = params->io[i];
		io->idle.expired = idle_expired;
		mc_list_init(&io->conns);
		io->chunk = malloc(RPC_READ_CHUNK);
		if (io->chunk == NULL)
			return MC_ERR_NO_MEMORY;
	}
	return MC_OK;
}

static enum mc_status
listeners_open(struct mc_rpc_server *server, const struct mc_rpc_server_params *params)
{
	server->listeners = calloc(params->listens_count, sizeof(*server->listeners));
	if (server->listeners == NULL)
		return MC_ERR_NO_MEMORY;
	for (unsigned int i = 0; i < params->listens_count; i++) {
		enum mc_status st =
			listener_open(server, &server->listeners[i], &params->listens[i]);

		server->listeners_count = i + 1;
		if (st != MC_OK)
			return st;
	}
	return MC_OK;
}

enum mc_status
mc_rpc_server_open(const struct mc_rpc_server_params *params, struct mc_rpc_server **server_out)
{
	struct mc_rpc_server *server = calloc(1, sizeof(*server));
	enum mc_status st;

	mc_assert(params->size == sizeof(*params) && params->io_count > 0);
	if (server == NULL)
		return MC_ERR_NO_MEMORY;
	sem_init(&server->commanded, 0, 0);
	server->exec = params->exec;
	server->handler = params->handler;
	server->idle_timeout_ns = params->idle_timeout_ns;
	server->nodelay = params->nodelay;
	server->accept_again.expired = accept_again;
	server->connections_max = params->connections_max;
	if (server->connections_max == 0 || server->connections_max > CONNECTIONS_MAX)
		server->connections_max = CONNECTIONS_MAX;
	st = io_init(server, params);
	if (st == MC_OK)
		st = listeners_open(server, params);
	if (st != MC_OK) {
		server_free(server);
		return st;
	}
	io_command(server, io_open);
	*server_out = server;
	return MC_OK;
}

void
mc_rpc_server_close(struct mc_rpc_server *server)
{
	if (server == NULL)
		return;
	io_command(server, io_deafen);
	io_command(server, io_drain);
	server_free(server);
}

uint16_t
mc_rpc_server_port(const struct mc_rpc_server *server, unsigned int listen_index)
{
	return server->listeners[listen_index].port;
}

const struct mc_rpc_io_stats *
mc_rpc_server_stats(const struct mc_rpc_server *server, unsigned int io_index)
{
	return &server->io[io_index].stats;
}
