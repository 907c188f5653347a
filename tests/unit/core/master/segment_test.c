/* SPDX-License-Identifier: Apache-2.0 */
/* Segments come and go: names that several share, burial in slices, slots that are used again. */
#include <check.h>
#include <stdio.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/master/state.h"
#include "tests/support/must.h"
#include "tests/support/sim_segment.h"
#include "tests/support/sim_suite.h"

#define SIZE	      (16 * SIM_MIB)
#define PUT_DISCARD_S 2u
#define PUT_RELEASE_S 5u

static struct sim_client owner, other;
static uint64_t seed;

static void
setup(void)
{
	struct mc_master_params params;

	mc_master_params_init(&params);
	params.client_ttl_ns = 3600 * MC_NS_PER_S; /* nobody pings here */
	params.put_discard_ns = PUT_DISCARD_S * MC_NS_PER_S;
	params.put_release_ns = PUT_RELEASE_S * MC_NS_PER_S;
	sim_master_open(&params);
	owner = sim_client_open(1, MC_RELEASE_NEWEST);
	other = sim_client_open(2, MC_RELEASE_NEWEST);
}

static const struct mc_master_stats *
stats(void)
{
	return mc_master_stats(sim_master());
}

/* ---- names ---- */

START_TEST(segments_of_one_name_are_filled_all)
{
	for (uint64_t i = 1; i <= 3; i++)
		ck_assert_int_eq(sim_mount(&owner, "a:1", i, SIM_MIB), 0);
	/* one to a segment */
	ck_assert_int_eq(sim_put_start(&owner, "k0", 600000, NULL, NULL), 0);
	ck_assert_int_eq(sim_put_start(&owner, "k1", 600000, NULL, NULL), 0);
	ck_assert_int_eq(sim_put_start(&owner, "k2", 600000, NULL, NULL), 0);
	ck_assert_int_eq(sim_put_start(&owner, "k3", 600000, NULL, NULL), -200);
}
END_TEST

START_TEST(a_name_ends_with_its_last_segment)
{
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_mount(&other, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	sim_settle();
	ck_assert_int_eq(sim_segment_status(&owner, "a:1"), MC_SEGMENT_OK);
	ck_assert_int_eq(sim_put(&owner, "k", 100), 0);
	ck_assert_int_eq(sim_unmount(&other, 1), 0);
	sim_settle();
	ck_assert_int_eq(sim_segment_status(&owner, "a:1"), -101);
	ck_assert_int_eq(sim_put(&owner, "l", 100), -200);
}
END_TEST

#define NAMES	 40u
#define SEGMENTS 100u

struct model {
	char names[NAMES][16];
	uint32_t counts[NAMES]; /* segments that are mounted under the name */
	uint32_t name[SEGMENTS];
	bool mounted[SEGMENTS];
	uint64_t segments;
};

static void
model_toggle(struct model *model, struct mc_random *random)
{
	uint64_t number = mc_random_below(random, SEGMENTS);

	if (model->mounted[number]) {
		must(sim_unmount(&owner, number) == 0);
		model->counts[model->name[number]]--;
		model->segments--;
	} else {
		model->name[number] = (uint32_t)mc_random_below(random, NAMES);
		must(sim_mount(&owner, model->names[model->name[number]], number, SIM_MIB) == 0);
		model->counts[model->name[number]]++;
		model->segments++;
	}
	model->mounted[number] = !model->mounted[number];
}

static uint32_t
model_names(const struct model *model)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < NAMES; i++)
		count += model->counts[i] > 0;
	return count;
}

/* What is told of a name, and that an object has a replica on every one that is there. */
static void
model_check(const struct model *model, struct mc_random *random)
{
	struct mc_replicate_config everywhere = {.replica_num = NAMES};
	uint32_t at = (uint32_t)mc_random_below(random, NAMES);
	struct mc_result_vec result;

	must(sim_segment_status(&owner, model->names[at]) ==
	     (model->counts[at] > 0 ? MC_SEGMENT_OK : -101));
	must(sim_stat(&stats()->segments) == model->segments);
	must(sim_put_start(&owner, "k", 100, &everywhere, &result) ==
	     (model->segments > 0 ? 0 : -200));
	if (model->segments == 0)
		return;
	must(result.value.count == model_names(model));
	must(sim_put_revoke(&owner, "k") == 0);
}

static void
model_empty(struct model *model)
{
	for (uint64_t i = 0; i < SEGMENTS; i++) {
		if (model->mounted[i])
			must(sim_unmount(&owner, i) == 0);
	}
	sim_settle();
	for (uint32_t i = 0; i < sim_master()->names_room; i++)
		must(sim_master()->names[i].refs == 0);
}

START_TEST(segments_and_names_come_and_go)
{
	struct model model = {0};
	struct mc_random random;

	mc_random_init(&random, seed);
	for (uint32_t i = 0; i < NAMES; i++)
		snprintf(model.names[i], sizeof(model.names[i]), "host%u:1", i);
	for (int i = 0; i < 3000; i++) {
		model_toggle(&model, &random);
		model_check(&model, &random);
	}
	ck_assert_uint_le(sim_master()->segments_used, SEGMENTS + 1);
	model_empty(&model);
}
END_TEST

/* ---- burial ---- */

#define OBJECTS 5000u

/* Calls are answered pass by pass, while ever fewer objects of the dead are left. */
static unsigned int
calls_during_burial(void)
{
	uint64_t left = sim_stat(&stats()->objects), before;
	unsigned int calls = 0;

	do {
		before = left;
		ck_assert_int_eq(sim_put(&other, "other", 100), calls > 0 ? -705 : 0);
		ck_assert(!sim_exist(&other, "k4999"));
		left = sim_stat(&stats()->objects);
		calls++;
	} while (left < before);
	return calls;
}

START_TEST(a_full_segment_is_buried_while_others_are_answered)
{
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	sim_put_many(&owner, "k", OBJECTS, 100);
	ck_assert_int_eq(sim_mount(&other, "b:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	ck_assert(!sim_exist(&owner, "k0"));
	ck_assert_uint_gt(sim_stat(&stats()->objects), OBJECTS / 2);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), 0);
	ck_assert_uint_ge(calls_during_burial(), 2);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 1);
	ck_assert_str_eq(sim_where(&other, "other"), "b:1 ");
}
END_TEST

START_TEST(what_is_being_buried_may_be_mounted_again)
{
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	sim_put_many(&owner, "k", OBJECTS, 100);
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_put(&owner, "k4999", 200), 0);
	ck_assert_uint_gt(sim_stat(&stats()->objects), 1);
	sim_settle();
	ck_assert_uint_eq(sim_stat(&stats()->objects), 1);
	ck_assert(sim_exist(&owner, "k4999"));
	ck_assert_uint_eq(sim_stat(&stats()->segments), 1);
	ck_assert_int_eq(sim_segment_status(&owner, "a:1"), MC_SEGMENT_OK);
}
END_TEST

START_TEST(several_segments_are_buried)
{
	struct mc_replicate_config thrice = {.replica_num = 3};
	char key[16];

	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	ck_assert_int_eq(sim_mount(&owner, "b:1", 2, SIZE), 0);
	ck_assert_int_eq(sim_mount(&owner, "c:1", 3, SIZE), 0);
	for (unsigned int i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		ck_assert_int_eq(sim_put_as(&owner, key, 100, &thrice), 0);
	}
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	ck_assert_int_eq(sim_unmount(&owner, 3), 0);
	ck_assert_str_eq(sim_where(&owner, "k7"), "b:1 ");
	sim_settle();
	ck_assert_str_eq(sim_where(&owner, "k1999"), "b:1 ");
	ck_assert_uint_eq(sim_stat(&stats()->objects), 2000);
	ck_assert_int_eq(sim_unmount(&owner, 2), 0);
	sim_settle();
	ck_assert_uint_eq(sim_stat(&stats()->objects), 0);
}
END_TEST

START_TEST(a_master_ends_in_the_middle_of_a_burial)
{
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	sim_put_many(&owner, "k", OBJECTS, 100);
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	mc_master_stop(sim_master());
	ck_assert_uint_gt(sim_stat(&stats()->objects), 0);
	mc_master_start(sim_master()); /* sim_master_close() stops it */
}
END_TEST

/* ---- slots ---- */

/* "k" is written by @other over the unfinished write of @owner, whose space is parked. */
static void
space_park(void)
{
	ck_assert_int_eq(sim_put_start(&owner, "k", 100, NULL, NULL), 0);
	sim_advance_ms(PUT_DISCARD_S * 1000);
	ck_assert_int_eq(sim_put(&other, "k", 100), 0);
	ck_assert_uint_eq(sim_master()->parked_count, 1);
}

START_TEST(a_slot_is_used_again_while_space_of_its_former_segment_is_parked)
{
	uint64_t used;

	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	space_park();
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	sim_settle();
	ck_assert_int_eq(sim_mount(&owner, "b:1", 2, SIZE), 0);
	ck_assert_uint_eq(sim_master()->segments_used, 1);
	sim_put_many(&owner, "k", 10, 100);
	used = sim_stat(&stats()->extent_bytes);
	ck_assert_uint_gt(used, 0);
	sim_advance_ms(PUT_RELEASE_S * 1000);
	ck_assert_uint_eq(sim_master()->parked_count, 0);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), used);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(sim_remove(&owner, (char[]){'k', (char)('0' + i), 0}, false), 0);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), 0);
}
END_TEST

START_TEST(parked_space_goes_with_its_segment)
{
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIZE), 0);
	space_park();
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	sim_advance_ms(PUT_RELEASE_S * 1000);
	ck_assert_uint_eq(sim_master()->parked_count, 0);
	ck_assert_uint_eq(sim_stat(&stats()->extent_bytes), 0);
	ck_assert_uint_eq(sim_stat(&stats()->object_bytes), 0);
	ck_assert_uint_eq(sim_stat(&stats()->objects), 0);
}
END_TEST

static TCase *
names(void)
{
	TCase *tc = tcase_create("names");

	tcase_add_test(tc, segments_of_one_name_are_filled_all);
	tcase_add_test(tc, a_name_ends_with_its_last_segment);
	tcase_add_test(tc, segments_and_names_come_and_go);
	return tc;
}

static TCase *
burial(void)
{
	TCase *tc = tcase_create("burial");

	tcase_add_test(tc, a_full_segment_is_buried_while_others_are_answered);
	tcase_add_test(tc, what_is_being_buried_may_be_mounted_again);
	tcase_add_test(tc, several_segments_are_buried);
	tcase_add_test(tc, a_master_ends_in_the_middle_of_a_burial);
	return tc;
}

static TCase *
slots(void)
{
	TCase *tc = tcase_create("slots");

	tcase_add_test(tc, a_slot_is_used_again_while_space_of_its_former_segment_is_parked);
	tcase_add_test(tc, parked_space_goes_with_its_segment);
	return tc;
}

int
main(void)
{
	TCase *cases[] = {names(), burial(), slots(), NULL};

	seed = sim_test_seed();
	return sim_suite_run("master/segment", cases, setup);
}
