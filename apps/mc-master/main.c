/* SPDX-License-Identifier: Apache-2.0 */
/* mc-master: the master of a KV-cache pool. Exit codes: 0, or 1 with the reason. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/mc-master/announce.h"
#include "apps/mc-master/config.h"
#include "apps/mc-master/options.h"
#include "apps/mc-master/run.h"
#include "mc/log.h"
#include "mc/version.h"

static const char *
program_name(const char *path)
{
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;

	if (path == NULL || path[0] == '\0')
		return "mc-master";
	return slash != NULL ? slash + 1 : path;
}

static int
buf_print(struct mc_buf *text, enum mc_status st)
{
	bool ok = st == MC_OK &&
		  fwrite(text->data + text->head, 1, mc_buf_len(text), stdout) == mc_buf_len(text);

	mc_buf_fini(text);
	return ok && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
request_answer(const struct mc_flags *flags, enum mc_flags_request request, const char *program)
{
	struct mc_buf text;
	char usage[160];

	mc_buf_init(&text);
	snprintf(usage, sizeof(usage),
		 "usage: %.64s [flags]\n\nThe master of a KV-cache pool, for "
		 "clients of Mooncake Store.",
		 program);
	if (request == MC_FLAGS_HELP)
		return buf_print(&text, mc_flags_help_write(flags, usage, &text));
	if (request == MC_FLAGS_PRINT_CONFIG)
		return buf_print(&text, mc_flags_config_write(flags, &text));
	if (request == MC_FLAGS_HELP_MARKDOWN)
		return buf_print(&text, mc_options_document(flags, &text));
	/* whatever name it was started under, this tells what it is */
	return printf("mc-master %s\n", VERSION_TEXT) > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static enum mc_status
log_open(struct mc_flags *flags, const struct config *config, const char *program, char *path,
	 size_t path_len)
{
	mc_log_level_set(config->log_level);
	path[0] = '\0';
	if (config->log_dir == NULL)
		return MC_OK;
	if ((size_t)snprintf(path, path_len, "%s/%s.INFO", config->log_dir, program) < path_len &&
	    mc_log_file_set(path) == MC_OK)
		return MC_OK;
	mc_flags_complain(flags, "log_dir",
			  "%s.INFO cannot be written in %.200s; give a directory "
			  "that exists and is writable",
			  program, config->log_dir);
	return MC_ERR_INVALID;
}

static void
notices_log(const struct mc_flags *flags)
{
	for (const char *line = mc_flags_notices(flags); *line != '\0';) {
		int len = (int)strcspn(line, "\n");

		mc_log_warn("%.*s", len, line);
		line += len + (line[len] == '\n');
	}
}

static int
serve(struct mc_flags *flags, const char *program)
{
	struct config config;
	char log_path[512];

	if (config_read(flags, &config) != MC_OK || config_ports_check(flags, &config) != MC_OK ||
	    log_open(flags, &config, program, log_path, sizeof(log_path)) != MC_OK) {
		fputs(mc_flags_errors(flags), stderr);
		return EXIT_FAILURE;
	}
	notices_log(flags);
	if (run(&config) == MC_OK)
		return EXIT_SUCCESS;
	if (log_path[0] != '\0')
		fprintf(stderr, "%s: not started; %s says why\n", program, log_path);
	return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	const char *program = program_name(argc > 0 ? argv[0] : NULL);
	struct mc_flags_params params = {
		.size = sizeof(params),
		.table = mc_options_table,
		.table_count = mc_options_count,
		.program = program,
		/* flag files of mooncake_master may name it */
		.program_alias =
			strcmp(program, "mooncake_master") != 0 ? "mooncake_master" : "mc-master",
		.env_prefix = "MC_MASTER_",
	};
	enum mc_flags_request request;
	struct mc_flags *flags;
	enum mc_status st;
	int rc = EXIT_FAILURE;

	if (mc_flags_create(&params, &flags) != MC_OK) {
		fprintf(stderr, "%s: out of memory\n", program);
		return EXIT_FAILURE;
	}
	st = mc_flags_parse(flags, argc, (const char *const *)argv);
	request = mc_flags_request(flags);
	if (request == MC_FLAGS_HELP || request == MC_FLAGS_HELP_MARKDOWN ||
	    request == MC_FLAGS_VERSION || (st == MC_OK && request == MC_FLAGS_PRINT_CONFIG))
		rc = request_answer(flags, request, program);
	else if (st == MC_OK)
		rc = serve(flags, program);
	else
		fputs(mc_flags_errors(flags), stderr);
	mc_flags_destroy(flags);
	return rc;
}
