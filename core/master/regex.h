/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searches keys for a pattern, as upstream does with ECMAScript patterns: unanchored, `$` only at
 * the very end, bytes not characters. PCRE2 with limits, so that no pattern can stall the master;
 * where a limit is hit the key does not match and one line says so.
 */
#ifndef MC_CORE_MASTER_REGEX_H
#define MC_CORE_MASTER_REGEX_H

#include <stdbool.h>

#include "mc/status.h"
#include "mc/types.h"

#define MC_REGEX_PATTERN_MAX 65536u

struct mc_regex;

/*
 * MC_ERR_INVALID: not a pattern, longer than MC_REGEX_PATTERN_MAX, or too much for PCRE2, whose
 * compiled form takes 64 KiB at most (some 32000 literal characters).
 */
enum mc_status mc_regex_compile(struct mc_str pattern, struct mc_regex **regex_out);
void mc_regex_destroy(struct mc_regex *regex);
bool mc_regex_match(struct mc_regex *regex, struct mc_str subject);

#endif
