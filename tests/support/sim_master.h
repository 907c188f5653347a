/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A master in virtual time, on the thread of the test: an inline reactor, a clock that stands still
 * until sim_advance_ms() moves it, and connections without sockets. Calls take the whole way: they
 * are encoded, framed, served by core/rpc and answered in bytes. One master at a time.
 */
#ifndef MC_TESTS_SUPPORT_SIM_MASTER_H
#define MC_TESTS_SUPPORT_SIM_MASTER_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/master/master.h"
#include "core/wire/wire.h"

/* The runtime, once per program; run the suite with CK_NOFORK in between. Exits when it cannot. */
void sim_begin(void);
void sim_end(void);
/* All of that, and the end of main(). */
int sim_run(Suite *suite);
/* A test case whose masters @setup opens, and sim_master_close() closes. */
TCase *sim_tcase(Suite *suite, const char *name, void (*setup)(void));

/* NULL: the defaults. @params gets the reactor. Every master begins at the same time of day. */
void sim_master_open(struct mc_master_params *params);
void sim_master_close(void);
struct mc_master *sim_master(void);
struct mc_reactor *sim_reactor(void);

uint64_t sim_now_ns(void);
/* In steps of 10 ms at most, so that timers expire in their order and near their time. */
void sim_advance_ms(uint64_t ms);
/* Polls until a pass has done nothing: what was begun is done. */
void sim_settle(void);

/* ---- calls ---- */

/* A client of one release with a connection of its own, closed by sim_master_close(). */
struct sim_client {
	struct mc_uuid id;
	enum mc_release release;
	int conn;
	uint32_t seq;
	uint32_t seq_answered;
};

struct sim_client sim_client_open(uint64_t number, enum mc_release release);
/* Its connection ends without a goodbye, in the middle of whatever is under way. */
void sim_client_vanish(struct sim_client *client);
/* False: the master closed the connection. */
bool sim_client_alive(const struct sim_client *client);
/* As if it had come by a port that serves its release alone (--abi_ports). */
void sim_client_restrict(struct sim_client *client);

/* Room for the result of any function. */
union sim_result {
	int32_t error;
	struct mc_result_bool flag;
	struct mc_result_i64 number;
	struct mc_result_str text;
	struct mc_result_uuid uuid;
	struct mc_result_vec vec;
	struct mc_result_replicas replicas;
	struct mc_result_ping ping;
	struct mc_result_storage storage;
	struct mc_result_copy copy;
	struct mc_result_replica replica;
	struct mc_result_task task;
};

#define SIM_FRAME_ERROR 1000 /* and the code: a framing-level error in place of a result */

/*
 * Calls and polls until the answer is there, which must be the next in the order of the calls.
 * Returns the error of the result, 0 for none; @result_out, the struct mc_result_* of @fn, has
 * views that live until the next call.
 */
int32_t sim_call(struct sim_client *client, enum mc_fn fn, const struct mc_args *args,
		 void *result_out);
/* The two halves: the call is under way when sim_send() returns. */
void sim_send(struct sim_client *client, enum mc_fn fn, const struct mc_args *args);
bool sim_answered(const struct sim_client *client);
int32_t sim_receive(struct sim_client *client, enum mc_fn fn, void *result_out);
/* The body of the last answer. */
const struct mc_buf *sim_answer(void);
/* Bytes as they are, for calls that no codec makes. */
void sim_send_bytes(struct sim_client *client, const void *bytes, size_t len);

/* Arguments with the defaults and the client's id. */
struct mc_args sim_args(const struct sim_client *client);
struct mc_str sim_str(const char *text);

/* ---- what most tests do ---- */

#define SIM_MIB (1ull << 20)

/* The client's segment @number at a base of its own; @name is its endpoint too, and stays. */
struct mc_segment_desc sim_segment(const struct sim_client *client, const char *name,
				   uint64_t number, uint64_t size);
/* Mounts that. */
int32_t sim_mount(struct sim_client *client, const char *name, uint64_t number, uint64_t size);
int32_t sim_unmount(struct sim_client *client, uint64_t number);
struct mc_uuid sim_segment_id(const struct sim_client *client, uint64_t number);
/* Re-mounts no segment: only makes the client "ok". */
int32_t sim_remount_nothing(struct sim_client *client);
/* MC_CLIENT_OK or MC_CLIENT_NEED_REMOUNT. */
int32_t sim_ping(struct sim_client *client);

/* @config NULL: one replica. @result_out may be NULL. */
int32_t sim_put_start(struct sim_client *client, const char *key, uint64_t size,
		      const struct mc_replicate_config *config, struct mc_result_vec *result_out);
int32_t sim_put_end(struct sim_client *client, const char *key);
int32_t sim_put_revoke(struct sim_client *client, const char *key);
/* Start and end; the error of whichever failed. */
int32_t sim_put(struct sim_client *client, const char *key, uint64_t size);

/* The replicas of @key, at most @descs_max of them, into @descs; their number, or the error. */
int32_t sim_get(struct sim_client *client, const char *key, struct mc_replica_desc *descs,
		uint32_t descs_max);
bool sim_exist(struct sim_client *client, const char *key);
int32_t sim_remove(struct sim_client *client, const char *key, bool force);

uint64_t sim_stat(const struct mc_counter *counter);

#endif
