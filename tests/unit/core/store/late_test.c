/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers that are late: what misses its deadline is never readable, whatever arrives afterwards.
 * And a thousand calls that wait, without a thread for any of them.
 */
#include <check.h>
#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/engine/engine.h"
#include "tests/support/fault_driver.h"
#include "tests/support/must.h"
#include "tests/support/store_rig.h"
#include "tests/support/suite.h"

#define MIB	    (1ull << 20)
#define DEADLINE_MS 100u
#define LATE_NS	    (600 * MC_NS_PER_MS) /* for a machine that is loaded */
#define GETS	    1000u

static struct store_rig rig;
static struct mc_store *home;	 /* has the memory */
static struct mc_engine *engine; /* of the writer, with faults */
static struct mc_store *writer;
static const struct mc_driver *drivers[3];

static void
setup(void)
{
	struct mc_engine_params how = {.size = sizeof(how),
				       .name = "127.0.0.1",
				       .metadata = "P2PHANDSHAKE",
				       .bind_host = "127.0.0.1",
				       .poll_inline = true};
	struct mc_store_params params;

	store_rig_start(&rig, NULL);
	home = store_rig_open(&rig, 16 * MIB);
	drivers[0] = fault_driver_over(mc_driver_find("shm"));
	drivers[1] = fault_driver_over(mc_driver_find("tcp"));
	must(mc_engine_create_with(&how, drivers, &engine_directory_peer, &engine) == MC_OK);
	params = store_rig_params(&rig, 0);
	params.engine = engine;
	params.poll_inline = true;
	params.put_deadline_ms = DEADLINE_MS;
	must(mc_store_open(&params, &writer) == MC_OK);
	/* the way to the memory is there afterwards; it may take longer than a put is given here */
	for (int i = 0; i < 100; i++) {
		if (mc_store_put(writer, "warm", "up", 2, NULL) == MC_OK)
			return;
	}
	must(false);
}

static void
plan(const struct fault_plan *faults)
{
	for (int i = 0; i < 2; i++)
		fault_plan_set(drivers[i], faults);
}

static void
teardown(void)
{
	plan(NULL);
	mc_store_close(writer, MC_STORE_GRACEFUL);
	mc_engine_destroy(engine);
	mc_store_close(home, MC_STORE_GRACEFUL);
	store_rig_stop(&rig);
}

/* ---- a reader that looks all the time ---- */

struct reader {
	pthread_t thread;
	_Atomic bool stop;
	uint64_t looks, seen;
};

static void *
reader_main(void *arg)
{
	struct reader *reader = arg;
	char byte[4096];
	uint64_t length;

	while (!atomic_load(&reader->stop)) {
		enum mc_status st = mc_store_get_into(home, "late", byte, sizeof(byte), &length);

		reader->looks++;
		/* not yet there, or being written */
		reader->seen += st != MC_ERR_OBJECT_NOT_FOUND && st != MC_ERR_REPLICA_NOT_READY;
		usleep(500);
	}
	return NULL;
}

static void
reader_start(struct reader *reader)
{
	*reader = (struct reader){0};
	must(pthread_create(&reader->thread, NULL, reader_main, reader) == 0);
}

static void
reader_stop(struct reader *reader)
{
	atomic_store(&reader->stop, true);
	must(pthread_join(reader->thread, NULL) == 0);
	ck_assert_uint_gt(reader->looks, 0);
	ck_assert_uint_eq(reader->seen, 0);
}

/* ---- puts ---- */

static void
noted(void *context, enum mc_status status)
{
	enum mc_status *ended = context;

	*ended = status;
}

static enum mc_status
put_late(const void *value, uint64_t length, bool start)
{
	struct mc_iov piece = {(void *)value, length};
	struct mc_store_item item = {.key = "late", .pieces = &piece, .pieces_count = 1};
	enum mc_status ended = MC_AGAIN;

	if (!start)
		return mc_store_put(writer, "late", value, length, NULL);
	must(mc_store_start(writer, MC_STORE_PUT, &item, 1, NULL, noted, &ended) == MC_OK);
	while (ended == MC_AGAIN)
		mc_store_poll(writer);
	return ended;
}

static void
writer_poll(uint64_t ns)
{
	uint64_t until = mc_clock_mono_ns() + ns;

	while (mc_clock_mono_ns() < until)
		mc_store_poll(writer);
}

/* Its memory goes as soon as the call has ended: whoever reads it later ends the program. */
static void
put_misses_deadline(bool start)
{
	uint64_t length = 4096, begin = mc_clock_mono_ns(), took;
	unsigned char *value =
		mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	enum mc_status st;

	must(value != MAP_FAILED);
	memset(value, 7, length);
	st = put_late(value, length, start);
	munmap(value, length);
	took = mc_clock_mono_ns() - begin;
	ck_assert_int_eq(st, MC_ERR_TIMEOUT);
	ck_assert_uint_ge(took, DEADLINE_MS * MC_NS_PER_MS);
	ck_assert_uint_lt(took, DEADLINE_MS * MC_NS_PER_MS + LATE_NS);
}

static void
check_gone_and_free(void)
{
	struct mc_store_counters counters;
	uint64_t length;
	char back[8];

	writer_poll(100 * MC_NS_PER_MS);
	ck_assert_int_eq(mc_store_exist(home, "late"), MC_ERR_OBJECT_NOT_FOUND);
	mc_store_counters_read(writer, &counters);
	ck_assert_uint_ge(counters.put_timeouts, 1);
	ck_assert_uint_eq(counters.outstanding, 0);
	/* the key is free, and another value takes it at once */
	ck_assert_int_eq(mc_store_put(writer, "late", "early", 5, NULL), MC_OK);
	ck_assert_int_eq(mc_store_get_into(home, "late", back, sizeof(back), &length), MC_OK);
	ck_assert_uint_eq(length, 5);
	ck_assert_mem_eq(back, "early", 5);
}

static const struct fault_plan stalls[] = {
	{.drop = 1000},				      /* the bytes never arrive */
	{.delay = 1000, .delay_polls_max = 1u << 30}, /* they do, and nobody says so in time */
	{.shorter = 1000},			      /* nothing is taken */
};

/* _i: which stall, by either way of calling. */
START_TEST(late_bytes)
{
	struct reader reader;

	reader_start(&reader);
	plan(&stalls[_i / 2]);
	put_misses_deadline(_i % 2 == 1);
	plan(NULL);
	writer_poll(100 * MC_NS_PER_MS);
	reader_stop(&reader);
	check_gone_and_free();
}
END_TEST

/* ---- a master that answers late ---- */

struct pause {
	struct mc_msg msg;
	sem_t begun, go_on;
};

static void
pause_run(struct mc_msg *msg)
{
	struct pause *pause = mc_container_of(msg, struct pause, msg);

	sem_post(&pause->begun);
	while (sem_wait(&pause->go_on) != 0)
		continue;
}

static void
master_pause(struct pause *pause)
{
	*pause = (struct pause){.msg.run = pause_run};
	must(sem_init(&pause->begun, 0, 0) == 0 && sem_init(&pause->go_on, 0, 0) == 0);
	must(mc_reactor_send(rig.reactor, &pause->msg) == MC_OK);
	while (sem_wait(&pause->begun) != 0)
		continue;
}

START_TEST(late_master)
{
	struct pause pause;
	struct reader reader;

	master_pause(&pause);
	put_misses_deadline(_i == 1);
	reader_start(&reader);
	sem_post(&pause.go_on);
	/* it takes room for the put, and is told to give it back */
	writer_poll(100 * MC_NS_PER_MS);
	reader_stop(&reader);
	check_gone_and_free();
}
END_TEST

/* The bytes were in time, and PutEnd was sent, but the master is late to hear it. */
START_TEST(late_commit)
{
	static char value[4096];
	struct mc_iov piece = {value, sizeof(value)};
	struct mc_store_item item = {.key = "late", .pieces = &piece, .pieces_count = 1};
	enum mc_status result = MC_AGAIN;
	struct pause pause;
	uint64_t length;

	ck_assert_int_eq(mc_store_start(writer, MC_STORE_PUT, &item, 1, NULL, noted, &result),
			 MC_OK);
	/* one pass sends the first message; its answer waits until the next */
	mc_store_poll(writer);
	while (mc_store_size(home, "late", &length) != MC_ERR_REPLICA_NOT_READY)
		usleep(100);
	master_pause(&pause);
	while (result == MC_AGAIN)
		mc_store_poll(writer);
	ck_assert_int_eq(result, MC_ERR_TIMEOUT);
	sem_post(&pause.go_on);
	writer_poll(50 * MC_NS_PER_MS);
	check_gone_and_free();
}
END_TEST

/* ---- many at once ---- */

static unsigned int
threads_count(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned int count = 0;

	must(tasks != NULL);
	while (readdir(tasks) != NULL)
		count++;
	closedir(tasks);
	return count - 2;
}

static _Atomic unsigned int ended, ended_well;

static void
count_end(void *context, enum mc_status status)
{
	atomic_fetch_add(&ended_well, status == MC_OK);
	atomic_fetch_add(&ended, 1);
}

START_TEST(thousand_gets)
{
	static struct mc_store_item items[GETS];
	static struct mc_iov pieces[GETS];
	static char values[GETS][8];
	unsigned int before = threads_count();
	struct mc_store_counters counters;
	struct pause pause;

	ck_assert_int_eq(mc_store_put(home, "one", "12345678", 8, NULL), MC_OK);
	master_pause(&pause);
	for (unsigned int i = 0; i < GETS; i++) {
		pieces[i] = (struct mc_iov){values[i], 8};
		items[i] = (struct mc_store_item){
			.key = "one", .pieces = &pieces[i], .pieces_count = 1};
		ck_assert_int_eq(
			mc_store_start(home, MC_STORE_GET, &items[i], 1, NULL, count_end, NULL),
			MC_OK);
	}
	mc_store_counters_read(home, &counters);
	ck_assert_uint_eq(counters.outstanding, GETS);
	ck_assert_uint_le(threads_count(), before);
	sem_post(&pause.go_on);
	for (int i = 0; i < 5000 && atomic_load(&ended) < GETS; i++)
		usleep(1000);
	ck_assert_uint_eq(ended_well, GETS);
	for (unsigned int i = 0; i < GETS; i++)
		ck_assert_mem_eq(values[i], "12345678", 8);
	ck_assert_uint_le(threads_count(), before);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store/late");
	TCase *tc = tcase_create("late");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, late_bytes, 0, 6);
	tcase_add_loop_test(tc, late_master, 0, 2);
	tcase_add_test(tc, late_commit);
	tcase_add_test(tc, thousand_gets);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
