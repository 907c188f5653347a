/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/transfer_html.h"

#include <string.h>
#include <time.h>

#include "apps/mc-bench/size.h"
#include "core/base/clock.h"
#include "apps/mc-bench/transfer_chart.h"
#include "mc/version.h"

static const char style[] =
	":root{color-scheme:light dark;--paper:#fbfaf7;--ink:#1d1c1a;--soft:#6f6b64;--line:#e4e0d8;"
	"--s0:#3f6b8a;--s1:#b7791f;--s2:#4d7c57;--s3:#b23a2e;--s4:#7a5c99;--s5:#2f8f8a;"
	"--s6:#8a6d3b;--s7:#5a6270}\n"
	"@media(prefers-color-scheme:dark){:root{--paper:#16171a;--ink:#e8e6e1;--soft:#96938c;"
	"--line:#2c2e33;--s0:#7fb0d3;--s1:#dba94f;--s2:#86b890;--s3:#e5766a;--s4:#b79ad6;"
	"--s5:#6fc7c1;--s6:#c9a76b;--s7:#a3abb8}}\n"
	"*{box-sizing:border-box;margin:0}\n"
	"body{background:var(--paper);color:var(--ink);max-width:72rem;margin:0 auto;"
	"padding:1.5rem clamp(.75rem,4vw,2.5rem) 3rem;font:15px/1.5 system-ui,\"Segoe UI\",Roboto,"
	"\"DejaVu Sans\",sans-serif;font-variant-numeric:tabular-nums}\n"
	"h1{font:600 1.4rem/1.2 Georgia,\"DejaVu Serif\",serif}\n"
	"h2{font:600 1.05rem/1.3 Georgia,\"DejaVu Serif\",serif;margin:2rem 0 .5rem;"
	"padding-bottom:.3rem;border-bottom:1px solid var(--line)}\n"
	"p,dd,dt{color:var(--soft)}p{white-space:pre-line}dd{color:var(--ink);margin:0 0 .3rem}\n"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:0 1rem}\n"
	"pre{white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.5 ui-monospace,Menlo,"
	"\"DejaVu Sans Mono\",monospace}\n"
	".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(22rem,100%),1fr));"
	"gap:0 2rem}\n"
	".wide{overflow-x:auto}table{border-collapse:collapse;width:100%}\n"
	"th,td{padding:.25rem .6rem;text-align:right;white-space:nowrap;"
	"border-bottom:1px solid var(--line)}th{font-weight:600;color:var(--soft)}\n"
	"th:nth-child(-n+3),td:nth-child(-n+3){text-align:left}\n"
	"svg{display:block;width:100%;height:auto;overflow:visible}\n"
	"svg text{fill:var(--soft);font-size:13px}\n"
	"svg .grid{stroke:var(--line)}\n"
	"svg .curve{fill:none;stroke-width:2;stroke-linejoin:round}\n"
	"svg .tail{stroke-dasharray:4 4}\n"
	"ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:0 1rem;font-size:.85rem}\n"
	"li i{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.4em;"
	"vertical-align:-.05em}\n"
	"@media(max-width:30rem){dl{display:block}}\n";

/* ---- facts ---- */

/* The rest of the first line of @path that begins with @key, "" when there is none. */
static void
fact_read(const char *path, const char *key, char *text, size_t size)
{
	FILE *file = fopen(path, "r");
	char line[512];

	text[0] = '\0';
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		const char *value = line + strlen(key);

		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		value += strspn(value, " \t:");
		snprintf(text, size, "%.*s", (int)strcspn(value, "\n"), value);
		break;
	}
	if (file != NULL)
		fclose(file);
}

static enum mc_status
fact_write(struct mc_buf *out, const char *name, const char *value)
{
	enum mc_status st = mc_buf_printf(out, "<dt>%s</dt><dd>", name);

	if (st == MC_OK)
		st = transfer_html_text(out, value[0] != '\0' ? value : "unknown");
	return st == MC_OK ? mc_buf_printf(out, "</dd>\n") : st;
}

static enum mc_status
facts_write(const struct transfer_page *page, struct mc_buf *out)
{
	static const struct {
		const char *name, *path, *key;
	} facts[] = {
		{"processor", "/proc/cpuinfo", "model name"},
		{"CPUs allowed", "/proc/self/status", "Cpus_allowed_list"},
		{"memory", "/proc/meminfo", "MemTotal"},
		{"free hugepages", "/proc/meminfo", "HugePages_Free"},
		{"kernel", "/proc/sys/kernel/osrelease", ""},
		{"TCP congestion control", "/proc/sys/net/ipv4/tcp_congestion_control", ""},
		{"transparent hugepages", "/sys/kernel/mm/transparent_hugepage/shmem_enabled", ""},
	};
	time_t seconds = (time_t)(page->real_ns / MC_NS_PER_S);
	enum mc_status st = mc_buf_printf(out, "<h2>This host</h2>\n<dl>\n");
	char text[512];
	struct tm when;

	for (size_t i = 0; st == MC_OK && i < sizeof(facts) / sizeof(facts[0]); i++) {
		fact_read(facts[i].path, facts[i].key, text, sizeof(text));
		st = fact_write(out, facts[i].name, text);
	}
	if (st == MC_OK)
		st = fact_write(out, "mc-bench", MC_VERSION);
	gmtime_r(&seconds, &when);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &when);
	if (st == MC_OK)
		st = fact_write(out, "measured", text);
	return st == MC_OK ? mc_buf_printf(out, "</dl>\n") : st;
}

/* ---- table ---- */

static enum mc_status
row_write(const struct transfer_row *row, struct mc_buf *out)
{
	const struct transfer_figures *figures = &row->figures;
	char size[SIZE_TEXT], flight[TRANSFER_FLIGHT_TEXT];
	char cpu[32] = "–", first[32] = "–";

	if (figures->cpu_s_per_gb >= 0)
		snprintf(cpu, sizeof(cpu), "%.3f", figures->cpu_s_per_gb);
	if (figures->first_gb_per_s > 0)
		snprintf(first, sizeof(first), "%.3f", figures->first_gb_per_s);
	return mc_buf_printf(out,
			     "<tr><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%.3f</td>"
			     "<td>%.0f</td><td>%.1f</td><td>%.1f</td><td>%s</td><td>%s</td>"
			     "<td>%llu</td></tr>\n",
			     row->driver, transfer_op_name(row->op), size_text(row->size, size),
			     transfer_flight_text(row, flight), figures->gb_per_s,
			     figures->ops_per_s,
			     figures->p50_us, figures->p99_us, cpu, first,
			     (unsigned long long)figures->errors);
}

static enum mc_status
table_write(const struct transfer_page *page, struct mc_buf *out)
{
	enum mc_status st = mc_buf_printf(
		out, "<h2>Figures</h2>\n<div class=\"wide\"><table>\n<thead><tr><th>driver</th>"
		     "<th>op</th><th>size</th><th>in flight</th><th>GB/s</th><th>ops/s</th>"
		     "<th>p50 µs</th><th>p99 µs</th><th>CPU s/GB</th><th>first pass GB/s</th>"
		     "<th>errors</th></tr></thead>\n<tbody>\n");

	for (unsigned int i = 0; st == MC_OK && i < page->rows_count; i++)
		st = row_write(&page->rows[i], out);
	if (st == MC_OK)
		st = mc_buf_printf(out, "</tbody></table></div>\n");
	if (st == MC_OK && page->rows_count > 0)
		st = mc_buf_printf(out,
				   "<p>1 GB is 10<sup>9</sup> bytes. CPU seconds of %s. The "
				   "first pass touches each block for the first time.</p>\n",
				   page->rows[0].cpu_of_both ? "both ends" : "the initiator alone");
	return st;
}

/* ---- the page ---- */

static enum mc_status
head_write(const struct transfer_page *page, struct mc_buf *out)
{
	enum mc_status st = mc_buf_printf(
		out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		     "style-src 'unsafe-inline'; img-src data:\">\n"
		     "<link rel=\"icon\" href=\"data:,\">\n<title>mc-bench transfer</title>\n"
		     "<style>\n%s</style>\n</head>\n<body>\n<h1>mc-bench transfer</h1>\n<p>",
		style);

	if (st == MC_OK)
		st = transfer_html_text(out, page->about);
	return st == MC_OK ? mc_buf_printf(out, "</p>\n") : st;
}

enum mc_status
transfer_html_write(const struct transfer_page *page, struct mc_buf *out)
{
	enum mc_status st = head_write(page, out);

	if (st == MC_OK)
		st = transfer_charts_write(page->rows, page->rows_count, out);
	if (st == MC_OK)
		st = table_write(page, out);
	if (st == MC_OK)
		st = mc_buf_printf(out, "<h2>Command</h2>\n<pre>");
	if (st == MC_OK)
		st = transfer_html_text(out, page->command);
	if (st == MC_OK)
		st = mc_buf_printf(out, "</pre>\n");
	if (st == MC_OK)
		st = facts_write(page, out);
	return st == MC_OK ? mc_buf_printf(out, "</body>\n</html>\n") : st;
}
