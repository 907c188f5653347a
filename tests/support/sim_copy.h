/* SPDX-License-Identifier: Apache-2.0 */
/* With sim_master.h: copies and moves, as the client that carries them out. */
#ifndef MC_TESTS_SUPPORT_SIM_COPY_H
#define MC_TESTS_SUPPORT_SIM_COPY_H

#include "tests/support/sim_master.h"

/* Names that stand in @text with blanks between them, as views into it. */
struct mc_vec sim_names(const char *text, struct mc_str *names, uint32_t names_max);

/* @targets: names with blanks between them. @result_out may be NULL. */
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
