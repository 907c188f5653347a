/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/store_own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"

#define START_NS (20 * MC_NS_PER_S)
#define KEPT_LINES 12u

/* The log of a child until it serves; shown if it does not. */
struct lines {
	char text[KEPT_LINES][320];
	unsigned int count;
};

static void
lines_show(const struct lines *lines)
{
	unsigned int first = lines->count > KEPT_LINES ? lines->count - KEPT_LINES : 0;

	for (unsigned int i = first; i < lines->count; i++)
		fprintf(stderr, "  %s\n", lines->text[i % KEPT_LINES]);
}

/* "… rpc on ADDRESS:PORT, all releases" */
static void
address_note(const char *line, char *address, size_t size)
{
	const char *at = strstr(line, "] rpc on ");
	const char *colon = at != NULL ? strchr(at + 9, ':') : NULL;

	if (colon != NULL)
		snprintf(address, size, "127.0.0.1:%d", atoi(colon + 1));
}

static enum mc_status
serving_await(struct child *child, const char *program, char *address, size_t size)
{
	uint64_t end = mc_clock_mono_ns() + START_NS;
	struct lines lines = {.count = 0};
	char why[64];

	for (;;) {
		char *line = lines.text[lines.count % KEPT_LINES];
		uint64_t now = mc_clock_mono_ns();
		enum mc_status st = child_line(child, line, sizeof(lines.text[0]),
					       end > now ? end - now : 0);

		if (st == MC_OK) {
			lines.count++;
			address_note(line, address, size);
			if (strstr(line, "] serving") == NULL)
				continue;
			child_mute(child);
			return MC_OK;
		}
		if (st == MC_ERR_CANCELED)
			return st;
		child_ended(child, MC_NS_PER_S);
		fprintf(stderr, "mc-bench store: %s %s:\n", program,
			child->pid == 0 ? child_text(child, why, sizeof(why))
					: "does not begin to serve");
		lines_show(&lines);
		return st;
	}
}

static enum mc_status
master_start(struct store_own *own, const struct store_options *options, const char *path)
{
	const char *cpus = options->master_cpus != NULL ? options->master_cpus : "0";
	char *argv[] = {"mc-master", "-rpc_port=0", "-port=0", "-metrics_port=0",
			"-rpc_address=127.0.0.1", "-metrics_host=127.0.0.1", "-l", (char *)cpus,
			"-poll", options->master_busy ? "busy" : "adaptive", NULL};
	enum mc_status st = child_start_program(&own->master, path, argv);

	if (st != MC_OK)
		return st;
	return serving_await(&own->master, "mc-master", own->address, sizeof(own->address));
}

static enum mc_status
node_start(struct store_own *own, const struct store_options *options, const char *path)
{
	struct child *child = &own->nodes[own->nodes_count];
	char size[32], unused[8];
	char *argv[] = {"mc-node", "-master_server_address", own->address, "-metadata_server",
			(char *)options->metadata, "-host", (char *)options->host, "-bind_host",
			(char *)options->host, "-global_segment_size", size, "-drivers",
			(char *)(options->drivers != NULL ? options->drivers : ""), NULL};
	enum mc_status st;

	snprintf(size, sizeof(size), "%llu", (unsigned long long)options->node);
	st = child_start_program(child, path, argv);
	if (st != MC_OK)
		return st;
	own->nodes_count++;
	return serving_await(child, "mc-node", unused, sizeof(unused));
}

enum mc_status
store_own_start(struct store_own *own, const struct store_options *options)
{
	char path[CHILD_PATH_MAX];
	enum mc_status st;

	*own = (struct store_own){.master.out = -1};
	if (!child_program_find("mc-master", path))
		return MC_ERR_NOT_FOUND;
	st = master_start(own, options, path);
	if (st == MC_OK && !child_program_find("mc-node", path))
		st = MC_ERR_NOT_FOUND;
	for (unsigned int i = 0; st == MC_OK && i < options->nodes; i++)
		st = node_start(own, options, path);
	return st;
}

void
store_own_stop(struct store_own *own)
{
	for (unsigned int i = 0; i < own->nodes_count; i++)
		child_stop(&own->nodes[i]);
	child_stop(&own->master);
}
