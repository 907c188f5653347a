/* SPDX-License-Identifier: Apache-2.0 */
/* The client against our own server, on one reactor. */
#include "core/http/client.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/http/http.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

static struct mc_reactor *reactor;
static struct mc_http_server *server;
static struct mc_http_request *held;
static char url[128];

static void
echo(void *context, struct mc_http_request *request)
{
	const char *type = mc_http_header(request, "Content-Type");
	size_t length;
	const void *body = mc_http_body(request, &length);

	mc_http_reply(request, 200, type, body, length);
}

static void
value(void *context, struct mc_http_request *request)
{
	size_t length = 0;
	const char *text = mc_http_query(request, "key", &length);

	mc_http_reply(request, text != NULL ? 200 : 404, NULL, text, length);
}

static void
hold(void *context, struct mc_http_request *request)
{
	held = request;
}

struct answer {
	bool came;
	enum mc_status status;
	unsigned int code;
	char body[256];
};

static void
answered(void *context, enum mc_status status, unsigned int code, struct mc_str body)
{
	struct answer *answer = context;

	answer->came = true;
	answer->status = status;
	answer->code = code;
	snprintf(answer->body, sizeof(answer->body), "%.*s", (int)body.len, body.ptr);
}

static void
setup(void)
{
	static const struct mc_http_route routes[] = {
		{"PUT", "/echo", echo, NULL},
		{"GET", "/value", value, NULL},
		{"GET", "/hold", hold, NULL},
	};
	struct mc_reactor_params inline_params = {.size = sizeof(inline_params),
						  .idle = MC_IDLE_INLINE};
	struct mc_http_params params = {.size = sizeof(params), .host = "127.0.0.1",
					.routes = routes, .routes_count = 3,
					.body_max = 4u << 20};

	must(mc_reactor_create(&inline_params, &reactor) == MC_OK);
	params.reactor = reactor;
	must(mc_http_server_open(&params, &server) == MC_OK);
}

static void
teardown(void)
{
	mc_http_server_close(server);
	mc_reactor_destroy(reactor);
}

static struct answer
ask(struct mc_http_client *client, const char *method, const char *path, const char *body,
    uint64_t timeout_ns)
{
	struct mc_str text = {body, body != NULL ? strlen(body) : 0};
	uint64_t end = mc_clock_mono_ns() + 10 * MC_NS_PER_S;
	struct answer answer = {0};

	if (path[0] == '/')
		snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", mc_http_server_port(server),
			 path);
	else
		snprintf(url, sizeof(url), "%s", path);
	must(mc_http_send(client, method, url, body != NULL ? "text/x" : NULL,
			  body != NULL ? &text : NULL, timeout_ns, answered, &answer) == MC_OK);
	must(!answer.came);
	while (!answer.came && mc_clock_mono_ns() < end)
		mc_reactor_poll(reactor);
	ck_assert_msg(answer.came, "no answer within 10 s");
	return answer;
}

START_TEST(requests_are_answered)
{
	struct mc_http_client *client;
	struct answer answer;

	ck_assert_int_eq(mc_http_client_create(reactor, 0, &client), MC_OK);
	answer = ask(client, "PUT", "/echo", "bytes", MC_NS_PER_S);
	ck_assert_int_eq(answer.status, MC_OK);
	ck_assert_uint_eq(answer.code, 200);
	ck_assert_str_eq(answer.body, "bytes");
	answer = ask(client, "GET", "/value?key=a%2Fb", NULL, MC_NS_PER_S);
	ck_assert_str_eq(answer.body, "a/b");
	answer = ask(client, "GET", "/value", NULL, MC_NS_PER_S);
	ck_assert_uint_eq(answer.code, 404);
	mc_http_client_destroy(client);
}
END_TEST

START_TEST(a_large_body_goes_without_asking_first)
{
	char *body = calloc(1, (3u << 20) + 1);
	struct mc_http_client *client;
	struct answer answer;

	memset(body, 'x', 3u << 20);
	ck_assert_int_eq(mc_http_client_create(reactor, 0, &client), MC_OK);
	answer = ask(client, "PUT", "/echo", body, 5 * MC_NS_PER_S);
	ck_assert_int_eq(answer.status, MC_OK);
	ck_assert_uint_eq(answer.code, 200);
	mc_http_client_destroy(client);
	free(body);
}
END_TEST

START_TEST(failures_are_told_apart)
{
	struct mc_http_client *client;

	ck_assert_int_eq(mc_http_client_create(reactor, 100, &client), MC_OK);
	ck_assert_int_eq(ask(client, "GET", "http://127.0.0.1:9/x", NULL, MC_NS_PER_S).status,
			 MC_ERR_CONN_REFUSED);
	ck_assert_int_eq(ask(client, "GET", "ftp://127.0.0.1/x", NULL, MC_NS_PER_S).status,
			 MC_ERR_ADDRESS_INVALID);
	ck_assert_int_eq(ask(client, "GET", "/hold", NULL, 200 * MC_NS_PER_MS).status,
			 MC_ERR_TIMEOUT);
	ck_assert_int_eq(ask(client, "PUT", "/echo", "a body of more than the hundred bytes that "
			     "this client takes, so that the answer is cut off in the middle of it "
			     "and refused", MC_NS_PER_S).status, MC_ERR_TOO_LARGE);
	mc_http_client_destroy(client);
	mc_http_reply(held, 200, NULL, "", 0);
}
END_TEST

START_TEST(destroying_answers_what_is_under_way)
{
	struct mc_http_client *client;
	struct answer answer = {0};

	ck_assert_int_eq(mc_http_client_create(reactor, 0, &client), MC_OK);
	ck_assert_int_eq(mc_http_send(client, "GET", "http://127.0.0.1:9/", NULL, NULL,
				      MC_NS_PER_S, answered, &answer), MC_OK);
	mc_http_client_destroy(client);
	ck_assert(answer.came);
	ck_assert_int_eq(answer.status, MC_ERR_CANCELED);
}
END_TEST

START_TEST(keys_are_escaped_as_curl_does)
{
	char buf[64];

	ck_assert_uint_gt(mc_http_escape("mooncake/ram/127.0.0.1:5 ~_-\xff", buf, sizeof(buf)), 0);
	ck_assert_str_eq(buf, "mooncake%2Fram%2F127.0.0.1%3A5%20~_-%FF");
	ck_assert_uint_eq(mc_http_escape("/////", buf, 15), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("http/client");
	TCase *tc = tcase_create("client");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, requests_are_answered);
	tcase_add_test(tc, a_large_body_goes_without_asking_first);
	tcase_add_test(tc, failures_are_told_apart);
	tcase_add_test(tc, destroying_answers_what_is_under_way);
	tcase_add_test(tc, keys_are_escaped_as_curl_does);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
