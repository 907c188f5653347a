/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes arrive as they were, whatever their number, place and pieces. */
#include <string.h>

#include "core/base/random.h"
#include "tests/conformance/conformance.h"
#include "tests/support/must.h"

#define MIB (1ull << 20)

static const uint64_t sizes[] = {
	1,     2,     3,	4,	 7,	    8,	     9,		 31,	     32,
	33,    63,    64,	65,	 127,	    128,     255,	 256,	     1000,
	4095,  4096,  4097,	16384,	 65535,	    65536,   65537,	 262144,     MIB - 1,
	MIB,   MIB + 1, 4 * MIB, 32 * MIB + 1,
};

START_TEST(every_size_both_ways)
{
	struct pair pair;
	const uint64_t bytes = 33 * MIB;

	pair_open(&pair, _i, bytes);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t *remote = pair.server.memory, *local = pair.client.memory;
		uint64_t size = sizes[i];

		pattern_fill(remote, size, i);
		remote[size] = 0x5a;
		local[size] = 0xa5;
		must(client_move(&pair.client, pair.path, MC_OP_READ, remote, 0, size) == MC_OK);
		must(pattern_check(local, size, i) && local[size] == 0xa5);
		pattern_fill(local, size, i + 100);
		must(client_move(&pair.client, pair.path, MC_OP_WRITE, remote, 0, size) == MC_OK);
		must(pattern_check(remote, size, i + 100) && remote[size] == 0x5a);
	}
	pair_close(&pair);
}
END_TEST

#define OFFSETS 33
#define CELL 256u

/* All offsets of one size at once, each in a cell of its own on both sides. */
static void
alignments_run(struct pair *pair, enum mc_opcode opcode, uint32_t size)
{
	static struct mc_op ops[OFFSETS * OFFSETS];
	static struct mc_sge sge[OFFSETS * OFFSETS];
	uint8_t *to = opcode == MC_OP_READ ? pair->client.memory : pair->server.memory;
	uint8_t *from = opcode == MC_OP_READ ? pair->server.memory : pair->client.memory;
	uint32_t n = 0;

	memset(to, 0xee, OFFSETS * OFFSETS * CELL);
	pattern_fill(from, OFFSETS * OFFSETS * CELL, size + opcode);
	for (uint32_t r = 0; r < OFFSETS; r++) {
		for (uint32_t l = 0; l < OFFSETS; l++, n++)
			ops[n] = client_op(&pair->client, pair->path, opcode, n + 1,
					   pair->server.memory + n * CELL + r, n * CELL + l, size,
					   &sge[n]);
	}
	client_run_ok(&pair->client, pair->path, ops, n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t r = i / OFFSETS, l = i % OFFSETS, begin = opcode == MC_OP_READ ? l : r;
		const uint8_t *source = from + i * CELL + (opcode == MC_OP_READ ? r : l);
		const uint8_t *cell = to + i * CELL;

		must(memcmp(cell + begin, source, size) == 0);
		for (uint32_t b = 0; b < CELL; b++)
			must((b >= begin && b < begin + size) || cell[b] == 0xee);
	}
}

START_TEST(every_alignment)
{
	static const uint32_t lengths[] = {1, 15, 64, 130};
	struct pair pair;

	pair_open(&pair, _i, OFFSETS * OFFSETS * CELL / 4096 * 4096 + 4096);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		alignments_run(&pair, MC_OP_READ, lengths[i]);
		alignments_run(&pair, MC_OP_WRITE, lengths[i]);
	}
	pair_close(&pair);
}
END_TEST

/* Between the pieces all is as it was. */
static void
gaps_check(const struct pair *pair, const struct mc_sge *sge, uint32_t count)
{
	static uint8_t fresh[MIB];
	uint64_t at = 0;

	pattern_fill(fresh, MIB, count);
	for (uint32_t i = 0; i <= count; i++) {
		uint64_t end = i < count ? (uint64_t)((uint8_t *)sge[i].addr - pair->client.memory)
					 : MIB;

		must(memcmp(pair->client.memory + at, fresh + at, end - at) == 0);
		at = i < count ? end + sge[i].length : MIB;
	}
}

static void
pieces_run(struct pair *pair, struct mc_random *random, enum mc_opcode opcode, uint32_t count)
{
	static struct mc_sge sge[1024];
	uint64_t at = 0, total = 0, longest = count > 8 ? 300 : 40000;
	struct mc_op op = {.cookie = 1, .remote_addr = (uintptr_t)pair->server.memory + 3,
			   .remote_key = pair->path->key, .opcode = opcode,
			   .sge_count = (uint16_t)count, .sge = sge};

	pattern_fill(pair->client.memory, MIB, count);
	pattern_fill(pair->server.memory, MIB, count + 7777);
	for (uint32_t i = 0; i < count; i++) {
		sge[i].length = 1 + (uint32_t)mc_random_below(random, longest);
		sge[i].addr = pair->client.memory + at;
		sge[i].key = pair->client.mem->key;
		at += sge[i].length + 1 + mc_random_below(random, 9);
		total += sge[i].length;
	}
	must(at <= MIB && total <= MIB - 3);
	client_run_ok(&pair->client, pair->path, &op, 1);
	total = 3;
	for (uint32_t i = 0; i < count; i++) {
		must(memcmp(sge[i].addr, pair->server.memory + total, sge[i].length) == 0);
		total += sge[i].length;
	}
	gaps_check(pair, sge, count);
}

START_TEST(pieces_are_gathered_and_scattered)
{
	struct mc_random random;
	struct pair pair;
	uint32_t max;

	pair_open(&pair, _i, MIB);
	mc_random_init(&random, conf_seed + _i);
	max = pair.client.dev->limits.sge_max;
	must(max >= 1 && max <= 1024);
	for (uint32_t count = 1; count <= max; count = count < max ? count * 2 : max + 1) {
		count = count < max ? count : max;
		pieces_run(&pair, &random, MC_OP_READ, count);
		pieces_run(&pair, &random, MC_OP_WRITE, count);
	}
	pair_close(&pair);
}
END_TEST

/* ---- random operations against a model ---- */

#define LANES 32u
#define LANE 16384u
#define ROUNDS 60u

static void
lane_op(struct pair *pair, struct mc_random *random, uint32_t lane, struct mc_op *op,
	struct mc_sge *sge)
{
	uint32_t length = 1 + (uint32_t)mc_random_below(random, mc_random_below(random, 3) == 0
									? LANE
									: 100);
	uint64_t remote = lane * LANE + mc_random_below(random, LANE - length + 1);
	uint64_t local = lane * LANE + mc_random_below(random, LANE - length + 1);
	enum mc_opcode opcode = mc_random_below(random, 2) == 0 ? MC_OP_READ : MC_OP_WRITE;

	*op = client_op(&pair->client, pair->path, opcode, lane + 1, pair->server.memory + remote,
			local, length, sge);
}

static void
model_apply(const struct pair *pair, const struct mc_op *op, uint8_t *remote, uint8_t *local)
{
	uint64_t r = op->remote_addr - (uintptr_t)pair->server.memory;
	uint64_t l = (uint64_t)((uint8_t *)op->sge->addr - pair->client.memory);

	if (op->opcode == MC_OP_READ)
		memcpy(local + l, remote + r, op->sge->length);
	else
		memcpy(remote + r, local + l, op->sge->length);
}

/* Operations that are under way together touch different lanes: their order is nobody's. */
START_TEST(random_operations_match_a_model)
{
	static uint8_t remote[LANES * LANE], local[LANES * LANE];
	struct mc_random random;
	struct pair pair;

	pair_open(&pair, _i, LANES * LANE);
	mc_random_init(&random, conf_seed + _i);
	pattern_fill(pair.server.memory, LANES * LANE, 1);
	pattern_fill(pair.client.memory, LANES * LANE, 2);
	pattern_fill(remote, LANES * LANE, 1);
	pattern_fill(local, LANES * LANE, 2);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct mc_op ops[LANES];
		struct mc_sge sge[LANES];

		for (uint32_t lane = 0; lane < LANES; lane++)
			lane_op(&pair, &random, lane, &ops[lane], &sge[lane]);
		client_run_ok(&pair.client, pair.path, ops, LANES);
		for (uint32_t lane = 0; lane < LANES; lane++)
			model_apply(&pair, &ops[lane], remote, local);
	}
	must(memcmp(remote, pair.server.memory, sizeof(remote)) == 0);
	must(memcmp(local, pair.client.memory, sizeof(local)) == 0);
	pair_close(&pair);
}
END_TEST

void
cases_data(Suite *suite, int kinds)
{
	TCase *tc = tcase_create("data");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, every_size_both_ways, 0, kinds);
	tcase_add_loop_test(tc, every_alignment, 0, kinds);
	tcase_add_loop_test(tc, pieces_are_gathered_and_scattered, 0, kinds);
	tcase_add_loop_test(tc, random_operations_match_a_model, 0, kinds);
	suite_add_tcase(suite, tc);
}
