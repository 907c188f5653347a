/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Are the ports free? Asked before anything starts, while every answer can still name a flag. Only
 * bound, never listened on: nobody must take a connection to the question for a master that serves.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apps/cli/port_owner.h"
#include "apps/mc-master/config.h"

#define PORTS_MAX (3 + CONFIG_ABI_PORTS_MAX)

struct port {
	const char *flag;
	const struct mc_net_addr *addr;
};

/* 0 or an errno, with the options that core/base/net.c will listen with. */
static int
bind_try(const struct mc_net_addr *addr)
{
	int fd = socket(addr->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1, off = 0;
	int error = 0;

	if (fd < 0)
		return errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (addr->storage.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, (const struct sockaddr *)&addr->storage, addr->len) != 0)
		error = errno;
	close(fd);
	return error;
}

static bool
overlap(const struct mc_net_addr *a, const struct mc_net_addr *b)
{
	static const char *const all[] = {"0.0.0.0", "::"};
	char a_host[MC_NET_ADDR_TEXT], b_host[MC_NET_ADDR_TEXT];

	if (mc_net_addr_port(a) == 0 || mc_net_addr_port(a) != mc_net_addr_port(b))
		return false;
	mc_net_addr_host(a, a_host);
	mc_net_addr_host(b, b_host);
	for (size_t i = 0; i < 2; i++) {
		if (strcmp(a_host, all[i]) == 0 || strcmp(b_host, all[i]) == 0)
			return true;
	}
	return strcmp(a_host, b_host) == 0;
}

static void
in_use_report(struct mc_flags *flags, const struct port *port)
{
	uint16_t number = mc_net_addr_port(port->addr);
	char owner[96];

	mc_flags_complain(flags, NULL,
			  "-%s %u: address already in use (by %s); stop it or choose another port",
			  port->flag, number, mc_port_owner(number, owner, sizeof(owner)));
}

static enum mc_status
port_check(struct mc_flags *flags, const struct port *ports, unsigned int index)
{
	const struct port *port = &ports[index];
	char text[MC_NET_ADDR_TEXT];
	int error;

	for (unsigned int i = 0; i < index; i++) {
		if (!overlap(ports[i].addr, port->addr))
			continue;
		mc_flags_complain(flags, NULL,
				  "-%s %u: address already in use (by -%s); choose another port",
				  port->flag, mc_net_addr_port(port->addr), ports[i].flag);
		return MC_ERR_ADDRESS_IN_USE;
	}
	error = bind_try(port->addr);
	mc_net_addr_text(port->addr, text);
	if (error == 0)
		return MC_OK;
	if (error == EADDRINUSE)
		in_use_report(flags, port);
	else if (error == EADDRNOTAVAIL)
		mc_flags_complain(flags, port->flag,
				  "%s is no address of this host; give one that \"ip address\" "
				  "lists, or 0.0.0.0",
				  text);
	else
		mc_flags_complain(flags, port->flag,
				  "cannot listen on %s: %s; choose another port", text,
				  strerror(error));
	return MC_ERR_ADDRESS_INVALID;
}

enum mc_status
config_ports_check(struct mc_flags *flags, const struct config *config)
{
	struct port ports[PORTS_MAX];
	unsigned int count = 0;
	enum mc_status result = MC_OK;

	for (unsigned int i = 0; i < config->rpc_count; i++)
		ports[count++] = (struct port){i == 0 ? config->rpc_flag : "abi_ports",
					       &config->rpc[i].addr};
	ports[count++] = (struct port){"metrics_port", &config->metrics};
	if (config->metadata_on)
		ports[count++] = (struct port){"http_metadata_server_port", &config->metadata};
	for (unsigned int i = 0; i < count; i++) {
		enum mc_status st = port_check(flags, ports, i);

		result = result == MC_OK ? st : result;
	}
	return result;
}
