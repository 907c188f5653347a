/* SPDX-License-Identifier: Apache-2.0 */
/* Names of which there is no second, where they are registered. */
#include "apps/mc-bench/transfer_own.h"

#include <string.h>

#include "tests/support/suite.h"

#define URL "http://127.0.0.1:8080/metadata"

static char text[64], other[64];

START_TEST(peers_that_shake_hands_need_none)
{
	transfer_own_name(text, sizeof(text), "10.0.0.7", "P2PHANDSHAKE", 1);
	ck_assert_str_eq(text, "10.0.0.7");
}
END_TEST

START_TEST(both_ends_have_names_of_their_own)
{
	transfer_own_name(text, sizeof(text), "10.0.0.7", URL, 0);
	transfer_own_name(other, sizeof(other), "10.0.0.7", URL, 1);
	ck_assert_str_ne(text, other);
	ck_assert_int_eq(strncmp(text, "10.0.0.7:", 9), 0);
	ck_assert_int_eq(strncmp(other, "10.0.0.7:", 9), 0);
	transfer_own_name(other, sizeof(other), "fe80::1", URL, 0);
	ck_assert_int_eq(strncmp(other, "[fe80::1]:", 10), 0);
	transfer_own_name(other, sizeof(other), "[fe80::1]", URL, 0);
	ck_assert_int_eq(strncmp(other, "[fe80::1]:", 10), 0);
}
END_TEST

START_TEST(a_port_that_was_given_stays_ours)
{
	transfer_own_name(text, sizeof(text), "10.0.0.7:5", URL, 0);
	ck_assert_str_eq(text, "10.0.0.7:5");
	transfer_own_name(other, sizeof(other), "10.0.0.7:5", URL, 1);
	ck_assert_str_ne(other, text);
	ck_assert_int_eq(strncmp(other, "10.0.0.7:", 9), 0);
	ck_assert_ptr_eq(strchr(other, ':'), strrchr(other, ':'));
	transfer_own_name(text, sizeof(text), "[fe80::1]:5", URL, 0);
	ck_assert_str_eq(text, "[fe80::1]:5");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mc-bench/transfer_own");
	TCase *tc = tcase_create("own");

	tcase_add_test(tc, peers_that_shake_hands_need_none);
	tcase_add_test(tc, both_ends_have_names_of_their_own);
	tcase_add_test(tc, a_port_that_was_given_stays_ours);
	suite_add_tcase(s, tc);
	return suite_run(s, CK_FORK_GETENV);
}
