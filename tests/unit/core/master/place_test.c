/* SPDX-License-Identifier: Apache-2.0 */
/* Where objects go: distinct names, the preferred ones first, in the end every one. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "core/master/state.h"
#include "tests/support/must.h"
#include "tests/support/sim_segment.h"
#include "tests/support/sim_suite.h"

#define SIZE	   (16 * SIM_MIB)
#define LONG_BATCH 20000u /* of many slices */

static struct sim_client owner;

static void
setup(void)
{
	sim_master_open(NULL);
	owner = sim_client_open(1, MC_RELEASE_NEWEST);
}

/* One segment each, with the names "n0:1", "n1:1" and so on. */
static void
mount_names(unsigned int count)
{
	static char names[200][16]; /* the descriptions keep views */

	for (unsigned int i = 0; i < count; i++) {
		snprintf(names[i], sizeof(names[i]), "n%u:1", i);
		ck_assert_int_eq(sim_mount(&owner, names[i], i + 1, SIZE), 0);
	}
}

/* How often @part occurs in @text. */
static unsigned int
occurs(const char *text, const char *part)
{
	unsigned int count = 0;

	for (; (text = strstr(text, part)) != NULL; text++)
		count++;
	return count;
}

static const struct mc_replicate_config once = {.replica_num = 1};

/* Where an object with @config is put; it is removed again. */
static const char *
placed(const struct mc_replicate_config *config)
{
	const char *where;

	ck_assert_int_eq(sim_put_as(&owner, "k", 100, config), 0);
	where = sim_where(&owner, "k");
	ck_assert_int_eq(sim_remove(&owner, "k", true), 0);
	return where;
}

/* ---- how many, and on what ---- */

START_TEST(replicas_go_to_distinct_names)
{
	struct mc_replicate_config thrice = {.replica_num = 3};

	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_mount(&owner, "a:1", 2, SIZE), 0);
	ck_assert_int_eq(sim_mount(&owner, "a:1", 3, SIZE), 0);
	ck_assert_str_eq(placed(&thrice), "a:1 ");
	ck_assert_int_eq(sim_mount(&owner, "b:1", 4, SIZE), 0);
	for (int i = 0; i < 50; i++) {
		const char *where = placed(&thrice);

		ck_assert_uint_eq(occurs(where, "a:1 "), 1);
		ck_assert_uint_eq(occurs(where, "b:1 "), 1);
		ck_assert_uint_eq(strlen(where), 8);
	}
}
END_TEST

START_TEST(as_many_replicas_as_names_are_the_most)
{
	struct mc_replicate_config many = {.replica_num = UINT64_MAX};
	struct mc_result_vec result;

	mount_names(5);
	ck_assert_int_eq(sim_put_start(&owner, "k", 100, &many, &result), 0);
	ck_assert_uint_eq(result.value.count, 5);
}
END_TEST

START_TEST(no_object_has_more_replicas_than_its_record_can_hold)
{
	struct mc_replicate_config many = {.replica_num = 1000};
	struct mc_result_vec result;

	mount_names(70);
	ck_assert_int_eq(sim_put_start(&owner, "k", 100, &many, &result), 0);
	ck_assert_uint_eq(result.value.count, 64);
}
END_TEST

START_TEST(fewer_replicas_are_better_than_none)
{
	struct mc_replicate_config twice = {.replica_num = 2};

	ck_assert_int_eq(sim_mount(&owner, "small:1", 1, 4096), 0);
	ck_assert_int_eq(sim_mount(&owner, "large:1", 2, SIZE), 0);
	ck_assert_int_eq(sim_put_as(&owner, "k", 5000, &twice), 0);
	ck_assert_str_eq(sim_where(&owner, "k"), "large:1 ");
	ck_assert_int_eq(sim_put_as(&owner, "l", 2 * SIZE, &twice), -200);
}
END_TEST

START_TEST(one_name_alone_takes_everything)
{
	struct mc_replicate_config config = once;

	ck_assert_int_eq(sim_put(&owner, "k", 100), -200);
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	config.preferred_segment = sim_str("nobody:1");
	for (int i = 0; i < 10; i++)
		ck_assert_str_eq(placed(&config), "a:1 ");
}
END_TEST

START_TEST(every_name_is_used_in_the_end)
{
	unsigned int used[20] = {0};
	unsigned int at;

	mount_names(20);
	for (int i = 0; i < 2000; i++) {
		must(sscanf(placed(&once), "n%u:1 ", &at) == 1);
		used[at]++;
	}
	/* 100 each, give or take: the odds against are below one in a billion */
	for (at = 0; at < 20; at++)
		ck_assert_msg(used[at] > 40 && used[at] < 200, "n%u: %u times", at, used[at]);
}
END_TEST

START_TEST(the_name_that_has_room_is_found)
{
	char key[16];

	mount_names(50);
	for (unsigned int i = 0; i <= 50; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		ck_assert_int_eq(sim_put_start(&owner, key, SIZE / 2 + 1, NULL, NULL),
				 i < 50 ? 0 : -200);
	}
}
END_TEST

/* ---- preferences ---- */

static struct mc_vec
list_of(const struct mc_str *names, uint32_t count)
{
	return (struct mc_vec){names, count, sizeof(*names), 0, 0};
}

START_TEST(the_preferred_segment_is_taken)
{
	struct mc_replicate_config config = once;

	mount_names(10);
	config.preferred_segment = sim_str("n7:1");
	for (int i = 0; i < 20; i++)
		ck_assert_str_eq(placed(&config), "n7:1 ");
	config.replica_num = 3;
	for (int i = 0; i < 20; i++)
		ck_assert_msg(strncmp(placed(&config), "n7:1 ", 5) == 0, "not the first");
}
END_TEST

START_TEST(the_preferred_segments_are_taken_in_their_order)
{
	struct mc_str names[3] = {sim_str("n4:1"), sim_str("n2:1"), sim_str("n9:1")};
	struct mc_replicate_config config = {.replica_num = 2,
					     .preferred_segments = list_of(names, 3)};

	mount_names(10);
	ck_assert_str_eq(placed(&config), "n4:1 n2:1 ");
	config.replica_num = 4;
	for (int i = 0; i < 20; i++) {
		const char *where = placed(&config);

		ck_assert_msg(strncmp(where, "n4:1 n2:1 n9:1 ", 15) == 0, "%s", where);
		ck_assert_uint_eq(occurs(where, ":1 "), 4);
	}
}
END_TEST

START_TEST(one_preferred_segment_stands_for_the_list)
{
	struct mc_str names[1] = {sim_str("n4:1")};
	struct mc_replicate_config config = {.replica_num = 1,
					     .preferred_segment = sim_str("n2:1"),
					     .preferred_segments = list_of(names, 1)};

	mount_names(10);
	ck_assert_str_eq(placed(&config), "n2:1 ");
}
END_TEST

START_TEST(unknown_preferences_are_passed_over)
{
	struct mc_str names[4] = {sim_str("nobody:1"), sim_str(""), sim_str("n3:1"),
				  sim_str("n3:1")};
	struct mc_replicate_config config = {.replica_num = 2,
					     .preferred_segments = list_of(names, 4)};
	const char *where;

	mount_names(10);
	where = placed(&config);
	ck_assert_msg(strncmp(where, "n3:1 ", 5) == 0, "%s", where);
	ck_assert_uint_eq(occurs(where, "n3:1 "), 1);
	ck_assert_uint_eq(occurs(where, ":1 "), 2);
	config.preferred_segment = sim_str("nobody:1");
	ck_assert_uint_eq(occurs(placed(&config), ":1 "), 2);
}
END_TEST

START_TEST(a_full_preference_is_passed_over)
{
	struct mc_str names[2] = {sim_str("small:1"), sim_str("n2:1")};
	struct mc_replicate_config config = {.replica_num = 1,
					     .preferred_segments = list_of(names, 2)};

	mount_names(5);
	ck_assert_int_eq(sim_mount(&owner, "small:1", 99, 4096), 0);
	ck_assert_int_eq(sim_put_as(&owner, "first", 3000, &config), 0);
	ck_assert_str_eq(sim_where(&owner, "first"), "small:1 ");
	ck_assert_int_eq(sim_put_as(&owner, "second", 3000, &config), 0);
	ck_assert_str_eq(sim_where(&owner, "second"), "n2:1 ");
}
END_TEST

START_TEST(a_preference_that_leaves_is_passed_over)
{
	struct mc_replicate_config config = {.replica_num = 1,
					     .preferred_segment = sim_str("n0:1")};

	mount_names(2);
	ck_assert_int_eq(sim_unmount_gracefully(&owner, 1, 60000), 0);
	ck_assert_str_eq(placed(&config), "n1:1 ");
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	ck_assert_str_eq(placed(&config), "n1:1 ");
}
END_TEST

START_TEST(a_batch_that_prefers_one_node_follows_its_first_key)
{
	struct mc_str keys[8] = {sim_str("b0"), sim_str("b1"), sim_str("b2"), sim_str("b3"),
				 sim_str("b4"), sim_str("b5"), sim_str("b6"), sim_str("b7")};
	uint64_t lengths[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct mc_args args = sim_args(&owner);
	struct mc_result_vec batch, result;
	struct mc_vec_cursor cursor = {0}, at;
	struct mc_replica_desc desc;
	char first[32] = "";

	mount_names(10);
	args.keys = list_of(keys, 8);
	args.slice_lengths = (struct mc_vec){lengths, 8, sizeof(lengths[0]), 0, 0};
	args.config = once;
	args.config.prefer_same_node = true;
	ck_assert_int_eq(sim_call(&owner, MC_FN_BATCH_PUT_START, &args, &batch), 0);
	while (mc_vec_next_result(&batch.value, &cursor, MC_FN_BATCH_PUT_START, owner.release,
				  &result)) {
		ck_assert_int_eq(result.error, 0);
		at = (struct mc_vec_cursor){0};
		ck_assert(mc_vec_next_replica(&result.value, &at, owner.release, &desc));
		if (first[0] == '\0')
			memcpy(first, desc.buffer.endpoint.ptr, desc.buffer.endpoint.len);
		ck_assert_mem_eq(desc.buffer.endpoint.ptr, first, strlen(first));
	}
	ck_assert_uint_eq(cursor.index, 8);
}
END_TEST

/* The name that the batch prefers is freed with its segment, while the batch is under way. */
START_TEST(a_batch_goes_on_when_its_preferred_node_is_gone)
{
	static struct mc_str keys[LONG_BATCH];
	static uint64_t lengths[LONG_BATCH];
	static char texts[LONG_BATCH][8];
	struct sim_client other = sim_client_open(2, MC_RELEASE_NEWEST);
	struct sim_client again = sim_client_open(1, MC_RELEASE_NEWEST);
	struct mc_args args = sim_args(&owner);
	struct mc_result_vec result;

	mount_names(1);
	for (unsigned int i = 0; i < LONG_BATCH; i++) {
		snprintf(texts[i], sizeof(texts[i]), "k%u", i);
		keys[i] = sim_str(texts[i]);
		lengths[i] = 100;
	}
	args.keys = list_of(keys, LONG_BATCH);
	args.slice_lengths = (struct mc_vec){lengths, LONG_BATCH, sizeof(lengths[0]), 0, 0};
	args.config = once;
	args.config.prefer_same_node = true;
	sim_send(&owner, MC_FN_BATCH_PUT_START, &args);
	ck_assert_int_eq(sim_mount(&other, "other:1", 1, SIZE), 0);
	ck_assert(!sim_answered(&owner));
	ck_assert_int_eq(sim_unmount(&again, 1), 0);
	while (sim_master()->dying != MC_NUMBER_NONE)
		mc_reactor_poll(sim_reactor());
	/* the same name again, so that what the batch prefers is compared with it */
	ck_assert_int_eq(sim_mount(&again, "n0:1", 2, SIZE), 0);
	ck_assert(!sim_answered(&owner));
	ck_assert_int_eq(sim_receive(&owner, MC_FN_BATCH_PUT_START, &result), 0);
	ck_assert_uint_eq(result.value.count, LONG_BATCH);
}
END_TEST

static TCase *
counts(void)
{
	TCase *tc = tcase_create("counts");

	tcase_add_test(tc, replicas_go_to_distinct_names);
	tcase_add_test(tc, as_many_replicas_as_names_are_the_most);
	tcase_add_test(tc, no_object_has_more_replicas_than_its_record_can_hold);
	tcase_add_test(tc, fewer_replicas_are_better_than_none);
	tcase_add_test(tc, one_name_alone_takes_everything);
	tcase_add_test(tc, every_name_is_used_in_the_end);
	tcase_add_test(tc, the_name_that_has_room_is_found);
	return tc;
}

static TCase *
preferences(void)
{
	TCase *tc = tcase_create("preferences");

	tcase_add_test(tc, the_preferred_segment_is_taken);
	tcase_add_test(tc, the_preferred_segments_are_taken_in_their_order);
	tcase_add_test(tc, one_preferred_segment_stands_for_the_list);
	tcase_add_test(tc, unknown_preferences_are_passed_over);
	tcase_add_test(tc, a_full_preference_is_passed_over);
	tcase_add_test(tc, a_preference_that_leaves_is_passed_over);
	tcase_add_test(tc, a_batch_that_prefers_one_node_follows_its_first_key);
	tcase_add_test(tc, a_batch_goes_on_when_its_preferred_node_is_gone);
	return tc;
}

int
main(void)
{
	TCase *cases[] = {counts(), preferences(), NULL};

	return sim_suite_run("master/place", cases, setup);
}
