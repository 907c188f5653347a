/* SPDX-License-Identifier: Apache-2.0 */
/* Medians over the rounds of a measurement. */
#ifndef MC_APPS_MC_BENCH_MEDIAN_H
#define MC_APPS_MC_BENCH_MEDIAN_H

#include <stddef.h>

#define MEDIAN_COUNT_MAX 100u

/*
 * Of the double at @offset in each of @count structs of @size bytes, 1 to MEDIAN_COUNT_MAX; the
 * mean of the middle two of an even number.
 */
double median_of(const void *structs, size_t size, unsigned int count, size_t offset);

#endif
