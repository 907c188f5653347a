/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets: how they are made, watched and closed. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/random.h"
#include "drivers/tcp/private.h"
#include "mc/log.h"

#define BACKLOG 512
#define PORT_TRIES 500
#define KEEPALIVE_IDLE_S 15
#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_PROBES 3
#define UNACKNOWLEDGED_MS 30000

enum mc_status
tcp_errno_status(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return MC_ERR_CONN_REFUSED;
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
	case ENOTCONN:
		return MC_ERR_CONN_CLOSED;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EADDRNOTAVAIL:
		return MC_ERR_UNREACHABLE;
	case ETIMEDOUT:
		return MC_ERR_TIMEOUT;
	case ENOMEM:
	case ENOBUFS:
		return MC_ERR_NO_MEMORY;
	default:
		return MC_ERR_IO;
	}
}

static void
option_set(int fd, int level, int name, int value)
{
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

/* None of these is needed: where one is refused the bytes flow all the same. */
void
tcp_sock_tune(int fd)
{
	option_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	/* bbr, the default of some systems, paces: half the speed on one host */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
	option_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	option_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	option_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
	option_set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
	option_set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS);
}

enum mc_status
tcp_sock_connect(const struct mc_net_addr *addr, int *fd_out, int *errno_out)
{
	int fd = socket(addr->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*errno_out = errno;
	if (fd < 0)
		return tcp_errno_status(errno);
	tcp_sock_tune(fd);
	if (connect(fd, (const struct sockaddr *)&addr->storage, addr->len) == 0) {
		*fd_out = fd;
		return MC_OK;
	}
	*errno_out = errno;
	if (errno == EINPROGRESS) {
		*fd_out = fd;
		return MC_AGAIN;
	}
	close(fd);
	return tcp_errno_status(*errno_out);
}

static enum mc_status
listen_at(const struct mc_net_addr *addr, int *fd_out)
{
	int fd = socket(addr->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return errno == EAFNOSUPPORT ? MC_ERR_UNSUPPORTED : MC_ERR_IO;
	option_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (addr->storage.ss_family == AF_INET6)
		option_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	/* what is accepted takes these over */
	tcp_sock_tune(fd);
	if (bind(fd, (const struct sockaddr *)&addr->storage, addr->len) == 0 &&
	    listen(fd, BACKLOG) == 0) {
		*fd_out = fd;
		return MC_OK;
	}
	error = errno;
	close(fd);
	if (error == EADDRINUSE || error == EACCES)
		return MC_ERR_ADDRESS_IN_USE;
	return error == EADDRNOTAVAIL ? MC_ERR_ADDRESS_INVALID : MC_ERR_IO;
}

/* Ports by chance, as all processes of a host choose from the same few. */
static enum mc_status
listen_host(const struct tcp_dev *dev, const char *host, int *fd_out)
{
	struct mc_net_addr addr;
	struct mc_random random;
	enum mc_status st = MC_ERR_ADDRESS_IN_USE;

	mc_random_init(&random, mc_random_seed());
	for (int i = 0; i < PORT_TRIES && st == MC_ERR_ADDRESS_IN_USE; i++) {
		uint16_t port = dev->port_min;

		if (dev->port_max > dev->port_min)
			port += mc_random_below(&random, dev->port_max - dev->port_min + 1);
		st = mc_net_addr_parse(host, port, &addr);
		if (st != MC_OK)
			return st;
		st = listen_at(&addr, fd_out);
	}
	return st;
}

enum mc_status
tcp_sock_listen(const struct tcp_dev *dev, int *fd_out, struct mc_net_addr *addr_out)
{
	const char *host = dev->bind_host[0] != '\0' ? dev->bind_host : "::";
	enum mc_status st = listen_host(dev, host, fd_out);
	struct mc_net_addr addr = {.len = sizeof(addr.storage)};

	if (st != MC_OK && dev->bind_host[0] == '\0') {
		host = "0.0.0.0";	/* a system without IPv6 */
		st = listen_host(dev, host, fd_out);
	}
	if (st != MC_OK) {
		mc_log_error("tcp: cannot listen on %s, ports %u to %u: %s; give an address of "
			     "this host, or set MC_MIN_RPC_PORT and MC_MAX_RPC_PORT to ports that "
			     "are free", host, dev->port_min, dev->port_max, mc_status_text(st));
		return st;
	}
	if (getsockname(*fd_out, (struct sockaddr *)&addr.storage, &addr.len) != 0) {
		close(*fd_out);
		return MC_ERR_IO;
	}
	*addr_out = addr;
	return MC_OK;
}

/* ---- in a cq ---- */

enum mc_status
tcp_sock_watch(struct tcp_cq *cq, struct tcp_sock *sock)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				    .data.ptr = sock};

	if (epoll_ctl(cq->epoll, EPOLL_CTL_ADD, sock->fd, &event) == 0)
		return MC_OK;
	return errno == ENOMEM || errno == ENOSPC ? MC_ERR_NO_MEMORY : MC_ERR_IO;
}

void
tcp_sock_ready(struct tcp_cq *cq, struct tcp_sock *sock)
{
	sock->misses = 0;
	if (mc_list_linked(&sock->ready_link))
		return;
	mc_list_add_tail(&cq->ready, &sock->ready_link);
	cq->ready_count++;
}

void
tcp_sock_block(struct tcp_cq *cq, struct tcp_sock *sock, bool blocked)
{
	if (sock->blocked == blocked)
		return;
	sock->blocked = blocked;
	cq->blocked += blocked ? 1 : -1u;
}

void
tcp_sock_close(struct tcp_cq *cq, struct tcp_sock *sock, bool abort)
{
	struct linger none = {.l_onoff = 1, .l_linger = 0};

	if (mc_list_linked(&sock->ready_link)) {
		mc_list_del(&sock->ready_link);
		cq->ready_count--;
	}
	tcp_sock_block(cq, sock, false);
	/* a reset, so that nothing of it is delivered when its memory serves another purpose */
	if (abort)
		(void)setsockopt(sock->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(sock->fd);
	sock->fd = -1;
	sock->broken = false;
}
