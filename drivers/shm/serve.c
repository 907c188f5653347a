/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The passive side. Each cq has the connections that it accepted, with what each peer has been
 * given; the peers copy by themselves, so that there is nothing to do for a transfer.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/pages.h"
#include "core/base/random.h"
#include "drivers/shm/private.h"

#define BACKLOG 128
#define MESSAGES_MAX 16		/* of one connection in one look */
#define GRANTS_BYTES (SHM_SLOTS * sizeof(struct mc_mem *))
/* An operation is over in some 10 ms; a peer that takes longer within one has been stopped. */
#define TURN_NS (250 * MC_NS_PER_MS)

struct shm_conn {
	struct shm_source source;
	struct mc_list link;
	struct shm_cq *cq;
	int fd;
	int events;			/* where GONE goes; -1: no HELLO yet */
	pid_t pid;
	struct shm_gate *gate;
	struct mc_mem **grants;		/* SHM_SLOTS */
};

static void
conn_close(struct shm_conn *conn)
{
	shm_unwatch(conn->cq, conn->fd);
	mc_list_del(&conn->link);
	conn->cq->conns_count--;
	close(conn->fd);
	if (conn->events >= 0)
		close(conn->events);
	shm_gate_unmap(conn->gate);
	mc_pages_unmap(conn->grants, GRANTS_BYTES);
	free(conn);
}

/* ---- messages ---- */

static enum mc_status
hello(struct shm_conn *conn, const struct shm_msg *msg, int fd)
{
	uint64_t instance = shm_dev(conn->cq->base.dev)->addr.instance;
	struct shm_msg answer = {.type = SHM_WELCOME, .instance = instance};
	enum mc_status st;
	int gate;

	if (msg->type != SHM_HELLO || fd < 0)
		return MC_ERR_PROTOCOL;
	if (msg->version != SHM_VERSION || msg->instance != instance) {
		answer.type = SHM_REFUSED;
		shm_msg_send(conn->fd, &answer, -1);
		return MC_ERR_CONN_CLOSED;
	}
	conn->grants = mc_pages_map(GRANTS_BYTES, 0);
	if (conn->grants == NULL)
		return MC_ERR_NO_MEMORY;
	st = shm_gate_create(&conn->gate, &gate);
	if (st != MC_OK)
		return st;
	st = shm_msg_send(conn->fd, &answer, gate);
	close(gate);
	if (st != MC_OK)
		return st;
	conn->events = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return conn->events >= 0 ? MC_OK : MC_ERR_IO;
}

static struct mc_mem *
mem_find(const struct shm_cq *cq, uint64_t addr, uint64_t length)
{
	for (uint32_t i = 0; i < cq->mems_count; i++) {
		const struct mc_span *span = &cq->mems[i]->span;
		uint64_t offset = addr - (uintptr_t)span->addr;

		if (offset < span->length && length > 0 && length <= span->length - offset)
			return cq->mems[i];
	}
	return NULL;
}

static enum mc_status
ask(struct shm_conn *conn, const struct shm_msg *msg)
{
	struct shm_msg answer = {.type = SHM_NONE, .slot = msg->slot};
	struct mc_mem *mem;
	int fd = -1;

	if (msg->slot >= SHM_SLOTS || conn->grants[msg->slot] != NULL)
		return MC_ERR_PROTOCOL;
	mem = mem_find(conn->cq, msg->addr, msg->length);
	if (mem != NULL) {
		answer.type = mem->span.fd >= 0 ? SHM_MAP : SHM_HOST;
		fd = mem->span.fd;
		answer.offset = mem->span.fd_offset + (msg->addr - (uintptr_t)mem->span.addr);
		answer.page_size = mem->span.page_size;
		conn->grants[msg->slot] = mem;
		atomic_store(&conn->gate->revoked[msg->slot], 0);
	}
	return shm_msg_send(conn->fd, &answer, fd);
}

static enum mc_status
handle(struct shm_conn *conn, const struct shm_msg *msg, int fd)
{
	if (conn->events < 0)
		return hello(conn, msg, fd);
	if (msg->version != SHM_VERSION || fd >= 0)
		return MC_ERR_PROTOCOL;
	switch (msg->type) {
	case SHM_ASK:
		return ask(conn, msg);
	case SHM_RELEASE:
		if (msg->slot >= SHM_SLOTS)
			return MC_ERR_PROTOCOL;
		conn->grants[msg->slot] = NULL;
		return MC_OK;
	default:
		return MC_ERR_PROTOCOL;
	}
}

static void
conn_ready(struct shm_source *source, uint32_t events)
{
	struct shm_conn *conn = mc_container_of(source, struct shm_conn, source);
	enum mc_status st = MC_OK;

	for (int i = 0; i < MESSAGES_MAX && st == MC_OK; i++) {
		struct shm_msg msg;
		int fd = -1;

		st = shm_msg_recv(conn->fd, &msg, &fd);
		if (st == MC_OK)
			st = handle(conn, &msg, fd);
		if (fd >= 0)
			close(fd);
	}
	if (st == MC_OK || st == MC_AGAIN)
		return;
	if (st != MC_ERR_CONN_CLOSED)
		MC_LOG_LIMITED(MC_LOG_WARN, "shm: connection of pid %d is closed: %s",
			       (int)conn->pid, mc_status_text(st));
	conn_close(conn);
}

/* ---- listening ---- */

/* With no room the oldest that has said nothing yet goes; false: all have. */
static bool
room_make(struct shm_cq *cq)
{
	if (cq->conns_count < SHM_CONNS_MAX)
		return true;
	for (struct mc_list *at = cq->conns.next; at != &cq->conns; at = at->next) {
		struct shm_conn *conn = mc_container_of(at, struct shm_conn, link);

		if (conn->events < 0) {
			conn_close(conn);
			return true;
		}
	}
	MC_LOG_LIMITED(MC_LOG_WARN, "shm: a peer is refused, %u are connected", SHM_CONNS_MAX);
	return false;
}

static void
accept_ready(struct shm_source *source, uint32_t events)
{
	struct shm_cq *cq = mc_container_of(source, struct shm_cq, listening);
	int fd = accept4(shm_dev(cq->base.dev)->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct shm_conn *conn;
	pid_t pid;

	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			MC_LOG_LIMITED(MC_LOG_WARN, "shm: accept: %s", strerror(errno));
		return;
	}
	if (shm_place_peer(fd, &pid) != MC_OK || !room_make(cq)) {
		close(fd);
		return;
	}
	conn = calloc(1, sizeof(*conn));
	if (conn == NULL) {
		close(fd);
		return;
	}
	conn->source.ready = conn_ready;
	conn->cq = cq;
	conn->fd = fd;
	conn->events = -1;
	conn->pid = pid;
	mc_list_add_tail(&cq->conns, &conn->link);
	cq->conns_count++;
	if (shm_watch(cq, fd, EPOLLIN | EPOLLRDHUP, &conn->source) != MC_OK)
		conn_close(conn);
}

/* A random name: nobody can take it before us, and nothing is left behind in a directory. */
static enum mc_status
listener_open(char name_out[MC_SHM_NAME], int *fd_out)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	size_t length;

	if (fd < 0)
		return MC_ERR_IO;
	snprintf(name_out, MC_SHM_NAME, "mooncore-%016llx%016llx",
		 (unsigned long long)mc_random_seed(), (unsigned long long)mc_random_seed());
	length = strlen(name_out);
	memcpy(addr.sun_path + 1, name_out, length);
	if (bind(fd, (const struct sockaddr *)&addr,
		 offsetof(struct sockaddr_un, sun_path) + 1 + length) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		mc_log_error("shm: listening on @%s: %s", name_out, strerror(errno));
		close(fd);
		return MC_ERR_IO;
	}
	*fd_out = fd;
	return MC_OK;
}

static enum mc_status
listener_watch(struct shm_cq *cq)
{
	return shm_watch(cq, shm_dev(cq->base.dev)->listener, EPOLLIN, &cq->listening);
}

enum mc_status
shm_listen(struct mc_dev *base, struct mc_peer_addr *addr_out)
{
	struct shm_dev *dev = shm_dev(base);
	enum mc_status st;

	if (dev->listener >= 0)
		return MC_ERR_EXISTS;
	st = listener_open(dev->addr.socket, &dev->listener);
	for (struct mc_list *at = dev->cqs.next; at != &dev->cqs && st == MC_OK; at = at->next)
		st = listener_watch(mc_container_of(at, struct shm_cq, link));
	if (st == MC_OK) {
		addr_out->shm = dev->addr;
		return MC_OK;
	}
	if (dev->listener >= 0)
		close(dev->listener);	/* which takes it out of the epoll sets */
	dev->listener = -1;
	return st;
}

enum mc_status
shm_serve_begin(struct shm_cq *cq)
{
	cq->listening.ready = accept_ready;
	return shm_dev(cq->base.dev)->listener >= 0 ? listener_watch(cq) : MC_OK;
}

void
shm_serve_end(struct shm_cq *cq)
{
	while (!mc_list_empty(&cq->conns))
		conn_close(mc_container_of(cq->conns.next, struct shm_conn, link));
	free(cq->mems);
}

/* ---- memory ---- */

enum mc_status
shm_mem_attach(struct mc_cq *base, struct mc_mem *mem)
{
	struct shm_cq *cq = shm_cq(base);

	if (cq->mems_count == cq->mems_max) {
		uint32_t max = cq->mems_max > 0 ? 2 * cq->mems_max : 16;
		struct mc_mem **mems = realloc(cq->mems, max * sizeof(*mems));

		if (mems == NULL)
			return MC_ERR_NO_MEMORY;
		cq->mems = mems;
		cq->mems_max = max;
	}
	cq->mems[cq->mems_count++] = mem;
	return MC_OK;
}

/* The peer's turn that may have begun before it saw revoked; false: it does not end. */
static bool
turn_pass(const struct shm_conn *conn)
{
	uint32_t turn = atomic_load(&conn->gate->turn);
	uint64_t deadline_ns;
	char byte;

	if (turn % 2 == 0)
		return true;
	deadline_ns = mc_clock_mono_ns() + TURN_NS;
	while (atomic_load(&conn->gate->turn) == turn) {
		if (recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
			return true;	/* it died */
		if (mc_clock_mono_ns() > deadline_ns)
			return false;
		sched_yield();
	}
	return true;
}

static void
conn_revoke(struct shm_conn *conn, const struct mc_mem *mem)
{
	struct shm_msg gone = {.type = SHM_GONE};
	bool any = false;

	for (uint32_t slot = 0; slot < SHM_SLOTS; slot++) {
		if (conn->grants[slot] == mem) {
			atomic_store(&conn->gate->revoked[slot], 1);
			conn->grants[slot] = NULL;
			any = true;
		}
	}
	if (!any)
		return;
	/* when it takes no more messages, one that will wake it is there already */
	shm_msg_send(conn->events, &gone, -1);
	if (!turn_pass(conn)) {
		mc_log_warn("shm: pid %d has been stopped within a transfer: it may touch memory "
			    "at %p when it goes on",
			    (int)conn->pid, mem->span.addr);
		conn_close(conn);
	}
}

void
shm_mem_detach(struct mc_cq *base, struct mc_mem *mem)
{
	struct shm_cq *cq = shm_cq(base);
	struct mc_list *next;

	for (uint32_t i = 0; i < cq->mems_count; i++) {
		if (cq->mems[i] == mem)
			cq->mems[i--] = cq->mems[--cq->mems_count];
	}
	for (struct mc_list *at = cq->conns.next; at != &cq->conns; at = next) {
		struct shm_conn *conn = mc_container_of(at, struct shm_conn, link);

		next = at->next;
		if (conn->events >= 0)
			conn_revoke(conn, mem);
	}
}
