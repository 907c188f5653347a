/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to an operation between post() and poll(). */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/fault_private.h"

#define POLLS_MAX 64u
#define DELAY_POLLS 16u

void
fault_claim(bool condition, const char *what)
{
	if (!condition) {
		fprintf(stderr, "fault driver: the driver below %s\n", what);
		abort();
	}
}

/* ---- what happens to an operation ---- */

static bool
chance(struct fault_stack *stack, uint16_t out_of_1000)
{
	return out_of_1000 > 0 && mc_random_below(&stack->random, 1000) < out_of_1000;
}

static enum fault_kind
kind_by_chance(struct fault_stack *stack)
{
	const struct fault_plan *plan = &stack->plan;

	if (chance(stack, plan->shorter))
		return FAULT_SHORT;
	if (chance(stack, plan->error))
		return FAULT_ERROR;
	if (chance(stack, plan->drop))
		return FAULT_DROP;
	if (chance(stack, plan->kill))
		return FAULT_KILL;
	return chance(stack, plan->delay) ? FAULT_DELAY : FAULT_NONE;
}

static enum fault_kind
kind_next(struct fault_stack *stack, enum mc_status *status_out)
{
	const struct fault_plan *plan = &stack->plan;

	*status_out = plan->error_status != MC_OK ? plan->error_status : MC_ERR_IO;
	if (stack->step < plan->script_count &&
	    plan->script[stack->step].op == stack->counts.ops) {
		const struct fault_step *step = &plan->script[stack->step++];

		if (step->status != MC_OK)
			*status_out = step->status;
		return step->kind;
	}
	return kind_by_chance(stack);
}

static void
entry_due(struct fault_cq *cq, struct fault_entry *entry, enum mc_status st, uint64_t polls)
{
	entry->state = ENTRY_DUE;
	entry->status = st;
	entry->detail = 0;
	entry->due = cq->polls + polls;
}

/* Takes one operation as its @kind wants; true: it is to go down. */
static bool
entry_begin(struct fault_stack *stack, struct fault_cq *cq, struct fault_entry *entry,
	    enum fault_kind kind, enum mc_status status)
{
	uint32_t most = stack->plan.delay_polls_max > 0 ? stack->plan.delay_polls_max : DELAY_POLLS;

	entry->due = 0;
	switch (kind) {
	case FAULT_ERROR:
		stack->counts.errors++;
		entry_due(cq, entry, status, 0);
		return false;
	case FAULT_DROP:
		stack->counts.drops++;
		entry->state = ENTRY_LOST;
		return false;
	case FAULT_KILL:
		stack->counts.kills++;
		entry->ep->killed = entry->ep->tell = true;
		entry_due(cq, entry, MC_ERR_CONN_CLOSED, 0);
		return false;
	case FAULT_DELAY:
		stack->counts.delays++;
		entry->due = 1 + mc_random_below(&stack->random, most);
		break;
	default:
		break;
	}
	entry->state = ENTRY_BELOW;
	return true;
}

static struct fault_entry *
entry_find(struct fault_cq *cq)
{
	for (uint32_t i = 0; i < cq->depth; i++) {
		if (cq->entries[i].state == ENTRY_FREE)
			return &cq->entries[i];
	}
	return NULL;
}

static void
entry_free(struct fault_cq *cq, struct fault_entry *entry)
{
	entry->state = ENTRY_FREE;
	entry->ep->outstanding--;
	cq->used--;
}

/*
 * Makes an entry for @op: *down_out says if it goes down. False: no room, or the plan wants post()
 * to end here.
 */
static bool
op_take(struct fault_ep *ep, const struct mc_op *op, struct fault_entry **entry_out, bool *down_out)
{
	struct fault_cq *cq = fault_cq_of(ep->base.cq);
	struct fault_stack *stack = fault_stack_of(ep->base.dev);
	enum mc_status status;
	enum fault_kind kind;
	struct fault_entry *entry;

	if (ep->outstanding == ep->depth || cq->used == cq->depth)
		return false;
	kind = kind_next(stack, &status);
	if (kind == FAULT_SHORT) {
		stack->counts.shorter++;
		return false;
	}
	entry = entry_find(cq);
	entry->ep = ep;
	entry->cookie = op->cookie;
	entry->length = 0;
	for (uint16_t i = 0; i < op->sge_count; i++)
		entry->length += op->sge[i].length;
	if (ep->killed) {
		entry_due(cq, entry, MC_ERR_CONN_CLOSED, 0);
		*down_out = false;
	} else {
		*down_out = entry_begin(stack, cq, entry, kind, status);
	}
	stack->counts.ops++;
	ep->outstanding++;
	cq->used++;
	*entry_out = entry;
	return true;
}

uint32_t
fault_post(struct mc_ep *base, const struct mc_op *ops, uint32_t count)
{
	struct fault_ep *ep = fault_ep_of(base);
	struct fault_cq *cq = fault_cq_of(base->cq);
	struct fault_stack *stack = fault_stack_of(base->dev);
	uint32_t taken = 0;

	pthread_mutex_lock(&stack->lock);
	while (taken < count) {
		const struct fault_counts counts = stack->counts;
		const size_t step = stack->step;
		struct mc_op op = ops[taken];
		struct fault_entry *entry;
		bool goes_down;

		if (!op_take(ep, &op, &entry, &goes_down))
			break;
		op.cookie = (uint64_t)(entry - cq->entries) + 1;
		if (goes_down && cq->below->dev->fast.post(ep->below, &op, 1) == 0) {
			/* full below: it comes again, and meets the same step of the script */
			entry_free(cq, entry);
			stack->counts = counts;
			stack->step = step;
			break;
		}
		taken++;
	}
	pthread_mutex_unlock(&stack->lock);
	return taken;
}

/* ---- completions ---- */

static void
below_poll(struct fault_cq *cq)
{
	struct mc_completion completions[POLLS_MAX];
	uint32_t n = cq->below->dev->fast.poll(cq->below, completions, POLLS_MAX);

	for (uint32_t i = 0; i < n; i++) {
		const struct mc_completion *c = &completions[i];
		struct fault_ep *ep = c->ep->owner;
		struct fault_entry *entry;

		if (c->cookie == 0) {
			ep->tell = true;
			continue;
		}
		fault_claim(c->cookie <= cq->depth, "completed what nobody posted");
		entry = &cq->entries[c->cookie - 1];
		fault_claim(entry->state == ENTRY_BELOW && entry->ep == ep,
		      "completed an operation twice, or for another ep");
		entry_due(cq, entry, c->status, entry->due);
		entry->detail = c->detail;
	}
	mc_counter_set(&cq->base.counters.served_ops,
		       mc_counter_read(&cq->below->counters.served_ops));
	mc_counter_set(&cq->base.counters.served_bytes,
		       mc_counter_read(&cq->below->counters.served_bytes));
	cq->base.counters.busy |= cq->below->counters.busy;
	cq->below->counters.busy = false;
}

static void
entry_end(struct fault_cq *cq, struct fault_entry *entry, struct mc_completion *out)
{
	*out = (struct mc_completion){.cookie = entry->cookie, .ep = &entry->ep->base,
				      .status = entry->status, .detail = entry->detail};
	if (entry->status == MC_OK) {
		mc_counter_add(&cq->base.counters.ops, 1);
		mc_counter_add(&cq->base.counters.bytes, entry->length);
	} else {
		mc_counter_add(&cq->base.counters.errors, 1);
	}
	entry_free(cq, entry);
}

static uint32_t
failures_take(struct fault_cq *cq, struct mc_completion *out, uint32_t out_count)
{
	uint32_t n = 0;

	for (struct fault_ep *ep = cq->eps; ep != NULL && n < out_count; ep = ep->next) {
		if (ep->tell)
			out[n++] = (struct mc_completion){.ep = &ep->base,
							  .status = MC_ERR_CONN_CLOSED};
		ep->tell = false;
	}
	return n;
}

uint32_t
fault_poll(struct mc_cq *base, struct mc_completion *out, uint32_t out_count)
{
	struct fault_cq *cq = fault_cq_of(base);
	struct fault_stack *stack = fault_stack_of(base->dev);
	uint32_t n = 0, begin = 0;

	pthread_mutex_lock(&stack->lock);
	cq->polls++;
	below_poll(cq);
	if (stack->plan.reorder)
		begin = (uint32_t)mc_random_below(&stack->random, cq->depth);
	for (uint32_t i = 0; i < cq->depth && n < out_count; i++) {
		struct fault_entry *entry = &cq->entries[(begin + i) % cq->depth];

		if (entry->state == ENTRY_DUE && entry->due <= cq->polls)
			entry_end(cq, entry, &out[n++]);
	}
	n += failures_take(cq, out + n, out_count - n);
	pthread_mutex_unlock(&stack->lock);
	return n;
}

enum mc_status
fault_arm(struct mc_cq *base)
{
	struct fault_cq *cq = fault_cq_of(base);

	for (uint32_t i = 0; i < cq->depth; i++) {
		if (cq->entries[i].state == ENTRY_DUE)
			return MC_AGAIN;
	}
	for (const struct fault_ep *ep = cq->eps; ep != NULL; ep = ep->next) {
		if (ep->tell)
			return MC_AGAIN;
	}
	return fault_down(base->dev)->arm(cq->below);
}

void
fault_entries_cancel(struct fault_ep *ep, uint64_t cookie)
{
	struct fault_cq *cq = fault_cq_of(ep->base.cq);

	for (uint32_t i = 0; i < cq->depth; i++) {
		struct fault_entry *entry = &cq->entries[i];

		if (entry->state == ENTRY_FREE || entry->ep != ep ||
		    (cookie != 0 && entry->cookie != cookie))
			continue;
		if (entry->state == ENTRY_LOST)
			entry_due(cq, entry, MC_ERR_CANCELED, 0);
		if (entry->state == ENTRY_BELOW && cookie != 0)
			fault_down(ep->base.dev)->ep_cancel(ep->below, i + 1);
		entry->due = 0;
	}
}
