/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/median.h"

#include <stdlib.h>

#include "core/base/assert.h"

static int
double_order(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

double
median_of(const void *structs, size_t size, unsigned int count, size_t offset)
{
	double values[MEDIAN_COUNT_MAX];

	mc_assert(count > 0 && count <= MEDIAN_COUNT_MAX);
	for (unsigned int i = 0; i < count; i++)
		values[i] = *(const double *)((const char *)structs + i * size + offset);
	qsort(values, count, sizeof(values[0]), double_order);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}
