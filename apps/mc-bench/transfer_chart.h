/* SPDX-License-Identifier: Apache-2.0 */
/* The curves of the page: throughput and latency over the size, as inline SVG. */
#ifndef MC_APPS_MC_BENCH_TRANSFER_CHART_H
#define MC_APPS_MC_BENCH_TRANSFER_CHART_H

#include "apps/mc-bench/transfer_report.h"
#include "core/base/buf.h"

/* A curve for each driver and op, in the order of their first rows; nothing without rows. */
enum mc_status transfer_charts_write(const struct transfer_row *rows, unsigned int count,
				     struct mc_buf *out);
/* @text as HTML; what is no UTF-8 of printable characters becomes "?". */
enum mc_status transfer_html_text(struct mc_buf *out, const char *text);

#endif
