/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing: what is refused, what is left behind, and who runs the store. */
#include <check.h>
#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tests/support/store_rig.h"
#include "tests/support/suite.h"

#define SEGMENT (16ull << 20)
#define LENGTH 5000u

static struct store_rig rig;
static unsigned char value[LENGTH], back[LENGTH];

static void
setup(void)
{
	store_rig_start(&rig, NULL);
	for (size_t i = 0; i < LENGTH; i++)
		value[i] = (unsigned char)(i * 7 + (i >> 8));
}

static void
teardown(void)
{
	store_rig_stop(&rig);
}

static unsigned int
entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int count = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

static struct mc_store_counters
counters_of(const struct mc_store *store)
{
	struct mc_store_counters counters;

	mc_store_counters_read(store, &counters);
	return counters;
}

static void
put_and_get(struct mc_store *store, const char *key)
{
	uint64_t length = 0;

	memset(back, 0, sizeof(back));
	ck_assert_int_eq(mc_store_put(store, key, value, LENGTH, NULL), MC_OK);
	ck_assert_int_eq(mc_store_get_into(store, key, back, LENGTH, &length), MC_OK);
	ck_assert_uint_eq(length, LENGTH);
	ck_assert_mem_eq(back, value, LENGTH);
}

/* ---- refusals ---- */

/* Its status; the descriptors and threads are those of before, and *store_out is untouched. */
static enum mc_status
refused(const struct mc_store_params *params)
{
	struct mc_store *const untouched = (struct mc_store *)&rig;
	struct mc_store *store = untouched;
	unsigned int fds = entries("/proc/self/fd"), threads = entries("/proc/self/task");
	enum mc_status st = mc_store_open(params, &store);

	ck_assert_int_ne(st, MC_OK);
	ck_assert_ptr_eq(store, untouched);
	/* a joined thread may be listed for a moment, and the master closes its side in its turn */
	for (uint32_t i = 0; i < 200 && (entries("/proc/self/task") > threads ||
					 entries("/proc/self/fd") > fds); i++)
		usleep(5000);
	ck_assert_uint_le(entries("/proc/self/task"), threads);
	ck_assert_uint_le(entries("/proc/self/fd"), fds);
	return st;
}

START_TEST(bad_parameters_are_refused)
{
	const struct mc_store_params good = store_rig_params(&rig, 0);
	struct mc_store_params params = good;

	params.size--;
	ck_assert_int_eq(refused(&params), MC_ERR_INVALID);
	params = good;
	params.hostname = NULL;
	ck_assert_int_eq(refused(&params), MC_ERR_INVALID);
	params.hostname = "";
	ck_assert_int_eq(refused(&params), MC_ERR_INVALID);
	params = good;
	params.metadata = NULL;
	ck_assert_int_eq(refused(&params), MC_ERR_INVALID);
	params.metadata = "";
	ck_assert_int_eq(refused(&params), MC_ERR_INVALID);
	params = good;
	params.protocol = "ib";
	ck_assert_int_eq(refused(&params), MC_ERR_INVALID);
	params = good;
	params.master = "etcd://127.0.0.1:2379";
	ck_assert_int_eq(refused(&params), MC_ERR_INVALID);
	params.master = "127.0.0.1";
	ck_assert_int_eq(refused(&params), MC_ERR_INVALID);
	params.master = "127.0.0.1:none";
	ck_assert_int_eq(refused(&params), MC_ERR_INVALID);
}
END_TEST

START_TEST(a_master_that_is_not_there_leaves_nothing_behind)
{
	struct mc_store_params params = store_rig_params(&rig, SEGMENT);
	uint64_t begin = mc_clock_mono_ns();
	enum mc_status st;

	params.master = "127.0.0.1:1";
	st = refused(&params);
	ck_assert(st == MC_ERR_CONN_REFUSED || st == MC_ERR_UNREACHABLE);
	ck_assert_uint_lt(mc_clock_mono_ns() - begin, 5 * MC_NS_PER_S);
}
END_TEST

/* The last step of opening fails: all the others are undone. */
START_TEST(a_segment_that_no_memory_holds_leaves_nothing_behind)
{
	struct mc_store_params params = store_rig_params(&rig, 1ull << 49);
	struct mc_store *store;

	ck_assert_int_eq(refused(&params), MC_ERR_NO_MEMORY);
	/* the master did not count a segment: there is no room for objects */
	store = store_rig_open(&rig, 0);
	ck_assert_int_eq(mc_store_put(store, "k", value, LENGTH, NULL), MC_ERR_NO_SPACE);
	mc_store_close(store, MC_STORE_GRACEFUL);
}
END_TEST

/* ---- what is open ---- */

START_TEST(what_was_opened_says_so)
{
	unsigned int fds = entries("/proc/self/fd"), threads = entries("/proc/self/task");
	struct mc_store *store = store_rig_open(&rig, SEGMENT);
	const char *name = mc_store_hostname(store);

	/* a name without a port gets the listener's */
	ck_assert_int_eq(strncmp(name, "127.0.0.1:", 10), 0);
	ck_assert_int_gt(atoi(name + 10), 0);
	ck_assert_ptr_nonnull(strstr(mc_store_text(store), name));
	ck_assert_ptr_nonnull(strstr(mc_store_text(store), rig.address));
	ck_assert_int_eq(mc_store_health(store), MC_OK);
	ck_assert_uint_eq(counters_of(store).segments, 1);
	ck_assert_uint_eq(counters_of(store).segment_bytes, SEGMENT);
	put_and_get(store, "k");
	mc_store_close(store, MC_STORE_GRACEFUL);
	for (uint32_t i = 0; i < 200 && entries("/proc/self/fd") > fds; i++)
		usleep(5000);
	ck_assert_uint_le(entries("/proc/self/fd"), fds);
	ck_assert_uint_le(entries("/proc/self/task"), threads);
}
END_TEST

/* Graceful: the master forgets the objects. Abrupt: it cannot know yet that they are gone. */
START_TEST(the_master_hears_of_a_graceful_end_only)
{
	struct mc_store *reader = store_rig_open(&rig, 0);
	struct mc_store *node = store_rig_open(&rig, SEGMENT);

	ck_assert_int_eq(mc_store_put(node, "graceful", value, LENGTH, NULL), MC_OK);
	ck_assert_int_eq(mc_store_exist(reader, "graceful"), MC_OK);
	mc_store_close(node, MC_STORE_GRACEFUL);
	ck_assert_int_eq(mc_store_exist(reader, "graceful"), MC_ERR_OBJECT_NOT_FOUND);

	node = store_rig_open(&rig, SEGMENT);
	ck_assert_int_eq(mc_store_put(node, "abrupt", value, LENGTH, NULL), MC_OK);
	mc_store_close(node, MC_STORE_ABRUPT);
	ck_assert_int_eq(mc_store_exist(reader, "abrupt"), MC_OK);
	/* whoever reads there fails, and gets no bytes of others */
	ck_assert_int_ne(mc_store_get_into(reader, "abrupt", back, LENGTH, NULL), MC_OK);
	mc_store_close(reader, MC_STORE_GRACEFUL);
	mc_store_close(NULL, MC_STORE_GRACEFUL);
}
END_TEST

/* ---- who runs it ---- */

static void
count_done(void *context, enum mc_status status)
{
	ck_assert_int_eq(status, MC_OK);
	++*(uint32_t *)context;
}

START_TEST(a_store_is_run_where_its_caller_polls)
{
	struct mc_store_params params = store_rig_params(&rig, SEGMENT);
	unsigned int threads = entries("/proc/self/task");
	struct mc_iov piece = {value, LENGTH};
	struct mc_store_item item = {.key = "started", .pieces = &piece, .pieces_count = 1};
	uint32_t done = 0;
	struct mc_store *store;

	params.poll_inline = true;
	ck_assert_int_eq(mc_store_open(&params, &store), MC_OK);
	put_and_get(store, "k");
	ck_assert_int_eq(mc_store_start(store, MC_STORE_PUT, &item, 1, NULL, count_done, &done),
			 MC_OK);
	/* nobody runs it by itself */
	usleep(20000);
	ck_assert_uint_eq(done, 0);
	for (uint64_t end = mc_clock_mono_ns() + 5 * MC_NS_PER_S;
	     done == 0 && mc_clock_mono_ns() < end;)
		mc_store_poll(store);
	ck_assert_uint_eq(done, 1);
	ck_assert_int_eq(mc_store_exist(store, "started"), MC_OK);
	mc_store_close(store, MC_STORE_GRACEFUL);
	ck_assert_uint_le(entries("/proc/self/task"), threads + 1);
}
END_TEST

START_TEST(an_engine_can_be_shared_and_stays_open)
{
	struct mc_engine_params how = {.size = sizeof(how), .name = "127.0.0.1",
				       .metadata = "P2PHANDSHAKE", .bind_host = "127.0.0.1",
				       .poll_inline = true};
	struct mc_store_params params = store_rig_params(&rig, SEGMENT);
	struct mc_engine *engine;
	struct mc_store *store;

	ck_assert_int_eq(mc_engine_create(&how, &engine), MC_OK);
	params.engine = engine;
	/* the engine is polled by its caller, the store would not be */
	ck_assert_int_eq(refused(&params), MC_ERR_INVALID);
	params.poll_inline = true;
	for (uint32_t i = 0; i < 2; i++) {
		ck_assert_int_eq(mc_store_open(&params, &store), MC_OK);
		ck_assert_ptr_eq(mc_store_engine(store), engine);
		ck_assert_str_eq(mc_store_hostname(store), mc_engine_name(engine));
		put_and_get(store, "k");
		mc_store_close(store, MC_STORE_GRACEFUL);
	}
	mc_engine_destroy(engine);
}
END_TEST

/* ---- forks ---- */

/* In the child: 0, or the number of the call that did not refuse. */
static int
child_calls(struct mc_store *store)
{
	struct mc_store_buffer *buffer = (struct mc_store_buffer *)&rig;
	struct mc_uuid segment;
	uint64_t removed;

	if (mc_store_put(store, "child", value, LENGTH, NULL) != MC_ERR_PERMISSION)
		return 1;
	if (mc_store_get_into(store, "k", back, LENGTH, NULL) != MC_ERR_PERMISSION)
		return 2;
	if (mc_store_exist(store, "k") != MC_ERR_PERMISSION)
		return 3;
	if (mc_store_remove(store, "k", true) != MC_ERR_PERMISSION)
		return 4;
	if (mc_store_remove_all(store, true, &removed) != MC_ERR_PERMISSION)
		return 5;
	if (mc_store_health(store) != MC_ERR_PERMISSION)
		return 6;
	if (mc_store_mount(store, SEGMENT, &segment) != MC_ERR_PERMISSION)
		return 7;
	if (mc_store_get(store, "k", &buffer) != MC_ERR_PERMISSION || buffer != NULL)
		return 8;
	mc_store_close(store, MC_STORE_GRACEFUL);
	return 0;
}

START_TEST(a_forked_child_is_refused_and_harms_nothing)
{
	struct mc_store *store = store_rig_open(&rig, SEGMENT);
	int status = 0;
	pid_t pid;

	put_and_get(store, "k");
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		alarm(10);	/* a call that waits for a thread of its parent's */
		_exit(child_calls(store));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "the child ended by signal %d", WTERMSIG(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	ck_assert_int_eq(mc_store_get_into(store, "k", back, LENGTH, NULL), MC_OK);
	put_and_get(store, "after");
	mc_store_close(store, MC_STORE_GRACEFUL);
}
END_TEST

/* ---- closing while calls wait ---- */

/* The master's reactor stands still from hold_begin() to hold_end(). */
struct hold {
	struct mc_msg msg;
	sem_t standing, release, over;
};

static void
hold_run(struct mc_msg *msg)
{
	struct hold *hold = mc_container_of(msg, struct hold, msg);

	sem_post(&hold->standing);
	while (sem_wait(&hold->release) != 0)
		continue;
	sem_post(&hold->over);
}

static void
hold_begin(struct hold *hold)
{
	hold->msg.run = hold_run;
	sem_init(&hold->standing, 0, 0);
	sem_init(&hold->release, 0, 0);
	sem_init(&hold->over, 0, 0);
	ck_assert_int_eq(mc_reactor_send(rig.reactor, &hold->msg), MC_OK);
	while (sem_wait(&hold->standing) != 0)
		continue;
}

static void
hold_end(struct hold *hold)
{
	sem_post(&hold->release);
	while (sem_wait(&hold->over) != 0)
		continue;
	sem_destroy(&hold->standing);
	sem_destroy(&hold->release);
	sem_destroy(&hold->over);
}

struct ends {
	_Atomic uint32_t count;
	_Atomic uint32_t canceled;
};

static void
note_end(void *context, enum mc_status status)
{
	struct ends *ends = context;

	ends->count++;
	ends->canceled += status == MC_ERR_CANCELED;
}

START_TEST(closing_cancels_what_waits_for_the_master)
{
	static const enum mc_store_op kinds[] = {MC_STORE_PUT, MC_STORE_GET, MC_STORE_EXIST,
						 MC_STORE_SIZE, MC_STORE_REMOVE};
	enum { COUNT = sizeof(kinds) / sizeof(kinds[0]) };
	struct mc_store *store = store_rig_open(&rig, 0);
	struct mc_iov piece = {back, LENGTH};
	struct mc_store_item items[COUNT];
	struct ends ends = {0};
	struct hold hold;
	uint64_t begin;

	hold_begin(&hold);
	for (uint32_t i = 0; i < COUNT; i++) {
		items[i] = (struct mc_store_item){.key = "k", .pieces = &piece, .pieces_count = 1};
		ck_assert_int_eq(mc_store_start(store, kinds[i], &items[i], 1, NULL, note_end,
						&ends), MC_OK);
	}
	ck_assert_uint_eq(counters_of(store).outstanding, COUNT);
	begin = mc_clock_mono_ns();
	mc_store_close(store, MC_STORE_GRACEFUL);
	/* none of them was waited for */
	ck_assert_uint_lt(mc_clock_mono_ns() - begin, 600 * MC_NS_PER_MS);
	ck_assert_uint_eq(ends.count, COUNT);
	ck_assert_uint_eq(ends.canceled, COUNT);
	for (uint32_t i = 0; i < COUNT; i++)
		ck_assert_int_eq(items[i].status, MC_ERR_CANCELED);
	hold_end(&hold);
}
END_TEST

static void *
waiter_main(void *arg)
{
	enum mc_status st = mc_store_exist(arg, "k");

	return st == MC_ERR_CANCELED ? NULL : arg;
}

START_TEST(closing_wakes_the_threads_that_wait)
{
	enum { COUNT = 4 };
	struct mc_store *store = store_rig_open(&rig, 0);
	pthread_t threads[COUNT];
	struct hold hold;

	hold_begin(&hold);
	for (uint32_t i = 0; i < COUNT; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, waiter_main, store), 0);
	while (counters_of(store).outstanding < COUNT)
		usleep(1000);
	mc_store_close(store, MC_STORE_GRACEFUL);
	for (uint32_t i = 0; i < COUNT; i++) {
		void *bad;

		ck_assert_int_eq(pthread_join(threads[i], &bad), 0);
		ck_assert_ptr_null(bad);
	}
	hold_end(&hold);
}
END_TEST

/* ---- the suite ---- */

int
main(void)
{
	Suite *suite = suite_create("store/open");
	TCase *tc = tcase_create("open");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, bad_parameters_are_refused);
	tcase_add_test(tc, a_master_that_is_not_there_leaves_nothing_behind);
	tcase_add_test(tc, a_segment_that_no_memory_holds_leaves_nothing_behind);
	tcase_add_test(tc, what_was_opened_says_so);
	tcase_add_test(tc, the_master_hears_of_a_graceful_end_only);
	tcase_add_test(tc, a_store_is_run_where_its_caller_polls);
	tcase_add_test(tc, an_engine_can_be_shared_and_stays_open);
	tcase_add_test(tc, a_forked_child_is_refused_and_harms_nothing);
	tcase_add_test(tc, closing_cancels_what_waits_for_the_master);
	tcase_add_test(tc, closing_wakes_the_threads_that_wait);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
