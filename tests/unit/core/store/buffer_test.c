/* SPDX-License-Identifier: Apache-2.0 */
/* Values in memory of the store: room, waiting for room, and values larger than all of it. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/must.h"
#include "tests/support/store_rig.h"
#include "tests/support/suite.h"

#define SEGMENT (32ull << 20)
#define POOL (1u << 20)
#define VALUE (300u << 10)	/* three fit */

static struct store_rig rig;
static struct mc_store *store;
static unsigned char value[4 * POOL];

static void
setup(void)
{
	struct mc_store_params params;
	char key[2] = "0";

	store_rig_start(&rig, NULL);
	params = store_rig_params(&rig, SEGMENT);
	params.buffer_size = POOL;
	params.get_deadline_ms = 300;
	ck_assert_int_eq(mc_store_open(&params, &store), MC_OK);
	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (unsigned char)(i * 7 + (i >> 10));
	for (int i = 0; i < 6; i++) {
		key[0] = (char)('0' + i);
		ck_assert_int_eq(mc_store_put(store, key, value + i, VALUE, NULL), MC_OK);
	}
	ck_assert_int_eq(mc_store_put(store, "large", value, sizeof(value), NULL), MC_OK);
}

static void
teardown(void)
{
	mc_store_close(store, MC_STORE_GRACEFUL);
	store_rig_stop(&rig);
}

static uint64_t
used(void)
{
	struct mc_store_counters counters;

	/* a call behind the frees: they are messages */
	must(mc_store_exist(store, "0") == MC_OK);
	mc_store_counters_read(store, &counters);
	return counters.buffer_used;
}

START_TEST(buffers_hold_values_and_are_given_back)
{
	struct mc_store_item items[3] = {{.key = "0"}, {.key = "none"}, {.key = "2"}};
	struct mc_store_buffer *buffers[3], *large;

	ck_assert_int_eq(mc_store_get_buffers(store, items, 3, buffers), MC_ERR_OBJECT_NOT_FOUND);
	ck_assert_ptr_null(buffers[1]);
	ck_assert_uint_eq(buffers[2]->length, VALUE);
	ck_assert_mem_eq(buffers[0]->addr, value, VALUE);
	ck_assert_mem_eq(buffers[2]->addr, value + 2, VALUE);
	ck_assert_uint_eq(used(), 2 * VALUE);
	mc_store_buffer_free(store, buffers[0]);
	mc_store_buffer_free(store, buffers[2]);
	mc_store_buffer_free(store, NULL);
	ck_assert_uint_eq(used(), 0);
	/* above the pool's size: memory of its own */
	ck_assert_int_eq(mc_store_get(store, "large", &large), MC_OK);
	ck_assert_mem_eq(large->addr, value, sizeof(value));
	mc_store_buffer_free(store, large);
}
END_TEST

static void *
free_soon(void *buffer)
{
	usleep(50000);
	mc_store_buffer_free(store, buffer);
	return NULL;
}

START_TEST(a_get_waits_for_room)
{
	struct mc_store_buffer *buffers[4];
	char key[2] = "0";
	pthread_t thread;

	for (int i = 0; i < 3; i++) {
		key[0] = (char)('0' + i);
		ck_assert_int_eq(mc_store_get(store, key, &buffers[i]), MC_OK);
	}
	ck_assert_int_eq(mc_store_get(store, "3", &buffers[3]), MC_ERR_NO_SPACE);
	ck_assert_ptr_null(buffers[3]);
	ck_assert_int_eq(pthread_create(&thread, NULL, free_soon, buffers[1]), 0);
	ck_assert_int_eq(mc_store_get(store, "3", &buffers[3]), MC_OK);
	ck_assert_mem_eq(buffers[3]->addr, value + 3, VALUE);
	pthread_join(thread, NULL);
	mc_store_buffer_free(store, buffers[0]);
	mc_store_buffer_free(store, buffers[2]);
	mc_store_buffer_free(store, buffers[3]);
	ck_assert_uint_eq(used(), 0);
}
END_TEST

START_TEST(memory_of_the_program_is_registered_once)
{
	static unsigned char mine[8192];

	ck_assert_int_eq(mc_store_buffer_reg(store, mine, sizeof(mine)), MC_OK);
	ck_assert_int_eq(mc_store_buffer_reg(store, mine + 100, 10), MC_ERR_EXISTS);
	ck_assert_int_eq(mc_store_buffer_unreg(store, mine + 1), MC_ERR_NOT_FOUND);
	ck_assert_int_eq(mc_store_buffer_unreg(store, mine), MC_OK);
	ck_assert_int_eq(mc_store_buffer_unreg(store, mine), MC_ERR_NOT_FOUND);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store/buffer");
	TCase *tc = tcase_create("buffer");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, buffers_hold_values_and_are_given_back);
	tcase_add_test(tc, a_get_waits_for_room);
	tcase_add_test(tc, memory_of_the_program_is_registered_once);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
