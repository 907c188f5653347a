/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hot path: post() copies at once and leaves a completion in the cq's ring, poll() hands them
 * out. No system call (but in cma.c, and in look.c, which poll() enters now and then), no lock, no
 * allocation: tools/check/hotpath holds what this file may call.
 */
#include "core/mem/mem.h"
#include "drivers/shm/private.h"

/*
 * Sockets are looked at once in LOOK_EVERY points: a poll that found completions costs one, an
 * empty one more, as an owner that only polls now and then may have nothing but empty ones.
 */
#define LOOK_EVERY 256u
#define LOOK_EMPTY 8u

#define PREFETCH_BYTES 4096u

/*
 * The turn is odd while the peer's memory is touched. The exchange is a full barrier: either the
 * passive side, which sets revoked and then reads the turn, sees it odd and waits, or we see that
 * the memory is revoked.
 */
static inline bool
gate_enter(struct shm_gate *gate, uint32_t slot, uint32_t *turn_out)
{
	uint32_t turn = atomic_load_explicit(&gate->turn, memory_order_relaxed) | 1;

	atomic_exchange_explicit(&gate->turn, turn, memory_order_seq_cst);
	*turn_out = turn;
	return atomic_load_explicit(&gate->revoked[slot], memory_order_seq_cst) == 0;
}

static inline void
gate_leave(struct shm_gate *gate, uint32_t turn)
{
	atomic_store_explicit(&gate->turn, turn + 1, memory_order_release);
}

static inline uint64_t
op_length(const struct mc_op *op)
{
	uint64_t length = 0;

	for (uint16_t i = 0; i < op->sge_count; i++)
		length += op->sge[i].length;
	return length;
}

static void
op_copy(const struct mc_op *op, char *remote)
{
	for (uint16_t i = 0; i < op->sge_count; i++) {
		const struct mc_sge *sge = &op->sge[i];

		if (op->opcode == MC_OP_READ)
			mc_mem_copy(sge->addr, remote, sge->length);
		else
			mc_mem_copy(remote, sge->addr, sge->length);
		remote += sge->length;
	}
}

static enum mc_status
op_run(struct shm_ep *ep, const struct mc_op *op, uint64_t length, uint32_t *detail_out)
{
	const struct shm_import *import = &ep->imports[op->remote_key];
	enum mc_status st = MC_OK;
	uint64_t offset;
	uint32_t turn;

	if (op->remote_key >= SHM_SLOTS ||
	    atomic_load_explicit(&import->state, memory_order_relaxed) != SHM_SLOT_LIVE)
		return MC_ERR_ADDRESS_REJECTED;
	offset = op->remote_addr - import->addr;
	if (op->remote_addr < import->addr || offset > import->length ||
	    length > import->length - offset)
		return MC_ERR_ADDRESS_REJECTED;
	if (!gate_enter(ep->gate, op->remote_key, &turn))
		st = MC_ERR_ADDRESS_REJECTED;
	else if (__builtin_expect(import->kind == SHM_KIND_CMA, 0))
		st = shm_cma_copy(ep, op, length, detail_out);
	else
		op_copy(op, import->local + offset);
	gate_leave(ep->gate, turn);
	return st;
}

static void
complete(struct shm_cq *cq, struct shm_ep *ep, const struct mc_op *op)
{
	struct mc_completion *completion = &cq->ring[cq->tail++ & cq->mask];
	uint64_t length = op_length(op);
	uint32_t detail = 0;
	enum mc_status st = MC_ERR_CONN_CLOSED;

	if (!atomic_load_explicit(&ep->dead, memory_order_relaxed))
		st = op_run(ep, op, length, &detail);
	completion->cookie = op->cookie;
	completion->ep = &ep->base;
	completion->status = st;
	completion->detail = detail;
	if (st == MC_OK) {
		mc_counter_add(&cq->base.counters.ops, 1);
		mc_counter_add(&cq->base.counters.bytes, length);
	} else {
		mc_counter_add(&cq->base.counters.errors, 1);
	}
}

/*
 * The first lines of both sides of the operation that comes next: they are on their way while the
 * one before it is copied. A prefetch never faults, so that nothing needs to be checked for it but
 * what is read here.
 */
static inline void
op_prefetch(const struct shm_ep *ep, const struct mc_op *op)
{
	const struct shm_import *import = &ep->imports[op->remote_key % SHM_SLOTS];
	const char *remote = import->local + (op->remote_addr - import->addr);
	const char *local = op->sge[0].addr;
	uint32_t length = op->sge[0].length < PREFETCH_BYTES ? op->sge[0].length : PREFETCH_BYTES;

	for (uint32_t at = 0; at < length; at += 64) {
		__builtin_prefetch(remote + at, 0, 3);
		__builtin_prefetch(local + at, 0, 3);
	}
}

uint32_t
shm_post(struct mc_ep *base, const struct mc_op *ops, uint32_t count)
{
	struct shm_ep *ep = shm_ep(base);
	struct shm_cq *cq = shm_cq(base->cq);
	uint32_t taken = 0;

	while (taken < count && ep->outstanding < ep->depth && cq->tail - cq->head < cq->depth) {
		if (taken + 1 < count)
			op_prefetch(ep, &ops[taken + 1]);
		complete(cq, ep, &ops[taken++]);
		ep->outstanding++;
	}
	return taken;
}

/* Eps that failed come last: what they completed before is then told. */
static uint32_t
failures_take(struct shm_cq *cq, struct mc_completion *out, uint32_t out_count)
{
	uint32_t n = 0;

	while (n < out_count && !mc_list_empty(&cq->failed)) {
		struct shm_ep *ep = mc_container_of(cq->failed.next, struct shm_ep, failed_link);

		mc_list_del(&ep->failed_link);
		out[n++] = (struct mc_completion){.ep = &ep->base, .status = MC_ERR_CONN_CLOSED};
	}
	return n;
}

uint32_t
shm_poll(struct mc_cq *base, struct mc_completion *out, uint32_t out_count)
{
	struct shm_cq *cq = shm_cq(base);
	uint32_t n = 0, cost;

	while (n < out_count && cq->head != cq->tail) {
		out[n] = cq->ring[cq->head++ & cq->mask];
		shm_ep(out[n++].ep)->outstanding--;
	}
	cost = n > 0 ? 1 : LOOK_EMPTY;
	if (__builtin_expect(cq->look_in > cost, 1)) {
		cq->look_in -= cost;
		return n;
	}
	cq->look_in = LOOK_EVERY;
	shm_look(cq);	/* may ask for the next look sooner */
	return n + failures_take(cq, out + n, out_count - n);
}
