/* SPDX-License-Identifier: Apache-2.0 */
/* The handshake listener: recorded questions, many at once, and peers that stall. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/peer/private.h"
#include "tests/support/must.h"
#include "tests/support/peer_loop.h"
#include "tests/support/suite.h"

static struct mc_peer *peer;

static void
setup(void)
{
	struct peer_answered answer;

	peer = peer_loop_open("127.0.0.1", "P2PHANDSHAKE");
	peer_loop_publish(peer, 0x1000, "127.0.0.1", MC_NS_PER_S, &answer);
	must(peer_loop_await(&answer) == MC_OK);
}

static void
teardown(void)
{
	mc_peer_close(peer);
}

/* ---- recordings ---- */

struct replay {
	uint8_t question[4096];
	size_t length;
	unsigned int compared;
};

static void
frame_replayed(void *context, bool answer, const uint8_t *bytes, size_t length)
{
	struct replay *replay = context;
	uint8_t reply[4096];
	size_t got;

	if (!answer) {
		memcpy(replay->question, bytes, length);
		replay->length = length;
		return;
	}
	got = peer_loop_exchange(mc_peer_port(peer), replay->question, replay->length, reply,
				 sizeof(reply));
	replay->compared++;
	/* a descriptor has addresses and times of its own */
	if (length > 14 && bytes[8] == FRAME_METADATA) {
		ck_assert_uint_gt(got, 14);
		ck_assert_uint_eq(reply[8], FRAME_METADATA);
		ck_assert_mem_eq(reply + 9, "{\"buffers\":[", 12);
		ck_assert_uint_eq(reply[got - 1], '\n');
		return;
	}
	ck_assert_uint_eq(got, length);
	ck_assert_mem_eq(reply, bytes, length);
}

static void
replayed(const char *file, unsigned int compared)
{
	struct replay replay = {.compared = 0};

	peer_loop_frames(file, frame_replayed, &replay);
	ck_assert_uint_eq(replay.compared, compared);
}

START_TEST(recorded_questions_get_the_recorded_answers)
{
	replayed("te_p2phandshake_full.jsonl", 3);
	ck_assert_str_eq(peer_loop_noted, "nm/hello-msg");
	replayed("py_initiator_p2p.jsonl", 13);
}
END_TEST

START_TEST(with_a_metadata_server_there_is_no_descriptor_here)
{
	mc_peer_close(peer);
	peer = peer_loop_open("segment", "http://127.0.0.1:9/metadata");
	replayed("te_http_full.jsonl", 2);
	replayed("py_initiator_http.jsonl", 11);
}
END_TEST

/* ---- many, slow ---- */

static bool
closed(int fd)
{
	char byte;
	ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT);

	return got == 0 || (got < 0 && errno != EAGAIN);
}

static void
settle(void)
{
	for (unsigned int i = 0; i < 1000; i++)
		peer_loop_poll();
}

START_TEST(a_question_that_does_not_come_is_not_waited_for)
{
	int mute = peer_loop_connect(mc_peer_port(peer));
	int half = peer_loop_connect(mc_peer_port(peer));

	must(send(half, "\x05\0\0\0\0\0\0\0\3{", 10, MSG_NOSIGNAL) == 10);
	settle();
	ck_assert_uint_eq(peer->serving_count, 2);
	ck_assert(!closed(mute) && !closed(half));
	peer_loop_skip(6 * MC_NS_PER_S);
	settle();
	ck_assert(closed(mute) && closed(half));
	ck_assert_uint_eq(peer->serving_count, 0);
	close(mute);
	close(half);
}
END_TEST

START_TEST(a_peer_that_does_not_close_is_left)
{
	uint8_t reply[64];
	int fd = peer_loop_connect(mc_peer_port(peer));

	must(send(fd, "\4\0\0\0\0\0\0\0\3{}\n", 12, MSG_NOSIGNAL) == 12);
	settle();
	ck_assert_int_eq(recv(fd, reply, sizeof(reply), MSG_DONTWAIT), 30);
	/* our side is finished, theirs may take its time */
	ck_assert_int_eq(recv(fd, reply, sizeof(reply), MSG_DONTWAIT), 0);
	ck_assert_uint_eq(peer->serving_count, 1);
	/* a second question on it is not answered */
	must(send(fd, "\4\0\0\0\0\0\0\0\3{}\n", 12, MSG_NOSIGNAL) == 12);
	settle();
	ck_assert_uint_eq(peer->serving_count, 1);
	peer_loop_skip(6 * MC_NS_PER_S);
	ck_assert_uint_eq(peer->serving_count, 0);
	close(fd);
}
END_TEST

START_TEST(stalled_connections_hold_up_nobody_and_are_bounded)
{
	static int stalled[300];
	struct rlimit limit;
	uint8_t reply[64];

	must(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max >= 1024);
	limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	for (unsigned int i = 0; i < 300; i++) {
		stalled[i] = peer_loop_connect(mc_peer_port(peer));
		peer_loop_poll();
		if (i == 100)
			ck_assert_uint_eq(peer_loop_exchange(mc_peer_port(peer),
							     "\4\0\0\0\0\0\0\0\3{}\n", 12, reply,
							     sizeof(reply)), 30);
	}
	settle();
	ck_assert_uint_eq(peer->serving_count, 256);
	peer_loop_skip(6 * MC_NS_PER_S);
	settle();
	ck_assert_uint_eq(peer->serving_count, 44);
	for (unsigned int i = 0; i < 300; i++)
		close(stalled[i]);
	settle();
	ck_assert_uint_eq(peer->serving_count, 0);
}
END_TEST

START_TEST(without_descriptors_it_rests_and_goes_on)
{
	struct rlimit limit, small;
	int next = dup(0), fd;
	uint8_t reply[64];

	must(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	small = limit;
	/* one for the connection's other end, none for ours */
	small.rlim_cur = (rlim_t)next + 1;
	close(next);
	must(setrlimit(RLIMIT_NOFILE, &small) == 0);
	fd = peer_loop_connect(mc_peer_port(peer));
	settle();
	ck_assert_uint_eq(peer->serving_count, 0);
	ck_assert(peer->paused);
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	must(send(fd, "\4\0\0\0\0\0\0\0\3{}\n", 12, MSG_NOSIGNAL) == 12);
	peer_loop_skip(MC_NS_PER_S);
	settle();
	ck_assert_int_eq(recv(fd, reply, sizeof(reply), MSG_DONTWAIT), 30);
	ck_assert(!peer->paused);
	close(fd);
}
END_TEST

START_TEST(the_longest_question_comes_from_the_environment)
{
	uint8_t frame[64] = {40}, reply[64];

	memset(frame + 8, ' ', 40);
	memcpy(frame + 8, "\3{}", 3);
	ck_assert_uint_eq(peer_loop_exchange(mc_peer_port(peer), frame, 48, reply, 64), 30);
	mc_peer_close(peer);
	setenv("MC_HANDSHAKE_MAX_LENGTH", "39", 1);
	peer = peer_loop_open("127.0.0.1", "P2PHANDSHAKE");
	ck_assert_uint_eq(peer_loop_exchange(mc_peer_port(peer), frame, 48, reply, 64), 0);
	unsetenv("MC_HANDSHAKE_MAX_LENGTH");
}
END_TEST

START_TEST(the_port_is_that_of_the_environment)
{
	struct mc_peer *second;
	struct mc_peer_params params = {.size = sizeof(params), .reactor = peer->reactor,
					.name = "127.0.0.1", .metadata = "P2PHANDSHAKE",
					.bind_host = "127.0.0.1"};

	setenv("MC_MIN_PRC_PORT", "20123", 1);	/* as releases before spelt it */
	setenv("MC_MAX_PRC_PORT", "20123", 1);
	mc_peer_close(peer);
	peer = peer_loop_open("127.0.0.1", "P2PHANDSHAKE");
	ck_assert_uint_eq(mc_peer_port(peer), 20123);
	ck_assert_int_eq(mc_peer_open(&params, &second), MC_ERR_ADDRESS_IN_USE);
	unsetenv("MC_MIN_PRC_PORT");
	unsetenv("MC_MAX_PRC_PORT");
}
END_TEST

START_TEST(peers_talk_over_ipv6)
{
	struct mc_peer_params params = {.size = sizeof(params), .reactor = peer->reactor,
					.name = "::1", .metadata = "P2PHANDSHAKE"};
	struct peer_answered answer;
	struct mc_desc *desc;
	struct mc_peer *six;
	enum mc_status st;
	char name[64];

	setenv("MC_USE_IPV6", "1", 1);
	st = mc_peer_open(&params, &six);
	unsetenv("MC_USE_IPV6");
	/* a host without IPv6 has nothing to try */
	if (st == MC_ERR_ADDRESS_INVALID)
		return;
	ck_assert_int_eq(st, MC_OK);
	snprintf(name, sizeof(name), "[::1]:%u", mc_peer_port(six));
	ck_assert_str_eq(mc_peer_name(six), name);
	peer_loop_publish(six, 0x1000, "::1", MC_NS_PER_S, &answer);
	ck_assert_int_eq(peer_loop_await(&answer), MC_OK);
	desc = peer_loop_resolve(peer, name, MC_NS_PER_S, &st);
	ck_assert_int_eq(st, MC_OK);
	ck_assert_str_eq(desc->tcp_data_host, "::1");
	mc_desc_free(desc);
	/* the listener takes both */
	snprintf(name, sizeof(name), "127.0.0.1:%u", mc_peer_port(six));
	mc_desc_free(peer_loop_resolve(peer, name, MC_NS_PER_S, &st));
	ck_assert_int_eq(st, MC_OK);
	mc_peer_close(six);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("peer/serve");
	TCase *tc = tcase_create("serve");
	int rc;

	peer_loop_start();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, recorded_questions_get_the_recorded_answers);
	tcase_add_test(tc, with_a_metadata_server_there_is_no_descriptor_here);
	tcase_add_test(tc, a_question_that_does_not_come_is_not_waited_for);
	tcase_add_test(tc, a_peer_that_does_not_close_is_left);
	tcase_add_test(tc, stalled_connections_hold_up_nobody_and_are_bounded);
	tcase_add_test(tc, without_descriptors_it_rests_and_goes_on);
	tcase_add_test(tc, the_longest_question_comes_from_the_environment);
	tcase_add_test(tc, peers_talk_over_ipv6);
	tcase_add_test(tc, the_port_is_that_of_the_environment);
	suite_add_tcase(suite, tc);
	rc = suite_run(suite, CK_NOFORK);
	peer_loop_stop();
	return rc;
}
