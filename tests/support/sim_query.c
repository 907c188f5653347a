/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sim_query.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/must.h"

static void
query_done(struct mc_master_query *query)
{
	struct sim_query *asked = mc_container_of(query, struct sim_query, query);

	must(!asked->done);
	asked->done = true;
}

void
sim_query_send(struct sim_query *query, enum mc_query_kind kind, const char *key)
{
	*query = (struct sim_query){.query = {
					    .kind = kind,
					    .reply_to = sim_reactor(),
					    .done = query_done,
					    .key = (char *)key,
					    .key_len = key != NULL ? strlen(key) : 0,
				    }};
	must(mc_master_query_send(sim_master(), &query->query) == MC_OK);
}

char *
sim_query_text(struct sim_query *query)
{
	must(query->done);
	must(mc_buf_append(&query->query.text, "", 1) == MC_OK);
	must(query->query.text.head == 0);
	return (char *)query->query.text.data;
}

char *
sim_query(enum mc_query_kind kind, const char *key)
{
	struct sim_query query;

	sim_query_send(&query, kind, key);
	sim_settle();
	must(query.done && query.query.status == MC_OK);
	return sim_query_text(&query);
}
