/* SPDX-License-Identifier: Apache-2.0 */
#include "core/wire/release.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each layout's line, and the last ".postN" of it that was published. */
static const struct {
	const char *name;
	unsigned int posts;
} releases[MC_RELEASE_COUNT] = {
	[MC_RELEASE_0_3_6] = {"0.3.6", 1},   [MC_RELEASE_0_3_7] = {"0.3.7", 2},
	[MC_RELEASE_0_3_8] = {"0.3.8", 1},   [MC_RELEASE_0_3_9] = {"0.3.9", 0},
	[MC_RELEASE_0_3_10] = {"0.3.10", 2}, [MC_RELEASE_0_3_11] = {"0.3.11", 1},
	[MC_RELEASE_0_3_12] = {"0.3.12", 1}, [MC_RELEASE_0_3_13] = {"0.3.13", 1},
};

/* "", ".post1" … ".postN" */
static int
post_known(const char *suffix, unsigned int posts)
{
	if (suffix[0] == '\0')
		return 1;
	for (unsigned int n = 1; n <= posts; n++) {
		char post[16];

		snprintf(post, sizeof(post), ".post%u", n);
		if (strcmp(suffix, post) == 0)
			return 1;
	}
	return 0;
}

enum mc_status
mc_release_parse(const char *text, enum mc_release *release_out)
{
	for (int i = 0; i < MC_RELEASE_COUNT; i++) {
		size_t len = strlen(releases[i].name);

		if (strncmp(text, releases[i].name, len) == 0 &&
		    post_known(text + len, releases[i].posts)) {
			*release_out = (enum mc_release)i;
			return MC_OK;
		}
	}
	return MC_ERR_NOT_FOUND;
}

const char *
mc_release_name(enum mc_release release)
{
	return releases[release].name;
}
