/* SPDX-License-Identifier: Apache-2.0 */
/* Groups: leased by any read of one member, evicted as a whole, left with the last member. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "tests/support/must.h"
#include "tests/support/sim_batch.h"
#include "tests/support/sim_copy.h"
#include "tests/support/sim_pool.h"
#include "tests/support/sim_suite.h"
#include "tests/support/sim_upsert.h"

static struct sim_client owner;
static struct mc_master_params params;
static uint64_t seed;

static void
setup(void)
{
	mc_master_params_init(&params);
	sim_pool_open(&params, &owner);
}

static struct mc_master *
master(void)
{
	return sim_master();
}

/* @config, NULL: plain, in a group; the id lives until the next call. */
static const struct mc_replicate_config *
in_group(const char *id, const struct mc_replicate_config *config)
{
	static struct mc_replicate_config grouped;
	static struct mc_str ids[1];

	grouped = config != NULL ? *config : (struct mc_replicate_config){.replica_num = 1};
	ids[0] = sim_str(id);
	grouped.has_group_ids = true;
	grouped.group_ids = SIM_VEC(ids);
	return &grouped;
}

static void
put(const char *key, const char *id)
{
	ck_assert_int_eq(sim_put_as(&owner, key, 100, in_group(id, NULL)), 0);
}

static uint64_t
groups(void)
{
	return master()->groups.slots.used;
}

/* ---- membership ---- */

START_TEST(a_key_has_one_group_id_or_none)
{
	static const struct mc_str two[] = {{"g", 1}, {"h", 1}};
	static char long_id[MC_NAME_MAX + 2];
	struct mc_replicate_config config = {.replica_num = 1, .has_group_ids = true};

	ck_assert_int_eq(sim_put_as(&owner, "a", 100, &config), -600);
	config.group_ids = SIM_VEC(two);
	ck_assert_int_eq(sim_put_as(&owner, "a", 100, &config), -600);
	memset(long_id, 'x', MC_NAME_MAX + 1);
	ck_assert_int_eq(sim_put_as(&owner, "a", 100, in_group(long_id, NULL)), -600);
	ck_assert_uint_eq(groups(), 0);
	long_id[MC_NAME_MAX] = '\0';
	put("a", long_id);
	put("b", ""); /* no group */
	ck_assert_uint_eq(groups(), 1);
	ck_assert_int_eq(sim_remove(&owner, "a", true), 0);
	ck_assert_uint_eq(groups(), 0);
}
END_TEST

START_TEST(a_group_lasts_as_long_as_its_members)
{
	put("a", "g");
	put("b", "g");
	put("c", "h");
	ck_assert_uint_eq(groups(), 2);
	ck_assert_int_eq(sim_put_start(&owner, "d", 100, in_group("i", NULL), NULL), 0);
	ck_assert_uint_eq(groups(), 3);
	ck_assert_int_eq(sim_put_revoke(&owner, "d"), 0);
	ck_assert_int_eq(sim_remove(&owner, "a", false), 0);
	ck_assert_uint_eq(groups(), 2);
	ck_assert_int_eq(sim_remove(&owner, "b", false), 0);
	ck_assert_uint_eq(groups(), 1);
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	sim_settle();
	ck_assert_uint_eq(groups(), 0);
	ck_assert_int_eq(sim_put_as(&owner, "e", 100, in_group("g", NULL)), -200);
	ck_assert_uint_eq(groups(), 0);
}
END_TEST

START_TEST(each_key_of_a_batch_has_a_group)
{
	static const int32_t refused[] = {-600, -600, -600};
	static const struct mc_str ids[] = {{"g", 1}, {"h", 1}, {"g", 1}};
	struct mc_args args = sim_batch_args(&owner, sim_keys(3), 100);

	args.config.has_group_ids = true;
	args.config.group_ids = SIM_VEC(ids);
	args.config.group_ids.count = 2;
	sim_batch_expect(&owner, MC_FN_BATCH_PUT_START, &args, refused);
	args.config.group_ids.count = 3;
	sim_batch_expect(&owner, MC_FN_BATCH_PUT_START, &args, NULL);
	sim_batch_expect(&owner, MC_FN_BATCH_PUT_END, &args, NULL);
	ck_assert_uint_eq(groups(), 2);
	ck_assert(sim_exist(&owner, "k0"));
	ck_assert_int_eq(sim_remove(&owner, "k1", false), 0);
	ck_assert_int_eq(sim_remove(&owner, "k2", false), -706);
	/* of upserts as well */
	sim_batch_expect(&owner, MC_FN_BATCH_UPSERT_START, &args, NULL);
	sim_batch_expect(&owner, MC_FN_BATCH_UPSERT_REVOKE, &args, NULL);
	ck_assert_uint_eq(groups(), 0);
}
END_TEST

START_TEST(an_upsert_leaves_an_object_in_its_group)
{
	put("a", "g");
	put("b", "g");
	put("c", "");
	ck_assert_int_eq(sim_upsert(&owner, "a", 100, in_group("h", NULL)), -600);
	ck_assert_int_eq(sim_upsert(&owner, "a", 200, in_group("", NULL)), -600);
	ck_assert_int_eq(sim_upsert(&owner, "c", 100, in_group("g", NULL)), -600);
	ck_assert_int_eq(sim_upsert(&owner, "c", 100, in_group("", NULL)), 0);
	ck_assert_int_eq(sim_upsert(&owner, "a", 100, in_group("g", NULL)), 0);
	ck_assert_int_eq(sim_upsert(&owner, "a", 200, NULL), 0);
	ck_assert_int_eq(sim_upsert(&owner, "d", 100, in_group("g", NULL)), 0);
	ck_assert(sim_exist(&owner, "b"));
	ck_assert_int_eq(sim_remove(&owner, "a", false), -706);
	ck_assert_int_eq(sim_remove(&owner, "d", false), -706);
	ck_assert_int_eq(sim_remove(&owner, "c", false), 0);
}
END_TEST

/* ---- leases ---- */

START_TEST(a_read_of_one_leases_all)
{
	put("a", "g");
	put("b", "g");
	ck_assert_int_eq(sim_put_as(&owner, "pinned", 100, in_group("g", &sim_hard_pin)), 0);
	put("other", "h");
	put("none", "");
	ck_assert(sim_exist(&owner, "a"));
	ck_assert_int_eq(sim_remove(&owner, "b", false), -706);
	ck_assert_int_eq(sim_remove(&owner, "pinned", false), -706);
	ck_assert_int_eq(sim_remove(&owner, "other", false), 0);
	ck_assert_int_eq(sim_remove(&owner, "none", false), 0);
	sim_advance_ms(9000);
	/* whose answer promises the whole time anew */
	ck_assert(sim_exist(&owner, "pinned"));
	sim_advance_ms(9990);
	ck_assert_int_eq(sim_remove(&owner, "b", false), -706);
	sim_advance_ms(10);
	ck_assert_int_eq(sim_remove(&owner, "b", false), 0);
	ck_assert_int_eq(sim_remove(&owner, "a", false), 0);
}
END_TEST

START_TEST(who_came_after_the_read_is_not_leased)
{
	put("a", "g");
	sim_advance_ms(10);
	ck_assert(sim_exist(&owner, "a"));
	sim_advance_ms(10);
	put("b", "g");
	ck_assert_int_eq(sim_remove(&owner, "b", false), 0);
	put("b", "g");
	ck_assert_int_eq(sim_put_start(&owner, "c", 100, in_group("g", NULL), NULL), 0);
	ck_assert(sim_exist(&owner, "a"));
	ck_assert_int_eq(sim_remove(&owner, "b", false), -706);
	sim_advance_ms(10);
	ck_assert_int_eq(sim_put_end(&owner, "c"), 0);
	ck_assert_int_eq(sim_remove(&owner, "c", false), 0);
}
END_TEST

START_TEST(the_lease_of_a_group_outlives_an_upsert)
{
	put("a", "g");
	put("b", "g");
	ck_assert(sim_exist(&owner, "b"));
	ck_assert_int_eq(sim_upsert(&owner, "a", 100, NULL), 0);
	ck_assert_int_eq(sim_remove(&owner, "a", false), -706);
}
END_TEST

/* ---- eviction ---- */

/* Objects "kFIRST" … of a slot each, in a group. */
static void
pool_put(const char *id, unsigned int first, unsigned int last,
	 const struct mc_replicate_config *config)
{
	sim_pool_put(&owner, first, last, in_group(id, config));
}

START_TEST(a_group_goes_as_a_whole)
{
	pool_put("g", 0, 30, NULL);
	sim_pool_put(&owner, 30, 91, NULL);
	/* six were asked for */
	ck_assert_uint_eq(sim_evicted(), 30);
	sim_pool_gone(91, 0, 30);
	ck_assert_uint_eq(groups(), 0);
}
END_TEST

START_TEST(no_group_goes_of_which_one_is_leased)
{
	pool_put("g", 0, 30, NULL);
	sim_pool_put(&owner, 30, 60, NULL);
	ck_assert(sim_exist(&owner, "k20"));
	sim_pool_put(&owner, 60, 91, NULL);
	sim_pool_gone(91, 30, 36);
	sim_advance_ms(10000);
	sim_pool_put(&owner, 91, 97, NULL);
	/* its last read was before the last write of k36 … */
	ck_assert_uint_gt(sim_evicted(), 6);
	ck_assert(sim_pool_has(0) && sim_pool_has(29));
}
END_TEST

START_TEST(a_group_stands_where_its_last_write_puts_it)
{
	pool_put("g", 0, 1, NULL);
	sim_pool_put(&owner, 1, 45, NULL);
	pool_put("g", 45, 46, NULL);
	sim_pool_put(&owner, 46, 91, NULL);
	sim_pool_gone(91, 1, 7);
}
END_TEST

START_TEST(a_group_stands_where_its_last_read_puts_it)
{
	pool_put("g", 0, 10, NULL);
	pool_put("h", 10, 20, NULL);
	sim_pool_put(&owner, 20, 50, NULL);
	ck_assert(sim_exist(&owner, "k3"));
	sim_advance_ms(10);
	ck_assert(sim_exist(&owner, "k40"));
	sim_advance_ms(10);
	ck_assert(sim_exist(&owner, "k13"));
	for (unsigned int i = 20; i < 50; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%u", i);
		if (i != 40)
			ck_assert_int_eq(sim_remove(&owner, key, false), 0);
	}
	sim_advance_ms(11000);
	ck_assert_int_eq(sim_put_start(&owner, "l", 59 * SIM_SLOT - 32, NULL, NULL), 0);
	ck_assert_int_eq(sim_put_start(&owner, "m", 11 * SIM_SLOT - 32, NULL, NULL), 0);
	sim_settle();
	/* over by one hundredth: two of twenty-one, and g is the first */
	ck_assert_uint_eq(sim_evicted(), 10);
	ck_assert(!sim_pool_has(0) && !sim_pool_has(9));
	ck_assert(sim_pool_has(10) && sim_pool_has(40));
}
END_TEST

START_TEST(what_is_pinned_stays_when_its_group_goes)
{
	pool_put("g", 0, 10, NULL);
	pool_put("g", 10, 20, &sim_soft_pin);
	pool_put("g", 20, 30, &sim_hard_pin);
	ck_assert_int_eq(sim_put_start(&owner, "begun", 100, in_group("g", NULL), NULL), 0);
	sim_pool_put(&owner, 30, 91, NULL);
	ck_assert_uint_eq(sim_evicted(), 10);
	sim_pool_gone(91, 0, 10);
	ck_assert_int_eq(sim_put_end(&owner, "begun"), 0);
	ck_assert_uint_eq(groups(), 1);
}
END_TEST

START_TEST(soft_pinned_members_go_together_when_nothing_else_is_left)
{
	pool_put("g", 0, 40, &sim_soft_pin);
	pool_put("g", 40, 50, &sim_hard_pin);
	sim_pool_put(&owner, 50, 91, &sim_soft_pin);
	/* three would have been enough */
	ck_assert_uint_eq(sim_evicted(), 40);
	sim_pool_gone(91, 0, 40);
}
END_TEST

START_TEST(members_whose_pins_are_over_go_together)
{
	struct mc_replicate_config brief = sim_soft_pin;

	brief.soft_pin_ttl_ms = (struct mc_opt_u64){true, 2000};
	pool_put("g", 0, 20, &brief);
	sim_pool_put(&owner, 20, 40, NULL);
	pool_put("h", 40, 60, &brief);
	sim_pool_put(&owner, 60, 90, NULL);
	sim_advance_ms(3000);
	ck_assert_uint_eq(sim_stat(&mc_master_stats(master())->objects_soft_pinned), 0);
	sim_pool_put(&owner, 90, 91, NULL);
	/* by its last write, not by the end of its pins */
	ck_assert_uint_eq(sim_evicted(), 20);
	sim_pool_gone(91, 0, 20);
	sim_pool_put(&owner, 91, 111, NULL);
	ck_assert(!sim_pool_has(20));
	ck_assert(sim_pool_has(40) && sim_pool_has(59));
}
END_TEST

START_TEST(another_takes_the_place_of_a_leader_that_leaves)
{
	pool_put("g", 0, 10, NULL);
	sim_pool_put(&owner, 10, 89, NULL);
	ck_assert_int_eq(sim_remove(&owner, "k0", false), 0);
	ck_assert_int_eq(sim_upsert_start(&owner, "k1", SIM_SLOT_SIZE), 0);
	ck_assert_int_eq(sim_remove(&owner, "k5", false), 0);
	sim_pool_put(&owner, 89, 93, NULL);
	ck_assert_uint_eq(sim_evicted(), 7);
	ck_assert(sim_pool_has(1) && sim_pool_has(10));
	ck_assert(!sim_pool_has(2) && !sim_pool_has(9));
	ck_assert_int_eq(sim_upsert_end(&owner, "k1"), 0);
	ck_assert_uint_eq(groups(), 1);
}
END_TEST

START_TEST(a_busy_member_stays_when_its_group_goes)
{
	uint32_t object;

	pool_put("g", 0, 10, NULL);
	sim_pool_put(&owner, 10, 90, NULL);
	object = mc_table_find(master()->table, mc_table_hash("k4", 2), "k4", 2);
	mc_object_busy_set(master(), object);
	sim_pool_put(&owner, 90, 91, NULL);
	ck_assert_uint_eq(sim_evicted(), 9);
	ck_assert(sim_pool_has(4) && sim_pool_has(10));
	mc_object_busy_clear(master(), object);
	pool_put("g", 91, 92, NULL);
	ck_assert(sim_exist(&owner, "k4"));
	ck_assert_int_eq(sim_remove(&owner, "k91", false), -706);
}
END_TEST

/* It was passed over before: that its copy ends with it must not make its group look newer. */
START_TEST(a_busy_member_that_dies_leaves_its_group_in_place)
{
	struct mc_replicate_config config = {.replica_num = 1,
					     .preferred_segment = sim_str("b:1")};

	ck_assert_int_eq(sim_mount(&owner, "b:1", 2, SIM_SLOT), 0);
	pool_put("g", 0, 1, &config);
	ck_assert_int_eq(sim_copy_start(&owner, "k0", "b:1", "b:1", NULL), 0);
	sim_pool_put(&owner, 1, 91, NULL);
	ck_assert(sim_pool_has(0) && !sim_pool_has(1));
	for (unsigned int i = 1; i < 91; i++)
		sim_remove(&owner, sim_key(i), true);
	pool_put("g", 91, 92, NULL);
	sim_pool_put(&owner, 92, 100, NULL);
	ck_assert_int_eq(sim_unmount(&owner, 2), 0);
	sim_pool_put(&owner, 100, 182, NULL);
	ck_assert(!sim_pool_has(91) && !sim_pool_has(96) && sim_pool_has(97));
}
END_TEST

/* ---- large groups ---- */

#define MANY 19000u

static void
many_put(void)
{
	static struct mc_str ids[MANY];
	struct mc_args args = sim_batch_args(&owner, sim_keys(MANY), 32);

	for (uint32_t i = 0; i < MANY; i++)
		ids[i] = sim_str("many");
	args.config.has_group_ids = true;
	args.config.group_ids = SIM_VEC(ids);
	sim_batch_expect(&owner, MC_FN_BATCH_PUT_START, &args, NULL);
	sim_batch_expect(&owner, MC_FN_BATCH_PUT_END, &args, NULL);
}

/* An eviction, up to the first that goes. */
static void
evict_begin(void)
{
	mc_evict_want(master());
	while (sim_evicted() == 0)
		mc_reactor_poll(sim_reactor());
}

START_TEST(a_large_group_goes_in_slices)
{
	many_put();
	sim_advance_ms(10);
	evict_begin();
	ck_assert_uint_le(sim_evicted(), 4096);
	ck_assert_uint_eq(groups(), 1);
	sim_settle();
	ck_assert_uint_eq(sim_evicted(), MANY);
	ck_assert_uint_eq(groups(), 0);
}
END_TEST

START_TEST(a_read_saves_the_rest_of_a_large_group)
{
	uint64_t evicted;
	uint32_t i = 0;

	many_put();
	sim_advance_ms(10);
	evict_begin();
	while (!sim_has(sim_key(i)))
		i++;
	ck_assert(sim_exist(&owner, sim_key(i)));
	evicted = sim_evicted();
	ck_assert_uint_lt(evicted, MANY);
	sim_settle();
	ck_assert_uint_eq(sim_evicted(), evicted);
	ck_assert_int_eq(sim_remove(&owner, sim_key(i), false), -706);
}
END_TEST

/* ---- everything at once ---- */

/* One leader per list stands in the order, with the group's stamp; nobody else does. */
static void
object_check(uint32_t object)
{
	const struct mc_object *obj = mc_table_object(master()->table, object);
	const struct mc_object_extra *extra = mc_table_extra_of(master()->table, object);
	bool leader, ordered;

	if (mc_group_of(master(), object) == MC_GROUP_NONE) {
		must(obj->queue != MC_QUEUE_GROUPED && obj->queue != MC_QUEUE_SOFT_GROUPED);
		return;
	}
	if (extra->group_list == GROUP_UNLISTED) {
		must(obj->queue == MC_QUEUE_NONE || obj->queue == MC_QUEUE_WRITING ||
		     obj->queue == MC_QUEUE_PASSED || obj->queue == MC_QUEUE_SOFT_PASSED);
		return;
	}
	leader = extra->group_before == MC_OBJECT_NONE;
	ordered = obj->queue != MC_QUEUE_GROUPED && obj->queue != MC_QUEUE_SOFT_GROUPED;
	must(leader == ordered);
	must(obj->queue != MC_QUEUE_WRITING && obj->queue != MC_QUEUE_NONE);
	if (extra->group_behind != MC_OBJECT_NONE)
		must(mc_table_extra_of(master()->table, extra->group_behind)->group_before ==
		     object);
}

static void
queue_check(enum mc_queue queue)
{
	const struct mc_table *table = master()->table;
	uint64_t before = 0;

	for (uint32_t i = mc_table_oldest(table, queue); i != MC_OBJECT_NONE;
	     i = mc_table_newer(table, i)) {
		uint64_t lease_ns = mc_table_object(table, i)->lease_ns;

		must(lease_ns >= before);
		before = lease_ns;
	}
}

static void
all_check(void)
{
	uint32_t cursor = MC_OBJECT_NONE, steps = UINT32_MAX, object;

	while ((object = mc_table_walk(master()->table, &cursor, &steps)) != MC_OBJECT_NONE)
		object_check(object);
	for (unsigned int queue = MC_QUEUE_WRITTEN; queue <= MC_QUEUE_SOFT_READ; queue++)
		queue_check((enum mc_queue)queue);
}

static void
random_op(struct mc_random *random)
{
	static const char *const ids[] = {"", "g", "h", "i"};
	struct mc_replicate_config pins[] = {
		{.replica_num = 1}, {.replica_num = 2}, sim_hard_pin, sim_soft_pin, sim_soft_pin};
	char key[8];
	uint64_t number = mc_random_below(random, 60);
	const struct mc_replicate_config *config;
	uint64_t size = (1 + mc_random_below(random, 3)) * SIM_SLOT;

	pins[4].soft_pin_ttl_ms = (struct mc_opt_u64){true, mc_random_below(random, 400)};
	snprintf(key, sizeof(key), "k%lu", (unsigned long)number);
	config = in_group(ids[number % 4], &pins[mc_random_below(random, 5)]);
	switch (mc_random_below(random, 10)) {
	case 0:
		sim_put_start(&owner, key, size, config, NULL);
		break;
	case 1:
	case 2:
		sim_put_as(&owner, key, size, config);
		break;
	case 3:
		sim_upsert(&owner, key, size, config);
		break;
	case 4:
		sim_upsert_start(&owner, key, size);
		break;
	case 5:
		sim_put_end(&owner, key);
		break;
	case 6:
		sim_exist(&owner, key);
		break;
	case 7:
		sim_copy_start(&owner, key, "a:1", "b:1", NULL);
		break;
	case 8:
		sim_copy_finish(&owner, MC_FN_COPY_END, key);
		break;
	default:
		sim_remove(&owner, key, mc_random_below(random, 3) == 0);
	}
	sim_advance_ms(mc_random_below(random, 40));
}

START_TEST(groups_hold_together_whatever_comes)
{
	struct mc_random random;

	sim_master_close();
	params.lease_ttl_ns = 300 * MC_NS_PER_MS;
	params.put_release_ns = 2 * MC_NS_PER_S;
	params.put_discard_ns = MC_NS_PER_S;
	sim_pool_open(&params, &owner);
	mc_random_init(&random, seed);
	for (unsigned int i = 0; i < 4000; i++) {
		/* a second segment comes and goes */
		if (i % 500 == 0)
			ck_assert_int_eq(sim_mount(&owner, "b:1", 2, 20 * SIM_SLOT), 0);
		if (i % 500 == 400)
			ck_assert_int_eq(sim_unmount(&owner, 2), 0);
		random_op(&random);
		all_check();
	}
	ck_assert_uint_gt(sim_evicted(), 100);
	ck_assert_int_eq(sim_unmount(&owner, 1), 0);
	sim_settle();
	ck_assert_uint_eq(sim_stat(&mc_master_stats(master())->objects), 0);
	ck_assert_uint_eq(sim_stat(&mc_master_stats(master())->objects_soft_pinned), 0);
	ck_assert_uint_eq(master()->evictable, 0);
	ck_assert_uint_eq(groups(), 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("group");
	TCase *cases[] = {tc, NULL};

	seed = sim_test_seed();
	tcase_add_test(tc, a_key_has_one_group_id_or_none);
	tcase_add_test(tc, a_group_lasts_as_long_as_its_members);
	tcase_add_test(tc, each_key_of_a_batch_has_a_group);
	tcase_add_test(tc, an_upsert_leaves_an_object_in_its_group);
	tcase_add_test(tc, a_read_of_one_leases_all);
	tcase_add_test(tc, who_came_after_the_read_is_not_leased);
	tcase_add_test(tc, the_lease_of_a_group_outlives_an_upsert);
	tcase_add_test(tc, a_group_goes_as_a_whole);
	tcase_add_test(tc, no_group_goes_of_which_one_is_leased);
	tcase_add_test(tc, a_group_stands_where_its_last_write_puts_it);
	tcase_add_test(tc, a_group_stands_where_its_last_read_puts_it);
	tcase_add_test(tc, what_is_pinned_stays_when_its_group_goes);
	tcase_add_test(tc, soft_pinned_members_go_together_when_nothing_else_is_left);
	tcase_add_test(tc, members_whose_pins_are_over_go_together);
	tcase_add_test(tc, another_takes_the_place_of_a_leader_that_leaves);
	tcase_add_test(tc, a_busy_member_stays_when_its_group_goes);
	tcase_add_test(tc, a_busy_member_that_dies_leaves_its_group_in_place);
	tcase_add_test(tc, a_large_group_goes_in_slices);
	tcase_add_test(tc, a_read_saves_the_rest_of_a_large_group);
	tcase_add_test(tc, groups_hold_together_whatever_comes);
	return sim_suite_run("master/group", cases, setup);
}
