/* SPDX-License-Identifier: Apache-2.0 */
/* mc-node: gives memory to a KV-cache pool. Exit codes: 0, or 1 with the reason. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/mc-node/config.h"
#include "apps/mc-node/options.h"
#include "apps/mc-node/run.h"
#include "mc/version.h"

static int
buf_print(struct mc_buf *text, enum mc_status st)
{
	bool ok = st == MC_OK &&
		  fwrite(text->data + text->head, 1, mc_buf_len(text), stdout) == mc_buf_len(text);

	mc_buf_fini(text);
	return ok && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
request_answer(const struct mc_flags *flags, enum mc_flags_request request)
{
	static const char usage[] = "usage: mc-node [flags]\n\nA node of a KV-cache pool: gives "
				    "memory to it, and does nothing else.";
	struct mc_buf text;

	mc_buf_init(&text);
	if (request == MC_FLAGS_HELP)
		return buf_print(&text, mc_flags_help_write(flags, usage, &text));
	if (request == MC_FLAGS_PRINT_CONFIG)
		return buf_print(&text, mc_flags_config_write(flags, &text));
	if (request == MC_FLAGS_HELP_MARKDOWN)
		return buf_print(&text, node_options_document(flags, &text));
	return printf("mc-node %s\n", MC_VERSION) > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
serve(struct mc_flags *flags)
{
	struct node_config config;

	if (node_config_read(flags, &config) != MC_OK) {
		fputs(mc_flags_errors(flags), stderr);
		return EXIT_FAILURE;
	}
	mc_log_level_set(config.log_level);
	for (const char *line = mc_flags_notices(flags); *line != '\0';) {
		int len = (int)strcspn(line, "\n");

		mc_log_warn("%.*s", len, line);
		line += len + (line[len] == '\n');
	}
	return node_run(&config) == MC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	struct mc_flags_params params = {
		.size = sizeof(params),
		.table = node_options_table,
		.table_count = node_options_count,
		.program = "mc-node",
		.program_alias = "mooncake_client",
		.env_prefix = "MC_NODE_",
	};
	enum mc_flags_request request;
	struct mc_flags *flags;
	enum mc_status st;
	int rc = EXIT_FAILURE;

	if (mc_flags_create(&params, &flags) != MC_OK) {
		fputs("mc-node: out of memory\n", stderr);
		return EXIT_FAILURE;
	}
	st = mc_flags_parse(flags, argc, (const char *const *)argv);
	request = mc_flags_request(flags);
	if (request == MC_FLAGS_HELP || request == MC_FLAGS_HELP_MARKDOWN ||
	    request == MC_FLAGS_VERSION || (st == MC_OK && request == MC_FLAGS_PRINT_CONFIG))
		rc = request_answer(flags, request);
	else if (st == MC_OK)
		rc = serve(flags);
	else
		fputs(mc_flags_errors(flags), stderr);
	mc_flags_destroy(flags);
	return rc;
}
