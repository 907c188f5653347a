/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps a peer's memfd, after a look at it: a file that cannot shrink and covers the range is one
 * whose peer cannot send us a SIGBUS by cutting it. Its pages are made present here and now, as a
 * transfer shall not run into page faults.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "core/base/clock.h"
#include "drivers/shm/private.h"

#define PAGE_SIZE_MIN 4096u
#define PAGE_SIZE_MAX (1u << 30)
#define POPULATE_CHUNK (64ull << 20)
/* What is not present by then comes by page faults. */
#define POPULATE_NS (5 * MC_NS_PER_S)

static enum mc_status
file_check(int fd, uint64_t offset, uint64_t length, uint64_t page_size)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat about;

	if (page_size < PAGE_SIZE_MIN || page_size > PAGE_SIZE_MAX ||
	    (page_size & (page_size - 1)) != 0)
		return MC_ERR_PROTOCOL;
	if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || fstat(fd, &about) != 0)
		return MC_ERR_PERMISSION;
	/* whole pages, so that rounding the range to pages stays inside */
	if (about.st_size < 0 || about.st_size % page_size != 0 ||
	    offset > (uint64_t)about.st_size || length > (uint64_t)about.st_size - offset)
		return MC_ERR_PERMISSION;
	return MC_OK;
}

static enum mc_status
populate(char *at, uint64_t bytes, bool (*stop)(void *context), void *context)
{
	uint64_t deadline_ns = mc_clock_mono_ns() + POPULATE_NS;

	for (uint64_t done = 0; done < bytes; done += POPULATE_CHUNK) {
		uint64_t chunk = bytes - done < POPULATE_CHUNK ? bytes - done : POPULATE_CHUNK;

		if (stop(context))
			return MC_ERR_ADDRESS_REJECTED;
		if (mc_clock_mono_ns() > deadline_ns)
			return MC_OK;
		if (madvise(at + done, chunk, MADV_POPULATE_WRITE) == 0 || errno == EINTR)
			continue;
		/* kernels before 5.14 do not know it */
		return errno == EINVAL ? MC_OK : MC_ERR_NO_MEMORY;
	}
	return MC_OK;
}

enum mc_status
shm_map(struct shm_import *import, int fd, uint64_t offset, uint64_t page_size,
	bool (*stop)(void *context), void *context)
{
	enum mc_status st = file_check(fd, offset, import->length, page_size);
	uint64_t begin, end;
	void *at;

	if (st != MC_OK) {
		MC_LOG_LIMITED(MC_LOG_WARN,
			       "shared memory is not used with a peer: its memfd is %s",
			       st == MC_ERR_PERMISSION
				       ? "not sealed against shrinking, or too small"
				       : "described wrongly");
		return st;
	}
	begin = offset & ~(page_size - 1);
	end = (offset + import->length + page_size - 1) & ~(page_size - 1);
	at = mmap(NULL, end - begin, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)begin);
	if (at == MAP_FAILED)
		return errno == ENOMEM ? MC_ERR_NO_MEMORY : MC_ERR_PERMISSION;
	/* a forked child would hold the memory of a peer that is gone */
	madvise(at, end - begin, MADV_DONTFORK);
	import->map = at;
	import->map_left = end - begin;
	import->page_size = page_size;
	import->local = (char *)at + (offset - begin);
	st = populate(at, end - begin, stop, context);
	if (st != MC_OK)
		shm_unmap(import, UINT64_MAX);
	return st;
}

bool
shm_unmap(struct shm_import *import, uint64_t bytes)
{
	uint64_t step = bytes < import->page_size ? import->page_size : bytes;
	uint64_t part = import->map_left < step ? import->map_left : step;

	if (part == 0)
		return false;
	/* from the end: what is left begins where it began */
	import->map_left -= part;
	munmap((char *)import->map + import->map_left, part);
	return import->map_left > 0;
}
