/* SPDX-License-Identifier: Apache-2.0 */
/* mc-bench master: one master, or two in turn. */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/cli/flags.h"
#include "apps/mc-bench/commands.h"
#include "apps/mc-bench/report.h"
#include "core/base/clock.h"
#include "mc/eal.h"
#include "mc/log.h"
#include "mc/version.h"

#define ROUNDS_MAX 100u
#define FILL_BATCH 256u

static const struct mc_flag flags_table[] = {
	{"master", MC_FLAG_STRING, "127.0.0.1:50051", "What",
	 "the master, HOST:PORT, or HOST:PORT/PID to learn its CPU time too"},
	{"compare", MC_FLAG_STRING, "", "What",
	 "two masters, HOST:PORT/PID,HOST:PORT/PID: rounds in turn, and the ratio of the first to "
	 "the second"},
	{"pid", MC_FLAG_INT32, "0", "What", "the master's process, to learn its CPU time", .min = 0,
	 .max = 4194304},
	{"op", MC_FLAG_STRING, "exist", "What",
	 "what to call; several with commas: exist, get, put, mixed, batch_exist, batch_get, "
	 "batch_put, fill"},
	{"suite", MC_FLAG_BOOL, "false", "What",
	 "the rows of doc/perf.md in place of -op, -connections, -depth and -batch"},
	{"connections", MC_FLAG_UINT32, "8", "Load", "connections", .min = 1, .max = 4096},
	{"depth", MC_FLAG_UINT32, "16", "Load", "calls in flight on each", .min = 1, .max = 65536},
	{"batch", MC_FLAG_UINT32, "64", "Load", "keys per call of the batch_ ops", .min = 1,
	 .max = 65536},
	{"keys", MC_FLAG_UINT64, "100000", "Load", "objects that exist", .min = 1, .max = 1e9},
	{"key_size", MC_FLAG_UINT32, "20", "Load", "bytes of a key", .min = KEY_SIZE_MIN,
	 .max = KEY_SIZE_MAX},
	{"value_size", MC_FLAG_UINT64, "4096", "Load", "bytes of an object; none are sent",
	 .min = 1, .max = 1e9},
	{"seconds", MC_FLAG_DOUBLE, "4", "Time", "of each run", .min = 0.1, .max = 86400},
	{"warmup", MC_FLAG_DOUBLE, "0.5", "Time", "seconds in front of each run that do not count",
	 .min = 0, .max = 3600},
	{"rounds", MC_FLAG_UINT32, "5", "Time", "of a comparison; the medians are reported",
	 .min = 1, .max = ROUNDS_MAX},
	{"l", MC_FLAG_STRING, "", "Generator", "the CPU to run on"},
	{"poll", MC_FLAG_STRING, "adaptive", "Generator",
	 "adaptive sleeps when nothing is to be done, busy never does", .choices = "adaptive|busy"},
	{"poll_idle_us", MC_FLAG_UINT32, "0", "Generator", "spin for so long before sleeping",
	 .min = 0, .max = 1e6},
	{"release", MC_FLAG_STRING, "0.3.13", "Generator", "of Mooncake, whose client this is"},
	{"form", MC_FLAG_STRING, "literal", "Generator",
	 "with the type literals that Mooncake's clients send, or short",
	 .choices = "literal|short"},
	{"seed", MC_FLAG_UINT64, "1", "Generator", "of the order of keys"},
	{"json", MC_FLAG_BOOL, "false", "Output", "one object per line, and nothing else"},
	MC_FLAGS_STANDARD,
};

struct row {
	enum op op;
	unsigned int connections;
	unsigned int depth;
};

/* The rows of doc/perf.md; batches of -batch keys. */
static const struct row suite[] = {
	{OP_EXIST, 8, 16}, {OP_GET, 8, 16},	{OP_PUT, 8, 16},	{OP_EXIST, 1, 1},
	{OP_GET, 1, 1},	   {OP_BATCH_EXIST, 4, 4}, {OP_BATCH_GET, 4, 4},
};

#define ROWS_MAX 16u

struct bench {
	const struct mc_flags *flags;
	struct target targets[2];
	unsigned int targets_count;
	struct row rows[ROWS_MAX];
	unsigned int rows_count;
	struct run_params params;
	unsigned int rounds;
	unsigned int batch;
	bool json;
	struct mc_reactor *reactor;
	struct run_result *results;	/* rounds of the first target, then of the second */
	bool failed;
	struct mc_msg msg;
	sem_t done;
};

/* ---- flags ---- */

static enum mc_status
ops_read(struct bench *bench, struct mc_flags *flags)
{
	char *copy = strdup(mc_flags_string(flags, "op"));
	char *rest = copy, *name;
	enum mc_status st = MC_OK;

	while (st == MC_OK && copy != NULL && (name = strsep(&rest, ",")) != NULL) {
		struct row *row = &bench->rows[bench->rows_count];

		st = bench->rows_count < ROWS_MAX ? op_parse(name, &row->op) : MC_ERR_TOO_LARGE;
		if (st != MC_OK) {
			mc_flags_complain(flags, "op",
					  "%.64s is no op; give one of exist, get, put, mixed, "
					  "batch_exist, batch_get, batch_put, fill",
					  name);
			break;
		}
		row->connections = (unsigned int)mc_flags_uint(flags, "connections");
		row->depth = (unsigned int)mc_flags_uint(flags, "depth");
		bench->rows_count++;
	}
	free(copy);
	return st;
}

static enum mc_status
targets_read(struct bench *bench, struct mc_flags *flags)
{
	const char *compare = mc_flags_string(flags, "compare");
	const char *comma = strchr(compare, ',');
	char first[160];
	enum mc_status st;

	if (compare[0] == '\0') {
		bench->targets_count = 1;
		bench->targets[0].pid = (pid_t)mc_flags_int(flags, "pid");
		return target_parse(&bench->targets[0], mc_flags_args_count(flags) > 0
								? mc_flags_arg(flags, 0)
								: mc_flags_string(flags, "master"));
	}
	if (comma == NULL || (size_t)(comma - compare) >= sizeof(first)) {
		mc_flags_complain(flags, "compare",
				  "%.64s: give two, HOST:PORT/PID,HOST:PORT/PID", compare);
		return MC_ERR_INVALID;
	}
	memcpy(first, compare, (size_t)(comma - compare));
	first[comma - compare] = '\0';
	bench->targets_count = 2;
	st = target_parse(&bench->targets[0], first);
	return st == MC_OK ? target_parse(&bench->targets[1], comma + 1) : st;
}

static enum mc_status
bench_read(struct bench *bench, struct mc_flags *flags)
{
	struct run_params *params = &bench->params;
	enum mc_release release;
	enum mc_status st;

	if (mc_release_parse(mc_flags_string(flags, "release"), &release) != MC_OK) {
		mc_flags_complain(flags, "release", "%.32s is none that is known; give 0.3.6 to "
						    "0.3.13",
				  mc_flags_string(flags, "release"));
		return MC_ERR_INVALID;
	}
	*params = (struct run_params){
		.form = strcmp(mc_flags_string(flags, "form"), "short") == 0 ? MC_FORM_SHORT
									     : MC_FORM_LITERAL,
		.key_size = (unsigned int)mc_flags_uint(flags, "key_size"),
		.keys_count = mc_flags_uint(flags, "keys"),
		.value_size = mc_flags_uint(flags, "value_size"),
		.seconds = mc_flags_double(flags, "seconds"),
		.warmup = mc_flags_double(flags, "warmup"),
		.seed = mc_flags_uint(flags, "seed"),
	};
	bench->json = mc_flags_bool(flags, "json");
	params->live = !bench->json && isatty(STDERR_FILENO);
	bench->batch = (unsigned int)mc_flags_uint(flags, "batch");
	bench->rounds = (unsigned int)mc_flags_uint(flags, "rounds");
	st = targets_read(bench, flags);
	for (unsigned int i = 0; i < bench->targets_count; i++)
		bench->targets[i].release = release;
	if (bench->targets_count == 1)
		bench->rounds = 1;
	if (st != MC_OK || !mc_flags_bool(flags, "suite"))
		return st == MC_OK ? ops_read(bench, flags) : st;
	bench->rows_count = sizeof(suite) / sizeof(suite[0]);
	memcpy(bench->rows, suite, sizeof(suite));
	return MC_OK;
}

/* ---- runs, on the generator's lcore ---- */

static enum mc_status
run_checked(struct bench *bench, struct target *target, const struct run_params *params,
	    struct run_result *result)
{
	enum mc_status st = target_run(target, params, result);

	if (st == MC_OK)
		report_errors(target, params, result);
	if (st != MC_OK || result->wrong > 0 || result->lost)
		bench->failed = true;
	return st == MC_OK && result->lost ? MC_ERR_CONN_CLOSED : st;
}

static void
row_params(const struct bench *bench, const struct row *row, struct run_params *params)
{
	bool batched = row->op == OP_BATCH_EXIST || row->op == OP_BATCH_GET ||
		       row->op == OP_BATCH_PUT || row->op == OP_FILL;

	*params = bench->params;
	params->op = row->op;
	params->connections = row->connections;
	params->depth = row->depth;
	params->batch = batched ? bench->batch : 1;
}

/* What the other ops look for. */
static enum mc_status
target_fill(struct bench *bench, struct target *target)
{
	struct run_params params = bench->params;
	struct run_result *result = &bench->results[0];

	params.op = OP_FILL;
	params.connections = 1;
	params.depth = 4;
	params.batch =
		params.keys_count < FILL_BATCH ? (unsigned int)params.keys_count : FILL_BATCH;
	params.live = false;
	return run_checked(bench, target, &params, result);
}

static enum mc_status
row_run(struct bench *bench, const struct row *row)
{
	struct figures figures[2];
	struct run_params params;

	row_params(bench, row, &params);
	for (unsigned int round = 0; round < bench->rounds; round++) {
		for (unsigned int t = 0; t < bench->targets_count; t++) {
			enum mc_status st =
				run_checked(bench, &bench->targets[t], &params,
					    &bench->results[t * bench->rounds + round]);

			if (st != MC_OK)
				return st;
		}
	}
	for (unsigned int t = 0; t < bench->targets_count; t++) {
		figures[t] = figures_median(&bench->results[t * bench->rounds], bench->rounds);
		report_row(bench->json, &bench->targets[t], &params, &figures[t]);
	}
	if (bench->targets_count == 2)
		report_ratio(bench->json, &params, &figures[0], &figures[1]);
	return MC_OK;
}

static enum mc_status
bench_run(struct bench *bench)
{
	bool fill_first = bench->rows[0].op == OP_FILL;	/* a row like any, then */
	enum mc_status st = MC_OK;

	for (unsigned int t = 0; t < bench->targets_count && st == MC_OK; t++) {
		st = target_open(&bench->targets[t], bench->reactor);
		if (st == MC_OK && !fill_first)
			st = target_fill(bench, &bench->targets[t]);
	}
	if (st == MC_OK)
		report_head(bench->json);
	for (unsigned int i = 0; i < bench->rows_count && st == MC_OK; i++)
		st = row_run(bench, &bench->rows[i]);
	for (unsigned int t = 0; t < bench->targets_count; t++)
		target_close(&bench->targets[t]);
	return st;
}

/* The whole bench is one message: it polls a reactor of its own on the lcore's thread. */
static void
bench_on_lcore(struct mc_msg *msg)
{
	struct bench *bench = mc_container_of(msg, struct bench, msg);
	struct mc_reactor_params params = {
		.size = sizeof(params),
		.name = "mc-bench",
		.idle = strcmp(mc_flags_string(bench->flags, "poll"), "busy") == 0
				? MC_IDLE_BUSY
				: MC_IDLE_ADAPTIVE,
		.spin_ns = mc_flags_uint(bench->flags, "poll_idle_us") * MC_NS_PER_US,
		.messages_max = 1024,
	};

	if (mc_reactor_create(&params, &bench->reactor) != MC_OK) {
		bench->failed = true;
	} else {
		if (bench_run(bench) != MC_OK)
			bench->failed = true;
		mc_reactor_destroy(bench->reactor);
	}
	sem_post(&bench->done);
}

static int
bench_start(struct bench *bench)
{
	const char *cpu = mc_flags_string(bench->flags, "l");
	struct mc_eal_params eal = {
		.size = sizeof(eal),
		.corelist = cpu[0] != '\0' ? cpu : NULL,
		.lcore_count = 1,
		.idle = MC_IDLE_ADAPTIVE,
	};

	bench->results = calloc(2 * (size_t)bench->rounds, sizeof(*bench->results));
	if (bench->results == NULL || mc_wire_init() != MC_OK || mc_eal_start(&eal) != MC_OK) {
		free(bench->results);
		return EXIT_FAILURE;
	}
	sem_init(&bench->done, 0, 0);
	bench->msg.run = bench_on_lcore;
	mc_reactor_send(mc_lcore_reactor(0), &bench->msg);
	while (sem_wait(&bench->done) != 0)
		;
	mc_eal_stop();
	free(bench->results);
	return bench->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* What was asked for in place of a run. */
static int
request_serve(const struct mc_flags *flags)
{
	enum mc_status st = MC_OK;
	struct mc_buf text;

	mc_buf_init(&text);
	switch (mc_flags_request(flags)) {
	case MC_FLAGS_HELP:
		st = mc_flags_help_write(
			flags,
			"usage: mc-bench master [HOST:PORT] [flags]\n\nDrives a master "
			"with the calls of Mooncake's client; the objects have no bytes.",
			&text);
		break;
	case MC_FLAGS_HELP_MARKDOWN:
		st = mc_flags_markdown_write(flags, &text);
		break;
	case MC_FLAGS_PRINT_CONFIG:
		st = mc_flags_config_write(flags, &text);
		break;
	default:
		printf("mc-bench %s\n", MC_VERSION);
	}
	if (st == MC_OK && mc_buf_len(&text) > 0)
		fwrite(text.data + text.head, 1, mc_buf_len(&text), stdout);
	mc_buf_fini(&text);
	return st == MC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
bench_master(int argc, const char *const *argv)
{
	struct mc_flags_params params = {
		.size = sizeof(params),
		.table = flags_table,
		.table_count = sizeof(flags_table) / sizeof(flags_table[0]),
		.program = "mc-bench master",
	};
	static struct bench bench;
	struct mc_flags *flags;
	int rc = EXIT_FAILURE;

	mc_log_level_set(MC_LOG_WARN);
	if (mc_flags_create(&params, &flags) != MC_OK)
		return EXIT_FAILURE;
	bench.flags = flags;
	if (mc_flags_parse(flags, argc, argv) == MC_OK &&
	    mc_flags_request(flags) != MC_FLAGS_RUN)
		rc = request_serve(flags);
	else if (mc_flags_errors(flags)[0] == '\0' && bench_read(&bench, flags) == MC_OK)
		rc = bench_start(&bench);
	fputs(mc_flags_errors(flags), stderr);
	mc_flags_destroy(flags);
	return rc;
}
