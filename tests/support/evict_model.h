/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eviction as the protocol describes it, by the plainest means: an array of objects that each round
 * looks through from end to end. It knows nothing of queues; whether there was room for an object
 * it is told, as that is the allocators' business.
 *
 * Time goes in steps. One call is made per step, so that no two objects share a lease's end; rounds
 * and the master's tick of a second fall on different instants, so that their order is certain.
 */
#ifndef MC_TESTS_SUPPORT_EVICT_MODEL_H
#define MC_TESTS_SUPPORT_EVICT_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define EVICT_MODEL_KEYS 400u

struct evict_model_object {
	bool there;
	bool complete;
	bool hard;
	bool soft; /* asked for */
	uint64_t started_ns;
	uint64_t lease_ns;
	uint64_t pin_ttl_ns;
	uint64_t pinned_until_ns;
	uint64_t bytes; /* that its replicas occupy */
	uint32_t replicas;
};

struct evict_model_parked {
	uint64_t free_at_ns;
	uint64_t bytes; /* 0: free */
};

struct evict_model {
	double ratio;
	double watermark;
	bool evict_soft_pinned;
	uint64_t lease_ttl_ns;
	uint64_t discard_ns;
	uint64_t release_ns;
	uint64_t capacity;

	struct evict_model_object objects[EVICT_MODEL_KEYS];
	struct evict_model_parked parked[4 * EVICT_MODEL_KEYS];
	uint64_t used;
	uint64_t round_at_ns; /* 0: none is due */
	uint64_t tick_at_ns;
	bool wanted;

	uint64_t rounds;
	uint64_t evicted;
	uint64_t evicted_pinned; /* among these, in a second pass */
	uint64_t released;	 /* unfinished writes that were too old */
	uint64_t unparked;	 /* buffers freed in rounds */
};

/* The rounds, or the tick, that are due at @now_ns. */
void evict_model_rounds(struct evict_model *model, uint64_t now_ns);
void evict_model_tick(struct evict_model *model, uint64_t now_ns);

/* PutStart: false when it must answer -705. Else it was answered: with space, or -200 for none. */
bool evict_model_key_free(struct evict_model *model, uint32_t key, uint64_t now_ns);
void evict_model_put(struct evict_model *model, uint32_t key,
		     const struct evict_model_object *object, uint64_t now_ns);
void evict_model_no_space(struct evict_model *model, uint64_t now_ns);
/* PutEnd of an unfinished object; a read of a complete one; the end of any. */
void evict_model_complete(struct evict_model *model, uint32_t key, uint64_t now_ns);
void evict_model_read(struct evict_model *model, uint32_t key, uint64_t now_ns);
void evict_model_drop(struct evict_model *model, uint32_t key);

#endif
