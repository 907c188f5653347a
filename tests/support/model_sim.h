/* SPDX-License-Identifier: Apache-2.0 */
/* With sim_master.h: a master and the model of it side by side, in the same virtual time. */
#ifndef MC_TESTS_SUPPORT_MODEL_SIM_H
#define MC_TESTS_SUPPORT_MODEL_SIM_H

#include "tests/support/model.h"
#include "tests/support/sim_master.h"

extern struct model model;
extern struct sim_client model_clients[MODEL_CLIENTS];

/* A master whose times are short, and its model; @seed is that of every draw. */
void model_sim_open(uint64_t seed, bool evict_soft_pinned);
/* All is taken away, and time goes until no writer is waited for: nothing is left in use. */
void model_sim_drain(void);

/* A look at the master: keys, space and counters must be the model's. */
void model_sim_look(void);
/* Time goes on, with a look on either side of the master's tick of a second. */
void model_sim_pass_ms(uint64_t ms);

uint32_t model_below(uint32_t bound);
const char *model_key(uint32_t key);
const char *model_name(uint32_t name);
struct mc_segment_desc model_segment_desc(uint32_t segment);
/* A line of MC_TEST_TRACE=1. */
void model_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
