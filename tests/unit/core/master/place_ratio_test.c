/* SPDX-License-Identifier: Apache-2.0 */
/* Placement by free space: the emptiest of a sample, which keeps the whole pool level. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "core/master/state.h"
#include "tests/support/must.h"
#include "tests/support/sim_segment.h"
#include "tests/support/sim_suite.h"

#define NAMES_MAX 100u

static struct sim_client owner;

static void
open_with(enum mc_strategy strategy)
{
	struct mc_master_params params;

	mc_master_params_init(&params);
	params.strategy = strategy;
	sim_master_open(&params);
	mc_random_init(&sim_master()->random, 1);
	owner = sim_client_open(1, MC_RELEASE_NEWEST);
}

static void
setup(void)
{
	open_with(MC_STRATEGY_FREE_RATIO_FIRST);
}

/* Segments "n0:1", "n1:1" and so on. */
static void
mount_names(unsigned int count, uint64_t size)
{
	static char names[NAMES_MAX][16]; /* the descriptions keep views */

	for (unsigned int i = 0; i < count; i++) {
		snprintf(names[i], sizeof(names[i]), "n%u:1", i);
		ck_assert_int_eq(sim_mount(&owner, names[i], i + 1, size), 0);
	}
}

static void
put_on(const char *name, const char *key, uint64_t size)
{
	struct mc_replicate_config config = {.replica_num = 1, .preferred_segment = sim_str(name)};

	ck_assert_int_eq(sim_put_as(&owner, key, size, &config), 0);
	ck_assert_int_eq(strncmp(sim_where(&owner, key), name, strlen(name)), 0);
}

/* Of objects "k0" to "k(COUNT - 1)": the most and the fewest that one of @names names has. */
static void
extremes(unsigned int count, unsigned int names, unsigned int *most_out, unsigned int *fewest_out)
{
	unsigned int used[NAMES_MAX] = {0}, at;
	char key[16];

	for (unsigned int i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		must(sscanf(sim_where(&owner, key), "n%u:1 ", &at) == 1);
		used[at]++;
	}
	*most_out = *fewest_out = used[0];
	for (at = 1; at < names; at++) {
		if (used[at] > *most_out)
			*most_out = used[at];
		if (used[at] < *fewest_out)
			*fewest_out = used[at];
	}
}

START_TEST(the_emptiest_of_a_few_is_taken)
{
	char key[16];

	/* no more names than one sample has: it is the emptiest of all */
	mount_names(6, SIM_MIB);
	for (unsigned int i = 0; i < 6; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%u:1", i);
		snprintf(key, sizeof(key), "fill%u", i);
		put_on(name, key, 10000 * (i == 4 ? 1 : 5 + i));
	}
	ck_assert_int_eq(sim_put(&owner, "k", 100), 0);
	ck_assert_str_eq(sim_where(&owner, "k"), "n4:1 ");
}
END_TEST

START_TEST(free_space_is_a_share_of_the_segment)
{
	ck_assert_int_eq(sim_mount(&owner, "large:1", 1, 64 * SIM_MIB), 0);
	ck_assert_int_eq(sim_mount(&owner, "small:1", 2, SIM_MIB), 0);
	/* a quarter of the large one, which still has most bytes */
	put_on("large:1", "fill", 16 * SIM_MIB);
	ck_assert_int_eq(sim_put(&owner, "k", 100), 0);
	ck_assert_str_eq(sim_where(&owner, "k"), "small:1 ");
}
END_TEST

START_TEST(the_segments_of_a_name_count_together)
{
	ck_assert_int_eq(sim_mount(&owner, "a:1", 1, SIM_MIB), 0);
	ck_assert_int_eq(sim_mount(&owner, "b:1", 2, SIM_MIB), 0);
	put_on("a:1", "fa", SIM_MIB / 2);
	put_on("b:1", "fb", SIM_MIB / 4);
	ck_assert_int_eq(sim_mount(&owner, "a:1", 3, 7 * SIM_MIB), 0);
	ck_assert_int_eq(sim_put(&owner, "k", 100), 0);
	ck_assert_str_eq(sim_where(&owner, "k"), "a:1 ");
}
END_TEST

START_TEST(replicas_go_to_the_emptiest_names_in_their_order)
{
	struct mc_replicate_config twice = {.replica_num = 2};

	mount_names(4, SIM_MIB);
	put_on("n0:1", "f0", 30000);
	put_on("n1:1", "f1", 20000);
	put_on("n2:1", "f2", 10000);
	put_on("n3:1", "f3", 40000);
	ck_assert_int_eq(sim_put_as(&owner, "k", 100, &twice), 0);
	ck_assert_str_eq(sim_where(&owner, "k"), "n2:1 n1:1 ");
}
END_TEST

START_TEST(what_is_asked_for_goes_before)
{
	struct mc_replicate_config config = {.replica_num = 2,
					     .preferred_segment = sim_str("n0:1")};

	mount_names(3, SIM_MIB);
	put_on("n0:1", "f0", SIM_MIB / 2);
	put_on("n2:1", "f2", SIM_MIB / 4);
	ck_assert_int_eq(sim_put_as(&owner, "k", 100, &config), 0);
	ck_assert_str_eq(sim_where(&owner, "k"), "n0:1 n1:1 ");
}
END_TEST

/* The emptiest by share cannot hold the object; the fuller one can. */
START_TEST(an_object_that_does_not_fit_goes_on_to_the_next)
{
	ck_assert_int_eq(sim_mount(&owner, "large:1", 1, 64 * SIM_MIB), 0);
	ck_assert_int_eq(sim_mount(&owner, "small:1", 2, SIM_MIB), 0);
	put_on("large:1", "fill", 16 * SIM_MIB);
	ck_assert_int_eq(sim_put(&owner, "k", 2 * SIM_MIB), 0);
	ck_assert_str_eq(sim_where(&owner, "k"), "large:1 ");
	ck_assert_int_eq(sim_put(&owner, "none", 65 * SIM_MIB), -200);
}
END_TEST

/* Behind a sample without room stands the walk over all names. */
START_TEST(the_one_name_with_room_is_found)
{
	char name[16], key[16];

	mount_names(50, SIM_MIB);
	for (unsigned int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "n%u:1", i);
		snprintf(key, sizeof(key), "f%u", i);
		if (i != 33)
			put_on(name, key, SIM_MIB - 1000);
	}
	for (unsigned int i = 0; i < 20; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		ck_assert_int_eq(sim_put(&owner, key, 10000), 0);
		ck_assert_str_eq(sim_where(&owner, key), "n33:1 ");
	}
}
END_TEST

/* 50 objects for each of 100 names: level within 2, where chance alone leaves gaps of 30. */
START_TEST(the_pool_stays_level)
{
	unsigned int most, fewest;

	mount_names(NAMES_MAX, SIM_MIB);
	sim_put_many(&owner, "k", 50 * NAMES_MAX, 10000);
	extremes(50 * NAMES_MAX, NAMES_MAX, &most, &fewest);
	ck_assert_msg(most - fewest <= 6, "from %u to %u", fewest, most);
}
END_TEST

START_TEST(chance_alone_does_not_keep_it_level)
{
	unsigned int most, fewest;

	sim_master_close();
	open_with(MC_STRATEGY_RANDOM);
	mount_names(NAMES_MAX, SIM_MIB);
	sim_put_many(&owner, "k", 50 * NAMES_MAX, 10000);
	extremes(50 * NAMES_MAX, NAMES_MAX, &most, &fewest);
	ck_assert_msg(most - fewest > 20 && most < 100 && fewest > 10, "from %u to %u", fewest,
		      most);
}
END_TEST

/* New nodes join a pool that is half full: they are filled first. */
START_TEST(new_segments_catch_up)
{
	unsigned int joined = 0;
	char key[16];

	mount_names(8, SIM_MIB);
	sim_put_many(&owner, "old", 8 * 50, 10000);
	ck_assert_int_eq(sim_mount(&owner, "new0:1", 50, SIM_MIB), 0);
	ck_assert_int_eq(sim_mount(&owner, "new1:1", 51, SIM_MIB), 0);
	for (unsigned int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		ck_assert_int_eq(sim_put(&owner, key, 10000), 0);
		joined += sim_where(&owner, key)[0] == 'n' && sim_where(&owner, key)[1] == 'e';
	}
	/* a sample of 6 consecutive ones of 10 has one of the two seven times out of ten */
	ck_assert_msg(joined > 55, "%u of 100", joined);
}
END_TEST

static TCase *
choices(void)
{
	TCase *tc = tcase_create("choices");

	tcase_add_test(tc, the_emptiest_of_a_few_is_taken);
	tcase_add_test(tc, free_space_is_a_share_of_the_segment);
	tcase_add_test(tc, the_segments_of_a_name_count_together);
	tcase_add_test(tc, replicas_go_to_the_emptiest_names_in_their_order);
	tcase_add_test(tc, what_is_asked_for_goes_before);
	tcase_add_test(tc, an_object_that_does_not_fit_goes_on_to_the_next);
	tcase_add_test(tc, the_one_name_with_room_is_found);
	return tc;
}

static TCase *
pools(void)
{
	TCase *tc = tcase_create("pools");

	tcase_add_test(tc, the_pool_stays_level);
	tcase_add_test(tc, chance_alone_does_not_keep_it_level);
	tcase_add_test(tc, new_segments_catch_up);
	return tc;
}

int
main(void)
{
	TCase *cases[] = {choices(), pools(), NULL};

	return sim_suite_run("master/place_ratio", cases, setup);
}
