/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/bench_master.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/net.h"
#include "core/wire/frame.h"
#include "mc/log.h"
#include "tests/support/must.h"

#define CONNECTIONS 64

struct bench_master master;

static const struct mc_net_ops *system_net;
static struct mc_net_ops master_net;

static struct link {
	int fd;			/* the bench's end; 0: none */
	int peer;
	struct mc_buf in;
} links[CONNECTIONS];

static struct link *
link_of(int fd)
{
	for (int i = 0; i < CONNECTIONS; i++) {
		if (links[i].fd == fd)
			return &links[i];
	}
	ck_abort_msg("no connection %d", fd);
	return NULL;
}

/* ---- objects ---- */

static bool *
object_of(struct mc_str key)
{
	uint64_t number;
	char *end;

	must(key.len >= 20 && key.len < sizeof(master.last_key));
	must(memcmp(key.ptr, "mcbench-", 8) == 0);
	memcpy(master.last_key, key.ptr, key.len);
	master.last_key[key.len] = '\0';
	number = strtoull(master.last_key + 8, &end, 10);
	must(*end == '\0');
	if (number >= BENCH_MASTER_NEW)
		return &master.put[1][(number - BENCH_MASTER_NEW) % BENCH_MASTER_KEYS];
	must(number < BENCH_MASTER_KEYS);
	return &master.put[0][number];
}

/* One replica, and the list of it, as long as the answer is written. */
static struct mc_replica_desc replica;

static struct mc_vec
replicas(int32_t status)
{
	replica = (struct mc_replica_desc){
		.id = 1,
		.status = status,
		.type = MC_REPLICA_MEMORY,
		.buffer = {.size = master.size,
			   .address = 0x1000,
			   .protocol = {"tcp", 3},
			   .endpoint = {"127.0.0.1:1", 11}},
	};
	return (struct mc_vec){&replica, 1, sizeof(replica), 0, 0};
}

union result {
	int32_t error;
	struct mc_result_void none;
	struct mc_result_bool flag;
	struct mc_result_str str;
	struct mc_result_vec vec;
	struct mc_result_replicas replicas;
	struct mc_result_ping ping;
};

static void
key_exist(bool *object, union result *result)
{
	result->flag.value = *object;
	master.missed += !*object;
}

static void
key_get(bool *object, union result *result)
{
	if (*object) {
		result->replicas.value.replicas = replicas(MC_REPLICA_COMPLETE);
		return;
	}
	result->error = -704;
	master.missed++;
}

static void
key_put_start(bool *object, union result *result)
{
	if (!*object) {
		result->vec.value = replicas(MC_REPLICA_PROCESSING);
		return;
	}
	result->error = -705;
	master.refused++;
}

static void
key_put_end(bool *object, union result *result)
{
	*object = true;
}

/* What a function does with each of its keys; NULL: it has none. */
typedef void (*key_fn)(bool *object, union result *result);

static key_fn
key_function(enum mc_fn fn)
{
	switch (fn) {
	case MC_FN_EXIST_KEY:
	case MC_FN_BATCH_EXIST_KEY:
		return key_exist;
	case MC_FN_GET_REPLICA_LIST:
	case MC_FN_BATCH_GET_REPLICA_LIST:
		return key_get;
	case MC_FN_PUT_START:
	case MC_FN_BATCH_PUT_START:
		return key_put_start;
	case MC_FN_PUT_END:
	case MC_FN_BATCH_PUT_END:
		return key_put_end;
	default:
		return NULL;
	}
}

/* ---- answers ---- */

static void
key_run(enum mc_fn fn, struct mc_str key, union result *result)
{
	*result = (union result){0};
	result->error = master.errors[fn];
	if (result->error == 0)
		key_function(fn)(object_of(key), result);
}

static void
batch_run(struct mc_writer *writer, enum mc_fn fn, const struct mc_args *args)
{
	bool metas = args->object_metas.count > 0;
	struct mc_vec_cursor cursor = {0};
	struct mc_object_meta meta = {0};
	union result result;

	mc_result_put_count(writer, metas ? args->object_metas.count : args->keys.count);
	while (metas ? mc_vec_next_meta(&args->object_metas, &cursor, master.release, &meta)
		     : mc_vec_next_str(&args->keys, &cursor, &meta.key)) {
		key_run(fn, meta.key, &result);
		mc_result_put_element(writer, &result);
	}
}

static void
single_run(struct mc_writer *writer, enum mc_fn fn, const struct mc_args *args)
{
	union result result = {0};

	if (key_function(fn) != NULL) {
		key_run(fn, args->key, &result);
	} else {
		result.error = master.errors[fn];
		if (result.error == 0)
			master.segments += (fn == MC_FN_MOUNT_SEGMENT) -
					   (fn == MC_FN_UNMOUNT_SEGMENT);
		if (fn == MC_FN_SERVICE_READY)
			result.str.value = (struct mc_str){"3.0.0", 5};
	}
	mc_result_put(writer, &result);
}

static void
answer(struct mc_buf *out, uint32_t function_id, const uint8_t *body, size_t len)
{
	struct mc_request request;
	struct mc_writer writer;
	struct mc_args args;

	must(mc_request_open(function_id, body, len, MC_RELEASE_BIT(master.release), &request) ==
	     MC_OK);
	must(mc_request_decode(&request, &args) == MC_OK);
	master.calls[request.fn]++;
	mc_result_open(&writer, out, request.fn, master.release, MC_FORM_LITERAL, 4096);
	if (request.fn == MC_FN_BATCH_EXIST_KEY || request.fn == MC_FN_BATCH_GET_REPLICA_LIST ||
	    request.fn == MC_FN_BATCH_PUT_START || request.fn == MC_FN_BATCH_PUT_END)
		batch_run(&writer, request.fn, &args);
	else
		single_run(&writer, request.fn, &args);
	must(mc_result_close(&writer) == MC_OK);
}

static void
request_answer(struct link *link, const struct mc_frame_request *request, const uint8_t *body)
{
	uint8_t zeros[MC_FRAME_RESPONSE_LEN] = {0};
	struct mc_frame_response response = {.seq = request->seq, .err_code = master.err_code};
	struct mc_buf out;

	mc_buf_init(&out);
	must(mc_buf_append(&out, zeros, sizeof(zeros)) == MC_OK);
	answer(&out, request->function_id, body, request->body_len);
	response.body_len = (uint32_t)(mc_buf_len(&out) - MC_FRAME_RESPONSE_LEN);
	mc_frame_response_store(out.data, &response);
	must(send(link->peer, out.data, out.tail, MSG_NOSIGNAL) == (ssize_t)out.tail);
	mc_buf_fini(&out);
}

/* ---- the seam ---- */

static enum mc_status
master_connect(const struct mc_net_addr *addr, int *fd_out)
{
	struct link *link = link_of(0);
	int fds[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	link->fd = *fd_out = fds[0];
	link->peer = fds[1];
	mc_buf_init(&link->in);
	master.open++;
	return MC_OK;
}

static enum mc_status
master_connect_result(int fd)
{
	return master.connect_status;
}

static enum mc_status
master_nodelay(int fd, bool on)
{
	return MC_OK;
}

static enum mc_status
master_send(int fd, const struct iovec *iov, int iov_count, size_t *sent_out)
{
	struct link *link = link_of(fd);
	struct mc_frame_request frame;

	must(iov_count == 1);
	must(mc_buf_append(&link->in, iov[0].iov_base, iov[0].iov_len) == MC_OK);
	*sent_out = iov[0].iov_len;
	while (!master.deaf && mc_buf_len(&link->in) >= MC_FRAME_REQUEST_LEN) {
		const uint8_t *at = link->in.data + link->in.head;

		must(mc_frame_request_load(at, &frame));
		must(mc_buf_len(&link->in) >= MC_FRAME_REQUEST_LEN + frame.body_len);
		if (master.answers_left == 0) {
			shutdown(link->peer, SHUT_RDWR);
			break;
		}
		master.answers_left--;
		request_answer(link, &frame, at + MC_FRAME_REQUEST_LEN);
		mc_buf_consume(&link->in, MC_FRAME_REQUEST_LEN + frame.body_len);
	}
	return MC_OK;
}

static void
master_close(int fd)
{
	struct link *link = link_of(fd);

	close(link->peer);
	mc_buf_fini(&link->in);
	*link = (struct link){0};
	master.open--;
	system_net->close(fd);
}

/* ---- life ---- */

bool
bench_master_start(void)
{
	struct mc_eal_params eal = {.size = sizeof(eal), .lcore_count = 1};
	struct mc_reactor_params params = {
		.size = sizeof(params), .name = "test", .idle = MC_IDLE_INLINE, .messages_max = 64};

	mc_log_level_set(MC_LOG_ERROR);
	if (mc_wire_init() != MC_OK || mc_eal_start(&eal) != MC_OK)
		return false;
	system_net = mc_net();
	master_net = *system_net;
	master_net.connect = master_connect;
	master_net.connect_result = master_connect_result;
	master_net.nodelay = master_nodelay;
	master_net.send = master_send;
	master_net.close = master_close;
	return mc_reactor_create(&params, &master.reactor) == MC_OK;
}

void
bench_master_stop(void)
{
	mc_reactor_destroy(master.reactor);
	mc_eal_stop();
}

void
bench_master_setup(void)
{
	struct mc_reactor *reactor = master.reactor;

	memset(&master, 0, sizeof(master));
	master.reactor = reactor;
	master.release = MC_RELEASE_NEWEST;
	master.answers_left = UINT32_MAX;
	master.size = 4096;
	mc_net_ops_set(&master_net);
	mc_reactor_poll(reactor);	/* so that its time is now */
}

void
bench_master_teardown(void)
{
	mc_net_ops_set(NULL);
	/* every connection was closed */
	ck_assert_uint_eq(master.open, 0);
}
