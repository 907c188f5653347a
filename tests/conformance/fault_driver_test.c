/* SPDX-License-Identifier: Apache-2.0 */
/* Does the fault driver do what its plan says? Over shm, with a thread as the other end. */
#include "tests/support/fault_driver.h"

#include <stdio.h>
#include <string.h>

#include "tests/conformance/client.h"
#include "tests/conformance/server.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

#define OPS 1000u
#define CELL 64u

static const struct mc_driver *below, *stack;
static struct server server;
static struct client client;
static struct path *path;
static struct mc_op ops[OPS];
static struct mc_sge sge[OPS];

static void
setup(void)
{
	struct server_params params = {.driver = below, .mem_bytes = 65536};

	server_start(&server, &params);
	client_open(&client, stack, 65536);
	path = client_connect(&client, &server);
	pattern_fill(server.memory, OPS * CELL, 1);
	for (uint32_t i = 0; i < OPS; i++)
		ops[i] = client_op(&client, path, MC_OP_READ, i + 1, server.memory + i * CELL,
				   i * CELL, CELL, &sge[i]);
}

static void
teardown(void)
{
	fault_plan_set(stack, NULL);
	client_close(&client);
	server_stop(&server);
}

static bool
arrived(uint32_t i)
{
	return memcmp(client.memory + i * CELL, server.memory + i * CELL, CELL) == 0;
}

START_TEST(script_is_followed)
{
	const struct fault_step script[] = {
		{2, FAULT_ERROR, MC_ERR_UNREACHABLE}, {3, FAULT_ERROR, 0}, {5, FAULT_DROP, 0},
		{7, FAULT_DELAY, 0}};
	struct fault_plan plan = {.script = script, .script_count = 4};
	struct fault_counts counts;

	fault_plan_set(stack, &plan);
	must(client_post(&client, path, ops, 10) == 10);
	for (int i = 0; i < 100; i++)
		client_poll(&client);
	must(client.outstanding == 1 && client.under_way[5]);
	for (uint32_t i = 0; i < 10; i++)
		must(arrived(i) == (i != 2 && i != 3 && i != 5));
	must(client.status[2] == MC_ERR_UNREACHABLE && client.status[3] == MC_ERR_IO);
	must(client.status[1] == MC_OK && client.status[7] == MC_OK);
	stack->ops->ep_cancel(path->ep, ops[5].cookie);
	client_drain(&client);
	must(client.status[5] == MC_ERR_CANCELED);
	fault_counts_read(stack, &counts);
	must(counts.ops == 10 && counts.errors == 2 && counts.drops == 1 && counts.delays == 1);
	must(mc_counter_read(&client.cq->counters.ops) == 7);
	must(mc_counter_read(&client.cq->counters.errors) == 3);
}
END_TEST

START_TEST(short_posts_lose_nothing)
{
	struct fault_plan plan = {.seed = 3, .shorter = 500};
	struct fault_counts counts;

	fault_plan_set(stack, &plan);
	client_run_ok(&client, path, ops, OPS);
	must(pattern_check(client.memory, OPS * CELL, 1));
	fault_counts_read(stack, &counts);
	must(counts.ops == OPS && counts.shorter > 300);
}
END_TEST

/* Which of the operations fail is the same for the same seed. */
static void
errors_draw(uint64_t seed, bool failed_out[OPS])
{
	struct fault_plan plan = {.seed = seed, .error = 300};

	fault_plan_set(stack, &plan);
	client_run(&client, path, ops, OPS);
	for (uint32_t i = 0; i < OPS; i++)
		failed_out[i] = client.status[i] != MC_OK;
}

START_TEST(a_seed_repeats)
{
	static bool first[OPS], second[OPS], other[OPS];

	errors_draw(5, first);
	errors_draw(5, second);
	errors_draw(6, other);
	must(memcmp(first, second, sizeof(first)) == 0);
	must(memcmp(first, other, sizeof(first)) != 0);
}
END_TEST

START_TEST(completions_come_in_another_order)
{
	struct fault_plan plan = {.seed = 9, .delay = 500, .reorder = true};
	struct mc_completion out[64];
	uint32_t inversions = 0, n;
	uint64_t last = 0;

	fault_plan_set(stack, &plan);
	must(client_post(&client, path, ops, 64) == 64);
	while (client.outstanding > 0) {
		n = client.dev->fast.poll(client.cq, out, 64);
		for (uint32_t i = 0; i < n; i++) {
			inversions += out[i].cookie < last;
			last = out[i].cookie;
		}
		client.outstanding -= n;
	}
	must(inversions > 5);
	must(pattern_check(client.memory, 64 * CELL, 1));
}
END_TEST

START_TEST(a_killed_ep_says_so_and_a_new_one_works)
{
	const struct fault_step script[] = {{4, FAULT_KILL, 0}};
	struct fault_plan plan = {.script = script, .script_count = 1};

	fault_plan_set(stack, &plan);
	client_run(&client, path, ops, 10);
	client_poll(&client);
	for (uint32_t i = 0; i < 10; i++)
		must(client.status[i] == (i < 4 ? MC_OK : MC_ERR_CONN_CLOSED));
	must(path->failed);
	client_disconnect(&client, path);
	path = client_connect(&client, &server);
	for (uint32_t i = 0; i < OPS; i++)
		ops[i].remote_key = path->key;
	client_run_ok(&client, path, ops, OPS);
}
END_TEST

START_TEST(what_was_dropped_ends_with_the_ep)
{
	struct fault_plan plan = {.drop = 1000};

	fault_plan_set(stack, &plan);
	must(client_post(&client, path, ops, 20) == 20);
	must(stack->ops->arm(client.cq) == MC_OK);	/* nothing will ever come */
	stack->ops->ep_detach(path->ep);
	must(stack->ops->arm(client.cq) == MC_AGAIN);
	client_drain(&client);
	for (uint32_t i = 0; i < 20; i++)
		must(client.status[i] == MC_ERR_CANCELED && !arrived(i));
}
END_TEST

START_TEST(connecting_is_refused)
{
	struct fault_plan plan = {.connect_status = MC_ERR_CONN_REFUSED};
	struct path *other = NULL;

	fault_plan_set(stack, &plan);
	must(client_try(&client, &server, server.memory, 4096, &other) == MC_ERR_CONN_REFUSED);
	fault_plan_set(stack, NULL);
	must(client_try(&client, &server, server.memory, 4096, &other) == MC_OK);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("fault_driver");
	TCase *tc = tcase_create("plans");

	below = mc_driver_find("shm");
	stack = fault_driver_over(below);
	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, script_is_followed);
	tcase_add_test(tc, short_posts_lose_nothing);
	tcase_add_test(tc, a_seed_repeats);
	tcase_add_test(tc, completions_come_in_another_order);
	tcase_add_test(tc, a_killed_ep_says_so_and_a_new_one_works);
	tcase_add_test(tc, what_was_dropped_ends_with_the_ep);
	tcase_add_test(tc, connecting_is_refused);
	suite_add_tcase(suite, tc);
	return suite_run(suite, CK_FORK_GETENV);
}
