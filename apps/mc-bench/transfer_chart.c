/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/transfer_chart.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "apps/mc-bench/size.h"
#include "core/base/json.h"
#include "mc/types.h"

#define WIDTH	   480
#define HEIGHT	   300
#define LEFT	   52
#define RIGHT	   470
#define TOP	   14
#define BOTTOM	   264
#define COLOURS	   8
#define LABELS_MAX 7	/* of sizes, as wide as they are */

/* What a chart shows of a row. */
struct measure {
	const char *title;
	const char *unit;
	bool logarithmic;
	double (*value)(const struct transfer_row *row);
	double (*tail)(const struct transfer_row *row);	/* dashed; NULL: none */
};

struct chart {
	const struct transfer_row *rows;
	unsigned int count;
	const struct measure *measure;
	double size_min, size_max;	/* log2 */
	double low, high;		/* of the values, or their log10 */
	struct mc_buf *out;
	enum mc_status status;		/* of the first append that failed */
};

__attribute__((format(printf, 2, 3))) static void
draw(struct chart *chart, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (chart->status == MC_OK)
		chart->status = mc_buf_append(chart->out, text, strlen(text));
}

/* ---- where ---- */

static double
x_of(const struct chart *chart, uint64_t size)
{
	double span = chart->size_max - chart->size_min;
	double part = span > 0 ? (log2((double)size) - chart->size_min) / span : 0.5;

	return LEFT + part * (RIGHT - LEFT);
}

static double
y_of(const struct chart *chart, double value)
{
	double at = value;

	if (chart->measure->logarithmic)
		at = value > 0 ? log10(value) : chart->low;
	return BOTTOM - (at - chart->low) / (chart->high - chart->low) * (BOTTOM - TOP);
}

static void
range_find(struct chart *chart)
{
	const struct measure *measure = chart->measure;
	double low = INFINITY, high = 0;

	chart->size_min = INFINITY;
	chart->size_max = 0;
	for (unsigned int i = 0; i < chart->count; i++) {
		const struct transfer_row *row = &chart->rows[i];
		double value = measure->value(row);
		double tail = measure->tail != NULL ? measure->tail(row) : value;

		low = fmin(low, fmin(value, tail));
		high = fmax(high, fmax(value, tail));
		chart->size_min = fmin(chart->size_min, log2((double)row->size));
		chart->size_max = fmax(chart->size_max, log2((double)row->size));
	}
	if (high <= 0)
		high = 1;
	if (measure->logarithmic) {
		chart->low = floor(log10(fmax(low, high * 1e-6)));
		chart->high = fmax(ceil(log10(high)), chart->low + 1);
	} else {
		chart->low = 0;
		chart->high = high * 1.05;
	}
}

/* 1, 2 or 5 times a power of ten: about a quarter of @span. */
static double
step_of(double span)
{
	double power = pow(10, floor(log10(span / 4)));
	double rest = span / 4 / power;

	return power * (rest < 1.5 ? 1 : rest < 3.5 ? 2 : rest < 7.5 ? 5 : 10);
}

/* ---- axes ---- */

static void
y_line(struct chart *chart, double value)
{
	double y = y_of(chart, value);

	draw(chart, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT,
	     RIGHT, y, y);
	draw(chart, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.9g</text>\n", LEFT - 6, y + 4,
	     value);
}

static void
y_axis(struct chart *chart)
{
	if (chart->measure->logarithmic) {
		for (double at = chart->low; at <= chart->high; at++)
			y_line(chart, pow(10, at));
		return;
	}
	for (unsigned int i = 0; i * step_of(chart->high) <= chart->high; i++)
		y_line(chart, i * step_of(chart->high));
}

/* Was this size in an earlier row? */
static bool
size_seen(const struct chart *chart, unsigned int index)
{
	for (unsigned int i = 0; i < index; i++) {
		if (chart->rows[i].size == chart->rows[index].size)
			return true;
	}
	return false;
}

static void
x_axis(struct chart *chart)
{
	unsigned int sizes = 0, drawn = 0, every;
	char text[SIZE_TEXT];

	for (unsigned int i = 0; i < chart->count; i++)
		sizes += !size_seen(chart, i);
	every = (sizes + LABELS_MAX - 1) / LABELS_MAX;
	for (unsigned int i = 0; i < chart->count; i++) {
		if (size_seen(chart, i) || drawn++ % every != 0)
			continue;
		draw(chart, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
		     x_of(chart, chart->rows[i].size), BOTTOM + 22,
		     size_text(chart->rows[i].size, text));
	}
}

/* ---- curves ---- */

static bool
same_curve(const struct transfer_row *a, const struct transfer_row *b)
{
	return a->op == b->op && strcmp(a->driver, b->driver) == 0;
}

/* The first row of its curve? */
static bool
curve_starts(const struct transfer_row *rows, unsigned int index)
{
	for (unsigned int i = 0; i < index; i++) {
		if (same_curve(&rows[i], &rows[index]))
			return false;
	}
	return true;
}

static void
curve(struct chart *chart, unsigned int first, unsigned int colour, bool is_tail)
{
	const struct measure *measure = chart->measure;
	double (*value)(const struct transfer_row *) = is_tail ? measure->tail : measure->value;
	const struct transfer_row *head = &chart->rows[first];
	char text[SIZE_TEXT];

	draw(chart, "<polyline class=\"curve%s\" stroke=\"var(--s%u)\" points=\"",
	     is_tail ? " tail" : "", colour);
	for (unsigned int i = first; i < chart->count; i++) {
		if (same_curve(&chart->rows[i], head))
			draw(chart, "%.1f,%.1f ", x_of(chart, chart->rows[i].size),
			     y_of(chart, value(&chart->rows[i])));
	}
	draw(chart, "\"/>\n");
	for (unsigned int i = first; i < chart->count; i++) {
		const struct transfer_row *row = &chart->rows[i];

		if (!same_curve(row, head))
			continue;
		draw(chart, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"var(--s%u)\">",
		     x_of(chart, row->size), y_of(chart, value(row)), colour);
		draw(chart, "<title>%s %s %s: %.4g %s</title></circle>\n", row->driver,
		     transfer_op_name(row->op), size_text(row->size, text), value(row),
		     measure->unit);
	}
}

static void
legend(struct chart *chart)
{
	unsigned int colour = 0;

	draw(chart, "<ul>");
	for (unsigned int i = 0; i < chart->count; i++) {
		if (!curve_starts(chart->rows, i))
			continue;
		draw(chart, "<li><i style=\"background:var(--s%u)\"></i>%s %s</li>",
		     colour++ % COLOURS, chart->rows[i].driver,
		     transfer_op_name(chart->rows[i].op));
	}
	draw(chart, "</ul>\n");
}

static void
chart_draw(struct chart *chart)
{
	unsigned int colour = 0;

	range_find(chart);
	draw(chart, "<section><h2>%s</h2>\n", chart->measure->title);
	legend(chart);
	draw(chart, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n", WIDTH, HEIGHT,
	     chart->measure->title);
	y_axis(chart);
	x_axis(chart);
	for (unsigned int i = 0; i < chart->count; i++) {
		if (!curve_starts(chart->rows, i))
			continue;
		if (chart->measure->tail != NULL)
			curve(chart, i, colour % COLOURS, true);
		curve(chart, i, colour++ % COLOURS, false);
	}
	draw(chart, "</svg></section>\n");
}

static double
row_gb_per_s(const struct transfer_row *row)
{
	return row->figures.gb_per_s;
}

static double
row_p50(const struct transfer_row *row)
{
	return row->figures.p50_us;
}

static double
row_p99(const struct transfer_row *row)
{
	return row->figures.p99_us;
}

enum mc_status
transfer_charts_write(const struct transfer_row *rows, unsigned int count, struct mc_buf *out)
{
	static const struct measure measures[] = {
		{"Throughput, GB/s", "GB/s", false, row_gb_per_s, NULL},
		{"Latency, µs (p99 dashed)", "µs", true, row_p50, row_p99},
	};
	struct chart chart = {.rows = rows, .count = count, .out = out};

	if (count == 0)
		return MC_OK;
	draw(&chart, "<div class=\"charts\">\n");
	for (size_t i = 0; i < sizeof(measures) / sizeof(measures[0]); i++) {
		chart.measure = &measures[i];
		chart_draw(&chart);
	}
	draw(&chart, "</div>\n");
	return chart.status;
}

enum mc_status
transfer_html_text(struct mc_buf *out, const char *text)
{
	bool utf8 = mc_json_is_text((struct mc_str){text, strlen(text)});
	enum mc_status st = MC_OK;

	for (; *text != '\0' && st == MC_OK; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte == '<')
			st = mc_buf_append(out, "&lt;", 4);
		else if (byte == '&')
			st = mc_buf_append(out, "&amp;", 5);
		else if (byte == '"')
			st = mc_buf_append(out, "&quot;", 6);
		else if ((byte < 0x20 && byte != '\n') || byte == 0x7f || (byte >= 0x80 && !utf8))
			st = mc_buf_append(out, "?", 1);
		else
			st = mc_buf_append(out, text, 1);
	}
	return st;
}
