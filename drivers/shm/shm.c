/* SPDX-License-Identifier: Apache-2.0 */
/* The dev, its memory and its cqs; the table of the driver. */
#include "drivers/shm/shm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "drivers/shm/private.h"

#define OP_BYTES_MAX (64u << 20)
/* An lcore is busy with a slice for less than 0.1 ms; longer ones are copied no faster. */
#define SLICE_BYTES (1u << 20)

static enum mc_status
dev_open(const struct mc_dev_params *params, struct mc_dev **dev_out)
{
	const char *wanted = getenv("MC_SHM");
	struct shm_dev *dev;
	enum mc_status st;

	if (wanted != NULL && strcmp(wanted, "0") == 0) {
		mc_log_info("shared memory with other processes is not used: MC_SHM=0");
		return MC_ERR_UNSUPPORTED;
	}
	dev = calloc(1, sizeof(*dev));
	if (dev == NULL)
		return MC_ERR_NO_MEMORY;
	st = shm_place(&dev->addr);
	if (st != MC_OK) {
		free(dev);
		return st;
	}
	dev->addr.instance = params->instance;
	dev->listener = -1;
	mc_list_init(&dev->cqs);
	mc_list_init(&dev->mappings);
	dev->base.driver = &mc_driver_shm;
	dev->base.fast = (struct mc_driver_fast){.post = shm_post, .poll = shm_poll};
	dev->base.limits = (struct mc_dev_limits){.mr_bytes_max = UINT64_MAX,
						  .op_bytes_max = OP_BYTES_MAX,
						  .slice_bytes = SLICE_BYTES,
						  .sge_max = SHM_SGE_MAX,
						  .depth_max = SHM_DEPTH_MAX};
	dev->base.numa_node = -1;
	snprintf(dev->base.name, sizeof(dev->base.name), "shm");
	*dev_out = &dev->base;
	return MC_OK;
}

static void
dev_close(struct mc_dev *base)
{
	struct shm_dev *dev = shm_dev(base);

	shm_mappings_sweep(dev);
	if (dev->listener >= 0)
		close(dev->listener);
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

static uint32_t
power_of_two(uint32_t n)
{
	uint32_t size = 1;

	while (size < n)
		size *= 2;
	return size;
}

static enum mc_status
cq_create(struct mc_dev *dev, uint32_t depth, struct mc_cq **cq_out)
{
	struct shm_cq *cq;
	uint32_t size;
	enum mc_status st = MC_ERR_NO_MEMORY;

	if (depth == 0 || depth > 1u << 24)
		return MC_ERR_INVALID;
	size = power_of_two(depth);
	cq = calloc(1, sizeof(*cq));
	if (cq == NULL)
		return st;
	cq->base.dev = dev;
	cq->depth = depth;
	cq->mask = size - 1;
	cq->look_in = 1;
	mc_list_init(&cq->failed);
	mc_list_init(&cq->dying);
	mc_list_init(&cq->conns);
	cq->ring = calloc(size, sizeof(*cq->ring));
	if (cq->ring == NULL)
		goto free_cq;
	cq->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (cq->epoll < 0) {
		st = errno == ENOMEM ? MC_ERR_NO_MEMORY : MC_ERR_IO;
		goto free_ring;
	}
	st = shm_serve_begin(cq);
	if (st != MC_OK)
		goto close_epoll;
	mc_list_add_tail(&shm_dev(dev)->cqs, &cq->link);
	*cq_out = &cq->base;
	return MC_OK;
close_epoll:
	close(cq->epoll);
free_ring:
	free(cq->ring);
free_cq:
	free(cq);
	return st;
}

static void
cq_destroy(struct mc_cq *base)
{
	struct shm_cq *cq = shm_cq(base);

	mc_list_del(&cq->link);
	shm_serve_end(cq);
	close(cq->epoll);
	free(cq->ring);
	free(cq);
}

static int
event_fd(struct mc_cq *cq)
{
	return shm_cq(cq)->epoll;
}

static enum mc_status
arm(struct mc_cq *base)
{
	struct shm_cq *cq = shm_cq(base);

	if (cq->head != cq->tail || !mc_list_empty(&cq->failed) || !mc_list_empty(&cq->dying))
		return MC_AGAIN;
	cq->look_in = 1;	/* what wakes the sleeper is a socket */
	return MC_OK;
}

static const struct mc_driver_ops ops = {
	.open = dev_open,
	.close = dev_close,
	.listen = shm_listen,
	.mem_reg = mem_reg,
	.mem_unreg = mem_unreg,
	.mem_attach = shm_mem_attach,
	.mem_detach = shm_mem_detach,
	.cq_create = cq_create,
	.cq_destroy = cq_destroy,
	.event_fd = event_fd,
	.arm = arm,
	.ep_create = shm_ep_create,
	.ep_destroy = shm_ep_destroy,
	.ep_attach = shm_ep_attach,
	.ep_detach = shm_ep_detach,
	.ep_cancel = shm_ep_cancel,
	.ep_import = shm_ep_import,
	.ep_unimport = shm_ep_unimport,
};

const struct mc_driver mc_driver_shm = {
	.name = "shm",
	.family = MC_FAMILY_SHM,
	.caps = MC_CAP_IMPORT | MC_CAP_LISTEN,
	.ops = &ops,
};
