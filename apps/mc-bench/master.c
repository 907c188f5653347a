/* SPDX-License-Identifier: Apache-2.0 */
/* mc-bench master: one master, or two in turn. */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/mc-bench/commands.h"
#include "apps/mc-bench/interrupt.h"
#include "apps/mc-bench/options.h"
#include "apps/mc-bench/report.h"
#include "apps/mc-bench/request.h"
#include "core/base/clock.h"
#include "mc/eal.h"
#include "mc/log.h"

#define FILL_BATCH 256u
#define TICK_NS	   (20 * MC_NS_PER_MS)

struct bench {
	struct bench_options options;
	struct mc_reactor *reactor;
	struct mc_timer tick;
	struct run_result *results;	/* rounds of the first target, then of the second */
	bool failed;
	struct mc_msg msg;
	sem_t done;
};

/* ---- runs, on the generator's lcore ---- */

static struct run_result *
result_of(struct bench *bench, unsigned int target, unsigned int round)
{
	return &bench->results[target * bench->options.rounds + round];
}

static enum mc_status
run_checked(struct bench *bench, struct target *target, const struct run_params *params,
	    struct run_result *result)
{
	enum mc_status st = run_once(target, params, result);

	report_errors(stderr, target, params, result);
	if (st != MC_OK || result->wrong > 0)
		bench->failed = true;
	return st;
}

/* What the other ops look for. */
static enum mc_status
target_fill(struct bench *bench, struct target *target)
{
	struct run_params params = bench->options.params;

	params.op = OP_FILL;
	params.connections = 1;
	params.depth = 4;
	params.batch =
		params.keys_count < FILL_BATCH ? (unsigned int)params.keys_count : FILL_BATCH;
	params.live = false;
	return run_checked(bench, target, &params, result_of(bench, 0, 0));
}

/* Medians of the first @rounds; two targets are compared when both have some. */
static void
row_report(const struct bench *bench, const struct run_params *params,
	   const unsigned int rounds[2])
{
	const struct bench_options *options = &bench->options;
	struct figures figures[2];

	for (unsigned int t = 0; t < options->targets_count && rounds[t] > 0; t++) {
		figures[t] = figures_median(&bench->results[t * options->rounds], rounds[t]);
		report_row(stdout, options->json, &options->targets[t], params, &figures[t]);
	}
	if (options->targets_count == 2 && rounds[1] > 0)
		report_ratio(stdout, options->json, params, &figures[0], &figures[1]);
}

static enum mc_status
row_run(struct bench *bench, const struct bench_row *row)
{
	struct bench_options *options = &bench->options;
	struct run_params params = options->params;
	unsigned int rounds[2] = {0};
	unsigned int runs = options->rounds * options->targets_count;

	params.op = row->op;
	params.connections = row->connections;
	params.depth = row->depth;
	params.batch = row->batch;
	for (unsigned int i = 0; i < runs && interrupt_signal() == 0; i++) {
		unsigned int t = i % options->targets_count;
		struct run_result *result = result_of(bench, t, rounds[t]);
		enum mc_status st = run_checked(bench, &options->targets[t], &params, result);

		if (st != MC_OK)
			return st;
		/* one that was ended in its warm-up measured nothing */
		rounds[t] += result->calls > 0;
	}
	row_report(bench, &params, rounds);
	return MC_OK;
}

static enum mc_status
bench_run(struct bench *bench)
{
	struct bench_options *options = &bench->options;
	bool fill_first = options->rows[0].op == OP_FILL;	/* a row like any, then */
	enum mc_status st = MC_OK;

	for (unsigned int t = 0; t < options->targets_count && st == MC_OK; t++) {
		st = target_open(&options->targets[t], bench->reactor);
		if (st == MC_OK && !fill_first)
			st = target_fill(bench, &options->targets[t]);
	}
	if (st == MC_OK && interrupt_signal() == 0)
		report_head(stdout, options->json);
	for (unsigned int i = 0; i < options->rows_count && st == MC_OK && interrupt_signal() == 0;
	     i++)
		st = row_run(bench, &options->rows[i]);
	for (unsigned int t = 0; t < options->targets_count; t++) {
		enum mc_status closed = target_close(&options->targets[t]);

		/* after a failure that was told, this one is no news */
		if (st == MC_OK && closed != MC_OK)
			target_complain(&options->targets[t], "the segments stay mounted: %s",
					mc_status_text(closed));
		st = st == MC_OK ? closed : st;
	}
	return st;
}

/* So that whoever waits on the reactor sees deadlines and signals, when nothing else comes. */
static void
tick_expired(struct mc_timer *timer)
{
	struct bench *bench = mc_container_of(timer, struct bench, tick);

	mc_timer_start(bench->reactor, timer, mc_reactor_now(bench->reactor) + TICK_NS);
}

/* The whole bench is one message: it polls a reactor of its own on the lcore's thread. */
static void
bench_on_lcore(struct mc_msg *msg)
{
	struct bench *bench = mc_container_of(msg, struct bench, msg);
	struct mc_reactor_params params = {
		.size = sizeof(params),
		.name = "mc-bench",
		.idle = bench->options.idle,
		.spin_ns = bench->options.spin_ns,
		.messages_max = 1024,
	};
	enum mc_status st = mc_reactor_create(&params, &bench->reactor);

	if (st == MC_OK) {
		bench->tick.expired = tick_expired;
		st = mc_timer_start(bench->reactor, &bench->tick, mc_clock_mono_ns() + TICK_NS);
		if (st == MC_OK)
			st = bench_run(bench);
		mc_timer_stop(bench->reactor, &bench->tick);
		mc_reactor_destroy(bench->reactor);
	}
	if (st != MC_OK)
		bench->failed = true;
	sem_post(&bench->done);
}

/* A signal goes before what it broke: 130 for SIGINT, as shells have it. */
static int
exit_code(const struct bench *bench)
{
	int number = interrupt_signal();

	if (number == 0)
		return bench->failed ? EXIT_FAILURE : EXIT_SUCCESS;
	fprintf(stderr, "mc-bench: ended early by a signal: %s\n", strsignal(number));
	return 128 + number;
}

static int
bench_start(struct bench *bench)
{
	const char *cpus = bench->options.cpus;
	struct mc_eal_params eal = {
		.size = sizeof(eal),
		.corelist = cpus[0] != '\0' ? cpus : NULL,
		.lcore_count = 1,
		.idle = MC_IDLE_ADAPTIVE,
	};

	bench->options.params.live = !bench->options.json && isatty(STDERR_FILENO);
	bench->results = calloc(2 * (size_t)bench->options.rounds, sizeof(*bench->results));
	if (bench->results == NULL || mc_wire_init() != MC_OK || mc_eal_start(&eal) != MC_OK) {
		free(bench->results);
		return EXIT_FAILURE;
	}
	interrupt_watch();
	sem_init(&bench->done, 0, 0);
	bench->msg.run = bench_on_lcore;
	mc_reactor_send(mc_lcore_reactor(0), &bench->msg);
	while (sem_wait(&bench->done) != 0)
		;
	mc_eal_stop();
	free(bench->results);
	return exit_code(bench);
}

static const char usage[] =
	"usage: mc-bench master [HOST:PORT] [flags]\n\nDrives a master "
	"with the calls of Mooncake's client; the objects have no bytes.\n\n"
	"Exit code: 0; 1 when something failed or was answered wrongly; 130 or 143\n"
	"when SIGINT or SIGTERM ended it early, with what was measured until then.";

int
bench_master(int argc, const char *const *argv)
{
	struct mc_flags_params params = {
		.size = sizeof(params),
		.table = bench_options_table,
		.table_count = bench_options_count,
		.program = "mc-bench master",
	};
	static struct bench bench;
	struct mc_flags *flags;
	int rc = EXIT_FAILURE;

	mc_log_level_set(MC_LOG_WARN);
	if (mc_flags_create(&params, &flags) != MC_OK)
		return EXIT_FAILURE;
	if (mc_flags_parse(flags, argc, argv) == MC_OK &&
	    mc_flags_request(flags) != MC_FLAGS_RUN)
		rc = request_serve(flags, usage);
	else if (mc_flags_errors(flags)[0] == '\0' &&
		 bench_options_read(flags, &bench.options) == MC_OK)
		rc = bench_start(&bench);
	fputs(mc_flags_errors(flags), stderr);
	mc_flags_destroy(flags);
	return rc;
}
