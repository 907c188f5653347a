/* SPDX-License-Identifier: Apache-2.0 */
/* Flags from elsewhere than the command line: flag files and the environment. */
#include <ctype.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/cli/flags_priv.h"

static enum mc_status
system_file_read(const char *path, struct mc_buf *out)
{
	enum mc_status st = MC_OK;
	ssize_t got = 1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return MC_ERR_NOT_FOUND;
	while (st == MC_OK && got > 0) {
		st = mc_buf_reserve(out, 65536);
		if (st != MC_OK)
			break;
		got = read(fd, out->data + out->tail, 65536);
		if (got < 0)
			st = MC_ERR_IO;
		else
			out->tail += (size_t)got;
		if (mc_buf_len(out) > MC_FLAG_FILE_MAX)
			st = MC_ERR_TOO_LARGE;
	}
	close(fd);
	return st;
}

enum mc_status
mc_flags_file_read(const struct mc_flags *flags, const char *path, struct mc_buf *out)
{
	enum mc_status st = flags->params.file_read != NULL
				    ? flags->params.file_read(flags->params.context, path, out)
				    : system_file_read(path, out);

	return st == MC_OK && mc_buf_len(out) > MC_FLAG_FILE_MAX ? MC_ERR_TOO_LARGE : st;
}

static const char *
env_read(const struct mc_flags *flags, const char *name)
{
	if (flags->params.env_read != NULL)
		return flags->params.env_read(flags->params.context, name);
	return getenv(name);
}

/* One budget for files and lists, as both can name each other and themselves. */
static bool
read_allowed(struct mc_flags *flags, const char *what, const struct mc_flag_place *place)
{
	if (place->depth >= MC_FLAG_DEPTH_MAX) {
		mc_flags_error(flags,
			       "-flagfile: %.200s is nested deeper than %d files; "
			       "does a file name itself?",
			       what, MC_FLAG_DEPTH_MAX);
		return false;
	}
	if (flags->reads_count < MC_FLAG_FILES_MAX) {
		flags->reads_count++;
		return true;
	}
	if (flags->reads_count++ == MC_FLAG_FILES_MAX)
		mc_flags_error(flags, "-flagfile: %.200s is one file too many; give at most %d",
			       what, MC_FLAG_FILES_MAX);
	return false;
}

/* "mc-master *bench*": the flags that follow are for programs with such a name. */
static bool
line_names_us(const struct mc_flags *flags, char *line)
{
	char *state = NULL;

	for (char *word = strtok_r(line, " \t", &state); word != NULL;
	     word = strtok_r(NULL, " \t", &state)) {
		if (fnmatch(word, flags->params.program, 0) == 0)
			return true;
		if (flags->params.program_alias != NULL &&
		    fnmatch(word, flags->params.program_alias, 0) == 0)
			return true;
	}
	return false;
}

static char *
trim(char *line)
{
	size_t len;

	line += strspn(line, " \t\r\v\f");
	len = strlen(line);
	while (len > 0 && isspace((unsigned char)line[len - 1]))
		line[--len] = '\0';
	return line;
}

/* A line holds one flag, so "-name value" is plain even where -name is a switch. */
static void
flag_line(struct mc_flags *flags, char *line, const struct mc_flag_place *place)
{
	size_t len = strcspn(line, "= \t");
	char *value = line + len + strspn(line + len, " \t");

	if (value != line + len) {
		line[len] = '=';
		memmove(line + len + 1, value, strlen(value) + 1);
	}
	mc_flags_word(flags, line, NULL, place);
}

static void
file_lines(struct mc_flags *flags, const char *path, char *text, const struct mc_flag_place *outer)
{
	struct mc_flag_place place = {.depth = outer->depth + 1, .tolerant = true};
	bool naming = false, ours = true;
	unsigned int number = 0;
	char source[300];

	for (char *line = text; line != NULL;) {
		char *next = strchr(line, '\n');

		if (next != NULL)
			*next++ = '\0';
		line = trim(line);
		number++;
		if (*line == '-' && ours) {
			snprintf(source, sizeof(source), "%.250s:%u", path, number);
			place.source = mc_flags_keep(flags, source, strlen(source));
			flag_line(flags, line, &place);
		} else if (*line != '-' && *line != '#' && *line != '\0') {
			/* lines of names that follow each other add up */
			ours = (naming && ours) || line_names_us(flags, line);
			naming = true;
		}
		naming = naming && *line != '-';
		line = next;
	}
}

static void
file_parse(struct mc_flags *flags, const char *path, const struct mc_flag_place *place)
{
	struct mc_buf text;
	enum mc_status st;

	if (!read_allowed(flags, path, place))
		return;
	mc_buf_init(&text);
	st = mc_flags_file_read(flags, path, &text);
	if (st == MC_OK)
		st = mc_buf_append(&text, "", 1);
	if (st == MC_ERR_TOO_LARGE)
		mc_flags_error(flags,
			       "-flagfile: %.200s is larger than %u bytes; is it a flag file?",
			       path, MC_FLAG_FILE_MAX);
	else if (st != MC_OK)
		mc_flags_error(flags,
			       "-flagfile: cannot read %.200s; give a file of flags, "
			       "one per line",
			       path);
	else if (strlen((char *)text.data + text.head) + 1 != mc_buf_len(&text))
		mc_flags_error(flags, "-flagfile: %.200s holds a zero byte; is it a flag file?",
			       path);
	else
		file_lines(flags, path, (char *)text.data + text.head, place);
	mc_buf_fini(&text);
}

void
mc_flags_file(struct mc_flags *flags, const char *paths, const struct mc_flag_place *place)
{
	while (*paths != '\0') {
		size_t len = strcspn(paths, ",");

		if (len > 0)
			file_parse(flags, mc_flags_keep(flags, paths, len), place);
		paths += len + (paths[len] == ',');
	}
}

static void
env_one(struct mc_flags *flags, const char *name, size_t len, bool must_exist,
	const struct mc_flag_place *outer)
{
	struct mc_flag_place place = {.depth = outer->depth + 1};
	int index = mc_flags_find(flags, name, len);
	const char *value;
	char source[128];
	char variable[96];

	if (index < 0) {
		const char *nearest = mc_flags_nearest(flags, name, len);

		mc_flags_error(flags, "-%sfromenv: unknown flag %.*s%s%s%s",
			       must_exist ? "" : "try", (int)(len < 80 ? len : 80), name,
			       nearest ? "; did you mean " : "", nearest ? nearest : "",
			       nearest ? "?" : "");
		return;
	}
	snprintf(variable, sizeof(variable), "FLAGS_%.80s", flags->params.table[index].name);
	value = env_read(flags, variable);
	if (value == NULL && must_exist)
		mc_flags_error(flags,
			       "-fromenv: %s is not in the environment; set it or give "
			       "-tryfromenv",
			       variable);
	if (value == NULL)
		return;
	snprintf(source, sizeof(source), "environment %s", variable);
	place.source = mc_flags_keep(flags, source, strlen(source));
	mc_flags_set(flags, index, mc_flags_keep(flags, value, strlen(value)), &place);
}

void
mc_flags_env_list(struct mc_flags *flags, const char *names, bool must_exist,
		  const struct mc_flag_place *place)
{
	if (*names == '\0' || !read_allowed(flags, names, place))
		return;
	while (*names != '\0') {
		size_t len = strcspn(names, ",");

		if (len > 0)
			env_one(flags, names, len, must_exist, place);
		names += len + (names[len] == ',');
	}
}

const char *
mc_flags_env_name(const struct mc_flags *flags, const struct mc_flag *flag, char *buf, size_t len)
{
	int at = snprintf(buf, len, "%s", flags->params.env_prefix);

	snprintf(buf + at, len - (size_t)at, "%s", flag->name);
	for (char *c = buf + at; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	return buf;
}

/*
 * Kubernetes sets NAME_PORT=tcp://10.0.0.1:50051 for every service in reach, and a service may
 * well be called "mc-master". Such a value was never meant as a flag.
 */
static bool
is_service_link(const char *value)
{
	return strncmp(value, "tcp://", 6) == 0 || strncmp(value, "udp://", 6) == 0;
}

void
mc_flags_env_all(struct mc_flags *flags)
{
	struct mc_flag_place place = {0};
	char name[128], source[160];

	if (flags->params.env_prefix == NULL)
		return;
	for (size_t i = 0; i < flags->params.table_count; i++) {
		const struct mc_flag *flag = &flags->params.table[i];
		const char *value;

		value = env_read(flags, mc_flags_env_name(flags, flag, name, sizeof(name)));
		if (value == NULL)
			continue;
		if (flag->type != MC_FLAG_STRING && is_service_link(value)) {
			mc_flags_notice(flags,
					"%s=%.80s is passed over: it looks like a Kubernetes "
					"service link (enableServiceLinks)",
					name, value);
			continue;
		}
		snprintf(source, sizeof(source), "environment %s", name);
		place.source = mc_flags_keep(flags, source, strlen(source));
		mc_flags_set(flags, (int)i, mc_flags_keep(flags, value, strlen(value)), &place);
	}
}
