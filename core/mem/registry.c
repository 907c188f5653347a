/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All regions of the process. A list and a lock: looked at when memory is registered, never while
 * bytes move, and a process has a handful.
 */
#include <pthread.h>

#include "core/base/assert.h"
#include "core/mem/mem.h"
#include "core/mem/region.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mc_list regions = {&regions, &regions};
static pthread_once_t at_fork = PTHREAD_ONCE_INIT;

static void
lock_take(void)
{
	pthread_mutex_lock(&lock);
}

static void
lock_drop(void)
{
	pthread_mutex_unlock(&lock);
}

/* A child that is forked while another thread holds the lock could otherwise never take it. */
static void
at_fork_set(void)
{
	(void)pthread_atfork(lock_take, lock_drop, lock_drop);
}

void
mc_registry_add(struct mc_region *region)
{
	pthread_once(&at_fork, at_fork_set);
	lock_take();
	mc_list_add_tail(&regions, &region->node);
	lock_drop();
}

enum mc_status
mc_registry_remove(struct mc_region *region)
{
	enum mc_status st = MC_ERR_BUSY;

	lock_take();
	if (region->references == 0) {
		mc_list_del(&region->node);
		st = MC_OK;
	}
	lock_drop();
	return st;
}

struct mc_region *
mc_region_find(const void *addr, uint64_t length)
{
	struct mc_region *found = NULL;

	lock_take();
	for (struct mc_list *at = regions.next; at != &regions; at = at->next) {
		struct mc_region *region = mc_container_of(at, struct mc_region, node);
		uintptr_t offset = (uintptr_t)addr - (uintptr_t)region->backing.addr;

		if (offset < region->backing.length && length <= region->backing.length - offset) {
			region->references++;
			found = region;
			break;
		}
	}
	lock_drop();
	return found;
}

void
mc_region_ref(struct mc_region *region)
{
	lock_take();
	region->references++;
	lock_drop();
}

void
mc_region_unref(struct mc_region *region)
{
	lock_take();
	mc_assert(region->references > 0);
	region->references--;
	lock_drop();
}
