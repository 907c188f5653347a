/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "core/master/regex.h"

#include <pcre2.h>
#include <stdlib.h>

#include "mc/log.h"

/* Steps and depth that one key may cost: some microseconds. */
#define MATCH_LIMIT 10000
#define DEPTH_LIMIT 250
#define HEAP_LIMIT_KIB 256

struct mc_regex {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
	bool limit_said;
};

/* "[^]" and empty back references are ECMAScript's; the rest of its syntax is PCRE2's too. */
#define OPTIONS                                                                                    \
	(PCRE2_DOLLAR_ENDONLY | PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF |              \
	 PCRE2_NEVER_BACKSLASH_C)

enum mc_status
mc_regex_compile(struct mc_str pattern, struct mc_regex **regex_out)
{
	struct mc_regex *regex;
	int error;
	PCRE2_SIZE at;

	if (pattern.len > MC_REGEX_PATTERN_MAX)
		return MC_ERR_INVALID;
	regex = calloc(1, sizeof(*regex));
	if (regex == NULL)
		return MC_ERR_NO_MEMORY;
	regex->code = pcre2_compile((PCRE2_SPTR)(pattern.len > 0 ? pattern.ptr : ""), pattern.len,
				    OPTIONS, &error, &at, NULL);
	if (regex->code == NULL) {
		free(regex);
		return MC_ERR_INVALID;
	}
	regex->match = pcre2_match_data_create_from_pattern(regex->code, NULL);
	regex->limits = pcre2_match_context_create(NULL);
	if (regex->match == NULL || regex->limits == NULL) {
		mc_regex_destroy(regex);
		return MC_ERR_NO_MEMORY;
	}
	pcre2_set_match_limit(regex->limits, MATCH_LIMIT);
	pcre2_set_depth_limit(regex->limits, DEPTH_LIMIT);
	pcre2_set_heap_limit(regex->limits, HEAP_LIMIT_KIB);
	*regex_out = regex;
	return MC_OK;
}

void
mc_regex_destroy(struct mc_regex *regex)
{
	if (regex == NULL)
		return;
	pcre2_match_context_free(regex->limits);
	pcre2_match_data_free(regex->match);
	pcre2_code_free(regex->code);
	free(regex);
}

bool
mc_regex_match(struct mc_regex *regex, struct mc_str subject)
{
	int rc = pcre2_match(regex->code, (PCRE2_SPTR)subject.ptr, subject.len, 0, 0, regex->match,
			     regex->limits);

	if (rc < PCRE2_ERROR_PARTIAL && !regex->limit_said) {
		regex->limit_said = true;
		mc_log_warn("regex: a key costs more steps than the limit of %d allows; such keys "
			    "do not match",
			    MATCH_LIMIT);
	}
	return rc >= 0;
}
