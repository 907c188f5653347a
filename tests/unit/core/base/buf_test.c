/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/random.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

static struct mc_buf buf;

static void
setup(void)
{
	mc_buf_init(&buf);
}

static void
teardown(void)
{
	mc_buf_fini(&buf);
}

START_TEST(a_new_buffer_holds_nothing_and_no_memory)
{
	ck_assert_uint_eq(mc_buf_len(&buf), 0);
	ck_assert_uint_eq(buf.cap, 0);
	ck_assert_int_eq(mc_buf_append(&buf, NULL, 0), MC_OK);
	ck_assert_uint_eq(buf.cap, 0);
}
END_TEST

/* Bytes go in and come out in order, whatever the pieces: a counter runs through. */
START_TEST(bytes_come_out_as_they_went_in)
{
	const char *text = getenv("MC_TEST_SEED");
	uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : mc_random_seed();
	uint8_t piece[3000], in = 0, out = 0;
	struct mc_random random;
	size_t held = 0;

	printf("MC_TEST_SEED=%" PRIu64 "\n", seed);
	mc_random_init(&random, seed);
	for (int step = 0; step < 100000; step++) {
		size_t len = mc_random_below(&random, sizeof(piece));

		if (mc_random_below(&random, 2) == 0 && held < 100000) {
			for (size_t i = 0; i < len; i++)
				piece[i] = in++;
			must(mc_buf_append(&buf, piece, len) == MC_OK);
			held += len;
		} else {
			len = len < held ? len : held;
			for (size_t i = 0; i < len; i++)
				must(buf.data[buf.head + i] == out++);
			mc_buf_consume(&buf, len);
			held -= len;
		}
		must(mc_buf_len(&buf) == held && buf.tail <= buf.cap);
	}
	/* it grew with what was held, not with all that went through */
	ck_assert_uint_le(buf.cap, 262144);
}
END_TEST

START_TEST(consuming_all_starts_at_the_front_again)
{
	mc_buf_append(&buf, "abcdef", 6);
	mc_buf_consume(&buf, 4);
	ck_assert_uint_eq(mc_buf_len(&buf), 2);
	ck_assert_uint_eq(buf.head, 4);
	mc_buf_consume(&buf, 2);
	ck_assert_uint_eq(buf.head, 0);
	ck_assert_uint_eq(buf.tail, 0);
}
END_TEST

START_TEST(room_is_made_by_moving_before_growing)
{
	size_t cap;

	ck_assert_int_eq(mc_buf_reserve(&buf, 1000), MC_OK);
	cap = buf.cap;
	while (buf.tail < cap)
		mc_buf_append(&buf, "x", 1);
	mc_buf_consume(&buf, cap - 1);
	buf.data[buf.head] = 'y';
	ck_assert_int_eq(mc_buf_reserve(&buf, cap - 1), MC_OK);
	ck_assert_uint_eq(buf.cap, cap);
	ck_assert_uint_eq(buf.head, 0);
	ck_assert_uint_eq(buf.tail, 1);
	ck_assert_int_eq(buf.data[0], 'y');
}
END_TEST

START_TEST(a_length_that_cannot_be_is_refused)
{
	mc_buf_append(&buf, "abc", 3);
	ck_assert_int_eq(mc_buf_reserve(&buf, SIZE_MAX), MC_ERR_TOO_LARGE);
	ck_assert_int_eq(mc_buf_reserve(&buf, SIZE_MAX / 2), MC_ERR_TOO_LARGE);
	ck_assert_uint_eq(mc_buf_len(&buf), 3);
	ck_assert(memcmp(buf.data, "abc", 3) == 0);
}
END_TEST

START_TEST(shrinking_gives_back_only_what_is_empty_and_large)
{
	mc_buf_reserve(&buf, 100000);
	mc_buf_append(&buf, "abc", 3);
	mc_buf_shrink(&buf, 1000);
	ck_assert_uint_ge(buf.cap, 100000);
	mc_buf_consume(&buf, 3);
	mc_buf_shrink(&buf, 1u << 20);
	ck_assert_uint_ge(buf.cap, 100000);
	mc_buf_shrink(&buf, 1000);
	ck_assert_uint_eq(buf.cap, 0);
	ck_assert_ptr_null(buf.data);
}
END_TEST

START_TEST(printed_text_has_any_length)
{
	char text[1000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t len = 0; len < sizeof(text); len += 37) {
		size_t before = mc_buf_len(&buf);

		ck_assert_int_eq(mc_buf_printf(&buf, "%d%.*s", 7, (int)len, text), MC_OK);
		ck_assert_uint_eq(mc_buf_len(&buf), before + 1 + len);
		ck_assert_int_eq(buf.data[buf.head + before], '7');
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base/buf");
	TCase *tc = tcase_create("buf");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_new_buffer_holds_nothing_and_no_memory);
	tcase_add_test(tc, bytes_come_out_as_they_went_in);
	tcase_add_test(tc, consuming_all_starts_at_the_front_again);
	tcase_add_test(tc, room_is_made_by_moving_before_growing);
	tcase_add_test(tc, a_length_that_cannot_be_is_refused);
	tcase_add_test(tc, shrinking_gives_back_only_what_is_empty_and_large);
	tcase_add_test(tc, printed_text_has_any_length);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
