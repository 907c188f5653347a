/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/workload.h"

#include <stdio.h>
#include <stdlib.h>

#define KEY_PREFIX "mcbench-"
#define WRONG_FRAME 1
#define WRONG_ANSWER 2

enum phase {
	PHASE_READ_EXIST,
	PHASE_READ_GET,
	PHASE_PUT_START,
	PHASE_PUT_END,
	PHASE_PUT_DONE,
};

static const char *const names[OP_COUNT] = {
	[OP_EXIST] = "exist",	      [OP_GET] = "get",
	[OP_PUT] = "put",	      [OP_MIXED] = "mixed",
	[OP_BATCH_EXIST] = "batch_exist", [OP_BATCH_GET] = "batch_get",
	[OP_BATCH_PUT] = "batch_put", [OP_FILL] = "fill",
};

const char *
op_name(enum op op)
{
	return names[op];
}

enum mc_status
op_parse(const char *name, enum op *op_out)
{
	for (int i = 0; i < OP_COUNT; i++) {
		if (strcmp(names[i], name) == 0) {
			*op_out = (enum op)i;
			return MC_OK;
		}
	}
	return MC_ERR_NOT_FOUND;
}

/* ---- templates ---- */

/* Key @number of @size bytes: the prefix, zeros, digits. */
static void
key_print(char *key, unsigned int size, uint64_t number)
{
	memset(key, '0', size);
	memcpy(key, KEY_PREFIX, strlen(KEY_PREFIX));
	for (unsigned int i = size; number > 0; number /= 10)
		key[--i] = (char)('0' + number % 10);
}

static void
key_patch(uint8_t *last_digit, uint64_t number)
{
	for (int i = 0; i < 12; i++, number /= 10)
		last_digit[-i] = (uint8_t)('0' + number % 10);
}

/* The keys are found again by their bytes: nothing else in a request looks like them. */
static enum mc_status
template_locate(struct template *template, const char *keys, unsigned int key_size)
{
	const uint8_t *at = template->bytes.data;
	const uint8_t *end = at + mc_buf_len(&template->bytes);

	for (unsigned int i = 0; i < template->keys; i++) {
		const uint8_t *found =
			memmem(at, (size_t)(end - at), keys + (size_t)i * key_size, key_size);

		if (found == NULL)
			return MC_ERR_INTERNAL;
		at = found + key_size;
		template->digits[i] = (uint32_t)(at - 1 - template->bytes.data);
	}
	return MC_OK;
}

/* What the elements of a request's vectors are, as long as it is encoded; by index of the key. */
struct elements {
	struct mc_str *keys;
	struct mc_object_meta *metas;
	uint64_t *sizes;
	struct mc_vec *slices;		/* up to 0.3.7: an object comes in slices; ours in one */
};

static enum mc_status
elements_init(struct elements *elements, const char *text, unsigned int keys,
	      const struct workload_params *params)
{
	*elements = (struct elements){
		.keys = calloc(keys, sizeof(*elements->keys)),
		.metas = calloc(keys, sizeof(*elements->metas)),
		.sizes = calloc(keys, sizeof(*elements->sizes)),
		.slices = calloc(keys, sizeof(*elements->slices)),
	};
	if (elements->keys == NULL || elements->metas == NULL || elements->sizes == NULL ||
	    elements->slices == NULL)
		return MC_ERR_NO_MEMORY;
	for (unsigned int i = 0; i < keys; i++) {
		struct mc_str key = {text + (size_t)i * params->key_size, params->key_size};

		elements->keys[i] = key;
		elements->metas[i].key = key;
		elements->sizes[i] = params->value_size;
		elements->slices[i] =
			(struct mc_vec){&elements->sizes[i], 1, sizeof(elements->sizes[i]), 0, 0};
	}
	return MC_OK;
}

static void
elements_fini(struct elements *elements)
{
	free(elements->keys);
	free(elements->metas);
	free(elements->sizes);
	free(elements->slices);
}

#define ELEMENTS_VEC(array, count) ((struct mc_vec){(array), (count), sizeof(*(array)), 0, 0})

static enum mc_status
template_encode(struct template *template, const struct workload_params *params,
		const struct elements *elements)
{
	unsigned int keys = template->keys;
	struct mc_args args;

	mc_args_init(&args);
	args.client_id = params->client_id;
	args.key = args.object_meta.key = elements->keys[0];
	args.slice_length = params->value_size;
	args.slices = elements->slices[0];
	args.config.replica_num = 1;
	args.keys = ELEMENTS_VEC(elements->keys, keys);
	args.object_metas = ELEMENTS_VEC(elements->metas, keys);
	args.slice_lengths = params->release <= MC_RELEASE_0_3_7
				     ? ELEMENTS_VEC(elements->slices, keys)
				     : ELEMENTS_VEC(elements->sizes, keys);
	return mc_request_encode(&template->bytes, template->fn, params->release, params->form,
				 &args);
}

static enum mc_status
template_make(struct template *template, enum mc_fn fn, unsigned int keys,
	      const struct workload_params *params)
{
	char *text = malloc((size_t)keys * params->key_size);
	struct elements elements = {0};
	enum mc_status st = MC_ERR_NO_MEMORY;

	template->fn = fn;
	template->keys = keys;
	template->digits = calloc(keys, sizeof(*template->digits));
	mc_buf_init(&template->bytes);
	if (text != NULL && template->digits != NULL) {
		for (unsigned int i = 0; i < keys; i++)
			key_print(text + (size_t)i * params->key_size, params->key_size,
				  900000000000ull + i);
		st = elements_init(&elements, text, keys, params);
	}
	if (st == MC_OK)
		st = template_encode(template, params, &elements);
	if (st == MC_OK)
		st = template_locate(template, text, params->key_size);
	elements_fini(&elements);
	free(text);
	return st;
}

static void
template_fini(struct template *template)
{
	mc_buf_fini(&template->bytes);
	free(template->digits);
}

/* ---- life ---- */

bool
op_batched(enum op op)
{
	return op == OP_BATCH_EXIST || op == OP_BATCH_GET || op == OP_BATCH_PUT || op == OP_FILL;
}

static enum mc_fn
read_function(enum op op)
{
	switch (op) {
	case OP_GET:
		return MC_FN_GET_REPLICA_LIST;
	case OP_BATCH_EXIST:
	case OP_BATCH_PUT:	/* not sent by these two */
	case OP_FILL:
		return MC_FN_BATCH_EXIST_KEY;
	case OP_BATCH_GET:
		return MC_FN_BATCH_GET_REPLICA_LIST;
	default:
		return MC_FN_EXIST_KEY;
	}
}

enum mc_status
workload_init(struct workload *workload, const struct workload_params *params)
{
	bool batched = op_batched(params->op);
	unsigned int keys = batched ? params->batch : 1;
	enum mc_status st;

	*workload = (struct workload){
		.op = params->op,
		.release = params->release,
		.batch = keys,
		.keys_count = params->keys_count,
		.value_size = params->value_size,
		.next_key = params->put_key,
		.keys_end = params->op == OP_FILL ? params->put_key + params->keys_count
						  : UINT64_MAX,
	};
	mc_random_init(&workload->random, params->seed);
	mc_buf_init(&workload->exist_true);
	st = template_make(&workload->read, read_function(params->op), keys, params);
	if (st == MC_OK)
		st = template_make(&workload->put_start,
				   batched ? MC_FN_BATCH_PUT_START : MC_FN_PUT_START, keys, params);
	if (st == MC_OK)
		st = template_make(&workload->put_end,
				   batched ? MC_FN_BATCH_PUT_END : MC_FN_PUT_END, keys, params);
	return st;
}

void
workload_fini(struct workload *workload)
{
	template_fini(&workload->read);
	template_fini(&workload->put_start);
	template_fini(&workload->put_end);
	mc_buf_fini(&workload->exist_true);
}

/* ---- requests ---- */

static void
template_send(const struct workload *workload, const struct template *template, enum mc_fn fn,
	      struct conn *conn, struct conn_slot *slot)
{
	struct mc_buf *out = conn_call(conn, slot, mc_fn_id(fn));
	size_t start = mc_buf_len(out);

	mc_buf_append(out, template->bytes.data, mc_buf_len(&template->bytes));
	for (unsigned int i = 0; i < template->keys; i++) {
		uint64_t key = slot->key + i;

		/* reads go round; new keys and fills are in order */
		if (slot->phase <= PHASE_READ_GET && key >= workload->keys_count)
			key -= workload->keys_count;
		key_patch(out->data + out->head + start + template->digits[i], key);
	}
	conn_sent(conn, slot);
}

static void
read_send(struct workload *workload, struct conn *conn, struct conn_slot *slot, bool get)
{
	enum mc_fn fn = workload->read.fn;

	/* exist and get of one key have one layout of arguments */
	if (!op_batched(workload->op))
		fn = get ? MC_FN_GET_REPLICA_LIST : MC_FN_EXIST_KEY;
	slot->phase = get ? PHASE_READ_GET : PHASE_READ_EXIST;
	slot->key = mc_random_below(&workload->random, workload->keys_count);
	template_send(workload, &workload->read, fn, conn, slot);
}

static bool
put_send(struct workload *workload, struct conn *conn, struct conn_slot *slot)
{
	if (slot->phase == PHASE_PUT_END) {
		template_send(workload, &workload->put_end, workload->put_end.fn, conn, slot);
		return true;
	}
	/* the last batch of a fill may go beyond its end; nobody asks for those keys */
	if (workload->next_key >= workload->keys_end)
		return false;
	slot->phase = PHASE_PUT_START;
	slot->key = workload->next_key;
	workload->next_key += workload->batch;
	template_send(workload, &workload->put_start, workload->put_start.fn, conn, slot);
	return true;
}

bool
workload_next(struct workload *workload, struct conn *conn, struct conn_slot *slot)
{
	uint64_t dice;

	if (slot->phase == PHASE_PUT_END)
		return put_send(workload, conn, slot);
	switch (workload->op) {
	case OP_EXIST:
	case OP_BATCH_EXIST:
		read_send(workload, conn, slot, false);
		return true;
	case OP_GET:
	case OP_BATCH_GET:
		read_send(workload, conn, slot, true);
		return true;
	case OP_MIXED:
		dice = mc_random_below(&workload->random, 10);
		if (dice > 0) {
			read_send(workload, conn, slot, dice < 5);
			return true;
		}
		return put_send(workload, conn, slot);
	default:
		return put_send(workload, conn, slot);
	}
}

/* ---- answers ---- */

static void
error_count(struct workload *workload, int32_t code)
{
	workload->wrong++;
	for (unsigned int i = 0; i < ERROR_KINDS; i++) {
		struct error_count *error = &workload->errors[i];

		if (error->count == 0 || error->code == code) {
			error->code = code;
			error->count++;
			return;
		}
	}
}

static void
replicas_check(struct workload *workload, const struct mc_result_replicas *result)
{
	struct mc_vec_cursor cursor = {0};
	struct mc_replica_desc desc;

	if (result->error != 0)
		error_count(workload, result->error);
	else if (!mc_vec_next_replica(&result->value.replicas, &cursor, workload->release, &desc) ||
		 desc.status != MC_REPLICA_COMPLETE ||
		 (workload->release > MC_RELEASE_0_3_7 && desc.buffer.size != workload->value_size))
		error_count(workload, WRONG_ANSWER);
}

static void
exist_check(struct workload *workload, const struct mc_result_bool *result)
{
	if (result->error != 0)
		error_count(workload, result->error);
	else if (!result->value)
		error_count(workload, WRONG_ANSWER);
}

/* Every true answer to ExistKey is the same bytes. */
static bool
exist_known(const struct workload *workload, const uint8_t *body, size_t len)
{
	const struct mc_buf *known = &workload->exist_true;

	return len == mc_buf_len(known) && memcmp(known->data, body, len) == 0;
}

static void
single_check(struct workload *workload, enum mc_fn fn, const uint8_t *body, size_t len)
{
	union {
		struct mc_result_void none;
		struct mc_result_bool flag;
		struct mc_result_vec vec;
		struct mc_result_replicas replicas;
	} result;

	if (fn == MC_FN_EXIST_KEY && mc_buf_len(&workload->exist_true) > 0 &&
	    exist_known(workload, body, len))
		return;
	if (mc_result_decode(body, len, fn, workload->release, &result) != MC_OK) {
		error_count(workload, WRONG_ANSWER);
		return;
	}
	if (fn == MC_FN_GET_REPLICA_LIST) {
		replicas_check(workload, &result.replicas);
	} else if (fn == MC_FN_EXIST_KEY) {
		exist_check(workload, &result.flag);
		if (result.flag.error == 0 && result.flag.value &&
		    mc_buf_len(&workload->exist_true) == 0)
			mc_buf_append(&workload->exist_true, body, len);
	} else if (result.none.error != 0) {
		error_count(workload, result.none.error);
	}
}

static void
batch_check(struct workload *workload, enum mc_fn fn, const uint8_t *body, size_t len)
{
	union {
		struct mc_result_void none;
		struct mc_result_bool flag;
		struct mc_result_vec vec;
		struct mc_result_replicas replicas;
	} element;
	struct mc_vec_cursor cursor = {0};
	struct mc_result_vec batch;

	if (mc_result_decode(body, len, fn, workload->release, &batch) != MC_OK ||
	    batch.value.count != workload->batch) {
		error_count(workload, WRONG_ANSWER);
		return;
	}
	while (mc_vec_next_result(&batch.value, &cursor, fn, workload->release, &element)) {
		if (fn == MC_FN_BATCH_GET_REPLICA_LIST)
			replicas_check(workload, &element.replicas);
		else if (fn == MC_FN_BATCH_EXIST_KEY)
			exist_check(workload, &element.flag);
		else if (element.none.error != 0)
			error_count(workload, element.none.error);
	}
}

static enum mc_fn
slot_function(const struct workload *workload, const struct conn_slot *slot)
{
	switch (slot->phase) {
	case PHASE_PUT_START:
		return workload->put_start.fn;
	case PHASE_PUT_END:
		return workload->put_end.fn;
	case PHASE_READ_GET:
		return op_batched(workload->op) ? workload->read.fn : MC_FN_GET_REPLICA_LIST;
	default:
		return op_batched(workload->op) ? workload->read.fn : MC_FN_EXIST_KEY;
	}
}

unsigned int
workload_answer(struct workload *workload, struct conn_slot *slot, uint8_t err_code,
		const uint8_t *body, size_t len)
{
	enum mc_fn fn = slot_function(workload, slot);
	uint64_t before = workload->wrong;

	if (err_code != 0)
		error_count(workload, WRONG_FRAME);
	else if (op_batched(workload->op))
		batch_check(workload, fn, body, len);
	else
		single_check(workload, fn, body, len);
	if (slot->phase == PHASE_PUT_START && workload->wrong == before) {
		slot->phase = PHASE_PUT_END;
		return 0;
	}
	slot->phase = PHASE_PUT_DONE;
	return workload->batch;
}
