/* SPDX-License-Identifier: Apache-2.0 */
/* From the scheduler's own account of each thread, which is finer than /proc/PID/stat. */
#include "apps/mc-bench/cpu.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>

static uint64_t
thread_ns(pid_t pid, const char *thread)
{
	char path[320];
	uint64_t ns = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid, thread);
	file = fopen(path, "r");
	if (file == NULL)
		return 0;
	if (fscanf(file, "%" SCNu64, &ns) != 1)
		ns = 0;
	fclose(file);
	return ns;
}

uint64_t
cpu_ns(pid_t pid)
{
	const struct dirent *entry;
	uint64_t sum = 0;
	char path[64];
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	threads = opendir(path);
	if (threads == NULL)
		return 0;
	while ((entry = readdir(threads)) != NULL) {
		if (entry->d_name[0] != '.')
			sum += thread_ns(pid, entry->d_name);
	}
	closedir(threads);
	return sum;
}
