/* SPDX-License-Identifier: Apache-2.0 */
/* What the flags of mc-bench master ask for, and that a wrong one is named with what to give. */
#include "apps/mc-bench/options.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tests/support/suite.h"

static struct mc_flags *flags;
static struct bench_options options;
static enum mc_status status;
static char mypid[128];		/* "127.0.0.1:7/<of this process>" */

static void
setup(void)
{
	snprintf(mypid, sizeof(mypid), "127.0.0.1:7/%d", (int)getpid());
}

static void
teardown(void)
{
	mc_flags_destroy(flags);
	flags = NULL;
}

static void
options_parse(int argc, const char *const *argv)
{
	struct mc_flags_params params = {
		.size = sizeof(params),
		.table = bench_options_table,
		.table_count = bench_options_count,
		.program = "mc-bench master",
	};

	mc_flags_destroy(flags);
	ck_assert_int_eq(mc_flags_create(&params, &flags), MC_OK);
	status = mc_flags_parse(flags, argc, argv);
	if (status == MC_OK)
		status = bench_options_read(flags, &options);
}

#define parse(...)                                                                           \
	do {                                                                                 \
		const char *const argv_[] = {"master", ##__VA_ARGS__};                       \
		options_parse((int)(sizeof(argv_) / sizeof(argv_[0])), argv_);               \
	} while (0)

#define parse_ok(...)                                                         \
	do {                                                                  \
		parse(__VA_ARGS__);                                           \
		ck_assert_msg(status == MC_OK, "%s", mc_flags_errors(flags)); \
	} while (0)

#define parse_bad(error, ...)                                                           \
	do {                                                                            \
		parse(__VA_ARGS__);                                                     \
		ck_assert_int_eq(status, MC_ERR_INVALID);                               \
		ck_assert_str_eq(mc_flags_errors(flags), "mc-bench master: " error "\n"); \
	} while (0)

/* ---- what is asked for ---- */

START_TEST(defaults)
{
	parse_ok();
	ck_assert_uint_eq(options.targets_count, 1);
	ck_assert_str_eq(options.targets[0].address, "127.0.0.1:50051");
	ck_assert_int_eq(options.targets[0].pid, 0);
	ck_assert_int_eq(options.targets[0].release, MC_RELEASE_NEWEST);
	ck_assert_uint_eq(options.targets[0].timeout_ns, 10 * MC_NS_PER_S);
	ck_assert_uint_eq(options.rows_count, 1);
	ck_assert_int_eq(options.rows[0].op, OP_EXIST);
	ck_assert_uint_eq(options.rows[0].connections, 8);
	ck_assert_uint_eq(options.rows[0].depth, 16);
	ck_assert_uint_eq(options.rows[0].batch, 1);
	ck_assert_uint_eq(options.rounds, 1);
	ck_assert_int_eq(options.params.form, MC_FORM_LITERAL);
	ck_assert_int_eq(options.idle, MC_IDLE_ADAPTIVE);
	ck_assert(!options.json);
}
END_TEST

START_TEST(every_flag_arrives)
{
	parse_ok("-op=put", "-connections=3", "-depth=5", "-keys=77", "-key_size=64",
		 "-value_size=9", "-seconds=1.5", "-warmup=0.25", "-timeout=0.5", "-poll=busy",
		 "-poll_idle_us=7", "-release=0.3.9", "-form=short", "-seed=42", "-json", "-l=1");
	ck_assert_int_eq(options.rows[0].op, OP_PUT);
	ck_assert_uint_eq(options.rows[0].connections, 3);
	ck_assert_uint_eq(options.rows[0].depth, 5);
	ck_assert_uint_eq(options.params.keys_count, 77);
	ck_assert_uint_eq(options.params.key_size, 64);
	ck_assert_uint_eq(options.params.value_size, 9);
	ck_assert_double_eq(options.params.seconds, 1.5);
	ck_assert_double_eq(options.params.warmup, 0.25);
	ck_assert_uint_eq(options.params.seed, 42);
	ck_assert_int_eq(options.params.form, MC_FORM_SHORT);
	ck_assert_uint_eq(options.targets[0].timeout_ns, 500 * MC_NS_PER_MS);
	ck_assert_int_eq(options.targets[0].release, MC_RELEASE_0_3_9);
	ck_assert_int_eq(options.idle, MC_IDLE_BUSY);
	ck_assert_uint_eq(options.spin_ns, 7000);
	ck_assert_str_eq(options.cpus, "1");
	ck_assert(options.json);
}
END_TEST

START_TEST(ops_are_rows_in_order)
{
	parse_ok("-op=get,batch_put,get,fill", "-batch=32");
	ck_assert_uint_eq(options.rows_count, 4);
	ck_assert_int_eq(options.rows[0].op, OP_GET);
	ck_assert_int_eq(options.rows[1].op, OP_BATCH_PUT);
	ck_assert_int_eq(options.rows[2].op, OP_GET);
	ck_assert_int_eq(options.rows[3].op, OP_FILL);
	ck_assert_uint_eq(options.rows[0].batch, 1);
	ck_assert_uint_eq(options.rows[1].batch, 32);
	ck_assert_uint_eq(options.rows[3].batch, 32);
}
END_TEST

START_TEST(the_suite_has_its_own_load)
{
	parse_ok("-suite", "-connections=100", "-batch=8");
	ck_assert_uint_eq(options.rows_count, 7);
	for (unsigned int i = 0; i < options.rows_count; i++) {
		ck_assert_uint_le(options.rows[i].connections, 8);
		ck_assert_uint_eq(options.rows[i].batch, op_batched(options.rows[i].op) ? 8 : 1);
	}
}
END_TEST

START_TEST(a_master_may_be_an_argument)
{
	parse_ok("127.0.0.1:1234");
	ck_assert_str_eq(options.targets[0].address, "127.0.0.1:1234");
	parse_ok("-master=127.0.0.1:7", "-pid=1");
	ck_assert_int_eq(options.targets[0].pid, 1);
	parse_ok(mypid);
	ck_assert_int_eq(options.targets[0].pid, getpid());
	ck_assert_str_eq(options.targets[0].address, "127.0.0.1:7");
	ck_assert_str_ne(options.targets[0].name, "");
}
END_TEST

START_TEST(two_are_compared_in_rounds)
{
	char pair[300];

	snprintf(pair, sizeof(pair), "-compare=%s,127.0.0.1:8", mypid);
	parse_ok(pair, "-rounds=3", "-release=0.3.10");
	ck_assert_uint_eq(options.targets_count, 2);
	ck_assert_uint_eq(options.rounds, 3);
	ck_assert_int_eq(options.targets[0].pid, getpid());
	ck_assert_str_eq(options.targets[1].address, "127.0.0.1:8");
	ck_assert_int_eq(options.targets[1].pid, 0);
	ck_assert_int_eq(options.targets[1].release, MC_RELEASE_0_3_10);
	ck_assert_uint_eq(options.targets[1].timeout_ns, 10 * MC_NS_PER_S);
}
END_TEST

/* ---- what is refused ---- */

START_TEST(wrong_ops_are_named)
{
	parse_bad("-op: \"exits\" is no op; give one of exist, get, put, mixed, batch_exist, "
		  "batch_get, batch_put, fill",
		  "-op=exist,exits");
	parse_bad("-op: \"\" is no op; give one of exist, get, put, mixed, batch_exist, "
		  "batch_get, batch_put, fill",
		  "-op=get,,put");
	parse_ok("-op=get,get,get,get,get,get,get,get,get,get,get,get,get,get,get,get");
	parse_bad("-op: more than 16 ops; give fewer",
		  "-op=get,get,get,get,get,get,get,get,get,get,get,get,get,get,get,get,get");
}
END_TEST

START_TEST(loads_that_measure_nothing_right_are_refused)
{
	parse_ok("-keys=64", "-op=batch_get");
	parse_ok("-keys=3", "-op=get");
	parse_bad("-batch: 64 is more than there are keys; give at most 63 or more -keys",
		  "-keys=63", "-op=get,batch_get");
	parse_ok("-connections=16", "-depth=65536");
	parse_bad("-depth: 65536 on each of 17 connections is more than 1048576 calls; give less "
		  "of either",
		  "-connections=17", "-depth=65536");
}
END_TEST

START_TEST(wrong_masters_are_named)
{
	parse_bad("-master: \"here\" is no address; give HOST:PORT", "-master=here");
	parse_bad("\"127.0.0.1:0\" is no address; give HOST:PORT", "127.0.0.1:0");
	parse_bad("-master: \"1x\" is no pid; give HOST:PORT/PID", "-master=127.0.0.1:1/1x");
	parse_bad("-compare: \"127.0.0.1:1/1\" is one master; give HOST:PORT/PID,HOST:PORT/PID",
		  "-compare=127.0.0.1:1/1");
	parse_bad("-compare: \"there\" is no address; give HOST:PORT",
		  "-compare=127.0.0.1:1,there");
	parse_bad("-release: \"9.9\" is none that is known; give 0.3.6 to 0.3.13", "-release=9.9");
}
END_TEST

START_TEST(contradictions_are_told)
{
	parse_bad("-suite: -op is given too; give one of the two", "-suite", "-op=get");
	parse_bad("-compare: -master is given too; give one of the two",
		  "-compare=127.0.0.1:1,127.0.0.1:2", "-master=127.0.0.1:3");
	parse_bad("-compare: -pid is given too; give one of the two",
		  "-compare=127.0.0.1:1,127.0.0.1:2", "-pid=1");
	parse_bad("\"127.0.0.1:2\" is one argument too many; give one master", "127.0.0.1:1",
		  "127.0.0.1:2");
	parse_bad("\"127.0.0.1:2\" is one argument too many; give one master",
		  "-master=127.0.0.1:1", "127.0.0.1:2");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mc-bench/options");
	TCase *tc = tcase_create("options");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, defaults);
	tcase_add_test(tc, every_flag_arrives);
	tcase_add_test(tc, ops_are_rows_in_order);
	tcase_add_test(tc, the_suite_has_its_own_load);
	tcase_add_test(tc, a_master_may_be_an_argument);
	tcase_add_test(tc, two_are_compared_in_rounds);
	tcase_add_test(tc, wrong_ops_are_named);
	tcase_add_test(tc, loads_that_measure_nothing_right_are_refused);
	tcase_add_test(tc, wrong_masters_are_named);
	tcase_add_test(tc, contradictions_are_told);
	suite_add_tcase(s, tc);
	return suite_run(s, CK_FORK_GETENV);
}
