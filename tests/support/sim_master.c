/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sim_master.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/rpc/conn.h"
#include "core/wire/frame.h"
#include "mc/log.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

#define STEP_MS	   10u
#define PASSES_MAX 10000000u
#define CONNS_MAX  64u
#define BOOT_NS	   (1700000000ull * MC_NS_PER_S)

struct sim_conn {
	struct mc_rpc_conn *conn; /* NULL: closed by the master */
	struct mc_buf to_master;
	struct mc_buf from_master;
	int fd; /* never readable: stands for a socket in the reactor's epoll set */
};

static struct {
	struct mc_reactor *reactor;
	struct mc_master *master;
	struct mc_rpc_server server;
	struct rpc_io io;
	struct sim_conn conns[CONNS_MAX];
	int conns_count;
	struct mc_buf answer; /* the last one, for its views */
	uint64_t now_ns;
} sim;

/* ---- time and sockets, by the seams of core/base ---- */

uint64_t
sim_now_ns(void)
{
	return sim.now_ns;
}

static uint64_t
sim_real_ns(void)
{
	return BOOT_NS + sim.now_ns;
}

static const struct mc_clock_ops clock_ops = {sim_now_ns, sim_real_ns};

static struct sim_conn *
conn_of(int fd)
{
	for (int i = 0; i < sim.conns_count; i++) {
		if (sim.conns[i].fd == fd)
			return &sim.conns[i];
	}
	ck_abort_msg("no connection has descriptor %d", fd);
}

static enum mc_status
sim_recv(int fd, void *buf, size_t len, size_t *got_out)
{
	struct mc_buf *from = &conn_of(fd)->to_master;
	size_t there = mc_buf_len(from);

	if (there == 0)
		return MC_AGAIN;
	*got_out = there < len ? there : len;
	memcpy(buf, from->data + from->head, *got_out);
	mc_buf_consume(from, *got_out);
	return MC_OK;
}

static enum mc_status
sim_net_send(int fd, const struct iovec *iov, int iov_count, size_t *sent_out)
{
	struct sim_conn *conn = conn_of(fd);

	*sent_out = 0;
	for (int i = 0; i < iov_count; i++) {
		must(mc_buf_append(&conn->from_master, iov[i].iov_base, iov[i].iov_len) == MC_OK);
		*sent_out += iov[i].iov_len;
	}
	return MC_OK;
}

static void
sim_close(int fd)
{
	struct sim_conn *conn = conn_of(fd);

	conn->conn = NULL;
	conn->fd = -1;
	close(fd);
}

static const struct mc_net_ops net_ops = {
	.recv = sim_recv, .send = sim_net_send, .close = sim_close};

static uint64_t
sim_seed(void)
{
	return 42;
}

void
sim_begin(void)
{
	struct mc_eal_params eal = {.size = sizeof(eal), .lcore_count = 1};
	struct mc_reactor_params params = {
		.size = sizeof(params), .name = "sim", .idle = MC_IDLE_INLINE};

	mc_log_level_set(MC_LOG_ERROR);
	sim.now_ns = MC_NS_PER_S;
	if (mc_eal_start(&eal) != MC_OK || mc_wire_init() != MC_OK)
		exit(EXIT_FAILURE);
	mc_clock_ops_set(&clock_ops);
	mc_net_ops_set(&net_ops);
	mc_random_seed_set(sim_seed);
	if (mc_reactor_create(&params, &sim.reactor) != MC_OK)
		exit(EXIT_FAILURE);
}

void
sim_end(void)
{
	mc_reactor_destroy(sim.reactor);
	mc_clock_ops_set(NULL);
	mc_net_ops_set(NULL);
	mc_random_seed_set(NULL);
	mc_eal_stop();
}

int
sim_run(Suite *suite)
{
	int rc;

	sim_begin();
	rc = suite_run(suite, CK_NOFORK);
	sim_end();
	return rc;
}

TCase *
sim_tcase(Suite *suite, const char *name, void (*setup)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, sim_master_close);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return tc;
}

void
sim_settle(void)
{
	uint32_t passes = 0;

	while (mc_reactor_poll(sim.reactor) > 0)
		must(++passes < PASSES_MAX);
}

void
sim_advance_ms(uint64_t ms)
{
	while (ms > 0) {
		uint64_t step = ms < STEP_MS ? ms : STEP_MS;

		sim.now_ns += step * MC_NS_PER_MS;
		ms -= step;
		sim_settle();
	}
}

/* ---- the master ---- */

struct mc_master *
sim_master(void)
{
	return sim.master;
}

struct mc_reactor *
sim_reactor(void)
{
	return sim.reactor;
}

static void
server_make(void)
{
	sim.server = (struct mc_rpc_server){
		.exec = sim.reactor, .handler = mc_master_handler(sim.master), .io_count = 1,
		.io = &sim.io};
	sim.io = (struct rpc_io){.server = &sim.server, .reactor = sim.reactor};
	sim.io.chunk = malloc(RPC_READ_CHUNK);
	must(sim.io.chunk != NULL);
	mc_list_init(&sim.io.conns);
}

void
sim_master_open(struct mc_master_params *params)
{
	struct mc_master_params defaults;

	sim.now_ns = MC_NS_PER_S;
	mc_master_params_init(&defaults);
	if (params == NULL)
		params = &defaults;
	params->exec = sim.reactor;
	mc_reactor_poll(sim.reactor); /* so that its time is now */
	must(mc_master_create(params, &sim.master) == MC_OK);
	server_make();
	mc_master_start(sim.master);
	mc_buf_init(&sim.answer);
}

void
sim_master_close(void)
{
	for (int i = 0; i < sim.conns_count; i++) {
		if (sim.conns[i].conn != NULL)
			mc_rpc_conn_close(sim.conns[i].conn);
	}
	sim_settle();
	must(mc_list_empty(&sim.io.conns));
	for (int i = 0; i < sim.conns_count; i++) {
		mc_buf_fini(&sim.conns[i].to_master);
		mc_buf_fini(&sim.conns[i].from_master);
	}
	sim.conns_count = 0;
	mc_master_stop(sim.master);
	mc_master_destroy(sim.master);
	sim.master = NULL;
	free(sim.io.chunk);
	mc_buf_fini(&sim.answer);
}

/* ---- connections ---- */

static int
conn_open(void)
{
	struct sim_conn *conn = &sim.conns[sim.conns_count];
	struct mc_rpc_conn *served = calloc(1, sizeof(*served));

	must(sim.conns_count < (int)CONNS_MAX && served != NULL);
	*conn = (struct sim_conn){.conn = served, .fd = eventfd(0, EFD_CLOEXEC)};
	mc_buf_init(&conn->to_master);
	mc_buf_init(&conn->from_master);
	served->watch.fd = conn->fd;
	served->io = &sim.io;
	served->batch.conn = served;
	served->peer.allowed = served->peer.releases = MC_RELEASE_ALL;
	must(mc_net_addr_parse("127.0.0.1", 1, &served->peer.addr) == MC_OK);
	atomic_fetch_add(&sim.io.load, 1);
	mc_rpc_conn_begin(served);
	return sim.conns_count++;
}

struct sim_client
sim_client_open(uint64_t number, enum mc_release release)
{
	return (struct sim_client){
		.id = {number, ~number}, .release = release, .conn = conn_open()};
}

void
sim_client_vanish(struct sim_client *client)
{
	struct sim_conn *conn = &sim.conns[client->conn];

	if (conn->conn != NULL)
		mc_rpc_conn_close(conn->conn);
	sim_settle();
}

bool
sim_client_alive(const struct sim_client *client)
{
	return sim.conns[client->conn].conn != NULL;
}

void
sim_client_restrict(struct sim_client *client)
{
	struct mc_rpc_peer *peer = &sim.conns[client->conn].conn->peer;

	peer->allowed = peer->releases = MC_RELEASE_BIT(client->release);
}

/* ---- calls ---- */

void
sim_send_bytes(struct sim_client *client, const void *bytes, size_t len)
{
	struct sim_conn *conn = &sim.conns[client->conn];

	must(conn->conn != NULL);
	must(mc_buf_append(&conn->to_master, bytes, len) == MC_OK);
	while (conn->conn != NULL && mc_buf_len(&conn->to_master) > 0) {
		/* time of the pass that reads it */
		mc_reactor_poll(sim.reactor);
		if (conn->conn != NULL && (conn->conn->watch.events & EPOLLIN) != 0)
			conn->conn->watch.ready(&conn->conn->watch, EPOLLIN);
	}
}

void
sim_send(struct sim_client *client, enum mc_fn fn, const struct mc_args *args)
{
	struct mc_frame_request frame = {.seq = ++client->seq, .function_id = mc_fn_id(fn)};
	struct mc_buf bytes;

	mc_buf_init(&bytes);
	must(mc_buf_reserve(&bytes, MC_FRAME_REQUEST_LEN) == MC_OK);
	bytes.tail = MC_FRAME_REQUEST_LEN;
	must(mc_request_encode(&bytes, fn, client->release, MC_FORM_LITERAL, args) == MC_OK);
	frame.body_len = (uint32_t)(mc_buf_len(&bytes) - MC_FRAME_REQUEST_LEN);
	mc_frame_request_store(bytes.data, &frame);
	sim_send_bytes(client, bytes.data, mc_buf_len(&bytes));
	mc_buf_fini(&bytes);
}

bool
sim_answered(const struct sim_client *client)
{
	const struct mc_buf *from = &sim.conns[client->conn].from_master;
	struct mc_frame_response frame;

	if (mc_buf_len(from) < MC_FRAME_RESPONSE_LEN)
		return false;
	must(mc_frame_response_load(from->data + from->head, &frame));
	return mc_buf_len(from) - MC_FRAME_RESPONSE_LEN >= frame.body_len;
}

int32_t
sim_receive(struct sim_client *client, enum mc_fn fn, void *result_out)
{
	struct mc_buf *from = &sim.conns[client->conn].from_master;
	struct mc_frame_response frame;
	uint32_t passes = 0;
	int32_t error;

	while (!sim_answered(client)) {
		mc_reactor_poll(sim.reactor);
		must(++passes < PASSES_MAX);
	}
	mc_frame_response_load(from->data + from->head, &frame);
	mc_buf_consume(from, MC_FRAME_RESPONSE_LEN);
	sim.answer.head = sim.answer.tail = 0;
	must(mc_buf_append(&sim.answer, from->data + from->head, frame.body_len) == MC_OK);
	mc_buf_consume(from, frame.body_len);
	must(frame.seq == ++client->seq_answered);
	if (frame.err_code != 0)
		return SIM_FRAME_ERROR + frame.err_code;
	must(mc_result_decode(sim.answer.data, frame.body_len, fn, client->release, result_out) ==
	     MC_OK);
	memcpy(&error, result_out, sizeof(error));
	return error;
}

int32_t
sim_call(struct sim_client *client, enum mc_fn fn, const struct mc_args *args, void *result_out)
{
	sim_send(client, fn, args);
	return sim_receive(client, fn, result_out);
}

const struct mc_buf *
sim_answer(void)
{
	return &sim.answer;
}

struct mc_args
sim_args(const struct sim_client *client)
{
	struct mc_args args;

	mc_args_init(&args);
	args.client_id = client->id;
	return args;
}

struct mc_str
sim_str(const char *text)
{
	return (struct mc_str){text, strlen(text)};
}

/* ---- what most tests do ---- */

static int32_t
call_void(struct sim_client *client, enum mc_fn fn, const struct mc_args *args)
{
	struct mc_result_void result;

	return sim_call(client, fn, args, &result);
}

struct mc_uuid
sim_segment_id(const struct sim_client *client, uint64_t number)
{
	return (struct mc_uuid){client->id.first, number};
}

struct mc_segment_desc
sim_segment(const struct sim_client *client, const char *name, uint64_t number, uint64_t size)
{
	return (struct mc_segment_desc){
		.id = sim_segment_id(client, number),
		.name = sim_str(name),
		.base = (client->id.first << 44 | number << 40) + 0x1000,
		.size = size,
		.te_endpoint = sim_str(name),
		.protocol = sim_str("tcp"),
	};
}

int32_t
sim_mount(struct sim_client *client, const char *name, uint64_t number, uint64_t size)
{
	struct mc_args args = sim_args(client);

	args.segment = sim_segment(client, name, number, size);
	return call_void(client, MC_FN_MOUNT_SEGMENT, &args);
}

int32_t
sim_unmount(struct sim_client *client, uint64_t number)
{
	struct mc_args args = sim_args(client);

	args.id = sim_segment_id(client, number);
	return call_void(client, MC_FN_UNMOUNT_SEGMENT, &args);
}

int32_t
sim_remount_nothing(struct sim_client *client)
{
	struct mc_args args = sim_args(client);

	return call_void(client, MC_FN_REMOUNT_SEGMENT, &args);
}

int32_t
sim_ping(struct sim_client *client)
{
	struct mc_args args = sim_args(client);
	struct mc_result_ping result;

	must(sim_call(client, MC_FN_PING, &args, &result) == 0);
	return result.client_status;
}

int32_t
sim_put_start(struct sim_client *client, const char *key, uint64_t size,
	      const struct mc_replicate_config *config, struct mc_result_vec *result_out)
{
	struct mc_args args = sim_args(client);
	struct mc_result_vec result;

	args.key = sim_str(key);
	args.slice_length = size;
	args.slices = (struct mc_vec){.items = &size, .count = 1, .stride = sizeof(size)};
	args.config.replica_num = 1;
	if (config != NULL)
		args.config = *config;
	return sim_call(client, MC_FN_PUT_START, &args, result_out != NULL ? result_out : &result);
}

static int32_t
put_finish(struct sim_client *client, enum mc_fn fn, const char *key)
{
	struct mc_args args = sim_args(client);

	args.key = args.object_meta.key = sim_str(key);
	return call_void(client, fn, &args);
}

int32_t
sim_put_end(struct sim_client *client, const char *key)
{
	return put_finish(client, MC_FN_PUT_END, key);
}

int32_t
sim_put_revoke(struct sim_client *client, const char *key)
{
	return put_finish(client, MC_FN_PUT_REVOKE, key);
}

int32_t
sim_put(struct sim_client *client, const char *key, uint64_t size)
{
	int32_t error = sim_put_start(client, key, size, NULL, NULL);

	return error != 0 ? error : sim_put_end(client, key);
}

int32_t
sim_get(struct sim_client *client, const char *key, struct mc_replica_desc *descs,
	uint32_t descs_max)
{
	struct mc_args args = sim_args(client);
	struct mc_vec_cursor cursor = {0};
	struct mc_result_replicas result;
	struct mc_replica_desc desc;
	int32_t error;

	args.key = sim_str(key);
	error = sim_call(client, MC_FN_GET_REPLICA_LIST, &args, &result);
	if (error != 0)
		return error;
	while (mc_vec_next_replica(&result.value.replicas, &cursor, client->release, &desc)) {
		if (cursor.index <= descs_max)
			descs[cursor.index - 1] = desc;
	}
	return (int32_t)result.value.replicas.count;
}

bool
sim_exist(struct sim_client *client, const char *key)
{
	struct mc_args args = sim_args(client);
	struct mc_result_bool result;

	args.key = sim_str(key);
	must(sim_call(client, MC_FN_EXIST_KEY, &args, &result) == 0);
	return result.value;
}

int32_t
sim_remove(struct sim_client *client, const char *key, bool force)
{
	struct mc_args args = sim_args(client);

	args.key = sim_str(key);
	args.force = force;
	return call_void(client, MC_FN_REMOVE, &args);
}

uint64_t
sim_stat(const struct mc_counter *counter)
{
	return mc_counter_read(counter);
}
