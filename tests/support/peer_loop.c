/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/peer_loop.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tests/support/must.h"

#define PATIENCE_NS (10 * MC_NS_PER_S)

static struct mc_reactor *loop;
static uint64_t skipped;

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
	return clock_read(CLOCK_MONOTONIC) + skipped;
}

static uint64_t
clock_real(void)
{
	return clock_read(CLOCK_REALTIME) + skipped;
}

struct mc_reactor *
peer_loop_start(void)
{
	static const struct mc_clock_ops ops = {clock_mono, clock_real};
	struct mc_reactor_params params = {.size = sizeof(params), .idle = MC_IDLE_INLINE};

	mc_clock_ops_set(&ops);
	must(mc_reactor_create(&params, &loop) == MC_OK);
	return loop;
}

void
peer_loop_stop(void)
{
	mc_reactor_destroy(loop);
}

void
peer_loop_poll(void)
{
	mc_reactor_poll(loop);
}

void
peer_loop_skip(uint64_t ns)
{
	skipped += ns;
	mc_reactor_poll(loop);
	mc_reactor_poll(loop);
}

void
peer_loop_done(void *context, enum mc_status status)
{
	*(struct peer_answered *)context =
		(struct peer_answered){.came = true, .status = status};
}

void
peer_loop_resolved(void *context, enum mc_status status, struct mc_desc *desc)
{
	*(struct peer_answered *)context =
		(struct peer_answered){.came = true, .status = status, .desc = desc};
}

enum mc_status
peer_loop_await(struct peer_answered *answer)
{
	uint64_t end = clock_read(CLOCK_MONOTONIC) + PATIENCE_NS;

	while (!answer->came && clock_read(CLOCK_MONOTONIC) < end)
		mc_reactor_poll(loop);
	ck_assert_msg(answer->came, "no answer within 10 s");
	return answer->status;
}

struct mc_desc *
peer_loop_resolve(struct mc_peer *peer, const char *name, uint64_t timeout_ns,
		  enum mc_status *status_out)
{
	struct peer_answered answer = {0};

	mc_peer_resolve(peer, name, timeout_ns, peer_loop_resolved, &answer);
	must(!answer.came);
	*status_out = peer_loop_await(&answer);
	must((answer.desc != NULL) == (answer.status == MC_OK));
	return answer.desc;
}

char peer_loop_noted[64];

static bool
note(void *context, const char *name, const char *text)
{
	snprintf(peer_loop_noted, sizeof(peer_loop_noted), "%s/%s", name, text);
	return strcmp(text, "refuse me") != 0;
}

struct mc_peer *
peer_loop_open(const char *name, const char *metadata)
{
	struct mc_peer_params params = {.size = sizeof(params),
					.reactor = loop,
					.name = name,
					.metadata = metadata,
					.bind_host = "127.0.0.1",
					.notified = note};
	struct mc_peer *peer;

	must(mc_peer_open(&params, &peer) == MC_OK);
	return peer;
}

void
peer_loop_publish(struct mc_peer *peer, uint64_t addr, const char *host, uint64_t timeout_ns,
		  struct peer_answered *answer)
{
	struct mc_desc_buffer buffer = {.name = "cpu:0", .addr = addr, .length = 4096};
	struct mc_desc desc = {.name = (char *)(uintptr_t)mc_peer_name(peer),
			       .protocol = "tcp",
			       .tcp_data_host = (char *)(uintptr_t)host,
			       .tcp_data_port = 1234,
			       .tcp_proto_version = 2,
			       .buffers = &buffer,
			       .buffers_count = 1};

	*answer = (struct peer_answered){0};
	mc_peer_publish(peer, &desc, timeout_ns, peer_loop_done, answer);
	must(!answer->came);
}

int
peer_loop_listen(char name_out[64])
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	must(bind(fd, (struct sockaddr *)&addr, length) == 0 && listen(fd, 8) == 0 &&
	     getsockname(fd, (struct sockaddr *)&addr, &length) == 0);
	snprintf(name_out, 64, "127.0.0.1:%u", ntohs(addr.sin_port));
	return fd;
}

int
peer_loop_connect(uint16_t port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_port = htons(port),
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	return fd;
}

size_t
peer_loop_exchange(uint16_t port, const void *bytes, size_t length, uint8_t *reply, size_t room)
{
	uint64_t end = clock_read(CLOCK_MONOTONIC) + PATIENCE_NS;
	int fd = peer_loop_connect(port);
	size_t at = 0;

	must(send(fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length);
	for (;;) {
		ssize_t got = recv(fd, reply + at, room - at, MSG_DONTWAIT);

		if (got == 0 || (got < 0 && errno != EAGAIN))
			break;
		if (got > 0)
			at += (size_t)got;
		ck_assert_msg(clock_read(CLOCK_MONOTONIC) < end, "the server does not close");
		mc_reactor_poll(loop);
	}
	close(fd);
	return at;
}

/* ---- recordings ---- */

static size_t
unhex(const char *hex, uint8_t *bytes, size_t room)
{
	size_t length = strlen(hex) / 2;

	must(length <= room);
	for (size_t i = 0; i < length; i++) {
		unsigned int byte;

		must(sscanf(hex + 2 * i, "%2x", &byte) == 1);
		bytes[i] = (uint8_t)byte;
	}
	return length;
}

static const char *
member(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text != NULL ? text : "";
}

/* Upstream's programs talking to each other, or an independent peer's log ("out": it sent). */
static bool
frame_of(const json_t *json, bool *answer_out)
{
	const char *meaning = member(json, "meaning");

	if (json_object_get(json, "hex") == NULL)
		return false;
	*answer_out = strstr(meaning, "reply") != NULL;
	return strncmp(meaning, "handshake", 9) == 0;
}

unsigned int
peer_loop_frames(const char *file, peer_frame_fn each, void *context)
{
	static uint8_t bytes[65536];
	unsigned int count = 0;
	char path[512], *line = NULL;
	size_t room = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%s/transfer/%s", MC_VECTORS, file);
	in = fopen(path, "r");
	ck_assert_msg(in != NULL, "%s", path);
	while (getline(&line, &room, in) > 0) {
		json_t *json = json_loads(line, 0, NULL);
		bool answer;

		must(json != NULL);
		if (frame_of(json, &answer)) {
			each(context, answer, bytes,
			     unhex(member(json, "hex"), bytes, sizeof(bytes)));
			count++;
		}
		json_decref(json);
	}
	free(line);
	fclose(in);
	return count;
}
