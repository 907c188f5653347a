/* SPDX-License-Identifier: Apache-2.0 */
/* Soft pins: whom they spare, and for how long. The rounds' model is in evict_test.c. */
#include <check.h>
#include <stdio.h>

#include "core/base/clock.h"
#include "tests/support/must.h"
#include "tests/support/sim_pool.h"
#include "tests/support/sim_suite.h"

static struct sim_client owner;
static struct mc_master_params params;

static void
setup(void)
{
	mc_master_params_init(&params);
	sim_pool_open(&params, &owner);
}

/* A master that never evicts what is soft-pinned. */
static void
pool_open_strict(uint64_t soft_pin_ttl_s)
{
	sim_master_close();
	params.evict_soft_pinned = false;
	params.soft_pin_ttl_ns = soft_pin_ttl_s * MC_NS_PER_S;
	sim_pool_open(&params, &owner);
}

static uint64_t
soft_pinned(void)
{
	return sim_stat(&mc_master_stats(sim_master())->objects_soft_pinned);
}

START_TEST(soft_pinned_objects_go_when_nothing_else_is_left)
{
	sim_pool_put(&owner, 0, 90, &sim_soft_pin);
	sim_pool_put(&owner, 90, 91, NULL);
	/* the one that is not pinned; the lower bound is 3 % of what is evictable */
	ck_assert_uint_eq(sim_evicted(), 3);
	sim_pool_gone(91, 0, 3);
}
END_TEST

/* Nine parts in a hundred above the watermark, which is more than half of the target. */
START_TEST(far_above_the_watermark_more_soft_pinned_objects_go)
{
	sim_pool_put(&owner, 0, 88, &sim_soft_pin);
	ck_assert_int_eq(sim_put_start(&owner, "large", 11 * SIM_SLOT - 32, NULL, NULL), 0);
	sim_settle();
	ck_assert_uint_eq(sim_evicted(), 8);
	sim_pool_gone(88, 0, 8);
}
END_TEST

START_TEST(soft_pinned_objects_stay_when_they_must_not_go)
{
	pool_open_strict(1800);
	sim_pool_put(&owner, 0, 95, &sim_soft_pin);
	sim_advance_ms(1000);
	ck_assert_uint_eq(sim_evicted(), 0);
	sim_advance_ms(1800 * 1000 - 1500); /* half an hour after the first were written */
	ck_assert_uint_gt(sim_evicted(), 0);
	ck_assert(!sim_pool_has(0));
	ck_assert(sim_pool_has(94));
}
END_TEST

/* The pin of the older object lasts longer. */
START_TEST(a_soft_pin_that_is_over_spares_nobody)
{
	struct mc_replicate_config brief = sim_soft_pin;

	pool_open_strict(1800);
	brief.soft_pin_ttl_ms = (struct mc_opt_u64){true, 2000};
	sim_pool_put(&owner, 0, 50, &sim_soft_pin);
	sim_pool_put(&owner, 50, 90, &brief);
	sim_advance_ms(5000);
	sim_pool_put(&owner, 90, 91, &sim_soft_pin);
	ck_assert_uint_eq(sim_evicted(), 6);
	sim_pool_gone(91, 50, 56);
}
END_TEST

/* Pins end in the order of writing, the order of eviction is that of reading. */
START_TEST(reads_do_not_hide_a_soft_pin_that_is_over)
{
	pool_open_strict(30);
	sim_pool_put(&owner, 0, 90, &sim_soft_pin);
	ck_assert(sim_exist(&owner, "k89"));
	sim_advance_ms(10);
	ck_assert(sim_exist(&owner, "k0"));
	sim_advance_ms(30095 - 910); /* k0 to k9 are not pinned any more */
	ck_assert_uint_eq(soft_pinned(), 80);
	ck_assert_int_eq(sim_put_start(&owner, "more", SIM_SLOT_SIZE, NULL, NULL), 0);
	ck_assert_uint_eq(sim_evicted(), 0);
	sim_settle();
	ck_assert_uint_eq(sim_evicted(), 6);
	sim_pool_gone(90, 1, 7);
}
END_TEST

#define SMALL 1000u

/* Written at one time, read one after the other. */
static void
smalls_put(void)
{
	char key[16];

	for (unsigned int i = 0; i < SMALL; i++) {
		snprintf(key, sizeof(key), "small%u", i);
		must(sim_put_as(&owner, key, 200, &sim_soft_pin) == 0);
	}
	for (unsigned int i = 0; i < SMALL; i++) {
		snprintf(key, sizeof(key), "small%u", i);
		must(sim_exist(&owner, key));
		sim_advance_ms(1);
	}
}

START_TEST(many_pins_that_end_at_once_are_all_looked_at)
{
	char key[16];

	params.lease_ttl_ns = MC_NS_PER_S;
	pool_open_strict(5);
	sim_pool_put(&owner, 0, 89, &sim_hard_pin);
	smalls_put();
	sim_advance_ms(5000 - SMALL - 10);
	ck_assert_uint_eq(soft_pinned(), SMALL);
	ck_assert_uint_eq(sim_evicted(), 0);
	sim_advance_ms(20);
	ck_assert_uint_eq(soft_pinned(), 0);
	ck_assert_uint_gt(sim_evicted(), 50);
	for (unsigned int i = 0; i < SMALL; i++) {
		snprintf(key, sizeof(key), "small%u", i);
		must(sim_has(key) == (i >= sim_evicted()));
	}
}
END_TEST

/* A read after the end makes it the newest, like any other object. */
START_TEST(an_object_whose_pin_is_over_is_leased_again)
{
	pool_open_strict(1);
	sim_pool_put(&owner, 0, 90, &sim_soft_pin);
	sim_advance_ms(2000);
	ck_assert_uint_eq(soft_pinned(), 0);
	ck_assert(sim_exist(&owner, "k0"));
	ck_assert(sim_exist(&owner, "k3"));
	ck_assert_int_eq(sim_remove(&owner, "k0", false), -706);
	ck_assert_int_eq(sim_remove(&owner, "k5", false), 0);
	ck_assert_int_eq(sim_put_start(&owner, "more", 2 * SIM_SLOT - 32, NULL, NULL), 0);
	sim_settle();
	ck_assert_uint_eq(sim_evicted(), 6);
	ck_assert(sim_pool_has(0) && sim_pool_has(3));
	ck_assert(!sim_pool_has(1) && !sim_pool_has(2) && !sim_pool_has(4));
	ck_assert(!sim_pool_has(6) && !sim_pool_has(7) && !sim_pool_has(8));
	ck_assert(sim_pool_has(9));
}
END_TEST

/* A hard pin is more than a soft one. */
START_TEST(what_is_pinned_both_ways_never_goes)
{
	struct mc_replicate_config both = sim_soft_pin;

	both.with_hard_pin = true;
	both.soft_pin_ttl_ms = (struct mc_opt_u64){true, 0};
	sim_pool_put(&owner, 0, 95, &both);
	ck_assert_uint_eq(soft_pinned(), 0);
	sim_advance_ms(5000);
	ck_assert_uint_eq(sim_evicted(), 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("pins");
	TCase *cases[] = {tc, NULL};

	tcase_add_test(tc, soft_pinned_objects_go_when_nothing_else_is_left);
	tcase_add_test(tc, far_above_the_watermark_more_soft_pinned_objects_go);
	tcase_add_test(tc, soft_pinned_objects_stay_when_they_must_not_go);
	tcase_add_test(tc, a_soft_pin_that_is_over_spares_nobody);
	tcase_add_test(tc, reads_do_not_hide_a_soft_pin_that_is_over);
	tcase_add_test(tc, many_pins_that_end_at_once_are_all_looked_at);
	tcase_add_test(tc, an_object_whose_pin_is_over_is_leased_again);
	tcase_add_test(tc, what_is_pinned_both_ways_never_goes);
	return sim_suite_run("master/pins", cases, setup);
}
