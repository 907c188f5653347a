/* SPDX-License-Identifier: Apache-2.0 */
/* The table itself, and doc/flags.md (the first argument) against it. */
#include "apps/mc-master/options.h"

#include "tests/support/options_page.h"

int
main(int argc, char **argv)
{
	const struct options_page page = {
		.table = mc_options_table,
		.table_count = mc_options_count,
		.program = "mc-master",
		.env_prefix = "MC_MASTER_",
		.document = mc_options_document,
		.path = "doc/flags.md",
	};

	return options_page_run(&page, argc, argv);
}
