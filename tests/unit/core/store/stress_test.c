/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads at random operations on stores of one process and a real master, held against a model:
 * with room for all, where no object may be missed; and in a pool that is always full, where any
 * may, but none may be another's bytes. MC_TEST_STRESS_SECONDS says how long (2).
 */
#include <check.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "tests/support/must.h"
#include "tests/support/store_model.h"
#include "tests/support/store_rig.h"
#include "tests/support/suite.h"

#define MIB		(1ull << 20)
#define THREADS		8u
#define KEYS		12u /* that each thread writes */
#define BATCH		6u
#define PUT_DEADLINE_MS 1000u

struct worker {
	pthread_t thread;
	struct mc_store *store;
	struct mc_random random;
	unsigned int index;
	bool storm; /* any object may be missed */
	bool force; /* removes what is being read: only checksums tell what it becomes */
	struct mc_store_config config; /* else all are pinned: none may */
	uint64_t end_ns;
	uint64_t reads, read_ok, writes, refused;
	unsigned char *bytes; /* BATCH values */
	char wrong[256];      /* "": nothing */
};

/*
 * Who may touch which bytes of a segment is told in the master's messages, which a race detector
 * does not follow. That the bytes are right is what the tests are about.
 */
#ifdef __SANITIZE_THREAD__
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void);

const char *
__tsan_default_suppressions(void)
{
	return "race:op_copy\n";
}
#endif

static struct store_rig rig;
static struct mc_store *stores[2];
static struct model_key keys[THREADS][KEYS];
static struct worker workers[THREADS];
static uint64_t size_max;

#define wrong_if(worker, condition, ...)                                                 \
	do {                                                                             \
		if ((condition) && (worker)->wrong[0] == '\0')                           \
			snprintf((worker)->wrong, sizeof((worker)->wrong), __VA_ARGS__); \
	} while (0)

/* ---- objects to work on ---- */

struct picked {
	struct model_key *keys[BATCH];
	uint64_t marks[BATCH]; /* versions written, or the model's word before a read */
	struct mc_store_item items[BATCH];
	struct mc_iov pieces[BATCH][2];
	uint32_t count;
};

static struct model_key *
own_key(struct worker *worker)
{
	return &keys[worker->index][mc_random_below(&worker->random, KEYS)];
}

static bool
is_own(const struct worker *worker, const struct model_key *key)
{
	return key >= keys[worker->index] && key < keys[worker->index] + KEYS;
}

static unsigned char *
room_of(struct worker *worker, uint32_t index)
{
	return worker->bytes + index * (size_max + 64);
}

/* Different ones: two writes of one key in a call would be in no order. */
static void
pick_own(struct worker *worker, struct picked *picked, uint32_t count)
{
	uint64_t first = mc_random_below(&worker->random, KEYS);

	picked->count = count;
	for (uint32_t i = 0; i < count; i++)
		picked->keys[i] = &keys[worker->index][(first + i) % KEYS];
}

static void
pick_any(struct worker *worker, struct picked *picked, uint32_t count)
{
	picked->count = count;
	for (uint32_t i = 0; i < count; i++) {
		picked->keys[i] = mc_random_below(&worker->random, 3) == 0
					  ? own_key(worker)
					  : &keys[mc_random_below(&worker->random, THREADS)]
						 [mc_random_below(&worker->random, KEYS)];
	}
}

/* Values of @length bytes, cut somewhere. */
static void
item_set(struct worker *worker, struct picked *picked, uint32_t index, uint64_t length)
{
	struct mc_iov *pieces = picked->pieces[index];
	uint64_t cut = mc_random_below(&worker->random, length + 1);
	unsigned char *at = room_of(worker, index);

	pieces[0] = (struct mc_iov){at, cut};
	pieces[1] = (struct mc_iov){at + cut, length - cut};
	picked->items[index] = (struct mc_store_item){
		.key = picked->keys[index]->name, .pieces = pieces, .pieces_count = 2};
}

/* ---- a call, blocking or not ---- */

static void
done(void *context, enum mc_status status)
{
	sem_post(context);
}

static void
run(struct worker *worker, enum mc_store_op op, struct picked *picked)
{
	struct mc_store_item *items = picked->items;
	enum mc_status st;
	sem_t over;

	if (mc_random_below(&worker->random, 3) == 0) {
		must(sem_init(&over, 0, 0) == 0);
		while ((st = mc_store_start(worker->store, op, items, picked->count,
					    &worker->config, done, &over)) == MC_AGAIN)
			continue;
		wrong_if(worker, st != MC_OK, "start: %s", mc_status_text(st));
		while (st == MC_OK && sem_wait(&over) != 0)
			continue;
		sem_destroy(&over);
	} else if (op == MC_STORE_PUT) {
		mc_store_put_batch(worker->store, items, picked->count, &worker->config);
	} else if (op == MC_STORE_UPSERT) {
		mc_store_upsert_batch(worker->store, items, picked->count, &worker->config);
	} else if (op == MC_STORE_GET) {
		mc_store_get_batch(worker->store, items, picked->count);
	} else if (op == MC_STORE_SIZE) {
		mc_store_size_batch(worker->store, items, picked->count);
	} else if (op == MC_STORE_EXIST) {
		mc_store_exist_batch(worker->store, items, picked->count);
	} else {
		mc_store_remove_batch(worker->store, items, picked->count, true);
	}
}

static uint32_t
any_count(struct worker *worker)
{
	return mc_random_below(&worker->random, 2) == 0
		       ? 1
		       : 1 + (uint32_t)mc_random_below(&worker->random, BATCH);
}

/* ---- writing ---- */

static void
write_some(struct worker *worker, enum mc_store_op op)
{
	struct picked picked;

	pick_own(worker, &picked, any_count(worker));
	for (uint32_t i = 0; i < picked.count; i++) {
		picked.marks[i] = model_write_begin(picked.keys[i]);
		item_set(worker, &picked, i, model_size(picked.keys[i], picked.marks[i]));
		model_fill(picked.keys[i], picked.marks[i], room_of(worker, i));
	}
	run(worker, op, &picked);
	for (uint32_t i = 0; i < picked.count; i++) {
		enum mc_status st = picked.items[i].status;

		model_write_end(picked.keys[i], picked.marks[i], op == MC_STORE_UPSERT, st);
		worker->writes += st == MC_OK;
		worker->refused += st == MC_ERR_NO_SPACE;
		wrong_if(worker, st != MC_OK && st != MC_ERR_NO_SPACE, "write of %s: %s",
			 picked.keys[i]->name, mc_status_text(st));
	}
}

static void
remove_some(struct worker *worker)
{
	struct picked picked;

	pick_own(worker, &picked, any_count(worker));
	for (uint32_t i = 0; i < picked.count; i++)
		item_set(worker, &picked, i, 0);
	mc_store_remove_batch(worker->store, picked.items, picked.count, worker->force);
	for (uint32_t i = 0; i < picked.count; i++) {
		enum mc_status st = picked.items[i].status;

		if (st == MC_ERR_OBJECT_LEASED && !worker->force)
			continue;
		wrong_if(worker, st != MC_OK && st != MC_ERR_OBJECT_NOT_FOUND, "remove of %s: %s",
			 picked.keys[i]->name, mc_status_text(st));
		wrong_if(worker, (st == MC_OK) != picked.keys[i]->present && !worker->storm,
			 "remove of %s: %s, and it was %s", picked.keys[i]->name,
			 mc_status_text(st), picked.keys[i]->present ? "there" : "not there");
		model_removed(picked.keys[i]);
	}
}

/* ---- reading ---- */

/* What one was told of @key without reading it. */
static void
check_told(struct worker *worker, const struct model_key *key, const char *what, enum mc_status st)
{
	bool known = is_own(worker, key) && !worker->storm;

	wrong_if(worker,
		 st != MC_OK && st != MC_ERR_OBJECT_NOT_FOUND && st != MC_ERR_REPLICA_NOT_READY &&
			 st != MC_ERR_LEASE_EXPIRED,
		 "%s of %s: %s", what, key->name, mc_status_text(st));
	wrong_if(worker, known && key->present && st == MC_ERR_OBJECT_NOT_FOUND,
		 "%s of %s: missed, and it is there", what, key->name);
	wrong_if(worker, known && !key->present && st == MC_OK,
		 "%s of %s: found, and it is not there", what, key->name);
}

static void
check_read(struct worker *worker, struct model_key *key, uint64_t low, enum mc_status st,
	   const void *bytes, uint64_t length)
{
	worker->reads++;
	check_told(worker, key, "get", st);
	if (st != MC_OK)
		return;
	worker->read_ok++;
	wrong_if(worker, !model_judge(key, low, bytes, length),
		 "get of %s: %llu bytes are of no version from %llu to %llu", key->name,
		 (unsigned long long)length, (unsigned long long)low,
		 (unsigned long long)atomic_load(&key->high));
}

static void
get_some(struct worker *worker)
{
	struct picked picked;

	pick_any(worker, &picked, any_count(worker));
	for (uint32_t i = 0; i < picked.count; i++) {
		item_set(worker, &picked, i, size_max + 64);
		picked.marks[i] = model_read_begin(picked.keys[i]);
	}
	run(worker, MC_STORE_GET, &picked);
	for (uint32_t i = 0; i < picked.count; i++)
		check_read(worker, picked.keys[i], picked.marks[i], picked.items[i].status,
			   room_of(worker, i), picked.items[i].length);
}

static void
get_buffer(struct worker *worker)
{
	struct mc_store_buffer *buffer = NULL;
	struct picked picked;
	enum mc_status st;

	pick_any(worker, &picked, 1);
	picked.marks[0] = model_read_begin(picked.keys[0]);
	st = mc_store_get(worker->store, picked.keys[0]->name, &buffer);
	check_read(worker, picked.keys[0], picked.marks[0], st, buffer != NULL ? buffer->addr : "",
		   buffer != NULL ? buffer->length : 0);
	mc_store_buffer_free(worker->store, buffer);
}

static void
ask_some(struct worker *worker, enum mc_store_op op)
{
	struct picked picked;

	pick_any(worker, &picked, any_count(worker));
	for (uint32_t i = 0; i < picked.count; i++)
		item_set(worker, &picked, i, 0);
	run(worker, op, &picked);
	for (uint32_t i = 0; i < picked.count; i++)
		check_told(worker, picked.keys[i], op == MC_STORE_SIZE ? "size" : "exist",
			   picked.items[i].status);
}

/* ---- the threads ---- */

static void *
worker_main(void *arg)
{
	struct worker *worker = arg;

	while (mc_clock_mono_ns() < worker->end_ns && worker->wrong[0] == '\0') {
		switch (mc_random_below(&worker->random, 12)) {
		case 0:
		case 1:
			write_some(worker, MC_STORE_PUT);
			break;
		case 2:
		case 3:
			/* space that an upsert left is parked: evictions must make it instead */
			write_some(worker, worker->storm && mc_random_below(&worker->random, 16) > 0
						   ? MC_STORE_PUT
						   : MC_STORE_UPSERT);
			break;
		case 4:
			remove_some(worker);
			break;
		case 5:
			ask_some(worker, MC_STORE_EXIST);
			break;
		case 6:
			ask_some(worker, MC_STORE_SIZE);
			break;
		case 7:
			get_buffer(worker);
			break;
		default:
			get_some(worker);
		}
	}
	return NULL;
}

static uint64_t
stress_ns(void)
{
	const char *seconds = getenv("MC_TEST_STRESS_SECONDS");

	return (seconds != NULL ? (uint64_t)atoi(seconds) : 2) * MC_NS_PER_S;
}

static uint64_t
seed(void)
{
	const char *given = getenv("MC_TEST_SEED");
	uint64_t value = given != NULL ? strtoull(given, NULL, 0) : mc_random_seed();

	printf("MC_TEST_SEED=%llu\n", (unsigned long long)value);
	return value;
}

static void
workers_run(bool storm, bool force, uint64_t ns)
{
	uint64_t first = seed(), reads = 0, writes = 0, refused = 0, hits = 0;
	char name[MODEL_KEY_MAX];

	for (unsigned int i = 0; i < THREADS; i++) {
		for (unsigned int k = 0; k < KEYS; k++) {
			snprintf(name, sizeof(name), "thread %u/key %u", i, k);
			model_key_init(&keys[i][k], name, size_max);
		}
		workers[i] = (struct worker){
			.store = stores[i % 2],
			.index = i,
			.storm = storm,
			.force = force,
			.config = {.size = sizeof(struct mc_store_config), .hard_pin = !storm},
			.end_ns = mc_clock_mono_ns() + ns,
			.bytes = malloc(BATCH * (size_max + 64))};
		mc_random_init(&workers[i].random, first + i);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		must(pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]) == 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		must(pthread_join(workers[i].thread, NULL) == 0);
		free(workers[i].bytes);
		reads += workers[i].reads;
		hits += workers[i].read_ok;
		writes += workers[i].writes;
		refused += workers[i].refused;
	}
	printf("%llu reads, %llu of them hits, %llu writes, %llu refused\n",
	       (unsigned long long)reads, (unsigned long long)hits, (unsigned long long)writes,
	       (unsigned long long)refused);
	for (unsigned int i = 0; i < THREADS; i++)
		ck_assert_msg(workers[i].wrong[0] == '\0', "thread %u: %s", i, workers[i].wrong);
	ck_assert_uint_gt(hits, 0);
	ck_assert_uint_gt(writes, 0);
}

/* ---- tests ---- */

/*
 * Space comes back soon, under the eyes of readers that are late; but not before writers are. The
 * master counts a lease from the beginning of its pass: on a machine that takes the CPU away in the
 * middle of one it ends earlier than the reader thinks. That is what trailers are for, and a
 * mismatch is a miss.
 */
static void
tune(struct mc_master_params *params)
{
	params->lease_ttl_ns = 20 * MC_NS_PER_MS;
	params->put_discard_ns = 2 * PUT_DEADLINE_MS * MC_NS_PER_MS;
	params->put_release_ns = 2 * PUT_DEADLINE_MS * MC_NS_PER_MS;
}

static void
stores_open(uint64_t segment, bool checksum)
{
	store_rig_start(&rig, tune);
	for (int i = 0; i < 2; i++) {
		struct mc_store_params params = store_rig_params(&rig, segment);

		params.checksum = checksum;
		params.put_deadline_ms = PUT_DEADLINE_MS;
		params.huge = MC_HUGE_NEVER;
		must(mc_store_open(&params, &stores[i]) == MC_OK);
	}
}

static void
stores_close(void)
{
	struct mc_store_counters counters;

	for (int i = 0; i < 2; i++) {
		mc_store_counters_read(stores[i], &counters);
		ck_assert_uint_eq(counters.outstanding, 0);
		ck_assert_uint_eq(counters.buffer_used, 0);
		mc_store_close(stores[i], MC_STORE_GRACEFUL);
	}
	store_rig_stop(&rig);
}

/* _i: with checksums. */
START_TEST(nothing_is_missed)
{
	size_max = MIB - 64;
	stores_open(96 * MIB, _i == 1);
	workers_run(false, _i == 1, stress_ns() / 4);
	stores_close();
}
END_TEST

START_TEST(nothing_is_stale_in_a_full_pool)
{
	struct mc_store_counters counters;

	size_max = MIB / 4;
	stores_open(MIB / 2, false);
	workers_run(true, false, stress_ns() / 2);
	mc_store_counters_read(stores[0], &counters);
	ck_assert_uint_gt(counters.misses, 0);
	stores_close();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store/stress");
	TCase *model = tcase_create("model"), *storm = tcase_create("storm");
	double timeout = 60 + 20 * (double)stress_ns() / MC_NS_PER_S;

	tcase_set_timeout(model, timeout);
	tcase_add_loop_test(model, nothing_is_missed, 0, 2);
	suite_add_tcase(suite, model);
	tcase_set_timeout(storm, timeout);
	tcase_add_test(storm, nothing_is_stale_in_a_full_pool);
	suite_add_tcase(suite, storm);
	return suite_run(suite, CK_FORK_GETENV);
}
