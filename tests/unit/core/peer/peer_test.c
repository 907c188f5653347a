/* SPDX-License-Identifier: Apache-2.0 */
/* Two peers on one reactor: straight from each other, and by a metadata server; recorded frames. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/meta/meta.h"
#include "core/peer/peer.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

static struct mc_reactor *reactor;
static char noted[64];
static unsigned int notes;

/* ---- waiting for answers ---- */

struct answer {
	bool came;
	enum mc_status status;
	struct mc_desc *desc;
};

static void
done(void *context, enum mc_status status)
{
	*(struct answer *)context = (struct answer){.came = true, .status = status};
}

static void
resolved(void *context, enum mc_status status, struct mc_desc *desc)
{
	*(struct answer *)context =
		(struct answer){.came = true, .status = status, .desc = desc};
}

static enum mc_status
await(struct answer *answer)
{
	uint64_t end = mc_clock_mono_ns() + 10 * MC_NS_PER_S;

	while (!answer->came && mc_clock_mono_ns() < end)
		mc_reactor_poll(reactor);
	ck_assert_msg(answer->came, "no answer within 10 s");
	return answer->status;
}

static enum mc_status
resolve(struct mc_peer *peer, const char *name, uint64_t timeout_ns, struct mc_desc **desc_out)
{
	struct answer answer = {0};

	mc_peer_resolve(peer, name, timeout_ns, resolved, &answer);
	ck_assert(!answer.came);
	await(&answer);
	*desc_out = answer.desc;
	ck_assert((answer.desc != NULL) == (answer.status == MC_OK));
	return answer.status;
}

/* ---- peers ---- */

static bool
note(void *context, const char *name, const char *text)
{
	snprintf(noted, sizeof(noted), "%s/%s", name, text);
	notes++;
	return strcmp(text, "refuse me") != 0;
}

static enum mc_status
try_open(const char *name, const char *metadata, struct mc_peer **peer_out)
{
	struct mc_peer_params params = {.size = sizeof(params),
					.reactor = reactor,
					.name = name,
					.metadata = metadata,
					.bind_host = "127.0.0.1",
					.notified = note};

	return mc_peer_open(&params, peer_out);
}

static struct mc_peer *
peer_open(const char *name, const char *metadata)
{
	struct mc_peer *peer;

	ck_assert_int_eq(try_open(name, metadata, &peer), MC_OK);
	return peer;
}

static enum mc_status
publish(struct mc_peer *peer, uint64_t addr, const char *host)
{
	struct mc_desc_buffer buffer = {.name = "cpu:0", .addr = addr, .length = 4096};
	struct mc_desc desc = {.name = (char *)(uintptr_t)mc_peer_name(peer),
			       .protocol = "tcp",
			       .tcp_data_host = (char *)(uintptr_t)host,
			       .tcp_data_port = 1234,
			       .tcp_proto_version = 2,
			       .buffers = &buffer,
			       .buffers_count = 1};
	struct answer answer = {0};

	mc_peer_publish(peer, &desc, MC_NS_PER_S, done, &answer);
	return await(&answer);
}

static enum mc_status
notify(struct mc_peer *peer, const char *segment, const char *text)
{
	struct answer answer = {0};

	mc_peer_notify(peer, segment, "me", text, MC_NS_PER_S, done, &answer);
	return await(&answer);
}

static enum mc_status
probe(struct mc_peer *peer, const char *segment)
{
	struct answer answer = {0};

	mc_peer_probe(peer, segment, MC_NS_PER_S, done, &answer);
	return await(&answer);
}

static void
pair_talks(struct mc_peer *a, struct mc_peer *b)
{
	struct mc_desc *desc;

	ck_assert_int_eq(publish(a, 0x1000, "127.0.0.1"), MC_OK);
	ck_assert_int_eq(publish(b, 0x2000, ""), MC_OK);
	ck_assert_int_eq(publish(b, 0x3000, ""), MC_OK);
	ck_assert_int_eq(resolve(a, mc_peer_name(b), MC_NS_PER_S, &desc), MC_OK);
	ck_assert_str_eq(desc->name, mc_peer_name(b));
	ck_assert_uint_eq(desc->buffers[0].addr, 0x3000);
	/* not in the descriptor: taken from the name, or from rpc_meta */
	ck_assert_str_eq(desc->tcp_data_host, "127.0.0.1");
	mc_desc_free(desc);
	ck_assert_int_eq(probe(a, mc_peer_name(b)), MC_OK);
	ck_assert_int_eq(notify(a, mc_peer_name(b), "h\xc3\xa9llo \"\n"), MC_OK);
	ck_assert_str_eq(noted, "me/h\xc3\xa9llo \"\n");
	ck_assert_int_eq(notify(a, mc_peer_name(b), "refuse me"), MC_ERR_PERMISSION);
}

/* ---- cases ---- */

START_TEST(peers_talk_without_a_server)
{
	struct mc_peer *a = peer_open("127.0.0.1:18999", "P2PHANDSHAKE");
	struct mc_peer *b = peer_open("127.0.0.1", "P2PHANDSHAKE");
	char name[64];

	snprintf(name, sizeof(name), "127.0.0.1:%u", mc_peer_port(a));
	ck_assert_str_eq(mc_peer_name(a), name);
	ck_assert(mc_peer_is_p2p(a));
	pair_talks(a, b);
	mc_peer_close(a);
	mc_peer_close(b);
}
END_TEST

static struct mc_meta *
server_open(char url[64])
{
	struct mc_meta_params params = {.size = sizeof(params),
					.reactor = reactor,
					.host = "127.0.0.1",
					.client_ttl_ns = 10 * MC_NS_PER_S};
	struct mc_meta *meta;

	ck_assert_int_eq(mc_meta_open(&params, &meta), MC_OK);
	snprintf(url, 64, "http://127.0.0.1:%u/metadata", mc_meta_port(meta));
	return meta;
}

START_TEST(peers_talk_by_a_server)
{
	char url[64];
	struct mc_meta *meta = server_open(url);
	struct mc_peer *a = peer_open("segment a", url), *b = peer_open("b/slash", url);
	struct answer answer = {0};
	struct mc_desc *desc;

	pair_talks(a, b);
	mc_peer_unpublish(b, MC_NS_PER_S, done, &answer);
	ck_assert_int_eq(await(&answer), MC_OK);
	ck_assert_int_eq(resolve(a, "b/slash", MC_NS_PER_S, &desc), MC_ERR_NOT_FOUND);
	ck_assert_int_eq(probe(a, "b/slash"), MC_ERR_NOT_FOUND);
	mc_peer_close(a);
	mc_peer_close(b);
	mc_meta_close(meta);
}
END_TEST

START_TEST(a_name_of_another_living_process_is_refused)
{
	char url[64];
	struct mc_meta *meta = server_open(url);
	struct mc_peer *a = peer_open("same", url), *b = peer_open("same", url);

	ck_assert_int_eq(publish(a, 0x1000, "h"), MC_OK);
	ck_assert_int_eq(publish(b, 0x1000, "h"), MC_ERR_EXISTS);
	mc_peer_close(a);
	mc_peer_close(b);
	mc_meta_close(meta);
}
END_TEST

START_TEST(a_peer_that_is_not_there_is_told_at_once)
{
	struct mc_peer *a = peer_open("127.0.0.1", "P2PHANDSHAKE");
	struct mc_peer *gone = peer_open("127.0.0.1", "P2PHANDSHAKE");
	char name[64];
	struct mc_desc *desc;

	snprintf(name, sizeof(name), "%s", mc_peer_name(gone));
	mc_peer_close(gone);
	ck_assert_int_eq(resolve(a, name, MC_NS_PER_S, &desc), MC_ERR_CONN_REFUSED);
	ck_assert_int_eq(probe(a, name), MC_ERR_CONN_REFUSED);
	ck_assert_int_eq(resolve(a, "", MC_NS_PER_S, &desc), MC_ERR_ADDRESS_INVALID);
	mc_peer_close(a);
	a = peer_open("a", "http://127.0.0.1:9/metadata");
	ck_assert_int_eq(resolve(a, "b", MC_NS_PER_S, &desc), MC_ERR_CONN_REFUSED);
	ck_assert_int_eq(publish(a, 1, "h"), MC_ERR_CONN_REFUSED);
	mc_peer_close(a);
}
END_TEST

/* Listens and never answers. */
static int
mute_open(char name[64])
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(bind(fd, (struct sockaddr *)&addr, length) == 0 && listen(fd, 8) == 0 &&
	     getsockname(fd, (struct sockaddr *)&addr, &length) == 0);
	snprintf(name, 64, "127.0.0.1:%u", ntohs(addr.sin_port));
	return fd;
}

START_TEST(a_deadline_ends_a_question)
{
	struct mc_peer *a = peer_open("127.0.0.1", "P2PHANDSHAKE");
	uint64_t begin = mc_clock_mono_ns();
	struct answer answer = {0};
	struct mc_desc *desc;
	char name[64];
	int fd = mute_open(name);

	ck_assert_int_eq(resolve(a, name, 200 * MC_NS_PER_MS, &desc), MC_ERR_TIMEOUT);
	ck_assert_uint_ge(mc_clock_mono_ns() - begin, 199 * MC_NS_PER_MS);
	mc_peer_resolve(a, name, 60 * MC_NS_PER_S, resolved, &answer);
	mc_peer_close(a);
	ck_assert(answer.came);
	ck_assert_int_eq(answer.status, MC_ERR_CANCELED);
	close(fd);
}
END_TEST

START_TEST(servers_that_cannot_be_are_refused)
{
	struct mc_peer *peer;

	ck_assert_int_eq(try_open("a", "etcd://127.0.0.1:2379", &peer), MC_ERR_UNSUPPORTED);
	ck_assert_int_eq(try_open("", "P2PHANDSHAKE", &peer), MC_ERR_ADDRESS_INVALID);
}
END_TEST

/* ---- recorded frames ---- */

static int
connect_to(uint16_t port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_port = htons(port),
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	return fd;
}

/* Sends @bytes and reads until the server's end; returns how much came. */
static size_t
exchange(struct mc_peer *peer, const uint8_t *bytes, size_t length, uint8_t *reply, size_t room)
{
	uint64_t end = mc_clock_mono_ns() + 10 * MC_NS_PER_S;
	int fd = connect_to(mc_peer_port(peer));
	size_t at = 0;

	must(send(fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length);
	for (;;) {
		ssize_t got = recv(fd, reply + at, room - at, MSG_DONTWAIT);

		if (got == 0 || (got < 0 && errno != EAGAIN))
			break;
		if (got > 0)
			at += (size_t)got;
		ck_assert_msg(mc_clock_mono_ns() < end, "the server does not close");
		mc_reactor_poll(reactor);
	}
	close(fd);
	return at;
}

static size_t
unhex(const char *hex, uint8_t *bytes)
{
	size_t length = strlen(hex) / 2;

	for (size_t i = 0; i < length; i++) {
		unsigned int byte;

		must(sscanf(hex + 2 * i, "%2x", &byte) == 1);
		bytes[i] = (uint8_t)byte;
	}
	return length;
}

START_TEST(recorded_questions_get_the_recorded_answers)
{
	struct mc_peer *peer = peer_open("127.0.0.1", "P2PHANDSHAKE");
	uint8_t question[8192], expected[8192], reply[8192];
	size_t length = 0, room = 0, got;
	unsigned int compared = 0;
	char *line = NULL;
	FILE *in = fopen(MC_VECTORS "/transfer/te_p2phandshake_full.jsonl", "r");

	must(in != NULL);
	publish(peer, 0x1000, "127.0.0.1");
	while (getline(&line, &room, in) > 0) {
		json_t *json = json_loads(line, 0, NULL);
		const char *channel = json_string_value(json_object_get(json, "channel"));
		const char *direction = json_string_value(json_object_get(json, "direction"));
		const char *hex = json_string_value(json_object_get(json, "hex"));

		if (channel != NULL && hex != NULL && strcmp(channel, "handshake") == 0) {
			if (strcmp(direction, "client->server") == 0) {
				length = unhex(hex, question);
			} else {
				got = exchange(peer, question, length, reply, sizeof(reply));
				length = unhex(hex, expected);
				ck_assert_uint_eq(reply[8], expected[8]);
				/* a descriptor has addresses and times of its own */
				if (expected[8] != 1) {
					ck_assert_uint_eq(got, length);
					ck_assert_mem_eq(reply, expected, length);
				}
				compared++;
			}
		}
		json_decref(json);
	}
	ck_assert_uint_eq(compared, 3);
	ck_assert_str_eq(noted, "nm/hello-msg");
	free(line);
	fclose(in);
	mc_peer_close(peer);
}
END_TEST

static size_t
frame_sent(struct mc_peer *peer, uint8_t type, const char *body, uint8_t *reply, size_t room)
{
	uint8_t bytes[256] = {(uint8_t)(strlen(body) + 1)};

	bytes[8] = type;
	memcpy(bytes + 9, body, strlen(body));
	return exchange(peer, bytes, 9 + strlen(body), reply, room);
}

static size_t
text_sent(struct mc_peer *peer, const char *text, size_t length, uint8_t reply[1024])
{
	return exchange(peer, (const uint8_t *)text, length, reply, 1024);
}

START_TEST(broken_questions_are_closed_without_an_answer)
{
	struct mc_peer *peer = peer_open("127.0.0.1", "P2PHANDSHAKE");
	uint8_t reply[1024];

	ck_assert_uint_eq(text_sent(peer, "\0\0\0\0\0\0\0\0", 8, reply), 0);
	ck_assert_uint_eq(text_sent(peer, "GET / HTTP/1.1\r\n", 16, reply), 0);
	ck_assert_uint_eq(frame_sent(peer, 3, "{", reply, sizeof(reply)), 0);
	ck_assert_uint_eq(frame_sent(peer, 2, "[]", reply, sizeof(reply)), 0);
	ck_assert_uint_eq(frame_sent(peer, 0, "[]", reply, sizeof(reply)), 0);
	ck_assert_uint_eq(frame_sent(peer, 4, "{}", reply, sizeof(reply)), 0);
	ck_assert_uint_eq(frame_sent(peer, 0xfe, "{}", reply, sizeof(reply)), 0);
	/* a connection request, of an engine with RDMA, and as releases before the types sent it */
	ck_assert_uint_gt(frame_sent(peer, 0, "{}", reply, sizeof(reply)), 100);
	ck_assert_uint_eq(reply[8], 0);
	ck_assert_uint_gt(text_sent(peer, "\2\0\0\0\0\0\0\0{}", 10, reply), 100);
	ck_assert_uint_eq(reply[8], '{');
	mc_peer_close(peer);
}
END_TEST

int
main(void)
{
	struct mc_reactor_params params = {.size = sizeof(params), .idle = MC_IDLE_INLINE};
	Suite *suite = suite_create("peer/peer");
	TCase *tc = tcase_create("peer");
	int rc;

	must(mc_reactor_create(&params, &reactor) == MC_OK);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, peers_talk_without_a_server);
	tcase_add_test(tc, peers_talk_by_a_server);
	tcase_add_test(tc, a_name_of_another_living_process_is_refused);
	tcase_add_test(tc, a_peer_that_is_not_there_is_told_at_once);
	tcase_add_test(tc, a_deadline_ends_a_question);
	tcase_add_test(tc, servers_that_cannot_be_are_refused);
	tcase_add_test(tc, recorded_questions_get_the_recorded_answers);
	tcase_add_test(tc, broken_questions_are_closed_without_an_answer);
	suite_add_tcase(suite, tc);
	rc = suite_run(suite, CK_NOFORK);
	mc_reactor_destroy(reactor);
	return rc;
}
