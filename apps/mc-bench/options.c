/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/options.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "apps/mc-bench/report.h"
#include "core/base/clock.h"

#define CALLS_MAX (1u << 20)	/* in flight on all connections: their slots are memory */

const struct mc_flag bench_options_table[] = {
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
	 .min = 1, .max = REPORT_ROUNDS_MAX},
	{"timeout", MC_FLAG_DOUBLE, "10", "Time",
	 "seconds to wait for a connection or an answer before giving up", .min = 0.1, .max = 3600},
	{"l", MC_FLAG_STRING, "", "Generator", "the CPU to run on"},
	{"poll", MC_FLAG_STRING, "adaptive", "Generator",
	 "adaptive sleeps when nothing is to be done, busy never does", .choices = "adaptive|busy"},
	{"poll_idle_us", MC_FLAG_UINT32, "0", "Generator", "spin for so long before sleeping",
	 .min = 0, .max = 1e6},
	{"release", MC_FLAG_STRING, "0.3.13", "Generator",
	 "of Mooncake, whose client this is; mc-master answers as that release on the port that "
	 "-abi_ports gives it"},
	{"form", MC_FLAG_STRING, "literal", "Generator",
	 "with the type literals that Mooncake's clients send, or short",
	 .choices = "literal|short"},
	{"seed", MC_FLAG_UINT64, "1", "Generator", "of the order of keys"},
	{"json", MC_FLAG_BOOL, "false", "Output", "one object per line, and nothing else"},
	MC_FLAGS_STANDARD,
};

const size_t bench_options_count = sizeof(bench_options_table) / sizeof(bench_options_table[0]);

/* The rows of doc/perf.md; batches of -batch keys. */
static const struct bench_row suite[] = {
	{OP_EXIST, 8, 16}, {OP_GET, 8, 16},	{OP_PUT, 8, 16},	{OP_EXIST, 1, 1},
	{OP_GET, 1, 1},	   {OP_BATCH_EXIST, 4, 4}, {OP_BATCH_GET, 4, 4},
};

/* ---- rows ---- */

static enum mc_status
ops_read(struct mc_flags *flags, struct bench_options *options)
{
	char *copy = strdup(mc_flags_string(flags, "op"));
	char *rest = copy, *name;
	enum mc_status st = copy != NULL ? MC_OK : MC_ERR_NO_MEMORY;

	while (st == MC_OK && (name = strsep(&rest, ",")) != NULL) {
		struct bench_row *row = &options->rows[options->rows_count];

		if (options->rows_count == BENCH_ROWS_MAX) {
			mc_flags_complain(flags, "op", "more than %u ops; give fewer",
					  BENCH_ROWS_MAX);
			st = MC_ERR_INVALID;
		} else if (op_parse(name, &row->op) != MC_OK) {
			mc_flags_complain(flags, "op",
					  "\"%.64s\" is no op; give one of exist, get, put, mixed, "
					  "batch_exist, batch_get, batch_put, fill",
					  name);
			st = MC_ERR_INVALID;
		} else {
			row->connections = (unsigned int)mc_flags_uint(flags, "connections");
			row->depth = (unsigned int)mc_flags_uint(flags, "depth");
			options->rows_count++;
		}
	}
	free(copy);
	return st;
}

/* One word on two flags that contradict each other. */
static enum mc_status
flags_exclude(struct mc_flags *flags, const char *name, const char *other)
{
	if (!mc_flags_given(flags, name) || !mc_flags_given(flags, other))
		return MC_OK;
	mc_flags_complain(flags, name, "-%s is given too; give one of the two", other);
	return MC_ERR_INVALID;
}

static enum mc_status
suite_read(struct mc_flags *flags, struct bench_options *options)
{
	options->rows_count = sizeof(suite) / sizeof(suite[0]);
	memcpy(options->rows, suite, sizeof(suite));
	return flags_exclude(flags, "suite", "op");
}

static enum mc_status
rows_check(struct mc_flags *flags, struct bench_options *options)
{
	uint64_t batch = mc_flags_uint(flags, "batch");

	for (unsigned int i = 0; i < options->rows_count; i++) {
		struct bench_row *row = &options->rows[i];

		row->batch = op_batched(row->op) ? (unsigned int)batch : 1;
		if (row->batch > options->params.keys_count) {
			mc_flags_complain(flags, "batch",
					  "%u is more than there are keys; give at most %" PRIu64
					  " or more -keys",
					  row->batch, options->params.keys_count);
			return MC_ERR_INVALID;
		}
		if ((uint64_t)row->connections * row->depth > CALLS_MAX) {
			mc_flags_complain(flags, "depth",
					  "%u on each of %u connections is more than %u calls; "
					  "give less of either",
					  row->depth, row->connections, CALLS_MAX);
			return MC_ERR_INVALID;
		}
	}
	return MC_OK;
}

static enum mc_status
rows_read(struct mc_flags *flags, struct bench_options *options)
{
	enum mc_status st = mc_flags_bool(flags, "suite") ? suite_read(flags, options)
							  : ops_read(flags, options);

	return st == MC_OK ? rows_check(flags, options) : st;
}

/* ---- targets ---- */

/* @name: the flag that @text comes from; NULL: an argument. */
static enum mc_status
target_read(struct mc_flags *flags, const char *name, const char *text, struct target *target)
{
	char why[256];
	enum mc_status st = target_parse(target, text, why, sizeof(why));

	if (st != MC_OK)
		mc_flags_complain(flags, name, "%s", why);
	return st;
}

static enum mc_status
pair_read(struct mc_flags *flags, struct bench_options *options)
{
	char *first = strdup(mc_flags_string(flags, "compare"));
	char *second = first != NULL ? strchr(first, ',') : NULL;
	enum mc_status st = MC_ERR_INVALID;

	if (second == NULL) {
		mc_flags_complain(flags, "compare",
				  "\"%.64s\" is one master; give HOST:PORT/PID,HOST:PORT/PID",
				  mc_flags_string(flags, "compare"));
	} else {
		*second++ = '\0';
		options->targets_count = 2;
		st = target_read(flags, "compare", first, &options->targets[0]);
		if (st == MC_OK)
			st = target_read(flags, "compare", second, &options->targets[1]);
	}
	free(first);
	return st;
}

static enum mc_status
single_read(struct mc_flags *flags, struct bench_options *options)
{
	struct target *target = &options->targets[0];

	options->targets_count = 1;
	options->rounds = 1;
	target->pid = (pid_t)mc_flags_int(flags, "pid");
	if (mc_flags_args_count(flags) > 0)
		return target_read(flags, NULL, mc_flags_arg(flags, 0), target);
	return target_read(flags, "master", mc_flags_string(flags, "master"), target);
}

static enum mc_status
targets_read(struct mc_flags *flags, struct bench_options *options)
{
	bool compare = mc_flags_string(flags, "compare")[0] != '\0';
	size_t most = compare || mc_flags_given(flags, "master") ? 0 : 1;

	if (mc_flags_args_count(flags) > most) {
		mc_flags_complain(flags, NULL,
				  "\"%.64s\" is one argument too many; give one master",
				  mc_flags_arg(flags, most));
		return MC_ERR_INVALID;
	}
	if (!compare)
		return single_read(flags, options);
	if (flags_exclude(flags, "compare", "master") != MC_OK ||
	    flags_exclude(flags, "compare", "pid") != MC_OK)
		return MC_ERR_INVALID;
	return pair_read(flags, options);
}

/* ---- all ---- */

static enum mc_status
release_read(struct mc_flags *flags, struct bench_options *options)
{
	const char *text = mc_flags_string(flags, "release");
	enum mc_release release;

	if (mc_release_parse(text, &release) != MC_OK) {
		mc_flags_complain(flags, "release",
				  "\"%.32s\" is none that is known; give 0.3.6 to %s", text,
				  mc_release_name(MC_RELEASE_NEWEST));
		return MC_ERR_INVALID;
	}
	for (unsigned int i = 0; i < 2; i++) {
		options->targets[i].release = release;
		options->targets[i].timeout_ns =
			(uint64_t)(mc_flags_double(flags, "timeout") * (double)MC_NS_PER_S);
	}
	return MC_OK;
}

enum mc_status
bench_options_read(struct mc_flags *flags, struct bench_options *options_out)
{
	bool is_short = strcmp(mc_flags_string(flags, "form"), "short") == 0;
	bool is_busy = strcmp(mc_flags_string(flags, "poll"), "busy") == 0;
	enum mc_status st;

	*options_out = (struct bench_options){
		.params = {
			.form = is_short ? MC_FORM_SHORT : MC_FORM_LITERAL,
			.key_size = (unsigned int)mc_flags_uint(flags, "key_size"),
			.keys_count = mc_flags_uint(flags, "keys"),
			.value_size = mc_flags_uint(flags, "value_size"),
			.seconds = mc_flags_double(flags, "seconds"),
			.warmup = mc_flags_double(flags, "warmup"),
			.seed = mc_flags_uint(flags, "seed"),
		},
		.rounds = (unsigned int)mc_flags_uint(flags, "rounds"),
		.json = mc_flags_bool(flags, "json"),
		.cpus = mc_flags_string(flags, "l"),
		.idle = is_busy ? MC_IDLE_BUSY : MC_IDLE_ADAPTIVE,
		.spin_ns = mc_flags_uint(flags, "poll_idle_us") * MC_NS_PER_US,
	};
	st = release_read(flags, options_out);
	if (st == MC_OK)
		st = rows_read(flags, options_out);
	return st == MC_OK ? targets_read(flags, options_out) : st;
}
