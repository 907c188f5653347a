/* SPDX-License-Identifier: Apache-2.0 */
/*
 * region_bench [MIB [ROUNDS [small]]]: how long until a region's first GiB is usable and until all
 * of it is, beside a parallel memset() of a plain memfd by as many threads: medians, the two in
 * turn, and the CPU time of both. small: 4 KiB pages even where there are hugepages.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "mc/log.h"
#include "mc/memory.h"

#define GIB (1ull << 30)
#define ROUNDS_MAX 99
#define THREADS_MAX 8

struct part {
	pthread_t thread;
	char *at;
	uint64_t length;
};

static double
now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

/* Of the whole process. */
static double
cpu_now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
	return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

static unsigned int
threads_count(void)
{
	cpu_set_t cpus;
	int count = 1;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		count = CPU_COUNT(&cpus);
	return count > THREADS_MAX ? THREADS_MAX : (unsigned int)count;
}

static void *
part_fill(void *argument)
{
	struct part *part = argument;

	memset(part->at, 0, part->length);
	return NULL;
}

struct times {
	double created, first, all, cpu;
};

static struct times
memset_run(uint64_t length)
{
	struct part parts[THREADS_MAX];
	unsigned int count = threads_count();
	double start = now(), cpu = cpu_now();
	struct times times = {0};
	int fd = memfd_create("memset", 0);
	char *at;

	if (fd < 0 || ftruncate(fd, (off_t)length) != 0)
		exit(EXIT_FAILURE);
	at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		exit(EXIT_FAILURE);
	for (unsigned int i = 0; i < count; i++) {
		parts[i].at = at + length / count * i;
		parts[i].length = i + 1 < count ? length / count : length - length / count * i;
		if (pthread_create(&parts[i].thread, NULL, part_fill, &parts[i]) != 0)
			exit(EXIT_FAILURE);
	}
	for (unsigned int i = 0; i < count; i++)
		pthread_join(parts[i].thread, NULL);
	times.all = now() - start;
	times.cpu = cpu_now() - cpu;
	munmap(at, length);
	close(fd);
	return times;
}

static struct times
region_run(uint64_t length, bool small)
{
	struct mc_region_params params = {
		.size = sizeof(params),
		.length = length,
		.huge = small ? MC_HUGE_NEVER : MC_HUGE_TRY,
	};
	struct mc_region *region;
	static bool told;
	double start = now(), cpu = cpu_now();
	struct times times;

	if (mc_region_create(&params, &region) != MC_OK)
		exit(EXIT_FAILURE);
	times.created = now() - start;
	if (mc_region_wait(region, length < GIB ? length : GIB, UINT64_MAX) != MC_OK)
		exit(EXIT_FAILURE);
	times.first = now() - start;
	if (mc_region_wait(region, length, UINT64_MAX) != MC_OK)
		exit(EXIT_FAILURE);
	times.all = now() - start;
	times.cpu = cpu_now() - cpu;
	if (!told)
		printf("%s\n", mc_region_text(region));
	told = true;
	if (mc_region_destroy(region) != MC_OK)
		exit(EXIT_FAILURE);
	return times;
}

static int
double_compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

/* Of the member at @offset in struct times. */
static double
median(const struct times *runs, int count, size_t offset)
{
	double values[ROUNDS_MAX];

	for (int i = 0; i < count; i++)
		values[i] = *(const double *)((const char *)&runs[i] + offset);
	qsort(values, (size_t)count, sizeof(*values), double_compare);
	return values[count / 2];
}

#define MEDIAN(runs, member) median(runs, rounds, offsetof(struct times, member))

int
main(int argc, char **argv)
{
	uint64_t length = (argc > 1 ? strtoull(argv[1], NULL, 10) : 4096) << 20;
	int rounds = argc > 2 ? atoi(argv[2]) : 5;
	bool small = argc > 3 && strcmp(argv[3], "small") == 0;
	struct times ours[ROUNDS_MAX], plain[ROUNDS_MAX];

	if (length == 0 || rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "MIB above 0, ROUNDS 1 to %d\n", ROUNDS_MAX);
		return EXIT_FAILURE;
	}
	mc_log_level_set(MC_LOG_ERROR);
	for (int i = 0; i < rounds; i++) {
		ours[i] = region_run(length, small);
		plain[i] = memset_run(length);
	}
	printf("%u threads, medians of %d, seconds  created  first GiB      all      CPU\n",
	       threads_count(), rounds);
	printf("region                             %8.4f  %9.3f  %7.3f  %7.3f\n",
	       MEDIAN(ours, created), MEDIAN(ours, first), MEDIAN(ours, all), MEDIAN(ours, cpu));
	printf("memset of a plain memfd                                %7.3f  %7.3f\n",
	       MEDIAN(plain, all), MEDIAN(plain, cpu));
	printf("ratio                                                  %7.2f  %7.2f\n",
	       MEDIAN(plain, all) / MEDIAN(ours, all), MEDIAN(plain, cpu) / MEDIAN(ours, cpu));
	return EXIT_SUCCESS;
}
