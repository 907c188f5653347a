/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mc-bench replay: what serving engines would do with the requests of a trace. For each request the
 * longest prefix that is there is looked up and got, and the blocks behind it are put.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/mc-bench/commands.h"
#include "apps/mc-bench/interrupt.h"
#include "apps/mc-bench/replay_trace.h"
#include "apps/mc-bench/request.h"
#include "apps/mc-bench/size.h"
#include "apps/mc-bench/store_own.h"
#include "apps/mc-bench/tick.h"
#include "core/base/clock.h"
#include "core/base/histogram.h"
#include "mc/log.h"

#define CLIENTS_MAX 64u
#define KEY_BYTES 32u

static const struct mc_flag replay_options_table[] = {
	{"master", MC_FLAG_STRING, "", "Ends",
	 "HOST:PORT of the master; without it one is started here, with nodes, and ended"},
	{"metadata", MC_FLAG_STRING, "P2PHANDSHAKE", "Ends",
	 "P2PHANDSHAKE, or http://HOST:PORT/metadata, as the nodes have it"},
	{"host", MC_FLAG_STRING, "127.0.0.1", "Ends", "address by which nodes reach the clients"},
	{"driver", MC_FLAG_STRING, "auto", "Ends",
	 "what to move bytes with: auto, or some of shm, tcp with commas"},
	{"nodes", MC_FLAG_UINT32, "2", "Ends", "nodes that are started here", .min = 1, .max = 16},
	{"node_size", MC_FLAG_STRING, "1G", "Ends", "memory of each of them",
	 .noun = "a size like 1G"},
	{"master_cpus", MC_FLAG_STRING, "", "Ends",
	 "CPUs of the master that is started here; the first if empty",
	 .noun = "a list like 2-5,8"},

	{"bytes_per_token", MC_FLAG_UINT32, "256", "Load",
	 "of KV cache; a block has 512 tokens. Models have some KiB to some hundreds: less lets "
	 "the working set of a trace fit a small pool", .min = 1, .max = 1048576},
	{"speedup", MC_FLAG_DOUBLE, "0", "Load",
	 "requests come so much faster than in the trace; 0: as soon as a client is free", .min = 0,
	 .max = 1e6},
	{"clients", MC_FLAG_UINT32, "1", "Load",
	 "serving engines, each a store and a thread of its own", .min = 1, .max = CLIENTS_MAX},
	{"requests", MC_FLAG_UINT32, "0", "Load", "of the trace, from its start; 0: all"},
	{"checksum", MC_FLAG_BOOL, "false", "Load", "make one with each put, check it in gets"},

	{"json", MC_FLAG_BOOL, "false", "Output", "one object, and nothing else"},
	MC_FLAGS_STANDARD,
};

struct replay;

/* One thread's. */
struct engine {
	pthread_t thread;
	struct replay *replay;
	struct mc_store *store;
	uint8_t *values;		/* as many blocks as the longest request has */
	struct mc_store_item *items;
	struct mc_iov *pieces;
	char (*keys)[KEY_BYTES];
	struct mc_histogram latency;	/* of requests */
	uint64_t requests, hits, puts, refused, lost, errors;
	enum mc_status first_error;
};

struct replay {
	struct mc_flags *flags;
	struct trace trace;
	uint64_t block;			/* bytes */
	double speedup;
	unsigned int clients;
	struct engine *engines;
	struct store_own own;
	_Atomic uint32_t next;		/* request */
	uint64_t begin_ns;
	double seconds;
};

/* ---- one request ---- */

static void
items_set(struct engine *engine, const struct trace_request *request, uint32_t from, uint32_t to)
{
	const struct replay *replay = engine->replay;

	for (uint32_t i = from; i < to; i++) {
		snprintf(engine->keys[i], KEY_BYTES, "replay/%llx",
			 (unsigned long long)replay->trace.blocks[request->first + i]);
		engine->pieces[i] = (struct mc_iov){engine->values + i * replay->block,
						    replay->block};
		engine->items[i] = (struct mc_store_item){
			.key = engine->keys[i], .pieces = &engine->pieces[i], .pieces_count = 1};
	}
}

static void
error_note(struct engine *engine, enum mc_status status)
{
	if (engine->errors++ == 0)
		engine->first_error = status;
}

/* How many of the first blocks are there. */
static uint32_t
prefix_find(struct engine *engine, uint32_t blocks)
{
	uint32_t found = 0;

	mc_store_exist_batch(engine->store, engine->items, blocks);
	while (found < blocks && engine->items[found].status == MC_OK)
		found++;
	if (found < blocks && engine->items[found].status != MC_ERR_OBJECT_NOT_FOUND)
		error_note(engine, engine->items[found].status);
	return found;
}

/* How many of them could be got: one that is evicted meanwhile ends the prefix. */
static uint32_t
prefix_get(struct engine *engine, uint32_t blocks)
{
	uint32_t got = 0;

	if (blocks == 0)
		return 0;
	mc_store_get_batch(engine->store, engine->items, blocks);
	while (got < blocks && engine->items[got].status == MC_OK)
		got++;
	engine->lost += blocks - got;
	if (got < blocks && engine->items[got].status != MC_ERR_OBJECT_NOT_FOUND)
		error_note(engine, engine->items[got].status);
	return got;
}

static void
rest_put(struct engine *engine, uint32_t from, uint32_t to)
{
	if (from == to)
		return;
	mc_store_put_batch(engine->store, engine->items + from, to - from, NULL);
	for (uint32_t i = from; i < to; i++) {
		if (engine->items[i].status == MC_OK)
			engine->puts++;
		else if (engine->items[i].status == MC_ERR_NO_SPACE)
			engine->refused++;
		else
			error_note(engine, engine->items[i].status);
	}
}

static void
request_run(struct engine *engine, const struct trace_request *request)
{
	uint64_t begin = mc_clock_mono_ns();
	uint32_t prefix;

	items_set(engine, request, 0, request->blocks);
	prefix = prefix_find(engine, request->blocks);
	prefix = prefix_get(engine, prefix);
	rest_put(engine, prefix, request->blocks);
	mc_histogram_add(&engine->latency, mc_clock_mono_ns() - begin);
	engine->hits += prefix;
	engine->requests++;
}

static void *
engine_main(void *arg)
{
	struct engine *engine = arg;
	struct replay *replay = engine->replay;

	for (;;) {
		uint32_t at = atomic_fetch_add_explicit(&replay->next, 1, memory_order_relaxed);
		const struct trace_request *request = &replay->trace.requests[at];
		uint64_t due = replay->begin_ns;

		if (at >= replay->trace.requests_count)
			return NULL;
		if (replay->speedup > 0)
			due += (uint64_t)((double)request->at_ms * 1e6 / replay->speedup);
		while (mc_clock_mono_ns() < due && interrupt_signal() == 0)
			tick_sleep(due - mc_clock_mono_ns());
		if (interrupt_signal() != 0)
			return NULL;
		request_run(engine, request);
	}
}

/* ---- engines ---- */

static uint32_t
blocks_most(const struct trace *trace)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < trace->requests_count; i++) {
		if (trace->requests[i].blocks > most)
			most = trace->requests[i].blocks;
	}
	return most;
}

static enum mc_status
engine_open(struct replay *replay, struct engine *engine, const char *master)
{
	const char *driver = mc_flags_string(replay->flags, "driver");
	uint32_t most = blocks_most(&replay->trace);
	struct mc_store_params params = {
		.size = sizeof(params),
		.hostname = mc_flags_string(replay->flags, "host"),
		.metadata = mc_flags_string(replay->flags, "metadata"),
		.master = master,
		.drivers = strcmp(driver, "auto") == 0 ? NULL : driver,
		.checksum = mc_flags_bool(replay->flags, "checksum"),
		.put_deadline_ms = 30000,
		.get_deadline_ms = 30000,
		.rpc_timeout_ms = 5000,
	};

	engine->replay = replay;
	engine->values = malloc(most * replay->block);
	engine->items = calloc(most, sizeof(*engine->items));
	engine->pieces = calloc(most, sizeof(*engine->pieces));
	engine->keys = calloc(most, sizeof(*engine->keys));
	if (engine->values == NULL || engine->items == NULL || engine->pieces == NULL ||
	    engine->keys == NULL) {
		fprintf(stderr, "mc-bench replay: no memory for %u blocks of %llu bytes; give less "
			"-bytes_per_token\n", most, (unsigned long long)replay->block);
		return MC_ERR_NO_MEMORY;
	}
	memset(engine->values, 0x5a, most * replay->block);
	return mc_store_open(&params, &engine->store);
}

static void
engine_close(struct engine *engine)
{
	mc_store_close(engine->store, MC_STORE_GRACEFUL);
	free(engine->values);
	free(engine->items);
	free(engine->pieces);
	free(engine->keys);
}

static void
engines_run(struct replay *replay)
{
	replay->begin_ns = mc_clock_mono_ns();
	for (unsigned int i = 0; i < replay->clients; i++) {
		if (pthread_create(&replay->engines[i].thread, NULL, engine_main,
				   &replay->engines[i]) != 0)
			abort();	/* a thread less would be another measurement */
	}
	for (unsigned int i = 0; i < replay->clients; i++)
		pthread_join(replay->engines[i].thread, NULL);
	replay->seconds = (double)(mc_clock_mono_ns() - replay->begin_ns) * 1e-9;
}

/* ---- report ---- */

static bool
report(const struct replay *replay)
{
	static struct mc_histogram latency;
	uint64_t blocks = 0, requests = 0, hits = 0, puts = 0, refused = 0, lost = 0, errors = 0;
	enum mc_status first = MC_OK;
	double gb, ratio, p50, p99;

	for (unsigned int i = 0; i < replay->clients; i++) {
		const struct engine *engine = &replay->engines[i];

		mc_histogram_merge(&latency, &engine->latency);
		requests += engine->requests;
		hits += engine->hits;
		puts += engine->puts;
		refused += engine->refused;
		lost += engine->lost;
		errors += engine->errors;
		first = first == MC_OK ? engine->first_error : first;
	}
	/* each block of a request is a hit, is put, is refused, or is an error */
	for (uint32_t i = 0; i < replay->trace.requests_count; i++)
		blocks += replay->trace.requests[i].blocks;
	gb = (double)(hits + puts) * (double)replay->block * 1e-9;
	ratio = blocks > 0 ? (double)hits / (double)blocks : 0;
	p50 = (double)mc_histogram_percentile(&latency, 0.5) * 1e-3;
	p99 = (double)mc_histogram_percentile(&latency, 0.99) * 1e-3;
	if (mc_flags_bool(replay->flags, "json"))
		printf("{\"bench\":\"replay\",\"requests\":%" PRIu64 ",\"blocks\":%" PRIu64
		       ",\"block_bytes\":%" PRIu64 ",\"clients\":%u,\"seconds\":%.3f,"
		       "\"hit_ratio\":%.4f,\"requests_per_s\":%.1f,\"gb_per_s\":%.4f,"
		       "\"p50_us\":%.1f,\"p99_us\":%.1f,\"puts\":%" PRIu64
		       ",\"refused\":%" PRIu64 ",\"evicted_meanwhile\":%" PRIu64
		       ",\"errors\":%" PRIu64 "}\n",
		       requests, blocks, replay->block, replay->clients, replay->seconds, ratio,
		       (double)requests / replay->seconds, gb / replay->seconds, p50, p99, puts,
		       refused, lost, errors);
	else
		printf("requests %" PRIu64 ", blocks %" PRIu64 " of %" PRIu64
		       " bytes, clients %u, %.3f s\nhit ratio %.4f, requests/s %.1f, GB/s %.4f\n"
		       "request p50 %.1f us, p99 %.1f us\nputs %" PRIu64 ", refused for want of "
		       "space %" PRIu64 ", evicted between lookup and get %" PRIu64
		       ", errors %" PRIu64 "\n",
		       requests, blocks, replay->block, replay->clients, replay->seconds, ratio,
		       (double)requests / replay->seconds, gb / replay->seconds, p50, p99, puts,
		       refused, lost, errors);
	if (errors > 0)
		fprintf(stderr, "mc-bench replay: %s\n", mc_status_text(first));
	return errors == 0;
}

/* ---- all ---- */

static enum mc_status
trace_open(struct replay *replay)
{
	const char *path;
	char why[160];
	FILE *file;
	enum mc_status st;

	if (mc_flags_args_count(replay->flags) != 1) {
		mc_flags_complain(replay->flags, NULL, "%zu traces given; give one file",
				  mc_flags_args_count(replay->flags));
		return MC_ERR_INVALID;
	}
	path = mc_flags_arg(replay->flags, 0);
	file = fopen(path, "r");
	if (file == NULL) {
		mc_flags_complain(replay->flags, NULL, "%.200s: %s; give a trace of JSON lines",
				  path, strerror(errno));
		return MC_ERR_NOT_FOUND;
	}
	st = trace_read(file, (uint32_t)mc_flags_uint(replay->flags, "requests"), &replay->trace,
			why, sizeof(why));
	fclose(file);
	if (st != MC_OK)
		mc_flags_complain(replay->flags, NULL, "%.200s: %s", path, why);
	return st;
}

static enum mc_status
own_start(struct replay *replay)
{
	const char *cpus = mc_flags_string(replay->flags, "master_cpus");
	struct store_options options = {
		.metadata = mc_flags_string(replay->flags, "metadata"),
		.host = mc_flags_string(replay->flags, "host"),
		.nodes = (unsigned int)mc_flags_uint(replay->flags, "nodes"),
		.master_cpus = cpus[0] != '\0' ? cpus : NULL,
	};

	if (size_parse(mc_flags_string(replay->flags, "node_size"), &options.node) != MC_OK) {
		mc_flags_complain(replay->flags, "node_size",
				  "\"%.32s\" is no size; give bytes, or K, M, G as in 64K",
				  mc_flags_string(replay->flags, "node_size"));
		return MC_ERR_INVALID;
	}
	return store_own_start(&replay->own, &options);
}

static int
replay_run(struct replay *replay)
{
	const char *master = mc_flags_string(replay->flags, "master");
	enum mc_status st = trace_open(replay);
	bool good = false;

	interrupt_watch();
	replay->clients = (unsigned int)mc_flags_uint(replay->flags, "clients");
	replay->speedup = mc_flags_double(replay->flags, "speedup");
	replay->block =
		mc_flags_uint(replay->flags, "bytes_per_token") * (uint64_t)TRACE_BLOCK_TOKENS;
	replay->engines = calloc(replay->clients, sizeof(*replay->engines));
	if (st == MC_OK && replay->engines == NULL)
		st = MC_ERR_NO_MEMORY;
	if (st == MC_OK && master[0] == '\0') {
		st = own_start(replay);
		master = replay->own.address;
	}
	for (unsigned int i = 0; st == MC_OK && i < replay->clients; i++)
		st = engine_open(replay, &replay->engines[i], master);
	if (st == MC_OK) {
		engines_run(replay);
		good = report(replay);
	}
	for (unsigned int i = 0; replay->engines != NULL && i < replay->clients; i++)
		engine_close(&replay->engines[i]);
	store_own_stop(&replay->own);
	trace_free(&replay->trace);
	free(replay->engines);
	if (interrupt_signal() != 0) {
		fprintf(stderr, "mc-bench replay: ended early by a signal: %s\n",
			strsignal(interrupt_signal()));
		return 128 + interrupt_signal();
	}
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static const char usage[] =
	"usage: mc-bench replay [flags] TRACE\n\n"
	"Does with the requests of a trace what serving engines would: looks the longest prefix\n"
	"up, gets it, and puts the blocks behind it. TRACE has a JSON object a line, with\n"
	"timestamp (ms) and hash_ids, as Mooncake's FAST'25 traces have.\n\n"
	"Exit code: 0; 1 when something failed; 130 or 143 when a signal ended it early.";

static const char document[] =
	"# Flags of mc-bench replay\n\n"
	"Written by `mc-bench replay -help_markdown`; `apps/mc-bench/replay.c` is the source.\n"
	"[benchmarks.md](benchmarks.md) says how it is used.\n";

int
bench_replay(int argc, const char *const *argv)
{
	struct mc_flags_params params = {
		.size = sizeof(params),
		.table = replay_options_table,
		.table_count = sizeof(replay_options_table) / sizeof(replay_options_table[0]),
		.program = "mc-bench replay",
	};
	static struct replay replay = {.own.master.out = -1};
	int rc = EXIT_FAILURE;

	mc_log_level_set(MC_LOG_ERROR);
	if (mc_flags_create(&params, &replay.flags) != MC_OK)
		return EXIT_FAILURE;
	if (mc_flags_parse(replay.flags, argc, argv) == MC_OK &&
	    mc_flags_request(replay.flags) != MC_FLAGS_RUN) {
		if (mc_flags_request(replay.flags) == MC_FLAGS_HELP_MARKDOWN)
			fputs(document, stdout);
		rc = request_serve(replay.flags, usage);
	} else if (mc_flags_errors(replay.flags)[0] == '\0') {
		rc = replay_run(&replay);
	}
	fputs(mc_flags_errors(replay.flags), stderr);
	mc_flags_destroy(replay.flags);
	return rc;
}
