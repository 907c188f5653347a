/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The RPC client against a server of plain sockets (tests/support/rpc_peer.h), both on this thread.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/rpc/client.h"
#include "core/wire/frame.h"
#include "core/wire/wire.h"
#include "mc/log.h"
#include "tests/support/must.h"
#include "tests/support/rpc_peer.h"
#include "tests/support/suite.h"

#define PATIENCE_NS (10 * MC_NS_PER_S)
#define FN	    RPC_PEER_FN
#define BIG	    (8u << 20)

static struct mc_reactor *reactor;
static struct mc_rpc_client *client;
static struct rpc_peer peer;
static enum mc_status states[4];
static int states_count;

/* ---- the client's side ---- */

struct call {
	struct mc_rpc_pending pending;
	enum mc_status status;
	int done; /* how often */
	size_t len;
	char body[64];
	struct call *next; /* made from inside done() */
	enum mc_status next_status;
};

static struct call calls[100]; /* not on a test's stack: the client is closed after it */

static void
call_done(struct mc_rpc_pending *pending, enum mc_status status, const uint8_t *body, size_t len)
{
	struct call *call = mc_container_of(pending, struct call, pending);

	call->done++;
	call->status = status;
	call->len = len;
	memcpy(call->body, body != NULL ? (const char *)body : "",
	       len < sizeof(call->body) ? len : sizeof(call->body));
	if (call->next != NULL) {
		call->next->pending.done = call_done;
		call->next_status = mc_rpc_client_call(client, FN, "next", 4, &call->next->pending);
	}
}

static void
call_make(struct call *call, const void *body, size_t len)
{
	call->pending.done = call_done;
	ck_assert_int_eq(mc_rpc_client_call(client, FN, body, len, &call->pending), MC_OK);
}

static void
state_note(void *context, enum mc_status status)
{
	must(states_count < 4);
	states[states_count++] = status;
}

static void
state_close(void *context, enum mc_status status)
{
	state_note(context, status);
	if (status != MC_OK) {
		mc_rpc_client_close(client);
		client = NULL;
	}
}

static void
poll_until(const int *value, int wanted)
{
	uint64_t deadline = mc_clock_mono_ns() + PATIENCE_NS;

	while (*value < wanted) {
		mc_reactor_poll(reactor);
		ck_assert_msg(mc_clock_mono_ns() < deadline, "nothing happens");
	}
	ck_assert_int_eq(*value, wanted);
}

static void
call_expect(const struct call *call, enum mc_status status, const char *body)
{
	poll_until(&call->done, 1);
	ck_assert_int_eq(call->status, status);
	ck_assert_uint_eq(call->len, strlen(body));
	must(memcmp(call->body, body, call->len) == 0);
}

/* ---- fixture ---- */

static enum mc_status
client_open(uint64_t call_timeout_ns, uint32_t depth, void (*state)(void *, enum mc_status))
{
	struct mc_rpc_client_params params = {
		.size = sizeof(params),
		.reactor = reactor,
		.call_timeout_ns = call_timeout_ns,
		.depth_max = depth,
		.state = state,
	};

	rpc_peer_addr(&peer, &params.addr);
	states_count = 0;
	return mc_rpc_client_open(&params, &client);
}

static void
client_connect(uint64_t call_timeout_ns, uint32_t depth)
{
	ck_assert_int_eq(client_open(call_timeout_ns, depth, state_note), MC_OK);
	rpc_peer_accept(&peer);
	poll_until(&states_count, 1);
	ck_assert_int_eq(states[0], MC_OK);
}

static void
setup(void)
{
	mc_reactor_poll(reactor);	/* so that its time is now */
	rpc_peer_open(&peer, reactor);
	client = NULL;
	memset(calls, 0, sizeof(calls));
}

static void
teardown(void)
{
	mc_rpc_client_close(client);
	rpc_peer_close(&peer);
}

/* Makes @count calls of one byte and has the server read them. */
static void
calls_ask(uint32_t *seqs, int count)
{
	for (int i = 0; i < count; i++)
		call_make(&calls[i], "a", 1);
	for (int i = 0; i < count; i++)
		seqs[i] = rpc_peer_request(&peer, "a");
}

/* ---- calls and answers ---- */

START_TEST(calls_of_a_pass_go_out_together_and_are_answered)
{
	uint32_t seqs[100];
	char byte;

	client_connect(0, 0);
	for (int i = 0; i < 100; i++)
		call_make(&calls[i], "ask", 3);
	must(recv(peer.fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
	mc_reactor_poll(reactor);
	for (int i = 0; i < 100; i++) {
		seqs[i] = rpc_peer_request(&peer, "ask");
		ck_assert_uint_eq(seqs[i], calls[i].pending.seq);
		for (int j = 0; j < i; j++)
			must(seqs[i] != seqs[j]);
	}
	for (int i = 0; i < 100; i++)
		rpc_peer_answer(&peer, seqs[i], 0, &(char){(char)('!' + i)}, 1);
	for (int i = 0; i < 100; i++)
		call_expect(&calls[i], MC_OK, (char[]){(char)('!' + i), '\0'});
	ck_assert_int_eq(states_count, 1);
}
END_TEST

START_TEST(answers_may_come_in_any_order)
{
	uint32_t seqs[3];

	client_connect(0, 0);
	for (int i = 0; i < 3; i++)
		call_make(&calls[i], "ask", 3);
	for (int i = 0; i < 3; i++)
		seqs[i] = rpc_peer_request(&peer, "ask");
	rpc_peer_answer(&peer, seqs[2], 0, "two", 3);
	call_expect(&calls[2], MC_OK, "two");
	must(calls[0].done == 0 && calls[1].done == 0);
	rpc_peer_answer(&peer, seqs[0], 0, "zero", 4);
	rpc_peer_answer(&peer, seqs[1], 0, "", 0);
	call_expect(&calls[0], MC_OK, "zero");
	call_expect(&calls[1], MC_OK, "");
}
END_TEST

START_TEST(calls_made_while_connecting_are_sent)
{
	uint32_t seq;

	ck_assert_int_eq(client_open(0, 0, state_note), MC_OK);
	call_make(&calls[0], "early", 5);
	rpc_peer_accept(&peer);
	seq = rpc_peer_request(&peer, "early");
	rpc_peer_answer(&peer, seq, 0, "bird", 4);
	call_expect(&calls[0], MC_OK, "bird");
}
END_TEST

START_TEST(a_call_can_be_made_from_inside_done)
{
	struct call *first = &calls[0], *second = &calls[1];
	uint32_t seq, seq2;

	client_connect(0, 1);
	first->next = second;
	call_make(first, "first", 5);
	seq = rpc_peer_request(&peer, "first");
	rpc_peer_answer(&peer, seq, 0, "1", 1);
	seq2 = rpc_peer_request(&peer, "next");
	ck_assert_int_eq(first->next_status, MC_OK);
	must(seq2 != seq);
	rpc_peer_answer(&peer, seq2, 0, "2", 1);
	call_expect(second, MC_OK, "2");
}
END_TEST

START_TEST(more_calls_than_the_depth_are_put_off)
{
	uint32_t seqs[2];

	client_connect(0, 2);
	call_make(&calls[0], "a", 1);
	call_make(&calls[1], "b", 1);
	calls[2].pending.done = call_done;
	ck_assert_int_eq(mc_rpc_client_call(client, FN, "c", 1, &calls[2].pending), MC_AGAIN);
	seqs[0] = rpc_peer_request(&peer, "a");
	seqs[1] = rpc_peer_request(&peer, "b");
	rpc_peer_answer(&peer, seqs[0], 0, "", 0);
	call_expect(&calls[0], MC_OK, "");
	call_make(&calls[2], "c", 1);
	seqs[0] = rpc_peer_request(&peer, "c");
	ck_assert_int_eq(calls[2].done, 0);
}
END_TEST

START_TEST(a_large_body_waits_for_the_socket)
{
	char *body = malloc(BIG), *got = malloc(BIG);
	uint8_t header[MC_FRAME_REQUEST_LEN];
	struct mc_frame_request frame;

	for (size_t i = 0; i < BIG; i++)
		body[i] = (char)(i * 7 >> 3);
	client_connect(0, 0);
	call_make(&calls[0], body, BIG);
	/* more than the sockets hold: the rest waits until the server reads */
	for (int i = 0; i < 100; i++)
		mc_reactor_poll(reactor);
	rpc_peer_read(&peer, header, sizeof(header));
	must(mc_frame_request_load(header, &frame) && frame.body_len == BIG);
	rpc_peer_read(&peer, got, BIG);
	must(memcmp(body, got, BIG) == 0);
	rpc_peer_answer(&peer, frame.seq, 0, "taken", 5);
	call_expect(&calls[0], MC_OK, "taken");
	ck_assert_int_eq(
		mc_rpc_client_call(client, FN, body, MC_FRAME_BODY_MAX + 1u, &calls[0].pending),
		MC_ERR_TOO_LARGE);
	free(body);
	free(got);
}
END_TEST

START_TEST(answers_may_come_in_pieces)
{
	uint8_t bytes[128];
	uint32_t seqs[2];
	size_t len;

	client_connect(0, 0);
	calls_ask(seqs, 2);
	len = rpc_peer_frame(bytes, seqs[0], 0, "first", 5);
	len += rpc_peer_frame(bytes + len, seqs[1], 0, "second", 6);
	for (size_t i = 0; i < len; i++) {
		ck_assert_int_eq(calls[0].done, i < MC_FRAME_RESPONSE_LEN + 5 ? 0 : 1);
		rpc_peer_send(&peer, bytes + i, 1);
		mc_reactor_poll(reactor);
	}
	call_expect(&calls[0], MC_OK, "first");
	call_expect(&calls[1], MC_OK, "second");
}
END_TEST

START_TEST(attachments_are_dropped)
{
	uint8_t bytes[MC_FRAME_RESPONSE_LEN + 1 + 5000] = {0};
	uint32_t seqs[2];

	client_connect(0, 0);
	calls_ask(seqs, 2);
	mc_frame_response_store(bytes, &(struct mc_frame_response){0, seqs[0], 1, 5000});
	bytes[MC_FRAME_RESPONSE_LEN] = 'x';
	rpc_peer_send(&peer, bytes, sizeof(bytes) - 1000);
	call_expect(&calls[0], MC_OK, "x");
	rpc_peer_send(&peer, bytes + sizeof(bytes) - 1000, 1000);
	rpc_peer_answer(&peer, seqs[1], 0, "y", 1);
	call_expect(&calls[1], MC_OK, "y");
}
END_TEST

/* ---- errors ---- */

static const enum mc_form forms[] = {MC_FORM_SHORT, MC_FORM_LITERAL};

START_TEST(an_error_frame_gives_its_text)
{
	struct mc_buf body;
	uint32_t seqs[2];

	client_connect(0, 0);
	calls_ask(seqs, 2);
	mc_buf_init(&body);
	must(mc_error_body(&body, "invalid rpc arg", forms[_i]) == MC_OK);
	rpc_peer_answer(&peer, seqs[0], MC_FRAME_INVALID_ARGUMENTS, body.data, mc_buf_len(&body));
	call_expect(&calls[0], MC_ERR_PROTOCOL, "invalid rpc arg");
	/* the connection is as good as before */
	rpc_peer_answer(&peer, seqs[1], 0, "fine", 4);
	call_expect(&calls[1], MC_OK, "fine");
	mc_buf_fini(&body);
}
END_TEST

START_TEST(an_error_frame_cut_short_has_no_text)
{
	struct mc_buf body;
	size_t len;

	client_connect(0, 0);
	mc_buf_init(&body);
	must(mc_error_body(&body, "gone", forms[_i]) == MC_OK);
	len = mc_buf_len(&body);
	for (size_t cut = 0; cut < len; cut++) {
		uint32_t seq;

		calls[0].done = 0;
		call_make(&calls[0], "a", 1);
		seq = rpc_peer_request(&peer, "a");
		rpc_peer_answer(&peer, seq, MC_FRAME_NOT_REGISTERED, body.data, cut);
		call_expect(&calls[0], MC_ERR_PROTOCOL, "");
	}
	mc_buf_fini(&body);
}
END_TEST

/* What no server may send while one call, whose number is @seq, is in flight. */
static size_t
broken_put(uint8_t *to, int kind, uint32_t seq)
{
	switch (kind) {
	case 0: /* a slot that no call uses */
		return rpc_peer_frame(to, seq + 1, 0, "", 0);
	case 1: /* a slot that does not exist */
		return rpc_peer_frame(to, seq + 40000, 0, "", 0);
	case 2: /* the right slot at another time */
		return rpc_peer_frame(to, seq + 65536, 0, "", 0);
	case 3: /* known before its body is there */
		rpc_peer_frame(to, seq + 1, 0, "", 0);
		mc_le32_store(to + 8, 1000);
		return MC_FRAME_RESPONSE_LEN;
	case 4:
		rpc_peer_frame(to, seq, 0, "", 0);
		mc_le32_store(to + 8, MC_FRAME_BODY_MAX + 1);
		return MC_FRAME_RESPONSE_LEN;
	default: /* another protocol, by its first byte */
		to[0] = 'H';
		return 1;
	}
}

START_TEST(a_wrong_answer_closes)
{
	uint8_t bytes[64];
	uint32_t seq;

	client_connect(0, 0);
	calls_ask(&seq, 1);
	rpc_peer_send(&peer, bytes, broken_put(bytes, _i, seq));
	call_expect(&calls[0], MC_ERR_CONN_CLOSED, "");
	ck_assert_int_eq(states_count, 2);
	ck_assert_int_eq(states[1], MC_ERR_PROTOCOL);
	ck_assert_int_eq(mc_rpc_client_call(client, FN, "b", 1, &calls[0].pending),
			 MC_ERR_CONN_CLOSED);
	rpc_peer_end(&peer);
}
END_TEST

START_TEST(an_answer_comes_once)
{
	uint32_t seq;

	client_connect(0, 0);
	calls_ask(&seq, 1);
	rpc_peer_answer(&peer, seq, 0, "x", 1);
	rpc_peer_answer(&peer, seq, 0, "x", 1);
	poll_until(&states_count, 2);
	ck_assert_int_eq(states[1], MC_ERR_PROTOCOL);
	ck_assert_int_eq(calls[0].done, 1);
	ck_assert_int_eq(calls[0].status, MC_OK);
}
END_TEST

/* ---- ends ---- */

START_TEST(the_servers_death_ends_every_call)
{
	struct call *retry = &calls[10];

	client_connect(0, 0);
	calls[0].next = retry;
	for (int i = 0; i < 10; i++)
		call_make(&calls[i], "a", 1);
	rpc_peer_request(&peer, "a");
	rpc_peer_hang_up(&peer);
	poll_until(&states_count, 2);
	ck_assert_int_eq(states[1], MC_ERR_CONN_CLOSED);
	for (int i = 0; i < 10; i++)
		call_expect(&calls[i], MC_ERR_CONN_CLOSED, "");
	ck_assert_int_eq(calls[0].next_status, MC_ERR_CONN_CLOSED);
	ck_assert_int_eq(retry->done, 0);
}
END_TEST

START_TEST(answers_before_the_end_count)
{
	uint32_t seq;

	client_connect(0, 0);
	call_make(&calls[0], "a", 1);
	call_make(&calls[1], "b", 1);
	seq = rpc_peer_request(&peer, "a");
	rpc_peer_answer(&peer, seq, 0, "last", 4);
	shutdown(peer.fd, SHUT_WR);
	poll_until(&states_count, 2);
	call_expect(&calls[0], MC_OK, "last");
	call_expect(&calls[1], MC_ERR_CONN_CLOSED, "");
}
END_TEST

START_TEST(a_late_answer_closes)
{
	uint64_t start = mc_clock_mono_ns();
	uint32_t seq;

	client_connect(50 * MC_NS_PER_MS, 0);
	calls_ask(&seq, 1);
	/* the second is not late yet when the first is */
	while (mc_clock_mono_ns() - start < 40 * MC_NS_PER_MS)
		mc_reactor_poll(reactor);
	if (calls[0].done == 0)
		call_make(&calls[1], "b", 1);
	call_expect(&calls[0], MC_ERR_TIMEOUT, "");
	/* unless this thread was held up, when it was too late to make it */
	if (calls[1].done > 0)
		ck_assert_int_eq(calls[1].status, MC_ERR_CONN_CLOSED);
	ck_assert_uint_ge(mc_clock_mono_ns() - calls[0].pending.sent_ns, 50 * MC_NS_PER_MS);
	ck_assert_int_eq(states[1], MC_ERR_TIMEOUT);
	rpc_peer_end(&peer);
}
END_TEST

START_TEST(answers_in_time_do_not_close)
{
	struct call *first = &calls[0], *next = &calls[1];
	uint64_t start;
	uint32_t seq;

	client_connect(200 * MC_NS_PER_MS, 0);
	start = mc_clock_mono_ns();
	/* twice the time, and never without a call in flight */
	call_make(first, "a", 1);
	seq = rpc_peer_request(&peer, "a");
	while (mc_clock_mono_ns() - start < 400 * MC_NS_PER_MS) {
		uint32_t next_seq;

		next->done = 0;
		call_make(next, "b", 1);
		next_seq = rpc_peer_request(&peer, "b");
		if (first->done == 0)
			rpc_peer_answer(&peer, seq, 0, "", 0);
		rpc_peer_answer(&peer, next_seq, 0, "", 0);
		call_expect(next, MC_OK, "");
	}
	call_expect(first, MC_OK, "");
	ck_assert_int_eq(states_count, 1);
}
END_TEST

START_TEST(close_ends_pending_calls_first)
{

	client_connect(0, 0);
	for (int i = 0; i < 5; i++)
		call_make(&calls[i], "a", 1);
	mc_rpc_client_close(client);
	client = NULL;
	for (int i = 0; i < 5; i++)
		call_expect(&calls[i], MC_ERR_CONN_CLOSED, "");
	ck_assert_int_eq(states_count, 1);
}
END_TEST

START_TEST(state_may_close_the_client)
{
	ck_assert_int_eq(client_open(0, 0, state_close), MC_OK);
	rpc_peer_accept(&peer);
	poll_until(&states_count, 1);
	call_make(&calls[0], "a", 1);
	rpc_peer_hang_up(&peer);
	call_expect(&calls[0], MC_ERR_CONN_CLOSED, "");
	poll_until(&states_count, 2);
	must(client == NULL);
	mc_reactor_poll(reactor);
}
END_TEST

START_TEST(nobody_listens)
{
	int listener = peer.listener;
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	/* bound and not listening: refused, and nobody else gets the port */
	peer.listener = socket(AF_INET, SOCK_STREAM, 0);
	must(bind(peer.listener, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	ck_assert_int_eq(client_open(0, 0, state_note), MC_OK);
	call_make(&calls[0], "a", 1);
	poll_until(&states_count, 1);
	ck_assert_int_eq(states[0], MC_ERR_CONN_REFUSED);
	call_expect(&calls[0], MC_ERR_CONN_CLOSED, "");
	close(peer.listener);
	peer.listener = listener;
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rpc/client");
	TCase *tc = tcase_create("client");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, calls_of_a_pass_go_out_together_and_are_answered);
	tcase_add_test(tc, answers_may_come_in_any_order);
	tcase_add_test(tc, calls_made_while_connecting_are_sent);
	tcase_add_test(tc, a_call_can_be_made_from_inside_done);
	tcase_add_test(tc, more_calls_than_the_depth_are_put_off);
	tcase_add_test(tc, a_large_body_waits_for_the_socket);
	tcase_add_test(tc, answers_may_come_in_pieces);
	tcase_add_test(tc, attachments_are_dropped);
	tcase_add_loop_test(tc, an_error_frame_gives_its_text, 0, 2);
	tcase_add_loop_test(tc, an_error_frame_cut_short_has_no_text, 0, 2);
	tcase_add_loop_test(tc, a_wrong_answer_closes, 0, 6);
	tcase_add_test(tc, an_answer_comes_once);
	tcase_add_test(tc, the_servers_death_ends_every_call);
	tcase_add_test(tc, answers_before_the_end_count);
	tcase_add_test(tc, a_late_answer_closes);
	tcase_add_test(tc, answers_in_time_do_not_close);
	tcase_add_test(tc, close_ends_pending_calls_first);
	tcase_add_test(tc, state_may_close_the_client);
	tcase_add_test(tc, nobody_listens);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	struct mc_eal_params eal = {.size = sizeof(eal), .lcore_count = 1};
	struct mc_reactor_params params = {
		.size = sizeof(params), .name = "test", .idle = MC_IDLE_INLINE, .messages_max = 64};
	int rc;

	mc_log_level_set(MC_LOG_ERROR);
	if (mc_eal_start(&eal) != MC_OK || mc_reactor_create(&params, &reactor) != MC_OK)
		return 1;
	rc = suite_run(suite(), CK_NOFORK);
	mc_reactor_destroy(reactor);
	mc_eal_stop();
	return rc;
}
