/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fake_engine.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

struct fake_engine fake_engine;

struct mc_engine {
	pthread_mutex_t lock;
	struct mc_batch *head, **tail;	/* submitted */
	pthread_t thread;
	atomic_bool stopping;
	bool has_thread;
	uint64_t submits;
};

struct request {
	enum mc_transfer_op op;
	uint64_t remote;
	void *local;
	uint64_t length;
	enum mc_status status;
};

struct mc_batch {
	struct mc_engine *engine;
	struct mc_batch *next;
	struct request *requests;
	uint32_t count, max;
	void (*done)(void *context, struct mc_batch *batch);
	void *context;
	atomic_bool complete;
};

struct mc_segment {
	int unused;
};

static struct mc_segment segment;

static void
request_move(struct request *request)
{
	uint64_t number = atomic_fetch_add(&fake_engine.transfers, 1) + 1;
	uint8_t *remote = (uint8_t *)(uintptr_t)request->remote;
	bool reads = request->op == MC_READ;
	uint8_t *to = reads ? request->local : remote;

	request->status = MC_OK;
	atomic_fetch_add(reads ? &fake_engine.reads : &fake_engine.writes, 1);
	if (number == fake_engine.fail_at) {
		request->status = fake_engine.fail_status;
		return;
	}
	if (remote < fake_engine.remote ||
	    request->remote + request->length >
		    (uintptr_t)fake_engine.remote + fake_engine.remote_length)
		abort();
	if (number != fake_engine.drop_at)
		memcpy(to, reads ? remote : request->local, request->length);
	if (number == fake_engine.flip_at)
		to[request->length / 2] ^= 0x10;
	atomic_fetch_add(&fake_engine.bytes, request->length);
}

static void
batch_move(struct mc_batch *batch)
{
	for (uint32_t i = 0; i < batch->count; i++)
		request_move(&batch->requests[i]);
	atomic_fetch_sub(&fake_engine.flying, batch->count);
}

uint32_t
mc_engine_poll(struct mc_engine *engine)
{
	void (*done)(void *context, struct mc_batch *batch);
	struct mc_batch *batch;
	void *context;

	pthread_mutex_lock(&engine->lock);
	batch = engine->head;
	if (batch != NULL) {
		engine->head = batch->next;
		if (engine->head == NULL)
			engine->tail = &engine->head;
	}
	pthread_mutex_unlock(&engine->lock);
	if (batch == NULL)
		return 0;
	batch_move(batch);
	done = batch->done;
	context = batch->context;
	/* without a callback its owner may free it from here on */
	atomic_store(&batch->complete, true);
	if (done != NULL)
		done(context, batch);
	return 1;
}

static void *
engine_run(void *context)
{
	struct mc_engine *engine = context;

	while (!atomic_load(&engine->stopping)) {
		if (mc_engine_poll(engine) == 0)
			sched_yield();
	}
	return NULL;
}

enum mc_status
mc_engine_create(const struct mc_engine_params *params, struct mc_engine **engine_out)
{
	struct mc_engine *engine = calloc(1, sizeof(*engine));

	if (engine == NULL)
		return MC_ERR_NO_MEMORY;
	pthread_mutex_init(&engine->lock, NULL);
	engine->tail = &engine->head;
	engine->has_thread = fake_engine.threaded;
	if (engine->has_thread && pthread_create(&engine->thread, NULL, engine_run, engine) != 0)
		abort();
	*engine_out = engine;
	return MC_OK;
}

void
mc_engine_destroy(struct mc_engine *engine)
{
	if (engine == NULL)
		return;
	atomic_store(&engine->stopping, true);
	if (engine->has_thread)
		pthread_join(engine->thread, NULL);
	pthread_mutex_destroy(&engine->lock);
	free(engine);
}

enum mc_status
mc_segment_open(struct mc_engine *engine, const char *name, uint64_t timeout_ns,
		struct mc_segment **segment_out)
{
	*segment_out = &segment;
	return MC_OK;
}

void
mc_segment_close(struct mc_segment *closed)
{
}

enum mc_status
mc_batch_alloc(struct mc_engine *engine, uint32_t requests_max, uint32_t pieces_max,
	       struct mc_batch **batch_out)
{
	struct mc_batch *batch = calloc(1, sizeof(*batch));

	if (batch != NULL)
		batch->requests = calloc(requests_max, sizeof(*batch->requests));
	if (batch == NULL || batch->requests == NULL)
		abort();
	batch->max = requests_max;
	batch->engine = engine;
	*batch_out = batch;
	return MC_OK;
}

void
mc_batch_free(struct mc_batch *batch)
{
	if (batch != NULL)
		free(batch->requests);
	free(batch);
}

void
mc_batch_reset(struct mc_batch *batch)
{
	batch->count = 0;
}

enum mc_status
mc_batch_add(struct mc_batch *batch, enum mc_transfer_op op, struct mc_segment *added,
	     uint64_t remote_addr, void *addr, uint64_t length)
{
	if (batch->count == batch->max)
		return MC_ERR_TOO_LARGE;
	batch->requests[batch->count++] = (struct request){
		.op = op, .remote = remote_addr, .local = addr, .length = length};
	return MC_OK;
}

enum mc_status
mc_batch_submit(struct mc_batch *batch, uint64_t deadline_ns,
		void (*done)(void *context, struct mc_batch *batch), void *context)
{
	struct mc_engine *engine = batch->engine;
	unsigned int flying;

	pthread_mutex_lock(&engine->lock);
	if (fake_engine.again_every != 0 && ++engine->submits % fake_engine.again_every == 0) {
		pthread_mutex_unlock(&engine->lock);
		return MC_AGAIN;
	}
	flying = atomic_fetch_add(&fake_engine.flying, batch->count) + batch->count;
	if (flying > atomic_load(&fake_engine.flying_max))
		atomic_store(&fake_engine.flying_max, flying);
	batch->done = done;
	batch->context = context;
	batch->next = NULL;
	atomic_store(&batch->complete, false);
	*engine->tail = batch;
	engine->tail = &batch->next;
	pthread_mutex_unlock(&engine->lock);
	return MC_OK;
}

bool
mc_batch_done(const struct mc_batch *batch)
{
	return atomic_load(&batch->complete);
}

enum mc_status
mc_batch_wait(struct mc_batch *batch)
{
	while (!mc_batch_done(batch)) {
		if (batch->engine->has_thread)
			sched_yield();
		else
			mc_engine_poll(batch->engine);
	}
	for (uint32_t i = 0; i < batch->count; i++) {
		if (batch->requests[i].status != MC_OK)
			return batch->requests[i].status;
	}
	return MC_OK;
}

enum mc_status
mc_batch_status(const struct mc_batch *batch, uint32_t index)
{
	return batch->requests[index].status;
}
