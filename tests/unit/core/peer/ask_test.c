/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to peers of another kind: what upstream answers, and what nobody should. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/peer/private.h"
#include "tests/support/must.h"
#include "tests/support/peer_loop.h"
#include "tests/support/suite.h"

static struct mc_peer *peer;
static char name[64];		/* of the peer that the test plays */
static int listener;
static uint8_t asked[4096];	/* what it was asked */
static size_t asked_length;

static void
setup(void)
{
	peer = peer_loop_open("127.0.0.1", "P2PHANDSHAKE");
	listener = peer_loop_listen(name);
}

static void
teardown(void)
{
	mc_peer_close(peer);
	close(listener);
}

/* Takes one question and answers @bytes, as the peer; then waits for @answer. */
static enum mc_status
play(struct peer_answered *answer, const void *bytes, size_t length)
{
	ssize_t got;
	int fd;

	while ((fd = accept(listener, NULL, NULL)) < 0)
		peer_loop_poll();
	while ((got = recv(fd, asked, sizeof(asked), MSG_DONTWAIT)) < 0)
		peer_loop_poll();
	asked_length = (size_t)got;
	must(send(fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length);
	shutdown(fd, SHUT_WR);
	peer_loop_await(answer);
	close(fd);
	return answer->status;
}

static enum mc_status
resolve(const void *bytes, size_t length, struct mc_desc **desc_out)
{
	struct peer_answered answer = {0};

	mc_peer_resolve(peer, name, MC_NS_PER_S, peer_loop_resolved, &answer);
	play(&answer, bytes, length);
	*desc_out = answer.desc;
	return answer.status;
}

static enum mc_status
text_resolved(uint8_t type, const char *text)
{
	uint8_t bytes[512] = {(uint8_t)(strlen(text) + 1), (uint8_t)((strlen(text) + 1) >> 8)};
	struct mc_desc *desc;
	enum mc_status st;

	bytes[8] = type;
	memcpy(bytes + 9, text, strlen(text));
	st = resolve(bytes, 9 + strlen(text), &desc);
	mc_desc_free(desc);
	return st;
}

static void
answer_replayed(void *context, bool answer, const uint8_t *bytes, size_t length)
{
	unsigned int *played = context;
	struct peer_answered came = {0};
	struct mc_desc *desc;

	if (!answer || length == 0 || bytes[8] > FRAME_PROBE || bytes[8] == FRAME_CONNECTION)
		return;
	++*played;
	if (bytes[8] == FRAME_METADATA) {
		ck_assert_int_eq(resolve(bytes, length, &desc), MC_OK);
		ck_assert_str_eq(desc->protocol, "tcp");
		/* published, or taken from the name */
		ck_assert_str_eq(desc->tcp_data_host, "127.0.0.1");
		ck_assert_uint_gt(desc->tcp_data_port, 0);
		ck_assert_uint_gt(desc->buffers_count, 0);
		ck_assert_uint_eq(desc->own.version, 0);
		mc_desc_free(desc);
		/* without anything published, as an independent peer asks */
		ck_assert_uint_eq(asked_length, 12);
		ck_assert_mem_eq(asked, "\4\0\0\0\0\0\0\0\1{}\n", 12);
		return;
	}
	if (bytes[8] == FRAME_NOTIFY)
		mc_peer_notify(peer, name, "nm", "hello-msg", MC_NS_PER_S, peer_loop_done, &came);
	else
		mc_peer_probe(peer, name, MC_NS_PER_S, peer_loop_done, &came);
	ck_assert_int_eq(play(&came, bytes, length), MC_OK);
}

START_TEST(recorded_answers_are_understood)
{
	static const uint8_t notify[] = "\x28\0\0\0\0\0\0\0\2{\"name\":\"nm\",\"notify_msg\":"
					"\"hello-msg\"}\n";
	unsigned int played = 0;
	struct peer_answered came = {0};

	peer_loop_frames("te_p2phandshake_full.jsonl", answer_replayed, &played);
	ck_assert_uint_eq(played, 3);
	peer_loop_frames("py_initiator_p2p.jsonl", answer_replayed, &played);
	peer_loop_frames("py_target_p2p.jsonl", answer_replayed, &played);
	ck_assert_uint_gt(played, 10);
	/* our question is upstream's, byte for byte */
	mc_peer_notify(peer, name, "nm", "hello-msg", MC_NS_PER_S, peer_loop_done, &came);
	play(&came, "", 0);
	ck_assert_uint_eq(asked_length, sizeof(notify) - 1);
	ck_assert_mem_eq(asked, notify, asked_length);
	ck_assert_int_eq(came.status, MC_ERR_CONN_CLOSED);
}
END_TEST

START_TEST(answers_that_are_none_are_told_apart)
{
	struct mc_desc *desc;

	ck_assert_int_eq(resolve("", 0, &desc), MC_ERR_CONN_CLOSED);
	ck_assert_int_eq(resolve("\4\0\0\0\0\0\0\0\1{", 10, &desc), MC_ERR_CONN_CLOSED);
	ck_assert_int_eq(resolve("\0\0\0\0\0\0\0\0", 8, &desc), MC_ERR_PROTOCOL);
	ck_assert_int_eq(resolve("\0\0\0\0\1\0\0\0\1{", 10, &desc), MC_ERR_PROTOCOL);
	ck_assert_int_eq(resolve("HTTP/1.1 400 Bad Request\r\n", 26, &desc), MC_ERR_PROTOCOL);
	ck_assert_int_eq(text_resolved(FRAME_PROBE, "{\"protocol\":\"tcp\"}"), MC_ERR_PROTOCOL);
	ck_assert_int_eq(text_resolved(FRAME_METADATA, "null\n"), MC_ERR_BAD_MESSAGE);
	ck_assert_int_eq(text_resolved(FRAME_METADATA, "{"), MC_ERR_BAD_MESSAGE);
	ck_assert_int_eq(text_resolved(FRAME_METADATA, "{\"protocol\":\"zzz\"}"),
			 MC_ERR_BAD_MESSAGE);
	ck_assert_int_eq(text_resolved(FRAME_METADATA, "{\"protocol\":\"tcp\"}"), MC_OK);
}
END_TEST

START_TEST(slashes_in_front_of_a_name_do_not_count)
{
	struct peer_answered answer = {0};
	char slashed[72] = "//";

	strcat(slashed, name);
	mc_peer_probe(peer, slashed, MC_NS_PER_S, peer_loop_done, &answer);
	ck_assert_int_eq(play(&answer, "\4\0\0\0\0\0\0\0\3{}\n", 12), MC_OK);
	answer = (struct peer_answered){0};
	mc_peer_probe(peer, "///", MC_NS_PER_S, peer_loop_done, &answer);
	ck_assert(!answer.came);
	ck_assert_int_eq(peer_loop_await(&answer), MC_ERR_ADDRESS_INVALID);
}
END_TEST

START_TEST(a_host_that_takes_no_connection_is_unreachable_in_time)
{
	struct peer_answered first = {0}, second = {0};
	unsigned int count = 0;
	uint64_t begin;

	/* with its queue full, the kernel lets new connections wait */
	must(listen(listener, 0) == 0);
	for (; count < 64; count++) {
		struct peer_answered early = {0};

		mc_peer_probe(peer, name, MC_NS_PER_S / 20, peer_loop_done, &early);
		if (peer_loop_await(&early) == MC_ERR_UNREACHABLE)
			break;
	}
	ck_assert_uint_lt(count, 64);
	begin = mc_clock_mono_ns();
	mc_peer_probe(peer, name, 100 * MC_NS_PER_MS, peer_loop_done, &first);
	ck_assert_int_eq(peer_loop_await(&first), MC_ERR_UNREACHABLE);
	ck_assert_uint_lt(mc_clock_mono_ns() - begin, 400 * MC_NS_PER_MS);
	/* the time to connect is bounded apart from the whole */
	mc_peer_probe(peer, name, 60 * MC_NS_PER_S, peer_loop_done, &second);
	for (unsigned int i = 0; i < 10; i++)
		peer_loop_poll();
	ck_assert(!second.came);
	peer_loop_skip(6 * MC_NS_PER_S);
	ck_assert(second.came);
	ck_assert_int_eq(second.status, MC_ERR_UNREACHABLE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("peer/ask");
	TCase *tc = tcase_create("ask");
	int rc;

	peer_loop_start();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, recorded_answers_are_understood);
	tcase_add_test(tc, answers_that_are_none_are_told_apart);
	tcase_add_test(tc, slashes_in_front_of_a_name_do_not_count);
	tcase_add_test(tc, a_host_that_takes_no_connection_is_unreachable_in_time);
	suite_add_tcase(suite, tc);
	rc = suite_run(suite, CK_NOFORK);
	peer_loop_stop();
	return rc;
}
