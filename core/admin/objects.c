/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, and where their objects lie. */
#include "core/admin/private.h"

static void
answer_key(struct admin_ask *ask)
{
	mc_admin_answer(ask, ADMIN_JSON, "{\"success\":true,\"data\":", "}");
}

void
mc_admin_get_key(void *context, struct mc_http_request *request)
{
	struct mc_str key = {NULL, 0};

	key.ptr = mc_http_query(request, "key", &key.len);
	if (key.ptr == NULL || key.len == 0)
		mc_admin_reply_error(request, MC_ERR_OBJECT_NOT_FOUND);
	else
		mc_admin_ask(context, request, MC_QUERY_KEY, key, answer_key);
}

static void
answer_keys(struct admin_ask *ask)
{
	mc_admin_answer(ask, ADMIN_METRICS, "", "");
}

void
mc_admin_get_keys(void *context, struct mc_http_request *request)
{
	mc_admin_ask(context, request, MC_QUERY_KEYS, ADMIN_NO_KEY, answer_keys);
}
