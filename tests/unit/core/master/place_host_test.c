/* SPDX-License-Identifier: Apache-2.0 */
/* Placement near the writer: its host, then the next ones, for single replicas that want it. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "core/master/state.h"
#include "tests/support/must.h"
#include "tests/support/sim_segment.h"
#include "tests/support/sim_suite.h"

#define SIZE  (16 * SIM_MIB)
#define SMALL 4096u

static struct sim_client owner;

static void
open_with(enum mc_strategy strategy)
{
	struct mc_master_params params;

	mc_master_params_init(&params);
	params.strategy = strategy;
	sim_master_open(&params);
	owner = sim_client_open(1, MC_RELEASE_NEWEST);
}

static void
setup(void)
{
	open_with(MC_STRATEGY_LOCAL_FIRST);
}

static void
mount(struct sim_client *client, const char *name, const char *host, uint64_t number, uint64_t size)
{
	struct mc_segment_desc desc = sim_segment(client, name, number, size);

	desc.host_id = sim_str(host);
	ck_assert_int_eq(sim_mount_desc(client, &desc), 0);
}

/* Where @writer's object @key of @size is put; it is removed again. */
static const char *
placed(struct sim_client *writer, const char *key, uint64_t size,
       const struct mc_replicate_config *config)
{
	const char *where;

	ck_assert_int_eq(sim_put_as(writer, key, size, config), 0);
	where = sim_where(writer, key);
	ck_assert_int_eq(sim_remove(writer, key, true), 0);
	return where;
}

static struct mc_replicate_config
from_host(const char *host)
{
	return (struct mc_replicate_config){.replica_num = 1, .host_id = sim_str(host)};
}

/* Segments "h0:1", "h1:1" and so on, on the hosts "h0", "h1" and so on. */
static void
mount_hosts(unsigned int count, uint64_t size)
{
	static char texts[200][2][16]; /* the descriptions keep views */

	for (unsigned int i = 0; i < count; i++) {
		snprintf(texts[i][0], sizeof(texts[i][0]), "h%u:1", i);
		snprintf(texts[i][1], sizeof(texts[i][1]), "h%u", i);
		mount(&owner, texts[i][0], texts[i][1], i + 1, size);
	}
}

/* Twenty keys of this writer all go to @where. */
static void
always(struct sim_client *writer, const struct mc_replicate_config *config, const char *where)
{
	char key[16];

	for (unsigned int i = 0; i < 20; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		ck_assert_str_eq(placed(writer, key, 100, config), where);
	}
}

/* ---- whose host ---- */

START_TEST(the_host_of_the_call_is_first)
{
	struct mc_replicate_config config = from_host("h3");

	mount_hosts(8, SIZE);
	always(&owner, &config, "h3:1 ");
	config.host_id = sim_str("h5");
	always(&owner, &config, "h5:1 ");
}
END_TEST

START_TEST(without_one_the_writers_segments_tell)
{
	struct mc_replicate_config config = {.replica_num = 1};
	struct sim_client other = sim_client_open(2, MC_RELEASE_NEWEST);

	mount_hosts(8, SIZE); /* the last one tells: h7 */
	mount(&other, "elsewhere:1", "h2b", 100, SIZE);
	always(&owner, &config, "h7:1 ");
	always(&other, &config, "elsewhere:1 ");
	mount(&other, "again:1", "h9", 101, SIZE);
	always(&other, &config, "again:1 ");
	/* what the call says goes before */
	config.host_id = sim_str("h1");
	always(&other, &config, "h1:1 ");
}
END_TEST

START_TEST(a_writer_of_no_host_writes_anywhere)
{
	struct mc_replicate_config config = {.replica_num = 1};
	struct sim_client nobody = sim_client_open(2, MC_RELEASE_NEWEST);
	unsigned int used[4] = {0}, at;

	mc_random_init(&sim_master()->random, 1);
	mount_hosts(4, SIZE);
	for (int i = 0; i < 400; i++) {
		must(sscanf(placed(&nobody, "k", 100, &config), "h%u:1 ", &at) == 1);
		used[at]++;
	}
	for (at = 0; at < 4; at++)
		ck_assert_msg(used[at] > 60 && used[at] < 140, "h%u: %u times", at, used[at]);
}
END_TEST

START_TEST(a_client_that_is_gone_has_no_host)
{
	struct sim_client passing = sim_client_open(2, MC_RELEASE_NEWEST);
	uint32_t client;

	mount(&passing, "p:1", "ph", 1, SIZE);
	client = mc_client_find(sim_master(), passing.id);
	ck_assert_uint_eq(sim_master()->clients[client].host_id.len, 2);
	sim_advance_ms(20000);
	ck_assert_uint_eq(mc_client_find(sim_master(), passing.id), MC_NUMBER_NONE);
	ck_assert_uint_eq(sim_master()->hosted_count, 0);
}
END_TEST

/* ---- the next hosts ---- */

START_TEST(a_host_without_segments_is_passed_by_the_next_one)
{
	struct mc_replicate_config config = from_host("h1x");

	mount_hosts(4, SIZE);
	always(&owner, &config, "h2:1 ");
	config.host_id = sim_str("a");
	always(&owner, &config, "h0:1 ");
	/* behind the last host comes the first */
	config.host_id = sim_str("z");
	always(&owner, &config, "h0:1 ");
	/* a shorter id is below a longer one that begins with it */
	config.host_id = sim_str("h");
	always(&owner, &config, "h0:1 ");
}
END_TEST

START_TEST(a_full_host_spills_onto_the_next_ones)
{
	struct mc_replicate_config config = from_host("h2");
	static const char *const order[] = {"h2:1 ", "h3:1 ", "h0:1 ", "h1:1 "};
	char key[16];

	mount_hosts(4, SMALL);
	for (int i = 0; i < 4; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		ck_assert_int_eq(sim_put_as(&owner, key, SMALL / 2 + 100, &config), 0);
		ck_assert_str_eq(sim_where(&owner, key), order[i]);
	}
	ck_assert_int_eq(sim_put_as(&owner, "none", SMALL / 2 + 100, &config), -200);
}
END_TEST

START_TEST(segments_that_leave_take_nothing)
{
	struct mc_replicate_config config = from_host("h1");

	mount_hosts(4, SIZE);
	ck_assert_int_eq(sim_unmount_gracefully(&owner, 2, 60000), 0);
	always(&owner, &config, "h2:1 ");
	ck_assert_int_eq(sim_unmount(&owner, 3), 0);
	always(&owner, &config, "h3:1 ");
	ck_assert_int_eq(sim_unmount(&owner, 2), 0);
	always(&owner, &config, "h3:1 ");
	ck_assert_uint_eq(sim_master()->hosted_count, 2);
}
END_TEST

/* Far more hosts than are tried, all of them full but one: a random walk may find that one. */
START_TEST(a_pool_that_is_nearly_full_still_takes_the_key)
{
	struct mc_replicate_config config = from_host("h0");
	char key[16];

	mc_random_init(&sim_master()->random, 1);
	mount_hosts(150, SMALL);
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		ck_assert_int_eq(sim_put_as(&owner, key, SMALL / 2 + 100, &config), 0);
	}
	ck_assert_int_eq(sim_put_as(&owner, "more", SMALL / 2 + 100, &config), 0);
}
END_TEST

/* ---- inside a host ---- */

/* The keys of one writer are spread over the segments of its host, each key always to the same. */
START_TEST(keys_spread_over_the_segments_of_a_host)
{
	struct mc_replicate_config config = from_host("b");
	unsigned int used[4] = {0}, at;
	char key[16], first[32];

	mount(&owner, "other:1", "a", 10, SIZE);
	mount(&owner, "s0:1", "b", 1, SIZE);
	mount(&owner, "s1:1", "b", 2, SIZE);
	mount(&owner, "s2:1", "b", 3, SIZE);
	mount(&owner, "s3:1", "b", 4, SIZE);
	mount(&owner, "another:1", "c", 11, SIZE);
	for (unsigned int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		snprintf(first, sizeof(first), "%s", placed(&owner, key, 100, &config));
		ck_assert_str_eq(placed(&owner, key, 100, &config), first);
		must(sscanf(first, "s%u:1 ", &at) == 1);
		used[at]++;
	}
	/* keys and hash are fixed, so this is no matter of luck */
	for (at = 0; at < 4; at++)
		ck_assert_msg(used[at] > 200 && used[at] < 300, "s%u: %u times", at, used[at]);
}
END_TEST

START_TEST(a_host_is_filled_before_the_next_is_used)
{
	struct mc_replicate_config config = from_host("b");
	char key[16];

	mount(&owner, "other:1", "c", 10, SIZE);
	mount(&owner, "s0:1", "b", 1, SMALL);
	mount(&owner, "s1:1", "b", 2, SMALL);
	mount(&owner, "s2:1", "b", 3, SMALL);
	for (unsigned int i = 0; i < 3; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		ck_assert_int_eq(sim_put_as(&owner, key, SMALL / 2 + 100, &config), 0);
		ck_assert_msg(sim_where(&owner, key)[0] == 's', "%s", sim_where(&owner, key));
	}
	ck_assert_str_eq(placed(&owner, "over", SMALL / 2 + 100, &config), "other:1 ");
}
END_TEST

/* ---- who asks for it ---- */

START_TEST(named_segments_go_before)
{
	struct mc_replicate_config config = from_host("h1");

	mount_hosts(3, SMALL);
	config.preferred_segment = sim_str("h2:1");
	ck_assert_int_eq(sim_put_as(&owner, "first", SMALL / 2 + 100, &config), 0);
	ck_assert_str_eq(sim_where(&owner, "first"), "h2:1 ");
	/* that one is full now */
	ck_assert_str_eq(placed(&owner, "second", SMALL / 2 + 100, &config), "h1:1 ");
}
END_TEST

START_TEST(several_replicas_are_not_kept_near)
{
	struct mc_replicate_config config = from_host("h1");
	unsigned int first_near = 0;

	mc_random_init(&sim_master()->random, 1);
	mount_hosts(10, SIZE);
	config.replica_num = 2;
	for (int i = 0; i < 200; i++)
		first_near += strncmp(placed(&owner, "k", 100, &config), "h1:1 ", 5) == 0;
	/* a tenth of them */
	ck_assert_msg(first_near > 5 && first_near < 45, "%u of 200", first_near);
}
END_TEST

START_TEST(with_other_strategies_the_call_asks_for_it)
{
	struct mc_replicate_config config = from_host("h1");
	unsigned int near = 0;

	sim_master_close();
	open_with(MC_STRATEGY_RANDOM);
	mc_random_init(&sim_master()->random, 1);
	mount_hosts(10, SIZE);
	for (int i = 0; i < 200; i++)
		near += strcmp(placed(&owner, "k", 100, &config), "h1:1 ") == 0;
	ck_assert_msg(near > 5 && near < 45, "%u of 200", near);
	config.prefer_same_node = true;
	always(&owner, &config, "h1:1 ");
}
END_TEST

START_TEST(segments_before_0_3_12_have_no_host)
{
	struct sim_client old = sim_client_open(2, MC_RELEASE_0_3_9);
	struct mc_replicate_config config = from_host("h1");

	ck_assert_int_eq(sim_mount(&old, "old:1", 1, SIZE), 0);
	ck_assert_uint_eq(sim_master()->hosted_count, 0);
	always(&owner, &config, "old:1 ");
}
END_TEST

static TCase *
writers(void)
{
	TCase *tc = tcase_create("writers");

	tcase_add_test(tc, the_host_of_the_call_is_first);
	tcase_add_test(tc, without_one_the_writers_segments_tell);
	tcase_add_test(tc, a_writer_of_no_host_writes_anywhere);
	tcase_add_test(tc, a_client_that_is_gone_has_no_host);
	tcase_add_test(tc, named_segments_go_before);
	tcase_add_test(tc, several_replicas_are_not_kept_near);
	tcase_add_test(tc, with_other_strategies_the_call_asks_for_it);
	tcase_add_test(tc, segments_before_0_3_12_have_no_host);
	return tc;
}

static TCase *
hosts(void)
{
	TCase *tc = tcase_create("hosts");

	tcase_add_test(tc, a_host_without_segments_is_passed_by_the_next_one);
	tcase_add_test(tc, a_full_host_spills_onto_the_next_ones);
	tcase_add_test(tc, segments_that_leave_take_nothing);
	tcase_add_test(tc, a_pool_that_is_nearly_full_still_takes_the_key);
	tcase_add_test(tc, keys_spread_over_the_segments_of_a_host);
	tcase_add_test(tc, a_host_is_filled_before_the_next_is_used);
	return tc;
}

int
main(void)
{
	TCase *cases[] = {writers(), hosts(), NULL};

	return sim_suite_run("master/place_host", cases, setup);
}
