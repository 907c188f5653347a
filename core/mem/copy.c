/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plain store reads the line that it is going to overwrite, and a copy larger than the caches
 * throws out of them what was there. Non-temporal stores do neither: cold runs of 1 MiB move 1.6
 * times as fast. For bytes that lie in a cache, or are read again at once, they are slower: hence
 * the threshold.
 *
 * The loops prefetch, as the hardware's own prefetcher stops at the end of each 4 KiB page, and has
 * begun on the next one only when its first lines have missed.
 */
#include "core/mem/copy.h"

#include <stdint.h>
#include <string.h>

#include "core/mem/mem.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define LINE 64
#define BLOCK 256	/* bytes of one turn of a loop */
#define AHEAD 1024	/* where measured, 512 is too late and 2048 no better */

/* Reading beyond the end of the source is harmless: a prefetch never faults. */
static inline void
block_prefetch(const char *src)
{
	for (unsigned int i = 0; i < BLOCK; i += LINE)
		_mm_prefetch(src + AHEAD + i, _MM_HINT_T0);
}

__attribute__((target("avx512f"))) static void
blocks_avx512(char *dst, const char *src, size_t length)
{
	for (size_t at = 0; at < length; at += BLOCK) {
		__m512i a = _mm512_loadu_si512(src + at);
		__m512i b = _mm512_loadu_si512(src + at + 64);
		__m512i c = _mm512_loadu_si512(src + at + 128);
		__m512i d = _mm512_loadu_si512(src + at + 192);

		block_prefetch(src + at);
		_mm512_stream_si512((void *)(dst + at), a);
		_mm512_stream_si512((void *)(dst + at + 64), b);
		_mm512_stream_si512((void *)(dst + at + 128), c);
		_mm512_stream_si512((void *)(dst + at + 192), d);
	}
}

__attribute__((target("avx2"))) static void
blocks_avx2(char *dst, const char *src, size_t length)
{
	for (size_t at = 0; at < length; at += BLOCK) {
		block_prefetch(src + at);
		for (unsigned int i = 0; i < BLOCK; i += 2 * LINE) {
			const char *from = src + at + i;
			__m256i a = _mm256_loadu_si256((const void *)from);
			__m256i b = _mm256_loadu_si256((const void *)(from + 32));
			__m256i c = _mm256_loadu_si256((const void *)(from + 64));
			__m256i d = _mm256_loadu_si256((const void *)(from + 96));
			char *to = dst + at + i;

			_mm256_stream_si256((void *)to, a);
			_mm256_stream_si256((void *)(to + 32), b);
			_mm256_stream_si256((void *)(to + 64), c);
			_mm256_stream_si256((void *)(to + 96), d);
		}
	}
}

static void
blocks_sse2(char *dst, const char *src, size_t length)
{
	for (size_t at = 0; at < length; at += BLOCK) {
		block_prefetch(src + at);
		for (unsigned int i = 0; i < BLOCK; i += LINE) {
			const char *from = src + at + i;
			__m128i a = _mm_loadu_si128((const void *)from);
			__m128i b = _mm_loadu_si128((const void *)(from + 16));
			__m128i c = _mm_loadu_si128((const void *)(from + 32));
			__m128i d = _mm_loadu_si128((const void *)(from + 48));
			char *to = dst + at + i;

			_mm_stream_si128((void *)to, a);
			_mm_stream_si128((void *)(to + 16), b);
			_mm_stream_si128((void *)(to + 32), c);
			_mm_stream_si128((void *)(to + 48), d);
		}
	}
}

/* Whole blocks from a line of the destination on; the ends by memcpy(). */
static inline __attribute__((always_inline)) void
ends_and_blocks(void *dst, const void *src, size_t length,
		void (*blocks)(char *dst, const char *src, size_t length))
{
	size_t head = -(uintptr_t)dst & (LINE - 1);
	size_t body;

	if (length < head + BLOCK) {
		memcpy(dst, src, length);
		return;
	}
	body = (length - head) & ~(size_t)(BLOCK - 1);
	memcpy(dst, src, head);
	blocks((char *)dst + head, (const char *)src + head, body);
	memcpy((char *)dst + head + body, (const char *)src + head + body, length - head - body);
	/* non-temporal stores may pass later ones, and with them the flag that says "done" */
	_mm_sfence();
}

static void
copy_avx512(void *dst, const void *src, size_t length)
{
	ends_and_blocks(dst, src, length, blocks_avx512);
}

static void
copy_avx2(void *dst, const void *src, size_t length)
{
	ends_and_blocks(dst, src, length, blocks_avx2);
}

static void
copy_sse2(void *dst, const void *src, size_t length)
{
	ends_and_blocks(dst, src, length, blocks_sse2);
}

static bool
avx512_usable(void)
{
	return __builtin_cpu_supports("avx512f");
}

static bool
avx2_usable(void)
{
	return __builtin_cpu_supports("avx2");
}

static bool
sse2_usable(void)
{
	return true;	/* part of x86-64 */
}

static const struct mc_copy_kernel kernels[] = {
	{"avx512", avx512_usable, copy_avx512},
	{"avx2", avx2_usable, copy_avx2},
	{"sse2", sse2_usable, copy_sse2},
};
#define KERNELS (sizeof(kernels) / sizeof(kernels[0]))
#else
static const struct mc_copy_kernel *const kernels = NULL;
#define KERNELS 0u
#endif

const struct mc_copy_kernel *
mc_copy_kernel_at(unsigned int index)
{
	return index < KERNELS ? &kernels[index] : NULL;
}

/* Plain stores are ordered by whatever atomic the caller announces them with. */
static void
copy_plain(void *dst, const void *src, size_t length)
{
	memcpy(dst, src, length);
}

static void copy_choose(void *dst, const void *src, size_t length);

/* Atomic; several threads may choose at once, and choose the same. */
static void (*copy_large)(void *dst, const void *src, size_t length) = copy_choose;

static void
copy_choose(void *dst, const void *src, size_t length)
{
	const struct mc_copy_kernel *kernel = mc_copy_kernel_at(0);

	for (unsigned int i = 1; kernel != NULL && !kernel->usable(); i++)
		kernel = mc_copy_kernel_at(i);
	__atomic_store_n(&copy_large, kernel != NULL ? kernel->copy : copy_plain,
			 __ATOMIC_RELAXED);
	mc_mem_copy(dst, src, length);
}

void
mc_mem_copy(void *dst, const void *src, size_t length)
{
	if (length < MC_COPY_STREAM_MIN)
		copy_plain(dst, src, length);
	else
		__atomic_load_n(&copy_large, __ATOMIC_RELAXED)(dst, src, length);
}
