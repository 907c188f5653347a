/* SPDX-License-Identifier: Apache-2.0 */
/* The map against a naive model: an array of all ids. */
#include "core/master/uuid_map.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/random.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

#define IDS   3000u
#define STEPS 300000u

static struct mc_uuid_map map;
static struct {
	struct mc_uuid id;
	uint32_t value;
	bool used;
} model[IDS];

static void
setup(void)
{
	ck_assert_int_eq(mc_uuid_map_init(&map), MC_OK);
}

static void
teardown(void)
{
	mc_uuid_map_fini(&map);
}

static void
one_compare(unsigned int i)
{
	uint32_t value = UINT32_MAX;

	must(mc_uuid_map_get(&map, model[i].id, &value) == model[i].used);
	must(value == (model[i].used ? model[i].value : UINT32_MAX));
}

static uint32_t
all_compare(void)
{
	uint32_t count = 0;

	for (unsigned int i = 0; i < IDS; i++) {
		one_compare(i);
		count += model[i].used;
	}
	must(map.count == count);
	return count;
}

START_TEST(does_what_the_model_does)
{
	const char *text = getenv("MC_TEST_SEED");
	uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : mc_random_seed();
	struct mc_random random;

	printf("MC_TEST_SEED=%llu\n", (unsigned long long)seed);
	mc_random_init(&random, seed);
	/* neighbours that differ in one half only */
	for (unsigned int i = 0; i < IDS; i++)
		model[i].id = (struct mc_uuid){i / 2, (i % 2) << 31};
	for (uint32_t step = 1; step <= STEPS; step++) {
		unsigned int i = (unsigned int)mc_random_below(&random, IDS);
		unsigned int adds = (step / 30000) % 2 == 0 ? 9 : 1;
		bool add = mc_random_below(&random, 10) < adds;

		if (add && !model[i].used) {
			model[i].value = step;
			model[i].used = true;
			must(mc_uuid_map_add(&map, model[i].id, step) == MC_OK);
		} else if (!add) {
			model[i].used = false;
			mc_uuid_map_del(&map, model[i].id); /* of a missing one too */
		}
		one_compare(i);
		if (step % 3000 == 0)
			all_compare();
	}
	for (unsigned int i = 0; i < IDS; i++) {
		mc_uuid_map_del(&map, model[i].id);
		model[i].used = false;
	}
	ck_assert_uint_eq(all_compare(), 0);
}
END_TEST

START_TEST(zero_is_an_id)
{
	uint32_t value = 5;

	ck_assert(!mc_uuid_map_get(&map, (struct mc_uuid){0, 0}, &value));
	ck_assert_uint_eq(value, 5);
	ck_assert_int_eq(mc_uuid_map_add(&map, (struct mc_uuid){0, 0}, 0), MC_OK);
	ck_assert(mc_uuid_map_get(&map, (struct mc_uuid){0, 0}, &value));
	ck_assert_uint_eq(value, 0);
	ck_assert(!mc_uuid_map_get(&map, (struct mc_uuid){0, 1}, &value));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("uuid_map");
	TCase *tc = tcase_create("map");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, does_what_the_model_does);
	tcase_add_test(tc, zero_is_an_id);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
