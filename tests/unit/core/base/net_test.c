/* SPDX-License-Identifier: Apache-2.0 */
/* The system's sockets behind the seam, on loopback; addresses from and to text. */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/net.h"
#include "tests/support/suite.h"

static const char *const hosts[] = {"127.0.0.1", "::1"};

static void
ready_await(int fd, short events)
{
	struct pollfd ready = {.fd = fd, .events = events};

	ck_assert_msg(poll(&ready, 1, 5000) == 1, "nothing happened in 5 s");
}

/* Listens on a port of the kernel's choice; the address with that port. */
static int
listener_open(const char *host, struct mc_net_addr *addr_out)
{
	int fd;

	ck_assert_int_eq(mc_net_addr_parse(host, 0, addr_out), MC_OK);
	ck_assert_int_eq(mc_net()->listen(addr_out, 16, &fd), MC_OK);
	ck_assert_int_eq(mc_net()->local(fd, addr_out), MC_OK);
	ck_assert_uint_ne(mc_net_addr_port(addr_out), 0);
	return fd;
}

struct ends {
	int listener;
	int client;
	int server;
	struct mc_net_addr peer;
};

static struct ends
ends_open(const char *host)
{
	struct mc_net_addr addr;
	struct ends ends;

	ends.listener = listener_open(host, &addr);
	ck_assert_int_eq(mc_net()->accept(ends.listener, &ends.server, &ends.peer), MC_AGAIN);
	ck_assert_int_eq(mc_net()->connect(&addr, &ends.client), MC_OK);
	ready_await(ends.client, POLLOUT);
	ck_assert_int_eq(mc_net()->connect_result(ends.client), MC_OK);
	ready_await(ends.listener, POLLIN);
	ck_assert_int_eq(mc_net()->accept(ends.listener, &ends.server, &ends.peer), MC_OK);
	return ends;
}

static void
flags_check(int fd)
{
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
}

START_TEST(bytes_go_both_ways)
{
	struct ends ends = ends_open(hosts[_i]);
	struct iovec pieces[] = {{"hello, ", 7}, {"world", 5}};
	struct mc_net_addr local;
	char text[64];
	size_t n = 0;

	flags_check(ends.listener);
	flags_check(ends.client);
	flags_check(ends.server);
	ck_assert_str_eq(mc_net_addr_host(&ends.peer, text), hosts[_i]);
	ck_assert_int_eq(mc_net()->local(ends.client, &local), MC_OK);
	ck_assert_uint_eq(mc_net_addr_port(&local), mc_net_addr_port(&ends.peer));
	ck_assert_int_eq(mc_net()->nodelay(ends.client, true), MC_OK);
	ck_assert_int_eq(mc_net()->nodelay(ends.client, false), MC_OK);

	ck_assert_int_eq(mc_net()->recv(ends.server, text, sizeof(text), &n), MC_AGAIN);
	ck_assert_int_eq(mc_net()->send(ends.client, pieces, 2, &n), MC_OK);
	ck_assert_uint_eq(n, 12);
	ready_await(ends.server, POLLIN);
	ck_assert_int_eq(mc_net()->recv(ends.server, text, sizeof(text), &n), MC_OK);
	ck_assert_uint_eq(n, 12);
	ck_assert(memcmp(text, "hello, world", 12) == 0);
	ck_assert_int_eq(mc_net()->send(ends.server, pieces, 1, &n), MC_OK);
	ready_await(ends.client, POLLIN);
	ck_assert_int_eq(mc_net()->recv(ends.client, text, 5, &n), MC_OK);
	ck_assert_uint_eq(n, 5);
	mc_net()->close(ends.client);
	mc_net()->close(ends.server);
	mc_net()->close(ends.listener);
}
END_TEST

START_TEST(a_peer_that_does_not_read_is_back_pressure)
{
	static char bytes[1 << 20];
	struct iovec piece = {bytes, sizeof(bytes)};
	struct ends ends = ends_open(hosts[_i]);
	enum mc_status st = MC_OK;
	size_t sent, total = 0;

	while (st == MC_OK) {
		st = mc_net()->send(ends.client, &piece, 1, &sent);
		total += st == MC_OK ? sent : 0;
		ck_assert_uint_lt(total, 1u << 30);
	}
	ck_assert_int_eq(st, MC_AGAIN);
	ck_assert_uint_gt(total, 0);
	mc_net()->close(ends.client);
	mc_net()->close(ends.server);
	mc_net()->close(ends.listener);
}
END_TEST

START_TEST(ends_of_stream)
{
	struct ends ends = ends_open(hosts[_i]);
	struct iovec piece = {"x", 1};
	enum mc_status st = MC_OK;
	size_t n = 77;
	char byte;

	mc_net()->close(ends.server);
	ready_await(ends.client, POLLIN);
	ck_assert_int_eq(mc_net()->recv(ends.client, &byte, 1, &n), MC_ERR_CONN_CLOSED);
	ck_assert_uint_eq(n, 77);
	/* the first may still be taken; then the peer has refused it. No SIGPIPE. */
	for (int i = 0; i < 100 && st == MC_OK; i++) {
		st = mc_net()->send(ends.client, &piece, 1, &n);
		ready_await(ends.client, POLLIN);
	}
	ck_assert_int_eq(st, MC_ERR_CONN_CLOSED);
	mc_net()->close(ends.client);
	mc_net()->close(ends.listener);
}
END_TEST

START_TEST(nobody_listens)
{
	struct mc_net_addr addr;
	enum mc_status st;
	int fd;

	mc_net()->close(listener_open(hosts[_i], &addr));
	st = mc_net()->connect(&addr, &fd);
	if (st == MC_OK) {
		ready_await(fd, POLLOUT);
		st = mc_net()->connect_result(fd);
		mc_net()->close(fd);
	}
	ck_assert_int_eq(st, MC_ERR_CONN_REFUSED);
}
END_TEST

START_TEST(a_port_is_taken_once)
{
	struct mc_net_addr addr;
	int fd = listener_open(hosts[_i], &addr), other = -1;

	ck_assert_int_eq(mc_net()->listen(&addr, 16, &other), MC_ERR_ADDRESS_IN_USE);
	ck_assert_int_eq(other, -1);
	mc_net()->close(fd);
	/* and free again at once */
	ck_assert_int_eq(mc_net()->listen(&addr, 16, &other), MC_OK);
	mc_net()->close(other);
}
END_TEST

START_TEST(addresses_of_others_are_refused)
{
	struct mc_net_addr addr;
	int fd = -1;

	ck_assert_int_eq(mc_net_addr_parse("192.0.2.1", 0, &addr), MC_OK);
	ck_assert_int_eq(mc_net()->listen(&addr, 16, &fd), MC_ERR_ADDRESS_INVALID);
	ck_assert_int_eq(fd, -1);
}
END_TEST

START_TEST(the_v6_wildcard_takes_v4_as_well)
{
	struct mc_net_addr addr;
	int listener = listener_open("::", &addr), client, server;
	uint16_t port = mc_net_addr_port(&addr);

	ck_assert_int_eq(mc_net_addr_parse("127.0.0.1", port, &addr), MC_OK);
	ck_assert_int_eq(mc_net()->connect(&addr, &client), MC_OK);
	ready_await(listener, POLLIN);
	ck_assert_int_eq(mc_net()->accept(listener, &server, &addr), MC_OK);
	mc_net()->close(server);
	mc_net()->close(client);
	mc_net()->close(listener);
}
END_TEST

/* ---- text ---- */

static const struct {
	const char *host;
	uint16_t port;
	const char *text;
} parsed[] = {
	{"0.0.0.0", 0, "0.0.0.0:0"},
	{"10.1.2.3", 65535, "10.1.2.3:65535"},
	{"::", 80, "[::]:80"},
	{"fe80::1:2", 50051, "[fe80::1:2]:50051"},
	{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535,
	 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
};

START_TEST(numeric_addresses_go_to_text_and_back)
{
	for (size_t i = 0; i < sizeof(parsed) / sizeof(parsed[0]); i++) {
		struct mc_net_addr addr, again;
		char text[MC_NET_ADDR_TEXT];

		ck_assert_int_eq(mc_net_addr_parse(parsed[i].host, parsed[i].port, &addr), MC_OK);
		ck_assert_uint_eq(mc_net_addr_port(&addr), parsed[i].port);
		ck_assert_str_eq(mc_net_addr_host(&addr, text), parsed[i].host);
		ck_assert_str_eq(mc_net_addr_text(&addr, text), parsed[i].text);
		ck_assert_int_eq(mc_net_addr_resolve(text, &again), MC_OK);
		ck_assert_uint_eq(again.len, addr.len);
		ck_assert(memcmp(&again.storage, &addr.storage, addr.len) == 0);
	}
}
END_TEST

START_TEST(addresses_of_the_loopback_are_known)
{
	static const char *const inside[] = {"127.0.0.1", "127.255.3.4", "::1", "::ffff:127.0.0.1"};
	static const char *const outside[] = {"10.0.0.1", "128.0.0.1", "0.0.0.0", "::", "fe80::1",
					      "::ffff:10.0.0.1", "::127.0.0.1"};
	struct mc_net_addr addr = {0};

	ck_assert(!mc_net_addr_loopback(&addr));
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
		ck_assert_int_eq(mc_net_addr_parse(inside[i], 1, &addr), MC_OK);
		ck_assert_msg(mc_net_addr_loopback(&addr), "%s", inside[i]);
	}
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		ck_assert_int_eq(mc_net_addr_parse(outside[i], 1, &addr), MC_OK);
		ck_assert_msg(!mc_net_addr_loopback(&addr), "%s", outside[i]);
	}
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
	static const char *const no_host[] = {"", "localhost", "1.2.3", "1.2.3.4.5", "[::1]",
					      "1.2.3.4:5", "12345::1"};
	static const char *const no_pair[] = {
		"", ":", ":80", "1.2.3.4", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:1x", "1.2.3.4:-1",
		"1.2.3.4: 1", "1.2.3.4:65536", "1.2.3.4:99999999999999999999",
	};
	struct mc_net_addr addr = {.len = 77};
	char longest[400];

	for (size_t i = 0; i < sizeof(no_host) / sizeof(no_host[0]); i++)
		ck_assert_int_eq(mc_net_addr_parse(no_host[i], 1, &addr), MC_ERR_ADDRESS_INVALID);
	for (size_t i = 0; i < sizeof(no_pair) / sizeof(no_pair[0]); i++)
		ck_assert_int_eq(mc_net_addr_resolve(no_pair[i], &addr), MC_ERR_ADDRESS_INVALID);
	memset(longest, 'a', sizeof(longest));
	strcpy(longest + sizeof(longest) - 4, ":80");
	ck_assert_int_eq(mc_net_addr_resolve(longest, &addr), MC_ERR_ADDRESS_INVALID);
	ck_assert_uint_eq(addr.len, 77);
}
END_TEST

START_TEST(names_are_looked_up)
{
	struct mc_net_addr addr;
	char host[MC_NET_ADDR_TEXT];

	ck_assert_int_eq(mc_net_addr_resolve("localhost:8080", &addr), MC_OK);
	ck_assert_uint_eq(mc_net_addr_port(&addr), 8080);
	mc_net_addr_host(&addr, host);
	ck_assert(strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0);
	ck_assert_int_eq(mc_net_addr_resolve("no host at all:1", &addr), MC_ERR_ADDRESS_INVALID);
}
END_TEST

START_TEST(interfaces_have_addresses)
{
	struct mc_net_addr addr;
	char text[MC_NET_ADDR_TEXT];

	ck_assert_int_eq(mc_net_interface_addr("lo", 9000, &addr), MC_OK);
	ck_assert_str_eq(mc_net_addr_text(&addr, text), "127.0.0.1:9000");
	ck_assert_int_eq(mc_net_interface_addr("no-such-if", 1, &addr), MC_ERR_NOT_FOUND);
}
END_TEST

/* ---- the seam ---- */

START_TEST(another_network_can_take_its_place)
{
	static const struct mc_net_ops other;
	const struct mc_net_ops *system = mc_net();

	mc_net_ops_set(&other);
	ck_assert_ptr_eq(mc_net(), &other);
	mc_net_ops_set(NULL);
	ck_assert_ptr_eq(mc_net(), system);
}
END_TEST

/* A host without IPv6 runs the loops with IPv4 only, and says so. */
static int
hosts_here(void)
{
	struct mc_net_addr addr;
	int fd;

	if (mc_net_addr_parse("::1", 0, &addr) == MC_OK &&
	    mc_net()->listen(&addr, 1, &fd) == MC_OK) {
		mc_net()->close(fd);
		return 2;
	}
	printf("no IPv6 on this host: tried with IPv4 only\n");
	return 1;
}

int
main(void)
{
	int count = hosts_here();
	Suite *suite = suite_create("base/net");
	TCase *tc = tcase_create("net");

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, bytes_go_both_ways, 0, count);
	tcase_add_loop_test(tc, a_peer_that_does_not_read_is_back_pressure, 0, count);
	tcase_add_loop_test(tc, ends_of_stream, 0, count);
	tcase_add_loop_test(tc, nobody_listens, 0, count);
	tcase_add_loop_test(tc, a_port_is_taken_once, 0, count);
	tcase_add_test(tc, addresses_of_others_are_refused);
	if (count == 2)
		tcase_add_test(tc, the_v6_wildcard_takes_v4_as_well);
	tcase_add_test(tc, numeric_addresses_go_to_text_and_back);
	tcase_add_test(tc, addresses_of_the_loopback_are_known);
	tcase_add_test(tc, what_is_no_address_is_refused);
	tcase_add_test(tc, names_are_looked_up);
	tcase_add_test(tc, interfaces_have_addresses);
	tcase_add_test(tc, another_network_can_take_its_place);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
