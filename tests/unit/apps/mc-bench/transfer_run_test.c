/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs against an engine that copies within this process: what is counted, how a run ends, and that
 * no wrong byte goes unseen. By callback, by threads that wait or poll, and inline.
 */
#include "apps/mc-bench/transfer_run.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "apps/mc-bench/interrupt.h"
#include "apps/mc-bench/pattern.h"
#include "core/base/clock.h"
#include "tests/support/fake_engine.h"
#include "tests/support/suite.h"

#define SIZE  4096u
#define BATCH 4u
#define SET   (64u * SIZE)
#define SEED  7u

struct way {
	enum transfer_complete complete;
	bool poll_inline;
	unsigned int threads;
	unsigned int post;
};

static const struct way ways[] = {
	{COMPLETE_CALLBACK, false, 1, 1}, {COMPLETE_CALLBACK, false, 2, 1},
	{COMPLETE_CALLBACK, true, 1, 1},  {COMPLETE_CALLBACK, true, 1, 3},
	{COMPLETE_WAIT, false, 2, 1},	  {COMPLETE_POLL, false, 2, 1},
	{COMPLETE_WAIT, false, 1, 2},
};
#define WAYS (int)(sizeof(ways) / sizeof(ways[0]))

static struct transfer_path path;
static struct transfer_params params;
static struct transfer_result result;
static uint8_t *remote;

static void
setup(void)
{
	remote = malloc(SET);
	memset(&fake_engine, 0, sizeof(fake_engine));
	fake_engine.remote = remote;
	fake_engine.remote_length = SET;
	fake_engine.threaded = true;
	pattern_fill(remote, (uintptr_t)remote, SET, SEED);
	path = (struct transfer_path){
		.peer = "peer",
		.remote = (uintptr_t)remote,
		.local = calloc(1, SET),
		.set = SET,
		.scratch = calloc(3 * BATCH, SIZE),
	};
	params = (struct transfer_params){
		.op = MC_READ, .size = SIZE, .batch = BATCH, .threads = 1, .seconds = 0.02,
		.warmup = 0.005, .timeout_ns = MC_NS_PER_S, .seed = SEED,
	};
}

static void
engine_close(void)
{
	mc_segment_close(path.segment);
	mc_engine_destroy(path.engine);
	path.engine = NULL;
}

static void
teardown(void)
{
	engine_close();
	free(remote);
	free(path.local);
	free(path.scratch);
}

static void
run(const struct way *way)
{
	struct mc_engine_params engine = {.size = sizeof(engine)};

	params.complete = way->complete;
	params.poll_inline = way->poll_inline;
	params.threads = way->threads;
	params.post = way->post;
	fake_engine.threaded = !way->poll_inline;
	if (path.engine == NULL) {
		ck_assert_int_eq(mc_engine_create(&engine, &path.engine), MC_OK);
		ck_assert_int_eq(mc_segment_open(path.engine, "peer", 0, &path.segment), MC_OK);
	}
	ck_assert_int_eq(transfer_run(&path, &params, &result), MC_OK);
	ck_assert_uint_eq(atomic_load(&fake_engine.flying), 0);
}

/* A run that met every block, however little time this machine has for it. */
static void
run_whole(const struct way *way)
{
	for (unsigned int i = 0; i < 100; i++) {
		run(way);
		if (result.first_pass_s > 0 && result.ops > 0)
			return;
		params.seconds *= 2;
		atomic_store(&fake_engine.transfers, 0);
	}
	ck_abort_msg("no pass in the end");
}

START_TEST(what_was_moved_is_counted)
{
	const struct way *way = &ways[_i];

	run_whole(way);
	ck_assert_int_eq(result.status, MC_OK);
	ck_assert_uint_eq(result.errors, 0);
	/* those of the warm-up, and those that were under way at the end, are not */
	ck_assert_uint_lt(result.ops, atomic_load(&fake_engine.transfers));
	ck_assert_uint_eq(result.latency.count * way->post, result.ops);
	ck_assert_double_ge(result.seconds, 0.02);
	ck_assert_double_ge(result.cpu_s, 0);
	ck_assert_uint_le(atomic_load(&fake_engine.flying_max), BATCH * way->threads * way->post);
	ck_assert_uint_eq(atomic_load(&fake_engine.writes), 0);
	ck_assert_uint_eq(pattern_check(path.local, path.remote, SET, SEED), SET);
}
END_TEST

START_TEST(writes_land_where_they_belong)
{
	params.op = MC_WRITE;
	pattern_fill(path.local, path.remote, SET, SEED + 1);
	run_whole(&ways[_i]);
	ck_assert_int_eq(result.status, MC_OK);
	ck_assert_uint_eq(atomic_load(&fake_engine.reads), 0);
	ck_assert_uint_eq(pattern_check(remote, path.remote, SET, SEED + 1), SET);
}
END_TEST

START_TEST(right_bytes_pass)
{
	params.verify = true;
	run_whole(&ways[_i]);
	ck_assert(!result.mismatch.found && result.errors == 0 && result.status == MC_OK);
	ck_assert_uint_ge(result.verified, result.ops * SIZE);
	params.op = MC_WRITE;
	run_whole(&ways[_i]);
	ck_assert(!result.mismatch.found && result.errors == 0 && result.status == MC_OK);
	ck_assert_uint_gt(result.verified, SIZE);
	ck_assert_uint_gt(atomic_load(&fake_engine.writes), 0);
}
END_TEST

START_TEST(a_wrong_byte_of_a_read_is_found)
{
	params.verify = true;
	fake_engine.flip_at = 20;
	params.seconds = 20;
	run(&ways[_i]);
	ck_assert(result.mismatch.found);
	ck_assert_uint_eq(result.mismatch.addr, result.mismatch.block + SIZE / 2);
	ck_assert_uint_eq(result.mismatch.expected, pattern_byte(result.mismatch.addr, SEED));
	ck_assert_uint_eq(result.mismatch.got, result.mismatch.expected ^ 0x10);
	ck_assert_double_lt(result.seconds, 10);
}
END_TEST

START_TEST(a_read_that_did_nothing_is_found)
{
	params.verify = true;
	/* in the second pass the right bytes would still be there */
	fake_engine.drop_at = 100;
	params.seconds = 20;
	run(&ways[_i]);
	ck_assert(result.mismatch.found);
}
END_TEST

START_TEST(a_write_that_did_nothing_is_found)
{
	params.verify = true;
	params.op = MC_WRITE;
	fake_engine.drop_at = 101;
	params.seconds = 20;
	run(&ways[_i]);
	ck_assert(result.mismatch.found);
}
END_TEST

START_TEST(the_first_failure_ends_the_run)
{
	fake_engine.fail_at = 50;
	fake_engine.fail_status = MC_ERR_CONN_CLOSED;
	params.seconds = 20;
	run(&ways[_i]);
	ck_assert_int_eq(result.status, MC_ERR_CONN_CLOSED);
	ck_assert_uint_eq(result.errors, 1);
	ck_assert_double_lt(result.seconds, 10);
}
END_TEST

START_TEST(no_room_is_no_failure)
{
	fake_engine.again_every = 40;
	run_whole(&ways[_i]);
	ck_assert_int_eq(result.status, MC_OK);
	/* on and on, not only once per tick of the main thread */
	ck_assert_uint_ge(result.ops, 16);
}
END_TEST

START_TEST(a_signal_ends_the_run_with_what_there_was)
{
	uint64_t start = mc_clock_mono_ns();

	params.warmup = 0;
	params.seconds = 30;
	interrupt_watch();
	raise(SIGTERM);
	run(&ways[_i]);
	ck_assert_int_eq(result.status, MC_OK);
	ck_assert_uint_lt(mc_clock_mono_ns() - start, 10 * MC_NS_PER_S);
}
END_TEST

START_TEST(a_child_that_is_gone_ends_the_run)
{
	struct child gone = {.pid = 0, .out = -1};

	path.child = &gone;
	params.seconds = 30;
	run(&ways[_i]);
	ck_assert_int_eq(result.status, MC_ERR_CONN_CLOSED);
	ck_assert_double_lt(result.cpu_s, 0);
}
END_TEST

START_TEST(filling_reaches_all_of_the_peer)
{
	run(&ways[_i]);
	memset(remote, 0, SET);
	ck_assert_int_eq(transfer_fill(&path, SEED, MC_NS_PER_S), MC_OK);
	ck_assert_uint_eq(pattern_check(remote, path.remote, SET, SEED), SET);
	fake_engine.fail_at = atomic_load(&fake_engine.transfers) + 1;
	fake_engine.fail_status = MC_ERR_TIMEOUT;
	ck_assert_int_eq(transfer_fill(&path, SEED, MC_NS_PER_S), MC_ERR_TIMEOUT);
}
END_TEST

START_TEST(more_in_flight_than_blocks_is_fine)
{
	path.set = 3 * SIZE;
	run_whole(&ways[_i]);
	ck_assert_int_eq(result.status, MC_OK);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mc-bench/transfer_run");
	TCase *tc = tcase_create("run");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, what_was_moved_is_counted, 0, WAYS);
	tcase_add_loop_test(tc, writes_land_where_they_belong, 0, WAYS);
	tcase_add_loop_test(tc, right_bytes_pass, 0, WAYS);
	tcase_add_loop_test(tc, a_wrong_byte_of_a_read_is_found, 0, WAYS);
	tcase_add_loop_test(tc, a_read_that_did_nothing_is_found, 0, WAYS);
	tcase_add_loop_test(tc, a_write_that_did_nothing_is_found, 0, WAYS);
	tcase_add_loop_test(tc, the_first_failure_ends_the_run, 0, WAYS);
	tcase_add_loop_test(tc, no_room_is_no_failure, 0, WAYS);
	tcase_add_loop_test(tc, a_signal_ends_the_run_with_what_there_was, 0, WAYS);
	tcase_add_loop_test(tc, a_child_that_is_gone_ends_the_run, 0, WAYS);
	tcase_add_loop_test(tc, filling_reaches_all_of_the_peer, 0, WAYS);
	tcase_add_loop_test(tc, more_in_flight_than_blocks_is_fine, 0, WAYS);
	suite_add_tcase(s, tc);
	return suite_run(s, CK_FORK_GETENV);
}
