/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process with one engine, driven by lines of JSON on standard input, {"do": NAME, …}; it answers
 * each with a line, {"result": …} or {"error": TEXT}. tests/integration/support/engine_node.py has
 * the other end, and says what each command means.
 */
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "mc/engine.h"
#include "mc/log.h"

#define PATTERN 65521u	/* a prime: shifted bytes do not look alike */
#define ITEMS_MAX 64

static struct mc_engine *engine;
static struct mc_segment *segments[ITEMS_MAX];
static struct mc_batch *batches[ITEMS_MAX];
static uint64_t begun_ns[ITEMS_MAX];
static unsigned int segments_count, batches_count;
static unsigned char pattern[2 * PATTERN];

static pthread_mutex_t notes_lock = PTHREAD_MUTEX_INITIALIZER;
static json_t *notes;

/* ---- arguments and answers ---- */

static json_t *
status_json(enum mc_status status)
{
	return json_string(mc_status_text(status));
}

static uint64_t
number(const json_t *command, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(command, name));
}

static const char *
text(const json_t *command, const char *name)
{
	return json_string_value(json_object_get(command, name));
}

static struct mc_segment *
segment_of(const json_t *command)
{
	return segments[number(command, "segment") % ITEMS_MAX];
}

static uint64_t
timeout_of(const json_t *command)
{
	return number(command, "timeout_ms") * MC_NS_PER_MS;
}

/* ---- engine and memory ---- */

static void
notified(void *context, const char *name, const char *what)
{
	pthread_mutex_lock(&notes_lock);
	json_array_append_new(notes, json_pack("[ss]", name, what));
	pthread_mutex_unlock(&notes_lock);
}

static json_t *
do_create(const json_t *command)
{
	struct mc_eal_params eal = {.size = sizeof(eal), .corelist = text(command, "lcores"),
				    .lcore_count = 1};
	struct mc_engine_params params = {
		.size = sizeof(params),
		.name = text(command, "name"),
		.metadata = text(command, "metadata"),
		.drivers = text(command, "drivers"),
		.bind_host = text(command, "bind_host"),
		.poll_inline = json_is_true(json_object_get(command, "inline")),
	};
	enum mc_status st = params.poll_inline ? MC_OK : mc_eal_start(&eal);

	if (st == MC_OK)
		st = mc_engine_create(&params, &engine);
	if (st != MC_OK)
		return json_pack("{s:o}", "status", status_json(st));
	mc_engine_notify_set(engine, notified, NULL);
	return json_pack("{s:o, s:s}", "status", status_json(st), "name", mc_engine_name(engine));
}

static json_t *
do_destroy(const json_t *command)
{
	for (unsigned int i = 0; i < ITEMS_MAX; i++) {
		if (batches[i] != NULL)
			mc_batch_wait(batches[i]);
		mc_batch_free(batches[i]);
	}
	mc_engine_destroy(engine);
	mc_eal_stop();
	return json_true();
}

/* Memory of a region, or of the program (mapped, at an odd address). */
static json_t *
do_memory(const json_t *command)
{
	struct mc_region_params params = {.size = sizeof(params),
					  .length = number(command, "bytes")};
	struct mc_region *region;
	unsigned char *host;

	if (json_is_true(json_object_get(command, "host"))) {
		host = mmap(NULL, params.length + 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		return json_integer((json_int_t)(uintptr_t)(host + 17));
	}
	if (mc_region_create(&params, &region) != MC_OK ||
	    mc_region_wait(region, params.length, 60 * MC_NS_PER_S) != MC_OK)
		return NULL;
	return json_integer((json_int_t)(uintptr_t)mc_region_addr(region));
}

static json_t *
do_register(const json_t *command)
{
	struct mc_mem_params params = {
		.size = sizeof(params),
		.local_only = json_is_true(json_object_get(command, "local_only")),
	};
	struct mc_engine_mem *mem;

	return status_json(mc_engine_mem_reg(engine, (void *)(uintptr_t)number(command, "addr"),
					     number(command, "bytes"), &params, &mem));
}

static json_t *
do_unregister(const json_t *command)
{
	const void *addr = (void *)(uintptr_t)number(command, "addr");
	struct mc_engine_mem *mem = mc_engine_mem_find(engine, addr);

	return status_json(mem != NULL ? mc_engine_mem_unreg(mem) : MC_ERR_NOT_FOUND);
}

/* ---- contents ---- */

static void
pattern_make(void)
{
	uint32_t x = 12345;

	for (unsigned int i = 0; i < PATTERN; i++) {
		x = x * 1103515245u + 12345u;
		pattern[i] = pattern[i + PATTERN] = (unsigned char)(x >> 16);
	}
}

static void
fill(unsigned char *bytes, uint64_t length, uint64_t salt)
{
	for (uint64_t at = 0; at < length; at += PATTERN) {
		uint64_t run = length - at < PATTERN ? length - at : PATTERN;

		memcpy(bytes + at, pattern + salt % PATTERN, run);
	}
}

/* The first byte that is not of the pattern; -1: none. */
static int64_t
check(const unsigned char *bytes, uint64_t length, uint64_t salt)
{
	for (uint64_t at = 0; at < length; at += PATTERN) {
		uint64_t run = length - at < PATTERN ? length - at : PATTERN;

		if (memcmp(bytes + at, pattern + salt % PATTERN, run) == 0)
			continue;
		while (bytes[at] == pattern[salt % PATTERN + at % PATTERN])
			at++;
		return (int64_t)at;
	}
	return -1;
}

static json_t *
do_fill(const json_t *command)
{
	fill((unsigned char *)(uintptr_t)number(command, "addr"), number(command, "bytes"),
	     number(command, "salt"));
	return json_true();
}

static json_t *
do_check(const json_t *command)
{
	return json_integer(check((unsigned char *)(uintptr_t)number(command, "addr"),
				  number(command, "bytes"), number(command, "salt")));
}

/* ---- peers ---- */

static json_t *
do_open(const json_t *command)
{
	enum mc_status st = mc_segment_open(engine, text(command, "name"), timeout_of(command),
					    &segments[segments_count % ITEMS_MAX]);

	if (st != MC_OK)
		return json_pack("{s:o}", "status", status_json(st));
	return json_pack("{s:o, s:i}", "status", status_json(st), "segment",
			 (int)(segments_count++ % ITEMS_MAX));
}

static json_t *
do_close(const json_t *command)
{
	mc_segment_close(segment_of(command));
	return json_true();
}

static json_t *
do_buffers(const json_t *command)
{
	struct mc_segment_buffer buffers[ITEMS_MAX];
	bool refresh = json_is_true(json_object_get(command, "refresh"));
	uint32_t count = mc_segment_buffers(segment_of(command), refresh, buffers, ITEMS_MAX);
	json_t *out = json_array();

	for (uint32_t i = 0; i < count && i < ITEMS_MAX; i++)
		json_array_append_new(out, json_pack("[IIs]", (json_int_t)buffers[i].addr,
						     (json_int_t)buffers[i].length,
						     buffers[i].location));
	return out;
}

static json_t *
do_driver(const json_t *command)
{
	const char *driver = mc_segment_driver(segment_of(command));

	return driver != NULL ? json_string(driver) : json_null();
}

static json_t *
do_notify(const json_t *command)
{
	return status_json(mc_segment_notify(segment_of(command), text(command, "name"),
					     text(command, "text"), timeout_of(command)));
}

static json_t *
do_probe(const json_t *command)
{
	return status_json(mc_segment_probe(segment_of(command), timeout_of(command)));
}

static json_t *
do_notes(const json_t *command)
{
	json_t *taken;

	pthread_mutex_lock(&notes_lock);
	taken = notes;
	notes = json_array();
	pthread_mutex_unlock(&notes_lock);
	return taken;
}

static json_t *
do_counters(const json_t *command)
{
	struct mc_engine_counters counters;

	mc_engine_counters_read(engine, &counters);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "transfers",
			 (json_int_t)counters.transfers, "failures",
			 (json_int_t)counters.failures, "timeouts", (json_int_t)counters.timeouts,
			 "retries", (json_int_t)counters.retries, "bytes",
			 (json_int_t)counters.bytes, "served",
			 (json_int_t)counters.served_bytes, "fallbacks",
			 (json_int_t)counters.fallbacks);
}

/* ---- transfers ---- */

/* "requests": [[remote, local, bytes], …]. Under way when this returns. */
static enum mc_status
batch_start(const json_t *command, struct mc_batch **batch_out)
{
	const json_t *requests = json_object_get(command, "requests");
	bool write = strcmp(text(command, "op"), "write") == 0;
	uint64_t deadline = mc_clock_mono_ns() + timeout_of(command);
	size_t count = json_array_size(requests);
	struct mc_batch *batch;
	enum mc_status st = mc_batch_alloc(engine, (uint32_t)count, 0, &batch);

	for (size_t i = 0; i < count && st == MC_OK; i++) {
		const json_t *request = json_array_get(requests, i);
		uint64_t at[3];

		for (unsigned int k = 0; k < 3; k++)
			at[k] = (uint64_t)json_integer_value(json_array_get(request, k));
		st = mc_batch_add(batch, write ? MC_WRITE : MC_READ, segment_of(command), at[0],
				  (void *)(uintptr_t)at[1], at[2]);
	}
	if (st == MC_OK)
		st = mc_batch_submit(batch, deadline, NULL, NULL);
	*batch_out = batch;
	return st;
}

static json_t *
batch_result(struct mc_batch *batch, const json_t *command, uint64_t begin)
{
	json_t *statuses = json_array();
	enum mc_status st = mc_batch_wait(batch);
	uint64_t end = mc_clock_mono_ns();

	for (uint32_t i = 0; mc_batch_status(batch, i) != MC_ERR_INVALID; i++)
		json_array_append_new(statuses, status_json(mc_batch_status(batch, i)));
	mc_batch_free(batch);
	return json_pack("{s:o, s:o, s:I}", "status", status_json(st), "statuses", statuses, "ms",
			 (json_int_t)((end - begin) / MC_NS_PER_MS));
}

static json_t *
do_transfer(const json_t *command)
{
	uint64_t begin = mc_clock_mono_ns();
	struct mc_batch *batch;
	enum mc_status st = batch_start(command, &batch);

	if (st != MC_OK)
		return json_pack("{s:o}", "status", status_json(st));
	return batch_result(batch, command, begin);
}

static json_t *
do_begin(const json_t *command)
{
	unsigned int id = batches_count++ % ITEMS_MAX;
	enum mc_status st;

	begun_ns[id] = mc_clock_mono_ns();
	st = batch_start(command, &batches[id]);
	return st == MC_OK ? json_integer(id) : NULL;
}

static json_t *
do_await(const json_t *command)
{
	unsigned int id = (unsigned int)number(command, "batch") % ITEMS_MAX;
	struct mc_batch *batch = batches[id];

	batches[id] = NULL;
	return batch_result(batch, command, begun_ns[id]);
}

/*
 * Writes random runs into "areas", [[segment, remote, bytes], …], each ours alone, reads them back
 * and compares, for "seconds"; "local" has twice "run" bytes. The number of rounds, or what was
 * wrong.
 */
static json_t *
do_storm(const json_t *command)
{
	const json_t *areas = json_object_get(command, "areas");
	unsigned char *local = (unsigned char *)(uintptr_t)number(command, "local");
	uint64_t run = number(command, "run");
	uint64_t end = mc_clock_mono_ns() + number(command, "seconds") * MC_NS_PER_S;
	json_int_t rounds = 0;
	struct mc_batch *batch;
	struct mc_random random;

	mc_random_init(&random, number(command, "seed"));
	if (mc_batch_alloc(engine, 1, 0, &batch) != MC_OK)
		return NULL;
	for (; mc_clock_mono_ns() < end; rounds++) {
		const json_t *area = json_array_get(
			areas, mc_random_below(&random, json_array_size(areas)));
		struct mc_segment *segment =
			segments[json_integer_value(json_array_get(area, 0)) % ITEMS_MAX];
		uint64_t remote = (uint64_t)json_integer_value(json_array_get(area, 1));
		uint64_t room = (uint64_t)json_integer_value(json_array_get(area, 2));
		uint64_t bytes = 1 + mc_random_below(&random, mc_random_below(&random, run) + 1);
		uint64_t salt = mc_random_next(&random);
		enum mc_status st = MC_OK;

		remote += mc_random_below(&random, room - bytes + 1);
		fill(local, bytes, salt);
		for (int k = 0; k < 2 && st == MC_OK; k++) {
			mc_batch_reset(batch);
			mc_batch_add(batch, k == 0 ? MC_WRITE : MC_READ, segment, remote,
				     local + (k == 0 ? 0 : run), bytes);
			st = mc_batch_submit(batch, 0, NULL, NULL);
			if (st == MC_OK)
				st = mc_batch_wait(batch);
		}
		if (st != MC_OK)
			return json_sprintf("round %lld: %s", (long long)rounds,
					    mc_status_text(st));
		if (check(local + run, bytes, salt) >= 0)
			return json_sprintf("round %lld: wrong bytes", (long long)rounds);
	}
	mc_batch_free(batch);
	return json_integer(rounds);
}

/* ---- the loop ---- */

static const struct {
	const char *name;
	json_t *(*run)(const json_t *command);
} commands[] = {
	{"create", do_create},	       {"destroy", do_destroy},	  {"memory", do_memory},
	{"register", do_register},     {"unregister", do_unregister}, {"fill", do_fill},
	{"check", do_check},	       {"open", do_open},	  {"close", do_close},
	{"buffers", do_buffers},       {"driver", do_driver},	  {"notify", do_notify},
	{"probe", do_probe},	       {"notes", do_notes},	  {"counters", do_counters},
	{"transfer", do_transfer},     {"begin", do_begin},	  {"await", do_await},
	{"storm", do_storm},
};

static json_t *
command_run(const json_t *command)
{
	const char *name = text(command, "do");

	for (size_t i = 0; name != NULL && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].run(command);
	}
	return NULL;
}

int
main(void)
{
	char *line = NULL;
	size_t room = 0;

	pattern_make();
	notes = json_array();
	while (getline(&line, &room, stdin) > 0) {
		json_t *command = json_loads(line, 0, NULL);
		json_t *result = command_run(command);
		json_t *answer = result != NULL ? json_pack("{s:o}", "result", result)
						: json_pack("{s:s}", "error", "it failed");
		char *out = json_dumps(answer, JSON_COMPACT);

		puts(out);
		fflush(stdout);
		free(out);
		json_decref(answer);
		json_decref(command);
	}
	json_decref(notes);
	free(line);
	return 0;
}
