/* SPDX-License-Identifier: Apache-2.0 */
/*
 * -config_path: one mapping of flag names to values, in YAML or JSON by the name of the file. It
 * fills in what neither the command line nor the environment gave.
 */
#include "apps/cli/config_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
place_write(const struct mc_config_file *file, unsigned int line, char *buf, size_t len)
{
	if (line == MC_CONFIG_LINE_NONE)
		snprintf(buf, len, "%.250s", file->path);
	else
		snprintf(buf, len, "%.250s:%u", file->path, line);
}

void
mc_config_error(struct mc_config_file *file, unsigned int line, const char *format, ...)
{
	char place[300], text[600];
	va_list list;

	place_write(file, line, place, sizeof(place));
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	mc_flags_complain(file->flags, "config_path", "%s: %s", place, text);
}

/* Some flags have another name in upstream's files. */
static int
key_find(const struct mc_flags *flags, const char *key)
{
	for (size_t i = 0; i < flags->params.table_count; i++) {
		const char *name = flags->params.table[i].config_name;

		if (name != NULL && strcmp(name, key) == 0)
			return (int)i;
	}
	return mc_flags_find(flags, key, strlen(key));
}

static void
key_unknown(struct mc_config_file *file, unsigned int line, const char *key)
{
	const char *nearest = mc_flags_nearest(file->flags, key, strlen(key));

	if (mc_flags_undef_ok(file->flags, key))
		return;
	if (nearest != NULL)
		mc_config_error(file, line, "unknown key \"%.80s\"; did you mean %s?", key,
				nearest);
	else
		mc_config_error(file, line, "unknown key \"%.80s\"; -help lists the flags", key);
}

/* A file that names files, or asks for the help, would not do what it says. */
static bool
flag_in_files(const struct mc_flag *flag)
{
	return strcmp(flag->group, "Standard") != 0 && strcmp(flag->name, "config_path") != 0;
}

/* Twice the same flag, be it under both of its names: which one was meant? */
static bool
set_before(struct mc_config_file *file, int index, unsigned int line, const char *key)
{
	unsigned int before = file->lines[index];

	file->lines[index] = line;
	if (before == 0)
		return false;
	if (before == MC_CONFIG_LINE_NONE)
		mc_config_error(file, line, "\"%.80s\" is given twice; keep one", key);
	else
		mc_config_error(file, line, "\"%.80s\" is given in line %u already; keep one", key,
				before);
	return true;
}

void
mc_config_set(struct mc_config_file *file, unsigned int line, const char *key, const char *value)
{
	struct mc_flags *flags = file->flags;
	int index = key_find(flags, key);
	struct mc_flag_value parsed;
	const struct mc_flag *flag;
	char source[300];

	if (index < 0) {
		key_unknown(file, line, key);
		return;
	}
	flag = &flags->params.table[index];
	if (!flag_in_files(flag)) {
		mc_config_error(file, line, "\"%.80s\" works on the command line only", key);
		return;
	}
	if (set_before(file, index, line, key))
		return;
	place_write(file, line, source, sizeof(source));
	/* judged even where it has no say, so that it cannot surprise once it has */
	if (mc_flag_value_parse(flags, flag, value, mc_flags_keep(flags, source, strlen(source)),
				&parsed) == MC_OK &&
	    flags->values[index].source == NULL)
		flags->values[index] = parsed;
}

typedef void (*config_parser)(struct mc_config_file *file, const void *text, size_t len);

static config_parser
parser_of(const char *path)
{
	static const struct {
		const char *end;
		config_parser parser;
	} kinds[] = {
		{".json", mc_config_json}, {".yaml", mc_config_yaml}, {".yml", mc_config_yaml}};
	size_t len = strlen(path);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t end = strlen(kinds[i].end);

		if (len > end && strcmp(path + len - end, kinds[i].end) == 0)
			return kinds[i].parser;
	}
	return NULL;
}

static void
file_parse(struct mc_config_file *file, config_parser parser)
{
	struct mc_buf text;
	enum mc_status st;

	mc_buf_init(&text);
	st = mc_flags_file_read(file->flags, file->path, &text);
	/* so that there is a text even where the file is empty */
	if (st == MC_OK)
		st = mc_buf_append(&text, "", 1);
	if (st == MC_ERR_TOO_LARGE)
		mc_config_error(file, MC_CONFIG_LINE_NONE,
				"larger than %u bytes; is it a configuration file?",
				MC_FLAG_FILE_MAX);
	else if (st != MC_OK)
		mc_config_error(file, MC_CONFIG_LINE_NONE,
				"cannot be read; give a file of flags in YAML or JSON");
	else
		parser(file, text.data + text.head, mc_buf_len(&text) - 1);
	mc_buf_fini(&text);
}

void
mc_flags_config_file(struct mc_flags *flags)
{
	int index = mc_flags_find(flags, "config_path", strlen("config_path"));
	struct mc_config_file file = {.flags = flags};
	config_parser parser;

	if (index < 0 || flags->values[index].text[0] == '\0')
		return;
	file.path = flags->values[index].text;
	parser = parser_of(file.path);
	if (parser == NULL) {
		mc_config_error(&file, MC_CONFIG_LINE_NONE,
				"neither YAML nor JSON by its name; give one that ends in "
				".yaml, .yml or .json");
		return;
	}
	file.lines = calloc(flags->params.table_count, sizeof(*file.lines));
	if (file.lines == NULL) {
		flags->no_memory = true;
		return;
	}
	file_parse(&file, parser);
	free(file.lines);
}
