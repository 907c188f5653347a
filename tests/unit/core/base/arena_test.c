/* SPDX-License-Identifier: Apache-2.0 */
/* The arena against an array of everything that it gave out. */
#include <check.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/base/random.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

#define RECORDS_MAX 4000u
#define STEPS	    100000u
#define UNITS_MAX   (1u << 24) /* handles that the test reaches: 256 MiB */

struct record {
	uint32_t handle;
	uint32_t size;
	uint8_t fill;
	bool old;		/* lived when the walk began */
	uint32_t visited;	/* by the walk */
};

static struct mc_arena *arena;
static struct mc_random prng;
static struct record records[RECORDS_MAX];
static uint32_t records_count;
static uint32_t owner[UNITS_MAX]; /* of each unit: a record + 1, or 0 */

static void
setup(void)
{
	const char *text = getenv("MC_TEST_SEED");
	uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : mc_random_seed();

	printf("MC_TEST_SEED=%" PRIu64 "\n", seed);
	fflush(stdout);
	mc_random_init(&prng, seed);
	records_count = 0;
	memset(owner, 0, sizeof(owner));
	ck_assert_int_eq(mc_arena_create(&arena), MC_OK);
}

static void
teardown(void)
{
	mc_arena_destroy(arena);
}

static void
units_own(const struct record *record, uint32_t from, uint32_t to)
{
	uint32_t units = (record->size + MC_ARENA_UNIT - 1) / MC_ARENA_UNIT;

	must(record->handle < UNITS_MAX - units);
	for (uint32_t i = 0; i < units; i++) {
		must(owner[record->handle + i] == from);
		owner[record->handle + i] = to;
	}
}

static void
record_add(uint32_t size)
{
	struct record *record = &records[records_count];

	*record = (struct record){.size = size, .fill = (uint8_t)mc_random_next(&prng)};
	must(mc_arena_alloc(arena, size, &record->handle) == MC_OK);
	must(record->handle != MC_ARENA_NONE);
	must((uintptr_t)mc_arena_ptr(arena, record->handle) % MC_ARENA_UNIT == 0);
	units_own(record, 0, ++records_count);
	memset(mc_arena_ptr(arena, record->handle), record->fill, size);
}

/* What was written is still there, then the record goes. */
static void
record_del(uint32_t at)
{
	struct record *record = &records[at];
	const uint8_t *bytes = mc_arena_ptr(arena, record->handle);

	for (uint32_t i = 0; i < record->size; i++)
		must(bytes[i] == record->fill);
	units_own(record, at + 1, 0);
	mc_arena_free(arena, record->handle);
	if (at != --records_count) {
		*record = records[records_count];
		units_own(record, records_count + 1, at + 1);
	}
}

/* Mostly small, some up to the largest. */
static uint32_t
size_random(void)
{
	uint32_t bound = mc_random_below(&prng, 20) == 0 ? MC_ARENA_RECORD_MAX : 600;

	return 1 + (uint32_t)mc_random_below(&prng, bound);
}

/* Grows and shrinks by turns. */
static void
step_random(uint32_t step, uint32_t most)
{
	bool grows = mc_random_below(&prng, 10) < (step / 1000 % 2 == 0 ? 7 : 3);

	if (grows && records_count < most)
		record_add(size_random());
	else if (!grows && records_count > 0)
		record_del((uint32_t)mc_random_below(&prng, records_count));
}

START_TEST(records_never_overlap_nor_change)
{
	for (uint32_t step = 0; step < STEPS; step++) {
		step_random(step, RECORDS_MAX);
		must(mc_arena_live(arena) == records_count);
	}
	while (records_count > 0)
		record_del(records_count - 1);
	ck_assert_uint_eq(mc_arena_live(arena), 0);
}
END_TEST

START_TEST(sizes_at_every_border)
{
	uint32_t handle = 7;

	/* above 2 KiB classes are 256 bytes apart or more */
	for (uint32_t size = 16; size <= MC_ARENA_RECORD_MAX; size += size < 2048 ? 16 : 128) {
		record_add(size - 1);
		record_add(size);
		if (size < MC_ARENA_RECORD_MAX)
			record_add(size + 1);
		while (records_count > 64)
			record_del(0);
	}
	ck_assert_int_eq(mc_arena_alloc(arena, 0, &handle), MC_ERR_TOO_LARGE);
	ck_assert_int_eq(mc_arena_alloc(arena, MC_ARENA_RECORD_MAX + 1, &handle),
			 MC_ERR_TOO_LARGE);
	ck_assert_uint_eq(handle, 7);
}
END_TEST

START_TEST(dead_records_are_reused)
{
	size_t bytes;

	for (int i = 0; i < 1000; i++)
		record_add(400);
	bytes = mc_arena_bytes(arena);
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 500; i++)
			record_del((uint32_t)mc_random_below(&prng, records_count));
		for (int i = 0; i < 500; i++)
			record_add(385 + (uint32_t)mc_random_below(&prng, 16));
	}
	ck_assert_uint_eq(mc_arena_bytes(arena), bytes);
	ck_assert_uint_lt(bytes, 3u << 20);
}
END_TEST

/* Does the kernel know that huge pages are wanted there? */
static bool
huge_wanted(const void *at)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	bool here = false, wanted = false;
	char line[512];

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = (uintptr_t)at >= from && (uintptr_t)at < to;
		else if (here && strncmp(line, "VmFlags:", 8) == 0)
			wanted = strstr(line, " hg") != NULL;
	}
	fclose(file);
	return wanted;
}

START_TEST(huge_pages_are_asked_for_when_a_chunk_is_full)
{
	uint32_t room = (1u << MC_ARENA_CHUNK_SHIFT) / 1024 - 1; /* none at handle 0 */

	for (uint32_t i = 0; i < room; i++) {
		if (i == 1 || i == room - 1)
			ck_assert(!huge_wanted(mc_arena_ptr(arena, records[0].handle)));
		record_add(1024);
	}
	/* a kernel may be built without them */
	ck_assert(huge_wanted(mc_arena_ptr(arena, records[0].handle)) ==
		  (access("/sys/kernel/mm/transparent_hugepage", F_OK) == 0));
	record_add(1024);
	ck_assert(!huge_wanted(mc_arena_ptr(arena, records[room].handle)));
}
END_TEST

/* ---- walks ---- */

/*
 * Walks from end to end, @steps at a time, with changes in the pauses. A record that lived all the
 * while must be seen once, one that came or went at most once.
 */
static void
walk_check(uint32_t most_steps, uint32_t changes)
{
	uint32_t at = MC_ARENA_NONE;

	for (uint32_t i = 0; i < records_count; i++) {
		records[i].old = true;
		records[i].visited = 0;
	}
	for (;;) {
		uint32_t steps = (uint32_t)mc_random_below(&prng, most_steps + 1);
		uint32_t given = steps, seen = 0;
		int paused = 7;

		for (;;) {
			at = mc_arena_next(arena, at, &steps, &paused);
			if (paused || at == MC_ARENA_NONE)
				break;
			seen++;
			must(owner[at] != 0 && records[owner[at] - 1].handle == at);
			must(records[owner[at] - 1].visited++ == 0);
		}
		must(seen <= given - steps);
		if (!paused)
			break;
		must(steps == 0);
		for (uint32_t i = 0; i < changes; i++)
			step_random((uint32_t)mc_random_below(&prng, 2000), RECORDS_MAX);
	}
	for (uint32_t i = 0; i < records_count; i++)
		must(!records[i].old || records[i].visited == 1);
}

START_TEST(a_walk_sees_what_lives_through_it_once)
{
	walk_check(10, 0); /* of nothing */
	for (uint32_t round = 0; round < 60; round++) {
		while (records_count < round * 40)
			record_add(size_random());
		walk_check(1 + (uint32_t)mc_random_below(&prng, 300), round % 6);
	}
}
END_TEST

START_TEST(a_walk_over_the_dead_pauses_too)
{
	uint32_t steps = 10, at;
	int paused;

	for (int i = 0; i < 100; i++)
		record_add(32);
	while (records_count > 1)
		record_del(records_count - 2);
	/* the last of a hundred: nine pauses of ten steps, each from where the last one ended */
	at = mc_arena_next(arena, MC_ARENA_NONE, &steps, &paused);
	for (int pauses = 1; paused; pauses++) {
		ck_assert_int_lt(pauses, 12);
		ck_assert_uint_eq(steps, 0);
		steps = 10;
		at = mc_arena_next(arena, at, &steps, &paused);
	}
	ck_assert_uint_eq(at, records[0].handle);
	ck_assert_uint_eq(mc_arena_next(arena, at, &steps, &paused), MC_ARENA_NONE);
	ck_assert_int_eq(paused, 0);
}
END_TEST

START_TEST(destroying_nothing_is_fine)
{
	mc_arena_destroy(NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base/arena");
	TCase *tc = tcase_create("arena");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, records_never_overlap_nor_change);
	tcase_add_test(tc, sizes_at_every_border);
	tcase_add_test(tc, dead_records_are_reused);
	tcase_add_test(tc, huge_pages_are_asked_for_when_a_chunk_is_full);
	tcase_add_test(tc, a_walk_sees_what_lives_through_it_once);
	tcase_add_test(tc, a_walk_over_the_dead_pauses_too);
	tcase_add_test(tc, destroying_nothing_is_fine);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
