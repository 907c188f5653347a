/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ck_assert() for loops of millions: the library writes a message to a file for each assertion
 * that holds, this one speaks only when it fails.
 */
#ifndef MC_TESTS_SUPPORT_MUST_H
#define MC_TESTS_SUPPORT_MUST_H

#include <check.h>

#define must(condition)                                 \
	do {                                            \
		if (!(condition))                       \
			ck_abort_msg("%s", #condition); \
	} while (0)

#endif
