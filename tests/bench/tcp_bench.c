/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drivers/tcp through its table: a target on CPU 0 and an initiator on CPU 1, one thread each, both
 * polling, over the loopback. Prints what iperf3 does between the same CPUs beside it.
 *
 *	tcp_bench [ROUNDS [SECONDS-OF-A-ROUND [WORKLOAD]]]	WORKLOAD: part of a name, "64 KiB"
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "drivers/driver.h"

#define DEPTH_MAX 64u
#define ROUNDS_MAX 99
#define SAMPLES_MAX (1u << 20)

struct shared {
	struct mc_peer_addr addr;
	uint8_t *memory;
	_Atomic int ready;
};

struct workload {
	const char *name;
	uint32_t bytes;
	uint32_t depth;
	enum mc_opcode opcode;
	uint64_t set;		/* bytes on each side that the operations go over */
};

#define MIB (1ull << 20)

static const struct workload workloads[] = {
	{"64 B read", 64, 1, MC_OP_READ, 4 * MIB},
	{"64 B write", 64, 1, MC_OP_WRITE, 4 * MIB},
	{"64 B read", 64, 32, MC_OP_READ, 4 * MIB},
	{"64 KiB read", 65536, 1, MC_OP_READ, 256 * MIB},
	{"64 KiB write", 65536, 1, MC_OP_WRITE, 256 * MIB},
	{"64 KiB read", 65536, 8, MC_OP_READ, 256 * MIB},
	{"64 KiB write", 65536, 8, MC_OP_WRITE, 256 * MIB},
	{"1 MiB read", MIB, 8, MC_OP_READ, 256 * MIB},
	{"1 MiB write", MIB, 8, MC_OP_WRITE, 256 * MIB},
	{"1 MiB read", MIB, 8, MC_OP_READ, 4 * MIB},
	{"1 MiB write", MIB, 8, MC_OP_WRITE, 4 * MIB},
};

#define WORKLOADS (sizeof(workloads) / sizeof(workloads[0]))
#define SET_MAX (256 * MIB)

static uint32_t samples[SAMPLES_MAX];

static void
require(bool held, const char *what)
{
	if (held)
		return;
	fprintf(stderr, "tcp_bench: %s\n", what);
	exit(1);
}

static void
pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	require(sched_setaffinity(0, sizeof(set), &set) == 0, "cannot pin to CPUs 0 and 1");
}

/* As a region is: a memfd, populated. */
static uint8_t *
memory_make(uint64_t bytes, int *fd_out)
{
	uint8_t *at;

	*fd_out = memfd_create("tcp_bench", MFD_CLOEXEC);
	require(*fd_out >= 0 && ftruncate(*fd_out, (off_t)bytes) == 0, "no memory");
	at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, *fd_out, 0);
	require(at != MAP_FAILED, "no memory");
	memset(at, 0x5a, bytes);
	return at;
}

struct side {
	struct mc_dev *dev;
	struct mc_cq *cq;
	struct mc_mem *mem;
	uint8_t *memory;
};

static void
side_open(struct side *side, const struct mc_driver *driver)
{
	struct mc_dev_params params = {.size = sizeof(params), .bind_host = "127.0.0.1"};
	struct mc_span span = {.length = SET_MAX, .page_size = 4096};

	side->memory = memory_make(SET_MAX, &span.fd);
	span.addr = side->memory;
	require(driver->ops->open(&params, &side->dev) == MC_OK, "open");
	require(driver->ops->cq_create(side->dev, DEPTH_MAX, &side->cq) == MC_OK, "cq_create");
	require(driver->ops->mem_reg(side->dev, &span, &side->mem) == MC_OK, "mem_reg");
	require(driver->ops->mem_attach(side->cq, side->mem) == MC_OK, "mem_attach");
}

static void
target_main(const struct mc_driver *driver, struct shared *shared)
{
	struct side side;
	struct mc_completion none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pin(0);
	side_open(&side, driver);
	require(driver->ops->listen(side.dev, &shared->addr) == MC_OK, "listen");
	shared->memory = side.memory;
	shared->ready = 1;
	for (;;)
		(void)side.dev->fast.poll(side.cq, &none, 1);
}

static int
ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

struct result {
	double gbps;
	double p50_us;
	double p10_us;
};

/* What an engine does: all that it can post goes with one call. */
struct posting {
	struct mc_op ops[DEPTH_MAX];
	struct mc_sge sge[DEPTH_MAX];
	uint32_t count;
};

static void
posting_add(struct posting *posting, const struct side *side, const struct workload *w,
	    const struct shared *shared, struct mc_random *random, uint64_t cookie)
{
	uint64_t places = w->set / w->bytes;
	uint64_t local = mc_random_below(random, places) * w->bytes;
	uint64_t remote = mc_random_below(random, places) * w->bytes;
	struct mc_sge *sge = &posting->sge[posting->count];

	*sge = (struct mc_sge){.addr = side->memory + local, .length = w->bytes};
	posting->ops[posting->count++] = (struct mc_op){
		.cookie = cookie, .opcode = w->opcode, .sge_count = 1, .sge = sge,
		.remote_addr = (uintptr_t)shared->memory + remote};
}

static void
posting_post(struct posting *posting, const struct side *side, struct mc_ep *ep)
{
	if (posting->count > 0)
		require(side->dev->fast.post(ep, posting->ops, posting->count) == posting->count,
			"post");
	posting->count = 0;
}

static struct result
run(const struct side *side, struct mc_ep *ep, const struct workload *w,
    const struct shared *shared, uint64_t round_ns)
{
	uint64_t began[DEPTH_MAX], begin = mc_clock_mono_ns(), now = begin, ops = 0;
	struct mc_completion done[DEPTH_MAX];
	struct posting posting = {.count = 0};
	uint32_t outstanding = 0, kept;
	struct mc_random random;

	mc_random_init(&random, begin);
	for (; outstanding < w->depth; outstanding++) {
		began[outstanding] = begin;
		posting_add(&posting, side, w, shared, &random, outstanding + 1);
	}
	while (outstanding > 0) {
		uint32_t n;

		posting_post(&posting, side, ep);
		n = side->dev->fast.poll(side->cq, done, DEPTH_MAX);
		if (n > 0)
			now = mc_clock_mono_ns();
		for (uint32_t i = 0; i < n; i++) {
			uint64_t at = done[i].cookie - 1;

			require(done[i].status == MC_OK, "an operation failed");
			samples[ops++ % SAMPLES_MAX] = (uint32_t)(now - began[at]);
			outstanding--;
			if (now - begin >= round_ns)
				continue;
			began[at] = now;
			posting_add(&posting, side, w, shared, &random, at + 1);
			outstanding++;
		}
	}
	kept = ops < SAMPLES_MAX ? (uint32_t)ops : SAMPLES_MAX;
	qsort(samples, kept, sizeof(samples[0]), ascending);
	return (struct result){(double)(ops * w->bytes) / (double)(now - begin),
			       samples[kept / 2] / 1e3, samples[kept / 10] / 1e3};
}

/* GB/s of one stream, 0 without the program. */
static double
iperf(void)
{
	char line[512];
	double bits = 0;
	FILE *pipe = popen("port=$((20000 + $$ % 10000)); "
			   "taskset -c 0 iperf3 -s -1 -p $port >/dev/null 2>&1 & sleep 0.3; "
			   "taskset -c 1 iperf3 -c 127.0.0.1 -p $port -C cubic -l 1M -t 1 -J; wait",
			   "r");
	bool received = false;

	while (pipe != NULL && fgets(line, sizeof(line), pipe) != NULL) {
		const char *at = strstr(line, "\"bits_per_second\":");

		received = received || strstr(line, "\"sum_received\"") != NULL;
		if (at != NULL && received && bits == 0)
			bits = strtod(at + 18, NULL);
	}
	if (pipe != NULL)
		pclose(pipe);
	return bits / 8e9;
}

static int
by_gbps(const void *a, const void *b)
{
	double x = ((const struct result *)a)->gbps, y = ((const struct result *)b)->gbps;

	return x < y ? -1 : x > y;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
report(struct result results[WORKLOADS][ROUNDS_MAX], double *peer, int rounds)
{
	printf("%-14s %5s %7s %10s %12s %8s %8s   (median of %d)\n", "", "depth", "set", "GB/s",
	       "from..to", "p50 us", "p10 us", rounds);
	for (size_t w = 0; w < WORKLOADS; w++) {
		struct result *of = results[w];

		if (of[0].gbps == 0)
			continue;
		qsort(of, (size_t)rounds, sizeof(*of), by_gbps);
		printf("%-14s %5u %3u MiB %10.3f %5.2f..%-5.2f %8.1f %8.1f\n", workloads[w].name,
		       workloads[w].depth, (unsigned int)(workloads[w].set / MIB),
		       of[rounds / 2].gbps, of[0].gbps, of[rounds - 1].gbps,
		       of[rounds / 2].p50_us, of[rounds / 2].p10_us);
	}
	qsort(peer, (size_t)rounds, sizeof(*peer), by_value);
	printf("%-14s %5s %7s %10.3f %5.2f..%-5.2f\n", "iperf3 -l 1M", "", "", peer[rounds / 2],
	       peer[0], peer[rounds - 1]);
}

int
main(int argc, char **argv)
{
	const struct mc_driver *driver = mc_driver_find("tcp");
	int rounds = argc > 1 ? atoi(argv[1]) : 5;
	double seconds = argc > 2 ? atof(argv[2]) : 0.3;
	const char *wanted = argc > 3 ? argv[3] : "";
	static struct result results[WORKLOADS][ROUNDS_MAX];
	static double peer[ROUNDS_MAX];
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct mc_ep_params params = {.size = sizeof(params)};
	struct side side;
	struct mc_ep *ep;
	pid_t target;

	require(shared != MAP_FAILED && rounds > 0 && rounds <= ROUNDS_MAX, "rounds: 1 to 99");
	target = fork();
	if (target == 0)
		target_main(driver, shared);
	pin(1);
	while (!shared->ready)
		usleep(1000);
	side_open(&side, driver);
	require(driver->ops->ep_create(side.cq, &params, &shared->addr, &ep) == MC_OK, "connect");
	require(driver->ops->ep_attach(ep) == MC_OK, "attach");
	for (int r = 0; r < rounds; r++) {
		for (size_t w = 0; w < WORKLOADS; w++) {
			if (strstr(workloads[w].name, wanted) != NULL)
				results[w][r] = run(&side, ep, &workloads[w], shared,
						    (uint64_t)(seconds * 1e9));
		}
		kill(target, SIGSTOP);	/* iperf3 wants its CPU */
		peer[r] = iperf();
		kill(target, SIGCONT);
	}
	report(results, peer, rounds);
	kill(target, SIGKILL);
	waitpid(target, NULL, 0);
	return 0;
}
