/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to one peer: how it begins, is asked, dies and ends. */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/pages.h"
#include "drivers/shm/private.h"

#define CONNECT_TIMEOUT_NS (5 * MC_NS_PER_S)
#define IMPORTS_BYTES (SHM_SLOTS * sizeof(struct shm_import))

static enum mc_status
socket_connect(const char *name, uint64_t timeout_ns, int *fd_out)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	/* for a queue of the listener's that is full */
	struct timeval wait = {.tv_sec = timeout_ns / MC_NS_PER_S,
			       .tv_usec = timeout_ns % MC_NS_PER_S / MC_NS_PER_US};
	size_t length = strnlen(name, MC_SHM_NAME);
	int fd, error;

	if (length == 0 || length == MC_SHM_NAME)
		return MC_ERR_ADDRESS_INVALID;
	memcpy(addr.sun_path + 1, name, length);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return MC_ERR_IO;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(fd, (const struct sockaddr *)&addr,
		    offsetof(struct sockaddr_un, sun_path) + 1 + length) == 0) {
		*fd_out = fd;
		return MC_OK;
	}
	error = errno;
	close(fd);
	if (error == EAGAIN || error == EINTR)
		return MC_ERR_TIMEOUT;
	return error == ECONNREFUSED ? MC_ERR_CONN_REFUSED : MC_ERR_UNREACHABLE;
}

/* Waits for the answer, until @deadline_ns or the death of the peer. */
static enum mc_status
answer_await(struct shm_ep *ep, uint64_t deadline_ns, struct shm_msg *answer_out, int *fd_out)
{
	struct pollfd fds[2] = {{.fd = ep->ask, .events = POLLIN},
				{.fd = ep->pidfd, .events = POLLIN}};
	enum mc_status st = shm_msg_recv(ep->ask, answer_out, fd_out);

	while (st == MC_AGAIN) {
		uint64_t now = mc_clock_mono_ns();

		if (now >= deadline_ns)
			return MC_ERR_TIMEOUT;
		if (poll(fds, 2, (int)((deadline_ns - now) / MC_NS_PER_MS) + 1) < 0 &&
		    errno != EINTR)
			return MC_ERR_IO;
		st = shm_msg_recv(ep->ask, answer_out, fd_out);
		if (st == MC_AGAIN && fds[1].revents != 0)
			return MC_ERR_CONN_CLOSED;
	}
	return st;
}

static void
fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

enum mc_status
shm_ep_ask(struct shm_ep *ep, const struct shm_msg *msg, uint64_t timeout_ns,
	   struct shm_msg *answer_out, int *fd_out)
{
	uint64_t deadline_ns = mc_clock_mono_ns() + timeout_ns;
	enum mc_status st;

	if (ep->ask < 0)
		return MC_ERR_CONN_CLOSED;
	st = shm_msg_send(ep->ask, msg, *fd_out);
	fd_close(fd_out);
	if (st == MC_OK)
		st = answer_await(ep, deadline_ns, answer_out, fd_out);
	if (st == MC_OK && (answer_out->version != SHM_VERSION || answer_out->slot != msg->slot)) {
		fd_close(fd_out);
		st = MC_ERR_PROTOCOL;
	}
	/* an answer that comes late must not be taken for the next one */
	if (st != MC_OK)
		fd_close(&ep->ask);
	return st;
}

static enum mc_status
welcome_take(struct shm_ep *ep, const struct shm_msg *answer, int *fd, uint64_t instance)
{
	enum mc_status st = MC_ERR_PROTOCOL;

	if (answer->type == SHM_REFUSED)
		st = MC_ERR_CONN_REFUSED;
	else if (answer->type == SHM_WELCOME && answer->instance == instance && *fd >= 0)
		st = shm_gate_map(*fd, &ep->gate);
	fd_close(fd);
	return st;
}

/* The peer gets one end of a pair of sockets, on which it tells of memory that it takes back. */
static enum mc_status
greet(struct shm_ep *ep, uint64_t instance, uint64_t timeout_ns)
{
	struct shm_msg hello = {.type = SHM_HELLO, .instance = instance}, answer;
	enum mc_status st;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
		return errno == ENOMEM ? MC_ERR_NO_MEMORY : MC_ERR_IO;
	ep->events = pair[0];
	st = shm_ep_ask(ep, &hello, timeout_ns, &answer, &pair[1]);
	return st == MC_OK ? welcome_take(ep, &answer, &pair[1], instance) : st;
}

static enum mc_status
ep_connect(struct shm_ep *ep, const struct mc_shm_addr *peer, uint64_t timeout_ns)
{
	enum mc_status st = socket_connect(peer->socket, timeout_ns, &ep->ask);

	if (st != MC_OK)
		return st;
	st = shm_place_peer(ep->ask, &ep->pid);
	if (st != MC_OK)
		return st;
	/* else an addr could pass another process off as this one, whose memory is not checked */
	if (!shm_place_pid_fits(&shm_dev(ep->base.dev)->addr, peer, ep->pid))
		return MC_ERR_CONN_REFUSED;
	/*
	 * A process that was forked by the peer may hold its sockets open when it is dead. That
	 * the peer answers below shows that the number was still its own here.
	 */
	if (!ep->own && ep->pid > 0)
		ep->pidfd = syscall(SYS_pidfd_open, ep->pid, 0);
	return greet(ep, peer->instance, timeout_ns);
}

static void
heard(struct shm_source *source, uint32_t events)
{
	struct shm_ep *ep = mc_container_of(source, struct shm_ep, heard);
	enum mc_status st = MC_OK;

	/* what it says is in the gate: the message only wakes us */
	while (st == MC_OK) {
		struct shm_msg msg;
		int fd = -1;

		st = shm_msg_recv(ep->events, &msg, &fd);
		fd_close(&fd);
	}
	shm_imports_revoke(ep);
	if (st != MC_AGAIN)
		shm_ep_died(ep);
}

static void
died(struct shm_source *source, uint32_t events)
{
	shm_ep_died(mc_container_of(source, struct shm_ep, died));
}

static void
unwatch(struct shm_ep *ep)
{
	struct shm_cq *cq = shm_cq(ep->base.cq);

	shm_unwatch(cq, ep->events);
	if (ep->pidfd >= 0)
		shm_unwatch(cq, ep->pidfd);
}

void
shm_ep_died(struct shm_ep *ep)
{
	atomic_store_explicit(&ep->dead, true, memory_order_relaxed);
	mc_list_add_tail(&shm_cq(ep->base.cq)->failed, &ep->failed_link);
	unwatch(ep);
}

enum mc_status
shm_ep_create(struct mc_cq *cq, const struct mc_ep_params *params, const struct mc_peer_addr *peer,
	      struct mc_ep **ep_out)
{
	const struct shm_dev *dev = shm_dev(cq->dev);
	uint64_t timeout_ns = params->connect_timeout_ns;
	struct shm_ep *ep;
	enum mc_status st;

	if (params->depth > SHM_DEPTH_MAX)
		return MC_ERR_INVALID;
	st = shm_place_check(&dev->addr, &peer->shm);
	if (st != MC_OK)
		return st;
	ep = calloc(1, sizeof(*ep));
	if (ep == NULL)
		return MC_ERR_NO_MEMORY;
	ep->base.dev = cq->dev;
	ep->base.cq = cq;
	ep->depth = params->depth > 0 ? params->depth : SHM_DEPTH_MAX;
	ep->own = shm_place_same_process(&dev->addr, &peer->shm);
	ep->ask = ep->events = ep->pidfd = -1;
	ep->heard.ready = heard;
	ep->died.ready = died;
	ep->imports = mc_pages_map(IMPORTS_BYTES, 0);
	st = ep->imports == NULL ? MC_ERR_NO_MEMORY : MC_OK;
	if (st == MC_OK)
		st = ep_connect(ep, &peer->shm, timeout_ns > 0 ? timeout_ns : CONNECT_TIMEOUT_NS);
	if (st != MC_OK) {
		shm_ep_destroy(&ep->base);
		return st;
	}
	*ep_out = &ep->base;
	return MC_OK;
}

void
shm_ep_destroy(struct mc_ep *base)
{
	struct shm_ep *ep = shm_ep(base);

	if (ep->imports != NULL)
		shm_imports_drop(ep);
	mc_pages_unmap(ep->imports, IMPORTS_BYTES);
	shm_gate_unmap(ep->gate);
	fd_close(&ep->ask);
	fd_close(&ep->events);
	fd_close(&ep->pidfd);
	free(ep);
}

enum mc_status
shm_ep_attach(struct mc_ep *base)
{
	struct shm_ep *ep = shm_ep(base);
	struct shm_cq *cq = shm_cq(base->cq);
	enum mc_status st = shm_watch(cq, ep->events, EPOLLIN | EPOLLRDHUP, &ep->heard);

	if (st != MC_OK)
		return st;
	if (ep->pidfd >= 0)
		st = shm_watch(cq, ep->pidfd, EPOLLIN, &ep->died);
	if (st != MC_OK) {
		shm_unwatch(cq, ep->events);
		return st;
	}
	ep->attached = true;
	return MC_OK;
}

/* All that was posted is done: it only waits in the ring. */
void
shm_ep_detach(struct mc_ep *base)
{
	struct shm_ep *ep = shm_ep(base);

	if (!ep->attached)
		return;
	ep->attached = false;
	if (!atomic_load_explicit(&ep->dead, memory_order_relaxed))
		unwatch(ep);
	if (mc_list_linked(&ep->failed_link))
		mc_list_del(&ep->failed_link);
	if (mc_list_linked(&ep->dying_link))
		mc_list_del(&ep->dying_link);
}

void
shm_ep_cancel(struct mc_ep *ep, uint64_t cookie)
{
	/* as above: every operation was done when post() returned */
}
