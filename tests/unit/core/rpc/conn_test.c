/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The I/O side of a connection, byte by byte: what comes in which pieces, what the socket does not
 * take, and every way to end. Run with exec as another reactor, and as the connection's own.
 */
#include <check.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/wire/frame.h"
#include "tests/support/must.h"
#include "tests/support/rpc_served.h"
#include "tests/support/suite.h"

static void
setup_own_exec(void)
{
	rpc_served_open(true);
	rpc_served_begin();
}

static void
setup_same_exec(void)
{
	rpc_served_open(false);
	rpc_served_begin();
}

static void
connection_again(void)
{
	bool own_exec = served.exec != served.home;

	rpc_served_close();
	rpc_served_open(own_exec);
	rpc_served_begin();
}

static uint64_t
broken(void)
{
	return mc_counter_read(&served.io.stats.broken);
}

/* ---- input ---- */

START_TEST(a_frame_may_be_cut_anywhere)
{
	uint8_t bytes[128];
	size_t len = rpc_served_frame(bytes, RPC_SERVED_ECHO, 1, "first", 5);
	size_t all = len + rpc_served_frame(bytes + len, RPC_SERVED_ECHO, 2, "next", 4);

	for (size_t cut = 1; cut < all; cut++) {
		unsigned int before = served.calls;

		rpc_served_send(bytes, cut);
		ck_assert_uint_eq(served.calls - before, cut >= len);
		rpc_served_send(bytes + cut, all - cut);
		rpc_served_answered(1, 0, "first", 5);
		rpc_served_answered(2, 0, "next", 4);
		rpc_served_silent();
	}
}
END_TEST

START_TEST(reads_of_one_byte_are_enough)
{
	uint8_t bytes[128];
	size_t len = rpc_served_frame(bytes, RPC_SERVED_ECHO, 7, "slow", 4);

	served.recv_max = 1;
	rpc_served_send(bytes, len);
	ck_assert_uint_eq(served.reads, len);
	rpc_served_answered(7, 0, "slow", 4);
}
END_TEST

START_TEST(frames_of_one_read_are_one_batch)
{
	struct mc_reactor_stats before, after;
	uint8_t bytes[50 * (MC_FRAME_REQUEST_LEN + 4)];
	size_t len = 0;

	mc_reactor_stats_read(served.exec, &before);
	for (uint32_t i = 0; i < 50; i++)
		len += rpc_served_frame(bytes + len, RPC_SERVED_ECHO, i, &i, sizeof(i));
	rpc_served_send(bytes, len);
	mc_reactor_stats_read(served.exec, &after);
	ck_assert_uint_eq(after.messages - before.messages, served.exec != served.home);
	ck_assert_uint_eq(served.reads, 1);
	ck_assert_uint_eq(served.sends, 1);
	for (uint32_t i = 0; i < 50; i++)
		rpc_served_answered(i, 0, &i, sizeof(i));
	ck_assert_uint_eq(mc_counter_read(&served.io.stats.calls), 50);
	ck_assert_uint_eq(mc_counter_read(&served.io.stats.bytes_in), len);
}
END_TEST

START_TEST(an_error_has_its_code)
{
	rpc_served_call(RPC_SERVED_ERROR, 3, "text");
	rpc_served_answered(3, MC_FRAME_NOT_REGISTERED, "text", 4);
}
END_TEST

START_TEST(an_empty_body_is_a_call)
{
	rpc_served_call(RPC_SERVED_ECHO, UINT32_MAX, "");
	rpc_served_answered(UINT32_MAX, 0, "", 0);
}
END_TEST

START_TEST(a_long_body_comes_in_many_reads)
{
	uint32_t len = 5 * RPC_READ_CHUNK + 17;
	uint8_t *bytes = malloc(MC_FRAME_REQUEST_LEN + len);
	uint8_t *body = malloc(len);

	for (uint32_t i = 0; i < len; i++)
		body[i] = (uint8_t)(i * 7 + i / 251);
	rpc_served_send(bytes, rpc_served_frame(bytes, RPC_SERVED_ECHO, 1, body, len));
	rpc_served_answered(1, 0, body, len);
	free(body);
	free(bytes);
	/* neither side keeps it */
	rpc_served_call(RPC_SERVED_ECHO, 2, "x");
	rpc_served_answered(2, 0, "x", 1);
	ck_assert_uint_le(served.conn->in.cap, 2 * RPC_READ_CHUNK);
	ck_assert_uint_le(served.conn->batch.in.cap, 2 * RPC_READ_CHUNK);
}
END_TEST

/* ---- attachments ---- */

START_TEST(an_attachment_is_dropped_wherever_it_is_cut)
{
	uint8_t bytes[128] = {0};
	size_t len = rpc_served_frame(bytes, RPC_SERVED_ECHO, 1, "a", 1);
	size_t all = len + 30 + rpc_served_frame(bytes + len + 30, RPC_SERVED_ECHO, 2, "b", 1);

	mc_le32_store(bytes + 16, 30);
	/* bytes that would be a frame, were they read as one */
	rpc_served_frame(bytes + len, RPC_SERVED_CLOSE, 9, "", 0);
	for (size_t cut = 1; cut < all; cut++) {
		unsigned int before = served.calls;

		rpc_served_send(bytes, cut);
		ck_assert_uint_eq(served.calls - before, cut >= len + 30);
		rpc_served_send(bytes + cut, all - cut);
		rpc_served_answered(1, 0, "a", 1);
		rpc_served_answered(2, 0, "b", 1);
	}
}
END_TEST

START_TEST(a_large_attachment_takes_no_memory)
{
	static uint8_t bytes[1 << 20];
	size_t len = rpc_served_frame(bytes, RPC_SERVED_ECHO, 1, "a", 1);

	mc_le32_store(bytes + 16, sizeof(bytes) - (uint32_t)len);
	rpc_served_send(bytes, sizeof(bytes));
	rpc_served_answered(1, 0, "a", 1);
	ck_assert_uint_le(served.conn->in.cap, 2 * RPC_READ_CHUNK);
}
END_TEST

/* ---- what is no frame ---- */

static const struct {
	const char *what;
	const char *bytes;
	size_t len;
} noises[] = {
	{"HTTP", "GET", 3},
	{"TLS", "\x16\x03\x01", 3},
	{"another magic", "\x14", 1},
	{"zero", "\0", 1},
	{"a later version", "\x15\x01\0\0\1\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0", 20},
	{"another serialization", "\x15\0\1\0\1\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0", 20},
	{"a body of 64 MiB and a byte", "\x15\0\0\0\1\0\0\0\1\0\0\0\1\0\0\4\0\0\0\0", 20},
	{"a body of 4 GiB", "\x15\0\0\0\1\0\0\0\1\0\0\0\xff\xff\xff\xff\0\0\0\0", 20},
};

#define NOISES ((int)(sizeof(noises) / sizeof(noises[0])))

START_TEST(noise_closes_at_once)
{
	rpc_served_send(noises[_i].bytes, noises[_i].len);
	ck_assert_msg(rpc_served_gone(), "%s", noises[_i].what);
	rpc_served_ended();
	ck_assert_uint_eq(served.calls, 0);
	ck_assert_uint_eq(broken(), 1);
}
END_TEST

START_TEST(calls_before_noise_are_answered)
{
	uint8_t bytes[128];
	size_t len = rpc_served_frame(bytes, RPC_SERVED_ECHO, 1, "ok", 2);

	memcpy(bytes + len, noises[_i].bytes, noises[_i].len);
	rpc_served_send(bytes, len + noises[_i].len);
	rpc_served_answered(1, 0, "ok", 2);
	rpc_served_ended();
	ck_assert_uint_eq(served.calls, 1);
	ck_assert_uint_eq(broken(), 1);
}
END_TEST

START_TEST(a_call_that_waits_is_answered_in_spite_of_noise)
{
	rpc_served_call(RPC_SERVED_LATER, 1, "");
	rpc_served_send("GET", 3);
	ck_assert(!rpc_served_gone());
	rpc_served_resume();
	rpc_served_answered(1, 0, "late", 4);
	rpc_served_ended();
}
END_TEST

START_TEST(the_largest_body_is_waited_for)
{
	/* announced, and no memory taken for it */
	rpc_served_send("\x15\0\0\0\1\0\0\0\1\0\0\0\0\0\0\4\0\0\0\0begun", 25);
	rpc_served_silent();
	ck_assert(!rpc_served_gone());
	ck_assert_uint_le(served.conn->in.cap, RPC_READ_CHUNK);
}
END_TEST

START_TEST(random_bytes_do_no_harm)
{
	struct mc_random random;

	mc_random_init(&random, 20 + (uint64_t)_i);
	for (int round = 0; round < 200; round++) {
		uint8_t bytes[200];
		size_t len = 1 + mc_random_below(&random, sizeof(bytes));

		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)mc_random_next(&random);
		/* most would end at the first byte: let them come further */
		bytes[0] = MC_FRAME_MAGIC;
		if (len > MC_FRAME_REQUEST_LEN && round % 2 == 0) {
			memset(bytes + 1, 0, 3);
			mc_le32_store(bytes + 8, RPC_SERVED_ECHO);
			mc_le32_store(bytes + 12, bytes[12] % 64);
		}
		served.recv_max = 1 + mc_random_below(&random, 64);
		rpc_served_send(bytes, rpc_served_gone() ? 0 : len);
		if (!rpc_served_gone())
			shutdown(served.fd, SHUT_WR);
		rpc_served_settle();
		must(rpc_served_gone());
		connection_again();
	}
}
END_TEST

/* ---- ends ---- */

START_TEST(half_close_lets_the_answers_out)
{
	uint8_t bytes[128];
	size_t len = rpc_served_frame(bytes, RPC_SERVED_ECHO, 1, "a", 1);

	len += rpc_served_frame(bytes + len, RPC_SERVED_LATER, 2, "", 0);
	len += rpc_served_frame(bytes + len, RPC_SERVED_ECHO, 3, "c", 1);
	rpc_served_send(bytes, len);
	shutdown(served.fd, SHUT_WR);
	rpc_served_settle();
	ck_assert(!rpc_served_gone());
	rpc_served_resume();
	rpc_served_answered(1, 0, "a", 1);
	rpc_served_answered(2, 0, "late", 4);
	rpc_served_answered(3, 0, "c", 1);
	rpc_served_ended();
	ck_assert_uint_eq(broken(), 0);
}
END_TEST

START_TEST(half_close_lets_out_what_the_socket_did_not_take)
{
	served.send_budget = 5;
	rpc_served_call(RPC_SERVED_ECHO, 1, "held back");
	shutdown(served.fd, SHUT_WR);
	rpc_served_settle();
	ck_assert(!rpc_served_gone());
	served.send_budget = SIZE_MAX;
	rpc_served_answered(1, 0, "held back", 9);
	rpc_served_ended();
}
END_TEST

START_TEST(half_close_inside_a_frame_closes)
{
	uint8_t bytes[64] = {0};
	size_t len = rpc_served_frame(bytes, RPC_SERVED_ECHO, 1, "body", 4);

	mc_le32_store(bytes + 16, 10);
	for (size_t cut = 0; cut < len + 10; cut++) {
		rpc_served_send(bytes, cut);
		shutdown(served.fd, SHUT_WR);
		rpc_served_ended();
		ck_assert_uint_eq(served.calls, 0);
		connection_again();
	}
}
END_TEST

START_TEST(errors_of_the_socket_close)
{
	rpc_served_call(RPC_SERVED_LATER, 1, "");
	if (_i == 0) {
		served.recv_status = MC_ERR_IO;
		must(send(served.fd, "x", 1, 0) == 1);
		rpc_served_ended();
		/* the call that waited was told */
		ck_assert_uint_eq(served.cancelled, 1);
	} else {
		served.send_status = MC_ERR_CONN_CLOSED;
		rpc_served_resume();
		rpc_served_ended();
		ck_assert_uint_eq(served.cancelled, 0);
	}
}
END_TEST

START_TEST(a_peer_that_hangs_up_cancels_the_call_that_waits)
{
	rpc_served_call(RPC_SERVED_LATER, 1, "");
	rpc_served_hang_up();
	rpc_served_settle();
	ck_assert(rpc_served_gone());
	ck_assert_uint_eq(served.cancelled, 1);
	ck_assert_uint_eq(mc_counter_read(&served.io.stats.closed), 1);
}
END_TEST

START_TEST(a_peer_that_hangs_up_with_answers_unread_is_let_go)
{
	served.send_budget = 0;
	rpc_served_call(RPC_SERVED_ECHO, 1, "never read");
	rpc_served_hang_up();
	rpc_served_settle();
	ck_assert(rpc_served_gone());
}
END_TEST

START_TEST(the_handler_closes_behind_what_is_owed)
{
	uint8_t bytes[128];
	size_t len = rpc_served_frame(bytes, RPC_SERVED_ECHO, 1, "a", 1);

	len += rpc_served_frame(bytes + len, RPC_SERVED_CLOSE, 2, "", 0);
	len += rpc_served_frame(bytes + len, RPC_SERVED_ECHO, 3, "c", 1);
	served.send_budget = 3;
	rpc_served_send(bytes, len);
	ck_assert(!rpc_served_gone());
	served.send_budget = SIZE_MAX;
	rpc_served_answered(1, 0, "a", 1);
	rpc_served_ended();
	ck_assert_uint_eq(served.calls, 2);
}
END_TEST

START_TEST(a_draining_server_takes_no_connection)
{
	rpc_served_close();
	rpc_served_open(true);
	served.io.draining = true;
	rpc_served_begin();
	rpc_served_ended();
	ck_assert_int_eq(sem_trywait(&served.server.commanded), 0);
}
END_TEST

/* ---- a socket that takes little ---- */

START_TEST(answers_go_out_as_the_socket_takes_them)
{
	served.send_budget = 0;
	rpc_served_call(RPC_SERVED_ECHO, 1, "one");
	rpc_served_call(RPC_SERVED_ECHO, 2, "two");
	rpc_served_silent();
	ck_assert_uint_eq(served.conn->watch.events, EPOLLIN | EPOLLOUT);
	/* a byte at a time */
	for (int i = 0; i < 2 * (int)MC_FRAME_RESPONSE_LEN + 6; i++) {
		served.send_budget = 1;
		rpc_served_settle();
		ck_assert_uint_eq(served.sends, (unsigned int)i + 1);
	}
	rpc_served_answered(1, 0, "one", 3);
	rpc_served_answered(2, 0, "two", 3);
	ck_assert_uint_eq(served.conn->watch.events, EPOLLIN);
}
END_TEST

START_TEST(a_peer_that_takes_nothing_is_not_read_from)
{
	uint8_t bytes[20 * MC_FRAME_REQUEST_LEN];
	static const uint8_t zeros[RPC_SERVED_BIG_LEN];
	unsigned int ran, reads;
	size_t len = 0;

	for (uint32_t i = 0; i < 20; i++)
		len += rpc_served_frame(bytes + len, RPC_SERVED_BIG, i, "", 0);
	served.send_budget = 0;
	rpc_served_send(bytes, len);
	ran = served.calls;
	/* what is unsent, and no more than the answer that went over it */
	ck_assert_uint_le(ran, RPC_UNSENT_MAX / RPC_SERVED_BIG_LEN + 1);
	ck_assert_uint_eq(served.conn->watch.events, EPOLLOUT);
	reads = served.reads;
	must(send(served.fd, bytes, MC_FRAME_REQUEST_LEN, 0) == MC_FRAME_REQUEST_LEN);
	rpc_served_settle();
	ck_assert_uint_eq(served.reads, reads);
	ck_assert_uint_eq(served.calls, ran);
	served.send_budget = SIZE_MAX;
	for (uint32_t i = 0; i < 20; i++)
		rpc_served_answered(i, 0, zeros, sizeof(zeros));
	rpc_served_answered(0, 0, zeros, sizeof(zeros));
	rpc_served_silent();
	ck_assert_uint_eq(served.conn->watch.events, EPOLLIN);
}
END_TEST

START_TEST(calls_behind_one_that_waits_are_held_and_bounded)
{
	static uint8_t bytes[1 << 20];
	static const uint8_t body[1000] = "body";
	const size_t each = MC_FRAME_REQUEST_LEN + sizeof(body);
	uint32_t sent = 0;
	size_t len = 0;

	rpc_served_call(RPC_SERVED_LATER, UINT32_MAX, "");
	for (; len + each <= sizeof(bytes); sent++)
		len += rpc_served_frame(bytes + len, RPC_SERVED_ECHO, sent, body, sizeof(body));
	for (size_t at = 0; at < len;) {
		ssize_t n = send(served.fd, bytes + at, len - at, MSG_NOSIGNAL);

		rpc_served_settle();
		if (n < 0) {
			/* the rest stays in the socket: nobody reads it */
			len = at;
			break;
		}
		at += (size_t)n;
	}
	ck_assert_uint_eq(served.calls, 1);
	ck_assert_uint_eq(served.conn->watch.events, 0);
	ck_assert_uint_ge(served.conn->whole, RPC_PENDING_MAX);
	ck_assert_uint_le(served.conn->whole, RPC_PENDING_MAX + RPC_READ_CHUNK);
	rpc_served_resume();
	rpc_served_answered(UINT32_MAX, 0, "late", 4);
	for (uint32_t i = 0; i < len / each; i++)
		rpc_served_answered(i, 0, body, sizeof(body));
}
END_TEST

/* ---- time ---- */

static struct mc_latency_sums
latencies(void)
{
	struct mc_latency_sums sums = {0};

	/* what was answered in the last pass that did something is counted in one after it */
	mc_reactor_poll(served.home);
	mc_rpc_io_settle(&served.io.settle);
	mc_latency_sum(&served.io.stats.latency, &sums);
	return sums;
}

START_TEST(every_call_has_its_time)
{
	uint8_t bytes[128];
	size_t len = rpc_served_frame(bytes, RPC_SERVED_ECHO, 1, "a", 1);
	uint64_t begun;

	ck_assert_uint_eq(latencies().count, 0);
	len += rpc_served_frame(bytes + len, RPC_SERVED_ECHO, 2, "b", 1);
	begun = mc_clock_mono_ns();
	rpc_served_send(bytes, len);
	ck_assert_uint_eq(latencies().count, 2);
	ck_assert_uint_gt(latencies().sum_ns, 0);
	ck_assert_uint_le(latencies().sum_ns, 2 * (mc_clock_mono_ns() - begun));
}
END_TEST

START_TEST(a_call_that_waits_has_all_of_its_time)
{
	uint64_t begun = mc_clock_mono_ns();

	rpc_served_call(RPC_SERVED_LATER, 1, "");
	ck_assert_uint_eq(latencies().count, 0);
	while (mc_clock_mono_ns() - begun < 2 * MC_NS_PER_MS)
		mc_reactor_poll(served.home);
	rpc_served_resume();
	rpc_served_answered(1, 0, "late", 4);
	ck_assert_uint_eq(latencies().count, 1);
	ck_assert_uint_ge(latencies().sum_ns, MC_NS_PER_MS);
}
END_TEST

/* Nobody is slow who is asked to wait. */
START_TEST(a_patient_call_has_none)
{
	rpc_served_call(RPC_SERVED_PATIENT, 1, "");
	rpc_served_resume();
	rpc_served_answered(1, 0, "late", 4);
	ck_assert_uint_eq(latencies().count, 0);
	rpc_served_call(RPC_SERVED_ECHO, 2, "a");
	rpc_served_answered(2, 0, "a", 1);
	ck_assert_uint_eq(latencies().count, 1);
}
END_TEST

/* ---- suite ---- */

static TCase *
cases(const char *name, void (*setup)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, rpc_served_close);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_frame_may_be_cut_anywhere);
	tcase_add_test(tc, reads_of_one_byte_are_enough);
	tcase_add_test(tc, frames_of_one_read_are_one_batch);
	tcase_add_test(tc, an_error_has_its_code);
	tcase_add_test(tc, an_empty_body_is_a_call);
	tcase_add_test(tc, a_long_body_comes_in_many_reads);
	tcase_add_test(tc, an_attachment_is_dropped_wherever_it_is_cut);
	tcase_add_test(tc, a_large_attachment_takes_no_memory);
	tcase_add_loop_test(tc, noise_closes_at_once, 0, NOISES);
	tcase_add_loop_test(tc, calls_before_noise_are_answered, 0, NOISES);
	tcase_add_test(tc, a_call_that_waits_is_answered_in_spite_of_noise);
	tcase_add_test(tc, the_largest_body_is_waited_for);
	tcase_add_loop_test(tc, random_bytes_do_no_harm, 0, 5);
	tcase_add_test(tc, half_close_lets_the_answers_out);
	tcase_add_test(tc, half_close_lets_out_what_the_socket_did_not_take);
	tcase_add_test(tc, half_close_inside_a_frame_closes);
	tcase_add_loop_test(tc, errors_of_the_socket_close, 0, 2);
	tcase_add_test(tc, a_peer_that_hangs_up_cancels_the_call_that_waits);
	tcase_add_test(tc, a_peer_that_hangs_up_with_answers_unread_is_let_go);
	tcase_add_test(tc, the_handler_closes_behind_what_is_owed);
	tcase_add_test(tc, a_draining_server_takes_no_connection);
	tcase_add_test(tc, answers_go_out_as_the_socket_takes_them);
	tcase_add_test(tc, a_peer_that_takes_nothing_is_not_read_from);
	tcase_add_test(tc, calls_behind_one_that_waits_are_held_and_bounded);
	tcase_add_test(tc, every_call_has_its_time);
	tcase_add_test(tc, a_call_that_waits_has_all_of_its_time);
	tcase_add_test(tc, a_patient_call_has_none);
	return tc;
}

int
main(void)
{
	Suite *s = suite_create("rpc/conn");
	int rc;

	suite_add_tcase(s, cases("exec on another reactor", setup_own_exec));
	suite_add_tcase(s, cases("exec on the same reactor", setup_same_exec));
	if (!rpc_served_start())
		return 1;
	rc = suite_run(s, CK_NOFORK);
	rpc_served_stop();
	return rc;
}
