/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds a TCP port, for the message of a refused start. Reads /proc; may block for a moment. */
#ifndef MC_APPS_CLI_PORT_OWNER_H
#define MC_APPS_CLI_PORT_OWNER_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes "pid 123 mooncake_master" to @buf. Best effort: "another process" when the owner cannot be
 * seen, as with other users' processes or network namespaces. Returns @buf.
 */
char *mc_port_owner(uint16_t port, char *buf, size_t len);

#endif
