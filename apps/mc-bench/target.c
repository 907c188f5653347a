/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"

#define CONTROL_TIMEOUT_NS (10 * MC_NS_PER_S)
#define SEGMENT_SIZE (64ull << 30)
#define SEGMENT_BASE 0x100000000000ull
#define PING_NS MC_NS_PER_S

/* ---- which master ---- */

static void
name_read(struct target *target)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)target->pid);
	file = fopen(path, "r");
	if (file == NULL)
		return;
	if (fgets(target->name, sizeof(target->name), file) != NULL)
		target->name[strcspn(target->name, "\n")] = '\0';
	fclose(file);
}

enum mc_status
target_parse(struct target *target, const char *text)
{
	const char *slash = strchr(text, '/');
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);

	if (len >= sizeof(target->address))
		return MC_ERR_INVALID;
	memcpy(target->address, text, len);
	target->address[len] = '\0';
	if (slash != NULL)
		target->pid = (pid_t)strtol(slash + 1, NULL, 10);
	if (target->pid != 0) {
		name_read(target);
		if (target->name[0] == '\0') {
			fprintf(stderr, "mc-bench: %s: no process %d; give the master's pid\n",
				text, (int)target->pid);
			return MC_ERR_INVALID;
		}
	}
	if (mc_net_addr_resolve(target->address, &target->addr) != MC_OK) {
		fprintf(stderr, "mc-bench: %s: not an address; give HOST:PORT\n", text);
		return MC_ERR_INVALID;
	}
	return MC_OK;
}

/* ---- control calls: one at a time, waited for ---- */

static void
control_answer(struct conn *conn, struct conn_slot *slot, uint8_t err_code, const uint8_t *body,
	       size_t len)
{
	struct target *target = conn->owner;
	enum mc_fn fn = (enum mc_fn)slot->key;
	union {
		struct mc_result_void none;
		struct mc_result_str str;
		struct mc_result_ping ping;
	} result = {0};

	target->waiting = false;
	target->control_status = err_code == 0 ? mc_result_decode(body, len, fn, target->release,
								  &result)
					       : MC_ERR_PROTOCOL;
	target->control_error = result.none.error;
}

static void
control_send(struct target *target, enum mc_fn fn, const struct mc_args *args)
{
	struct conn_slot *slot = &target->control.slots[0];
	struct mc_buf *out = conn_call(&target->control, slot, mc_fn_id(fn));

	target->waiting = true;
	slot->key = fn;
	mc_request_encode(out, fn, target->release, MC_FORM_SHORT, args);
	conn_sent(&target->control, slot);
}

static enum mc_status
control_call(struct target *target, enum mc_fn fn, const struct mc_args *args)
{
	uint64_t deadline = mc_clock_mono_ns() + CONTROL_TIMEOUT_NS;

	while (target->waiting && !target->control.lost && mc_clock_mono_ns() < deadline)
		mc_reactor_poll(target->reactor);	/* a ping */
	if (target->waiting)
		return MC_ERR_TIMEOUT;
	control_send(target, fn, args);
	while (target->waiting && !target->control.lost && mc_clock_mono_ns() < deadline)
		mc_reactor_poll(target->reactor);
	if (target->control.lost)
		return MC_ERR_CONN_CLOSED;
	if (target->waiting)
		return MC_ERR_TIMEOUT;
	if (target->control_status == MC_OK && target->control_error != 0)
		return mc_wire_error_status(target->control_error);
	return target->control_status;
}

static void
ping_expired(struct mc_timer *timer)
{
	struct target *target = mc_container_of(timer, struct target, ping);
	struct mc_args args;

	if (!target->waiting && !target->control.lost) {
		mc_args_init(&args);
		args.client_id = target->client_id;
		control_send(target, MC_FN_PING, &args);
	}
	mc_timer_start(target->reactor, timer, mc_reactor_now(target->reactor) + PING_NS);
}

/* ---- mounting ---- */

struct mount_desc {
	struct mc_segment_desc segments[TARGET_SEGMENTS];
	char names[TARGET_SEGMENTS][32];
};

/* Several names, as a cluster has; one allocator of upstream's holds only so many objects. */
static void
segments_describe(const struct target *target, struct mount_desc *desc)
{
	for (unsigned int i = 0; i < TARGET_SEGMENTS; i++) {
		int len = snprintf(desc->names[i], sizeof(desc->names[i]), "mc-bench-%u:1", i);

		desc->segments[i] = (struct mc_segment_desc){
			.id = {target->client_id.first, target->client_id.second + 1 + i},
			.name = {desc->names[i], (size_t)len},
			.base = SEGMENT_BASE + i * SEGMENT_SIZE,
			.size = SEGMENT_SIZE,
			.te_endpoint = {"127.0.0.1:1", 11},
			.protocol = {"tcp", 3},
		};
	}
}

static enum mc_status
segments_mount(struct target *target)
{
	struct mount_desc desc;
	struct mc_args args;
	enum mc_status st = MC_OK;

	segments_describe(target, &desc);
	mc_args_init(&args);
	args.client_id = target->client_id;
	for (unsigned int i = 0; i < TARGET_SEGMENTS && st == MC_OK; i++) {
		args.segment = desc.segments[i];
		st = control_call(target, MC_FN_MOUNT_SEGMENT, &args);
	}
	args.segments = (struct mc_vec){desc.segments, TARGET_SEGMENTS, sizeof(desc.segments[0]),
					0, 0};
	if (st == MC_OK)
		st = control_call(target, MC_FN_REMOUNT_SEGMENT, &args);
	return st;
}

enum mc_status
target_open(struct target *target, struct mc_reactor *reactor)
{
	struct mc_args args;
	enum mc_status st;

	target->reactor = reactor;
	target->client_id = (struct mc_uuid){mc_random_seed(), mc_random_seed() >> 8};
	target->new_key = 100000000000ull;
	target->ping.expired = ping_expired;
	st = conn_open(&target->control, reactor, &target->addr, 1, CONTROL_TIMEOUT_NS);
	if (st != MC_OK) {
		fprintf(stderr, "mc-bench: %s: %s; is a master listening there?\n", target->address,
			mc_status_text(st));
		return st;
	}
	target->control.answer = control_answer;
	target->control.owner = target;
	mc_args_init(&args);
	st = control_call(target, MC_FN_SERVICE_READY, &args);
	if (st == MC_OK)
		st = segments_mount(target);
	if (st != MC_OK) {
		fprintf(stderr, "mc-bench: %s: the master does not take a segment: %s\n",
			target->address, mc_status_text(st));
		conn_close(&target->control);
		return st;
	}
	target->mounted = true;
	mc_timer_start(reactor, &target->ping, mc_reactor_now(reactor) + PING_NS);
	return MC_OK;
}

void
target_close(struct target *target)
{
	struct mc_args args;

	if (!target->mounted)
		return;
	mc_timer_stop(target->reactor, &target->ping);
	mc_args_init(&args);
	args.client_id = target->client_id;
	for (unsigned int i = 0; i < TARGET_SEGMENTS; i++) {
		args.id = (struct mc_uuid){target->client_id.first,
					   target->client_id.second + 1 + i};
		if (control_call(target, MC_FN_UNMOUNT_SEGMENT, &args) != MC_OK)
			break;
	}
	conn_close(&target->control);
	target->mounted = false;
}

/* ---- a run ---- */

struct run {
	struct workload workload;
	struct conn *conns;
	const struct run_params *params;
	struct run_result *result;
	bool counting;
	bool ending;		/* no more calls: what flies is awaited */
};

static void
run_answer(struct conn *conn, struct conn_slot *slot, uint8_t err_code, const uint8_t *body,
	   size_t len)
{
	struct run *run = conn->owner;
	uint64_t queued = slot->queued_ns;
	unsigned int keys = workload_answer(&run->workload, slot, err_code, body, len);

	if (run->counting) {
		mc_histogram_add(&run->result->latency, mc_clock_mono_ns() - queued);
		run->result->calls++;
		run->result->keys += keys;
	}
	if (!run->ending)
		workload_next(&run->workload, conn, slot);
}

static bool
run_any_lost(const struct run *run)
{
	for (unsigned int i = 0; i < run->params->connections; i++) {
		if (run->conns[i].lost)
			return true;
	}
	return false;
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

/* Polls for @seconds, or until a fill has nothing left. */
static void
run_poll(struct target *target, struct run *run, double seconds, bool live)
{
	uint64_t start = mc_clock_mono_ns();
	uint64_t end = start + (uint64_t)(seconds * 1e9);
	uint64_t next_line = start + MC_NS_PER_S;

	while (!run_any_lost(run)) {
		uint64_t now;

		mc_reactor_poll(target->reactor);
		now = mc_reactor_now(target->reactor);
		if (run->params->op == OP_FILL ? !run_flying(run) : now >= end)
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
	uint64_t deadline = mc_clock_mono_ns() + CONTROL_TIMEOUT_NS;

	run->ending = true;
	while (run_flying(run) && !run_any_lost(run) && mc_clock_mono_ns() < deadline)
		mc_reactor_poll(target->reactor);
}

static enum mc_status
conns_open(struct target *target, struct run *run)
{
	for (unsigned int i = 0; i < run->params->connections; i++) {
		struct conn *conn = &run->conns[i];
		enum mc_status st = conn_open(conn, target->reactor, &target->addr,
					      run->params->depth, CONTROL_TIMEOUT_NS);

		if (st != MC_OK) {
			fprintf(stderr, "mc-bench: %s: connection %u: %s\n", target->address, i,
				mc_status_text(st));
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
target_run(struct target *target, const struct run_params *params, struct run_result *result_out)
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
		fprintf(stderr, "mc-bench: %s: %s\n", op_name(params->op), mc_status_text(st));
	else
		st = conns_open(target, &run);
	if (st == MC_OK) {
		run_measure(target, &run);
		run_drain(target, &run);
		run_keys_used(target, &run);
		result_out->wrong = run.workload.wrong;
		result_out->lost = run_any_lost(&run);
		memcpy(result_out->errors, run.workload.errors, sizeof(result_out->errors));
	}
	for (unsigned int i = 0; run.conns != NULL && i < params->connections; i++)
		conn_close(&run.conns[i]);
	workload_fini(&run.workload);
	free(run.conns);
	return st;
}
