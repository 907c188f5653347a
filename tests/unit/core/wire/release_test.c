/* SPDX-License-Identifier: Apache-2.0 */
/* Names of releases: what was published is known, and nothing else. */
#include <check.h>

#include "core/wire/release.h"
#include "tests/support/suite.h"
#include "tests/support/vectors.h"

/* All that were published of each line. */
static const struct {
	const char *text;
	enum mc_release release;
} published[] = {
	{"0.3.6", MC_RELEASE_0_3_6},	     {"0.3.6.post1", MC_RELEASE_0_3_6},
	{"0.3.7", MC_RELEASE_0_3_7},	     {"0.3.7.post1", MC_RELEASE_0_3_7},
	{"0.3.7.post2", MC_RELEASE_0_3_7},   {"0.3.8", MC_RELEASE_0_3_8},
	{"0.3.8.post1", MC_RELEASE_0_3_8},   {"0.3.9", MC_RELEASE_0_3_9},
	{"0.3.10", MC_RELEASE_0_3_10},	     {"0.3.10.post1", MC_RELEASE_0_3_10},
	{"0.3.10.post2", MC_RELEASE_0_3_10}, {"0.3.11", MC_RELEASE_0_3_11},
	{"0.3.11.post1", MC_RELEASE_0_3_11}, {"0.3.12", MC_RELEASE_0_3_12},
	{"0.3.12.post1", MC_RELEASE_0_3_12}, {"0.3.13", MC_RELEASE_0_3_13},
	{"0.3.13.post1", MC_RELEASE_0_3_13},
};

#define PUBLISHED ((int)(sizeof(published) / sizeof(published[0])))

START_TEST(published_names_are_known)
{
	enum mc_release release = MC_RELEASE_COUNT;

	ck_assert_int_eq(mc_release_parse(published[_i].text, &release), MC_OK);
	ck_assert_int_eq(release, published[_i].release);
}
END_TEST

static const char *const unknown[] = {
	"", "0", "0.3", "0.3.", "0.3.1", "0.3.5", "0.3.14", "0.3.61", "0.3.130", "0.4.0", "1.3.9",
	"v0.3.9", " 0.3.9", "0.3.9 ", "0.3.9.", "0.3.9.0", "0.3.9.post", "0.3.9.post1",
	"0.3.13.post", "0.3.13.post0", "0.3.13.post2", "0.3.13.post01", "0.3.13.post1 ",
	"0.3.13.post11", "0.3.13post1", "0.3.13.POST1", "0.3.13-post1", "0.3.7.post3", "newest",
};

#define UNKNOWN ((int)(sizeof(unknown) / sizeof(unknown[0])))

START_TEST(other_names_are_not)
{
	enum mc_release release = MC_RELEASE_COUNT;

	ck_assert_msg(mc_release_parse(unknown[_i], &release) == MC_ERR_NOT_FOUND, "\"%s\"",
		      unknown[_i]);
	ck_assert_int_eq(release, MC_RELEASE_COUNT);	/* as it was */
}
END_TEST

START_TEST(a_name_leads_back_to_its_release)
{
	enum mc_release release;

	ck_assert_int_eq(mc_release_parse(mc_release_name((enum mc_release)_i), &release), MC_OK);
	ck_assert_int_eq(release, _i);
}
END_TEST

START_TEST(recorded_releases_are_known)
{
	json_t *table = vectors_json("rpc_table_by_version.json");
	mc_release_set seen = 0;
	const char *name;
	json_t *column;

	json_object_foreach(table, name, column) {
		enum mc_release release;

		ck_assert_msg(mc_release_parse(name, &release) == MC_OK, "%s", name);
		seen |= MC_RELEASE_BIT(release);
	}
	ck_assert_uint_eq(seen, MC_RELEASE_ALL);
	json_decref(table);
}
END_TEST

START_TEST(sets_hold_each_release_once)
{
	mc_release_set set = 0;

	for (int i = 0; i < MC_RELEASE_COUNT; i++) {
		ck_assert_uint_eq(set & MC_RELEASE_BIT(i), 0);
		set |= MC_RELEASE_BIT(i);
	}
	ck_assert_uint_eq(set, MC_RELEASE_ALL);
	ck_assert_int_eq(MC_RELEASE_NEWEST, MC_RELEASE_COUNT - 1);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("wire/release");
	TCase *tc = tcase_create("release");

	tcase_add_loop_test(tc, published_names_are_known, 0, PUBLISHED);
	tcase_add_loop_test(tc, other_names_are_not, 0, UNKNOWN);
	tcase_add_loop_test(tc, a_name_leads_back_to_its_release, 0, MC_RELEASE_COUNT);
	tcase_add_test(tc, recorded_releases_are_known);
	tcase_add_test(tc, sets_hold_each_release_once);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return suite_run(suite(), CK_FORK_GETENV);
}
