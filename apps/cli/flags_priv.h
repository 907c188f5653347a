/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the flag engine; nobody else includes it. */
#ifndef MC_APPS_CLI_FLAGS_PRIV_H
#define MC_APPS_CLI_FLAGS_PRIV_H

#include "apps/cli/flags.h"

struct mc_flag_value {
	union {
		bool boolean;
		int64_t i64;
		uint64_t u64;
		double real;
	};
	const char *text;	/* as given; "true"/"false" for booleans */
	const char *source;	/* "command line", "environment MC_X", "file:12"; NULL: default */
};

/* A name that no flag has, judged at the end because a later -undefok may excuse it. */
struct mc_flag_unknown {
	const char *name;	/* as written, without dashes */
};

/* A string that lives as long as the flags: argv of a file or the environment does not. */
struct mc_flag_kept {
	struct mc_flag_kept *next;
	char text[];
};

struct mc_flags {
	struct mc_flags_params params;
	struct mc_flag_value *values;	/* by table index */
	struct mc_flag_kept *kept;
	struct mc_buf errors;		/* NUL-terminated text, as notices */
	struct mc_buf notices;
	unsigned int errors_count;
	unsigned int reads_count;	/* flag files and environment lists */
	struct mc_flag_unknown unknown[MC_FLAG_ERRORS_MAX];
	unsigned int unknown_count;
	const char **args;
	size_t args_count;
	bool no_memory;
};

/* Where a setting stands: how deep in files, and what to call the place. */
struct mc_flag_place {
	const char *source;
	unsigned int depth;
	bool tolerant;		/* unknown names are notices, as a flag file may serve programs */
};

/* A duplicate of [@text, @text + @len) that lives as long as @flags; "" when out of memory. */
const char *mc_flags_keep(struct mc_flags *flags, const char *text, size_t len);
__attribute__((format(printf, 2, 3))) void
mc_flags_error(struct mc_flags *flags, const char *format, ...);
__attribute__((format(printf, 2, 3))) void
mc_flags_print(struct mc_buf *out, const char *format, ...);

/* The index of a flag by its name in any spelling, or -1. */
int mc_flags_find(const struct mc_flags *flags, const char *name, size_t len);
/* The table's name nearest to @name, or NULL when none is near. */
const char *mc_flags_nearest(const struct mc_flags *flags, const char *name, size_t len);

/*
 * One word of a command line or one line of a file: "-name", "-name=value" or, when @next is not
 * NULL, "-name" with its value in @next. True when @next was used up.
 */
bool mc_flags_word(struct mc_flags *flags, const char *word, const char *next,
		   const struct mc_flag_place *place);
/* Sets flag @index, and follows it when it is -flagfile, -fromenv or -tryfromenv. */
void mc_flags_set(struct mc_flags *flags, int index, const char *text,
		  const struct mc_flag_place *place);

/* Text to value; on failure @flags gets the error, under @place's name. Value unchanged then. */
enum mc_status mc_flag_value_parse(struct mc_flags *flags, const struct mc_flag *flag,
				   const char *text, const char *source,
				   struct mc_flag_value *value_out);
/* What to give for @flag: "a port from 0 to 65535", "true or false". Written to @buf. */
void mc_flag_wanted(const struct mc_flag *flag, char *buf, size_t len);
bool mc_flag_value_equal(const struct mc_flag *flag, const struct mc_flag_value *a,
			 const struct mc_flag_value *b);
const char *mc_flag_type_name(enum mc_flag_type type);

/* MC_ERR_TOO_LARGE: more than MC_FLAG_FILE_MAX bytes. */
enum mc_status mc_flags_file_read(const struct mc_flags *flags, const char *path,
				  struct mc_buf *out);
/* The file of -config_path, for flags that have no value of their own yet. */
void mc_flags_config_file(struct mc_flags *flags);
/* Does -undefok excuse @name? */
bool mc_flags_undef_ok(const struct mc_flags *flags, const char *name);
void mc_flags_file(struct mc_flags *flags, const char *paths, const struct mc_flag_place *place);
void mc_flags_env_list(struct mc_flags *flags, const char *names, bool must_exist,
		       const struct mc_flag_place *place);
/* <prefix><NAME> for every flag of the table. */
void mc_flags_env_all(struct mc_flags *flags);
const char *mc_flags_env_name(const struct mc_flags *flags, const struct mc_flag *flag, char *buf,
			      size_t len);

#endif
