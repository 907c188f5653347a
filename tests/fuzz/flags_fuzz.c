/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mc-master's flag table with a hostile world. The input is lines: those that begin with "@name:"
 * add to the file of that name, "$NAME=value" are environment variables, all others are words of
 * the command line.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apps/mc-master/options.h"
#include "core/base/assert.h"

#define LINES_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	char *lines[LINES_MAX];
	size_t count;
};

static const char *
env_read(void *context, const char *name)
{
	const struct world *world = context;
	size_t len = strlen(name);

	for (size_t i = 0; i < world->count; i++) {
		const char *line = world->lines[i];

		if (line[0] == '$' && strncmp(line + 1, name, len) == 0 && line[1 + len] == '=')
			return line + len + 2;
	}
	return NULL;
}

static enum mc_status
file_read(void *context, const char *path, struct mc_buf *out)
{
	const struct world *world = context;
	enum mc_status st = MC_ERR_NOT_FOUND;
	size_t len = strlen(path);

	for (size_t i = 0; i < world->count; i++) {
		const char *line = world->lines[i];

		if (line[0] != '@' || strncmp(line + 1, path, len) != 0 || line[1 + len] != ':')
			continue;
		line += len + 2;
		st = mc_buf_append(out, line, strlen(line));
		mc_assert(st == MC_OK && mc_buf_append(out, "\n", 1) == MC_OK);
	}
	return st;
}

/* Whatever came, the texts can be written, and an error is one that says so. */
static void
result_check(struct mc_flags *flags, enum mc_status st)
{
	struct mc_buf out;

	mc_assert((st == MC_OK) == (mc_flags_errors(flags)[0] == '\0'));
	mc_assert(mc_flags_double(flags, "eviction_ratio") >= 0 &&
		  mc_flags_double(flags, "eviction_ratio") <= 1);
	mc_assert(mc_flags_int(flags, "port") >= 0 && mc_flags_int(flags, "port") <= 65535);
	mc_assert(!mc_flags_bool(flags, "enable_ha") || st != MC_OK);
	mc_buf_init(&out);
	mc_assert(mc_flags_config_write(flags, &out) == MC_OK);
	mc_buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world = {.count = 0};
	struct mc_flags_params params = {
		.size = sizeof(params),
		.table = mc_options_table,
		.table_count = mc_options_count,
		.program = "mc-master",
		.program_alias = "mooncake_master",
		.env_prefix = "MC_MASTER_",
		.env_read = env_read,
		.file_read = file_read,
		.context = &world,
	};
	const char *argv[LINES_MAX + 1] = {"mc-master"};
	struct mc_flags *flags;
	int argc = 1;
	char *text = malloc(size + 1);

	mc_assert(text != NULL && mc_flags_create(&params, &flags) == MC_OK);
	memcpy(text, data, size);
	text[size] = '\0';
	for (char *line = text; line != NULL && world.count < LINES_MAX;) {
		char *next = strchr(line, '\n');

		if (next != NULL)
			*next++ = '\0';
		world.lines[world.count++] = line;
		if (line[0] != '@' && line[0] != '$')
			argv[argc++] = line;
		line = next;
	}
	result_check(flags, mc_flags_parse(flags, argc, argv));
	mc_flags_destroy(flags);
	free(text);
	return 0;
}
