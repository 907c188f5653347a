/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/target.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/mc-bench/interrupt.h"
#include "core/base/clock.h"
#include "core/base/random.h"

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
	/* a process names itself, and the name goes into JSON */
	for (char *at = target->name; *at != '\0'; at++) {
		if (*at < ' ' || *at > '~' || *at == '"' || *at == '\\')
			*at = '?';
	}
}

/* Digits alone; false for what is no process. */
static bool
pid_parse(const char *text, pid_t *pid_out)
{
	char *end;
	long pid = strtol(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || pid <= 0 || pid > INT32_MAX)
		return false;
	*pid_out = (pid_t)pid;
	return true;
}

enum mc_status
target_parse(struct target *target, const char *text, char *why, size_t size)
{
	const char *slash = strchr(text, '/');
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);

	if (len >= sizeof(target->address)) {
		snprintf(why, size, "%.32s... is no address; give HOST:PORT", text);
		return MC_ERR_INVALID;
	}
	memcpy(target->address, text, len);
	target->address[len] = '\0';
	if (slash != NULL && !pid_parse(slash + 1, &target->pid)) {
		snprintf(why, size, "\"%.32s\" is no pid; give HOST:PORT/PID", slash + 1);
		return MC_ERR_INVALID;
	}
	if (mc_net_addr_resolve(target->address, &target->addr) != MC_OK ||
	    mc_net_addr_port(&target->addr) == 0) {
		snprintf(why, size, "\"%s\" is no address; give HOST:PORT", target->address);
		return MC_ERR_INVALID;
	}
	if (target->pid != 0)
		name_read(target);
	if (target->pid != 0 && target->name[0] == '\0') {
		snprintf(why, size, "there is no process %d; give the master's pid",
			 (int)target->pid);
		return MC_ERR_INVALID;
	}
	return MC_OK;
}

void
target_complain(const struct target *target, const char *format, ...)
{
	va_list args;

	if (interrupt_signal() != 0)
		return;
	fprintf(stderr, "mc-bench: %s: ", target->address);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
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

static bool
control_wait(struct target *target)
{
	uint64_t deadline = mc_clock_mono_ns() + target->timeout_ns;

	while (target->waiting && target->control.status == MC_OK && mc_clock_mono_ns() < deadline)
		mc_reactor_poll(target->reactor);
	return !target->waiting;
}

static enum mc_status
control_call(struct target *target, enum mc_fn fn, const struct mc_args *args)
{
	bool answered = control_wait(target);	/* a ping */

	if (answered && target->control.status == MC_OK) {
		control_send(target, fn, args);
		answered = control_wait(target);
	}
	if (target->control.status != MC_OK)
		return target->control.status;
	if (!answered)
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

	if (!target->waiting && target->control.status == MC_OK) {
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
	target->waiting = false;
	target->client_id = (struct mc_uuid){mc_random_seed(), mc_random_seed() >> 8};
	target->new_key = 100000000000ull;
	target->ping.expired = ping_expired;
	st = conn_open(&target->control, reactor, &target->addr, 1, target->timeout_ns);
	if (st != MC_OK) {
		target_complain(target, "%s; is a master listening there?", mc_status_text(st));
		return st;
	}
	target->control.answer = control_answer;
	target->control.owner = target;
	mc_args_init(&args);
	if ((mc_fn_releases(MC_FN_SERVICE_READY) & MC_RELEASE_BIT(target->release)) != 0)
		st = control_call(target, MC_FN_SERVICE_READY, &args);
	if (st == MC_OK)
		st = segments_mount(target);
	if (st != MC_OK) {
		target_complain(target, "the master does not take a segment: %s",
				mc_status_text(st));
		conn_close(&target->control);
		return st;
	}
	target->mounted = true;
	mc_timer_start(reactor, &target->ping, mc_reactor_now(reactor) + PING_NS);
	return MC_OK;
}

enum mc_status
target_close(struct target *target)
{
	enum mc_status st = MC_OK;
	struct mc_args args;

	if (!target->mounted)
		return MC_OK;
	mc_timer_stop(target->reactor, &target->ping);
	mc_args_init(&args);
	args.client_id = target->client_id;
	for (unsigned int i = 0; i < TARGET_SEGMENTS && st == MC_OK; i++) {
		args.id = (struct mc_uuid){target->client_id.first,
					   target->client_id.second + 1 + i};
		st = control_call(target, MC_FN_UNMOUNT_SEGMENT, &args);
	}
	conn_close(&target->control);
	target->mounted = false;
	return st;
}
