/* SPDX-License-Identifier: Apache-2.0 */
#include "core/eal/args.h"

#include <ctype.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One lcore as the user numbers it. */
struct entry {
	unsigned int id;
	unsigned int cpu;
};

struct parse {
	const char *flag;
	const char *value;
	const struct eal_cpuset *allowed;
	struct entry entries[MC_LCORE_MAX];
	unsigned int count;
	char *error;
};

enum mc_status
mc_eal_allowed(struct eal_cpuset *allowed_out)
{
	cpu_set_t *set = CPU_ALLOC(EAL_CPUS_MAX);
	size_t size = CPU_ALLOC_SIZE(EAL_CPUS_MAX);
	int rc;

	if (set == NULL)
		return MC_ERR_NO_MEMORY;
	CPU_ZERO_S(size, set);
	/* the first thread's: the caller's own may be pinned by its program */
	rc = sched_getaffinity(getpid(), size, set);
	memset(allowed_out, 0, sizeof(*allowed_out));
	for (unsigned int cpu = 0; rc == 0 && cpu < EAL_CPUS_MAX; cpu++) {
		if (CPU_ISSET_S(cpu, size, set))
			eal_cpuset_add(allowed_out, cpu);
	}
	CPU_FREE(set);
	return rc == 0 ? MC_OK : MC_ERR_INTERNAL;
}

/* "0-3,8", cut with "…" when it grows too long. */
static void
cpuset_text(const struct eal_cpuset *set, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (unsigned int cpu = 0; cpu < EAL_CPUS_MAX && len + 16 < size; cpu++) {
		unsigned int last = cpu;

		if (!eal_cpuset_has(set, cpu))
			continue;
		while (eal_cpuset_has(set, last + 1))
			last++;
		len += (size_t)snprintf(text + len, size - len, last > cpu ? "%s%u-%u" : "%s%u",
					len > 0 ? "," : "", cpu, last);
		cpu = last;
	}
}

static enum mc_status
fail(struct parse *parse, const char *why)
{
	snprintf(parse->error, EAL_ERROR_MAX, "%s %.64s: %s", parse->flag, parse->value, why);
	return MC_ERR_INVALID;
}

static enum mc_status
fail_cpu(struct parse *parse, unsigned int cpu)
{
	char allowed[192], why[320];

	cpuset_text(parse->allowed, allowed, sizeof(allowed));
	snprintf(why, sizeof(why),
		 "CPU %u does not exist or is not allowed for this process; allowed: %s", cpu,
		 allowed);
	return fail(parse, why);
}

static enum mc_status
entry_add(struct parse *parse, unsigned int id, unsigned int cpu)
{
	if (!eal_cpuset_has(parse->allowed, cpu))
		return fail_cpu(parse, cpu);
	for (unsigned int i = 0; i < parse->count; i++) {
		if (parse->entries[i].id == id)
			return fail(parse, "an lcore is named twice; name each once");
		if (parse->entries[i].cpu == cpu)
			return fail(parse, "two lcores would share a CPU; give each its own");
	}
	if (parse->count == MC_LCORE_MAX)
		return fail(parse, "more than 128 lcores; give fewer");
	parse->entries[parse->count++] = (struct entry){id, cpu};
	return MC_OK;
}

/* "5" or "2-5", within EAL_CPUS_MAX. */
static bool
range_parse(const char **at, unsigned int *first_out, unsigned int *last_out)
{
	unsigned long bounds[2];
	unsigned int n = 0;

	do {
		char *end;

		if (n > 0)
			(*at)++;
		if (!isdigit((unsigned char)**at))
			return false;
		bounds[n] = strtoul(*at, &end, 10);
		if (bounds[n] >= EAL_CPUS_MAX)
			return false;
		*at = end;
		n++;
	} while (n < 2 && **at == '-');
	*first_out = (unsigned int)bounds[0];
	*last_out = (unsigned int)bounds[n - 1];
	return *last_out >= *first_out;
}

/* One item of a list: "3", "2-5", and with @mapped "0@2" or "0-3@4-7" too. */
static enum mc_status
item_parse(struct parse *parse, const char **at, bool mapped)
{
	static const char *const wants[] = {
		"not a list of CPUs; give for example 2-5,8",
		"not a list of lcores; give for example 0@2,1@3 or 2-5",
	};
	unsigned int id, id_last, cpu, cpu_last;

	if (!range_parse(at, &id, &id_last))
		return fail(parse, wants[mapped]);
	cpu = id;
	cpu_last = id_last;
	if (mapped && **at == '@') {
		(*at)++;
		if (!range_parse(at, &cpu, &cpu_last))
			return fail(parse, wants[mapped]);
	}
	if (cpu_last - cpu != id_last - id)
		return fail(parse, "as many CPUs as lcores are needed on both sides of @");
	for (; id <= id_last; id++, cpu++) {
		enum mc_status st = entry_add(parse, id, cpu);

		if (st != MC_OK)
			return st;
	}
	return **at == '\0' || **at == ',' ? MC_OK : fail(parse, wants[mapped]);
}

static enum mc_status
list_parse(struct parse *parse, bool mapped)
{
	const char *at = parse->value;

	for (;;) {
		enum mc_status st = item_parse(parse, &at, mapped);

		if (st != MC_OK || *at == '\0')
			return st;
		at++;
	}
}

static enum mc_status
mask_parse(struct parse *parse)
{
	const char *digits = parse->value;
	size_t len;

	if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X'))
		digits += 2;
	len = strlen(digits);
	if (len == 0 || len > EAL_CPUS_MAX / 4 || strspn(digits, "0123456789abcdefABCDEF") != len)
		return fail(parse, "not a mask in hexadecimal; give for example 0x3c");
	for (unsigned int cpu = 0; cpu < len * 4; cpu++) {
		char digit = digits[len - 1 - cpu / 4];
		int value = isdigit((unsigned char)digit)
				    ? digit - '0'
				    : tolower((unsigned char)digit) - 'a' + 10;
		enum mc_status st = MC_OK;

		if ((value >> cpu % 4 & 1) != 0)
			st = entry_add(parse, cpu, cpu);
		if (st != MC_OK)
			return st;
	}
	return parse->count > 0 ? MC_OK : fail(parse, "no CPU is set in it; set at least one");
}

/* Without any list: the first CPUs that are allowed. */
static void
default_fill(struct parse *parse, unsigned int count)
{
	for (unsigned int cpu = 0; cpu < EAL_CPUS_MAX && parse->count < count; cpu++) {
		if (eal_cpuset_has(parse->allowed, cpu)) {
			parse->entries[parse->count] = (struct entry){parse->count, cpu};
			parse->count++;
		}
	}
}

static int
entry_order(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;

	return left->id < right->id ? -1 : left->id > right->id;
}

/* Brings the lcore that --main-lcore names to the front. */
static enum mc_status
main_choose(struct parse *parse, const char *main_lcore)
{
	char *end;
	unsigned long id;

	if (main_lcore == NULL)
		return MC_OK;
	parse->flag = "--main-lcore";
	parse->value = main_lcore;
	id = strtoul(main_lcore, &end, 10);
	if (!isdigit((unsigned char)main_lcore[0]) || *end != '\0')
		return fail(parse, "not a number; give one of the lcores");
	for (unsigned int i = 0; i < parse->count; i++) {
		struct entry chosen = parse->entries[i];

		if (chosen.id != id)
			continue;
		memmove(&parse->entries[1], &parse->entries[0], i * sizeof(chosen));
		parse->entries[0] = chosen;
		return MC_OK;
	}
	return fail(parse, "not among the lcores; give one of them");
}

static enum mc_status
source_parse(struct parse *parse, const struct mc_eal_params *params)
{
	int given = (params->corelist != NULL) + (params->coremask != NULL) +
		    (params->lcores != NULL);

	if (given > 1) {
		parse->flag = "-l, -c, --lcores";
		parse->value = "";
		return fail(parse, "more than one is given; give one");
	}
	if (params->corelist != NULL) {
		parse->flag = "-l";
		parse->value = params->corelist;
		return list_parse(parse, false);
	}
	if (params->coremask != NULL) {
		parse->flag = "-c";
		parse->value = params->coremask;
		return mask_parse(parse);
	}
	if (params->lcores != NULL) {
		parse->flag = "--lcores";
		parse->value = params->lcores;
		return list_parse(parse, true);
	}
	default_fill(parse, params->lcore_count == 0 ? 1 : params->lcore_count);
	return MC_OK;
}

enum mc_status
mc_eal_layout(const struct mc_eal_params *params, const struct eal_cpuset *allowed,
	      struct eal_layout *layout_out, char error[EAL_ERROR_MAX])
{
	struct parse parse = {.allowed = allowed, .error = error};
	enum mc_status st = source_parse(&parse, params);

	if (st != MC_OK)
		return st;
	qsort(parse.entries, parse.count, sizeof(parse.entries[0]), entry_order);
	st = main_choose(&parse, params->main_lcore);
	if (st != MC_OK)
		return st;
	layout_out->count = parse.count;
	for (unsigned int i = 0; i < parse.count; i++)
		layout_out->cpu[i] = (int)parse.entries[i].cpu;
	return MC_OK;
}
