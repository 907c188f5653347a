/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP server as a poller of one reactor (libmicrohttpd in external-epoll mode): handlers run on
 * that reactor's thread, one at a time, and may answer at once or later. HTTP/1.1 keep-alive and
 * pipelining. Not for RPC lcores.
 */
#ifndef MC_CORE_HTTP_HTTP_H
#define MC_CORE_HTTP_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/net.h"
#include "core/eal/reactor.h"
#include "mc/status.h"

struct mc_http_server;
struct mc_http_request;

typedef void (*mc_http_handler)(void *context, struct mc_http_request *request);

struct mc_http_route {
	const char *method;	/* "GET": answers HEAD too */
	const char *path;	/* exact; with another method: 405 */
	mc_http_handler handler;
	void *context;
};

struct mc_http_params {
	size_t size;
	struct mc_reactor *reactor;
	const char *host;		/* numeric address to bind */
	uint16_t port;			/* 0: the kernel's choice */
	const struct mc_http_route *routes;	/* copied */
	size_t routes_count;
	size_t body_max;		/* larger request bodies: 413; 0: 1 MiB */
	unsigned int connections_max;	/* 0: 256 */
	unsigned int idle_timeout_s;	/* 0: 60 */
};

/* On the reactor's thread, or before it runs. MC_ERR_ADDRESS_IN_USE and friends, logged. */
enum mc_status mc_http_server_open(const struct mc_http_params *params,
				   struct mc_http_server **server_out);
uint16_t mc_http_server_port(const struct mc_http_server *server);
/* Requests not answered yet are dropped: see mc_http_on_abort(). */
void mc_http_server_close(struct mc_http_server *server);

/* The decoded value of the first query argument @name, or NULL; lives as long as the request. */
const char *mc_http_query(struct mc_http_request *request, const char *name, size_t *len_out);
/* The value of header @name, in any case, or NULL; lives as long as the request. */
const char *mc_http_header(const struct mc_http_request *request, const char *name);
const void *mc_http_body(const struct mc_http_request *request, size_t *len_out);
/* Whom the request comes from. Its port tells connections of one host apart. */
void mc_http_peer(const struct mc_http_request *request, struct mc_net_addr *addr_out);

/*
 * Answers; the request is gone afterwards. @content_type may be NULL (no such header); @body is
 * copied. To answer later, return from the handler without a reply and reply from the same thread.
 */
void mc_http_reply(struct mc_http_request *request, unsigned int status,
		   const char *content_type, const void *body, size_t len);
/*
 * @aborted is called, instead of an answer being awaited any longer, when the server closes: then
 * do not reply. That the peer has left is not noticed before the reply, which is dropped then.
 */
void mc_http_on_abort(struct mc_http_request *request, void (*aborted)(void *context),
		      void *context);

#endif
