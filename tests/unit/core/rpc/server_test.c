/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The RPC server on real sockets and two lcores (one, where there is only one CPU). The handler
 * answers with the body it got; function ids choose other behaviour.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/rpc/server.h"
#include "core/wire/frame.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

enum {
	FN_ECHO = 1,
	FN_LATER,	/* answered when the timer of the exec reactor resumes it */
	FN_NEVER,	/* waits for good: its peer leaves */
	FN_CLOSE,
	FN_BIG,		/* a megabyte of answer */
};

static struct mc_reactor *io[2];
static unsigned int io_count;
static struct mc_rpc_server *server;
static struct mc_timer later;
static struct mc_rpc_call *later_call;
static sem_t cancelled;

/* ---- the handler, on lcore 0 ---- */

static void
later_expired(struct mc_timer *timer)
{
	mc_rpc_resume(later_call);
}

static enum mc_rpc_verdict
handler_wait(struct mc_rpc_call *call, bool resumes)
{
	if (call->job != NULL) {
		call->job = NULL;
		mc_buf_append(call->out, "late", 4);
		mc_rpc_answer(call, 0);
		return MC_RPC_ANSWERED;
	}
	call->job = call;
	if (resumes) {
		later_call = call;
		later.expired = later_expired;
		mc_timer_start(io[0], &later, mc_reactor_now(io[0]) + 5 * MC_NS_PER_MS);
	}
	return MC_RPC_LATER;
}

static enum mc_rpc_verdict
handler_call(void *context, struct mc_rpc_call *call)
{
	static const uint8_t zeros[1 << 20];

	switch (call->function_id) {
	case FN_LATER:
		return handler_wait(call, true);
	case FN_NEVER:
		return handler_wait(call, false);
	case FN_CLOSE:
		return MC_RPC_CLOSE;
	case FN_BIG:
		mc_buf_append(call->out, zeros, sizeof(zeros));
		break;
	default:
		mc_buf_append(call->out, call->body, call->body_len);
	}
	mc_rpc_answer(call, 0);
	return MC_RPC_ANSWERED;
}

static void
handler_cancel(void *context, struct mc_rpc_call *call)
{
	call->job = NULL;
	sem_post(&cancelled);
}

/* ---- fixture ---- */

static void
server_open(uint64_t idle_ns, uint32_t connections_max)
{
	struct mc_rpc_listen listen = {.releases = MC_RELEASE_ALL};
	struct mc_rpc_server_params params = {
		.size = sizeof(params),
		.io = io,
		.io_count = io_count,
		.exec = io[0],
		.handler = {handler_call, handler_cancel, NULL},
		.listens = &listen,
		.listens_count = 1,
		.idle_timeout_ns = idle_ns,
		.nodelay = true,
		.connections_max = connections_max,
	};

	ck_assert_int_eq(mc_net_addr_parse("127.0.0.1", 0, &listen.addr), MC_OK);
	ck_assert_int_eq(mc_rpc_server_open(&params, &server), MC_OK);
}

static void
setup(void)
{
	server_open(0, 0);
}

static void
teardown(void)
{
	mc_rpc_server_close(server);
}

static uint64_t
stat_sum(size_t offset)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < io_count; i++)
		sum += mc_counter_read(
			(const struct mc_counter *)((const char *)mc_rpc_server_stats(server, i) +
						    offset));
	return sum;
}

#define STAT_SUM(field) stat_sum(offsetof(struct mc_rpc_io_stats, field))

/* ---- a client of plain sockets ---- */

static int
client_open(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				   .sin_port = htons(mc_rpc_server_port(server, 0))};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void
send_all(int fd, const void *bytes, size_t len)
{
	for (const char *at = bytes; len > 0;) {
		ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);

		ck_assert_int_gt(sent, 0);
		at += sent;
		len -= (size_t)sent;
	}
}

/* How many bytes came before the stream ended or @len were there; waits at most 5 s for each. */
static size_t
recv_all(int fd, void *bytes, size_t len)
{
	size_t got = 0;

	while (got < len) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		ssize_t n;

		ck_assert_msg(poll(&ready, 1, 5000) == 1, "no answer in 5 s");
		n = recv(fd, (char *)bytes + got, len - got, 0);
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	return got;
}

static size_t
request_put(uint8_t *to, uint32_t function, uint32_t seq, const void *body, uint32_t len,
	    uint32_t attachment)
{
	struct mc_frame_request frame = {seq, function, len, attachment};

	mc_frame_request_store(to, &frame);
	if (len > 0)
		memcpy(to + MC_FRAME_REQUEST_LEN, body, len);
	return MC_FRAME_REQUEST_LEN + len;
}

static void
request_send(int fd, uint32_t function, uint32_t seq, const void *body, uint32_t len)
{
	uint8_t bytes[256];

	send_all(fd, bytes, request_put(bytes, function, seq, body, len, 0));
}

static void
answer_expect(int fd, uint32_t seq, const void *body, uint32_t len)
{
	uint8_t bytes[256];
	struct mc_frame_response frame;

	ck_assert_uint_eq(recv_all(fd, bytes, MC_FRAME_RESPONSE_LEN + len),
			  MC_FRAME_RESPONSE_LEN + len);
	must(mc_frame_response_load(bytes, &frame));
	must(frame.err_code == 0 && frame.seq == seq && frame.body_len == len);
	must(len == 0 || memcmp(bytes + MC_FRAME_RESPONSE_LEN, body, len) == 0);
}

static void
end_expect(int fd)
{
	uint8_t byte;

	ck_assert_uint_eq(recv_all(fd, &byte, 1), 0);
	close(fd);
}

/* ---- order, spreading, counting ---- */

#define CLIENTS 4
#define CALLS 1000

START_TEST(pipelined_calls_are_answered_in_order)
{
	uint64_t before = STAT_SUM(calls);
	int fds[CLIENTS];

	for (int c = 0; c < CLIENTS; c++)
		fds[c] = client_open();
	for (int c = 0; c < CLIENTS; c++) {
		uint8_t *bytes = malloc(CALLS * (MC_FRAME_REQUEST_LEN + 4));
		size_t len = 0;

		for (uint32_t i = 0; i < CALLS; i++)
			len += request_put(bytes + len, FN_ECHO, i, &i, sizeof(i), 0);
		send_all(fds[c], bytes, len);
		free(bytes);
	}
	for (int c = 0; c < CLIENTS; c++) {
		for (uint32_t i = 0; i < CALLS; i++)
			answer_expect(fds[c], i, &i, sizeof(i));
		close(fds[c]);
	}
	ck_assert_uint_eq(STAT_SUM(calls) - before, CLIENTS * CALLS);
	/* connections that are open together are spread, and each counts where it lives */
	for (unsigned int i = 0; i < io_count; i++)
		ck_assert_uint_gt(mc_counter_read(&mc_rpc_server_stats(server, i)->calls), 0);
}
END_TEST

START_TEST(one_byte_at_a_time_is_enough)
{
	uint8_t bytes[64];
	size_t len = request_put(bytes, FN_ECHO, 7, "slow", 4, 0);
	int fd = client_open();

	for (size_t i = 0; i < len; i++)
		send_all(fd, bytes + i, 1);
	answer_expect(fd, 7, "slow", 4);
	close(fd);
}
END_TEST

/* ---- attachments ---- */

START_TEST(attachments_are_dropped)
{
	static uint8_t bytes[300000];
	size_t len = request_put(bytes, FN_ECHO, 1, "a", 1, 200000);
	int fd = client_open();

	len += 200000;
	len += request_put(bytes + len, FN_ECHO, 2, "b", 1, 3) + 3;
	len += request_put(bytes + len, FN_ECHO, 3, "c", 1, 0);
	send_all(fd, bytes, len);
	answer_expect(fd, 1, "a", 1);
	answer_expect(fd, 2, "b", 1);
	answer_expect(fd, 3, "c", 1);
	close(fd);
}
END_TEST

/* ---- ends ---- */

START_TEST(half_close_after_a_call_is_answered)
{
	int fd = client_open();

	request_send(fd, FN_ECHO, 1, "x", 1);
	shutdown(fd, SHUT_WR);
	answer_expect(fd, 1, "x", 1);
	end_expect(fd);
}
END_TEST

START_TEST(half_close_inside_a_frame_closes)
{
	/* in the header, in the body, in the attachment */
	static const size_t cuts[] = {7, MC_FRAME_REQUEST_LEN + 2, MC_FRAME_REQUEST_LEN + 6};

	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		uint8_t bytes[64] = {0};
		int fd = client_open();

		request_put(bytes, FN_ECHO, 1, "body", 4, 10);
		send_all(fd, bytes, cuts[i]);
		shutdown(fd, SHUT_WR);
		end_expect(fd);
	}
}
END_TEST

/* What breaks the framing; offset and value in the header. */
static const struct {
	size_t offset;
	uint8_t value;
} broken[] = {{0, 0x16}, {0, 0x3e}, {1, 1}, {2, 1}, {15, 0xff}};

START_TEST(broken_frames_close_after_what_is_owed)
{
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		uint64_t before = STAT_SUM(broken);
		uint8_t bytes[64];
		size_t len = request_put(bytes, FN_ECHO, 5, "ok", 2, 0);
		size_t second = len;
		int fd = client_open();

		len += request_put(bytes + len, FN_ECHO, 6, NULL, 0, 0);
		bytes[second + broken[i].offset] = broken[i].value;
		send_all(fd, bytes, len);
		answer_expect(fd, 5, "ok", 2);
		end_expect(fd);
		ck_assert_uint_eq(STAT_SUM(broken), before + 1);
	}
}
END_TEST

static long
resident_kib(void)
{
	long pages = 0, total;
	FILE *file = fopen("/proc/self/statm", "r");

	ck_assert_int_eq(fscanf(file, "%ld %ld", &total, &pages), 2);
	fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

START_TEST(an_announced_length_takes_no_memory)
{
	struct mc_frame_request frame = {1, FN_ECHO, MC_FRAME_BODY_MAX, 0};
	uint8_t header[MC_FRAME_REQUEST_LEN];
	long before = resident_kib();
	int fds[16];

	mc_frame_request_store(header, &frame);
	for (int i = 0; i < 16; i++) {
		fds[i] = client_open();
		send_all(fds[i], header, sizeof(header));
		send_all(fds[i], "begun", 5);
	}
	/* another connection goes on meanwhile; 16 times 64 MiB would show */
	int fd = client_open();

	request_send(fd, FN_ECHO, 1, "x", 1);
	answer_expect(fd, 1, "x", 1);
	ck_assert_int_lt(resident_kib() - before, 64 * 1024);
	close(fd);
	for (int i = 0; i < 16; i++)
		close(fds[i]);
}
END_TEST

/* ---- later, never, close ---- */

START_TEST(a_waiting_call_holds_back_those_behind_it)
{
	for (int c = 0; c < CLIENTS; c++) {
		int fd = client_open();

		request_send(fd, FN_ECHO, 1, "1", 1);
		request_send(fd, FN_LATER, 2, NULL, 0);
		request_send(fd, FN_ECHO, 3, "3", 1);
		answer_expect(fd, 1, "1", 1);
		answer_expect(fd, 2, "late", 4);
		answer_expect(fd, 3, "3", 1);
		close(fd);
	}
}
END_TEST

START_TEST(a_peer_that_leaves_cancels_its_waiting_call)
{
	for (int c = 0; c < CLIENTS; c++) {
		struct linger hard = {1, 0};
		int fd = client_open();
		uint64_t before = STAT_SUM(closed);

		request_send(fd, FN_ECHO, 1, "x", 1);
		answer_expect(fd, 1, "x", 1);
		request_send(fd, FN_NEVER, 2, NULL, 0);
		/* the call is running when the reset comes: another client sees it through */
		int other = client_open();

		request_send(other, FN_ECHO, 1, "y", 1);
		answer_expect(other, 1, "y", 1);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(fd);
		while (STAT_SUM(closed) == before)
			sched_yield();
		close(other);
	}
}
END_TEST

START_TEST(a_handler_can_close)
{
	int fd = client_open();

	request_send(fd, FN_ECHO, 1, "x", 1);
	request_send(fd, FN_CLOSE, 2, NULL, 0);
	answer_expect(fd, 1, "x", 1);
	end_expect(fd);
}
END_TEST

START_TEST(a_peer_that_does_not_read_is_not_read_from)
{
	long before = resident_kib();
	uint8_t request[MC_FRAME_REQUEST_LEN];
	int fd = client_open();
	int sent = 0;

	/* 1,000 requests for a megabyte each, without reading: a gigabyte would show */
	for (int i = 0; i < 1000; i++) {
		request_put(request, FN_BIG, (uint32_t)i, NULL, 0, 0);
		if (send(fd, request, sizeof(request), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
			sent++;
	}
	ck_assert_int_gt(sent, 100);
	int other = client_open();

	request_send(other, FN_ECHO, 1, "x", 1);
	answer_expect(other, 1, "x", 1);
	ck_assert_int_lt(resident_kib() - before, 64 * 1024);
	close(other);
	/* and when it reads at last, nothing is missing */
	uint8_t *answer = malloc(MC_FRAME_RESPONSE_LEN + (1 << 20));

	for (int i = 0; i < sent; i++) {
		struct mc_frame_response frame;

		ck_assert_uint_eq(recv_all(fd, answer, MC_FRAME_RESPONSE_LEN + (1 << 20)),
				  MC_FRAME_RESPONSE_LEN + (1 << 20));
		must(mc_frame_response_load(answer, &frame) && frame.seq == (uint32_t)i);
	}
	free(answer);
	close(fd);
}
END_TEST

START_TEST(closing_with_calls_in_flight_ends)
{
	int fds[CLIENTS];

	for (int c = 0; c < CLIENTS; c++) {
		fds[c] = client_open();
		request_send(fds[c], FN_ECHO, 1, "x", 1);
		answer_expect(fds[c], 1, "x", 1);
		request_send(fds[c], FN_NEVER, 2, NULL, 0);
	}
	mc_rpc_server_close(server);
	for (int c = 0; c < CLIENTS; c++)
		end_expect(fds[c]);
	server_open(0, 0);
}
END_TEST

/* ---- limits ---- */

START_TEST(idle_connections_are_closed_after_their_first_call)
{
	mc_rpc_server_close(server);
	server_open(100 * MC_NS_PER_MS, 0);
	int quiet = client_open();
	int idle = client_open();
	struct pollfd ready = {.fd = quiet, .events = POLLIN};

	request_send(idle, FN_ECHO, 1, "x", 1);
	answer_expect(idle, 1, "x", 1);
	end_expect(idle);
	/* one that never called is left alone */
	ck_assert_int_eq(poll(&ready, 1, 0), 0);
	close(quiet);
}
END_TEST

START_TEST(connections_beyond_the_limit_are_refused)
{
	mc_rpc_server_close(server);
	server_open(0, 2);
	int first = client_open(), second = client_open();

	request_send(first, FN_ECHO, 1, "x", 1);
	answer_expect(first, 1, "x", 1);
	request_send(second, FN_ECHO, 1, "x", 1);
	answer_expect(second, 1, "x", 1);
	end_expect(client_open());
	ck_assert_uint_eq(STAT_SUM(refused), 1);
	close(first);
	close(second);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rpc/server");
	TCase *tc = tcase_create("server");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, pipelined_calls_are_answered_in_order);
	tcase_add_test(tc, one_byte_at_a_time_is_enough);
	tcase_add_test(tc, attachments_are_dropped);
	tcase_add_test(tc, half_close_after_a_call_is_answered);
	tcase_add_test(tc, half_close_inside_a_frame_closes);
	tcase_add_test(tc, broken_frames_close_after_what_is_owed);
	tcase_add_test(tc, an_announced_length_takes_no_memory);
	tcase_add_test(tc, a_waiting_call_holds_back_those_behind_it);
	tcase_add_test(tc, a_peer_that_leaves_cancels_its_waiting_call);
	tcase_add_test(tc, a_handler_can_close);
	tcase_add_test(tc, a_peer_that_does_not_read_is_not_read_from);
	tcase_add_test(tc, closing_with_calls_in_flight_ends);
	tcase_add_test(tc, idle_connections_are_closed_after_their_first_call);
	tcase_add_test(tc, connections_beyond_the_limit_are_refused);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	struct mc_eal_params eal = {.size = sizeof(eal), .lcore_count = 2};
	int rc;

	if (mc_eal_start(&eal) != MC_OK)
		return 1;
	io_count = mc_eal_lcore_count();
	for (unsigned int i = 0; i < io_count; i++)
		io[i] = mc_lcore_reactor(i);
	sem_init(&cancelled, 0, 0);
	rc = suite_run(suite(), CK_NOFORK);
	mc_eal_stop();
	return rc;
}
