/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mem/copy.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/mem/mem.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

#define ROOM 8192u	/* of each buffer, up to a page that may not be touched */
#define PAGE 4096u

typedef void (*copy_fn)(void *dst, const void *src, size_t length);

static unsigned char *src_end, *dst_end;
static unsigned char pattern[ROOM];

/* The end of ROOM bytes, behind which is a page that may not be touched. */
static unsigned char *
fenced_end(void)
{
	unsigned char *at = mmap(NULL, ROOM + PAGE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	ck_assert_int_eq(mprotect(at + ROOM, PAGE, PROT_NONE), 0);
	return at + ROOM;
}

static void
buffers_make(void)
{
	src_end = fenced_end();
	dst_end = fenced_end();
	for (size_t i = 0; i < ROOM; i++)
		pattern[i] = (unsigned char)(i * 167 + i / 251 + 1);
	memcpy(src_end - ROOM, pattern, ROOM);
}

/* @src_gap, @dst_gap: bytes between the run and the forbidden page. */
static void
copy_check(copy_fn copy, size_t dst_gap, size_t src_gap, size_t length)
{
	unsigned char *dst = dst_end - dst_gap - length;
	const unsigned char *src = src_end - src_gap - length;
	const size_t before = 80;

	memset(dst - before, 0xee, before + length + dst_gap);
	copy(dst, src, length);
	must(memcmp(dst, src, length) == 0);
	for (size_t i = 1; i <= before; i++)
		must(dst[-(ptrdiff_t)i] == 0xee);
	for (size_t i = 0; i < dst_gap; i++)
		must(dst[length + i] == 0xee);
}

static void
copies_check(copy_fn copy)
{
	static const size_t src_gaps[] = {0, 1, 15, 32, 63};
	static const size_t longer[] = {255, 256, 257, 319, 320, 383, 511, 512, 513, 575, 767,
					768, 1023, 1024, 1025, 2048, 4095, 4096, 4097, 6000};

	for (size_t dst_gap = 0; dst_gap < 64; dst_gap++)
		for (size_t s = 0; s < 5; s++) {
			for (size_t length = 0; length < 140; length += dst_gap % 4 + 1)
				copy_check(copy, dst_gap, src_gaps[s], length);
			for (size_t l = 0; l < sizeof(longer) / sizeof(longer[0]); l++)
				copy_check(copy, dst_gap, src_gaps[s], longer[l]);
		}
	must(memcmp(src_end - ROOM, pattern, ROOM) == 0);
}

START_TEST(every_kernel_copies_every_alignment_and_length)
{
	const struct mc_copy_kernel *kernel;
	unsigned int tried = 0;

	buffers_make();
	for (unsigned int i = 0; (kernel = mc_copy_kernel_at(i)) != NULL; i++) {
		if (!kernel->usable())
			continue;
		copies_check(kernel->copy);
		tried++;
	}
#if defined(__x86_64__)
	ck_assert_uint_ge(tried, 1);
#else
	ck_assert_uint_eq(tried, 0);
#endif
	copies_check(mc_mem_copy);
}
END_TEST

START_TEST(large_runs_and_the_threshold)
{
	static const size_t lengths[] = {MC_COPY_STREAM_MIN - 1, MC_COPY_STREAM_MIN,
					 MC_COPY_STREAM_MIN + 1, 1 << 20, (3 << 20) + 77};
	size_t room = (4 << 20) + 64;
	unsigned char *src = malloc(room), *dst = malloc(room);

	ck_assert_ptr_nonnull(src);
	ck_assert_ptr_nonnull(dst);
	for (size_t i = 0; i < room; i++)
		src[i] = (unsigned char)(i * 31 + i / 4093);
	for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++)
		for (size_t offset = 0; offset < 64; offset += 13) {
			size_t length = lengths[l];

			memset(dst, 0xee, room);
			mc_mem_copy(dst + offset, src + 63 - offset, length);
			must(memcmp(dst + offset, src + 63 - offset, length) == 0);
			must(offset == 0 || dst[offset - 1] == 0xee);
			must(dst[offset + length] == 0xee);
		}
	free(src);
	free(dst);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mem/copy");
	TCase *tc = tcase_create("copy");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, every_kernel_copies_every_alignment_and_length);
	tcase_add_test(tc, large_runs_and_the_threshold);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
