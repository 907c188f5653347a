/* SPDX-License-Identifier: Apache-2.0 */
/* Private to core/rpc: a served connection, its batch, and the I/O reactor's share of a server. */
#ifndef MC_CORE_RPC_CONN_H
#define MC_CORE_RPC_CONN_H

#include <semaphore.h>
#include <stdatomic.h>

#include "core/base/list.h"
#include "core/rpc/server.h"

#define RPC_READ_CHUNK (64u << 10)	/* read at a time, and so the size of a usual batch */
#define RPC_PENDING_MAX (256u << 10)	/* unexecuted input of whole frames held per connection */
#define RPC_UNSENT_MAX (1u << 20)	/* answers not taken by the peer: no more calls are run */

struct mc_rpc_conn;

/*
 * Whole frames on their way: owned by the I/O side until sent to exec, by the exec side until sent
 * back. Holds the input bytes themselves, so the connection can go on reading.
 */
struct mc_rpc_batch {
	struct mc_msg msg;
	struct mc_rpc_conn *conn;
	struct mc_buf in;
	struct mc_buf out;
	struct mc_rpc_call call;	/* the one being run */
	uint32_t calls;			/* answered */
	uint64_t since_ns;		/* its first frame was whole */
	bool waiting;			/* the handler said MC_RPC_LATER */
	bool waited;			/* in a patient call: what it took is no latency */
	bool close;			/* the handler said MC_RPC_CLOSE, or the peer left */
	bool no_more;			/* the peer sends nothing behind what is here */
};

struct mc_rpc_conn {
	/* the I/O reactor's */
	struct mc_watch watch;
	struct mc_list link;
	struct rpc_io *io;
	struct mc_buf in;
	struct mc_buf out;
	size_t whole;			/* bytes of whole frames at the head of @in */
	uint64_t whole_ns;		/* the first of them was, with @whole > 0 */
	uint64_t attach_left;		/* attachment bytes still to be dropped */
	uint64_t last_request_ns;	/* 0: no request yet */
	bool lent;			/* @batch is at exec */
	bool eof;			/* no more input will come, or it is not wanted */
	bool eof_told;			/* exec knows */
	bool dead; /* descriptor closed; waits for batch and cancel to come home */
	bool cancelling;
	struct mc_msg arrive;		/* acceptor → I/O reactor; then cancel or no more → exec and
					   back, one after the other */

	/* passes between the two with the batch */
	struct mc_rpc_batch batch;

	/* exec's */
	struct mc_rpc_peer peer;
};

/* One I/O reactor's share. */
struct rpc_io {
	struct mc_rpc_server *server;
	struct mc_reactor *reactor;
	struct mc_list conns;
	struct mc_timer idle;
	struct mc_poller settle;	/* counts what @answered tells, in the pass after it */
	uint32_t answered;		/* calls that came and were answered in one pass, */
	uint64_t answered_ns;		/* which is this one */
	struct mc_msg command;		/* open, then close */
	bool draining;
	_Atomic uint32_t load;		/* connections, counted by the acceptor and at the end */
	uint8_t *chunk;			/* RPC_READ_CHUNK bytes to read into */
	struct mc_rpc_io_stats stats;
} __attribute__((aligned(64)));

struct rpc_listener {
	struct mc_watch watch;
	struct mc_rpc_server *server;
	struct mc_rpc_listen params;
	uint16_t port;
};

struct mc_rpc_server {
	struct mc_reactor *exec;
	struct mc_rpc_handler handler;
	uint64_t idle_timeout_ns;
	bool nodelay;
	uint32_t connections_max;
	unsigned int io_count;
	unsigned int listeners_count;
	struct rpc_io *io;
	struct rpc_listener *listeners;	/* all accepted on io[0] */
	struct mc_timer accept_again;	/* after running out of descriptors */
	sem_t commanded;		/* a reactor carried out a command */
};

/* conn.c; on the connection's I/O reactor */
void mc_rpc_conn_begin(struct mc_rpc_conn *conn);
void mc_rpc_conn_close(struct mc_rpc_conn *conn);
void mc_rpc_conn_returned(struct mc_rpc_conn *conn);
void mc_rpc_conn_free(struct mc_rpc_conn *conn);

uint32_t mc_rpc_io_settle(struct mc_poller *settle);

/* batch.c; on the exec reactor. True: the batch is done and is the I/O side's again. */
bool mc_rpc_batch_run(struct mc_rpc_batch *batch);
/* Sends the batch to exec, or runs it here when this is exec; true as above. */
bool mc_rpc_batch_lend(struct mc_rpc_batch *batch);
void mc_rpc_batch_cancel(struct mc_rpc_conn *conn);
/* Tells exec that the peer sends no more; once per connection. */
void mc_rpc_batch_no_more(struct mc_rpc_conn *conn);

#endif
