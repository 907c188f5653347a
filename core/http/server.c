/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd without threads of its own: its epoll descriptor is one watch of the reactor, its
 * next time-out one timer. A request that is answered later has its connection suspended.
 */
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/base/assert.h"
#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/http/http.h"
#include "mc/log.h"
#include "mc/types.h"

#define BODY_MAX_DEFAULT	(1u << 20)
#define CONNECTIONS_MAX_DEFAULT 256u
#define IDLE_TIMEOUT_DEFAULT_S	60u

struct mc_http_server {
	struct MHD_Daemon *daemon;
	struct mc_reactor *reactor;
	struct mc_watch watch;
	struct mc_timer timer;
	struct mc_http_route *routes;
	size_t routes_count;
	size_t body_max;
	unsigned int connections_max;
	uint16_t port;
	struct mc_list waiting; /* requests whose connection is suspended */
};

struct mc_http_request {
	struct mc_http_server *server;
	struct MHD_Connection *connection;
	struct mc_list link; /* in waiting, while suspended */
	struct mc_buf body;
	struct MHD_Response *response; /* made, not queued yet */
	unsigned int status;
	bool too_large;
	bool handled; /* the handler was called */
	void (*aborted)(void *context);
	void *abort_context;
};

/* ---- requests ---- */

static struct mc_http_request *
request_create(struct mc_http_server *server, struct MHD_Connection *connection)
{
	struct mc_http_request *request = calloc(1, sizeof(*request));

	if (request == NULL)
		return NULL;
	request->server = server;
	request->connection = connection;
	mc_buf_init(&request->body);
	return request;
}

static void
request_completed(void *context, struct MHD_Connection *connection, void **state,
		  enum MHD_RequestTerminationCode why)
{
	struct mc_http_request *request = *state;

	if (request == NULL)
		return;
	if (request->response != NULL)
		MHD_destroy_response(request->response);
	if (mc_list_linked(&request->link))
		mc_list_del(&request->link);
	mc_buf_fini(&request->body);
	free(request);
	*state = NULL;
}

static void
body_take(struct mc_http_request *request, const char *data, size_t len)
{
	if (len > request->server->body_max - mc_buf_len(&request->body) ||
	    mc_buf_append(&request->body, data, len) != MC_OK)
		request->too_large = true;
}

static void
not_found(struct mc_http_request *request)
{
	static const char text[] = "404 Not Found";

	mc_http_reply(request, MHD_HTTP_NOT_FOUND, NULL, text, sizeof(text) - 1);
}

static void
too_large(struct mc_http_request *request)
{
	static const char text[] = "request body too large";

	mc_http_reply(request, MHD_HTTP_CONTENT_TOO_LARGE, NULL, text, sizeof(text) - 1);
}

/* The path is there, but not with this method. */
static void
not_allowed(struct mc_http_request *request, const char *path)
{
	static const char text[] = "405 Method Not Allowed";
	const struct mc_http_server *server = request->server;
	char allow[64] = "";
	size_t len = 0;

	for (size_t i = 0; i < server->routes_count; i++) {
		if (strcmp(server->routes[i].path, path) == 0 && len < sizeof(allow))
			len += (size_t)snprintf(allow + len, sizeof(allow) - len, "%s%s",
						len > 0 ? ", " : "", server->routes[i].method);
	}
	mc_http_reply(request, MHD_HTTP_METHOD_NOT_ALLOWED, NULL, text, sizeof(text) - 1);
	MHD_add_response_header(request->response, MHD_HTTP_HEADER_ALLOW, allow);
}

static bool
method_matches(const char *route, const char *method)
{
	return strcmp(route, method) == 0 || (strcmp(route, MHD_HTTP_METHOD_GET) == 0 &&
					      strcmp(method, MHD_HTTP_METHOD_HEAD) == 0);
}

static void
request_route(struct mc_http_request *request, const char *method, const char *path)
{
	const struct mc_http_server *server = request->server;
	bool there = false;

	if (request->too_large) {
		too_large(request);
		return;
	}
	for (size_t i = 0; i < server->routes_count; i++) {
		const struct mc_http_route *route = &server->routes[i];

		if (strcmp(route->path, path) != 0)
			continue;
		if (method_matches(route->method, method)) {
			route->handler(route->context, request);
			return;
		}
		there = true;
	}
	if (there)
		not_allowed(request, path);
	else
		not_found(request);
}

static enum MHD_Result
request_answer(struct mc_http_request *request)
{
	enum MHD_Result result =
		MHD_queue_response(request->connection, request->status, request->response);

	MHD_destroy_response(request->response);
	request->response = NULL;
	return result;
}

/* Called with the headers, then with pieces of the body, then once more; and after a resume. */
static enum MHD_Result
request_access(void *context, struct MHD_Connection *connection, const char *path,
	       const char *method, const char *version, const char *data, size_t *data_len,
	       void **state)
{
	struct mc_http_request *request = *state;

	if (request == NULL) {
		*state = request_create(context, connection);
		return *state != NULL ? MHD_YES : MHD_NO;
	}
	if (*data_len > 0) {
		body_take(request, data, *data_len);
		*data_len = 0;
		return MHD_YES;
	}
	if (!request->handled) {
		request->handled = true;
		request_route(request, method, path);
	}
	if (request->response != NULL)
		return request_answer(request);
	if (mc_list_linked(&request->link))
		return MHD_NO; /* resumed without an answer: the server closes */
	mc_list_add_tail(&request->server->waiting, &request->link);
	MHD_suspend_connection(connection);
	return MHD_YES;
}

struct query {
	struct mc_str name;
	struct mc_str value;
};

static enum MHD_Result
query_each(void *context, enum MHD_ValueKind kind, const char *name, size_t name_len,
	   const char *value, size_t value_len)
{
	struct query *query = context;

	if (name_len != query->name.len || memcmp(name, query->name.ptr, name_len) != 0)
		return MHD_YES;
	query->value = (struct mc_str){value, value_len};
	return MHD_NO; /* the first counts */
}

/* The library's own look-up takes "KEY" for "key". */
const char *
mc_http_query(struct mc_http_request *request, const char *name, size_t *len_out)
{
	struct query query = {.name = {name, strlen(name)}};

	MHD_get_connection_values_n(request->connection, MHD_GET_ARGUMENT_KIND, query_each, &query);
	if (query.value.ptr != NULL && len_out != NULL)
		*len_out = query.value.len;
	return query.value.ptr;
}

const char *
mc_http_header(const struct mc_http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const void *
mc_http_body(const struct mc_http_request *request, size_t *len_out)
{
	*len_out = mc_buf_len(&request->body);
	return *len_out > 0 ? request->body.data + request->body.head : (const uint8_t *)"";
}

void
mc_http_peer(const struct mc_http_request *request, struct mc_net_addr *addr_out)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct mc_net_addr addr = {0};

	if (info != NULL && info->client_addr != NULL) {
		addr.len = info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
								    : sizeof(struct sockaddr_in);
		memcpy(&addr.storage, info->client_addr, addr.len);
	}
	*addr_out = addr;
}

void
mc_http_on_abort(struct mc_http_request *request, void (*aborted)(void *context), void *context)
{
	request->aborted = aborted;
	request->abort_context = context;
}

void
mc_http_reply(struct mc_http_request *request, unsigned int status, const char *content_type,
	      const void *body, size_t len)
{
	struct mc_http_server *server = request->server;
	struct MHD_Response *response =
		MHD_create_response_from_buffer(len, (void *)body, MHD_RESPMEM_MUST_COPY);

	mc_assert(response != NULL && request->response == NULL);
	if (content_type != NULL)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	request->response = response;
	request->status = status;
	request->aborted = NULL;
	if (!mc_list_linked(&request->link))
		return; /* from inside the handler: queued when it returns */
	mc_list_del(&request->link);
	MHD_resume_connection(request->connection);
	/* a resumed connection is looked at in the next run, which no descriptor announces */
	mc_timer_start(server->reactor, &server->timer, mc_reactor_now(server->reactor));
}

/* ---- the daemon on the reactor ---- */

static void
timer_arm(struct mc_http_server *server)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (MHD_get_timeout(server->daemon, &ms) != MHD_YES) {
		mc_timer_stop(server->reactor, &server->timer);
		return;
	}
	mc_timer_start(server->reactor, &server->timer,
		       mc_clock_mono_ns() + (uint64_t)ms * MC_NS_PER_MS);
}

static unsigned int
connections_now(struct mc_http_server *server)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	return info != NULL ? info->num_connections : 0;
}

static void
server_run(struct mc_http_server *server)
{
	unsigned int before = connections_now(server);

	MHD_run(server->daemon);
	/* at its limit the daemon stops listening, and only a run that finds room listens again */
	if (before >= server->connections_max && connections_now(server) < before)
		MHD_run(server->daemon);
	timer_arm(server);
}

static void
server_ready(struct mc_watch *watch, uint32_t events)
{
	server_run(mc_container_of(watch, struct mc_http_server, watch));
}

static void
server_expired(struct mc_timer *timer)
{
	server_run(mc_container_of(timer, struct mc_http_server, timer));
}

static void
daemon_log(void *context, const char *format, va_list args)
{
	/* what it has to say is about peers that broke off */
}

static enum mc_status
daemon_start(struct mc_http_server *server, const struct mc_http_params *params, int fd)
{
	const union MHD_DaemonInfo *info;
	unsigned int idle_s =
		params->idle_timeout_s != 0 ? params->idle_timeout_s : IDLE_TIMEOUT_DEFAULT_S;

	server->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
		request_access, server, MHD_OPTION_EXTERNAL_LOGGER, daemon_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, server->connections_max,
		MHD_OPTION_CONNECTION_TIMEOUT, idle_s, MHD_OPTION_NOTIFY_COMPLETED,
		request_completed, NULL, MHD_OPTION_END);
	if (server->daemon == NULL)
		return MC_ERR_INTERNAL;
	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	mc_assert(info != NULL);
	server->watch =
		(struct mc_watch){.ready = server_ready, .fd = info->epoll_fd, .events = EPOLLIN};
	server->timer.expired = server_expired;
	return mc_watch_add(params->reactor, &server->watch);
}

static enum mc_status
server_listen(const struct mc_http_params *params, int *fd_out, uint16_t *port_out)
{
	struct mc_net_addr addr, bound;
	enum mc_status st = mc_net_addr_parse(params->host, params->port, &addr);
	char text[MC_NET_ADDR_TEXT];
	int fd;

	if (st != MC_OK) {
		mc_log_error("http listener %s: not a numeric address", params->host);
		return st;
	}
	st = mc_net()->listen(&addr, SOMAXCONN, &fd);
	if (st != MC_OK) {
		mc_log_error("http listener %s: %s; stop what uses it or choose another port",
			     mc_net_addr_text(&addr, text), mc_status_text(st));
		return st;
	}
	st = mc_net()->local(fd, &bound);
	*port_out = st == MC_OK ? mc_net_addr_port(&bound) : params->port;
	*fd_out = fd;
	return MC_OK;
}

enum mc_status
mc_http_server_open(const struct mc_http_params *params, struct mc_http_server **server_out)
{
	struct mc_http_server *server = calloc(1, sizeof(*server));
	enum mc_status st;
	int fd;

	mc_assert(params->size == sizeof(*params));
	if (server == NULL)
		return MC_ERR_NO_MEMORY;
	mc_list_init(&server->waiting);
	server->reactor = params->reactor;
	server->body_max = params->body_max != 0 ? params->body_max : BODY_MAX_DEFAULT;
	server->connections_max =
		params->connections_max != 0 ? params->connections_max : CONNECTIONS_MAX_DEFAULT;
	server->routes = malloc((params->routes_count + 1) * sizeof(*server->routes));
	st = server->routes != NULL ? server_listen(params, &fd, &server->port) : MC_ERR_NO_MEMORY;
	if (st != MC_OK)
		goto free_server;
	if (params->routes_count > 0)
		memcpy(server->routes, params->routes,
		       params->routes_count * sizeof(*server->routes));
	server->routes_count = params->routes_count;
	st = daemon_start(server, params, fd);
	if (st != MC_OK)
		goto stop_daemon;
	*server_out = server;
	return MC_OK;
stop_daemon:
	if (server->daemon != NULL)
		MHD_stop_daemon(server->daemon); /* closes the socket too */
	else
		mc_net()->close(fd);
free_server:
	free(server->routes);
	free(server);
	return st;
}

uint16_t
mc_http_server_port(const struct mc_http_server *server)
{
	return server->port;
}

void
mc_http_server_close(struct mc_http_server *server)
{
	struct mc_list *node;

	if (server == NULL)
		return;
	mc_watch_del(server->reactor, &server->watch);
	mc_timer_stop(server->reactor, &server->timer);
	/* a daemon can only be stopped with no connection suspended */
	for (node = server->waiting.next; node != &server->waiting; node = node->next) {
		struct mc_http_request *request =
			mc_container_of(node, struct mc_http_request, link);

		if (request->aborted != NULL)
			request->aborted(request->abort_context);
		MHD_resume_connection(request->connection);
	}
	MHD_stop_daemon(server->daemon);
	free(server->routes);
	free(server);
}
