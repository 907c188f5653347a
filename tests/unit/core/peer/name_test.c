/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/peer/private.h"
#include "tests/support/suite.h"

static void
is(const char *text, const char *host, uint16_t port, const char *name_text)
{
	char buf[PEER_NAME_MAX];
	struct peer_name name;

	ck_assert_msg(peer_name_parse(text, &name) == MC_OK, "%s", text);
	ck_assert_str_eq(name.host, host);
	ck_assert_uint_eq(name.port, port);
	peer_name_text(&name, buf);
	ck_assert_str_eq(buf, name_text);
}

START_TEST(names_are_read_as_upstream_reads_them)
{
	is("node7", "node7", 12001, "node7:12001");
	is("node7:15000", "node7", 15000, "node7:15000");
	is("10.0.0.1:1", "10.0.0.1", 1, "10.0.0.1:1");
	is("a:b:80", "a:b", 80, "a:b:80");
	is("node7:x", "node7", 12001, "node7:12001");
	is("node7:70000", "node7", 12001, "node7:12001");
	is("::1", "::1", 12001, "[::1]:12001");
	is("[::1]", "::1", 12001, "[::1]:12001");
	is("[fe80::1]:81", "fe80::1", 81, "[fe80::1]:81");
	is("fe80::1%eth0:82", "fe80::1%eth0", 82, "[fe80::1%eth0]:82");
	is("fe80::1%eth0", "fe80::1%eth0", 12001, "[fe80::1%eth0]:12001");
}
END_TEST

START_TEST(names_that_are_none_are_refused)
{
	char long_host[PEER_HOST_MAX + 8];
	struct peer_name name;

	memset(long_host, 'h', sizeof(long_host) - 1);
	long_host[sizeof(long_host) - 1] = '\0';
	ck_assert_int_eq(peer_name_parse("", &name), MC_ERR_ADDRESS_INVALID);
	ck_assert_int_eq(peer_name_parse(":80", &name), MC_ERR_ADDRESS_INVALID);
	ck_assert_int_eq(peer_name_parse("[::1", &name), MC_ERR_ADDRESS_INVALID);
	ck_assert_int_eq(peer_name_parse("[]:80", &name), MC_ERR_ADDRESS_INVALID);
	ck_assert_int_eq(peer_name_parse(long_host, &name), MC_ERR_ADDRESS_INVALID);
}
END_TEST

static void
ports_are(const char *min, const char *max, uint16_t first, uint16_t last)
{
	struct peer_ports ports;

	setenv("MC_MIN_RPC_PORT", min, 1);
	setenv("MC_MAX_RPC_PORT", max, 1);
	ports = peer_ports_choose();
	ck_assert_uint_eq(ports.min, first);
	ck_assert_uint_eq(ports.max, last);
}

START_TEST(ports_come_from_the_environment_if_they_are_usable)
{
	ports_are("20000", "20001", 20000, 20001);
	ports_are("61000", "65535", 61000, 65535);
	ports_are("1023", "20000", 15000, 17000);
	ports_are("20000", "32768", 15000, 17000);
	ports_are("20001", "20000", 15000, 17000);
	ports_are("x", "65536", 15000, 17000);
	unsetenv("MC_MIN_RPC_PORT");
	unsetenv("MC_MAX_RPC_PORT");
	setenv("MC_MIN_PRC_PORT", "21000", 1);
	setenv("MC_MAX_PRC_PORT", "21000", 1);
	ck_assert_uint_eq(peer_ports_choose().max, 21000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("peer/name");
	TCase *tc = tcase_create("name");

	tcase_add_test(tc, names_are_read_as_upstream_reads_them);
	tcase_add_test(tc, names_that_are_none_are_refused);
	tcase_add_test(tc, ports_come_from_the_environment_if_they_are_usable);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
