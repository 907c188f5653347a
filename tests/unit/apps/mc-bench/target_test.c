/* SPDX-License-Identifier: Apache-2.0 */
/* Which master, and its segments: parsing, mounting, keeping alive, unmounting, and failing. */
#include "apps/mc-bench/target.h"

#include <check.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tests/support/bench_master.h"
#include "tests/support/suite.h"

static struct target target;
static char why[256];

static void
setup(void)
{
	bench_master_setup();
	target = (struct target){.release = MC_RELEASE_NEWEST, .timeout_ns = 50 * MC_NS_PER_MS};
}

static void
teardown(void)
{
	target_close(&target);
	bench_master_teardown();
}

/* ---- parsing ---- */

static enum mc_status
parse(const char *text)
{
	target = (struct target){0};
	why[0] = '\0';
	return target_parse(&target, text, why, sizeof(why));
}

START_TEST(an_address_alone)
{
	ck_assert_int_eq(parse("127.0.0.1:50051"), MC_OK);
	ck_assert_str_eq(target.address, "127.0.0.1:50051");
	ck_assert_uint_eq(mc_net_addr_port(&target.addr), 50051);
	ck_assert_int_eq(target.pid, 0);
	ck_assert_str_eq(target.name, "");
	ck_assert_int_eq(parse("[::1]:7"), MC_OK);
	ck_assert_int_eq(parse("localhost:7"), MC_OK);
}
END_TEST

START_TEST(an_address_and_a_pid)
{
	char text[64];

	snprintf(text, sizeof(text), "127.0.0.1:1/%d", (int)getpid());
	ck_assert_int_eq(parse(text), MC_OK);
	ck_assert_str_eq(target.address, "127.0.0.1:1");
	ck_assert_int_eq(target.pid, getpid());
	/* the kernel keeps 15 bytes of it */
	ck_assert_str_eq(target.name, "bench_target_te");
}
END_TEST

static const struct {
	const char *text;
	const char *why;
} wrong[] = {
	{"", "\"\" is no address; give HOST:PORT"},
	{"127.0.0.1", "\"127.0.0.1\" is no address; give HOST:PORT"},
	{":1", "\":1\" is no address; give HOST:PORT"},
	{"127.0.0.1:", "\"127.0.0.1:\" is no address; give HOST:PORT"},
	{"127.0.0.1:0", "\"127.0.0.1:0\" is no address; give HOST:PORT"},
	{"127.0.0.1:65536", "\"127.0.0.1:65536\" is no address; give HOST:PORT"},
	{"127.0.0.1:1x", "\"127.0.0.1:1x\" is no address; give HOST:PORT"},
	{"127.0.0.1:1/", "\"\" is no pid; give HOST:PORT/PID"},
	{"127.0.0.1:1/0", "\"0\" is no pid; give HOST:PORT/PID"},
	{"127.0.0.1:1/-3", "\"-3\" is no pid; give HOST:PORT/PID"},
	{"127.0.0.1:1/ 3", "\" 3\" is no pid; give HOST:PORT/PID"},
	{"127.0.0.1:1/3x", "\"3x\" is no pid; give HOST:PORT/PID"},
	{"127.0.0.1:1/3/4", "\"3/4\" is no pid; give HOST:PORT/PID"},
	{"127.0.0.1:1/99999999999999999999",
	 "\"99999999999999999999\" is no pid; give HOST:PORT/PID"},
	{"127.0.0.1:1/99999999", "there is no process 99999999; give the master's pid"},
};

START_TEST(what_is_wrong_is_said)
{
	ck_assert_msg(parse(wrong[_i].text) == MC_ERR_INVALID, "%s", wrong[_i].text);
	ck_assert_str_eq(why, wrong[_i].why);
}
END_TEST

START_TEST(a_long_text_is_cut)
{
	char text[4096];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(parse(text), MC_ERR_INVALID);
	ck_assert_uint_lt(strlen(why), 80);
}
END_TEST

/* ---- segments ---- */

START_TEST(segments_are_mounted_and_unmounted)
{
	ck_assert_int_eq(target_open(&target, master.reactor), MC_OK);
	ck_assert_uint_eq(master.segments, TARGET_SEGMENTS);
	ck_assert_uint_eq(master.calls[MC_FN_REMOUNT_SEGMENT], 1);
	ck_assert_uint_eq(master.open, 1);
	ck_assert_int_eq(target_close(&target), MC_OK);
	ck_assert_uint_eq(master.segments, 0);
	ck_assert_uint_eq(master.open, 0);
	/* again is harmless */
	ck_assert_int_eq(target_close(&target), MC_OK);
	ck_assert_uint_eq(master.calls[MC_FN_UNMOUNT_SEGMENT], TARGET_SEGMENTS);
}
END_TEST

START_TEST(the_oldest_release_has_no_greeting)
{
	target.release = master.release = MC_RELEASE_0_3_6;
	ck_assert_int_eq(target_open(&target, master.reactor), MC_OK);
	ck_assert_uint_eq(master.calls[MC_FN_SERVICE_READY], 0);
	ck_assert_uint_eq(master.segments, TARGET_SEGMENTS);
}
END_TEST

START_TEST(pings_keep_it_alive)
{
	uint64_t end;

	ck_assert_int_eq(target_open(&target, master.reactor), MC_OK);
	end = mc_clock_mono_ns() + 2300 * MC_NS_PER_MS;
	while (mc_clock_mono_ns() < end)
		mc_reactor_poll(master.reactor);
	ck_assert_uint_eq(master.calls[MC_FN_PING], 2);
	/* and end with it */
	ck_assert_int_eq(target_close(&target), MC_OK);
	end = mc_clock_mono_ns() + 1200 * MC_NS_PER_MS;
	while (mc_clock_mono_ns() < end)
		mc_reactor_poll(master.reactor);
	ck_assert_uint_eq(master.calls[MC_FN_PING], 2);
}
END_TEST

/* ---- failures: each leaves nothing open ---- */

START_TEST(nobody_listens)
{
	master.connect_status = MC_ERR_CONN_REFUSED;
	ck_assert_int_eq(target_open(&target, master.reactor), MC_ERR_CONN_REFUSED);
	ck_assert_uint_eq(master.open, 0);
}
END_TEST

START_TEST(a_listener_that_says_nothing)
{
	uint64_t before = mc_clock_mono_ns();

	master.deaf = true;
	ck_assert_int_eq(target_open(&target, master.reactor), MC_ERR_TIMEOUT);
	ck_assert_uint_ge(mc_clock_mono_ns() - before, target.timeout_ns);
	ck_assert_uint_eq(master.open, 0);
}
END_TEST

START_TEST(a_master_that_refuses)
{
	static const enum mc_fn fns[] = {MC_FN_SERVICE_READY, MC_FN_MOUNT_SEGMENT,
					 MC_FN_REMOUNT_SEGMENT};

	master.errors[fns[_i]] = -1011;
	ck_assert_int_eq(target_open(&target, master.reactor), MC_ERR_UNAVAILABLE_MODE);
	ck_assert_uint_eq(master.calls[fns[_i]], 1);
	ck_assert_uint_eq(master.open, 0);
}
END_TEST

START_TEST(a_master_that_does_not_know_the_call)
{
	master.err_code = 11;
	ck_assert_int_eq(target_open(&target, master.reactor), MC_ERR_PROTOCOL);
}
END_TEST

START_TEST(a_master_that_dies)
{
	/* after each answer that there is */
	for (unsigned int i = 0; i < TARGET_SEGMENTS + 2; i++) {
		master.answers_left = i;
		ck_assert_int_eq(target_open(&target, master.reactor), MC_ERR_CONN_CLOSED);
		ck_assert_uint_eq(master.open, 0);
	}
	master.answers_left = TARGET_SEGMENTS + 2;
	ck_assert_int_eq(target_open(&target, master.reactor), MC_OK);
	ck_assert_int_eq(target_close(&target), MC_ERR_CONN_CLOSED);
}
END_TEST

START_TEST(an_unmount_that_is_refused_or_unanswered)
{
	ck_assert_int_eq(target_open(&target, master.reactor), MC_OK);
	if (_i == 0)
		master.errors[MC_FN_UNMOUNT_SEGMENT] = -1;
	else
		master.deaf = true;
	ck_assert_int_eq(target_close(&target), _i == 0 ? MC_ERR_INTERNAL : MC_ERR_TIMEOUT);
	ck_assert_uint_eq(master.open, 0);
}
END_TEST

static TCase *
cases(void)
{
	TCase *tc = tcase_create("target");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, an_address_alone);
	tcase_add_test(tc, an_address_and_a_pid);
	tcase_add_loop_test(tc, what_is_wrong_is_said, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tc, a_long_text_is_cut);
	tcase_add_test(tc, segments_are_mounted_and_unmounted);
	tcase_add_test(tc, the_oldest_release_has_no_greeting);
	tcase_add_test(tc, pings_keep_it_alive);
	tcase_add_test(tc, nobody_listens);
	tcase_add_test(tc, a_listener_that_says_nothing);
	tcase_add_loop_test(tc, a_master_that_refuses, 0, 3);
	tcase_add_test(tc, a_master_that_does_not_know_the_call);
	tcase_add_test(tc, a_master_that_dies);
	tcase_add_loop_test(tc, an_unmount_that_is_refused_or_unanswered, 0, 2);
	return tc;
}

int
main(void)
{
	Suite *s = suite_create("mc-bench/target");
	int rc;

	suite_add_tcase(s, cases());
	if (!bench_master_start())
		return 1;
	rc = suite_run(s, CK_NOFORK);
	bench_master_stop();
	return rc;
}
