/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/cli/port_owner.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/net.h"
#include "tests/support/suite.h"

static uint16_t
listener_open(const char *host, int *fd_out)
{
	struct mc_net_addr addr, local;

	ck_assert_int_eq(mc_net_addr_parse(host, 0, &addr), MC_OK);
	ck_assert_int_eq(mc_net()->listen(&addr, 1, fd_out), MC_OK);
	ck_assert_int_eq(mc_net()->local(*fd_out, &local), MC_OK);
	return mc_net_addr_port(&local);
}

START_TEST(finds_this_process)
{
	static const char *const hosts[] = {"127.0.0.1", "0.0.0.0", "::"};
	char owner[96], expected[32];
	uint16_t port;
	int fd;

	port = listener_open(hosts[_i], &fd);
	mc_port_owner(port, owner, sizeof(owner));
	snprintf(expected, sizeof(expected), "pid %d port_owner", (int)getpid());
	ck_assert_msg(strncmp(owner, expected, strlen(expected)) == 0, "%s", owner);
	mc_net()->close(fd);
	ck_assert_str_eq(mc_port_owner(port, owner, sizeof(owner)), "another process");
}
END_TEST

START_TEST(keeps_to_the_buffer)
{
	char owner[8];
	uint16_t port;
	int fd;

	port = listener_open("127.0.0.1", &fd);
	mc_port_owner(port, owner, sizeof(owner));
	ck_assert_uint_lt(strlen(owner), sizeof(owner));
	mc_net()->close(fd);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("port_owner");
	TCase *tcase = tcase_create("port_owner");

	tcase_add_loop_test(tcase, finds_this_process, 0, 3);
	tcase_add_test(tcase, keeps_to_the_buffer);
	suite_add_tcase(suite, tcase);
	return suite_run(suite, CK_FORK_GETENV);
}
