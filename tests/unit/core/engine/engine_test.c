/* SPDX-License-Identifier: Apache-2.0 */
/* Two engines and the bytes between them: both inline and on lcores, over shared memory. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/engine/engine.h"
#include "tests/support/engine_side.h"
#include "tests/support/fake_directory.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

#define BYTES (8u << 20)

static const struct mc_driver *shm_only[2];

static void
side_open(struct engine_side *side, const char *name, bool poll_inline)
{
	struct engine_side_params params = {.name = name,
					    .drivers = shm_only,
					    .poll_inline = poll_inline,
					    .length = BYTES};

	shm_only[0] = mc_driver_find("shm");
	engine_side_open(side, &params);
}

static void
fill(unsigned char *bytes, size_t length, uint64_t seed)
{
	struct mc_random random;

	mc_random_init(&random, seed);
	for (size_t i = 0; i < length; i++)
		bytes[i] = (unsigned char)mc_random_next(&random);
}

static void
moves_bytes(bool poll_inline)
{
	struct mc_segment *peer;
	struct mc_batch *batch;
	struct engine_side a, b;

	side_open(&a, "a", poll_inline);
	side_open(&b, "b", false);
	fill(b.bytes, BYTES, 7);
	ck_assert_int_eq(mc_segment_open(a.engine, "b", MC_NS_PER_S, &peer), MC_OK);
	ck_assert_int_eq(mc_batch_alloc(a.engine, 64, 0, &batch), MC_OK);
	for (uint32_t i = 0; i < 64; i++)
		ck_assert_int_eq(mc_batch_add(batch, MC_READ, peer,
					      (uintptr_t)b.bytes + i * (BYTES / 64),
					      a.bytes + i * (BYTES / 64), BYTES / 64), MC_OK);
	ck_assert_int_eq(mc_batch_submit(batch, 0, NULL, NULL), MC_OK);
	ck_assert_int_eq(mc_batch_wait(batch), MC_OK);
	ck_assert_mem_eq(a.bytes, b.bytes, BYTES);

	fill(a.bytes, BYTES, 8);
	mc_batch_reset(batch);
	ck_assert_int_eq(mc_batch_add(batch, MC_WRITE, peer, (uintptr_t)b.bytes, a.bytes, BYTES),
			 MC_OK);
	ck_assert_int_eq(mc_batch_submit(batch, 0, NULL, NULL), MC_OK);
	ck_assert_int_eq(mc_batch_wait(batch), MC_OK);
	ck_assert_mem_eq(a.bytes, b.bytes, BYTES);
	ck_assert_str_eq(mc_segment_driver(peer), "shm");
	ck_assert_ptr_nonnull(strstr(mc_engine_text(a.engine), "\nnode "));
	mc_batch_free(batch);
	mc_segment_close(peer);
	engine_side_close(&a);
	engine_side_close(&b);
	fake_directory_clear();
}

START_TEST(bytes_move_on_lcores)
{
	moves_bytes(false);
}
END_TEST

START_TEST(bytes_move_inline)
{
	moves_bytes(true);
}
END_TEST

/* More than one pass posts, to two peers, submitted by the thread that polls. */
START_TEST(a_large_batch_to_two_peers_ends)
{
	struct mc_segment *peers[2];
	struct mc_batch *batch;
	struct engine_side a, b, c;

	side_open(&a, "a", true);
	side_open(&b, "b", false);
	side_open(&c, "c", false);
	fill(a.bytes, BYTES, 9);
	ck_assert_int_eq(mc_segment_open(a.engine, "b", MC_NS_PER_S, &peers[0]), MC_OK);
	ck_assert_int_eq(mc_segment_open(a.engine, "c", MC_NS_PER_S, &peers[1]), MC_OK);
	ck_assert_int_eq(mc_batch_alloc(a.engine, 8, 0, &batch), MC_OK);
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 8; i++) {
			struct engine_side *side = i % 2 == 0 ? &b : &c;

			ck_assert_int_eq(mc_batch_add(batch, MC_WRITE, peers[i % 2],
						      (uintptr_t)side->bytes, a.bytes, BYTES),
					 MC_OK);
		}
		ck_assert_int_eq(mc_batch_submit(batch, 0, NULL, NULL), MC_OK);
		ck_assert_int_eq(mc_batch_wait(batch), MC_OK);
		mc_batch_reset(batch);
	}
	ck_assert_mem_eq(a.bytes, b.bytes, BYTES);
	ck_assert_mem_eq(a.bytes, c.bytes, BYTES);
	mc_batch_free(batch);
	mc_segment_close(peers[0]);
	mc_segment_close(peers[1]);
	engine_side_close(&a);
	engine_side_close(&b);
	engine_side_close(&c);
	fake_directory_clear();
}
END_TEST

START_TEST(an_address_that_is_not_registered_is_refused)
{
	struct mc_segment *peer;
	struct mc_batch *batch;
	struct engine_side a, b;

	side_open(&a, "a", false);
	side_open(&b, "b", false);
	ck_assert_int_eq(mc_segment_open(a.engine, "b", MC_NS_PER_S, &peer), MC_OK);
	ck_assert_int_eq(mc_batch_alloc(a.engine, 2, 0, &batch), MC_OK);
	ck_assert_int_eq(mc_batch_add(batch, MC_READ, peer, (uintptr_t)b.bytes + BYTES - 10,
				      a.bytes, 11), MC_OK);
	ck_assert_int_eq(mc_batch_add(batch, MC_READ, peer, (uintptr_t)b.bytes + BYTES - 10,
				      a.bytes, 10), MC_OK);
	ck_assert_int_eq(mc_batch_submit(batch, 0, NULL, NULL), MC_OK);
	ck_assert_int_eq(mc_batch_wait(batch), MC_ERR_ADDRESS_REJECTED);
	ck_assert_int_eq(mc_batch_status(batch, 0), MC_ERR_ADDRESS_REJECTED);
	ck_assert_int_eq(mc_batch_status(batch, 1), MC_OK);
	mc_batch_free(batch);
	mc_segment_close(peer);
	engine_side_close(&a);
	engine_side_close(&b);
	fake_directory_clear();
}
END_TEST

int
main(void)
{
	struct mc_eal_params eal = {.size = sizeof(eal), .lcore_count = 2};
	Suite *suite = suite_create("engine/engine");
	TCase *tc = tcase_create("pair");
	int rc;

	must(mc_eal_start(&eal) == MC_OK);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, bytes_move_on_lcores);
	tcase_add_test(tc, bytes_move_inline);
	tcase_add_test(tc, a_large_batch_to_two_peers_ends);
	tcase_add_test(tc, an_address_that_is_not_registered_is_refused);
	suite_add_tcase(suite, tc);
	rc = suite_run(suite, CK_NOFORK);
	mc_eal_stop();
	return rc;
}
