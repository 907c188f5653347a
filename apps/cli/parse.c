/* SPDX-License-Identifier: Apache-2.0 */
/* The spelling of flags: words to settings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "apps/cli/flags_priv.h"
#include "core/base/nearest.h"

static bool
name_is(const char *flag, const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (flag[i] != (name[i] == '-' ? '_' : name[i]))
			return false; /* also at the end of a shorter @flag */
	}
	return flag[len] == '\0';
}

int
mc_flags_find(const struct mc_flags *flags, const char *name, size_t len)
{
	for (size_t i = 0; i < flags->params.table_count; i++) {
		if (name_is(flags->params.table[i].name, name, len))
			return (int)i;
	}
	return -1;
}

/* -nofoo, -no-foo, -no_foo. */
static int
find_negated(const struct mc_flags *flags, const char *name, size_t len)
{
	int index;

	if (len < 3 || name[0] != 'n' || name[1] != 'o')
		return -1;
	index = mc_flags_find(flags, name + 2, len - 2);
	if (index < 0 && len > 3 && (name[2] == '-' || name[2] == '_'))
		index = mc_flags_find(flags, name + 3, len - 3);
	return index;
}

const char *
mc_flags_nearest(const struct mc_flags *flags, const char *name, size_t len)
{
	const char *nearest = NULL;
	char folded[MC_NEAREST_MAX];
	unsigned int best = mc_nearest_limit(len);

	if (len == 0 || len > MC_NEAREST_MAX)
		return NULL;
	for (size_t i = 0; i < len; i++)
		folded[i] = name[i] == '-' ? '_' : name[i];
	for (size_t i = 0; i < flags->params.table_count; i++) {
		const struct mc_flag *flag = &flags->params.table[i];
		unsigned int d;

		/* for a name of one letter any other would do */
		if (flag->hidden || strlen(flag->name) < 3)
			continue;
		d = mc_nearest_distance(folded, len, flag->name, strlen(flag->name));
		if (d < best) {
			best = d;
			nearest = flag->name;
		}
	}
	return nearest;
}

static void
unknown_add(struct mc_flags *flags, const char *name, size_t len, const struct mc_flag_place *place)
{
	const char *nearest;

	if (place->tolerant) {
		nearest = mc_flags_nearest(flags, name, len);
		mc_flags_notice(flags, "%s: unknown flag -%.*s is passed over%s%s%s", place->source,
				(int)(len < 80 ? len : 80), name,
				nearest != NULL ? "; did you mean -" : "",
				nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
		return;
	}
	if (flags->unknown_count < MC_FLAG_ERRORS_MAX)
		flags->unknown[flags->unknown_count++].name = mc_flags_keep(flags, name, len);
}

void
mc_flags_set(struct mc_flags *flags, int index, const char *text, const struct mc_flag_place *place)
{
	const struct mc_flag *flag = &flags->params.table[index];

	if (mc_flag_value_parse(flags, flag, text, place->source, &flags->values[index]) != MC_OK)
		return;
	if (strcmp(flag->name, "flagfile") == 0)
		mc_flags_file(flags, text, place);
	else if (strcmp(flag->name, "fromenv") == 0)
		mc_flags_env_list(flags, text, true, place);
	else if (strcmp(flag->name, "tryfromenv") == 0)
		mc_flags_env_list(flags, text, false, place);
}

static void
negated_set(struct mc_flags *flags, int index, const char *name, const struct mc_flag_place *place)
{
	const struct mc_flag *flag = &flags->params.table[index];
	char wanted[256];

	if (flag->type == MC_FLAG_BOOL) {
		mc_flags_set(flags, index, "false", place);
		return;
	}
	mc_flag_wanted(flag, wanted, sizeof(wanted));
	mc_flags_error(flags, "-%.80s: -%s is no switch; give it %s", name, flag->name, wanted);
}

bool
mc_flags_word(struct mc_flags *flags, const char *word, const char *next,
	      const struct mc_flag_place *place)
{
	const char *name = word + (word[0] == '-') + (word[0] == '-' && word[1] == '-');
	size_t len = strcspn(name, "=");
	const char *value = name[len] == '=' ? name + len + 1 : NULL;
	int index = mc_flags_find(flags, name, len);
	char wanted[256];

	if (index < 0) {
		index = find_negated(flags, name, len);
		if (index >= 0)
			negated_set(flags, index, name, place);
		else
			unknown_add(flags, name, len, place);
		return false;
	}
	if (value != NULL || flags->params.table[index].type == MC_FLAG_BOOL) {
		mc_flags_set(flags, index, value != NULL ? value : "true", place);
		return false;
	}
	if (next != NULL) {
		mc_flags_set(flags, index, next, place);
		return true;
	}
	mc_flag_wanted(&flags->params.table[index], wanted, sizeof(wanted));
	mc_flags_error(flags, "-%s: the value is missing; give %s", flags->params.table[index].name,
		       wanted);
	return false;
}

static bool
is_bare_bool(const struct mc_flags *flags, const char *word)
{
	const char *name = word + (word[0] == '-') + (word[0] == '-' && word[1] == '-');
	int index = word[0] == '-' ? mc_flags_find(flags, name, strlen(name)) : -1;

	return index >= 0 && flags->params.table[index].type == MC_FLAG_BOOL;
}

/*
 * A word that is no flag. After a bare switch "false" would be passed over and the switch be on:
 * the opposite of what was meant, so that is refused.
 */
static void
arg_add(struct mc_flags *flags, const char *word, const char *before)
{
	static const char *const no[] = {"false", "f", "no", "n", "0"};

	flags->args[flags->args_count++] = mc_flags_keep(flags, word, strlen(word));
	if (before == NULL || !is_bare_bool(flags, before))
		return;
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		if (strcasecmp(word, no[i]) == 0)
			mc_flags_error(flags,
				       "%.80s %s: a switch takes its value after \"=\"; "
				       "give %.80s=false",
				       before, word, before);
	}
}

bool
mc_flags_undef_ok(const struct mc_flags *flags, const char *name)
{
	const char *list = mc_flags_string(flags, "undefok");

	while (*list != '\0') {
		size_t len = strcspn(list, ",");
		char item[256];

		snprintf(item, sizeof(item), "%.*s", (int)(len < 255 ? len : 255), list);
		for (char *at = item; *at != '\0'; at++)
			*at = *at == '-' ? '_' : *at;
		if (name_is(item, name, strlen(name)))
			return true;
		if (strncmp(name, "no", 2) == 0 && name_is(item, name + 2, strlen(name + 2)))
			return true;
		list += len + (list[len] == ',');
	}
	return false;
}

static void
unknown_report(struct mc_flags *flags)
{
	for (unsigned int i = 0; i < flags->unknown_count; i++) {
		const char *name = flags->unknown[i].name;
		const char *nearest = mc_flags_nearest(flags, name, strlen(name));

		if (mc_flags_undef_ok(flags, name))
			continue;
		if (nearest != NULL)
			mc_flags_error(flags, "unknown flag -%.80s; did you mean -%s?", name,
				       nearest);
		else
			mc_flags_error(flags, "unknown flag -%.80s; -help lists the flags", name);
	}
}

/* What the final values mean, after all that was overridden is out of the way. */
static void
classes_judge(struct mc_flags *flags)
{
	for (size_t i = 0; i < flags->params.table_count; i++) {
		const struct mc_flag *flag = &flags->params.table[i];
		struct mc_flag_value initial;

		if (flag->class == MC_FLAG_USED || flags->values[i].source == NULL)
			continue;
		if (mc_flag_value_parse(flags, flag, flag->initial, NULL, &initial) != MC_OK ||
		    mc_flag_value_equal(flag, &flags->values[i], &initial))
			continue;
		if (flag->class == MC_FLAG_HARMLESS)
			mc_flags_notice(flags, "-%s %.80s has no effect: %s", flag->name,
					flags->values[i].text, flag->reason);
		else
			mc_flags_error(flags, "-%s: %.80s is refused: %s", flag->name,
				       flags->values[i].text, flag->reason);
	}
}

static void
words_parse(struct mc_flags *flags, int argc, const char *const *argv)
{
	static const struct mc_flag_place place = {.source = "command line"};
	int at = 1;

	for (; at < argc && strcmp(argv[at], "--") != 0; at++) {
		if (argv[at][0] != '-' || argv[at][1] == '\0')
			arg_add(flags, argv[at], at > 1 ? argv[at - 1] : NULL);
		else if (mc_flags_word(flags, argv[at], at + 1 < argc ? argv[at + 1] : NULL,
				       &place))
			at++;
	}
	for (at++; at < argc; at++)
		arg_add(flags, argv[at], NULL);
}

enum mc_status
mc_flags_parse(struct mc_flags *flags, int argc, const char *const *argv)
{
	flags->args = calloc((size_t)argc + 1, sizeof(*flags->args));
	if (flags->args == NULL)
		return MC_ERR_NO_MEMORY;
	mc_flags_env_all(flags);
	words_parse(flags, argc, argv);
	mc_flags_config_file(flags);
	unknown_report(flags);
	classes_judge(flags);
	if (flags->no_memory)
		return MC_ERR_NO_MEMORY;
	if (flags->errors_count > MC_FLAG_ERRORS_MAX)
		mc_flags_print(&flags->errors, "%s: … and %u more errors\n", flags->params.program,
			       flags->errors_count - MC_FLAG_ERRORS_MAX);
	return flags->errors_count == 0 ? MC_OK : MC_ERR_INVALID;
}
