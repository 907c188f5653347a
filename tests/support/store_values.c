/* SPDX-License-Identifier: Apache-2.0 */
/* Puts and gets of store_node, in all their shapes. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/support/content.h"
#include "tests/support/store_node.h"

#define HEAD 28u /* the first part of two, as wheel_client.py cuts */

static void *
room_of(size_t bytes)
{
	void *room =
		mmap(NULL, bytes + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED)
		abort();
	return room;
}

/* The first piece of each value is short, so that no piece lies as another one. */
static void
pieces_cut(struct values *values, uint32_t cut)
{
	uint64_t first = cut > 1 && values->room > HEAD ? HEAD : values->room / cut;
	uint64_t rest = cut > 1 ? (values->room - first) / (cut - 1) : 0;

	for (uint32_t i = 0; i < values->count; i++) {
		struct mc_iov *pieces = values->pieces + i * cut;
		unsigned char *at = values->bytes + i * values->room;
		unsigned char *end = at + values->room;

		for (uint32_t k = 0; k < cut; k++) {
			uint64_t length = k == 0 ? first : rest;

			if (k == cut - 1)
				length = (uint64_t)(end - at);
			pieces[k] = (struct mc_iov){.addr = at, .length = length};
			at += length;
		}
		values->items[i].pieces = pieces;
		values->items[i].pieces_count = cut;
	}
}

void
values_init(struct values *values, const json_t *command, uint32_t cut)
{
	const json_t *keys = json_object_get(command, "keys");

	*values = (struct values){
		.count = (uint32_t)json_array_size(keys),
		.size = node_number(command, "size"),
		.salt = node_text_or(command, "salt", ""),
		.store = node_store(command),
		.registered = node_flag(command, "registered"),
	};
	values->room = values->size + node_number(command, "more_room");
	values->bytes = room_of(values->count * values->room);
	values->items = calloc(values->count, sizeof(*values->items));
	values->pieces = calloc((size_t)values->count * cut, sizeof(*values->pieces));
	if (values->items == NULL || values->pieces == NULL)
		abort();
	for (uint32_t i = 0; i < values->count; i++)
		values->items[i].key = json_string_value(json_array_get(keys, i));
	pieces_cut(values, cut);
	if (values->registered && mc_store_buffer_reg(values->store, values->bytes,
						      values->count * values->room) != MC_OK)
		abort();
}

void
values_fini(struct values *values)
{
	if (values->registered && mc_store_buffer_unreg(values->store, values->bytes) != MC_OK)
		abort();
	munmap(values->bytes, values->count * values->room + 1);
	free(values->pieces);
	free(values->items);
}

void
values_fill(struct values *values)
{
	for (uint32_t i = 0; i < values->count; i++)
		content_make(values->items[i].key, values->size, values->salt,
			     values->bytes + i * values->room);
}

/* ---- one operation for each item, all at once ---- */

struct all {
	pthread_mutex_t lock;
	pthread_cond_t over;
	uint32_t left;
};

static void
one_over(void *context, enum mc_status status)
{
	struct all *all = context;

	pthread_mutex_lock(&all->lock);
	if (--all->left == 0)
		pthread_cond_signal(&all->over);
	pthread_mutex_unlock(&all->lock);
}

static bool
all_over(struct all *all)
{
	bool over;

	pthread_mutex_lock(&all->lock);
	over = all->left == 0;
	pthread_mutex_unlock(&all->lock);
	return over;
}

static void
all_at_once(struct values *values, enum mc_store_op op, const struct mc_store_config *config,
	    bool polls)
{
	struct all all = {.lock = PTHREAD_MUTEX_INITIALIZER,
			  .over = PTHREAD_COND_INITIALIZER,
			  .left = values->count};

	for (uint32_t i = 0; i < values->count; i++) {
		enum mc_status st = mc_store_start(values->store, op, &values->items[i], 1, config,
						   one_over, &all);

		if (st != MC_OK) {
			values->items[i].status = st;
			one_over(&all, st);
		}
	}
	while (polls && !all_over(&all))
		mc_store_poll(values->store);
	pthread_mutex_lock(&all.lock);
	while (all.left > 0)
		pthread_cond_wait(&all.over, &all.lock);
	pthread_mutex_unlock(&all.lock);
}

/* ---- puts ---- */

static const char **
texts_of(const json_t *list)
{
	const char **texts = calloc(json_array_size(list) + 1, sizeof(*texts));

	for (size_t i = 0; texts != NULL && i < json_array_size(list); i++)
		texts[i] = json_string_value(json_array_get(list, i));
	return texts;
}

static void
config_read(struct mc_store_config *config, const json_t *from)
{
	const json_t *segments = json_object_get(from, "preferred_segments");
	const json_t *groups = json_object_get(from, "group_ids");
	const char *pin = node_text_or(from, "soft_pin", "");

	*config = (struct mc_store_config){
		.size = sizeof(*config),
		.replicas = (uint32_t)node_number(from, "replicas"),
		.hard_pin = node_flag(from, "hard_pin"),
		.soft_pin_ttl_ms = node_number(from, "soft_pin_ttl_ms"),
		.prefer_same_node = node_flag(from, "prefer_same_node"),
		.preferred_segment = node_text(from, "preferred_segment"),
		.preferred_segments = texts_of(segments),
		.preferred_segments_count = (uint32_t)json_array_size(segments),
		.group_ids = groups != NULL ? texts_of(groups) : NULL,
	};
	if (strcmp(pin, "enable") == 0)
		config->soft_pin = MC_STORE_PIN_ENABLE;
	if (strcmp(pin, "disable") == 0)
		config->soft_pin = MC_STORE_PIN_DISABLE;
}

static void
config_drop(struct mc_store_config *config)
{
	free((void *)config->preferred_segments);
	free((void *)config->group_ids);
}

static json_t *
statuses(const struct values *values)
{
	json_t *out = json_array();

	for (uint32_t i = 0; i < values->count; i++)
		json_array_append_new(out, node_status(values->items[i].status));
	return out;
}

/* "how": put, parts, batch, multi or async, with upsert_ before it or not. */
json_t *
node_put(const json_t *command)
{
	const char *how = node_text_or(command, "how", "put");
	bool upsert = strncmp(how, "upsert_", 7) == 0;
	struct mc_store *store = node_store(command);
	struct mc_store_config config;
	struct values values;
	json_t *answer;

	how += upsert ? 7 : 0;
	values_init(&values, command,
		    strcmp(how, "parts") == 0	? 2
		    : strcmp(how, "multi") == 0 ? 3
						: 1);
	values_fill(&values);
	config_read(&config, json_object_get(command, "config"));
	if (strcmp(how, "async") == 0) {
		all_at_once(&values, upsert ? MC_STORE_UPSERT : MC_STORE_PUT, &config,
			    node_flag(command, "polls"));
	} else if (strcmp(how, "batch") == 0 || strcmp(how, "multi") == 0) {
		(upsert ? mc_store_upsert_batch : mc_store_put_batch)(store, values.items,
								      values.count, &config);
	} else {
		for (uint32_t i = 0; i < values.count; i++) {
			struct mc_store_item *item = &values.items[i];
			bool parts = strcmp(how, "parts") == 0;

			if (parts)
				item->status =
					(upsert ? mc_store_upsert_parts : mc_store_put_parts)(
						store, item->key, item->pieces, item->pieces_count,
						&config);
			else
				item->status = (upsert ? mc_store_upsert : mc_store_put)(
					store, item->key, item->pieces[0].addr, values.size,
					&config);
		}
	}
	answer = statuses(&values);
	config_drop(&config);
	values_fini(&values);
	return answer;
}

/* ---- gets ---- */

static const char *
judge(const struct values *values, uint32_t index, const void *got)
{
	const struct mc_store_item *item = &values->items[index];

	if (item->status != MC_OK)
		return node_verdict(item->status);
	return content_judge(item->key, values->size, values->salt, got, item->length);
}

/* What one holds, which is given back. */
static json_t *
judge_buffer(struct values *values, uint32_t index, struct mc_store_buffer *buffer)
{
	json_t *verdict;

	if (buffer != NULL)
		values->items[index].length = buffer->length;
	verdict = json_string(judge(values, index, buffer != NULL ? buffer->addr : ""));
	mc_store_buffer_free(values->store, buffer);
	return verdict;
}

static json_t *
get_one_by_one(struct values *values)
{
	json_t *out = json_array();

	for (uint32_t i = 0; i < values->count; i++) {
		struct mc_store_item *item = &values->items[i];
		struct mc_store_buffer *buffer = NULL;

		item->status = mc_store_get(values->store, item->key, &buffer);
		json_array_append_new(out, judge_buffer(values, i, buffer));
	}
	return out;
}

static json_t *
get_together(struct values *values)
{
	struct mc_store_buffer **buffers = calloc(values->count, sizeof(*buffers));
	json_t *out = json_array();

	mc_store_get_buffers(values->store, values->items, values->count, buffers);
	for (uint32_t i = 0; i < values->count; i++)
		json_array_append_new(out, judge_buffer(values, i, buffers[i]));
	free(buffers);
	return out;
}

/* "how": get, buffers, into, batch, multi or async. One verdict for each key. */
json_t *
node_get(const json_t *command)
{
	const char *how = node_text_or(command, "how", "get");
	struct values values;
	json_t *out = NULL;

	values_init(&values, command, strcmp(how, "multi") == 0 ? 3 : 1);
	memset(values.bytes, 0xee, values.count * values.room);
	if (strcmp(how, "get") == 0) {
		out = get_one_by_one(&values);
	} else if (strcmp(how, "buffers") == 0) {
		out = get_together(&values);
	} else if (strcmp(how, "async") == 0) {
		all_at_once(&values, MC_STORE_GET, NULL, node_flag(command, "polls"));
	} else if (strcmp(how, "into") == 0) {
		for (uint32_t i = 0; i < values.count; i++) {
			struct mc_store_item *item = &values.items[i];

			item->status =
				mc_store_get_into(values.store, item->key, item->pieces[0].addr,
						  values.room, &item->length);
		}
	} else {
		mc_store_get_batch(values.store, values.items, values.count);
	}
	if (out == NULL) {
		out = json_array();
		for (uint32_t i = 0; i < values.count; i++)
			json_array_append_new(
				out,
				json_string(judge(&values, i, values.bytes + i * values.room)));
	}
	values_fini(&values);
	return out;
}
