/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-bench/topo_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"

#define GIB (1024.0 * 1024.0 * 1024.0)

/* The text that a segment of this machine would publish. */
static enum mc_status
matrix_write(const struct mc_topo *topo, struct mc_buf *out)
{
	const char *names[MC_RAILS_MAX];
	uint32_t count = mc_topo_rails_count(topo);

	for (uint32_t i = 0; i < count; i++)
		names[i] = mc_topo_rail(topo, i)->name;
	return mc_matrix_write(mc_topo_matrix(topo), names, count, out);
}

/* ---- for people ---- */

/* "2M 5/16", "1G 0/4": sizes that have pages. */
static void
hugepages_text(const struct mc_topo_node *node, char *text, size_t size)
{
	size_t len = 0;

	snprintf(text, size, "none");
	for (uint32_t i = 0; i < node->huge_count && len < size; i++) {
		const struct mc_topo_hugepages *huge = &node->huge[i];
		bool large = huge->page_size >= 1ull << 30;

		if (huge->total > 0)
			len += (size_t)snprintf(text + len, size - len,
						"%s%" PRIu64 "%c %" PRIu64 "/%" PRIu64,
						len > 0 ? ", " : "",
						huge->page_size >> (large ? 30 : 20),
						large ? 'G' : 'M', huge->free, huge->total);
	}
}

static enum mc_status
node_row(const struct mc_topo *topo, const struct mc_topo_node *node, struct mc_buf *out)
{
	const char *allowed = node->cpus_allowed_count == node->cpus_count ? "all"
			      : node->cpus_allowed_count > 0		   ? node->cpus_allowed
									   : "none";
	char huge[128];
	enum mc_status st;

	hugepages_text(node, huge, sizeof(huge));
	st = mc_buf_printf(out, "%4d  %-15s %-15s %7.1f GiB %7.1f GiB  %-19s ", node->id,
			   node->cpus_count > 0 ? node->cpus : "-",
			   node->cpus_count > 0 ? allowed : "-", (double)node->memory_total / GIB,
			   (double)node->memory_free / GIB, huge);
	for (uint32_t i = 0; i < mc_topo_nodes_count(topo) && st == MC_OK; i++)
		st = mc_buf_printf(out, " %u",
				   mc_topo_distance(topo, node->id, mc_topo_node(topo, i)->id));
	return st == MC_OK ? mc_buf_printf(out, "%s\n", node->allowed ? "" : "  (not allowed)")
			   : st;
}

static enum mc_status
nic_row(const struct mc_topo_nic *nic, struct mc_buf *out)
{
	char node[16] = "-", rail[32];

	if (nic->node != MC_NODE_UNKNOWN)
		snprintf(node, sizeof(node), "%d", nic->node);
	if (nic->rail != MC_RAIL_NONE)
		snprintf(rail, sizeof(rail), "%u", nic->rail);
	else
		snprintf(rail, sizeof(rail), "%s", nic->active ? "not asked for" : "not active");
	return mc_buf_printf(out, "%-10s %4u  %-8s %-10s %-22s %-10s %-12s %4s  %s\n", nic->name,
			     nic->port, nic->state, nic->link, nic->rate,
			     nic->netdev[0] != '\0' ? nic->netdev : "-",
			     nic->pci[0] != '\0' ? nic->pci : "-", node, rail);
}

enum mc_status
topo_table_write(const struct mc_topo *topo, struct mc_buf *out)
{
	enum mc_status st = mc_buf_printf(out, "%4s  %-15s %-15s %11s %11s  %-19s  %s\n", "node",
					  "CPUs", "allowed", "memory", "free", "hugepages free/all",
					  "distances");
	uint32_t nics = mc_topo_nics_count(topo);

	for (uint32_t i = 0; i < mc_topo_nodes_count(topo) && st == MC_OK; i++)
		st = node_row(topo, mc_topo_node(topo, i), out);
	if (st == MC_OK && nics == 0)
		return mc_buf_printf(out, "\nno RDMA devices: transfers use shm and tcp\n");
	if (st == MC_OK)
		st = mc_buf_printf(out, "\n%-10s %4s  %-8s %-10s %-22s %-10s %-12s %4s  %s\n",
				   "NIC", "port", "state", "link", "rate", "interface", "PCI",
				   "node", "rail");
	for (uint32_t i = 0; i < nics && st == MC_OK; i++)
		st = nic_row(mc_topo_nic(topo, i), out);
	if (st == MC_OK)
		st = mc_buf_printf(out, "\npriority_matrix ");
	if (st == MC_OK)
		st = matrix_write(topo, out);
	return st == MC_OK ? mc_buf_append(out, "\n", 1) : st;
}

/* ---- for programs ---- */

/* ,"name":"text" */
static enum mc_status
member_write(struct mc_buf *out, const char *name, const char *text)
{
	enum mc_status st = mc_buf_printf(out, ",\"%s\":", name);

	return st == MC_OK ? mc_json_str(out, (struct mc_str){text, strlen(text)}) : st;
}

static enum mc_status
node_json(const struct mc_topo *topo, const struct mc_topo_node *node, struct mc_buf *out)
{
	enum mc_status st = mc_buf_printf(
		out,
		"{\"node\":%d,\"allowed\":%s,\"cpus\":\"%s\",\"cpus_allowed\":\"%s\","
		"\"memory_bytes\":%" PRIu64 ",\"memory_free_bytes\":%" PRIu64 ",\"hugepages\":[",
		node->id, node->allowed ? "true" : "false", node->cpus, node->cpus_allowed,
		node->memory_total, node->memory_free);

	for (uint32_t i = 0; i < node->huge_count && st == MC_OK; i++) {
		const struct mc_topo_hugepages *huge = &node->huge[i];

		st = mc_buf_printf(out,
				   "%s{\"page_size\":%" PRIu64 ",\"total\":%" PRIu64
				   ",\"free\":%" PRIu64 "}",
				   i > 0 ? "," : "", huge->page_size, huge->total, huge->free);
	}
	if (st == MC_OK)
		st = mc_buf_printf(out, "],\"distances\":[");
	for (uint32_t i = 0; i < mc_topo_nodes_count(topo) && st == MC_OK; i++)
		st = mc_buf_printf(out, "%s%u", i > 0 ? "," : "",
				   mc_topo_distance(topo, node->id, mc_topo_node(topo, i)->id));
	return st == MC_OK ? mc_buf_printf(out, "]}") : st;
}

static enum mc_status
nic_json(const struct mc_topo_nic *nic, struct mc_buf *out)
{
	enum mc_status st = mc_buf_printf(out, "{\"port\":%u", nic->port);
	char number[16];

	if (st == MC_OK)
		st = member_write(out, "name", nic->name);
	if (st == MC_OK)
		st = member_write(out, "state", nic->state);
	if (st == MC_OK)
		st = member_write(out, "link_layer", nic->link);
	if (st == MC_OK)
		st = member_write(out, "rate", nic->rate);
	if (st == MC_OK)
		st = member_write(out, "netdev", nic->netdev);
	if (st == MC_OK)
		st = member_write(out, "pci", nic->pci);
	snprintf(number, sizeof(number), "%d", nic->node);
	if (st == MC_OK)
		st = mc_buf_printf(out, ",\"node\":%s",
				   nic->node != MC_NODE_UNKNOWN ? number : "null");
	snprintf(number, sizeof(number), "%u", nic->rail);
	if (st == MC_OK)
		st = mc_buf_printf(out, ",\"rail\":%s",
				   nic->rail != MC_RAIL_NONE ? number : "null");
	return st == MC_OK ? mc_buf_append(out, "}", 1) : st;
}

enum mc_status
topo_json_write(const struct mc_topo *topo, struct mc_buf *out)
{
	enum mc_status st = mc_buf_printf(out, "{\"bench\":\"topo\",\"nodes\":[");

	for (uint32_t i = 0; i < mc_topo_nodes_count(topo) && st == MC_OK; i++) {
		st = mc_buf_printf(out, "%s", i > 0 ? "," : "");
		if (st == MC_OK)
			st = node_json(topo, mc_topo_node(topo, i), out);
	}
	if (st == MC_OK)
		st = mc_buf_printf(out, "],\"nics\":[");
	for (uint32_t i = 0; i < mc_topo_nics_count(topo) && st == MC_OK; i++) {
		st = mc_buf_printf(out, "%s", i > 0 ? "," : "");
		if (st == MC_OK)
			st = nic_json(mc_topo_nic(topo, i), out);
	}
	if (st == MC_OK)
		st = mc_buf_printf(out, "],\"priority_matrix\":");
	if (st == MC_OK)
		st = matrix_write(topo, out);
	return st == MC_OK ? mc_buf_printf(out, "}\n") : st;
}
