/* SPDX-License-Identifier: Apache-2.0 */
/* With sim_master.h: a pool of a hundred slots that fills up, and who is left in it. */
#ifndef MC_TESTS_SUPPORT_SIM_POOL_H
#define MC_TESTS_SUPPORT_SIM_POOL_H

#include "tests/support/sim_segment.h"

/* With its trailer an object of SIM_SLOT_SIZE takes a SIM_SLOT. */
#define SIM_SLOT      65536u
#define SIM_SLOT_SIZE (SIM_SLOT - 32)
#define SIM_SLOTS     100u

extern const struct mc_replicate_config sim_hard_pin;
extern const struct mc_replicate_config sim_soft_pin;

/* A master with @params (changed: nobody need ping) and a segment of SIM_SLOTS. */
void sim_pool_open(struct mc_master_params *params, struct sim_client *owner_out);
/* Objects "kFIRST" to "k(LAST - 1)" of a slot each, 10 ms apart. */
void sim_pool_put(struct sim_client *owner, unsigned int first, unsigned int last,
		  const struct mc_replicate_config *config);
/* Looks that are no reads; by the number of a key like the above. */
bool sim_has(const char *key);
bool sim_pool_has(unsigned int i);
/* Of "k0" to "k(LAST - 1)" those from @first to @end - 1 are gone, and no others. */
void sim_pool_gone(unsigned int last, unsigned int first, unsigned int end);
uint64_t sim_evicted(void);

#endif
