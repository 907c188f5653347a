/* SPDX-License-Identifier: Apache-2.0 */
/* Copies and moves that the master has a node make. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/store_rig.h"
#include "tests/support/suite.h"

#define SEGMENT (32ull << 20)
#define VALUE (256u << 10)

static struct store_rig rig;
static struct mc_store *left, *right;
static unsigned char value[VALUE], back[VALUE];

static void
setup(void)
{
	struct mc_store_params params;

	store_rig_start(&rig, NULL);
	params = store_rig_params(&rig, SEGMENT);
	params.checksum = true;
	ck_assert_int_eq(mc_store_open(&params, &left), MC_OK);
	ck_assert_int_eq(mc_store_open(&params, &right), MC_OK);
	for (size_t i = 0; i < VALUE; i++)
		value[i] = (unsigned char)(i * 13 + (i >> 9));
}

static void
teardown(void)
{
	mc_store_close(right, MC_STORE_GRACEFUL);
	mc_store_close(left, MC_STORE_GRACEFUL);
	store_rig_stop(&rig);
}

static void
put_left(const char *key)
{
	struct mc_store_config config = {.size = sizeof(config),
					 .preferred_segment = mc_store_hostname(left)};

	ck_assert_int_eq(mc_store_put(right, key, value, VALUE, &config), MC_OK);
}

/* Nodes ask for tasks each second. */
static struct mc_store_task
task_await(struct mc_uuid id)
{
	struct mc_store_task task = {.status = 0};

	for (int i = 0; i < 500 && task.status < 2; i++) {
		usleep(20000);
		ck_assert_int_eq(mc_store_task_query(right, id, &task), MC_OK);
	}
	return task;
}

static uint32_t
endpoints(const char *key, struct mc_store_replica replicas[4])
{
	uint32_t count;

	ck_assert_int_eq(mc_store_replicas(right, key, replicas, 4, &count), MC_OK);
	return count;
}

START_TEST(a_copy_is_a_replica_more)
{
	const char *target = mc_store_hostname(right);
	struct mc_store_replica replicas[4];
	struct mc_store_counters counters;
	struct mc_store_task task;
	struct mc_uuid id;

	put_left("k");
	ck_assert_int_eq(mc_store_copy_task(right, "k", &target, 1, &id), MC_OK);
	task = task_await(id);
	ck_assert_int_eq(task.status, 3);
	ck_assert_str_eq(task.message, "done");
	ck_assert_uint_eq(endpoints("k", replicas), 2);
	/* each by itself is the object: its own trailer, and the checksum */
	for (int i = 0; i < 2; i++) {
		unsigned char *memory = (unsigned char *)(uintptr_t)replicas[i].address;

		ck_assert_mem_eq(memory, value, VALUE);
		memory[5] ^= 1;
		ck_assert_int_eq(mc_store_get_into(right, "k", back, VALUE, NULL), MC_OK);
		ck_assert_mem_eq(back, value, VALUE);
		memory[5] ^= 1;
	}
	mc_store_counters_read(left, &counters);
	ck_assert_uint_eq(counters.tasks_done, 1);
	ck_assert_uint_eq(counters.tasks_failed, 0);
}
END_TEST

START_TEST(a_move_leaves_nothing_behind)
{
	struct mc_store_replica replicas[4];
	struct mc_uuid id;

	put_left("k");
	ck_assert_int_eq(mc_store_move_task(right, "k", mc_store_hostname(left),
					    mc_store_hostname(right), &id), MC_OK);
	ck_assert_int_eq(task_await(id).status, 3);
	ck_assert_uint_eq(endpoints("k", replicas), 1);
	ck_assert_str_eq(replicas[0].endpoint, mc_engine_name(mc_store_engine(right)));
	ck_assert_int_eq(mc_store_get_into(left, "k", back, VALUE, NULL), MC_OK);
	ck_assert_mem_eq(back, value, VALUE);
}
END_TEST

/* Nobody vouches for bytes that are not the object's any more. */
START_TEST(a_source_that_is_damaged_is_not_copied)
{
	const char *target = mc_store_hostname(right);
	struct mc_store_replica replicas[4];
	struct mc_uuid id;

	put_left("k");
	ck_assert_uint_eq(endpoints("k", replicas), 1);
	((unsigned char *)(uintptr_t)replicas[0].address)[VALUE + 9] ^= 1;
	ck_assert_int_eq(mc_store_copy_task(right, "k", &target, 1, &id), MC_OK);
	ck_assert_int_eq(task_await(id).status, 2);
	ck_assert_uint_eq(endpoints("k", replicas), 1);
}
END_TEST

START_TEST(what_cannot_be_copied_is_refused)
{
	const char *nowhere = "nowhere:1";
	struct mc_uuid id;

	put_left("k");
	ck_assert_int_eq(mc_store_copy_task(right, "k", &nowhere, 1, &id), MC_ERR_INVALID);
	ck_assert_int_eq(mc_store_copy_task(right, "k", NULL, 0, &id), MC_ERR_INVALID);
	ck_assert_int_eq(mc_store_copy_task(right, "none", &nowhere, 1, &id),
			 MC_ERR_OBJECT_NOT_FOUND);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store/task");
	TCase *tc = tcase_create("task");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_copy_is_a_replica_more);
	tcase_add_test(tc, a_move_leaves_nothing_behind);
	tcase_add_test(tc, a_source_that_is_damaged_is_not_copied);
	tcase_add_test(tc, what_cannot_be_copied_is_refused);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
