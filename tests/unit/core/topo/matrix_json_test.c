/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/topo/private.h"
#include "tests/support/suite.h"

static const char *const four[] = {"m3", "m2", "m1", "m0"};
static struct mc_matrix *matrix;
static char error[MC_MATRIX_ERROR_MAX];
static struct mc_buf out;

static void
setup(void)
{
	mc_buf_init(&out);
}

static void
teardown(void)
{
	mc_matrix_free(matrix);
	matrix = NULL;
	mc_buf_fini(&out);
}

static enum mc_status
parse(const char *text, const char *const *devices, uint32_t count)
{
	/* as long as the text, so that ASan sees a read behind it */
	char *copy = malloc(strlen(text) + 1);
	enum mc_status st;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, strlen(text));
	mc_matrix_free(matrix);
	matrix = NULL;
	st = mc_matrix_parse((struct mc_str){copy, strlen(text)}, devices, count, &matrix, error);
	free(copy);
	return st;
}

static void
write_check(const char *const *devices, uint32_t count, const char *expected)
{
	out.head = out.tail = 0;
	ck_assert_int_eq(mc_matrix_write(matrix, devices, count, &out), MC_OK);
	ck_assert_int_eq(mc_buf_append(&out, "", 1), MC_OK);
	ck_assert_str_eq((char *)out.data, expected);
}

/* ---- in ---- */

START_TEST(numbers_come_from_the_devices)
{
	const struct mc_matrix_row *row;

	ck_assert_int_eq(parse("{\"cpu:1\":[[\"m1\"],[\"m0\",\"gone\"]], \"cpu:0\":[[],[\"m3\"]]}",
			       four, 4),
			 MC_OK);
	ck_assert_uint_eq(mc_matrix_nics_count(matrix), 4);
	ck_assert_str_eq(mc_matrix_nic(matrix, 0), "m3");
	ck_assert_uint_eq(mc_matrix_rows_count(matrix), 2);
	row = mc_matrix_row(matrix, 1);
	ck_assert_str_eq(row->location, "cpu:1");
	ck_assert_uint_eq(row->preferred_count, 1);
	ck_assert_uint_eq(row->nics_count, 2);
	ck_assert_uint_eq(row->nics[0], 2);
	ck_assert_uint_eq(row->nics[1], 3);
	row = mc_matrix_row(matrix, 0);
	ck_assert_uint_eq(row->preferred_count, 0);
	ck_assert_uint_eq(row->nics_count, 1);
}
END_TEST

START_TEST(without_devices_in_order_of_appearance)
{
	ck_assert_int_eq(
		parse(" {\"b\":[[\"z\"],[\"y\"]],\"a\":[[\"x\",\"z\"],[]]} ", NULL, 0), MC_OK);
	ck_assert_uint_eq(mc_matrix_nics_count(matrix), 3);
	ck_assert_str_eq(mc_matrix_nic(matrix, 0), "x");
	ck_assert_str_eq(mc_matrix_nic(matrix, 1), "z");
	ck_assert_str_eq(mc_matrix_nic(matrix, 2), "y");
	ck_assert_int_eq(parse("{}", NULL, 0), MC_OK);
	ck_assert_uint_eq(mc_matrix_nics_count(matrix), 0);
	ck_assert_uint_eq(mc_matrix_rows_count(matrix), 0);
}
END_TEST

START_TEST(a_nic_counts_once_in_a_row)
{
	const struct mc_matrix_row *row;

	ck_assert_int_eq(parse("{\"*\":[[\"a\",\"a\"],[\"a\",\"b\"]]}", NULL, 0), MC_OK);
	row = mc_matrix_find(matrix, "cpu:0");
	ck_assert_str_eq(row->location, "*");
	ck_assert_uint_eq(row->preferred_count, 1);
	ck_assert_uint_eq(row->nics_count, 2);
}
END_TEST

START_TEST(what_is_malformed_is_refused_with_its_reason)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{"", "no JSON, line "},
		{"{\"cpu:0\":", "no JSON, line "},
		{"{} x", "no JSON, line "},
		{"{\"a\":[[],[]],\"a\":[[],[]]}", "no JSON, line 1: duplicate object key"},
		{"{\"\xff\":[[],[]]}", "no JSON, line "},
		{"[]", "no object of locations"},
		{"null", "no JSON, line "},
		{"{\"\":[[],[]]}", "a location without a name"},
		{"{\"cpu:0\":{}}", "\"cpu:0\": not a pair of lists"},
		{"{\"cpu:0\":[]}", "\"cpu:0\": 0 lists, not 2"},
		{"{\"cpu:0\":[[\"a\"]]}", "\"cpu:0\": 1 lists, not 2"},
		{"{\"cpu:0\":[[],[],[]]}", "\"cpu:0\": 3 lists, not 2"},
		{"{\"cpu:0\":[[],\"a\"]}", "\"cpu:0\": list 1 is no list"},
		{"{\"cpu:0\":[{},[]]}", "\"cpu:0\": list 0 is no list"},
		{"{\"cpu:0\":[[1],[]]}", "\"cpu:0\": a NIC is no string"},
		{"{\"cpu:0\":[[],[null]]}", "\"cpu:0\": a NIC is no string"},
		{"{\"cpu:0\":[[\"\"],[]]}", "\"cpu:0\": a NIC without a name"},
		{"{\"cpu:0\":[[\"0123456789012345678901234567890123456789"
		 "012345678901234567890123\"],[]]}",
		 "\"cpu:0\": \"0123456789012345...\" is too long for the name of a NIC"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(parse(cases[i].text, NULL, 0), MC_ERR_BAD_MESSAGE);
		ck_assert_msg(strncmp(error, cases[i].reason, strlen(cases[i].reason)) == 0,
			      "%s: %s", cases[i].text, error);
		ck_assert_int_eq(parse(cases[i].text, four, 4), MC_ERR_BAD_MESSAGE);
	}
}
END_TEST

/* {"0":[[],[]],"1":…} */
static char *
many_locations(unsigned int count)
{
	size_t size = 32 * (size_t)count + 8;
	char *text = malloc(size), *at = text;

	*at++ = '{';
	for (unsigned int i = 0; i < count; i++)
		at += snprintf(at, 32, "%s\"%u\":[[],[]]", i > 0 ? "," : "", i);
	strcpy(at, "}");
	return text;
}

START_TEST(what_is_too_much_is_refused)
{
	char *text = many_locations(MC_MATRIX_LOCATIONS_MAX);
	char nics[2048] = "{\"a\":[[\"0\"";
	struct mc_str huge = {NULL, MC_MATRIX_BYTES_MAX + 1};

	ck_assert_int_eq(parse(text, NULL, 0), MC_OK);
	ck_assert_uint_eq(mc_matrix_rows_count(matrix), MC_MATRIX_LOCATIONS_MAX);
	free(text);
	text = many_locations(MC_MATRIX_LOCATIONS_MAX + 1);
	ck_assert_int_eq(parse(text, NULL, 0), MC_ERR_TOO_LARGE);
	ck_assert_str_eq(error, "1025 locations, more than 1024");
	free(text);
	for (unsigned int i = 1; i <= MC_RAILS_MAX; i++)
		snprintf(nics + strlen(nics), 16, ",\"%u\"", i);
	strcat(nics, "],[]]}");
	ck_assert_int_eq(parse(nics, NULL, 0), MC_ERR_TOO_LARGE);
	ck_assert_str_eq(error, "more than 64 NICs");
	/* those that are no devices take no room */
	ck_assert_int_eq(parse(nics, four, 4), MC_OK);
	ck_assert_int_eq(parse("{}", four, MC_RAILS_MAX + 1), MC_ERR_TOO_LARGE);
	/* judged before it is looked at */
	ck_assert_int_eq(mc_matrix_parse(huge, NULL, 0, &matrix, error), MC_ERR_TOO_LARGE);
	ck_assert_str_eq(error, "1048577 bytes, more than 1048576");
}
END_TEST

/* ---- out ---- */

static const char by_node[] =
	"{\"cpu:0\":[[\"m0\"],[\"m1\",\"m2\",\"m3\"]],\"cpu:1\":[[\"m1\"],[\"m0\",\"m2\",\"m3\"]],"
	"\"cpu:2\":[[\"m2\"],[\"m0\",\"m1\",\"m3\"]],\"cpu:3\":[[\"m3\"],[\"m2\",\"m1\",\"m0\"]]}";

START_TEST(written_when_readers_number_alike)
{
	/* a reader walks cpu:3, 2, 1, 0, and the first row names all */
	ck_assert_int_eq(parse(by_node, four, 4), MC_OK);
	write_check(four, 4, by_node);
	ck_assert_int_eq(parse(by_node, NULL, 0), MC_OK);
	write_check(four, 4, by_node);
}
END_TEST

START_TEST(a_part_of_the_devices_in_their_order)
{
	static const char *const two[] = {"m3", "m1"};

	ck_assert_int_eq(parse(by_node, four, 4), MC_OK);
	write_check(two, 2,
		    "{\"cpu:0\":[[],[\"m1\",\"m3\"]],\"cpu:1\":[[\"m1\"],[\"m3\"]],"
		    "\"cpu:2\":[[],[\"m1\",\"m3\"]],\"cpu:3\":[[\"m3\"],[\"m1\"]]}");
	write_check(two, 0, "{\"cpu:0\":[[],[]],\"cpu:1\":[[],[]],\"cpu:2\":[[],[]],"
			    "\"cpu:3\":[[],[]]}");
}
END_TEST

START_TEST(one_location_where_they_would_not)
{
	static const char *const other[] = {"m0", "m1", "m2", "m3"};
	static const char *const unknown[] = {"m3", "m2", "m1", "m0", "new"};

	ck_assert_int_eq(parse(by_node, four, 4), MC_OK);
	write_check(other, 4, "{\"cpu:0\":[[\"m0\",\"m1\",\"m2\",\"m3\"],[]]}");
	write_check(unknown, 5, "{\"cpu:0\":[[\"m3\",\"m2\",\"m1\",\"m0\",\"new\"],[]]}");
	/* what readers then do: any other location is "*", all of them as preferred */
	ck_assert_int_eq(parse((char *)out.data, unknown, 5), MC_OK);
	ck_assert_uint_eq(mc_matrix_find(matrix, "cpu:1")->preferred_count, 5);
	ck_assert_int_eq(parse("{}", NULL, 0), MC_OK);
	write_check(four, 1, "{\"cpu:0\":[[\"m3\"],[]]}");
	write_check(four, 0, "{}");
}
END_TEST

START_TEST(names_are_escaped)
{
	static const char *const odd[] = {"a\"b\\\n\xc3\xa4"};

	ck_assert_int_eq(parse("{\"q\\\"\":[[\"a\\\"b\\\\\\n\xc3\xa4\"],[]]}", NULL, 0), MC_OK);
	write_check(odd, 1, "{\"q\\\"\":[[\"a\\\"b\\\\\\n\xc3\xa4\"],[]]}");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("topo/matrix_json");
	TCase *tc = tcase_create("matrix_json");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, numbers_come_from_the_devices);
	tcase_add_test(tc, without_devices_in_order_of_appearance);
	tcase_add_test(tc, a_nic_counts_once_in_a_row);
	tcase_add_test(tc, what_is_malformed_is_refused_with_its_reason);
	tcase_add_test(tc, what_is_too_much_is_refused);
	tcase_add_test(tc, written_when_readers_number_alike);
	tcase_add_test(tc, a_part_of_the_devices_in_their_order);
	tcase_add_test(tc, one_location_where_they_would_not);
	tcase_add_test(tc, names_are_escaped);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
