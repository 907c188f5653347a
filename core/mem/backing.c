/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mem/backing.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/pages.h"
#include "core/mem/huge.h"
#include "core/mem/numa.h"
#include "core/mem/size.h"
#include "mc/log.h"

#define HUGE_2M (2ull << 20)

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23	/* Linux 5.14 */
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x8u	/* Linux 6.3 */
#endif

/*
 * Maps pages that the file has. Adds nothing, so that bytes which are written meanwhile stay: no
 * race, which the sanitizer cannot know.
 */
__attribute__((no_sanitize("thread"))) static void
pages_touch(char *at, uint64_t length, uint64_t page_size)
{
	for (uint64_t i = 0; i < length; i += page_size)
		(void)__atomic_fetch_add(at + i, 0, __ATOMIC_RELAXED);
}

int
mc_backing_fill(int fd, const char *base, char *at, uint64_t length, uint64_t page_size)
{
	int error;

	do {
		error = madvise(at, length, MADV_POPULATE_WRITE) == 0 ? 0 : errno;
	} while (error == EINTR);
	if (error != EINVAL)
		return error;
	/* Before 5.14. The file takes its pages first, as that fails with an errno. */
	if (fallocate(fd, 0, (off_t)(at - base), (off_t)length) != 0)
		return errno;
	pages_touch(at, length, page_size);
	return 0;
}

/*
 * On a multiple of 2 MiB, so that transparent hugepages fit (hugetlb aligns by itself). Not with
 * MAP_FIXED: when that fails it may leave a hole, which another thread's mapping may have taken
 * before we could clean up.
 */
static void *
map_aligned(int fd, uint64_t length)
{
	void *place = mc_pages_map(length, HUGE_2M);

	mc_pages_unmap(place, length);
	return mmap(place, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

/* Where vm.memfd_noexec is 2, a memfd that does not renounce being executable is refused. */
static int
memfd_make(const char *name, unsigned int flags)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | flags);

	if (fd < 0 && errno == EINVAL)	/* a kernel that does not know it */
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
	return fd;
}

/* 0, or the errno of what failed; then nothing is left. */
static int
memfd_map(const struct mc_region_params *params, struct mc_backing *backing, uint64_t page_size,
	  unsigned int flags)
{
	uint64_t length = (params->length + page_size - 1) / page_size * page_size;
	char name[200];
	void *addr;
	int error;
	int fd;

	snprintf(name, sizeof(name), "%s", params->name == NULL ? "mooncore" : params->name);
	fd = memfd_make(name, flags);
	if (fd < 0)
		return errno;
	if (ftruncate(fd, (off_t)length) != 0)
		goto close_fd;
	/* a peer that maps it can rely on its length: no SIGBUS behind a new end */
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		goto close_fd;
	addr = map_aligned(fd, length);
	if (addr == MAP_FAILED)
		goto close_fd;
	/* a core file is for finding a bug, not for gigabytes of somebody's cache */
	(void)madvise(addr, length, MADV_DONTDUMP);
	*backing = (struct mc_backing){
		.addr = addr, .length = length, .page_size = page_size, .fd = fd};
	return 0;
close_fd:
	error = errno;
	close(fd);
	return error;
}

/*
 * False: no hugepages, and @why says why. A mapping may succeed whose pages are refused one by one:
 * taking the first tells.
 */
static bool
huge_open(const struct mc_region_params *params, struct mc_backing *backing, char *why,
	  size_t why_size)
{
	uint64_t page_size = params->page_size == 0 ? HUGE_2M : params->page_size;
	uint64_t length = (params->length + page_size - 1) / page_size * page_size;
	unsigned int order = (unsigned int)__builtin_ctzll(page_size);
	int node = params->numa == MC_NUMA_BIND ? params->numa_node : -1;
	char size[32], page[32], place[64];
	int error;

	if (!mc_huge_expect("", page_size, length, node, why, why_size))
		return false;
	error = memfd_map(params, backing, page_size, MFD_HUGETLB | order << MFD_HUGE_SHIFT);
	if (error == 0) {
		mc_numa_policy_set(backing->addr, backing->length, params->numa,
				   params->numa_node, place, sizeof(place));
		error = mc_backing_fill(backing->fd, backing->addr, backing->addr, page_size,
					page_size);
		if (error != 0)
			mc_backing_close(backing);
	}
	if (error != 0) {
		mc_huge_explain("", page_size, length, error, why, why_size);
		return false;
	}
	snprintf(backing->text, sizeof(backing->text), "%s of %s hugepages%s",
		 mc_size_text(backing->length, size, sizeof(size)),
		 mc_size_text(page_size, page, sizeof(page)), place);
	return true;
}

/* Pages of the usual size, which the kernel may join to huge ones. @why: why not hugetlb, or "". */
static enum mc_status
small_open(const struct mc_region_params *params, struct mc_backing *backing, const char *why)
{
	uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	bool transparent = params->huge == MC_HUGE_TRY && mc_huge_transparent("");
	const char *kind = " pages", *hint = "";
	char size[32], page[32], place[64];
	int error = memfd_map(params, backing, page_size, 0);

	if (error != 0) {
		mc_log_error("region of %s cannot be mapped: %s; see ulimit -v, "
			     "vm.overcommit_memory and vm.max_map_count",
			     mc_size_text(params->length, size, sizeof(size)), strerror(error));
		return MC_ERR_NO_MEMORY;
	}
	mc_numa_policy_set(backing->addr, backing->length, params->numa, params->numa_node, place,
			   sizeof(place));
	mc_size_text(page_size, page, sizeof(page));
	if (transparent && madvise(backing->addr, backing->length, MADV_HUGEPAGE) == 0) {
		snprintf(page, sizeof(page), "transparent");
		kind = " hugepages";
	} else if (params->huge == MC_HUGE_TRY) {
		hint = "; or echo advise >/sys/kernel/mm/transparent_hugepage/shmem_enabled";
	}
	snprintf(backing->text, sizeof(backing->text), "%s of %s%s%s%s%s%s",
		 mc_size_text(backing->length, size, sizeof(size)), page, kind, place,
		 why[0] == '\0' ? "" : ": ", why, hint);
	return MC_OK;
}

enum mc_status
mc_backing_open(const struct mc_region_params *params, struct mc_backing *backing)
{
	char why[MC_BACKING_TEXT / 2] = "", size[32];
	enum mc_status st;

	if (params->huge == MC_HUGE_NEVER)
		return small_open(params, backing, why);
	if (huge_open(params, backing, why, sizeof(why)))
		return MC_OK;
	if (params->huge == MC_HUGE_ONLY) {
		mc_log_error("region of %s: no hugepages: %s",
			     mc_size_text(params->length, size, sizeof(size)), why);
		return MC_ERR_NO_MEMORY;
	}
	st = small_open(params, backing, why);
	if (st == MC_OK)
		mc_log_warn("region: %s", backing->text);
	return st;
}

void
mc_backing_close(struct mc_backing *backing)
{
	munmap(backing->addr, backing->length);
	close(backing->fd);
}
