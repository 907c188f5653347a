/* SPDX-License-Identifier: Apache-2.0 */
/* Every id, literal and hash of every release, recomputed and held against the recorded table. */
#include <check.h>
#include <md5.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/wire/schema.h"
#include "tests/support/suite.h"
#include "tests/support/vectors.h"

/* The columns of the table; the last two are one layout. */
static const struct {
	const char *column;
	enum mc_release release;
} columns[] = {
	{"0.3.6.post1", MC_RELEASE_0_3_6},   {"0.3.7.post2", MC_RELEASE_0_3_7},
	{"0.3.8.post1", MC_RELEASE_0_3_8},   {"0.3.9", MC_RELEASE_0_3_9},
	{"0.3.10.post2", MC_RELEASE_0_3_10}, {"0.3.11.post1", MC_RELEASE_0_3_11},
	{"0.3.12.post1", MC_RELEASE_0_3_12}, {"0.3.13", MC_RELEASE_0_3_13},
	{"0.3.13.post1", MC_RELEASE_0_3_13},
};

static uint32_t
md5_first(const void *bytes, size_t len)
{
	uint8_t digest[MD5_DIGEST_LENGTH];
	MD5_CTX md5;

	MD5Init(&md5);
	MD5Update(&md5, bytes, len);
	MD5Final(digest, &md5);
	return (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 |
	       digest[3];
}

static uint32_t
literal_hash(const struct wire_literal *literal)
{
	return literal->len > 0 ? md5_first(literal->bytes, literal->len) & ~1u : 0;
}

static void
literal_compare(const struct wire_literal *literal, const json_t *hex, const char *what)
{
	char text[2 * sizeof(literal->bytes) + 1] = "";

	for (unsigned int i = 0; i < literal->len; i++)
		sprintf(text + 2 * i, "%02x", literal->bytes[i]);
	ck_assert_msg(strcmp(text, json_is_string(hex) ? json_string_value(hex) : "") == 0,
		      "%s: literal %s", what, text);
}

static void
function_compare(enum mc_fn fn, enum mc_release release, json_t *row)
{
	char what[96];

	snprintf(what, sizeof(what), "%s in %s", mc_fn_name(fn), mc_release_name(release));
	ck_assert_msg((mc_fn_releases(fn) & MC_RELEASE_BIT(release)) != 0, "%s is missing", what);
	ck_assert_uint_eq(mc_fn_id(fn),
			  strtoul(json_string_value(json_object_get(row, "id")), NULL, 16));
	literal_compare(mc_wire_args_literal(fn, release), json_object_get(row, "args_literal"),
			what);
	literal_compare(mc_wire_result_literal(fn, release),
			json_object_get(row, "result_literal"), what);
	ck_assert_msg(literal_hash(mc_wire_args_literal(fn, release)) ==
			      mc_wire_hashes[fn].args[release],
		      "%s: hash of the arguments", what);
	ck_assert_msg(literal_hash(mc_wire_result_literal(fn, release)) ==
			      mc_wire_hashes[fn].result[release],
		      "%s: hash of the result", what);
}

START_TEST(tables_are_the_recorded_ones)
{
	json_t *table = vectors_json("rpc_table_by_version.json");
	unsigned int compared = 0;

	ck_assert_uint_eq(json_object_size(table), sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		json_t *column = json_object_get(table, columns[i].column);
		unsigned int here = 0;

		for (int fn = 0; fn < MC_FN_UPSTREAM_COUNT; fn++) {
			json_t *row = json_object_get(column, mc_fn_name((enum mc_fn)fn));

			if (row == NULL) {
				ck_assert_uint_eq(mc_fn_releases((enum mc_fn)fn) &
							  MC_RELEASE_BIT(columns[i].release),
						  0);
				continue;
			}
			function_compare((enum mc_fn)fn, columns[i].release, row);
			here++;
		}
		ck_assert_uint_eq(here, json_object_size(column));
		compared += here;
	}
	printf("%u functions compared\n", compared);
	json_decref(table);
}
END_TEST

START_TEST(ids_are_md5_of_the_names)
{
	for (int fn = 0; fn < MC_FN_COUNT; fn++) {
		char name[128];
		int len = snprintf(name, sizeof(name), "mooncake::%s%s",
				   fn < MC_FN_UPSTREAM_COUNT ? "WrappedMasterService::" : "",
				   mc_fn_name((enum mc_fn)fn));

		ck_assert_uint_eq(md5_first(name, (size_t)len), mc_fn_id((enum mc_fn)fn));
		ck_assert_int_eq(mc_wire_function_find(mc_fn_id((enum mc_fn)fn)), fn);
	}
	ck_assert_int_eq(mc_wire_function_find(0x12345678), MC_FN_COUNT);
}
END_TEST

/* No recording tells of these; the hashes follow from the literals all the same. */
START_TEST(our_own_functions_hash_as_any_other)
{
	ck_assert_int_eq(MC_FN_UPSTREAM_COUNT, 64);
	for (int fn = MC_FN_UPSTREAM_COUNT; fn < MC_FN_COUNT; fn++) {
		const struct wire_hashes *hashes = &mc_wire_hashes[fn];

		ck_assert_uint_eq(mc_fn_releases((enum mc_fn)fn),
				  MC_RELEASE_BIT(MC_RELEASE_NEWEST));
		ck_assert_uint_eq(
			literal_hash(mc_wire_args_literal((enum mc_fn)fn, MC_RELEASE_NEWEST)),
			hashes->args[MC_RELEASE_NEWEST]);
		ck_assert_uint_eq(
			literal_hash(mc_wire_result_literal((enum mc_fn)fn, MC_RELEASE_NEWEST)),
			hashes->result[MC_RELEASE_NEWEST]);
	}
}
END_TEST

START_TEST(tuples_of_one_hash_as_recomputed)
{
	unsigned int tuples = 0;

	for (int fn = 0; fn < MC_FN_COUNT; fn++) {
		for (int release = 0; release < MC_RELEASE_COUNT; release++) {
			const struct wire_literal *literal =
				mc_wire_args_literal((enum mc_fn)fn, (enum mc_release)release);
			uint32_t tuple = mc_wire_tuple_hash(mc_wire_hashes[fn].args[release]);
			uint8_t bytes[260] = {0xfd};

			if (tuple == 0)
				continue;
			memcpy(bytes + 1, literal->bytes, literal->len);
			bytes[1 + literal->len] = 0xff;
			ck_assert_uint_eq(md5_first(bytes, literal->len + 2u) & ~1u, tuple);
			tuples++;
		}
	}
	ck_assert_uint_gt(tuples, 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("wire/schema");
	TCase *tc = tcase_create("schema");

	tcase_add_test(tc, tables_are_the_recorded_ones);
	tcase_add_test(tc, ids_are_md5_of_the_names);
	tcase_add_test(tc, our_own_functions_hash_as_any_other);
	tcase_add_test(tc, tuples_of_one_hash_as_recomputed);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	mc_wire_init();
	return suite_run(suite(), CK_FORK_GETENV);
}
