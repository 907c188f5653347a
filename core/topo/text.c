/* SPDX-License-Identifier: Apache-2.0 */
/* The machine in a few lines. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/topo/private.h"

#define GIB (1024.0 * 1024.0 * 1024.0)

static enum mc_status
node_text(struct mc_buf *out, const struct mc_topo_node *node)
{
	enum mc_status st = mc_buf_printf(out, "node %d: ", node->id);

	if (st == MC_OK && node->cpus_count == 0)
		st = mc_buf_printf(out, "no CPUs");
	else if (st == MC_OK && node->cpus_allowed_count == node->cpus_count)
		st = mc_buf_printf(out, "CPUs %s", node->cpus);
	else if (st == MC_OK)
		st = mc_buf_printf(out, "CPUs %s (for this process: %s)", node->cpus,
				   node->cpus_allowed_count > 0 ? node->cpus_allowed : "none");
	if (st == MC_OK)
		st = mc_buf_printf(out, ", %.1f GiB, %.1f free%s", (double)node->memory_total / GIB,
				   (double)node->memory_free / GIB,
				   node->allowed ? "" : ", not for this process");
	for (uint32_t i = 0; i < node->huge_count && st == MC_OK; i++) {
		const struct mc_topo_hugepages *huge = &node->huge[i];

		if (huge->total > 0)
			st = mc_buf_printf(out, ", %" PRIu64 " of %" PRIu64
						" hugepages of %" PRIu64 " MiB free",
					   huge->free, huge->total, huge->page_size >> 20);
	}
	return st == MC_OK ? mc_buf_append(out, "\n", 1) : st;
}

static enum mc_status
nic_text(struct mc_buf *out, const struct mc_topo_nic *nic)
{
	char use[64], where[32] = "node unknown";

	if (nic->rail != MC_RAIL_NONE)
		snprintf(use, sizeof(use), "rail %u", nic->rail);
	else
		snprintf(use, sizeof(use), "not used: %s",
			 nic->active ? "not asked for" : "not active");
	if (nic->node != MC_NODE_UNKNOWN)
		snprintf(where, sizeof(where), "node %d", nic->node);
	return mc_buf_printf(out, "device %s port %u: %s, %s, %s, %s%s%s, %s\n", nic->name,
			     nic->port, nic->state, nic->link, nic->rate, where,
			     nic->netdev[0] != '\0' ? ", interface " : "", nic->netdev, use);
}

enum mc_status
topo_text_make(struct mc_topo *topo)
{
	enum mc_status st = MC_OK;
	struct mc_buf text;

	mc_buf_init(&text);
	for (uint32_t i = 0; i < topo->nodes_count && st == MC_OK; i++)
		st = node_text(&text, &topo->nodes[i]);
	for (uint32_t i = 0; i < topo->nics_count && st == MC_OK; i++)
		st = nic_text(&text, &topo->nics[i]);
	if (st == MC_OK && topo->nics_count == 0)
		st = mc_buf_printf(&text, "no RDMA devices\n");
	/* the last newline becomes the end; here, as strict checkers want a whole string to copy */
	if (st == MC_OK) {
		text.data[text.tail - 1] = '\0';
		topo->text = strdup((const char *)text.data);
	}
	mc_buf_fini(&text);
	return st == MC_OK && topo->text == NULL ? MC_ERR_NO_MEMORY : st;
}
