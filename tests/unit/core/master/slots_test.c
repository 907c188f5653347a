/* SPDX-License-Identifier: Apache-2.0 */
#include "core/master/slots.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/random.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

#define HANDLES 6000u

static uint64_t seed;

/* handle - 1 -> its hash, while it is in; searched from end to end. */
struct model {
	uint32_t hash[HANDLES];
	bool in[HANDLES];
};

static unsigned int
model_count(const struct model *model, uint32_t hash)
{
	unsigned int count = 0;
	uint32_t i;

	for (i = 0; i < HANDLES; i++)
		count += model->in[i] && model->hash[i] == hash;
	return count;
}

static void
hash_check(const struct mc_slots *slots, const struct model *model, uint32_t hash)
{
	struct mc_slots_probe probe;
	struct mc_slot *slot;
	unsigned int count = 0;

	mc_slots_probe_init(&probe, slots, hash);
	while ((slot = mc_slots_probe_next(&probe)) != NULL) {
		must(slot->hash == hash);
		must(slot->handle <= HANDLES);
		must(model->in[slot->handle - 1]);
		must(model->hash[slot->handle - 1] == hash);
		count++;
	}
	must(count == model_count(model, hash));
}

/* Spread; many with the same hash; in one heap around the end of the table, so that runs wrap. */
static uint32_t
hash_draw(struct mc_random *random, unsigned int kind)
{
	uint32_t hash = (uint32_t)mc_random_next(random);

	switch (kind % 3) {
	case 0:
		return hash;
	case 1:
		return (hash % 600) << 23;
	default:
		return (hash >> 6) - (1u << 25);
	}
}

static void
slots_run(struct mc_random *random, unsigned int kind)
{
	static struct model model;
	struct mc_slots slots;
	unsigned int i, growing = 0;

	memset(&model, 0, sizeof(model));
	must(mc_slots_init(&slots) == MC_OK);
	for (i = 0; i < 30000; i++) {
		uint32_t at =
			(uint32_t)mc_random_below(random, i < 15000 ? i / 5 * 2 + 1 : HANDLES);

		if (!model.in[at]) {
			model.hash[at] = hash_draw(random, kind);
			must(mc_slots_reserve(&slots) == MC_OK);
			mc_slots_insert(&slots, model.hash[at], at + 1);
			model.in[at] = true;
		} else if (mc_random_below(random, 4) == 0) {
			mc_slots_remove(&slots, model.hash[at], at + 1);
			model.in[at] = false;
		}
		growing += slots.old.at != NULL;
		if (i % 16 == 0 || (slots.old.at && i % 2 == 0))
			hash_check(&slots, &model, model.hash[at]);
	}
	must(growing > 100);
	for (i = 0; i < HANDLES; i++) {
		if (model.in[i])
			mc_slots_remove(&slots, model.hash[i], i + 1);
	}
	must(slots.used == 0);
	for (i = 0; i <= slots.now.mask; i++)
		must(slots.now.at[i].handle == MC_SLOTS_EMPTY);
	mc_slots_fini(&slots);
}

START_TEST(agrees_with_the_model)
{
	struct mc_random random;

	mc_random_init(&random, seed + (uint64_t)_i);
	slots_run(&random, (unsigned int)_i);
}
END_TEST

START_TEST(replace_keeps_the_place)
{
	struct mc_slots slots;
	struct mc_slots_probe probe;

	must(mc_slots_init(&slots) == MC_OK);
	mc_slots_insert(&slots, 77, 1);
	mc_slots_insert(&slots, 77, 2);
	mc_slots_replace(&slots, 77, 2, 3);
	mc_slots_remove(&slots, 77, 1);
	mc_slots_probe_init(&probe, &slots, 77);
	must(mc_slots_probe_next(&probe)->handle == 3);
	ck_assert_ptr_null(mc_slots_probe_next(&probe));
	mc_slots_fini(&slots);
}
END_TEST

/* Whole pieces of the old area go back while the table grows, and nothing is lost with them. */
START_TEST(old_area_goes_back_piecewise)
{
	enum {
		COUNT = 1 << 20
	};
	struct mc_slots slots;
	struct mc_random random;
	uint64_t bytes_before = 0, least = UINT64_MAX, most = 0;
	uint32_t i;

	must(mc_slots_init(&slots) == MC_OK);
	mc_random_init(&random, seed);
	for (i = 1; i <= COUNT; i++) {
		uint64_t bytes;

		must(mc_slots_reserve(&slots) == MC_OK);
		mc_slots_insert(&slots, (uint32_t)mc_random_next(&random), i);
		bytes = mc_slots_bytes(&slots);
		if (slots.old.at && i > COUNT / 2) {
			least = bytes < least ? bytes : least;
			most = bytes > most ? bytes : most;
		} else {
			bytes_before = bytes;
		}
	}
	must(most > least);
	must(least < bytes_before * 3 / 2);
	mc_random_init(&random, seed);
	for (i = 1; i <= COUNT; i++)
		mc_slots_remove(&slots, (uint32_t)mc_random_next(&random), i);
	must(slots.used == 0);
	mc_slots_fini(&slots);
}
END_TEST

static Suite *
slots_suite(void)
{
	Suite *suite = suite_create("slots");
	TCase *tcase = tcase_create("all");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, agrees_with_the_model, 0, 3);
	tcase_add_test(tcase, replace_keeps_the_place);
	tcase_add_test(tcase, old_area_goes_back_piecewise);
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
	return suite_run(slots_suite(), CK_FORK_GETENV);
}
