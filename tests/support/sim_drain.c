/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sim_drain.h"

#include <stdio.h>

#include "tests/support/must.h"

#define NAMES_MAX 1100u
#define FETCH_MAX 64u

static bool answered;
static char names[1024];

static void
query_done(struct mc_master_query *query)
{
	answered = true;
}

static enum mc_status
ask(enum mc_query_kind kind, struct mc_drain_request *request, struct mc_drain_job *job)
{
	struct mc_master_query query = {
		.kind = kind, .reply_to = sim_reactor(), .done = query_done, .drain = request};

	answered = false;
	must(mc_master_query_send(sim_master(), &query) == MC_OK);
	sim_settle();
	must(answered);
	if (query.status == MC_OK) {
		*job = request->job;
		snprintf(names, sizeof(names), "%.*s", (int)mc_buf_len(&query.text),
			 (char *)query.text.data);
	}
	mc_buf_fini(&query.text);
	return query.status;
}

enum mc_status
sim_drain(const char *segments, const char *targets, uint32_t concurrency,
	  struct mc_drain_job *job_out)
{
	static struct mc_str sources[NAMES_MAX], others[NAMES_MAX];
	struct mc_drain_request request = {
		.segments = sources,
		.segments_count = sim_names(segments, sources, NAMES_MAX).count,
		.targets = others,
		.targets_count = sim_names(targets, others, NAMES_MAX).count,
		.concurrency = concurrency,
	};

	return ask(MC_QUERY_DRAIN_CREATE, &request, job_out);
}

enum mc_status
sim_drain_look(struct mc_drain_job *job)
{
	struct mc_drain_request request = {.id = job->id};

	return ask(MC_QUERY_DRAIN, &request, job);
}

enum mc_status
sim_drain_cancel(struct mc_drain_job *job)
{
	struct mc_drain_request request = {.id = job->id};

	return ask(MC_QUERY_DRAIN_CANCEL, &request, job);
}

const char *
sim_drain_names(void)
{
	return names;
}

uint32_t
sim_drain_serve(struct sim_client *client)
{
	struct sim_task tasks[FETCH_MAX];
	uint32_t count = sim_fetch(client, FETCH_MAX, tasks), moved = 0;

	for (uint32_t i = 0; i < count; i++)
		moved += sim_task_move(client, &tasks[i]);
	return moved;
}
