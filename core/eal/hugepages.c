/* SPDX-License-Identifier: Apache-2.0 */
#include "core/eal/hugepages.h"

#include <stdio.h>

#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define PAGE_MB 2u

static unsigned long
count_read(const char *path)
{
	unsigned long count = 0;
	FILE *file = fopen(path, "r");

	if (file == NULL)
		return 0;
	if (fscanf(file, "%lu", &count) != 1)
		count = 0;
	fclose(file);
	return count;
}

bool
mc_hugepages_choose(unsigned int mb, char *text, size_t size)
{
	unsigned long pages = (mb + PAGE_MB - 1) / PAGE_MB;
	unsigned long idle = count_read(POOL "free_hugepages");
	unsigned long reserved = count_read(POOL "resv_hugepages");
	unsigned long left = idle > reserved ? idle - reserved : 0;

	if (left >= pages) {
		snprintf(text, size, "%u MiB of 2 MiB hugepages", mb);
		return true;
	}
	snprintf(text, size,
		 "%u MiB of small pages (%lu hugepages of 2 MiB free and unreserved, %lu needed)",
		 mb, left, pages);
	return false;
}
