/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to core/master: tasks, which clients fetch and carry out.
 *
 *   task.c           their life   task_rpc.c   the functions of the protocol
 *   task_payload.c   what a client is told to do
 */
#ifndef MC_CORE_MASTER_TASK_H
#define MC_CORE_MASTER_TASK_H

#include "core/base/buf.h"
#include "core/master/state.h"

#define MC_TASK_MESSAGE_MAX 4096u	/* of a client's message this much is kept */

/* What to do: one block of memory, the texts behind the targets. */
struct task_order {
	enum mc_task_type type;
	struct mc_str key;
	struct mc_str source;		/* names */
	uint32_t targets_count;		/* a move has one */
	struct mc_str targets[];
};

/* The queues that a task stands in. */
enum task_link {
	TASK_BY_STATE,		/* of all tasks in its state, by when they came there */
	TASK_BY_CLIENT,		/* of the client's pending ones */
	TASK_LINKS,
};

struct master_task {
	struct mc_uuid id;
	enum mc_task_type type;
	enum mc_task_status status;
	bool used;
	uint64_t since_ns;		/* in this state */
	int64_t created_at_ms;
	int64_t updated_at_ms;
	struct mc_uuid client_id;
	uint32_t client;		/* its number, until the task is finished */
	uint32_t drain;			/* the drain job that it is for, or 0 */
	struct task_order *order;	/* owned; NULL once it is finished */
	struct mc_str message;		/* owned */
	uint32_t newer[TASK_LINKS];	/* of an unused entry, the first: the next unused one */
	uint32_t older[TASK_LINKS];
};

struct master_tasks {
	struct master_task *at;
	uint32_t room;
	uint32_t used;			/* entries ever used */
	uint32_t free;			/* an unused one, or MC_NUMBER_NONE */
	struct task_queue pending;
	struct task_queue processing;
	struct task_queue finished;
	struct mc_uuid_map ids;
	uint64_t check_at_ns;		/* next look for tasks that take too long */
	uint32_t sweep;			/* the next one to look at for a client that is gone */
};

enum mc_status mc_tasks_init(struct mc_master *master);
void mc_tasks_fini(struct mc_master *master);
/* A client expired: what it was to do fails. */
void mc_tasks_sweep(struct mc_master *master);
uint32_t mc_tasks_work(struct mc_master *master);

struct task_request {
	enum mc_task_type type;
	struct mc_str key;
	struct mc_str source;
	struct mc_vec targets;		/* of names: at least one, MC_REPLICAS_MAX at most */
	uint32_t client;		/* who is to do it */
	uint32_t drain;			/* the drain job that it is for, or 0 */
};

/*
 * Queues a task. MC_ERR_TASK_LIMIT: too many wait; MC_ERR_INVALID_KEY: a name or the key is no
 * text (UTF-8), and could not be told.
 */
enum mc_status mc_task_add(struct mc_master *master, const struct task_request *request,
			   uint32_t *task_out);
/* MC_NUMBER_NONE: unknown. */
uint32_t mc_task_find(const struct mc_master *master, struct mc_uuid id);
/* The client has fetched it. */
void mc_task_start(struct mc_master *master, uint32_t task);
/* @status: MC_TASK_SUCCESS or MC_TASK_FAILED. */
void mc_task_finish(struct mc_master *master, uint32_t task, enum mc_task_status status,
		    struct mc_str message);

/* Appends the order as the clients of @release read it: JSON. */
enum mc_status mc_task_payload(const struct task_order *order, enum mc_release release,
			       struct mc_buf *out);

#endif
