/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mc/version.h"

int
request_serve(const struct mc_flags *flags, const char *usage)
{
	enum mc_status st = MC_OK;
	struct mc_buf text;

	mc_buf_init(&text);
	switch (mc_flags_request(flags)) {
	case MC_FLAGS_HELP:
		st = mc_flags_help_write(flags, usage, &text);
		break;
	case MC_FLAGS_HELP_MARKDOWN:
		st = mc_flags_markdown_write(flags, &text);
		break;
	case MC_FLAGS_PRINT_CONFIG:
		st = mc_flags_config_write(flags, &text);
		break;
	default:
		printf("mc-bench %s\n", MC_VERSION);
	}
	if (st == MC_OK && mc_buf_len(&text) > 0)
		fwrite(text.data + text.head, 1, mc_buf_len(&text), stdout);
	mc_buf_fini(&text);
	return st == MC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

char *
request_command(int argc, const char *const *argv)
{
	size_t size = sizeof("mc-bench");
	char *text;

	for (int i = 0; i < argc; i++)
		size += strlen(argv[i]) + 1;
	text = malloc(size);
	if (text == NULL)
		return NULL;
	strcpy(text, "mc-bench");
	for (int i = 0; i < argc; i++)
		strcat(strcat(text, " "), argv[i]);
	return text;
}
