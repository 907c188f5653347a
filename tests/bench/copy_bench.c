/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy_bench [ROUNDS [huge]]: mc_mem_copy() beside memcpy(), over random pieces of two sets of
 * 1 GiB, which no cache holds, and over one hot pair of buffers. GB/s of the thread's own CPU time,
 * so that neighbours on the machine cost less; medians, the two in turn.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "core/mem/mem.h"

#define SET (1ull << 30)
#define PASS (SET / 4)	/* bytes of one measurement */
#define ROUNDS_MAX 99

enum { MEMCPY, MC_MEM_COPY, KINDS };

static double
cpu_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int
double_compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

static void
shuffle(uint32_t *order, size_t count)
{
	for (size_t i = 0; i < count; i++)
		order[i] = (uint32_t)i;
	for (size_t i = count - 1; i > 0; i--) {
		size_t other = (size_t)random() % (i + 1);
		uint32_t kept = order[i];

		order[i] = order[other];
		order[other] = kept;
	}
}

/* Piece i of the source goes to piece i of the destination, each in its own random order. */
static double
pass(int kind, char *dst, const char *src, const uint32_t *to, const uint32_t *from, size_t pieces,
     size_t size)
{
	size_t first = (size_t)random() % pieces;
	size_t count = PASS / size;
	double start = cpu_now();

	for (size_t i = 0; i < count; i++) {
		size_t piece = (first + i) % pieces;

		if (kind == MEMCPY)
			memcpy(dst + to[piece] * size, src + from[piece] * size, size);
		else
			mc_mem_copy(dst + to[piece] * size, src + from[piece] * size, size);
	}
	return (double)(count * size) / (cpu_now() - start) / 1e9;
}

static void
compare(const char *set, char *dst, const char *src, size_t set_bytes, size_t size, int rounds)
{
	size_t pieces = set_bytes / size;
	uint32_t *from = malloc(pieces * sizeof(*from));
	uint32_t *to = malloc(pieces * sizeof(*to));
	double rates[KINDS][ROUNDS_MAX];

	if (from == NULL || to == NULL)
		exit(EXIT_FAILURE);
	shuffle(from, pieces);
	shuffle(to, pieces);
	for (int round = 0; round < rounds; round++)
		for (int kind = 0; kind < KINDS; kind++)
			rates[kind][round] = pass(kind, dst, src, to, from, pieces, size);
	for (int kind = 0; kind < KINDS; kind++)
		qsort(rates[kind], (size_t)rounds, sizeof(double), double_compare);
	printf("%-4s  %8zu KiB  %8.1f  %11.1f  %5.2f\n", set, size >> 10,
	       rates[MEMCPY][rounds / 2], rates[MC_MEM_COPY][rounds / 2],
	       rates[MC_MEM_COPY][rounds / 2] / rates[MEMCPY][rounds / 2]);
	free(from);
	free(to);
}

static char *
set_map(const char *name, bool huge)
{
	int fd = memfd_create(name, huge ? MFD_HUGETLB : 0);
	char *set;

	if (fd < 0 || ftruncate(fd, SET) != 0)
		return NULL;
	set = mmap(NULL, SET, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (set == MAP_FAILED)
		return NULL;
	memset(set, 1, SET);
	return set;
}

int
main(int argc, char **argv)
{
	static const size_t sizes[] = {4096, 16384, 65536, 131072, 262144, 1 << 20, 16 << 20};
	int rounds = argc > 1 ? atoi(argv[1]) : 5;
	bool huge = argc > 2 && strcmp(argv[2], "huge") == 0;
	char *src, *dst;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "ROUNDS: 1 to %d\n", ROUNDS_MAX);
		return EXIT_FAILURE;
	}
	src = set_map("source", huge);
	dst = set_map("destination", huge);
	if (src == NULL || dst == NULL) {
		perror(huge ? "two sets of 1 GiB in hugepages" : "two sets of 1 GiB");
		return EXIT_FAILURE;
	}
	printf("%s pages, medians of %d, GB/s\n", huge ? "2 MiB" : "4 KiB", rounds);
	printf("set         piece    memcpy  mc_mem_copy  ratio\n");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		compare("cold", dst, src, SET, sizes[i], rounds);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		compare("hot", dst, src, sizes[i], sizes[i], rounds);
	return EXIT_SUCCESS;
}
