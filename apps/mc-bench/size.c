/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/size.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX 512

/* How often @unit multiplies by 1024; -1: no unit. */
static int
unit_power(const char *unit)
{
	static const char letters[] = "KMGT";
	const char *letter;

	if (unit[0] == '\0' || strcasecmp(unit, "B") == 0)
		return 0;
	letter = strchr(letters, toupper((unsigned char)unit[0]));
	if (letter == NULL)
		return -1;
	if (unit[1] != '\0' && strcasecmp(unit + 1, "B") != 0 && strcasecmp(unit + 1, "iB") != 0)
		return -1;
	return (int)(letter - letters) + 1;
}

enum mc_status
size_parse(const char *text, uint64_t *size_out)
{
	unsigned long long number;
	char *end;
	int power;

	if (!isdigit((unsigned char)text[0]))
		return MC_ERR_INVALID;
	errno = 0;
	number = strtoull(text, &end, 10);
	power = unit_power(end);
	if (errno != 0 || power < 0 || number == 0 || number > SIZE_LARGEST >> (10 * power))
		return MC_ERR_INVALID;
	*size_out = (uint64_t)number << (10 * power);
	return MC_OK;
}

enum mc_status
size_list_parse(const char *text, uint64_t *sizes_out, unsigned int max, unsigned int *count_out)
{
	char copy[TEXT_MAX], *rest = copy, *part;
	unsigned int count = 0;

	if (strlen(text) >= sizeof(copy))
		return MC_ERR_TOO_LARGE;
	strcpy(copy, text);
	while ((part = strsep(&rest, ",")) != NULL) {
		if (count == max)
			return MC_ERR_TOO_LARGE;
		if (size_parse(part, &sizes_out[count]) != MC_OK)
			return MC_ERR_INVALID;
		count++;
	}
	*count_out = count;
	return MC_OK;
}

enum mc_status
size_sweep_parse(const char *text, uint64_t *sizes_out, unsigned int max, unsigned int *count_out)
{
	char copy[TEXT_MAX], *rest = copy;
	const char *from_text, *to_text, *factor_text;
	uint64_t from, to, factor = 2;
	unsigned int count = 0;

	if (strlen(text) >= sizeof(copy))
		return MC_ERR_INVALID;
	strcpy(copy, text);
	from_text = strsep(&rest, ":");
	to_text = strsep(&rest, ":");
	factor_text = strsep(&rest, ":");
	if (to_text == NULL || rest != NULL || size_parse(from_text, &from) != MC_OK ||
	    size_parse(to_text, &to) != MC_OK || from > to)
		return MC_ERR_INVALID;
	if (factor_text != NULL && (size_parse(factor_text, &factor) != MC_OK || factor < 2))
		return MC_ERR_INVALID;
	for (uint64_t size = from; size <= to; size *= factor) {
		if (count == max)
			return MC_ERR_TOO_LARGE;
		sizes_out[count++] = size;
		/* so that it cannot wrap around */
		if (size > to / factor)
			break;
	}
	*count_out = count;
	return MC_OK;
}

const char *
size_text(uint64_t size, char *text)
{
	static const char units[] = "KMGT";
	int power = 0;

	while (power < 4 && size >= 1024 && size % 1024 == 0) {
		size /= 1024;
		power++;
	}
	if (power == 0)
		snprintf(text, SIZE_TEXT, "%" PRIu64, size);
	else
		snprintf(text, SIZE_TEXT, "%" PRIu64 "%c", size, units[power - 1]);
	return text;
}
