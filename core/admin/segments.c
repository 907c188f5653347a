/* SPDX-License-Identifier: Apache-2.0 */
/* Segments: their names, their state, how full they are. */
#include "core/admin/private.h"

static void
answer_names(struct admin_ask *ask)
{
	mc_admin_answer(ask, ADMIN_METRICS, "", "");
}

void
mc_admin_get_segments(void *context, struct mc_http_request *request)
{
	mc_admin_ask(context, request, MC_QUERY_SEGMENT_NAMES, ADMIN_NO_KEY, answer_names);
}

static void
answer_detail(struct admin_ask *ask)
{
	mc_admin_answer(ask, ADMIN_JSON, "", "");
}

void
mc_admin_get_segments_detail(void *context, struct mc_http_request *request)
{
	mc_admin_ask(context, request, MC_QUERY_SEGMENTS, ADMIN_NO_KEY, answer_detail);
}
