/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that the peer does not offer, no longer offers, or never had. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tests/conformance/conformance.h"
#include "tests/support/must.h"

#define BYTES 65536u

static enum mc_status
one(struct pair *pair, enum mc_opcode opcode, uint64_t remote_addr, uint32_t length)
{
	struct mc_sge sge;
	struct mc_op op = client_op(&pair->client, pair->path, opcode, 1, NULL, 0, length, &sge);

	op.remote_addr = remote_addr;
	client_run(&pair->client, pair->path, &op, 1);
	return pair->client.status[0];
}

static void
works(struct pair *pair)
{
	pattern_fill(pair->server.memory, BYTES, 5);
	must(one(pair, MC_OP_READ, (uintptr_t)pair->server.memory, BYTES) == MC_OK);
	must(pattern_check(pair->client.memory, BYTES, 5));
}

START_TEST(addresses_outside_are_rejected)
{
	struct pair pair;
	uint64_t begin, end;

	pair_open(&pair, _i, BYTES);
	begin = (uintptr_t)pair.server.memory;
	end = begin + BYTES;
	for (int op = MC_OP_READ; op <= MC_OP_WRITE; op++) {
		const struct {
			uint64_t addr;
			uint32_t length;
		} bad[] = {
			{begin - 1, 1}, {begin - 1, 2}, {end, 1}, {end - 1, 2}, {begin + 1, BYTES},
			{0, 1}, {4096, 4096}, {UINT64_MAX, 1}, {UINT64_MAX - 10, 100},
			{begin - 4096, 4096}, {end - 100, 4096},
		};

		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			must(one(&pair, op, bad[i].addr, bad[i].length) ==
			     MC_ERR_ADDRESS_REJECTED);
			must(!pair.path->failed);
		}
		works(&pair);
	}
	pair_close(&pair);
}
END_TEST

/* Between good ones, all posted together. */
START_TEST(a_rejected_operation_harms_no_other)
{
	struct mc_sge sge[40];
	struct mc_op ops[40];
	struct pair pair;

	pair_open(&pair, _i, BYTES);
	pattern_fill(pair.server.memory, BYTES, 8);
	for (uint32_t i = 0; i < 40; i++) {
		ops[i] = client_op(&pair.client, pair.path, MC_OP_READ, i + 1,
				   pair.server.memory + i * 1024, i * 1024, 1024, &sge[i]);
		if (i % 3 == 1)
			ops[i].remote_addr += 4 * BYTES;
	}
	client_run(&pair.client, pair.path, ops, 40);
	for (uint32_t i = 0; i < 40; i++) {
		const uint8_t *at = pair.client.memory + i * 1024;

		must(pair.client.status[i] == (i % 3 == 1 ? MC_ERR_ADDRESS_REJECTED : MC_OK));
		must(i % 3 == 1 || memcmp(at, pair.server.memory + i * 1024, 1024) == 0);
	}
	must(!pair.path->failed);
	pair_close(&pair);
}
END_TEST

START_TEST(adjacent_buffers_do_not_join)
{
	struct pair pair;
	struct path *other = NULL;
	uint8_t *border;

	conf_server_mems(&pair.server, _i, BYTES, 2);
	client_open(&pair.client, conf_driver, BYTES);
	pair.path = client_connect(&pair.client, &pair.server);
	border = pair.server.memory + BYTES;
	must(one(&pair, MC_OP_READ, (uintptr_t)border - 1, 2) == MC_ERR_ADDRESS_REJECTED);
	must(one(&pair, MC_OP_WRITE, (uintptr_t)border - 100, 200) == MC_ERR_ADDRESS_REJECTED);
	works(&pair);
	if ((conf_driver->caps & MC_CAP_IMPORT) != 0)
		must(client_try(&pair.client, &pair.server, border - 4096, 8192, &other) ==
		     MC_ERR_ADDRESS_REJECTED);
	/* each alone is there */
	must(client_try(&pair.client, &pair.server, border, BYTES, &other) == MC_OK);
	pair.path = other;
	pattern_fill(border, BYTES, 6);
	must(one(&pair, MC_OP_READ, (uintptr_t)border, BYTES) == MC_OK);
	must(pattern_check(pair.client.memory, BYTES, 6));
	pair_close(&pair);
}
END_TEST

START_TEST(keys_that_nobody_gave_are_rejected)
{
	static const uint32_t keys[] = {1, 2, 77, 4095, 4096, 1u << 20, UINT32_MAX};
	struct mc_sge sge;
	struct pair pair;

	if ((conf_driver->caps & MC_CAP_IMPORT) == 0)
		return;
	pair_open(&pair, _i, BYTES);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct mc_op op = client_op(&pair.client, pair.path, MC_OP_READ, 1,
					    pair.server.memory, 0, 64, &sge);

		op.remote_key = keys[i] == pair.path->key ? keys[i] + 1 : keys[i];
		client_run(&pair.client, pair.path, &op, 1);
		must(pair.client.status[0] == MC_ERR_ADDRESS_REJECTED);
	}
	works(&pair);
	pair_close(&pair);
}
END_TEST

START_TEST(a_key_is_dead_after_unimport)
{
	struct pair pair;
	uint32_t key, old;

	if ((conf_driver->caps & MC_CAP_IMPORT) == 0)
		return;
	pair_open(&pair, _i, BYTES);
	for (int i = 0; i < 20; i++) {
		old = pair.path->key;
		must(conf_driver->ops->ep_import(pair.path->ep, (uintptr_t)pair.server.memory,
						 BYTES, &key) == MC_OK);
		must(key != old);
		conf_driver->ops->ep_unimport(pair.path->ep, old);
		must(one(&pair, MC_OP_READ, (uintptr_t)pair.server.memory, 64) ==
		     MC_ERR_ADDRESS_REJECTED);
		pair.path->key = key;
		works(&pair);
	}
	pair_close(&pair);
}
END_TEST

/* ---- memory taken back while it is in use ---- */

struct taker {
	struct server *server;
	atomic_bool taken;
};

static void *
take_back(void *context)
{
	struct taker *taker = context;

	usleep(20000);
	server_mem_detach(taker->server, 0);
	atomic_store(&taker->taken, true);
	return NULL;
}

/* Writes all over the memory for as long as they are let. */
static void
write_until_rejected(struct pair *pair, struct taker *taker)
{
	uint64_t deadline_ns = mc_clock_mono_ns() + 10 * MC_NS_PER_S, after = 0;
	struct mc_sge sge[16];
	struct mc_op ops[16];
	uint8_t byte = 0;

	while (after < 50) {
		memset(pair->client.memory, ++byte, BYTES);
		for (uint32_t i = 0; i < 16; i++)
			ops[i] = client_op(&pair->client, pair->path, MC_OP_WRITE, i + 1,
					   pair->server.memory + i * 4096, i * 4096, 4096,
					   &sge[i]);
		client_run(&pair->client, pair->path, ops, 16);
		for (uint32_t i = 0; i < 16; i++) {
			enum mc_status st = pair->client.status[i];

			must(st == MC_OK || st == MC_ERR_ADDRESS_REJECTED);
			must(st != MC_OK || after == 0);
		}
		after += atomic_load(&taker->taken);
		if (after == 1)		/* from now on it is ours to write */
			pattern_fill(pair->server.memory, BYTES, 9);
		must(mc_clock_mono_ns() < deadline_ns);
	}
	must(pattern_check(pair->server.memory, BYTES, 9));
}

START_TEST(memory_taken_back_is_not_touched_again)
{
	struct pair pair;
	struct taker taker = {&pair.server, false};
	struct path *again = NULL;
	pthread_t thread;

	pair_open(&pair, _i, BYTES);
	must(pthread_create(&thread, NULL, take_back, &taker) == 0);
	write_until_rejected(&pair, &taker);
	pthread_join(thread, NULL);
	/* and is there again when it is offered again */
	server_mem_attach(&pair.server, 0);
	must(client_try(&pair.client, &pair.server, pair.server.memory, BYTES, &again) == MC_OK);
	pair.path = again;
	works(&pair);
	pair_close(&pair);
}
END_TEST

START_TEST(one_buffer_goes_and_the_other_stays)
{
	struct pair pair;
	struct path *other = NULL;
	uint8_t *second;

	conf_server_mems(&pair.server, _i, BYTES, 2);
	second = pair.server.memory + BYTES;
	client_open(&pair.client, conf_driver, BYTES);
	pair.path = client_connect(&pair.client, &pair.server);
	must(client_try(&pair.client, &pair.server, second, BYTES, &other) == MC_OK);
	server_mem_detach(&pair.server, 1);
	works(&pair);
	pair.path = other;
	must(one(&pair, MC_OP_WRITE, (uintptr_t)second, 64) == MC_ERR_ADDRESS_REJECTED);
	if ((conf_driver->caps & MC_CAP_IMPORT) != 0)
		must(client_try(&pair.client, &pair.server, second, BYTES, &other) ==
		     MC_ERR_ADDRESS_REJECTED);
	pair_close(&pair);
}
END_TEST

void
cases_refused(Suite *suite, int kinds)
{
	TCase *tc = tcase_create("refused");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, addresses_outside_are_rejected, 0, kinds);
	tcase_add_loop_test(tc, a_rejected_operation_harms_no_other, 0, kinds);
	tcase_add_loop_test(tc, adjacent_buffers_do_not_join, 0, kinds);
	tcase_add_loop_test(tc, keys_that_nobody_gave_are_rejected, 0, kinds);
	tcase_add_loop_test(tc, a_key_is_dead_after_unimport, 0, kinds);
	tcase_add_loop_test(tc, memory_taken_back_is_not_touched_again, 0, kinds);
	tcase_add_loop_test(tc, one_buffer_goes_and_the_other_stays, 0, kinds);
	suite_add_tcase(suite, tc);
}
