/* SPDX-License-Identifier: Apache-2.0 */
/* Which objects of a drained segment are moved, where to, and what happens to the others. */
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/master/state.h"
#include "tests/support/sim_batch.h"
#include "tests/support/sim_drain.h"
#include "tests/support/sim_segment.h"

#define DAY_S 86400ull

static struct sim_client one, two, user;
static struct mc_drain_job job;
static struct sim_task tasks[64];

/* a:1 of one client; b:1 and the larger c:1 of another. */
static void
setup(void)
{
	struct mc_master_params params;

	mc_master_params_init(&params);
	params.client_ttl_ns = DAY_S * MC_NS_PER_S;
	sim_master_open(&params);
	one = sim_client_open(1, MC_RELEASE_NEWEST);
	two = sim_client_open(2, MC_RELEASE_NEWEST);
	user = sim_client_open(3, MC_RELEASE_NEWEST);
	ck_assert_int_eq(sim_mount(&one, "a:1", 1, 64 * SIM_MIB), 0);
	ck_assert_int_eq(sim_mount(&two, "b:1", 1, SIM_MIB), 0);
	ck_assert_int_eq(sim_mount(&two, "c:1", 2, 64 * SIM_MIB), 0);
}

static enum mc_drain_status
status(void)
{
	ck_assert_int_eq(sim_drain_look(&job), MC_OK);
	return job.status;
}

static enum mc_drain_status
after(unsigned int seconds)
{
	for (unsigned int s = 0; s < seconds; s++) {
		sim_drain_serve(&one);
		sim_advance_ms(1000);
	}
	return status();
}

START_TEST(so_many_moves_are_under_way_and_no_more)
{
	for (unsigned int i = 0; i < 10; i++)
		ck_assert_int_eq(sim_put_on(&user, sim_key(i), 1000, "a:1"), 0);
	ck_assert_int_eq(sim_drain("a:1", "", 3, &job), MC_OK);
	sim_advance_ms(5000);
	ck_assert_int_eq(status(), MC_DRAIN_RUNNING);
	ck_assert_uint_eq(job.active_units, 3);
	ck_assert_uint_eq(sim_fetch(&one, 64, tasks), 3);
	ck_assert_uint_eq(sim_fetch(&one, 64, tasks + 3), 0);
	/* one ends, another begins */
	ck_assert(sim_task_move(&one, &tasks[0]));
	sim_settle();
	ck_assert_uint_eq(sim_fetch(&one, 64, tasks + 3), 1);
	ck_assert_int_eq(status(), MC_DRAIN_RUNNING);
	ck_assert_uint_eq(job.active_units, 3);
	ck_assert_uint_eq(job.succeeded_units, 1);
}
END_TEST

START_TEST(objects_go_where_most_is_free)
{
	ck_assert_int_eq(sim_put_on(&user, "k", 1000, "a:1"), 0);
	ck_assert_int_eq(sim_put_on(&user, "there", 100000, "c:1"), 0);
	ck_assert_int_eq(sim_put_on(&user, "fills b", 900000, "b:1"), 0);
	ck_assert_int_eq(sim_drain("a:1", "", 4, &job), MC_OK);
	ck_assert_int_eq(after(4), MC_DRAIN_SUCCEEDED);
	ck_assert_str_eq(sim_where(&user, "k"), "c:1 ");
}
END_TEST

START_TEST(objects_go_where_they_are_told_to)
{
	ck_assert_int_eq(sim_put_on(&user, "k", 1000, "a:1"), 0);
	ck_assert_int_eq(sim_put_on(&user, "fills b", 900000, "b:1"), 0);
	ck_assert_int_eq(sim_drain("a:1", "b:1", 4, &job), MC_OK);
	ck_assert_int_eq(after(4), MC_DRAIN_SUCCEEDED);
	ck_assert_str_eq(sim_where(&user, "k"), "b:1 ");
}
END_TEST

START_TEST(without_room_an_object_waits_for_some)
{
	ck_assert_int_eq(sim_put_on(&user, "k", 500000, "a:1"), 0);
	ck_assert_int_eq(sim_put_on(&user, "fills b", 900000, "b:1"), 0);
	ck_assert_int_eq(sim_drain("a:1", "b:1", 4, &job), MC_OK);
	ck_assert_int_eq(after(5), MC_DRAIN_RUNNING);
	ck_assert_uint_eq(job.blocked_units, 1);
	ck_assert_uint_eq(job.active_units, 0);
	ck_assert_int_eq(sim_remove(&user, "fills b", false), 0);
	ck_assert_int_eq(after(5), MC_DRAIN_SUCCEEDED);
	ck_assert_uint_eq(job.blocked_units, 0);
}
END_TEST

START_TEST(another_replica_will_do)
{
	ck_assert_int_eq(sim_put_on(&user, "k", 1000, "a:1"), 0);
	ck_assert_int_eq(sim_copy(&user, "k", "a:1", "b:1"), 0);
	ck_assert_int_eq(sim_drain("a:1", "b:1", 4, &job), MC_OK);
	ck_assert_int_eq(after(4), MC_DRAIN_SUCCEEDED);
	ck_assert_str_eq(sim_where(&user, "k"), "b:1 ");
	ck_assert_uint_eq(job.succeeded_units, 1);
}
END_TEST

START_TEST(replicas_stay_as_many_as_they_were)
{
	ck_assert_int_eq(sim_put_on(&user, "k", 1000, "a:1"), 0);
	ck_assert_int_eq(sim_copy(&user, "k", "a:1", "b:1"), 0);
	ck_assert_int_eq(sim_drain("a:1", "", 4, &job), MC_OK);
	ck_assert_int_eq(after(4), MC_DRAIN_SUCCEEDED);
	ck_assert_str_eq(sim_where(&user, "k"), "b:1 c:1 ");
}
END_TEST

START_TEST(what_is_being_written_or_copied_is_waited_for)
{
	struct mc_replicate_config config = {.replica_num = 1, .preferred_segment = {"a:1", 3}};

	ck_assert_int_eq(sim_put_start(&user, "begun", 1000, &config, NULL), 0);
	ck_assert_int_eq(sim_put_on(&user, "busy", 1000, "a:1"), 0);
	ck_assert_int_eq(sim_copy_start(&user, "busy", "a:1", "b:1", NULL), 0);
	ck_assert_int_eq(sim_drain("a:1", "", 4, &job), MC_OK);
	ck_assert_int_eq(after(4), MC_DRAIN_RUNNING);
	ck_assert_uint_eq(job.blocked_units, 2);
	ck_assert_int_eq(sim_put_end(&user, "begun"), 0);
	ck_assert_int_eq(sim_copy_finish(&user, MC_FN_COPY_END, "busy"), 0);
	ck_assert_int_eq(after(5), MC_DRAIN_SUCCEEDED);
	ck_assert_uint_eq(job.succeeded_units, 2);
}
END_TEST

/* The client says of every task that it failed. */
static void
refuse(unsigned int seconds)
{
	for (unsigned int s = 0; s < seconds; s++) {
		uint32_t count = sim_fetch(&one, 64, tasks);

		for (uint32_t i = 0; i < count; i++)
			ck_assert_int_eq(sim_mark(&one, tasks[i].id, MC_TASK_FAILED, "no"), 0);
		sim_advance_ms(1000);
	}
}

START_TEST(what_failed_three_times_is_given_up)
{
	ck_assert_int_eq(sim_put_on(&user, "k", 1000, "a:1"), 0);
	ck_assert_int_eq(sim_drain("a:1", "", 4, &job), MC_OK);
	refuse(8);
	ck_assert_int_eq(status(), MC_DRAIN_FAILED);
	ck_assert_uint_eq(job.failed_units, 3);
	ck_assert_uint_eq(job.succeeded_units, 0);
	ck_assert_int_eq(sim_segment_status(&user, "a:1"), MC_SEGMENT_OK);
	ck_assert_str_eq(sim_where(&user, "k"), "a:1 ");
	/* another job begins anew */
	ck_assert_int_eq(sim_drain("a:1", "", 4, &job), MC_OK);
	refuse(2);
	ck_assert_int_eq(after(5), MC_DRAIN_SUCCEEDED);
	ck_assert_str_ne(sim_where(&user, "k"), "a:1 ");
}
END_TEST

START_TEST(who_claims_to_have_moved_is_not_believed)
{
	ck_assert_int_eq(sim_put_on(&user, "k", 1000, "a:1"), 0);
	ck_assert_int_eq(sim_drain("a:1", "", 4, &job), MC_OK);
	sim_settle();
	ck_assert_uint_eq(sim_fetch(&one, 64, tasks), 1);
	ck_assert_int_eq(sim_mark(&one, tasks[0].id, MC_TASK_SUCCESS, "sure"), 0);
	ck_assert_int_eq(status(), MC_DRAIN_RUNNING);
	ck_assert_uint_eq(job.succeeded_units, 0);
	ck_assert_uint_eq(job.failed_units, 1);
	ck_assert_int_eq(after(5), MC_DRAIN_SUCCEEDED);
}
END_TEST

START_TEST(what_is_removed_need_not_be_moved)
{
	ck_assert_int_eq(sim_put_on(&user, "k", 1000, "a:1"), 0);
	ck_assert_int_eq(sim_drain("a:1", "", 4, &job), MC_OK);
	sim_settle();
	ck_assert_int_eq(sim_remove(&user, "k", false), 0);
	ck_assert_uint_eq(sim_drain_serve(&one), 0);
	ck_assert_int_eq(after(3), MC_DRAIN_SUCCEEDED);
	ck_assert_uint_eq(job.succeeded_units + job.failed_units, 0);
}
END_TEST

START_TEST(a_key_that_cannot_be_told_fails_the_job)
{
	ck_assert_int_eq(sim_put_on(&user, "k\xff", 1000, "a:1"), 0);
	ck_assert_int_eq(sim_put_on(&user, "k", 1000, "a:1"), 0);
	ck_assert_int_eq(sim_drain("a:1", "", 4, &job), MC_OK);
	ck_assert_int_eq(after(5), MC_DRAIN_FAILED);
	ck_assert_uint_eq(job.succeeded_units, 1);
	ck_assert_uint_eq(job.failed_units, 1);
}
END_TEST

START_TEST(a_large_table_is_walked_in_slices)
{
	static const uint32_t others = 5000;

	sim_put_keys(&user, others, 100);
	for (unsigned int i = 0; i < 20; i++) {
		char key[16];

		snprintf(key, sizeof(key), "a%u", i);
		ck_assert_int_eq(sim_put_on(&user, key, 1000, "a:1"), 0);
	}
	ck_assert_int_eq(sim_drain("a:1", "", 64, &job), MC_OK);
	for (unsigned int s = 0; s < 200 && status() == MC_DRAIN_RUNNING; s++) {
		sim_drain_serve(&one);
		sim_advance_ms(1000);
	}
	ck_assert_int_eq(status(), MC_DRAIN_SUCCEEDED);
	ck_assert_uint_ge(job.succeeded_units, 20);
	ck_assert_int_eq(sim_unmount(&one, 1), 0);
	ck_assert_uint_eq(sim_exist_keys(&user, others), others);
	ck_assert(sim_exist(&user, "a19"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("master/drain_walk");
	TCase *tc = sim_tcase(suite, "drain_walk", setup);

	tcase_add_test(tc, so_many_moves_are_under_way_and_no_more);
	tcase_add_test(tc, objects_go_where_most_is_free);
	tcase_add_test(tc, objects_go_where_they_are_told_to);
	tcase_add_test(tc, without_room_an_object_waits_for_some);
	tcase_add_test(tc, another_replica_will_do);
	tcase_add_test(tc, replicas_stay_as_many_as_they_were);
	tcase_add_test(tc, what_is_being_written_or_copied_is_waited_for);
	tcase_add_test(tc, what_failed_three_times_is_given_up);
	tcase_add_test(tc, who_claims_to_have_moved_is_not_believed);
	tcase_add_test(tc, what_is_removed_need_not_be_moved);
	tcase_add_test(tc, a_key_that_cannot_be_told_fails_the_job);
	tcase_add_test(tc, a_large_table_is_walked_in_slices);
	return sim_run(suite);
}
