/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps a peer's memfd, after a look at it: a file that cannot shrink and covers the range is one
 * whose peer cannot send us a SIGBUS by cutting it. Its pages are made present here and now, as a
 * transfer shall not run into page faults.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "drivers/shm/private.h"

#define PAGE_SIZE_MIN 4096u
#define PAGE_SIZE_MAX (1u << 30)
#define POPULATE_CHUNK (64ull << 20)
/* What is not present by then comes by page faults. */
#define POPULATE_NS (5 * MC_NS_PER_S)

static enum mc_status
file_check(const struct shm_file *file, struct stat *about_out)
{
	int seals = fcntl(file->fd, F_GET_SEALS);
	uint64_t page_size = file->page_size, size;

	if (page_size < PAGE_SIZE_MIN || page_size > PAGE_SIZE_MAX ||
	    (page_size & (page_size - 1)) != 0)
		return MC_ERR_PROTOCOL;
	if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || fstat(file->fd, about_out) != 0)
		return MC_ERR_PERMISSION;
	/* whole pages, so that rounding the range to pages stays inside */
	size = (uint64_t)about_out->st_size;
	if (about_out->st_size < 0 || size % page_size != 0 || file->offset > size ||
	    file->length > size - file->offset)
		return MC_ERR_PERMISSION;
	return MC_OK;
}

/*
 * Where the file has pages from @at on: [*begin_out, *end_out), false: nowhere. A file that cannot
 * tell (hugetlbfs) has them everywhere.
 */
static bool
pages_find(int fd, uint64_t at, uint64_t end, uint64_t *begin_out, uint64_t *end_out)
{
	off_t data = lseek(fd, (off_t)at, SEEK_DATA), hole;

	if (data < 0 && errno == ENXIO)
		return false;
	if (data < 0)
		data = (off_t)at;
	hole = lseek(fd, data, SEEK_HOLE);
	*begin_out = (uint64_t)data;
	*end_out = hole < 0 || (uint64_t)hole > end ? end : (uint64_t)hole;
	return *begin_out < end;
}

static enum mc_status
populate_pages(char *at, uint64_t bytes, uint64_t deadline_ns, struct shm_stop stop)
{
	for (uint64_t done = 0; done < bytes; done += POPULATE_CHUNK) {
		uint64_t chunk = bytes - done < POPULATE_CHUNK ? bytes - done : POPULATE_CHUNK;

		if (stop.asked(stop.context))
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

/*
 * Only pages that the peer has populated: any other would be taken from our memory, and against
 * the limit of our cgroup.
 */
static enum mc_status
populate(const struct shm_mapping *mapping, int fd, struct shm_stop stop)
{
	uint64_t deadline_ns = mc_clock_mono_ns() + POPULATE_NS;
	uint64_t at = mapping->offset, end = at + mapping->length, begin;
	enum mc_status st = MC_OK;

	while (st == MC_OK && at < end && pages_find(fd, at, end, &begin, &at))
		st = populate_pages(shm_mapping_at(mapping, begin), at - begin, deadline_ns, stop);
	return st;
}

static struct shm_mapping *
mapping_create(const struct shm_file *file, uint64_t begin, uint64_t end, enum mc_status *st_out)
{
	struct shm_mapping *mapping = calloc(1, sizeof(*mapping));
	void *at;

	*st_out = MC_ERR_NO_MEMORY;
	if (mapping == NULL)
		return NULL;
	at = mmap(NULL, end - begin, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, (off_t)begin);
	if (at == MAP_FAILED) {
		if (errno != ENOMEM)
			*st_out = MC_ERR_PERMISSION;
		free(mapping);
		return NULL;
	}
	/* a forked child would hold the memory of a peer that is gone */
	madvise(at, end - begin, MADV_DONTFORK);
	atomic_init(&mapping->users, 1);
	mapping->offset = begin;
	mapping->length = mapping->left = end - begin;
	mapping->at = at;
	mapping->page_size = (uint32_t)file->page_size;
	return mapping;
}

/* One more user, unless the last has gone. */
static bool
mapping_join(struct shm_mapping *mapping)
{
	uint32_t users = atomic_load(&mapping->users);

	while (users > 0) {
		if (atomic_compare_exchange_weak(&mapping->users, &users, users + 1))
			return true;
	}
	return false;
}

/* The inode cannot be that of another file: what is mapped keeps its file alive. */
static struct shm_mapping *
mapping_find(const struct shm_dev *dev, const struct stat *about, uint64_t begin, uint64_t end)
{
	for (struct mc_list *at = dev->mappings.next; at != &dev->mappings; at = at->next) {
		struct shm_mapping *mapping = mc_container_of(at, struct shm_mapping, link);

		if (mapping->device == about->st_dev && mapping->inode == about->st_ino &&
		    mapping->offset <= begin && end - mapping->offset <= mapping->length &&
		    mapping_join(mapping))
			return mapping;
	}
	return NULL;
}

enum mc_status
shm_map(struct shm_dev *dev, const struct shm_file *file, struct shm_stop stop,
	struct shm_mapping **mapping_out)
{
	struct shm_mapping *mapping;
	struct stat about;
	enum mc_status st = file_check(file, &about);
	uint64_t begin, end;

	if (st != MC_OK) {
		MC_LOG_LIMITED(MC_LOG_WARN,
			       "shared memory is not used with a peer: its memfd is %s",
			       st == MC_ERR_PERMISSION
				       ? "not sealed against shrinking, or too small"
				       : "described wrongly");
		return st;
	}
	shm_mappings_sweep(dev);
	begin = file->offset & ~(file->page_size - 1);
	end = (file->offset + file->length + file->page_size - 1) & ~(file->page_size - 1);
	mapping = mapping_find(dev, &about, begin, end);
	if (mapping != NULL) {
		*mapping_out = mapping;
		return MC_OK;
	}
	mapping = mapping_create(file, begin, end, &st);
	if (mapping == NULL)
		return st;
	mapping->device = about.st_dev;
	mapping->inode = about.st_ino;
	mc_list_add_tail(&dev->mappings, &mapping->link);
	st = populate(mapping, file->fd, stop);
	if (st == MC_OK)
		*mapping_out = mapping;
	else
		shm_unmap(&mapping, UINT64_MAX);
	return st;
}

char *
shm_mapping_at(const struct shm_mapping *mapping, uint64_t offset)
{
	return mapping->at + (offset - mapping->offset);
}

bool
shm_unmap(struct shm_mapping **mapping_in, uint64_t bytes)
{
	struct shm_mapping *mapping = *mapping_in;
	uint64_t step;

	if (mapping == NULL)
		return false;
	/* the last user stays one, of none, until all is unmapped */
	if (atomic_load(&mapping->users) > 0 && atomic_fetch_sub(&mapping->users, 1) > 1) {
		*mapping_in = NULL;
		return false;
	}
	step = bytes < mapping->page_size ? mapping->page_size : bytes;
	step = mapping->left < step ? mapping->left : step;
	/* from the end: what is left begins where it began */
	mapping->left -= step;
	munmap(mapping->at + mapping->left, step);
	if (mapping->left > 0)
		return true;
	*mapping_in = NULL;
	atomic_store(&mapping->gone, true);
	return false;
}

void
shm_mappings_sweep(struct shm_dev *dev)
{
	struct mc_list *next;

	for (struct mc_list *at = dev->mappings.next; at != &dev->mappings; at = next) {
		struct shm_mapping *mapping = mc_container_of(at, struct shm_mapping, link);

		next = at->next;
		if (atomic_load(&mapping->gone)) {
			mc_list_del(&mapping->link);
			free(mapping);
		}
	}
}
