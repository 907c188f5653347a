/* SPDX-License-Identifier: Apache-2.0 */
/* Handshake frames, whole, in pieces, and broken. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/peer/private.h"
#include "tests/support/suite.h"

#define MAX 1000u

static enum mc_status
read_bytes(const void *bytes, size_t length, struct peer_frame *frame_out)
{
	struct mc_buf in = {.data = (uint8_t *)(uintptr_t)bytes, .tail = length, .cap = length};

	return peer_frame_read(&in, MAX, frame_out);
}

START_TEST(a_frame_comes_back_at_its_last_byte_and_not_before)
{
	struct mc_str body = {"{\"a\":1}", 7};
	struct peer_frame frame;
	struct mc_buf out;

	mc_buf_init(&out);
	ck_assert_int_eq(peer_frame_write(&out, FRAME_NOTIFY, body), MC_OK);
	ck_assert_uint_eq(mc_buf_len(&out), 8 + 1 + 7 + 1);
	for (size_t i = 0; i < mc_buf_len(&out); i++)
		ck_assert_int_eq(read_bytes(out.data, i, &frame), MC_AGAIN);
	ck_assert_int_eq(read_bytes(out.data, mc_buf_len(&out), &frame), MC_OK);
	ck_assert_uint_eq(frame.type, FRAME_NOTIFY);
	ck_assert_uint_eq(frame.body.len, 8);
	ck_assert_mem_eq(frame.body.ptr, "{\"a\":1}\n", 8);
	mc_buf_fini(&out);
}
END_TEST

START_TEST(lengths_are_judged_before_their_bytes_come)
{
	static const uint8_t zero[8], huge[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t one_more[8] = {(MAX + 1) & 0xff, (MAX + 1) >> 8};
	static const uint8_t most[8] = {MAX & 0xff, MAX >> 8};
	struct peer_frame frame;

	ck_assert_int_eq(read_bytes(zero, 8, &frame), MC_ERR_PROTOCOL);
	ck_assert_int_eq(read_bytes(huge, 8, &frame), MC_ERR_PROTOCOL);
	ck_assert_int_eq(read_bytes(one_more, 8, &frame), MC_ERR_PROTOCOL);
	ck_assert_int_eq(read_bytes(most, 8, &frame), MC_AGAIN);
}
END_TEST

START_TEST(a_first_byte_that_is_no_type_is_an_old_frame)
{
	static const uint8_t old[] = {2, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
	static const uint8_t high[] = {2, 0, 0, 0, 0, 0, 0, 0, 0xfe, '}'};
	struct peer_frame frame;

	ck_assert_int_eq(read_bytes(old, sizeof(old), &frame), MC_OK);
	ck_assert_uint_eq(frame.type, FRAME_OLD);
	ck_assert_uint_eq(frame.body.len, 2);
	ck_assert_int_eq(read_bytes(high, sizeof(high), &frame), MC_ERR_PROTOCOL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("peer/frame");
	TCase *tc = tcase_create("frame");

	tcase_add_test(tc, a_frame_comes_back_at_its_last_byte_and_not_before);
	tcase_add_test(tc, lengths_are_judged_before_their_bytes_come);
	tcase_add_test(tc, a_first_byte_that_is_no_type_is_an_old_frame);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
