/* SPDX-License-Identifier: Apache-2.0 */
/* --help, doc/flags.md and --print_config, written from the table. */
#include <stdio.h>
#include <string.h>

#include "apps/cli/flags_priv.h"

#define HELP_COLUMN 42
#define HELP_WIDTH  100

/* @text broken between words into lines that begin at HELP_COLUMN; the first is under way. */
static void
wrap(struct mc_buf *out, const char *text)
{
	size_t column = HELP_COLUMN;

	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (column > HELP_COLUMN && column + 1 + len > HELP_WIDTH) {
			mc_flags_print(out, "\n%*s", HELP_COLUMN, "");
			column = HELP_COLUMN;
		} else if (column > HELP_COLUMN) {
			mc_flags_print(out, " ");
			column++;
		}
		mc_flags_print(out, "%.*s", (int)len, text);
		column += len;
		text += len + (text[len] == ' ');
	}
	mc_flags_print(out, "\n");
}

static const char *
class_text(const struct mc_flag *flag)
{
	if (flag->class == MC_FLAG_HARMLESS)
		return "Accepted without effect: ";
	return flag->class == MC_FLAG_MISLEADING ? "Refused unless default: " : "";
}

static void
flag_text(const struct mc_flag *flag, char *buf, size_t len)
{
	char wanted[256] = "";
	bool ranged = flag->choices != NULL || flag->min != 0 || flag->max != 0;

	if (ranged)
		mc_flag_wanted(flag, wanted, sizeof(wanted));
	snprintf(buf, len, "%s%s%s%s%s%s%s", flag->help, ranged ? " (" : "", wanted,
		 ranged ? ")" : "", flag->class != MC_FLAG_USED ? ". " : "", class_text(flag),
		 flag->class != MC_FLAG_USED ? flag->reason : "");
}

static void
flag_help(struct mc_buf *out, const struct mc_flag *flag)
{
	size_t start = out->tail;
	char text[1024];
	size_t width;

	mc_flags_print(out, "  -%s", flag->name);
	if (flag->type == MC_FLAG_BOOL)
		mc_flags_print(out, "=%s", flag->initial);
	else if (flag->initial[0] != '\0')
		mc_flags_print(out, " %s", flag->initial);
	else
		mc_flags_print(out, " \"\"");
	width = out->tail - start;
	if (width + 2 > HELP_COLUMN)
		mc_flags_print(out, "\n%*s", HELP_COLUMN, "");
	else
		mc_flags_print(out, "%*s", (int)(HELP_COLUMN - width), "");
	flag_text(flag, text, sizeof(text));
	wrap(out, text);
}

/* The flags of one group, under its heading; groups come in the order of the table. */
static void
groups_each(const struct mc_flags *flags, struct mc_buf *out,
	    void (*heading)(struct mc_buf *out, const char *group),
	    void (*row)(const struct mc_flags *flags, struct mc_buf *out,
			const struct mc_flag *flag))
{
	const char *group = "";

	for (size_t i = 0; i < flags->params.table_count; i++) {
		const struct mc_flag *flag = &flags->params.table[i];

		if (flag->hidden)
			continue;
		if (strcmp(group, flag->group) != 0)
			heading(out, flag->group);
		group = flag->group;
		row(flags, out, flag);
	}
}

static void
help_heading(struct mc_buf *out, const char *group)
{
	mc_flags_print(out, "\n%s:\n", group);
}

static void
help_row(const struct mc_flags *flags, struct mc_buf *out, const struct mc_flag *flag)
{
	flag_help(out, flag);
}

enum mc_status
mc_flags_help_write(const struct mc_flags *flags, const char *usage, struct mc_buf *out)
{
	mc_flags_print(out, "%s\n", usage);
	mc_flags_print(out,
		       "Flags are shown with their defaults. One or two dashes, \"_\" or \"-\" "
		       "in names,\n\"=\" or a space before values.\n");
	if (flags->params.env_prefix != NULL)
		mc_flags_print(out, "Each flag can also be set in the environment, as %s<NAME>.\n",
			       flags->params.env_prefix);
	groups_each(flags, out, help_heading, help_row);
	return out->data != NULL ? MC_OK : MC_ERR_NO_MEMORY;
}

static void
markdown_heading(struct mc_buf *out, const char *group)
{
	mc_flags_print(out,
		       "\n## %s\n\n| Flag | Type | Default | Environment | Meaning |\n"
		       "|---|---|---|---|---|\n",
		       group);
}

/* "|" would end a cell. */
static void
cell(struct mc_buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		mc_flags_print(out, "%s%c", *text == '|' ? "\\" : "", *text);
}

static void
markdown_row(const struct mc_flags *flags, struct mc_buf *out, const struct mc_flag *flag)
{
	char text[1024], name[128] = "";

	if (flags->params.env_prefix != NULL)
		mc_flags_env_name(flags, flag, name, sizeof(name));
	flag_text(flag, text, sizeof(text));
	mc_flags_print(out, "| `-%s` | %s | %s%s%s | %s%s%s | ", flag->name,
		       mc_flag_type_name(flag->type), flag->initial[0] ? "`" : "", flag->initial,
		       flag->initial[0] ? "`" : "", name[0] ? "`" : "", name, name[0] ? "`" : "");
	cell(out, text);
	mc_flags_print(out, " |\n");
}

enum mc_status
mc_flags_markdown_write(const struct mc_flags *flags, struct mc_buf *out)
{
	groups_each(flags, out, markdown_heading, markdown_row);
	return out->data != NULL ? MC_OK : MC_ERR_NO_MEMORY;
}

enum mc_status
mc_flags_config_write(const struct mc_flags *flags, struct mc_buf *out)
{
	for (size_t i = 0; i < flags->params.table_count; i++) {
		const struct mc_flag_value *value = &flags->values[i];

		if (flags->params.table[i].hidden)
			continue;
		mc_flags_print(out, "-%s=%s  # %s\n", flags->params.table[i].name, value->text,
			       value->source != NULL ? value->source : "default");
	}
	return out->data != NULL ? MC_OK : MC_ERR_NO_MEMORY;
}
