/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/assert.h"
#include "core/topo/private.h"
#include "mc/log.h"

/* ---- making ---- */

static enum mc_status
topo_fill(struct mc_topo *topo, const struct mc_topo_params *params, const char *root)
{
	struct hwloc_topology *hardware;
	enum mc_status st = topo_hardware_open(root, &hardware);

	if (st != MC_OK)
		return st;
	st = topo_hardware_read(hardware, root, topo);
	if (st == MC_OK)
		st = topo_nics_read(root, hardware, topo);
	topo_hardware_close(hardware);
	if (st != MC_OK)
		return st;
	topo_memory_read(root, topo);
	st = topo_rails_choose(topo, params);
	return st == MC_OK ? topo_text_make(topo) : st;
}

enum mc_status
mc_topo_open(const struct mc_topo_params *params, struct mc_topo **topo_out)
{
	struct mc_topo *topo;
	enum mc_status st;
	char root[PATH_MAX] = "";

	mc_assert(params->size == sizeof(*params));
	if (params->root != NULL && realpath(params->root, root) == NULL) {
		mc_log_error("there is no directory %s", params->root);
		return MC_ERR_NOT_FOUND;
	}
	/* what "/" stands for is this machine, with the affinity of this process */
	if (strcmp(root, "/") == 0)
		root[0] = '\0';
	topo = calloc(1, sizeof(*topo));
	if (topo == NULL)
		return MC_ERR_NO_MEMORY;
	st = topo_fill(topo, params, root);
	if (st != MC_OK) {
		mc_topo_close(topo);
		return st;
	}
	*topo_out = topo;
	return MC_OK;
}

void
mc_topo_close(struct mc_topo *topo)
{
	if (topo == NULL)
		return;
	for (uint32_t i = 0; i < topo->nodes_count; i++) {
		free((char *)topo->nodes[i].cpus);
		free((char *)topo->nodes[i].cpus_allowed);
	}
	free(topo->nodes);
	free(topo->cpu_nodes);
	free(topo->distances);
	free(topo->nics);
	mc_matrix_free(topo->matrix);
	free(topo->text);
	free(topo);
}

/* ---- asking ---- */

const char *
mc_topo_text(const struct mc_topo *topo)
{
	return topo->text;
}

uint32_t
mc_topo_nodes_count(const struct mc_topo *topo)
{
	return topo->nodes_count;
}

const struct mc_topo_node *
mc_topo_node(const struct mc_topo *topo, uint32_t index)
{
	mc_assert(index < topo->nodes_count);
	return &topo->nodes[index];
}

int
mc_topo_cpu_node(const struct mc_topo *topo, int cpu)
{
	return cpu >= 0 && (uint32_t)cpu < topo->cpus_count ? topo->cpu_nodes[cpu]
							    : MC_NODE_UNKNOWN;
}

static uint32_t
node_index(const struct mc_topo *topo, int node)
{
	uint32_t i = 0;

	while (i < topo->nodes_count && topo->nodes[i].id != node)
		i++;
	return i;
}

uint32_t
mc_topo_distance(const struct mc_topo *topo, int from, int to)
{
	uint32_t row = node_index(topo, from), column = node_index(topo, to);

	/* with one node there is but one place to be */
	if (topo->nodes_count == 1)
		return topo->distances[0];
	if (row == topo->nodes_count || column == topo->nodes_count)
		return UINT32_MAX;
	return topo->distances[row * topo->nodes_count + column];
}

uint32_t
mc_topo_nics_count(const struct mc_topo *topo)
{
	return topo->nics_count;
}

const struct mc_topo_nic *
mc_topo_nic(const struct mc_topo *topo, uint32_t index)
{
	mc_assert(index < topo->nics_count);
	return &topo->nics[index];
}

uint32_t
mc_topo_rails_count(const struct mc_topo *topo)
{
	return topo->matrix->nics_count;
}

const struct mc_topo_nic *
mc_topo_rail(const struct mc_topo *topo, uint32_t rail)
{
	mc_assert(rail < topo->matrix->nics_count);
	return &topo->nics[topo->rails[rail]];
}

const struct mc_matrix *
mc_topo_matrix(const struct mc_topo *topo)
{
	return topo->matrix;
}

/* ---- which for which ---- */

uint32_t
mc_topo_rails_for(const struct mc_topo *topo, int node, uint32_t *rails_out)
{
	const struct mc_matrix_row *row = mc_matrix_find_node(topo->matrix, node);

	for (uint32_t i = 0; i < row->nics_count; i++)
		rails_out[i] = row->nics[i];
	return row->preferred_count > 0 ? row->preferred_count : row->nics_count;
}

uint32_t
mc_topo_lcores_for(const struct mc_topo *topo, int node, const int *cpus, uint32_t count,
		   uint32_t *lcores_out)
{
	uint32_t nearest = 0;

	/* inserted in order, so that of two as near the first remains the first */
	for (uint32_t i = 0; i < count; i++) {
		uint32_t distance = mc_topo_distance(topo, node, mc_topo_cpu_node(topo, cpus[i]));
		uint32_t at = i;

		while (at > 0 && mc_topo_distance(topo, node,
						  mc_topo_cpu_node(topo,
								   cpus[lcores_out[at - 1]])) >
					 distance) {
			lcores_out[at] = lcores_out[at - 1];
			at--;
		}
		lcores_out[at] = i;
	}
	for (uint32_t i = 0; i < count; i++) {
		int first = mc_topo_cpu_node(topo, cpus[lcores_out[0]]);

		nearest += mc_topo_distance(topo, node, mc_topo_cpu_node(topo, cpus[i])) ==
			   mc_topo_distance(topo, node, first);
	}
	return nearest;
}
