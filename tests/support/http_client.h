/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of plain sockets for tests of HTTP servers, on the thread of the server: while it waits
 * it polls the server's reactor, so that a test is one sequence of steps.
 */
#ifndef MC_TESTS_SUPPORT_HTTP_CLIENT_H
#define MC_TESTS_SUPPORT_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/eal/reactor.h"

/* The EAL and an inline reactor; the clock is the system's plus what http_loop_skip() added. */
struct mc_reactor *http_loop_start(void);
void http_loop_stop(void);
void http_loop_skip(uint64_t ns);
/* Polls until @done says so; fails the test after 5 s. */
void http_loop_until(bool (*done)(void *context), void *context);
/* Polls as often as any answer to what was sent takes. */
void http_loop_settle(void);

struct http_client {
	int fd;
	struct mc_buf in;
};

struct http_reply {
	unsigned int status;	/* 0: the server closed instead */
	char type[64];		/* Content-Type, or "" */
	size_t len;
	const char *body;	/* terminated; until the client's next call */
};

void http_client_open(struct http_client *client, uint16_t port);
void http_client_close(struct http_client *client);
/* As it is; takes all bytes, or what the server takes before it closes. */
void http_client_send(struct http_client *client, const void *bytes, size_t len);
/* "METHOD target HTTP/1.1", a Host, the length and the body. */
void http_client_request(struct http_client *client, const char *method, const char *target,
			 const void *body, size_t len);
struct http_reply http_client_reply(struct http_client *client);
/* No reply has come after all that was sent was looked at. */
bool http_client_waits(struct http_client *client);

/* Request and reply on a connection of its own. The body is in memory kept until the next call. */
struct http_reply http_once(uint16_t port, const char *method, const char *target,
			    const void *body, size_t len);
/* The same, and the test fails unless status and text are these. */
void http_expect(uint16_t port, const char *method, const char *target, const char *body,
		 unsigned int status, const char *text);
void http_reply_expect(const struct http_reply *reply, unsigned int status, const char *text);

#endif
