/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files that read -config_path; nobody else includes it. A parser cuts the text into
 * keys and values and hands each on; what these mean is judged in one place (config_file.c).
 */
#ifndef MC_APPS_CLI_CONFIG_FILE_H
#define MC_APPS_CLI_CONFIG_FILE_H

#include "apps/cli/flags_priv.h"

struct mc_config_file {
	struct mc_flags *flags;
	const char *path;
	unsigned int *lines;	/* by table index, where the flag was set; 0: not yet */
};

#define MC_CONFIG_LINE_NONE UINT32_MAX /* the parser cannot tell */

/* Both report what they refuse; settings in front of a mistake stay. */
void mc_config_yaml(struct mc_config_file *file, const void *text, size_t len);
void mc_config_json(struct mc_config_file *file, const void *text, size_t len);

/* A setting; @value is what would follow "-key=" on a command line. */
void mc_config_set(struct mc_config_file *file, unsigned int line, const char *key,
		   const char *value);
/* "prog: -config_path: FILE:LINE: text" */
__attribute__((format(printf, 3, 4))) void
mc_config_error(struct mc_config_file *file, unsigned int line, const char *format, ...);

#endif
