/* SPDX-License-Identifier: Apache-2.0 */
/* Objects through a store, a real master and the engine, in one process. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/store_rig.h"
#include "tests/support/suite.h"

#define SEGMENT (64ull << 20)
#define VALUE (1u << 20)

static struct store_rig rig;
static unsigned char value[VALUE], back[VALUE + 64];

static void
setup(void)
{
	store_rig_start(&rig, NULL);
	for (size_t i = 0; i < VALUE; i++)
		value[i] = (unsigned char)(i * 31 + (i >> 8));
}

static void
teardown(void)
{
	store_rig_stop(&rig);
}

START_TEST(what_was_put_is_got)
{
	struct mc_store *store = store_rig_open(&rig, SEGMENT);
	struct mc_store_counters counters;
	uint64_t length = 0;

	ck_assert_int_eq(mc_store_get_into(store, "k", back, VALUE, &length),
			 MC_ERR_OBJECT_NOT_FOUND);
	ck_assert_int_eq(mc_store_put(store, "k", value, VALUE, NULL), MC_OK);
	ck_assert_int_eq(mc_store_exist(store, "k"), MC_OK);
	ck_assert_int_eq(mc_store_get_into(store, "k", back, sizeof(back), &length), MC_OK);
	ck_assert_uint_eq(length, VALUE);
	ck_assert_mem_eq(back, value, VALUE);
	mc_store_counters_read(store, &counters);
	ck_assert_uint_eq(counters.checked, 1);
	ck_assert_uint_eq(counters.put_bytes, VALUE);
	mc_store_close(store, MC_STORE_GRACEFUL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store/put");
	TCase *tc = tcase_create("put");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_was_put_is_got);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
