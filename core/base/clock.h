/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time, behind a seam: a simulation replaces the source. All code but drivers/ and the reactor's
 * sleep asks here and never the C library (tools/check holds that). Any thread.
 */
#ifndef MC_CORE_BASE_CLOCK_H
#define MC_CORE_BASE_CLOCK_H

#include <stdint.h>

#define MC_NS_PER_US 1000ull
#define MC_NS_PER_MS 1000000ull
#define MC_NS_PER_S 1000000000ull

struct mc_clock_ops {
	uint64_t (*mono_ns)(void);	/* monotonic, never 0 */
	uint64_t (*real_ns)(void);	/* since 1970 */
};

uint64_t mc_clock_mono_ns(void);
uint64_t mc_clock_real_ns(void);

/* NULL brings the system's clocks back. Call before any thread that reads time is started. */
void mc_clock_ops_set(const struct mc_clock_ops *ops);

#endif
