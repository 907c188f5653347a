/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP requests as part of one reactor (libcurl's multi interface): nothing blocks, answers come by
 * callback. Connections are kept and used again. Redirects are not followed, and no proxy of the
 * environment is used. All calls on the thread of the reactor, or before it runs.
 */
#ifndef MC_CORE_HTTP_CLIENT_H
#define MC_CORE_HTTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "core/eal/reactor.h"
#include "mc/status.h"
#include "mc/types.h"

struct mc_http_client;

/* @body_max: a longer answer is MC_ERR_TOO_LARGE; 0: 16 MiB. */
enum mc_status mc_http_client_create(struct mc_reactor *reactor, size_t body_max,
				     struct mc_http_client **client_out);
/* Requests under way are answered with MC_ERR_CANCELED first. */
void mc_http_client_destroy(struct mc_http_client *client);

/*
 * @status is MC_OK when there is an answer, whatever its @code says; MC_ERR_CONN_REFUSED,
 * MC_ERR_UNREACHABLE, MC_ERR_TIMEOUT, MC_ERR_CONN_CLOSED, MC_ERR_ADDRESS_INVALID (a URL that is
 * none, or a host without an address), MC_ERR_IO. @body lives during the call.
 */
typedef void (*mc_http_answer)(void *context, enum mc_status status, unsigned int code,
			       struct mc_str body);

/*
 * @method is "GET", "PUT" or "DELETE"; @body is copied, NULL for none; @timeout_ns bounds the whole
 * request, connecting at most half of it. @answer is called once, never inside this call. On
 * failure (MC_ERR_NO_MEMORY, MC_ERR_INVALID) it is not called.
 */
enum mc_status mc_http_send(struct mc_http_client *client, const char *method, const char *url,
			    const char *content_type, const struct mc_str *body,
			    uint64_t timeout_ns, mc_http_answer answer, void *context);

/* Appends @text as a query argument: all but A-Z a-z 0-9 - . _ ~ as %XX. 0: no room. */
size_t mc_http_escape(const char *text, char *buf, size_t size);

#endif
