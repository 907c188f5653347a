/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine itself costs, through the public API: small transfers over shared memory, from
 * submit to done, with the caller polling (inline) and from another thread to a busy lcore; and how
 * many nanoseconds each of 16 in one batch takes. The caller is on CPU 1, the lcore on CPU 0.
 *
 *	engine_bench [ROUNDS [OPERATIONS-OF-A-ROUND]]
 *
 * Instructions of a transfer, of 16 in a submit, 64 bytes each (copying them is less than 20):
 *
 *	valgrind --tool=callgrind --toggle-collect='rounds_batch*' engine_bench 1 16000
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "mc/engine.h"

#define BYTES 64u
#define BATCH 16u
#define REGIONS 1000u
#define REGION_BYTES 4096u
#define ROUNDS_MAX 99

static unsigned int rounds = 5, operations = 200000;

static void
require(bool held, const char *what)
{
	if (held)
		return;
	fprintf(stderr, "engine_bench: %s\n", what);
	exit(1);
}

static void
pin(int first, int last)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int cpu = first; cpu <= last; cpu++)
		CPU_SET(cpu, &set);
	require(sched_setaffinity(0, sizeof(set), &set) == 0, "cannot pin to CPUs 0 and 1");
}

/* ---- two sides ---- */

struct side {
	struct mc_engine *engine;
	struct mc_region *region;
	char *bytes;
};

static void
side_open(struct side *side, bool poll_inline)
{
	struct mc_engine_params params = {.size = sizeof(params),
					  .name = "127.0.0.1",
					  .metadata = "P2PHANDSHAKE",
					  .drivers = "shm",
					  .poll_inline = poll_inline};
	struct mc_region_params region = {.size = sizeof(region), .length = REGIONS * REGION_BYTES};
	struct mc_engine_mem *mem;

	require(mc_engine_create(&params, &side->engine) == MC_OK, "no engine");
	require(mc_region_create(&region, &side->region) == MC_OK, "no memory");
	side->bytes = mc_region_addr(side->region);
	for (uint32_t i = 0; i < REGIONS; i++)
		require(mc_engine_mem_reg(side->engine, side->bytes + (uint64_t)i * REGION_BYTES,
					  REGION_BYTES, NULL, &mem) == MC_OK, "no registration");
}

/* The target: a process with one lcore that sleeps, as nothing is asked of it. */
static pid_t
target_start(char *name, size_t size)
{
	struct mc_eal_params eal = {.size = sizeof(eal), .corelist = "0"};
	struct side side;
	int told[2];
	pid_t pid;
	ssize_t got;

	require(pipe(told) == 0, "no pipe");
	pid = fork();
	require(pid >= 0, "no process");
	if (pid > 0) {
		got = read(told[0], name, size - 1);
		require(got > 0, "no target");
		name[got] = '\0';
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	require(mc_eal_start(&eal) == MC_OK, "no runtime");
	side_open(&side, false);
	got = (ssize_t)strlen(mc_engine_name(side.engine));
	require(write(told[1], mc_engine_name(side.engine), (size_t)got) == got, "no pipe");
	for (;;)
		pause();
}

/* ---- workloads ---- */

struct load {
	struct side *side;
	struct mc_segment *segment;
	struct mc_segment_buffer *buffers;
	struct mc_batch *batch;
	uint32_t at;
};

static void
load_open(struct load *load, struct side *side, const char *name)
{
	load->side = side;
	load->at = 0;
	require(mc_segment_open(side->engine, name, 5 * MC_NS_PER_S, &load->segment) == MC_OK,
		"no segment");
	load->buffers = calloc(REGIONS, sizeof(*load->buffers));
	require(load->buffers != NULL && mc_segment_buffers(load->segment, false, load->buffers,
							    REGIONS) == REGIONS, "no buffers");
	require(mc_batch_alloc(side->engine, BATCH, 0, &load->batch) == MC_OK, "no batch");
}

static void
load_close(struct load *load)
{
	mc_batch_free(load->batch);
	mc_segment_close(load->segment);
	free(load->buffers);
}

static void
transfer(struct load *load, uint32_t count, uint64_t deadline_ns)
{
	mc_batch_reset(load->batch);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t region = load->at++ * 7 % REGIONS;

		mc_batch_add(load->batch, MC_READ, load->segment, load->buffers[region].addr,
			     load->side->bytes + (uint64_t)region * REGION_BYTES, BYTES);
	}
	require(mc_batch_submit(load->batch, deadline_ns, NULL, NULL) == MC_OK, "no submit");
	while (!mc_batch_done(load->batch)) {
		if (mc_eal_lcore_count() == 0)
			mc_engine_poll(load->side->engine);
	}
	require(mc_batch_status(load->batch, 0) == MC_OK, "a transfer failed");
}

static int
compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

static void
print(const char *name, double *ns)
{
	qsort(ns, rounds, sizeof(*ns), compare);
	printf("%-44s %8.0f ns  (%.0f to %.0f in %u rounds)\n", name, ns[rounds / 2], ns[0],
	       ns[rounds - 1], rounds);
	fflush(stdout);
}

static void
warm(struct load *load)
{
	for (uint32_t i = 0; i < 2 * REGIONS; i++)
		transfer(load, 1, mc_clock_mono_ns() + 30 * MC_NS_PER_S);
}

/* __noinline__: what callgrind begins and ends to count with */
__attribute__((noinline)) static void
rounds_single(struct load *load, double *ns)
{
	for (unsigned int r = 0; r < rounds; r++) {
		uint64_t begin = mc_clock_mono_ns();

		for (unsigned int i = 0; i < operations; i++)
			transfer(load, 1, begin + 30 * MC_NS_PER_S);
		ns[r] = (double)(mc_clock_mono_ns() - begin) / operations;
	}
}

__attribute__((noinline)) static void
rounds_batch(struct load *load, double *ns)
{
	for (unsigned int r = 0; r < rounds; r++) {
		uint64_t begin = mc_clock_mono_ns();

		for (unsigned int i = 0; i < operations; i += BATCH)
			transfer(load, BATCH, begin + 30 * MC_NS_PER_S);
		ns[r] = (double)(mc_clock_mono_ns() - begin) / operations;
	}
}

static void
measure(struct side *side, const char *segment, const char *single, const char *batch)
{
	double ns[ROUNDS_MAX];
	struct load load;

	load_open(&load, side, segment);
	warm(&load);
	rounds_single(&load, ns);
	print(single, ns);
	rounds_batch(&load, ns);
	print(batch, ns);
	load_close(&load);
}

int
main(int argc, char **argv)
{
	struct mc_eal_params eal = {.size = sizeof(eal), .corelist = "0", .idle = MC_IDLE_BUSY};
	struct side near, threaded;
	char target[128];
	pid_t pid;

	if (argc > 1)
		rounds = (unsigned int)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		operations = (unsigned int)strtoul(argv[2], NULL, 10);
	require(rounds > 0 && rounds <= ROUNDS_MAX && operations >= BATCH,
		"usage: engine_bench [ROUNDS [OPERATIONS-OF-A-ROUND]]");
	pid = target_start(target, sizeof(target));
	pin(1, 1);
	side_open(&near, true);
	measure(&near, target, "64 B read, inline, another process",
		"64 B read, inline, another process, 16 at once");
	measure(&near, mc_engine_name(near.engine), "64 B read, inline, own process",
		"64 B read, inline, own process, 16 at once");
	pin(0, 1);
	require(mc_eal_start(&eal) == MC_OK, "no runtime");
	pin(1, 1);
	side_open(&threaded, false);
	measure(&threaded, target, "64 B read, from a thread to a busy lcore",
		"64 B read, to a busy lcore, 16 at once");
	mc_engine_destroy(threaded.engine);
	mc_engine_destroy(near.engine);
	mc_eal_stop();
	mc_region_destroy(threaded.region);
	mc_region_destroy(near.region);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}
