/* SPDX-License-Identifier: Apache-2.0 */
/* With sim_master.h: the calls about segments, many objects at once, and where objects lie. */
#ifndef MC_TESTS_SUPPORT_SIM_SEGMENT_H
#define MC_TESTS_SUPPORT_SIM_SEGMENT_H

#include "tests/support/sim_master.h"

int32_t sim_mount_desc(struct sim_client *client, const struct mc_segment_desc *desc);
int32_t sim_remount(struct sim_client *client, const struct mc_segment_desc *descs,
		    uint32_t descs_count);
int32_t sim_unmount_gracefully(struct sim_client *client, uint64_t number, uint64_t grace_ms);
/* enum mc_segment_status, or the error, which is negative. */
int32_t sim_segment_status(struct sim_client *client, const char *name);
int32_t sim_segment_status_by_id(struct sim_client *client, uint64_t number);

/* Start and end of an object that asks for something. */
int32_t sim_put_as(struct sim_client *client, const char *key, uint64_t size,
		   const struct mc_replicate_config *config);
/* Objects "PREFIX0" to "PREFIX(count - 1)". */
void sim_put_many(struct sim_client *client, const char *prefix, unsigned int count, uint64_t size);
/* The endpoints of @key's replicas, each with a blank behind it; "" when it is not there. */
const char *sim_where(struct sim_client *client, const char *key);

#endif
