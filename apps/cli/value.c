/* SPDX-License-Identifier: Apache-2.0 */
/* Texts to values, and what to say when a text is none. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "apps/cli/flags_priv.h"

enum parse {
	PARSE_OK,
	PARSE_MALFORMED,
	PARSE_RANGE,
};

const char *
mc_flag_type_name(enum mc_flag_type type)
{
	static const char *const names[] = {
		[MC_FLAG_BOOL] = "bool",     [MC_FLAG_INT32] = "int32",
		[MC_FLAG_INT64] = "int64",   [MC_FLAG_UINT32] = "uint32",
		[MC_FLAG_UINT64] = "uint64", [MC_FLAG_DOUBLE] = "double",
		[MC_FLAG_STRING] = "string", [MC_FLAG_DURATION_MS] = "duration",
	};

	return names[type];
}

static enum parse
bool_parse(const char *text, bool *out)
{
	static const char *const yes[] = {"true", "t", "yes", "y", "1"};
	static const char *const no[] = {"false", "f", "no", "n", "0"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
			*out = strcasecmp(text, yes[i]) == 0;
			return PARSE_OK;
		}
	}
	return PARSE_MALFORMED;
}

/* gflags reads "010" as ten and "0x10" as sixteen, and passes over spaces in front. */
static int
number_base(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	text += *text == '-' || *text == '+';
	return text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
}

static bool
is_negative(const char *text)
{
	return text[strspn(text, " \t\n\v\f\r")] == '-';
}

static enum parse
int_parse(const char *text, int64_t low, int64_t high, int64_t *out)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, number_base(text));
	if (end == text || *end != '\0')
		return PARSE_MALFORMED;
	if (errno == ERANGE || value < low || value > high)
		return PARSE_RANGE;
	*out = value;
	return PARSE_OK;
}

static enum parse
uint_parse(const char *text, uint64_t high, uint64_t *out)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, number_base(text));
	if (end == text || *end != '\0')
		return PARSE_MALFORMED;
	/* strtoull takes "-1" for the largest number */
	if (errno == ERANGE || value > high || (is_negative(text) && value != 0))
		return PARSE_RANGE;
	*out = value;
	return PARSE_OK;
}

static enum parse
double_parse(const char *text, double *out)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (end == text || *end != '\0')
		return PARSE_MALFORMED;
	if ((errno == ERANGE && fabs(value) > 1) || isnan(value))
		return PARSE_RANGE;
	*out = value;
	return PARSE_OK;
}

/* Like upstream's: a whole number, then perhaps spaces and one of ms, s, m, h in any case. */
static enum parse
duration_parse(const char *text, uint64_t *out)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {{"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
	const char *digits = text + strspn(text, " \t");
	unsigned long long count;
	char *end;

	if (!isdigit((unsigned char)*digits))
		return *digits == '-' && isdigit((unsigned char)digits[1]) ? PARSE_RANGE
									   : PARSE_MALFORMED;
	errno = 0;
	count = strtoull(digits, &end, 10);
	end += strspn(end, " \t");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcasecmp(end, units[i].name) != 0)
			continue;
		if (errno == ERANGE || count > UINT64_MAX / units[i].ms)
			return PARSE_RANGE;
		*out = count * units[i].ms;
		return PARSE_OK;
	}
	return PARSE_MALFORMED;
}

static bool
list_has(const char *list, const char *text)
{
	size_t len = strlen(text);

	for (const char *at = list; at != NULL && *at != '\0';) {
		size_t item = strcspn(at, "|");

		if (item == len && memcmp(at, text, len) == 0)
			return true;
		at += item + (at[item] == '|');
	}
	return false;
}

static bool
in_range(const struct mc_flag *flag, double value)
{
	return (flag->min == 0 && flag->max == 0) || (value >= flag->min && value <= flag->max);
}

static enum parse
text_parse(const struct mc_flag *flag, const char *text, struct mc_flag_value *value)
{
	enum parse result;

	switch (flag->type) {
	case MC_FLAG_BOOL:
		return bool_parse(text, &value->boolean);
	case MC_FLAG_INT32:
	case MC_FLAG_INT64:
		result = flag->type == MC_FLAG_INT32
				 ? int_parse(text, INT32_MIN, INT32_MAX, &value->i64)
				 : int_parse(text, INT64_MIN, INT64_MAX, &value->i64);
		if (result == PARSE_OK && !in_range(flag, (double)value->i64))
			return PARSE_RANGE;
		return result;
	case MC_FLAG_UINT32:
	case MC_FLAG_UINT64:
	case MC_FLAG_DURATION_MS:
		if (flag->type == MC_FLAG_DURATION_MS)
			result = duration_parse(text, &value->u64);
		else
			result = uint_parse(text,
					    flag->type == MC_FLAG_UINT32 ? UINT32_MAX : UINT64_MAX,
					    &value->u64);
		if (result == PARSE_OK && !in_range(flag, (double)value->u64))
			return PARSE_RANGE;
		return result;
	case MC_FLAG_DOUBLE:
		result = double_parse(text, &value->real);
		if (result == PARSE_OK && !in_range(flag, value->real))
			return PARSE_RANGE;
		return result;
	case MC_FLAG_STRING:
		return flag->choices == NULL || list_has(flag->choices, text) ? PARSE_OK
									      : PARSE_MALFORMED;
	}
	return PARSE_MALFORMED;
}

static void
choices_write(const char *choices, char *buf, size_t len)
{
	size_t at = 0;

	for (const char *item = choices; *item != '\0' && at + 8 < len;) {
		size_t n = strcspn(item, "|");
		const char *joint = "";

		if (item[n] != '\0')
			joint = strchr(item + n + 1, '|') ? ", " : " or ";
		at += (size_t)snprintf(buf + at, len - at, "%.*s%s", (int)n, item, joint);
		item += n + (item[n] == '|');
		if (at >= len)
			return;
	}
}

static const char *
range_noun(const struct mc_flag *flag)
{
	if (flag->noun != NULL)
		return flag->noun;
	if (flag->type == MC_FLAG_DURATION_MS)
		return "milliseconds";
	return flag->type == MC_FLAG_DOUBLE ? "a number" : "a whole number";
}

void
mc_flag_wanted(const struct mc_flag *flag, char *buf, size_t len)
{
	static const char *const bounds[] = {
		[MC_FLAG_INT32] = "-2147483648 to 2147483647",
		[MC_FLAG_INT64] = "-9223372036854775808 to 9223372036854775807",
		[MC_FLAG_UINT32] = "0 to 4294967295",
		[MC_FLAG_UINT64] = "0 to 18446744073709551615",
		[MC_FLAG_DURATION_MS] = "0 to 18446744073709551615",
	};
	const char *also =
		flag->type == MC_FLAG_DURATION_MS ? ", or a duration like 30s, 10m, 2h" : "";

	if (flag->type == MC_FLAG_BOOL)
		snprintf(buf, len, "true or false");
	else if (flag->type == MC_FLAG_STRING && flag->choices != NULL)
		choices_write(flag->choices, buf, len);
	else if (flag->type == MC_FLAG_STRING)
		snprintf(buf, len, "%s", flag->noun != NULL ? flag->noun : "a text");
	else if (flag->min != 0 || flag->max != 0)
		snprintf(buf, len, "%s from %.15g to %.15g%s", range_noun(flag), flag->min,
			 flag->max, also);
	else if (flag->type == MC_FLAG_DOUBLE)
		snprintf(buf, len, "%s", range_noun(flag));
	else
		snprintf(buf, len, "%s from %s%s", range_noun(flag), bounds[flag->type], also);
}

static void
value_refuse(struct mc_flags *flags, const struct mc_flag *flag, const char *text,
	     const char *source, enum parse result)
{
	bool on_command_line = source == NULL || strcmp(source, "command line") == 0;
	const char *what = "is not valid";
	char wanted[256];

	mc_flag_wanted(flag, wanted, sizeof(wanted));
	if (result == PARSE_RANGE)
		what = "is out of range";
	else if (flag->type == MC_FLAG_BOOL)
		what = "is neither true nor false";
	else if (flag->type == MC_FLAG_DURATION_MS)
		what = "is not a duration";
	else if (flag->type != MC_FLAG_STRING)
		what = "is not a number";
	else if (list_has(flag->choices_absent, text))
		what = "is not built yet";
	mc_flags_error(flags, "-%s%s%s%s: %s%.80s%s %s; give %s", flag->name,
		       on_command_line ? "" : " (", on_command_line ? "" : source,
		       on_command_line ? "" : ")", result == PARSE_RANGE ? "" : "\"", text,
		       result == PARSE_RANGE ? "" : "\"", what, wanted);
}

enum mc_status
mc_flag_value_parse(struct mc_flags *flags, const struct mc_flag *flag, const char *text,
		    const char *source, struct mc_flag_value *value_out)
{
	struct mc_flag_value value = {.source = source};
	enum parse result = text_parse(flag, text, &value);

	if (result != PARSE_OK) {
		value_refuse(flags, flag, text, source, result);
		return MC_ERR_INVALID;
	}
	if (flag->type == MC_FLAG_BOOL)
		value.text = value.boolean ? "true" : "false";
	else
		value.text = mc_flags_keep(flags, text, strlen(text));
	*value_out = value;
	return MC_OK;
}

bool
mc_flag_value_equal(const struct mc_flag *flag, const struct mc_flag_value *a,
		    const struct mc_flag_value *b)
{
	switch (flag->type) {
	case MC_FLAG_BOOL:
		return a->boolean == b->boolean;
	case MC_FLAG_DOUBLE:
		return a->real == b->real;
	case MC_FLAG_STRING:
		return strcmp(a->text, b->text) == 0;
	default:
		return a->u64 == b->u64;
	}
}
