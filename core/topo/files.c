/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/topo/private.h"

static bool
line_read(char *line, size_t size, const char *format, va_list args)
{
	char path[PATH_MAX];
	FILE *file;
	bool read;
	char *end;

	if ((size_t)vsnprintf(path, sizeof(path), format, args) >= sizeof(path))
		return false;
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	read = fgets(line, (int)size, file) != NULL;
	fclose(file);
	if (!read)
		return false;
	end = strchr(line, '\n');
	if (end == NULL && strlen(line) == size - 1)
		return false;
	if (end != NULL)
		*end = '\0';
	return true;
}

bool
topo_line_read(char *line, size_t size, const char *format, ...)
{
	va_list args;
	bool read;

	va_start(args, format);
	read = line_read(line, size, format, args);
	va_end(args);
	return read;
}

int64_t
topo_number_read(int64_t otherwise, const char *format, ...)
{
	char line[64], *end;
	int64_t value;
	va_list args;
	bool read;

	va_start(args, format);
	read = line_read(line, sizeof(line), format, args);
	va_end(args);
	if (!read)
		return otherwise;
	errno = 0;
	value = strtoll(line, &end, 10);
	return end != line && *end == '\0' && errno == 0 ? value : otherwise;
}

static int
visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int
topo_names_read(char ***names_out, const char *format, ...)
{
	struct dirent **entries;
	char path[PATH_MAX];
	va_list args;
	int count, len;

	va_start(args, format);
	len = vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	if ((size_t)len >= sizeof(path))
		return -1;
	count = scandir(path, &entries, visible, versionsort);
	if (count < 0)
		return -1;
	/* the names take the places of the entries that they were in */
	*names_out = (char **)entries;
	for (int i = 0; i < count; i++)
		memmove(entries[i], entries[i]->d_name, strlen(entries[i]->d_name) + 1);
	return count;
}

void
topo_names_free(char **names, int count)
{
	for (int i = 0; i < count; i++)
		free(names[i]);
	if (count >= 0)
		free(names);
}
