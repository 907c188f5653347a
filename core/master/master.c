/* SPDX-License-Identifier: Apache-2.0 */
/* A master as a whole: made, started on its reactor, ticking once a second, stopped, destroyed. */
#include "core/master/master.h"

#include <stdlib.h>

#include "core/base/assert.h"
#include "core/base/clock.h"
#include "core/master/drain.h"

void
mc_master_params_init(struct mc_master_params *params)
{
	*params = (struct mc_master_params){
		.size = sizeof(*params),
		.lease_ttl_ns = 10 * MC_NS_PER_S,
		.soft_pin_ttl_ns = 1800 * MC_NS_PER_S,
		.soft_pin_ttl_max_ns = 86400 * MC_NS_PER_S,
		.client_ttl_ns = 10 * MC_NS_PER_S,
		.put_discard_ns = 30 * MC_NS_PER_S,
		.put_release_ns = 600 * MC_NS_PER_S,
		.tasks_pending_max = 10000,
		.tasks_processing_max = 10000,
		.tasks_finished_max = 10000,
		.task_pending_timeout_ns = 300 * MC_NS_PER_S,
		.task_processing_timeout_ns = 300 * MC_NS_PER_S,
		.task_retries = 10,
		.eviction_ratio = 0.05,
		.eviction_watermark = 0.9,
		.evict_soft_pinned = true,
		.enable_disk_eviction = true,
		.strategy = MC_STRATEGY_RANDOM,
		.release_default = MC_RELEASE_NEWEST,
	};
}

/* All that waits for its turn between calls. */
static uint32_t
master_work(struct mc_poller *poller)
{
	struct mc_master *master = mc_container_of(poller, struct mc_master, work);

	return mc_queries_work(master) + mc_jobs_work(master) + mc_segments_bury(master) +
	       mc_copies_work(master) + mc_tasks_work(master) + mc_drains_work(master) +
	       mc_pins_work(master) + mc_evict_work(master);
}

static void
master_second(struct mc_timer *timer)
{
	struct mc_master *master = mc_container_of(timer, struct mc_master, second);
	uint64_t now = mc_reactor_now(master->exec);
	struct mc_table_stats stats;

	mc_clients_tick(master, now);
	mc_segments_tick(master, now);
	mc_parked_tick(master, now);
	mc_unfinished_tick(master, now);
	mc_evict_check(master);
	/* what could not be evicted may have become so */
	mc_waits_wake(master);
	mc_table_stats_read(master->table, &stats);
	mc_counter_set(&master->stats.table_bytes, stats.bytes);
	mc_timer_start(master->exec, timer, now + MC_NS_PER_S);
}

enum mc_status
mc_master_create(const struct mc_master_params *params, struct mc_master **master_out)
{
	struct mc_master *master = calloc(1, sizeof(*master));
	enum mc_status st;

	mc_assert(params->size == sizeof(*params));
	if (master == NULL)
		return MC_ERR_NO_MEMORY;
	master->params = *params;
	master->exec = params->exec;
	master->work.poll = master_work;
	master->second.expired = master_second;
	mc_list_init(&master->jobs);
	mc_list_init(&master->waits);
	mc_list_init(&master->queries);
	mc_random_init(&master->random, mc_random_seed());
	/* larger than what an earlier boot gave out; the top bit stays free */
	master->replica_id_next = (mc_clock_real_ns() / MC_NS_PER_S) << 30;
	mc_evict_init(master);
	st = mc_wire_init();
	if (st == MC_OK)
		st = mc_table_create(&master->table);
	if (st == MC_OK)
		st = mc_segments_init(master);
	if (st == MC_OK)
		st = mc_clients_init(master);
	if (st == MC_OK)
		st = mc_groups_init(master);
	if (st == MC_OK)
		st = mc_copies_init(master);
	if (st == MC_OK)
		st = mc_tasks_init(master);
	if (st == MC_OK)
		st = mc_drains_init(master);
	if (st != MC_OK) {
		mc_master_destroy(master);
		return st;
	}
	*master_out = master;
	return MC_OK;
}

void
mc_master_start(struct mc_master *master)
{
	master->draining = false;
	master->stopped = false;
	mc_poller_add(master->exec, &master->work);
	mc_timer_start(master->exec, &master->second,
		       mc_reactor_now(master->exec) + MC_NS_PER_S);
}

void
mc_master_drain(struct mc_master *master)
{
	master->draining = true;
	mc_waits_end(master);
}

void
mc_master_stop(struct mc_master *master)
{
	mc_master_drain(master);
	mc_timer_stop(master->exec, &master->second);
	mc_timer_stop(master->exec, &master->eviction.timer);
	mc_poller_del(&master->work);
	master->stopped = true;
	mc_queries_refuse(master);
}

void
mc_master_destroy(struct mc_master *master)
{
	if (master == NULL)
		return;
	mc_segments_fini(master);
	mc_clients_fini(master);
	mc_table_destroy(master->table);
	mc_copies_fini(master);
	mc_groups_fini(master);
	mc_drains_fini(master);
	mc_tasks_fini(master);
	mc_pins_fini(master);
	free(master->parked);
	free(master);
}

const struct mc_master_stats *
mc_master_stats(const struct mc_master *master)
{
	return &master->stats;
}
