/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mem/huge.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem/cgroup.h"
#include "core/mem/size.h"

#define GIB (1ull << 30)

/* Pages in use, and pages promised to mappings, are limited apart. */
static const struct mc_cgroup_resource limits_2m[] = {
	{"hugetlb", "hugetlb.2MB.max", "hugetlb.2MB.current", "hugetlb.2MB.limit_in_bytes",
	 "hugetlb.2MB.usage_in_bytes"},
	{"hugetlb", "hugetlb.2MB.rsvd.max", "hugetlb.2MB.rsvd.current",
	 "hugetlb.2MB.rsvd.limit_in_bytes", "hugetlb.2MB.rsvd.usage_in_bytes"},
};
static const struct mc_cgroup_resource limits_1g[] = {
	{"hugetlb", "hugetlb.1GB.max", "hugetlb.1GB.current", "hugetlb.1GB.limit_in_bytes",
	 "hugetlb.1GB.usage_in_bytes"},
	{"hugetlb", "hugetlb.1GB.rsvd.max", "hugetlb.1GB.rsvd.current",
	 "hugetlb.1GB.rsvd.limit_in_bytes", "hugetlb.1GB.rsvd.usage_in_bytes"},
};

/* False: no such file. */
static bool
count_read(const char *path, unsigned long *out)
{
	FILE *file = fopen(path, "re");
	bool ok;

	if (file == NULL)
		return false;
	ok = fscanf(file, "%lu", out) == 1;
	fclose(file);
	return ok;
}

static unsigned long
pool_count(const char *root, uint64_t page_size, const char *name)
{
	unsigned long count = 0;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/sys/kernel/mm/hugepages/hugepages-%llukB/%s", root,
		 (unsigned long long)(page_size >> 10), name);
	(void)count_read(path, &count);
	return count;
}

static bool
node_expect(const char *root, uint64_t page_size, unsigned long needed, int node, char *why,
	    size_t size)
{
	char path[PATH_MAX], page[32];
	unsigned long idle;
	int length;

	length = snprintf(path, sizeof(path),
			  "%s/sys/devices/system/node/node%d/hugepages/hugepages-%llukB/", root,
			  node, (unsigned long long)(page_size >> 10));
	snprintf(path + length, sizeof(path) - (size_t)length, "free_hugepages");
	if (!count_read(path, &idle) || idle >= needed)
		return true;
	path[length] = '\0';
	snprintf(why, size,
		 "%lu hugepages of %s free on node %d, %lu needed; raise %snr_hugepages", idle,
		 mc_size_text(page_size, page, sizeof(page)), node, needed, path);
	return false;
}

bool
mc_huge_expect(const char *root, uint64_t page_size, uint64_t length, int node, char *why,
	       size_t size)
{
	const struct mc_cgroup_resource *limits = page_size == GIB ? limits_1g : limits_2m;
	struct mc_cgroup_left group;
	char left[32];

	for (unsigned int i = 0; i < 2; i++) {
		if (!mc_cgroup_left(root, &limits[i], &group) || group.left >= length)
			continue;
		snprintf(why, size, "the control group leaves %s of hugepages; raise %s",
			 mc_size_text(group.left, left, sizeof(left)), group.limit_path);
		return false;
	}
	return node < 0 ||
	       node_expect(root, page_size, (unsigned long)(length / page_size), node, why, size);
}

void
mc_huge_explain(const char *root, uint64_t page_size, uint64_t length, int error, char *why,
		size_t size)
{
	unsigned long idle = pool_count(root, page_size, "free_hugepages");
	unsigned long reserved = pool_count(root, page_size, "resv_hugepages");
	unsigned long left = idle > reserved ? idle - reserved : 0;
	unsigned long all = pool_count(root, page_size, "nr_hugepages");
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

/* "always [advise] never": is the word in brackets @word? False too when there is no such file. */
static bool
chosen(const char *root, const char *file_name, const char *word)
{
	char path[PATH_MAX], line[128] = "", bracketed[32];
	FILE *file;

	snprintf(path, sizeof(path), "%s/sys/kernel/mm/transparent_hugepage/%s", root, file_name);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	if (fgets(line, sizeof(line), file) == NULL)
		line[0] = '\0';
	fclose(file);
	snprintf(bracketed, sizeof(bracketed), "[%s]", word);
	return strstr(line, bracketed) != NULL;
}

bool
mc_huge_transparent(const char *root)
{
	static const char *const on[] = {"always", "within_size", "advise"};
	static const char all[] = "shmem_enabled";
	static const char size_2m[] = "hugepages-2048kB/shmem_enabled";

	if (chosen(root, all, "force"))
		return true;
	if (chosen(root, all, "deny"))
		return false;
	for (unsigned int i = 0; i < 3; i++) {
		if (chosen(root, size_2m, on[i]))
			return true;
		/* "inherit", or a kernel before 6.11, without a file for each size */
		if (chosen(root, all, on[i]))
			return !chosen(root, size_2m, "never");
	}
	return false;
}
