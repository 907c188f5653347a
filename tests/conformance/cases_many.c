/* SPDX-License-Identifier: Apache-2.0 */
/* Many operations, eps, cqs and threads at once. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "tests/conformance/conformance.h"
#include "tests/support/must.h"

#define CELL 512u
#define OPS 2048u
#define BYTES (CELL * OPS)

START_TEST(post_takes_what_fits)
{
	static struct mc_op ops[OPS];
	static struct mc_sge sge[OPS];
	struct pair pair;
	uint32_t taken, posted, rounds = 0;

	pair_open(&pair, _i, BYTES);
	pattern_fill(pair.server.memory, BYTES, 4);
	for (uint32_t i = 0; i < OPS; i++)
		ops[i] = client_op(&pair.client, pair.path, MC_OP_READ, i + 1,
				   pair.server.memory + i * CELL, i * CELL, CELL, &sge[i]);
	must(client_post(&pair.client, pair.path, ops, 0) == 0);
	/* without a poll it must be full at some time; one that takes few may take none at first */
	do
		posted = client_post(&pair.client, pair.path, ops, OPS);
	while (posted == 0);
	must(posted < OPS);
	must(posted <= pair.client.dev->limits.depth_max);
	while ((taken = client_post(&pair.client, pair.path, ops + posted, OPS - posted)) > 0) {
		posted += taken;
		must(posted < OPS && posted <= pair.client.dev->limits.depth_max);
	}
	/* then in steps of any length */
	while (posted < OPS) {
		uint32_t want = 1 + rounds++ % 70;

		client_poll(&pair.client);
		want = want < OPS - posted ? want : OPS - posted;
		posted += client_post(&pair.client, pair.path, ops + posted, want);
		must(rounds < 10u << 20);
	}
	client_drain(&pair.client);
	for (uint32_t i = 0; i < OPS; i++)
		must(pair.client.done[i] && pair.client.status[i] == MC_OK);
	must(pattern_check(pair.client.memory, BYTES, 4));
	must(mc_counter_read(&pair.client.cq->counters.ops) == OPS);
	must(mc_counter_read(&pair.client.cq->counters.bytes) == BYTES);
	must(mc_counter_read(&pair.client.cq->counters.errors) == 0);
	pair_close(&pair);
}
END_TEST

/* The ep's depth as asked for holds, if there is room in the cq for more. */
START_TEST(depth_of_an_ep_holds)
{
	struct mc_ep_params params = {.size = sizeof(params), .depth = 7};
	struct path shallow = {NULL, 0, false};
	struct mc_op ops[16];
	struct mc_sge sge[16];
	struct pair pair;

	pair_open(&pair, _i, BYTES);
	client_disconnect(&pair.client, pair.path);
	must(conf_driver->ops->ep_create(pair.client.cq, &params, &pair.server.addr, &shallow.ep) ==
	     MC_OK);
	if ((conf_driver->caps & MC_CAP_IMPORT) != 0)
		must(conf_driver->ops->ep_import(shallow.ep, (uintptr_t)pair.server.memory, BYTES,
						 &shallow.key) == MC_OK);
	must(conf_driver->ops->ep_attach(shallow.ep) == MC_OK);
	*pair.path = shallow;
	shallow.ep->owner = pair.path;
	for (uint32_t i = 0; i < 16; i++)
		ops[i] = client_op(&pair.client, pair.path, MC_OP_WRITE, i + 1, pair.server.memory,
				   0, 64, &sge[i]);
	must(client_post(&pair.client, pair.path, ops, 16) <= 7);
	client_drain(&pair.client);
	client_run_ok(&pair.client, pair.path, ops, 16);
	pair_close(&pair);
}
END_TEST

#define PEERS 3u

START_TEST(several_peers_share_a_cq)
{
	struct server server[PEERS];
	struct client client;
	struct path *path[PEERS];
	uint32_t cookie = 0;

	for (uint32_t p = 0; p < PEERS; p++)
		conf_server(&server[p], _i, 1u << 20);
	client_open(&client, conf_driver, PEERS << 20);
	for (uint32_t p = 0; p < PEERS; p++) {
		path[p] = client_connect(&client, &server[p]);
		pattern_fill(server[p].memory, 1u << 20, p);
	}
	for (uint32_t i = 0; i < 64; i++) {
		for (uint32_t p = 0; p < PEERS; p++) {
			struct mc_sge sge;
			struct mc_op op = client_op(&client, path[p], MC_OP_READ, ++cookie,
						    server[p].memory + i * 16384,
						    (p << 20) + i * 16384, 16384, &sge);

			while (client_post(&client, path[p], &op, 1) == 0)
				client_poll(&client);
		}
	}
	client_drain(&client);
	for (uint32_t i = 0; i < cookie; i++)
		must(client.done[i] && client.status[i] == MC_OK);
	for (uint32_t p = 0; p < PEERS; p++)
		must(pattern_check(client.memory + (p << 20), 1u << 20, p));
	client_close(&client);
	for (uint32_t p = 0; p < PEERS; p++)
		server_stop(&server[p]);
}
END_TEST

/* ---- threads ---- */

#define THREAD_OPS 300u

struct worker {
	const struct server *server;
	uint64_t offset;	/* of its part of the server's memory */
	uint64_t seed;
	pthread_t thread;
};

#define PART (1u << 20)

static void *
worker_main(void *context)
{
	struct worker *worker = context;
	uint8_t *remote = worker->server->memory + worker->offset;
	static _Thread_local struct client client;
	struct mc_random random;
	struct path *path;

	client_open(&client, conf_driver, PART);
	path = client_connect(&client, worker->server);
	mc_random_init(&random, worker->seed);
	for (uint32_t i = 0; i < THREAD_OPS; i++) {
		uint64_t length = 1 + mc_random_below(&random, 20000);
		uint64_t at = mc_random_below(&random, PART - length);

		pattern_fill(client.memory, length, worker->seed + i);
		must(client_move(&client, path, MC_OP_WRITE, remote + at, 0, length) == MC_OK);
		memset(client.memory, 0, length);
		must(client_move(&client, path, MC_OP_READ, remote + at, 0, length) == MC_OK);
		must(pattern_check(client.memory, length, worker->seed + i));
	}
	client_close(&client);
	return NULL;
}

START_TEST(two_threads_with_a_cq_each)
{
	struct server_params params = {.driver = conf_driver, .process = _i != CONF_THREAD,
				       .host_memory = _i == CONF_PROCESS_HOST, .loops = 2,
				       .mem_bytes = 2 * PART};
	struct worker workers[2];
	struct server server;

	server_start(&server, &params);
	for (uint32_t w = 0; w < 2; w++) {
		workers[w] = (struct worker){&server, w * PART, conf_seed + w * 1000, 0};
		must(pthread_create(&workers[w].thread, NULL, worker_main, &workers[w]) == 0);
	}
	for (uint32_t w = 0; w < 2; w++)
		pthread_join(workers[w].thread, NULL);
	server_stop(&server);
}
END_TEST

/* Two cqs of one dev, each with its own thread; the control calls are the main thread's. */
struct lane {
	struct client client;
	struct path *path;
	const struct server *server;
	uint64_t offset;
	pthread_t thread;
};

static void *
lane_main(void *context)
{
	struct lane *lane = context;
	struct mc_sge sge[32];
	struct mc_op ops[32];

	pattern_fill(lane->client.memory, PART, lane->offset);
	for (uint32_t round = 0; round < 20; round++) {
		for (uint32_t i = 0; i < 32; i++)
			ops[i] = client_op(&lane->client, lane->path, MC_OP_WRITE, i + 1,
					   lane->server->memory + lane->offset + i * 32768,
					   i * 32768, 32768, &sge[i]);
		client_run_ok(&lane->client, lane->path, ops, 32);
	}
	return NULL;
}

START_TEST(two_cqs_of_one_dev)
{
	static struct lane lanes[2];
	struct server server;
	struct mc_dev *dev;
	struct mc_cq *cq;

	conf_server(&server, _i, 2 * PART);
	for (uint32_t l = 0; l < 2; l++) {
		lanes[l].server = &server;
		lanes[l].offset = l * PART;
		client_open(&lanes[l].client, conf_driver, PART);
	}
	/* the second moves into the first one's dev */
	dev = lanes[1].client.dev;
	conf_driver->ops->mem_unreg(lanes[1].client.mem);
	conf_driver->ops->cq_destroy(lanes[1].client.cq);
	conf_driver->ops->close(dev);
	dev = lanes[1].client.dev = lanes[0].client.dev;
	must(conf_driver->ops->cq_create(dev, 64, &cq) == MC_OK);
	lanes[1].client.cq = cq;
	lanes[1].client.mem = memory_reg(dev, lanes[1].client.memory, 0, PART, lanes[1].client.fd);
	for (uint32_t l = 0; l < 2; l++)
		lanes[l].path = client_connect(&lanes[l].client, &server);
	for (uint32_t l = 0; l < 2; l++)
		must(pthread_create(&lanes[l].thread, NULL, lane_main, &lanes[l]) == 0);
	for (uint32_t l = 0; l < 2; l++)
		pthread_join(lanes[l].thread, NULL);
	must(pattern_check(server.memory, PART, 0) &&
	     pattern_check(server.memory + PART, PART, PART));
	client_disconnect(&lanes[1].client, lanes[1].path);
	conf_driver->ops->mem_unreg(lanes[1].client.mem);
	conf_driver->ops->cq_destroy(cq);
	memory_destroy(lanes[1].client.memory, PART, lanes[1].client.fd);
	client_close(&lanes[0].client);
	server_stop(&server);
}
END_TEST

/* ---- both directions ---- */

struct node {
	struct client client;
	struct server view;	/* of this node, for the other to connect to */
	struct path *path;	/* to the other */
	struct node *other;
	atomic_bool stop;
	atomic_bool *other_done;
	atomic_bool done;
	pthread_t thread;
};

static void
node_open(struct node *node)
{
	client_open(&node->client, conf_driver, 2 * PART);
	must(node->client.ops->listen(node->client.dev, &node->view.addr) == MC_OK);
	must(node->client.ops->mem_attach(node->client.cq, node->client.mem) == MC_OK);
	node->view.memory = node->client.memory;
	node->view.params.mem_bytes = 2 * PART;
}

static void *
node_serve(void *context)
{
	struct node *node = context;

	while (!atomic_load(&node->stop)) {
		if (client_poll(&node->client) == 0)
			sched_yield();
	}
	return NULL;
}

static void
node_connect(struct node *from, struct node *to)
{
	pthread_t thread;

	atomic_store(&to->stop, false);
	must(pthread_create(&thread, NULL, node_serve, to) == 0);
	from->path = client_connect(&from->client, &to->view);
	atomic_store(&to->stop, true);
	pthread_join(thread, NULL);
}

/* Reads the other's first half into its own second half, and serves until both are done. */
static void *
node_main(void *context)
{
	struct node *node = context;
	struct mc_sge sge[64];
	struct mc_op ops[64];

	for (uint32_t round = 0; round < 20; round++) {
		for (uint32_t i = 0; i < 64; i++)
			ops[i] = client_op(&node->client, node->path, MC_OP_READ, i + 1,
					   node->other->client.memory + i * 16384,
					   PART + i * 16384, 16384, &sge[i]);
		client_run_ok(&node->client, node->path, ops, 64);
	}
	atomic_store(&node->done, true);
	while (!atomic_load(node->other_done)) {
		if (client_poll(&node->client) == 0)
			sched_yield();
	}
	return NULL;
}

START_TEST(both_directions_at_once)
{
	static struct node a, b;

	node_open(&a);
	node_open(&b);
	a.other = &b;
	b.other = &a;
	a.other_done = &b.done;
	b.other_done = &a.done;
	pattern_fill(a.client.memory, PART, 11);
	pattern_fill(b.client.memory, PART, 22);
	node_connect(&a, &b);
	node_connect(&b, &a);
	must(pthread_create(&a.thread, NULL, node_main, &a) == 0);
	must(pthread_create(&b.thread, NULL, node_main, &b) == 0);
	pthread_join(a.thread, NULL);
	pthread_join(b.thread, NULL);
	must(pattern_check(a.client.memory + PART, PART, 22));
	must(pattern_check(b.client.memory + PART, PART, 11));
	client_disconnect(&a.client, a.path);
	client_disconnect(&b.client, b.path);
	conf_driver->ops->mem_detach(a.client.cq, a.client.mem);
	conf_driver->ops->mem_detach(b.client.cq, b.client.mem);
	client_close(&a.client);
	client_close(&b.client);
}
END_TEST

/* ---- imports while the owner posts ---- */

struct importer {
	struct pair *pair;
	atomic_bool done;
};

static void *
import_main(void *context)
{
	struct importer *importer = context;
	const struct pair *pair = importer->pair;

	for (uint32_t i = 0; i < 100; i++) {
		uint32_t key;

		must(conf_driver->ops->ep_import(pair->path->ep,
						 (uintptr_t)pair->server.memory + i * 100,
						 4096 + i, &key) == MC_OK);
		conf_driver->ops->ep_unimport(pair->path->ep, key);
	}
	atomic_store(&importer->done, true);
	return NULL;
}

START_TEST(imports_do_not_disturb_the_owner)
{
	struct importer importer;
	struct pair pair;
	pthread_t thread;

	if ((conf_driver->caps & MC_CAP_IMPORT) == 0)
		return;
	pair_open(&pair, _i, BYTES);
	importer.pair = &pair;
	atomic_init(&importer.done, false);
	must(pthread_create(&thread, NULL, import_main, &importer) == 0);
	for (uint64_t seed = 0; !atomic_load(&importer.done); seed++) {
		pattern_fill(pair.client.memory, 4096, seed);
		must(client_move(&pair.client, pair.path, MC_OP_WRITE, pair.server.memory, 0,
				 4096) == MC_OK);
		must(pattern_check(pair.server.memory, 4096, seed));
	}
	pthread_join(thread, NULL);
	pair_close(&pair);
}
END_TEST

void
cases_many(Suite *suite, int kinds)
{
	TCase *tc = tcase_create("many");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, post_takes_what_fits, 0, kinds);
	tcase_add_loop_test(tc, depth_of_an_ep_holds, 0, kinds);
	tcase_add_loop_test(tc, several_peers_share_a_cq, 0, kinds);
	tcase_add_loop_test(tc, two_threads_with_a_cq_each, 0, kinds);
	tcase_add_loop_test(tc, two_cqs_of_one_dev, 0, kinds);
	tcase_add_test(tc, both_directions_at_once);
	tcase_add_loop_test(tc, imports_do_not_disturb_the_owner, 0, kinds);
	suite_add_tcase(suite, tc);
}
