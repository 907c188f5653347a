/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks and their plans, and the cold table, which passes on. */
#include "tests/support/fault_driver.h"

#include <stdlib.h>

#include "tests/support/fault_private.h"

static struct fault_stack stacks[FAULT_STACKS_MAX];
static unsigned int stacks_count;

static void *
zeroed(size_t bytes)
{
	void *at = calloc(1, bytes);

	fault_claim(at != NULL, "was given no memory");
	return at;
}

/* ---- devs, memory, cqs ---- */

static enum mc_status
open_over(struct fault_stack *stack, const struct mc_dev_params *params, struct mc_dev **dev_out)
{
	struct fault_dev *dev = zeroed(sizeof(*dev));
	enum mc_status st = stack->below->ops->open(params, &dev->below);

	if (st != MC_OK) {
		free(dev);
		return st;
	}
	dev->base = *dev->below;
	dev->base.driver = &stack->driver;
	dev->base.fast = (struct mc_driver_fast){.post = fault_post, .poll = fault_poll};
	dev->stack = stack;
	*dev_out = &dev->base;
	return MC_OK;
}

/* open() has no object to know its stack by: there is one function for each. */
static enum mc_status
open_0(const struct mc_dev_params *params, struct mc_dev **dev_out)
{
	return open_over(&stacks[0], params, dev_out);
}

static enum mc_status
open_1(const struct mc_dev_params *params, struct mc_dev **dev_out)
{
	return open_over(&stacks[1], params, dev_out);
}

static enum mc_status
open_2(const struct mc_dev_params *params, struct mc_dev **dev_out)
{
	return open_over(&stacks[2], params, dev_out);
}

static enum mc_status
open_3(const struct mc_dev_params *params, struct mc_dev **dev_out)
{
	return open_over(&stacks[3], params, dev_out);
}

static struct mc_dev *
dev_below(struct mc_dev *dev)
{
	return mc_container_of(dev, struct fault_dev, base)->below;
}

static void
dev_close(struct mc_dev *base)
{
	fault_down(base)->close(dev_below(base));
	free(mc_container_of(base, struct fault_dev, base));
}

static enum mc_status
dev_listen(struct mc_dev *base, struct mc_peer_addr *addr_out)
{
	return fault_down(base)->listen(dev_below(base), addr_out);
}

static enum mc_status
mem_reg(struct mc_dev *dev, const struct mc_span *span, struct mc_mem **mem_out)
{
	struct fault_mem *mem = zeroed(sizeof(*mem));
	enum mc_status st = fault_down(dev)->mem_reg(dev_below(dev), span, &mem->below);

	if (st != MC_OK) {
		free(mem);
		return st;
	}
	mem->base = *mem->below;
	mem->base.dev = dev;
	*mem_out = &mem->base;
	return MC_OK;
}

static struct mc_mem *
mem_below(struct mc_mem *mem)
{
	return mc_container_of(mem, struct fault_mem, base)->below;
}

static void
mem_unreg(struct mc_mem *mem)
{
	fault_down(mem->dev)->mem_unreg(mem_below(mem));
	free(mc_container_of(mem, struct fault_mem, base));
}

static enum mc_status
mem_attach(struct mc_cq *cq, struct mc_mem *mem)
{
	return fault_down(cq->dev)->mem_attach(fault_cq_of(cq)->below, mem_below(mem));
}

static void
mem_detach(struct mc_cq *cq, struct mc_mem *mem)
{
	fault_down(cq->dev)->mem_detach(fault_cq_of(cq)->below, mem_below(mem));
}

static enum mc_status
cq_create(struct mc_dev *dev, uint32_t depth, struct mc_cq **cq_out)
{
	struct fault_cq *cq = zeroed(sizeof(*cq));
	enum mc_status st = fault_down(dev)->cq_create(dev_below(dev), depth, &cq->below);

	if (st != MC_OK) {
		free(cq);
		return st;
	}
	cq->base.dev = dev;
	cq->depth = depth;
	cq->entries = zeroed(depth * sizeof(*cq->entries));
	*cq_out = &cq->base;
	return MC_OK;
}

static void
cq_destroy(struct mc_cq *base)
{
	struct fault_cq *cq = fault_cq_of(base);

	fault_down(base->dev)->cq_destroy(cq->below);
	free(cq->entries);
	free(cq);
}

static int
event_fd(struct mc_cq *base)
{
	return fault_down(base->dev)->event_fd(fault_cq_of(base)->below);
}

/* ---- eps ---- */

static bool
connect_refused(struct fault_stack *stack, enum mc_status *st_out)
{
	pthread_mutex_lock(&stack->lock);
	*st_out = stack->plan.connect_status;
	if (*st_out != MC_OK)
		stack->counts.connects_refused++;
	pthread_mutex_unlock(&stack->lock);
	return *st_out != MC_OK;
}

static enum mc_status
ep_create(struct mc_cq *cq, const struct mc_ep_params *params, const struct mc_peer_addr *peer,
	  struct mc_ep **ep_out)
{
	struct fault_ep *ep;
	enum mc_status st;

	if (connect_refused(fault_stack_of(cq->dev), &st))
		return st;
	ep = zeroed(sizeof(*ep));
	st = fault_down(cq->dev)->ep_create(fault_cq_of(cq)->below, params, peer, &ep->below);
	if (st != MC_OK) {
		free(ep);
		return st;
	}
	ep->below->owner = ep;
	ep->base.dev = cq->dev;
	ep->base.cq = cq;
	ep->depth = params->depth > 0 ? params->depth : cq->dev->limits.depth_max;
	*ep_out = &ep->base;
	return MC_OK;
}

static void
ep_destroy(struct mc_ep *base)
{
	struct fault_ep *ep = fault_ep_of(base);

	fault_down(base->dev)->ep_destroy(ep->below);
	free(ep);
}

static enum mc_status
ep_attach(struct mc_ep *base)
{
	struct fault_ep *ep = fault_ep_of(base);
	struct fault_cq *cq = fault_cq_of(base->cq);
	enum mc_status st = fault_down(base->dev)->ep_attach(ep->below);

	if (st != MC_OK)
		return st;
	ep->next = cq->eps;
	cq->eps = ep;
	return MC_OK;
}

static void
ep_detach(struct mc_ep *base)
{
	struct fault_ep *ep = fault_ep_of(base);
	struct fault_ep **at = &fault_cq_of(base->cq)->eps;

	fault_down(base->dev)->ep_detach(ep->below);
	fault_entries_cancel(ep, 0);
	while (*at != NULL && *at != ep)
		at = &(*at)->next;
	if (*at == ep)
		*at = ep->next;
}

static void
ep_cancel(struct mc_ep *base, uint64_t cookie)
{
	fault_entries_cancel(fault_ep_of(base), cookie);
}

static enum mc_status
ep_import(struct mc_ep *ep, uint64_t addr, uint64_t length, uint32_t *key_out)
{
	return fault_down(ep->dev)->ep_import(fault_ep_of(ep)->below, addr, length, key_out);
}

static void
ep_unimport(struct mc_ep *ep, uint32_t key)
{
	fault_down(ep->dev)->ep_unimport(fault_ep_of(ep)->below, key);
}

/* ---- stacks ---- */

static const struct mc_driver_ops table = {
	.close = dev_close,
	.listen = dev_listen,
	.mem_reg = mem_reg,
	.mem_unreg = mem_unreg,
	.mem_attach = mem_attach,
	.mem_detach = mem_detach,
	.cq_create = cq_create,
	.cq_destroy = cq_destroy,
	.event_fd = event_fd,
	.arm = fault_arm,
	.ep_create = ep_create,
	.ep_destroy = ep_destroy,
	.ep_attach = ep_attach,
	.ep_detach = ep_detach,
	.ep_cancel = ep_cancel,
	.ep_import = ep_import,
	.ep_unimport = ep_unimport,
};

const struct mc_driver *
fault_driver_over(const struct mc_driver *below)
{
	static enum mc_status (*const opens[])(const struct mc_dev_params *, struct mc_dev **) = {
		open_0, open_1, open_2, open_3};
	struct fault_stack *stack;

	for (unsigned int i = 0; i < stacks_count; i++) {
		if (stacks[i].below == below)
			return &stacks[i].driver;
	}
	fault_claim(stacks_count < FAULT_STACKS_MAX, "is one too many to stack on");
	stack = &stacks[stacks_count];
	stack->below = below;
	stack->driver = *below;
	stack->ops = table;
	stack->ops.open = opens[stacks_count++];
	if (below->ops->ep_import == NULL)
		stack->ops.ep_import = NULL;
	if (below->ops->ep_unimport == NULL)
		stack->ops.ep_unimport = NULL;
	if (below->ops->listen == NULL)
		stack->ops.listen = NULL;
	stack->driver.ops = &stack->ops;
	pthread_mutex_init(&stack->lock, NULL);
	return &stack->driver;
}

void
fault_plan_set(const struct mc_driver *driver, const struct fault_plan *plan)
{
	struct fault_stack *stack = (struct fault_stack *)driver;

	pthread_mutex_lock(&stack->lock);
	stack->plan = plan != NULL ? *plan : (struct fault_plan){0};
	stack->counts = (struct fault_counts){0};
	stack->step = 0;
	mc_random_init(&stack->random, stack->plan.seed);
	pthread_mutex_unlock(&stack->lock);
}

void
fault_counts_read(const struct mc_driver *driver, struct fault_counts *counts_out)
{
	struct fault_stack *stack = (struct fault_stack *)driver;

	pthread_mutex_lock(&stack->lock);
	*counts_out = stack->counts;
	pthread_mutex_unlock(&stack->lock);
}
