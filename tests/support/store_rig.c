/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/store_rig.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

#include "core/rpc/server.h"
#include "core/wire/wire.h"
#include "tests/support/must.h"

static void *
rig_main(void *arg)
{
	struct store_rig *rig = arg;

	mc_reactor_run(rig->reactor);
	return NULL;
}

/* ---- on the master's reactor ---- */

struct rig_call {
	struct mc_msg msg;
	void (*run)(struct mc_master *master);
	struct mc_master *master;
	sem_t done;
};

static void
rig_call_run(struct mc_msg *msg)
{
	struct rig_call *call = mc_container_of(msg, struct rig_call, msg);

	call->run(call->master);
	sem_post(&call->done);
}

static void
on_exec(struct store_rig *rig, void (*run)(struct mc_master *master))
{
	struct rig_call call = {.msg.run = rig_call_run, .run = run, .master = rig->master};

	must(sem_init(&call.done, 0, 0) == 0);
	must(mc_reactor_send(rig->reactor, &call.msg) == MC_OK);
	while (sem_wait(&call.done) != 0)
		continue;
	sem_destroy(&call.done);
}

/* ---- life ---- */

static void
server_open(struct store_rig *rig)
{
	struct mc_rpc_listen listen = {.releases = MC_RELEASE_ALL};
	struct mc_rpc_server_params params = {
		.size = sizeof(params),
		.io = &rig->reactor,
		.io_count = 1,
		.exec = rig->reactor,
		.handler = mc_master_handler(rig->master),
		.listens = &listen,
		.listens_count = 1,
		.nodelay = true,
	};

	must(mc_net_addr_parse("127.0.0.1", 0, &listen.addr) == MC_OK);
	must(mc_rpc_server_open(&params, &rig->server) == MC_OK);
	snprintf(rig->address, sizeof(rig->address), "127.0.0.1:%u",
		 mc_rpc_server_port(rig->server, 0));
}

void
store_rig_start(struct store_rig *rig, void (*tune)(struct mc_master_params *params))
{
	struct mc_reactor_params reactor = {.size = sizeof(reactor), .name = "test-master",
					    .idle = MC_IDLE_ADAPTIVE, .spin_ns = 20000};
	struct mc_master_params params;

	must(mc_wire_init() == MC_OK);
	must(mc_reactor_create(&reactor, &rig->reactor) == MC_OK);
	mc_master_params_init(&params);
	params.exec = rig->reactor;
	if (tune != NULL)
		tune(&params);
	must(mc_master_create(&params, &rig->master) == MC_OK);
	must(pthread_create(&rig->thread, NULL, rig_main, rig) == 0);
	on_exec(rig, mc_master_start);
	server_open(rig);
}

void
store_rig_stop(struct store_rig *rig)
{
	on_exec(rig, mc_master_drain);
	mc_rpc_server_close(rig->server);
	on_exec(rig, mc_master_stop);
	mc_reactor_stop(rig->reactor);
	must(pthread_join(rig->thread, NULL) == 0);
	mc_master_destroy(rig->master);
	mc_reactor_destroy(rig->reactor);
}

struct mc_store_params
store_rig_params(const struct store_rig *rig, uint64_t bytes)
{
	return (struct mc_store_params){
		.size = sizeof(struct mc_store_params),
		.hostname = "127.0.0.1",
		.metadata = "P2PHANDSHAKE",
		.master = rig->address,
		.segment_size = bytes,
		.buffer_size = 4u << 20,
		.bind_host = "127.0.0.1",
	};
}

struct mc_store *
store_rig_open(const struct store_rig *rig, uint64_t bytes)
{
	struct mc_store_params params = store_rig_params(rig, bytes);
	struct mc_store *store = NULL;

	must(mc_store_open(&params, &store) == MC_OK);
	return store;
}
