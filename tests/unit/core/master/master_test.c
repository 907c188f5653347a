/* SPDX-License-Identifier: Apache-2.0 */
/* A master as a whole: what it begins with, and that it ends in the middle of anything. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/master/state.h"
#include "tests/support/must.h"
#include "tests/support/sim_query.h"
#include "tests/support/sim_segment.h"
#include "tests/support/sim_suite.h"

#define SIZE	(16 * SIM_MIB)
#define OBJECTS 5000u /* of several slices each, whatever is done with them */

static struct sim_client owner, other;

static void
setup(void)
{
	sim_master_open(NULL);
	owner = sim_client_open(1, MC_RELEASE_NEWEST);
	other = sim_client_open(2, MC_RELEASE_NEWEST);
}

static void
objects_put(void)
{
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	sim_put_many(&owner, "k", OBJECTS, 100);
}

static const struct mc_master_stats *
stats(void)
{
	return mc_master_stats(sim_master());
}

/* ---- the beginning ---- */

START_TEST(the_defaults_are_upstreams)
{
	struct mc_master_params params;

	mc_master_params_init(&params);
	ck_assert_uint_eq(params.lease_ttl_ns, 10 * MC_NS_PER_S);
	ck_assert_uint_eq(params.soft_pin_ttl_ns, 30 * 60 * MC_NS_PER_S);
	ck_assert_uint_eq(params.soft_pin_ttl_max_ns, 24 * 3600 * MC_NS_PER_S);
	ck_assert_uint_eq(params.client_ttl_ns, 10 * MC_NS_PER_S);
	ck_assert_uint_eq(params.put_discard_ns, 30 * MC_NS_PER_S);
	ck_assert_uint_eq(params.put_release_ns, 600 * MC_NS_PER_S);
	ck_assert_double_eq(params.eviction_ratio, 0.05);
	ck_assert_double_eq(params.eviction_watermark, 0.9);
	ck_assert(params.evict_soft_pinned);
	ck_assert(params.enable_disk_eviction);
	ck_assert_uint_eq(params.quota_bytes, 0);
	ck_assert_int_eq(params.strategy, MC_STRATEGY_RANDOM);
	ck_assert_ptr_null(params.client_expired);
}
END_TEST

static struct mc_master *
master_make(void)
{
	struct mc_master_params params;
	struct mc_master *master;

	mc_master_params_init(&params);
	params.exec = sim_reactor();
	ck_assert_int_eq(mc_master_create(&params, &master), MC_OK);
	return master;
}

START_TEST(a_master_may_end_before_it_starts)
{
	mc_master_destroy(master_make());
	mc_master_destroy(NULL);
}
END_TEST

/* Clients may still hold numbers of replicas that an earlier master gave out. */
START_TEST(replica_numbers_of_a_later_boot_are_larger)
{
	struct mc_master *first = master_make(), *second;

	sim_advance_ms(1000);
	second = master_make();
	ck_assert_uint_gt(second->replica_id_next, first->replica_id_next + 1000000000);
	ck_assert_uint_lt(second->replica_id_next, 1ull << 63);
	mc_master_destroy(first);
	mc_master_destroy(second);
}
END_TEST

START_TEST(the_size_of_the_table_is_told_once_a_second)
{
	ck_assert_uint_eq(sim_stat(&stats()->table_bytes), 0);
	sim_advance_ms(1000);
	ck_assert_uint_gt(sim_stat(&stats()->table_bytes), 0);
}
END_TEST

/* ---- the end ---- */

START_TEST(a_stopped_master_does_nothing)
{
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	mc_master_stop(sim_master());
	sim_advance_ms(60000);
	ck_assert_uint_eq(sim_stat(&stats()->clients_expired), 0);
	ck_assert_uint_eq(sim_stat(&stats()->segments), 1);
	mc_master_stop(sim_master()); /* as sim_master_close() does again */
}
END_TEST

/* Sends @fn over all objects; it is under way then. */
static void
walk_send(struct sim_client *client, enum mc_fn fn)
{
	struct mc_args args = sim_args(client);

	args.key = sim_str(".");
	sim_send(client, fn, &args);
	ck_assert(!sim_answered(client));
}

START_TEST(a_master_ends_with_jobs_under_way)
{
	objects_put();
	walk_send(&owner, MC_FN_GET_REPLICA_LIST_BY_REGEX);
	walk_send(&other, MC_FN_REMOVE_BY_REGEX);
}
END_TEST

START_TEST(a_caller_that_vanishes_takes_its_job_along)
{
	int64_t removed;
	struct mc_result_i64 result;

	objects_put();
	walk_send(&owner, MC_FN_GET_REPLICA_LIST_BY_REGEX);
	walk_send(&other, MC_FN_REMOVE_ALL);
	sim_client_vanish(&owner);
	ck_assert(mc_list_empty(&sim_master()->jobs));
	ck_assert_int_eq(sim_receive(&other, MC_FN_REMOVE_ALL, &result), 0);
	removed = result.value;
	ck_assert_int_lt(removed, OBJECTS); /* others are leased by the one that vanished */
	ck_assert_uint_eq(sim_stat(&stats()->objects), OBJECTS - (uint64_t)removed);
}
END_TEST

START_TEST(a_master_ends_in_a_round_of_eviction)
{
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	sim_put_many(&owner, "k", 60000, 200);
	ck_assert_int_eq(sim_put_start(&owner, "more", SIM_MIB, NULL, NULL), 0);
	ck_assert(!sim_exist(&owner, "k0")); /* the round has begun */
	ck_assert(sim_master()->eviction.running);
}
END_TEST

static void
query_refused(struct sim_query *query)
{
	ck_assert(query->done);
	ck_assert_int_eq(query->query.status, MC_ERR_UNAVAILABLE_STATE);
	free(sim_query_text(query));
}

/* Else they would never be answered, and their askers wait, with what they hold. */
START_TEST(a_stop_answers_every_query)
{
	struct sim_query listing, waiting, late;

	objects_put();
	sim_query_send(&listing, MC_QUERY_KEYS, NULL);
	sim_query_send(&waiting, MC_QUERY_KEY, "k0");
	mc_reactor_poll(sim_reactor());
	ck_assert(!listing.done && !waiting.done);
	ck_assert_uint_gt(mc_buf_len(&listing.query.text), 0);
	mc_master_stop(sim_master());
	sim_settle();
	query_refused(&listing);
	query_refused(&waiting);
	sim_query_send(&late, MC_QUERY_SEGMENT_NAMES, NULL);
	sim_settle();
	query_refused(&late);
}
END_TEST

START_TEST(a_master_that_starts_again_goes_on)
{
	struct sim_query query;

	objects_put();
	mc_master_stop(sim_master());
	mc_master_start(sim_master());
	sim_query_send(&query, MC_QUERY_SEGMENT_NAMES, NULL);
	sim_settle();
	ck_assert(query.done);
	ck_assert_int_eq(query.query.status, MC_OK);
	free(sim_query_text(&query));
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	sim_settle();
	ck_assert_uint_eq(sim_stat(&stats()->objects), 0);
}
END_TEST

static TCase *
beginning(void)
{
	TCase *tc = tcase_create("beginning");

	tcase_add_test(tc, the_defaults_are_upstreams);
	tcase_add_test(tc, a_master_may_end_before_it_starts);
	tcase_add_test(tc, replica_numbers_of_a_later_boot_are_larger);
	tcase_add_test(tc, the_size_of_the_table_is_told_once_a_second);
	return tc;
}

static TCase *
ending(void)
{
	TCase *tc = tcase_create("end");

	tcase_add_test(tc, a_stopped_master_does_nothing);
	tcase_add_test(tc, a_master_ends_with_jobs_under_way);
	tcase_add_test(tc, a_caller_that_vanishes_takes_its_job_along);
	tcase_add_test(tc, a_master_ends_in_a_round_of_eviction);
	tcase_add_test(tc, a_stop_answers_every_query);
	tcase_add_test(tc, a_master_that_starts_again_goes_on);
	return tc;
}

int
main(void)
{
	TCase *cases[] = {beginning(), ending(), NULL};

	return sim_suite_run("master/master", cases, setup);
}
