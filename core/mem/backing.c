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
#include "core/mem/numa.h"
#include "mc/log.h"

#define HUGE_2M (2ull << 20)

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23	/* Linux 5.14 */
#endif

const char *
mc_size_text(uint64_t bytes, char *text, size_t size)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
	unsigned int unit = 0;
	uint64_t tenths;

	while (unit < 4 && bytes >> (10 * (unit + 1)) != 0)
		unit++;
	tenths = (uint64_t)((unsigned __int128)bytes * 10 >> (10 * unit)) % 10;
	if (tenths == 0 || unit == 0)
		snprintf(text, size, "%llu %s", (unsigned long long)(bytes >> (10 * unit)),
			 units[unit]);
	else
		snprintf(text, size, "%llu.%llu %s", (unsigned long long)(bytes >> (10 * unit)),
			 (unsigned long long)tenths, units[unit]);
	return text;
}

static unsigned long
pool_count(uint64_t page_size, const char *name)
{
	unsigned long count = 0;
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%llukB/%s",
		 (unsigned long long)(page_size >> 10), name);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	if (fscanf(file, "%lu", &count) != 1)
		count = 0;
	fclose(file);
	return count;
}

/* Why there are no hugepages, and what to do, from the errno of the call that failed. */
static void
refusal_explain(uint64_t page_size, uint64_t length, int error, char *why, size_t size)
{
	unsigned long idle = pool_count(page_size, "free_hugepages");
	unsigned long reserved = pool_count(page_size, "resv_hugepages");
	unsigned long left = idle > reserved ? idle - reserved : 0;
	unsigned long all = pool_count(page_size, "nr_hugepages");
	unsigned long needed = (unsigned long)(length / page_size);
	char page[32];

	mc_size_text(page_size, page, sizeof(page));
	if (left < needed)
		snprintf(why, size,
			 "%lu hugepages of %s free and unreserved, %lu needed; "
			 "echo %lu >/sys/kernel/mm/hugepages/hugepages-%llukB/nr_hugepages",
			 left, page, needed, all + needed - left,
			 (unsigned long long)(page_size >> 10));
	else
		snprintf(why, size, "hugepages of %s: %s", page, strerror(error));
}

int
mc_backing_fill(int fd, const char *base, char *at, uint64_t length, uint64_t page_size)
{
	int error;

	do {
		error = madvise(at, length, MADV_POPULATE_WRITE) == 0 ? 0 : errno;
	} while (error == EINTR || error == EAGAIN);
	if (error != EINVAL)
		return error;
	/*
	 * Before 5.14. The file takes its pages first, as that fails with an errno; the touch maps
	 * them, and adds nothing, so that bytes which are written meanwhile stay.
	 */
	if (fallocate(fd, 0, (off_t)(at - base), (off_t)length) != 0)
		return errno;
	for (uint64_t i = 0; i < length; i += page_size)
		(void)__atomic_fetch_add(at + i, 0, __ATOMIC_RELAXED);
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

/* 0, or the errno of what failed; then nothing is left. */
static int
backing_try(const struct mc_region_params *params, struct mc_backing *backing, uint64_t page_size,
	    unsigned int flags)
{
	uint64_t length = (params->length + page_size - 1) / page_size * page_size;
	char name[200];
	void *addr;
	int error;
	int fd;

	snprintf(name, sizeof(name), "%s", params->name == NULL ? "mooncore" : params->name);
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
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
	*backing = (struct mc_backing){
		.addr = addr, .length = length, .page_size = page_size, .fd = fd};
	return 0;
close_fd:
	error = errno;
	close(fd);
	return error;
}

/* A hugetlb mapping may succeed and its pages be refused (a cgroup's limit): the first tells. */
static int
huge_try(const struct mc_region_params *params, struct mc_backing *backing, char *node_text,
	 size_t node_size)
{
	uint64_t page_size = params->page_size == 0 ? HUGE_2M : params->page_size;
	unsigned int order = (unsigned int)__builtin_ctzll(page_size);
	int error;

	error = backing_try(params, backing, page_size, MFD_HUGETLB | order << MFD_HUGE_SHIFT);
	if (error != 0)
		return error;
	mc_numa_policy_set(backing->addr, backing->length, params->numa, params->numa_node,
			   node_text, node_size);
	error = mc_backing_fill(backing->fd, backing->addr, backing->addr, page_size, page_size);
	if (error != 0)
		mc_backing_close(backing);
	return error;
}

enum mc_status
mc_backing_open(const struct mc_region_params *params, struct mc_backing *backing)
{
	uint64_t page_size = params->page_size == 0 ? HUGE_2M : params->page_size;
	uint64_t huge_length = (params->length + page_size - 1) / page_size * page_size;
	uint64_t small = (uint64_t)sysconf(_SC_PAGESIZE);
	char size[32], page[32], node[64], why[200] = "";
	int error;

	if (params->huge != MC_HUGE_NEVER) {
		error = huge_try(params, backing, node, sizeof(node));
		if (error == 0) {
			snprintf(backing->text, sizeof(backing->text), "%s of %s hugepages%s",
				 mc_size_text(backing->length, size, sizeof(size)),
				 mc_size_text(page_size, page, sizeof(page)), node);
			return MC_OK;
		}
		refusal_explain(page_size, huge_length, error, why, sizeof(why));
		if (params->huge == MC_HUGE_ONLY) {
			mc_log_error("region of %s: no hugepages: %s",
				     mc_size_text(params->length, size, sizeof(size)), why);
			return MC_ERR_NO_MEMORY;
		}
		mc_log_warn("region of %s uses small pages: %s",
			    mc_size_text(params->length, size, sizeof(size)), why);
	}
	error = backing_try(params, backing, small, 0);
	if (error != 0) {
		mc_log_error("region of %s cannot be mapped: %s; see ulimit -v, "
			     "vm.overcommit_memory and vm.max_map_count",
			     mc_size_text(params->length, size, sizeof(size)), strerror(error));
		return MC_ERR_NO_MEMORY;
	}
	mc_numa_policy_set(backing->addr, backing->length, params->numa, params->numa_node, node,
			   sizeof(node));
	snprintf(backing->text, sizeof(backing->text), "%s of %s pages%s%s%s",
		 mc_size_text(backing->length, size, sizeof(size)),
		 mc_size_text(small, page, sizeof(page)), node, why[0] == '\0' ? "" : ": ", why);
	return MC_OK;
}

void
mc_backing_close(struct mc_backing *backing)
{
	munmap(backing->addr, backing->length);
	close(backing->fd);
}
