/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime starts whatever there is of hugepages: none, free ones, or free ones that another
 * process has reserved. Changes the machine's number of them, and so runs alone and as root only.
 */
#include "core/eal/hugepages.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>

#include "mc/eal.h"
#include "tests/support/again.h"
#include "tests/support/suite.h"

#define POOL  "/proc/sys/vm/nr_hugepages"
#define PAGES 64
#define BYTES ((size_t)PAGES << 21)

#define SKIPPED	  77
#define ON_SMALL  0 /* exit codes of the program run again */
#define ON_HUGE	  2
#define NOT_AT_ALL 1

static const char *self_path;
static long pages_before = -1;

static long
pages_read(void)
{
	FILE *file = fopen(POOL, "r");
	long count = -1;

	if (file != NULL && fscanf(file, "%ld", &count) != 1)
		count = -1;
	if (file != NULL)
		fclose(file);
	return count;
}

/* True when there are that many now. */
static bool
pages_set(long count)
{
	FILE *file = fopen(POOL, "w");

	if (file == NULL)
		return false;
	fprintf(file, "%ld\n", count);
	fclose(file);
	return pages_read() == count;
}

static void
restore(void)
{
	pages_set(pages_before);
}

static int
started_on(void)
{
	return again_end(again_begin(self_path, 0));
}

START_TEST(none_are_there)
{
	char text[160];

	ck_assert(pages_set(0));
	ck_assert(!mc_hugepages_choose(64, text, sizeof(text)));
	ck_assert_ptr_nonnull(strstr(text, "0 hugepages of 2 MiB free and unreserved, 32 needed"));
	ck_assert_int_eq(started_on(), ON_SMALL);
}
END_TEST

START_TEST(free_ones_are_used)
{
	char text[160];

	ck_assert(pages_set(PAGES));
	ck_assert(mc_hugepages_choose(64, text, sizeof(text)));
	ck_assert_str_eq(text, "64 MiB of 2 MiB hugepages");
	ck_assert_int_eq(started_on(), ON_HUGE);
	/* not enough of them is none */
	ck_assert(!mc_hugepages_choose(2 * PAGES + 2, text, sizeof(text)));
}
END_TEST

START_TEST(reserved_ones_are_left_alone)
{
	char text[160];
	void *reserved;

	ck_assert(pages_set(PAGES));
	/* mapped and never touched: free as the kernel counts, and not to be had */
	reserved = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	ck_assert_ptr_ne(reserved, MAP_FAILED);
	ck_assert(!mc_hugepages_choose(64, text, sizeof(text)));
	ck_assert_int_eq(started_on(), ON_SMALL);
	munmap(reserved, BYTES);
}
END_TEST

/* Another run of this test on the machine: one after the other. Held until this process ends. */
static void
machine_lock(void)
{
	int fd = open(POOL, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX) != 0)
		perror(POOL);
}

static int
start_once(void)
{
	struct mc_eal_params params = {.size = sizeof(params)};
	int code = ON_SMALL;

	if (mc_eal_start(&params) != MC_OK)
		return NOT_AT_ALL;
	if (strcmp(mc_eal_memory_text(), "64 MiB of 2 MiB hugepages") == 0)
		code = ON_HUGE;
	mc_eal_stop();
	return code;
}

int
main(int argc, char **argv)
{
	Suite *suite;
	TCase *tc;
	bool possible;

	if (argc > 1)
		return start_once();
	suite = suite_create("eal/hugepages");
	tc = tcase_create("hugepages");
	self_path = argv[0];
	machine_lock();
	pages_before = pages_read();
	possible = pages_set(PAGES);
	restore();
	if (!possible) {
		printf("%s cannot be set to %d here\n", POOL, PAGES);
		return SKIPPED;
	}
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, NULL, restore);
	tcase_add_test(tc, none_are_there);
	tcase_add_test(tc, free_ones_are_used);
	tcase_add_test(tc, reserved_ones_are_left_alone);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_NOFORK);
}
