/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an object of a test must hold: the bytes of tests/integration/support/content.py, which
 * follow from its key, length and salt. So our processes judge what upstream's wrote, and the other
 * way round.
 */
#ifndef MC_TESTS_SUPPORT_CONTENT_H
#define MC_TESTS_SUPPORT_CONTENT_H

#include <stdint.h>

void content_make(const char *key, uint64_t length, const char *salt, void *bytes);
/* "ok", or what is wrong with @got; storage of the thread. */
const char *content_judge(const char *key, uint64_t length, const char *salt, const void *got,
			  uint64_t got_length);

#endif
