/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of the load generator against a server of plain sockets, on one thread. */
#include "apps/mc-bench/conn.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "core/base/clock.h"
#include "core/wire/frame.h"
#include "mc/log.h"
#include "tests/support/must.h"
#include "tests/support/rpc_peer.h"
#include "tests/support/suite.h"

#define DEPTH 4u

static struct mc_reactor *reactor;
static struct rpc_peer peer;
static struct conn conn;
static unsigned int answers;
static char got[16][64];	/* "slot err_code body" */
static unsigned int again;	/* calls to make from inside answers */

static void
call(unsigned int slot, const char *body)
{
	struct mc_buf *out = conn_call(&conn, &conn.slots[slot], RPC_PEER_FN);

	must(mc_buf_append(out, body, strlen(body)) == MC_OK);
	conn_sent(&conn, &conn.slots[slot]);
}

static void
answered(struct conn *from, struct conn_slot *slot, uint8_t err_code, const uint8_t *body,
	 size_t len)
{
	must(from == &conn && !slot->busy && answers < 16);
	must(mc_clock_mono_ns() >= slot->queued_ns);
	snprintf(got[answers++], sizeof(got[0]), "%d %d %.*s", (int)(slot - conn.slots), err_code,
		 (int)len, (const char *)body);
	if (again > 0) {
		again--;
		call((unsigned int)(slot - conn.slots), "again");
	}
}

static void
setup(void)
{
	struct mc_net_addr addr;

	answers = again = 0;
	rpc_peer_open(&peer, reactor);
	rpc_peer_addr(&peer, &addr);
	ck_assert_int_eq(conn_open(&conn, reactor, &addr, DEPTH, 10 * MC_NS_PER_S), MC_OK);
	conn.answer = answered;
	rpc_peer_accept(&peer);
}

static void
teardown(void)
{
	conn_close(&conn);
	rpc_peer_close(&peer);
}

/* Polls until @count answers came; fails when that takes long. */
static void
answers_expect(unsigned int count)
{
	uint64_t deadline = mc_clock_mono_ns() + 10 * MC_NS_PER_S;

	while (answers < count && conn.status == MC_OK) {
		mc_reactor_poll(reactor);
		must(mc_clock_mono_ns() < deadline);
	}
	ck_assert_uint_eq(answers, count);
}

static void
loss_expect(enum mc_status status)
{
	uint64_t deadline = mc_clock_mono_ns() + 10 * MC_NS_PER_S;

	while (conn.status == MC_OK) {
		mc_reactor_poll(reactor);
		must(mc_clock_mono_ns() < deadline);
	}
	ck_assert_int_eq(conn.status, status);
}

/* ---- calls and answers ---- */

START_TEST(answers_find_their_slot_in_any_order)
{
	uint32_t seqs[DEPTH];

	for (unsigned int i = 0; i < DEPTH; i++)
		call(i, "ask");
	ck_assert_uint_eq(conn.flying, DEPTH);
	for (unsigned int i = 0; i < DEPTH; i++)
		seqs[i] = rpc_peer_request(&peer, "ask");
	rpc_peer_answer(&peer, seqs[2], 0, "two", 3);
	rpc_peer_answer(&peer, seqs[0], 0, "", 0);
	rpc_peer_answer(&peer, seqs[3], 11, "text", 4);
	answers_expect(3);
	ck_assert_str_eq(got[0], "2 0 two");
	ck_assert_str_eq(got[1], "0 0 ");
	ck_assert_str_eq(got[2], "3 11 text");
	ck_assert_uint_eq(conn.flying, 1);
	ck_assert(conn.slots[1].busy && !conn.slots[0].busy);
}
END_TEST

START_TEST(an_answer_may_be_cut_anywhere)
{
	uint8_t bytes[64];
	size_t len = rpc_peer_frame(bytes, 0, 0, "body", 4);

	for (size_t cut = 1; cut < len; cut++) {
		answers = 0;
		call(0, "x");
		ck_assert_uint_eq(rpc_peer_request(&peer, "x"), 0);
		rpc_peer_send(&peer, bytes, cut);
		for (int i = 0; i < 3; i++)
			mc_reactor_poll(reactor);
		ck_assert_uint_eq(answers, 0);
		rpc_peer_send(&peer, bytes + cut, len - cut);
		answers_expect(1);
		ck_assert_str_eq(got[0], "0 0 body");
	}
}
END_TEST

static unsigned int sends;
static const struct mc_net_ops *system_net;

static enum mc_status
send_counted(int fd, const struct iovec *iov, int iov_count, size_t *sent_out)
{
	sends++;
	return system_net->send(fd, iov, iov_count, sent_out);
}

START_TEST(calls_made_from_answers_go_out_together)
{
	struct mc_net_ops counted = *(system_net = mc_net());
	uint8_t bytes[256];
	size_t len = 0;

	for (unsigned int i = 0; i < DEPTH; i++)
		call(i, "ask");
	for (unsigned int i = 0; i < DEPTH; i++)
		len += rpc_peer_frame(bytes + len, rpc_peer_request(&peer, "ask"), 0, "a", 1);
	again = DEPTH;
	sends = 0;
	counted.send = send_counted;
	mc_net_ops_set(&counted);
	rpc_peer_send(&peer, bytes, len);
	answers_expect(DEPTH);
	mc_net_ops_set(NULL);
	ck_assert_uint_eq(sends, 1);
	for (unsigned int i = 0; i < DEPTH; i++)
		rpc_peer_request(&peer, "again");
}
END_TEST

START_TEST(a_socket_that_is_full_is_waited_for)
{
	enum { BIG = 8 << 20 };
	struct mc_frame_request frame;
	uint8_t header[MC_FRAME_REQUEST_LEN];
	uint8_t *body = malloc(BIG), *read = malloc(BIG);
	struct mc_buf *out = conn_call(&conn, &conn.slots[1], RPC_PEER_FN);

	for (int i = 0; i < BIG; i++)
		body[i] = (uint8_t)(i / 1000);
	must(mc_buf_append(out, body, BIG) == MC_OK);
	conn_sent(&conn, &conn.slots[1]);
	ck_assert_uint_gt(mc_buf_len(&conn.out), 0);
	/* behind it, while it is going out */
	call(2, "small");
	rpc_peer_read(&peer, header, sizeof(header));
	must(mc_frame_request_load(header, &frame));
	ck_assert_uint_eq(frame.seq, 1);
	ck_assert_uint_eq(frame.body_len, BIG);
	rpc_peer_read(&peer, read, BIG);
	must(memcmp(read, body, BIG) == 0);
	ck_assert_uint_eq(rpc_peer_request(&peer, "small"), 2);
	free(read);
	free(body);
}
END_TEST

/* ---- losses ---- */

START_TEST(answers_in_front_of_the_end_count)
{
	call(0, "a");
	call(1, "b");
	rpc_peer_answer(&peer, rpc_peer_request(&peer, "a"), 0, "yes", 3);
	rpc_peer_request(&peer, "b");
	rpc_peer_hang_up(&peer);
	loss_expect(MC_ERR_CONN_CLOSED);
	ck_assert_uint_eq(answers, 1);
	/* a call on what is lost does nothing */
	call(2, "c");
	ck_assert(!conn.slots[2].busy);
}
END_TEST

/* Answers that break the framing, to a call of slot 0 alone. */
static const struct {
	const char *what;
	uint8_t bytes[MC_FRAME_RESPONSE_LEN];
} broken[] = {
	{"another magic", {0x14}},
	{"HTTP", {'H', 'T', 'T', 'P', '/', '1', '.', '1'}},
	{"a slot that does not wait", {0x15, 0, 0, 0, 1}},
	{"a slot that does not exist", {0x15, 0, 0, 0, DEPTH}},
	{"no sequence number of ours", {0x15, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}},
	{"a body above the cap", {0x15, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 4}},
	{"a body of 4 GiB", {0x15, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}},
	{"an attachment", {0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
};

START_TEST(broken_framing_is_a_loss)
{
	call(0, "x");
	rpc_peer_request(&peer, "x");
	rpc_peer_send(&peer, broken[_i].bytes, sizeof(broken[_i].bytes));
	loss_expect(MC_ERR_PROTOCOL);
	ck_assert_msg(answers == 0, "%s", broken[_i].what);
}
END_TEST

START_TEST(a_second_answer_is_a_loss)
{
	uint32_t seq;

	call(0, "x");
	seq = rpc_peer_request(&peer, "x");
	rpc_peer_answer(&peer, seq, 0, "1", 1);
	rpc_peer_answer(&peer, seq, 0, "2", 1);
	loss_expect(MC_ERR_PROTOCOL);
	ck_assert_uint_eq(answers, 1);
}
END_TEST

START_TEST(nobody_listens)
{
	struct mc_net_addr addr;
	struct conn other = {0};

	rpc_peer_addr(&peer, &addr);
	rpc_peer_close(&peer);
	ck_assert_int_eq(conn_open(&other, reactor, &addr, DEPTH, 10 * MC_NS_PER_S),
			 MC_ERR_CONN_REFUSED);
	/* closed as if it had never been */
	conn_close(&other);
	rpc_peer_open(&peer, reactor);
}
END_TEST

START_TEST(a_connection_in_time_or_none)
{
	struct mc_net_addr addr;
	struct conn other = {0};

	rpc_peer_addr(&peer, &addr);
	ck_assert_int_eq(conn_open(&other, reactor, &addr, DEPTH, 0), MC_ERR_TIMEOUT);
	ck_assert_ptr_null(other.slots);
}
END_TEST

int
main(void)
{
	struct mc_eal_params eal = {.size = sizeof(eal), .lcore_count = 1};
	struct mc_reactor_params params = {
		.size = sizeof(params), .name = "test", .idle = MC_IDLE_INLINE, .messages_max = 64};
	Suite *s = suite_create("mc-bench/conn");
	TCase *tc = tcase_create("conn");
	int rc;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, answers_find_their_slot_in_any_order);
	tcase_add_test(tc, an_answer_may_be_cut_anywhere);
	tcase_add_test(tc, calls_made_from_answers_go_out_together);
	tcase_add_test(tc, a_socket_that_is_full_is_waited_for);
	tcase_add_test(tc, answers_in_front_of_the_end_count);
	tcase_add_loop_test(tc, broken_framing_is_a_loss, 0, sizeof(broken) / sizeof(broken[0]));
	tcase_add_test(tc, a_second_answer_is_a_loss);
	tcase_add_test(tc, nobody_listens);
	tcase_add_test(tc, a_connection_in_time_or_none);
	suite_add_tcase(s, tc);
	mc_log_level_set(MC_LOG_ERROR);
	if (mc_eal_start(&eal) != MC_OK || mc_reactor_create(&params, &reactor) != MC_OK)
		return 1;
	rc = suite_run(s, CK_NOFORK);
	mc_reactor_destroy(reactor);
	mc_eal_stop();
	return rc;
}
