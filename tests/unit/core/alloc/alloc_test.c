/* SPDX-License-Identifier: Apache-2.0 */
#include "core/alloc/alloc.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/random.h"
#include "tests/support/alloc_model.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

#define GIB (1ull << 30)

static uint64_t seed;

static struct mc_alloc *
alloc_new(uint64_t base, uint64_t size)
{
	struct mc_alloc *alloc;

	must(mc_alloc_create(base, size, &alloc) == MC_OK);
	return alloc;
}

static struct mc_alloc_stats
stats_of(const struct mc_alloc *alloc)
{
	struct mc_alloc_stats stats;

	mc_alloc_stats_read(alloc, &stats);
	return stats;
}

START_TEST(create_refuses_what_holds_nothing)
{
	struct mc_alloc *alloc = NULL;

	must(mc_alloc_create(0, 0, &alloc) == MC_ERR_INVALID);
	must(mc_alloc_create(0, 63, &alloc) == MC_ERR_INVALID);
	must(mc_alloc_create(1, 64 + 62, &alloc) == MC_ERR_INVALID);
	must(mc_alloc_create(64, MC_ALLOC_SIZE_MAX + 1, &alloc) == MC_ERR_INVALID);
	must(mc_alloc_create(UINT64_MAX - 4096, 8192, &alloc) == MC_ERR_INVALID);
	ck_assert_ptr_null(alloc);
	mc_alloc_destroy(NULL);
}
END_TEST

START_TEST(smallest_segment_holds_one_object)
{
	struct mc_alloc *alloc = alloc_new(1, 63 + 64);
	struct mc_extent extent, other;

	must(stats_of(alloc).capacity == 64);
	must(stats_of(alloc).free_largest == 32);
	must(mc_alloc_take(alloc, 33, 1, &extent) == MC_ERR_NO_SPACE);
	must(mc_alloc_take(alloc, 32, 1, &extent) == MC_OK);
	must(extent.offset == 63);
	must(stats_of(alloc).free_largest == 0);
	must(stats_of(alloc).extents_free == 0);
	must(mc_alloc_take(alloc, 1, 1, &other) == MC_ERR_NO_SPACE);
	mc_alloc_give(alloc, extent.handle);
	must(stats_of(alloc).free_largest == 32);
	mc_alloc_destroy(alloc);
}
END_TEST

START_TEST(largest_segment_works)
{
	struct mc_alloc *alloc = alloc_new(1ull << 46, MC_ALLOC_SIZE_MAX);
	struct mc_extent whole, part;

	must(stats_of(alloc).free_largest == MC_ALLOC_SIZE_MAX - MC_ALLOC_TRAILER);
	must(mc_alloc_take(alloc, MC_ALLOC_SIZE_MAX, 0, &whole) == MC_ERR_NO_SPACE);
	must(mc_alloc_take(alloc, UINT64_MAX, 0, &whole) == MC_ERR_NO_SPACE);
	must(mc_alloc_take(alloc, 1, 0, &part) == MC_OK);
	must(mc_alloc_take(alloc, MC_ALLOC_SIZE_MAX - 64 - MC_ALLOC_TRAILER, 0, &whole) == MC_OK);
	must(stats_of(alloc).used == MC_ALLOC_SIZE_MAX);
	must(stats_of(alloc).object_bytes == MC_ALLOC_SIZE_MAX - 63 - MC_ALLOC_TRAILER);
	mc_alloc_give(alloc, part.handle);
	mc_alloc_give(alloc, whole.handle);
	must(stats_of(alloc).free_largest == MC_ALLOC_SIZE_MAX - MC_ALLOC_TRAILER);
	mc_alloc_destroy(alloc);
}
END_TEST

START_TEST(no_bytes_are_refused)
{
	struct mc_alloc *alloc = alloc_new(0, 4096);
	struct mc_extent extent;

	must(mc_alloc_take(alloc, 0, 0, &extent) == MC_ERR_INVALID);
	must(stats_of(alloc).extents_used == 0);
	mc_alloc_destroy(alloc);
}
END_TEST

START_TEST(owners_are_kept)
{
	struct mc_alloc *alloc = alloc_new(4096, 1 << 20);
	struct mc_extent a, b;

	must(mc_alloc_take(alloc, 100, 7, &a) == MC_OK);
	must(mc_alloc_take(alloc, 100, UINT32_MAX, &b) == MC_OK);
	mc_alloc_owner_set(alloc, a.handle, 0);
	must(mc_alloc_owner(alloc, a.handle) == 0);
	must(mc_alloc_owner(alloc, b.handle) == UINT32_MAX);
	mc_alloc_destroy(alloc);
}
END_TEST

START_TEST(first_used_empties_a_segment_upwards)
{
	struct mc_alloc *alloc = alloc_new(4096, 1 << 20);
	uint32_t owner = 0;
	struct mc_extent extent;
	uint32_t handle, count = 0;

	while (mc_alloc_take(alloc, 1000 + owner % 7 * 300, owner, &extent) == MC_OK)
		owner++;
	while ((handle = mc_alloc_first_used(alloc)) != MC_EXTENT_NONE) {
		mc_alloc_give(alloc, handle);
		count++;
	}
	must(count == owner);
	must(stats_of(alloc).extents_free == 1);
	mc_alloc_destroy(alloc);
}
END_TEST

/* More extents than one chunk of descriptions holds, given back in a scattered order. */
START_TEST(many_extents_leave_one)
{
	enum {
		COUNT = 300000
	};
	struct mc_alloc *alloc = alloc_new(64, COUNT * 128ull);
	struct mc_alloc_stats fresh = stats_of(alloc);
	struct mc_alloc_stats emptied;
	uint32_t *handles = malloc(COUNT * sizeof(*handles));
	struct mc_extent extent;
	uint32_t i;

	for (i = 0; i < COUNT; i++) {
		must(mc_alloc_take(alloc, 96, i, &extent) == MC_OK);
		handles[i] = extent.handle;
	}
	must(mc_alloc_take(alloc, 1, 0, &extent) == MC_ERR_NO_SPACE);
	for (i = 0; i < COUNT; i++) /* 7919 is prime to COUNT: every one once */
		mc_alloc_give(alloc, handles[(uint64_t)i * 7919 % COUNT]);
	emptied = stats_of(alloc);
	must(emptied.used == fresh.used);
	must(emptied.object_bytes == fresh.object_bytes);
	must(emptied.free_largest == fresh.free_largest);
	must(emptied.extents_free == 1);
	free(handles);
	mc_alloc_destroy(alloc);
}
END_TEST

/* ---- against the model ---- */

/* Few sizes: holes fit again exactly; any size: holes split; small ones: many extents. */
static uint64_t
size_draw(struct mc_random *random, unsigned int kind)
{
	static const uint16_t few[] = {3200, 640, 3200, 640, 608, 1};

	switch (kind % 4) {
	case 0:
		return few[mc_random_below(random, sizeof(few) / sizeof(few[0]))];
	case 1:
		return 1 + mc_random_below(random, 6000);
	case 2:
		return 1 + mc_random_below(random, 200);
	default:
		return 1 + mc_random_below(random, 1ull << mc_random_below(random, 17));
	}
}

static void
model_run(struct mc_random *random, unsigned int kind, unsigned int operations)
{
	uint64_t base = (1ull << 40) + mc_random_below(random, 256);
	struct alloc_model model;
	unsigned int i;

	alloc_model_init(&model, base, 256 + mc_random_below(random, 100000));
	for (i = 0; i < operations; i++) {
		uint64_t choice = mc_random_below(random, 100);
		/* Alternates between filling up and emptying. */
		unsigned int takes = i / 512 % 2 ? 65 : 35;

		if (choice < takes)
			alloc_model_take(&model, size_draw(random, kind));
		else if (choice < 98)
			alloc_model_give(&model, mc_random_next(random));
		else
			alloc_model_own(&model, mc_random_next(random));
		if (i % 256 == 255)
			alloc_model_check(&model);
	}
	alloc_model_drain(&model);
	alloc_model_fini(&model);
}

/* Six million operations: some seconds. */
START_TEST(agrees_with_the_model)
{
	struct mc_random random;
	unsigned int run;

	mc_random_init(&random, seed);
	for (run = 0; run < 600; run++)
		model_run(&random, run, 10000);
}
END_TEST

/* ---- quality: far below what it reaches, so that only a broken choice fails ---- */

static double
kv_mix_use(struct mc_random *random)
{
	struct mc_alloc *alloc = alloc_new(1 << 20, GIB);
	uint32_t handles[1024];
	uint32_t count = 0, turn = 0, evictions = 0;
	double sum = 0;

	while (evictions < 80) {
		uint64_t size = turn++ % 2 ? 658432 : 3274752;
		struct mc_extent extent;

		while (mc_alloc_take(alloc, size, 0, &extent) != MC_OK) {
			uint32_t victims = count / 20;

			if (evictions++ >= 40)
				sum += (double)stats_of(alloc).used / (double)GIB;
			while (victims-- > 0) {
				uint32_t at = (uint32_t)mc_random_below(random, count);

				mc_alloc_give(alloc, handles[at]);
				handles[at] = handles[--count];
			}
		}
		must(count < 1024);
		handles[count++] = extent.handle;
	}
	mc_alloc_destroy(alloc);
	return sum / (evictions - 40);
}

START_TEST(kv_mix_stays_full)
{
	struct mc_random random;
	double sum = 0;
	int i;

	mc_random_init(&random, seed);
	for (i = 0; i < 20; i++)
		sum += kv_mix_use(&random) / 20;
	printf("use of 1 GiB by the KV mix: %.4f\n", sum);
	ck_assert_double_gt(sum, 0.97);
}
END_TEST

static Suite *
alloc_suite(void)
{
	Suite *suite = suite_create("alloc");
	TCase *tcase = tcase_create("all");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, create_refuses_what_holds_nothing);
	tcase_add_test(tcase, smallest_segment_holds_one_object);
	tcase_add_test(tcase, largest_segment_works);
	tcase_add_test(tcase, no_bytes_are_refused);
	tcase_add_test(tcase, owners_are_kept);
	tcase_add_test(tcase, first_used_empties_a_segment_upwards);
	tcase_add_test(tcase, many_extents_leave_one);
	tcase_add_test(tcase, agrees_with_the_model);
	tcase_add_test(tcase, kv_mix_stays_full);
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
	return suite_run(alloc_suite(), CK_FORK_GETENV);
}
