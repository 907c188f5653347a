/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sim_pool.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/master/state.h"
#include "tests/support/must.h"

const struct mc_replicate_config sim_hard_pin = {.replica_num = 1, .with_hard_pin = true};
const struct mc_replicate_config sim_soft_pin = {.replica_num = 1,
						 .soft_pin_action = MC_SOFT_PIN_ENABLE};

void
sim_pool_open(struct mc_master_params *params, struct sim_client *owner_out)
{
	params->client_ttl_ns = 24 * 3600 * MC_NS_PER_S;
	sim_master_open(params);
	*owner_out = sim_client_open(1, MC_RELEASE_NEWEST);
	must(sim_mount(owner_out, "a:1", 1, (uint64_t)SIM_SLOTS * SIM_SLOT) == 0);
}

void
sim_pool_put(struct sim_client *owner, unsigned int first, unsigned int last,
	     const struct mc_replicate_config *config)
{
	char key[16];

	for (unsigned int i = first; i < last; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		must(sim_put_as(owner, key, SIM_SLOT_SIZE, config) == 0);
		sim_advance_ms(10);
	}
}

bool
sim_has(const char *key)
{
	return mc_table_find(sim_master()->table, mc_table_hash(key, strlen(key)), key,
			     strlen(key)) != MC_OBJECT_NONE;
}

bool
sim_pool_has(unsigned int i)
{
	char key[16];

	snprintf(key, sizeof(key), "k%u", i);
	return sim_has(key);
}

void
sim_pool_gone(unsigned int last, unsigned int first, unsigned int end)
{
	for (unsigned int i = 0; i < last; i++) {
		bool there = sim_pool_has(i);

		if (there != !(i >= first && i < end))
			ck_abort_msg("k%u is %s", i, there ? "there" : "gone");
	}
}

uint64_t
sim_evicted(void)
{
	return sim_stat(&mc_master_stats(sim_master())->evicted_objects);
}
