/* SPDX-License-Identifier: Apache-2.0 */
/* For "did you mean …": how far one name is from another. */
#ifndef MC_CORE_BASE_NEAREST_H
#define MC_CORE_BASE_NEAREST_H

#include <stddef.h>

#define MC_NEAREST_MAX 64u	/* longer names are far from everything */

/* Letters to insert, remove or change (Levenshtein). */
unsigned int mc_nearest_distance(const char *a, size_t a_len, const char *b, size_t b_len);

/* A word as far away as this is another word; depends on how long the one looked for is. */
unsigned int mc_nearest_limit(size_t len);

#endif
