/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/transfer_own.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"

#define START_NS (60 * MC_NS_PER_S)
#define END_NS	 (2 * MC_NS_PER_S)
#define ARGS_MAX 40

/* Borrowed texts, and those made of numbers. */
struct args {
	const char *list[ARGS_MAX];
	char numbers[ARGS_MAX][24];
	char name[512];
	unsigned int count;
};

static void
args_add(struct args *args, const char *text)
{
	args->list[args->count++] = text;
}

static void
args_pair(struct args *args, const char *flag, const char *value)
{
	if (value == NULL)
		return;
	args_add(args, flag);
	args_add(args, value);
}

static void
args_number(struct args *args, const char *flag, uint64_t value)
{
	char *text = args->numbers[args->count];

	snprintf(text, sizeof(args->numbers[0]), "%" PRIu64, value);
	args_pair(args, flag, text);
}

static const char *
huge_text(enum mc_huge huge)
{
	if (huge == MC_HUGE_TRY)
		return "try";
	return huge == MC_HUGE_ONLY ? "only" : "never";
}

/* The first CPU that we may use and do not; -1: there is none. */
static int
cpu_spare(const struct transfer_options *options)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return -1;
	if (options->inline_cpu >= 0)
		CPU_CLR(options->inline_cpu, &set);
	for (unsigned int i = 0; i < mc_eal_lcore_count(); i++) {
		int cpu = mc_eal_lcore_cpu(i);

		if (cpu >= 0 && cpu < CPU_SETSIZE)
			CPU_CLR(cpu, &set);
	}
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &set))
			return cpu;
	}
	return -1;
}

static void
args_make(struct args *args, const struct transfer_options *options)
{
	int cpu = cpu_spare(options);

	args_add(args, "mc-bench");
	args_add(args, "transfer");
	args_add(args, "-target");
	transfer_own_name(args->name, sizeof(args->name), options->name, options->metadata, 1);
	args_pair(args, "-name", args->name);
	args_pair(args, "-metadata", options->metadata);
	args_pair(args, "-driver", options->driver_list);
	args_pair(args, "-device", options->devices);
	args_number(args, "-buffer", options->buffer);
	args_number(args, "-seed", options->seed);
	args_pair(args, "-huge", huge_text(options->huge));
	args_pair(args, "-idle_policy", options->idle == MC_IDLE_BUSY ? "busy" : "adaptive");
	args_number(args, "-poll_idle_us", options->spin_ns / MC_NS_PER_US);
	if (options->target_cpus != NULL)
		args_pair(args, "-l", options->target_cpus);
	else if (cpu >= 0)
		args_number(args, "-l", (uint64_t)cpu);
}

void
transfer_own_name(char *text, size_t size, const char *name, const char *metadata,
		  unsigned int end)
{
	const char *colon = strrchr(name, ':');
	bool bare_ipv6 = name[0] != '[' && colon != NULL && strchr(name, ':') != colon;
	bool has_port = colon != NULL && !bare_ipv6 && strchr(colon, ']') == NULL;
	unsigned int port = 20000 + (unsigned int)getpid() % 20000 + end * 20000;
	int host = has_port ? (int)(colon - name) : (int)strlen(name);

	if (strcmp(metadata, "P2PHANDSHAKE") == 0 || (has_port && end == 0))
		snprintf(text, size, "%s", name);
	else
		snprintf(text, size, bare_ipv6 ? "[%.*s]:%u" : "%.*s:%u", host, name, port);
}

/* Its standard error is ours: it has said there what went wrong. */
static enum mc_status
own_await(struct child *child, char *segment, size_t size)
{
	enum mc_status st = child_line(child, segment, size, START_NS);
	char text[96];

	if (st == MC_OK)
		return st;
	if (st == MC_ERR_CONN_CLOSED && child_ended(child, END_NS))
		fprintf(stderr, "mc-bench transfer: the target %s before it served\n",
			child_text(child, text, sizeof(text)));
	else if (st != MC_ERR_CANCELED)
		fprintf(stderr, "mc-bench transfer: the target does not start: %s\n",
			mc_status_text(st));
	child_stop(child);
	return st;
}

enum mc_status
transfer_own_start(struct child *child, const struct transfer_options *options, char *segment,
		   size_t size)
{
	struct args args = {.count = 0};
	enum mc_status st;

	args_make(&args, options);
	st = child_start(child, (char *const *)args.list);
	return st == MC_OK ? own_await(child, segment, size) : st;
}
