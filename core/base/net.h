/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets, behind a seam: rpc and peer reach the network through this table only, so that a
 * simulation can put another one in its place. All descriptors are non-blocking and close-on-exec,
 * writes never raise SIGPIPE. errno becomes a status here.
 */
#ifndef MC_CORE_BASE_NET_H
#define MC_CORE_BASE_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "mc/status.h"

struct mc_net_addr {
	struct sockaddr_storage storage;
	socklen_t len;
};

#define MC_NET_ADDR_TEXT 64	/* "[v6]:port" and the terminator */

struct mc_net_ops {
	/* port 0: the kernel's choice, see mc_net_local() */
	enum mc_status (*listen)(const struct mc_net_addr *addr, int backlog, int *fd_out);
	enum mc_status (*accept)(int fd, int *fd_out, struct mc_net_addr *peer_out);
	/* Begins to connect; done when the descriptor is writable, then ask connect_result. */
	enum mc_status (*connect)(const struct mc_net_addr *addr, int *fd_out);
	enum mc_status (*connect_result)(int fd);
	/* MC_AGAIN: nothing to read now. MC_ERR_CONN_CLOSED: end of stream. */
	enum mc_status (*recv)(int fd, void *buf, size_t len, size_t *got_out);
	/* MC_AGAIN: the socket takes nothing now. May take less than given. */
	enum mc_status (*send)(int fd, const struct iovec *iov, int iov_count, size_t *sent_out);
	enum mc_status (*nodelay)(int fd, bool on);
	enum mc_status (*local)(int fd, struct mc_net_addr *addr_out);
	/* No more is sent: the peer reads the end of the stream. Receiving goes on. */
	enum mc_status (*finish)(int fd);
	void (*close)(int fd);
};

/* The table in use; mc_net_ops_set(NULL) brings the system's sockets back. */
const struct mc_net_ops *mc_net(void);
void mc_net_ops_set(const struct mc_net_ops *ops);

/*
 * "0.0.0.0", "::", "10.0.0.1" (numeric only: no name service) and a port. MC_ERR_ADDRESS_INVALID
 * otherwise.
 */
enum mc_status mc_net_addr_parse(const char *host, uint16_t port, struct mc_net_addr *addr_out);
/* "host:port" or "[v6]:port"; host may be a name: looks it up, blocks. */
enum mc_status mc_net_addr_resolve(const char *host_port, struct mc_net_addr *addr_out);
/*
 * The addresses of @host, a name or numeric, as the name service orders them, at most @max; blocks.
 * MC_ERR_ADDRESS_INVALID: there is none.
 */
enum mc_status mc_net_host_resolve(const char *host, uint16_t port, struct mc_net_addr *addrs,
				   uint32_t max, uint32_t *count_out);
uint16_t mc_net_addr_port(const struct mc_net_addr *addr);
/* The address without its port, as text; buf of MC_NET_ADDR_TEXT bytes. Returns buf. */
char *mc_net_addr_host(const struct mc_net_addr *addr, char *buf);
char *mc_net_addr_text(const struct mc_net_addr *addr, char *buf);
/* Of this host, and reached from it alone: 127.0.0.0/8, ::1, and the former written as IPv6. */
bool mc_net_addr_loopback(const struct mc_net_addr *addr);
/* The address of the first interface but the loopback that is up and running. MC_ERR_NOT_FOUND. */
enum mc_status mc_net_first_addr(bool v6, struct mc_net_addr *addr_out);
/* First IPv4 address of network interface @name. MC_ERR_NOT_FOUND. */
enum mc_status mc_net_interface_addr(const char *name, uint16_t port, struct mc_net_addr *addr_out);

#endif
