/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/tick.h"

#include <time.h>

#include "core/base/clock.h"

void
tick_sleep(uint64_t ns)
{
	struct timespec span = {.tv_sec = (time_t)(ns / MC_NS_PER_S),
				.tv_nsec = (long)(ns % MC_NS_PER_S)};

	clock_nanosleep(CLOCK_MONOTONIC, 0, &span, NULL);
}
