/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One served connection without a server: its socket takes and gives as many bytes as a test says,
 * and its two reactors run when the test polls them, so that everything happens in a chosen order.
 * One thread.
 */
#ifndef MC_TESTS_SUPPORT_RPC_SERVED_H
#define MC_TESTS_SUPPORT_RPC_SERVED_H

#include "core/rpc/conn.h"

/* What the handler does with a call. */
enum {
	RPC_SERVED_ECHO = 1,
	RPC_SERVED_ERROR,	/* err_code 11 and the body back */
	RPC_SERVED_LATER,	/* waits for rpc_served_resume(), then "late" */
	RPC_SERVED_PATIENT,	/* the same; a peer that sends no more has left it */
	RPC_SERVED_CLOSE,	/* after half an answer */
	RPC_SERVED_BIG,		/* RPC_SERVED_BIG_LEN zeros */
};

#define RPC_SERVED_BIG_LEN (300u << 10)

struct rpc_served {
	struct mc_reactor *home;	/* of the connection */
	struct mc_reactor *exec;	/* another one, or the same */
	struct mc_rpc_server server;
	struct rpc_io io;
	struct mc_rpc_conn *conn;	/* dangling once rpc_served_gone() */
	int fd;				/* the peer's end; -1: closed */
	/* how the connection's end behaves; reset by rpc_served_open() */
	size_t recv_max;		/* bytes per read */
	size_t send_budget;		/* bytes taken before MC_AGAIN */
	enum mc_status recv_status;	/* an error in place of reading */
	enum mc_status send_status;
	/* what happened */
	unsigned int reads;
	unsigned int sends;		/* that took something */
	unsigned int closes;
	uint32_t seqs[256];		/* of the calls that began, in order */
	unsigned int calls;
	unsigned int resumed;
	unsigned int cancelled;
	struct mc_rpc_call *waiting;	/* the call that said MC_RPC_LATER */
};

/* There is one, as the table of sockets is the process's. */
extern struct rpc_served served;

/* Starts the runtime and two reactors; false: the test program cannot run. */
bool rpc_served_start(void);
void rpc_served_stop(void);

/* A connection, not begun yet; calls run on a reactor of their own, or on the connection's. */
void rpc_served_open(bool own_exec);
void rpc_served_begin(void);
/* Ends what the test left. */
void rpc_served_close(void);

/* The connection was closed and freed, with all that it lent back home. */
bool rpc_served_gone(void);
/* Passes over both reactors until there is nothing to do in either. */
void rpc_served_settle(void);

/* One pass of exec, in which @run is called. */
void rpc_served_on_exec(void (*run)(void));
/* One pass of exec, in which the call that waits is resumed. */
void rpc_served_resume(void);

/* Writes a request to @to; returns its length. */
size_t rpc_served_frame(uint8_t *to, uint32_t function_id, uint32_t seq, const void *body,
			uint32_t len);
/* The peer sends, then everything settles. */
void rpc_served_send(const void *bytes, size_t len);
void rpc_served_call(uint32_t function_id, uint32_t seq, const char *body);
/* The peer must have got exactly this answer next. */
void rpc_served_answered(uint32_t seq, uint8_t err_code, const void *body, uint32_t len);
/* The peer has got nothing more; or it was closed from the other end. */
void rpc_served_silent(void);
void rpc_served_ended(void);
/* The peer closes its end. */
void rpc_served_hang_up(void);

#endif
