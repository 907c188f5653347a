/* SPDX-License-Identifier: Apache-2.0 */
/* mc-bench topo: what an engine would see of this machine, or of another one's saved files. */
#include <stdio.h>
#include <stdlib.h>

#include "apps/mc-bench/commands.h"
#include "apps/mc-bench/request.h"
#include "apps/mc-bench/topo_report.h"
#include "mc/log.h"

static const struct mc_flag table[] = {
	{"devices", MC_FLAG_STRING, "", "What",
	 "the NICs to use, with commas; when not given, those of MC_TE_FILTERS, or all"},
	{"matrix", MC_FLAG_STRING, "", "What",
	 "a file with a priority matrix to use; when not given, that of MC_CUSTOM_TOPO_JSON"},
	{"root", MC_FLAG_STRING, "/", "What",
	 "the directory that has the machine's sys and proc, as hwloc-gather-topology saves them"},
	{"json", MC_FLAG_BOOL, "false", "Output", "one object in one line, and nothing else"},
	MC_FLAGS_STANDARD,
};

static const char usage[] =
	"usage: mc-bench topo [flags]\n\nShows nodes, CPUs, memory and NICs, which of them are "
	"near, and what a segment\nof this machine would publish about them. It measures nothing.\n"
	"\nExit code: 0; 1 when a device is not there or a matrix cannot be used.";

/* NULL, which means the environment, unless it was given. */
static const char *
given(const struct mc_flags *flags, const char *name)
{
	return mc_flags_given(flags, name) ? mc_flags_string(flags, name) : NULL;
}

static int
topo_show(const struct mc_flags *flags)
{
	struct mc_topo_params params = {
		.size = sizeof(params),
		.devices = given(flags, "devices"),
		.matrix_path = given(flags, "matrix"),
		.root = mc_flags_string(flags, "root"),
	};
	struct mc_topo *topo;
	struct mc_buf text;
	enum mc_status st = mc_topo_open(&params, &topo);

	if (st != MC_OK)
		return EXIT_FAILURE;
	mc_buf_init(&text);
	st = mc_flags_bool(flags, "json") ? topo_json_write(topo, &text)
					  : topo_table_write(topo, &text);
	if (st == MC_OK)
		fwrite(text.data, 1, mc_buf_len(&text), stdout);
	mc_buf_fini(&text);
	mc_topo_close(topo);
	return st == MC_OK && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
bench_topo(int argc, const char *const *argv)
{
	struct mc_flags_params params = {
		.size = sizeof(params),
		.table = table,
		.table_count = sizeof(table) / sizeof(table[0]),
		.program = "mc-bench topo",
	};
	struct mc_flags *flags;
	int rc = EXIT_FAILURE;

	mc_log_level_set(MC_LOG_WARN);
	if (mc_flags_create(&params, &flags) != MC_OK)
		return EXIT_FAILURE;
	if (mc_flags_parse(flags, argc, argv) == MC_OK) {
		if (mc_flags_args_count(flags) > 0)
			mc_flags_complain(flags, NULL, "\"%.64s\" is no flag; give none or flags",
					  mc_flags_arg(flags, 0));
		else if (mc_flags_request(flags) != MC_FLAGS_RUN)
			rc = request_serve(flags, usage);
		else
			rc = topo_show(flags);
	}
	fputs(mc_flags_errors(flags), stderr);
	mc_flags_destroy(flags);
	return rc;
}
