/* SPDX-License-Identifier: Apache-2.0 */
/* Are the ports free? Asked before anything starts, while every answer can still name a flag. */
#include <stdio.h>

#include "apps/cli/port_owner.h"
#include "apps/mc-master/config.h"

#define PROBES_MAX (3 + CONFIG_ABI_PORTS_MAX)

struct probe {
	const char *flag;
	const struct mc_net_addr *addr;
	int fd;
};

static const char *
held_by_us(const struct probe *probes, unsigned int count, uint16_t port)
{
	struct mc_net_addr local;

	for (unsigned int i = 0; i < count; i++) {
		if (probes[i].fd >= 0 && mc_net()->local(probes[i].fd, &local) == MC_OK &&
		    mc_net_addr_port(&local) == port)
			return probes[i].flag;
	}
	return NULL;
}

static void
in_use_report(struct mc_flags *flags, const struct probe *probes, unsigned int index)
{
	uint16_t port = mc_net_addr_port(probes[index].addr);
	const char *other = held_by_us(probes, index, port);
	char owner[96];

	if (other != NULL)
		mc_flags_complain(flags, NULL,
				  "-%s %u: address already in use (by -%s); choose "
				  "another port",
				  probes[index].flag, port, other);
	else
		mc_flags_complain(flags, NULL,
				  "-%s %u: address already in use (by %s); stop it or "
				  "choose another port",
				  probes[index].flag, port,
				  mc_port_owner(port, owner, sizeof(owner)));
}

static enum mc_status
probe_open(struct mc_flags *flags, struct probe *probes, unsigned int index)
{
	struct probe *probe = &probes[index];
	char text[MC_NET_ADDR_TEXT];
	enum mc_status st = mc_net()->listen(probe->addr, 1, &probe->fd);

	if (st == MC_OK)
		return MC_OK;
	probe->fd = -1;
	mc_net_addr_text(probe->addr, text);
	if (st == MC_ERR_ADDRESS_IN_USE)
		in_use_report(flags, probes, index);
	else if (st == MC_ERR_ADDRESS_INVALID)
		mc_flags_complain(flags, probe->flag,
				  "%s is no address of this host; give one that "
				  "\"ip address\" lists, or 0.0.0.0",
				  text);
	else
		mc_flags_complain(flags, probe->flag,
				  "cannot listen on %s: %s; choose another port", text,
				  mc_status_text(st));
	return st;
}

enum mc_status
config_ports_check(struct mc_flags *flags, const struct config *config)
{
	struct probe probes[PROBES_MAX];
	unsigned int count = 0;
	enum mc_status st = MC_OK;

	for (unsigned int i = 0; i < config->rpc_count; i++)
		probes[count++] = (struct probe){i == 0 ? config->rpc_flag : "abi_ports",
						 &config->rpc[i].addr, -1};
	probes[count++] = (struct probe){"metrics_port", &config->metrics, -1};
	if (config->metadata_on)
		probes[count++] =
			(struct probe){"http_metadata_server_port", &config->metadata, -1};
	for (unsigned int i = 0; i < count; i++) {
		enum mc_status probe_st = probe_open(flags, probes, i);

		st = st == MC_OK ? probe_st : st;
	}
	for (unsigned int i = 0; i < count; i++) {
		if (probes[i].fd >= 0)
			mc_net()->close(probes[i].fd);
	}
	return st;
}
