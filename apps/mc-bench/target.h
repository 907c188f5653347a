/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A master under load, ours or another: segments mounted by the bench, which has no memory behind
 * them, kept alive by a ping every second, and unmounted at the end.
 */
#ifndef MC_APPS_MC_BENCH_TARGET_H
#define MC_APPS_MC_BENCH_TARGET_H

#include <sys/types.h>

#include "apps/mc-bench/conn.h"
#include "core/wire/wire.h"

#define TARGET_SEGMENTS 16u

struct target {
	struct mc_reactor *reactor;
	struct mc_net_addr addr;
	char address[128];
	pid_t pid;			/* 0: unknown */
	char name[32];			/* of the program, when the pid is known */
	enum mc_release release;
	uint64_t timeout_ns;		/* for a connection or an answer */
	struct mc_uuid client_id;
	struct conn control;
	struct mc_timer ping;
	enum mc_status control_status;	/* of the last control call */
	int32_t control_error;
	bool waiting;			/* for a control call's answer */
	bool mounted;
	bool filled;			/* the keys that reads ask for are there */
	uint64_t new_key;		/* never used by a put yet */
};

/*
 * "HOST:PORT" or "HOST:PORT/PID"; without PID target->pid stands. MC_ERR_INVALID: @why, of @size
 * bytes, says what is wrong and what to give. Looks HOST up, blocks.
 */
enum mc_status target_parse(struct target *target, const char *text, char *why, size_t size);
/* Connects, checks the protocol, mounts. Complains on stderr. */
enum mc_status target_open(struct target *target, struct mc_reactor *reactor);
/*
 * Unmounts and disconnects; harmless when nothing is mounted. On failure the segments stay until
 * the master misses their client.
 */
enum mc_status target_close(struct target *target);

/* "mc-bench: ADDRESS: …" on stderr, unless a signal is the reason. */
__attribute__((format(printf, 2, 3))) void
target_complain(const struct target *target, const char *format, ...);

#endif
