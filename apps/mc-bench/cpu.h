/* SPDX-License-Identifier: Apache-2.0 */
/* CPU time of another process. */
#ifndef MC_APPS_MC_BENCH_CPU_H
#define MC_APPS_MC_BENCH_CPU_H

#include <stdint.h>
#include <sys/types.h>

/* What all threads of @pid have used, in ns; 0: unknown. */
uint64_t cpu_ns(pid_t pid);

#endif
