/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/report.h"

#include <inttypes.h>
#include <stddef.h>

#include "apps/mc-bench/median.h"

struct figures
figures_of(const struct run_result *result)
{
	const struct mc_histogram *latency = &result->latency;
	double seconds = result->seconds > 0 ? result->seconds : 1;

	return (struct figures){
		.calls_per_s = (double)result->calls / seconds,
		.keys_per_s = (double)result->keys / seconds,
		.p50_us = (double)mc_histogram_percentile(latency, 0.5) * 1e-3,
		.p99_us = (double)mc_histogram_percentile(latency, 0.99) * 1e-3,
		.p999_us = (double)mc_histogram_percentile(latency, 0.999) * 1e-3,
		.max_us = (double)latency->max_ns * 1e-3,
		.cpu_us_per_call = result->cpu_us_per_call,
		.wrong = result->wrong,
		.seconds = result->seconds,
	};
}

struct figures
figures_median(const struct run_result *results, unsigned int count)
{
	struct figures all[REPORT_ROUNDS_MAX], result = {0};

	for (unsigned int i = 0; i < count; i++) {
		all[i] = figures_of(&results[i]);
		result.wrong += all[i].wrong;
		result.seconds += all[i].seconds;
	}
	result.calls_per_s = median_of(all, sizeof(all[0]), count,
		offsetof(struct figures, calls_per_s));
	result.keys_per_s = median_of(all, sizeof(all[0]), count,
		offsetof(struct figures, keys_per_s));
	result.p50_us = median_of(all, sizeof(all[0]), count,
		offsetof(struct figures, p50_us));
	result.p99_us = median_of(all, sizeof(all[0]), count,
		offsetof(struct figures, p99_us));
	result.p999_us = median_of(all, sizeof(all[0]), count,
		offsetof(struct figures, p999_us));
	result.max_us = median_of(all, sizeof(all[0]), count,
		offsetof(struct figures, max_us));
	result.cpu_us_per_call = median_of(all, sizeof(all[0]), count,
		offsetof(struct figures, cpu_us_per_call));
	return result;
}

void
report_head(FILE *out, bool json)
{
	if (!json)
		fprintf(out, "%-12s %5s %5s %11s %11s %9s %9s %9s %9s %7s  %s\n", "op", "conns",
			"depth", "calls/s", "keys/s", "p50 us", "p99 us", "p99.9 us", "cpu us",
			"errors", "master");
}

/* Of another program than ours. */
static bool
is_peer(const struct target *target)
{
	return target->name[0] != '\0' && strcmp(target->name, "mc-master") != 0;
}

static void
row_json(FILE *out, const struct target *target, const struct run_params *params,
	 const struct figures *figures)
{
	fprintf(out,
		"{\"bench\":\"master\",\"op\":\"%s\",\"master\":\"%s\",\"connections\":%u,"
		"\"depth\":%u,\"batch\":%u,\"keys\":%" PRIu64 ",\"key_size\":%u,"
		"\"value_size\":%" PRIu64 ",",
		op_name(params->op), target->address, params->connections, params->depth,
		params->batch, params->keys_count, params->key_size, params->value_size);
	fprintf(out,
		"\"seconds\":%.3f,\"ops_per_s\":%.1f,\"keys_per_s\":%.1f,\"p50_us\":%.2f,"
		"\"p99_us\":%.2f,\"p999_us\":%.2f,\"max_us\":%.2f,",
		figures->seconds, figures->calls_per_s, figures->keys_per_s, figures->p50_us,
		figures->p99_us, figures->p999_us, figures->max_us);
	if (figures->cpu_us_per_call < 0)
		fprintf(out, "\"cpu_us_per_call\":null");
	else
		fprintf(out, "\"cpu_us_per_call\":%.3f", figures->cpu_us_per_call);
	if (is_peer(target))
		fprintf(out, ",\"peer\":\"%s\"", target->name);
	fprintf(out, ",\"errors\":%" PRIu64 "}\n", figures->wrong);
}

void
report_row(FILE *out, bool json, const struct target *target, const struct run_params *params,
	   const struct figures *figures)
{
	char cpu[32] = "-";

	if (json) {
		row_json(out, target, params, figures);
		fflush(out);
		return;
	}
	if (figures->cpu_us_per_call >= 0)
		snprintf(cpu, sizeof(cpu), "%.2f", figures->cpu_us_per_call);
	fprintf(out, "%-12s %5u %5u %11.0f %11.0f %9.1f %9.1f %9.1f %9s %7" PRIu64 "  %s\n",
		op_name(params->op), params->connections, params->depth, figures->calls_per_s,
		figures->keys_per_s, figures->p50_us, figures->p99_us, figures->p999_us, cpu,
		figures->wrong, target->name[0] != '\0' ? target->name : target->address);
	fflush(out);
}

/* "null", or what stands for it in a table, where one side is unknown. */
static const char *
ratio(char *text, size_t size, double ours, double theirs, const char *unknown)
{
	if (ours < 0 || theirs <= 0)
		return unknown;
	snprintf(text, size, "%.4g", ours / theirs);
	return text;
}

void
report_ratio(FILE *out, bool json, const struct run_params *params, const struct figures *ours,
	     const struct figures *theirs)
{
	const char *unknown = json ? "null" : "-";
	char texts[4][32];
	const char *calls, *p50, *p99, *cpu;

	calls = ratio(texts[0], 32, ours->calls_per_s, theirs->calls_per_s, unknown);
	p50 = ratio(texts[1], 32, ours->p50_us, theirs->p50_us, unknown);
	p99 = ratio(texts[2], 32, ours->p99_us, theirs->p99_us, unknown);
	cpu = ratio(texts[3], 32, ours->cpu_us_per_call, theirs->cpu_us_per_call, unknown);
	if (json)
		fprintf(out,
			"{\"bench\":\"master\",\"op\":\"%s\",\"connections\":%u,\"depth\":%u,"
			"\"batch\":%u,\"ratio\":{\"ops_per_s\":%s,\"p50_us\":%s,\"p99_us\":%s,"
			"\"cpu_us_per_call\":%s}}\n",
			op_name(params->op), params->connections, params->depth, params->batch,
			calls, p50, p99, cpu);
	else
		fprintf(out, "%-12s %5s %5s %11s %11s %9s %9s %9s %9s\n", "  ratio", "", "", calls,
			"", p50, p99, "", cpu);
	fflush(out);
}

void
report_errors(FILE *out, const struct target *target, const struct run_params *params,
	      const struct run_result *result)
{
	for (unsigned int i = 0; i < ERROR_KINDS && result->errors[i].count > 0; i++) {
		int32_t code = result->errors[i].code;
		const char *name = code == 1   ? "framing-level error"
				   : code == 2 ? "wrong answer"
					       : mc_wire_error_name(code);

		fprintf(out, "mc-bench: %s: %s: %" PRIu64 " x %s (%d)\n", target->address,
			op_name(params->op), result->errors[i].count, name, code);
	}
}
