/* SPDX-License-Identifier: Apache-2.0 */
/* Drain jobs as their users see them: orders, states, ends. */
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/master/drain.h"
#include "tests/support/sim_drain.h"
#include "tests/support/sim_segment.h"

#define DAY_S 86400ull

static struct sim_client one, two, user;
static struct mc_drain_job job;

/* Segments a:1 and b:1 of one client, c:1 of another. */
static void
open_segments(uint64_t client_ttl_s)
{
	struct mc_master_params params;

	mc_master_params_init(&params);
	params.client_ttl_ns = client_ttl_s * MC_NS_PER_S;
	sim_master_open(&params);
	one = sim_client_open(1, MC_RELEASE_NEWEST);
	two = sim_client_open(2, MC_RELEASE_NEWEST);
	user = sim_client_open(3, MC_RELEASE_NEWEST);
	ck_assert_int_eq(sim_mount(&one, "a:1", 1, 4 * SIM_MIB), 0);
	ck_assert_int_eq(sim_mount(&one, "b:1", 2, 4 * SIM_MIB), 0);
	ck_assert_int_eq(sim_mount(&two, "c:1", 1, 4 * SIM_MIB), 0);
}

static void
setup(void)
{
	open_segments(DAY_S);
}

static void
setup_mortal(void)
{
	open_segments(10);
}

static void
put_on(const char *name, unsigned int first, unsigned int last)
{
	char key[16];

	for (unsigned int i = first; i < last; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		ck_assert_int_eq(sim_put_on(&user, key, 1000, name), 0);
	}
}

static enum mc_drain_status
status(void)
{
	ck_assert_int_eq(sim_drain_look(&job), MC_OK);
	return job.status;
}

/* Serves @client until the job is over, for a minute at most. */
static enum mc_drain_status
serve_until_over(struct sim_client *client)
{
	for (unsigned int s = 0; s < 60 && status() <= MC_DRAIN_RUNNING; s++) {
		sim_drain_serve(client);
		sim_advance_ms(1000);
	}
	return status();
}

/* ---- what is ordered ---- */

START_TEST(an_order_that_cannot_be_changes_nothing)
{
	char names[1025 * 4 + 1] = "";

	ck_assert_int_eq(sim_drain("", "", 4, &job), MC_ERR_INVALID);
	ck_assert_int_eq(sim_drain("a:1", "", 0, &job), MC_ERR_INVALID);
	ck_assert_int_eq(sim_drain("a:1", "", MC_DRAIN_CONCURRENCY_MAX + 1, &job), MC_ERR_INVALID);
	ck_assert_int_eq(sim_drain("a:1 a:1", "", 4, &job), MC_ERR_INVALID);
	ck_assert_int_eq(sim_drain("a:1", "b:1 b:1", 4, &job), MC_ERR_INVALID);
	ck_assert_int_eq(sim_drain("a:1", "a:1", 4, &job), MC_ERR_INVALID);
	ck_assert_int_eq(sim_drain("a:1", "none", 4, &job), MC_ERR_SEGMENT_NOT_FOUND);
	ck_assert_int_eq(sim_drain("none", "", 4, &job), MC_ERR_SEGMENT_NOT_FOUND);
	for (unsigned int i = 0; i < 1025; i++)
		strcat(names, "a:1 ");
	ck_assert_int_eq(sim_drain(names, "", 4, &job), MC_ERR_INVALID);
	ck_assert_int_eq(sim_unmount_gracefully(&one, 2, 3600 * 1000), 0);
	ck_assert_int_eq(sim_drain("b:1", "", 4, &job), MC_ERR_UNAVAILABLE_STATE);
	ck_assert_int_eq(sim_drain("a:1", "b:1", 4, &job), MC_ERR_UNAVAILABLE_STATE);
	ck_assert_int_eq(sim_segment_status(&user, "a:1"), MC_SEGMENT_OK);
	job.id = (struct mc_uuid){1, 2};
	ck_assert_int_eq(sim_drain_look(&job), MC_ERR_JOB_NOT_FOUND);
	ck_assert_int_eq(sim_drain_cancel(&job), MC_ERR_JOB_NOT_FOUND);
}
END_TEST

START_TEST(a_segment_is_drained_once_at_a_time)
{
	put_on("a:1", 0, 1);
	ck_assert_int_eq(sim_drain("a:1", "", 4, &job), MC_OK);
	ck_assert_str_eq(sim_drain_names(), "[\"a:1\"]");
	ck_assert_int_eq(sim_drain("a:1", "", 4, &job), MC_ERR_UNAVAILABLE_STATE);
	ck_assert_int_eq(sim_drain("c:1", "a:1", 4, &job), MC_ERR_UNAVAILABLE_STATE);
}
END_TEST

/* ---- how it goes ---- */

START_TEST(a_drained_segment_is_empty)
{
	put_on("a:1", 0, 20);
	put_on("b:1", 20, 25);
	ck_assert_int_eq(sim_drain("a:1", "", 4, &job), MC_OK);
	ck_assert_int_eq(sim_segment_status(&user, "a:1"), MC_SEGMENT_DRAINING);
	ck_assert_int_eq(status(), MC_DRAIN_RUNNING);
	ck_assert_uint_eq(job.active_units, 4);
	ck_assert_int_eq(serve_until_over(&one), MC_DRAIN_SUCCEEDED);
	ck_assert_int_eq(sim_segment_status(&user, "a:1"), MC_SEGMENT_DRAINED);
	ck_assert_uint_eq(job.succeeded_units, 20);
	ck_assert_uint_eq(job.failed_units, 0);
	ck_assert_uint_eq(job.active_units, 0);
	ck_assert_uint_eq(job.migrated_bytes, 20 * 1000);
	ck_assert_int_ge(job.updated_at_ms, job.created_at_ms);
	ck_assert_int_eq(sim_unmount(&one, 1), 0);
	for (unsigned int i = 0; i < 25; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%u", i);
		ck_assert(sim_exist(&user, key));
	}
}
END_TEST

START_TEST(a_segment_in_a_job_takes_nothing_new)
{
	struct mc_uuid task;

	put_on("a:1", 0, 2);
	put_on("b:1", 2, 3);
	ck_assert_int_eq(sim_drain("a:1", "", 4, &job), MC_OK);
	ck_assert_int_eq(sim_put_on(&user, "new", 1000, "a:1"), 0);
	ck_assert_str_ne(sim_where(&user, "new"), "a:1 ");
	ck_assert_int_eq(sim_copy_start(&user, "k2", "b:1", "a:1", NULL), -1010);
	ck_assert_int_eq(sim_copy_task(&user, "k2", "a:1", &task), -1010);
	ck_assert_int_eq(serve_until_over(&one), MC_DRAIN_SUCCEEDED);
	ck_assert_int_eq(sim_put_on(&user, "newer", 1000, "a:1"), 0);
	ck_assert_str_ne(sim_where(&user, "newer"), "a:1 ");
	ck_assert_int_eq(sim_unmount_gracefully(&one, 1, 1000), -1010);
	ck_assert_int_eq(sim_drain("a:1", "", 4, &job), MC_ERR_UNAVAILABLE_STATE);
}
END_TEST

START_TEST(an_empty_segment_is_drained_at_once)
{
	ck_assert_int_eq(sim_drain("a:1", "", 1, &job), MC_OK);
	ck_assert_int_eq(status(), MC_DRAIN_SUCCEEDED);
	ck_assert_int_eq(sim_segment_status(&user, "a:1"), MC_SEGMENT_DRAINED);
}
END_TEST

START_TEST(several_segments_of_several_clients_are_one_job)
{
	put_on("a:1", 0, 5);
	put_on("c:1", 5, 10);
	ck_assert_int_eq(sim_drain("a:1 c:1", "b:1", 3, &job), MC_OK);
	ck_assert_str_eq(sim_drain_names(), "[\"a:1\",\"c:1\"]");
	for (unsigned int s = 0; s < 30; s++) {
		sim_drain_serve(&one);
		sim_drain_serve(&two);
		sim_advance_ms(1000);
	}
	ck_assert_int_eq(status(), MC_DRAIN_SUCCEEDED);
	ck_assert_uint_eq(job.succeeded_units, 10);
	ck_assert_str_eq(sim_where(&user, "k0"), "b:1 ");
	ck_assert_str_eq(sim_where(&user, "k9"), "b:1 ");
}
END_TEST

/* ---- how else it ends ---- */

START_TEST(a_job_without_moves_under_way_can_be_cancelled)
{
	ck_assert_int_eq(sim_put_start(&user, "begun", 1000, NULL, NULL), 0);
	put_on("a:1", 0, 1);
	ck_assert_int_eq(sim_drain("a:1", "", 4, &job), MC_OK);
	sim_settle();
	ck_assert_int_eq(sim_drain_cancel(&job), MC_ERR_UNAVAILABLE_STATE);
	ck_assert_uint_eq(sim_drain_serve(&one), 1);
	ck_assert_int_eq(sim_drain_cancel(&job), MC_OK);
	ck_assert_int_eq(job.status, MC_DRAIN_CANCELED);
	ck_assert_int_eq(sim_segment_status(&user, "a:1"), MC_SEGMENT_OK);
	ck_assert_int_eq(sim_drain_cancel(&job), MC_ERR_UNAVAILABLE_STATE);
	ck_assert_int_eq(status(), MC_DRAIN_CANCELED);
	ck_assert_int_eq(sim_put_on(&user, "new", 1000, "a:1"), 0);
	ck_assert_str_eq(sim_where(&user, "new"), "a:1 ");
}
END_TEST

START_TEST(a_segment_that_goes_with_objects_is_no_success)
{
	put_on("a:1", 0, 3);
	ck_assert_int_eq(sim_drain("a:1", "", 1, &job), MC_OK);
	ck_assert_int_eq(sim_unmount(&one, 1), 0);
	/* the task that was under way has to end first */
	sim_advance_ms(3000);
	ck_assert_int_eq(status(), MC_DRAIN_RUNNING);
	ck_assert_uint_eq(sim_drain_serve(&one), 0);
	sim_advance_ms(3000);
	ck_assert_int_eq(status(), MC_DRAIN_FAILED);
	ck_assert_uint_eq(job.active_units, 0);
}
END_TEST

START_TEST(with_its_client_a_job_fails)
{
	put_on("a:1", 0, 3);
	ck_assert_int_eq(sim_drain("a:1 b:1", "", 4, &job), MC_OK);
	for (unsigned int i = 0; i < 4; i++) {
		sim_ping(&two);
		sim_advance_ms(5000);
	}
	ck_assert_int_eq(status(), MC_DRAIN_FAILED);
	ck_assert_uint_eq(job.active_units, 0);
}
END_TEST

START_TEST(a_segment_on_its_way_out_is_emptied_first)
{
	put_on("a:1", 0, 3);
	ck_assert_int_eq(sim_drain("a:1", "", 4, &job), MC_OK);
	ck_assert_int_eq(sim_unmount_gracefully(&one, 1, 60 * 1000), 0);
	ck_assert_int_eq(serve_until_over(&one), MC_DRAIN_SUCCEEDED);
	ck_assert_int_eq(sim_segment_status(&user, "a:1"), MC_SEGMENT_GRACEFULLY_UNMOUNTING);
	sim_advance_ms(60 * 1000);
	ck_assert_int_eq(sim_segment_status(&user, "a:1"), -101);
	ck_assert(sim_exist(&user, "k0"));
}
END_TEST

START_TEST(jobs_that_are_over_are_remembered_for_a_while)
{
	struct mc_drain_job first;

	ck_assert_int_eq(sim_drain("a:1", "", 4, &first), MC_OK);
	for (unsigned int i = 0; i < MC_DRAINS_MAX; i++) {
		ck_assert_int_eq(sim_drain_look(&first), MC_OK);
		put_on("b:1", i, i + 1);
		/* to a place that is full: nothing is moved, and it can be cancelled */
		ck_assert_int_eq(sim_put_on(&user, "fill", 4 * SIM_MIB - 4096, "c:1"), 0);
		ck_assert_int_eq(sim_put_on(&user, "in the way", 3000, "c:1"), 0);
		ck_assert_int_eq(sim_drain("b:1", "c:1", 4, &job), MC_OK);
		sim_advance_ms(1000);
		ck_assert_int_eq(sim_drain_cancel(&job), MC_OK);
		ck_assert_int_eq(sim_remove(&user, "fill", true), 0);
		ck_assert_int_eq(sim_remove(&user, "in the way", true), 0);
	}
	ck_assert_int_eq(sim_drain_look(&first), MC_ERR_JOB_NOT_FOUND);
	ck_assert_int_eq(status(), MC_DRAIN_CANCELED);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("master/drain");
	TCase *tc = sim_tcase(suite, "drain", setup);

	tcase_add_test(tc, an_order_that_cannot_be_changes_nothing);
	tcase_add_test(tc, a_segment_is_drained_once_at_a_time);
	tcase_add_test(tc, a_drained_segment_is_empty);
	tcase_add_test(tc, a_segment_in_a_job_takes_nothing_new);
	tcase_add_test(tc, an_empty_segment_is_drained_at_once);
	tcase_add_test(tc, several_segments_of_several_clients_are_one_job);
	tcase_add_test(tc, a_job_without_moves_under_way_can_be_cancelled);
	tcase_add_test(tc, a_segment_that_goes_with_objects_is_no_success);
	tcase_add_test(tc, a_segment_on_its_way_out_is_emptied_first);
	tcase_add_test(tc, jobs_that_are_over_are_remembered_for_a_while);
	tc = sim_tcase(suite, "mortal", setup_mortal);
	tcase_add_test(tc, with_its_client_a_job_fails);
	return sim_run(suite);
}
