/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-master/glue.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "mc/log.h"

/* The master's ring was full: room comes within its next pass. */
#define RETRY_NS MC_NS_PER_MS

struct drop {
	struct mc_master_query query;
	struct mc_timer retry;
	struct mc_list link;
	struct glue *glue;
	void (*done)(void *done_context);
	void *done_context;
	char endpoint[];
};

struct expiry {
	struct mc_msg msg;
	struct glue *glue;
	char segment_name[];
};

void
glue_init(struct glue *glue, struct mc_reactor *control)
{
	*glue = (struct glue){.control = control};
	mc_list_init(&glue->drops);
}

static void
drop_free(struct drop *drop)
{
	mc_list_del(&drop->link);
	mc_buf_fini(&drop->query.text);
	free(drop);
}

void
glue_fini(struct glue *glue)
{
	while (!mc_list_empty(&glue->drops))
		drop_free(mc_container_of(glue->drops.next, struct drop, link));
}

static void
drop_done(struct mc_master_query *query)
{
	struct drop *drop = mc_container_of(query, struct drop, query);

	if (query->status != MC_OK)
		mc_log_error("segments of %s: %s; readers may meet old memory until they expire",
			     drop->endpoint, mc_status_text(query->status));
	drop->done(drop->done_context);
	drop_free(drop);
}

static void
drop_send(struct mc_timer *timer)
{
	struct drop *drop = mc_container_of(timer, struct drop, retry);
	struct glue *glue = drop->glue;

	if (mc_master_query_send(glue->master, &drop->query) == MC_AGAIN)
		mc_timer_start(glue->control, &drop->retry,
			       mc_reactor_now(glue->control) + RETRY_NS);
}

void
glue_evict_endpoint(void *context, const char *endpoint, void (*done)(void *done_context),
		    void *done_context)
{
	struct glue *glue = context;
	size_t len = strlen(endpoint);
	struct drop *drop = calloc(1, sizeof(*drop) + len + 1);

	if (drop == NULL) {
		/* Never "done" when it is not: the asker's request times out and is tried again. */
		mc_log_error("segments of %s: no memory to drop them", endpoint);
		return;
	}
	memcpy(drop->endpoint, endpoint, len + 1);
	drop->glue = glue;
	drop->done = done;
	drop->done_context = done_context;
	drop->retry.expired = drop_send;
	drop->query = (struct mc_master_query){
		.kind = MC_QUERY_DROP_ENDPOINT,
		.reply_to = glue->control,
		.done = drop_done,
		.key = drop->endpoint,
		.key_len = len,
	};
	mc_buf_init(&drop->query.text);
	mc_list_add_tail(&glue->drops, &drop->link);
	drop_send(&drop->retry);
}

static void
expiry_run(struct mc_msg *msg)
{
	struct expiry *expiry = mc_container_of(msg, struct expiry, msg);
	unsigned int removed = 0;

	if (expiry->glue->meta != NULL)
		removed = mc_meta_forget(expiry->glue->meta, expiry->segment_name);
	mc_log_info("client of segment %s expired: removed %u metadata entries",
		    expiry->segment_name, removed);
	free(expiry);
}

void
glue_client_expired(void *context, const char *segment_name)
{
	struct glue *glue = context;
	size_t len = strlen(segment_name);
	struct expiry *expiry = malloc(sizeof(*expiry) + len + 1);

	if (expiry == NULL) {
		MC_LOG_LIMITED(MC_LOG_ERROR, "metadata of an expired client stays: %s",
			       mc_status_text(MC_ERR_NO_MEMORY));
		return;
	}
	memcpy(expiry->segment_name, segment_name, len + 1);
	expiry->glue = glue;
	expiry->msg.run = expiry_run;
	if (mc_reactor_send(glue->control, &expiry->msg) != MC_OK) {
		MC_LOG_LIMITED(MC_LOG_ERROR,
			       "metadata of expired segment %s stays: the control "
			       "thread is too busy",
			       segment_name);
		free(expiry);
	}
}
