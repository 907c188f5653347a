/* SPDX-License-Identifier: Apache-2.0 */
/* With sim_master.h: queries of another thread, which here is the same one. */
#ifndef MC_TESTS_SUPPORT_SIM_QUERY_H
#define MC_TESTS_SUPPORT_SIM_QUERY_H

#include "tests/support/sim_master.h"

struct sim_query {
	struct mc_master_query query;
	bool done;
};

/* Sends it; it must live until it is answered. @key may be NULL, and lives as long. */
void sim_query_send(struct sim_query *query, enum mc_query_kind kind, const char *key);
/* The text of an answered one, which ends it. */
char *sim_query_text(struct sim_query *query);
/* All of it: the text, to be freed. It must be answered with MC_OK. */
char *sim_query(enum mc_query_kind kind, const char *key);

#endif
