/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/transfer_report.h"

#include <inttypes.h>
#include <stddef.h>

#include "apps/mc-bench/median.h"
#include "apps/mc-bench/size.h"

static struct transfer_figures
figures_of(const struct transfer_result *result, uint64_t size, uint64_t set)
{
	const struct mc_histogram *latency = &result->latency;
	double gb = (double)result->ops * (double)size * 1e-9;
	double seconds = result->seconds > 0 ? result->seconds : 1;
	double pass = (double)(set / size * size) * 1e-9;

	return (struct transfer_figures){
		.gb_per_s = gb / seconds,
		.ops_per_s = (double)result->ops / seconds,
		.p50_us = (double)mc_histogram_percentile(latency, 0.5) * 1e-3,
		.p99_us = (double)mc_histogram_percentile(latency, 0.99) * 1e-3,
		.p999_us = (double)mc_histogram_percentile(latency, 0.999) * 1e-3,
		.max_us = (double)latency->max_ns * 1e-3,
		.cpu_s_per_gb = result->cpu_s >= 0 && gb > 0 ? result->cpu_s / gb : -1,
		.first_gb_per_s = result->first_pass_s > 0 ? pass / result->first_pass_s : 0,
		.errors = result->errors,
		.verified = result->verified,
		.seconds = result->seconds,
	};
}

struct transfer_figures
transfer_figures_median(const struct transfer_result *results, unsigned int count, uint64_t size,
			uint64_t set)
{
	static const size_t medians[] = {
		offsetof(struct transfer_figures, gb_per_s),
		offsetof(struct transfer_figures, ops_per_s),
		offsetof(struct transfer_figures, p50_us),
		offsetof(struct transfer_figures, p99_us),
		offsetof(struct transfer_figures, p999_us),
		offsetof(struct transfer_figures, max_us),
		offsetof(struct transfer_figures, cpu_s_per_gb),
	};
	struct transfer_figures all[TRANSFER_ROUNDS_MAX], result = {0};

	for (unsigned int i = 0; i < count; i++) {
		all[i] = figures_of(&results[i], size, set);
		result.errors += all[i].errors;
		result.verified += all[i].verified;
		result.seconds += all[i].seconds;
	}
	for (size_t i = 0; i < sizeof(medians) / sizeof(medians[0]); i++)
		*(double *)((char *)&result + medians[i]) = median_of(all, sizeof(all[0]),
			count, medians[i]);
	/* pages are new to the processes once only */
	result.first_gb_per_s = all[0].first_gb_per_s;
	return result;
}

void
transfer_report_head(FILE *out, bool json, const char *driver, const char *about)
{
	if (json)
		return;
	fprintf(out, "%s: %s\n", driver, about);
	fprintf(out, "%8s %-5s %-6s %7s %8s %11s %10s %10s %9s %10s %6s\n", "size", "op", "driver",
		"flight", "GB/s", "ops/s", "p50 us", "p99 us", "cpu s/GB", "first GB/s",
		"errors");
	fflush(out);
}

static void
row_json(FILE *out, const struct transfer_row *row)
{
	const struct transfer_figures *figures = &row->figures;

	fprintf(out,
		"{\"bench\":\"transfer\",\"op\":\"%s\",\"size\":%" PRIu64 ",\"batch\":%u,"
		"\"post\":%u,\"threads\":%u,\"driver\":\"%s\",\"complete\":\"%s\",\"set\":%" PRIu64
		",\"rounds\":%u,\"seconds\":%.3f,",
		transfer_op_name(row->op), row->size, row->batch, row->post, row->threads,
		row->driver, row->complete, row->set, row->rounds, figures->seconds);
	fprintf(out,
		"\"gb_per_s\":%.6g,\"ops_per_s\":%.1f,\"p50_us\":%.3f,\"p99_us\":%.3f,"
		"\"p999_us\":%.3f,\"max_us\":%.3f,",
		figures->gb_per_s, figures->ops_per_s, figures->p50_us, figures->p99_us,
		figures->p999_us, figures->max_us);
	if (figures->cpu_s_per_gb < 0)
		fprintf(out, "\"cpu_s_per_gb\":null,");
	else
		fprintf(out, "\"cpu_s_per_gb\":%.6g,", figures->cpu_s_per_gb);
	fprintf(out, "\"cpu_of\":\"%s\",", row->cpu_of_both ? "both" : "initiator");
	if (figures->first_gb_per_s > 0)
		fprintf(out, "\"first_pass_gb_per_s\":%.6g,", figures->first_gb_per_s);
	else
		fprintf(out, "\"first_pass_gb_per_s\":null,");
	fprintf(out, "\"verified\":%" PRIu64 ",\"errors\":%" PRIu64 "}\n", figures->verified,
		figures->errors);
}

const char *
transfer_flight_text(const struct transfer_row *row, char *text)
{
	unsigned int submissions = row->batch * row->threads;

	if (row->post > 1)
		snprintf(text, TRANSFER_FLIGHT_TEXT, "%ux%u", submissions, row->post);
	else
		snprintf(text, TRANSFER_FLIGHT_TEXT, "%u", submissions);
	return text;
}

/* "-" for what is not known. */
static const char *
number(char *text, size_t size, int digits, double value, bool known)
{
	if (known)
		snprintf(text, size, "%.*f", digits, value);
	else
		snprintf(text, size, "-");
	return text;
}

void
transfer_report_row(FILE *out, bool json, const struct transfer_row *row)
{
	const struct transfer_figures *figures = &row->figures;
	char size[SIZE_TEXT], flight[TRANSFER_FLIGHT_TEXT], cpu[32], first[32];

	if (json) {
		row_json(out, row);
		fflush(out);
		return;
	}
	fprintf(out,
		"%8s %-5s %-6s %7s %8.3f %11.0f %10.1f %10.1f %9s %10s %6" PRIu64 "\n",
		size_text(row->size, size), transfer_op_name(row->op), row->driver,
		transfer_flight_text(row, flight), figures->gb_per_s, figures->ops_per_s,
		figures->p50_us, figures->p99_us,
		number(cpu, sizeof(cpu), 3, figures->cpu_s_per_gb, figures->cpu_s_per_gb >= 0),
		number(first, sizeof(first), 3, figures->first_gb_per_s,
		       figures->first_gb_per_s > 0),
		figures->errors);
	fflush(out);
}
