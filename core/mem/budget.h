/* SPDX-License-Identifier: Apache-2.0 */
/* Private to core/mem: how much memory may be taken before the OOM killer comes. Any thread. */
#ifndef MC_CORE_MEM_BUDGET_H
#define MC_CORE_MEM_BUDGET_H

#include <stddef.h>
#include <stdint.h>

/*
 * The least of what the machine, the control groups and @node (-1: no matter) have left, in bytes;
 * UINT64_MAX: unknown. @text gets which it was, and the fix. @root as in mc_cgroup_left().
 */
uint64_t mc_budget_left(const char *root, int node, char *text, size_t size);

#endif
