/* SPDX-License-Identifier: Apache-2.0 */
/* With sim_master.h: drain jobs, as the admin port asks for them. */
#ifndef MC_TESTS_SUPPORT_SIM_DRAIN_H
#define MC_TESTS_SUPPORT_SIM_DRAIN_H

#include "tests/support/sim_task.h"

/* Names with blanks between them; @job_out is written for MC_OK. */
enum mc_status sim_drain(const char *segments, const char *targets, uint32_t concurrency,
			 struct mc_drain_job *job_out);
/* What is told of @job now, into it. */
enum mc_status sim_drain_look(struct mc_drain_job *job);
enum mc_status sim_drain_cancel(struct mc_drain_job *job);
/* The array of names that the last answer had. */
const char *sim_drain_names(void);

/* @client fetches and carries out moves; how many worked. */
uint32_t sim_drain_serve(struct sim_client *client);

#endif
