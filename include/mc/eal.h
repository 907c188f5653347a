/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime: lcores pinned to CPUs, over DPDK's EAL.
 *
 * One runtime per process. mc_eal_start() starts it on a thread of its own, so that the affinity
 * and the signal mask of the caller's threads stay as they are; every thread that it makes blocks
 * all signals. The EAL below is initialised once and kept until exit: stop and start again is
 * fine, with other lcores too as long as the first start gave at least these CPUs.
 */
#ifndef MC_EAL_H
#define MC_EAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mc/status.h"

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

#define MC_LCORE_MAX 128	/* DPDK's limit (RTE_MAX_LCORE) */

/* What an lcore does when a pass over its pollers found no work. */
enum mc_idle_policy {
	/* Sleep until an event, message or timer; spin first while work lately came in spin_ns. */
	MC_IDLE_ADAPTIVE,
	MC_IDLE_BUSY,		/* never sleep */
	MC_IDLE_INLINE,		/* no thread: the caller polls */
};

struct mc_eal_params {
	size_t size;			/* sizeof(struct mc_eal_params) */
	/*
	 * At most one of the three, in DPDK's syntax; CPU numbers may be above 127, as lcores are
	 * numbered 0..n-1 and mapped. All NULL: lcore_count lcores (0: one) on the first CPUs
	 * that this process is allowed to use.
	 */
	const char *corelist;		/* -l        "2-5,8" */
	const char *coremask;		/* -c        "0x3c" */
	const char *lcores;		/* --lcores  "0@2,1@3" or "2-5" */
	const char *main_lcore;		/* --main-lcore: one of the ids given above, or NULL */
	unsigned int lcore_count;
	enum mc_idle_policy idle;
	uint64_t spin_ns; /* adaptive: how long to spin at most; 0 sleeps at once */
	unsigned int memory_mb;		/* EAL heap (rings, small pools); 0: 64 */
};

/*
 * Starts the runtime; returns when every lcore polls. Blocks. On failure one error line says which
 * flag and value is wrong and what would be right; nothing keeps running.
 * MC_ERR_INVALID: a core list that does not parse, or names a core that does not exist or that
 * this process may not use. MC_ERR_EXISTS: already running.
 */
enum mc_status mc_eal_start(const struct mc_eal_params *params);

/* Stops all lcores and joins them. Pollers must have been removed. Harmless when not running. */
void mc_eal_stop(void);

/* Number of lcores, 0 when not running; and the CPU that lcore @index (0..count-1) is pinned to. */
unsigned int mc_eal_lcore_count(void);
int mc_eal_lcore_cpu(unsigned int index);

/* One line on how memory was found: "64 MiB of 2 MiB hugepages" or "no hugepages free: …". */
const char *mc_eal_memory_text(void);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
