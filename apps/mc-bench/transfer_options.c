/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/transfer_options.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/mc-bench/size.h"
#include "core/base/clock.h"

#define SUITE_SIZES   "4K,64K,1M,16M"
#define SUITE_DRIVERS "shm,tcp"
#define SUITE_OPS     "read,write"
#define SUITE_SECONDS 1.2

const struct mc_flag transfer_options_table[] = {
	{"target", MC_FLAG_BOOL, "false", "Ends",
	 "serve until SIGINT or SIGTERM; the first line of standard output is the segment to give "
	 "to -peer"},
	{"peer", MC_FLAG_STRING, "", "Ends",
	 "the segment to read and write; without it a target is started on this host, and ended"},
	{"metadata", MC_FLAG_STRING, "P2PHANDSHAKE", "Ends",
	 "P2PHANDSHAKE, or http://HOST:PORT/metadata where segments are registered"},
	{"name", MC_FLAG_STRING, "127.0.0.1", "Ends",
	 "what the other end calls this one: HOST, or HOST:PORT"},
	{"driver", MC_FLAG_STRING, "auto", "Ends",
	 "what to move bytes with: auto, shm, tcp; several with commas, each by itself"},
	{"device", MC_FLAG_STRING, "", "Ends", "NICs to use, separated by commas; all if empty"},
	{"buffer", MC_FLAG_STRING, "256M", "Ends",
	 "bytes that a target offers, in each buffer", .noun = "a size like 256M"},
	{"buffers", MC_FLAG_UINT32, "1", "Ends",
	 "buffers that a target offers; an initiator of Mooncake's takes one per NUMA node of its "
	 "host",
	 .min = 1, .max = 64},
	{"huge", MC_FLAG_STRING, "try", "Ends", "hugepages below the buffers",
	 .choices = "try|never|only"},

	{"op", MC_FLAG_STRING, "read", "Load", "read, write, or both with a comma"},
	{"size", MC_FLAG_STRING, "1M", "Load",
	 "bytes of a transfer, like 4096 or 64K; several with commas", .noun = "a size like 64K"},
	{"sweep", MC_FLAG_STRING, "", "Load",
	 "in place of -size: FROM:TO in powers of two, or FROM:TO:FACTOR",
	 .noun = "a range like 4K:64M"},
	{"batch", MC_FLAG_UINT32, "8", "Load", "submissions in flight for each thread", .min = 1,
	 .max = TRANSFER_FLIGHT_MAX},
	{"post", MC_FLAG_UINT32, "1", "Load",
	 "transfers in each submission; its latency is that of the last one", .min = 1,
	 .max = 4096},
	{"threads", MC_FLAG_UINT32, "1", "Load", "submitting threads", .min = 1, .max = 256},
	{"complete", MC_FLAG_STRING, "callback", "Load",
	 "what starts the next transfer: callback, the completion itself on its lcore, so that the "
	 "threads only start; wait, a thread that slept; poll, a thread that looked all the time",
	 .choices = "callback|wait|poll"},
	{"set", MC_FLAG_STRING, "", "Load",
	 "bytes of the target's buffer to go through, each piece once per pass in an order that no "
	 "prefetcher guesses; the largest buffer if empty", .noun = "a size like 1G"},
	{"verify", MC_FLAG_BOOL, "false", "Load",
	 "judge each byte: those read, and those written by reading them back; exit code 2 when "
	 "one is wrong"},
	{"fill", MC_FLAG_BOOL, "false", "Load",
	 "write what -verify expects first, for a target that is not mc-bench's"},
	{"seed", MC_FLAG_UINT64, "1", "Load", "of the bytes; both ends need the same"},

	{"seconds", MC_FLAG_DOUBLE, "4", "Time", "of each row", .min = 0.05, .max = 86400},
	{"warmup", MC_FLAG_DOUBLE, "0.3", "Time", "seconds in front of each row that do not count",
	 .min = 0, .max = 3600},
	{"rounds", MC_FLAG_UINT32, "1", "Time", "of each row; the medians are reported", .min = 1,
	 .max = TRANSFER_ROUNDS_MAX},
	{"timeout", MC_FLAG_DOUBLE, "10", "Time",
	 "seconds for the other end to appear, or for a transfer, before giving up", .min = 0.1,
	 .max = 3600},

	{"l", MC_FLAG_STRING, "", "Cores",
	 "CPUs to run on, one pinned lcore each, like 2-5,8; with -inline the one to run on",
	 .noun = "a list like 2-5,8"},
	{"c", MC_FLAG_STRING, "", "Cores", "the same as a hexadecimal mask, like 0x3c",
	 .noun = "a mask like 0x3c"},
	{"lcores", MC_FLAG_STRING, "", "Cores",
	 "the same with ids, like 0@2,1@3 (id 0 on CPU 2, id 1 on CPU 3)",
	 .noun = "a list like 0@2,1@3"},
	{"target_cpus", MC_FLAG_STRING, "", "Cores",
	 "those of the target that is started on this host; one that is not ours if empty",
	 .noun = "a list like 2-5,8"},
	{"idle_policy", MC_FLAG_STRING, "adaptive", "Cores",
	 "what an idle core does, on both ends that are started here: adaptive sleeps until there "
	 "is work, but first spins for up to -poll_idle_us; busy never sleeps",
	 .choices = "adaptive|busy"},
	{"poll_idle_us", MC_FLAG_UINT32, "50", "Cores",
	 "microseconds that an idle core spins at most before it sleeps", .min = 0, .max = 1e6},
	{"inline", MC_FLAG_BOOL, "false", "Cores",
	 "no lcore here: the one submitting thread polls the engine itself"},

	{"json", MC_FLAG_BOOL, "false", "Output", "one object per row, and nothing else"},
	{"html", MC_FLAG_STRING, "", "Output",
	 "file to write a page with the curves to; it needs nothing else", .noun = "a file"},
	MC_FLAGS_STANDARD,
};

const size_t transfer_options_count =
	sizeof(transfer_options_table) / sizeof(transfer_options_table[0]);

const char *
transfer_op_name(enum mc_transfer_op op)
{
	return op == MC_READ ? "read" : "write";
}

/* NULL for "". */
static const char *
text_or_null(const struct mc_flags *flags, const char *name)
{
	const char *text = mc_flags_string(flags, name);

	return text[0] != '\0' ? text : NULL;
}

/* Refuses those of @names (NULL behind the last) that were given, with the same reason. */
static enum mc_status
names_refuse(struct mc_flags *flags, const char *const *names, const char *why)
{
	enum mc_status st = MC_OK;

	for (; *names != NULL; names++) {
		if (mc_flags_given(flags, *names)) {
			mc_flags_complain(flags, *names, "%s", why);
			st = MC_ERR_INVALID;
		}
	}
	return st;
}

static enum mc_status
ends_read(struct mc_flags *flags, struct transfer_options *options)
{
	static const char *const of_initiator[] = {
		"peer", "op", "size", "sweep", "batch", "post", "threads", "complete", "set",
		"verify", "fill", "seconds", "warmup", "rounds", "timeout", "target_cpus",
		"inline", "json",
		"html", NULL};
	static const char *const of_target[] = {"buffer", "buffers", "target_cpus", NULL};

	if (mc_flags_args_count(flags) > 0) {
		mc_flags_complain(flags, NULL,
				  "\"%.64s\" is one argument too many; give -peer %.64s",
				  mc_flags_arg(flags, 0), mc_flags_arg(flags, 0));
		return MC_ERR_INVALID;
	}
	if (options->target)
		return names_refuse(flags, of_initiator,
				    "a target only serves; give it to the other end");
	if (options->peer != NULL)
		return names_refuse(flags, of_target,
				    "is the target's; give it there, or leave out -peer");
	return MC_OK;
}

/* ---- lists ---- */

static enum mc_status
driver_check(struct mc_flags *flags, const char *name)
{
	if (strcmp(name, "auto") == 0 || strcmp(name, "shm") == 0 || strcmp(name, "tcp") == 0)
		return MC_OK;
	if (strcmp(name, "verbs") == 0 || strcmp(name, "mlx5") == 0)
		mc_flags_complain(flags, "driver",
				  "\"%s\" is not built into this version; give auto, shm or tcp",
				  name);
	else
		mc_flags_complain(flags, "driver",
				  "\"%.32s\" is no driver; give auto, shm or tcp", name);
	return MC_ERR_INVALID;
}

static enum mc_status
drivers_read(struct mc_flags *flags, struct transfer_options *options)
{
	const char *at = options->driver_list;

	for (;;) {
		size_t len = strcspn(at, ",");
		char *name = options->drivers[options->drivers_count];

		if (options->drivers_count == TRANSFER_DRIVERS_MAX) {
			mc_flags_complain(flags, "driver", "more than %u; give fewer",
					  TRANSFER_DRIVERS_MAX);
			return MC_ERR_INVALID;
		}
		snprintf(name, sizeof(options->drivers[0]), "%.*s", (int)len, at);
		if (driver_check(flags, name) != MC_OK)
			return MC_ERR_INVALID;
		options->drivers_count++;
		if (at[len] == '\0')
			return MC_OK;
		at += len + 1;
	}
}

static enum mc_status
ops_read(struct mc_flags *flags, struct transfer_options *options, const char *text)
{
	static const struct {
		const char *text;
		enum mc_transfer_op ops[2];
		unsigned int count;
	} known[] = {
		{"read", {MC_READ}, 1},
		{"write", {MC_WRITE}, 1},
		{"read,write", {MC_READ, MC_WRITE}, 2},
		{"write,read", {MC_WRITE, MC_READ}, 2},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(text, known[i].text) == 0) {
			memcpy(options->ops, known[i].ops, sizeof(options->ops));
			options->ops_count = known[i].count;
			return MC_OK;
		}
	}
	mc_flags_complain(flags, "op", "\"%.32s\" is no op; give read, write or read,write", text);
	return MC_ERR_INVALID;
}

/* ---- sizes ---- */

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
sizes_read(struct mc_flags *flags, struct transfer_options *options, const char *text)
{
	bool sweep = mc_flags_given(flags, "sweep");
	enum mc_status st;

	if (sweep && mc_flags_given(flags, "size")) {
		mc_flags_complain(flags, "sweep", "-size is given too; give one of the two");
		return MC_ERR_INVALID;
	}
	if (sweep) {
		text = mc_flags_string(flags, "sweep");
		st = size_sweep_parse(text, options->sizes, TRANSFER_SIZES_MAX,
				      &options->sizes_count);
	} else {
		st = size_list_parse(text, options->sizes, TRANSFER_SIZES_MAX,
				     &options->sizes_count);
	}
	if (st == MC_ERR_TOO_LARGE)
		mc_flags_complain(flags, sweep ? "sweep" : "size",
				  "more than %u sizes; give fewer", TRANSFER_SIZES_MAX);
	else if (st != MC_OK)
		mc_flags_complain(flags, sweep ? "sweep" : "size", "\"%.64s\" is no %s", text,
				  sweep ? "range; give FROM:TO or FROM:TO:FACTOR, as in 4K:64M"
					: "size; give bytes, or K, M, G as in 64K, up to 1T");
	for (unsigned int i = 0; st == MC_OK && i < options->sizes_count; i++) {
		if (options->sizes[i] > options->size_largest)
			options->size_largest = options->sizes[i];
	}
	return st == MC_OK ? MC_OK : MC_ERR_INVALID;
}

/* What the transfers need of the target's buffer, where it is ours to make. */
static enum mc_status
set_check(struct mc_flags *flags, struct transfer_options *options)
{
	uint64_t flight = options->flight;
	uint64_t set = options->set != 0 ? options->set : options->buffer;
	char texts[2][SIZE_TEXT];

	if (flight > TRANSFER_FLIGHT_MAX) {
		mc_flags_complain(flags, "batch",
				  "%u of %u for each of %u threads is more than %u in flight; give "
				  "less of these",
				  options->batch, options->post, options->threads,
				  TRANSFER_FLIGHT_MAX);
		return MC_ERR_INVALID;
	}
	if (options->peer != NULL && options->set == 0)
		return MC_OK;	/* known once the peer is */
	if (options->size_largest > set) {
		mc_flags_complain(flags, options->set != 0 ? "set" : "buffer",
				  "%s is less than one transfer of %s; give more",
				  size_text(set, texts[0]),
				  size_text(options->size_largest, texts[1]));
		return MC_ERR_INVALID;
	}
	if (options->verify && options->size_largest * flight > set) {
		mc_flags_complain(flags, options->set != 0 ? "set" : "buffer",
				  "-verify needs a piece of its own for each transfer in flight; "
				  "give at least %s, or less -batch",
				  size_text(options->size_largest * flight, texts[0]));
		return MC_ERR_INVALID;
	}
	return MC_OK;
}

/* ---- all ---- */

static enum transfer_complete
complete_read(const struct mc_flags *flags)
{
	const char *text = mc_flags_string(flags, "complete");

	if (strcmp(text, "wait") == 0)
		return COMPLETE_WAIT;
	return strcmp(text, "poll") == 0 ? COMPLETE_POLL : COMPLETE_CALLBACK;
}

static enum mc_huge
huge_read(const struct mc_flags *flags)
{
	const char *text = mc_flags_string(flags, "huge");

	if (strcmp(text, "never") == 0)
		return MC_HUGE_NEVER;
	return strcmp(text, "only") == 0 ? MC_HUGE_ONLY : MC_HUGE_TRY;
}

/* With -inline it is one number. */
static enum mc_status
inline_cpu_read(struct mc_flags *flags, struct transfer_options *options)
{
	const char *text = options->corelist;
	char *end;
	long cpu;

	options->corelist = NULL;
	if (text == NULL)
		return MC_OK;
	cpu = strtol(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || cpu >= CPU_SETSIZE) {
		mc_flags_complain(flags, "l", "\"%.32s\", but -inline has one thread; give one CPU",
				  text);
		return MC_ERR_INVALID;
	}
	options->inline_cpu = (int)cpu;
	return MC_OK;
}

static enum mc_status
inline_read(struct mc_flags *flags, struct transfer_options *options)
{
	static const char *const of_lcores[] = {"c", "lcores", "complete", NULL};

	options->inline_cpu = -1;
	if (!options->poll_inline)
		return MC_OK;
	if (options->threads != 1) {
		mc_flags_complain(flags, "threads",
				  "%u, but one thread polls with -inline; give 1",
				  options->threads);
		return MC_ERR_INVALID;
	}
	if (names_refuse(flags, of_lcores, "there is no lcore with -inline; leave out one of the "
			 "two") != MC_OK)
		return MC_ERR_INVALID;
	return inline_cpu_read(flags, options);
}

/* No flag that says what to measure: the tables that one wants to see first. */
static bool
is_suite(const struct mc_flags *flags)
{
	static const char *const names[] = {"peer", "driver", "op", "size", "sweep", NULL};

	for (const char *const *name = names; *name != NULL; name++) {
		if (mc_flags_given(flags, *name))
			return false;
	}
	return true;
}

static void
plain_read(const struct mc_flags *flags, struct transfer_options *options)
{
	bool busy = strcmp(mc_flags_string(flags, "idle_policy"), "busy") == 0;

	*options = (struct transfer_options){
		.target = mc_flags_bool(flags, "target"),
		.peer = text_or_null(flags, "peer"),
		.metadata = mc_flags_string(flags, "metadata"),
		.name = mc_flags_string(flags, "name"),
		.devices = text_or_null(flags, "device"),
		.driver_list = mc_flags_string(flags, "driver"),
		.batch = (unsigned int)mc_flags_uint(flags, "batch"),
		.post = (unsigned int)mc_flags_uint(flags, "post"),
		.threads = (unsigned int)mc_flags_uint(flags, "threads"),
		.complete = complete_read(flags),
		.poll_inline = mc_flags_bool(flags, "inline"),
		.seconds = mc_flags_double(flags, "seconds"),
		.warmup = mc_flags_double(flags, "warmup"),
		.rounds = (unsigned int)mc_flags_uint(flags, "rounds"),
		.timeout_ns = (uint64_t)(mc_flags_double(flags, "timeout") * (double)MC_NS_PER_S),
		.buffers = (unsigned int)mc_flags_uint(flags, "buffers"),
		.huge = huge_read(flags),
		.verify = mc_flags_bool(flags, "verify"),
		.fill = mc_flags_bool(flags, "fill"),
		.seed = mc_flags_uint(flags, "seed"),
		.corelist = text_or_null(flags, "l"),
		.coremask = text_or_null(flags, "c"),
		.lcores = text_or_null(flags, "lcores"),
		.target_cpus = text_or_null(flags, "target_cpus"),
		.idle = busy ? MC_IDLE_BUSY : MC_IDLE_ADAPTIVE,
		.spin_ns = mc_flags_uint(flags, "poll_idle_us") * MC_NS_PER_US,
		.json = mc_flags_bool(flags, "json"),
		.html = text_or_null(flags, "html"),
	};
}

enum mc_status
transfer_options_read(struct mc_flags *flags, struct transfer_options *options_out)
{
	const char *sizes = mc_flags_string(flags, "size");
	const char *ops = mc_flags_string(flags, "op");
	enum mc_status st;

	plain_read(flags, options_out);
	options_out->flight =
		(uint64_t)options_out->batch * options_out->post * options_out->threads;
	if (is_suite(flags) && !options_out->target) {
		sizes = SUITE_SIZES;
		ops = SUITE_OPS;
		options_out->driver_list = SUITE_DRIVERS;
		if (!mc_flags_given(flags, "seconds"))
			options_out->seconds = SUITE_SECONDS;
	}
	st = ends_read(flags, options_out);
	if (st == MC_OK)
		st = drivers_read(flags, options_out);
	if (st == MC_OK)
		st = ops_read(flags, options_out, ops);
	if (st == MC_OK)
		st = sizes_read(flags, options_out, sizes);
	if (st == MC_OK)
		st = size_read(flags, "buffer", &options_out->buffer);
	if (st == MC_OK)
		st = size_read(flags, "set", &options_out->set);
	if (st == MC_OK && options_out->peer == NULL && options_out->set > options_out->buffer)
		options_out->buffer = options_out->set;
	if (st == MC_OK)
		st = inline_read(flags, options_out);
	return st == MC_OK && !options_out->target ? set_check(flags, options_out) : st;
}
