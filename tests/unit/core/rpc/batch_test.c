/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exec side: calls of a batch in order, calls that wait, and a peer that leaves at each moment
 * in which its batch may be. Each reactor is polled by hand, so that every order can be had.
 */
#include <check.h>
#include <sys/socket.h>

#include "core/wire/frame.h"
#include "tests/support/must.h"
#include "tests/support/rpc_served.h"
#include "tests/support/suite.h"

static struct mc_rpc_batch *
batch(void)
{
	return &served.conn->batch;
}

static void
setup(void)
{
	rpc_served_open(true);
	rpc_served_begin();
}

/* Puts a call into the batch, as the I/O side does before it lends. */
static void
batch_put(uint32_t function_id, uint32_t seq, const char *body)
{
	uint8_t bytes[128];
	size_t len = rpc_served_frame(bytes, function_id, seq, body, (uint32_t)strlen(body));

	must(mc_buf_append(&batch()->in, bytes, len) == MC_OK);
}

static void
batch_lend(void)
{
	served.conn->lent = true;
	must(!mc_rpc_batch_lend(batch()));
}

static bool done;

static void
run(void)
{
	done = mc_rpc_batch_run(batch());
}

static bool
batch_run(void)
{
	rpc_served_on_exec(run);
	return done;
}

/* The next answer in the batch's output, taken off. */
static void
output_expect(uint32_t seq, uint8_t err_code, const char *body)
{
	struct mc_buf *out = &batch()->out;
	struct mc_frame_response frame;
	size_t len = strlen(body);

	ck_assert_uint_ge(mc_buf_len(out), MC_FRAME_RESPONSE_LEN + len);
	must(mc_frame_response_load(out->data + out->head, &frame));
	ck_assert_uint_eq(frame.seq, seq);
	ck_assert_uint_eq(frame.err_code, err_code);
	ck_assert_uint_eq(frame.body_len, len);
	must(memcmp(out->data + out->head + MC_FRAME_RESPONSE_LEN, body, len) == 0);
	mc_buf_consume(out, MC_FRAME_RESPONSE_LEN + len);
}

static void
output_end(void)
{
	ck_assert_uint_eq(mc_buf_len(&batch()->out), 0);
}

/* ---- running ---- */

START_TEST(calls_run_in_order)
{
	for (uint32_t i = 0; i < 100; i++)
		batch_put(i % 3 == 2 ? RPC_SERVED_ERROR : RPC_SERVED_ECHO, 1000 - i, "body");
	ck_assert(batch_run());
	ck_assert_uint_eq(served.calls, 100);
	ck_assert_uint_eq(batch()->calls, 100);
	ck_assert_uint_eq(mc_buf_len(&batch()->in), 0);
	for (uint32_t i = 0; i < 100; i++) {
		ck_assert_uint_eq(served.seqs[i], 1000 - i);
		output_expect(1000 - i, i % 3 == 2 ? MC_FRAME_NOT_REGISTERED : 0, "body");
	}
	output_end();
}
END_TEST

START_TEST(an_empty_batch_is_done)
{
	ck_assert(batch_run());
	ck_assert(!batch()->close && !batch()->waiting);
	output_end();
}
END_TEST

START_TEST(closing_drops_the_answer_that_was_begun)
{
	batch_put(RPC_SERVED_ECHO, 1, "whole");
	batch_put(RPC_SERVED_CLOSE, 2, "");
	batch_put(RPC_SERVED_ECHO, 3, "never");
	ck_assert(batch_run());
	ck_assert(batch()->close);
	ck_assert_uint_eq(served.calls, 2);
	ck_assert_uint_eq(batch()->calls, 1);
	output_expect(1, 0, "whole");
	output_end();
}
END_TEST

START_TEST(many_answers_hold_the_rest_back)
{
	unsigned int runs = 0;

	for (uint32_t i = 0; i < 20; i++)
		batch_put(RPC_SERVED_BIG, i, "");
	while (mc_buf_len(&batch()->in) > 0) {
		unsigned int before = served.calls;

		ck_assert(batch_run());
		ck_assert_uint_eq(mc_buf_len(&batch()->out),
				  (served.calls - before) *
					  (MC_FRAME_RESPONSE_LEN + RPC_SERVED_BIG_LEN));
		ck_assert_uint_lt(mc_buf_len(&batch()->out),
				  RPC_UNSENT_MAX + MC_FRAME_RESPONSE_LEN + RPC_SERVED_BIG_LEN);
		/* taken by the I/O side */
		batch()->out.head = batch()->out.tail = 0;
		runs++;
	}
	ck_assert_uint_eq(served.calls, 20);
	ck_assert_uint_eq(runs, 5);
}
END_TEST

START_TEST(the_buffer_may_move_under_an_answer)
{
	/* consumed bytes in front: making room moves what is held */
	must(mc_buf_append(&batch()->out, "0123456789", 10) == MC_OK);
	mc_buf_consume(&batch()->out, 9);
	batch()->out.cap = batch()->out.tail;
	batch_put(RPC_SERVED_ECHO, 1, "one");
	batch_put(RPC_SERVED_ECHO, 2, "two");
	ck_assert(batch_run());
	mc_buf_consume(&batch()->out, 1);
	output_expect(1, 0, "one");
	output_expect(2, 0, "two");
	output_end();
}
END_TEST

/* ---- waiting ---- */

START_TEST(a_call_that_waits_holds_those_behind_it)
{
	batch_put(RPC_SERVED_ECHO, 1, "a");
	batch_put(RPC_SERVED_LATER, 2, "");
	batch_put(RPC_SERVED_ECHO, 3, "c");
	batch_put(RPC_SERVED_LATER, 4, "");
	batch_lend();
	mc_reactor_poll(served.exec);
	for (unsigned int calls = 2; calls <= 4; calls += 2) {
		ck_assert_uint_eq(served.calls, calls);
		ck_assert(batch()->waiting);
		rpc_served_silent();
		rpc_served_resume();
	}
	ck_assert_uint_eq(served.resumed, 2);
	rpc_served_answered(1, 0, "a", 1);
	rpc_served_answered(2, 0, "late", 4);
	rpc_served_answered(3, 0, "c", 1);
	rpc_served_answered(4, 0, "late", 4);
	ck_assert_uint_eq(mc_counter_read(&served.io.stats.calls), 4);
}
END_TEST

START_TEST(a_resumed_call_is_finished_however_much_is_unsent)
{
	for (uint32_t i = 0; i < 3; i++)
		batch_put(RPC_SERVED_BIG, i, "");
	batch_put(RPC_SERVED_LATER, 3, "");
	batch_put(RPC_SERVED_BIG, 4, "");
	batch_put(RPC_SERVED_ECHO, 5, "held");
	ck_assert(!batch_run());
	served.conn->lent = true;
	rpc_served_resume();
	/* 4 went over the limit, 5 is held */
	ck_assert_uint_eq(served.calls, 5);
	ck_assert_uint_gt(mc_buf_len(&batch()->in), 0);
	served.send_budget = 0;
	rpc_served_settle();
	ck_assert_uint_eq(served.calls, 5);
}
END_TEST

/* ---- the peer leaves ---- */

START_TEST(while_its_batch_is_on_the_way_to_exec)
{
	batch_put(RPC_SERVED_ECHO, 1, "a");
	batch_lend();
	mc_rpc_conn_close(served.conn);
	ck_assert(!rpc_served_gone());
	rpc_served_settle();
	ck_assert(rpc_served_gone());
	ck_assert_uint_eq(served.calls, 1);
	ck_assert_uint_eq(served.cancelled, 0);
}
END_TEST

START_TEST(while_its_call_waits)
{
	batch_put(RPC_SERVED_ECHO, 1, "a");
	batch_put(RPC_SERVED_LATER, 2, "");
	batch_put(RPC_SERVED_ECHO, 3, "never");
	batch_lend();
	mc_reactor_poll(served.exec);
	mc_rpc_conn_close(served.conn);
	ck_assert_uint_eq(served.cancelled, 0);
	mc_reactor_poll(served.exec);
	ck_assert_uint_eq(served.cancelled, 1);
	/* batch and cancel are on their way home */
	ck_assert(!rpc_served_gone());
	mc_reactor_poll(served.home);
	ck_assert(rpc_served_gone());
	ck_assert_uint_eq(served.calls, 2);
}
END_TEST

static void
message_resume(struct mc_msg *msg)
{
	mc_rpc_resume(served.waiting);
}

START_TEST(just_before_its_call_is_resumed)
{
	static struct mc_msg resume = {message_resume};

	batch_put(RPC_SERVED_LATER, 1, "");
	batch_lend();
	mc_reactor_poll(served.exec);
	/* what resumes is already under way, in front of the cancel */
	must(mc_reactor_send(served.exec, &resume) == MC_OK);
	mc_rpc_conn_close(served.conn);
	mc_reactor_poll(served.exec);
	ck_assert_uint_eq(served.resumed, 1);
	ck_assert_uint_eq(served.cancelled, 0);
	ck_assert(!rpc_served_gone());
	mc_reactor_poll(served.home);
	ck_assert(rpc_served_gone());
}
END_TEST

START_TEST(while_its_batch_is_on_the_way_home)
{
	batch_put(RPC_SERVED_ECHO, 1, "a");
	batch_lend();
	mc_reactor_poll(served.exec);
	mc_rpc_conn_close(served.conn);
	mc_reactor_poll(served.home);
	ck_assert(!rpc_served_gone());
	rpc_served_settle();
	ck_assert(rpc_served_gone());
	ck_assert_uint_eq(served.cancelled, 0);
}
END_TEST

START_TEST(on_the_same_reactor_nothing_travels)
{
	struct mc_reactor_stats before, after;

	rpc_served_close();
	rpc_served_open(false);
	rpc_served_begin();
	mc_reactor_stats_read(served.home, &before);
	rpc_served_call(RPC_SERVED_ECHO, 1, "a");
	rpc_served_answered(1, 0, "a", 1);
	mc_reactor_stats_read(served.home, &after);
	ck_assert_uint_eq(after.messages, before.messages);
}
END_TEST

/* ---- a peer that sends no more ---- */

/* A wait without end would keep what the peer no longer wants. */
START_TEST(half_close_ends_a_patient_call)
{
	uint8_t bytes[128];
	size_t len = rpc_served_frame(bytes, RPC_SERVED_ECHO, 1, "a", 1);

	len += rpc_served_frame(bytes + len, RPC_SERVED_PATIENT, 2, "", 0);
	len += rpc_served_frame(bytes + len, RPC_SERVED_ECHO, 3, "c", 1);
	rpc_served_send(bytes, len);
	ck_assert_uint_eq(served.cancelled, 0);
	shutdown(served.fd, SHUT_WR);
	rpc_served_settle();
	ck_assert_uint_eq(served.cancelled, 1);
	rpc_served_answered(1, 0, "a", 1);
	rpc_served_ended();
	ck_assert_uint_eq(served.calls, 2);
}
END_TEST

/* The end of the input is there before the call is. */
START_TEST(half_close_at_once_ends_a_patient_call)
{
	uint8_t bytes[64];
	size_t len = rpc_served_frame(bytes, RPC_SERVED_PATIENT, 1, "", 0);

	must(send(served.fd, bytes, len, 0) == (ssize_t)len);
	shutdown(served.fd, SHUT_WR);
	rpc_served_settle();
	ck_assert_uint_eq(served.cancelled, 1);
	rpc_served_ended();
}
END_TEST

/* Behind a call that waits as ever, after the end of the input was told. */
START_TEST(half_close_ends_a_patient_call_that_comes_later)
{
	uint8_t bytes[64];
	size_t len = rpc_served_frame(bytes, RPC_SERVED_LATER, 1, "", 0);

	len += rpc_served_frame(bytes + len, RPC_SERVED_PATIENT, 2, "", 0);
	rpc_served_send(bytes, len);
	shutdown(served.fd, SHUT_WR);
	rpc_served_settle();
	ck_assert(!rpc_served_gone());
	ck_assert_uint_eq(served.cancelled, 0);
	rpc_served_resume();
	rpc_served_settle();
	ck_assert_uint_eq(served.cancelled, 1);
	rpc_served_answered(1, 0, "late", 4);
	rpc_served_ended();
}
END_TEST

START_TEST(a_patient_call_is_answered_to_a_peer_that_stays)
{
	rpc_served_call(RPC_SERVED_PATIENT, 1, "");
	rpc_served_call(RPC_SERVED_ECHO, 2, "behind");
	rpc_served_resume();
	rpc_served_answered(1, 0, "late", 4);
	rpc_served_answered(2, 0, "behind", 6);
	ck_assert_uint_eq(served.cancelled, 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rpc/batch");
	TCase *run = tcase_create("run"), *wait = tcase_create("wait"),
	      *leave = tcase_create("a peer leaves"), *patience = tcase_create("patience");

	tcase_add_checked_fixture(run, setup, rpc_served_close);
	tcase_add_test(run, calls_run_in_order);
	tcase_add_test(run, an_empty_batch_is_done);
	tcase_add_test(run, closing_drops_the_answer_that_was_begun);
	tcase_add_test(run, many_answers_hold_the_rest_back);
	tcase_add_test(run, the_buffer_may_move_under_an_answer);
	tcase_add_test(run, on_the_same_reactor_nothing_travels);
	suite_add_tcase(s, run);
	tcase_add_checked_fixture(wait, setup, rpc_served_close);
	tcase_add_test(wait, a_call_that_waits_holds_those_behind_it);
	tcase_add_test(wait, a_resumed_call_is_finished_however_much_is_unsent);
	suite_add_tcase(s, wait);
	tcase_add_checked_fixture(leave, setup, rpc_served_close);
	tcase_add_test(leave, while_its_batch_is_on_the_way_to_exec);
	tcase_add_test(leave, while_its_call_waits);
	tcase_add_test(leave, just_before_its_call_is_resumed);
	tcase_add_test(leave, while_its_batch_is_on_the_way_home);
	suite_add_tcase(s, leave);
	tcase_add_checked_fixture(patience, setup, rpc_served_close);
	tcase_add_test(patience, half_close_ends_a_patient_call);
	tcase_add_test(patience, half_close_at_once_ends_a_patient_call);
	tcase_add_test(patience, half_close_ends_a_patient_call_that_comes_later);
	tcase_add_test(patience, a_patient_call_is_answered_to_a_peer_that_stays);
	suite_add_tcase(s, patience);
	return s;
}

int
main(void)
{
	int rc;

	if (!rpc_served_start())
		return 1;
	rc = suite_run(suite(), CK_NOFORK);
	rpc_served_stop();
	return rc;
}
