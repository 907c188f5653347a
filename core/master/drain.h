/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to core/master: drain jobs, which empty segments by moving what lies there.
 *
 *   drain.c        jobs: ordered, looked at, cancelled, over
 *   drain_walk.c   a job at work: which object goes next, and where to
 */
#ifndef MC_CORE_MASTER_DRAIN_H
#define MC_CORE_MASTER_DRAIN_H

#include "core/master/task.h"

#define MC_DRAINS_MAX 64u	 /* jobs, with those that are over and can still be asked for */
#define MC_DRAIN_NAMES_MAX 1024u /* segments, and targets, of one */
#define MC_DRAIN_TRIES 3u	 /* moves of one object that may fail */

struct drain_names {
	struct mc_str *at;	/* owned, as are the texts */
	uint32_t count;
};

/* A walk over all objects; such walks follow each other until the segments are empty. */
struct drain_round {
	uint64_t began_ns;
	uint32_t cursor;
	uint64_t left;		/* replicas met on the segments: of these */
	uint64_t started;	/* got a task */
	uint64_t blocked;	/* cannot be moved now */
	uint64_t hopeless;	/* were tried often enough */
};

struct drain_job {
	struct mc_list link;
	uint32_t number;	/* what segments and tasks know it by; never 0 */
	struct mc_drain_job told;
	uint32_t concurrency;
	struct drain_names segments;
	struct drain_names targets;	/* none: anywhere */
	bool first_round;
	bool lost;		/* a segment went with objects on it */
	uint64_t next_ns;	/* when it goes on */
	struct drain_round round;
};

struct master_drains {
	struct mc_list jobs;	/* oldest first */
	uint32_t count;
	uint32_t number_last;
};

enum mc_status mc_drains_init(struct mc_master *master);
void mc_drains_fini(struct mc_master *master);
uint32_t mc_drains_work(struct mc_master *master);
/* @segment, which a job empties, is being unmounted. */
void mc_drain_lost(struct mc_master *master, uint32_t segment);
/* NULL: forgotten. */
struct drain_job *mc_drain_find(const struct mc_master *master, uint32_t number);
/* The job is over: its segments are told. */
void mc_drain_end(struct mc_master *master, struct drain_job *job, enum mc_drain_status status);
void mc_drain_touch(struct drain_job *job);
/* One slice of a job; returns work done. */
uint32_t mc_drain_walk(struct mc_master *master, struct drain_job *job);
/* A task of a job is over; its order is still there. */
void mc_drain_task_done(struct mc_master *master, const struct master_task *task,
			enum mc_task_status status);

#endif
