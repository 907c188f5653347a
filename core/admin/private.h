/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to core/admin: the routes, by theme, and what they share. All on the control reactor.
 *
 *   admin.c     the table of routes; open and close      ask.c    queries, replies
 *   status.c    what this process is and does            objects.c segments.c   what there is
 *   tenants.c   quotas, of which there are none          drain.c   drain jobs
 *   page.c      the live page, page.html
 *   metrics.c   /metrics                                 summary.c   the one-line summary
 */
#ifndef MC_CORE_ADMIN_PRIVATE_H
#define MC_CORE_ADMIN_PRIVATE_H

#include <stdbool.h>

#include "core/admin/admin.h"
#include "core/base/list.h"
#include "core/http/http.h"

/* Counters as they stood when the last summary was made, for its rates. */
struct admin_snapshot {
	uint64_t at_ns;
	uint64_t calls[MC_FN_COUNT];
	uint64_t failures[MC_FN_COUNT];
	uint64_t items[MC_FN_COUNT];
	uint64_t item_failures[MC_FN_COUNT];
	uint64_t partial[MC_FN_COUNT];
};

/* In front of a route that changes things. */
struct admin_guard {
	struct mc_admin *admin;
	mc_http_handler handler;
};

struct mc_admin {
	struct mc_admin_params params;
	struct mc_http_server *http;
	bool serving;
	uint64_t opened_ns;
	struct admin_guard *guards;	/* one per route */
	struct mc_list asking;		/* queries under way */
	struct admin_snapshot last;
};

/* ---- replies (ask.c) ---- */

#define ADMIN_METRICS "text/plain; version=0.0.4"
#define ADMIN_PLAIN "text/plain"
#define ADMIN_JSON "application/json; charset=utf-8"

void mc_admin_reply(struct mc_http_request *request, unsigned int status, const char *type,
		    const struct mc_buf *buf);
void mc_admin_reply_text(struct mc_http_request *request, unsigned int status, const char *type,
			 const char *text);
/*
 * The JSON of an error, with the code that it has on the wire and @message, or the code's name if
 * that is NULL.
 */
void mc_admin_reply_error(struct mc_http_request *request, enum mc_status error,
			  const char *message);

/* ---- queries (ask.c) ---- */

/* A request that waits for the master. */
struct admin_ask {
	struct mc_master_query query;
	struct mc_list link;
	struct mc_admin *admin;			/* NULL: the server has closed */
	struct mc_http_request *request;
	void (*answer)(struct admin_ask *ask);
	void *owned;				/* with the query, freed by @release; may be NULL */
	void (*release)(void *owned);
	char key[];
};

struct admin_question {
	enum mc_query_kind kind;
	struct mc_str key;			/* copied */
	bool force;
	struct mc_drain_request *drain;		/* lies in @owned */
	void *owned;
	void (*release)(void *owned);
	void (*answer)(struct admin_ask *ask);	/* replies, when the query is done */
};
/* Asks. Errors are replied here. Takes what is owned. */
void mc_admin_ask(struct mc_admin *admin, struct mc_http_request *request,
		  const struct admin_question *question);
/* An answer: the query's text as it is, between @before and @after. */
void mc_admin_answer(struct admin_ask *ask, const char *type, const char *before,
		     const char *after);

/* ---- routes: @context is the admin ---- */

/* page.html (embed.py) */
extern const char mc_admin_page[];
extern const size_t mc_admin_page_len;

void mc_admin_get_page(void *context, struct mc_http_request *request);
void mc_admin_get_state(void *context, struct mc_http_request *request);

void mc_admin_get_health(void *context, struct mc_http_request *request);
void mc_admin_get_role(void *context, struct mc_http_request *request);
void mc_admin_get_leader(void *context, struct mc_http_request *request);
void mc_admin_get_ha_status(void *context, struct mc_http_request *request);

void mc_admin_get_kv_events(void *context, struct mc_http_request *request);

void mc_admin_get_key(void *context, struct mc_http_request *request);
void mc_admin_get_keys(void *context, struct mc_http_request *request);

void mc_admin_get_keys_named(void *context, struct mc_http_request *request);
void mc_admin_post_remove_all(void *context, struct mc_http_request *request);

void mc_admin_get_segment(void *context, struct mc_http_request *request);
void mc_admin_get_segment_status(void *context, struct mc_http_request *request);
void mc_admin_get_segments(void *context, struct mc_http_request *request);
void mc_admin_get_segments_detail(void *context, struct mc_http_request *request);

void mc_admin_post_drain(void *context, struct mc_http_request *request);
void mc_admin_get_drain(void *context, struct mc_http_request *request);
void mc_admin_post_drain_cancel(void *context, struct mc_http_request *request);

void mc_admin_get_quotas(void *context, struct mc_http_request *request);
void mc_admin_put_quota(void *context, struct mc_http_request *request);
void mc_admin_delete_quota(void *context, struct mc_http_request *request);

void mc_admin_get_metrics(void *context, struct mc_http_request *request);
void mc_admin_get_summary(void *context, struct mc_http_request *request);

#endif
