/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mem/cgroup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct mc_cgroup_resource mc_cgroup_memory = {
	.controller = "memory",
	.limit = "memory.max",
	.usage = "memory.current",
	.limit1 = "memory.limit_in_bytes",
	.usage1 = "memory.usage_in_bytes",
	.stat = "memory.stat",
	.reclaim = {"active_file", "inactive_file"},
	.reclaim1 = {"total_active_file", "total_inactive_file"},
};

/* False: no such file, or no number in it ("max"). */
static bool
number_read(const char *path, uint64_t *out)
{
	FILE *file = fopen(path, "re");
	unsigned long long value;
	bool ok;

	if (file == NULL)
		return false;
	ok = fscanf(file, "%llu", &value) == 1;
	fclose(file);
	if (ok)
		*out = value;
	return ok;
}

static uint64_t
stat_sum(const char *path, const char *const names[2])
{
	FILE *file = fopen(path, "re");
	unsigned long long value;
	uint64_t sum = 0;
	char name[64];

	if (file == NULL)
		return 0;
	while (fscanf(file, "%63s %llu", name, &value) == 2)
		if (strcmp(name, names[0]) == 0 || strcmp(name, names[1]) == 0)
			sum += value;
	fclose(file);
	return sum;
}

/* Looks at one group; keeps in @out what leaves least so far. */
static void
group_look(const char *group, bool version1, const struct mc_cgroup_resource *resource,
	   struct mc_cgroup_left *out)
{
	char path[PATH_MAX + 64];
	uint64_t limit, usage = 0, left;

	snprintf(path, sizeof(path), "%s/%s", group,
		 version1 ? resource->limit1 : resource->limit);
	if (!number_read(path, &limit) || limit > INT64_MAX / 2)	/* version 1's "none" */
		return;
	if (strlen(path) < sizeof(out->limit_path))
		memcpy(out->limit_path, path, strlen(path) + 1);
	snprintf(path, sizeof(path), "%s/%s", group,
		 version1 ? resource->usage1 : resource->usage);
	(void)number_read(path, &usage);
	if (resource->stat != NULL) {
		uint64_t reclaimable;

		snprintf(path, sizeof(path), "%s/%s", group, resource->stat);
		reclaimable = stat_sum(path, version1 ? resource->reclaim1 : resource->reclaim);
		usage -= reclaimable < usage ? reclaimable : usage;
	}
	left = limit > usage ? limit - usage : 0;
	if (left < out->left)
		out->left = left;
}

/*
 * @base is where the hierarchy is mounted, @place the process's group in it. In a container the
 * group may be named as the host sees it, and not be there: then the mount itself is the group.
 */
static void
groups_look(const char *base, const char *place, bool version1,
	    const struct mc_cgroup_resource *resource, struct mc_cgroup_left *out)
{
	char group[PATH_MAX];
	char *slash;

	if (snprintf(group, sizeof(group), "%s%s", base, place) >= (int)sizeof(group))
		return;
	for (;;) {
		struct mc_cgroup_left here = {.left = UINT64_MAX};

		group_look(group, version1, resource, &here);
		if (here.left < out->left)
			*out = here;
		slash = strrchr(group, '/');
		if (strlen(group) <= strlen(base) || slash == NULL)
			return;
		*slash = '\0';
	}
}

static bool
list_has(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = strstr(list, name); at != NULL; at = strstr(at + 1, name))
		if ((at == list || at[-1] == ',') && (at[length] == ',' || at[length] == '\0'))
			return true;
	return false;
}

bool
mc_cgroup_left(const char *root, const struct mc_cgroup_resource *resource,
	       struct mc_cgroup_left *out)
{
	struct mc_cgroup_left least = {.left = UINT64_MAX};
	char path[PATH_MAX], line[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		/* "4:memory:/a/b", or "0::/a/b" for version 2 */
		char *names = strchr(line, ':');
		char *place = names == NULL ? NULL : strchr(names + 1, ':');

		if (place == NULL)
			continue;
		*place++ = '\0';
		place[strcspn(place, "\n")] = '\0';
		if (names[1] == '\0') {
			snprintf(path, sizeof(path), "%s/sys/fs/cgroup", root);
			groups_look(path, place, false, resource, &least);
		} else if (list_has(names + 1, resource->controller)) {
			snprintf(path, sizeof(path), "%s/sys/fs/cgroup/%s", root,
				 resource->controller);
			groups_look(path, place, true, resource, &least);
		}
	}
	if (file != NULL)
		fclose(file);
	if (least.left == UINT64_MAX)
		return false;
	*out = least;
	return true;
}
