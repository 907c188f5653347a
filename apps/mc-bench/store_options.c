/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/store_options.h"

#include <stdio.h>
#include <string.h>

#include "apps/mc-bench/size.h"

#define SUITE_SIZES   "4K,64K,1M,4M"
#define SUITE_SECONDS 0.8
#define SUITE_BATCH   16u

const struct mc_flag store_options_table[] = {
	{"quick", MC_FLAG_BOOL, "false", "Ends",
	 "puts and gets of some sizes, singly and in a batch; with a master and nodes of its own "
	 "within 30 seconds"},
	{"master", MC_FLAG_STRING, "", "Ends",
	 "HOST:PORT of the master; without it one is started here, with nodes, and ended"},
	{"metadata", MC_FLAG_STRING, "P2PHANDSHAKE", "Ends",
	 "P2PHANDSHAKE, or http://HOST:PORT/metadata, as the nodes have it"},
	{"host", MC_FLAG_STRING, "127.0.0.1", "Ends", "address by which nodes reach the clients"},
	{"driver", MC_FLAG_STRING, "auto", "Ends",
	 "what to move bytes with: auto, or some of shm, tcp with commas"},
	{"device", MC_FLAG_STRING, "", "Ends", "NICs to use, separated by commas; all if empty"},
	{"segment_size", MC_FLAG_STRING, "", "Ends",
	 "memory that each client gives to the pool; none if empty", .noun = "a size like 1G"},
	{"nodes", MC_FLAG_UINT32, "2", "Ends", "nodes that are started here", .min = 1, .max = 16},
	{"node_size", MC_FLAG_STRING, "1G", "Ends", "memory of each of them",
	 .noun = "a size like 1G"},

	{"op", MC_FLAG_STRING, "put,get", "Load",
	 "put, get, exist, mixed (puts and gets by -put_ratio); several with commas"},
	{"size", MC_FLAG_STRING, "1M", "Load",
	 "bytes of an object, like 4096 or 64K; several with commas", .noun = "a size like 64K"},
	{"batch", MC_FLAG_UINT32, "1", "Load", "objects in each call", .min = 1, .max = 4096},
	{"clients", MC_FLAG_UINT32, "1", "Load",
	 "clients, each a store and a thread of its own in this process", .min = 1, .max = 64},
	{"live", MC_FLAG_STRING, "512M", "Load",
	 "bytes of objects that there are at a time: puts remove their oldest, gets go over so "
	 "many", .noun = "a size like 512M"},
	{"hit_ratio", MC_FLAG_DOUBLE, "1", "Load",
	 "share of gets and exists of keys that are there",
	 .min = 0, .max = 1, .noun = "a ratio"},
	{"put_ratio", MC_FLAG_DOUBLE, "0.1", "Load", "share of puts in -op mixed", .min = 0,
	 .max = 1, .noun = "a ratio"},
	{"replicas", MC_FLAG_UINT32, "1", "Load", "of each object", .min = 1, .max = 16},
	{"staged", MC_FLAG_BOOL, "false", "Load",
	 "gets into memory of the store, and copied from there; else into the caller's at once"},
	{"checksum", MC_FLAG_BOOL, "false", "Load", "make one with each put, check it in gets"},
	{"verify", MC_FLAG_BOOL, "false", "Load",
	 "judge each byte that is got by its key, off the clock; exit code 2 when one is wrong"},

	{"seconds", MC_FLAG_DOUBLE, "2", "Time", "of each row", .min = 0.05, .max = 86400},
	{"warmup", MC_FLAG_DOUBLE, "0.2", "Time", "seconds in front of each row that do not count",
	 .min = 0, .max = 3600},
	{"rounds", MC_FLAG_UINT32, "1", "Time", "of each row; the medians are reported", .min = 1,
	 .max = STORE_ROUNDS_MAX},
	{"deadline", MC_FLAG_DURATION_MS, "5000", "Time", "of each put and get", .min = 1,
	 .max = 3600000},

	{"l", MC_FLAG_STRING, "", "Cores",
	 "CPUs for the stores, one pinned lcore each, like 2-5,8; none: each has a thread that "
	 "sleeps while its client polls", .noun = "a list like 2-5,8"},
	{"inline", MC_FLAG_BOOL, "false", "Cores",
	 "no thread and no lcore: each client polls its own store"},
	{"idle_policy", MC_FLAG_STRING, "adaptive", "Cores", "what an idle lcore of -l does",
	 .choices = "adaptive|busy"},
	{"master_cpus", MC_FLAG_STRING, "", "Cores",
	 "those of the master that is started here; the first if empty",
	 .noun = "a list like 2-5,8"},
	{"master_busy", MC_FLAG_BOOL, "false", "Cores", "that master never sleeps"},

	{"json", MC_FLAG_BOOL, "false", "Output", "one object per row, and nothing else"},
	{"html", MC_FLAG_STRING, "", "Output",
	 "file to write a page with the table to; it needs nothing else", .noun = "a file"},
	MC_FLAGS_STANDARD,
};

const size_t store_options_count = sizeof(store_options_table) / sizeof(store_options_table[0]);

static const char *const op_names[LOAD_OPS] = {"put", "get", "exist", "mixed"};

const char *
store_op_name(enum store_load_op op)
{
	return op_names[op];
}

/* NULL for "". */
static const char *
text_or_null(const struct mc_flags *flags, const char *name)
{
	const char *text = mc_flags_string(flags, name);

	return text[0] != '\0' ? text : NULL;
}

static enum mc_status
ops_read(struct mc_flags *flags, struct store_options *options)
{
	const char *at = mc_flags_string(flags, "op");

	for (;;) {
		size_t len = strcspn(at, ",");
		unsigned int op = 0;

		while (op < LOAD_OPS && (strlen(op_names[op]) != len ||
					 strncmp(op_names[op], at, len) != 0))
			op++;
		if (op == LOAD_OPS || options->ops_count == LOAD_OPS) {
			mc_flags_complain(flags, "op", "\"%.64s\"; give put, get, exist, mixed, "
					  "each once", mc_flags_string(flags, "op"));
			return MC_ERR_INVALID;
		}
		options->ops[options->ops_count++] = (enum store_load_op)op;
		if (at[len] == '\0')
			return MC_OK;
		at += len + 1;
	}
}

static enum mc_status
size_read(struct mc_flags *flags, const char *name, uint64_t *size_out)
{
	const char *text = mc_flags_string(flags, name);

	if (text[0] == '\0' || size_parse(text, size_out) == MC_OK)
		return MC_OK;
	mc_flags_complain(flags, name, "\"%.32s\" is no size; give bytes, or K, M, G as in 64K, up "
			  "to 1T", text);
	return MC_ERR_INVALID;
}

static enum mc_status
sizes_read(struct mc_flags *flags, struct store_options *options)
{
	const char *text = mc_flags_string(flags, "size");
	enum mc_status st;

	if (options->quick && !mc_flags_given(flags, "size"))
		text = SUITE_SIZES;
	st = size_list_parse(text, options->sizes, STORE_SIZES_MAX, &options->sizes_count);
	if (st == MC_ERR_TOO_LARGE)
		mc_flags_complain(flags, "size", "more than %u sizes; give fewer",
				  STORE_SIZES_MAX);
	else if (st != MC_OK)
		mc_flags_complain(flags, "size", "\"%.64s\" is no size; give bytes, or K, M, G as "
				  "in 64K, up to 1T", text);
	for (unsigned int i = 0; st == MC_OK && i < options->sizes_count; i++) {
		if (options->sizes[i] * options->batch_most * options->clients <= options->live)
			continue;
		mc_flags_complain(flags, "live", "less than one call of each client needs; give at "
				  "least %llu bytes",
				  (unsigned long long)options->sizes[i] *
					  options->batch_most * options->clients);
		return MC_ERR_INVALID;
	}
	return st == MC_OK ? MC_OK : MC_ERR_INVALID;
}

static enum mc_status
ends_read(struct mc_flags *flags, struct store_options *options)
{
	const char *driver = mc_flags_string(flags, "driver");

	if (mc_flags_args_count(flags) > 0) {
		mc_flags_complain(flags, NULL, "\"%.64s\" is one argument too many; give -master "
				  "%.64s", mc_flags_arg(flags, 0), mc_flags_arg(flags, 0));
		return MC_ERR_INVALID;
	}
	if (options->poll_inline && options->corelist != NULL) {
		mc_flags_complain(flags, "inline", "there is no lcore with -inline; leave out -l");
		return MC_ERR_INVALID;
	}
	options->drivers = strcmp(driver, "auto") == 0 ? NULL : driver;
	return MC_OK;
}

enum mc_status
store_options_read(struct mc_flags *flags, struct store_options *options_out)
{
	bool busy = strcmp(mc_flags_string(flags, "idle_policy"), "busy") == 0;
	enum mc_status st;

	*options_out = (struct store_options){
		.quick = mc_flags_bool(flags, "quick"),
		.master = text_or_null(flags, "master"),
		.metadata = mc_flags_string(flags, "metadata"),
		.host = mc_flags_string(flags, "host"),
		.devices = text_or_null(flags, "device"),
		.nodes = (unsigned int)mc_flags_uint(flags, "nodes"),
		.batch = (unsigned int)mc_flags_uint(flags, "batch"),
		.clients = (unsigned int)mc_flags_uint(flags, "clients"),
		.hit_ratio = mc_flags_double(flags, "hit_ratio"),
		.put_ratio = mc_flags_double(flags, "put_ratio"),
		.replicas = (unsigned int)mc_flags_uint(flags, "replicas"),
		.staged = mc_flags_bool(flags, "staged"),
		.poll_inline = mc_flags_bool(flags, "inline"),
		.checksum = mc_flags_bool(flags, "checksum"),
		.verify = mc_flags_bool(flags, "verify"),
		.seconds = mc_flags_double(flags, "seconds"),
		.warmup = mc_flags_double(flags, "warmup"),
		.rounds = (unsigned int)mc_flags_uint(flags, "rounds"),
		.deadline_ms = (uint32_t)mc_flags_uint(flags, "deadline"),
		.corelist = text_or_null(flags, "l"),
		.idle = busy ? MC_IDLE_BUSY : MC_IDLE_ADAPTIVE,
		.master_cpus = text_or_null(flags, "master_cpus"),
		.master_busy = mc_flags_bool(flags, "master_busy"),
		.json = mc_flags_bool(flags, "json"),
		.html = text_or_null(flags, "html"),
	};
	options_out->batch_most = options_out->batch;
	if (options_out->quick && options_out->batch < SUITE_BATCH)
		options_out->batch_most = SUITE_BATCH;
	if (options_out->quick && !mc_flags_given(flags, "seconds"))
		options_out->seconds = SUITE_SECONDS;
	st = ends_read(flags, options_out);
	if (st == MC_OK)
		st = ops_read(flags, options_out);
	if (st == MC_OK)
		st = size_read(flags, "segment_size", &options_out->segment);
	if (st == MC_OK)
		st = size_read(flags, "node_size", &options_out->node);
	if (st == MC_OK)
		st = size_read(flags, "live", &options_out->live);
	return st == MC_OK ? sizes_read(flags, options_out) : st;
}
