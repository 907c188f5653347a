/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the master's reactor, and answering the request when it has answered. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/admin/private.h"

/* ---- replies ---- */

void
mc_admin_reply(struct mc_http_request *request, unsigned int status, const char *type,
	       const struct mc_buf *buf)
{
	mc_http_reply(request, status, type, mc_buf_len(buf) > 0 ? buf->data + buf->head : NULL,
		      mc_buf_len(buf));
}

void
mc_admin_reply_text(struct mc_http_request *request, unsigned int status, const char *type,
		    const char *text)
{
	mc_http_reply(request, status, type, text, strlen(text));
}

static unsigned int
http_status(enum mc_status error)
{
	switch (error) {
	case MC_ERR_INVALID:
		return 400;
	case MC_ERR_PERMISSION:
		return 403;
	case MC_ERR_OBJECT_NOT_FOUND:
	case MC_ERR_REPLICA_NOT_READY:
	case MC_ERR_SEGMENT_NOT_FOUND:
	case MC_ERR_JOB_NOT_FOUND:
		return 404;
	case MC_ERR_UNAVAILABLE_MODE:
	case MC_ERR_UNAVAILABLE_STATE:
		return 409;
	default:
		return 500;
	}
}

void
mc_admin_reply_error(struct mc_http_request *request, enum mc_status error, const char *message)
{
	int32_t code = mc_wire_error(error);
	char text[256];

	snprintf(text, sizeof(text),
		 "{\"success\":false,\"error_code\":%d,\"error_message\":\"%.160s\"}", code,
		 message != NULL ? message : mc_wire_error_name(code));
	mc_admin_reply_text(request, http_status(error), ADMIN_JSON, text);
}

/* ---- queries ---- */

static void
ask_free(struct admin_ask *ask)
{
	if (ask->owned != NULL)
		ask->release(ask->owned);
	mc_buf_fini(&ask->query.text);
	free(ask);
}

static void
ask_done(struct mc_master_query *query)
{
	struct admin_ask *ask = mc_container_of(query, struct admin_ask, query);

	if (ask->admin != NULL) {
		mc_list_del(&ask->link);
		if (query->status == MC_OK)
			ask->answer(ask);
		else
			mc_admin_reply_error(ask->request, query->status, NULL);
	}
	ask_free(ask);
}

static void
ask_aborted(void *context)
{
	struct admin_ask *ask = context;

	mc_list_del(&ask->link);
	ask->admin = NULL;
}

void
mc_admin_ask(struct mc_admin *admin, struct mc_http_request *request,
	     const struct admin_question *question)
{
	struct mc_str key = question->key;
	struct admin_ask *ask = calloc(1, sizeof(*ask) + key.len);

	if (ask == NULL) {
		if (question->owned != NULL)
			question->release(question->owned);
		mc_admin_reply_error(request, MC_ERR_NO_MEMORY, NULL);
		return;
	}
	ask->admin = admin;
	ask->request = request;
	ask->answer = question->answer;
	ask->query.kind = question->kind;
	ask->query.force = question->force;
	ask->query.drain = question->drain;
	ask->owned = question->owned;
	ask->release = question->release;
	ask->query.reply_to = admin->params.reactor;
	ask->query.done = ask_done;
	ask->query.key = ask->key;
	ask->query.key_len = key.len;
	if (key.len > 0)
		memcpy(ask->key, key.ptr, key.len);
	if (mc_master_query_send(admin->params.master, &ask->query) != MC_OK) {
		ask_free(ask);
		mc_admin_reply_text(request, 503, ADMIN_PLAIN,
				    "the master is overloaded, ask again");
		return;
	}
	mc_list_add_tail(&admin->asking, &ask->link);
	mc_http_on_abort(request, ask_aborted, ask);
}

void
mc_admin_answer(struct admin_ask *ask, const char *type, const char *before, const char *after)
{
	const struct mc_buf *text = &ask->query.text;
	struct mc_buf whole;

	mc_buf_init(&whole);
	if (mc_buf_append(&whole, before, strlen(before)) != MC_OK ||
	    mc_buf_append(&whole, text->data + text->head, mc_buf_len(text)) != MC_OK ||
	    mc_buf_append(&whole, after, strlen(after)) != MC_OK)
		mc_admin_reply_error(ask->request, MC_ERR_NO_MEMORY, NULL);
	else
		mc_admin_reply(ask->request, 200, type, &whole);
	mc_buf_fini(&whole);
}
