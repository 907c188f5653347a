/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/mc-bench/cpu.h"
#include "apps/mc-bench/interrupt.h"
#include "core/base/clock.h"

struct run {
	struct workload workload;
	struct conn *conns;
	const struct run_params *params;
	struct run_result *result;
	bool counting;
	bool ending;		/* no more calls: what flies is awaited */
	enum mc_status status;	/* not MC_OK: nothing more is to be expected */
	uint64_t answers;
	uint64_t answers_seen;	/* at answered_ns, when there was a new one */
	uint64_t answered_ns;
};

static void
run_answer(struct conn *conn, struct conn_slot *slot, uint8_t err_code, const uint8_t *body,
	   size_t len)
{
	struct run *run = conn->owner;
	uint64_t queued = slot->queued_ns;
	unsigned int keys = workload_answer(&run->workload, slot, err_code, body, len);

	run->answers++;
	if (run->counting) {
		mc_histogram_add(&run->result->latency, mc_clock_mono_ns() - queued);
		run->result->calls++;
		run->result->keys += keys;
	}
	if (!run->ending)
		workload_next(&run->workload, conn, slot);
}

/* False once a connection is lost, or no answer came for the timeout. */
static bool
run_alive(struct target *target, struct run *run)
{
	uint64_t now = mc_reactor_now(target->reactor);

	for (unsigned int i = 0; i < run->params->connections; i++) {
		if (run->conns[i].status != MC_OK)
			run->status = run->conns[i].status;
	}
	if (run->answers != run->answers_seen || run->answered_ns == 0) {
		run->answers_seen = run->answers;
		run->answered_ns = now;
	} else if (now - run->answered_ns >= target->timeout_ns) {
		run->status = MC_ERR_TIMEOUT;
	}
	return run->status == MC_OK;
}

static bool
run_flying(const struct run *run)
{
	unsigned int flying = 0;

	for (unsigned int i = 0; i < run->params->connections; i++)
		flying += run->conns[i].flying;
	return flying > 0;
}

static void
live_line(const struct target *target, const struct run *run, uint64_t since_ns)
{
	double seconds = (double)(mc_clock_mono_ns() - since_ns) * 1e-9;

	if (run->params->live && seconds > 0)
		fprintf(stderr, "\r%s %s: %.0f calls/s, p99 %.1f us, %lu errors    ",
			target->address, op_name(run->params->op),
			(double)run->result->calls / seconds,
			(double)mc_histogram_percentile(&run->result->latency, 0.99) * 1e-3,
			(unsigned long)run->workload.wrong);
}

/* Polls for @seconds, until a fill has nothing left, or until a signal. */
static void
run_poll(struct target *target, struct run *run, double seconds, bool live)
{
	uint64_t start = mc_clock_mono_ns();
	uint64_t end = start + (uint64_t)(seconds * 1e9);
	uint64_t next_line = start + MC_NS_PER_S;

	while (run->status == MC_OK && interrupt_signal() == 0) {
		uint64_t now;

		mc_reactor_poll(target->reactor);
		now = mc_reactor_now(target->reactor);
		if (!run_alive(target, run) ||
		    (run->params->op == OP_FILL ? !run_flying(run) : now >= end))
			break;
		if (live && now >= next_line) {
			live_line(target, run, start);
			next_line += MC_NS_PER_S;
		}
	}
}

static void
run_measure(struct target *target, struct run *run)
{
	struct run_result *result = run->result;
	uint64_t cpu, start;

	for (unsigned int i = 0; i < run->params->connections; i++) {
		for (unsigned int s = 0; s < run->params->depth; s++)
			workload_next(&run->workload, &run->conns[i], &run->conns[i].slots[s]);
	}
	if (run->params->op != OP_FILL)
		run_poll(target, run, run->params->warmup, false);
	run->counting = true;
	cpu = target->pid != 0 ? cpu_ns(target->pid) : 0;
	start = mc_clock_mono_ns();
	run_poll(target, run, run->params->seconds, true);
	result->seconds = (double)(mc_clock_mono_ns() - start) * 1e-9;
	run->counting = false;
	result->cpu_us_per_call = -1;
	if (cpu > 0 && result->calls > 0)
		result->cpu_us_per_call =
			(double)(cpu_ns(target->pid) - cpu) * 1e-3 / (double)result->calls;
	if (run->params->live)
		fprintf(stderr, "\r%79s\r", "");
}

/* Unanswered calls would break off in the master's hands: they are waited for. */
static void
run_drain(struct target *target, struct run *run)
{
	run->ending = true;
	while (run_flying(run) && run_alive(target, run))
		mc_reactor_poll(target->reactor);
}

static void
run_complain(const struct target *target, const struct run *run)
{
	const char *op = op_name(run->params->op);

	if (run->status == MC_ERR_TIMEOUT)
		target_complain(target, "no answer for %g s during %s",
				(double)target->timeout_ns * 1e-9, op);
	else if (run->status == MC_ERR_CONN_CLOSED)
		target_complain(target, "the master closed a connection during %s", op);
	else if (run->status == MC_ERR_PROTOCOL)
		target_complain(target, "the master broke the framing during %s", op);
	else if (run->status != MC_OK)
		target_complain(target, "%s: %s", op, mc_status_text(run->status));
}

static enum mc_status
conns_open(struct target *target, struct run *run)
{
	for (unsigned int i = 0; i < run->params->connections; i++) {
		struct conn *conn = &run->conns[i];
		enum mc_status st = conn_open(conn, target->reactor, &target->addr,
					      run->params->depth, target->timeout_ns);

		if (st != MC_OK) {
			target_complain(target, "connection %u: %s", i, mc_status_text(st));
			return st;
		}
		conn->answer = run_answer;
		conn->owner = run;
	}
	return MC_OK;
}

/* The first number that the puts of a run take. */
static uint64_t
run_put_key(const struct target *target, const struct run_params *params)
{
	return params->op == OP_FILL && !target->filled ? 0 : target->new_key;
}

static void
run_keys_used(struct target *target, const struct run *run)
{
	if (run->params->op == OP_FILL && !target->filled)
		target->filled = true;
	else
		target->new_key = run->workload.next_key;
}

enum mc_status
run_once(struct target *target, const struct run_params *params, struct run_result *result_out)
{
	struct workload_params work = {
		.op = params->op,
		.release = target->release,
		.form = params->form,
		.batch = params->batch,
		.key_size = params->key_size,
		.keys_count = params->keys_count,
		.put_key = run_put_key(target, params),
		.value_size = params->value_size,
		.seed = params->seed,
		.client_id = target->client_id,
	};
	struct run run = {.params = params, .result = result_out};
	enum mc_status st;

	memset(result_out, 0, sizeof(*result_out));
	run.conns = calloc(params->connections, sizeof(*run.conns));
	st = run.conns != NULL ? workload_init(&run.workload, &work) : MC_ERR_NO_MEMORY;
	if (st != MC_OK)
		target_complain(target, "%s: %s", op_name(params->op), mc_status_text(st));
	else
		st = conns_open(target, &run);
	if (st == MC_OK) {
		run_measure(target, &run);
		run_drain(target, &run);
		run_keys_used(target, &run);
		result_out->wrong = run.workload.wrong;
		memcpy(result_out->errors, run.workload.errors, sizeof(result_out->errors));
		run_complain(target, &run);
		st = run.status;
	}
	for (unsigned int i = 0; run.conns != NULL && i < params->connections; i++)
		conn_close(&run.conns[i]);
	workload_fini(&run.workload);
	free(run.conns);
	return st;
}
