/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/mc-master/announce.h"

#include <stdio.h>
#include <string.h>

#include "mc/log.h"
#include "mc/version.h"

/* @addr with the port that the kernel chose in place of 0. */
static char *
bound_text(const struct mc_net_addr *addr, uint16_t port, char *buf)
{
	struct mc_net_addr bound;
	char host[MC_NET_ADDR_TEXT];

	if (mc_net_addr_parse(mc_net_addr_host(addr, host), port, &bound) != MC_OK)
		return mc_net_addr_text(addr, buf);
	return mc_net_addr_text(&bound, buf);
}

static void
rpc_announce(const struct announcement *what, unsigned int index)
{
	const struct mc_rpc_listen *listen = &what->config->rpc[index];
	char text[MC_NET_ADDR_TEXT];
	unsigned int release = 0;

	bound_text(&listen->addr, mc_rpc_server_port(what->server, index), text);
	if (index == 0) {
		mc_log_info("rpc on %s, all releases", text);
		return;
	}
	while (!(listen->releases & MC_RELEASE_BIT(release)))
		release++;
	mc_log_info("rpc on %s, release %s only", text, mc_release_name((enum mc_release)release));
}

static void
cores_announce(const struct announcement *what)
{
	const struct mc_eal_params *eal = &what->config->eal;
	char line[512];
	size_t len = 0;

	for (unsigned int i = 0; i < what->lcores && len < sizeof(line) - 32; i++)
		len += (size_t)snprintf(line + len, sizeof(line) - len, "%s%u on CPU %d",
					i > 0 ? ", " : "", i, mc_eal_lcore_cpu(i));
	if (eal->idle == MC_IDLE_BUSY)
		mc_log_info("lcores %s; never sleeping; objects on lcore 0", line);
	else
		mc_log_info("lcores %s; sleeping after %llu us without work; objects on lcore 0",
			    line, (unsigned long long)(eal->spin_ns / 1000));
}

void
announce(const struct announcement *what)
{
	char text[MC_NET_ADDR_TEXT];

	mc_log_info("Mooncore %s, cluster %s", VERSION_TEXT, what->config->cluster_id);
	cores_announce(what);
	mc_log_info("memory: %s", mc_eal_memory_text());
	for (unsigned int i = 0; i < what->config->rpc_count; i++)
		rpc_announce(what, i);
	mc_log_info("metrics and admin on http://%s/",
		    bound_text(&what->config->metrics, mc_admin_port(what->admin), text));
	if (what->meta != NULL)
		mc_log_info("metadata on http://%s/metadata",
			    bound_text(&what->config->metadata, mc_meta_port(what->meta), text));
	mc_log_info("serving");
}
