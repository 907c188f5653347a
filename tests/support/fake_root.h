/* SPDX-License-Identifier: Apache-2.0 */
/* A folder that stands for / where code reads /proc and /sys. */
#ifndef MC_TESTS_SUPPORT_FAKE_ROOT_H
#define MC_TESTS_SUPPORT_FAKE_ROOT_H

#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FAKE_ROOT_PATH 256

/* @root gets the new folder's path. */
static inline void
fake_root_make(char root[FAKE_ROOT_PATH])
{
	strcpy(root, "/tmp/mc_fake_root_XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
}

/* Writes @text to the file at @path ("/proc/meminfo") in it, in folders made as needed. */
static inline void
fake_root_write(const char *root, const char *path, const char *text)
{
	char full[1024];
	FILE *file;

	ck_assert_int_lt(snprintf(full, sizeof(full), "%s%s", root, path), (int)sizeof(full));
	for (char *at = full + strlen(root) + 1; (at = strchr(at, '/')) != NULL; at++) {
		*at = '\0';
		ck_assert(mkdir(full, 0700) == 0 || errno == EEXIST);
		*at = '/';
	}
	file = fopen(full, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static inline int
fake_root_drop(const char *path, const struct stat *info, int type, struct FTW *place)
{
	(void)info;
	(void)type;
	(void)place;
	return remove(path);
}

static inline void
fake_root_remove(const char *root)
{
	ck_assert_int_eq(nftw(root, fake_root_drop, 8, FTW_DEPTH | FTW_PHYS), 0);
}

#endif
