/* SPDX-License-Identifier: Apache-2.0 */
/* Registrations: what is published, what overlaps, what is gone, and what a forked child may do. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/engine/engine.h"
#include "tests/support/engine_side.h"
#include "tests/support/fake_directory.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

#define BYTES (1u << 20)

static const struct mc_driver *drivers[3];
static struct engine_side here, there;

static void
pair_open(void)
{
	struct engine_side_params params = {.name = "here", .drivers = drivers, .length = BYTES};

	engine_side_open(&here, &params);
	params.name = "there";
	engine_side_open(&there, &params);
}

static void
pair_close(void)
{
	engine_side_close(&here);
	engine_side_close(&there);
	fake_directory_clear();
}

/* Memory of the program, at an odd address; forever. */
static unsigned char *
host_memory(size_t length)
{
	unsigned char *bytes = mmap(NULL, length + 4096, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	must(bytes != MAP_FAILED);
	return bytes + 17;
}

static uint32_t
published(void)
{
	struct mc_desc *desc = fake_directory_get("there");
	uint32_t count = desc->buffers_count;

	mc_desc_free(desc);
	return count;
}

static enum mc_status
read_at(struct mc_segment *peer, const void *remote, uint64_t length)
{
	struct mc_batch *batch;
	enum mc_status st;

	must(mc_batch_alloc(here.engine, 1, 0, &batch) == MC_OK);
	must(mc_batch_add(batch, MC_READ, peer, (uintptr_t)remote, here.bytes, length) == MC_OK);
	must(mc_batch_submit(batch, 0, NULL, NULL) == MC_OK);
	st = mc_batch_wait(batch);
	mc_batch_free(batch);
	return st;
}

START_TEST(what_is_registered_is_published_and_reached)
{
	unsigned char *bytes = host_memory(8192);
	struct mc_engine_mem *mem;
	struct mc_segment *peer;

	pair_open();
	must(mc_segment_open(here.engine, "there", MC_NS_PER_S, &peer) == MC_OK);
	ck_assert_int_eq(read_at(peer, bytes, 8192), MC_ERR_ADDRESS_REJECTED);
	memset(bytes, 7, 8192);
	ck_assert_int_eq(mc_engine_mem_reg(there.engine, bytes, 8192, NULL, &mem), MC_OK);
	ck_assert_uint_eq(published(), 2);
	ck_assert_ptr_eq(mc_engine_mem_find(there.engine, bytes), mem);
	ck_assert_ptr_null(mc_engine_mem_find(there.engine, bytes + 1));
	ck_assert_int_eq(read_at(peer, bytes, 8192), MC_OK);
	ck_assert_uint_eq(here.bytes[8191], 7);
	/* two buffers do not join, and one more byte is none of this one's */
	ck_assert_int_eq(read_at(peer, bytes, 8193), MC_ERR_ADDRESS_REJECTED);
	ck_assert_int_eq(mc_engine_mem_unreg(mem), MC_OK);
	ck_assert_uint_eq(published(), 1);
	ck_assert_int_eq(read_at(peer, bytes, 1), MC_ERR_ADDRESS_REJECTED);
	ck_assert_ptr_null(mc_engine_mem_find(there.engine, bytes));
	mc_segment_close(peer);
	pair_close();
}
END_TEST

START_TEST(what_is_local_only_stays_so)
{
	struct mc_mem_params params = {.size = sizeof(params), .local_only = true};
	unsigned char *bytes = host_memory(4096);
	struct mc_engine_mem *mem;
	struct mc_segment *peer;

	pair_open();
	must(mc_segment_open(here.engine, "there", MC_NS_PER_S, &peer) == MC_OK);
	ck_assert_int_eq(mc_engine_mem_reg(there.engine, bytes, 4096, &params, &mem), MC_OK);
	ck_assert_uint_eq(published(), 1);
	ck_assert_int_eq(read_at(peer, bytes, 1), MC_ERR_ADDRESS_REJECTED);
	ck_assert_int_eq(mc_engine_mem_unreg(mem), MC_OK);
	mc_segment_close(peer);
	pair_close();
}
END_TEST

START_TEST(overlaps_are_refused_and_neighbours_are_not)
{
	unsigned char *bytes = host_memory(8192);
	struct mc_engine_mem *mem, *next, *none;

	pair_open();
	ck_assert_int_eq(mc_engine_mem_reg(here.engine, bytes, 4096, NULL, &mem), MC_OK);
	ck_assert_int_eq(mc_engine_mem_reg(here.engine, bytes, 4096, NULL, &none), MC_ERR_EXISTS);
	ck_assert_int_eq(mc_engine_mem_reg(here.engine, bytes + 4095, 2, NULL, &none),
			 MC_ERR_EXISTS);
	ck_assert_int_eq(mc_engine_mem_reg(here.engine, bytes + 4096, 4096, NULL, &next), MC_OK);
	ck_assert_int_eq(mc_engine_mem_unreg(mem), MC_OK);
	/* a refusal took nothing */
	ck_assert_int_eq(mc_engine_mem_reg(here.engine, bytes, 4096, NULL, &mem), MC_OK);
	ck_assert_int_eq(mc_engine_mem_unreg(mem), MC_OK);
	ck_assert_int_eq(mc_engine_mem_unreg(next), MC_OK);
	ck_assert_int_eq(mc_engine_mem_unreg(NULL), MC_OK);
	pair_close();
}
END_TEST

START_TEST(memory_that_is_none_is_refused)
{
	struct mc_mem_params other_size = {.size = 1};
	struct mc_engine_mem *mem;
	char location[80];
	struct mc_mem_params long_one = {.size = sizeof(long_one), .location = location};

	memset(location, 'x', sizeof(location) - 1);
	location[sizeof(location) - 1] = '\0';
	pair_open();
	ck_assert_int_eq(mc_engine_mem_reg(here.engine, here.bytes, 0, NULL, &mem), MC_ERR_INVALID);
	ck_assert_int_eq(mc_engine_mem_reg(here.engine, (void *)4096, 64, NULL, &mem),
			 MC_ERR_INVALID);
	ck_assert_int_eq(mc_engine_mem_reg(here.engine, here.bytes, UINT64_MAX, NULL, &mem),
			 MC_ERR_INVALID);
	ck_assert_int_eq(mc_engine_mem_reg(here.engine, here.bytes, 1, &other_size, &mem),
			 MC_ERR_INVALID);
	ck_assert_int_eq(mc_engine_mem_reg(here.engine, here.bytes, 1, &long_one, &mem),
			 MC_ERR_INVALID);
	pair_close();
}
END_TEST

START_TEST(a_region_stays_while_it_is_registered)
{
	pair_open();
	ck_assert_int_eq(mc_region_destroy(here.region), MC_ERR_BUSY);
	pair_close();
}
END_TEST

/* In the child: 0 when every call was refused and nothing else happened. */
static int
child_calls(void)
{
	struct mc_engine_mem *mem;
	struct mc_segment *segment;

	if (mc_engine_mem_reg(here.engine, host_memory(64), 64, NULL, &mem) != MC_ERR_PERMISSION)
		return 1;
	if (mc_engine_mem_unreg(here.mem) != MC_ERR_PERMISSION)
		return 2;
	if (mc_segment_open(here.engine, "there", MC_NS_PER_S, &segment) != MC_ERR_PERMISSION)
		return 3;
	mc_engine_destroy(here.engine);
	return 0;
}

START_TEST(a_forked_child_is_refused_and_does_no_harm)
{
	struct mc_segment *peer;
	int status;
	pid_t pid;

	pair_open();
	pid = fork();
	if (pid == 0)
		_exit(child_calls());
	must(pid > 0 && waitpid(pid, &status, 0) == pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	ck_assert_uint_eq(published(), 1);
	must(mc_segment_open(here.engine, "there", MC_NS_PER_S, &peer) == MC_OK);
	ck_assert_int_eq(read_at(peer, there.bytes, BYTES), MC_OK);
	mc_segment_close(peer);
	pair_close();
}
END_TEST

int
main(void)
{
	struct mc_eal_params eal = {.size = sizeof(eal), .lcore_count = 2};
	Suite *suite = suite_create("engine/memory");
	TCase *tc = tcase_create("memory");
	int rc;

	must(mc_eal_start(&eal) == MC_OK);
	drivers[0] = mc_driver_find("shm");
	drivers[1] = mc_driver_find("tcp");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, what_is_registered_is_published_and_reached);
	tcase_add_test(tc, what_is_local_only_stays_so);
	tcase_add_test(tc, overlaps_are_refused_and_neighbours_are_not);
	tcase_add_test(tc, memory_that_is_none_is_refused);
	tcase_add_test(tc, a_region_stays_while_it_is_registered);
	tcase_add_test(tc, a_forked_child_is_refused_and_does_no_harm);
	suite_add_tcase(suite, tc);
	rc = suite_run(suite, CK_NOFORK);
	mc_eal_stop();
	return rc;
}
