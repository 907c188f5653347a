/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the model share. */
#ifndef MC_TESTS_SUPPORT_MODEL_PRIVATE_H
#define MC_TESTS_SUPPORT_MODEL_PRIVATE_H

#include "core/wire/msg.h"
#include "tests/support/model.h"
#include "tests/support/must.h"

enum {
	UNAVAILABLE = -1010,
	REPLICA_GONE = -712,
	REPLICA_NOT_FOUND = -710,
	NO_TASK = -709,
	BUSY = -708,
	LEASED = -706,
	OBJECT_NOT_FOUND = -704,
	NOT_READY = -703,
	INVALID_WRITE = -700,
	ILLEGAL_CLIENT = -601,
	INVALID_PARAMS = -600,
	NO_SEGMENT = -101,
};

bool model_eviction_due(const struct model *model);
void model_object_drop(struct model *model, uint32_t key);
void model_replica_drop(struct model_object *object, uint32_t replica);
/* A replica that the master chose a place for. */
void model_replica_add(struct model *model, struct model_object *object,
		       const struct mc_replica_desc *desc);
bool model_name_used(const struct model *model, const struct model_object *object, uint32_t name);
void model_park(struct model *model, const struct model_object *object,
		const struct model_replica *replica, uint64_t free_at_ns);
/* What parked space is due is given back, all at once. */
void model_unpark(struct model *model, uint64_t now_ns);
/* When the next is due; UINT64_MAX: nothing is parked. */
uint64_t model_unpark_next(const struct model *model);
/* The lease of a group; of an object, by itself or as a member. */
uint64_t model_group_lease(const struct model *model, uint32_t group);
uint64_t model_lease(const struct model *model, const struct model_object *object);
/* A replica that is not complete. */
bool model_unfinished(const struct model_object *object);
/* The copies of a client that is gone are undone. */
void model_copies_lose(struct model *model, uint32_t client, uint64_t now_ns);

#endif
