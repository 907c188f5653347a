/* SPDX-License-Identifier: Apache-2.0 */
/* The results as one page that needs nothing else: curves as inline SVG, the table, the command. */
#ifndef MC_APPS_MC_BENCH_TRANSFER_HTML_H
#define MC_APPS_MC_BENCH_TRANSFER_HTML_H

#include <stdio.h>

#include "apps/mc-bench/transfer_report.h"
#include "core/base/buf.h"

struct transfer_page {
	const char *command;		/* any bytes */
	const char *about;		/* one line on the two ends */
	const struct transfer_row *rows;
	unsigned int rows_count;
	uint64_t real_ns;		/* when, since 1970 */
};

/* Appends the page to @out. MC_ERR_NO_MEMORY. Reads facts on this host from /proc and /sys. */
enum mc_status transfer_html_write(const struct transfer_page *page, struct mc_buf *out);

#endif
