/* SPDX-License-Identifier: Apache-2.0 */
/* mc-bench store: objects per second through a store client, a master and nodes. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "apps/mc-bench/commands.h"
#include "apps/mc-bench/interrupt.h"
#include "apps/mc-bench/request.h"
#include "apps/mc-bench/store_own.h"
#include "apps/mc-bench/store_report.h"
#include "apps/mc-bench/tick.h"
#include "core/base/clock.h"
#include "mc/log.h"

#define EXIT_WRONG_BYTES 2
#define CLIENTS_MAX 64u

struct bench {
	struct store_options options;
	struct store_own own;
	const char *master;
	struct mc_store *stores[CLIENTS_MAX];
	struct store_client clients[CLIENTS_MAX];
	struct store_result *results;		/* one for each client */
	unsigned int clients_count;
	struct store_row rows[STORE_ROWS_MAX];
	unsigned int rows_count;
	FILE *html;
	char *command;
	char about[256];
	bool failed, wrong;
};

/* ---- one round ---- */

struct worker {
	pthread_t thread;
	struct store_client *client;
	struct store_result *result;
	enum store_load_op op;
	uint64_t size;
	uint64_t begin_ns, until_ns;	/* counted between */
};

static void *
worker_main(void *arg)
{
	struct worker *worker = arg;
	struct store_result *warm = calloc(1, sizeof(*warm));

	if (warm != NULL)
		store_client_load(worker->client, worker->op, worker->size, worker->begin_ns,
				  warm);
	free(warm);
	store_client_load(worker->client, worker->op, worker->size, worker->until_ns,
			  worker->result);
	return NULL;
}

/* Of all threads, also those that have ended. */
static uint64_t
process_cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * MC_NS_PER_S +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * MC_NS_PER_US;
}

/* CPU time of this process in the time that counts; the main thread only looks. */
static uint64_t
cpu_between(uint64_t begin_ns, uint64_t until_ns)
{
	uint64_t before;

	while (mc_clock_mono_ns() < begin_ns && interrupt_signal() == 0)
		tick_sleep(5 * MC_NS_PER_MS);
	before = process_cpu_ns();
	while (mc_clock_mono_ns() < until_ns && interrupt_signal() == 0)
		tick_sleep(5 * MC_NS_PER_MS);
	return process_cpu_ns() - before;
}

static struct store_figures
round_run(struct bench *bench, struct store_row *row)
{
	const struct store_options *options = &bench->options;
	uint64_t begin = mc_clock_mono_ns() + (uint64_t)(options->warmup * 1e9);
	uint64_t until = begin + (uint64_t)(options->seconds * 1e9), cpu;
	struct worker workers[CLIENTS_MAX];

	for (unsigned int i = 0; i < options->clients; i++) {
		memset(&bench->results[i], 0, sizeof(bench->results[i]));
		workers[i] = (struct worker){
			.client = &bench->clients[i], .result = &bench->results[i],
			.op = row->op, .size = row->size, .begin_ns = begin, .until_ns = until};
		if (pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]) != 0)
			abort();	/* a thread less would be another measurement */
	}
	cpu = cpu_between(begin, until);
	for (unsigned int i = 0; i < options->clients; i++) {
		pthread_join(workers[i].thread, NULL);
		if (bench->results[i].errors > 0 && row->first_error == MC_OK)
			row->first_error = bench->results[i].first_error;
	}
	return store_figures_of(bench->results, options->clients, cpu);
}

/* ---- rows ---- */

static enum mc_status
clients_prepare(struct bench *bench, enum store_load_op op, uint64_t size)
{
	for (unsigned int i = 0; i < bench->clients_count; i++) {
		enum mc_status st = MC_OK;

		if (op == LOAD_PUT)
			store_client_clear(&bench->clients[i]);
		else
			st = store_client_fill(&bench->clients[i], size);
		if (st != MC_OK) {
			fprintf(stderr, "mc-bench store: the objects to get cannot be put: %s; is "
				"there room for -live in the pool?\n", mc_status_text(st));
			return st;
		}
	}
	return MC_OK;
}

static void
row_run(struct bench *bench, enum store_load_op op, uint64_t size)
{
	const struct store_options *options = &bench->options;
	struct store_row *row = &bench->rows[bench->rows_count];
	struct store_figures rounds[STORE_ROUNDS_MAX];

	*row = (struct store_row){
		.op = op, .size = size, .batch = options->batch, .clients = options->clients,
		.rounds = options->rounds, .checksum = options->checksum,
		.staged = options->staged, .poll_inline = options->poll_inline};
	if (clients_prepare(bench, op, size) != MC_OK) {
		bench->failed = true;
		return;
	}
	for (unsigned int i = 0; i < options->rounds && interrupt_signal() == 0; i++)
		rounds[i] = round_run(bench, row);
	if (interrupt_signal() != 0)
		return;
	row->figures = store_figures_median(rounds, options->rounds);
	store_report_row(stdout, options->json, row);
	bench->wrong |= row->figures.wrong > 0;
	bench->failed |= row->figures.errors > 0;
	bench->rows_count++;
}

static void
rows_run(struct bench *bench)
{
	const struct store_options *options = &bench->options;
	uint64_t largest = 0;

	store_report_head(stdout, options->json, bench->about);
	for (unsigned int s = 0; s < options->sizes_count; s++) {
		for (unsigned int o = 0; o < options->ops_count && !bench->failed; o++)
			row_run(bench, options->ops[o], options->sizes[s]);
		largest = options->sizes[s] > largest ? options->sizes[s] : largest;
	}
	if (!options->quick || bench->failed)
		return;
	/* and what serving engines do: many blocks in one call */
	bench->options.batch = options->batch_most;
	for (unsigned int o = 0; o < options->ops_count && !bench->failed; o++)
		row_run(bench, options->ops[o], largest);
}

/* ---- clients ---- */

static enum mc_status
clients_open(struct bench *bench)
{
	const struct store_options *options = &bench->options;
	struct mc_store_params params = {
		.size = sizeof(params),
		.hostname = options->host,
		.metadata = options->metadata,
		.master = bench->master,
		.drivers = options->drivers,
		.devices = options->devices,
		.segment_size = options->segment,
		.buffer_size = 256ull << 20,
		.poll_inline = options->poll_inline,
		.checksum = options->checksum,
		.put_deadline_ms = options->deadline_ms,
		.get_deadline_ms = options->deadline_ms,
	};
	uint64_t run = mc_random_seed();
	enum mc_status st = MC_OK;

	for (unsigned int i = 0; st == MC_OK && i < options->clients; i++) {
		st = mc_store_open(&params, &bench->stores[i]);
		if (st == MC_OK)
			st = store_client_init(&bench->clients[i], options, bench->stores[i], i,
					       run);
		bench->clients_count += st == MC_OK;
		if (st == MC_OK)
			st = store_client_greet(&bench->clients[i]);
		if (st != MC_OK)
			fprintf(stderr, "mc-bench store: client %u: %s\n", i,
				mc_status_text(st));
	}
	return st;
}

static void
clients_close(struct bench *bench)
{
	for (unsigned int i = 0; i < bench->clients_count; i++) {
		store_client_clear(&bench->clients[i]);
		store_client_fini(&bench->clients[i]);
	}
	for (unsigned int i = 0; i < bench->options.clients; i++)
		mc_store_close(bench->stores[i], MC_STORE_GRACEFUL);
}

/* ---- all ---- */

static void
about_write(struct bench *bench)
{
	const struct store_options *options = &bench->options;
	char nodes[64] = "";

	if (options->master == NULL)
		snprintf(nodes, sizeof(nodes), " with %u nodes of %llu MiB started here",
			 options->nodes, (unsigned long long)(options->node >> 20));
	snprintf(bench->about, sizeof(bench->about),
		 "mc-bench store: master %s%s, %s, checksum %s, %s", bench->master, nodes,
		 options->poll_inline	    ? "clients poll"
		 : options->corelist != NULL ? "clients on lcores"
					     : "clients' own threads",
		 options->checksum ? "on" : "off",
		 options->staged ? "gets staged" : "gets into the caller's memory");
}

static void
page_write(struct bench *bench)
{
	struct mc_buf page;

	mc_buf_init(&page);
	if (store_report_page(&page, bench->command, bench->about, bench->rows,
			      bench->rows_count) != MC_OK ||
	    fwrite(page.data + page.head, 1, mc_buf_len(&page), bench->html) !=
		    mc_buf_len(&page) ||
	    fflush(bench->html) != 0) {
		fprintf(stderr, "mc-bench store: -html %s: could not be written whole\n",
			bench->options.html);
		bench->failed = true;
	}
	mc_buf_fini(&page);
	fclose(bench->html);
}

static enum mc_status
runtime_start(const struct store_options *options)
{
	struct mc_eal_params eal = {
		.size = sizeof(eal), .corelist = options->corelist, .idle = options->idle,
		.spin_ns = 50 * MC_NS_PER_US};

	return options->corelist == NULL ? MC_OK : mc_eal_start(&eal);
}

static int
bench_run(struct bench *bench)
{
	struct store_options *options = &bench->options;
	enum mc_status st = MC_OK;
	int number;

	interrupt_watch();
	bench->results = calloc(options->clients, sizeof(*bench->results));
	if (bench->results == NULL)
		st = MC_ERR_NO_MEMORY;
	if (st == MC_OK && options->master == NULL)
		st = store_own_start(&bench->own, options);
	bench->master = options->master != NULL ? options->master : bench->own.address;
	about_write(bench);
	if (st == MC_OK)
		st = runtime_start(options);
	if (st == MC_OK)
		st = clients_open(bench);
	if (st == MC_OK)
		rows_run(bench);
	clients_close(bench);
	store_own_stop(&bench->own);
	mc_eal_stop();
	if (bench->html != NULL)
		page_write(bench);
	free(bench->results);
	number = interrupt_signal();
	if (number != 0) {
		fprintf(stderr, "mc-bench store: ended early by a signal: %s\n",
			strsignal(number));
		return 128 + number;
	}
	if (bench->wrong)
		return EXIT_WRONG_BYTES;
	return st != MC_OK || bench->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Now, so that nothing is measured for nothing. */
static bool
html_open(struct bench *bench)
{
	if (bench->options.html == NULL)
		return true;
	bench->html = fopen(bench->options.html, "w");
	if (bench->html == NULL)
		fprintf(stderr, "mc-bench store: -html %s: %s; give a file that can be written\n",
			bench->options.html, strerror(errno));
	return bench->html != NULL;
}

/* ---- command line ---- */

static const char usage[] =
	"usage: mc-bench store [flags]\n\n"
	"Puts and gets objects through a store client, and says how fast. Without -master it\n"
	"starts a master and nodes on this host, and ends them.\n\n"
	"  mc-bench store -quick\n"
	"  mc-bench store -master HOST:PORT -op put,get -size 4K,1M -verify\n\n"
	"Exit code: 0; 1 when something failed; 2 when -verify found a wrong byte; 130 or\n"
	"143 when SIGINT or SIGTERM ended it early.";

static const char document[] =
	"# Flags of mc-bench store\n\n"
	"Written by `mc-bench store -help_markdown`; `apps/mc-bench/store_options.c` is the "
	"source.\n[benchmarks.md](benchmarks.md) says how it is used. Sizes are bytes, or have K, "
	"M, G behind them\n(powers of 1024).\n";

int
bench_store(int argc, const char *const *argv)
{
	struct mc_flags_params params = {
		.size = sizeof(params),
		.table = store_options_table,
		.table_count = store_options_count,
		.program = "mc-bench store",
	};
	static struct bench bench = {.own.master.out = -1};
	struct mc_flags *flags;
	int rc = EXIT_FAILURE;

	mc_log_level_set(MC_LOG_ERROR);
	if (mc_flags_create(&params, &flags) != MC_OK)
		return EXIT_FAILURE;
	if (mc_flags_parse(flags, argc, argv) == MC_OK &&
	    mc_flags_request(flags) != MC_FLAGS_RUN) {
		if (mc_flags_request(flags) == MC_FLAGS_HELP_MARKDOWN)
			fputs(document, stdout);
		rc = request_serve(flags, usage);
	} else if (mc_flags_errors(flags)[0] == '\0' &&
		   store_options_read(flags, &bench.options) == MC_OK && html_open(&bench)) {
		bench.command = request_command(argc, argv);
		rc = bench.command != NULL ? bench_run(&bench) : EXIT_FAILURE;
	}
	fputs(mc_flags_errors(flags), stderr);
	free(bench.command);
	mc_flags_destroy(flags);
	return rc;
}
