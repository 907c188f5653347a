/* SPDX-License-Identifier: Apache-2.0 */
/* The reader and the writer against every recorded body, whole, cut short and with flipped bits. */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/endian.h"
#include "core/base/random.h"
#include "core/wire/schema.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"
#include "tests/support/vectors.h"

#define BODIES_MIN 1000u	/* of both directions; the recordings hold about 1,100 */

union any_result {
	int32_t error;
	struct mc_result_bool flag;
	struct mc_result_i64 number;
	struct mc_result_str str;
	struct mc_result_uuid uuid;
	struct mc_result_vec vec;
	struct mc_result_replicas replicas;
	struct mc_result_ping ping;
	struct mc_result_storage storage;
	struct mc_result_copy copy;
	struct mc_result_replica replica;
	struct mc_result_task task;
};

static enum mc_fn
function_named(const char *name)
{
	for (int fn = 0; fn < MC_FN_COUNT; fn++) {
		if (strcmp(mc_fn_name((enum mc_fn)fn), name) == 0)
			return (enum mc_fn)fn;
	}
	ck_abort_msg("%s is not in the table", name);
}

static enum mc_form
form_of(const struct vector_body *body)
{
	return (body->bytes[0] & 1) != 0 && (body->bytes[4] & 4) != 0 ? MC_FORM_LITERAL
								       : MC_FORM_SHORT;
}

/* The width in the head, as the length that makes the writer choose it. */
static size_t
len_max_of(const struct vector_body *body)
{
	static const uint64_t of_code[] = {0, 256, 65536, 1ull << 32};

	return (body->bytes[0] & 1) != 0 ? (size_t)of_code[body->bytes[4] >> 3 & 3] : 0;
}

/* ---- a decoded argument against the JSON of the recording ---- */

static void
str_compare(struct mc_str str, const json_t *json)
{
	if (!json_is_string(json))
		return;
	ck_assert_uint_eq(str.len, json_string_length(json));
	must(memcmp(str.ptr, json_string_value(json), str.len) == 0);
}

/* The JSON's numbers are doubles: exact up to 2^53, close above. */
static void
number_compare(uint64_t value, const json_t *json)
{
	if (json_is_number(json))
		must((double)value == json_number_value(json));
}

static void
uuid_compare(struct mc_uuid uuid, const json_t *json)
{
	number_compare(uuid.first, json_array_get(json, 0));
	number_compare(uuid.second, json_array_get(json, 1));
}

static void
strs_compare(const struct mc_vec *vec, const json_t *json)
{
	struct mc_vec_cursor cursor = {0};
	struct mc_str str;
	size_t i = 0;

	if (!json_is_array(json))
		return;
	ck_assert_uint_eq(vec->count, json_array_size(json));
	while (mc_vec_next_str(vec, &cursor, &str))
		str_compare(str, json_array_get(json, i++));
	ck_assert_uint_eq(i, vec->count);
}

static unsigned int
args_compare(const struct mc_args *args, json_t *json)
{
	const json_t *config = json_object_get(json, "config");
	const json_t *segment = json_object_get(json, "segment");
	unsigned int members = (unsigned int)json_object_size(json);

	str_compare(args->key, json_object_get(json, "key"));
	str_compare(args->key, json_object_get(json, "regex"));
	str_compare(args->tenant_id, json_object_get(json, "tenant_id"));
	uuid_compare(args->client_id, json_object_get(json, "client_id"));
	strs_compare(&args->keys, json_object_get(json, "keys"));
	number_compare(args->slice_length, json_object_get(json, "slice_length"));
	if (json_is_boolean(json_object_get(json, "force")))
		ck_assert_int_eq(args->force, json_is_true(json_object_get(json, "force")));
	if (config != NULL) {
		number_compare(args->config.replica_num, json_object_get(config, "replica_num"));
		str_compare(args->config.preferred_segment,
			    json_object_get(config, "preferred_segment"));
		strs_compare(&args->config.preferred_segments,
			     json_object_get(config, "preferred_segments"));
		ck_assert_int_eq(args->config.has_group_ids,
				 json_is_array(json_object_get(config, "group_ids")));
	}
	if (segment != NULL) {
		str_compare(args->segment.name, json_object_get(segment, "name"));
		str_compare(args->segment.te_endpoint, json_object_get(segment, "te_endpoint"));
		number_compare(args->segment.base, json_object_get(segment, "base"));
		number_compare(args->segment.size, json_object_get(segment, "size"));
	}
	return members;
}

/* ---- whole bodies ---- */

struct totals {
	unsigned int requests;
	unsigned int results;
	unsigned int refused;
	unsigned int members;
};

static void
same_bytes(const struct mc_buf *buf, const struct vector_body *body)
{
	ck_assert_msg(mc_buf_len(buf) == body->len &&
			      memcmp(buf->data + buf->head, body->bytes, body->len) == 0,
		      "%s %s: %zu bytes in, %zu other bytes out", body->function,
		      body->request ? "request" : "result", body->len, mc_buf_len(buf));
}

static void
request_round(const struct vector_body *body, struct totals *totals)
{
	enum mc_fn fn = function_named(body->function);
	struct mc_request request;
	struct mc_args args;
	struct mc_buf buf;

	/* some recordings send a wrong body on purpose: upstream refused these as well */
	if (mc_request_open(mc_fn_id(fn), body->bytes, body->len, MC_RELEASE_ALL, &request) !=
	    MC_OK) {
		totals->refused++;
		return;
	}
	/* a body sent to a function without arguments is ignored */
	if (request.payload == NULL)
		return;
	ck_assert_int_eq(mc_request_decode(&request, &args), MC_OK);
	ck_assert_uint_ne(request.releases & MC_RELEASE_BIT(MC_RELEASE_0_3_13), 0);
	totals->members += args_compare(&args, body->decoded);
	mc_buf_init(&buf);
	ck_assert_int_eq(mc_request_encode(&buf, fn, MC_RELEASE_0_3_13, form_of(body), &args),
			 MC_OK);
	/* wider lengths than needed are accepted; ours are as narrow as can be */
	if (len_max_of(body) == 0 || args.keys.count > 255 || args.key.len > 255)
		same_bytes(&buf, body);
	mc_buf_fini(&buf);
	totals->requests++;
}

static void
result_round(const struct vector_body *body, struct totals *totals)
{
	enum mc_fn fn = function_named(body->function);
	union any_result result = {0};
	struct mc_writer writer;
	struct mc_buf buf;

	ck_assert_msg(mc_result_decode(body->bytes, body->len, fn, MC_RELEASE_0_3_13, &result) ==
			      MC_OK,
		      "%s: the result does not decode", body->function);
	mc_buf_init(&buf);
	mc_result_open(&writer, &buf, fn, MC_RELEASE_0_3_13, form_of(body),
		       mc_result_longest(fn, MC_RELEASE_0_3_13, &result));
	mc_result_put(&writer, &result);
	ck_assert_int_eq(mc_result_close(&writer), MC_OK);
	same_bytes(&buf, body);
	mc_buf_fini(&buf);
	totals->results++;
}

static void
whole_each(const struct vector_body *body, void *context)
{
	if (body->request)
		request_round(body, context);
	else
		result_round(body, context);
}

START_TEST(every_body_comes_back_byte_by_byte)
{
	struct totals totals = {0};

	ck_assert_uint_ge(vectors_each(whole_each, &totals), BODIES_MIN);
	printf("%u requests, %u results, %u refused as upstream did, %u members compared\n",
	       totals.requests, totals.results, totals.refused, totals.members);
	ck_assert_uint_ge(totals.requests + totals.results, BODIES_MIN);
	ck_assert_uint_le(totals.refused, 8);
}
END_TEST

/* ---- damaged bodies: any answer but a crash, and no read outside (ASan looks) ---- */

static void
damaged_decode(const struct vector_body *body, const uint8_t *bytes, size_t len)
{
	enum mc_fn fn = function_named(body->function);
	/* in a buffer of its own, so that a read past the end is one past an allocation */
	uint8_t *copy = malloc(len > 0 ? len : 1);
	union any_result result;
	struct mc_request request;
	struct mc_args args;

	memcpy(copy, bytes, len);
	if (!body->request)
		mc_result_decode(copy, len, fn, MC_RELEASE_0_3_13, &result);
	else if (mc_request_open(mc_fn_id(fn), copy, len, MC_RELEASE_ALL, &request) == MC_OK)
		mc_request_decode(&request, &args);
	free(copy);
}

static void
truncated_each(const struct vector_body *body, void *context)
{
	enum mc_fn fn = function_named(body->function);
	struct mc_request request;
	union any_result result;
	struct mc_args args;

	for (size_t len = 0; len < body->len; len++)
		damaged_decode(body, body->bytes, len);
	/* the last byte of a payload always matters */
	if (!body->request) {
		ck_assert_int_ne(mc_result_decode(body->bytes, body->len - 1, fn,
						  MC_RELEASE_0_3_13, &result),
				 MC_OK);
	} else if (mc_request_open(mc_fn_id(fn), body->bytes, body->len - 1, MC_RELEASE_ALL,
				   &request) == MC_OK &&
		   request.payload != NULL) {
		ck_assert_int_ne(mc_request_decode(&request, &args), MC_OK);
	}
}

START_TEST(truncated_bodies_are_refused)
{
	ck_assert_uint_ge(vectors_each(truncated_each, NULL), BODIES_MIN);
}
END_TEST

static void
flipped_each(const struct vector_body *body, void *context)
{
	struct mc_random *random = context;
	uint8_t *bytes = malloc(body->len);

	for (int round = 0; round < 64; round++) {
		memcpy(bytes, body->bytes, body->len);
		for (int flips = 0; flips <= round % 4; flips++) {
			uint64_t bit = mc_random_below(random, body->len * 8);

			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		damaged_decode(body, bytes, body->len);
	}
	free(bytes);
}

START_TEST(flipped_bits_do_no_harm)
{
	const char *text = getenv("MC_TEST_SEED");
	uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : mc_random_seed();
	struct mc_random random;

	printf("MC_TEST_SEED=%" PRIu64 "\n", seed);
	mc_random_init(&random, seed);
	ck_assert_uint_ge(vectors_each(flipped_each, &random), BODIES_MIN);
}
END_TEST

/* ---- lengths ---- */

START_TEST(every_width_is_read)
{
	/* ExistKey("k", "") with lengths of 1, 2, 4 and 8 bytes */
	for (unsigned int code = 0; code < 4; code++) {
		uint8_t body[32] = {0};
		size_t width = 1u << code, len = 0;
		struct mc_request request;
		struct mc_args args;

		mc_le32_store(body, mc_wire_hashes[MC_FN_EXIST_KEY].args[MC_RELEASE_0_3_13] | 1);
		body[4] = (uint8_t)(code << 3);
		body[5] = 1;
		len = 5 + width;
		body[len++] = 'k';
		len += width;
		ck_assert_int_eq(mc_request_open(mc_fn_id(MC_FN_EXIST_KEY), body, len,
						 MC_RELEASE_ALL, &request),
				 MC_OK);
		ck_assert_int_eq(mc_request_decode(&request, &args), MC_OK);
		ck_assert_uint_eq(args.key.len, 1);
		ck_assert_int_eq(args.key.ptr[0], 'k');
	}
}
END_TEST

START_TEST(a_count_beyond_the_body_is_refused)
{
	uint8_t body[16] = {0};
	struct mc_request request;
	struct mc_args args;

	mc_le32_store(body, mc_wire_hashes[MC_FN_BATCH_EXIST_KEY].args[MC_RELEASE_0_3_13] | 1);
	body[4] = 3 << 3;
	memset(body + 5, 0xff, 8);
	ck_assert_int_eq(mc_request_open(mc_fn_id(MC_FN_BATCH_EXIST_KEY), body, sizeof(body),
					 MC_RELEASE_ALL, &request),
			 MC_OK);
	ck_assert_int_eq(mc_request_decode(&request, &args), MC_ERR_BAD_MESSAGE);
}
END_TEST

/* Found by the fuzzer: zero is what the hash tables hold where a release has no such function. */
START_TEST(a_hash_of_zero_is_nobodys)
{
	uint8_t body[64] = {0};
	struct mc_request request;

	for (int fn = 0; fn < MC_FN_COUNT; fn++) {
		if (mc_wire_hashes[fn].args[MC_RELEASE_NEWEST] == 0)
			continue;	/* no arguments: the body is not looked at */
		ck_assert_int_eq(mc_request_open(mc_fn_id((enum mc_fn)fn), body, sizeof(body),
						 MC_RELEASE_ALL, &request),
				 MC_ERR_BAD_MESSAGE);
	}
}
END_TEST

START_TEST(a_length_that_does_not_fit_its_width_fails_the_message)
{
	struct mc_result_str result = {0};
	char text[300] = {0};
	struct mc_writer writer;
	struct mc_buf buf;

	mc_buf_init(&buf);
	result.value = (struct mc_str){text, sizeof(text)};
	mc_result_open(&writer, &buf, MC_FN_GET_FSDIR, MC_RELEASE_0_3_13, MC_FORM_SHORT, 10);
	mc_result_put(&writer, &result);
	ck_assert_int_ne(mc_result_close(&writer), MC_OK);
	ck_assert_uint_eq(mc_buf_len(&buf), 0);
	mc_buf_fini(&buf);
}
END_TEST

/* ---- both directions in every release ---- */

static void
args_fill(struct mc_args *args, const struct mc_vec *strs)
{
	mc_args_init(args);
	args->key = args->object_meta.key = (struct mc_str){"a key", 5};
	args->client_id = (struct mc_uuid){1, 2};
	args->id = (struct mc_uuid){3, 4};
	args->keys = args->targets = *strs;
	args->slice_length = 4096;
	args->config.replica_num = 2;
	args->config.preferred_segments = *strs;
	args->segment.name = (struct mc_str){"node:1", 6};
	args->segment.size = 1 << 20;
	args->force = true;
}

START_TEST(requests_of_every_release_are_told_apart)
{
	struct mc_str strs[] = {{"one", 3}, {"two", 3}};
	struct mc_vec vec = {strs, 2, sizeof(strs[0]), 0, 0};
	unsigned int pairs = 0;

	for (int fn = 0; fn < MC_FN_COUNT; fn++) {
		for (int release = 0; release < MC_RELEASE_COUNT; release++) {
			struct mc_args in, out;
			struct mc_request request;
			struct mc_buf buf;

			if ((mc_fn_releases((enum mc_fn)fn) & MC_RELEASE_BIT(release)) == 0)
				continue;
			args_fill(&in, &vec);
			mc_buf_init(&buf);
			ck_assert_int_eq(mc_request_encode(&buf, (enum mc_fn)fn,
							   (enum mc_release)release,
							   release % 2 ? MC_FORM_LITERAL
								       : MC_FORM_SHORT,
							   &in),
					 MC_OK);
			ck_assert_int_eq(mc_request_open(mc_fn_id((enum mc_fn)fn), buf.data,
							 mc_buf_len(&buf), MC_RELEASE_ALL,
							 &request),
					 MC_OK);
			ck_assert_uint_ne(request.releases & MC_RELEASE_BIT(release), 0);
			ck_assert_int_eq(mc_request_decode(&request, &out), MC_OK);
			if (out.key.len > 0)
				ck_assert_mem_eq(out.key.ptr, "a key", 5);
			mc_buf_fini(&buf);
			pairs++;
		}
	}
	printf("%u functions in their releases\n", pairs);
	ck_assert_uint_gt(pairs, 300);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("wire/codec");
	TCase *tc = tcase_create("codec");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, every_body_comes_back_byte_by_byte);
	tcase_add_test(tc, truncated_bodies_are_refused);
	tcase_add_test(tc, flipped_bits_do_no_harm);
	tcase_add_test(tc, every_width_is_read);
	tcase_add_test(tc, a_count_beyond_the_body_is_refused);
	tcase_add_test(tc, a_hash_of_zero_is_nobodys);
	tcase_add_test(tc, a_length_that_does_not_fit_its_width_fails_the_message);
	tcase_add_test(tc, requests_of_every_release_are_told_apart);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	mc_wire_init();
	return suite_run(suite(), CK_FORK_GETENV);
}
