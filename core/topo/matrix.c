/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/assert.h"
#include "core/topo/private.h"

/* ---- making one ---- */

enum mc_status
topo_matrix_create(const char *const *nics, uint32_t nics_count, struct mc_matrix **matrix_out)
{
	struct mc_matrix *matrix = calloc(1, sizeof(*matrix));

	mc_assert(nics_count <= MC_RAILS_MAX);
	if (matrix == NULL)
		return MC_ERR_NO_MEMORY;
	matrix->nics = calloc(MC_RAILS_MAX, sizeof(*matrix->nics));
	if (matrix->nics == NULL)
		goto no_memory;
	for (uint32_t i = 0; i < nics_count; i++) {
		matrix->nics[i] = strdup(nics[i]);
		if (matrix->nics[i] == NULL)
			goto no_memory;
		matrix->nics_count++;
	}
	*matrix_out = matrix;
	return MC_OK;
no_memory:
	mc_matrix_free(matrix);
	return MC_ERR_NO_MEMORY;
}

static void
row_free(struct mc_matrix_row *row)
{
	free((char *)row->location);
	free((uint16_t *)row->nics);
}

void
mc_matrix_free(struct mc_matrix *matrix)
{
	if (matrix == NULL)
		return;
	for (uint32_t i = 0; i < matrix->rows_count; i++)
		row_free(&matrix->rows[i]);
	row_free(&matrix->any);
	for (uint32_t i = 0; i < matrix->nics_count; i++)
		free(matrix->nics[i]);
	free(matrix->nics);
	free(matrix->rows);
	free(matrix->nodes);
	free(matrix);
}

static enum mc_status
row_make(const char *location, const uint16_t *nics, uint32_t nics_count, uint32_t preferred_count,
	 struct mc_matrix_row *row_out)
{
	bool seen[MC_RAILS_MAX] = {false};
	uint16_t *own = malloc(MC_RAILS_MAX * sizeof(*own));
	char *name = strdup(location);
	uint32_t count = 0, preferred = 0;

	if (own == NULL || name == NULL) {
		free(own);
		free(name);
		return MC_ERR_NO_MEMORY;
	}
	for (uint32_t i = 0; i < nics_count; i++) {
		if (seen[nics[i]])
			continue;
		seen[nics[i]] = true;
		own[count++] = nics[i];
		if (i < preferred_count)
			preferred = count;
	}
	*row_out = (struct mc_matrix_row){name, own, count, preferred};
	return MC_OK;
}

enum mc_status
topo_matrix_add(struct mc_matrix *matrix, const char *location, const uint16_t *nics,
		uint32_t nics_count, uint32_t preferred_count)
{
	enum mc_status st;

	if (matrix->rows_count == matrix->rows_room) {
		uint32_t room = matrix->rows_room > 0 ? 2 * matrix->rows_room : 8;
		void *rows = realloc(matrix->rows, room * sizeof(*matrix->rows));

		if (rows == NULL)
			return MC_ERR_NO_MEMORY;
		matrix->rows = rows;
		matrix->rows_room = room;
	}
	st = row_make(location, nics, nics_count, preferred_count,
		      &matrix->rows[matrix->rows_count]);
	matrix->rows_count += st == MC_OK;
	return st;
}

static int
row_order(const void *a, const void *b)
{
	return strcmp(((const struct mc_matrix_row *)a)->location,
		      ((const struct mc_matrix_row *)b)->location);
}

static const struct mc_matrix_row *
row_search(const struct mc_matrix *matrix, const char *location)
{
	struct mc_matrix_row key = {.location = location};

	if (matrix->rows_count == 0)
		return NULL;
	return bsearch(&key, matrix->rows, matrix->rows_count, sizeof(key), row_order);
}

/* Rows by node, so that a transfer needs no search. */
static enum mc_status
nodes_index(struct mc_matrix *matrix)
{
	struct mc_location location;

	matrix->nodes = calloc(TOPO_NODE_ID_MAX + 1, sizeof(*matrix->nodes));
	if (matrix->nodes == NULL)
		return MC_ERR_NO_MEMORY;
	for (uint32_t i = 0; i < matrix->rows_count; i++) {
		const struct mc_matrix_row *row = &matrix->rows[i];
		char canonical[MC_LOCATION_MAX];

		if (!mc_location_parse(row->location, &location) || location.nodes_count != 1)
			continue;
		/* "cpu:01" is a text like any other */
		mc_location_write(location.nodes[0], canonical);
		if (strcmp(row->location, canonical) != 0)
			continue;
		matrix->nodes[location.nodes[0]] = row;
		if ((uint32_t)location.nodes[0] >= matrix->nodes_count)
			matrix->nodes_count = (uint32_t)location.nodes[0] + 1;
	}
	return MC_OK;
}

enum mc_status
topo_matrix_finish(struct mc_matrix *matrix)
{
	uint16_t all[MC_RAILS_MAX];
	enum mc_status st;

	if (matrix->rows_count > 0)
		qsort(matrix->rows, matrix->rows_count, sizeof(*matrix->rows), row_order);
	for (uint32_t i = 0; i < matrix->nics_count; i++)
		all[i] = (uint16_t)i;
	st = row_make("*", all, matrix->nics_count, matrix->nics_count, &matrix->any);
	return st == MC_OK ? nodes_index(matrix) : st;
}

/* ---- another numbering ---- */

uint32_t
topo_matrix_walk(const struct mc_matrix *matrix, const bool *keep, uint16_t *nics_out)
{
	const char *locations[MC_MATRIX_LOCATIONS_MAX];
	uint32_t order[MC_MATRIX_LOCATIONS_MAX];
	bool seen[MC_RAILS_MAX] = {false};
	uint32_t count = 0;

	for (uint32_t i = 0; i < matrix->rows_count; i++)
		locations[i] = matrix->rows[i].location;
	topo_iteration_order(locations, matrix->rows_count, order);
	for (uint32_t i = 0; i < matrix->rows_count; i++) {
		const struct mc_matrix_row *row = &matrix->rows[order[i]];

		for (uint32_t j = 0; j < row->nics_count; j++) {
			uint16_t nic = row->nics[j];

			if (keep[nic] && !seen[nic])
				nics_out[count++] = nic;
			seen[nic] = true;
		}
	}
	return count;
}

static enum mc_status
row_renumbered(struct mc_matrix *to, const struct mc_matrix_row *row, const uint32_t *numbers)
{
	uint16_t nics[MC_RAILS_MAX];
	uint32_t count = 0, preferred = 0;

	for (uint32_t i = 0; i < row->nics_count; i++) {
		if (numbers[row->nics[i]] == MC_RAIL_NONE)
			continue;
		nics[count++] = (uint16_t)numbers[row->nics[i]];
		preferred += i < row->preferred_count;
	}
	return topo_matrix_add(to, row->location, nics, count, preferred);
}

enum mc_status
topo_matrix_arrange(struct mc_matrix **matrix, const bool *keep)
{
	const struct mc_matrix *from = *matrix;
	const char *names[MC_RAILS_MAX];
	uint32_t numbers[MC_RAILS_MAX];
	uint16_t nics[MC_RAILS_MAX];
	uint32_t count = topo_matrix_walk(from, keep, nics);
	struct mc_matrix *to;
	enum mc_status st;

	for (uint32_t i = 0; i < MC_RAILS_MAX; i++)
		numbers[i] = MC_RAIL_NONE;
	for (uint32_t i = 0; i < count; i++) {
		names[i] = from->nics[nics[i]];
		numbers[nics[i]] = i;
	}
	st = topo_matrix_create(names, count, &to);
	if (st != MC_OK)
		return st;
	for (uint32_t i = 0; i < from->rows_count && st == MC_OK; i++)
		st = row_renumbered(to, &from->rows[i], numbers);
	if (st == MC_OK)
		st = topo_matrix_finish(to);
	if (st != MC_OK) {
		mc_matrix_free(to);
		return st;
	}
	mc_matrix_free(*matrix);
	*matrix = to;
	return MC_OK;
}

/* ---- asking one ---- */

uint32_t
mc_matrix_nics_count(const struct mc_matrix *matrix)
{
	return matrix->nics_count;
}

const char *
mc_matrix_nic(const struct mc_matrix *matrix, uint32_t nic)
{
	mc_assert(nic < matrix->nics_count);
	return matrix->nics[nic];
}

uint32_t
mc_matrix_rows_count(const struct mc_matrix *matrix)
{
	return matrix->rows_count;
}

const struct mc_matrix_row *
mc_matrix_row(const struct mc_matrix *matrix, uint32_t index)
{
	mc_assert(index < matrix->rows_count);
	return &matrix->rows[index];
}

const struct mc_matrix_row *
mc_matrix_find(const struct mc_matrix *matrix, const char *location)
{
	const struct mc_matrix_row *row = row_search(matrix, location);

	if (row == NULL)
		row = row_search(matrix, "*");
	return row != NULL ? row : &matrix->any;
}

const struct mc_matrix_row *
mc_matrix_find_node(const struct mc_matrix *matrix, int node)
{
	if (node >= 0 && (uint32_t)node < matrix->nodes_count && matrix->nodes[node] != NULL)
		return matrix->nodes[node];
	return mc_matrix_find(matrix, "*");
}

uint32_t
mc_matrix_pick(const struct mc_matrix_row *row, uint32_t retry, uint64_t turn)
{
	uint32_t first = row->preferred_count > 0 ? row->preferred_count : row->nics_count;

	if (first == 0)
		return MC_RAIL_NONE;
	return retry == 0 ? row->nics[turn % first] : row->nics[(retry - 1) % row->nics_count];
}
