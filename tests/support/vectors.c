/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const files[] = {
	"direct_client.jsonl",
	"wheel_client_checksum_tenant.jsonl",
	"wheel_client_full.jsonl",
	"wheel_client_http_metadata_graceful.jsonl",
	"wheel_client_master_restart.jsonl",
	"wheel_client_ssd_offload.jsonl",
	"wheel_client_two_nodes.jsonl",
	"wheel_client_zero_segment.jsonl",
};

static void
fail(const char *file, const char *why)
{
	fprintf(stderr, "%s: %s\n", file, why);
	exit(1);
}

static char *
path_of(const char *file, char *path, size_t size)
{
	snprintf(path, size, "%s/master_rpc/%s", MC_VECTORS, file);
	return path;
}

json_t *
vectors_json(const char *file)
{
	char path[4096];
	json_t *json = json_load_file(path_of(file, path, sizeof(path)), 0, NULL);

	if (json == NULL)
		fail(path, "cannot be read as JSON");
	return json;
}

/* NULL for an absent or empty member. */
static uint8_t *
hex_member(json_t *record, const char *name, size_t *len_out)
{
	const char *hex = json_string_value(json_object_get(record, name));
	size_t len = hex != NULL ? strlen(hex) / 2 : 0;
	uint8_t *bytes = len > 0 ? malloc(len) : NULL;

	for (size_t i = 0; i < len; i++) {
		unsigned int byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			fail(name, "is not hexadecimal");
		bytes[i] = (uint8_t)byte;
	}
	*len_out = len;
	return bytes;
}

static unsigned int
body_each(json_t *record, int request, vector_fn each, void *context)
{
	struct vector_body body = {.request = request};
	uint8_t *bytes = hex_member(record, request ? "req_body" : "resp_body", &body.len);

	if (bytes == NULL)
		return 0;
	body.function = json_string_value(json_object_get(record, "func"));
	body.bytes = bytes;
	body.decoded = json_object_get(record, request ? "args" : "result");
	if (body.function != NULL)
		each(&body, context);
	free(bytes);
	return body.function != NULL;
}

static int
answered_well(json_t *record)
{
	size_t len;
	uint8_t *header = hex_member(record, "resp_header", &len);
	int well = len == 16 && header[2] == 0;

	free(header);
	return well;
}

unsigned int
vectors_each(vector_fn each, void *context)
{
	unsigned int count = 0;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[4096], *line = NULL;
		size_t size = 0;
		FILE *file = fopen(path_of(files[i], path, sizeof(path)), "r");

		if (file == NULL)
			fail(path, "cannot be opened");
		while (getline(&line, &size, file) > 0) {
			/* numbers go up to 2^64 - 1, which the library's integers do not */
			json_t *record = json_loads(
				line, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);

			if (record == NULL)
				fail(path, "holds a line that is not JSON");
			count += body_each(record, 1, each, context);
			if (answered_well(record))
				count += body_each(record, 0, each, context);
			json_decref(record);
		}
		free(line);
		fclose(file);
	}
	return count;
}
