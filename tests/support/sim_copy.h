/* SPDX-License-Identifier: Apache-2.0 */
/* With sim_master.h: copies and moves, as the client that carries them out. */
#ifndef MC_TESTS_SUPPORT_SIM_COPY_H
#define MC_TESTS_SUPPORT_SIM_COPY_H

#include "tests/support/sim_master.h"

/* @targets: names, each with a blank behind it but the last. @result_out may be NULL. */
int32_t sim_copy_start(struct sim_client *client, const char *key, const char *source,
		       const char *targets, struct mc_result_copy *result_out);
int32_t sim_move_start(struct sim_client *client, const char *key, const char *source,
		       const char *target, struct mc_result_copy *result_out);
/* CopyEnd, CopyRevoke, MoveEnd, MoveRevoke. */
int32_t sim_copy_finish(struct sim_client *client, enum mc_fn fn, const char *key);
/* Start and end. */
int32_t sim_copy(struct sim_client *client, const char *key, const char *source,
		 const char *targets);
int32_t sim_move(struct sim_client *client, const char *key, const char *source,
		 const char *target);

/* An object with one replica, on @name. */
int32_t sim_put_on(struct sim_client *client, const char *key, uint64_t size, const char *name);

#endif
