/* SPDX-License-Identifier: Apache-2.0 */
/* The passive side: who may connect, and the memory that they reach. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drivers/tcp/private.h"
#include "mc/log.h"

#define ACCEPTS 16	/* in one poll */

/* ---- listening ---- */

/* Each connection wakes one of the cqs that sleep. */
static enum mc_status
listener_watch(struct tcp_cq *cq)
{
	struct tcp_sock *listener = &tcp_dev(cq->base.dev)->listener;
	struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = listener};

	if (epoll_ctl(cq->epoll, EPOLL_CTL_ADD, listener->fd, &event) == 0)
		return MC_OK;
	return errno == ENOMEM || errno == ENOSPC ? MC_ERR_NO_MEMORY : MC_ERR_IO;
}

enum mc_status
tcp_listen(struct mc_dev *base, struct mc_peer_addr *addr_out)
{
	struct tcp_dev *dev = tcp_dev(base);
	enum mc_status st;

	if (dev->listener.fd >= 0)
		return MC_ERR_EXISTS;
	st = tcp_sock_listen(dev, &dev->listener.fd, &addr_out->tcp.addr);
	if (st != MC_OK)
		return st;
	addr_out->tcp.version = dev->version_1 ? 1 : 2;
	for (struct mc_list *node = dev->cqs.next; node != &dev->cqs; node = node->next) {
		st = listener_watch(mc_container_of(node, struct tcp_cq, link));
		if (st != MC_OK)
			break;
	}
	if (st != MC_OK) {
		close(dev->listener.fd);
		dev->listener.fd = -1;
	}
	return st;
}

enum mc_status
tcp_serve_begin(struct tcp_cq *cq)
{
	return tcp_dev(cq->base.dev)->listener.fd >= 0 ? listener_watch(cq) : MC_OK;
}

void
tcp_serve_end(struct tcp_cq *cq)
{
	while (!mc_list_empty(&cq->conns))
		tcp_conn_close(cq, mc_container_of(cq->conns.next, struct tcp_conn, link), false);
}

/* Out of descriptors, or of memory: asking again at once would only burn time. */
static void
accept_pause(struct tcp_cq *cq, int error)
{
	MC_LOG_LIMITED(MC_LOG_WARN, "tcp: no connection accepted for a second: %s; raise the limit "
		       "of open files (ulimit -n) if that is what is missing", strerror(error));
	cq->accept_paused =
		epoll_ctl(cq->epoll, EPOLL_CTL_DEL, tcp_dev(cq->base.dev)->listener.fd, NULL) == 0;
	tcp_tick_need(cq);
}

void
tcp_accept_resume(struct tcp_cq *cq)
{
	if (cq->accept_paused && listener_watch(cq) == MC_OK)
		cq->accept_paused = false;
}

static void
conn_admit(struct tcp_cq *cq, int fd)
{
	struct tcp_dev *dev = tcp_dev(cq->base.dev);
	enum mc_status st = MC_ERR_BUSY;

	if (atomic_load_explicit(&dev->conns, memory_order_relaxed) < TCP_CONNS_MAX)
		st = tcp_conn_open(cq, fd);
	if (st == MC_OK)
		return;
	MC_LOG_LIMITED(MC_LOG_WARN, "tcp: a connection is closed at once: %s (%u are served, %u at "
		       "most)", mc_status_text(st),
		       atomic_load_explicit(&dev->conns, memory_order_relaxed), TCP_CONNS_MAX);
	close(fd);
}

void
tcp_accept(struct tcp_cq *cq)
{
	int listener = tcp_dev(cq->base.dev)->listener.fd;

	for (int i = 0; i < ACCEPTS; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			conn_admit(cq, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			accept_pause(cq, errno);
		return;
	}
}

/* ---- memory, in the order of addresses ---- */

/* How many mems begin at or below @addr. */
static uint32_t
mems_below(const struct tcp_cq *cq, uint64_t addr)
{
	uint32_t low = 0, high = cq->mems_count;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if ((uint64_t)(uintptr_t)cq->mems[mid]->span.addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

enum mc_status
tcp_mem_attach(struct mc_cq *base, struct mc_mem *mem)
{
	struct tcp_cq *cq = tcp_cq(base);
	uint32_t at;

	if (cq->mems_count == cq->mems_max) {
		uint32_t max = cq->mems_max > 0 ? 2 * cq->mems_max : 16;
		struct mc_mem **mems = realloc(cq->mems, max * sizeof(*mems));

		if (mems == NULL)
			return MC_ERR_NO_MEMORY;
		cq->mems = mems;
		cq->mems_max = max;
	}
	at = mems_below(cq, (uintptr_t)mem->span.addr);
	memmove(&cq->mems[at + 1], &cq->mems[at], (cq->mems_count - at) * sizeof(*cq->mems));
	cq->mems[at] = mem;
	cq->mems_count++;
	return MC_OK;
}

void
tcp_mem_detach(struct mc_cq *base, struct mc_mem *mem)
{
	struct tcp_cq *cq = tcp_cq(base);
	const uint8_t *begin = mem->span.addr;
	struct mc_list *node, *next;

	for (uint32_t i = 0; i < cq->mems_count; i++) {
		if (cq->mems[i] != mem)
			continue;
		cq->mems_count--;
		memmove(&cq->mems[i], &cq->mems[i + 1],
			(cq->mems_count - i) * sizeof(*cq->mems));
		break;
	}
	for (node = cq->conns.next; node != &cq->conns; node = next) {
		next = node->next;
		tcp_conn_revoke(cq, mc_container_of(node, struct tcp_conn, link), begin,
				begin + mem->span.length);
	}
}

uint8_t *
tcp_mem_at(const struct tcp_cq *cq, uint64_t addr, uint64_t size)
{
	uint32_t below = mems_below(cq, addr);
	const struct mc_mem *mem;
	uint64_t offset;

	if (below == 0 || size == 0)
		return NULL;
	mem = cq->mems[below - 1];
	offset = addr - (uint64_t)(uintptr_t)mem->span.addr;
	if (offset >= mem->span.length || size > mem->span.length - offset)
		return NULL;
	return (uint8_t *)mem->span.addr + offset;
}
