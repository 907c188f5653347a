/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the programmer's mistakes only, in every build: what a peer, a user or a device can cause is
 * an error, never an assertion.
 */
#ifndef MC_CORE_BASE_ASSERT_H
#define MC_CORE_BASE_ASSERT_H

#include <stdlib.h>

#include "mc/log.h"

#define mc_assert(condition)                                                                       \
	do {                                                                                       \
		if (__builtin_expect(!(condition), 0)) {                                           \
			mc_log_error("assertion failed: %s", #condition);                          \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
