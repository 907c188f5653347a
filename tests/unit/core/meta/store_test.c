/* SPDX-License-Identifier: Apache-2.0 */
/* The entries against a naive model: an array of all possible keys. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/random.h"
#include "core/meta/private.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

#define KEYS	  300u
#define STEPS	  60000u
#define VALUE_MAX 40u

static struct meta_store store;

static struct {
	bool used;
	size_t len;
	uint64_t put_ns;
	uint8_t value[VALUE_MAX];
} model[KEYS];

/* Keys of many lengths, a zero byte in each, some a prefix of others. */
static struct mc_str
key_make(char buf[32], unsigned int i)
{
	int len = snprintf(buf, 32, "k%c%u", '\0', i);

	return (struct mc_str){buf, (size_t)len};
}

static void
setup(void)
{
	store = (struct meta_store){.entries_max = KEYS / 2, .bytes_max = 3000};
	ck_assert_int_eq(mc_meta_store_init(&store), MC_OK);
	memset(model, 0, sizeof(model));
}

static void
teardown(void)
{
	mc_meta_store_fini(&store);
}

static size_t
model_sum(size_t *count_out)
{
	size_t bytes = 0;
	char buf[32];

	*count_out = 0;
	for (unsigned int i = 0; i < KEYS; i++) {
		if (!model[i].used)
			continue;
		bytes += key_make(buf, i).len + model[i].len;
		++*count_out;
	}
	return bytes;
}

static void
step_put(struct mc_random *random, unsigned int i, uint64_t now)
{
	uint8_t value[VALUE_MAX];
	size_t len = mc_random_below(random, VALUE_MAX + 1), count;
	char buf[32];
	struct mc_str key = key_make(buf, i);
	size_t bytes = model_sum(&count);
	bool fits;

	for (size_t b = 0; b < len; b++)
		value[b] = (uint8_t)mc_random_next(random);
	if (model[i].used)
		fits = bytes - model[i].len + len <= store.bytes_max;
	else
		fits = count < store.entries_max && bytes + key.len + len <= store.bytes_max;
	must(mc_meta_store_put(&store, key, value, len, now) == (fits ? MC_OK : MC_ERR_TOO_LARGE));
	if (!fits)
		return;
	model[i].used = true;
	model[i].len = len;
	model[i].put_ns = now;
	memcpy(model[i].value, value, len);
}

static void
key_compare(unsigned int i)
{
	char buf[32];
	const struct meta_entry *entry = mc_meta_store_find(&store, key_make(buf, i));

	must((entry != NULL) == model[i].used);
	if (entry == NULL)
		return;
	must(entry->len == model[i].len && entry->put_ns == model[i].put_ns);
	must(memcmp(entry->value, model[i].value, entry->len) == 0);
}

static void
all_compare(void)
{
	size_t count, bytes = model_sum(&count);

	must(store.count == count && store.bytes == bytes);
	for (unsigned int i = 0; i < KEYS; i++)
		key_compare(i);
}

START_TEST(does_what_the_model_does)
{
	const char *text = getenv("MC_TEST_SEED");
	uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : mc_random_seed();
	struct mc_random random;
	unsigned int refused = 0;

	printf("MC_TEST_SEED=%llu\n", (unsigned long long)seed);
	mc_random_init(&random, seed);
	for (uint64_t step = 1; step <= STEPS; step++) {
		unsigned int i = (unsigned int)mc_random_below(&random, KEYS);
		/* phases of growth, where the caps are met, and of decline */
		unsigned int puts = (step / 5000) % 2 == 0 ? 8 : 3;
		char buf[32];

		if (mc_random_below(&random, 10) < puts) {
			step_put(&random, i, step);
			refused += !model[i].used;
		} else {
			must(mc_meta_store_del(&store, key_make(buf, i)) == model[i].used);
			model[i].used = false;
		}
		key_compare(i);
		if (step % 500 == 0)
			all_compare();
	}
	ck_assert_uint_gt(refused, 0);
}
END_TEST

START_TEST(a_refused_value_leaves_the_old_one)
{
	struct mc_str key = {"key", 3};
	static uint8_t big[3000];

	ck_assert_int_eq(mc_meta_store_put(&store, key, "old", 3, 1), MC_OK);
	ck_assert_int_eq(mc_meta_store_put(&store, key, big, 2998, 2), MC_ERR_TOO_LARGE);
	ck_assert_uint_eq(mc_meta_store_find(&store, key)->len, 3);
	/* to the last byte, and again: the key counts once */
	ck_assert_int_eq(mc_meta_store_put(&store, key, big, 2997, 3), MC_OK);
	ck_assert_int_eq(mc_meta_store_put(&store, key, big, 2997, 4), MC_OK);
	ck_assert_uint_eq(store.bytes, 3000);
	ck_assert_int_eq(mc_meta_store_put(&store, (struct mc_str){"k", 1}, "", 0, 5),
			 MC_ERR_TOO_LARGE);
	ck_assert_uint_eq(store.count, 1);
}
END_TEST

static void
each_drop_odd(struct meta_store *from, struct meta_entry *entry, void *context)
{
	unsigned int *seen = context;
	char last = entry->key[entry->key_len - 1];

	++*seen;
	if ((last - '0') % 2 != 0)
		must(mc_meta_store_del(from, (struct mc_str){entry->key, entry->key_len}));
}

START_TEST(a_walk_may_delete_what_it_is_at)
{
	unsigned int seen = 0;
	char buf[32];

	for (unsigned int i = 0; i < 100; i++)
		must(mc_meta_store_put(&store, key_make(buf, i), "v", 1, 1) == MC_OK);
	mc_meta_store_each(&store, each_drop_odd, &seen);
	ck_assert_uint_eq(seen, 100);
	ck_assert_uint_eq(store.count, 50);
	for (unsigned int i = 0; i < 100; i++)
		must((mc_meta_store_find(&store, key_make(buf, i)) != NULL) == (i % 2 == 0));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("meta/store");
	TCase *tc = tcase_create("store");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, does_what_the_model_does);
	tcase_add_test(tc, a_refused_value_leaves_the_old_one);
	tcase_add_test(tc, a_walk_may_delete_what_it_is_at);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
