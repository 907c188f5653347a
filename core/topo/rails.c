/* SPDX-License-Identifier: Apache-2.0 */
/* Which NICs are used, in which order, and which of them for which node. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/topo/private.h"
#include "mc/log.h"

/* ---- lists of devices ---- */

static struct mc_topo_nic *
nic_find(struct mc_topo *topo, struct mc_str name)
{
	for (uint32_t i = 0; i < topo->nics_count; i++) {
		struct mc_topo_nic *nic = &topo->nics[i];

		if (strlen(nic->name) == name.len && memcmp(nic->name, name.ptr, name.len) == 0)
			return nic;
	}
	return NULL;
}

static enum mc_status
nic_missing(const struct mc_topo *topo, struct mc_str name, const char *source)
{
	int len = name.len > 64 ? 64 : (int)name.len;
	struct mc_buf list;

	if (topo->nics_count == 0) {
		mc_log_error("%s: device %.*s is not here: this machine has no RDMA devices",
			     source, len, name.ptr);
		return MC_ERR_NOT_FOUND;
	}
	mc_buf_init(&list);
	for (uint32_t i = 0; i < topo->nics_count; i++) {
		if (mc_buf_printf(&list, "%s%s", i > 0 ? ", " : "", topo->nics[i].name) != MC_OK)
			break;
	}
	mc_log_error("%s: device %.*s is not here; there are %.*s", source, len, name.ptr,
		     (int)mc_buf_len(&list), (const char *)list.data);
	mc_buf_fini(&list);
	return MC_ERR_NOT_FOUND;
}

/* The next name of a comma list, without blanks around it; false: no more. */
static bool
list_next(const char **list, struct mc_str *name_out)
{
	const char *at = *list + strspn(*list, ", \t");
	size_t len = strcspn(at, ",");

	*list = at + len;
	while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t'))
		len--;
	*name_out = (struct mc_str){at, len};
	return len > 0;
}

static enum mc_status
devices_apply(struct mc_topo *topo, const char *list, const char *source)
{
	struct mc_str name;
	bool any = false;

	for (uint32_t i = 0; i < topo->nics_count; i++)
		topo->nics[i].wanted = false;
	while (list_next(&list, &name)) {
		struct mc_topo_nic *nic = nic_find(topo, name);

		if (nic == NULL)
			return nic_missing(topo, name, source);
		any = true;
		nic->wanted = true;
		if (!nic->active)
			mc_log_warn("%s: device %s port %u is %s and is not used", source,
				    nic->name, nic->port, nic->state);
	}
	/* nothing but commas is no list */
	for (uint32_t i = 0; i < topo->nics_count && !any; i++)
		topo->nics[i].wanted = true;
	return MC_OK;
}

/* ---- a matrix from a file ---- */

static enum mc_status
file_read(const char *path, const char *source, struct mc_buf *out)
{
	FILE *file = fopen(path, "re");
	enum mc_status st = MC_OK;
	char piece[4096];
	size_t len;

	if (file == NULL) {
		mc_log_error("%s: %s: %s", source, path, strerror(errno));
		return MC_ERR_INVALID;
	}
	/* a little more than fits is enough to be told that it is too much */
	while (st == MC_OK && mc_buf_len(out) <= MC_MATRIX_BYTES_MAX &&
	       (len = fread(piece, 1, sizeof(piece), file)) > 0)
		st = mc_buf_append(out, piece, len);
	if (st == MC_OK && ferror(file)) {
		mc_log_error("%s: %s: cannot be read", source, path);
		st = MC_ERR_INVALID;
	}
	fclose(file);
	return st;
}

/* The NICs of a file are the wanted ones, as far as a list does not say otherwise. */
static enum mc_status
matrix_load(struct mc_topo *topo, const char *path, const char *source)
{
	char error[MC_MATRIX_ERROR_MAX];
	struct mc_buf text;
	enum mc_status st;

	mc_buf_init(&text);
	st = file_read(path, source, &text);
	if (st == MC_OK) {
		struct mc_str json = {(const char *)text.data, mc_buf_len(&text)};

		st = mc_matrix_parse(json, NULL, 0, &topo->matrix, error);
		if (st != MC_OK)
			mc_log_error("%s: %s: %s; give {\"cpu:0\":[[preferred NICs],[others]],...}",
				     source, path, error);
		if (st == MC_ERR_BAD_MESSAGE || st == MC_ERR_TOO_LARGE)
			st = MC_ERR_INVALID;
	}
	mc_buf_fini(&text);
	if (st != MC_OK)
		return st;
	for (uint32_t i = 0; i < topo->nics_count; i++) {
		bool named = false;

		for (uint32_t j = 0; j < topo->matrix->nics_count && !named; j++)
			named = strcmp(topo->matrix->nics[j], topo->nics[i].name) == 0;
		topo->nics[i].wanted &= named;
	}
	for (uint32_t j = 0; j < topo->matrix->nics_count; j++) {
		struct mc_str name = {topo->matrix->nics[j], strlen(topo->matrix->nics[j])};

		if (nic_find(topo, name) == NULL)
			return nic_missing(topo, name, source);
	}
	return MC_OK;
}

/* ---- our own ---- */

struct candidate {
	uint16_t nic;
	uint32_t distance;
};

/* Stable: of two as near, the one first by name. */
static int
candidate_order(const void *a, const void *b)
{
	const struct candidate *left = a, *right = b;

	if (left->distance != right->distance)
		return left->distance < right->distance ? -1 : 1;
	return left->nic - right->nic;
}

/*
 * The nearest are preferred, be they on another node. Those of which nobody knows where they are
 * come last, and are preferred nowhere.
 */
static enum mc_status
row_make(struct mc_topo *topo, int node, const int *nic_nodes, uint32_t count)
{
	struct candidate candidates[MC_RAILS_MAX];
	uint16_t nics[MC_RAILS_MAX];
	char location[MC_LOCATION_MAX];
	uint32_t preferred = 0;

	for (uint32_t i = 0; i < count; i++)
		candidates[i] = (struct candidate){
			(uint16_t)i, mc_topo_distance(topo, node, nic_nodes[i])};
	qsort(candidates, count, sizeof(candidates[0]), candidate_order);
	for (uint32_t i = 0; i < count; i++) {
		nics[i] = candidates[i].nic;
		preferred += candidates[i].distance == candidates[0].distance &&
			     candidates[i].distance != UINT32_MAX;
	}
	mc_location_write(node, location);
	return topo_matrix_add(topo->matrix, location, nics, count, preferred);
}

static enum mc_status
matrix_make(struct mc_topo *topo)
{
	const char *names[MC_RAILS_MAX] = {NULL};
	int nic_nodes[MC_RAILS_MAX];
	uint32_t count = 0;
	enum mc_status st;

	for (uint32_t i = 0; i < topo->nics_count; i++) {
		const struct mc_topo_nic *nic = &topo->nics[i];

		if (!nic->wanted || !nic->active)
			continue;
		if (count == MC_RAILS_MAX) {
			mc_log_warn("only the first %u of the active devices are used; name those "
				    "to use",
				    MC_RAILS_MAX);
			break;
		}
		names[count] = nic->name;
		nic_nodes[count++] = nic->node;
	}
	st = topo_matrix_create(names, count, &topo->matrix);
	/* without NICs there is nothing to say about locations */
	for (uint32_t i = 0; i < topo->nodes_count && count > 0 && st == MC_OK; i++)
		st = row_make(topo, topo->nodes[i].id, nic_nodes, count);
	return st == MC_OK ? topo_matrix_finish(topo->matrix) : st;
}

/* ---- both ---- */

/* Rails are numbered as they will be published, and as readers will understand it. */
static enum mc_status
rails_number(struct mc_topo *topo)
{
	bool keep[MC_RAILS_MAX] = {false};
	enum mc_status st;

	for (uint32_t i = 0; i < topo->matrix->nics_count; i++) {
		const char *name = topo->matrix->nics[i];
		const struct mc_topo_nic *nic =
			nic_find(topo, (struct mc_str){name, strlen(name)});

		keep[i] = nic->wanted && nic->active;
	}
	st = topo_matrix_arrange(&topo->matrix, keep);
	for (uint32_t i = 0; i < topo->matrix->nics_count && st == MC_OK; i++) {
		const char *name = topo->matrix->nics[i];
		struct mc_topo_nic *nic = nic_find(topo, (struct mc_str){name, strlen(name)});

		nic->rail = i;
		topo->rails[i] = (uint32_t)(nic - topo->nics);
	}
	return st;
}

/* What the caller gave, else the environment; *source_out says which, for messages. */
static const char *
setting(const char *given, const char *name, const char *variable, const char **source_out)
{
	const char *value = given != NULL ? given : getenv(variable);

	*source_out = given != NULL ? name : variable;
	return value != NULL ? value : "";
}

enum mc_status
topo_rails_choose(struct mc_topo *topo, const struct mc_topo_params *params)
{
	const char *source;
	const char *list = setting(params->devices, "devices", "MC_TE_FILTERS", &source);
	enum mc_status st = devices_apply(topo, list, source);
	const char *path;

	if (st != MC_OK)
		return st;
	path = setting(params->matrix_path, "matrix", "MC_CUSTOM_TOPO_JSON", &source);
	st = path[0] != '\0' ? matrix_load(topo, path, source) : matrix_make(topo);
	return st == MC_OK ? rails_number(topo) : st;
}
