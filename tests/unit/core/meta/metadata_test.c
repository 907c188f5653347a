/* SPDX-License-Identifier: Apache-2.0 */
/* The routes over real connections: statuses and texts that transfer engines and tools look at. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/meta/meta.h"
#include "tests/support/http_client.h"
#include "tests/support/suite.h"

static struct mc_reactor *reactor;
static struct mc_meta *meta;
static uint16_t port;

static void
meta_open(size_t entries_max, size_t bytes_max)
{
	struct mc_meta_params params = {
		.size = sizeof(params),
		.reactor = reactor,
		.host = "127.0.0.1",
		.client_ttl_ns = 10000000000,
		.entries_max = entries_max,
		.bytes_max = bytes_max,
	};

	ck_assert_int_eq(mc_meta_open(&params, &meta), MC_OK);
	port = mc_meta_port(meta);
}

static void
setup(void)
{
	meta_open(0, 0);
}

static void
teardown(void)
{
	mc_meta_close(meta);
}

static void
put(const char *target, const char *body)
{
	http_expect(port, "PUT", target, body, 200, "metadata updated");
}

START_TEST(put_get_delete)
{
	struct http_reply reply;

	http_expect(port, "GET", "/metadata?key=a", "", 404, "metadata not found");
	put("/metadata?key=a", "{\"x\":1}");
	reply = http_once(port, "GET", "/metadata?key=a", "", 0);
	http_reply_expect(&reply, 200, "{\"x\":1}");
	ck_assert_str_eq(reply.type, "application/json");
	put("/metadata?key=a", "2");
	put("/metadata?key=a", "2");
	http_expect(port, "GET", "/metadata?key=a", "", 200, "2");
	http_expect(port, "DELETE", "/metadata?key=a", "", 200, "metadata deleted");
	http_expect(port, "DELETE", "/metadata?key=a", "", 404, "metadata not found");
	http_expect(port, "GET", "/metadata?key=a", "", 404, "metadata not found");
}
END_TEST

START_TEST(a_key_is_needed)
{
	static const char *const targets[] = {
		"/metadata",	   "/metadata?",    "/metadata?key",	   "/metadata?key=",
		"/metadata?Key=a", "/metadata?k=a", "/metadata?key=&key=a"};
	static const char *const methods[] = {"GET", "PUT", "DELETE"};

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		for (int m = 0; m < 3; m++)
			http_expect(port, methods[m], targets[i], "", 400, "Missing key parameter");
	}
}
END_TEST

START_TEST(other_paths_and_methods_are_not_found)
{
	http_expect(port, "GET", "/", "", 404, "404 Not Found");
	http_expect(port, "GET", "/metadata/?key=a", "", 404, "404 Not Found");
	http_expect(port, "GET", "/Metadata?key=a", "", 404, "404 Not Found");
	http_expect(port, "POST", "/metadata?key=a", "x", 405,
		    "405 Method Not Allowed");
	http_expect(port, "PUT", "/health", "x", 405, "405 Method Not Allowed");
	http_expect(port, "GET", "/health", "", 200, "OK");
	http_expect(port, "GET", "/health?x=1", "", 200, "OK");
}
END_TEST

START_TEST(every_spelling_of_a_key_is_one_key)
{
	put("/metadata?key=mooncake/ram/host:123", "one");
	http_expect(port, "GET", "/metadata?key=mooncake%2Fram%2Fhost%3A123", "", 200, "one");
	http_expect(port, "GET", "/metadata?key=%6dooncake%2fram/host%3a123", "", 200, "one");
	put("/metadata?key=mooncake%2fram%2fhost:123", "two");
	http_expect(port, "GET", "/metadata?key=mooncake/ram/host:123", "", 200, "two");
	http_expect(port, "GET", "/metadata?a=b&key=mooncake/ram/host:123&key=c", "", 200, "two");
	http_expect(port, "GET", "/metadata?key=c", "", 404, "metadata not found");
	http_expect(port, "DELETE", "/metadata?key=mooncake%2Fram/host%3a123", "", 200,
		    "metadata deleted");
	http_expect(port, "GET", "/metadata?key=mooncake/ram/host:123", "", 404,
		    "metadata not found");
}
END_TEST

START_TEST(long_keys)
{
	char target[9000];
	int head = snprintf(target, sizeof(target), "/metadata?key=");

	memset(target + head, 'k', 8193);
	target[head + 8192] = '\0';
	put(target, "v");
	http_expect(port, "GET", target, "", 200, "v");
	target[head + 8192] = 'k';
	target[head + 8193] = '\0';
	http_expect(port, "PUT", target, "v", 414, "key too long: at most 8192 bytes");
}
END_TEST

START_TEST(values_are_any_bytes)
{
	struct http_reply reply;
	char value[256];

	put("/metadata?key=empty", "");
	http_expect(port, "GET", "/metadata?key=empty", "", 200, "");
	for (int i = 0; i < 256; i++)
		value[i] = (char)i;
	reply = http_once(port, "PUT", "/metadata?key=all", value, sizeof(value));
	http_reply_expect(&reply, 200, "metadata updated");
	reply = http_once(port, "GET", "/metadata?key=all", "", 0);
	ck_assert(reply.len == 256 && memcmp(reply.body, value, 256) == 0);
}
END_TEST

START_TEST(one_connection_serves_many_calls)
{
	struct http_client client;

	http_client_open(&client, port);
	for (int i = 0; i < 100; i++) {
		char target[64], value[16];
		struct http_reply reply;

		snprintf(target, sizeof(target), "/metadata?key=k%d", i);
		snprintf(value, sizeof(value), "v%d", i);
		http_client_request(&client, "PUT", target, value, strlen(value));
		reply = http_client_reply(&client);
		http_reply_expect(&reply, 200, "metadata updated");
		http_client_request(&client, "GET", target, "", 0);
		reply = http_client_reply(&client);
		http_reply_expect(&reply, 200, value);
	}
	http_client_close(&client);
}
END_TEST

START_TEST(bodies_up_to_16_mib)
{
	size_t max = 16u << 20;
	char *body = malloc(max + 1);
	struct http_reply reply;

	memset(body, 'b', max + 1);
	reply = http_once(port, "PUT", "/metadata?key=big", body, max + 1);
	ck_assert_uint_eq(reply.status, 413);
	http_expect(port, "GET", "/metadata?key=big", "", 404, "metadata not found");
	reply = http_once(port, "PUT", "/metadata?key=big", body, max);
	http_reply_expect(&reply, 200, "metadata updated");
	reply = http_once(port, "GET", "/metadata?key=big", "", 0);
	ck_assert(reply.status == 200 && reply.len == max && memcmp(reply.body, body, max) == 0);
	free(body);
}
END_TEST

START_TEST(a_full_store_refuses_and_keeps)
{
	struct http_reply reply;

	mc_meta_close(meta);
	meta_open(2, 100);
	put("/metadata?key=a", "1");
	put("/metadata?key=b", "2");
	reply = http_once(port, "PUT", "/metadata?key=c", "3", 1);
	ck_assert_uint_ge(reply.status, 500);
	http_expect(port, "GET", "/metadata?key=c", "", 404, "metadata not found");
	http_expect(port, "GET", "/metadata?key=a", "", 200, "1");
	put("/metadata?key=a", "4");
	http_expect(port, "DELETE", "/metadata?key=b", "", 200, "metadata deleted");
	put("/metadata?key=c", "3");
}
END_TEST

START_TEST(a_name_is_forgotten_in_every_cluster)
{
	static const char *const gone[] = {"mooncake/ram/n:1", "mooncake/rpc_meta/n:1",
					   "mooncake/c/ram/n:1", "mooncake/c/rpc_meta/n:1"};
	static const char *const kept[] = {"mooncake/ram/n:12", "mooncake/rpc_meta/xn:1",
					   "mooncake/ram/n", "other/ram/n:1"};
	char target[64];

	for (int i = 0; i < 4; i++) {
		snprintf(target, sizeof(target), "/metadata?key=%s", gone[i]);
		put(target, "v");
		snprintf(target, sizeof(target), "/metadata?key=%s", kept[i]);
		put(target, "v");
	}
	ck_assert_uint_eq(mc_meta_forget(meta, "n:1"), 4);
	ck_assert_uint_eq(mc_meta_forget(meta, "n:1"), 0);
	for (int i = 0; i < 4; i++) {
		snprintf(target, sizeof(target), "/metadata?key=%s", gone[i]);
		http_expect(port, "GET", target, "", 404, "metadata not found");
		snprintf(target, sizeof(target), "/metadata?key=%s", kept[i]);
		http_expect(port, "GET", target, "", 200, "v");
	}
}
END_TEST

START_TEST(a_port_in_use_is_an_error)
{
	struct mc_meta *second = NULL;
	struct mc_meta_params params = {
		.size = sizeof(params), .reactor = reactor, .host = "127.0.0.1", .port = port};

	ck_assert_int_eq(mc_meta_open(&params, &second), MC_ERR_ADDRESS_IN_USE);
	ck_assert_ptr_null(second);
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
	Suite *suite = suite_create("meta/metadata");
	TCase *tc = tcase_create("routes");

	tcase_add_unchecked_fixture(tc, loop_start, http_loop_stop);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, put_get_delete);
	tcase_add_test(tc, a_key_is_needed);
	tcase_add_test(tc, other_paths_and_methods_are_not_found);
	tcase_add_test(tc, every_spelling_of_a_key_is_one_key);
	tcase_add_test(tc, long_keys);
	tcase_add_test(tc, values_are_any_bytes);
	tcase_add_test(tc, one_connection_serves_many_calls);
	tcase_add_test(tc, bodies_up_to_16_mib);
	tcase_add_test(tc, a_full_store_refuses_and_keeps);
	tcase_add_test(tc, a_name_is_forgotten_in_every_cluster);
	tcase_add_test(tc, a_port_in_use_is_an_error);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_NOFORK);
}
