/* SPDX-License-Identifier: Apache-2.0 */
/* The dev, its memory and its cqs; the table of the driver. */
#include "drivers/tcp/tcp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "drivers/tcp/private.h"
#include "mc/log.h"

#define OP_BYTES_MAX (1u << 30)
/* Enough for one system call to be worth its price, and for several to share a lane. */
#define SLICE_BYTES (1u << 20)
#define LANES_DEFAULT 4u
#define LIMIT_DEFAULT_S 30u
#define LIMIT_MAX_S 86400u

/* A whole number of @min to @max; anything else is named and not taken. */
static uint32_t
setting(const char *name, uint32_t min, uint32_t max, uint32_t fallback)
{
	const char *text = getenv(name);
	char *end;
	unsigned long value;

	if (text == NULL || text[0] == '\0')
		return fallback;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno == 0 && *end == '\0' && text[0] != '-' && value >= min && value <= max)
		return (uint32_t)value;
	mc_log_warn("environment %s is '%s': not a number of %u to %u, %u is used", name, text, min,
		    max, fallback);
	return fallback;
}

static void
settings_read(struct tcp_dev *dev)
{
	const char *proto = getenv("MC_TCP_PROTO");
	uint32_t lanes = setting("MC_TCP_LANES_PER_PEER", 1, 16, LANES_DEFAULT);

	dev->lanes = (uint8_t)(lanes < TCP_LANES_MAX ? lanes : TCP_LANES_MAX);
	dev->version_1 = proto != NULL && strcmp(proto, "1") == 0;
	dev->status_limit_s =
		setting("MC_TCP_STATUS_TIMEOUT_SEC", 1, LIMIT_MAX_S, LIMIT_DEFAULT_S);
	dev->progress_limit_s =
		setting("MC_TCP_PROGRESS_TIMEOUT_SEC", 1, LIMIT_MAX_S, LIMIT_DEFAULT_S);
}

static enum mc_status
dev_open(const struct mc_dev_params *params, struct mc_dev **dev_out)
{
	struct tcp_dev *dev;

	if (params->port_min > params->port_max) {
		mc_log_error("tcp: ports %u to %u: the first is the higher one", params->port_min,
			     params->port_max);
		return MC_ERR_INVALID;
	}
	dev = calloc(1, sizeof(*dev));
	if (dev == NULL)
		return MC_ERR_NO_MEMORY;
	settings_read(dev);
	if (params->bind_host != NULL)
		snprintf(dev->bind_host, sizeof(dev->bind_host), "%s", params->bind_host);
	dev->port_min = params->port_min;
	dev->port_max = params->port_max;
	dev->listener = (struct tcp_sock){.fd = -1, .kind = TCP_KIND_LISTENER};
	mc_list_init(&dev->cqs);
	dev->base.driver = &mc_driver_tcp;
	dev->base.fast = (struct mc_driver_fast){.post = tcp_post, .poll = tcp_poll};
	dev->base.limits = (struct mc_dev_limits){.mr_bytes_max = UINT64_MAX,
						  .op_bytes_max = OP_BYTES_MAX,
						  .slice_bytes = SLICE_BYTES,
						  .sge_max = TCP_SGE_MAX,
						  .depth_max = TCP_DEPTH_MAX};
	dev->base.numa_node = -1;
	snprintf(dev->base.name, sizeof(dev->base.name), "tcp");
	*dev_out = &dev->base;
	return MC_OK;
}

static void
dev_close(struct mc_dev *base)
{
	struct tcp_dev *dev = tcp_dev(base);

	if (dev->listener.fd >= 0)
		close(dev->listener.fd);
	free(dev);
}

static enum mc_status
mem_reg(struct mc_dev *dev, const struct mc_span *span, struct mc_mem **mem_out)
{
	struct mc_mem *mem = calloc(1, sizeof(*mem));

	if (mem == NULL)
		return MC_ERR_NO_MEMORY;
	mem->dev = dev;
	mem->span = *span;
	*mem_out = mem;
	return MC_OK;
}

static void
mem_unreg(struct mc_mem *mem)
{
	free(mem);
}

static void
lists_init(struct tcp_cq *cq)
{
	mc_list_init(&cq->ready);
	mc_list_init(&cq->free);
	mc_list_init(&cq->failed);
	mc_list_init(&cq->eps);
	mc_list_init(&cq->kicked);
	mc_list_init(&cq->conns);
}

static void
cq_free(struct tcp_cq *cq)
{
	free(cq->mems);
	free(cq->ops);
	free(cq->ring);
	free(cq);
}

static struct tcp_cq *
cq_alloc(struct mc_dev *dev, uint32_t depth)
{
	struct tcp_cq *cq = calloc(1, sizeof(*cq));
	uint32_t size = 1;

	if (cq == NULL)
		return NULL;
	while (size < depth)
		size *= 2;
	cq->base.dev = dev;
	cq->depth = depth;
	cq->mask = size - 1;
	cq->look_in = 1;
	lists_init(cq);
	cq->ring = calloc(size, sizeof(*cq->ring));
	cq->ops = calloc(depth, sizeof(*cq->ops));
	if (cq->ring == NULL || cq->ops == NULL) {
		cq_free(cq);
		return NULL;
	}
	for (uint32_t i = 0; i < depth; i++)
		mc_list_add_tail(&cq->free, &cq->ops[i].link);
	return cq;
}

static enum mc_status
cq_create(struct mc_dev *dev, uint32_t depth, struct mc_cq **cq_out)
{
	struct tcp_cq *cq;
	enum mc_status st = MC_ERR_IO;

	if (depth == 0 || depth > 1u << 20)
		return MC_ERR_INVALID;
	cq = cq_alloc(dev, depth);
	if (cq == NULL)
		return MC_ERR_NO_MEMORY;
	cq->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (cq->epoll < 0)
		goto free_cq;
	st = tcp_tick_open(cq);
	if (st != MC_OK)
		goto close_epoll;
	st = tcp_serve_begin(cq);
	if (st != MC_OK)
		goto close_tick;
	mc_list_add_tail(&tcp_dev(dev)->cqs, &cq->link);
	*cq_out = &cq->base;
	return MC_OK;
close_tick:
	close(cq->tick.fd);
close_epoll:
	close(cq->epoll);
free_cq:
	cq_free(cq);
	return st;
}

static void
cq_destroy(struct mc_cq *base)
{
	struct tcp_cq *cq = tcp_cq(base);

	mc_list_del(&cq->link);
	tcp_serve_end(cq);
	close(cq->tick.fd);
	close(cq->epoll);
	cq_free(cq);
}

static int
event_fd(struct mc_cq *cq)
{
	return tcp_cq(cq)->epoll;
}

static enum mc_status
ep_import(struct mc_ep *ep, uint64_t addr, uint64_t length, uint32_t *key_out)
{
	return MC_ERR_UNSUPPORTED;	/* !MC_CAP_IMPORT: addresses are all a peer needs */
}

static void
ep_unimport(struct mc_ep *ep, uint32_t key)
{
}

static const struct mc_driver_ops ops = {
	.open = dev_open,
	.close = dev_close,
	.listen = tcp_listen,
	.mem_reg = mem_reg,
	.mem_unreg = mem_unreg,
	.mem_attach = tcp_mem_attach,
	.mem_detach = tcp_mem_detach,
	.cq_create = cq_create,
	.cq_destroy = cq_destroy,
	.event_fd = event_fd,
	.arm = tcp_arm,
	.ep_create = tcp_ep_create,
	.ep_destroy = tcp_ep_destroy,
	.ep_attach = tcp_ep_attach,
	.ep_detach = tcp_ep_detach,
	.ep_cancel = tcp_ep_cancel,
	.ep_import = ep_import,
	.ep_unimport = ep_unimport,
};

const struct mc_driver mc_driver_tcp = {
	.name = "tcp",
	.family = MC_FAMILY_TCP,
	.caps = MC_CAP_LISTEN,
	.ops = &ops,
};
