/* SPDX-License-Identifier: Apache-2.0 */
/* -config_path in JSON: one object, whose members are no objects or arrays. */
#include <jansson.h>
#include <stdio.h>

#include "apps/cli/config_file.h"

/* As a command line would have it; NULL: it has no such value. */
static const char *
scalar_text(const json_t *value, char *buf, size_t len)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return json_string_value(value);
	case JSON_INTEGER:
		snprintf(buf, len, "%lld", (long long)json_integer_value(value));
		return buf;
	case JSON_REAL:
		snprintf(buf, len, "%.17g", json_real_value(value));
		return buf;
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	default:
		return NULL;
	}
}

static const char *
kind(const json_t *value)
{
	if (json_is_object(value))
		return "an object";
	return json_is_array(value) ? "an array" : "null";
}

void
mc_config_json(struct mc_config_file *file, const void *text, size_t len)
{
	json_error_t error;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	const char *key;
	json_t *value;

	if (root == NULL) {
		mc_config_error(file, (unsigned int)(error.line > 0 ? error.line : 1),
				"no JSON: %s", error.text);
		return;
	}
	if (!json_is_object(root))
		mc_config_error(file, 1, "no object of flags; give {\"flag\": value, ...}");
	json_object_foreach(root, key, value)
	{
		char number[64];
		const char *scalar = scalar_text(value, number, sizeof(number));

		if (scalar != NULL)
			mc_config_set(file, MC_CONFIG_LINE_NONE, key, scalar);
		else
			mc_config_error(file, MC_CONFIG_LINE_NONE,
					"\"%.80s\" is %s; give a text, a number, true or false",
					key, kind(value));
	}
	json_decref(root);
}
