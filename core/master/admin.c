/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes of the admin port. What counters tell is answered at once; what the metadata lcore
 * must be asked is a query, and the request waits for it.
 */
#include "core/master/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/assert.h"
#include "core/master/admin_private.h"

#define TEXT "text/plain; version=0.0.4"
#define PLAIN "text/plain"
#define JSON "application/json; charset=utf-8"

/* ---- queries ---- */

struct ask {
	struct mc_master_query query;
	struct mc_list link;
	struct mc_admin *admin;			/* NULL: the server has closed */
	struct mc_http_request *request;
	void (*answer)(struct ask *ask);
	char key[];
};

static void
reply_buf(struct mc_http_request *request, unsigned int status, const char *type,
	  const struct mc_buf *buf)
{
	mc_http_reply(request, status, type, mc_buf_len(buf) > 0 ? buf->data + buf->head : NULL,
		      mc_buf_len(buf));
}

static void
reply_text(struct mc_http_request *request, unsigned int status, const char *type,
	   const char *text)
{
	mc_http_reply(request, status, type, text, strlen(text));
}

static void
reply_error(struct mc_http_request *request, enum mc_status status)
{
	int32_t code = mc_wire_error(status);
	char text[128];

	snprintf(text, sizeof(text),
		 "{\"success\":false,\"error_code\":%d,\"error_message\":\"%s\"}", code,
		 mc_wire_error_name(code));
	reply_text(request, status == MC_ERR_OBJECT_NOT_FOUND ? 404 : 500, JSON, text);
}

static void
ask_done(struct mc_master_query *query)
{
	struct ask *ask = mc_container_of(query, struct ask, query);

	if (ask->admin != NULL) {
		mc_list_del(&ask->link);
		if (query->status == MC_OK)
			ask->answer(ask);
		else
			reply_error(ask->request, query->status);
	}
	mc_buf_fini(&query->text);
	free(ask);
}

static void
ask_aborted(void *context)
{
	struct ask *ask = context;

	mc_list_del(&ask->link);
	ask->admin = NULL;
}

static void
ask_send(struct mc_admin *admin, struct mc_http_request *request, enum mc_query_kind kind,
	 struct mc_str key, void (*answer)(struct ask *ask))
{
	struct ask *ask = calloc(1, sizeof(*ask) + key.len);

	if (ask == NULL) {
		reply_error(request, MC_ERR_NO_MEMORY);
		return;
	}
	ask->admin = admin;
	ask->request = request;
	ask->answer = answer;
	ask->query.kind = kind;
	ask->query.reply_to = admin->params.reactor;
	ask->query.done = ask_done;
	ask->query.key = ask->key;
	ask->query.key_len = key.len;
	if (key.len > 0)
		memcpy(ask->key, key.ptr, key.len);
	if (mc_master_query_send(admin->params.master, &ask->query) != MC_OK) {
		free(ask);
		reply_text(request, 503, PLAIN, "the master is overloaded, ask again");
		return;
	}
	mc_list_add_tail(&admin->asking, &ask->link);
	mc_http_on_abort(request, ask_aborted, ask);
}

static const struct mc_str no_key = {NULL, 0};

static void
answer_text(struct ask *ask)
{
	reply_buf(ask->request, 200, TEXT, &ask->query.text);
}

static void
answer_json(struct ask *ask)
{
	reply_buf(ask->request, 200, JSON, &ask->query.text);
}

/* The text between @before and @after. */
static void
answer_wrapped(struct ask *ask, const char *type, const char *before, const char *after)
{
	const struct mc_buf *text = &ask->query.text;
	struct mc_buf whole;

	mc_buf_init(&whole);
	if (mc_buf_append(&whole, before, strlen(before)) != MC_OK ||
	    mc_buf_append(&whole, text->data + text->head, mc_buf_len(text)) != MC_OK ||
	    mc_buf_append(&whole, after, strlen(after)) != MC_OK)
		reply_error(ask->request, MC_ERR_NO_MEMORY);
	else
		reply_buf(ask->request, 200, type, &whole);
	mc_buf_fini(&whole);
}

static void
answer_key(struct ask *ask)
{
	answer_wrapped(ask, JSON, "{\"success\":true,\"data\":", "}");
}

static void
answer_metrics(struct ask *ask)
{
	struct mc_buf out;

	mc_buf_init(&out);
	mc_admin_metrics_write(ask->admin, &out);
	if (mc_buf_append(&out, ask->query.text.data + ask->query.text.head,
			  mc_buf_len(&ask->query.text)) != MC_OK)
		reply_error(ask->request, MC_ERR_NO_MEMORY);
	else
		reply_buf(ask->request, 200, TEXT, &out);
	mc_buf_fini(&out);
}

/* ---- routes ---- */

static void
get_metrics(void *context, struct mc_http_request *request)
{
	ask_send(context, request, MC_QUERY_SEGMENT_STATS, no_key, answer_metrics);
}

static void
get_summary(void *context, struct mc_http_request *request)
{
	struct mc_buf out;

	mc_buf_init(&out);
	mc_admin_summary_write(context, &out);
	reply_buf(request, 200, TEXT, &out);
	mc_buf_fini(&out);
}

static void
get_health(void *context, struct mc_http_request *request)
{
	const struct mc_admin *admin = context;
	char text[192];

	snprintf(text, sizeof(text),
		 "{\"status\":\"%s\",\"role\":\"leader\",\"ha_state\":\"%s\",\"service_ready\":%s,"
		 "\"leader_address\":null,\"view_version\":null}",
		 admin->serving ? "ok" : "unavailable", admin->serving ? "serving" : "stopping",
		 admin->serving ? "true" : "false");
	reply_text(request, admin->serving ? 200 : 503, JSON, text);
}

static void
get_role(void *context, struct mc_http_request *request)
{
	reply_text(request, 200, PLAIN, "leader");
}

static void
get_ha_status(void *context, struct mc_http_request *request)
{
	const struct mc_admin *admin = context;

	reply_text(request, 200, PLAIN, admin->serving ? "serving" : "stopping");
}

static void
get_leader(void *context, struct mc_http_request *request)
{
	reply_text(request, 200, JSON,
		   "{\"present\":false,\"leader_address\":null,\"view_version\":null}");
}

static void
get_query_key(void *context, struct mc_http_request *request)
{
	struct mc_str key = {NULL, 0};

	key.ptr = mc_http_query(request, "key", &key.len);
	if (key.ptr == NULL || key.len == 0)
		reply_error(request, MC_ERR_OBJECT_NOT_FOUND);
	else
		ask_send(context, request, MC_QUERY_KEY, key, answer_key);
}

static void
get_all_keys(void *context, struct mc_http_request *request)
{
	ask_send(context, request, MC_QUERY_KEYS, no_key, answer_text);
}

static void
get_all_segments(void *context, struct mc_http_request *request)
{
	ask_send(context, request, MC_QUERY_SEGMENT_NAMES, no_key, answer_text);
}

static void
get_segments_detail(void *context, struct mc_http_request *request)
{
	ask_send(context, request, MC_QUERY_SEGMENTS, no_key, answer_json);
}

/* ---- open and close ---- */

enum mc_status
mc_admin_open(const struct mc_admin_params *params, struct mc_admin **admin_out)
{
	struct mc_admin *admin = calloc(1, sizeof(*admin));
	const struct mc_http_route routes[] = {
		{"GET", "/metrics", get_metrics, admin},
		{"GET", "/metrics/summary", get_summary, admin},
		{"GET", "/health", get_health, admin},
		{"GET", "/role", get_role, admin},
		{"GET", "/leader", get_leader, admin},
		{"GET", "/ha_status", get_ha_status, admin},
		{"GET", "/query_key", get_query_key, admin},
		{"GET", "/get_all_keys", get_all_keys, admin},
		{"GET", "/get_all_segments", get_all_segments, admin},
		{"GET", "/get_segments_detail", get_segments_detail, admin},
	};
	struct mc_http_params http = {
		.size = sizeof(http),
		.reactor = params->reactor,
		.host = params->host,
		.port = params->port,
		.routes = routes,
		.routes_count = sizeof(routes) / sizeof(routes[0]),
	};
	enum mc_status st;

	mc_assert(params->size == sizeof(*params));
	if (admin == NULL)
		return MC_ERR_NO_MEMORY;
	admin->params = *params;
	admin->serving = true;
	mc_list_init(&admin->asking);
	st = mc_http_server_open(&http, &admin->http);
	if (st != MC_OK) {
		free(admin);
		return st;
	}
	*admin_out = admin;
	return MC_OK;
}

void
mc_admin_close(struct mc_admin *admin)
{
	if (admin == NULL)
		return;
	mc_http_server_close(admin->http);
	free(admin);
}

uint16_t
mc_admin_port(const struct mc_admin *admin)
{
	return mc_http_server_port(admin->http);
}

void
mc_admin_serving_set(struct mc_admin *admin, int serving)
{
	admin->serving = serving != 0;
}

char *
mc_admin_summary(struct mc_admin *admin)
{
	struct mc_buf out;
	enum mc_status st;

	mc_buf_init(&out);
	mc_admin_summary_write(admin, &out);
	st = mc_buf_append(&out, "", 1);
	if (st != MC_OK) {
		mc_buf_fini(&out);
		return NULL;
	}
	return (char *)out.data;
}
