/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/admin_port.h"

#include <stdlib.h>
#include <string.h>

#include "core/wire/frame.h"
#include "tests/support/must.h"

static struct mc_reactor *control, *exec, *io;
static struct mc_rpc_server *server;
static struct mc_master *master;
static struct mc_admin *admin;
static bool stands;

/* ---- the loop ---- */

static uint32_t
exec_poll(struct mc_poller *poller)
{
	return stands ? 0 : mc_reactor_poll(exec);
}

static struct mc_poller exec_poller = {.poll = exec_poll};

static void
loop_start(void)
{
	struct mc_reactor_params params = {
		.size = sizeof(params), .name = "exec", .idle = MC_IDLE_INLINE};

	control = http_loop_start();
	io = mc_lcore_reactor(0);
	ck_assert_int_eq(mc_wire_init(), MC_OK);
	ck_assert_int_eq(mc_reactor_create(&params, &exec), MC_OK);
	mc_reactor_poll(exec);
	mc_poller_add(control, &exec_poller);
}

static void
loop_stop(void)
{
	mc_poller_del(&exec_poller);
	mc_reactor_destroy(exec);
	http_loop_stop();
}

/* ---- master and port ---- */

static void
server_open(void)
{
	struct mc_rpc_listen listen = {.releases = MC_RELEASE_ALL};
	struct mc_rpc_server_params params = {
		.size = sizeof(params),
		.io = &io,
		.io_count = 1,
		.exec = io,
		.handler = mc_master_handler(master), /* nobody calls */
		.listens = &listen,
		.listens_count = 1,
	};

	ck_assert_int_eq(mc_net_addr_parse("127.0.0.1", 0, &listen.addr), MC_OK);
	ck_assert_int_eq(mc_rpc_server_open(&params, &server), MC_OK);
}

static void
setup(void)
{
	struct mc_master_params params;
	struct mc_admin_params admin_params = {
		.size = sizeof(admin_params),
		.reactor = control,
		.io = &io,
		.io_count = 1,
		.host = "127.0.0.1",
	};

	stands = false;
	mc_master_params_init(&params);
	params.exec = exec;
	ck_assert_int_eq(mc_master_create(&params, &master), MC_OK);
	mc_master_start(master);
	server_open();
	admin_params.master = master;
	admin_params.server = server;
	ck_assert_int_eq(mc_admin_open(&admin_params, &admin), MC_OK);
}

void
admin_port_close(void)
{
	mc_admin_close(admin);
	admin = NULL;
}

static void
teardown(void)
{
	admin_port_close();
	mc_rpc_server_close(server);
	mc_master_stop(master);
	mc_master_destroy(master);
}

TCase *
admin_port_tcase(const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_unchecked_fixture(tc, loop_start, loop_stop);
	tcase_add_checked_fixture(tc, setup, teardown);
	return tc;
}

uint16_t
admin_port(void)
{
	return mc_admin_port(admin);
}

struct mc_admin *
admin_port_admin(void)
{
	return admin;
}

void
admin_port_stand(bool stand)
{
	stands = stand;
}

/* ---- the protocol ---- */

static void
body_encode(struct mc_buf *body, enum mc_fn fn, const struct mc_args *args)
{
	mc_buf_init(body);
	must(mc_request_encode(body, fn, MC_RELEASE_NEWEST, MC_FORM_LITERAL, args) == MC_OK);
}

int32_t
admin_port_call(enum mc_fn fn, const struct mc_args *args)
{
	struct mc_rpc_peer peer = {.releases = MC_RELEASE_ALL, .allowed = MC_RELEASE_ALL};
	struct mc_rpc_handler handler = mc_master_handler(master);
	struct mc_rpc_call call = {.peer = &peer, .function_id = mc_fn_id(fn)};
	struct mc_frame_response frame;
	struct mc_buf body, out;
	/* room for the result of any function */
	union {
		int32_t error;
		struct mc_result_replica replica;
		struct mc_result_storage storage;
		uint64_t room[128];
	} result;

	body_encode(&body, fn, args);
	mc_buf_init(&out);
	must(mc_buf_reserve(&out, MC_FRAME_RESPONSE_LEN) == MC_OK);
	out.tail = MC_FRAME_RESPONSE_LEN;
	call.body = body.data;
	call.body_len = (uint32_t)mc_buf_len(&body);
	call.out = &out;
	must(handler.call(handler.context, &call) == MC_RPC_ANSWERED);
	must(mc_frame_response_load(out.data, &frame) && frame.err_code == 0);
	must(mc_result_decode(out.data + MC_FRAME_RESPONSE_LEN, frame.body_len, fn,
			      MC_RELEASE_NEWEST, &result) == MC_OK);
	mc_buf_fini(&body);
	mc_buf_fini(&out);
	return result.error;
}

static struct mc_args
args_new(void)
{
	struct mc_args args;

	mc_args_init(&args);
	args.client_id = ADMIN_PORT_CLIENT;
	return args;
}

static struct mc_str
str(const char *text)
{
	return (struct mc_str){text, strlen(text)};
}

void
admin_port_mount(const char *name, uint64_t number, uint64_t size)
{
	struct mc_args args = args_new();

	args.segment = (struct mc_segment_desc){
		.id = {ADMIN_PORT_CLIENT.first, number},
		.name = str(name),
		.base = number << 40,
		.size = size,
		.te_endpoint = str(name),
		.protocol = str("tcp"),
	};
	ck_assert_int_eq(admin_port_call(MC_FN_MOUNT_SEGMENT, &args), 0);
}

void
admin_port_put(const char *key, uint64_t size)
{
	struct mc_args args = args_new();

	args.key = args.object_meta.key = str(key);
	args.slice_length = size;
	args.config.replica_num = 1;
	ck_assert_int_eq(admin_port_call(MC_FN_PUT_START, &args), 0);
	ck_assert_int_eq(admin_port_call(MC_FN_PUT_END, &args), 0);
}

/* ---- what is answered ---- */

json_t *
admin_port_json(const char *method, const char *target, const char *body, unsigned int status)
{
	struct http_reply reply = http_once(admin_port(), method, target, body, strlen(body));
	json_error_t error;
	json_t *json = json_loadb(reply.body, reply.len, 0, &error);

	ck_assert_msg(reply.status == status, "%s %s: %u %s", method, target, reply.status,
		      reply.body);
	ck_assert_msg(json != NULL, "%s: %s", error.text, reply.body);
	ck_assert_str_eq(reply.type, "application/json; charset=utf-8");
	return json;
}

void
admin_port_member(const json_t *json, const char *name, json_t *wanted)
{
	char *found = json_dumps(json, JSON_COMPACT);

	ck_assert_msg(json_equal(json_object_get(json, name), wanted), "%s in %s", name, found);
	free(found);
	json_decref(wanted);
}

const char *
admin_port_text(const char *target)
{
	struct http_reply reply = http_once(admin_port(), "GET", target, "", 0);

	ck_assert_msg(reply.status == 200, "%s: %u %s", target, reply.status, reply.body);
	return reply.body;
}
