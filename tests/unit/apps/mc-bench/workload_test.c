/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of each op, against a master that remembers keys, and the judgement of its answers. */
#include "apps/mc-bench/workload.h"

#include <check.h>
#include <stdlib.h>

#include "tests/support/bench_master.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

#define DEPTH 3u
#define KEYS  1000u

static struct conn conn;
static struct workload workload;
static struct workload_params params;
static unsigned int answers, told;
static unsigned int left;	/* calls that may still be begun */

static void
answered(struct conn *from, struct conn_slot *slot, uint8_t err_code, const uint8_t *body,
	 size_t len)
{
	answers++;
	told += workload_answer(&workload, slot, err_code, body, len);
	if (left > 0 && workload_next(&workload, from, slot))
		left--;
}

/* Runs up to @calls calls of @op, to the end of the last answer. */
static void
work(enum op op, unsigned int batch, unsigned int calls)
{
	params.op = op;
	params.batch = batch;
	params.release = master.release;
	answers = told = 0;
	ck_assert_int_eq(workload_init(&workload, &params), MC_OK);
	ck_assert_int_eq(conn_open(&conn, master.reactor, &(struct mc_net_addr){0}, DEPTH,
				   UINT32_MAX),
			 MC_OK);
	conn.answer = answered;
	left = calls;
	for (unsigned int i = 0; i < DEPTH && left > 0; i++) {
		if (workload_next(&workload, &conn, &conn.slots[i]))
			left--;
	}
	while (conn.flying > 0 && conn.status == MC_OK)
		mc_reactor_poll(master.reactor);
	ck_assert_int_eq(conn.status, MC_OK);
	conn_close(&conn);
	/* errors stay to be looked at */
	workload_fini(&workload);
}

static void
fill(void)
{
	params.put_key = 0;
	work(OP_FILL, 64, UINT32_MAX);
	params.put_key = BENCH_MASTER_NEW;
	ck_assert_uint_eq(workload.wrong, 0);
	memset(master.calls, 0, sizeof(master.calls));
}

static void
setup(void)
{
	bench_master_setup();
	params = (struct workload_params){
		.form = MC_FORM_LITERAL,
		.key_size = KEY_SIZE_MIN,
		.keys_count = KEYS,
		.put_key = BENCH_MASTER_NEW,
		.value_size = 4096,
		.seed = 7,
		.client_id = {1, 2},
	};
}

static void
teardown(void)
{
	conn_close(&conn);
	bench_master_teardown();
}

/* ---- names ---- */

START_TEST(names_lead_back)
{
	enum op op = OP_COUNT;

	for (int i = 0; i < OP_COUNT; i++) {
		ck_assert_int_eq(op_parse(op_name((enum op)i), &op), MC_OK);
		ck_assert_int_eq(op, i);
	}
	ck_assert_int_eq(op_parse("", &op), MC_ERR_NOT_FOUND);
	ck_assert_int_eq(op_parse("EXIST", &op), MC_ERR_NOT_FOUND);
	ck_assert_int_eq(op_parse("exist ", &op), MC_ERR_NOT_FOUND);
}
END_TEST

/* ---- keys ---- */

START_TEST(a_fill_puts_every_key_once)
{
	unsigned int there = 0;

	params.put_key = 0;
	work(OP_FILL, 64, UINT32_MAX);
	ck_assert_uint_eq(workload.wrong, 0);
	for (unsigned int i = 0; i < BENCH_MASTER_KEYS; i++)
		there += master.put[0][i];
	/* in whole batches */
	ck_assert_uint_eq(there, (KEYS + 63) / 64 * 64);
	for (unsigned int i = 0; i < KEYS; i++)
		must(master.put[0][i]);
	ck_assert_uint_eq(master.calls[MC_FN_BATCH_PUT_START], (KEYS + 63) / 64);
	ck_assert_uint_eq(master.calls[MC_FN_BATCH_PUT_END], (KEYS + 63) / 64);
}
END_TEST

static const enum op reads[] = {OP_EXIST, OP_GET, OP_BATCH_EXIST, OP_BATCH_GET};

START_TEST(reads_ask_for_what_is_there)
{
	unsigned int batch = op_batched(reads[_i]) ? 64 : 1;

	fill();
	/* the fill's last batch went beyond the keys that reads may ask for */
	memset(&master.put[0][KEYS], 0, BENCH_MASTER_KEYS - KEYS);
	work(reads[_i], batch, 3000);
	ck_assert_uint_eq(answers, 3000);
	ck_assert_uint_eq(told, 3000 * batch);
	ck_assert_uint_eq(workload.wrong, 0);
	ck_assert_uint_eq(master.missed, 0);
}
END_TEST

START_TEST(a_batch_of_all_keys_goes_round)
{
	fill();
	memset(&master.put[0][KEYS], 0, BENCH_MASTER_KEYS - KEYS);
	work(OP_BATCH_EXIST, KEYS, 20);
	ck_assert_uint_eq(workload.wrong, 0);
	/* and when one is missing, each batch tells */
	master.put[0][KEYS / 2] = false;
	work(OP_BATCH_EXIST, KEYS, 20);
	ck_assert_uint_eq(workload.wrong, 20);
}
END_TEST

START_TEST(one_key_is_enough)
{
	params.keys_count = 1;
	fill();
	work(OP_GET, 1, 10);
	work(OP_BATCH_GET, 1, 10);
	ck_assert_uint_eq(workload.wrong, 0);
	ck_assert_str_eq(master.last_key, "mcbench-000000000000");
}
END_TEST

START_TEST(puts_take_new_keys_in_order)
{
	/* each put is two calls */
	work(OP_PUT, 1, 300);
	ck_assert_uint_eq(workload.wrong, 0);
	ck_assert_uint_eq(master.refused, 0);
	ck_assert_uint_eq(master.calls[MC_FN_PUT_START], 150);
	ck_assert_uint_eq(master.calls[MC_FN_PUT_END], 150);
	for (unsigned int i = 0; i < BENCH_MASTER_KEYS; i++)
		must(master.put[1][i] == (i < 150));
	/* the next run goes on behind them */
	ck_assert_uint_eq(workload.next_key, BENCH_MASTER_NEW + 150);
	params.put_key = workload.next_key;
	work(OP_BATCH_PUT, 10, 30);
	ck_assert_uint_eq(workload.wrong, 0);
	ck_assert_uint_eq(master.refused, 0);
	for (unsigned int i = 0; i < BENCH_MASTER_KEYS; i++)
		must(master.put[1][i] == (i < 300));
}
END_TEST

START_TEST(mixed_is_one_put_four_gets_five_exists)
{
	unsigned int exist, get, put;

	fill();
	work(OP_MIXED, 1, 11000);
	ck_assert_uint_eq(workload.wrong, 0);
	exist = master.calls[MC_FN_EXIST_KEY];
	get = master.calls[MC_FN_GET_REPLICA_LIST];
	put = master.calls[MC_FN_PUT_START];
	ck_assert_uint_eq(exist + get + put + master.calls[MC_FN_PUT_END], 11000);
	ck_assert_double_eq_tol((double)put / (exist + get + put), 0.1, 0.02);
	ck_assert_double_eq_tol((double)get / (exist + get + put), 0.4, 0.03);
}
END_TEST

START_TEST(keys_have_their_size)
{
	static const unsigned int sizes[] = {KEY_SIZE_MIN, 21, 64, KEY_SIZE_MAX};

	params.key_size = sizes[_i];
	fill();
	work(OP_GET, 1, 10);
	ck_assert_uint_eq(workload.wrong, 0);
	ck_assert_uint_eq(strlen(master.last_key), sizes[_i]);
	ck_assert_uint_eq(strspn(master.last_key + 8, "0123456789"), sizes[_i] - 8);
}
END_TEST

START_TEST(a_seed_gives_one_order)
{
	char first[1025];

	fill();
	work(OP_EXIST, 1, 50);
	strcpy(first, master.last_key);
	work(OP_EXIST, 1, 50);
	ck_assert_str_eq(master.last_key, first);
	params.seed = 8;
	work(OP_EXIST, 1, 50);
	ck_assert_str_ne(master.last_key, first);
}
END_TEST

START_TEST(every_release_and_form)
{
	master.release = (enum mc_release)(_i / 2);
	params.form = _i % 2 ? MC_FORM_SHORT : MC_FORM_LITERAL;
	fill();
	for (int op = 0; op < OP_COUNT - 1; op++) {
		work((enum op)op, op_batched((enum op)op) ? 16 : 1, 100);
		ck_assert_msg(workload.wrong == 0, "%s in %s", op_name((enum op)op),
			      mc_release_name(master.release));
		params.put_key = workload.next_key;
	}
	ck_assert_uint_eq(master.refused + master.missed, 0);
}
END_TEST

/* ---- answers that are wrong ---- */

static void
error_expect(int32_t code, uint64_t count)
{
	ck_assert_int_eq(workload.errors[0].code, code);
	ck_assert_uint_eq(workload.errors[0].count, count);
	ck_assert_uint_eq(workload.errors[1].count, 0);
	ck_assert_uint_eq(workload.wrong, count);
}

START_TEST(a_missing_key_is_a_wrong_answer)
{
	work(OP_EXIST, 1, 10);
	error_expect(2, 10);
	work(OP_GET, 1, 10);
	error_expect(-704, 10);
	work(OP_BATCH_EXIST, 5, 10);
	error_expect(2, 50);
	work(OP_BATCH_GET, 5, 10);
	error_expect(-704, 50);
}
END_TEST

START_TEST(refused_puts_are_counted_and_not_ended)
{
	master.errors[MC_FN_PUT_START] = -200;
	work(OP_PUT, 1, 10);
	error_expect(-200, 10);
	ck_assert_uint_eq(master.calls[MC_FN_PUT_END], 0);
	master.errors[MC_FN_BATCH_PUT_START] = -200;
	work(OP_BATCH_PUT, 4, 10);
	error_expect(-200, 40);
	ck_assert_uint_eq(master.calls[MC_FN_BATCH_PUT_END], 0);
}
END_TEST

START_TEST(a_wrong_size_is_a_wrong_answer)
{
	fill();
	master.size = 4095;
	work(OP_GET, 1, 10);
	error_expect(2, 10);
}
END_TEST

START_TEST(a_framing_error_is_counted)
{
	fill();
	master.err_code = 11;
	work(OP_EXIST, 1, 10);
	error_expect(1, 10);
}
END_TEST

START_TEST(many_kinds_of_errors_are_all_counted)
{
	struct conn_slot slot = {0};
	uint8_t noise[3] = {1, 2, 3};

	params.op = OP_EXIST;
	params.batch = 1;
	params.release = MC_RELEASE_NEWEST;
	ck_assert_int_eq(workload_init(&workload, &params), MC_OK);
	for (int32_t code = 0; code < 20; code++) {
		struct mc_result_bool result = {.error = -700 - code};
		struct mc_writer writer;
		struct mc_buf body;

		mc_buf_init(&body);
		mc_result_open(&writer, &body, MC_FN_EXIST_KEY, params.release, MC_FORM_SHORT, 1);
		mc_result_put(&writer, &result);
		ck_assert_int_eq(mc_result_close(&writer), MC_OK);
		workload_answer(&workload, &slot, 0, body.data, mc_buf_len(&body));
		mc_buf_fini(&body);
	}
	workload_answer(&workload, &slot, 0, noise, sizeof(noise));
	workload_answer(&workload, &slot, 0, noise, 0);
	ck_assert_uint_eq(workload.wrong, 22);
	for (int i = 0; i < ERROR_KINDS; i++)
		ck_assert_uint_eq(workload.errors[i].count, 1);
	workload_fini(&workload);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mc-bench/workload");
	TCase *tc = tcase_create("workload");
	int rc;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, names_lead_back);
	tcase_add_test(tc, a_fill_puts_every_key_once);
	tcase_add_loop_test(tc, reads_ask_for_what_is_there, 0, 4);
	tcase_add_test(tc, a_batch_of_all_keys_goes_round);
	tcase_add_test(tc, one_key_is_enough);
	tcase_add_test(tc, puts_take_new_keys_in_order);
	tcase_add_test(tc, mixed_is_one_put_four_gets_five_exists);
	tcase_add_loop_test(tc, keys_have_their_size, 0, 4);
	tcase_add_test(tc, a_seed_gives_one_order);
	tcase_add_loop_test(tc, every_release_and_form, 0, 2 * MC_RELEASE_COUNT);
	tcase_add_test(tc, a_missing_key_is_a_wrong_answer);
	tcase_add_test(tc, refused_puts_are_counted_and_not_ended);
	tcase_add_test(tc, a_wrong_size_is_a_wrong_answer);
	tcase_add_test(tc, a_framing_error_is_counted);
	tcase_add_test(tc, many_kinds_of_errors_are_all_counted);
	suite_add_tcase(s, tc);
	if (!bench_master_start())
		return 1;
	rc = suite_run(s, CK_NOFORK);
	bench_master_stop();
	return rc;
}
