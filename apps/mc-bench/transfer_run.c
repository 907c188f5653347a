/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/transfer_run.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "apps/mc-bench/cpu.h"
#include "apps/mc-bench/interrupt.h"
#include "apps/mc-bench/pattern.h"
#include "apps/mc-bench/size.h"
#include "apps/mc-bench/tick.h"
#include "apps/mc-bench/transfer_slot.h"
#include "core/base/clock.h"

#define TICK_NS	    (10 * MC_NS_PER_MS)
#define LIVE_NS	    (500 * MC_NS_PER_MS)
#define PASSES	    1024u		/* of an inline engine between two looks around */
#define FILL_PIECE  (16ull << 20)

/* A submitting thread, or with callbacks only what starts its slots. */
struct worker {
	struct run *run;
	struct slot *slots;
	unsigned int count;
	pthread_t thread;
};

struct run {
	struct flight flight;
	struct transfer_result *result;
	struct slot *slots;
	unsigned int slots_count;
	struct worker *workers;
	unsigned int workers_started;	/* threads to join */
	bool child_lost;
};

/* ---- threads that submit ---- */

/* Is the transfer of @slot complete? Sleeps or yields until then, by the kind of the run. */
static bool
slot_await(struct slot *slot, enum transfer_complete complete)
{
	switch (atomic_load_explicit(&slot->state, memory_order_acquire)) {
	case SLOT_IDLE:
		return false;
	case SLOT_PARKED:
		sched_yield();
		slot_unpark(slot);
		return false;
	default:
		if (complete == COMPLETE_POLL)
			return mc_batch_done(slot->batch);
		(void)mc_batch_wait(slot->batch);	/* slot_complete() asks for the status */
		return true;
	}
}

static void *
worker_run(void *context)
{
	struct worker *worker = context;
	enum transfer_complete complete = worker->run->flight.params->complete;
	bool busy = true;

	for (unsigned int i = 0; i < worker->count; i++)
		slot_next(&worker->slots[i], mc_clock_mono_ns());
	while (busy) {
		busy = false;
		for (unsigned int i = 0; i < worker->count; i++) {
			struct slot *slot = &worker->slots[i];

			if (slot_await(slot, complete))
				slot_complete(slot);
			busy |= atomic_load_explicit(&slot->state, memory_order_relaxed) !=
				SLOT_IDLE;
		}
	}
	return NULL;
}

/* On the lcore, or in mc_engine_poll(). */
static void
run_done(void *context, struct mc_batch *batch)
{
	slot_complete(context);
}

/* ---- start and end ---- */

static void
run_fini(struct run *run)
{
	for (unsigned int i = 0; run->slots != NULL && i < run->slots_count; i++)
		slot_fini(&run->slots[i]);
	free(run->slots);
	free(run->workers);
}

static enum mc_status
run_init(struct run *run)
{
	const struct transfer_path *path = run->flight.path;
	const struct transfer_params *params = run->flight.params;
	enum mc_status st = MC_OK;

	run->slots_count = params->batch * params->threads;
	atomic_store(&run->flight.passing, run->slots_count);
	run->flight.done = params->complete == COMPLETE_CALLBACK ? run_done : NULL;
	run->slots = calloc(run->slots_count, sizeof(*run->slots));
	run->workers = calloc(params->threads, sizeof(*run->workers));
	if (run->slots == NULL || run->workers == NULL)
		st = MC_ERR_NO_MEMORY;
	for (unsigned int i = 0; st == MC_OK && i < run->slots_count; i++) {
		walk_init(&run->slots[i].walk, path->set / params->size, run->slots_count, i);
		st = slot_init(&run->slots[i], &run->flight, i);
	}
	return st;
}

static void
run_start(struct run *run)
{
	const struct transfer_params *params = run->flight.params;

	run->flight.start_ns = mc_clock_mono_ns();
	for (unsigned int i = 0; i < params->threads; i++) {
		struct worker *worker = &run->workers[i];

		worker->run = run;
		worker->slots = &run->slots[i * params->batch];
		worker->count = params->batch;
		if (run->flight.done != NULL) {
			for (unsigned int s = 0; s < worker->count; s++)
				slot_next(&worker->slots[s], mc_clock_mono_ns());
		} else if (pthread_create(&worker->thread, NULL, worker_run, worker) == 0) {
			run->workers_started++;
		} else {
			atomic_store(&run->flight.status, MC_ERR_NO_MEMORY);
			atomic_store(&run->flight.stopping, true);
			return;
		}
	}
}

static bool
run_flying(const struct run *run)
{
	for (unsigned int i = 0; i < run->slots_count; i++) {
		if (atomic_load_explicit(&run->slots[i].state, memory_order_acquire) != SLOT_IDLE)
			return true;
	}
	return false;
}

/* ---- meanwhile, on the main thread ---- */

static uint64_t
run_ops(const struct run *run)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < run->slots_count; i++)
		sum += atomic_load_explicit(&run->slots[i].ops, memory_order_relaxed);
	return sum;
}

/* One look: lets an inline engine work, restarts what found no room, passes the time. */
static void
run_tick(struct run *run, uint64_t end_ns)
{
	uint64_t now = mc_clock_mono_ns();

	if (run->flight.params->poll_inline) {
		for (unsigned int i = 0; i < PASSES; i++)
			mc_engine_poll(run->flight.path->engine);
	} else {
		tick_sleep(end_ns > now && end_ns - now < TICK_NS ? end_ns - now : TICK_NS);
	}
	if (run->flight.done == NULL)
		return;		/* their threads do it */
	for (unsigned int i = 0; i < run->slots_count; i++) {
		struct slot *slot = &run->slots[i];

		if (atomic_load_explicit(&slot->state, memory_order_acquire) == SLOT_PARKED)
			slot_unpark(slot);
	}
}

static void
live_line(const struct run *run, double seconds)
{
	const struct transfer_params *params = run->flight.params;
	uint64_t ops = run_ops(run);
	char size[SIZE_TEXT];

	fprintf(stderr, "\r%s %s: %.2f GB/s, %.0f ops/s    ", size_text(params->size, size),
		transfer_op_name(params->op),
		(double)ops * (double)params->size * 1e-9 / seconds, (double)ops / seconds);
}

/* For @seconds, or until there is a reason to end before. */
static void
run_watch(struct run *run, double seconds, bool live)
{
	struct flight *flight = &run->flight;
	uint64_t start = mc_clock_mono_ns(), now = start;
	uint64_t end = start + (uint64_t)(seconds * 1e9);
	uint64_t line = start + LIVE_NS;

	while (!atomic_load(&flight->stopping) && interrupt_signal() == 0 && now < end) {
		run_tick(run, end);
		now = mc_clock_mono_ns();
		if (flight->path->child != NULL && !child_alive(flight->path->child)) {
			run->child_lost = true;
			atomic_store(&flight->stopping, true);
		}
		if (live && now >= line) {
			live_line(run, (double)(now - start) * 1e-9);
			line += LIVE_NS;
		}
	}
	if (live)
		fprintf(stderr, "\r%60s\r", "");
}

/* What both ends used, or ours alone. */
static uint64_t
run_cpu_ns(const struct run *run)
{
	const struct child *child = run->flight.path->child;

	return cpu_ns(getpid()) + (child != NULL && child->pid != 0 ? cpu_ns(child->pid) : 0);
}

static void
run_measure(struct run *run)
{
	const struct transfer_params *params = run->flight.params;
	struct transfer_result *result = run->result;
	uint64_t start, cpu;

	run_start(run);
	run_watch(run, params->warmup, false);
	cpu = run_cpu_ns(run);
	start = mc_clock_mono_ns();
	atomic_store_explicit(&run->flight.counting, true, memory_order_release);
	run_watch(run, params->seconds, params->live);
	atomic_store_explicit(&run->flight.counting, false, memory_order_release);
	result->seconds = (double)(mc_clock_mono_ns() - start) * 1e-9;
	result->cpu_s = run->child_lost ? -1 : (double)(run_cpu_ns(run) - cpu) * 1e-9;
	atomic_store(&run->flight.stopping, true);
	/* each has a deadline */
	while (run_flying(run))
		run_tick(run, mc_clock_mono_ns() + MC_NS_PER_MS);
	for (unsigned int i = 0; i < run->workers_started; i++)
		pthread_join(run->workers[i].thread, NULL);
}

static void
run_collect(struct run *run)
{
	struct transfer_result *result = run->result;
	uint64_t first = atomic_load(&run->flight.first_pass_ns);

	for (unsigned int i = 0; i < run->slots_count; i++) {
		struct slot *slot = &run->slots[i];

		result->ops += atomic_load(&slot->ops);
		result->errors += slot->errors;
		result->verified += slot->verified;
		mc_histogram_merge(&result->latency, &slot->latency);
	}
	if (first != 0)
		result->first_pass_s = (double)(first - run->flight.start_ns) * 1e-9;
	result->mismatch = run->flight.mismatch;
	result->status = (enum mc_status)atomic_load(&run->flight.status);
	if (run->child_lost)
		result->status = MC_ERR_CONN_CLOSED;
}

enum mc_status
transfer_run(const struct transfer_path *path, const struct transfer_params *params,
	     struct transfer_result *result_out)
{
	struct run run = {.flight = {.path = path, .params = params}, .result = result_out};
	enum mc_status st;

	*result_out = (struct transfer_result){.cpu_s = -1};
	st = run_init(&run);
	if (st == MC_OK) {
		run_measure(&run);
		run_collect(&run);
	}
	run_fini(&run);
	return st;
}

/* ---- filling ---- */

static enum mc_status
piece_write(const struct transfer_path *path, struct mc_batch *batch, uint64_t offset,
	    uint64_t timeout_ns)
{
	uint64_t length = path->set - offset < FILL_PIECE ? path->set - offset : FILL_PIECE;
	enum mc_status st;

	mc_batch_reset(batch);
	st = mc_batch_add(batch, MC_WRITE, path->segment, path->remote + offset,
			  path->local + offset, length);
	while (st == MC_OK &&
	       (st = mc_batch_submit(batch, mc_clock_mono_ns() + timeout_ns, NULL, NULL)) ==
		       MC_AGAIN) {
		tick_sleep(MC_NS_PER_MS);
		st = MC_OK;
	}
	return st == MC_OK ? mc_batch_wait(batch) : st;
}

enum mc_status
transfer_fill(const struct transfer_path *path, uint64_t seed, uint64_t timeout_ns)
{
	struct mc_batch *batch;
	enum mc_status st = mc_batch_alloc(path->engine, 1, 0, &batch);

	if (st != MC_OK)
		return st;
	pattern_fill(path->local, path->remote, path->set, seed);
	for (uint64_t offset = 0; st == MC_OK && offset < path->set; offset += FILL_PIECE)
		st = interrupt_signal() == 0 ? piece_write(path, batch, offset, timeout_ns)
					     : MC_ERR_CANCELED;
	mc_batch_free(batch);
	return st;
}
