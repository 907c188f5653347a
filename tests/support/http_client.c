/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/http_client.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "mc/eal.h"

#define PATIENCE_NS   (5 * MC_NS_PER_S)
#define SETTLE_PASSES 300 /* of the reactor, each with a read of the socket in between */

static struct mc_reactor *loop;
static _Atomic uint64_t skipped;

/* ---- the loop ---- */

static uint64_t
clock_read(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * MC_NS_PER_S + (uint64_t)ts.tv_nsec;
}

static uint64_t
clock_mono(void)
{
	return clock_read(CLOCK_MONOTONIC) + atomic_load(&skipped);
}

static uint64_t
clock_real(void)
{
	return clock_read(CLOCK_REALTIME) + atomic_load(&skipped);
}

struct mc_reactor *
http_loop_start(void)
{
	static const struct mc_clock_ops ops = {clock_mono, clock_real};
	struct mc_eal_params eal = {.size = sizeof(eal), .lcore_count = 1};
	struct mc_reactor_params params = {
		.size = sizeof(params), .name = "test", .idle = MC_IDLE_INLINE};

	mc_clock_ops_set(&ops);
	ck_assert_int_eq(mc_eal_start(&eal), MC_OK);
	ck_assert_int_eq(mc_reactor_create(&params, &loop), MC_OK);
	mc_reactor_poll(loop);
	return loop;
}

void
http_loop_stop(void)
{
	mc_reactor_destroy(loop);
	mc_eal_stop();
}

void
http_loop_skip(uint64_t ns)
{
	atomic_fetch_add(&skipped, ns);
	mc_reactor_poll(loop);
}

void
http_loop_until(bool (*done)(void *context), void *context)
{
	uint64_t begun = clock_read(CLOCK_MONOTONIC);

	while (!done(context)) {
		mc_reactor_poll(loop);
		ck_assert_msg(clock_read(CLOCK_MONOTONIC) - begun < PATIENCE_NS,
			      "nothing happened in 5 s");
	}
}

void
http_loop_settle(void)
{
	for (int i = 0; i < SETTLE_PASSES; i++)
		mc_reactor_poll(loop);
}

/* ---- a connection ---- */

void
http_client_open(struct http_client *client, uint16_t port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				   .sin_port = htons(port)};

	mc_buf_init(&client->in);
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(client->fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
}

void
http_client_close(struct http_client *client)
{
	mc_buf_fini(&client->in);
	close(client->fd);
}

void
http_client_send(struct http_client *client, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t sent = send(client->fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno != EAGAIN)
			return;
		if (sent > 0) {
			at += sent;
			len -= (size_t)sent;
		}
		mc_reactor_poll(loop);
	}
}

void
http_client_request(struct http_client *client, const char *method, const char *target,
		    const void *body, size_t len)
{
	struct mc_buf bytes;
	char head[256];

	mc_buf_init(&bytes);
	mc_buf_append(&bytes, method, strlen(method));
	mc_buf_append(&bytes, " ", 1);
	mc_buf_append(&bytes, target, strlen(target));
	snprintf(head, sizeof(head), " HTTP/1.1\r\nHost: test\r\nContent-Length: %zu\r\n\r\n", len);
	mc_buf_append(&bytes, head, strlen(head));
	mc_buf_append(&bytes, body, len);
	http_client_send(client, bytes.data, mc_buf_len(&bytes));
	mc_buf_fini(&bytes);
}

/* False: the server closed. */
static bool
client_recv(struct http_client *client)
{
	char bytes[65536];
	ssize_t got = recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (got == 0 || (got < 0 && errno != EAGAIN))
		return false;
	if (got > 0)
		ck_assert_int_eq(mc_buf_append(&client->in, bytes, (size_t)got), MC_OK);
	mc_reactor_poll(loop);
	return true;
}

static const char *
header_find(const char *head, const char *name)
{
	const char *at = strcasestr(head, name);

	return at != NULL ? at + strlen(name) : NULL;
}

/* True: a whole reply is there and was taken from the buffer. */
static bool
reply_take(struct http_client *client, struct http_reply *reply)
{
	size_t head_len, held_len = mc_buf_len(&client->in);
	char *held, *end;
	const char *value;
	static char *body;

	held = (char *)client->in.data + client->in.head;
	if (held_len == 0 || held == NULL)
		return false;
	end = memmem(held, held_len, "\r\n\r\n", 4);
	if (end == NULL)
		return false;
	*end = '\0';
	head_len = (size_t)(end - held) + 4;
	value = header_find(held, "\r\nContent-Length: ");
	reply->len = value != NULL ? strtoul(value, NULL, 10) : 0;
	ck_assert_int_eq(sscanf(held, "HTTP/1.1 %u", &reply->status), 1);
	value = header_find(held, "\r\nContent-Type: ");
	reply->type[0] = '\0';
	if (value != NULL)
		sscanf(value, "%63[^\r]", reply->type);
	*end = '\r';
	if (held_len < head_len + reply->len)
		return false;
	free(body);
	body = malloc(reply->len + 1);
	memcpy(body, held + head_len, reply->len);
	body[reply->len] = '\0';
	reply->body = body;
	mc_buf_consume(&client->in, head_len + reply->len);
	return true;
}

struct http_reply
http_client_reply(struct http_client *client)
{
	uint64_t begun = clock_read(CLOCK_MONOTONIC);
	struct http_reply reply = {.body = ""};

	while (!reply_take(client, &reply)) {
		if (!client_recv(client))
			return (struct http_reply){.body = ""};
		ck_assert_msg(clock_read(CLOCK_MONOTONIC) - begun < PATIENCE_NS,
			      "no answer in 5 s");
	}
	return reply;
}

bool
http_client_waits(struct http_client *client)
{
	for (int i = 0; i < SETTLE_PASSES; i++)
		ck_assert_msg(client_recv(client), "the server closed");
	return mc_buf_len(&client->in) == 0;
}

/* ---- one request ---- */

struct http_reply
http_once(uint16_t port, const char *method, const char *target, const void *body, size_t len)
{
	struct http_client client;
	struct http_reply reply;

	http_client_open(&client, port);
	http_client_request(&client, method, target, body, len);
	reply = http_client_reply(&client);
	http_client_close(&client);
	return reply;
}

void
http_reply_expect(const struct http_reply *reply, unsigned int status, const char *text)
{
	ck_assert_msg(reply->status == status && reply->len == strlen(text) &&
			      memcmp(reply->body, text, reply->len) == 0,
		      "%u %s, not %u %s", reply->status, reply->body, status, text);
}

void
http_expect(uint16_t port, const char *method, const char *target, const char *body,
	    unsigned int status, const char *text)
{
	struct http_reply reply = http_once(port, method, target, body, strlen(body));

	http_reply_expect(&reply, status, text);
}
