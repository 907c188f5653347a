/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes as people write them: "4096", "4K", "1M", "2G", powers of 1024. */
#ifndef MC_APPS_MC_BENCH_SIZE_H
#define MC_APPS_MC_BENCH_SIZE_H

#include <stddef.h>
#include <stdint.h>

#include "mc/status.h"

#define SIZE_LARGEST (1ull << 40)

/* From 1 to SIZE_LARGEST bytes; "KiB" and "KB" are the same as "K". Else MC_ERR_INVALID. */
enum mc_status size_parse(const char *text, uint64_t *size_out);
/*
 * Sizes separated by commas. MC_ERR_TOO_LARGE: more than @max. *count_out is what was found.
 */
enum mc_status size_list_parse(const char *text, uint64_t *sizes_out, unsigned int max,
			       unsigned int *count_out);
/* "FROM:TO" in powers of two, "FROM:TO:FACTOR" by others; the last one is TO or below it. */
enum mc_status size_sweep_parse(const char *text, uint64_t *sizes_out, unsigned int max,
				unsigned int *count_out);

#define SIZE_TEXT 24
/* "64K" where it divides evenly, else all digits. @text of SIZE_TEXT bytes; returns it. */
const char *size_text(uint64_t size, char *text);

#endif
