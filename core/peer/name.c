/* SPDX-License-Identifier: Apache-2.0 */
/* Segment names as upstream reads them: a host and perhaps a port. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/peer/private.h"
#include "mc/log.h"

#define PORT_MIN_DEFAULT 15000u
#define PORT_MAX_DEFAULT 17000u

uint32_t
peer_env(const char *name, uint32_t fallback, uint32_t min, uint32_t max)
{
	const char *text = getenv(name);
	char *end;
	unsigned long long value;

	if (text == NULL || *text == '\0')
		return fallback;
	value = strtoull(text, &end, 10);
	if (*end == '\0' && *text >= '0' && *text <= '9' && value >= min && value <= max)
		return (uint32_t)value;
	mc_log_warn("%s=%.64s is not a number from %u to %u; %u is used", name, text, min, max,
		    fallback);
	return fallback;
}

/* True, and the port, for "1" to "65535". */
static bool
port_parse(const char *text, uint16_t *port_out)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || value == 0 || value > UINT16_MAX)
		return false;
	*port_out = (uint16_t)value;
	return true;
}

static enum mc_status
host_set(struct peer_name *name, const char *host, size_t length)
{
	if (length == 0 || length >= sizeof(name->host))
		return MC_ERR_ADDRESS_INVALID;
	memcpy(name->host, host, length);
	name->host[length] = '\0';
	return MC_OK;
}

/* "v6" without brackets, whatever scope it has. */
static bool
is_v6(const char *text)
{
	char bare[INET6_ADDRSTRLEN + 1];
	size_t length = strcspn(text, "%");
	struct in6_addr addr;

	if (length >= sizeof(bare))
		return false;
	memcpy(bare, text, length);
	bare[length] = '\0';
	return inet_pton(AF_INET6, bare, &addr) == 1;
}

static enum mc_status
bracketed_parse(const char *text, struct peer_name *name)
{
	const char *close = strchr(text, ']');

	name->v6 = true;
	if (close == NULL)
		return MC_ERR_ADDRESS_INVALID;
	if (close[1] == ':')
		port_parse(close + 2, &name->port);
	return host_set(name, text + 1, (size_t)(close - text - 1));
}

enum mc_status
peer_name_parse(const char *text, struct peer_name *name_out)
{
	struct peer_name name = {0};
	const char *colon = strrchr(text, ':');
	enum mc_status st;

	if (text[0] == '[') {
		st = bracketed_parse(text, &name);
	} else if (colon != NULL && strchr(text, '%') != NULL && is_v6(text)) {
		/* the port of an address with a scope comes behind the scope */
		name.v6 = true;
		colon = strchr(strchr(text, '%'), ':');
		if (colon != NULL)
			port_parse(colon + 1, &name.port);
		st = host_set(&name, text,
			      colon != NULL ? (size_t)(colon - text) : strlen(text));
	} else if (is_v6(text)) {
		name.v6 = true;
		st = host_set(&name, text, strlen(text));
	} else {
		if (colon != NULL)
			port_parse(colon + 1, &name.port);
		st = host_set(&name, text,
			      colon != NULL ? (size_t)(colon - text) : strlen(text));
	}
	if (st != MC_OK)
		return st;
	if (name.port == 0)
		name.port = (uint16_t)peer_env("MC_HANDSHAKE_PORT", PEER_PORT_DEFAULT, 1,
					       UINT16_MAX);
	*name_out = name;
	return MC_OK;
}

void
peer_name_text(const struct peer_name *name, char *buf)
{
	snprintf(buf, PEER_NAME_MAX, name->v6 ? "[%s]:%u" : "%s:%u", name->host, name->port);
}

static bool
port_usable(uint32_t port)
{
	/* not privileged, and not of the range that the kernel gives out by itself */
	return port >= 1024 && port <= UINT16_MAX && (port < 32768 || port > 60999);
}

static uint32_t
port_env(const char *name, const char *old, uint32_t fallback)
{
	return getenv(name) != NULL ? peer_env(name, fallback, 0, UINT32_MAX - 1)
				    : peer_env(old, fallback, 0, UINT32_MAX - 1);
}

struct peer_ports
peer_ports_choose(void)
{
	uint32_t min = port_env("MC_MIN_RPC_PORT", "MC_MIN_PRC_PORT", PORT_MIN_DEFAULT);
	uint32_t max = port_env("MC_MAX_RPC_PORT", "MC_MAX_PRC_PORT", PORT_MAX_DEFAULT);

	if (port_usable(min) && port_usable(max) && min <= max)
		return (struct peer_ports){(uint16_t)min, (uint16_t)max};
	mc_log_warn("MC_MIN_RPC_PORT=%u, MC_MAX_RPC_PORT=%u: ports are from 1024 to 32767 or 61000 "
		    "to 65535, the smaller one first; %u to %u are used", min, max,
		    PORT_MIN_DEFAULT, PORT_MAX_DEFAULT);
	return (struct peer_ports){PORT_MIN_DEFAULT, PORT_MAX_DEFAULT};
}
