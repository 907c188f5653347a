/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/mem/mem.h"
#include "core/mem/region.h"
#include "mc/log.h"

/*
 * msync() with MS_ASYNC starts no I/O since Linux 2.6.19, but still walks the mappings and says
 * when there is a hole: in time with their number, where mincore() takes a byte for every page.
 */
static enum mc_status
mapped_check(const void *addr, uint64_t length, uint64_t page)
{
	uintptr_t start = (uintptr_t)addr & ~(uintptr_t)(page - 1);
	uint64_t bytes = (uintptr_t)addr - start + length;

	if (msync((void *)start, bytes, MS_ASYNC) == 0)
		return MC_OK;
	mc_log_error("memory %p, length %llu: %s; pass memory of this process that is mapped from "
		     "its first byte to its last",
		     addr, (unsigned long long)length,
		     errno == ENOMEM ? "not all of its pages are mapped" : strerror(errno));
	return MC_ERR_INVALID;
}

enum mc_status
mc_mem_span(const void *addr, uint64_t length, struct mc_span *span_out,
	    struct mc_region **region_out)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct mc_region *region;
	enum mc_status st;

	/* the last page of the address space is left out, so that rounding up cannot wrap */
	if (length == 0 || length > UINTPTR_MAX - page - (uintptr_t)addr ||
	    (uintptr_t)addr > UINTPTR_MAX - page) {
		mc_log_error("memory %p, length %llu: %s", addr, (unsigned long long)length,
			     length == 0 ? "is empty; pass a length above 0"
					 : "wraps around the end of the address space");
		return MC_ERR_INVALID;
	}
	region = mc_region_find(addr, length);
	if (region != NULL) {
		*span_out = (struct mc_span){
			.addr = (void *)(uintptr_t)addr,
			.length = length,
			.fd = region->backing.fd,
			.fd_offset = (uintptr_t)addr - (uintptr_t)region->backing.addr,
			.page_size = region->backing.page_size,
		};
		*region_out = region;
		return MC_OK;
	}
	st = mapped_check(addr, length, page);
	if (st != MC_OK)
		return st;
	*span_out = (struct mc_span){
		.addr = (void *)(uintptr_t)addr,
		.length = length,
		.fd = -1,
		.page_size = page,
	};
	*region_out = NULL;
	return MC_OK;
}
