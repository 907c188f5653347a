/* SPDX-License-Identifier: Apache-2.0 */
/* One run: what is counted, which keys it leaves to the next, and every way to end early. */
#include "apps/mc-bench/run.h"

#include <check.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "apps/mc-bench/interrupt.h"
#include "core/base/clock.h"
#include "tests/support/bench_master.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

static struct target target;
static struct run_params params;
static struct run_result result;

static void
setup(void)
{
	bench_master_setup();
	target = (struct target){.release = MC_RELEASE_NEWEST, .timeout_ns = 100 * MC_NS_PER_MS,
				 .address = "here:1"};
	params = (struct run_params){
		.op = OP_EXIST,
		.form = MC_FORM_SHORT,
		.connections = 3,
		.depth = 2,
		.batch = 1,
		.key_size = 20,
		.keys_count = 500,
		.value_size = 4096,
		.seconds = 0.05,
		.seed = 1,
	};
	must(target_open(&target, master.reactor) == MC_OK);
}

static void
teardown(void)
{
	target_close(&target);
	bench_master_teardown();
}

static enum mc_status
run(enum op op, unsigned int batch)
{
	params.op = op;
	params.batch = batch;
	return run_once(&target, &params, &result);
}

static void
run_ok(enum op op, unsigned int batch)
{
	ck_assert_int_eq(run(op, batch), MC_OK);
	ck_assert_uint_eq(result.wrong, 0);
	/* its connections are closed, the control connection stays */
	ck_assert_uint_eq(master.open, 1);
}

START_TEST(a_run_counts_calls_and_keys)
{
	unsigned int batch = op_batched((enum op)_i) ? 16 : 1;

	run_ok(OP_FILL, 100);
	memset(master.calls, 0, sizeof(master.calls));
	run_ok((enum op)_i, batch);
	ck_assert_uint_gt(result.calls, 0);
	/* a put is two calls, and the first of one may have come before the run's end */
	if (master.calls[MC_FN_PUT_START] + master.calls[MC_FN_BATCH_PUT_START] == 0)
		ck_assert_uint_eq(result.keys, result.calls * batch);
	else if (_i != OP_MIXED)
		ck_assert_double_eq_tol((double)result.keys, (double)result.calls * batch / 2,
					params.connections * params.depth * batch);
	ck_assert_uint_eq(result.latency.count, result.calls);
	ck_assert_double_ge(result.seconds, 0.05);
	ck_assert_double_lt(result.cpu_us_per_call, 0);
	ck_assert_uint_eq(master.refused + master.missed, 0);
}
END_TEST

START_TEST(the_warm_up_does_not_count)
{
	run_ok(OP_FILL, 100);
	memset(master.calls, 0, sizeof(master.calls));
	params.warmup = 0.2;
	run_ok(OP_EXIST, 1);
	ck_assert_uint_gt(result.calls, 0);
	ck_assert_uint_lt(result.calls, master.calls[MC_FN_EXIST_KEY]);
}
END_TEST

START_TEST(fills_and_puts_never_meet)
{
	/* the first fill makes the keys of reads, whatever ran before it */
	run_ok(OP_PUT, 1);
	run_ok(OP_FILL, 64);
	for (unsigned int i = 0; i < params.keys_count; i++)
		must(master.put[0][i]);
	ck_assert_uint_eq(result.keys, (params.keys_count + 63) / 64 * 64);
	params.seconds = 0.02;
	run_ok(OP_FILL, 64);
	run_ok(OP_BATCH_PUT, 8);
	run_ok(OP_FILL, 7);
	run_ok(OP_PUT, 1);
	run_ok(OP_EXIST, 1);
	ck_assert_uint_eq(master.refused + master.missed, 0);
}
END_TEST

START_TEST(cpu_time_needs_a_pid)
{
	run_ok(OP_FILL, 100);
	target.pid = getpid();
	params.seconds = 0.2;
	run_ok(OP_EXIST, 1);
	/* the time of both sides, as this process is both */
	ck_assert_double_gt(result.cpu_us_per_call, 0);
	ck_assert_double_lt(result.cpu_us_per_call * (double)result.calls, 10e6);
}
END_TEST

START_TEST(errors_are_counted_by_code)
{
	master.errors[MC_FN_EXIST_KEY] = -1010;
	ck_assert_int_eq(run(OP_EXIST, 1), MC_OK);
	ck_assert_uint_ge(result.wrong, result.calls);
	ck_assert_int_eq(result.errors[0].code, -1010);
	ck_assert_uint_eq(result.errors[0].count, result.wrong);
}
END_TEST

/* ---- failures ---- */

START_TEST(nobody_listens)
{
	master.connect_status = MC_ERR_CONN_REFUSED;
	ck_assert_int_eq(run(OP_EXIST, 1), MC_ERR_CONN_REFUSED);
	ck_assert_uint_eq(master.open, 1);
	ck_assert_uint_eq(result.calls, 0);
}
END_TEST

START_TEST(a_master_that_dies)
{
	master.answers_left = 100;
	params.seconds = 600;
	ck_assert_int_eq(run(_i == 0 ? OP_FILL : OP_PUT, _i == 0 ? 2 : 1), MC_ERR_CONN_CLOSED);
	ck_assert_uint_gt(result.calls, 0);
	ck_assert_uint_eq(master.open, 1);
}
END_TEST

START_TEST(a_master_that_stands_still)
{
	master.deaf = true;
	params.seconds = 600;
	ck_assert_int_eq(run(_i == 0 ? OP_FILL : OP_PUT, 1), MC_ERR_TIMEOUT);
	ck_assert_uint_eq(master.open, 1);
}
END_TEST

/* Last, as what came stays: this process is one that was told to end. */
START_TEST(a_signal_ends_it)
{
	run_ok(OP_FILL, 100);
	interrupt_watch();
	raise(SIGINT);
	params.seconds = 600;
	/* before it began: as good as no connection in time */
	ck_assert_int_eq(run(OP_EXIST, 1), MC_ERR_TIMEOUT);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mc-bench/run");
	TCase *tc = tcase_create("run");
	int rc;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_run_counts_calls_and_keys, 0, OP_COUNT - 1);
	tcase_add_test(tc, the_warm_up_does_not_count);
	tcase_add_test(tc, fills_and_puts_never_meet);
	tcase_add_test(tc, cpu_time_needs_a_pid);
	tcase_add_test(tc, errors_are_counted_by_code);
	tcase_add_test(tc, nobody_listens);
	tcase_add_loop_test(tc, a_master_that_dies, 0, 2);
	tcase_add_loop_test(tc, a_master_that_stands_still, 0, 2);
	tcase_add_test(tc, a_signal_ends_it);
	suite_add_tcase(s, tc);
	if (!bench_master_start())
		return 1;
	rc = suite_run(s, CK_NOFORK);
	bench_master_stop();
	return rc;
}
