/* SPDX-License-Identifier: Apache-2.0 */
#include "core/master/object.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

static uint64_t seed;

static struct mc_table *
table_new(void)
{
	struct mc_table *table;

	must(mc_table_create(&table) == MC_OK);
	return table;
}

static uint32_t
insert(struct mc_table *table, const void *key, size_t len, unsigned int room)
{
	uint32_t object;

	must(mc_table_insert(table, mc_table_hash(key, len), key, len, room, &object) == MC_OK);
	return object;
}

static uint32_t
find(struct mc_table *table, const void *key, size_t len)
{
	return mc_table_find(table, mc_table_hash(key, len), key, len);
}

/* ---- cases ---- */

START_TEST(new_object_is_blank)
{
	struct mc_table *table = table_new();
	uint32_t object = insert(table, "key", 3, 2);
	struct mc_object *at = mc_table_object(table, object);

	must((at->lease_ns | at->size | at->newer | at->older | at->owner) == 0);
	must((at->queue | at->replicas | at->flags | at->data_type) == 0);
	must(at->key_len == 3);
	must(at->replicas_room == 2);
	ck_assert_mem_eq(mc_object_key(at), "key", 3);
	must(mc_object_replicas(at)[1].id == 0);
	ck_assert_ptr_null(mc_table_extra_of(table, object));
	mc_table_delete(table, object);
	must(find(table, "key", 3) == MC_OBJECT_NONE);
	mc_table_destroy(table);
	mc_table_destroy(NULL);
}
END_TEST

START_TEST(odd_keys_are_told_apart)
{
	struct mc_table *table = table_new();
	char *longest = malloc(MC_KEY_MAX + 1);
	uint32_t empty, zero, zeros, large, larger, object;

	memset(longest, 0, MC_KEY_MAX + 1);
	empty = insert(table, NULL, 0, 1);
	zero = insert(table, "\0", 1, 1);
	zeros = insert(table, "\0\0", 2, 0);
	larger = insert(table, longest, MC_KEY_MAX, MC_REPLICAS_MAX);
	large = insert(table, longest, MC_KEY_MAX - 1, MC_REPLICAS_MAX);
	must(find(table, "", 0) == empty);
	must(find(table, "\0", 1) == zero);
	must(find(table, "\0\0", 2) == zeros);
	must(find(table, longest, MC_KEY_MAX - 1) == large);
	must(find(table, longest, MC_KEY_MAX) == larger);
	must(find(table, longest, 3) == MC_OBJECT_NONE);
	must(mc_table_insert(table, 1, longest, MC_KEY_MAX + 1, 1, &object) == MC_ERR_TOO_LARGE);
	must(mc_table_insert(table, 1, "k", 1, MC_REPLICAS_MAX + 1, &object) == MC_ERR_TOO_LARGE);
	mc_table_delete(table, empty);
	must(find(table, "", 0) == MC_OBJECT_NONE);
	must(find(table, "\0", 1) == zero);
	free(longest);
	mc_table_destroy(table);
}
END_TEST

START_TEST(queues_keep_their_order)
{
	struct mc_table *table = table_new();
	uint32_t a = insert(table, "a", 1, 1);
	uint32_t b = insert(table, "b", 1, 1);
	uint32_t c = insert(table, "c", 1, 1);

	mc_table_queue(table, a, MC_QUEUE_WRITTEN);
	mc_table_queue(table, b, MC_QUEUE_WRITTEN);
	mc_table_queue(table, c, MC_QUEUE_WRITTEN);
	mc_table_queue(table, a, MC_QUEUE_WRITTEN); /* b c a */
	must(mc_table_oldest(table, MC_QUEUE_WRITTEN) == b);
	must(mc_table_newer(table, b) == c);
	must(mc_table_newer(table, c) == a);
	must(mc_table_newer(table, a) == MC_OBJECT_NONE);
	mc_table_queue(table, c, MC_QUEUE_READ); /* b a | c */
	must(mc_table_newer(table, b) == a);
	must(mc_table_oldest(table, MC_QUEUE_READ) == c);
	mc_table_queue(table, b, MC_QUEUE_NONE);
	mc_table_queue(table, b, MC_QUEUE_NONE);
	must(mc_table_oldest(table, MC_QUEUE_WRITTEN) == a);
	mc_table_delete(table, a);
	must(mc_table_oldest(table, MC_QUEUE_WRITTEN) == MC_OBJECT_NONE);
	mc_table_delete(table, c);
	must(mc_table_oldest(table, MC_QUEUE_READ) == MC_OBJECT_NONE);
	mc_table_destroy(table);
}
END_TEST

/* The objects of @queue, oldest first, by the first letter of their keys. */
static const char *
queue_text(struct mc_table *table, enum mc_queue queue)
{
	static char text[16];
	unsigned int n = 0;

	for (uint32_t object = mc_table_oldest(table, queue); object != MC_OBJECT_NONE;
	     object = mc_table_newer(table, object))
		text[n++] = *mc_object_key(mc_table_object(table, object));
	text[n] = '\0';
	return text;
}

START_TEST(who_comes_back_first_stands_behind_the_older_ones)
{
	struct mc_table *table = table_new();
	uint32_t objects[5];

	for (unsigned int i = 0; i < 5; i++) {
		objects[i] = insert(table, &"abcde"[i], 1, 1);
		mc_table_object(table, objects[i])->lease_ns = i + 1;
	}
	mc_table_queue_first(table, objects[2], MC_QUEUE_WRITTEN);
	must(strcmp(queue_text(table, MC_QUEUE_WRITTEN), "c") == 0);
	mc_table_queue_first(table, objects[4], MC_QUEUE_WRITTEN);
	mc_table_queue_first(table, objects[0], MC_QUEUE_WRITTEN);
	mc_table_queue_first(table, objects[3], MC_QUEUE_WRITTEN);
	mc_table_queue_first(table, objects[1], MC_QUEUE_WRITTEN);
	must(strcmp(queue_text(table, MC_QUEUE_WRITTEN), "abcde") == 0);
	mc_table_queue(table, objects[0], MC_QUEUE_WRITTEN);
	must(strcmp(queue_text(table, MC_QUEUE_WRITTEN), "bcdea") == 0);
	mc_table_destroy(table);
}
END_TEST

START_TEST(places_in_two_queues_are_traded)
{
	struct mc_table *table = table_new();
	uint32_t objects[6];

	for (unsigned int i = 0; i < 6; i++) {
		objects[i] = insert(table, &"abcdef"[i], 1, 1);
		mc_table_queue(table, objects[i], i < 3 ? MC_QUEUE_WRITTEN : MC_QUEUE_GROUPED);
	}
	mc_table_trade(table, objects[0], objects[3]); /* the oldest, */
	mc_table_trade(table, objects[1], objects[4]); /* in the middle, */
	mc_table_trade(table, objects[2], objects[5]); /* the newest */
	must(strcmp(queue_text(table, MC_QUEUE_WRITTEN), "def") == 0);
	must(strcmp(queue_text(table, MC_QUEUE_GROUPED), "abc") == 0);
	mc_table_queue(table, objects[0], MC_QUEUE_READ); /* alone */
	mc_table_trade(table, objects[0], objects[5]);
	must(strcmp(queue_text(table, MC_QUEUE_READ), "f") == 0);
	must(strcmp(queue_text(table, MC_QUEUE_WRITTEN), "dea") == 0);
	must(mc_table_object(table, objects[0])->queue == MC_QUEUE_WRITTEN);
	mc_table_destroy(table);
}
END_TEST

START_TEST(widen_keeps_everything)
{
	struct mc_table *table = table_new();
	struct mc_object_extra *extra;
	uint32_t handles[3];
	struct mc_object *at;
	int i;

	for (i = 0; i < 3; i++) {
		handles[i] = insert(table, &"pqr"[i], 1, 1);
		mc_table_queue(table, handles[i], MC_QUEUE_READ);
	}
	must(mc_table_extra(table, handles[1], &extra) == MC_OK);
	must(extra->checksum == 0);
	extra->checksum = 99;
	at = mc_table_object(table, handles[1]);
	at->size = 5;
	at->replicas = 1;
	mc_object_replicas(at)[0].id = 11;
	for (i = 0; i < 3; i++) {
		must(mc_table_widen(table, &handles[i], 5) == MC_OK);
		must(find(table, &"pqr"[i], 1) == handles[i]);
	}
	must(mc_table_widen(table, &handles[1], MC_REPLICAS_MAX + 1) == MC_ERR_TOO_LARGE);
	must(mc_table_widen(table, &handles[1], 2) == MC_OK);
	at = mc_table_object(table, handles[1]);
	must(at->replicas_room == 5);
	must(at->size == 5);
	must(mc_object_replicas(at)[0].id == 11);
	must(mc_object_replicas(at)[4].id == 0);
	must(mc_table_extra_of(table, handles[1])->checksum == 99);
	must(mc_table_oldest(table, MC_QUEUE_READ) == handles[0]);
	must(mc_table_newer(table, handles[0]) == handles[1]);
	must(mc_table_newer(table, handles[1]) == handles[2]);
	must(mc_table_newer(table, handles[2]) == MC_OBJECT_NONE);
	mc_table_queue(table, handles[1], MC_QUEUE_NONE);
	must(mc_table_newer(table, handles[0]) == handles[2]);
	mc_table_destroy(table);
}
END_TEST

/* ---- against a naive model: what is expected of each of a fixed set of keys ---- */

#define KEYS 5000u

struct expected {
	bool in;
	uint32_t object;
	uint64_t tag; /* in object->size, and in the extra */
	bool has_extra;
	enum mc_queue queue;
	uint64_t queued_at; /* order within the queue */
};

struct model {
	struct mc_table *table;
	struct expected expected[KEYS];
	uint32_t count;
	uint64_t time;
};

/* Keys of 0 to some 300 bytes, many of them prefixes of each other, with NUL bytes. */
static size_t
key_make(uint32_t number, char key[512])
{
	size_t len = number % 60;

	if (number < 60)
		memset(key, 0, len);
	else
		len = (size_t)snprintf(key, 512, "%0*u", 1 + (int)(number % 300), number) + 1;
	return len;
}

static void
key_check(struct model *model, uint32_t number)
{
	const struct expected *expected = &model->expected[number];
	char key[512];
	size_t len = key_make(number, key);
	uint32_t object = find(model->table, key, len);
	struct mc_object *at;

	if (!expected->in) {
		must(object == MC_OBJECT_NONE);
		return;
	}
	must(object == expected->object);
	at = mc_table_object(model->table, object);
	must(at->size == expected->tag);
	must(at->queue == expected->queue);
	must((mc_table_extra_of(model->table, object) != NULL) == expected->has_extra);
	if (expected->has_extra)
		must(mc_table_extra_of(model->table, object)->checksum == expected->tag);
}

static void
key_insert(struct model *model, uint32_t number)
{
	struct expected *expected = &model->expected[number];
	char key[512];
	size_t len = key_make(number, key);

	expected->in = true;
	expected->object = insert(model->table, key, len, number % 4);
	expected->tag = ++model->time;
	expected->has_extra = false;
	expected->queue = MC_QUEUE_NONE;
	mc_table_object(model->table, expected->object)->size = expected->tag;
	/* So that a handle leads back to its key. */
	mc_table_object(model->table, expected->object)->owner = number;
	model->count++;
}

static void
key_change(struct model *model, uint32_t number, struct mc_random *random)
{
	struct expected *expected = &model->expected[number];
	struct mc_object_extra *extra;

	switch (mc_random_below(random, 8)) {
	case 0:
	case 1:
		mc_table_delete(model->table, expected->object);
		expected->in = false;
		model->count--;
		break;
	case 2:
		must(mc_table_widen(model->table, &expected->object,
				    (unsigned int)mc_random_below(random, 10)) == MC_OK);
		break;
	case 3:
		must(mc_table_extra(model->table, expected->object, &extra) == MC_OK);
		extra->checksum = expected->tag;
		expected->has_extra = true;
		break;
	default:
		expected->queue = (enum mc_queue)mc_random_below(random, MC_QUEUE_COUNT);
		expected->queued_at = ++model->time;
		mc_table_queue(model->table, expected->object, expected->queue);
		break;
	}
}

/* Each queue holds its objects and no others, in the order in which they came. */
static void
queues_check(struct model *model)
{
	uint32_t queued = 0, walked = 0, object, number;
	int queue;

	for (number = 0; number < KEYS; number++)
		queued += model->expected[number].in &&
			  model->expected[number].queue != MC_QUEUE_NONE;
	for (queue = MC_QUEUE_NONE + 1; queue < MC_QUEUE_COUNT; queue++) {
		uint64_t before = 0;

		for (object = mc_table_oldest(model->table, (enum mc_queue)queue);
		     object != MC_OBJECT_NONE; object = mc_table_newer(model->table, object)) {
			number = mc_table_object(model->table, object)->owner;
			must(model->expected[number].in);
			must(model->expected[number].object == object);
			must(model->expected[number].queue == (enum mc_queue)queue);
			must(model->expected[number].queued_at > before);
			before = model->expected[number].queued_at;
			walked++;
		}
	}
	must(walked == queued);
}

START_TEST(an_extra_that_says_nothing_is_taken_away)
{
	struct mc_table *table = table_new();
	uint32_t object = insert(table, "k", 1, 1);
	struct mc_object_extra *extra;

	mc_table_extra_trim(table, object);
	must(mc_table_extra(table, object, &extra) == MC_OK);
	extra->checksum = 1;
	mc_table_extra_trim(table, object);
	must(mc_table_extra_of(table, object) == extra);
	/* places that mean nothing any more */
	extra->checksum = 0;
	extra->pin_at = 3;
	extra->copy = 4;
	mc_table_extra_trim(table, object);
	must(mc_table_extra_of(table, object) == NULL);
	mc_table_destroy(table);
}
END_TEST

START_TEST(agrees_with_the_model)
{
	struct model *model = calloc(1, sizeof(*model));
	struct mc_table_stats stats;
	struct mc_random random;
	uint32_t i, number;

	mc_random_init(&random, seed);
	model->table = table_new();
	for (i = 0; i < 400000; i++) {
		/* Comes and goes between few keys and all of them. */
		number = (uint32_t)mc_random_below(&random, i / 40000 % 2 ? 200 : KEYS);
		key_check(model, number);
		if (!model->expected[number].in)
			key_insert(model, number);
		else
			key_change(model, number, &random);
		if (i % 20000 == 0)
			queues_check(model);
	}
	for (number = 0; number < KEYS; number++)
		key_check(model, number);
	mc_table_stats_read(model->table, &stats);
	must(stats.objects == model->count);
	mc_table_destroy(model->table);
	free(model);
}
END_TEST

/* ---- walks ---- */

#define WALKED 20000u

static uint32_t
numbered_insert(struct mc_table *table, uint32_t number)
{
	uint32_t object = insert(table, &number, sizeof(number), number % 5);

	mc_table_object(table, object)->owner = number;
	return object;
}

/* Objects of even number live through the walk, those of odd number come and go during it. */
static void
walk_disturb(struct mc_table *table, struct mc_random *random, bool *present)
{
	uint32_t number = (uint32_t)mc_random_below(random, WALKED) | 1;

	if (present[number])
		mc_table_delete(table, find(table, &number, sizeof(number)));
	else
		numbered_insert(table, number);
	present[number] = !present[number];
}

START_TEST(walk_meets_each_object_once)
{
	struct mc_table *table = table_new();
	bool *present = calloc(WALKED, sizeof(*present));
	uint8_t *met = calloc(WALKED, 1);
	uint32_t cursor = MC_OBJECT_NONE, number, object;
	struct mc_random random;

	mc_random_init(&random, seed);
	for (number = 0; number < WALKED; number++) {
		numbered_insert(table, number);
		present[number] = true;
	}
	for (number = 0; number < WALKED; number++) /* dead records before it begins */
		walk_disturb(table, &random, present);
	do {
		uint32_t steps = 1 + (uint32_t)mc_random_below(&random, 20);

		object = mc_table_walk(table, &cursor, &steps);
		if (object != MC_OBJECT_NONE) {
			number = mc_table_object(table, object)->owner;
			must(present[number]);
			must(find(table, &number, sizeof(number)) == object);
			met[number]++;
			if (number % 2 == 1 && mc_random_below(&random, 2) == 0) {
				mc_table_delete(table, object);
				present[number] = false;
			}
		}
		walk_disturb(table, &random, present);
		walk_disturb(table, &random, present);
	} while (cursor != MC_OBJECT_NONE);
	for (number = 0; number < WALKED; number += 2)
		must(met[number] == 1);
	free(met);
	free(present);
	mc_table_destroy(table);
}
END_TEST

START_TEST(walk_of_nothing_is_over_at_once)
{
	struct mc_table *table = table_new();
	uint32_t cursor = MC_OBJECT_NONE, steps = 10;

	must(mc_table_walk(table, &cursor, &steps) == MC_OBJECT_NONE);
	must(cursor == MC_OBJECT_NONE);
	mc_table_delete(table, insert(table, "x", 1, 1));
	steps = 10;
	must(mc_table_walk(table, &cursor, &steps) == MC_OBJECT_NONE);
	must(cursor == MC_OBJECT_NONE);
	mc_table_destroy(table);
}
END_TEST

/* ---- size and stalls ---- */

#define MILLION	     1000000u
#define EXTENT_BYTES 32u /* what core/alloc keeps per extent */

static uint64_t
bytes_of(const struct mc_table *table)
{
	struct mc_table_stats stats;

	mc_table_stats_read(table, &stats);
	return stats.bytes;
}

/* Fills up to @to objects with 20-byte keys and one replica each; returns the longest call. */
static uint64_t
fill(struct mc_table *table, uint32_t from, uint32_t to)
{
	uint64_t longest = 0;
	char key[24];
	uint32_t i;

	for (i = from; i < to; i++) {
		uint64_t begin, ns;

		snprintf(key, sizeof(key), "key-%016u", i);
		begin = mc_clock_mono_ns();
		insert(table, key, 20, 1);
		ns = mc_clock_mono_ns() - begin;
		longest = ns > longest ? ns : longest;
	}
	return longest;
}

START_TEST(two_million_objects_stay_small)
{
	struct mc_table *table = table_new();
	uint64_t at_one, at_two, longest, each, begin;
	char key[24];
	uint32_t i;

	longest = fill(table, 0, MILLION);
	at_one = bytes_of(table);
	each = fill(table, MILLION, 2 * MILLION);
	longest = each > longest ? each : longest;
	at_two = bytes_of(table);
	each = (at_two - at_one) / MILLION + EXTENT_BYTES;
	printf("per object %" PRIu64 " bytes with its extent (%" PRIu64 " MiB at 2 M); longest "
	       "insert %" PRIu64 " us\n",
	       each, at_two >> 20, longest / 1000);
	must(each <= 160);
	begin = mc_clock_mono_ns();
	for (i = 0; i < 2 * MILLION; i += 7) {
		uint32_t scattered = (uint32_t)((uint64_t)i * 7919 % (2 * MILLION));

		snprintf(key, sizeof(key), "key-%016u", scattered);
		must(find(table, key, 20) != MC_OBJECT_NONE);
		snprintf(key, sizeof(key), "kex-%016u", scattered);
		must(find(table, key, 20) == MC_OBJECT_NONE);
	}
	printf("find, a hit and a miss in turn: %" PRIu64 " ns with making the key\n",
	       (mc_clock_mono_ns() - begin) / (2 * (2 * MILLION / 7)));
	mc_table_destroy(table);
}
END_TEST

static Suite *
table_suite(void)
{
	Suite *suite = suite_create("table");
	TCase *tcase = tcase_create("all");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, new_object_is_blank);
	tcase_add_test(tcase, odd_keys_are_told_apart);
	tcase_add_test(tcase, queues_keep_their_order);
	tcase_add_test(tcase, who_comes_back_first_stands_behind_the_older_ones);
	tcase_add_test(tcase, places_in_two_queues_are_traded);
	tcase_add_test(tcase, widen_keeps_everything);
	tcase_add_test(tcase, an_extra_that_says_nothing_is_taken_away);
	tcase_add_test(tcase, agrees_with_the_model);
	tcase_add_test(tcase, walk_meets_each_object_once);
	tcase_add_test(tcase, walk_of_nothing_is_over_at_once);
	tcase_add_test(tcase, two_million_objects_stay_small);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	const char *text = getenv("MC_TEST_SEED");

	seed = text ? strtoull(text, NULL, 0) : mc_random_seed();
	printf("MC_TEST_SEED=%" PRIu64 "\n", seed);
	fflush(stdout);
	return suite_run(table_suite(), CK_FORK_GETENV);
}
