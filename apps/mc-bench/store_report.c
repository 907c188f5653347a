/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/store_report.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "apps/mc-bench/median.h"
#include "apps/mc-bench/size.h"

struct store_figures
store_figures_of(const struct store_result *results, unsigned int clients, uint64_t cpu_ns)
{
	struct store_figures figures = {.cpu_s_per_gb = -1};
	static struct mc_histogram latency;
	uint64_t bytes = 0;

	mc_histogram_reset(&latency);
	for (unsigned int i = 0; i < clients; i++) {
		const struct store_result *result = &results[i];
		double seconds = (double)result->busy_ns * 1e-9;

		mc_histogram_merge(&latency, &result->latency);
		bytes += result->bytes;
		if (seconds > 0) {
			figures.gb_per_s += (double)result->bytes * 1e-9 / seconds;
			figures.ops_per_s += (double)result->objects / seconds;
		}
		figures.misses += result->misses;
		figures.errors += result->errors;
		figures.verified += result->verified;
		figures.wrong += result->wrong;
	}
	figures.p50_us = (double)mc_histogram_percentile(&latency, 0.5) * 1e-3;
	figures.p99_us = (double)mc_histogram_percentile(&latency, 0.99) * 1e-3;
	figures.p999_us = (double)mc_histogram_percentile(&latency, 0.999) * 1e-3;
	figures.max_us = (double)latency.max_ns * 1e-3;
	if (bytes > 0)
		figures.cpu_s_per_gb = (double)cpu_ns / (double)bytes;
	return figures;
}

struct store_figures
store_figures_median(const struct store_figures *rounds, unsigned int count)
{
	static const size_t medians[] = {
		offsetof(struct store_figures, gb_per_s),
		offsetof(struct store_figures, ops_per_s),
		offsetof(struct store_figures, p50_us),
		offsetof(struct store_figures, p99_us),
		offsetof(struct store_figures, p999_us),
		offsetof(struct store_figures, max_us),
		offsetof(struct store_figures, cpu_s_per_gb),
	};
	struct store_figures result = {0};

	for (size_t i = 0; i < sizeof(medians) / sizeof(medians[0]); i++)
		*(double *)((char *)&result + medians[i]) =
			median_of(rounds, sizeof(rounds[0]), count, medians[i]);
	for (unsigned int i = 0; i < count; i++) {
		result.misses += rounds[i].misses;
		result.errors += rounds[i].errors;
		result.verified += rounds[i].verified;
		result.wrong += rounds[i].wrong;
	}
	return result;
}

/* ---- text ---- */

void
store_report_head(FILE *out, bool json, const char *about)
{
	if (json)
		return;
	fprintf(out, "%s\n", about);
	fprintf(out, "%-6s %8s %6s %8s %9s %11s %9s %9s %9s %9s %7s %7s\n", "op", "size", "batch",
		"clients", "GB/s", "objects/s", "p50 us", "p99 us", "p99.9 us", "cpu s/GB",
		"misses", "errors");
}

static void
row_json(FILE *out, const struct store_row *row)
{
	const struct store_figures *figures = &row->figures;

	fprintf(out,
		"{\"bench\":\"store\",\"op\":\"%s\",\"size\":%" PRIu64 ",\"batch\":%u,"
		"\"clients\":%u,\"rounds\":%u,\"checksum\":%s,\"staged\":%s,\"inline\":%s,",
		store_op_name(row->op), row->size, row->batch, row->clients, row->rounds,
		row->checksum ? "true" : "false", row->staged ? "true" : "false",
		row->poll_inline ? "true" : "false");
	fprintf(out,
		"\"gb_per_s\":%.6g,\"ops_per_s\":%.1f,\"p50_us\":%.3f,\"p99_us\":%.3f,"
		"\"p999_us\":%.3f,\"max_us\":%.3f,",
		figures->gb_per_s, figures->ops_per_s, figures->p50_us, figures->p99_us,
		figures->p999_us, figures->max_us);
	if (figures->cpu_s_per_gb < 0)
		fprintf(out, "\"cpu_s_per_gb\":null,");
	else
		fprintf(out, "\"cpu_s_per_gb\":%.6g,", figures->cpu_s_per_gb);
	fprintf(out,
		"\"misses\":%" PRIu64 ",\"verified\":%" PRIu64 ",\"wrong\":%" PRIu64
		",\"errors\":%" PRIu64 "}\n",
		figures->misses, figures->verified, figures->wrong, figures->errors);
}

static void
row_text(const struct store_row *row, char *text, size_t size)
{
	const struct store_figures *figures = &row->figures;
	char bytes[SIZE_TEXT], cpu[32] = "-";

	if (figures->cpu_s_per_gb >= 0)
		snprintf(cpu, sizeof(cpu), "%.3f", figures->cpu_s_per_gb);
	snprintf(text, size,
		 "%-6s %8s %6u %8u %9.3f %11.0f %9.1f %9.1f %9.1f %9s %7" PRIu64 " %7" PRIu64,
		 store_op_name(row->op), size_text(row->size, bytes), row->batch, row->clients,
		 figures->gb_per_s, figures->ops_per_s, figures->p50_us, figures->p99_us,
		 figures->p999_us, cpu, figures->misses, figures->errors);
}

void
store_report_row(FILE *out, bool json, const struct store_row *row)
{
	char text[256];

	if (json) {
		row_json(out, row);
	} else {
		row_text(row, text, sizeof(text));
		fprintf(out, "%s", text);
		if (row->figures.errors > 0)
			fprintf(out, "  %s", mc_status_text(row->first_error));
		fprintf(out, "\n");
	}
	fflush(out);
}

/* ---- page ---- */

static enum mc_status
escaped(struct mc_buf *out, const char *text)
{
	enum mc_status st = MC_OK;

	for (; st == MC_OK && *text != '\0'; text++) {
		if (*text == '<')
			st = mc_buf_append(out, "&lt;", 4);
		else if (*text == '&')
			st = mc_buf_append(out, "&amp;", 5);
		else
			st = mc_buf_append(out, text, 1);
	}
	return st;
}

static enum mc_status
page_row(struct mc_buf *out, const struct store_row *row, double best)
{
	const struct store_figures *figures = &row->figures;
	char bytes[SIZE_TEXT];

	return mc_buf_printf(out,
			     "<tr><td>%s<td>%s<td>%u<td>%u<td><div class=bar "
			     "style=\"width:%.0fpx\"></div>%.3f<td>%.0f<td>%.1f<td>%.1f<td>%" PRIu64
			     "<td>%" PRIu64 "\n",
			     store_op_name(row->op), size_text(row->size, bytes), row->batch,
			     row->clients, best > 0 ? figures->gb_per_s / best * 160 : 0,
			     figures->gb_per_s, figures->ops_per_s, figures->p50_us,
			     figures->p99_us, figures->misses, figures->errors);
}

enum mc_status
store_report_page(struct mc_buf *out, const char *command, const char *about,
		  const struct store_row *rows, unsigned int count)
{
	static const char head[] =
		"<!doctype html><meta charset=utf-8><title>mc-bench store</title><style>"
		"body{font:15px sans-serif;margin:2em;background:Canvas;color:CanvasText;"
		"color-scheme:light dark}td,th{text-align:right;padding:.2em .8em}"
		"td:first-child,th:first-child{text-align:left}.bar{display:inline-block;"
		"height:.8em;background:#47c;margin-right:.5em}</style><h1>mc-bench store</h1>"
		"<pre>";
	static const char middle[] =
		"<table><tr><th>op<th>size<th>batch<th>clients<th>GB/s<th>objects/s<th>p50 us"
		"<th>p99 us<th>misses<th>errors\n";
	enum mc_status st = mc_buf_append(out, head, sizeof(head) - 1);
	double best = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (rows[i].figures.gb_per_s > best)
			best = rows[i].figures.gb_per_s;
	}
	if (st == MC_OK)
		st = escaped(out, command);
	if (st == MC_OK)
		st = mc_buf_append(out, "</pre><p>", 9);
	if (st == MC_OK)
		st = escaped(out, about);
	if (st == MC_OK)
		st = mc_buf_append(out, middle, sizeof(middle) - 1);
	for (unsigned int i = 0; st == MC_OK && i < count; i++)
		st = page_row(out, &rows[i], best);
	return st == MC_OK ? mc_buf_append(out, "</table>\n", 9) : st;
}
