/* SPDX-License-Identifier: Apache-2.0 */
/* mc-bench COMMAND [flags]: measures; a command's --help says what its exit codes mean. */
#include <stdio.h>
#include <string.h>

#include "apps/mc-bench/commands.h"
#include "mc/version.h"

static const struct {
	const char *name;
	const char *help;
	int (*run)(int argc, const char *const *argv);
} commands[] = {
	{"master", "calls per second, latency and CPU of a master, ours or another", bench_master},
	{"replay", "the requests of a trace, as serving engines would make them", bench_replay},
	{"store", "objects per second, latency and CPU of a store client, its master and nodes",
	 bench_store},
	{"topo", "the nodes and NICs of this machine, and what is near to what", bench_topo},
	{"transfer", "bytes per second, latency and CPU of transfers between two processes",
	 bench_transfer},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void
usage(FILE *out)
{
	fprintf(out, "usage: mc-bench COMMAND [flags]\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
	fprintf(out, "\nmc-bench COMMAND --help lists the flags of a command.\n");
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].run(argc - 1, (const char *const *)argv + 1);
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-help") == 0 || strcmp(name, "-h") == 0) {
		usage(stdout);
		return 0;
	}
	if (strcmp(name, "--version") == 0 || strcmp(name, "-version") == 0) {
		printf("mc-bench %s\n", MC_VERSION);
		return 0;
	}
	if (name[0] != '\0')
		fprintf(stderr, "mc-bench: no command %s\n", name);
	usage(stderr);
	return 1;
}
