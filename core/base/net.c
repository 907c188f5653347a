/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum mc_status
errno_status(int error)
{
	switch (error) {
	case EAGAIN:
	case EINTR:
	case EINPROGRESS:
		return MC_AGAIN;
	case EADDRINUSE:
		return MC_ERR_ADDRESS_IN_USE;
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		return MC_ERR_ADDRESS_INVALID;
	case EACCES:
	case EPERM:
		return MC_ERR_PERMISSION;
	case ECONNREFUSED:
		return MC_ERR_CONN_REFUSED;
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
	case ENOTCONN:
		return MC_ERR_CONN_CLOSED;
	case ETIMEDOUT:
		return MC_ERR_TIMEOUT;
	case ENETUNREACH:
	case EHOSTUNREACH:
		return MC_ERR_UNREACHABLE;
	case ENOMEM:
	case ENOBUFS:
	case EMFILE:
	case ENFILE:
		return MC_ERR_NO_MEMORY;
	default:
		return MC_ERR_IO;
	}
}

static enum mc_status
system_listen(const struct mc_net_addr *addr, int backlog, int *fd_out)
{
	int fd = socket(addr->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, off = 0;
	int error;

	if (fd < 0)
		return errno_status(errno);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* "::" takes IPv4 as well */
	if (addr->storage.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, (const struct sockaddr *)&addr->storage, addr->len) != 0 ||
	    listen(fd, backlog) != 0) {
		error = errno;
		close(fd);
		return errno_status(error);
	}
	*fd_out = fd;
	return MC_OK;
}

static enum mc_status
system_accept(int fd, int *fd_out, struct mc_net_addr *peer_out)
{
	struct mc_net_addr peer = {.len = sizeof(peer.storage)};
	int accepted = accept4(fd, (struct sockaddr *)&peer.storage, &peer.len,
			       SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (accepted < 0)
		return errno_status(errno);
	*fd_out = accepted;
	*peer_out = peer;
	return MC_OK;
}

static enum mc_status
system_connect(const struct mc_net_addr *addr, int *fd_out)
{
	int fd = socket(addr->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return errno_status(errno);
	if (connect(fd, (const struct sockaddr *)&addr->storage, addr->len) != 0 &&
	    errno != EINPROGRESS) {
		error = errno;
		close(fd);
		return errno_status(error);
	}
	*fd_out = fd;
	return MC_OK;
}

static enum mc_status
system_connect_result(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		return errno_status(errno);
	return error == 0 ? MC_OK : errno_status(error);
}

static enum mc_status
system_recv(int fd, void *buf, size_t len, size_t *got_out)
{
	ssize_t got = recv(fd, buf, len, 0);

	if (got < 0)
		return errno_status(errno);
	if (got == 0)
		return MC_ERR_CONN_CLOSED;
	*got_out = (size_t)got;
	return MC_OK;
}

static enum mc_status
system_send(int fd, const struct iovec *iov, int iov_count, size_t *sent_out)
{
	struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)iov_count};
	ssize_t sent = sendmsg(fd, &msg, MSG_NOSIGNAL);

	if (sent < 0)
		return errno_status(errno);
	*sent_out = (size_t)sent;
	return MC_OK;
}

static enum mc_status
system_nodelay(int fd, bool on)
{
	int value = on;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value)) != 0)
		return errno_status(errno);
	return MC_OK;
}

static enum mc_status
system_local(int fd, struct mc_net_addr *addr_out)
{
	struct mc_net_addr addr = {.len = sizeof(addr.storage)};

	if (getsockname(fd, (struct sockaddr *)&addr.storage, &addr.len) != 0)
		return errno_status(errno);
	*addr_out = addr;
	return MC_OK;
}

static enum mc_status
system_finish(int fd)
{
	return shutdown(fd, SHUT_WR) == 0 ? MC_OK : errno_status(errno);
}

static void
system_close(int fd)
{
	close(fd);
}

static const struct mc_net_ops system_ops = {
	.listen = system_listen,
	.accept = system_accept,
	.connect = system_connect,
	.connect_result = system_connect_result,
	.recv = system_recv,
	.send = system_send,
	.nodelay = system_nodelay,
	.local = system_local,
	.finish = system_finish,
	.close = system_close,
};
static const struct mc_net_ops *net_ops = &system_ops;

const struct mc_net_ops *
mc_net(void)
{
	return net_ops;
}

void
mc_net_ops_set(const struct mc_net_ops *ops)
{
	net_ops = ops != NULL ? ops : &system_ops;
}

/* ---- addresses ---- */

static struct sockaddr_in *
as_v4(struct mc_net_addr *addr)
{
	return (struct sockaddr_in *)&addr->storage;
}

static struct sockaddr_in6 *
as_v6(struct mc_net_addr *addr)
{
	return (struct sockaddr_in6 *)&addr->storage;
}

enum mc_status
mc_net_addr_parse(const char *host, uint16_t port, struct mc_net_addr *addr_out)
{
	struct mc_net_addr addr = {0};

	if (inet_pton(AF_INET, host, &as_v4(&addr)->sin_addr) == 1) {
		addr.storage.ss_family = AF_INET;
		as_v4(&addr)->sin_port = htons(port);
		addr.len = sizeof(struct sockaddr_in);
	} else if (inet_pton(AF_INET6, host, &as_v6(&addr)->sin6_addr) == 1) {
		addr.storage.ss_family = AF_INET6;
		as_v6(&addr)->sin6_port = htons(port);
		addr.len = sizeof(struct sockaddr_in6);
	} else {
		return MC_ERR_ADDRESS_INVALID;
	}
	*addr_out = addr;
	return MC_OK;
}

#define HOST_TEXT_MAX 256u

/* Cuts "host:port" and "[v6]:port" in two. */
static enum mc_status
host_port_split(const char *text, char *host, uint16_t *port_out)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon != NULL ? (size_t)(colon - text) : 0;
	unsigned long port;
	char *end;

	if (len == 0 || len >= HOST_TEXT_MAX || colon[1] < '0' || colon[1] > '9')
		return MC_ERR_ADDRESS_INVALID;
	port = strtoul(colon + 1, &end, 10);
	if (*end != '\0' || port > UINT16_MAX)
		return MC_ERR_ADDRESS_INVALID;
	if (text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	memcpy(host, text, len);
	host[len] = '\0';
	*port_out = (uint16_t)port;
	return MC_OK;
}

enum mc_status
mc_net_host_resolve(const char *host, uint16_t port, struct mc_net_addr *addrs, uint32_t max,
		    uint32_t *count_out)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	uint32_t count = 0;

	if (getaddrinfo(host, NULL, &hints, &found) != 0)
		return MC_ERR_ADDRESS_INVALID;
	for (struct addrinfo *one = found; one != NULL && count < max; one = one->ai_next) {
		struct mc_net_addr addr = {.len = one->ai_addrlen};

		if (one->ai_family != AF_INET && one->ai_family != AF_INET6)
			continue;
		memcpy(&addr.storage, one->ai_addr, one->ai_addrlen);
		if (one->ai_family == AF_INET6)
			as_v6(&addr)->sin6_port = htons(port);
		else
			as_v4(&addr)->sin_port = htons(port);
		addrs[count++] = addr;
	}
	freeaddrinfo(found);
	*count_out = count;
	return count > 0 ? MC_OK : MC_ERR_ADDRESS_INVALID;
}

enum mc_status
mc_net_addr_resolve(const char *host_port, struct mc_net_addr *addr_out)
{
	struct mc_net_addr addr;
	char host[HOST_TEXT_MAX];
	uint32_t count;
	uint16_t port;
	enum mc_status st = host_port_split(host_port, host, &port);

	if (st != MC_OK || mc_net_addr_parse(host, port, addr_out) == MC_OK)
		return st;
	st = mc_net_host_resolve(host, port, &addr, 1, &count);
	if (st == MC_OK)
		*addr_out = addr;
	return st;
}

uint16_t
mc_net_addr_port(const struct mc_net_addr *addr)
{
	struct mc_net_addr copy = *addr;

	return ntohs(addr->storage.ss_family == AF_INET6 ? as_v6(&copy)->sin6_port
							 : as_v4(&copy)->sin_port);
}

char *
mc_net_addr_host(const struct mc_net_addr *addr, char *buf)
{
	struct mc_net_addr copy = *addr;
	bool v6 = addr->storage.ss_family == AF_INET6;
	const void *ip = v6 ? (const void *)&as_v6(&copy)->sin6_addr
			    : (const void *)&as_v4(&copy)->sin_addr;

	if (inet_ntop(v6 ? AF_INET6 : AF_INET, ip, buf, MC_NET_ADDR_TEXT) == NULL)
		strcpy(buf, "?");
	return buf;
}

char *
mc_net_addr_text(const struct mc_net_addr *addr, char *buf)
{
	char host[MC_NET_ADDR_TEXT];
	bool v6 = addr->storage.ss_family == AF_INET6;

	mc_net_addr_host(addr, host);
	snprintf(buf, MC_NET_ADDR_TEXT, v6 ? "[%.46s]:%u" : "%.46s:%u", host,
		 mc_net_addr_port(addr));
	return buf;
}

bool
mc_net_addr_loopback(const struct mc_net_addr *addr)
{
	struct mc_net_addr copy = *addr;
	const struct in6_addr *v6 = &as_v6(&copy)->sin6_addr;

	if (addr->len == 0)
		return false;
	if (addr->storage.ss_family == AF_INET)
		return ntohl(as_v4(&copy)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return addr->storage.ss_family == AF_INET6 &&
	       (IN6_IS_ADDR_LOOPBACK(v6) ||
		(IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == IN_LOOPBACKNET));
}

enum mc_status
mc_net_first_addr(bool v6, struct mc_net_addr *addr_out)
{
	int family = v6 ? AF_INET6 : AF_INET;
	enum mc_status st = MC_ERR_NOT_FOUND;
	struct ifaddrs *all;

	if (getifaddrs(&all) != 0)
		return errno_status(errno);
	for (struct ifaddrs *one = all; one != NULL && st != MC_OK; one = one->ifa_next) {
		unsigned int want = IFF_UP | IFF_RUNNING;

		if (one->ifa_addr == NULL || one->ifa_addr->sa_family != family ||
		    (one->ifa_flags & IFF_LOOPBACK) || (one->ifa_flags & want) != want)
			continue;
		/* of use on its own link only, and with its scope */
		if (v6 && IN6_IS_ADDR_LINKLOCAL(
				  &((const struct sockaddr_in6 *)one->ifa_addr)->sin6_addr))
			continue;
		*addr_out = (struct mc_net_addr){
			.len = v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)};
		memcpy(&addr_out->storage, one->ifa_addr, addr_out->len);
		st = MC_OK;
	}
	freeifaddrs(all);
	return st;
}

enum mc_status
mc_net_interface_addr(const char *name, uint16_t port, struct mc_net_addr *addr_out)
{
	struct ifaddrs *all;
	enum mc_status st = MC_ERR_NOT_FOUND;

	if (getifaddrs(&all) != 0)
		return errno_status(errno);
	for (const struct ifaddrs *i = all; i != NULL && st != MC_OK; i = i->ifa_next) {
		struct mc_net_addr addr = {.len = sizeof(struct sockaddr_in)};

		if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET ||
		    strcmp(i->ifa_name, name) != 0)
			continue;
		memcpy(&addr.storage, i->ifa_addr, sizeof(struct sockaddr_in));
		as_v4(&addr)->sin_port = htons(port);
		*addr_out = addr;
		st = MC_OK;
	}
	freeifaddrs(all);
	return st;
}
