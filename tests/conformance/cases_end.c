/* SPDX-License-Identifier: Apache-2.0 */
/* Operations, eps and peers that end before their time. */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tests/conformance/conformance.h"
#include "tests/support/must.h"

#define BYTES (4u << 20)
#define PIECE 65536u
#define OPS (BYTES / PIECE)

static bool
path_failure(enum mc_status st)
{
	return st == MC_ERR_CONN_REFUSED || st == MC_ERR_CONN_CLOSED || st == MC_ERR_UNREACHABLE ||
	       st == MC_ERR_IO || st == MC_ERR_TIMEOUT;
}

/* Reads of all of the server's memory, OPS pieces. */
static void
reads_make(struct pair *pair, struct mc_op ops[OPS], struct mc_sge sge[OPS])
{
	for (uint32_t i = 0; i < OPS; i++)
		ops[i] = client_op(&pair->client, pair->path, MC_OP_READ, i + 1,
				   pair->server.memory + i * PIECE, i * PIECE, PIECE, &sge[i]);
}

/* At least one: post() may take none now and then. */
static uint32_t
post_some(struct pair *pair, const struct mc_op *ops, uint32_t count)
{
	uint32_t taken = 0;

	for (int i = 0; i < 1000 && taken == 0; i++)
		taken = client_post(&pair->client, pair->path, ops, count);
	must(taken > 0);
	return taken;
}

START_TEST(a_canceled_operation_touches_nothing_more)
{
	struct mc_op ops[OPS];
	struct mc_sge sge[OPS];
	struct pair pair;

	pair_open(&pair, _i, BYTES);
	reads_make(&pair, ops, sge);
	pattern_fill(pair.server.memory, BYTES, 1);
	for (int round = 0; round < 10; round++) {
		uint32_t taken = post_some(&pair, ops, OPS);

		/* from the last on, so that the first may be under way */
		for (uint32_t i = taken; i-- > 0;) {
			if (i % 2 == 1)
				conf_driver->ops->ep_cancel(pair.path->ep, ops[i].cookie);
		}
		for (uint32_t i = 1; i < taken; i += 2)
			memset(pair.client.memory + i * PIECE, 0xcc, PIECE);
		client_drain(&pair.client);
		usleep(2000);
		client_poll(&pair.client);
		for (uint32_t i = 0; i < taken; i++) {
			enum mc_status st = pair.client.status[i];
			const uint8_t *at = pair.client.memory + i * PIECE;

			must(st == MC_OK || st == MC_ERR_CANCELED);
			if (i % 2 == 1)
				must(at[0] == 0xcc && memcmp(at, at + 1, PIECE - 1) == 0);
			else if (st == MC_OK)
				must(memcmp(at, pair.server.memory + i * PIECE, PIECE) == 0);
		}
		must(!pair.path->failed);
	}
	client_run_ok(&pair.client, pair.path, ops, OPS);
	must(pattern_check(pair.client.memory, BYTES, 1));
	/* of an operation that is not there */
	conf_driver->ops->ep_cancel(pair.path->ep, 4711);
	pair_close(&pair);
}
END_TEST

START_TEST(detach_completes_all_that_is_outstanding)
{
	struct mc_op ops[OPS];
	struct mc_sge sge[OPS];
	struct pair pair;

	pair_open(&pair, _i, BYTES);
	for (int round = 0; round < 5; round++) {
		uint32_t taken;

		reads_make(&pair, ops, sge);
		taken = client_post(&pair.client, pair.path, ops, OPS);
		if (round % 2 == 1)
			client_poll(&pair.client);
		conf_driver->ops->ep_detach(pair.path->ep);
		client_drain(&pair.client);
		for (uint32_t i = 0; i < taken; i++)
			must(pair.client.done[i] && (pair.client.status[i] == MC_OK ||
						     pair.client.status[i] == MC_ERR_CANCELED));
		conf_driver->ops->ep_destroy(pair.path->ep);
		pair.path->ep = NULL;
		pair.path = client_connect(&pair.client, &pair.server);
	}
	reads_make(&pair, ops, sge);
	client_run_ok(&pair.client, pair.path, ops, OPS);
	pair_close(&pair);
}
END_TEST

/* Posts until the death of the peer shows: by failing operations, and once by cookie 0 at most. */
static void
death_await(struct pair *pair, const struct mc_op *ops)
{
	uint64_t deadline_ns = mc_clock_mono_ns() + 10 * MC_NS_PER_S;
	bool failed = false;

	while (!failed) {
		client_run(&pair->client, pair->path, ops, OPS);
		for (uint32_t i = 0; i < OPS; i++) {
			enum mc_status st = pair->client.status[i];

			must(st == MC_OK || path_failure(st));
			failed = failed || st != MC_OK;
		}
		must(mc_clock_mono_ns() < deadline_ns);
	}
	/* and later ones fail too */
	client_run(&pair->client, pair->path, ops, OPS);
	for (uint32_t i = 0; i < OPS; i++)
		must(path_failure(pair->client.status[i]));
}

START_TEST(a_killed_peer_fails_its_operations_and_a_new_one_works)
{
	struct mc_op ops[OPS];
	struct mc_sge sge[OPS];
	struct pair pair;
	uint32_t taken;

	pair_open(&pair, _i, BYTES);
	for (int round = 0; round < 3; round++) {
		reads_make(&pair, ops, sge);
		client_run_ok(&pair.client, pair.path, ops, OPS);
		taken = client_post(&pair.client, pair.path, ops, OPS);
		server_kill(&pair.server);
		client_drain(&pair.client);
		for (uint32_t i = 0; i < taken; i++)
			must(pair.client.status[i] == MC_OK || path_failure(pair.client.status[i]));
		death_await(&pair, ops);
		client_disconnect(&pair.client, pair.path);
		conf_server(&pair.server, _i, BYTES);
		pair.path = client_connect(&pair.client, &pair.server);
	}
	reads_make(&pair, ops, sge);
	client_run_ok(&pair.client, pair.path, ops, OPS);
	pair_close(&pair);
}
END_TEST

START_TEST(a_peer_that_ended_is_refused)
{
	struct server server;
	struct client client;
	struct path *path = NULL;
	uint64_t begin;

	conf_server(&server, _i, PIECE);
	client_open(&client, conf_driver, PIECE);
	server_stop(&server);
	begin = mc_clock_mono_ns();
	must(path_failure(client_try(&client, &server, server.memory, PIECE, &path)));
	must(mc_clock_mono_ns() - begin < 5 * MC_NS_PER_S);
	client_close(&client);
}
END_TEST

/* A process that stands still: whoever connects gets an answer all the same, in time. */
START_TEST(a_stopped_peer_ends_neither_connect_nor_detach)
{
	struct pair pair;
	struct mc_op ops[OPS];
	struct mc_sge sge[OPS];
	struct path *path = NULL;
	uint64_t begin;

	pair_open(&pair, _i, BYTES);
	reads_make(&pair, ops, sge);
	must(kill(pair.server.pid, SIGSTOP) == 0);
	pair.client.connect_timeout_ns = MC_NS_PER_S / 2;
	begin = mc_clock_mono_ns();
	/* a connection may come about without the process: then it is used in vain */
	client_try(&pair.client, &pair.server, pair.server.memory, BYTES, &path);
	must(mc_clock_mono_ns() - begin < 2 * MC_NS_PER_S);
	pair.client.connect_timeout_ns = 0;	/* the driver's own */
	client_post(&pair.client, pair.path, ops, OPS);
	begin = mc_clock_mono_ns();
	conf_driver->ops->ep_detach(pair.path->ep);
	client_drain(&pair.client);
	must(mc_clock_mono_ns() - begin < 2 * MC_NS_PER_S);
	conf_driver->ops->ep_destroy(pair.path->ep);
	pair.path->ep = NULL;
	must(kill(pair.server.pid, SIGCONT) == 0);
	pair.path = client_connect(&pair.client, &pair.server);
	reads_make(&pair, ops, sge);
	client_run_ok(&pair.client, pair.path, ops, OPS);
	pair_close(&pair);
}
END_TEST

/* ---- sleeping ---- */

/* Sleeps if it may, until there is something to poll for. */
static void
sleep_once(struct pair *pair)
{
	struct pollfd fd = {.fd = conf_driver->ops->event_fd(pair->client.cq), .events = POLLIN};

	if (conf_driver->ops->arm(pair->client.cq) == MC_OK)
		must(fd.fd >= 0 && poll(&fd, 1, 5000) == 1);
}

/* As an lcore that has nothing else to do: until *@flag, or until nothing is outstanding. */
static void
sleep_until(struct pair *pair, const bool *flag)
{
	uint64_t deadline_ns = mc_clock_mono_ns() + 10 * MC_NS_PER_S;

	while (flag != NULL ? !*flag : pair->client.outstanding > 0) {
		must(mc_clock_mono_ns() < deadline_ns);
		pair->client.cq->counters.busy = false;
		if (client_poll(&pair->client) == 0 && !pair->client.cq->counters.busy)
			sleep_once(pair);
	}
}

START_TEST(a_sleeper_is_woken_for_completions)
{
	struct mc_op ops[OPS];
	struct mc_sge sge[OPS];
	struct pair pair;

	pair_open(&pair, _i, BYTES);
	reads_make(&pair, ops, sge);
	pattern_fill(pair.server.memory, BYTES, 3);
	for (int round = 0; round < 50; round++) {
		post_some(&pair, ops + round % OPS, 1);
		if (round % 2 == 1)	/* also straight after post() */
			sleep_once(&pair);
		sleep_until(&pair, NULL);
		must(pair.client.status[round % OPS] == MC_OK);
		must(memcmp(pair.client.memory + round % OPS * PIECE,
			    pair.server.memory + round % OPS * PIECE, PIECE) == 0);
	}
	pair_close(&pair);
}
END_TEST

START_TEST(a_sleeper_learns_that_its_peer_died)
{
	struct mc_op ops[OPS];
	struct mc_sge sge[OPS];
	struct pair pair;

	pair_open(&pair, _i, BYTES);
	reads_make(&pair, ops, sge);
	client_run_ok(&pair.client, pair.path, ops, OPS);
	server_kill(&pair.server);
	sleep_until(&pair, &pair.path->failed);
	client_close(&pair.client);
}
END_TEST

void
cases_end(Suite *suite, int kinds)
{
	TCase *tc = tcase_create("end");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_canceled_operation_touches_nothing_more, 0, kinds);
	tcase_add_loop_test(tc, detach_completes_all_that_is_outstanding, 0, kinds);
	tcase_add_loop_test(tc, a_peer_that_ended_is_refused, 0, kinds);
	tcase_add_loop_test(tc, a_sleeper_is_woken_for_completions, 0, kinds);
	tcase_add_loop_test(tc, a_killed_peer_fails_its_operations_and_a_new_one_works,
			    CONF_PROCESS, kinds);
	tcase_add_loop_test(tc, a_stopped_peer_ends_neither_connect_nor_detach, CONF_PROCESS,
			    kinds);
	tcase_add_loop_test(tc, a_sleeper_learns_that_its_peer_died, CONF_PROCESS, kinds);
	suite_add_tcase(suite, tc);
}
