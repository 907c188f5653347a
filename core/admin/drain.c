/* SPDX-License-Identifier: Apache-2.0 */
/* Drain jobs: ordered, looked at and cancelled. */
#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/admin/private.h"

/* Names in one order, segments and targets together. */
#define NAMES_MAX 4096u

/* What a query points to until it is answered. */
struct order {
	struct mc_drain_request request;
	json_t *json; /* the strings of names */
	struct mc_str names[];
};

static void
order_free(void *owned)
{
	struct order *order = owned;

	json_decref(order->json);
	free(order);
}

static void
order_ask(struct mc_admin *admin, struct mc_http_request *request, enum mc_query_kind kind,
	  struct order *order, void (*answer)(struct admin_ask *ask))
{
	struct admin_question question = {
		.kind = kind,
		.drain = &order->request,
		.owned = order,
		.release = order_free,
		.answer = answer,
	};

	mc_admin_ask(admin, request, &question);
}

/* ---- answers ---- */

static const struct {
	const char *name;
	const char *message;
} statuses[] = {
	[MC_DRAIN_CREATED] = {"CREATED", "the job has not begun yet"},
	[MC_DRAIN_PLANNING] = {"PLANNING", "the job looks for objects to move"},
	[MC_DRAIN_RUNNING] = {"RUNNING", "the job moves objects"},
	[MC_DRAIN_SUCCEEDED] = {"SUCCEEDED", "the segments are empty"},
	[MC_DRAIN_FAILED] = {"FAILED", "some objects could not be moved"},
	[MC_DRAIN_CANCELED] = {"CANCELED", "the job was cancelled"},
};

static const struct mc_drain_job *
job_of(const struct admin_ask *ask)
{
	return &ask->query.drain->job;
}

static void
answer_short(struct admin_ask *ask)
{
	const struct mc_drain_job *job = job_of(ask);
	struct mc_buf out;

	mc_buf_init(&out);
	if (mc_buf_printf(&out,
			  "{\"success\":true,\"job_id\":\"%" PRIu64 "-%" PRIu64
			  "\",\"status\":\"%s\",\"error_code\":0,\"error_message\":\"\"}",
			  job->id.first, job->id.second, statuses[job->status].name) != MC_OK)
		mc_admin_reply_error(ask->request, MC_ERR_NO_MEMORY, NULL);
	else
		mc_admin_reply(ask->request, 200, ADMIN_JSON, &out);
	mc_buf_fini(&out);
}

static void
answer_job(struct admin_ask *ask)
{
	const struct mc_drain_job *job = job_of(ask);
	char before[512], after[512];

	snprintf(before, sizeof(before),
		 "{\"success\":true,\"job_id\":\"%" PRIu64 "-%" PRIu64
		 "\",\"type\":0,\"type_name\":\"DRAIN\",\"status\":%d,\"status_name\":\"%s\","
		 "\"created_at_ms_epoch\":%" PRId64 ",\"last_updated_at_ms_epoch\":%" PRId64
		 ",\"segments\":",
		 job->id.first, job->id.second, job->status, statuses[job->status].name,
		 job->created_at_ms, job->updated_at_ms);
	snprintf(after, sizeof(after),
		 ",\"succeeded_units\":%" PRIu64 ",\"failed_units\":%" PRIu64
		 ",\"blocked_units\":%" PRIu64 ",\"active_units\":%" PRIu64
		 ",\"migrated_bytes\":%" PRIu64
		 ",\"message\":\"%s\",\"error_code\":0,\"error_message\":\"\"}",
		 job->succeeded_units, job->failed_units, job->blocked_units, job->active_units,
		 job->migrated_bytes, statuses[job->status].message);
	mc_admin_answer(ask, ADMIN_JSON, before, after);
}

/* ---- orders ---- */

/* The strings of @list, an array or not there, behind @names; false: it is something else. */
static bool
names_read(const json_t *list, struct mc_str *names, uint32_t *count_out)
{
	size_t count = json_array_size(list);

	if (list != NULL && !json_is_array(list))
		return false;
	for (size_t i = 0; i < count; i++) {
		const json_t *name = json_array_get(list, i);

		if (!json_is_string(name))
			return false;
		names[i] = (struct mc_str){json_string_value(name), json_string_length(name)};
	}
	*count_out = (uint32_t)count;
	return true;
}

/* What is wrong with @json as an order, whose members go to @order; NULL: nothing. */
static const char *
order_fill(struct order *order, const json_t *json)
{
	struct mc_drain_request *request = &order->request;
	const json_t *moves = json_object_get(json, "max_concurrency");
	struct mc_str *targets;

	request->segments = order->names;
	if (!names_read(json_object_get(json, "segments"), order->names, &request->segments_count))
		return "segments is no array of strings";
	request->targets = targets = order->names + request->segments_count;
	if (!names_read(json_object_get(json, "target_segments"), targets, &request->targets_count))
		return "target_segments is no array of strings";
	request->concurrency = MC_DRAIN_CONCURRENCY;
	if (moves == NULL)
		return NULL;
	if (!json_is_integer(moves) || json_integer_value(moves) < 1 ||
	    json_integer_value(moves) > MC_DRAIN_CONCURRENCY_MAX)
		return "max_concurrency is no number from 1 to 1024";
	request->concurrency = (uint32_t)json_integer_value(moves);
	return NULL;
}

/* NULL: it was answered. Takes @json. */
static struct order *
order_read(struct mc_http_request *request, json_t *json)
{
	size_t count = json_array_size(json_object_get(json, "segments")) +
		       json_array_size(json_object_get(json, "target_segments"));
	const char *wrong = NULL;
	struct order *order;

	if (!json_is_object(json))
		wrong = "the body is no JSON object";
	else if (count > NAMES_MAX)
		wrong = "too many names";
	if (wrong != NULL) {
		mc_admin_reply_error(request, MC_ERR_INVALID, wrong);
		json_decref(json);
		return NULL;
	}
	order = calloc(1, sizeof(*order) + count * sizeof(order->names[0]));
	if (order == NULL) {
		mc_admin_reply_error(request, MC_ERR_NO_MEMORY, NULL);
		json_decref(json);
		return NULL;
	}
	order->json = json;
	wrong = order_fill(order, json);
	if (wrong == NULL)
		return order;
	mc_admin_reply_error(request, MC_ERR_INVALID, wrong);
	order_free(order);
	return NULL;
}

void
mc_admin_post_drain(void *context, struct mc_http_request *request)
{
	size_t len;
	const void *body = mc_http_body(request, &len);
	struct order *order = order_read(request, json_loadb(body, len, 0, NULL));

	if (order != NULL)
		order_ask(context, request, MC_QUERY_DRAIN_CREATE, order, answer_short);
}

/* ---- jobs ---- */

/* "first-second" in decimal. */
static bool
uuid_read(const char *text, struct mc_uuid *id_out)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	id_out->first = strtoull(text, &end, 10);
	if (*end != '-' || !isdigit((unsigned char)end[1]))
		return false;
	id_out->second = strtoull(end + 1, &end, 10);
	return *end == '\0';
}

static void
job_ask(struct mc_admin *admin, struct mc_http_request *request, enum mc_query_kind kind,
	void (*answer)(struct admin_ask *ask))
{
	size_t len;
	const char *text = mc_http_query(request, "job_id", &len);
	struct mc_uuid id;
	struct order *order;

	if (text == NULL || strlen(text) != len || !uuid_read(text, &id)) {
		mc_admin_reply_error(request, MC_ERR_INVALID, "no job: give ?job_id=NUMBER-NUMBER");
		return;
	}
	order = calloc(1, sizeof(*order));
	if (order == NULL) {
		mc_admin_reply_error(request, MC_ERR_NO_MEMORY, NULL);
		return;
	}
	order->request.id = id;
	order_ask(admin, request, kind, order, answer);
}

void
mc_admin_get_drain(void *context, struct mc_http_request *request)
{
	job_ask(context, request, MC_QUERY_DRAIN, answer_job);
}

void
mc_admin_post_drain_cancel(void *context, struct mc_http_request *request)
{
	job_ask(context, request, MC_QUERY_DRAIN_CANCEL, answer_short);
}
