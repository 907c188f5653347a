/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mem/size.h"

#include <stdio.h>

const char *
mc_size_text(uint64_t bytes, char *text, size_t size)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
	unsigned int unit = 0;
	uint64_t tenths;

	while (unit < 4 && bytes >> (10 * (unit + 1)) != 0)
		unit++;
	tenths = (uint64_t)((unsigned __int128)bytes * 10 >> (10 * unit)) % 10;
	if (tenths == 0 || unit == 0)
		snprintf(text, size, "%llu %s", (unsigned long long)(bytes >> (10 * unit)),
			 units[unit]);
	else
		snprintf(text, size, "%llu.%llu %s", (unsigned long long)(bytes >> (10 * unit)),
			 (unsigned long long)tenths, units[unit]);
	return text;
}
