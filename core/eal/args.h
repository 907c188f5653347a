/* SPDX-License-Identifier: Apache-2.0 */
/* Private to core/eal: from -l, -c, --lcores and the process's cpuset to a list of CPUs. */
#ifndef MC_CORE_EAL_ARGS_H
#define MC_CORE_EAL_ARGS_H

#include "mc/eal.h"

#define EAL_CPUS_MAX 8192

/* CPUs, as bits. */
struct eal_cpuset {
	uint64_t bits[EAL_CPUS_MAX / 64];
};

/* Lcore @i runs on cpu[i]; the main one is 0. */
struct eal_layout {
	unsigned int count;
	int cpu[MC_LCORE_MAX];
};

#define EAL_ERROR_MAX 512

/* What this process may use. */
enum mc_status mc_eal_allowed(struct eal_cpuset *allowed_out);
/* On failure @error says which flag and value is wrong and what would be right. Pure. */
enum mc_status mc_eal_layout(const struct mc_eal_params *params, const struct eal_cpuset *allowed,
			     struct eal_layout *layout_out, char error[EAL_ERROR_MAX]);

static inline bool
eal_cpuset_has(const struct eal_cpuset *set, unsigned int cpu)
{
	return cpu < EAL_CPUS_MAX && (set->bits[cpu / 64] >> cpu % 64 & 1) != 0;
}

static inline void
eal_cpuset_add(struct eal_cpuset *set, unsigned int cpu)
{
	set->bits[cpu / 64] |= 1ull << cpu % 64;
}

#endif
