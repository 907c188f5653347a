/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RDMA devices, as sysfs has them. Soft-RoCE (rxe) and soft-iWARP (siw) devices have no PCI device:
 * they are where the network interface is that they run over, if that is anywhere.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/topo/private.h"
#include "mc/log.h"

#define GIDS_LOOKED_AT 16u	/* the first few name the interface, if any does */
#define PORT_MAX 255u

/* ---- where ---- */

/* The node of a device directory, or of the nearest above it that has one. */
static int
device_node(const char *root, const char *device)
{
	char base[PATH_MAX], path[PATH_MAX];
	char *slash;

	if ((size_t)snprintf(base, sizeof(base), "%s/sys/devices", root) >= sizeof(base) ||
	    realpath(base, path) == NULL)
		return MC_NODE_UNKNOWN;
	memcpy(base, path, sizeof(base));
	if (realpath(device, path) == NULL)
		return MC_NODE_UNKNOWN;
	while (strncmp(path, base, strlen(base)) == 0 && path[strlen(base)] == '/') {
		int64_t node = topo_number_read(MC_NODE_UNKNOWN, "%s/numa_node", path);

		if (node >= 0 && node <= TOPO_NODE_ID_MAX)
			return (int)node;
		slash = strrchr(path, '/');
		*slash = '\0';
	}
	return MC_NODE_UNKNOWN;
}

/*
 * The device's own word goes first; hwloc may know more where the firmware is silent, from the CPUs
 * near to it or from the user (HWLOC_PCI_LOCALITY).
 */
static int
nic_node(const char *root, struct hwloc_topology *hardware, const struct mc_topo_nic *nic)
{
	char path[PATH_MAX];
	int node;

	snprintf(path, sizeof(path), "%s/sys/class/infiniband/%s/device", root, nic->name);
	node = device_node(root, path);
	if (node == MC_NODE_UNKNOWN)
		node = topo_hardware_nic_node(hardware, nic->name);
	if (node != MC_NODE_UNKNOWN || nic->netdev[0] == '\0')
		return node;
	snprintf(path, sizeof(path), "%s/sys/class/net/%s/device", root, nic->netdev);
	return device_node(root, path);
}

/* "0000:3b:00.0", or "" for what is no PCI device. */
static void
nic_pci(const char *root, struct mc_topo_nic *nic)
{
	char path[PATH_MAX], real[PATH_MAX];
	unsigned int domain, bus, slot, function;
	const char *base;
	int end = 0;

	snprintf(path, sizeof(path), "%s/sys/class/infiniband/%s/device", root, nic->name);
	base = realpath(path, real) != NULL ? strrchr(real, '/') : NULL;
	if (base != NULL &&
	    sscanf(base, "/%x:%x:%x.%x%n", &domain, &bus, &slot, &function, &end) == 4 &&
	    base[end] == '\0' && (size_t)end <= sizeof(nic->pci))
		strcpy(nic->pci, base + 1);
}

static bool
netdev_take(struct mc_topo_nic *nic, const char *name)
{
	if (name[0] == '\0' || strlen(name) >= sizeof(nic->netdev))
		return false;
	strcpy(nic->netdev, name);
	return true;
}

static void
nic_netdev(const char *root, struct mc_topo_nic *nic)
{
	char line[64], **names;
	int count;

	for (unsigned int gid = 0; gid < GIDS_LOOKED_AT; gid++) {
		if (topo_line_read(line, sizeof(line),
				   "%s/sys/class/infiniband/%s/ports/%u/gid_attrs/ndevs/%u", root,
				   nic->name, nic->port, gid) &&
		    netdev_take(nic, line))
			return;
	}
	if (topo_line_read(line, sizeof(line), "%s/sys/class/infiniband/%s/parent", root,
			   nic->name) &&
	    netdev_take(nic, line))
		return;
	count = topo_names_read(&names, "%s/sys/class/infiniband/%s/device/net", root, nic->name);
	for (int i = 0; i < count && !netdev_take(nic, names[i]); i++)
		;
	topo_names_free(names, count);
}

/* ---- ports ---- */

/* "4: ACTIVE" */
static void
port_state(const char *root, const char *name, uint32_t port, char *state_out, size_t size)
{
	char line[64];
	const char *colon = NULL;

	if (topo_line_read(line, sizeof(line), "%s/sys/class/infiniband/%s/ports/%u/state", root,
			   name, port))
		colon = strstr(line, ": ");
	snprintf(state_out, size, "%.15s", colon != NULL ? colon + 2 : "unknown");
}

/* MC_IB_PORT; 0: not given. */
static uint32_t
port_wanted(void)
{
	const char *text = getenv("MC_IB_PORT");
	unsigned long port;
	char *end;

	if (text == NULL || text[0] == '\0')
		return 0;
	port = strtoul(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && port >= 1 && port <= PORT_MAX)
		return (uint32_t)port;
	mc_log_warn("MC_IB_PORT=%s is no port and is ignored; give 1 to %u", text, PORT_MAX);
	return 0;
}

static void
nic_port(const char *root, struct mc_topo_nic *nic, uint32_t wanted)
{
	char **names, state[sizeof(nic->state)];
	int count = 0;

	nic->port = wanted;
	if (wanted == 0)
		count = topo_names_read(&names, "%s/sys/class/infiniband/%s/ports", root,
					nic->name);
	for (int i = 0; i < count; i++) {
		unsigned long port = strtoul(names[i], NULL, 10);

		if (port == 0 || port > PORT_MAX)
			continue;
		port_state(root, nic->name, (uint32_t)port, state, sizeof(state));
		if (nic->port == 0 || strcmp(state, "ACTIVE") == 0)
			nic->port = (uint32_t)port;
		if (strcmp(state, "ACTIVE") == 0)
			break;
	}
	if (wanted == 0)
		topo_names_free(names, count);
	port_state(root, nic->name, nic->port, nic->state, sizeof(nic->state));
	nic->active = strcmp(nic->state, "ACTIVE") == 0;
}

static void
port_text(const char *root, const struct mc_topo_nic *nic, const char *file, char *text_out,
	  size_t size)
{
	if (!topo_line_read(text_out, size, "%s/sys/class/infiniband/%s/ports/%u/%s", root,
			    nic->name, nic->port, file))
		snprintf(text_out, size, "unknown");
}

/* ---- all ---- */

enum mc_status
topo_nics_read(const char *root, struct hwloc_topology *hardware, struct mc_topo *topo)
{
	uint32_t port = port_wanted();
	char **names;
	int count = topo_names_read(&names, "%s/sys/class/infiniband", root);

	topo->nics = calloc(count > 0 ? (size_t)count : 1, sizeof(*topo->nics));
	for (int i = 0; i < count && topo->nics != NULL; i++) {
		struct mc_topo_nic *nic = &topo->nics[topo->nics_count];

		if (strlen(names[i]) >= sizeof(nic->name))
			continue;
		topo->nics_count++;
		strcpy(nic->name, names[i]);
		nic->rail = MC_RAIL_NONE;
		nic_port(root, nic, port);
		port_text(root, nic, "link_layer", nic->link, sizeof(nic->link));
		port_text(root, nic, "rate", nic->rate, sizeof(nic->rate));
		nic_netdev(root, nic);
		nic_pci(root, nic);
		nic->node = nic_node(root, hardware, nic);
	}
	topo_names_free(names, count);
	return topo->nics != NULL ? MC_OK : MC_ERR_NO_MEMORY;
}
