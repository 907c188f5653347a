/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/nearest.h"

unsigned int
mc_nearest_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned int row[MC_NEAREST_MAX + 1];

	if (a_len > MC_NEAREST_MAX || b_len > MC_NEAREST_MAX)
		return MC_NEAREST_MAX;
	for (size_t j = 0; j <= b_len; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned int diagonal = row[0];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned int best = diagonal + (a[i - 1] != b[j - 1]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[b_len];
}

unsigned int
mc_nearest_limit(size_t len)
{
	return len < 4 ? 2 : len < 6 ? 3 : 4;
}
