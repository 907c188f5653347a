/* SPDX-License-Identifier: Apache-2.0 */
/* Private to core/mem: may a region lie on hugepages, and if not, why? Any thread. */
#ifndef MC_CORE_MEM_HUGE_H
#define MC_CORE_MEM_HUGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * False where it is known before trying that @length bytes of @page_size cannot be populated: a
 * control group's limit, or too few free on @node (-1: any), which would be seen only later, at a
 * page in the middle. @why gets the reason and the fix. @root as in mc_cgroup_left().
 */
bool mc_huge_expect(const char *root, uint64_t page_size, uint64_t length, int node, char *why,
		    size_t size);

/* The same after a call failed with @error. */
void mc_huge_explain(const char *root, uint64_t page_size, uint64_t length, int error, char *why,
		     size_t size);

/* Does the kernel give transparent hugepages to a memfd that asks for them? */
bool mc_huge_transparent(const char *root);

#endif
