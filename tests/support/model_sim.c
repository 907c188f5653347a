/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/model_sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "tests/support/must.h"
#include "tests/support/sim_pool.h"

#define SEGMENT_SIZE (36u * 1024)

struct model model;
struct sim_client model_clients[MODEL_CLIENTS];

static uint64_t tick_at_ns;
static struct mc_random random_;

uint32_t
model_below(uint32_t bound)
{
	return (uint32_t)mc_random_below(&random_, bound);
}

void
model_tell(const char *format, ...)
{
	static int trace = -1;
	va_list list;

	if (trace < 0)
		trace = getenv("MC_TEST_TRACE") != NULL;
	if (trace == 0)
		return;
	printf("%8" PRIu64 " ms ", (uint64_t)(sim_now_ns() / MC_NS_PER_MS) % 100000000);
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	putchar('\n');
}

/* One of a few buffers, so that a call may have several texts. */
static const char *
numbered(char letter, uint32_t number)
{
	static char texts[16][16];
	static unsigned int next;
	char *text = texts[next++ % 16];

	snprintf(text, sizeof(texts[0]), "%c%u", letter, number);
	return text;
}

const char *
model_key(uint32_t key)
{
	return numbered('k', key);
}

const char *
model_name(uint32_t name)
{
	return numbered('n', name);
}

struct mc_segment_desc
model_segment_desc(uint32_t segment)
{
	struct mc_segment_desc desc = sim_segment(&model_clients[0], "", segment + 1, SEGMENT_SIZE);

	desc.name = sim_str(model_name(model.segments[segment].name));
	desc.te_endpoint = sim_str(numbered('e', segment));
	return desc;
}

/* ---- looks, and time ---- */

void
model_sim_look(void)
{
	const struct mc_master_stats *stats = mc_master_stats(sim_master());
	bool has[MODEL_KEYS];

	sim_settle();
	model_copies_expire(&model, sim_now_ns());
	for (uint32_t i = 0; i < MODEL_KEYS; i++) {
		has[i] = sim_has(model_key(i));
		if (has[i] != model.objects[i].there)
			model_tell("k%u is %s", i, has[i] ? "there" : "gone");
	}
	model_look(&model, has, sim_stat(&stats->extent_bytes), sim_now_ns());
	must(sim_stat(&stats->object_bytes) == model_object_bytes(&model));
	must(sim_stat(&stats->capacity_bytes) == model_capacity(&model));
	must(sim_stat(&stats->objects) == model_objects(&model));
	must(sim_stat(&stats->evicted_objects) == model.evicted);
}

void
model_sim_pass_ms(uint64_t ms)
{
	while (ms > 0) {
		uint64_t left_ms = (tick_at_ns - sim_now_ns()) / MC_NS_PER_MS;
		uint64_t part = left_ms == 1 ? 1 : ms < left_ms ? ms : left_ms - 1;

		sim_advance_ms(part);
		ms -= part;
		if (sim_now_ns() == tick_at_ns) {
			model_tell("tick");
			model_tick(&model, sim_now_ns());
			tick_at_ns += MC_NS_PER_S;
		}
		model_sim_look();
	}
}

/* ---- begin and end ---- */

void
model_sim_open(uint64_t seed, bool evict_soft_pinned)
{
	struct mc_master_params params;

	mc_random_init(&random_, seed);
	mc_master_params_init(&params);
	params.strategy = (enum mc_strategy)model_below(MC_STRATEGY_LOCAL_FIRST + 1);
	params.lease_ttl_ns = 300 * MC_NS_PER_MS;
	params.client_ttl_ns = 3 * MC_NS_PER_S;
	params.put_discard_ns = 400 * MC_NS_PER_MS;
	params.put_release_ns = 1500 * MC_NS_PER_MS;
	params.evict_soft_pinned = evict_soft_pinned;
	sim_master_open(&params);
	model = (struct model){
		.lease_ttl_ns = params.lease_ttl_ns,
		.client_ttl_ns = params.client_ttl_ns,
		.discard_ns = params.put_discard_ns,
		.release_ns = params.put_release_ns,
		.watermark = params.eviction_watermark,
		.evict_soft_pinned = evict_soft_pinned,
		.looked_ns = sim_now_ns(),
	};
	tick_at_ns = sim_now_ns() + MC_NS_PER_S;
	for (uint32_t i = 0; i < MODEL_CLIENTS; i++)
		model_clients[i] = sim_client_open(i + 1, MC_RELEASE_NEWEST);
	for (uint32_t i = 0; i < MODEL_SEGMENTS; i++) {
		model.segments[i].name = i % MODEL_CLIENTS;
		model.segments[i].base = model_segment_desc(i).base;
		model.segments[i].size = SEGMENT_SIZE;
	}
}

static void
remove_all(void)
{
	struct mc_args args = sim_args(&model_clients[0]);
	struct mc_result_i64 result;

	args.force = true;
	must(sim_call(&model_clients[0], MC_FN_REMOVE_ALL, &args, &result) == 0);
	for (uint32_t i = 0; i < MODEL_KEYS; i++)
		model_remove(&model, i, true, sim_now_ns());
}

void
model_sim_drain(void)
{
	const struct mc_master_stats *stats = mc_master_stats(sim_master());

	/* what was begun is given up meanwhile; what was copied then stands there again */
	for (unsigned int n = 0; n < 2; n++) {
		remove_all();
		model_sim_pass_ms(4000);
	}
	must(sim_stat(&stats->objects) == 0);
	must(sim_stat(&stats->extent_bytes) == 0);
	must(sim_stat(&stats->object_bytes) == 0);
}
