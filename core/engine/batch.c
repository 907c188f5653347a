/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: filled by the caller, under way, complete. */
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/base/clock.h"
#include "core/engine/private.h"

#define REQUESTS_MAX (1u << 20)

enum mc_status
mc_batch_alloc(struct mc_engine *engine, uint32_t requests_max, uint32_t pieces_max,
	       struct mc_batch **batch_out)
{
	uint32_t pieces = pieces_max > requests_max ? pieces_max : requests_max;
	struct mc_batch *batch;

	if (requests_max == 0 || requests_max > REQUESTS_MAX || pieces > REQUESTS_MAX)
		return MC_ERR_INVALID;
	batch = calloc(1, sizeof(*batch) + engine->cores_count * sizeof(batch->parts[0]));
	if (batch == NULL)
		return MC_ERR_NO_MEMORY;
	batch->requests = calloc(requests_max, sizeof(*batch->requests));
	batch->pieces = calloc(pieces, sizeof(*batch->pieces));
	if (batch->requests == NULL || batch->pieces == NULL) {
		mc_batch_free(batch);
		return MC_ERR_NO_MEMORY;
	}
	batch->engine = engine;
	batch->requests_max = requests_max;
	batch->pieces_max = pieces;
	batch->home = atomic_fetch_add_explicit(&engine->turn, 1, memory_order_relaxed) %
		      engine->active_count;
	for (uint32_t i = 0; i < engine->cores_count; i++) {
		struct engine_part *part = &batch->parts[i];

		part->msg.run = engine_part_run;
		part->batch = batch;
		part->core = &engine->cores[i];
		mc_list_init(&part->slices);
	}
	*batch_out = batch;
	return MC_OK;
}

static uint32_t
batch_state(const struct mc_batch *batch)
{
	return atomic_load_explicit(&batch->state, memory_order_acquire);
}

static bool
batch_under_way(const struct mc_batch *batch)
{
	uint32_t state = batch_state(batch);

	return state == BATCH_RUNNING || state == BATCH_AWAITED;
}

void
mc_batch_free(struct mc_batch *batch)
{
	if (batch == NULL)
		return;
	mc_assert(!batch_under_way(batch));
	free(batch->requests);
	free(batch->pieces);
	free(batch);
}

void
mc_batch_reset(struct mc_batch *batch)
{
	mc_assert(!batch_under_way(batch));
	batch->requests_count = 0;
	batch->pieces_count = 0;
	batch->bytes = 0;
	atomic_store_explicit(&batch->state, BATCH_IDLE, memory_order_relaxed);
}

/* The bytes of all pieces; UINT64_MAX: no range of memory is like that. */
static uint64_t
pieces_bytes(const struct mc_iov *pieces, uint32_t count)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t begin = (uintptr_t)pieces[i].addr;

		if (begin + pieces[i].length < begin || total + pieces[i].length < total ||
		    (begin == 0 && pieces[i].length > 0))
			return UINT64_MAX;
		total += pieces[i].length;
	}
	return total;
}

enum mc_status
mc_batch_addv(struct mc_batch *batch, enum mc_transfer_op op, struct mc_segment *segment,
	      uint64_t remote_addr, const struct mc_iov *pieces, uint32_t pieces_count)
{
	struct engine_request *request = &batch->requests[batch->requests_count];
	uint64_t length = pieces_bytes(pieces, pieces_count);

	if (batch_state(batch) != BATCH_IDLE)
		return MC_ERR_BUSY;
	if (segment == NULL || segment->engine != batch->engine || length == UINT64_MAX ||
	    remote_addr + length < remote_addr || (op != MC_READ && op != MC_WRITE))
		return MC_ERR_INVALID;
	if (batch->requests_count == batch->requests_max ||
	    pieces_count > batch->pieces_max - batch->pieces_count)
		return MC_ERR_TOO_LARGE;
	request->segment = segment;
	request->remote_addr = remote_addr;
	request->length = length;
	request->pieces_first = batch->pieces_count;
	request->pieces_count = pieces_count;
	request->generation = atomic_load_explicit(&segment->generation, memory_order_acquire);
	request->op = op;
	atomic_store_explicit(&request->status, MC_OK, memory_order_relaxed);
	for (uint32_t i = 0; i < pieces_count; i++)
		batch->pieces[batch->pieces_count + i] = pieces[i];
	batch->pieces_count += pieces_count;
	batch->requests_count++;
	batch->bytes += length;
	return MC_OK;
}

enum mc_status
mc_batch_add(struct mc_batch *batch, enum mc_transfer_op op, struct mc_segment *segment,
	     uint64_t remote_addr, void *addr, uint64_t length)
{
	struct mc_iov piece = {.addr = addr, .length = length};

	return mc_batch_addv(batch, op, segment, remote_addr, &piece, 1);
}

bool
mc_batch_done(const struct mc_batch *batch)
{
	return batch_state(batch) == BATCH_DONE;
}

enum mc_status
mc_batch_status(const struct mc_batch *batch, uint32_t index)
{
	if (index >= batch->requests_count)
		return MC_ERR_INVALID;
	return (enum mc_status)atomic_load_explicit(&batch->requests[index].status,
						    memory_order_relaxed);
}

static enum mc_status
batch_result(const struct mc_batch *batch)
{
	for (uint32_t i = 0; i < batch->requests_count; i++) {
		enum mc_status status = mc_batch_status(batch, i);

		if (status != MC_OK)
			return status;
	}
	return MC_OK;
}

/* A short while without the kernel: a thread needs longer to sleep and wake than most transfers. */
static void
batch_spin(const struct mc_batch *batch)
{
	for (uint32_t i = 0; i < 200 && !mc_batch_done(batch); i++) {
#if defined(__x86_64__)
		__builtin_ia32_pause();
#endif
	}
}

enum mc_status
mc_batch_wait(struct mc_batch *batch)
{
	uint32_t running = BATCH_RUNNING;

	if (batch_state(batch) == BATCH_IDLE)
		return MC_ERR_INVALID;
	if (batch->engine->forks != atomic_load_explicit(&engine_forks, memory_order_relaxed))
		return MC_ERR_PERMISSION;
	if (batch->engine->poll_inline && !batch->engine->driven) {
		while (!mc_batch_done(batch))
			mc_engine_poll(batch->engine);
		return batch_result(batch);
	}
	batch_spin(batch);
	atomic_compare_exchange_strong_explicit(&batch->state, &running, BATCH_AWAITED,
						memory_order_acquire, memory_order_acquire);
	while (!mc_batch_done(batch))
		syscall(SYS_futex, &batch->state, FUTEX_WAIT_PRIVATE, BATCH_AWAITED, NULL, NULL, 0);
	return batch_result(batch);
}
