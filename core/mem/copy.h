/* SPDX-License-Identifier: Apache-2.0 */
/* Private to core/mem: the loops behind mc_mem_copy(), one for each kind of CPU, for its test. */
#ifndef MC_CORE_MEM_COPY_H
#define MC_CORE_MEM_COPY_H

#include <stdbool.h>
#include <stddef.h>

/* Shorter runs are left to memcpy(): doc/perf.md has the figures that chose it. */
#define MC_COPY_STREAM_MIN (128u << 10)

struct mc_copy_kernel {
	const char *name;
	bool (*usable)(void);	/* by this CPU */
	/* Any alignment, any length; the stores are ordered when it returns. */
	void (*copy)(void *dst, const void *src, size_t length);
};

/* The best first; NULL behind the last. Where none is usable, memcpy() does it all. */
const struct mc_copy_kernel *mc_copy_kernel_at(unsigned int index);

#endif
