/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transfer engine: moves bytes between memory of this process and registered memory of peers,
 * over whatever joins the two (same process, shared memory, RDMA, TCP).
 *
 *	mc_engine_create(&params, &engine);
 *	mc_engine_mem_reg(engine, buf, len, NULL, &mem);
 *	mc_segment_open(engine, "10.0.0.7:15214", timeout_ns, &peer);
 *	mc_batch_alloc(engine, 16, 0, &batch);
 *	mc_batch_add(batch, MC_READ, peer, remote_addr, buf, len);
 *	mc_batch_submit(batch, deadline_ns, NULL, NULL);
 *	status = mc_batch_wait(batch);
 *
 * An engine runs on the lcores of a started runtime (mc/eal.h), or, with MC_IDLE_INLINE, wherever
 * its one user calls mc_engine_poll(). Whatever may block (names, handshakes, connecting, mapping)
 * is done on a control thread of its own in both cases. Several engines in a process are fine.
 *
 * A forked child must not use the engines of its parent: what blocks here, mc_batch_submit() and
 * mc_batch_wait() answer MC_ERR_PERMISSION there, and mc_engine_destroy() does nothing.
 */
#ifndef MC_ENGINE_H
#define MC_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mc/eal.h"
#include "mc/memory.h"
#include "mc/status.h"

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

struct mc_engine;
struct mc_engine_mem;
struct mc_segment;
struct mc_batch;

/* ---- the engine ---- */

struct mc_engine_params {
	size_t size;			/* sizeof(struct mc_engine_params) */
	/*
	 * "host" or "host:port": what peers call us. With P2PHANDSHAKE the port is replaced by the
	 * one of the handshake listener, see mc_engine_name().
	 */
	const char *name;
	const char *metadata;		/* "P2PHANDSHAKE" or "http://host:port/metadata" */
	const char *drivers;		/* "shm,tcp": those to use; NULL: all that work here */
	/* "mlx5_0,mlx5_1": NICs to use; NULL: all. No driver uses any yet: a warning says so. */
	const char *devices;
	const char *bind_host;		/* numeric address to listen on; NULL: all */
	bool poll_inline;		/* the caller polls: mc_engine_poll() */
	uint32_t slices_max;		/* in flight for each lcore; 0: 4096 */
};

/* Blocks (ports, metadata). On failure one error line says which value is wrong, and the fix. */
enum mc_status mc_engine_create(const struct mc_engine_params *params,
				struct mc_engine **engine_out);
/*
 * Ends what is under way with MC_ERR_CANCELED, tells the metadata server, frees. Batches must have
 * been freed and memory unregistered, not so segments; one whose @done is still to come may be
 * freed there. A batch submitted meanwhile is refused with MC_ERR_CANCELED. NULL is fine.
 */
void mc_engine_destroy(struct mc_engine *engine);

/* The segment name under which peers open us; lives as the engine. */
const char *mc_engine_name(const struct mc_engine *engine);
/* A few lines on devices, lcores and memory, for a log at start. Lives as the engine. */
const char *mc_engine_text(const struct mc_engine *engine);

/* poll_inline only, always from one thread: one pass. How much was done. */
uint32_t mc_engine_poll(struct mc_engine *engine);

/* ---- memory ---- */

struct mc_mem_params {
	size_t size;
	const char *location;		/* "cpu:0", "*"; NULL: where its first page lies */
	bool local_only;		/* peers shall not reach it */
};

/*
 * Registers [addr, addr + length), of a region or any memory of the process, with every device, and
 * publishes it unless local_only. Blocks. MC_ERR_EXISTS: overlaps with registered memory.
 * MC_ERR_PERMISSION: RLIMIT_MEMLOCK (RDMA only), with the fix in a line.
 */
enum mc_status mc_engine_mem_reg(struct mc_engine *engine, void *addr, uint64_t length,
				 const struct mc_mem_params *params,
				 struct mc_engine_mem **mem_out);
/*
 * Blocks until no peer reaches it any more. MC_ERR_BUSY, and nothing happened, while transfers of
 * our own use it. Afterwards the memory may be freed.
 */
enum mc_status mc_engine_mem_unreg(struct mc_engine_mem *mem);
/* The registration that begins at @addr, or NULL. */
struct mc_engine_mem *mc_engine_mem_find(struct mc_engine *engine, const void *addr);

/* ---- segments: who to talk to ---- */

/*
 * Resolves @name and learns its buffers. MC_ERR_NOT_FOUND: no such segment; MC_ERR_UNREACHABLE;
 * MC_ERR_UNSUPPORTED: it speaks no protocol of ours, and the line says which; MC_ERR_TIMEOUT.
 * Opening a name twice gives the same segment with one more reference.
 */
enum mc_status mc_segment_open(struct mc_engine *engine, const char *name, uint64_t timeout_ns,
			       struct mc_segment **segment_out);
/* Blocks. Not while a batch that names it is under way. */
void mc_segment_close(struct mc_segment *segment);

struct mc_segment_buffer {
	uint64_t addr;
	uint64_t length;
	char location[64];
};
/*
 * Copies up to @max of the peer's buffers as last learned; returns how many there are. @refresh
 * asks the peer again (blocks, at most 5 s).
 */
uint32_t mc_segment_buffers(struct mc_segment *segment, bool refresh,
			    struct mc_segment_buffer *buffers_out, uint32_t max);
/*
 * The driver that transfers to it use now: "shm", "tcp"; NULL: none works, or there was no transfer
 * yet. Static storage.
 */
const char *mc_segment_driver(const struct mc_segment *segment);

/* A few bytes outside all memory; they arrive at the peer's mc_engine_notify_set(). Block. */
enum mc_status mc_segment_notify(struct mc_segment *segment, const char *name, const char *text,
				 uint64_t timeout_ns);
enum mc_status mc_segment_probe(struct mc_segment *segment, uint64_t timeout_ns);
/* @notified runs on the control thread and must not block; the texts live during the call. */
void mc_engine_notify_set(struct mc_engine *engine,
			  void (*notified)(void *context, const char *name, const char *text),
			  void *context);

/* ---- transfers ---- */

enum mc_transfer_op {
	MC_READ,	/* the peer's memory to ours */
	MC_WRITE,
};

/* A piece of our side. */
struct mc_iov {
	void *addr;
	uint64_t length;
};

/* A batch of up to @requests_max transfers with @pieces_max pieces in all (0: one each). */
enum mc_status mc_batch_alloc(struct mc_engine *engine, uint32_t requests_max, uint32_t pieces_max,
			      struct mc_batch **batch_out);
/* Not between submit and completion. NULL is fine. */
void mc_batch_free(struct mc_batch *batch);
/* Empties a batch that is not under way, to fill it again. */
void mc_batch_reset(struct mc_batch *batch);

/*
 * Adds one transfer between [remote_addr, …) of @segment and our pieces, in order; the memory must
 * stay until the batch is complete. Where RDMA is used our memory must be registered. Length 0 is
 * fine and moves nothing. MC_ERR_TOO_LARGE: the batch is full.
 */
enum mc_status mc_batch_add(struct mc_batch *batch, enum mc_transfer_op op,
			    struct mc_segment *segment, uint64_t remote_addr, void *addr,
			    uint64_t length);
enum mc_status mc_batch_addv(struct mc_batch *batch, enum mc_transfer_op op,
			     struct mc_segment *segment, uint64_t remote_addr,
			     const struct mc_iov *pieces, uint32_t pieces_count);

/*
 * Starts all transfers of the batch; never blocks, takes no lock and no memory. Any thread, also
 * from @done of another batch. @deadline_ns is a time of CLOCK_MONOTONIC (0: 30 s from now): when
 * it passes, what is not done ends with MC_ERR_TIMEOUT, and no memory of the batch is touched after
 * the completion. @done, if there is one, is called on the lcore of the last transfer (inline: in
 * mc_engine_poll()) and may reset, fill and submit the batch again; it must not block.
 * MC_AGAIN: the lcore's ring is full; nothing was started. MC_ERR_BUSY: the batch is under way, or
 * was not reset.
 */
enum mc_status mc_batch_submit(struct mc_batch *batch, uint64_t deadline_ns,
			       void (*done)(void *context, struct mc_batch *batch), void *context);

/* Is it complete? Any thread. */
bool mc_batch_done(const struct mc_batch *batch);
/*
 * Blocks until it is (inline: polls), not later than the deadline and a little. Not together with
 * @done. MC_OK: all transfers went well; else the status of the first that did not.
 */
enum mc_status mc_batch_wait(struct mc_batch *batch);
/* Of transfer @index, in the order of mc_batch_add(), once complete. */
enum mc_status mc_batch_status(const struct mc_batch *batch, uint32_t index);

/* ---- counters ---- */

struct mc_engine_counters {
	size_t size;
	uint64_t read_bytes, write_bytes;	/* moved by us, to and fro; not by device */
	uint64_t bytes;				/* both together */
	uint64_t transfers, failures, timeouts, retries;
	uint64_t served_bytes;			/* moved for peers by our lcores */
	uint64_t fallbacks;			/* peers that were reached by a lesser driver */
};
void mc_engine_counters_read(const struct mc_engine *engine, struct mc_engine_counters *out);
/* The same for device @index ("shm", "tcp", "mlx5_0"); NULL behind the last. */
const char *mc_engine_device_counters(const struct mc_engine *engine, unsigned int index,
				      struct mc_engine_counters *out);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
