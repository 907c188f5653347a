/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command-line flags, spelt as gflags spells them: one or two dashes, "_" or "-" inside names, "="
 * or a space before the value, bare booleans, -noflag, "--" to end. A program describes its flags
 * in one table; parsing, ranges, environment names, --help, doc/flags.md and --print_config follow
 * from it. Nothing here exits or prints: the caller gets text. One thread.
 *
 * A later setting wins over an earlier one: first the default, then the file of -config_path (if
 * the table has such a flag), then the environment variable <prefix><NAME>, then the command line
 * from left to right, where -flagfile, -fromenv and -tryfromenv stand for the flags that they
 * bring, in their place.
 */
#ifndef MC_APPS_CLI_FLAGS_H
#define MC_APPS_CLI_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "mc/status.h"

enum mc_flag_type {
	MC_FLAG_BOOL,
	MC_FLAG_INT32,
	MC_FLAG_INT64,
	MC_FLAG_UINT32,
	MC_FLAG_UINT64,
	MC_FLAG_DOUBLE,
	MC_FLAG_STRING,
	MC_FLAG_DURATION_MS,	/* "1500", "1500ms", "30s", "10m", "2h"; kept in milliseconds */
};

/* What a value other than the default means to this program. */
enum mc_flag_class {
	MC_FLAG_USED,
	MC_FLAG_HARMLESS,	/* accepted with a notice that says why it has no effect */
	MC_FLAG_MISLEADING,	/* refused, with the reason: ignoring it would mislead */
};

struct mc_flag {
	const char *name;
	enum mc_flag_type type;
	const char *initial;		/* the default, as text that parses */
	const char *group;		/* heading in --help; rows of one group stand together */
	const char *help;
	double min, max;		/* numbers and durations; both 0: what the type holds */
	const char *config_name;	/* another name in files of -config_path */
	const char *noun;		/* in "give <noun> from …"; NULL: by type */
	const char *choices;		/* strings: "a|b|c", NULL: any text */
	const char *choices_absent;	/* known names that are refused as not built yet */
	enum mc_flag_class class;
	const char *reason;		/* HARMLESS and MISLEADING: why */
	bool hidden;			/* not in --help and documents */
};

#define MC_FLAG_FILE_MAX  (1u << 20)	/* bytes of one file */
#define MC_FLAG_FILES_MAX 64		/* files and environment lists read in all */
#define MC_FLAG_DEPTH_MAX 8		/* of files naming files */
#define MC_FLAG_ERRORS_MAX 32		/* lines kept; the rest is counted */

struct mc_flags_params {
	size_t size;
	const struct mc_flag *table;	/* kept by reference */
	size_t table_count;
	const char *program;		/* stands before every error; kept by reference */
	const char *program_alias;	/* another name that flag files may use; may be NULL */
	const char *env_prefix;		/* NULL: no environment names */
	/* NULL: the process's environment and file system. What they return is copied. */
	const char *(*env_read)(void *context, const char *name);
	enum mc_status (*file_read)(void *context, const char *path, struct mc_buf *out);
	void *context;
};

struct mc_flags;

enum mc_status mc_flags_create(const struct mc_flags_params *params, struct mc_flags **flags_out);
void mc_flags_destroy(struct mc_flags *flags);

/*
 * Reads environment and command line (argv[0] is skipped). MC_ERR_INVALID: mc_flags_errors() says
 * what is wrong. Every flag has its value afterwards, the wrong ones their last good one. Once per
 * object.
 */
enum mc_status mc_flags_parse(struct mc_flags *flags, int argc, const char *const *argv);

/* Lines, each ending in a newline; "" when there are none. Valid until the next call that adds. */
const char *mc_flags_errors(const struct mc_flags *flags);
const char *mc_flags_notices(const struct mc_flags *flags);
/* Adds "program: -name: text" (@name NULL: "program: text"): for what only the caller can judge. */
__attribute__((format(printf, 3, 4))) void
mc_flags_complain(struct mc_flags *flags, const char *name, const char *format, ...);
/* Adds a line to the notices. */
__attribute__((format(printf, 2, 3))) void
mc_flags_notice(struct mc_flags *flags, const char *format, ...);

/* Arguments that are no flags, in order. Owned by @flags. */
size_t mc_flags_args_count(const struct mc_flags *flags);
const char *mc_flags_arg(const struct mc_flags *flags, size_t index);

/* Values; @name must be in the table with a fitting type. Strings live as long as @flags. */
bool mc_flags_bool(const struct mc_flags *flags, const char *name);
int64_t mc_flags_int(const struct mc_flags *flags, const char *name);	/* int32, int64 */
uint64_t mc_flags_uint(const struct mc_flags *flags, const char *name);	/* uint32/64, duration */
double mc_flags_double(const struct mc_flags *flags, const char *name);
const char *mc_flags_string(const struct mc_flags *flags, const char *name);
/* Anything but the default was given, be it the same value. */
bool mc_flags_given(const struct mc_flags *flags, const char *name);

/* What the standard flags asked for; each table ends with MC_FLAGS_STANDARD. */
enum mc_flags_request {
	MC_FLAGS_RUN,
	MC_FLAGS_HELP,
	MC_FLAGS_HELP_MARKDOWN,
	MC_FLAGS_VERSION,
	MC_FLAGS_PRINT_CONFIG,
};
enum mc_flags_request mc_flags_request(const struct mc_flags *flags);

/* Texts are appended to @out. @usage: the first line of the help. */
enum mc_status mc_flags_help_write(const struct mc_flags *flags, const char *usage,
				   struct mc_buf *out);
enum mc_status mc_flags_markdown_write(const struct mc_flags *flags, struct mc_buf *out);
enum mc_status mc_flags_config_write(const struct mc_flags *flags, struct mc_buf *out);

/* Rows that every program has. */
#define MC_FLAGS_STANDARD                                                                          \
	{"help", MC_FLAG_BOOL, "false", "Standard", "print this list and exit"},                   \
	{"h", MC_FLAG_BOOL, "false", "Standard", "the same as -help", .hidden = true},             \
	{"helpfull", MC_FLAG_BOOL, "false", "Standard", "the same as -help", .hidden = true},      \
	{"helpshort", MC_FLAG_BOOL, "false", "Standard", "the same as -help", .hidden = true},     \
	{"help_markdown", MC_FLAG_BOOL, "false", "Standard", "the list as Markdown",               \
	 .hidden = true},                                                                          \
	{"version", MC_FLAG_BOOL, "false", "Standard", "print the version and exit"},              \
	{"print_config", MC_FLAG_BOOL, "false", "Standard",                                        \
	 "print the value of every flag and where it came from, and exit"},                        \
	{"flagfile", MC_FLAG_STRING, "", "Standard",                                               \
	 "files with one flag per line, separated by commas; read where the flag stands"},         \
	{"fromenv", MC_FLAG_STRING, "", "Standard",                                                \
	 "take these flags (names separated by commas) from FLAGS_name in the environment, "       \
	 "where each must exist"},                                                                 \
	{"tryfromenv", MC_FLAG_STRING, "", "Standard",                                             \
	 "the same, passing over those that do not exist"},                                        \
	{"undefok", MC_FLAG_STRING, "", "Standard",                                                \
	 "names, separated by commas, that may be given although no such flag exists"}

#endif
