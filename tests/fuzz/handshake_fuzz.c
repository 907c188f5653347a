/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handshake channel in both roles: the first byte of the input says which. Sockets are pairs
 * inside the process, put in the place of the network.
 */
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/net.h"
#include "core/peer/peer.h"
#include "mc/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mc_net_ops ops;
static const struct mc_net_ops *system_ops;
static struct mc_reactor *reactor;
static struct mc_peer *peer;
static int far_end, near_end = -1, knock = -1;

static void
pair_make(const uint8_t *bytes, size_t size)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
		abort();
	near_end = ends[0];
	far_end = ends[1];
	/* what does not fit does not come */
	if (size > 0 && send(far_end, bytes, size, MSG_NOSIGNAL) < 0)
		abort();
	shutdown(far_end, SHUT_WR);
}

/* A descriptor may name any host; none is asked for. */
int
getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
	    struct addrinfo **found_out)
{
	return EAI_NONAME;
}

static enum mc_status
fake_listen(const struct mc_net_addr *addr, int backlog, int *fd_out)
{
	*fd_out = knock = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return MC_OK;
}

static enum mc_status
fake_accept(int fd, int *fd_out, struct mc_net_addr *peer_out)
{
	eventfd_t count;

	if (eventfd_read(knock, &count) != 0)
		return MC_AGAIN;
	*fd_out = near_end;
	return MC_OK;
}

static enum mc_status
fake_connect(const struct mc_net_addr *addr, int *fd_out)
{
	*fd_out = near_end;
	return MC_OK;
}

static bool
notified(void *context, const char *name, const char *text)
{
	return strlen(name) + strlen(text) > 0;
}

static void
start(void)
{
	struct mc_reactor_params params = {.size = sizeof(params), .idle = MC_IDLE_INLINE};
	struct mc_peer_params opened = {.size = sizeof(opened), .name = "127.0.0.1",
					.metadata = "P2PHANDSHAKE", .notified = notified};

	mc_log_level_set(MC_LOG_ERROR + 1);
	system_ops = mc_net();
	ops = *system_ops;
	ops.listen = fake_listen;
	ops.accept = fake_accept;
	ops.connect = fake_connect;
	mc_net_ops_set(&ops);
	if (mc_reactor_create(&params, &reactor) != MC_OK)
		abort();
	opened.reactor = reactor;
	if (mc_peer_open(&opened, &peer) != MC_OK)
		abort();
}

struct answer {
	bool came;
};

static void
resolved(void *context, enum mc_status status, struct mc_desc *desc)
{
	((struct answer *)context)->came = true;
	if ((desc != NULL) != (status == MC_OK))
		abort();
	mc_desc_free(desc);
}

static void
told(void *context, enum mc_status status)
{
	((struct answer *)context)->came = true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answer answer = {0};

	if (reactor == NULL)
		start();
	if (size == 0 || size > 100000)
		return 0;
	pair_make(data + 1, size - 1);
	if (data[0] % 4 == 0)
		eventfd_write(knock, 1);
	else if (data[0] % 4 == 1)
		mc_peer_resolve(peer, "127.0.0.1:1", 1000000000, resolved, &answer);
	else if (data[0] % 4 == 2)
		mc_peer_notify(peer, "127.0.0.1:1", "n", "t", 1000000000, told, &answer);
	else
		mc_peer_probe(peer, "127.0.0.1:1", 1000000000, told, &answer);
	for (int i = 0; i < 8; i++)
		mc_reactor_poll(reactor);
	/* each question has a deadline; one that outlives it is found by the fuzzer's own */
	while (data[0] % 4 != 0 && !answer.came)
		mc_reactor_poll(reactor);
	close(far_end);
	mc_reactor_poll(reactor);
	return 0;
}
