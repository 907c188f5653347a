/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/http/http.h"
#include "tests/support/http_client.h"
#include "tests/support/suite.h"

#define BODY_MAX 1000u

static struct mc_reactor *reactor;
static struct mc_http_server *server;
static uint16_t port;

static struct mc_http_request *later[4];
static unsigned int later_count, aborted_count;

/* ---- handlers ---- */

static void
echo(void *context, struct mc_http_request *request)
{
	size_t len;
	const void *body = mc_http_body(request, &len);

	mc_http_reply(request, 200, "text/echo", body, len);
}

static void
query(void *context, struct mc_http_request *request)
{
	size_t len = 0;
	const char *value = mc_http_query(request, "k", &len);

	if (value == NULL)
		mc_http_reply(request, 400, NULL, "none", 4);
	else
		mc_http_reply(request, 200, NULL, value, len);
}

static void
header(void *context, struct mc_http_request *request)
{
	const char *value = mc_http_header(request, "X-Mine");

	if (value == NULL)
		value = "none";
	mc_http_reply(request, 200, NULL, value, strlen(value));
}

static void
aborted(void *context)
{
	ck_assert_ptr_eq(context, &later);
	aborted_count++;
}

static void
wait(void *context, struct mc_http_request *request)
{
	mc_http_on_abort(request, aborted, &later);
	later[later_count++] = request;
}

static bool
later_is(void *context)
{
	return later_count == *(unsigned int *)context;
}

static void
later_await(unsigned int count)
{
	http_loop_until(later_is, &count);
}

static void
setup(void)
{
	static const struct mc_http_route routes[] = {
		{"POST", "/echo", echo, NULL},
		{"GET", "/query", query, NULL},
		{"GET", "/header", header, NULL},
		{"GET", "/later", wait, NULL},
	};
	struct mc_http_params params = {
		.size = sizeof(params),
		.reactor = reactor,
		.host = "127.0.0.1",
		.routes = routes,
		.routes_count = sizeof(routes) / sizeof(routes[0]),
		.body_max = BODY_MAX,
		.connections_max = 8,
	};

	later_count = aborted_count = 0;
	ck_assert_int_eq(mc_http_server_open(&params, &server), MC_OK);
	port = mc_http_server_port(server);
	ck_assert_uint_ne(port, 0);
}

static void
teardown(void)
{
	mc_http_server_close(server);
}

/* ---- answers at once ---- */

START_TEST(routes_are_exact)
{
	struct http_reply reply = http_once(port, "POST", "/echo", "a\0b", 3);

	ck_assert_uint_eq(reply.status, 200);
	ck_assert_str_eq(reply.type, "text/echo");
	ck_assert(reply.len == 3 && memcmp(reply.body, "a\0b", 3) == 0);
	http_expect(port, "POST", "/echo?x=y", "", 200, "");
	http_expect(port, "GET", "/echo", "", 405, "405 Method Not Allowed");
	http_expect(port, "POST", "/echo/", "", 404, "404 Not Found");
	http_expect(port, "POST", "/", "", 404, "404 Not Found");
	http_expect(port, "PATCH", "/nowhere", "body", 404, "404 Not Found");
}
END_TEST

START_TEST(query_arguments_are_decoded)
{
	struct http_reply reply;

	http_expect(port, "GET", "/query", "", 400, "none");
	http_expect(port, "GET", "/query?K=1", "", 400, "none");
	http_expect(port, "GET", "/query?k=", "", 200, "");
	http_expect(port, "GET", "/query?j=0&k=1&k=2", "", 200, "1");
	http_expect(port, "GET", "/query?k=a%2Fb%3d%26c/d:e", "", 200, "a/b=&c/d:e");
	reply = http_once(port, "GET", "/query?k=a%00b", "", 0);
	ck_assert(reply.len == 3 && memcmp(reply.body, "a\0b", 3) == 0);
}
END_TEST

START_TEST(headers_are_found_in_any_case)
{
	static const char request[] = "GET /header HTTP/1.1\r\nHost: test\r\nx-mINE: a b\r\n\r\n";
	struct http_client client;
	struct http_reply reply;

	http_expect(port, "GET", "/header", "", 200, "none");
	http_client_open(&client, port);
	http_client_send(&client, request, sizeof(request) - 1);
	reply = http_client_reply(&client);
	http_reply_expect(&reply, 200, "a b");
	http_client_close(&client);
}
END_TEST

START_TEST(one_byte_at_a_time_is_enough)
{
	static const char text[] =
		"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nslow";
	struct http_client client;
	struct http_reply reply;

	http_client_open(&client, port);
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		http_client_send(&client, text + i, 1);
	reply = http_client_reply(&client);
	http_reply_expect(&reply, 200, "slow");
	http_client_close(&client);
}
END_TEST

START_TEST(chunked_bodies_are_joined)
{
	static const char text[] =
		"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
		"\r\n5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n";
	struct http_client client;
	struct http_reply reply;

	http_client_open(&client, port);
	http_client_send(&client, text, sizeof(text) - 1);
	reply = http_client_reply(&client);
	http_reply_expect(&reply, 200, "hello, world");
	http_client_close(&client);
}
END_TEST

START_TEST(bodies_are_bounded)
{
	char body[3 * BODY_MAX];
	struct http_reply reply;

	memset(body, 'x', sizeof(body));
	reply = http_once(port, "POST", "/echo", body, BODY_MAX);
	ck_assert_uint_eq(reply.status, 200);
	ck_assert_uint_eq(reply.len, BODY_MAX);
	reply = http_once(port, "POST", "/echo", body, BODY_MAX + 1);
	http_reply_expect(&reply, 413, "request body too large");
	reply = http_once(port, "POST", "/echo", body, sizeof(body));
	http_reply_expect(&reply, 413, "request body too large");
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
	struct http_client client;

	http_client_open(&client, port);
	for (int i = 0; i < 50; i++) {
		char body[8];

		http_client_request(&client, "POST", "/echo", body,
				    (size_t)snprintf(body, sizeof(body), "%d", i));
	}
	for (int i = 0; i < 50; i++) {
		struct http_reply reply = http_client_reply(&client);
		char body[8];

		snprintf(body, sizeof(body), "%d", i);
		http_reply_expect(&reply, 200, body);
	}
	http_client_close(&client);
}
END_TEST

START_TEST(garbage_ends_a_connection_and_no_other)
{
	static const char text[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -7\r\n\r\n";
	struct http_client client, other;
	struct http_reply reply;

	http_client_open(&client, port);
	http_client_open(&other, port);
	http_client_send(&client, text, sizeof(text) - 1);
	reply = http_client_reply(&client);
	if (reply.status != 0) {
		ck_assert_uint_eq(reply.status, 400);
		reply = http_client_reply(&client);
	}
	ck_assert_uint_eq(reply.status, 0);
	http_client_request(&other, "POST", "/echo", "ok", 2);
	reply = http_client_reply(&other);
	http_reply_expect(&reply, 200, "ok");
	http_client_close(&client);
	http_client_close(&other);
}
END_TEST

/* ---- late answers ---- */

START_TEST(a_late_answer_holds_up_its_connection_only)
{
	struct http_client client;
	struct http_reply reply;

	http_client_open(&client, port);
	http_client_request(&client, "GET", "/later", "", 0);
	http_client_request(&client, "POST", "/echo", "next", 4);
	later_await(1);
	http_expect(port, "POST", "/echo", "other", 200, "other");
	ck_assert(http_client_waits(&client));
	mc_http_reply(later[0], 201, "text/late", "late", 4);
	reply = http_client_reply(&client);
	http_reply_expect(&reply, 201, "late");
	ck_assert_str_eq(reply.type, "text/late");
	reply = http_client_reply(&client);
	http_reply_expect(&reply, 200, "next");
	http_client_close(&client);
}
END_TEST

START_TEST(late_answers_in_any_order)
{
	struct http_client clients[3];
	static const unsigned int order[] = {1, 2, 0};

	for (unsigned int i = 0; i < 3; i++) {
		http_client_open(&clients[i], port);
		http_client_request(&clients[i], "GET", "/later", "", 0);
		later_await(i + 1);
	}
	for (unsigned int i = 0; i < 3; i++) {
		struct http_reply reply;
		char digit = (char)('0' + order[i]);

		mc_http_reply(later[order[i]], 200, NULL, &digit, 1);
		reply = http_client_reply(&clients[order[i]]);
		http_reply_expect(&reply, 200, (char[2]){digit});
		http_client_close(&clients[order[i]]);
	}
	ck_assert_uint_eq(aborted_count, 0);
}
END_TEST

START_TEST(an_answer_to_a_peer_that_left_is_dropped)
{
	struct http_client client;

	http_client_open(&client, port);
	http_client_request(&client, "GET", "/later", "", 0);
	later_await(1);
	http_client_close(&client);
	http_loop_settle();
	mc_http_reply(later[0], 200, NULL, "late", 4);
	http_expect(port, "POST", "/echo", "on", 200, "on");
	ck_assert_uint_eq(aborted_count, 0);
}
END_TEST

START_TEST(close_aborts_what_waits)
{
	struct http_client clients[3];

	for (unsigned int i = 0; i < 3; i++) {
		http_client_open(&clients[i], port);
		http_client_request(&clients[i], "GET", "/later", "", 0);
		later_await(i + 1);
	}
	mc_http_reply(later[1], 200, NULL, "late", 4);
	http_loop_settle();
	mc_http_server_close(server);
	server = NULL;
	ck_assert_uint_eq(aborted_count, 2);
	for (unsigned int i = 0; i < 3; i++) {
		ck_assert_uint_eq(http_client_reply(&clients[i]).status, i == 1 ? 200 : 0);
		http_client_close(&clients[i]);
	}
}
END_TEST

START_TEST(close_after_a_reply_that_was_not_sent_yet)
{
	struct http_client client;

	http_client_open(&client, port);
	http_client_request(&client, "GET", "/later", "", 0);
	later_await(1);
	mc_http_reply(later[0], 200, NULL, "late", 4);
	mc_http_server_close(server); /* no pass of the reactor in between */
	server = NULL;
	ck_assert_uint_eq(aborted_count, 0);
	http_client_close(&client);
}
END_TEST

/* ---- opening, limits ---- */

START_TEST(a_port_in_use_is_an_error)
{
	struct mc_http_server *second = NULL;
	struct mc_http_params params = {
		.size = sizeof(params), .reactor = reactor, .host = "127.0.0.1", .port = port};

	ck_assert_int_eq(mc_http_server_open(&params, &second), MC_ERR_ADDRESS_IN_USE);
	ck_assert_ptr_null(second);
	params.host = "no address";
	ck_assert_int_eq(mc_http_server_open(&params, &second), MC_ERR_ADDRESS_INVALID);
	ck_assert_ptr_null(second);
	http_expect(port, "POST", "/echo", "still", 200, "still");
}
END_TEST

START_TEST(a_closed_port_can_be_opened_again)
{
	uint16_t again = port;
	struct mc_http_params params = {
		.size = sizeof(params), .reactor = reactor, .host = "127.0.0.1", .port = again};

	http_expect(port, "POST", "/echo", "x", 200, "x");
	mc_http_server_close(server);
	ck_assert_int_eq(mc_http_server_open(&params, &server), MC_OK);
	http_expect(again, "POST", "/echo", "x", 404, "404 Not Found");
}
END_TEST

START_TEST(connections_over_the_limit_harm_nobody)
{
	struct http_client clients[12];
	struct http_reply reply;

	/* more than connections_max: those over it wait or are closed, the first are served */
	for (unsigned int i = 0; i < 12; i++) {
		http_client_open(&clients[i], port);
		http_client_request(&clients[i], "POST", "/echo", "in", 2);
	}
	for (unsigned int i = 0; i < 8; i++) {
		reply = http_client_reply(&clients[i]);
		http_reply_expect(&reply, 200, "in");
	}
	for (unsigned int i = 0; i < 12; i++)
		http_client_close(&clients[i]);
	http_loop_settle();
	http_expect(port, "POST", "/echo", "in", 200, "in");
}
END_TEST

static void
loop_start(void)
{
	reactor = http_loop_start();
}

int
main(void)
{
	Suite *suite = suite_create("http/server");
	TCase *tc = tcase_create("server");

	tcase_add_unchecked_fixture(tc, loop_start, http_loop_stop);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, routes_are_exact);
	tcase_add_test(tc, query_arguments_are_decoded);
	tcase_add_test(tc, headers_are_found_in_any_case);
	tcase_add_test(tc, one_byte_at_a_time_is_enough);
	tcase_add_test(tc, chunked_bodies_are_joined);
	tcase_add_test(tc, bodies_are_bounded);
	tcase_add_test(tc, pipelined_requests_are_answered_in_order);
	tcase_add_test(tc, garbage_ends_a_connection_and_no_other);
	tcase_add_test(tc, a_late_answer_holds_up_its_connection_only);
	tcase_add_test(tc, late_answers_in_any_order);
	tcase_add_test(tc, an_answer_to_a_peer_that_left_is_dropped);
	tcase_add_test(tc, close_aborts_what_waits);
	tcase_add_test(tc, close_after_a_reply_that_was_not_sent_yet);
	tcase_add_test(tc, a_port_in_use_is_an_error);
	tcase_add_test(tc, a_closed_port_can_be_opened_again);
	tcase_add_test(tc, connections_over_the_limit_harm_nobody);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_NOFORK);
}
