/* SPDX-License-Identifier: Apache-2.0 */
/* A matrix as JSON, both ways. */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/topo/private.h"

/* ---- in ---- */

struct parse {
	struct mc_matrix *matrix;
	bool numbered;		/* by the caller's devices: others are left out */
	const char *location;	/* of the row in hand */
	uint16_t nics[MC_RAILS_MAX];
	uint32_t nics_count;
	bool seen[MC_RAILS_MAX];	/* in this row */
	char *error;
};

__attribute__((format(printf, 3, 4))) static enum mc_status
parse_fail(struct parse *parse, enum mc_status status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(parse->error, MC_MATRIX_ERROR_MAX, format, args);
	va_end(args);
	return status;
}

/* The number of @name, a new one where that may be; MC_RAIL_NONE: left out. */
static enum mc_status
nic_number(struct parse *parse, const char *name, uint32_t *number_out)
{
	struct mc_matrix *matrix = parse->matrix;

	*number_out = MC_RAIL_NONE;
	for (uint32_t i = 0; i < matrix->nics_count; i++) {
		if (strcmp(matrix->nics[i], name) == 0) {
			*number_out = i;
			return MC_OK;
		}
	}
	if (parse->numbered)
		return MC_OK;
	if (matrix->nics_count == MC_RAILS_MAX)
		return parse_fail(parse, MC_ERR_TOO_LARGE, "more than %u NICs", MC_RAILS_MAX);
	matrix->nics[matrix->nics_count] = strdup(name);
	if (matrix->nics[matrix->nics_count] == NULL)
		return parse_fail(parse, MC_ERR_NO_MEMORY, "no memory");
	*number_out = matrix->nics_count++;
	return MC_OK;
}

static enum mc_status
nic_parse(struct parse *parse, const json_t *nic)
{
	const char *name = json_string_value(nic);
	enum mc_status st;
	uint32_t number;

	if (name == NULL)
		return parse_fail(parse, MC_ERR_BAD_MESSAGE, "\"%.64s\": a NIC is no string",
				  parse->location);
	if (name[0] == '\0')
		return parse_fail(parse, MC_ERR_BAD_MESSAGE, "\"%.64s\": a NIC without a name",
				  parse->location);
	if (strlen(name) >= sizeof(((struct mc_topo_nic *)0)->name))
		return parse_fail(parse, MC_ERR_BAD_MESSAGE,
				  "\"%.64s\": \"%.16s...\" is too long for the name of a NIC",
				  parse->location, name);
	st = nic_number(parse, name, &number);
	if (st == MC_OK && number != MC_RAIL_NONE && !parse->seen[number]) {
		parse->seen[number] = true;
		parse->nics[parse->nics_count++] = (uint16_t)number;
	}
	return st;
}

static enum mc_status
row_parse(struct parse *parse, const char *location, const json_t *lists)
{
	enum mc_status st = MC_OK;
	uint32_t preferred = 0;

	parse->location = location;
	parse->nics_count = 0;
	memset(parse->seen, 0, sizeof(parse->seen));
	if (location[0] == '\0')
		return parse_fail(parse, MC_ERR_BAD_MESSAGE, "a location without a name");
	if (!json_is_array(lists))
		return parse_fail(parse, MC_ERR_BAD_MESSAGE, "\"%.64s\": not a pair of lists",
				  location);
	if (json_array_size(lists) != 2)
		return parse_fail(parse, MC_ERR_BAD_MESSAGE, "\"%.64s\": %zu lists, not 2",
				  location, json_array_size(lists));
	for (size_t i = 0; i < 2 && st == MC_OK; i++) {
		const json_t *list = json_array_get(lists, i);

		if (!json_is_array(list))
			return parse_fail(parse, MC_ERR_BAD_MESSAGE,
					  "\"%.64s\": list %zu is no list", location, i);
		for (size_t j = 0; j < json_array_size(list) && st == MC_OK; j++)
			st = nic_parse(parse, json_array_get(list, j));
		if (i == 0)
			preferred = parse->nics_count;
	}
	if (st != MC_OK)
		return st;
	st = topo_matrix_add(parse->matrix, location, parse->nics, parse->nics_count, preferred);
	return st == MC_OK ? st : parse_fail(parse, st, "no memory");
}

static int
text_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Locations in bytewise order, which numbers the NICs where no devices do. */
static enum mc_status
rows_parse(struct parse *parse, json_t *object)
{
	const char *locations[MC_MATRIX_LOCATIONS_MAX];
	size_t count = json_object_size(object), i = 0;
	enum mc_status st = MC_OK;
	const char *location;
	json_t *lists;

	if (count > MC_MATRIX_LOCATIONS_MAX)
		return parse_fail(parse, MC_ERR_TOO_LARGE, "%zu locations, more than %u", count,
				  MC_MATRIX_LOCATIONS_MAX);
	json_object_foreach(object, location, lists)
		locations[i++] = location;
	if (count > 0)
		qsort(locations, count, sizeof(locations[0]), text_order);
	for (i = 0; i < count && st == MC_OK; i++)
		st = row_parse(parse, locations[i], json_object_get(object, locations[i]));
	if (st != MC_OK)
		return st;
	st = topo_matrix_finish(parse->matrix);
	return st == MC_OK ? st : parse_fail(parse, st, "no memory");
}

static enum mc_status
object_parse(struct parse *parse, struct mc_str text, json_t **object_out)
{
	json_error_t error;
	json_t *object;

	if (text.len > MC_MATRIX_BYTES_MAX)
		return parse_fail(parse, MC_ERR_TOO_LARGE, "%zu bytes, more than %u", text.len,
				  MC_MATRIX_BYTES_MAX);
	object = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
	if (object == NULL)
		return parse_fail(parse, MC_ERR_BAD_MESSAGE, "no JSON, line %d: %.100s",
				  error.line, error.text);
	if (!json_is_object(object)) {
		json_decref(object);
		return parse_fail(parse, MC_ERR_BAD_MESSAGE, "no object of locations");
	}
	*object_out = object;
	return MC_OK;
}

enum mc_status
mc_matrix_parse(struct mc_str json, const char *const *devices, uint32_t devices_count,
		struct mc_matrix **matrix_out, char error[MC_MATRIX_ERROR_MAX])
{
	struct parse parse = {.numbered = devices != NULL, .error = error};
	json_t *object = NULL;
	enum mc_status st;

	if (devices_count > MC_RAILS_MAX)
		return parse_fail(&parse, MC_ERR_TOO_LARGE, "%u devices, more than %u",
				  devices_count, MC_RAILS_MAX);
	st = object_parse(&parse, json, &object);
	if (st != MC_OK)
		return st;
	st = topo_matrix_create(devices, parse.numbered ? devices_count : 0, &parse.matrix);
	if (st != MC_OK) {
		json_decref(object);
		return parse_fail(&parse, st, "no memory");
	}
	st = rows_parse(&parse, object);
	json_decref(object);
	if (st != MC_OK) {
		mc_matrix_free(parse.matrix);
		return st;
	}
	*matrix_out = parse.matrix;
	return MC_OK;
}

/* ---- out ---- */

/* @nics, as far as @keep; a new reference, NULL: no memory. */
static json_t *
list_make(const struct mc_matrix *matrix, const uint16_t *nics, uint32_t count, const bool *keep)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < count && list != NULL; i++) {
		if (keep[nics[i]] &&
		    json_array_append_new(list, json_string(matrix->nics[nics[i]])) != 0) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

static json_t *
rows_make(const struct mc_matrix *matrix, const bool *keep)
{
	json_t *object = json_object();

	for (uint32_t i = 0; i < matrix->rows_count && object != NULL; i++) {
		const struct mc_matrix_row *row = &matrix->rows[i];
		uint32_t preferred = row->preferred_count;
		json_t *lists = json_pack("[o, o]", list_make(matrix, row->nics, preferred, keep),
					  list_make(matrix, row->nics + preferred,
						    row->nics_count - preferred, keep));

		if (lists == NULL || json_object_set_new(object, row->location, lists) != 0) {
			json_decref(object);
			object = NULL;
		}
	}
	return object;
}

/* All of them as preferred for node 0; a reader takes the same for any other location. */
static json_t *
single_make(const char *const *devices, uint32_t count)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < count && list != NULL; i++) {
		if (json_array_append_new(list, json_string(devices[i])) != 0) {
			json_decref(list);
			list = NULL;
		}
	}
	return json_pack("{s: [o, []]}", "cpu:0", list);
}

/* Do upstream's readers number the NICs as @devices does? */
static bool
order_fits(const struct mc_matrix *matrix, const bool *keep, const char *const *devices,
	   uint32_t count)
{
	uint16_t walk[MC_RAILS_MAX];

	if (topo_matrix_walk(matrix, keep, walk) != count)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (strcmp(matrix->nics[walk[i]], devices[i]) != 0)
			return false;
	}
	return true;
}

enum mc_status
mc_matrix_write(const struct mc_matrix *matrix, const char *const *devices, uint32_t devices_count,
		struct mc_buf *out)
{
	bool keep[MC_RAILS_MAX] = {false};
	enum mc_status st;
	json_t *object;
	char *text;

	for (uint32_t i = 0; i < matrix->nics_count; i++) {
		for (uint32_t j = 0; j < devices_count; j++)
			keep[i] |= strcmp(matrix->nics[i], devices[j]) == 0;
	}
	if (order_fits(matrix, keep, devices, devices_count))
		object = rows_make(matrix, keep);
	else
		object = single_make(devices, devices_count);
	text = object != NULL ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(object);
	if (text == NULL)
		return MC_ERR_NO_MEMORY;
	st = mc_buf_append(out, text, strlen(text));
	free(text);
	return st;
}
