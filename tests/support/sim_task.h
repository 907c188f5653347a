/* SPDX-License-Identifier: Apache-2.0 */
/* With sim_master.h: tasks, from both sides. */
#ifndef MC_TESTS_SUPPORT_SIM_TASK_H
#define MC_TESTS_SUPPORT_SIM_TASK_H

#include "tests/support/sim_copy.h"

/* @targets as in sim_copy_start(). The error; @id_out is written for 0. */
int32_t sim_copy_task(struct sim_client *client, const char *key, const char *targets,
		      struct mc_uuid *id_out);
int32_t sim_move_task(struct sim_client *client, const char *key, const char *source,
		      const char *target, struct mc_uuid *id_out);

#define SIM_PAYLOAD_MAX 512u

struct sim_task {
	struct mc_uuid id;
	enum mc_task_type type;
	uint32_t max_retry_attempts;
	char payload[SIM_PAYLOAD_MAX];	/* or as much of it as fits */
};

/* Fetches at most @most tasks; how many. */
uint32_t sim_fetch(struct sim_client *client, uint64_t most, struct sim_task *tasks);
int32_t sim_mark(struct sim_client *client, struct mc_uuid id, int32_t status, const char *message);
/* enum mc_task_status, or the error; its message is in sim_task_message(). */
int32_t sim_task_status(struct sim_client *client, struct mc_uuid id);
const char *sim_task_message(void);

/* Carries out one fetched move: MoveStart, MoveEnd and the mark. False: it failed. */
bool sim_task_move(struct sim_client *client, const struct sim_task *task);

#endif
