/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set_copy_bench KIND SIZE SET SECONDS: what one thread copies between two sets in memory of the
 * kind that mc-bench transfer uses, block by block in the order of mc-bench: the limit that a
 * transfer between two processes of one host is held against. KIND is memcpy or mc_mem_copy.
 * Prints one JSON object.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/mc-bench/cpu.h"
#include "apps/mc-bench/size.h"
#include "apps/mc-bench/walk.h"
#include "core/base/clock.h"
#include "core/base/histogram.h"
#include "core/mem/mem.h"
#include "mc/log.h"

static void *
set_make(uint64_t length)
{
	struct mc_region_params params = {.size = sizeof(params), .length = length};
	struct mc_region *region;

	if (mc_region_create(&params, &region) != MC_OK ||
	    mc_region_wait(region, length, 120 * MC_NS_PER_S) != MC_OK)
		exit(EXIT_FAILURE);
	return mc_region_addr(region);
}

/* Copies for @ns; how many blocks. */
static uint64_t
run(void (*copy)(void *dst, const void *src, size_t length), char *dst, const char *src,
    uint64_t size, struct walk *walk, uint64_t ns, struct mc_histogram *histogram)
{
	uint64_t start = mc_clock_mono_ns(), now = start, count = 0;

	while (now - start < ns) {
		uint64_t offset = walk_next(walk) * size, then = now;

		copy(dst + offset, src + offset, size);
		now = mc_clock_mono_ns();
		mc_histogram_add(histogram, now - then);
		count++;
	}
	return count;
}

static void
plain_copy(void *dst, const void *src, size_t length)
{
	memcpy(dst, src, length);
}

int
main(int argc, char **argv)
{
	static struct mc_histogram histogram;
	bool plain = argc == 5 && strcmp(argv[1], "memcpy") == 0;
	uint64_t size, set, start, cpu, count;
	struct walk walk;
	double gb, seconds;
	char *dst, *src;

	if (argc != 5 || (!plain && strcmp(argv[1], "mc_mem_copy") != 0) ||
	    size_parse(argv[2], &size) != MC_OK || size_parse(argv[3], &set) != MC_OK ||
	    size > set || (seconds = atof(argv[4])) <= 0) {
		fprintf(stderr, "usage: set_copy_bench memcpy|mc_mem_copy SIZE SET SECONDS\n");
		return EXIT_FAILURE;
	}
	mc_log_level_set(MC_LOG_ERROR);	/* that there are no hugepages is said by mc-bench */
	src = set_make(set);
	dst = set_make(set);
	walk_init(&walk, set / size, 1, 0);
	/* once around, for pages that this process did not map yet */
	for (uint64_t i = 0; i < walk.share; i++) {
		uint64_t offset = walk_next(&walk) * size;

		(plain ? plain_copy : mc_mem_copy)(dst + offset, src + offset, size);
	}
	cpu = cpu_ns(getpid());
	start = mc_clock_mono_ns();
	count = run(plain ? plain_copy : mc_mem_copy, dst, src, size, &walk,
		    (uint64_t)(seconds * 1e9), &histogram);
	seconds = (double)(mc_clock_mono_ns() - start) * 1e-9;
	gb = (double)(count * size) * 1e-9;
	printf("{\"size\":%llu,\"gb_per_s\":%.4f,\"p50_us\":%.3f,\"p99_us\":%.3f,"
	       "\"cpu_s_per_gb\":%.5f}\n",
	       (unsigned long long)size, gb / seconds,
	       (double)mc_histogram_percentile(&histogram, 0.5) * 1e-3,
	       (double)mc_histogram_percentile(&histogram, 0.99) * 1e-3,
	       (double)(cpu_ns(getpid()) - cpu) * 1e-9 / gb);
	return EXIT_SUCCESS;
}
