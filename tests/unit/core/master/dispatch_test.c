/* SPDX-License-Identifier: Apache-2.0 */
/* From frames to functions and back: what is no call, every release's layouts, what is counted. */
#include <string.h>

#include "core/base/endian.h"
#include "core/wire/frame.h"
#include "tests/support/must.h"
#include "tests/support/sim_batch.h"

static struct sim_client client, other;

static void
setup(void)
{
	sim_master_open(NULL);
	client = sim_client_open(1, MC_RELEASE_NEWEST);
	other = sim_client_open(2, MC_RELEASE_NEWEST);
	ck_assert_int_eq(sim_mount(&other, "a:1", 1, 64 * SIM_MIB), 0);
}

static const struct mc_master_stats *
stats(void)
{
	return mc_master_stats(sim_master());
}

/* ---- frames made by hand ---- */

static void
frame_add(struct mc_buf *frames, uint32_t function_id, const void *body, size_t len)
{
	struct mc_frame_request frame = {
		.seq = ++client.seq, .function_id = function_id, .body_len = (uint32_t)len};
	uint8_t header[MC_FRAME_REQUEST_LEN];

	mc_frame_request_store(header, &frame);
	must(mc_buf_append(frames, header, sizeof(header)) == MC_OK);
	must(mc_buf_append(frames, body, len) == MC_OK);
}

static void
frames_send(struct mc_buf *frames)
{
	sim_send_bytes(&client, frames->data + frames->head, mc_buf_len(frames));
	mc_buf_fini(frames);
}

static void
frame_send(uint32_t function_id, const void *body, size_t len)
{
	struct mc_buf frames;

	mc_buf_init(&frames);
	frame_add(&frames, function_id, body, len);
	frames_send(&frames);
}

/* The body of ExistKey("k"). */
static void
body_make(struct mc_buf *body, enum mc_form form)
{
	struct mc_args args = sim_args(&client);

	args.key = sim_str("k");
	mc_buf_init(body);
	must(mc_request_encode(body, MC_FN_EXIST_KEY, MC_RELEASE_NEWEST, form, &args) == MC_OK);
}

#define UNKNOWN_FUNCTION 0x12345678u

static const char not_registered[] = "\x76\xfa\xcf\x9d\x1fthe rpc function not registered";
static const char invalid_args[] = "\x76\xfa\xcf\x9d\x0finvalid rpc arg";

/* The next answer is a framing-level error with a string for its body; the connection is usable. */
static void
rejection_expect(int32_t code, const char *body, size_t len)
{
	uint64_t before = sim_stat(&stats()->rejected);
	union sim_result result;

	ck_assert_int_eq(sim_receive(&client, MC_FN_EXIST_KEY, &result), SIM_FRAME_ERROR + code);
	ck_assert_uint_eq(mc_buf_len(sim_answer()), len);
	ck_assert(memcmp(sim_answer()->data, body, len) == 0);
	ck_assert(!sim_exist(&client, "k"));
	ck_assert_uint_eq(sim_stat(&stats()->rejected), before);
}

static void
invalid_expect(void)
{
	rejection_expect(4, invalid_args, sizeof(invalid_args) - 1);
}

START_TEST(a_function_that_is_none_is_not_registered)
{
	frame_send(UNKNOWN_FUNCTION, "", 0);
	ck_assert_uint_eq(sim_stat(&stats()->rejected), 1);
	rejection_expect(11, not_registered, sizeof(not_registered) - 1);
	frame_send(0, "rubbish", 7);
	rejection_expect(11, not_registered, sizeof(not_registered) - 1);
	ck_assert_uint_eq(sim_stat(&stats()->rejected), 2);
}
END_TEST

START_TEST(a_body_of_no_release_is_invalid)
{
	struct mc_buf body;

	body_make(&body, MC_FORM_SHORT);
	body.data[3] ^= 0x40; /* of the hash */
	frame_send(mc_fn_id(MC_FN_EXIST_KEY), body.data, mc_buf_len(&body));
	invalid_expect();
	mc_buf_fini(&body);
	/* another function's */
	body_make(&body, MC_FORM_SHORT);
	frame_send(mc_fn_id(MC_FN_PING), body.data, mc_buf_len(&body));
	invalid_expect();
	mc_buf_fini(&body);
	ck_assert_uint_eq(sim_stat(&stats()->rejected), 2);
	ck_assert_uint_eq(sim_stat(&stats()->calls[MC_FN_PING]), 0);
}
END_TEST

START_TEST(a_body_cut_short_is_invalid)
{
	struct mc_buf body;

	for (int form = MC_FORM_SHORT; form <= MC_FORM_LITERAL; form++) {
		body_make(&body, (enum mc_form)form);
		for (size_t len = 0; len < mc_buf_len(&body); len++) {
			frame_send(mc_fn_id(MC_FN_EXIST_KEY), body.data, len);
			invalid_expect();
		}
		mc_buf_fini(&body);
	}
}
END_TEST

START_TEST(another_literal_is_invalid)
{
	struct mc_buf body;

	body_make(&body, MC_FORM_LITERAL);
	body.data[6] ^= 1; /* in the literal, behind head and meta */
	frame_send(mc_fn_id(MC_FN_EXIST_KEY), body.data, mc_buf_len(&body));
	invalid_expect();
	mc_buf_fini(&body);
}
END_TEST

START_TEST(both_forms_and_bytes_behind_them_are_taken)
{
	struct mc_result_bool result;
	struct mc_buf body;

	ck_assert_int_eq(sim_put(&other, "k", 1000), 0);
	for (int form = MC_FORM_SHORT; form <= MC_FORM_LITERAL; form++) {
		body_make(&body, (enum mc_form)form);
		for (int extra = 0; extra < 3; extra++) {
			frame_send(mc_fn_id(MC_FN_EXIST_KEY), body.data, mc_buf_len(&body));
			ck_assert_int_eq(sim_receive(&client, MC_FN_EXIST_KEY, &result), 0);
			ck_assert(result.value);
			must(mc_buf_append(&body, "x", 1) == MC_OK);
		}
		mc_buf_fini(&body);
	}
}
END_TEST

START_TEST(a_function_without_arguments_ignores_its_body)
{
	struct mc_result_str result;

	frame_send(mc_fn_id(MC_FN_SERVICE_READY), "rubbish", 7);
	ck_assert_int_eq(sim_receive(&client, MC_FN_SERVICE_READY, &result), 0);
	frame_send(mc_fn_id(MC_FN_SERVICE_READY), "", 0);
	ck_assert_int_eq(sim_receive(&client, MC_FN_SERVICE_READY, &result), 0);
}
END_TEST

START_TEST(calls_in_one_piece_are_answered_in_order)
{
	struct mc_result_bool result;
	struct mc_buf body, frames;
	int32_t exist;

	body_make(&body, MC_FORM_SHORT);
	mc_buf_init(&frames);
	for (int i = 0; i < 100; i++) {
		frame_add(&frames, mc_fn_id(MC_FN_EXIST_KEY), body.data, mc_buf_len(&body));
		frame_add(&frames, UNKNOWN_FUNCTION, body.data, mc_buf_len(&body));
		frame_add(&frames, mc_fn_id(MC_FN_EXIST_KEY), body.data, 3);
	}
	mc_buf_fini(&body);
	frames_send(&frames);
	for (int i = 0; i < 100; i++) {
		exist = sim_receive(&client, MC_FN_EXIST_KEY, &result);
		ck_assert_int_eq(exist, 0);
		exist = sim_receive(&client, MC_FN_EXIST_KEY, &result);
		ck_assert_int_eq(exist, SIM_FRAME_ERROR + 11);
		exist = sim_receive(&client, MC_FN_EXIST_KEY, &result);
		ck_assert_int_eq(exist, SIM_FRAME_ERROR + 4);
	}
	ck_assert_uint_eq(sim_stat(&stats()->calls[MC_FN_EXIST_KEY]), 100);
	ck_assert_uint_eq(sim_stat(&stats()->rejected), 200);
}
END_TEST

/* ---- releases ---- */

START_TEST(a_port_of_one_release_serves_no_other)
{
	struct sim_client old = sim_client_open(3, MC_RELEASE_0_3_9);
	struct mc_args args;
	union sim_result result;

	sim_client_restrict(&old);
	ck_assert_int_eq(sim_put(&old, "k", 1000), 0);
	old.release = MC_RELEASE_NEWEST;
	args = sim_args(&old);
	args.config.replica_num = 1;
	/* laid out differently, and not there at all */
	ck_assert_int_eq(sim_call(&old, MC_FN_PUT_START, &args, &result), SIM_FRAME_ERROR + 4);
	ck_assert_int_eq(sim_call(&old, MC_FN_BATCH_REMOVE, &args, &result), SIM_FRAME_ERROR + 11);
	old.release = MC_RELEASE_0_3_9;
	ck_assert(sim_exist(&old, "k"));
}
END_TEST

/* Up to 0.3.7 an object was a list of buffers, here of one: (name, in 0.3.6,) size, address … */
static uint64_t
size_told(const struct mc_replica_desc *desc, enum mc_release release)
{
	const uint8_t *bytes = desc->buffers.items;

	if (release > MC_RELEASE_0_3_7)
		return desc->buffer.size;
	ck_assert_uint_eq(desc->buffers.count, 1);
	if (release == MC_RELEASE_0_3_7)
		return mc_le64_load(bytes);
	/* the segment's name takes the place of the endpoint, and there is a status: complete */
	ck_assert(memcmp(bytes,
			 "\x03"
			 "b:1",
			 4) == 0);
	ck_assert_uint_eq(mc_le32_load(bytes + 4 + 16), 1);
	return mc_le64_load(bytes + 4);
}

static void
setup_alone(void)
{
	sim_master_open(NULL);
}

START_TEST(every_release_writes_reads_and_removes)
{
	enum mc_release release = (enum mc_release)_i;
	struct mc_replica_desc desc;

	/* a port for all: the calls themselves, and those before at the address, tell which it is
	 */
	client = sim_client_open(1, release);
	ck_assert_int_eq(sim_mount(&client, "b:1", 1, SIM_MIB), 0);
	ck_assert_int_eq(sim_put_start(&client, "k", 1000, NULL, NULL), 0);
	ck_assert(!sim_exist(&client, "k"));
	ck_assert_int_eq(sim_get(&client, "k", &desc, 1), -703);
	ck_assert_int_eq(sim_put_end(&client, "k"), 0);
	ck_assert_int_eq(sim_put_start(&client, "k", 1000, NULL, NULL), -705);
	ck_assert_int_eq(sim_get(&client, "k", &desc, 1), 1);
	ck_assert_int_eq(desc.status, MC_REPLICA_COMPLETE);
	ck_assert_uint_eq(size_told(&desc, release), 1000);
	ck_assert_int_eq(sim_remove(&client, "k", false), -706);
	/* before 0.3.9 nobody could force */
	ck_assert_int_eq(sim_remove(&client, "k", true), release < MC_RELEASE_0_3_9 ? -706 : 0);
	ck_assert_int_eq(sim_put_start(&client, "l", 1000, NULL, NULL), 0);
	ck_assert_int_eq(sim_put_revoke(&client, "l"), 0);
	ck_assert_int_eq(sim_put_revoke(&client, "l"), -704);
	ck_assert_int_eq(sim_unmount(&client, 1), 0);
	ck_assert(!sim_exist(&client, "k"));
}
END_TEST

START_TEST(a_reader_is_taken_for_the_release_of_its_address)
{
	enum mc_release release = (enum mc_release)_i;
	struct sim_client reader = sim_client_open(2, release);
	struct mc_replica_desc desc;

	client = sim_client_open(1, release);
	ck_assert_int_eq(sim_mount(&client, "b:1", 1, SIM_MIB), 0);
	ck_assert_int_eq(sim_put(&client, "k", 1000), 0);
	ck_assert_int_eq(sim_get(&reader, "k", &desc, 1), 1);
	ck_assert_uint_eq(size_told(&desc, release), 1000);
}
END_TEST

START_TEST(releases_read_what_others_wrote)
{
	struct sim_client writer = sim_client_open(1, (enum mc_release)_i);
	struct mc_replica_desc desc;

	sim_client_restrict(&writer);
	ck_assert_int_eq(sim_mount(&writer, "b:1", 1, SIM_MIB), 0);
	ck_assert_int_eq(sim_put(&writer, "k", 1000), 0);
	for (int i = 0; i < MC_RELEASE_COUNT; i++) {
		struct sim_client reader = sim_client_open(2, (enum mc_release)i);

		sim_client_restrict(&reader);
		ck_assert_int_eq(sim_get(&reader, "k", &desc, 1), 1);
		ck_assert_uint_eq(size_told(&desc, reader.release), 1000);
	}
}
END_TEST

START_TEST(every_function_of_every_release_is_answered)
{
	struct mc_args args;
	union sim_result result;
	uint32_t asked = 0;

	client = sim_client_open(1, (enum mc_release)_i);
	sim_client_restrict(&client);
	args = sim_batch_args(&client, sim_keys(3), 1000);
	for (int fn = 0; fn < MC_FN_COUNT; fn++) {
		if ((mc_fn_releases((enum mc_fn)fn) & MC_RELEASE_BIT(_i)) == 0)
			continue;
		ck_assert_int_lt(sim_call(&client, (enum mc_fn)fn, &args, &result), 1);
		ck_assert_uint_eq(sim_stat(&stats()->calls[fn]), 1);
		asked++;
	}
	ck_assert_uint_ge(asked, 19);
	ck_assert_uint_eq(sim_stat(&stats()->rejected), 0);
}
END_TEST

/* ---- counters ---- */

static void
counted_expect(enum mc_fn fn, uint64_t calls, uint64_t failures)
{
	ck_assert_uint_eq(sim_stat(&stats()->calls[fn]), calls);
	ck_assert_uint_eq(sim_stat(&stats()->failures[fn]), failures);
}

START_TEST(calls_are_counted_by_function_and_success)
{
	struct mc_replica_desc desc;

	sim_exist(&client, "k");
	counted_expect(MC_FN_EXIST_KEY, 1, 0);
	sim_get(&client, "k", &desc, 1);
	counted_expect(MC_FN_GET_REPLICA_LIST, 1, 1);
	sim_put(&client, "k", 1000);
	sim_put(&client, "k", 1000);
	counted_expect(MC_FN_PUT_START, 2, 1);
	counted_expect(MC_FN_PUT_END, 1, 0);
	sim_put_revoke(&client, "k");
	counted_expect(MC_FN_PUT_REVOKE, 1, 1);
	sim_remove(&client, "k", false);
	sim_remove(&client, "k", false);
	counted_expect(MC_FN_REMOVE, 2, 1);
	sim_get(&client, "k", &desc, 1);
	counted_expect(MC_FN_GET_REPLICA_LIST, 2, 2);
	/* items are of batches alone */
	ck_assert_uint_eq(sim_stat(&stats()->items[MC_FN_REMOVE]), 0);
}
END_TEST

/* ---- tenants ---- */

/* The life of an object "k0", and what is asked on the way: each call as another tenant. */
static const struct {
	enum mc_fn fn;
	int32_t error;
} life[] = {
	{MC_FN_PUT_START, 0},
	{MC_FN_PUT_END, 0},
	{MC_FN_PUT_START, -705},
	{MC_FN_EXIST_KEY, 0},
	{MC_FN_GET_REPLICA_LIST, 0},
	{MC_FN_UPSERT_START, 0},
	{MC_FN_GET_REPLICA_LIST, -703},
	{MC_FN_UPSERT_END, 0},
	{MC_FN_COPY_START, 0},
	{MC_FN_UPSERT_START, -708},
	{MC_FN_COPY_END, 0},
	{MC_FN_COPY_START, 0},
	{MC_FN_COPY_REVOKE, 0},
	{MC_FN_EVICT_DISK_REPLICA, 0},
	{MC_FN_REMOVE, 0},
	{MC_FN_REMOVE, -704},
	{MC_FN_UPSERT_START, 0},
	{MC_FN_UPSERT_REVOKE, 0},
	{MC_FN_PUT_START, 0},
	{MC_FN_PUT_REVOKE, 0},
	{MC_FN_PUT_END, -704},
};

static const enum mc_fn batch_life[] = {
	MC_FN_BATCH_PUT_START,		MC_FN_BATCH_PUT_END,	  MC_FN_BATCH_EXIST_KEY,
	MC_FN_BATCH_GET_REPLICA_LIST,	MC_FN_BATCH_UPSERT_START, MC_FN_BATCH_UPSERT_END,
	MC_FN_BATCH_EVICT_DISK_REPLICA, MC_FN_BATCH_REMOVE,	  MC_FN_BATCH_PUT_START,
	MC_FN_BATCH_PUT_REVOKE,		MC_FN_BATCH_UPSERT_START, MC_FN_BATCH_UPSERT_REVOKE,
};

/* Names that a master with tenants would refuse, or look up elsewhere. */
static struct mc_args
tenant_args(unsigned int step)
{
	static const char *const tenants[] = {"default", "", "_bad", "\x7f", "another"};
	static const struct mc_str targets[] = {{"b:1", 3}};
	struct mc_args args = sim_batch_args(&client, sim_keys(2), 1000);

	args.tenant_id = sim_str(tenants[step % (sizeof(tenants) / sizeof(tenants[0]))]);
	args.key = args.object_meta.key = sim_str("k0");
	args.slice_length = 1000;
	args.force = true;
	args.source = sim_str("a:1");
	args.targets = SIM_VEC(targets);
	args.config.preferred_segment = sim_str("a:1");
	return args;
}

static void
walks_expect(unsigned int step)
{
	struct mc_args args = tenant_args(step);
	union sim_result result;

	ck_assert_int_eq(sim_put(&client, "k0", 1000), 0);
	args.key = sim_str("^k");
	ck_assert_int_eq(sim_call(&client, MC_FN_GET_REPLICA_LIST_BY_REGEX, &args, &result), 0);
	ck_assert_uint_eq(result.vec.value.count, 1);
	ck_assert_int_eq(sim_call(&client, MC_FN_REMOVE_BY_REGEX, &args, &result), 0);
	ck_assert_int_eq(result.number.value, 1);
	ck_assert_int_eq(sim_put(&client, "k0", 1000), 0);
	ck_assert_int_eq(sim_call(&client, MC_FN_REMOVE_ALL, &args, &result), 0);
	ck_assert_int_eq(result.number.value, 1);
}

/* Loops: which tenant begins. */
START_TEST(tenants_are_all_the_same)
{
	ck_assert_int_eq(sim_mount(&other, "b:1", 2, 64 * SIM_MIB), 0);
	for (unsigned int i = 0; i < sizeof(life) / sizeof(life[0]); i++) {
		struct mc_args args = tenant_args(i + (unsigned int)_i);
		union sim_result result;
		int32_t error;

		args.replica_type =
			life[i].fn == MC_FN_EVICT_DISK_REPLICA ? MC_REPLICA_DISK : MC_REPLICA_ALL;
		error = sim_call(&client, life[i].fn, &args, &result);
		ck_assert_msg(error == life[i].error, "step %u, %s: %d, not %d", i,
			      mc_fn_name(life[i].fn), error, life[i].error);
	}
	for (unsigned int i = 0; i < sizeof(batch_life) / sizeof(batch_life[0]); i++) {
		struct mc_args args = tenant_args(i + (unsigned int)_i);

		if (batch_life[i] == MC_FN_BATCH_EVICT_DISK_REPLICA)
			args.replica_type = MC_REPLICA_DISK;
		sim_batch_expect(&client, batch_life[i], &args, NULL);
	}
	ck_assert_uint_eq(sim_stat(&stats()->objects), 0);
	walks_expect((unsigned int)_i);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("master/dispatch");
	TCase *frames = sim_tcase(suite, "frames", setup);
	TCase *releases = sim_tcase(suite, "releases", setup_alone);

	tcase_add_test(frames, a_function_that_is_none_is_not_registered);
	tcase_add_test(frames, a_body_of_no_release_is_invalid);
	tcase_add_test(frames, a_body_cut_short_is_invalid);
	tcase_add_test(frames, another_literal_is_invalid);
	tcase_add_test(frames, both_forms_and_bytes_behind_them_are_taken);
	tcase_add_test(frames, a_function_without_arguments_ignores_its_body);
	tcase_add_test(frames, calls_in_one_piece_are_answered_in_order);
	tcase_add_test(frames, a_port_of_one_release_serves_no_other);
	tcase_add_test(frames, calls_are_counted_by_function_and_success);
	tcase_add_loop_test(frames, tenants_are_all_the_same, 0, 5);
	tcase_add_loop_test(releases, every_release_writes_reads_and_removes, 0, MC_RELEASE_COUNT);
	tcase_add_loop_test(releases, a_reader_is_taken_for_the_release_of_its_address, 0,
			    MC_RELEASE_COUNT);
	tcase_add_loop_test(releases, releases_read_what_others_wrote, 0, MC_RELEASE_COUNT);
	tcase_add_loop_test(releases, every_function_of_every_release_is_answered, 0,
			    MC_RELEASE_COUNT);
	return sim_run(suite);
}
