/* SPDX-License-Identifier: Apache-2.0 */
/* Batch calls to the master of sim_master.h, and the many keys that they and walks need. */
#ifndef MC_TESTS_SUPPORT_SIM_BATCH_H
#define MC_TESTS_SUPPORT_SIM_BATCH_H

#include "tests/support/sim_master.h"

#define SIM_KEYS_MAX 20000u

/* An array of C values as an argument; the array must outlive the call. */
#define SIM_VEC(array)                                              \
	((struct mc_vec){.items = (array),                          \
			 .count = sizeof(array) / sizeof(*(array)), \
			 .stride = sizeof(*(array))})

/* "k0", "k1", …: one of them, and the first @count of them. */
const char *sim_key(uint32_t i);
struct mc_vec sim_keys(uint32_t count);

/* Everything that a batch function of any release may want of @keys; each with @size bytes. */
struct mc_args sim_batch_args(const struct sim_client *client, struct mc_vec keys, uint64_t size);

/* The answers of a batch under way, one for each key: @errors, or success where that is NULL. */
void sim_batch_receive(struct sim_client *client, enum mc_fn fn, uint32_t count,
		       const int32_t *errors);
/* The call as well. */
void sim_batch_expect(struct sim_client *client, enum mc_fn fn, const struct mc_args *args,
		      const int32_t *errors);

/* BatchPutStart and BatchPutEnd of k0 … with @size bytes each. */
void sim_put_keys(struct sim_client *client, uint32_t count, uint64_t size);
/* How many of k0 … are there. */
uint32_t sim_exist_keys(struct sim_client *client, uint32_t count);

#endif
