/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/crc64.h"

#include <check.h>
#include <stdlib.h>

#include "tests/support/suite.h"

START_TEST(it_is_the_published_one)
{
	ck_assert_uint_eq(crc64_ecma(0, "123456789", 9), 0x6c40df5f0b497347ull);
	ck_assert_uint_eq(crc64_ecma(0, "", 0), 0);
}
END_TEST

/* Bit by bit, as the polynomial is defined. */
static uint64_t
slow(const unsigned char *bytes, size_t length)
{
	uint64_t crc = 0;

	for (size_t i = 0; i < length; i++) {
		crc ^= (uint64_t)bytes[i] << 56;
		for (int bit = 0; bit < 8; bit++)
			crc = crc << 1 ^ (crc >> 63 != 0 ? 0x42f0e1eba9ea3693ull : 0);
	}
	return crc;
}

START_TEST(any_length_in_any_pieces)
{
	unsigned char bytes[100];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 37 + 11);
	for (size_t length = 0; length <= sizeof(bytes); length++) {
		uint64_t whole = slow(bytes, length);

		ck_assert_uint_eq(crc64_ecma(0, bytes, length), whole);
		for (size_t cut = 0; cut <= length; cut += 7)
			ck_assert_uint_eq(crc64_ecma(crc64_ecma(0, bytes, cut), bytes + cut,
						     length - cut), whole);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store/crc64");
	TCase *tc = tcase_create("crc64");

	tcase_add_test(tc, it_is_the_published_one);
	tcase_add_test(tc, any_length_in_any_pieces);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
