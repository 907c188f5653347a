/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/cli/flags.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli/flags_priv.h"
#include "core/base/assert.h"

const char *
mc_flags_keep(struct mc_flags *flags, const char *text, size_t len)
{
	struct mc_flag_kept *kept = malloc(sizeof(*kept) + len + 1);

	if (kept == NULL) {
		flags->no_memory = true;
		return "";
	}
	memcpy(kept->text, text, len);
	kept->text[len] = '\0';
	kept->next = flags->kept;
	flags->kept = kept;
	return kept->text;
}

/* The buffer stays NUL-terminated behind its tail. */
static void
vprint(struct mc_buf *out, const char *format, va_list list)
{
	va_list again;
	int len;

	va_copy(again, list);
	len = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (len < 0 || mc_buf_reserve(out, (size_t)len + 1) != MC_OK)
		return;
	vsnprintf((char *)out->data + out->tail, (size_t)len + 1, format, list);
	out->tail += (size_t)len;
}

void
mc_flags_print(struct mc_buf *out, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vprint(out, format, list);
	va_end(list);
}

/* A value may hold anything; a message stays one line that a terminal can show. */
static void
line_close(struct mc_buf *out, size_t start)
{
	for (size_t i = start; i < out->tail; i++) {
		if (out->data[i] < 0x20 || out->data[i] == 0x7f)
			out->data[i] = '?';
	}
	mc_flags_print(out, "\n");
}

static void
verror(struct mc_flags *flags, const char *name, const char *format, va_list list)
{
	size_t start = flags->errors.tail;

	if (flags->errors_count++ >= MC_FLAG_ERRORS_MAX)
		return;
	mc_flags_print(&flags->errors, "%s: ", flags->params.program);
	if (name != NULL)
		mc_flags_print(&flags->errors, "-%s: ", name);
	vprint(&flags->errors, format, list);
	line_close(&flags->errors, start);
}

void
mc_flags_error(struct mc_flags *flags, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	verror(flags, NULL, format, list);
	va_end(list);
}

void
mc_flags_complain(struct mc_flags *flags, const char *name, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	verror(flags, name, format, list);
	va_end(list);
}

void
mc_flags_notice(struct mc_flags *flags, const char *format, ...)
{
	size_t start = flags->notices.tail;
	va_list list;

	/* the same bound as the errors: a flag file of a megabyte is no reason to log one */
	if (start > 16384)
		return;
	va_start(list, format);
	vprint(&flags->notices, format, list);
	va_end(list);
	line_close(&flags->notices, start);
}

static const char *
buf_text(const struct mc_buf *buf)
{
	return buf->tail > 0 ? (const char *)buf->data : "";
}

const char *
mc_flags_errors(const struct mc_flags *flags)
{
	return buf_text(&flags->errors);
}

const char *
mc_flags_notices(const struct mc_flags *flags)
{
	return buf_text(&flags->notices);
}

enum mc_status
mc_flags_create(const struct mc_flags_params *params, struct mc_flags **flags_out)
{
	struct mc_flags *flags = calloc(1, sizeof(*flags));

	if (flags == NULL)
		return MC_ERR_NO_MEMORY;
	flags->params = *params;
	mc_buf_init(&flags->errors);
	mc_buf_init(&flags->notices);
	flags->values = calloc(params->table_count, sizeof(*flags->values));
	if (flags->values == NULL) {
		mc_flags_destroy(flags);
		return MC_ERR_NO_MEMORY;
	}
	for (size_t i = 0; i < params->table_count; i++) {
		enum mc_status st =
			mc_flag_value_parse(flags, &params->table[i], params->table[i].initial,
					    NULL, &flags->values[i]);

		mc_assert(st == MC_OK); /* the table is ours */
	}
	if (flags->no_memory) {
		mc_flags_destroy(flags);
		return MC_ERR_NO_MEMORY;
	}
	*flags_out = flags;
	return MC_OK;
}

void
mc_flags_destroy(struct mc_flags *flags)
{
	if (flags == NULL)
		return;
	while (flags->kept != NULL) {
		struct mc_flag_kept *next = flags->kept->next;

		free(flags->kept);
		flags->kept = next;
	}
	mc_buf_fini(&flags->errors);
	mc_buf_fini(&flags->notices);
	free(flags->args);
	free(flags->values);
	free(flags);
}

static size_t
index_of(const struct mc_flags *flags, const char *name)
{
	int index = mc_flags_find(flags, name, strlen(name));

	mc_assert(index >= 0);
	return (size_t)index;
}

bool
mc_flags_bool(const struct mc_flags *flags, const char *name)
{
	size_t index = index_of(flags, name);

	mc_assert(flags->params.table[index].type == MC_FLAG_BOOL);
	return flags->values[index].boolean;
}

int64_t
mc_flags_int(const struct mc_flags *flags, const char *name)
{
	size_t index = index_of(flags, name);
	enum mc_flag_type type = flags->params.table[index].type;

	mc_assert(type == MC_FLAG_INT32 || type == MC_FLAG_INT64);
	return flags->values[index].i64;
}

uint64_t
mc_flags_uint(const struct mc_flags *flags, const char *name)
{
	size_t index = index_of(flags, name);
	enum mc_flag_type type = flags->params.table[index].type;

	mc_assert(type == MC_FLAG_UINT32 || type == MC_FLAG_UINT64 || type == MC_FLAG_DURATION_MS);
	return flags->values[index].u64;
}

double
mc_flags_double(const struct mc_flags *flags, const char *name)
{
	size_t index = index_of(flags, name);

	mc_assert(flags->params.table[index].type == MC_FLAG_DOUBLE);
	return flags->values[index].real;
}

const char *
mc_flags_string(const struct mc_flags *flags, const char *name)
{
	size_t index = index_of(flags, name);

	mc_assert(flags->params.table[index].type == MC_FLAG_STRING);
	return flags->values[index].text;
}

bool
mc_flags_given(const struct mc_flags *flags, const char *name)
{
	return flags->values[index_of(flags, name)].source != NULL;
}

size_t
mc_flags_args_count(const struct mc_flags *flags)
{
	return flags->args_count;
}

const char *
mc_flags_arg(const struct mc_flags *flags, size_t index)
{
	mc_assert(index < flags->args_count);
	return flags->args[index];
}

enum mc_flags_request
mc_flags_request(const struct mc_flags *flags)
{
	if (mc_flags_bool(flags, "help_markdown"))
		return MC_FLAGS_HELP_MARKDOWN;
	if (mc_flags_bool(flags, "help") || mc_flags_bool(flags, "h") ||
	    mc_flags_bool(flags, "helpfull") || mc_flags_bool(flags, "helpshort"))
		return MC_FLAGS_HELP;
	if (mc_flags_bool(flags, "version"))
		return MC_FLAGS_VERSION;
	return mc_flags_bool(flags, "print_config") ? MC_FLAGS_PRINT_CONFIG : MC_FLAGS_RUN;
}
