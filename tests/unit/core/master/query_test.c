/* SPDX-License-Identifier: Apache-2.0 */
/* What other threads are told: each text by itself, and that nobody waits for a long one. */
#include <check.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/master/state.h"
#include "tests/support/must.h"
#include "tests/support/sim_query.h"
#include "tests/support/sim_segment.h"
#include "tests/support/sim_suite.h"

#define SIZE (16 * SIM_MIB)
/* What JSON and labels must escape, and what they need not. */
#define ODD "q\"b\\n\nt\tz\x01 d\x7f u\xc3\xa9/"

static struct sim_client owner, other;

static void
setup(void)
{
	sim_master_open(NULL);
	owner = sim_client_open(1, MC_RELEASE_NEWEST);
	other = sim_client_open(2, MC_RELEASE_NEWEST);
}

static json_t *
query_json(enum mc_query_kind kind, const char *key)
{
	char *text = sim_query(kind, key);
	json_error_t error;
	json_t *json = json_loads(text, 0, &error);

	ck_assert_msg(json != NULL, "%s: %s", error.text, text);
	free(text);
	return json;
}

static void
query_expect(enum mc_query_kind kind, const char *key, const char *wanted)
{
	char *text = sim_query(kind, key);

	ck_assert_str_eq(text, wanted);
	free(text);
}

static void
query_fail(enum mc_query_kind kind, const char *key, enum mc_status wanted)
{
	struct sim_query query;

	sim_query_send(&query, kind, key);
	sim_settle();
	ck_assert(query.done);
	ck_assert_int_eq(query.query.status, wanted);
	free(sim_query_text(&query));
}

static void
member_expect(const json_t *json, const char *name, json_t *wanted)
{
	char *found = json_dumps(json, JSON_COMPACT);

	ck_assert_msg(json_equal(json_object_get(json, name), wanted), "%s in %s", name, found);
	free(found);
	json_decref(wanted);
}

/* ---- one key ---- */

static void
replica_expect(const json_t *json, const struct mc_replica_desc *desc)
{
	const struct mc_buffer_desc *buffer = &desc->buffer;

	ck_assert_uint_eq(json_object_size(json), 4);
	member_expect(json, "size_", json_integer((json_int_t)buffer->size));
	member_expect(json, "buffer_address_", json_integer((json_int_t)buffer->address));
	member_expect(json, "protocol_", json_string("tcp"));
	member_expect(json, "transport_endpoint_",
		      json_stringn(buffer->endpoint.ptr, buffer->endpoint.len));
}

START_TEST(a_key_is_told_by_its_replicas)
{
	struct mc_replicate_config twice = {.replica_num = 2};
	struct mc_replica_desc descs[2];
	json_t *json;

	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_mount(&owner, ODD, 2, SIZE), 0);
	ck_assert_int_eq(sim_put_as(&owner, "k", 1000, &twice), 0);
	ck_assert_int_eq(sim_get(&owner, "k", descs, 2), 2);
	json = query_json(MC_QUERY_KEY, "k");
	ck_assert_uint_eq(json_array_size(json), 2);
	for (size_t i = 0; i < 2; i++)
		replica_expect(json_array_get(json, i), &descs[i]);
	json_decref(json);
}
END_TEST

START_TEST(a_key_without_a_readable_replica_is_an_error)
{
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_put_start(&owner, "unfinished", 100, NULL, NULL), 0);
	ck_assert_int_eq(sim_put(&owner, "k", 100), 0);
	query_fail(MC_QUERY_KEY, "nobody", MC_ERR_OBJECT_NOT_FOUND);
	query_fail(MC_QUERY_KEY, "", MC_ERR_OBJECT_NOT_FOUND);
	query_fail(MC_QUERY_KEY, "unfinished", MC_ERR_REPLICA_NOT_READY);
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	query_fail(MC_QUERY_KEY, "k", MC_ERR_OBJECT_NOT_FOUND);
}
END_TEST

/* More than one slice; a comma parts keys, so there is an empty one at the end. */
START_TEST(named_keys_are_members)
{
	char *list = malloc(20000), *text;
	size_t len = 0;
	json_t *json;

	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	sim_put_many(&owner, "k", 500, 100);
	for (int i = 0; i < 1000; i++)
		len += (size_t)sprintf(list + len, "k%d,", i);
	text = sim_query(MC_QUERY_KEYS_NAMED, list);
	list = realloc(list, strlen(text) + 3);
	sprintf(list, "{%s}", text);
	json = json_loads(list, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_uint_eq(json_object_size(json), 1001);
	member_expect(json_object_get(json, "k499"), "ok", json_true());
	member_expect(json_object_get(json, "k500"), "error", json_string("OBJECT_NOT_FOUND"));
	member_expect(json_object_get(json, ""), "ok", json_false());
	json_decref(json);
	free(text);
	free(list);
}
END_TEST

static uint64_t
remove_all(bool force)
{
	struct sim_query query;

	sim_query_send(&query, MC_QUERY_REMOVE_ALL, NULL);
	query.query.force = force;
	sim_settle();
	ck_assert(query.done && query.query.status == MC_OK);
	free(sim_query_text(&query));
	return query.query.count;
}

START_TEST(all_are_removed_in_slices)
{
	ck_assert_uint_eq(remove_all(true), 0);
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	sim_put_many(&owner, "k", 5000, 100);
	ck_assert_int_eq(sim_put_start(&owner, "unfinished", 100, NULL, NULL), 0);
	ck_assert_int_eq(sim_get(&other, "k7", NULL, 0), 1);
	ck_assert_uint_eq(remove_all(false), 4999);
	ck_assert(sim_exist(&other, "k7"));
	ck_assert_uint_eq(remove_all(true), 1);
	query_expect(MC_QUERY_KEYS, NULL, "unfinished\n");
}
END_TEST

START_TEST(a_look_at_a_key_is_no_read)
{
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_put(&owner, "k", 100), 0);
	free(sim_query(MC_QUERY_KEY, "k"));
	ck_assert_int_eq(sim_remove(&owner, "k", false), 0);
	ck_assert_uint_eq(sim_stat(&mc_master_stats(sim_master())->get_total), 0);
}
END_TEST

/* ---- all keys ---- */

START_TEST(keys_stand_on_lines)
{
	query_expect(MC_QUERY_KEYS, NULL, "");
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_put(&owner, "some \"key\"/\xff", 100), 0);
	query_expect(MC_QUERY_KEYS, NULL, "some \"key\"/\xff\n");
}
END_TEST

#define KEYS 20000u

/* How often each of "kept0" and so on stands in @text. */
static void
kept_expect_once(char *text, unsigned int count)
{
	unsigned char *seen = calloc(1, count);
	char *line, *next = text;
	unsigned int i, found = 0;

	while ((line = strsep(&next, "\n")) != NULL) {
		if (sscanf(line, "kept%u", &i) != 1)
			continue;
		must(i < count && !seen[i]);
		seen[i] = 1;
		found++;
	}
	ck_assert_uint_eq(found, count);
	free(seen);
}

/* One call in every pass: all are answered, and what they change does not mix up the listing. */
START_TEST(calls_are_answered_while_keys_are_listed)
{
	struct sim_query query;
	unsigned int calls = 0;
	char key[16], *text;

	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	sim_put_many(&owner, "kept", KEYS, 100);
	sim_put_many(&owner, "gone", 100, 100);
	sim_query_send(&query, MC_QUERY_KEYS, NULL);
	while (!query.done) {
		snprintf(key, sizeof(key), "new%u", calls);
		must(sim_put(&other, key, 100) == 0);
		snprintf(key, sizeof(key), "gone%u", calls++);
		must(sim_remove(&other, key, false) == (calls <= 100 ? 0 : -704));
	}
	ck_assert_uint_gt(calls, 5); /* with three passes in each */
	text = sim_query_text(&query);
	kept_expect_once(text, KEYS);
	free(text);
}
END_TEST

START_TEST(queries_are_answered_in_their_order)
{
	struct sim_query queries[3];

	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	sim_put_many(&owner, "k", 5000, 100);
	sim_query_send(&queries[0], MC_QUERY_KEYS, NULL);
	sim_query_send(&queries[1], MC_QUERY_KEYS, NULL);
	sim_query_send(&queries[2], MC_QUERY_KEY, "k0");
	for (int i = 0; i < 3; i++) {
		while (!queries[i].done)
			mc_reactor_poll(sim_reactor());
		ck_assert(i == 2 || !queries[i + 1].done);
		free(sim_query_text(&queries[i]));
	}
}
END_TEST

/* ---- segments ---- */

static void
mount_odd(void)
{
	struct mc_segment_desc desc = sim_segment(&owner, ODD "name", 2, SIZE);

	desc.te_endpoint = sim_str(ODD "endpoint");
	desc.protocol = sim_str(ODD "protocol");
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_mount_desc(&owner, &desc), 0);
}

START_TEST(segment_names_stand_on_lines)
{
	query_expect(MC_QUERY_SEGMENT_NAMES, NULL, "");
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_mount(&owner, "b:1", 2, SIZE), 0);
	ck_assert_int_eq(sim_mount(&other, "a:1", 1, SIZE), 0);
	query_expect(MC_QUERY_SEGMENT_NAMES, NULL, "a:1\nb:1\na:1\n");
	ck_assert_int_eq(sim_unmount_gracefully(&owner, 2, 1000), 0);
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	query_expect(MC_QUERY_SEGMENT_NAMES, NULL, "b:1\na:1\n");
}
END_TEST

START_TEST(segments_are_told_in_detail)
{
	uint64_t used = (1000 + 32 + 63) / 64 * 64;
	json_t *json, *at;

	mount_odd();
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	ck_assert_int_eq(sim_put(&owner, "k", 1000), 0);
	json = query_json(MC_QUERY_SEGMENTS, NULL);
	member_expect(json, "total_segments", json_integer(1));
	ck_assert_uint_eq(json_array_size(json_object_get(json, "segments")), 1);
	at = json_array_get(json_object_get(json, "segments"), 0);
	member_expect(at, "segment_name", json_string(ODD "name"));
	member_expect(at, "segment_id", json_string("1-2"));
	member_expect(at, "client_id", json_string("1-18446744073709551614"));
	member_expect(at, "base_address", json_string("0x120000001000"));
	member_expect(at, "size_bytes", json_integer(SIZE));
	member_expect(at, "size_human", json_string("0.015625 GiB"));
	member_expect(at, "te_endpoint", json_string(ODD "endpoint"));
	member_expect(at, "protocol", json_string(ODD "protocol"));
	member_expect(at, "status", json_string("OK"));
	member_expect(at, "allocator_used_bytes", json_integer(1000));
	member_expect(at, "allocator_capacity_bytes", json_integer(SIZE));
	member_expect(at, "mc_extent_bytes", json_integer((json_int_t)used));
	member_expect(at, "mc_free_largest_bytes", json_integer((json_int_t)(SIZE - used - 32)));
	member_expect(at, "mc_extents_used", json_integer(1));
	member_expect(at, "mc_extents_free", json_integer(1));
	json_decref(json);
}
END_TEST

/* Bytes that are no characters: cut off, a surrogate, overlong, alone. */
START_TEST(names_that_are_no_text_do_not_break_the_rest)
{
	json_t *json, *at;

	ck_assert_int_eq(sim_mount(&owner, "\xc3 \xed\xa0\x80 \xc0\xaf \xff\xf0\x9f", 1, SIZE), 0);
	ck_assert_int_eq(sim_mount(&owner, "\xf0\x9f\x90\xa7\xe2\x82\xac", 2, SIZE), 0);
	json = query_json(MC_QUERY_SEGMENTS, NULL);
	at = json_array_get(json_object_get(json, "segments"), 0);
	member_expect(at, "segment_name",
		      json_string("\ufffd \ufffd\ufffd\ufffd \ufffd\ufffd \ufffd\ufffd\ufffd"));
	at = json_array_get(json_object_get(json, "segments"), 1);
	member_expect(at, "segment_name", json_string("\U0001f427\u20ac"));
	json_decref(json);
}
END_TEST

START_TEST(leaving_segments_are_told_of_too)
{
	json_t *json, *segments;

	mount_odd();
	ck_assert_int_eq(sim_unmount_gracefully(&owner, 1, 1000), 0);
	json = query_json(MC_QUERY_SEGMENTS, NULL);
	segments = json_object_get(json, "segments");
	member_expect(json, "total_segments", json_integer(2));
	ck_assert_uint_eq(json_array_size(segments), 2);
	member_expect(json_array_get(segments, 0), "status", json_string("GRACEFULLY_UNMOUNTING"));
	member_expect(json_array_get(segments, 1), "status", json_string("OK"));
	json_decref(json);
}
END_TEST

static void
status_expect(const char *name, uint64_t wanted)
{
	struct sim_query query;

	sim_query_send(&query, MC_QUERY_SEGMENT_STATUS, name);
	sim_settle();
	ck_assert_int_eq(query.query.status, MC_OK);
	ck_assert_uint_eq(query.query.count, wanted);
	free(sim_query_text(&query));
}

START_TEST(a_segment_is_told_by_its_name)
{
	query_fail(MC_QUERY_SEGMENT, "a:1", MC_ERR_SEGMENT_NOT_FOUND);
	query_fail(MC_QUERY_SEGMENT_STATUS, "a:1", MC_ERR_SEGMENT_NOT_FOUND);
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_put(&owner, "k", 1000), 0);
	ck_assert_int_eq(sim_mount(&other, "a:1", 1, SIZE), 0);
	query_expect(MC_QUERY_SEGMENT, "a:1",
		     "a:1\nUsed(bytes): 1000\nCapacity(bytes) : 33554432\n");
	status_expect("a:1", MC_SEGMENT_OK);
	ck_assert_int_eq(sim_unmount(&other, 1), 0);
	ck_assert_int_eq(sim_unmount_gracefully(&owner, 1, 60000), 0);
	status_expect("a:1", MC_SEGMENT_GRACEFULLY_UNMOUNTING);
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	query_fail(MC_QUERY_SEGMENT, "a:1", MC_ERR_SEGMENT_NOT_FOUND);
}
END_TEST

static void
samples_expect(const char *const *lines, size_t count)
{
	char *text = sim_query(MC_QUERY_SEGMENT_STATS, NULL);

	for (size_t i = 0; i < count; i++)
		ck_assert_msg(strstr(text, lines[i]) != NULL, "no %s in %s", lines[i], text);
	free(text);
}

START_TEST(samples_are_sums_by_name)
{
	struct mc_replicate_config twice = {.replica_num = 2};
	static const char *const empty[] = {
		"\nsegment_allocated_bytes{segment=\"a:1\"} 0\n",
		"\nsegment_total_capacity_bytes{segment=\"a:1\"} 50331648\n",
		"\nsegment_total_capacity_bytes{segment=\"b:1\"} 16777216\n",
		"\nmc_segment_free_largest_bytes{segment=\"a:1\"} 33554400\n",
	};
	static const char *const one[] = {
		"\nsegment_allocated_bytes{segment=\"a:1\"} 1000\n",
		"\nsegment_allocated_bytes{segment=\"b:1\"} 1000\n",
		"\nmc_segment_extent_bytes{segment=\"a:1\"} 1088\n",
		"\nsegment_total_capacity_bytes{segment=\"a:1\"} 50331648\n",
	};

	ck_assert_int_eq(sim_mount(&other, "a:1", 1, 2 * SIZE), 0);
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_mount(&owner, "b:1", 2, SIZE), 0);
	samples_expect(empty, sizeof(empty) / sizeof(empty[0]));
	ck_assert_int_eq(sim_put_as(&owner, "k", 1000, &twice), 0);
	samples_expect(one, sizeof(one) / sizeof(one[0]));
}
END_TEST

START_TEST(names_in_labels_are_escaped)
{
	char *text;

	mount_odd();
	text = sim_query(MC_QUERY_SEGMENT_STATS, NULL);
	ck_assert_ptr_nonnull(strstr(text, "{segment=\"q\\\"b\\\\n\\nt\tz\x01 d\x7f "
					   "u\xc3\xa9/name\"} 0\n"));
	free(text);
}
END_TEST

/* ---- the removal of an endpoint ---- */

START_TEST(an_endpoint_is_dropped_by_its_address_or_its_name)
{
	mount_odd();
	ck_assert_int_eq(sim_mount(&other, "b:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_mount(&other, "a:1", 2, SIZE), 0);
	query_expect(MC_QUERY_DROP_ENDPOINT, "nobody:1", "");
	ck_assert_uint_eq(sim_stat(&mc_master_stats(sim_master())->segments), 4);
	query_expect(MC_QUERY_DROP_ENDPOINT, "a:1", "");
	ck_assert_int_eq(sim_segment_status(&owner, "a:1"), -101);
	ck_assert_int_eq(sim_segment_status_by_id(&other, 1), MC_SEGMENT_OK);
	query_expect(MC_QUERY_DROP_ENDPOINT, ODD "endpoint", "");
	ck_assert_int_eq(sim_segment_status(&owner, ODD "name"), -101);
	ck_assert_uint_eq(sim_stat(&mc_master_stats(sim_master())->segments), 1);
}
END_TEST

/* Readers are not sent there any more once the query is answered; burial takes its time. */
START_TEST(nothing_is_read_from_a_dropped_endpoint)
{
	struct sim_query query;

	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	sim_put_many(&owner, "k", 5000, 100);
	ck_assert_int_eq(sim_unmount_gracefully(&owner, 1, 60000), 0);
	sim_query_send(&query, MC_QUERY_DROP_ENDPOINT, "a:1");
	while (!query.done)
		mc_reactor_poll(sim_reactor());
	ck_assert_int_eq(query.query.status, MC_OK);
	ck_assert(!sim_exist(&other, "k4999"));
	free(sim_query_text(&query));
}
END_TEST

/* ---- the asker ---- */

/* Its ring has room for one answer: the others wait in the master, but hold up nobody. */
START_TEST(an_asker_that_is_slow_gets_every_answer)
{
	struct mc_reactor_params params = {
		.size = sizeof(params), .name = "slow", .idle = MC_IDLE_INLINE, .messages_max = 2};
	struct sim_query queries[4], last;
	struct mc_reactor *slow;

	ck_assert_int_eq(mc_reactor_create(&params, &slow), MC_OK);
	for (int i = 0; i < 4; i++) {
		sim_query_send(&queries[i], MC_QUERY_KEYS, NULL);
		queries[i].query.reply_to = slow;
	}
	sim_query_send(&last, MC_QUERY_SEGMENT_NAMES, NULL);
	for (int i = 0; i < 20; i++)
		mc_reactor_poll(sim_reactor());
	ck_assert(last.done);
	for (int i = 0; i < 20; i++) {
		mc_reactor_poll(slow);
		mc_reactor_poll(sim_reactor());
	}
	for (int i = 0; i < 4; i++)
		free(sim_query_text(&queries[i]));
	free(sim_query_text(&last));
	mc_reactor_destroy(slow);
}
END_TEST

static TCase *
keys(void)
{
	TCase *tc = tcase_create("keys");

	tcase_add_test(tc, a_key_is_told_by_its_replicas);
	tcase_add_test(tc, a_key_without_a_readable_replica_is_an_error);
	tcase_add_test(tc, a_look_at_a_key_is_no_read);
	tcase_add_test(tc, keys_stand_on_lines);
	tcase_add_test(tc, named_keys_are_members);
	tcase_add_test(tc, all_are_removed_in_slices);
	tcase_add_test(tc, calls_are_answered_while_keys_are_listed);
	tcase_add_test(tc, queries_are_answered_in_their_order);
	return tc;
}

static TCase *
segments(void)
{
	TCase *tc = tcase_create("segments");

	tcase_add_test(tc, segment_names_stand_on_lines);
	tcase_add_test(tc, segments_are_told_in_detail);
	tcase_add_test(tc, names_that_are_no_text_do_not_break_the_rest);
	tcase_add_test(tc, leaving_segments_are_told_of_too);
	tcase_add_test(tc, a_segment_is_told_by_its_name);
	tcase_add_test(tc, samples_are_sums_by_name);
	tcase_add_test(tc, names_in_labels_are_escaped);
	tcase_add_test(tc, an_endpoint_is_dropped_by_its_address_or_its_name);
	tcase_add_test(tc, nothing_is_read_from_a_dropped_endpoint);
	tcase_add_test(tc, an_asker_that_is_slow_gets_every_answer);
	return tc;
}

int
main(void)
{
	TCase *cases[] = {keys(), segments(), NULL};

	return sim_suite_run("master/query", cases, setup);
}
