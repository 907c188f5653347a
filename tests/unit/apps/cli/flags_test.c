/* SPDX-License-Identifier: Apache-2.0 */
/* What words of a command line mean. */
#include "apps/cli/flags.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/flags_fixture.h"
#include "tests/support/suite.h"

START_TEST(defaults_stand)
{
	const char *const argv[] = {"prog"};

	flags_fixture_parse(1, argv);
	ck_assert_int_eq(status, MC_OK);
	ck_assert_int_eq(mc_flags_int(flags, "port"), 50051);
	ck_assert_int_eq(mc_flags_int(flags, "big"), -3);
	ck_assert_uint_eq(mc_flags_uint(flags, "size"), 8589934592ull);
	ck_assert(mc_flags_double(flags, "ratio") == 0.05);
	ck_assert_uint_eq(mc_flags_uint(flags, "ttl"), 10000);
	ck_assert_str_eq(mc_flags_string(flags, "mode"), "adaptive");
	ck_assert(!mc_flags_bool(flags, "on") && mc_flags_bool(flags, "off"));
	ck_assert(!mc_flags_given(flags, "port"));
	flags_fixture_parse(0, argv);
	ck_assert_int_eq(status, MC_OK);
}
END_TEST

/* Every way to write one setting. */
static const char *const spellings[][3] = {
	{"-metrics_port=7"},	 {"--metrics_port=7"},	 {"-metrics-port=7"},
	{"--metrics-port=7"},	 {"-metrics_port", "7"}, {"--metrics-port", "7"},
	{"-metrics_port", " 7"}, {"-metrics_port=0x7"},	 {"-metrics_port=007"},
	{"-metrics_port=+7"},
};

START_TEST(one_setting_many_spellings)
{
	const char *argv[] = {"prog", spellings[_i][0], spellings[_i][1]};

	flags_fixture_parse(spellings[_i][1] != NULL ? 3 : 2, argv);
	ck_assert_msg(status == MC_OK, "%s", mc_flags_errors(flags));
	ck_assert_int_eq(mc_flags_int(flags, "metrics_port"), 7);
	ck_assert(mc_flags_given(flags, "metrics_port"));
	ck_assert_uint_eq(mc_flags_args_count(flags), 0);
}
END_TEST

START_TEST(switches)
{
	static const char *const on[] = {"-on",	    "--on",  "-on=true", "-on=T",
					 "-on=yes", "-on=Y", "--on=1"};
	static const char *const off[] = {"-nooff", "--nooff", "--no-off", "--no_off", "-off=false",
					  "-off=F", "-off=No", "-off=n",   "-off=0"};

	for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
		parse_ok(on[i]);
		ck_assert_msg(mc_flags_bool(flags, "on"), "%s", on[i]);
	}
	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		parse_ok(off[i]);
		ck_assert_msg(!mc_flags_bool(flags, "off"), "%s", off[i]);
	}
	parse_bad("prog: -on: \"maybe\" is neither true nor false; give true or false",
		  "-on=maybe");
	parse_bad("prog: -noport: -port is no switch; give it a port from 0 to 65535", "-noport");
	/* "off" is on after "-off false" with gflags: the opposite of what it says */
	parse_bad("prog: -off false: a switch takes its value after \"=\"; give -off=false", "-off",
		  "false");
	parse_ok("-on", "true");
	ck_assert(mc_flags_bool(flags, "on"));
	ck_assert_str_eq(mc_flags_arg(flags, 0), "true");
}
END_TEST

START_TEST(the_last_one_wins)
{
	parse_ok("-port=1", "--port", "2", "-port=3", "-on", "-noon");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 3);
	ck_assert(!mc_flags_bool(flags, "on"));
	/* also for what would have been refused */
	parse_ok("-enable_ha", "-noenable_ha", "-tuning_knob=9", "-tuning_knob=7");
	ck_assert_str_eq(mc_flags_notices(flags), "");
}
END_TEST

START_TEST(words_that_are_no_flags)
{
	parse_ok("one", "-port=1", "-", "--", "-zzz", "--port=2");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 1);
	ck_assert_uint_eq(mc_flags_args_count(flags), 4);
	ck_assert_str_eq(mc_flags_arg(flags, 0), "one");
	ck_assert_str_eq(mc_flags_arg(flags, 1), "-");
	ck_assert_str_eq(mc_flags_arg(flags, 2), "-zzz");
	ck_assert_str_eq(mc_flags_arg(flags, 3), "--port=2");
	/* a value may look like a flag */
	parse_ok("-name", "--", "-port=4");
	ck_assert_str_eq(mc_flags_string(flags, "name"), "--");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 4);
	parse_ok("-name=a=b", "-mode=busy");
	ck_assert_str_eq(mc_flags_string(flags, "name"), "a=b");
	parse_ok("-name=");
	ck_assert_str_eq(mc_flags_string(flags, "name"), "");
}
END_TEST

START_TEST(numbers_are_bounded)
{
	parse_bad("prog: -port: 70000 is out of range; give a port from 0 to 65535", "-port=70000");
	parse_bad("prog: -port: -1 is out of range; give a port from 0 to 65535", "-port", "-1");
	parse_bad("prog: -port: 4294967296 is out of range; give a port from 0 to 65535",
		  "-port=4294967296");
	parse_bad("prog: -port: \"abc\" is not a number; give a port from 0 to 65535", "-port=abc");
	parse_bad("prog: -port: \"5 \" is not a number; give a port from 0 to 65535", "-port=5 ");
	parse_bad("prog: -port: \"\" is not a number; give a port from 0 to 65535", "-port=");
	parse_bad("prog: -port: the value is missing; give a port from 0 to 65535", "-port");
	parse_bad("prog: -ratio: 7 is out of range; give a ratio from 0 to 1", "-ratio=7");
	parse_bad("prog: -ratio: nan is out of range; give a ratio from 0 to 1", "-ratio=nan");
	parse_bad("prog: -ratio: inf is out of range; give a ratio from 0 to 1", "-ratio=inf");
	parse_bad("prog: -real: 1e400 is out of range; give a number", "-real=1e400");
	parse_bad("prog: -count: -1 is out of range; give a whole number from 0 to 4294967295",
		  "-count=-1");
	parse_bad("prog: -count: 4294967296 is out of range; give a whole number from 0 to "
		  "4294967295",
		  "-count=4294967296");
	parse_bad(
		"prog: -size: 18446744073709551616 is out of range; give a whole number from 0 to "
		"18446744073709551615",
		"-size=18446744073709551616");
	parse_bad("prog: -size: -1 is out of range; give a whole number from 0 to "
		  "18446744073709551615",
		  "-size=-1");
	parse_bad("prog: -big: 9223372036854775808 is out of range; give a whole number from "
		  "-9223372036854775808 to 9223372036854775807",
		  "-big=9223372036854775808");
	parse_ok("-size=18446744073709551615", "-big=-9223372036854775808", "-count=4294967295",
		 "-ratio=1", "-real=-1e300", "-port=65535");
	ck_assert_uint_eq(mc_flags_uint(flags, "size"), UINT64_MAX);
	ck_assert_int_eq(mc_flags_int(flags, "big"), INT64_MIN);
	ck_assert_uint_eq(mc_flags_uint(flags, "count"), UINT32_MAX);
	ck_assert(mc_flags_double(flags, "ratio") == 1.0 &&
		  mc_flags_double(flags, "real") == -1e300);
	parse_ok("-size=-0", "-ratio=0");
	ck_assert_uint_eq(mc_flags_uint(flags, "size"), 0);
}
END_TEST

static const struct {
	const char *text;
	uint64_t ms;
} durations[] = {
	{"0", 0},
	{"10000", 10000},
	{"250ms", 250},
	{"5s", 5000},
	{"1m", 60000},
	{"2h", 7200000},
	{"5 s", 5000},
	{"5S", 5000},
	{"007s", 7000},
	{"18446744073709551615", UINT64_MAX},
	{"5124095576030h", 5124095576030ull * 3600000},
};

START_TEST(durations_have_units)
{
	parse_ok("-ttl", durations[_i].text);
	ck_assert_uint_eq(mc_flags_uint(flags, "ttl"), durations[_i].ms);
}
END_TEST

START_TEST(durations_that_are_none)
{
	static const char *const bad[] = {"abc",
					  "",
					  "-5",
					  "1.5s",
					  "2d",
					  "s",
					  "5 s s",
					  "0x5",
					  "18446744073709551616",
					  "5124095576031h",
					  "5\n"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		parse("-ttl", bad[i]);
		ck_assert_msg(status == MC_ERR_INVALID, "%s", bad[i]);
		ck_assert_uint_eq(mc_flags_uint(flags, "ttl"), 10000);
		ck_assert_ptr_nonnull(strstr(mc_flags_errors(flags), "or a duration like 30s"));
	}
}
END_TEST

START_TEST(choices)
{
	parse_ok("-mode=busy");
	ck_assert_str_eq(mc_flags_string(flags, "mode"), "busy");
	parse_bad("prog: -mode: \"quick\" is not valid; give adaptive or busy", "-mode=quick");
	parse_bad("prog: -mode: \"magic\" is not built yet; give adaptive or busy", "-mode=magic");
	parse_bad("prog: -mode: \"\" is not valid; give adaptive or busy", "-mode=");
	parse_bad("prog: -mode: \"adaptive|busy\" is not valid; give adaptive or busy",
		  "-mode=adaptive|busy");
}
END_TEST

START_TEST(unknown_names_the_nearest)
{
	parse_bad("prog: unknown flag -metric_port; did you mean -metrics_port?", "-metric_port=3");
	parse_bad("prog: unknown flag -metric-prt; did you mean -metrics_port?", "--metric-prt",
		  "3");
	parse_bad("prog: unknown flag -prot; did you mean -port?", "-prot=3");
	parse_bad("prog: unknown flag -prt; did you mean -port?", "-prt=3");
	parse_bad("prog: unknown flag -zzzzzzzz; -help lists the flags", "-zzzzzzzz");
	parse_bad("prog: unknown flag -; -help lists the flags", "-=3");
	parse_bad("prog: unknown flag --port; did you mean -port?", "---port=3");
	parse_bad("prog: unknown flag -Port; did you mean -port?", "-Port=3");
}
END_TEST

START_TEST(every_error_is_told)
{
	parse("-port=x", "-nosuch_thing", "-ratio=2", "-enable_ha");
	ck_assert_int_eq(status, MC_ERR_INVALID);
	ck_assert_str_eq(mc_flags_errors(flags),
			 "prog: -port: \"x\" is not a number; give a port from 0 to 65535\n"
			 "prog: -ratio: 2 is out of range; give a ratio from 0 to 1\n"
			 "prog: unknown flag -nosuch_thing; -help lists the flags\n"
			 "prog: -enable_ha: true is refused: not built yet\n");
	/* the last good value stays */
	ck_assert_int_eq(mc_flags_int(flags, "port"), 50051);
}
END_TEST

START_TEST(errors_are_bounded)
{
	const char *argv[200] = {"prog"};
	unsigned int lines = 0;

	for (int i = 1; i < 200; i++)
		argv[i] = "-port=\x1b[31mred\nand more";
	flags_fixture_parse(200, argv);
	for (const char *at = mc_flags_errors(flags); *at != '\0'; at++) {
		lines += *at == '\n';
		ck_assert(*at == '\n' || *at >= ' ' || *at < 0); /* nothing for a terminal */
	}
	ck_assert_uint_eq(lines, MC_FLAG_ERRORS_MAX + 1);
	ck_assert_ptr_nonnull(strstr(mc_flags_errors(flags), "and 167 more errors"));
}
END_TEST

START_TEST(undefok_excuses)
{
	parse_ok("-undefok=zzz,other-flag", "-zzz", "--other_flag=3", "-nozzz");
	/* wherever it stands */
	parse_ok("-zzz=1", "--undefok", "zzz");
	parse_bad("prog: unknown flag -yyyyyyyy; -help lists the flags", "-undefok=zzz",
		  "-yyyyyyyy");
	/* a bad value is no undefined flag */
	parse_bad("prog: -port: \"x\" is not a number; give a port from 0 to 65535",
		  "-undefok=port", "-port=x");
}
END_TEST

START_TEST(classes)
{
	parse_ok("-tuning_knob=8");
	ck_assert_str_eq(mc_flags_notices(flags),
			 "-tuning_knob 8 has no effect: nothing to turn\n");
	parse_ok("-tuning_knob=7", "-enable_ha=false");
	ck_assert_str_eq(mc_flags_notices(flags), "");
	parse_bad("prog: -enable_ha: true is refused: not built yet", "-enable-ha");
}
END_TEST

static char *written(enum mc_status (*write)(const struct mc_flags *flags, struct mc_buf *out))
{
	struct mc_buf out;
	char *text;

	mc_buf_init(&out);
	ck_assert_int_eq(write(flags, &out), MC_OK);
	text = strndup((char *)out.data, out.tail);
	mc_buf_fini(&out);
	return text;
}

static enum mc_status
help_write(const struct mc_flags *self, struct mc_buf *out)
{
	return mc_flags_help_write(self, "usage: prog", out);
}

START_TEST(config_tells_sources)
{
	static const char *const vars[] = {"MC_TEST_COUNT", "5", NULL};
	static const char *const content[] = {"a", "\n-on", NULL};
	char *text;

	files = content;
	environment = vars;
	parse_ok("-port", "1", "-flagfile=a");
	text = written(mc_flags_config_write);
	ck_assert_ptr_nonnull(strstr(text, "-port=1  # command line\n"));
	ck_assert_ptr_nonnull(strstr(text, "-on=true  # a:2\n"));
	ck_assert_ptr_nonnull(strstr(text, "-count=5  # environment MC_TEST_COUNT\n"));
	ck_assert_ptr_nonnull(strstr(text, "-ratio=0.05  # default\n"));
	free(text);
}
END_TEST

START_TEST(help_is_aligned)
{
	char *text;

	parse_ok("-help");
	ck_assert_int_eq(mc_flags_request(flags), MC_FLAGS_HELP);
	text = written(help_write);
	ck_assert_ptr_nonnull(strstr(text, "\nNet:\n  -port 50051  "));
	ck_assert_ptr_nonnull(strstr(text, "Accepted without effect: nothing to turn"));
	ck_assert_ptr_null(strstr(text, "help_markdown"));
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		ck_assert_msg(strlen(line) <= 100 && line[strlen(line) - 1] != ' ', "%s", line);
		if (strncmp(line, "  -", 3) == 0 && strlen(line) > 42)
			ck_assert_msg(line[41] == ' ' && line[42] != ' ', "%s", line);
	}
	free(text);
	parse_ok("-version");
	ck_assert_int_eq(mc_flags_request(flags), MC_FLAGS_VERSION);
	parse_ok("-h=false", "--print_config");
	ck_assert_int_eq(mc_flags_request(flags), MC_FLAGS_PRINT_CONFIG);
	text = written(mc_flags_markdown_write);
	ck_assert_ptr_nonnull(strstr(text, "| `-port` | int32 | `50051` | `MC_TEST_PORT` | where"));
	free(text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("flags");
	TCase *tcase = tcase_create("flags");

	tcase_add_checked_fixture(tcase, flags_fixture_setup, flags_fixture_teardown);
	tcase_add_test(tcase, defaults_stand);
	tcase_add_loop_test(tcase, one_setting_many_spellings, 0,
			    sizeof(spellings) / sizeof(spellings[0]));
	tcase_add_test(tcase, switches);
	tcase_add_test(tcase, the_last_one_wins);
	tcase_add_test(tcase, words_that_are_no_flags);
	tcase_add_test(tcase, numbers_are_bounded);
	tcase_add_loop_test(tcase, durations_have_units, 0,
			    sizeof(durations) / sizeof(durations[0]));
	tcase_add_test(tcase, durations_that_are_none);
	tcase_add_test(tcase, choices);
	tcase_add_test(tcase, unknown_names_the_nearest);
	tcase_add_test(tcase, every_error_is_told);
	tcase_add_test(tcase, errors_are_bounded);
	tcase_add_test(tcase, undefok_excuses);
	tcase_add_test(tcase, classes);
	tcase_add_test(tcase, config_tells_sources);
	tcase_add_test(tcase, help_is_aligned);
	suite_add_tcase(suite, tcase);
	return suite_run(suite, CK_FORK_GETENV);
}
