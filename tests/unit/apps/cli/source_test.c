/* SPDX-License-Identifier: Apache-2.0 */
/* Flags from files and from the environment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/flags_fixture.h"
#include "tests/support/suite.h"

START_TEST(flag_files)
{
	static const char *const content[] = {
		"a",
		"# a comment\n\n  -port=1  \r\n--metrics_port 2\n-on\n-name=two words \n"
		"-off false\n-mode=busy",
		"empty",
		"",
		"nest",
		"-port=5\n--flagfile=a\n-count=6\n",
		"typo",
		"-metric_port=3\n-port=7\n",
		"bad",
		"\n-port=x\n",
		"who",
		"nobody some*thing\n-port=1\nnoprog\nother_*\n-count=9\nx\n-big=4\npr?g\n"
		"-size=3\n",
		NULL,
	};

	files = content;
	parse_ok("-flagfile=a");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 1);
	ck_assert_int_eq(mc_flags_int(flags, "metrics_port"), 2);
	ck_assert(mc_flags_bool(flags, "on") && !mc_flags_bool(flags, "off"));
	ck_assert_str_eq(mc_flags_string(flags, "name"), "two words");
	ck_assert_str_eq(mc_flags_string(flags, "mode"), "busy");
	/* where it stands decides who wins */
	parse_ok("-port=9", "--flagfile", "empty,a", "-metrics_port=9");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 1);
	ck_assert_int_eq(mc_flags_int(flags, "metrics_port"), 9);
	parse_ok("-flagfile=nest");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 1);
	ck_assert_uint_eq(mc_flags_uint(flags, "count"), 6);
	parse_ok("-flagfile=typo");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 7);
	ck_assert_str_eq(mc_flags_notices(flags),
			 "typo:1: unknown flag -metric_port is passed over; "
			 "did you mean -metrics_port?\n");
	parse_ok("-flagfile=who");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 50051);
	ck_assert_uint_eq(mc_flags_uint(flags, "count"), 9);
	ck_assert_int_eq(mc_flags_int(flags, "big"), -3);
	ck_assert_uint_eq(mc_flags_uint(flags, "size"), 3);
	parse_bad("prog: -port (bad:2): \"x\" is not a number; give a port from 0 to 65535",
		  "-flagfile=bad");
	parse_bad("prog: -flagfile: cannot read nowhere; give a file of flags, one per line",
		  "-flagfile=nowhere");
}
END_TEST

START_TEST(flag_files_are_bounded)
{
	static char big[MC_FLAG_FILE_MAX + 2];
	static const char *const content[] = {"self", "-flagfile=self\n", "e", "", "big", big,
					      NULL};
	char many[3 * MC_FLAG_FILES_MAX] = "";

	memset(big, '#', sizeof(big) - 1);
	files = content;
	parse_bad("prog: -flagfile: self is nested deeper than 8 files; does a file name itself?",
		  "-flagfile=self");
	for (int i = 0; i <= MC_FLAG_FILES_MAX; i++)
		strcat(many, ",e");
	parse_bad("prog: -flagfile: e is one file too many; give at most 64", "-flagfile", many);
	parse_bad("prog: -flagfile: big is larger than 1048576 bytes; is it a flag file?",
		  "-flagfile=big");
}
END_TEST

START_TEST(files_of_the_system)
{
	struct mc_flags_params params = {
		.size = sizeof(params),
		.table = flags_fixture_table,
		.table_count = flags_fixture_count,
		.program = "prog",
	};
	char path[] = "/tmp/mc-flags-test-XXXXXX", word[64];
	const char *argv[] = {"prog", word};
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	ck_assert(file != NULL && fputs("-port=12\n", file) >= 0 && fclose(file) == 0);
	snprintf(word, sizeof(word), "-flagfile=%s", path);
	ck_assert_int_eq(mc_flags_create(&params, &flags), MC_OK);
	ck_assert_int_eq(mc_flags_parse(flags, 2, argv), MC_OK);
	ck_assert_int_eq(mc_flags_int(flags, "port"), 12);
	remove(path);
	mc_flags_destroy(flags);
	ck_assert_int_eq(mc_flags_create(&params, &flags), MC_OK);
	ck_assert_int_eq(mc_flags_parse(flags, 2, argv), MC_ERR_INVALID);
}
END_TEST

START_TEST(fromenv)
{
	static const char *const vars[] = {"FLAGS_port",    "11",	   "FLAGS_on",
					   "yes",	    "FLAGS_ratio", "7",
					   "FLAGS_fromenv", "fromenv",	   NULL};

	environment = vars;
	parse_ok("-fromenv=port,on");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 11);
	ck_assert(mc_flags_bool(flags, "on"));
	parse_ok("-port=3", "-tryfromenv=port,count", "-on");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 11);
	parse_bad(
		"prog: -fromenv: FLAGS_count is not in the environment; set it or give -tryfromenv",
		"-fromenv=count");
	parse_bad("prog: -fromenv: unknown flag prt; did you mean port?", "-fromenv=prt");
	parse_bad("prog: -tryfromenv: unknown flag nosuchflag", "-tryfromenv=nosuchflag");
	parse_bad("prog: -ratio (environment FLAGS_ratio): 7 is out of range; give a ratio from 0 "
		  "to 1",
		  "-fromenv=ratio");
	parse("-fromenv=fromenv");
	ck_assert_int_eq(status, MC_ERR_INVALID);
}
END_TEST

START_TEST(environment_names)
{
	static const char *const vars[] = {"MC_TEST_PORT",
					   "11",
					   "MC_TEST_METRICS_PORT",
					   "12",
					   "MC_TEST_FLAGFILE",
					   "a",
					   "MC_TEST_ON",
					   "true",
					   NULL};
	static const char *const links[] = {"MC_TEST_PORT", "tcp://10.0.0.1:50051", "MC_TEST_NAME",
					    "tcp://kept", NULL};
	static const char *const content[] = {"a", "-count=5\n-metrics_port=13", NULL};

	files = content;
	environment = vars;
	parse_ok("-port=3");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 3);
	ck_assert_int_eq(mc_flags_int(flags, "metrics_port"), 13);
	ck_assert_uint_eq(mc_flags_uint(flags, "count"), 5);
	ck_assert(mc_flags_bool(flags, "on"));
	/* set by Kubernetes for a service named like the prefix */
	environment = links;
	parse_ok("-on");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 50051);
	ck_assert_str_eq(mc_flags_string(flags, "name"), "tcp://kept");
	ck_assert_ptr_nonnull(strstr(mc_flags_notices(flags), "MC_TEST_PORT=tcp://10.0.0.1:50051"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("source");
	TCase *tcase = tcase_create("source");

	tcase_add_checked_fixture(tcase, flags_fixture_setup, flags_fixture_teardown);
	tcase_add_test(tcase, flag_files);
	tcase_add_test(tcase, flag_files_are_bounded);
	tcase_add_test(tcase, files_of_the_system);
	tcase_add_test(tcase, fromenv);
	tcase_add_test(tcase, environment_names);
	suite_add_tcase(suite, tcase);
	return suite_run(suite, CK_FORK_GETENV);
}
