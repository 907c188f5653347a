/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded bodies of tests/vectors/master_rpc, for the tests of the codec. */
#ifndef MC_TESTS_SUPPORT_VECTORS_H
#define MC_TESTS_SUPPORT_VECTORS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct vector_body {
	const char *function;	/* "PutStart" */
	int request;		/* else a result */
	const uint8_t *bytes;
	size_t len;
	json_t *decoded;	/* "args" or "result" of the record; borrowed */
};

typedef void (*vector_fn)(const struct vector_body *body, void *context);

/* Calls @each for every request and every result body with err_code 0; returns how many. */
unsigned int vectors_each(vector_fn each, void *context);

/* rpc_table_by_version.json and error_codes.json; the caller decrefs. Ends the test on failure. */
json_t *vectors_json(const char *file);

#endif
