/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mem/populate.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/mem/budget.h"
#include "core/mem/numa.h"
#include "core/mem/size.h"
#include "mc/log.h"

#define CHUNK_MAX (16ull << 20)
#define STEPS_MIN 64	/* calls of progress() that memory.h promises */
#define BUDGET_CHUNKS 4	/* taken between two looks at what is left */
#define SMALL_MAX (1ull << 20)	/* larger pages are hugetlb's */
#define WHY_MAX 700

static unsigned int
threads_choose(unsigned int wanted, uint64_t chunks)
{
	unsigned int count = wanted;
	cpu_set_t cpus;

	if (count == 0) {
		count = 1;
		if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
			count = (unsigned int)CPU_COUNT(&cpus);
		count = count > 8 ? 8 : count;
	}
	if (count > MC_POPULATE_THREADS)
		count = MC_POPULATE_THREADS;
	return count > chunks ? (unsigned int)chunks : count;
}

static uint64_t
chunk_choose(uint64_t length, uint64_t page_size)
{
	uint64_t chunk = length / STEPS_MIN;

	if (chunk > CHUNK_MAX)
		chunk = CHUNK_MAX;
	chunk -= chunk % page_size;
	return chunk < page_size ? page_size : chunk;
}

/* Called and left with the lock. One thread at a time reports; what comes meanwhile it sees. */
static void
progress_report(struct mc_populate *populate)
{
	if (populate->progress == NULL || populate->reporting)
		return;
	populate->reporting = true;
	while (populate->reported != populate->ready) {
		uint64_t ready = populate->ready;

		populate->reported = ready;
		pthread_mutex_unlock(&populate->lock);
		populate->progress(populate->context, ready, populate->backing->length);
		pthread_mutex_lock(&populate->lock);
	}
	populate->reporting = false;
}

static void
chunk_filled(struct mc_populate *populate, uint64_t chunk)
{
	uint64_t before, ready;

	pthread_mutex_lock(&populate->lock);
	before = populate->prefix;
	populate->filled[chunk] = 1;
	while (populate->prefix < populate->chunks && populate->filled[populate->prefix])
		populate->prefix++;
	if (populate->prefix != before) {
		ready = populate->prefix * populate->chunk;
		if (ready > populate->backing->length)
			ready = populate->backing->length;
		__atomic_store_n(&populate->ready, ready, __ATOMIC_RELEASE);
		pthread_cond_broadcast(&populate->change);
		progress_report(populate);
	}
	pthread_mutex_unlock(&populate->lock);
}

static void
chunk_failed(struct mc_populate *populate, uint64_t offset, const char *why)
{
	char done[32], all[32];

	pthread_mutex_lock(&populate->lock);
	__atomic_store_n(&populate->stop, true, __ATOMIC_RELAXED);
	if (populate->status == MC_OK) {
		populate->status = MC_ERR_NO_MEMORY;
		mc_log_error("region: populating ended at %s of %s: %s",
			     mc_size_text(offset, done, sizeof(done)),
			     mc_size_text(populate->backing->length, all, sizeof(all)), why);
		pthread_cond_broadcast(&populate->change);
	}
	pthread_mutex_unlock(&populate->lock);
}

/*
 * Keeps away from the OOM killer: is there room for what all threads take until the next look?
 * Hugepages were set aside for the region when it was mapped.
 */
static bool
budget_check(const struct mc_populate *populate, uint64_t chunk, char *why, size_t size)
{
	if (populate->backing->page_size > SMALL_MAX || chunk % BUDGET_CHUNKS != 0)
		return true;
	return mc_budget_left("", populate->node, why, size) >=
	       populate->chunk * (BUDGET_CHUNKS + populate->threads_wanted);
}

bool
mc_populate_room(const struct mc_populate *populate, char *text, size_t size)
{
	const struct mc_backing *backing = populate->backing;
	uint64_t ready = mc_populate_ready(populate);

	return backing->page_size > SMALL_MAX ||
	       mc_budget_left("", populate->node, text, size) >= backing->length - ready;
}

static void
error_explain(int error, char *why, size_t size)
{
	if (error == EHWPOISON)
		snprintf(why, size, "the machine has broken memory (EHWPOISON); see dmesg");
	else if (error == EFAULT)
		snprintf(why, size,
			 "a page was refused (EFAULT): for hugepages, by the control group's "
			 "hugetlb limit, or as the node has none left");
	else
		snprintf(why, size, "%s", strerror(error));
}

/* False: with the reason in @why. */
static bool
chunk_fill(struct mc_populate *populate, uint64_t chunk, char *why, size_t size)
{
	const struct mc_backing *backing = populate->backing;
	uint64_t offset = chunk * populate->chunk;
	uint64_t length = populate->chunk;
	int error;

	if (!budget_check(populate, chunk, why, size))
		return false;
	if (length > backing->length - offset)
		length = backing->length - offset;
	error = mc_backing_fill(backing->fd, backing->addr, backing->addr + offset, length,
				backing->page_size);
	if (error != 0)
		error_explain(error, why, size);
	return error == 0;
}

static void *
populate_run(void *argument)
{
	struct mc_populate *populate = argument;
	char why[WHY_MAX];

	pthread_setname_np(pthread_self(), "mc-populate");
	if (populate->node >= 0)
		mc_numa_thread_near(populate->node);	/* pages are cleared by who takes them */
	while (!__atomic_load_n(&populate->stop, __ATOMIC_RELAXED)) {
		uint64_t chunk = __atomic_fetch_add(&populate->next, 1, __ATOMIC_RELAXED);

		if (chunk >= populate->chunks)
			break;
		if (chunk_fill(populate, chunk, why, sizeof(why)))
			chunk_filled(populate, chunk);
		else
			chunk_failed(populate, chunk * populate->chunk, why);
	}
	return NULL;
}

/* No signal of the host program may be handled on a thread that it does not know. */
static int
threads_start(struct mc_populate *populate)
{
	sigset_t all, before;
	int error = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (error == 0 && populate->threads_count < populate->threads_wanted) {
		error = pthread_create(&populate->threads[populate->threads_count], NULL,
				       populate_run, populate);
		if (error == 0)
			populate->threads_count++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return populate->threads_count > 0 ? 0 : error;
}

enum mc_status
mc_populate_start(struct mc_populate *populate, const struct mc_backing *backing,
		  const struct mc_region_params *params)
{
	pthread_condattr_t monotonic;
	int error;

	populate->backing = backing;
	populate->chunk = chunk_choose(backing->length, backing->page_size);
	populate->chunks = (backing->length + populate->chunk - 1) / populate->chunk;
	populate->progress = params->progress;
	populate->context = params->context;
	populate->owner = getpid();
	populate->node = params->numa == MC_NUMA_BIND ? params->numa_node : -1;
	populate->threads_wanted = threads_choose(params->threads, populate->chunks);
	populate->filled = calloc(populate->chunks, 1);
	if (populate->filled == NULL)
		return MC_ERR_NO_MEMORY;
	pthread_mutex_init(&populate->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&populate->change, &monotonic);
	pthread_condattr_destroy(&monotonic);
	error = threads_start(populate);
	if (error == 0)
		return MC_OK;
	mc_log_error("region: no thread to populate it: %s; see ulimit -u and the cgroup's "
		     "pids.max",
		     strerror(error));
	mc_populate_stop(populate);
	return MC_ERR_NO_MEMORY;
}

void
mc_populate_stop(struct mc_populate *populate)
{
	/* in a forked child there is neither a thread to join nor a lock in a known state */
	if (populate->owner == getpid()) {
		__atomic_store_n(&populate->stop, true, __ATOMIC_RELAXED);
		for (unsigned int i = 0; i < populate->threads_count; i++)
			pthread_join(populate->threads[i], NULL);
		pthread_cond_destroy(&populate->change);
		pthread_mutex_destroy(&populate->lock);
	}
	free(populate->filled);
}

uint64_t
mc_populate_ready(const struct mc_populate *populate)
{
	return __atomic_load_n(&populate->ready, __ATOMIC_ACQUIRE);
}

enum mc_status
mc_populate_wait(struct mc_populate *populate, uint64_t bytes, uint64_t timeout_ns)
{
	uint64_t now = mc_clock_mono_ns();
	uint64_t deadline = timeout_ns > UINT64_MAX / 2 - now ? UINT64_MAX / 2 : now + timeout_ns;
	struct timespec at = {
		.tv_sec = (time_t)(deadline / MC_NS_PER_S),
		.tv_nsec = (long)(deadline % MC_NS_PER_S),
	};
	enum mc_status st = MC_OK;
	int error = 0;

	if (mc_populate_ready(populate) >= bytes)
		return MC_OK;
	if (populate->owner != getpid())
		return MC_ERR_PERMISSION;
	pthread_mutex_lock(&populate->lock);
	while (populate->ready < bytes && populate->status == MC_OK && error == 0)
		error = pthread_cond_timedwait(&populate->change, &populate->lock, &at);
	if (populate->ready < bytes)
		st = populate->status != MC_OK ? populate->status : MC_ERR_TIMEOUT;
	pthread_mutex_unlock(&populate->lock);
	return st;
}
