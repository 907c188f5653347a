/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/trailer.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/wire/msg.h"
#include "tests/support/suite.h"

static struct mc_str
text(const char *bytes)
{
	return (struct mc_str){bytes, strlen(bytes)};
}

static struct trailer
example(void)
{
	return (struct trailer){
		.kind = TRAILER_XXH3,
		.checksum = 0x12345678,
		.key_hash = trailer_key_hash(text("default"), text("a/key")),
		.replica_id = MC_REPLICA_PROMISE | 77,
		.length = 4096,
	};
}

START_TEST(what_was_written_is_found)
{
	struct trailer trailer = example(), found;
	uint8_t bytes[TRAILER_BYTES];

	trailer_store(&trailer, bytes);
	ck_assert_int_eq(trailer_check(bytes, &trailer, &found), MC_OK);
	ck_assert_int_eq(found.kind, TRAILER_XXH3);
	ck_assert_uint_eq(found.checksum, 0x12345678);
}
END_TEST

/* The checksum's own bits are told by the bytes that it is of. */
START_TEST(every_other_bit_is_missed)
{
	struct trailer trailer = example(), found;
	uint8_t bytes[TRAILER_BYTES];

	for (unsigned int bit = 0; bit < 8 * TRAILER_BYTES; bit++) {
		bool checksum = bit >= 32 && bit < 64;

		trailer_store(&trailer, bytes);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (checksum)
			ck_assert(trailer_check(bytes, &trailer, &found) == MC_OK &&
				  found.checksum != trailer.checksum);
		else
			ck_assert_msg(trailer_check(bytes, &trailer, &found) ==
				      MC_ERR_OBJECT_NOT_FOUND, "bit %u", bit);
	}
	memset(bytes, 0, sizeof(bytes));
	ck_assert_int_eq(trailer_check(bytes, &trailer, &found), MC_ERR_OBJECT_NOT_FOUND);
}
END_TEST

START_TEST(keys_of_tenants_differ)
{
	ck_assert_uint_ne(trailer_key_hash(text("ab"), text("c")),
			  trailer_key_hash(text("a"), text("bc")));
	ck_assert_uint_ne(trailer_key_hash(text("a"), text("c")),
			  trailer_key_hash(text("b"), text("c")));
}
END_TEST

START_TEST(pieces_sum_up_to_the_whole)
{
	char bytes[1000];
	struct mc_iov whole = {bytes, sizeof(bytes)};
	struct mc_iov pieces[3] = {{bytes, 1}, {bytes + 1, 500}, {bytes + 501, 499}};
	uint32_t sum;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7);
	sum = trailer_checksum(&whole, 1, sizeof(bytes));
	ck_assert_uint_eq(trailer_checksum(pieces, 3, sizeof(bytes)), sum);
	/* what lies behind does not count */
	ck_assert_uint_eq(trailer_checksum(pieces, 3, 300), trailer_checksum(&whole, 1, 300));
	bytes[999] ^= 1;
	ck_assert_uint_ne(trailer_checksum(pieces, 3, sizeof(bytes)), sum);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store/trailer");
	TCase *tc = tcase_create("trailer");

	tcase_add_test(tc, what_was_written_is_found);
	tcase_add_test(tc, every_other_bit_is_missed);
	tcase_add_test(tc, keys_of_tenants_differ);
	tcase_add_test(tc, pieces_sum_up_to_the_whole);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
