/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/pages.h"

#include <stdint.h>
#include <sys/mman.h>

void *
mc_pages_map(size_t bytes, size_t align)
{
	char *at;
	size_t head;

	if (bytes > SIZE_MAX - align)
		return NULL;
	at = mmap(NULL, bytes + align, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return NULL;
	if (align == 0)
		return at;
	head = -(uintptr_t)at & (align - 1);
	if (head > 0)
		munmap(at, head);
	munmap(at + head + bytes, align - head);
	return at + head;
}

void
mc_pages_unmap(void *at, size_t bytes)
{
	if (at != NULL)
		munmap(at, bytes);
}

void
mc_pages_gather(void *at, size_t bytes)
{
	/* a kernel without huge pages goes on with small ones */
	(void)madvise(at, bytes, MADV_HUGEPAGE);
}
