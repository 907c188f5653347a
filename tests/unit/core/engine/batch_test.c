/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: what they take and refuse, and transfers in pieces, held against a model. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/engine/engine.h"
#include "tests/support/engine_side.h"
#include "tests/support/fake_directory.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

#define BYTES (16u << 20)
#define PIECES 40u
#define SLICES_FEW 8u

static const struct mc_driver *drivers[3];

static const struct way {
	const char *list;
	bool poll_inline;
	uint32_t slices_max;
} ways[] = {
	{"shm", false, 0}, {"shm", true, 0},	       {"shm", false, SLICES_FEW},
	{"tcp", false, 0}, {"tcp", false, SLICES_FEW}, {"tcp", true, 0},
};
#define WAYS ((int)(sizeof(ways) / sizeof(ways[0])))

static struct engine_side here, there;
static struct mc_segment *peer;
static struct mc_random random_state;

static void
pair_open(const struct way *way)
{
	struct engine_side_params params = {.name = "here",
					    .drivers = drivers,
					    .list = way->list,
					    .poll_inline = way->poll_inline,
					    .slices_max = way->slices_max,
					    .length = BYTES};

	engine_side_open(&here, &params);
	params = (struct engine_side_params){.name = "there", .drivers = drivers,
					     .list = way->list, .length = BYTES};
	engine_side_open(&there, &params);
	must(mc_segment_open(here.engine, "there", MC_NS_PER_S, &peer) == MC_OK);
}

static void
pair_close(void)
{
	mc_segment_close(peer);
	engine_side_close(&here);
	engine_side_close(&there);
	fake_directory_clear();
}

static void
scramble(unsigned char *bytes, size_t length)
{
	for (size_t i = 0; i + 8 <= length; i += 8) {
		uint64_t word = mc_random_next(&random_state);

		memcpy(bytes + i, &word, 8);
	}
}

static struct mc_batch *
batch_alloc(uint32_t requests, uint32_t pieces)
{
	struct mc_batch *batch;

	must(mc_batch_alloc(here.engine, requests, pieces, &batch) == MC_OK);
	return batch;
}

static enum mc_status
run(struct mc_batch *batch)
{
	must(mc_batch_submit(batch, 0, NULL, NULL) == MC_OK);
	return mc_batch_wait(batch);
}

/* ---- pieces ---- */

/* Up to PIECES runs of our memory that do not overlap, some empty; their bytes in all. */
static uint64_t
pieces_draw(struct mc_iov *pieces, uint32_t count, uint64_t largest)
{
	uint64_t at = 0, total = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t length = mc_random_below(&random_state, 5) == 0
					  ? 0
					  : 1 + mc_random_below(&random_state, largest);

		at += mc_random_below(&random_state, 100);
		pieces[i] = (struct mc_iov){.addr = here.bytes + at, .length = length};
		at += length;
		total += length;
	}
	must(at <= BYTES);
	return total;
}

/* What the peer's memory (a read: ours) has to be afterwards. */
static void
model_run(enum mc_transfer_op op, unsigned char *ours, unsigned char *theirs,
	  const struct mc_iov *pieces, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		size_t offset = (size_t)((unsigned char *)pieces[i].addr - here.bytes);

		if (op == MC_READ)
			memcpy(ours + offset, theirs, pieces[i].length);
		else
			memcpy(theirs, ours + offset, pieces[i].length);
		theirs += pieces[i].length;
	}
}

static void
pieces_move(enum mc_transfer_op op, uint32_t count, uint64_t largest)
{
	struct mc_batch *batch = batch_alloc(1, PIECES);
	unsigned char *ours = malloc(BYTES), *theirs = malloc(BYTES);
	struct mc_iov pieces[PIECES];
	uint64_t total = pieces_draw(pieces, count, largest);
	uint64_t remote = mc_random_below(&random_state, BYTES - total + 1);

	memcpy(ours, here.bytes, BYTES);
	memcpy(theirs, there.bytes, BYTES);
	model_run(op, ours, theirs + remote, pieces, count);
	must(mc_batch_addv(batch, op, peer, (uintptr_t)there.bytes + remote, pieces, count) ==
	     MC_OK);
	ck_assert_int_eq(run(batch), MC_OK);
	must(memcmp(ours, here.bytes, BYTES) == 0);
	must(memcmp(theirs, there.bytes, BYTES) == 0);
	mc_batch_free(batch);
	free(ours);
	free(theirs);
}

START_TEST(pieces_go_where_they_belong)
{
	pair_open(&ways[_i]);
	scramble(here.bytes, BYTES);
	scramble(there.bytes, BYTES);
	for (unsigned int round = 0; round < 6; round++) {
		enum mc_transfer_op op = round % 2 == 0 ? MC_READ : MC_WRITE;
		uint32_t count = 1 + (uint32_t)mc_random_below(&random_state, PIECES);

		pieces_move(op, count, 300);
		/* large enough to be shared out over the lcores, with pieces across the stripes */
		pieces_move(op, PIECES, BYTES / PIECES - 200);
	}
	pair_close();
}
END_TEST

START_TEST(many_requests_pass_through_few_slices)
{
	struct mc_batch *batch;

	pair_open(&ways[_i]);
	scramble(there.bytes, BYTES);
	batch = batch_alloc(4096, 0);
	for (uint32_t i = 0; i < 4096; i++)
		must(mc_batch_add(batch, MC_READ, peer, (uintptr_t)there.bytes + i * 4096u,
				  here.bytes + i * 4096u, 4096) == MC_OK);
	ck_assert_int_eq(run(batch), MC_OK);
	must(memcmp(here.bytes, there.bytes, BYTES) == 0);
	mc_batch_free(batch);
	pair_close();
}
END_TEST

START_TEST(nothing_is_moved_by_no_bytes)
{
	struct mc_iov empty[3] = {{here.bytes, 0}, {NULL, 0}, {here.bytes, 0}};
	struct mc_batch *batch;

	pair_open(&ways[_i]);
	batch = batch_alloc(4, 8);
	ck_assert_int_eq(run(batch), MC_OK);
	mc_batch_reset(batch);
	/* not even an address that there is not */
	must(mc_batch_add(batch, MC_READ, peer, 4096, here.bytes, 0) == MC_OK);
	must(mc_batch_addv(batch, MC_WRITE, peer, 4096, empty, 3) == MC_OK);
	must(mc_batch_addv(batch, MC_WRITE, peer, 4096, NULL, 0) == MC_OK);
	ck_assert_int_eq(run(batch), MC_OK);
	mc_batch_free(batch);
	pair_close();
}
END_TEST

/* ---- refusals ---- */

START_TEST(each_request_has_a_status_of_its_own)
{
	uint64_t end;
	struct mc_batch *batch;

	pair_open(&ways[_i]);
	end = (uintptr_t)there.bytes + BYTES;
	batch = batch_alloc(3, 0);
	must(mc_batch_add(batch, MC_READ, peer, end - 64, here.bytes, 64) == MC_OK);
	must(mc_batch_add(batch, MC_READ, peer, end - 63, here.bytes + 64, 64) == MC_OK);
	must(mc_batch_add(batch, MC_READ, peer, end - 64, here.bytes + 128, 64) == MC_OK);
	ck_assert_int_eq(run(batch), MC_ERR_ADDRESS_REJECTED);
	ck_assert_int_eq(mc_batch_status(batch, 0), MC_OK);
	ck_assert_int_eq(mc_batch_status(batch, 1), MC_ERR_ADDRESS_REJECTED);
	ck_assert_int_eq(mc_batch_status(batch, 2), MC_OK);
	ck_assert_int_eq(mc_batch_status(batch, 3), MC_ERR_INVALID);
	mc_batch_free(batch);
	pair_close();
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
	struct mc_iov around = {(void *)(UINTPTR_MAX - 10), 20};
	struct mc_iov pieces[3] = {{here.bytes, 1}, {here.bytes, 1}, {here.bytes, 1}};
	struct mc_batch *batch;

	pair_open(&ways[0]);
	ck_assert_int_eq(mc_batch_alloc(here.engine, 0, 0, &batch), MC_ERR_INVALID);
	ck_assert_int_eq(mc_batch_alloc(here.engine, UINT32_MAX, 0, &batch), MC_ERR_INVALID);
	ck_assert_int_eq(mc_batch_alloc(here.engine, 1, UINT32_MAX, &batch), MC_ERR_INVALID);
	batch = batch_alloc(2, 2);
	ck_assert_int_eq(mc_batch_wait(batch), MC_ERR_INVALID);
	ck_assert_int_eq(mc_batch_add(batch, MC_READ, NULL, 1, here.bytes, 1), MC_ERR_INVALID);
	ck_assert_int_eq(mc_batch_add(batch, MC_READ, peer, 1, NULL, 1), MC_ERR_INVALID);
	ck_assert_int_eq(mc_batch_add(batch, MC_READ, peer, UINT64_MAX, here.bytes, 2),
			 MC_ERR_INVALID);
	ck_assert_int_eq(mc_batch_addv(batch, MC_READ, peer, 1, &around, 1), MC_ERR_INVALID);
	ck_assert_int_eq(mc_batch_addv(batch, MC_READ, peer, 1, pieces, 3), MC_ERR_TOO_LARGE);
	ck_assert_int_eq(mc_batch_add(batch, MC_READ, peer, (uintptr_t)there.bytes, here.bytes, 1),
			 MC_OK);
	ck_assert_int_eq(mc_batch_addv(batch, MC_READ, peer, 1, pieces, 2), MC_ERR_TOO_LARGE);
	ck_assert_int_eq(mc_batch_add(batch, MC_READ, peer, (uintptr_t)there.bytes, here.bytes, 1),
			 MC_OK);
	ck_assert_int_eq(mc_batch_add(batch, MC_READ, peer, 1, here.bytes, 1), MC_ERR_TOO_LARGE);
	ck_assert_int_eq(run(batch), MC_OK);
	/* complete: to be reset before it takes anything */
	ck_assert_int_eq(mc_batch_add(batch, MC_READ, peer, 1, here.bytes, 1), MC_ERR_BUSY);
	ck_assert_int_eq(mc_batch_submit(batch, 0, NULL, NULL), MC_ERR_BUSY);
	mc_batch_free(batch);
	mc_batch_free(NULL);
	pair_close();
}
END_TEST

int
main(void)
{
	const char *text = getenv("MC_TEST_SEED");
	uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : mc_random_seed();
	struct mc_eal_params eal = {.size = sizeof(eal), .lcore_count = 2};
	Suite *suite = suite_create("engine/batch");
	TCase *tc = tcase_create("batch");
	int rc;

	must(mc_eal_start(&eal) == MC_OK);
	drivers[0] = mc_driver_find("shm");
	drivers[1] = mc_driver_find("tcp");
	printf("MC_TEST_SEED=%llu\n", (unsigned long long)seed);
	mc_random_init(&random_state, seed);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, pieces_go_where_they_belong, 0, WAYS);
	tcase_add_loop_test(tc, many_requests_pass_through_few_slices, 0, WAYS);
	tcase_add_loop_test(tc, nothing_is_moved_by_no_bytes, 0, WAYS);
	tcase_add_loop_test(tc, each_request_has_a_status_of_its_own, 0, WAYS);
	tcase_add_test(tc, what_makes_no_sense_is_refused);
	suite_add_tcase(suite, tc);
	rc = suite_run(suite, CK_NOFORK);
	mc_eal_stop();
	return rc;
}
