/* SPDX-License-Identifier: Apache-2.0 */
/* Private to core/mem: the memfd behind a region, and its mapping. Control path, any thread. */
#ifndef MC_CORE_MEM_BACKING_H
#define MC_CORE_MEM_BACKING_H

#include <stddef.h>
#include <stdint.h>

#include "mc/memory.h"

#define MC_BACKING_TEXT 1024

struct mc_backing {
	char *addr;
	uint64_t length;	/* whole pages */
	uint64_t page_size;
	int fd;
	/* "16 GiB of 4 KiB pages: …", as mc_region_text() gives it */
	char text[MC_BACKING_TEXT];
};

/*
 * Makes the memfd, maps it, sets its NUMA policy and seals it; @params have been checked. On
 * failure one line is logged, and nothing is left.
 */
enum mc_status mc_backing_open(const struct mc_region_params *params, struct mc_backing *backing);
void mc_backing_close(struct mc_backing *backing);

/*
 * Takes [at, at + length) from the system, mapped and writable, and leaves its bytes alone. What
 * the system does not have is an errno, never SIGBUS. 0: done.
 */
int mc_backing_fill(int fd, const char *base, char *at, uint64_t length, uint64_t page_size);

#endif
