/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a priority matrix of a peer makes of us: first line, a location; rest, the JSON. What parses
 * must name NICs that are there, and read the same once it was written.
 */
#include <stdlib.h>
#include <string.h>

#include "core/topo/topo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool condition)
{
	if (!condition)
		abort();
}

static void
row_check(const struct mc_matrix *matrix, const struct mc_matrix_row *row)
{
	uint32_t count = mc_matrix_nics_count(matrix);

	must(row->preferred_count <= row->nics_count && row->nics_count <= count);
	for (uint32_t retry = 0; retry < 4; retry++) {
		uint32_t nic = mc_matrix_pick(row, retry, 7);

		must(row->nics_count == 0 ? nic == MC_RAIL_NONE : nic < count);
	}
	for (uint32_t i = 0; i < row->nics_count; i++)
		must(mc_matrix_nic(matrix, row->nics[i])[0] != '\0');
}

static void
rows_compare(const struct mc_matrix *a, const struct mc_matrix *b)
{
	must(mc_matrix_rows_count(a) == mc_matrix_rows_count(b));
	for (uint32_t i = 0; i < mc_matrix_rows_count(a); i++) {
		const struct mc_matrix_row *left = mc_matrix_row(a, i);
		const struct mc_matrix_row *right = mc_matrix_row(b, i);

		must(strcmp(left->location, right->location) == 0);
		must(left->nics_count == right->nics_count);
		must(left->preferred_count == right->preferred_count);
		for (uint32_t j = 0; j < left->nics_count; j++)
			must(strcmp(mc_matrix_nic(a, left->nics[j]),
				    mc_matrix_nic(b, right->nics[j])) == 0);
	}
}

/* Written for its own NICs; the order may be one that needs the single location. */
static void
written_check(const struct mc_matrix *matrix)
{
	const char *names[MC_RAILS_MAX];
	char error[MC_MATRIX_ERROR_MAX];
	uint32_t count = mc_matrix_nics_count(matrix);
	struct mc_matrix *again;
	struct mc_buf out;

	mc_buf_init(&out);
	for (uint32_t i = 0; i < count; i++)
		names[i] = mc_matrix_nic(matrix, i);
	must(mc_matrix_write(matrix, names, count, &out) == MC_OK);
	/* escapes make it longer than what was read */
	if (mc_buf_len(&out) <= MC_MATRIX_BYTES_MAX) {
		struct mc_str text = {(const char *)out.data, mc_buf_len(&out)};

		must(mc_matrix_parse(text, names, count, &again, error) == MC_OK);
		must(mc_matrix_nics_count(again) == count);
		if (mc_matrix_rows_count(again) != 1)
			rows_compare(matrix, again);
		else
			row_check(again, mc_matrix_row(again, 0));
		mc_matrix_free(again);
	}
	mc_buf_fini(&out);
}

static void
location_check(const uint8_t *data, size_t len, const struct mc_matrix *matrix)
{
	char *text = calloc(1, len + 1);
	struct mc_location location;

	must(text != NULL);
	memcpy(text, data, len);
	row_check(matrix, mc_matrix_find(matrix, text));
	if (!mc_location_parse(text, &location))
		must(location.nodes_count == 0);
	for (uint64_t offset = 0; offset < 64; offset += 9)
		row_check(matrix, mc_matrix_find_node(matrix,
						      mc_location_node(&location, offset, 61)));
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const devices[] = {"mlx5_1", "mlx5_0"};
	const uint8_t *line_end = memchr(data, '\n', size);
	size_t head = line_end != NULL ? (size_t)(line_end - data) : 0;
	size_t skip = line_end != NULL ? head + 1 : 0;
	struct mc_str json = {(const char *)data + skip, size - skip};
	char error[MC_MATRIX_ERROR_MAX] = "";
	struct mc_matrix *matrix;
	enum mc_status st = mc_matrix_parse(json, NULL, 0, &matrix, error);

	if (st == MC_OK) {
		for (uint32_t i = 0; i < mc_matrix_rows_count(matrix); i++)
			row_check(matrix, mc_matrix_row(matrix, i));
		location_check(data, head, matrix);
		written_check(matrix);
		mc_matrix_free(matrix);
	} else {
		must(error[0] != '\0');
	}
	if (mc_matrix_parse(json, devices, 2, &matrix, error) == MC_OK) {
		must(mc_matrix_nics_count(matrix) == 2);
		location_check(data, head, matrix);
		mc_matrix_free(matrix);
	}
	return 0;
}
