/* SPDX-License-Identifier: Apache-2.0 */
/* A second process under one name; the first is played by listening sockets, or by none. */
#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/meta/meta.h"
#include "tests/support/http_client.h"
#include "tests/support/suite.h"

#define RPC	  "/metadata?key=mooncake/rpc_meta/node:1"
#define RAM	  "/metadata?key=mooncake/ram/node:1"
#define NEW	  "{\"ip_or_host_name\":\"127.0.0.1\",\"rpc_port\":1,\"new\":1}"
#define DUPLICATE "Duplicate rpc_meta key not allowed"
#define TTL_NS	  (10 * MC_NS_PER_S)
#define PROBE_NS  MC_NS_PER_S

static struct mc_reactor *reactor;
static struct mc_meta *meta;
static uint16_t port;

static struct {
	unsigned int calls;
	char endpoint[64];
	bool slow;
	void (*done)(void *done_context);
	void *done_context;
} evict;

static void
evict_endpoint(void *context, const char *endpoint, void (*done)(void *done_context),
	       void *done_context)
{
	ck_assert_ptr_eq(context, &evict);
	evict.calls++;
	snprintf(evict.endpoint, sizeof(evict.endpoint), "%s", endpoint);
	if (!evict.slow) {
		done(done_context);
		return;
	}
	evict.done = done;
	evict.done_context = done_context;
}

static void
setup(void)
{
	struct mc_meta_params params = {
		.size = sizeof(params),
		.reactor = reactor,
		.host = "127.0.0.1",
		.client_ttl_ns = TTL_NS,
		.evict_endpoint = evict_endpoint,
		.context = &evict,
	};

	memset(&evict, 0, sizeof(evict));
	ck_assert_int_eq(mc_meta_open(&params, &meta), MC_OK);
	port = mc_meta_port(meta);
}

static void
teardown(void)
{
	mc_meta_close(meta);
}

/* ---- the first process ---- */

static int
holder_bind(struct sockaddr_in *addr_out)
{
	socklen_t len = sizeof(*addr_out);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*addr_out = (struct sockaddr_in){.sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	ck_assert_int_eq(bind(fd, (struct sockaddr *)addr_out, sizeof(*addr_out)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)addr_out, &len), 0);
	return fd;
}

static void
holder_publish(const char *host, uint16_t rpc_port)
{
	char body[128];

	snprintf(body, sizeof(body), "{\"ip_or_host_name\":\"%s\",\"rpc_port\":%u}", host,
		 rpc_port);
	http_expect(port, "PUT", RPC, body, 200, "metadata updated");
	http_expect(port, "PUT", RAM, "segment", 200, "metadata updated");
}

/* Its address refuses: bound, so that nobody else gets the port, but nobody listens. */
static int
holder_dead(void)
{
	struct sockaddr_in addr;
	int fd = holder_bind(&addr);

	holder_publish("127.0.0.1", ntohs(addr.sin_port));
	return fd;
}

static int
holder_alive(void)
{
	struct sockaddr_in addr;
	int fd = holder_bind(&addr);

	ck_assert_int_eq(listen(fd, 16), 0);
	holder_publish("127.0.0.1", ntohs(addr.sin_port));
	return fd;
}

/* Its address answers nothing: the queue of a listener that accepts none is full. */
#define FILLERS 4
static int
holder_silent(int fillers[FILLERS])
{
	struct sockaddr_in addr;
	int fd = holder_bind(&addr);

	ck_assert_int_eq(listen(fd, 0), 0);
	for (int i = 0; i < FILLERS; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		connect(fillers[i], (struct sockaddr *)&addr, sizeof(addr));
	}
	holder_publish("127.0.0.1", ntohs(addr.sin_port));
	return fd;
}

static void
silent_close(int fd, int fillers[FILLERS])
{
	for (int i = 0; i < FILLERS; i++)
		close(fillers[i]);
	close(fd);
}

static void
second_begin(struct http_client *client, const char *body)
{
	http_client_open(client, port);
	http_client_request(client, "PUT", RPC, body, strlen(body));
}

static void
reply_is(struct http_client *client, unsigned int status, const char *text)
{
	struct http_reply reply = http_client_reply(client);

	http_reply_expect(&reply, status, text);
}

static void
taken_expect(void)
{
	ck_assert_uint_eq(evict.calls, 1);
	ck_assert_str_eq(evict.endpoint, "node:1");
	http_expect(port, "GET", RPC, "", 200, NEW);
	http_expect(port, "GET", RAM, "", 404, "metadata not found");
}

static void
kept_expect(void)
{
	ck_assert_uint_eq(evict.calls, 0);
	ck_assert_uint_eq(http_once(port, "GET", RPC, "", 0).status, 200);
	ck_assert_ptr_null(strstr(http_once(port, "GET", RPC, "", 0).body, "new"));
	http_expect(port, "GET", RAM, "", 200, "segment");
}

/* ---- verdicts ---- */

START_TEST(the_same_body_again_is_no_second)
{
	http_expect(port, "PUT", RPC, NEW, 200, "metadata updated");
	http_expect(port, "PUT", RPC, NEW, 200, "metadata unchanged");
	http_expect(port, "PUT", "/metadata?key=mooncake%2Frpc_meta%2Fnode:1", NEW, 200,
		    "metadata unchanged");
	ck_assert_uint_eq(evict.calls, 0);
}
END_TEST

#define SEGMENT(port) "{\"name\":\"node:1\",\"tcp_data_port\":" #port "}"

START_TEST(the_same_port_drawn_again_is_a_second)
{
	http_expect(port, "PUT", RPC, NEW, 200, "metadata updated");
	http_expect(port, "PUT", RAM, SEGMENT(16001), 200, "metadata updated");
	/* the first adds a buffer */
	http_expect(port, "PUT", RAM, SEGMENT(16001), 200, "metadata updated");
	ck_assert_uint_eq(evict.calls, 0);
	http_expect(port, "PUT", RPC, NEW, 200, "metadata unchanged");
	http_expect(port, "PUT", RAM, SEGMENT(16002), 200, "metadata updated");
	ck_assert_uint_eq(evict.calls, 1);
	ck_assert_str_eq(evict.endpoint, "node:1");
	http_expect(port, "GET", RAM, "", 200, SEGMENT(16002));
}
END_TEST

START_TEST(a_dead_holder_is_replaced)
{
	int fd = holder_dead();

	http_expect(port, "PUT", RPC, NEW, 200, "metadata updated");
	taken_expect();
	close(fd);
}
END_TEST

START_TEST(a_holder_in_a_cluster_is_replaced_there_only)
{
	int fd = holder_dead();

	http_expect(port, "PUT", "/metadata?key=mooncake/c/rpc_meta/node:1", "?", 200,
		    "metadata updated");
	http_expect(port, "PUT", "/metadata?key=mooncake/c/ram/node:1", "s", 200,
		    "metadata updated");
	http_expect(port, "PUT", "/metadata?key=mooncake/c/rpc_meta/node:1", NEW, 200,
		    "metadata updated");
	ck_assert_str_eq(evict.endpoint, "node:1");
	http_expect(port, "GET", "/metadata?key=mooncake/c/ram/node:1", "", 404,
		    "metadata not found");
	http_expect(port, "GET", RAM, "", 200, "segment");
	close(fd);
}
END_TEST

START_TEST(a_living_holder_stays)
{
	struct http_client second;
	int fd = holder_alive();

	second_begin(&second, NEW);
	reply_is(&second, 400, DUPLICATE);
	kept_expect();
	/* what a refused process does on its way out must not hurt the holder */
	http_client_request(&second, "DELETE", RAM, "", 0);
	reply_is(&second, 200, "metadata deleted");
	http_client_request(&second, "DELETE", RPC, "", 0);
	reply_is(&second, 200, "metadata deleted");
	kept_expect();
	/* only that connection is kept away, and only for that name */
	http_client_request(&second, "DELETE", "/metadata?key=mooncake/ram/xnode:1", "", 0);
	reply_is(&second, 404, "metadata not found");
	http_expect(port, "DELETE", RAM, "", 200, "metadata deleted");
	http_expect(port, "GET", RAM, "", 404, "metadata not found");
	http_client_close(&second);
	close(fd);
}
END_TEST

START_TEST(a_body_without_address_protects_nobody)
{
	static const char *const bodies[] = {"", "garbage", "{}", "{\"rpc_port\":1}"};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		evict.calls = 0;
		http_expect(port, "PUT", RPC, bodies[i], 200, "metadata updated");
		http_expect(port, "PUT", RAM, "segment", 200, "metadata updated");
		http_expect(port, "PUT", RPC, NEW, 200, "metadata updated");
		taken_expect();
		http_expect(port, "DELETE", RPC, "", 200, "metadata deleted");
	}
}
END_TEST

START_TEST(a_silent_holder_stays_for_its_ttl)
{
	struct http_client second;
	int fillers[FILLERS];
	int fd = holder_silent(fillers);

	second_begin(&second, NEW);
	ck_assert(http_client_waits(&second));
	http_loop_skip(PROBE_NS);
	reply_is(&second, 400, DUPLICATE);
	kept_expect();
	http_loop_skip(TTL_NS);
	http_client_request(&second, "PUT", RPC, NEW, strlen(NEW));
	ck_assert(http_client_waits(&second));
	http_loop_skip(PROBE_NS);
	reply_is(&second, 200, "metadata updated");
	taken_expect();
	http_client_close(&second);
	silent_close(fd, fillers);
}
END_TEST

START_TEST(a_host_name_is_silent)
{
	holder_publish("localhost", port);
	http_expect(port, "PUT", RPC, NEW, 400, DUPLICATE);
	kept_expect();
	http_loop_skip(TTL_NS);
	http_expect(port, "PUT", RPC, NEW, 200, "metadata updated");
	taken_expect();
}
END_TEST

START_TEST(words_that_only_look_like_it_are_refused)
{
	static const char *const targets[] = {"/metadata?key=rpc_meta/x",
					      "/metadata?key=mooncake/rpc_meta/a%00b"};

	for (int i = 0; i < 2; i++) {
		http_expect(port, "PUT", targets[i], "1", 200, "metadata updated");
		http_expect(port, "PUT", targets[i], "1", 200, "metadata unchanged");
		http_expect(port, "PUT", targets[i], "2", 400, DUPLICATE);
		http_expect(port, "GET", targets[i], "", 200, "1");
	}
	ck_assert_uint_eq(evict.calls, 0);
}
END_TEST

/* ---- in between ---- */

static bool
evict_called(void *context)
{
	return evict.calls > 0;
}

START_TEST(the_answer_waits_for_the_eviction)
{
	struct http_client second, third;
	int fd = holder_dead();

	evict.slow = true;
	second_begin(&second, NEW);
	http_loop_until(evict_called, NULL);
	ck_assert(http_client_waits(&second));
	/* nobody meets the first's memory any more, and nobody gets in between */
	http_expect(port, "GET", RAM, "", 404, "metadata not found");
	second_begin(&third, "third");
	reply_is(&third, 400, DUPLICATE);
	evict.done(evict.done_context);
	reply_is(&second, 200, "metadata updated");
	taken_expect();
	http_client_close(&second);
	http_client_close(&third);
	close(fd);
}
END_TEST

START_TEST(a_segment_waits_for_the_eviction)
{
	struct http_client second;

	http_expect(port, "PUT", RAM, SEGMENT(16001), 200, "metadata updated");
	evict.slow = true;
	http_client_open(&second, port);
	http_client_request(&second, "PUT", RAM, SEGMENT(16002), strlen(SEGMENT(16002)));
	http_loop_until(evict_called, NULL);
	ck_assert(http_client_waits(&second));
	http_expect(port, "GET", RAM, "", 404, "metadata not found");
	evict.done(evict.done_context);
	reply_is(&second, 200, "metadata updated");
	http_expect(port, "GET", RAM, "", 200, SEGMENT(16002));
	http_client_close(&second);
}
END_TEST

START_TEST(nobody_slips_in_when_the_entry_goes_meanwhile)
{
	struct http_client second;
	int fd = holder_dead();

	evict.slow = true;
	second_begin(&second, NEW);
	http_loop_until(evict_called, NULL);
	http_expect(port, "DELETE", RPC, "", 200, "metadata deleted");
	http_expect(port, "PUT", RPC, "third", 400, DUPLICATE);
	evict.done(evict.done_context);
	reply_is(&second, 200, "metadata updated");
	taken_expect();
	http_client_close(&second);
	close(fd);
}
END_TEST

START_TEST(of_two_seconds_the_first_wins)
{
	struct http_client second, third;
	int fillers[FILLERS];
	int fd = holder_silent(fillers);

	http_loop_skip(TTL_NS);
	second_begin(&second, NEW);
	ck_assert(http_client_waits(&second));
	second_begin(&third, "third");
	reply_is(&third, 400, DUPLICATE);
	http_loop_skip(PROBE_NS);
	reply_is(&second, 200, "metadata updated");
	taken_expect();
	http_client_close(&second);
	http_client_close(&third);
	silent_close(fd, fillers);
}
END_TEST

START_TEST(a_second_that_left_harms_nobody)
{
	struct http_client second;
	int fillers[FILLERS];
	int fd = holder_silent(fillers);

	second_begin(&second, NEW);
	ck_assert(http_client_waits(&second));
	http_client_close(&second);
	http_loop_settle();
	http_loop_skip(PROBE_NS);
	kept_expect();
	silent_close(fd, fillers);
}
END_TEST

START_TEST(closing_ends_a_probe)
{
	struct http_client second;
	int fillers[FILLERS];
	int fd = holder_silent(fillers);

	second_begin(&second, NEW);
	ck_assert(http_client_waits(&second));
	mc_meta_close(meta);
	meta = NULL;
	http_loop_skip(2 * TTL_NS);
	ck_assert_uint_eq(evict.calls, 0);
	ck_assert_uint_eq(http_client_reply(&second).status, 0);
	http_client_close(&second);
	silent_close(fd, fillers);
}
END_TEST

START_TEST(closing_leaves_an_eviction_to_end_later)
{
	struct http_client second;
	int fd = holder_dead();

	evict.slow = true;
	second_begin(&second, NEW);
	http_loop_until(evict_called, NULL);
	mc_meta_close(meta);
	meta = NULL;
	ck_assert_uint_eq(http_client_reply(&second).status, 0);
	evict.done(evict.done_context);
	http_loop_settle();
	http_client_close(&second);
	close(fd);
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
	Suite *suite = suite_create("meta/takeover");
	TCase *tc = tcase_create("takeover");

	tcase_add_unchecked_fixture(tc, loop_start, http_loop_stop);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_same_body_again_is_no_second);
	tcase_add_test(tc, the_same_port_drawn_again_is_a_second);
	tcase_add_test(tc, a_dead_holder_is_replaced);
	tcase_add_test(tc, a_holder_in_a_cluster_is_replaced_there_only);
	tcase_add_test(tc, a_living_holder_stays);
	tcase_add_test(tc, a_body_without_address_protects_nobody);
	tcase_add_test(tc, a_silent_holder_stays_for_its_ttl);
	tcase_add_test(tc, a_host_name_is_silent);
	tcase_add_test(tc, words_that_only_look_like_it_are_refused);
	tcase_add_test(tc, the_answer_waits_for_the_eviction);
	tcase_add_test(tc, a_segment_waits_for_the_eviction);
	tcase_add_test(tc, nobody_slips_in_when_the_entry_goes_meanwhile);
	tcase_add_test(tc, of_two_seconds_the_first_wins);
	tcase_add_test(tc, a_second_that_left_harms_nobody);
	tcase_add_test(tc, closing_ends_a_probe);
	tcase_add_test(tc, closing_leaves_an_eviction_to_end_later);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_NOFORK);
}
