/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, where their objects lie, and the removal of all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/admin/private.h"

static struct mc_str
argument(struct mc_http_request *request, const char *name)
{
	struct mc_str value = {NULL, 0};

	value.ptr = mc_http_query(request, name, &value.len);
	return value;
}

static bool
str_is(struct mc_str text, const char *wanted)
{
	return text.len == strlen(wanted) &&
	       (text.len == 0 || memcmp(text.ptr, wanted, text.len) == 0);
}

/* ---- one key ---- */

static void
answer_key(struct admin_ask *ask)
{
	mc_admin_answer(ask, ADMIN_JSON, "{\"success\":true,\"data\":", "}");
}

void
mc_admin_get_key(void *context, struct mc_http_request *request)
{
	struct admin_question question = {
		.kind = MC_QUERY_KEY, .key = argument(request, "key"), .answer = answer_key};

	if (question.key.len == 0)
		mc_admin_reply_error(request, MC_ERR_OBJECT_NOT_FOUND, NULL);
	else
		mc_admin_ask(context, request, &question);
}

/* ---- several keys ---- */

static void
answer_keys_named(struct admin_ask *ask)
{
	mc_admin_answer(ask, ADMIN_JSON, "{\"success\":true,\"data\":{", "}}");
}

static int
str_order(const void *left, const void *right)
{
	const struct mc_str *a = left, *b = right;
	int order = memcmp(a->ptr, b->ptr, a->len < b->len ? a->len : b->len);

	return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

/* The keys of @list, in order, each once, with commas between; NULL: no memory. */
static char *
keys_sort(struct mc_str list, size_t *len_out)
{
	struct mc_str *keys = malloc((list.len + 1) * sizeof(*keys));
	char *sorted = malloc(list.len + 1);
	size_t count = 0, len = 0;

	if (keys == NULL || sorted == NULL) {
		free(keys);
		free(sorted);
		return NULL;
	}
	for (const char *at = list.ptr, *end = list.ptr + list.len; at != NULL;) {
		const char *comma = memchr(at, ',', (size_t)(end - at));

		keys[count++] = (struct mc_str){at, (size_t)((comma != NULL ? comma : end) - at)};
		at = comma != NULL ? comma + 1 : NULL;
	}
	qsort(keys, count, sizeof(*keys), str_order);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && str_order(&keys[i - 1], &keys[i]) == 0)
			continue;
		if (i > 0)
			sorted[len++] = ',';
		memcpy(sorted + len, keys[i].ptr, keys[i].len);
		len += keys[i].len;
	}
	free(keys);
	*len_out = len;
	return sorted;
}

void
mc_admin_get_keys_named(void *context, struct mc_http_request *request)
{
	struct admin_question question = {.kind = MC_QUERY_KEYS_NAMED, .answer = answer_keys_named};
	struct mc_str list = argument(request, "keys");
	char *sorted;

	if (list.len == 0) {
		mc_admin_reply_text(
			request, 400, ADMIN_JSON,
			"{\"success\":false,\"error\":\"no keys: give ?keys=KEY,KEY\"}");
		return;
	}
	sorted = keys_sort(list, &question.key.len);
	if (sorted == NULL) {
		mc_admin_reply_error(request, MC_ERR_NO_MEMORY, NULL);
		return;
	}
	question.key.ptr = sorted;
	mc_admin_ask(context, request, &question);
	free(sorted);
}

/* ---- all keys ---- */

static void
answer_keys(struct admin_ask *ask)
{
	mc_admin_answer(ask, ADMIN_METRICS, "", "");
}

void
mc_admin_get_keys(void *context, struct mc_http_request *request)
{
	static const struct admin_question question = {.kind = MC_QUERY_KEYS,
						       .answer = answer_keys};

	mc_admin_ask(context, request, &question);
}

static void
answer_removed(struct admin_ask *ask)
{
	char text[64];

	snprintf(text, sizeof(text), "{\"success\":true,\"removed_count\":%llu}",
		 (unsigned long long)ask->query.count);
	mc_admin_reply_text(ask->request, 200, ADMIN_JSON, text);
}

/*
 * Without tenants every object is of "default". mooncake_master removes all of them whatever tenant
 * it is asked for; whoever names another one does not mean that.
 */
void
mc_admin_post_remove_all(void *context, struct mc_http_request *request)
{
	struct mc_str force = argument(request, "force");
	struct mc_str tenant = argument(request, "tenant_id");
	struct admin_question question = {
		.kind = MC_QUERY_REMOVE_ALL,
		.force = str_is(force, "true") || str_is(force, "1"),
		.answer = answer_removed,
	};

	if (tenant.len > 0 && !str_is(tenant, "default"))
		mc_admin_reply_error(request, MC_ERR_UNAVAILABLE_MODE, NULL);
	else
		mc_admin_ask(context, request, &question);
}
