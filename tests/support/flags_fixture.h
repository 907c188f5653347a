/* SPDX-License-Identifier: Apache-2.0 */
/* A flag table with every type and class, in a world of its own environment and files. */
#ifndef MC_TESTS_SUPPORT_FLAGS_FIXTURE_H
#define MC_TESTS_SUPPORT_FLAGS_FIXTURE_H

#include <check.h>
#include <stddef.h>

#include "apps/cli/flags.h"

extern const struct mc_flag flags_fixture_table[];
extern const size_t flags_fixture_count;

/* What the world holds: pairs of name and content, ended by NULL. */
extern const char *const *environment;
extern const char *const *files;
/* Of the last parse. */
extern struct mc_flags *flags;
extern enum mc_status status;

void flags_fixture_setup(void);
void flags_fixture_teardown(void);
void flags_fixture_parse(int argc, const char *const *argv);

#define parse(...)                                                          \
	do {                                                                \
		const char *const argv_[] = {"prog", __VA_ARGS__};          \
		flags_fixture_parse((int)(sizeof(argv_) / sizeof(argv_[0])), argv_); \
	} while (0)

#define parse_ok(...)                                                         \
	do {                                                                  \
		parse(__VA_ARGS__);                                           \
		ck_assert_msg(status == MC_OK, "%s", mc_flags_errors(flags)); \
		ck_assert_str_eq(mc_flags_errors(flags), "");                 \
	} while (0)

#define parse_bad(error, ...)                                         \
	do {                                                          \
		parse(__VA_ARGS__);                                   \
		ck_assert_int_eq(status, MC_ERR_INVALID);             \
		ck_assert_str_eq(mc_flags_errors(flags), error "\n"); \
	} while (0)

#endif
