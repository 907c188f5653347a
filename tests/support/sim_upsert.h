/* SPDX-License-Identifier: Apache-2.0 */
/* With sim_master.h: upserts, and what became of the object. */
#ifndef MC_TESTS_SUPPORT_SIM_UPSERT_H
#define MC_TESTS_SUPPORT_SIM_UPSERT_H

#include "core/master/state.h"
#include "tests/support/sim_master.h"

/* UpsertStart; its replicas, at most @descs_max, into @descs. Their number, or the error. */
int32_t sim_upsert_begin(struct sim_client *client, const char *key, uint64_t size,
			 const struct mc_replicate_config *config, struct mc_replica_desc *descs,
			 uint32_t descs_max);
/* The same of one replica: 0, or the error. */
int32_t sim_upsert_start(struct sim_client *client, const char *key, uint64_t size);
int32_t sim_upsert_end(struct sim_client *client, const char *key);
int32_t sim_upsert_end_checked(struct sim_client *client, const char *key,
			       struct mc_opt_u64 checksum);
int32_t sim_upsert_revoke(struct sim_client *client, const char *key);
/* Start and end; @config NULL: one replica. */
int32_t sim_upsert(struct sim_client *client, const char *key, uint64_t size,
		   const struct mc_replicate_config *config);

/* The object itself, which must be there. No read. */
struct mc_object *sim_object(const char *key);

#endif
