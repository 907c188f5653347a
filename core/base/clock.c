/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/clock.h"

#include <stddef.h>
#include <time.h>

static uint64_t
clock_read(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * MC_NS_PER_S + (uint64_t)t.tv_nsec;
}

static uint64_t
system_mono_ns(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

static uint64_t
system_real_ns(void)
{
	return clock_read(CLOCK_REALTIME);
}

static const struct mc_clock_ops system_ops = {system_mono_ns, system_real_ns};
static const struct mc_clock_ops *clock_ops = &system_ops;

uint64_t
mc_clock_mono_ns(void)
{
	return clock_ops->mono_ns();
}

uint64_t
mc_clock_real_ns(void)
{
	return clock_ops->real_ns();
}

void
mc_clock_ops_set(const struct mc_clock_ops *ops)
{
	clock_ops = ops != NULL ? ops : &system_ops;
}
