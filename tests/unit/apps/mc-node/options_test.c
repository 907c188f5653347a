/* SPDX-License-Identifier: Apache-2.0 */
/* The table itself, and doc/flags-node.md (the first argument) against it. */
#include "apps/mc-node/options.h"

#include "tests/support/options_page.h"

int
main(int argc, char **argv)
{
	const struct options_page page = {
		.table = node_options_table,
		.table_count = node_options_count,
		.program = "mc-node",
		.env_prefix = "MC_NODE_",
		.document = node_options_document,
		.path = "doc/flags-node.md",
	};

	return options_page_run(&page, argc, argv);
}
