/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "mc/log.h"
#include "tests/support/suite.h"

static char folder[64];
static char path[96], moved[96];
static uint64_t real_ns, mono_ns;

static uint64_t
mono_read(void)
{
	return mono_ns;
}

static uint64_t
real_read(void)
{
	return real_ns;
}

static void
setup(void)
{
	static const struct mc_clock_ops ops = {mono_read, real_read};

	snprintf(folder, sizeof(folder), "/tmp/mc-log-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/log", folder);
	snprintf(moved, sizeof(moved), "%s/log.1", folder);
	setenv("TZ", "UTC", 1);
	real_ns = 1795523424123456789ull;	/* 2026-11-24 12:30:24 */
	mono_ns = MC_NS_PER_S;
	mc_clock_ops_set(&ops);
}

static void
teardown(void)
{
	unlink(path);
	unlink(moved);
	rmdir(folder);
}

/* The whole file; kept until the next call. */
static const char *
content(const char *file)
{
	static char text[16384];
	FILE *in = fopen(file, "r");
	size_t len;

	ck_assert_msg(in != NULL, "%s is not there", file);
	len = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	text[len] = '\0';
	return text;
}

static unsigned int
lines_count(const char *text)
{
	unsigned int count = 0;

	for (; *text != '\0'; text++)
		count += *text == '\n';
	return count;
}

START_TEST(lines_have_the_layout_of_glog)
{
	char wanted[256];

	ck_assert_int_eq(mc_log_file_set(path), MC_OK);
	mc_log_write(MC_LOG_INFO, "core/some/put.c", 42, "key %s, %d bytes", "k", 7);
	snprintf(wanted, sizeof(wanted),
		 "I20261124 12:30:24.123456 %5ld put.c:42] key k, 7 bytes\n",
		 (long)syscall(SYS_gettid));
	ck_assert_str_eq(content(path), wanted);
}
END_TEST

START_TEST(levels_have_letters_and_a_threshold)
{
	static const char letters[] = "DIWE";

	ck_assert_int_eq(mc_log_level_get(), MC_LOG_INFO);
	ck_assert_int_eq(mc_log_file_set(path), MC_OK);
	for (int shown = MC_LOG_DEBUG; shown <= MC_LOG_ERROR; shown++) {
		const char *text;

		ck_assert_int_eq(truncate(path, 0), 0);
		mc_log_level_set((enum mc_log_level)shown);
		mc_log_debug("d");
		mc_log_info("i");
		mc_log_warn("w");
		mc_log_error("e");
		text = content(path);
		ck_assert_uint_eq(lines_count(text), (unsigned int)(MC_LOG_ERROR - shown + 1));
		for (int level = shown; level <= MC_LOG_ERROR; level++) {
			ck_assert_int_eq(*text, letters[level + 1]);
			text = strchr(text, '\n') + 1;
		}
	}
}
END_TEST

START_TEST(a_long_line_is_cut_and_still_ends)
{
	char text[5000];
	const char *line;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(mc_log_file_set(path), MC_OK);
	mc_log_info("%s", text);
	mc_log_info("next");
	line = content(path);
	ck_assert_uint_eq(lines_count(line), 2);
	ck_assert_uint_eq((size_t)(strchr(line, '\n') - line), 1022);
	ck_assert_ptr_nonnull(strstr(line, "] next\n"));
}
END_TEST

START_TEST(stderr_is_the_default_and_comes_back)
{
	int was = dup(STDERR_FILENO), file = open(moved, O_WRONLY | O_CREAT | O_APPEND, 0600);

	ck_assert_int_ge(dup2(file, STDERR_FILENO), 0);
	close(file);
	mc_log_info("first");
	ck_assert_int_eq(mc_log_file_set(path), MC_OK);
	mc_log_info("second");
	ck_assert_int_eq(mc_log_file_set(NULL), MC_OK);
	ck_assert_int_eq(mc_log_reopen(), MC_OK);
	mc_log_info("third");
	dup2(was, STDERR_FILENO);
	ck_assert_uint_eq(lines_count(content(path)), 1);
	ck_assert_ptr_nonnull(strstr(content(path), "] second\n"));
	ck_assert_uint_eq(lines_count(content(moved)), 2);
	ck_assert_ptr_nonnull(strstr(content(moved), "] third\n"));
}
END_TEST

START_TEST(a_file_is_opened_again_after_it_was_moved)
{
	ck_assert_int_eq(mc_log_file_set(path), MC_OK);
	mc_log_info("first");
	ck_assert_int_eq(rename(path, moved), 0);
	mc_log_info("second");
	ck_assert_int_eq(mc_log_reopen(), MC_OK);
	mc_log_info("third");
	ck_assert_uint_eq(lines_count(content(moved)), 2);
	ck_assert_uint_eq(lines_count(content(path)), 1);
	ck_assert_ptr_nonnull(strstr(content(path), "] third\n"));
	/* a file that is there is appended to */
	ck_assert_int_eq(mc_log_file_set(moved), MC_OK);
	mc_log_info("fourth");
	ck_assert_uint_eq(lines_count(content(moved)), 3);
}
END_TEST

START_TEST(a_file_that_cannot_be_opened_changes_nothing)
{
	char bad[128];

	snprintf(bad, sizeof(bad), "%s/none/log", folder);
	ck_assert_int_eq(mc_log_file_set(path), MC_OK);
	ck_assert_int_eq(mc_log_file_set(bad), MC_ERR_IO);
	mc_log_info("kept");
	ck_assert_int_eq(mc_log_reopen(), MC_OK);
	mc_log_info("kept");
	ck_assert_uint_eq(lines_count(content(path)), 2);
	/* now the folder itself is gone */
	ck_assert_int_eq(rename(path, moved), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(mc_log_reopen(), MC_ERR_IO);
	mc_log_info("kept");
	ck_assert_uint_eq(lines_count(content(moved)), 3);
	ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

/* ---- limits ---- */

static void
chatter(unsigned int times)
{
	while (times-- > 0)
		MC_LOG_LIMITED(MC_LOG_WARN, "peer %d says no", 3);
}

START_TEST(one_place_writes_five_lines_a_second)
{
	const char *last;

	ck_assert_int_eq(mc_log_file_set(path), MC_OK);
	chatter(5);
	ck_assert_uint_eq(lines_count(content(path)), 5);
	chatter(1000);
	ck_assert_uint_eq(lines_count(content(path)), 5);
	ck_assert_ptr_null(strstr(content(path), "not shown"));
	mono_ns += MC_NS_PER_S - 1;
	chatter(1);
	ck_assert_uint_eq(lines_count(content(path)), 5);
	mono_ns += 1;
	chatter(2);
	ck_assert_uint_eq(lines_count(content(path)), 7);
	last = strstr(content(path), "] peer 3 says no (1001 like it not shown)\n");
	ck_assert_ptr_nonnull(last);
	/* said once */
	ck_assert_ptr_nonnull(strstr(last, "] peer 3 says no\n"));
}
END_TEST

START_TEST(a_limit_without_arguments)
{
	ck_assert_int_eq(mc_log_file_set(path), MC_OK);
	for (int i = 0; i < 7; i++) {
		if (i == 6)
			mono_ns += MC_NS_PER_S;
		MC_LOG_LIMITED(MC_LOG_INFO, "bare");
	}
	ck_assert_uint_eq(lines_count(content(path)), 6);
	ck_assert_ptr_nonnull(strstr(content(path), "] bare (1 like it not shown)\n"));
}
END_TEST

/* ---- threads ---- */

#define THREADS 4
#define LINES	50

static void *
writer_main(void *arg)
{
	for (int i = 0; i < LINES; i++)
		mc_log_info("whole line %s", (const char *)arg);
	return NULL;
}

START_TEST(lines_of_threads_do_not_mix_while_the_file_is_opened_again)
{
	static char mark[] = "of one thread";
	pthread_t threads[THREADS];
	const char *line;

	ck_assert_int_eq(mc_log_file_set(path), MC_OK);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, writer_main, mark), 0);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(mc_log_reopen(), MC_OK);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	line = content(path);
	ck_assert_uint_eq(lines_count(line), THREADS * LINES);
	for (; *line != '\0'; line = strchr(line, '\n') + 1) {
		ck_assert_int_eq(*line, 'I');
		line = strstr(line, "] ");
		ck_assert_int_eq(strncmp(line, "] whole line of one thread\n", 27), 0);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base/log");
	TCase *tc = tcase_create("log");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, lines_have_the_layout_of_glog);
	tcase_add_test(tc, levels_have_letters_and_a_threshold);
	tcase_add_test(tc, a_long_line_is_cut_and_still_ends);
	tcase_add_test(tc, stderr_is_the_default_and_comes_back);
	tcase_add_test(tc, a_file_is_opened_again_after_it_was_moved);
	tcase_add_test(tc, a_file_that_cannot_be_opened_changes_nothing);
	tcase_add_test(tc, one_place_writes_five_lines_a_second);
	tcase_add_test(tc, a_limit_without_arguments);
	tcase_add_test(tc, lines_of_threads_do_not_mix_while_the_file_is_opened_again);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
