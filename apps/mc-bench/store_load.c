/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/store_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/mc-bench/interrupt.h"
#include "core/base/clock.h"

#define SET_MIN (64ull << 20)	/* more than caches hold: a producer's next value is a cold one */
#define FILL_BATCH_BYTES (16ull << 20)
#define FILL_BATCH 64u
#define FILL_OBJECTS 16384u	/* enough of small ones */

/* ---- keys and values ---- */

static void
key_write(const struct store_client *client, char *key, const char *kind, uint64_t size,
	  uint64_t number)
{
	snprintf(key, 64, "mcbench/%016llx/%u/%s/%llu/%llu", (unsigned long long)client->run,
		 client->number, kind, (unsigned long long)size, (unsigned long long)number);
}

static uint64_t
key_seed(const char *key)
{
	uint64_t hash = 0xcbf29ce484222325ull;

	for (; *key != '\0'; key++)
		hash = (hash ^ (unsigned char)*key) * 0x100000001b3ull;
	return hash;
}

/* Words that tell key and place; the same again for judging. */
static uint64_t
value_word(uint64_t seed, uint64_t at)
{
	return (seed + at * 0x9e3779b97f4a7c15ull) ^ seed >> 29;
}

static void
value_fill(uint8_t *value, uint64_t size, const char *key)
{
	uint64_t seed = key_seed(key);

	for (uint64_t at = 0; at < size; at += 8) {
		uint64_t word = value_word(seed, at);

		memcpy(value + at, &word, size - at < 8 ? size - at : 8);
	}
}

static bool
value_right(const uint8_t *value, uint64_t size, const char *key)
{
	uint64_t seed = key_seed(key);

	for (uint64_t at = 0; at < size; at += 8) {
		uint64_t word = value_word(seed, at);

		if (memcmp(value + at, &word, size - at < 8 ? size - at : 8) != 0)
			return false;
	}
	return true;
}

/* ---- one call ---- */

/* The piece of the client's memory for item @i of the call that begins at value @first. */
static void
item_set(struct store_client *client, unsigned int i, uint64_t size, uint64_t first)
{
	uint64_t places = client->set / size;

	client->pieces[i] = (struct mc_iov){client->values + (first + i) % places * size, size};
	client->items[i] = (struct mc_store_item){
		.key = client->keys[i], .pieces = &client->pieces[i], .pieces_count = 1};
}

static enum mc_status
call_put(struct store_client *client, unsigned int count)
{
	struct mc_store_config config = {.size = sizeof(config),
					 .replicas = client->options->replicas};

	return mc_store_put_batch(client->store, client->items, count, &config);
}

/* By way of the store's memory, to the client's. */
static enum mc_status
call_get_staged(struct store_client *client, unsigned int count)
{
	enum mc_status st =
		mc_store_get_buffers(client->store, client->items, count, client->buffers);

	for (unsigned int i = 0; i < count; i++) {
		struct mc_store_buffer *buffer = client->buffers[i];

		if (buffer == NULL)
			continue;
		memcpy(client->pieces[i].addr, buffer->addr, buffer->length);
		mc_store_buffer_free(client->store, buffer);
	}
	return st;
}

static void
error_note(struct store_result *result, enum mc_status status)
{
	if (result->errors++ == 0)
		result->first_error = status;
}

/* ---- puts ---- */

static void
keys_remove(struct store_client *client, const char *kind, uint64_t size, uint64_t from,
	    unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		key_write(client, client->keys[i], kind, size, from + i);
		client->items[i] = (struct mc_store_item){.key = client->keys[i]};
	}
	mc_store_remove_batch(client->store, client->items, count, true);
}

/* Off the clock: keeps what there is at the size that was asked for. */
static void
puts_trim(struct store_client *client, uint64_t size)
{
	const struct store_options *options = client->options;
	uint64_t most = options->live / options->clients / size;

	while (client->next - client->oldest > most) {
		keys_remove(client, "new", size, client->oldest, options->batch);
		client->oldest += options->batch;
	}
}

static void
load_put(struct store_client *client, uint64_t size, struct store_result *result)
{
	unsigned int batch = client->options->batch;
	uint64_t begin, end;

	puts_trim(client, size);
	for (unsigned int i = 0; i < batch; i++) {
		key_write(client, client->keys[i], "new", size, client->next + i);
		item_set(client, i, size, client->turn);
		if (client->options->verify)
			value_fill(client->pieces[i].addr, size, client->keys[i]);
	}
	client->turn += batch;
	client->next += batch;
	begin = mc_clock_mono_ns();
	call_put(client, batch);
	end = mc_clock_mono_ns();
	result->busy_ns += end - begin;
	mc_histogram_add(&result->latency, end - begin);
	for (unsigned int i = 0; i < batch; i++) {
		if (client->items[i].status == MC_OK) {
			result->objects++;
			result->bytes += size;
		} else {
			error_note(result, client->items[i].status);
		}
	}
}

/* ---- gets and exists ---- */

/* True: a key that was put. */
static bool
key_choose(struct store_client *client, char *key, uint64_t size)
{
	uint64_t number = mc_random_below(&client->random, client->filled);
	double chance = (double)(mc_random_next(&client->random) >> 11) * 0x1p-53;
	bool there = chance < client->options->hit_ratio;

	key_write(client, key, there ? "old" : "none", size, number);
	return there;
}

static void
value_judge(struct store_client *client, unsigned int i, struct store_result *result)
{
	const struct mc_store_item *item = &client->items[i];

	if (!client->options->verify)
		return;
	result->verified += item->length;
	if (!value_right(client->pieces[i].addr, item->length, client->keys[i]))
		result->wrong++;
}

static void
load_read(struct store_client *client, enum store_load_op op, uint64_t size,
	  struct store_result *result)
{
	unsigned int batch = client->options->batch;
	bool there[4096];
	uint64_t begin, end;

	for (unsigned int i = 0; i < batch; i++) {
		there[i] = key_choose(client, client->keys[i], size);
		item_set(client, i, size, client->turn);
	}
	client->turn += batch;
	begin = mc_clock_mono_ns();
	if (op == LOAD_EXIST)
		mc_store_exist_batch(client->store, client->items, batch);
	else if (client->options->staged)
		call_get_staged(client, batch);
	else
		mc_store_get_batch(client->store, client->items, batch);
	end = mc_clock_mono_ns();
	result->busy_ns += end - begin;
	mc_histogram_add(&result->latency, end - begin);
	for (unsigned int i = 0; i < batch; i++) {
		enum mc_status st = client->items[i].status;

		if (st == MC_OK) {
			result->objects++;
			result->bytes += op == LOAD_EXIST ? 0 : client->items[i].length;
			if (op != LOAD_EXIST)
				value_judge(client, i, result);
		} else if (st == MC_ERR_OBJECT_NOT_FOUND) {
			result->misses += there[i];
		} else {
			error_note(result, st);
		}
	}
}

/* ---- the whole ---- */

enum mc_status
store_client_fill(struct store_client *client, uint64_t size)
{
	const struct store_options *options = client->options;
	uint64_t count = options->live / options->clients / size;
	unsigned int batch = (unsigned int)(FILL_BATCH_BYTES / size);

	if (client->filled_size == size)
		return MC_OK;
	store_client_clear(client);
	batch = batch < 1 ? 1 : batch > FILL_BATCH ? FILL_BATCH : batch;
	count = count > FILL_OBJECTS ? FILL_OBJECTS : count;
	client->filled_size = size;
	while (client->filled < count && interrupt_signal() == 0) {
		unsigned int n = count - client->filled < batch
					 ? (unsigned int)(count - client->filled) : batch;
		enum mc_status st;

		for (unsigned int i = 0; i < n; i++) {
			key_write(client, client->keys[i], "old", size, client->filled + i);
			item_set(client, i, size, client->filled);
			if (options->verify)
				value_fill(client->pieces[i].addr, size, client->keys[i]);
		}
		st = call_put(client, n);
		if (st != MC_OK)
			return st;
		client->filled += n;
	}
	return MC_OK;
}

void
store_client_load(struct store_client *client, enum store_load_op op, uint64_t size,
		  uint64_t until_ns, struct store_result *result)
{
	while (mc_clock_mono_ns() < until_ns && interrupt_signal() == 0) {
		double chance = (double)(mc_random_next(&client->random) >> 11) * 0x1p-53;
		bool put = op == LOAD_PUT ||
			   (op == LOAD_MIXED && chance < client->options->put_ratio);

		if (put)
			load_put(client, size, result);
		else
			load_read(client, op, size, result);
	}
}

void
store_client_clear(struct store_client *client)
{
	char regex[96];

	/* all of them, in one call that the master does in slices */
	snprintf(regex, sizeof(regex), "^mcbench/%016llx/%u/", (unsigned long long)client->run,
		 client->number);
	mc_store_remove_regex(client->store, regex, true, NULL);
	client->oldest = client->next;
	client->filled = 0;
	client->filled_size = 0;
}

enum mc_status
store_client_greet(struct store_client *client)
{
	enum mc_status st;

	for (unsigned int i = 0; i < FILL_BATCH; i++) {
		key_write(client, client->keys[i], "greeting", 64, i);
		item_set(client, i, 64, i);
	}
	st = call_put(client, FILL_BATCH);
	store_client_clear(client);
	return st;
}

enum mc_status
store_client_init(struct store_client *client, const struct store_options *options,
		  struct mc_store *store, unsigned int number, uint64_t run)
{
	unsigned int most = options->batch_most > FILL_BATCH ? options->batch_most : FILL_BATCH;
	uint64_t largest = 0;

	*client = (struct store_client){
		.options = options, .store = store, .number = number, .run = run};
	for (unsigned int i = 0; i < options->sizes_count; i++)
		largest = options->sizes[i] > largest ? options->sizes[i] : largest;
	client->set = largest * options->batch_most;
	if (client->set < SET_MIN)
		client->set = SET_MIN;
	mc_random_init(&client->random, run + number);
	client->values = aligned_alloc(4096, (client->set + 4095) / 4096 * 4096);
	client->items = calloc(most, sizeof(*client->items));
	client->pieces = calloc(most, sizeof(*client->pieces));
	client->buffers = calloc(most, sizeof(*client->buffers));
	client->keys = calloc(most, sizeof(*client->keys));
	if (client->values == NULL || client->items == NULL || client->pieces == NULL ||
	    client->buffers == NULL || client->keys == NULL) {
		store_client_fini(client);
		return MC_ERR_NO_MEMORY;
	}
	/* pages of its own, with something in them */
	for (uint64_t at = 0; at + 8 <= client->set; at += 8) {
		uint64_t word = value_word(run, at);

		memcpy(client->values + at, &word, 8);
	}
	return MC_OK;
}

void
store_client_fini(struct store_client *client)
{
	free(client->values);
	free(client->items);
	free(client->pieces);
	free(client->buffers);
	free(client->keys);
	*client = (struct store_client){0};
}
