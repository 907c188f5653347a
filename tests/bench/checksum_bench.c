/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checksum_bench [ROUNDS]: what XXH3-64 costs beside the copy of a value, over random pieces of two
 * sets of 512 MiB, which no cache holds. GB/s of the thread's own CPU time, so that neighbours on
 * the machine cost less; medians, all kinds in turn.
 *
 *	copy	mc_mem_copy() alone
 *	hash	XXH3 alone: as inlined at the build's level of x86-64, and the library's wide one
 *	put	the source is hashed, then copied: inlined, and wide
 *	get	copied, then the destination is hashed: wide
 *	blocks	the source is hashed and copied with non-temporal stores, 4 KiB at a time
 *	scratch	copied to 16 KiB that stay in the cache, hashed there, and streamed on: unlike
 *		blocks, what is hashed is what is delivered, even if the source changes meanwhile
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/mem/copy.h"
#include "core/mem/mem.h"

#define SET (512ull << 20)
#define PASS (SET / 4)	/* bytes of one measurement */
#define ROUNDS_MAX 99
#define BLOCK 4096u
#define SCRATCH 16384u

/* Of the library, as xxh_x86dispatch.h has them, which cannot be included with the inlined ones. */
extern uint64_t XXH3_64bits_dispatch(const void *input, size_t length);
extern XXH_errorcode XXH3_64bits_update_dispatch(XXH3_state_t *state, const void *input,
						 size_t length);

enum { COPY, HASH, HASH_WIDE, PUT, PUT_WIDE, GET_WIDE, BLOCKS, SCRATCHED, KINDS };

static const char *const names[KINDS] = {"copy",     "hash",	 "hash wide", "put",
					 "put wide", "get wide", "blocks",    "scratch"};

static void (*stream)(void *dst, const void *src, size_t length);
static volatile uint64_t sink;

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

static uint64_t
blocks(char *dst, const char *src, size_t size)
{
	XXH3_state_t state;

	XXH3_64bits_reset(&state);
	for (size_t at = 0; at < size; at += BLOCK) {
		XXH3_64bits_update_dispatch(&state, src + at, BLOCK);
		stream(dst + at, src + at, BLOCK);
	}
	return XXH3_64bits_digest(&state);
}

static uint64_t
scratched(char *dst, const char *src, size_t size)
{
	static _Alignas(64) char scratch[SCRATCH];
	XXH3_state_t state;

	XXH3_64bits_reset(&state);
	for (size_t at = 0; at < size; at += SCRATCH) {
		memcpy(scratch, src + at, SCRATCH);
		XXH3_64bits_update_dispatch(&state, scratch, SCRATCH);
		stream(dst + at, scratch, SCRATCH);
	}
	return XXH3_64bits_digest(&state);
}

static uint64_t
piece_run(int kind, char *dst, const char *src, size_t size)
{
	uint64_t hash = 0;

	if (kind == HASH || kind == PUT)
		hash = XXH3_64bits(src, size);
	if (kind == HASH_WIDE || kind == PUT_WIDE)
		hash = XXH3_64bits_dispatch(src, size);
	if (kind == COPY || kind == PUT || kind == PUT_WIDE || kind == GET_WIDE)
		mc_mem_copy(dst, src, size);
	if (kind == GET_WIDE)
		hash = XXH3_64bits_dispatch(dst, size);
	if (kind == BLOCKS)
		hash = blocks(dst, src, size);
	if (kind == SCRATCHED)
		hash = scratched(dst, src, size);
	return hash;
}

static double
pass(int kind, char *dst, const char *src, size_t size)
{
	size_t count = PASS / size, pieces = SET / size;
	double start = cpu_now();

	for (size_t i = 0; i < count; i++) {
		size_t to = (size_t)random() % pieces, from = (size_t)random() % pieces;

		sink += piece_run(kind, dst + to * size, src + from * size, size);
	}
	return (double)(count * size) / (cpu_now() - start) / 1e9;
}

static void
compare(char *dst, const char *src, size_t size, int rounds)
{
	double rates[KINDS][ROUNDS_MAX];

	for (int round = 0; round < rounds; round++)
		for (int kind = 0; kind < KINDS; kind++)
			rates[kind][round] = pass(kind, dst, src, size);
	printf("%6zu KiB", size >> 10);
	for (int kind = 0; kind < KINDS; kind++) {
		qsort(rates[kind], (size_t)rounds, sizeof(double), double_compare);
		printf("  %9.1f", rates[kind][rounds / 2]);
	}
	printf("\n");
}

static char *
set_map(int value)
{
	char *set = mmap(NULL, SET, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (set == MAP_FAILED) {
		perror("two sets of 512 MiB");
		exit(EXIT_FAILURE);
	}
	memset(set, value, SET);
	return set;
}

int
main(int argc, char **argv)
{
	static const size_t sizes[] = {65536, 1 << 20, 4 << 20};
	const struct mc_copy_kernel *kernel = mc_copy_kernel_at(0);
	int rounds = argc > 1 ? atoi(argv[1]) : 5;
	char *src, *dst;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "ROUNDS: 1 to %d\n", ROUNDS_MAX);
		return EXIT_FAILURE;
	}
	for (unsigned int i = 1; kernel != NULL && !kernel->usable(); i++)
		kernel = mc_copy_kernel_at(i);
	if (kernel == NULL) {
		fprintf(stderr, "no copy with non-temporal stores on this CPU\n");
		return EXIT_FAILURE;
	}
	stream = kernel->copy;
	src = set_map(1);
	dst = set_map(2);
	printf("medians of %d, GB/s, stores by %s\n     piece", rounds, kernel->name);
	for (int kind = 0; kind < KINDS; kind++)
		printf("  %9s", names[kind]);
	printf("\n");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		compare(dst, src, sizes[i], rounds);
	return EXIT_SUCCESS;
}
