/* SPDX-License-Identifier: Apache-2.0 */
/* What the live page and Prometheus are told of many segments, in slices. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/sim_query.h"
#include "tests/support/sim_segment.h"
#include "tests/support/sim_suite.h"

#define SIZE (16 * SIM_MIB)

static struct sim_client owner, other;

static void
setup(void)
{
	sim_master_open(NULL);
	owner = sim_client_open(1, MC_RELEASE_NEWEST);
	other = sim_client_open(2, MC_RELEASE_NEWEST);
}

static void
member_expect(const json_t *json, const char *name, json_t *wanted)
{
	char *found = json_dumps(json, JSON_COMPACT);

	ck_assert_msg(json_equal(json_object_get(json, name), wanted), "%s in %s", name, found);
	free(found);
	json_decref(wanted);
}

static json_t *
state_json(void)
{
	char *text = sim_query(MC_QUERY_STATE, NULL);
	char *whole = malloc(strlen(text) + 3);
	json_error_t error;
	json_t *json;

	sprintf(whole, "{%s}", text);
	json = json_loads(whole, 0, &error);
	ck_assert_msg(json != NULL, "%s: %s", error.text, whole);
	free(whole);
	free(text);
	return json;
}

START_TEST(the_state_of_nothing)
{
	json_t *json = state_json();

	/* clients that have neither mounted nor pinged are not known */
	member_expect(json, "segments", json_array());
	member_expect(json, "clients", json_array());
	json_decref(json);
}
END_TEST

START_TEST(the_state_tells_of_segments_and_clients)
{
	json_t *json, *row;
	struct mc_segment_desc desc = sim_segment(&owner, "q\"name\xff", 2, SIZE);

	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_mount_desc(&owner, &desc), 0);
	ck_assert_int_eq(sim_put_start(&owner, "k", 1000, NULL, NULL), 0);
	ck_assert_int_eq(sim_unmount_gracefully(&owner, 1, 60000), 0);
	ck_assert_int_eq(sim_ping(&other), MC_CLIENT_NEED_REMOUNT);
	sim_advance_ms(2500);
	ck_assert_int_eq(sim_remount_nothing(&owner), 0);
	json = state_json();
	ck_assert_uint_eq(json_array_size(json_object_get(json, "segments")), 2);
	row = json_array_get(json_object_get(json, "segments"), 0);
	member_expect(row, "state", json_string("leaving"));
	row = json_array_get(json_object_get(json, "segments"), 1);
	member_expect(row, "state", json_string("live"));
	member_expect(row, "name", json_string("q\"name\ufffd"));
	member_expect(row, "size", json_integer(SIZE));
	ck_assert_uint_eq(json_array_size(json_object_get(json, "clients")), 2);
	row = json_array_get(json_object_get(json, "clients"), 0);
	member_expect(row, "ok", json_true());
	member_expect(row, "age_s", json_real(2.5));
	member_expect(row, "seen_s", json_real(0));
	member_expect(row, "segments", json_integer(2));
	member_expect(row, "objects", json_integer(1));
	row = json_array_get(json_object_get(json, "clients"), 1);
	member_expect(row, "ok", json_false());
	member_expect(row, "seen_s", json_real(2.5));
	json_decref(json);
}
END_TEST

static void
mount_many(unsigned int count)
{
	char name[32];

	for (unsigned int i = 0; i < count; i++) {
		struct mc_segment_desc desc;

		snprintf(name, sizeof(name), "host%u:1", i);
		desc = sim_segment(&owner, name, i + 1, 4096);
		desc.base = (i + 1) * SIM_MIB;
		ck_assert_int_eq(sim_mount_desc(&owner, &desc), 0);
	}
}

/* In slices, and not all of them. */
START_TEST(the_state_of_many_segments_is_cut_off)
{
	json_t *json;

	mount_many(5000);
	json = state_json();
	ck_assert_uint_eq(json_array_size(json_object_get(json, "segments")), 4096);
	ck_assert_uint_eq(json_array_size(json_object_get(json, "clients")), 1);
	json_decref(json);
}
END_TEST

/* It had begun, and kept sums for what was to come. */
START_TEST(samples_under_way_end_with_the_master)
{
	struct sim_query query;

	mount_many(1000);
	sim_query_send(&query, MC_QUERY_SEGMENT_STATS, NULL);
	for (int i = 0; i < 3; i++)
		mc_reactor_poll(sim_reactor());
	ck_assert(!query.done);
	ck_assert_ptr_nonnull(query.query.scratch);
	mc_master_stop(sim_master());
	sim_settle();
	ck_assert(query.done);
	ck_assert_int_eq(query.query.status, MC_ERR_UNAVAILABLE_STATE);
	ck_assert_ptr_null(query.query.scratch);
	free(sim_query_text(&query));
}
END_TEST

/* Every name once for each metric, though many slices are between. */
START_TEST(samples_of_many_segments_are_whole)
{
	char *text, *at;
	unsigned int count = 0;

	mount_many(1000);
	text = sim_query(MC_QUERY_SEGMENT_STATS, NULL);
	for (at = text; (at = strstr(at, "\nmc_segment_free_bytes{segment=\"host")) != NULL; at++)
		count++;
	ck_assert_uint_eq(count, 1000);
	at = strstr(text, "# HELP mc_segment_free_bytes ");
	ck_assert_ptr_nonnull(at);
	ck_assert_ptr_null(strstr(at + 1, "# HELP mc_segment_free_bytes "));
	ck_assert_ptr_nonnull(strstr(at, "mc_segment_free_bytes{segment=\"host999:1\"} 4096\n"));
	free(text);
}
END_TEST

static TCase *
states(void)
{
	TCase *tc = tcase_create("states");

	tcase_add_test(tc, the_state_of_nothing);
	tcase_add_test(tc, the_state_tells_of_segments_and_clients);
	tcase_add_test(tc, the_state_of_many_segments_is_cut_off);
	tcase_add_test(tc, samples_under_way_end_with_the_master);
	tcase_add_test(tc, samples_of_many_segments_are_whole);
	return tc;
}

int
main(void)
{
	TCase *cases[] = {states(), NULL};

	return sim_suite_run("master/query_state", cases, setup);
}
