/* SPDX-License-Identifier: Apache-2.0 */
/* A program's table of flags, and the page of doc/ that is made from it. */
#ifndef MC_TESTS_SUPPORT_OPTIONS_PAGE_H
#define MC_TESTS_SUPPORT_OPTIONS_PAGE_H

#include "apps/cli/flags.h"

struct options_page {
	const struct mc_flag *table;
	size_t table_count;
	const char *program;
	const char *env_prefix;
	enum mc_status (*document)(const struct mc_flags *flags, struct mc_buf *out);
	const char *path;		/* of the page, where no argument names it */
};

/* The whole test program. */
int options_page_run(const struct options_page *page, int argc, char **argv);

#endif
