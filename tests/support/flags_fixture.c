/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/flags_fixture.h"

#include <string.h>

const struct mc_flag flags_fixture_table[] = {
	{"port", MC_FLAG_INT32, "50051", "Net", "where to listen", .max = 65535, .noun = "a port"},
	{"metrics_port", MC_FLAG_INT32, "9003", "Net", "figures", .max = 65535, .noun = "a port"},
	{"big", MC_FLAG_INT64, "-3", "Numbers", "a large one"},
	{"count", MC_FLAG_UINT32, "2", "Numbers", "how many"},
	{"size", MC_FLAG_UINT64, "8589934592", "Numbers", "bytes"},
	{"ratio", MC_FLAG_DOUBLE, "0.05", "Numbers", "share", .max = 1, .noun = "a ratio"},
	{"real", MC_FLAG_DOUBLE, "2.5", "Numbers", "any number"},
	{"ttl", MC_FLAG_DURATION_MS, "10000", "Numbers", "how long", .config_name = "live_ms"},
	{"name", MC_FLAG_STRING, "", "Texts", "of the thing"},
	{"mode", MC_FLAG_STRING, "adaptive", "Texts", "how", .choices = "adaptive|busy",
	 .choices_absent = "magic"},
	{"on", MC_FLAG_BOOL, "false", "Switches", "switch it on"},
	{"off", MC_FLAG_BOOL, "true", "Switches", "switch it off"},
	{"tuning_knob", MC_FLAG_INT32, "7", "Others", "turns", .class = MC_FLAG_HARMLESS,
	 .reason = "nothing to turn"},
	{"enable_ha", MC_FLAG_BOOL, "false", "Others", "several", .class = MC_FLAG_MISLEADING,
	 .reason = "not built yet"},
	{"config_path", MC_FLAG_STRING, "", "Others", "settings"},
	MC_FLAGS_STANDARD,
};

const size_t flags_fixture_count = sizeof(flags_fixture_table) / sizeof(flags_fixture_table[0]);

const char *const *environment;
const char *const *files;
struct mc_flags *flags;
enum mc_status status;

static const char *
pairs_find(const char *const *pairs, const char *name)
{
	for (; pairs != NULL && *pairs != NULL; pairs += 2) {
		if (strcmp(pairs[0], name) == 0)
			return pairs[1];
	}
	return NULL;
}

static const char *
fake_env(void *context, const char *name)
{
	return pairs_find(environment, name);
}

static enum mc_status
fake_file(void *context, const char *path, struct mc_buf *out)
{
	const char *text = pairs_find(files, path);

	return text != NULL ? mc_buf_append(out, text, strlen(text)) : MC_ERR_NOT_FOUND;
}

void
flags_fixture_parse(int argc, const char *const *argv)
{
	struct mc_flags_params params = {
		.size = sizeof(params),
		.table = flags_fixture_table,
		.table_count = flags_fixture_count,
		.program = "prog",
		.program_alias = "other_prog",
		.env_prefix = "MC_TEST_",
		.env_read = fake_env,
		.file_read = fake_file,
	};

	mc_flags_destroy(flags);
	ck_assert_int_eq(mc_flags_create(&params, &flags), MC_OK);
	status = mc_flags_parse(flags, argc, argv);
}

void
flags_fixture_setup(void)
{
	environment = NULL;
	files = NULL;
}

void
flags_fixture_teardown(void)
{
	mc_flags_destroy(flags);
	flags = NULL;
}
