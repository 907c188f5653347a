/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to core/eal: whether an idle lcore spins or sleeps at once.
 *
 * Spinning pays when work comes before the spinning ends: then a wake-up is saved, for the peer and
 * for this lcore. When it comes later, the time was burnt and the wake-up is paid as well; on a
 * hypervisor that shares its cores even the peer gets slower. So the lcore learns how long its gaps
 * are, as the kernel's adaptive halt polling does, and spins only while they are shorter than the
 * time it is allowed to spin.
 */
#ifndef MC_CORE_EAL_IDLE_H
#define MC_CORE_EAL_IDLE_H

#include <stdint.h>

/* An idle night counts as a gap of so many spin times: forgotten after some 12 short ones. */
#define MC_IDLE_GAPS_MAX 16u
/* The newest gap's share of the mean: 1 / 2^2. */
#define MC_IDLE_SHIFT 2

struct mc_idle {
	uint64_t spin_ns;	/* allowed; 0: never */
	uint64_t gap_ns;	/* decaying mean of the gaps between work and the next */
};

static inline void
mc_idle_init(struct mc_idle *idle, uint64_t spin_ns)
{
	*idle = (struct mc_idle){.spin_ns = spin_ns};
}

/* Work came from outside, @gap_ns after the last was done. */
static inline void
mc_idle_note(struct mc_idle *idle, uint64_t gap_ns)
{
	uint64_t most = idle->spin_ns * MC_IDLE_GAPS_MAX;

	if (gap_ns > most)
		gap_ns = most;
	idle->gap_ns += (gap_ns >> MC_IDLE_SHIFT) - (idle->gap_ns >> MC_IDLE_SHIFT);
}

/* How long to spin before the next sleep. */
static inline uint64_t
mc_idle_spin_ns(const struct mc_idle *idle)
{
	return idle->gap_ns < idle->spin_ns ? idle->spin_ns : 0;
}

#endif
