/* SPDX-License-Identifier: Apache-2.0 */
/* Telling a metadata server: keys, order, deadlines, and servers that misbehave. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/http/http.h"
#include "core/peer/private.h"
#include "tests/support/must.h"
#include "tests/support/peer_loop.h"
#include "tests/support/suite.h"

static struct mc_reactor *reactor;
static struct mc_http_server *server;
static char url[64];
static char seen[1024];		/* "PUT key, GET key, …" */
static char stored[1024];	/* the rpc_meta that a GET finds; "": 404 */
static unsigned int put_status;

static void
request_seen(struct mc_http_request *request, const char *method, unsigned int status,
	     const char *body)
{
	size_t length;
	const char *key = mc_http_query(request, "key", &length);

	snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s %.*s\n", method,
		 key != NULL ? (int)length : 0, key != NULL ? key : "");
	mc_http_reply(request, status, NULL, body, strlen(body));
}

static void
get(void *context, struct mc_http_request *request)
{
	request_seen(request, "GET", stored[0] != '\0' ? 200 : 404, stored);
}

static void
put(void *context, struct mc_http_request *request)
{
	size_t length;
	const char *key = mc_http_query(request, "key", &length);
	bool rpc_meta = key != NULL && strstr(key, "rpc_meta") != NULL;

	request_seen(request, "PUT", rpc_meta ? put_status : 200, "");
}

static void
delete(void *context, struct mc_http_request *request)
{
	request_seen(request, "DELETE", 200, "");
}

static void
setup(void)
{
	static const struct mc_http_route routes[] = {
		{"GET", "/metadata", get, NULL},
		{"PUT", "/metadata", put, NULL},
		{"DELETE", "/metadata", delete, NULL},
	};
	struct mc_http_params params = {.size = sizeof(params), .reactor = reactor,
					.host = "127.0.0.1", .routes = routes, .routes_count = 3};

	must(mc_http_server_open(&params, &server) == MC_OK);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/metadata", mc_http_server_port(server));
	seen[0] = stored[0] = '\0';
	put_status = 200;
}

static void
teardown(void)
{
	mc_http_server_close(server);
}

static enum mc_status
published(struct mc_peer *peer)
{
	struct peer_answered answer;

	peer_loop_publish(peer, 0x1000, "h", MC_NS_PER_S, &answer);
	return peer_loop_await(&answer);
}

static enum mc_status
unpublished(struct mc_peer *peer)
{
	struct peer_answered answer = {0};

	mc_peer_unpublish(peer, MC_NS_PER_S, peer_loop_done, &answer);
	must(!answer.came);
	return peer_loop_await(&answer);
}

START_TEST(keys_and_their_order_are_upstreams)
{
	struct mc_peer *peer = peer_loop_open("segA", url);
	enum mc_status st;

	ck_assert_int_eq(published(peer), MC_OK);
	ck_assert_int_eq(published(peer), MC_OK);
	peer_loop_resolve(peer, "/127.0.0.1:1", MC_NS_PER_S, &st);
	ck_assert_int_eq(st, MC_ERR_NOT_FOUND);
	ck_assert_int_eq(unpublished(peer), MC_OK);
	ck_assert_str_eq(seen, "PUT mooncake/rpc_meta/segA\nPUT mooncake/ram/segA\n"
			       "PUT mooncake/ram/segA\nGET mooncake/ram/127.0.0.1:1\n"
			       "DELETE mooncake/rpc_meta/segA\nDELETE mooncake/ram/segA\n");
	mc_peer_close(peer);
}
END_TEST

START_TEST(clusters_and_slashes_have_keys_of_their_own)
{
	struct mc_peer *peer;

	setenv("MC_METADATA_CLUSTER_ID", "clusterX", 1);
	peer = peer_loop_open("dir/segC", url);
	ck_assert_int_eq(published(peer), MC_OK);
	mc_peer_close(peer);
	setenv("MC_METADATA_CLUSTER_ID", "y/", 1);
	peer = peer_loop_open("d", url);
	ck_assert_int_eq(published(peer), MC_OK);
	mc_peer_close(peer);
	unsetenv("MC_METADATA_CLUSTER_ID");
	ck_assert_str_eq(seen, "PUT mooncake/clusterX/rpc_meta/dir/segC\n"
			       "PUT mooncake/clusterX/dir/segC\n"
			       "PUT mooncake/y/rpc_meta/d\nPUT mooncake/y/ram/d\n");
}
END_TEST

START_TEST(an_entry_of_another_process_is_told)
{
	struct mc_peer *peer = peer_loop_open("segA", url);

	put_status = 400;
	snprintf(stored, sizeof(stored), "{\"ip_or_host_name\":\"10.0.0.1\",\"rpc_port\":1}");
	ck_assert_int_eq(published(peer), MC_ERR_EXISTS);
	/* what is another's is not deleted */
	ck_assert_int_eq(unpublished(peer), MC_OK);
	ck_assert_ptr_null(strstr(seen, "DELETE"));
	ck_assert_ptr_null(strstr(seen, "PUT mooncake/ram"));
	mc_peer_close(peer);
}
END_TEST

START_TEST(an_entry_of_our_own_is_none_of_another)
{
	struct mc_peer *peer = peer_loop_open("segA", url);

	put_status = 400;
	snprintf(stored, sizeof(stored), "{\"ip_or_host_name\":\"127.0.0.1\",\"rpc_port\":%u}",
		 mc_peer_port(peer));
	ck_assert_int_eq(published(peer), MC_OK);
	ck_assert_ptr_nonnull(strstr(seen, "PUT mooncake/ram/segA"));
	mc_peer_close(peer);
}
END_TEST

START_TEST(an_entry_that_may_have_arrived_is_taken_back)
{
	struct mc_peer *peer = peer_loop_open("segA", url);

	put_status = 500;
	ck_assert_int_eq(published(peer), MC_ERR_IO);
	seen[0] = '\0';
	/* none */
	ck_assert_int_eq(unpublished(peer), MC_OK);
	ck_assert_str_eq(seen, "GET mooncake/rpc_meta/segA\n");
	/* another's */
	snprintf(stored, sizeof(stored), "{\"ip_or_host_name\":\"10.0.0.1\",\"rpc_port\":1}");
	ck_assert_int_eq(unpublished(peer), MC_OK);
	ck_assert_ptr_null(strstr(seen, "DELETE"));
	/* ours */
	snprintf(stored, sizeof(stored), "{\"ip_or_host_name\":\"127.0.0.1\",\"rpc_port\":%u}",
		 mc_peer_port(peer));
	ck_assert_int_eq(unpublished(peer), MC_OK);
	ck_assert_ptr_nonnull(strstr(seen, "DELETE mooncake/rpc_meta/segA\n"
					   "DELETE mooncake/ram/segA\n"));
	mc_peer_close(peer);
}
END_TEST

START_TEST(a_server_that_fails_is_no_other_process)
{
	struct mc_peer *peer = peer_loop_open("segA", url);

	put_status = 500;
	ck_assert_int_eq(published(peer), MC_ERR_IO);
	/* nor is it asked without end */
	for (unsigned int i = 0; i < 2000; i++)
		peer_loop_poll();
	ck_assert_str_eq(seen, "PUT mooncake/rpc_meta/segA\n");
	put_status = 200;
	ck_assert_int_eq(published(peer), MC_OK);
	mc_peer_close(peer);
}
END_TEST

START_TEST(each_call_has_its_own_deadline)
{
	struct peer_answered first, second, third;
	char name[64], mute[96];
	int fd = peer_loop_listen(name);
	uint64_t begin = mc_clock_mono_ns();
	struct mc_peer *peer;

	snprintf(mute, sizeof(mute), "http://%s/metadata", name);
	peer = peer_loop_open("segA", mute);
	peer_loop_publish(peer, 1, "h", 20 * MC_NS_PER_S, &first);
	peer_loop_publish(peer, 2, "h", 100 * MC_NS_PER_MS, &second);
	peer_loop_publish(peer, 3, "h", 20 * MC_NS_PER_S, &third);
	ck_assert_int_eq(peer_loop_await(&second), MC_ERR_TIMEOUT);
	ck_assert_uint_lt(mc_clock_mono_ns() - begin, 500 * MC_NS_PER_MS);
	ck_assert(!first.came && !third.came);
	mc_peer_close(peer);
	ck_assert(first.came && third.came);
	ck_assert_int_eq(first.status, MC_ERR_CANCELED);
	ck_assert_int_eq(third.status, MC_ERR_CANCELED);
	close(fd);
}
END_TEST

START_TEST(what_was_given_up_is_sent_all_the_same)
{
	struct peer_answered first, second;
	struct mc_peer *peer = peer_loop_open("a", url);

	peer_loop_publish(peer, 0x1000, "h", MC_NS_PER_S, &first);
	/* over before the server can be asked */
	peer_loop_publish(peer, 0x2000, "h", 1, &second);
	ck_assert_int_eq(peer_loop_await(&second), MC_ERR_TIMEOUT);
	ck_assert_int_eq(peer_loop_await(&first), MC_OK);
	for (unsigned int i = 0; i < 2000; i++)
		peer_loop_poll();
	/* the newest goes with the first, as it was there before ram was told */
	ck_assert_ptr_nonnull(strstr(seen, "PUT mooncake/ram/a\n"));
	ck_assert(peer->own_sent && !peer->putting);
	mc_peer_close(peer);
}
END_TEST

START_TEST(calls_that_meet_share_a_put)
{
	struct peer_answered answers[5];
	struct mc_peer *peer = peer_loop_open("a", url);

	for (unsigned int i = 0; i < 5; i++)
		peer_loop_publish(peer, 0x1000 * (i + 1), "h", MC_NS_PER_S, &answers[i]);
	for (unsigned int i = 0; i < 5; i++)
		ck_assert_int_eq(peer_loop_await(&answers[i]), MC_OK);
	ck_assert_str_eq(seen, "PUT mooncake/rpc_meta/a\nPUT mooncake/ram/a\nPUT mooncake/ram/a\n");
	mc_peer_close(peer);
}
END_TEST

START_TEST(the_published_host_follows_the_rules)
{
	struct mc_peer_params params = {.size = sizeof(params), .reactor = reactor,
					.name = "localhost:7", .metadata = url};
	struct mc_net_addr first;
	char text[MC_NET_ADDR_TEXT] = "localhost";
	struct mc_peer *peer;

	if (mc_net_first_addr(false, &first) == MC_OK)
		mc_net_addr_host(&first, text);
	must(mc_peer_open(&params, &peer) == MC_OK);
	ck_assert_str_eq(mc_peer_host(peer), text);
	ck_assert_str_eq(mc_peer_name(peer), "localhost:7");
	mc_peer_close(peer);
	setenv("MC_TCP_BIND_ADDRESS", "10.9.8.7", 1);
	must(mc_peer_open(&params, &peer) == MC_OK);
	ck_assert_str_eq(mc_peer_host(peer), "10.9.8.7");
	mc_peer_close(peer);
	params.metadata = "P2PHANDSHAKE";
	must(mc_peer_open(&params, &peer) == MC_OK);
	ck_assert_str_eq(mc_peer_host(peer), "localhost");
	mc_peer_close(peer);
	unsetenv("MC_TCP_BIND_ADDRESS");
}
END_TEST

START_TEST(the_port_is_that_of_the_name_where_that_is_wanted)
{
	struct mc_peer *peer;

	setenv("MC_LEGACY_RPC_PORT_BINDING", "1", 1);
	peer = peer_loop_open("127.0.0.1:21777", url);
	unsetenv("MC_LEGACY_RPC_PORT_BINDING");
	ck_assert_uint_eq(mc_peer_port(peer), 21777);
	ck_assert_str_eq(mc_peer_host(peer), "127.0.0.1");
	mc_peer_close(peer);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("peer/publish");
	TCase *tc = tcase_create("publish");
	int rc;

	reactor = peer_loop_start();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, keys_and_their_order_are_upstreams);
	tcase_add_test(tc, clusters_and_slashes_have_keys_of_their_own);
	tcase_add_test(tc, an_entry_of_another_process_is_told);
	tcase_add_test(tc, an_entry_of_our_own_is_none_of_another);
	tcase_add_test(tc, an_entry_that_may_have_arrived_is_taken_back);
	tcase_add_test(tc, a_server_that_fails_is_no_other_process);
	tcase_add_test(tc, each_call_has_its_own_deadline);
	tcase_add_test(tc, what_was_given_up_is_sent_all_the_same);
	tcase_add_test(tc, calls_that_meet_share_a_put);
	tcase_add_test(tc, the_published_host_follows_the_rules);
	tcase_add_test(tc, the_port_is_that_of_the_name_where_that_is_wanted);
	suite_add_tcase(suite, tc);
	rc = suite_run(suite, CK_NOFORK);
	peer_loop_stop();
	return rc;
}
