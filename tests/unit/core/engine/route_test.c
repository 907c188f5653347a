/* SPDX-License-Identifier: Apache-2.0 */
/* Routes, and all that goes wrong on them: operations lost, refused, late, and peers that go. */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/engine/engine.h"
#include "tests/support/engine_side.h"
#include "tests/support/fake_directory.h"
#include "tests/support/fault_driver.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

#define BYTES (4u << 20)
#define LATE_NS (500 * MC_NS_PER_MS)	/* for a machine that is loaded */

static const struct mc_driver *drivers[3];	/* shm and tcp, both with faults on top */

static void
side_open(struct engine_side *side, const char *name, const char *list, bool poll_inline)
{
	struct engine_side_params params = {.name = name,
					    .drivers = drivers,
					    .list = list,
					    .poll_inline = poll_inline,
					    .length = BYTES};

	engine_side_open(side, &params);
}

struct pair {
	struct engine_side a, b;
	struct mc_segment *peer;
};

static void
pair_open(struct pair *pair, const char *list, bool poll_inline)
{
	fault_plan_set(drivers[0], NULL);
	fault_plan_set(drivers[1], NULL);
	side_open(&pair->a, "a", list, poll_inline);
	side_open(&pair->b, "b", list, false);
	must(mc_segment_open(pair->a.engine, "b", MC_NS_PER_S, &pair->peer) == MC_OK);
}

static void
pair_close(struct pair *pair)
{
	fault_plan_set(drivers[0], NULL);
	fault_plan_set(drivers[1], NULL);
	mc_segment_close(pair->peer);
	engine_side_close(&pair->a);
	engine_side_close(&pair->b);
	fake_directory_clear();
}

static struct mc_batch *
batch_of(struct pair *pair, uint32_t count, uint64_t length)
{
	struct mc_batch *batch;

	must(mc_batch_alloc(pair->a.engine, count, 0, &batch) == MC_OK);
	for (uint32_t i = 0; i < count; i++)
		must(mc_batch_add(batch, MC_READ, pair->peer, (uintptr_t)pair->b.bytes,
				  pair->a.bytes, length) == MC_OK);
	return batch;
}

/* ---- deadlines ---- */

static void
ends_at_its_deadline(struct pair *pair, uint64_t length, enum mc_status expected)
{
	struct mc_batch *batch = batch_of(pair, 2, length);
	uint64_t time = expected == MC_OK ? 10 * MC_NS_PER_S : 100 * MC_NS_PER_MS;
	uint64_t deadline = mc_clock_mono_ns() + time;

	ck_assert_int_eq(mc_batch_submit(batch, deadline, NULL, NULL), MC_OK);
	ck_assert_int_eq(mc_batch_wait(batch), expected);
	if (expected == MC_ERR_TIMEOUT)
		ck_assert_uint_ge(mc_clock_mono_ns(), deadline);
	ck_assert_uint_lt(mc_clock_mono_ns(), deadline + LATE_NS);
	ck_assert_int_eq(mc_batch_status(batch, 0), expected);
	mc_batch_free(batch);
}

static void
deadlines(const char *list, bool poll_inline)
{
	struct fault_plan lost = {.drop = 1000}, away = {.connect_status = MC_ERR_TIMEOUT};
	struct fault_plan refused = {.shorter = 1000};
	struct pair pair;

	pair_open(&pair, list, poll_inline);
	for (int i = 0; i < 2; i++) {
		/* no connection yet: it waits for one, and there is none in so short a time */
		fault_plan_set(drivers[i], &away);
	}
	ends_at_its_deadline(&pair, 64, MC_ERR_UNREACHABLE);
	for (int i = 0; i < 2; i++)
		fault_plan_set(drivers[i], &lost);
	for (int i = 0; i < 300; i++) {	/* the peer is tried again, behind our back */
		usleep(1000);
		if (poll_inline)
			mc_engine_poll(pair.a.engine);
	}
	ends_at_its_deadline(&pair, BYTES, MC_ERR_TIMEOUT);
	for (int i = 0; i < 2; i++)
		fault_plan_set(drivers[i], &refused);
	ends_at_its_deadline(&pair, BYTES, MC_ERR_TIMEOUT);
	fault_plan_set(drivers[0], NULL);
	fault_plan_set(drivers[1], NULL);
	ends_at_its_deadline(&pair, BYTES, MC_OK);
	pair_close(&pair);
}

START_TEST(deadlines_end_shm)
{
	deadlines("shm", false);
}
END_TEST

START_TEST(deadlines_end_tcp)
{
	deadlines("tcp", false);
}
END_TEST

START_TEST(deadlines_end_inline)
{
	deadlines("shm", true);
}
END_TEST

/* ---- random batches, content checked ---- */

#define BLOCK 4096u
#define BLOCKS (BYTES / BLOCK)
#define PER_BATCH 32u

static void
block_fill(unsigned char *block, uint64_t value)
{
	for (uint32_t i = 0; i < BLOCK; i += sizeof(value))
		memcpy(block + i, &value, sizeof(value));
}

static bool
block_is(const unsigned char *block, uint64_t value)
{
	unsigned char expected[BLOCK];

	block_fill(expected, value);
	return memcmp(block, expected, BLOCK) == 0;
}

struct planned {
	enum mc_transfer_op op;
	uint32_t block;
	uint64_t value;
};

/*
 * Each block of a batch is used once. What ended well must be there; of what failed, the
 * destination is undefined, and written anew before it is looked at again.
 */
static uint32_t
random_batch(struct pair *pair, struct mc_batch *batch, struct mc_random *random, uint32_t base)
{
	struct planned planned[PER_BATCH];
	uint32_t good = 0;

	mc_batch_reset(batch);
	for (uint32_t i = 0; i < PER_BATCH; i++) {
		struct planned *p = &planned[i];
		size_t at;

		p->op = mc_random_below(random, 2) ? MC_READ : MC_WRITE;
		p->block = base + i;
		p->value = mc_random_next(random);
		at = (size_t)p->block * BLOCK;
		block_fill((p->op == MC_READ ? pair->b.bytes : pair->a.bytes) + at, p->value);
		block_fill((p->op == MC_READ ? pair->a.bytes : pair->b.bytes) + at, ~p->value);
		must(mc_batch_add(batch, p->op, pair->peer, (uintptr_t)pair->b.bytes + at,
				  pair->a.bytes + at, BLOCK) == MC_OK);
	}
	must(mc_batch_submit(batch, mc_clock_mono_ns() + 2 * MC_NS_PER_S, NULL, NULL) == MC_OK);
	mc_batch_wait(batch);
	for (uint32_t i = 0; i < PER_BATCH; i++) {
		const struct planned *p = &planned[i];
		size_t at = (size_t)p->block * BLOCK;

		if (mc_batch_status(batch, i) != MC_OK)
			continue;
		good++;
		must(block_is((p->op == MC_READ ? pair->a.bytes : pair->b.bytes) + at, p->value));
	}
	return good;
}

struct worker {
	pthread_t thread;
	struct pair *pair;
	uint32_t number;
	uint32_t batches;
	uint32_t good;
};

static void *
worker_main(void *arg)
{
	struct worker *worker = arg;
	struct mc_random random;
	struct mc_batch *batch;

	mc_random_init(&random, 1000 + worker->number);
	must(mc_batch_alloc(worker->pair->a.engine, PER_BATCH, 0, &batch) == MC_OK);
	for (uint32_t i = 0; i < worker->batches; i++)
		worker->good += random_batch(worker->pair, batch, &random,
					     worker->number * PER_BATCH);
	mc_batch_free(batch);
	return NULL;
}

static void
random_batches(const char *list, const struct fault_plan *plan, uint32_t batches, bool all_good)
{
	struct worker workers[4];
	struct mc_engine_counters counters;
	struct pair pair;
	uint32_t good = 0, all = 4 * batches * PER_BATCH;

	pair_open(&pair, list, false);
	fault_plan_set(drivers[0], plan);
	fault_plan_set(drivers[1], plan);
	for (uint32_t i = 0; i < 4; i++) {
		workers[i] = (struct worker){.pair = &pair, .number = i, .batches = batches};
		must(pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]) == 0);
	}
	for (uint32_t i = 0; i < 4; i++) {
		pthread_join(workers[i].thread, NULL);
		good += workers[i].good;
	}
	mc_engine_counters_read(pair.a.engine, &counters);
	ck_assert_uint_eq(counters.transfers, good);
	ck_assert_uint_eq(counters.transfers + counters.failures, all);
	if (all_good)
		ck_assert_uint_eq(good, all);
	ck_assert_uint_gt(good, 0);
	pair_close(&pair);
}

START_TEST(random_batches_late_and_short)
{
	struct fault_plan plan = {.seed = 1, .delay = 300, .shorter = 200, .reorder = true};

	random_batches("shm", &plan, 50, true);
	random_batches("tcp", &plan, 50, true);
}
END_TEST

START_TEST(random_batches_with_failures)
{
	struct fault_plan plan = {.seed = 2, .delay = 100, .error = 3, .kill = 2, .reorder = true};

	random_batches("shm,tcp", &plan, 20, false);
}
END_TEST

/* ---- callbacks ---- */

struct chain {
	struct pair *pair;
	_Atomic uint32_t left;
	_Atomic int32_t status;
};

static void
chain_done(void *context, struct mc_batch *batch)
{
	struct chain *chain = context;
	enum mc_status st = mc_batch_status(batch, 0);

	if (st != MC_OK)
		atomic_store(&chain->status, st);
	if (atomic_fetch_sub(&chain->left, 1) == 1)
		return;
	mc_batch_reset(batch);
	must(mc_batch_add(batch, MC_READ, chain->pair->peer, (uintptr_t)chain->pair->b.bytes,
			  chain->pair->a.bytes, 64) == MC_OK);
	must(mc_batch_submit(batch, 0, chain_done, chain) == MC_OK);
}

START_TEST(callbacks_submit_again)
{
	struct chain chain = {.left = 10000};
	struct mc_batch *batch;
	struct pair pair;

	pair_open(&pair, "shm", false);
	chain.pair = &pair;
	batch = batch_of(&pair, 1, 64);
	ck_assert_int_eq(mc_batch_submit(batch, 0, chain_done, &chain), MC_OK);
	while (atomic_load(&chain.left) > 0)
		usleep(1000);
	while (!mc_batch_done(batch))
		usleep(1000);
	ck_assert_int_eq(atomic_load(&chain.status), MC_OK);
	mc_batch_free(batch);
	pair_close(&pair);
}
END_TEST

/* ---- fairness, memory in use, the end ---- */

START_TEST(a_small_batch_does_not_wait_for_a_large_one)
{
	struct mc_batch *large, *small;
	struct pair pair;

	pair_open(&pair, "shm", true);
	large = batch_of(&pair, 256, BYTES);
	small = batch_of(&pair, 1, 64);
	ck_assert_int_eq(mc_batch_submit(large, 0, NULL, NULL), MC_OK);
	ck_assert_int_eq(mc_batch_submit(small, 0, NULL, NULL), MC_OK);
	ck_assert_int_eq(mc_batch_wait(small), MC_OK);
	ck_assert(!mc_batch_done(large));
	ck_assert_int_eq(mc_batch_wait(large), MC_OK);
	mc_batch_free(large);
	mc_batch_free(small);
	pair_close(&pair);
}
END_TEST

static void
count_done(void *context, struct mc_batch *batch)
{
	struct chain *chain = context;

	atomic_store(&chain->status, mc_batch_status(batch, 0));
	mc_batch_free(batch);
	atomic_fetch_sub(&chain->left, 1);
}

START_TEST(memory_in_use_stays_and_a_destroyed_engine_ends_its_work)
{
	struct fault_plan lost = {.drop = 1000};
	struct chain chain = {.left = 2};
	struct pair pair;

	pair_open(&pair, "shm", false);
	fault_plan_set(drivers[0], &lost);
	ck_assert_int_eq(mc_batch_submit(batch_of(&pair, 1, 64), 0, count_done, &chain), MC_OK);
	ck_assert_int_eq(mc_batch_submit(batch_of(&pair, 4, BYTES), 0, count_done, &chain), MC_OK);
	ck_assert_int_eq(mc_engine_mem_unreg(pair.a.mem), MC_ERR_BUSY);
	mc_engine_destroy(pair.a.engine);
	ck_assert_uint_eq(atomic_load(&chain.left), 0);
	ck_assert_int_eq(atomic_load(&chain.status), MC_ERR_CANCELED);
	must(mc_region_destroy(pair.a.region) == MC_OK);
	engine_side_close(&pair.b);
	fake_directory_clear();
}
END_TEST

/* ---- peers that go and come ---- */

/* Submits until it goes well: what is wrong is put right behind our back, after 1.25 s at most. */
static enum mc_status
read_at_last(struct pair *pair, uint64_t length)
{
	uint64_t end = mc_clock_mono_ns() + 10 * MC_NS_PER_S;
	enum mc_status st;

	do {
		struct mc_batch *batch = batch_of(pair, 1, length);

		must(mc_batch_submit(batch, 0, NULL, NULL) == MC_OK);
		st = mc_batch_wait(batch);
		mc_batch_free(batch);
		if (st != MC_OK)
			usleep(10000);
	} while (st != MC_OK && mc_clock_mono_ns() < end);
	return st;
}

START_TEST(a_restarted_peer_is_not_written_to_by_old_requests)
{
	struct mc_batch *old;
	struct pair pair;

	pair_open(&pair, "shm", false);
	old = batch_of(&pair, 1, BYTES);
	ck_assert_int_eq(mc_batch_submit(old, 0, NULL, NULL), MC_OK);
	ck_assert_int_eq(mc_batch_wait(old), MC_OK);
	mc_batch_free(old);
	old = batch_of(&pair, 1, BYTES);
	engine_side_close(&pair.b);
	side_open(&pair.b, "b", "shm", false);
	memset(pair.b.bytes, 0x77, BYTES);
	ck_assert_int_eq(read_at_last(&pair, BYTES), MC_OK);
	ck_assert_mem_eq(pair.a.bytes, pair.b.bytes, BYTES);
	ck_assert_int_eq(mc_batch_submit(old, 0, NULL, NULL), MC_OK);
	ck_assert_int_eq(mc_batch_wait(old), MC_ERR_PEER_RESTARTED);
	mc_batch_free(old);
	pair_close(&pair);
}
END_TEST

START_TEST(a_lesser_driver_serves_and_is_told)
{
	struct fault_plan away = {.connect_status = MC_ERR_IO};
	struct mc_engine_counters counters;
	struct mc_batch *batch;
	struct pair pair;

	pair_open(&pair, "shm,tcp", false);
	fault_plan_set(drivers[0], &away);
	batch = batch_of(&pair, 1, BYTES);
	ck_assert_int_eq(mc_batch_submit(batch, 0, NULL, NULL), MC_OK);
	ck_assert_int_eq(mc_batch_wait(batch), MC_OK);
	ck_assert_str_eq(mc_segment_driver(pair.peer), "tcp");
	mc_engine_counters_read(pair.a.engine, &counters);
	ck_assert_uint_eq(counters.fallbacks, 1);
	mc_batch_free(batch);
	pair_close(&pair);
}
END_TEST

START_TEST(an_unpublished_peer_fails_fast_and_works_when_it_is_back)
{
	struct fault_plan away = {.connect_status = MC_ERR_CONN_REFUSED};
	uint64_t begin;
	struct mc_batch *batch;
	struct pair pair;

	pair_open(&pair, "tcp", false);
	fault_plan_set(drivers[1], &away);
	fake_directory_status("b", MC_ERR_CONN_REFUSED);
	begin = mc_clock_mono_ns();
	batch = batch_of(&pair, 1, 64);
	ck_assert_int_eq(mc_batch_submit(batch, 0, NULL, NULL), MC_OK);
	ck_assert_int_eq(mc_batch_wait(batch), MC_ERR_CONN_REFUSED);
	ck_assert_uint_lt(mc_clock_mono_ns() - begin, MC_NS_PER_S);
	fault_plan_set(drivers[1], NULL);
	fake_directory_status("b", MC_OK);
	mc_batch_free(batch);
	ck_assert_int_eq(read_at_last(&pair, 64), MC_OK);
	pair_close(&pair);
}
END_TEST

int
main(void)
{
	struct mc_eal_params eal = {.size = sizeof(eal), .lcore_count = 2};
	Suite *suite = suite_create("engine/route");
	TCase *tc = tcase_create("pair");
	int rc;

	must(mc_eal_start(&eal) == MC_OK);
	drivers[0] = fault_driver_over(mc_driver_find("shm"));
	drivers[1] = fault_driver_over(mc_driver_find("tcp"));
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, deadlines_end_shm);
	tcase_add_test(tc, deadlines_end_tcp);
	tcase_add_test(tc, deadlines_end_inline);
	tcase_add_test(tc, random_batches_late_and_short);
	tcase_add_test(tc, random_batches_with_failures);
	tcase_add_test(tc, callbacks_submit_again);
	tcase_add_test(tc, a_small_batch_does_not_wait_for_a_large_one);
	tcase_add_test(tc, memory_in_use_stays_and_a_destroyed_engine_ends_its_work);
	tcase_add_test(tc, a_restarted_peer_is_not_written_to_by_old_requests);
	tcase_add_test(tc, a_lesser_driver_serves_and_is_told);
	tcase_add_test(tc, an_unpublished_peer_fails_fast_and_works_when_it_is_back);
	suite_add_tcase(suite, tc);
	rc = suite_run(suite, CK_NOFORK);
	mc_eal_stop();
	return rc;
}
