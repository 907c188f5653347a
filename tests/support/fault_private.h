/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each object of the driver below has a twin here that embeds the struct of driver.h and points
 * down. An operation taken is an entry of its cq: its number + 1 is the cookie that goes down.
 */
#ifndef MC_TESTS_SUPPORT_FAULT_PRIVATE_H
#define MC_TESTS_SUPPORT_FAULT_PRIVATE_H

#include <pthread.h>

#include "core/base/list.h"
#include "core/base/random.h"
#include "tests/support/fault_driver.h"

struct fault_stack {
	struct mc_driver driver;
	struct mc_driver_ops ops;
	const struct mc_driver *below;
	pthread_mutex_t lock;
	struct fault_plan plan;
	struct fault_counts counts;
	struct mc_random random;
	size_t step;		/* of the script */
};

enum fault_entry_state {
	ENTRY_FREE,
	ENTRY_BELOW,		/* posted to the driver below */
	ENTRY_LOST,		/* dropped */
	ENTRY_DUE,		/* completion waits for its poll */
};

struct fault_entry {
	enum fault_entry_state state;
	struct fault_ep *ep;
	uint64_t cookie;
	uint64_t due;		/* ENTRY_BELOW: polls to hold it */
	uint64_t length;
	int32_t status;
	uint32_t detail;
};

struct fault_dev {
	struct mc_dev base;
	struct mc_dev *below;
	struct fault_stack *stack;
};

struct fault_mem {
	struct mc_mem base;
	struct mc_mem *below;
};

struct fault_cq {
	struct mc_cq base;
	struct mc_cq *below;
	struct fault_entry *entries;
	uint32_t depth;
	uint32_t used;
	uint64_t polls;
	struct fault_ep *eps;		/* attached */
};

struct fault_ep {
	struct mc_ep base;
	struct mc_ep *below;
	struct fault_ep *next;
	uint32_t depth;
	uint32_t outstanding;
	bool killed;
	bool tell;		/* a completion with cookie 0 waits */
};

static inline struct fault_stack *
fault_stack_of(const struct mc_dev *dev)
{
	return mc_container_of(dev, struct fault_dev, base)->stack;
}

static inline struct fault_cq *
fault_cq_of(struct mc_cq *cq)
{
	return mc_container_of(cq, struct fault_cq, base);
}

static inline struct fault_ep *
fault_ep_of(struct mc_ep *ep)
{
	return mc_container_of(ep, struct fault_ep, base);
}

static inline const struct mc_driver_ops *
fault_down(const struct mc_dev *dev)
{
	return fault_stack_of(dev)->below->ops;
}

/* Ends the program with a line when @condition does not hold. */
void fault_claim(bool condition, const char *what);

/* fault_path.c: the hot calls, and what ends operations before their time. */
uint32_t fault_post(struct mc_ep *ep, const struct mc_op *ops, uint32_t count);
uint32_t fault_poll(struct mc_cq *cq, struct mc_completion *out, uint32_t out_count);
enum mc_status fault_arm(struct mc_cq *cq);
/*
 * What the plan holds back of @ep (with @cookie, if that is not 0) completes at the next poll.
 */
void fault_entries_cancel(struct fault_ep *ep, uint64_t cookie);

#endif
