/* SPDX-License-Identifier: Apache-2.0 */
/* -config_path: both formats, what goes before it, and every file that is refused. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/cli/flags.h"
#include "tests/support/flags_fixture.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

static void
file_is(const char *name, const char *text)
{
	static const char *world[3];

	world[0] = name;
	world[1] = text;
	files = world;
}

#define yaml_ok(text)                            \
	do {                                     \
		file_is("f.yaml", text);         \
		parse_ok("-config_path=f.yaml"); \
	} while (0)
#define yaml_bad(text, error)                                     \
	do {                                                      \
		file_is("f.yaml", text);                          \
		parse_bad("prog: " error, "-config_path=f.yaml"); \
	} while (0)
#define json_ok(text)                            \
	do {                                     \
		file_is("f.json", text);         \
		parse_ok("-config_path=f.json"); \
	} while (0)
#define json_bad(text, error)                                     \
	do {                                                      \
		file_is("f.json", text);                          \
		parse_bad("prog: " error, "-config_path=f.json"); \
	} while (0)

/* ---- what a file may say ---- */

static void
everything_is_set(void)
{
	ck_assert_int_eq(mc_flags_int(flags, "port"), 50052);
	ck_assert_int_eq(mc_flags_int(flags, "big"), -9000000000000);
	ck_assert_uint_eq(mc_flags_uint(flags, "count"), 4294967295u);
	ck_assert_uint_eq(mc_flags_uint(flags, "size"), 9223372036854775807u);
	ck_assert(mc_flags_double(flags, "ratio") == 0.125);
	ck_assert_uint_eq(mc_flags_uint(flags, "ttl"), 5000);
	ck_assert_str_eq(mc_flags_string(flags, "name"), "some text: with # signs");
	ck_assert_str_eq(mc_flags_string(flags, "mode"), "busy");
	ck_assert(mc_flags_bool(flags, "on"));
	ck_assert(!mc_flags_bool(flags, "off"));
	/* what the file does not name keeps its default */
	ck_assert_int_eq(mc_flags_int(flags, "metrics_port"), 9003);
	ck_assert(!mc_flags_given(flags, "metrics_port"));
}

START_TEST(yaml_sets_every_type)
{
	yaml_ok("# a comment\n"
		"port: 50052\n"
		"big: -9000000000000\n"
		"count: 4294967295  # another\n"
		"\n"
		"size: 9223372036854775807\n"
		"ratio: 1.25e-1\n"
		"ttl: 5s\n"
		"name: 'some text: with # signs'\n"
		"mode: \"busy\"\n"
		"on: true\n"
		"off: no\n");
	everything_is_set();
}
END_TEST

START_TEST(json_sets_every_type)
{
	json_ok("{\"port\": 50052, \"big\": -9000000000000, \"count\": 4294967295,\n"
		" \"size\": 9223372036854775807, \"ratio\": 0.125, \"ttl\": \"5s\",\n"
		" \"name\": \"some text: with # signs\", \"mode\": \"busy\",\n"
		" \"on\": true, \"off\": false}");
	everything_is_set();
}
END_TEST

START_TEST(numbers_may_be_texts)
{
	json_ok("{\"port\": \"50052\", \"ttl\": 7000, \"name\": 5, \"on\": 1}");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 50052);
	ck_assert_uint_eq(mc_flags_uint(flags, "ttl"), 7000);
	ck_assert_str_eq(mc_flags_string(flags, "name"), "5");
	ck_assert(mc_flags_bool(flags, "on"));
	yaml_ok("port: '50052'\nname: 5\n");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 50052);
	ck_assert_str_eq(mc_flags_string(flags, "name"), "5");
}
END_TEST

START_TEST(a_file_may_say_nothing)
{
	yaml_ok("");
	yaml_ok("# only comments\n\n");
	yaml_ok("{}\n");
	json_ok("{}");
	yaml_ok("name: \"\"\n");
	ck_assert(mc_flags_given(flags, "name"));
}
END_TEST

START_TEST(yaml_has_its_other_spellings)
{
	yaml_ok("%YAML 1.1\n---\n{port: 1, metrics-port: 2}\n...\n");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 1);
	ck_assert_int_eq(mc_flags_int(flags, "metrics_port"), 2);
	file_is("f.yml", "port: 3\n");
	parse_ok("-config_path=f.yml");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 3);
}
END_TEST

START_TEST(some_flags_have_another_name)
{
	yaml_ok("live_ms: 60000\n");
	ck_assert_uint_eq(mc_flags_uint(flags, "ttl"), 60000);
	yaml_bad("live_ms: 1\nttl: 2\n",
		 "-config_path: f.yaml:2: \"ttl\" is given in line 1 already; keep one");
	/* on a command line there is one name */
	parse_bad("prog: unknown flag -live_ms; -help lists the flags", "-live_ms=5");
}
END_TEST

/* ---- what goes before it ---- */

START_TEST(the_command_line_goes_before)
{
	file_is("f.yaml", "port: 1\nmetrics_port: 2\n");
	parse_ok("-port=7", "-config_path=f.yaml");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 7);
	ck_assert_int_eq(mc_flags_int(flags, "metrics_port"), 2);
	/* be it with the default, and wherever it stands */
	parse_ok("-config_path=f.yaml", "-port=50051");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 50051);
}
END_TEST

START_TEST(the_environment_goes_before)
{
	static const char *const world[] = {
		"MC_TEST_PORT", "8", "FLAGS_metrics_port", "9", "MC_TEST_CONFIG_PATH",
		"f.yaml",	NULL};

	environment = world;
	file_is("f.yaml", "port: 1\nmetrics_port: 2\nname: file\n");
	parse_ok("-fromenv=metrics_port");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 8);
	ck_assert_int_eq(mc_flags_int(flags, "metrics_port"), 9);
	ck_assert_str_eq(mc_flags_string(flags, "name"), "file");
}
END_TEST

START_TEST(flag_files_go_before_and_may_name_it)
{
	static const char *const world[] = {"flags", "-config_path=f.yaml\n-port=6\n", "f.yaml",
					    "port: 1\nmetrics_port: 2\n", NULL};

	files = world;
	parse_ok("-flagfile=flags");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 6);
	ck_assert_int_eq(mc_flags_int(flags, "metrics_port"), 2);
}
END_TEST

START_TEST(the_last_path_is_read_alone)
{
	file_is("f.yaml", "port: 1\n");
	parse_ok("-config_path=nowhere.yaml", "-config_path=f.yaml");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 1);
	parse_ok("-config_path=nowhere.yaml", "-config_path=");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 50051);
}
END_TEST

START_TEST(print_config_names_the_place)
{
	struct mc_buf out;

	file_is("f.yaml", "\nport: 1\n");
	parse_ok("-config_path=f.yaml");
	mc_buf_init(&out);
	ck_assert_int_eq(mc_flags_config_write(flags, &out), MC_OK);
	must(mc_buf_append(&out, "", 1) == MC_OK);
	ck_assert_ptr_nonnull(strstr((char *)out.data, "-port=1  # f.yaml:2\n"));
	mc_buf_fini(&out);
}
END_TEST

START_TEST(classes_are_judged_as_ever)
{
	yaml_bad("enable_ha: true\n", "-enable_ha: true is refused: not built yet");
	yaml_ok("enable_ha: false\ntuning_knob: 8\n");
	ck_assert_str_eq(mc_flags_notices(flags),
			 "-tuning_knob 8 has no effect: nothing to turn\n");
}
END_TEST

/* ---- settings that are refused ---- */

START_TEST(unknown_keys)
{
	yaml_bad("on: true\nprot: 5\n",
		 "-config_path: f.yaml:2: unknown key \"prot\"; did you mean port?");
	json_bad("{\"prot\": 5}", "-config_path: f.json: unknown key \"prot\"; did you mean port?");
	yaml_bad("zzzzzzzzz: 5\n",
		 "-config_path: f.yaml:1: unknown key \"zzzzzzzzz\"; -help lists the flags");
	yaml_bad("\"\": 5\n", "-config_path: f.yaml:1: unknown key \"\"; -help lists the flags");
	file_is("f.yaml", "newer: 5\nport: 2\n");
	parse_ok("-config_path=f.yaml", "-undefok=newer");
	ck_assert_int_eq(mc_flags_int(flags, "port"), 2);
}
END_TEST

START_TEST(values_of_the_wrong_type)
{
	yaml_bad("on: 1\nport: http\n",
		 "-port (f.yaml:2): \"http\" is not a number; give a port from 0 to 65535");
	json_bad("{\"port\": true}",
		 "-port (f.json): \"true\" is not a number; give a port from 0 to 65535");
	json_bad("{\"port\": 1.5}",
		 "-port (f.json): \"1.5\" is not a number; give a port from 0 to 65535");
	json_bad("{\"port\": 70000}",
		 "-port (f.json): 70000 is out of range; give a port from 0 to 65535");
	yaml_bad("on: maybe\n",
		 "-on (f.yaml:1): \"maybe\" is neither true nor false; give true or false");
	yaml_bad("mode: magic\n",
		 "-mode (f.yaml:1): \"magic\" is not built yet; give adaptive or busy");
}
END_TEST

/* A value that the command line overrules must be right as well. */
START_TEST(overruled_values_are_judged)
{
	file_is("f.yaml", "port: http\n");
	parse_bad("prog: -port (f.yaml:1): \"http\" is not a number; give a port from 0 to 65535",
		  "-config_path=f.yaml", "-port=5");
}
END_TEST

START_TEST(values_that_nest)
{
	yaml_bad("port:\n  - 1\n  - 2\n",
		 "-config_path: f.yaml:1: \"port\" is a list or a mapping; give a text, a "
		 "number, true or false");
	yaml_bad("on: true\nport: {a: 1}\n",
		 "-config_path: f.yaml:2: \"port\" is a list or a mapping; give a text, a "
		 "number, true or false");
	json_bad("{\"port\": [1]}", "-config_path: f.json: \"port\" is an array; give a text, a "
				    "number, true or false");
	json_bad("{\"port\": {}}", "-config_path: f.json: \"port\" is an object; give a text, a "
				   "number, true or false");
	json_bad("{\"port\": null}", "-config_path: f.json: \"port\" is null; give a text, a "
				     "number, true or false");
	yaml_bad("name:\n", "-config_path: f.yaml:1: \"name\" has no value; give one, or \"\" for "
			    "an empty text");
	yaml_bad("name: ~\n", "-config_path: f.yaml:1: \"name\" has no value; give one, or \"\" "
			      "for an empty text");
	yaml_bad("? [a, b]\n: 1\n", "-config_path: f.yaml:1: a key is a list or a mapping; give a "
				    "text, a number, true or false");
}
END_TEST

START_TEST(keys_given_twice)
{
	yaml_bad("port: 1\non: true\nport: 1\n",
		 "-config_path: f.yaml:3: \"port\" is given in line 1 already; keep one");
	json_bad("{\"port\": 1,\n\"port\": 2}",
		 "-config_path: f.json:2: no JSON: duplicate object key near '\"port\"'");
	json_bad("{\"ttl\": 1, \"live_ms\": 2}",
		 "-config_path: f.json: \"live_ms\" is given twice; keep one");
}
END_TEST

START_TEST(flags_of_the_command_line_alone)
{
	yaml_bad("flagfile: x\n",
		 "-config_path: f.yaml:1: \"flagfile\" works on the command line only");
	yaml_bad("config_path: f.yaml\n",
		 "-config_path: f.yaml:1: \"config_path\" works on the command line only");
	json_bad("{\"help\": true}",
		 "-config_path: f.json: \"help\" works on the command line only");
}
END_TEST

/* ---- files that are refused ---- */

START_TEST(files_that_cannot_be_read)
{
	parse_bad("prog: -config_path: none.yaml: cannot be read; give a file of flags in YAML or "
		  "JSON",
		  "-config_path=none.yaml");
	file_is("f.toml", "port = 1\n");
	parse_bad("prog: -config_path: f.toml: neither YAML nor JSON by its name; give one that "
		  "ends in .yaml, .yml or .json",
		  "-config_path=f.toml");
	parse_bad("prog: -config_path: .json: neither YAML nor JSON by its name; give one that "
		  "ends in .yaml, .yml or .json",
		  "-config_path=.json");
}
END_TEST

START_TEST(texts_that_are_no_mapping)
{
	json_bad("[1]", "-config_path: f.json:1: no object of flags; give {\"flag\": value, ...}");
	json_bad("", "-config_path: f.json:1: no JSON: '[' or '{' expected near end of file");
	yaml_bad("- port\n", "-config_path: f.yaml:1: no mapping of flags; give lines like \"flag: "
			     "value\"");
	yaml_bad("port 5\n", "-config_path: f.yaml:1: no mapping of flags; give lines like \"flag: "
			     "value\"");
	yaml_bad("port: 5\n---\nport: 6\n",
		 "-config_path: f.yaml:2: a second document; give one mapping of flags");
	file_is("f.yaml", "port: 1\n \tmode: [\n");
	parse("-config_path=f.yaml");
	ck_assert_ptr_nonnull(strstr(mc_flags_errors(flags), "f.yaml:2: no YAML: "));
}
END_TEST

START_TEST(values_that_stand_for_others)
{
	yaml_bad("name: &a x\nmode: *a\n",
		 "-config_path: f.yaml:1: \"name\" is a value with an anchor or a tag; give it "
		 "plain");
	yaml_bad("name: *a\n", "-config_path: f.yaml:1: \"name\" is an alias; write the value out");
	yaml_bad("name: !!binary aGk=\n",
		 "-config_path: f.yaml:1: \"name\" is a value with an anchor or a tag; give it "
		 "plain");
	yaml_bad("<<: x\n", "-config_path: f.yaml:1: unknown key \"<<\"; -help lists the flags");
	yaml_bad("name: \"a\\0b\"\n",
		 "-config_path: f.yaml:1: \"name\" is a text with a zero byte; leave that out");
}
END_TEST

/* Text of a megabyte that would unfold or nest without end is left at once. */
START_TEST(bombs)
{
	size_t len = MC_FLAG_FILE_MAX - 16;
	char *text = malloc(len + 1);

	must(text != NULL);
	memset(text, '[', len);
	text[len] = '\0';
	memcpy(text, "port: ", 6);
	file_is("f.yaml", text);
	parse("-config_path=f.yaml");
	ck_assert_int_eq(status, MC_ERR_INVALID);
	memset(text, '[', 6);
	file_is("f.json", text);
	parse("-config_path=f.json");
	ck_assert_int_eq(status, MC_ERR_INVALID);
	yaml_bad("a: &a [x, x]\nb: &b [*a, *a]\n",
		 "-config_path: f.yaml:1: \"a\" is a list or a mapping; give a text, a number, "
		 "true or false");
	free(text);
}
END_TEST

START_TEST(files_that_are_too_large)
{
	char *text = malloc(MC_FLAG_FILE_MAX + 2);

	must(text != NULL);
	memset(text, '\n', MC_FLAG_FILE_MAX + 1);
	text[MC_FLAG_FILE_MAX + 1] = '\0';
	yaml_bad(text, "-config_path: f.yaml: larger than 1048576 bytes; is it a configuration "
		       "file?");
	text[MC_FLAG_FILE_MAX] = '\0';
	yaml_ok(text);
	free(text);
}
END_TEST

START_TEST(endless_mistakes_are_counted)
{
	char *text = malloc(100 * 16 + 1); /* as lines of 16 bytes */

	must(text != NULL);
	for (int i = 0; i < 100; i++)
		snprintf(text + 16 * i, 17, "unknown%04d: x\n\n", i);
	file_is("f.yaml", text);
	parse("-config_path=f.yaml");
	ck_assert_ptr_nonnull(strstr(mc_flags_errors(flags), "and 68 more errors"));
	free(text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cli/config_file");
	TCase *tcase = tcase_create("config_file");

	tcase_add_checked_fixture(tcase, flags_fixture_setup, flags_fixture_teardown);
	tcase_add_test(tcase, yaml_sets_every_type);
	tcase_add_test(tcase, json_sets_every_type);
	tcase_add_test(tcase, numbers_may_be_texts);
	tcase_add_test(tcase, a_file_may_say_nothing);
	tcase_add_test(tcase, yaml_has_its_other_spellings);
	tcase_add_test(tcase, some_flags_have_another_name);
	tcase_add_test(tcase, the_command_line_goes_before);
	tcase_add_test(tcase, the_environment_goes_before);
	tcase_add_test(tcase, flag_files_go_before_and_may_name_it);
	tcase_add_test(tcase, the_last_path_is_read_alone);
	tcase_add_test(tcase, print_config_names_the_place);
	tcase_add_test(tcase, classes_are_judged_as_ever);
	tcase_add_test(tcase, unknown_keys);
	tcase_add_test(tcase, values_of_the_wrong_type);
	tcase_add_test(tcase, overruled_values_are_judged);
	tcase_add_test(tcase, values_that_nest);
	tcase_add_test(tcase, keys_given_twice);
	tcase_add_test(tcase, flags_of_the_command_line_alone);
	tcase_add_test(tcase, files_that_cannot_be_read);
	tcase_add_test(tcase, texts_that_are_no_mapping);
	tcase_add_test(tcase, values_that_stand_for_others);
	tcase_add_test(tcase, bombs);
	tcase_add_test(tcase, files_that_are_too_large);
	tcase_add_test(tcase, endless_mistakes_are_counted);
	suite_add_tcase(suite, tcase);
	return suite_run(suite, CK_FORK_GETENV);
}
