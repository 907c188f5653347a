/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A master under load, ours or another: segments mounted by the bench, which has no memory behind
 * them, kept alive by a ping every second, and unmounted at the end. And the measurement of one
 * run.
 */
#ifndef MC_APPS_MC_BENCH_TARGET_H
#define MC_APPS_MC_BENCH_TARGET_H

#include <sys/types.h>

#include "apps/mc-bench/workload.h"
#include "core/base/histogram.h"

#define TARGET_SEGMENTS 16u

struct target {
	struct mc_reactor *reactor;
	struct mc_net_addr addr;
	char address[128];
	pid_t pid;			/* 0: unknown */
	char name[32];			/* of the program, when the pid is known */
	enum mc_release release;
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

struct run_params {
	enum op op;
	enum mc_form form;
	unsigned int connections;
	unsigned int depth;
	unsigned int batch;
	unsigned int key_size;
	uint64_t keys_count;
	uint64_t value_size;
	double seconds;
	double warmup;
	uint64_t seed;
	bool live;			/* a line per second on stderr */
};

struct run_result {
	struct mc_histogram latency;
	uint64_t calls;
	uint64_t keys;
	uint64_t wrong;
	struct error_count errors[ERROR_KINDS];
	double seconds;
	double cpu_us_per_call;		/* negative: unknown */
	bool lost;			/* a connection broke */
};

/* "HOST:PORT" or "HOST:PORT/PID". Complains on stderr. */
enum mc_status target_parse(struct target *target, const char *text);
/* Connects, checks the protocol, mounts. Complains on stderr. */
enum mc_status target_open(struct target *target, struct mc_reactor *reactor);
void target_close(struct target *target);

/*
 * One run; OP_FILL ends by itself. The first fill makes the keys that reads ask for, a later one
 * takes new keys, as puts do. Complains on stderr.
 */
enum mc_status target_run(struct target *target, const struct run_params *params,
			  struct run_result *result_out);

/* CPU time that all threads of @pid have used, in ns; 0: unknown (cpu.c). */
uint64_t cpu_ns(pid_t pid);

#endif
