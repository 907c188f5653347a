/* SPDX-License-Identifier: Apache-2.0 */
/* Core lists and masks to CPUs; what is refused says the flag, the value and the fix. */
#include <check.h>
#include <string.h>

#include "core/eal/args.h"
#include "tests/support/suite.h"

/* A machine with CPUs 0-7 and 200-207, of which 3 is not ours. */
static struct eal_cpuset
machine(void)
{
	struct eal_cpuset set = {0};

	for (unsigned int cpu = 0; cpu < 8; cpu++) {
		if (cpu != 3)
			eal_cpuset_add(&set, cpu);
		eal_cpuset_add(&set, cpu + 200);
	}
	return set;
}

static const struct {
	struct mc_eal_params params;
	unsigned int count;
	int cpu[5];
} good[] = {
	{{.corelist = "2"}, 1, {2}},
	{{.corelist = "4-6,0"}, 4, {0, 4, 5, 6}},
	{{.corelist = "200-203"}, 4, {200, 201, 202, 203}},
	{{.corelist = "1,2,4", .main_lcore = "4"}, 3, {4, 1, 2}},
	{{.coremask = "0x16"}, 3, {1, 2, 4}},
	{{.coremask = "F0"}, 4, {4, 5, 6, 7}},
	{{.lcores = "0@6,1@4"}, 2, {6, 4}},
	{{.lcores = "0-2@204-206"}, 3, {204, 205, 206}},
	{{.lcores = "5,0@7", .main_lcore = "5"}, 2, {5, 7}},
	{{.lcore_count = 4}, 4, {0, 1, 2, 4}},
	{{.lcore_count = 0}, 1, {0}},
};

START_TEST(good_lists)
{
	struct eal_cpuset allowed = machine();

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct eal_layout layout;
		char error[EAL_ERROR_MAX] = "";

		ck_assert_msg(mc_eal_layout(&good[i].params, &allowed, &layout, error) == MC_OK,
			      "row %zu: %s", i, error);
		ck_assert_uint_eq(layout.count, good[i].count);
		for (unsigned int l = 0; l < layout.count; l++)
			ck_assert_int_eq(layout.cpu[l], good[i].cpu[l]);
	}
}
END_TEST

static const struct {
	struct mc_eal_params params;
	const char *says[3];
} bad[] = {
	{{.corelist = "3"}, {"-l 3", "CPU 3", "0-2,4-7"}},
	{{.corelist = "0-2,4000"}, {"-l", "CPU 4000", "200-207"}},
	{{.corelist = ""}, {"-l", "not a list", "2-5,8"}},
	{{.corelist = "1,,2"}, {"-l", "not a list", "2-5,8"}},
	{{.corelist = "5-2"}, {"-l", "not a list", "2-5,8"}},
	{{.corelist = "1,1"}, {"-l", "twice", "once"}},
	{{.corelist = "1x"}, {"-l 1x", "not a list", "2-5,8"}},
	{{.corelist = "99999999999999999999"}, {"-l", "not a list", "2-5,8"}},
	{{.coremask = "0x"}, {"-c", "not a mask", "0x3c"}},
	{{.coremask = "0"}, {"-c", "no CPU", "one"}},
	{{.coremask = "g"}, {"-c", "not a mask", "0x3c"}},
	{{.coremask = "8"}, {"-c", "CPU 3", "allowed"}},
	{{.lcores = "0@1,1@1"}, {"--lcores", "share a CPU", "own"}},
	{{.lcores = "0-1@4"}, {"--lcores", "as many", "@"}},
	{{.lcores = "(0-3)@4"}, {"--lcores", "not a list", "0@2,1@3"}},
	{{.corelist = "1", .main_lcore = "2"}, {"--main-lcore 2", "not among", "one of them"}},
	{{.corelist = "1", .main_lcore = "x"}, {"--main-lcore x", "not a number", "lcores"}},
	{{.corelist = "1", .coremask = "2"}, {"-l, -c", "more than one", "give one"}},
};

START_TEST(bad_lists_say_what_and_how)
{
	struct eal_cpuset allowed = machine();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct eal_layout layout;
		char error[EAL_ERROR_MAX] = "";

		ck_assert_int_eq(mc_eal_layout(&bad[i].params, &allowed, &layout, error),
				 MC_ERR_INVALID);
		for (int s = 0; s < 3; s++)
			ck_assert_msg(strstr(error, bad[i].says[s]) != NULL,
				      "row %zu: '%s' is not in '%s'", i, bad[i].says[s], error);
	}
}
END_TEST

START_TEST(the_process_may_use_something)
{
	struct eal_cpuset allowed;
	unsigned int count = 0;

	ck_assert_int_eq(mc_eal_allowed(&allowed), MC_OK);
	for (unsigned int cpu = 0; cpu < EAL_CPUS_MAX; cpu++)
		count += eal_cpuset_has(&allowed, cpu);
	ck_assert_uint_gt(count, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("eal/args");
	TCase *tc = tcase_create("args");

	tcase_add_test(tc, good_lists);
	tcase_add_test(tc, bad_lists_say_what_and_how);
	tcase_add_test(tc, the_process_may_use_something);
	suite_add_tcase(s, tc);
	return suite_run(s, CK_FORK_GETENV);
}
