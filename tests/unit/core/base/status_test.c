/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every value of the enumeration has a text of its own. The header itself is read, so that a value
 * that is added without a text fails here.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mc/status.h"
#include "tests/support/suite.h"

#define VALUES_MAX 200

static int values[VALUES_MAX];
static unsigned int values_count;

/* Lines as "	MC_ERR_IO = -12,". */
static void
values_read(void)
{
	FILE *header = fopen(MC_STATUS_HEADER, "r");
	char line[256];

	ck_assert_msg(header != NULL, "%s cannot be opened", MC_STATUS_HEADER);
	while (fgets(line, sizeof(line), header) != NULL) {
		int value;

		if (sscanf(line, " MC_%*[A-Z_] = %d,", &value) != 1)
			continue;
		ck_assert_uint_lt(values_count, VALUES_MAX);
		values[values_count++] = value;
	}
	fclose(header);
}

START_TEST(every_value_has_its_own_text)
{
	const char *unknown = mc_status_text((enum mc_status)12345);

	values_read();
	ck_assert_uint_ge(values_count, 49);
	for (unsigned int i = 0; i < values_count; i++) {
		const char *text = mc_status_text((enum mc_status)values[i]);

		ck_assert_msg(strcmp(text, unknown) != 0, "%d has no text", values[i]);
		ck_assert_str_ne(text, "");
		for (unsigned int j = 0; j < i; j++) {
			ck_assert_int_ne(values[i], values[j]);
			ck_assert_str_ne(text, mc_status_text((enum mc_status)values[j]));
		}
	}
}
END_TEST

START_TEST(texts_are_what_the_header_says)
{
	ck_assert_str_eq(mc_status_text(MC_OK), "ok");
	ck_assert_str_eq(mc_status_text(MC_ERR_ADDRESS_IN_USE), "address in use");
	ck_assert_str_eq(mc_status_text((enum mc_status)1), "unknown status");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base/status");
	TCase *tc = tcase_create("status");

	tcase_add_test(tc, every_value_has_its_own_text);
	tcase_add_test(tc, texts_are_what_the_header_says);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
