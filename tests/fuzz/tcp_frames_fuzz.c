/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a peer may send on the data channel, cut anywhere: to the passive side, where it must reach
 * registered memory and nothing else, and to the active side, where every operation must end once
 * and no byte outside of them change. The first byte says which, and where the bytes are cut.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drivers/tcp/private.h"
#include "drivers/tcp/tcp.h"
#include "mc/log.h"

#define BASE 0x7f0000000000ull	/* where the recorded targets had their memory, too */
#define BYTES (64u << 10)
#define OPS 5u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct mc_driver_ops *ops;
static struct mc_dev *dev;
static struct mc_cq *cq;
static struct mc_mem *mem;
static uint8_t *memory;

static void
ensure(bool held)
{
	if (!held)
		abort();
}

static void
begin_once(void)
{
	struct mc_dev_params params = {.size = sizeof(params)};
	struct mc_span span = {.length = BYTES, .fd = -1, .page_size = 4096};

	if (dev != NULL)
		return;
	mc_log_level_set(MC_LOG_ERROR);
	memory = mmap((void *)(uintptr_t)BASE, BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	ensure(memory == (void *)(uintptr_t)BASE);
	ops = mc_driver_tcp.ops;
	ensure(ops->open(&params, &dev) == MC_OK);
	ensure(ops->cq_create(dev, 64, &cq) == MC_OK);
	/* neither the first bytes of the memory nor the last are the peer's */
	span.addr = memory + 64;
	span.length = BYTES - 128;
	ensure(ops->mem_reg(dev, &span, &mem) == MC_OK);
	ensure(ops->mem_attach(cq, mem) == MC_OK);
}

static void
pair_make(int pair[2])
{
	ensure(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
}

static uint32_t
poll_some(struct mc_completion *out, uint32_t max)
{
	uint32_t n = 0;

	for (int i = 0; i < 3; i++)
		n += dev->fast.poll(cq, out + n, max - n);
	return n;
}

/* As far as it is taken, in cuts; what comes back is read and dropped. */
static uint32_t
feed(int fd, const uint8_t *data, size_t size, size_t cut, struct mc_completion *out, uint32_t max)
{
	static uint8_t sink[65536];
	uint32_t n = 0;

	for (size_t at = 0; at < size;) {
		size_t part = size - at < cut ? size - at : cut;
		ssize_t sent = send(fd, data + at, part, MSG_NOSIGNAL);

		if (sent <= 0)
			break;
		at += (size_t)sent;
		n += poll_some(out + n, max - n);
		while (recv(fd, sink, sizeof(sink), 0) > 0)
			n += poll_some(out + n, max - n);
	}
	return n;
}

static void
passive(const uint8_t *data, size_t size, size_t cut)
{
	struct mc_completion none[1];
	int pair[2];

	pair_make(pair);
	memset(memory, 0x11, 64);
	memset(memory + BYTES - 64, 0x11, 64);
	ensure(tcp_conn_open(tcp_cq(cq), pair[0]) == MC_OK);
	(void)feed(pair[1], data, size, cut, none, 0);
	close(pair[1]);
	poll_some(none, 0);
	while (!mc_list_empty(&tcp_cq(cq)->conns))
		tcp_conn_close(tcp_cq(cq), mc_container_of(tcp_cq(cq)->conns.next,
				       struct tcp_conn, link), true);
	for (uint32_t i = 0; i < 64; i++)
		ensure(memory[i] == 0x11 && memory[BYTES - 1 - i] == 0x11);
}

/* With a lane that is there already, and an address at which no other can be had. */
static struct tcp_ep *
ep_make(int fd, uint8_t version)
{
	struct tcp_ep *ep = calloc(1, sizeof(*ep));

	ensure(ep != NULL);
	ep->base.dev = dev;
	ep->base.cq = cq;
	ep->version = version;
	ep->lanes_count = 1;
	ep->depth = OPS;
	mc_list_init(&ep->pending);
	for (uint32_t l = 0; l < TCP_LANES_MAX; l++)
		tcp_lane_init(&ep->lanes[l], ep);
	ep->lanes[0].sock.fd = fd;
	ensure(ops->ep_attach(&ep->base) == MC_OK);
	return ep;
}

static void
ops_post(struct tcp_ep *ep)
{
	static const uint32_t lengths[OPS] = {1, 100, 50, 3000, 8};

	memset(memory, 0x22, 16384);
	for (uint32_t i = 0; i < OPS; i++) {
		struct mc_sge sge[2] = {{memory + i * 3200, (lengths[i] + 1) / 2, 0},
					{memory + i * 3200 + 1550, lengths[i] / 2, 0}};
		struct mc_op op = {.cookie = i + 1, .remote_addr = BASE, .sge = sge,
				   .opcode = i == 2 ? MC_OP_WRITE : MC_OP_READ,
				   .sge_count = lengths[i] > 1 ? 2 : 1};

		ensure(dev->fast.post(&ep->base, &op, 1) == 1);
	}
}

static void
active(const uint8_t *data, size_t size, size_t cut, uint8_t version)
{
	struct mc_completion out[OPS + 2];
	uint32_t seen[OPS + 1] = {0}, n;
	struct tcp_ep *ep;
	int pair[2];

	pair_make(pair);
	ep = ep_make(pair[0], version);
	ops_post(ep);
	n = feed(pair[1], data, size, cut, out, OPS + 2);
	ops->ep_detach(&ep->base);
	n += poll_some(out + n, OPS + 2 - n);
	for (uint32_t i = 0; i < n; i++)
		seen[out[i].cookie]++;
	for (uint32_t i = 1; i <= OPS; i++)
		ensure(seen[i] == 1);
	ensure(seen[0] <= 1);
	for (uint32_t i = 0; i < OPS; i++) {
		/* between the pieces and behind them; of the write, nothing */
		ensure(memory[i * 3200 + 1549] == 0x22 && memory[i * 3200 + 3199] == 0x22);
		ensure(i != 2 || memory[i * 3200] == 0x22);
	}
	close(pair[1]);
	ops->ep_destroy(&ep->base);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t cut;

	if (size < 2)
		return 0;
	begin_once();
	cut = data[1] == 0 ? size : data[1];
	if (data[0] % 3 == 0)
		passive(data + 2, size - 2, cut);
	else
		active(data + 2, size - 2, cut, data[0] % 3);
	return 0;
}
