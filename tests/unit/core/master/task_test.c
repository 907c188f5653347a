/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks: who may create them, who gets them, and how each of them ends. */
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/master/task.h"
#include "tests/support/sim_segment.h"
#include "tests/support/sim_task.h"

#define DAY_S 86400ull
#define TASKS_MAX 64u

static struct sim_client one, two, user;
static struct sim_task tasks[TASKS_MAX];
static struct mc_uuid id;

/* Segments a:1 and b:1 of one client, c:1 of another; the object "k" on a:1. */
static void
open_with(struct mc_master_params *params)
{
	sim_master_open(params);
	one = sim_client_open(1, MC_RELEASE_NEWEST);
	two = sim_client_open(2, MC_RELEASE_NEWEST);
	user = sim_client_open(3, MC_RELEASE_NEWEST);
	ck_assert_int_eq(sim_mount(&one, "a:1", 1, 4 * SIM_MIB), 0);
	ck_assert_int_eq(sim_mount(&one, "b:1", 2, 4 * SIM_MIB), 0);
	ck_assert_int_eq(sim_mount(&two, "c:1", 1, 4 * SIM_MIB), 0);
	ck_assert_int_eq(sim_put_on(&user, "k", 1000, "a:1"), 0);
}

static void
setup(void)
{
	struct mc_master_params params;

	mc_master_params_init(&params);
	params.client_ttl_ns = DAY_S * MC_NS_PER_S;
	open_with(&params);
}

/* Few of each. */
static void
setup_small(void)
{
	struct mc_master_params params;

	mc_master_params_init(&params);
	params.client_ttl_ns = DAY_S * MC_NS_PER_S;
	params.tasks_pending_max = 3;
	params.tasks_processing_max = 2;
	params.tasks_finished_max = 2;
	params.task_retries = 7;
	open_with(&params);
}

/* ---- what is created ---- */

START_TEST(a_copy_goes_to_the_client_that_has_the_source)
{
	ck_assert_int_eq(sim_copy_task(&user, "k", "b:1 c:1", &id), 0);
	ck_assert_int_eq(sim_task_status(&user, id), MC_TASK_PENDING);
	ck_assert_uint_eq(sim_fetch(&two, 10, tasks), 0);
	ck_assert_uint_eq(sim_fetch(&user, 10, tasks), 0);
	ck_assert_uint_eq(sim_fetch(&one, 0, tasks), 0);
	ck_assert_uint_eq(sim_fetch(&one, 10, tasks), 1);
	ck_assert(mc_uuid_equal(tasks[0].id, id));
	ck_assert_int_eq(tasks[0].type, MC_TASK_COPY);
	ck_assert_uint_eq(tasks[0].max_retry_attempts, 10);
	ck_assert_ptr_nonnull(strstr(tasks[0].payload, "\"source\":\"a:1\""));
	ck_assert_ptr_nonnull(strstr(tasks[0].payload, "\"targets\":[\"b:1\",\"c:1\"]"));
	ck_assert_int_eq(sim_task_status(&user, id), MC_TASK_PROCESSING);
	ck_assert_uint_eq(sim_fetch(&one, 10, tasks), 0);
}
END_TEST

START_TEST(a_copy_reads_from_any_replica)
{
	bool from_a = false, from_c = false;

	ck_assert_int_eq(sim_copy(&user, "k", "a:1", "c:1"), 0);
	for (unsigned int i = 0; i < TASKS_MAX; i++)
		ck_assert_int_eq(sim_copy_task(&user, "k", "b:1", &id), 0);
	from_a = sim_fetch(&one, TASKS_MAX, tasks) > 0;
	from_c = sim_fetch(&two, TASKS_MAX, tasks) > 0;
	ck_assert(from_a && from_c);
}
END_TEST

START_TEST(a_move_is_carried_out_from_where_it_is_told)
{
	ck_assert_int_eq(sim_move_task(&user, "k", "a:1", "c:1", &id), 0);
	ck_assert_uint_eq(sim_fetch(&one, 1, tasks), 1);
	ck_assert_int_eq(tasks[0].type, MC_TASK_MOVE);
	ck_assert(sim_task_move(&one, &tasks[0]));
	ck_assert_int_eq(sim_task_status(&user, id), MC_TASK_SUCCESS);
	ck_assert_str_eq(sim_task_message(), "done");
	ck_assert_str_eq(sim_where(&user, "k"), "c:1 ");
}
END_TEST

START_TEST(what_cannot_be_carried_out_is_not_created)
{
	ck_assert_int_eq(sim_copy_task(&user, "none", "", &id), -600);
	ck_assert_int_eq(sim_copy_task(&user, "none", "none", &id), -704);
	ck_assert_int_eq(sim_copy_task(&user, "k", "", &id), -600);
	ck_assert_int_eq(sim_copy_task(&user, "k", "b:1 none", &id), -600);
	ck_assert_int_eq(sim_move_task(&user, "none", "a:1", "b:1", &id), -704);
	ck_assert_int_eq(sim_move_task(&user, "k", "a:1", "a:1", &id), -600);
	ck_assert_int_eq(sim_move_task(&user, "k", "a:1", "none", &id), -600);
	ck_assert_int_eq(sim_move_task(&user, "k", "none", "b:1", &id), -600);
	ck_assert_int_eq(sim_move_task(&user, "k", "", "b:1", &id), -600);
	ck_assert_int_eq(sim_move_task(&user, "k", "c:1", "b:1", &id), -600);
	ck_assert_int_eq(sim_unmount_gracefully(&one, 2, 3600 * 1000), 0);
	ck_assert_int_eq(sim_copy_task(&user, "k", "b:1", &id), -1010);
	ck_assert_int_eq(sim_move_task(&user, "k", "a:1", "b:1", &id), -1010);
	ck_assert_uint_eq(sim_fetch(&one, 10, tasks), 0);
}
END_TEST

START_TEST(a_key_that_is_no_text_cannot_be_told)
{
	ck_assert_int_eq(sim_put_on(&user, "k\xff", 1000, "a:1"), 0);
	ck_assert_int_eq(sim_copy_task(&user, "k\xff", "b:1", &id), -400);
	ck_assert_int_eq(sim_move_task(&user, "k\xff", "a:1", "b:1", &id), -400);
	ck_assert_int_eq(sim_put_on(&user, "k\xc3\xa9\n", 1000, "a:1"), 0);
	ck_assert_int_eq(sim_copy_task(&user, "k\xc3\xa9\n", "b:1", &id), 0);
	ck_assert_uint_eq(sim_fetch(&one, 10, tasks), 1);
}
END_TEST

START_TEST(long_keys_come_in_several_answers)
{
	char *key = malloc(60001);
	uint32_t fetched = 0, calls = 0, count;

	memset(key, '\n', 60000);
	key[60000] = '\0';
	ck_assert_int_eq(sim_put_on(&user, key, 1000, "a:1"), 0);
	for (unsigned int i = 0; i < 8; i++)
		ck_assert_int_eq(sim_copy_task(&user, key, "b:1", &id), 0);
	while ((count = sim_fetch(&one, TASKS_MAX, tasks)) > 0) {
		fetched += count;
		calls++;
	}
	ck_assert_uint_eq(fetched, 8);
	ck_assert_uint_gt(calls, 1);
	free(key);
}
END_TEST

START_TEST(every_release_with_tasks_gets_them)
{
	struct sim_client old = sim_client_open(9, (enum mc_release)_i);

	sim_client_restrict(&old);
	ck_assert_int_eq(sim_mount(&old, "old:1", 1, SIM_MIB), 0);
	ck_assert_int_eq(sim_put_on(&user, "o", 1000, "old:1"), 0);
	ck_assert_int_eq(sim_copy_task(&old, "o", "b:1", &id), 0);
	ck_assert_int_eq(sim_move_task(&old, "o", "old:1", "b:1", &id), 0);
	ck_assert_uint_eq(sim_fetch(&old, 10, tasks), 2);
	ck_assert_int_eq(tasks[0].type, MC_TASK_COPY);
	ck_assert_ptr_nonnull(strstr(tasks[0].payload, "\"targets\":[\"b:1\"]"));
	ck_assert_uint_eq(tasks[0].max_retry_attempts, _i >= MC_RELEASE_0_3_10 ? 10 : 0);
	ck_assert_int_eq(sim_mark(&old, id, MC_TASK_SUCCESS, "ok"), 0);
	ck_assert_int_eq(sim_task_status(&old, id), MC_TASK_SUCCESS);
}
END_TEST

/* ---- how they end ---- */

START_TEST(a_task_is_ended_by_its_client_once)
{
	ck_assert_int_eq(sim_copy_task(&user, "k", "b:1", &id), 0);
	ck_assert_int_eq(sim_mark(&one, (struct mc_uuid){5, 5}, MC_TASK_SUCCESS, ""), -1400);
	ck_assert_int_eq(sim_mark(&one, id, MC_TASK_PENDING, ""), -600);
	ck_assert_int_eq(sim_mark(&one, id, MC_TASK_PROCESSING, ""), -600);
	ck_assert_int_eq(sim_mark(&two, id, MC_TASK_SUCCESS, ""), -601);
	ck_assert_uint_eq(sim_fetch(&one, 1, tasks), 1);
	ck_assert_int_eq(sim_mark(&one, id, MC_TASK_FAILED, "broken"), 0);
	ck_assert_int_eq(sim_mark(&one, id, MC_TASK_SUCCESS, "no"), 0);
	ck_assert_int_eq(sim_mark(&two, id, MC_TASK_SUCCESS, "no"), -601);
	ck_assert_int_eq(sim_task_status(&user, id), MC_TASK_FAILED);
	ck_assert_str_eq(sim_task_message(), "broken");
	ck_assert_int_eq(sim_task_status(&user, (struct mc_uuid){5, 5}), -1400);
}
END_TEST

START_TEST(a_long_message_is_cut)
{
	static char message[6000];

	memset(message, 'm', sizeof(message) - 1);
	ck_assert_int_eq(sim_copy_task(&user, "k", "b:1", &id), 0);
	ck_assert_int_eq(sim_mark(&one, id, MC_TASK_FAILED, message), 0);
	ck_assert_int_eq(sim_task_status(&user, id), MC_TASK_FAILED);
	ck_assert_uint_eq(strlen(sim_task_message()), MC_TASK_MESSAGE_MAX);
}
END_TEST

START_TEST(of_each_kind_there_are_so_many)
{
	struct mc_uuid ids[5];

	for (unsigned int i = 0; i < 3; i++)
		ck_assert_int_eq(sim_copy_task(&user, "k", "b:1", &ids[i]), 0);
	ck_assert_int_eq(sim_copy_task(&user, "k", "b:1", &ids[3]), -1401);
	/* not more than may be processed, oldest first */
	ck_assert_uint_eq(sim_fetch(&one, 10, tasks), 2);
	ck_assert(mc_uuid_equal(tasks[0].id, ids[0]) && mc_uuid_equal(tasks[1].id, ids[1]));
	ck_assert_uint_eq(tasks[0].max_retry_attempts, 7);
	ck_assert_uint_eq(sim_fetch(&one, 10, tasks), 0);
	ck_assert_int_eq(sim_copy_task(&user, "k", "b:1", &ids[3]), 0);
	ck_assert_int_eq(sim_copy_task(&user, "k", "b:1", &ids[4]), 0);
	ck_assert_int_eq(sim_mark(&one, ids[1], MC_TASK_SUCCESS, ""), 0);
	ck_assert_uint_eq(sim_fetch(&one, 10, tasks), 1);
	ck_assert(mc_uuid_equal(tasks[0].id, ids[2]));
	/* the first to finish is the first to be forgotten */
	ck_assert_int_eq(sim_mark(&one, ids[0], MC_TASK_SUCCESS, ""), 0);
	ck_assert_int_eq(sim_mark(&one, ids[2], MC_TASK_SUCCESS, ""), 0);
	ck_assert_int_eq(sim_task_status(&user, ids[1]), -1400);
	ck_assert_int_eq(sim_task_status(&user, ids[0]), MC_TASK_SUCCESS);
	ck_assert_int_eq(sim_task_status(&user, ids[2]), MC_TASK_SUCCESS);
}
END_TEST

START_TEST(what_takes_too_long_fails)
{
	struct mc_uuid fetched;

	ck_assert_int_eq(sim_copy_task(&user, "k", "b:1", &fetched), 0);
	ck_assert_uint_eq(sim_fetch(&one, 1, tasks), 1);
	sim_advance_ms(100 * 1000);
	ck_assert_int_eq(sim_copy_task(&user, "k", "b:1", &id), 0);
	sim_advance_ms(199 * 1000);
	ck_assert_int_eq(sim_task_status(&user, fetched), MC_TASK_PROCESSING);
	sim_advance_ms(32 * 1000);
	ck_assert_int_eq(sim_task_status(&user, fetched), MC_TASK_FAILED);
	ck_assert_str_eq(sim_task_message(), "processing timeout");
	ck_assert_int_eq(sim_task_status(&user, id), MC_TASK_PENDING);
	sim_advance_ms(100 * 1000);
	ck_assert_int_eq(sim_task_status(&user, id), MC_TASK_FAILED);
	ck_assert_str_eq(sim_task_message(), "pending timeout");
	ck_assert_uint_eq(sim_fetch(&one, 10, tasks), 0);
	/* too late */
	ck_assert_int_eq(sim_mark(&one, fetched, MC_TASK_SUCCESS, "done"), 0);
	ck_assert_int_eq(sim_task_status(&user, fetched), MC_TASK_FAILED);
}
END_TEST

static void
setup_patient(void)
{
	struct mc_master_params params;

	mc_master_params_init(&params);
	params.client_ttl_ns = DAY_S * MC_NS_PER_S;
	params.task_pending_timeout_ns = 0;
	params.task_processing_timeout_ns = 0;
	open_with(&params);
}

START_TEST(without_time_outs_tasks_stay)
{
	struct mc_uuid fetched;

	ck_assert_int_eq(sim_copy_task(&user, "k", "b:1", &fetched), 0);
	ck_assert_uint_eq(sim_fetch(&one, 1, tasks), 1);
	ck_assert_int_eq(sim_copy_task(&user, "k", "b:1", &id), 0);
	sim_advance_ms(3600 * 1000);
	ck_assert_int_eq(sim_task_status(&user, fetched), MC_TASK_PROCESSING);
	ck_assert_int_eq(sim_task_status(&user, id), MC_TASK_PENDING);
}
END_TEST

static void
setup_mortal(void)
{
	open_with(NULL);
}

START_TEST(the_tasks_of_a_client_that_expires_fail)
{
	struct mc_uuid fetched, of_two;

	ck_assert_int_eq(sim_put_on(&user, "k2", 1000, "c:1"), 0);
	ck_assert_int_eq(sim_copy_task(&user, "k", "b:1", &fetched), 0);
	ck_assert_uint_eq(sim_fetch(&one, 1, tasks), 1);
	ck_assert_int_eq(sim_copy_task(&user, "k", "b:1", &id), 0);
	ck_assert_int_eq(sim_copy_task(&user, "k2", "b:1", &of_two), 0);
	for (unsigned int i = 0; i < 3; i++) {
		sim_ping(&two);
		sim_advance_ms(5000);
	}
	ck_assert_int_eq(sim_task_status(&user, fetched), MC_TASK_FAILED);
	ck_assert_str_eq(sim_task_message(), "client is gone");
	ck_assert_int_eq(sim_task_status(&user, id), MC_TASK_FAILED);
	ck_assert_int_eq(sim_task_status(&user, of_two), MC_TASK_PENDING);
	/* it comes back, and has nothing to do */
	ck_assert_int_eq(sim_mount(&one, "a:1", 1, SIM_MIB), 0);
	ck_assert_uint_eq(sim_fetch(&one, 10, tasks), 0);
	ck_assert_uint_eq(sim_fetch(&two, 10, tasks), 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("master/task");
	TCase *tc = sim_tcase(suite, "task", setup);

	tcase_add_test(tc, a_copy_goes_to_the_client_that_has_the_source);
	tcase_add_test(tc, a_copy_reads_from_any_replica);
	tcase_add_test(tc, a_move_is_carried_out_from_where_it_is_told);
	tcase_add_test(tc, what_cannot_be_carried_out_is_not_created);
	tcase_add_test(tc, a_key_that_is_no_text_cannot_be_told);
	tcase_add_test(tc, long_keys_come_in_several_answers);
	tcase_add_loop_test(tc, every_release_with_tasks_gets_them, MC_RELEASE_0_3_8,
			    MC_RELEASE_COUNT);
	tcase_add_test(tc, a_task_is_ended_by_its_client_once);
	tcase_add_test(tc, a_long_message_is_cut);
	tcase_add_test(tc, what_takes_too_long_fails);
	tc = sim_tcase(suite, "small", setup_small);
	tcase_add_test(tc, of_each_kind_there_are_so_many);
	tc = sim_tcase(suite, "patient", setup_patient);
	tcase_add_test(tc, without_time_outs_tasks_stay);
	tc = sim_tcase(suite, "mortal", setup_mortal);
	tcase_add_test(tc, the_tasks_of_a_client_that_expires_fail);
	return sim_run(suite);
}
