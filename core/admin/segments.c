/* SPDX-License-Identifier: Apache-2.0 */
/* Segments: their names, their state, how full they are. */
#include <inttypes.h>

#include "core/admin/private.h"
#include "core/base/json.h"

static struct mc_str
segment_argument(struct mc_http_request *request)
{
	struct mc_str name = {NULL, 0};

	name.ptr = mc_http_query(request, "segment", &name.len);
	return name;
}

/* ---- one ---- */

static void
answer_segment(struct admin_ask *ask)
{
	mc_admin_answer(ask, ADMIN_METRICS, "", "");
}

void
mc_admin_get_segment(void *context, struct mc_http_request *request)
{
	struct admin_question question = {.kind = MC_QUERY_SEGMENT,
					  .key = segment_argument(request),
					  .answer = answer_segment};

	mc_admin_ask(context, request, &question);
}

static const char *
status_name(uint64_t status)
{
	static const char *const names[] = {
		[MC_SEGMENT_UNDEFINED] = "UNDEFINED",
		[MC_SEGMENT_OK] = "OK",
		[MC_SEGMENT_DRAINING] = "DRAINING",
		[MC_SEGMENT_DRAINED] = "DRAINED",
		[MC_SEGMENT_GRACEFULLY_UNMOUNTING] = "GRACEFULLY_UNMOUNTING",
		[MC_SEGMENT_UNMOUNTING] = "UNMOUNTING",
	};

	return names[status];
}

static void
answer_status(struct admin_ask *ask)
{
	struct mc_str name = {ask->query.key, ask->query.key_len};
	struct mc_buf out;

	mc_buf_init(&out);
	if (mc_buf_printf(&out, "{\"success\":true,\"segment\":") != MC_OK ||
	    mc_json_str(&out, name) != MC_OK ||
	    mc_buf_printf(&out, ",\"status\":%" PRIu64 ",\"status_name\":\"%s\",", ask->query.count,
			  status_name(ask->query.count)) != MC_OK ||
	    mc_buf_printf(&out, "\"error_code\":0,\"error_message\":\"\"}") != MC_OK)
		mc_admin_reply_error(ask->request, MC_ERR_NO_MEMORY, NULL);
	else
		mc_admin_reply(ask->request, 200, ADMIN_JSON, &out);
	mc_buf_fini(&out);
}

void
mc_admin_get_segment_status(void *context, struct mc_http_request *request)
{
	struct admin_question question = {.kind = MC_QUERY_SEGMENT_STATUS,
					  .key = segment_argument(request),
					  .answer = answer_status};

	if (question.key.len == 0)
		mc_admin_reply_error(request, MC_ERR_INVALID, "no segment: give ?segment=NAME");
	else
		mc_admin_ask(context, request, &question);
}

/* ---- all ---- */

static void
answer_names(struct admin_ask *ask)
{
	mc_admin_answer(ask, ADMIN_METRICS, "", "");
}

void
mc_admin_get_segments(void *context, struct mc_http_request *request)
{
	static const struct admin_question question = {.kind = MC_QUERY_SEGMENT_NAMES,
						       .answer = answer_names};

	mc_admin_ask(context, request, &question);
}

static void
answer_detail(struct admin_ask *ask)
{
	mc_admin_answer(ask, ADMIN_JSON, "", "");
}

void
mc_admin_get_segments_detail(void *context, struct mc_http_request *request)
{
	static const struct admin_question question = {.kind = MC_QUERY_SEGMENTS,
						       .answer = answer_detail};

	mc_admin_ask(context, request, &question);
}
