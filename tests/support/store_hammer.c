/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of store_node that read in the background, until told to stop or the store closes. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "tests/support/content.h"
#include "tests/support/store_node.h"

#define THREADS_MAX 16u

struct hammer {
	pthread_t thread;
	struct values values;
	uint64_t times; /* gets; 0: until told */
	json_t *tally;	/* {verdict: count} */
	uint64_t longest_ns;
};

static struct hammer hammers[THREADS_MAX];
static unsigned int hammers_count;
static _Atomic bool stopping;
static json_t *hammered_command; /* what the values' keys lie in */
static unsigned char *wanted;	 /* the contents, one after another */

static void
count(json_t *tally, const char *verdict)
{
	json_object_set_new(tally, verdict,
			    json_integer(json_integer_value(json_object_get(tally, verdict)) + 1));
}

/* Contents are made once: the gets shall come fast. */
static const char *
verdict_of(const struct values *values, uint32_t index, const unsigned char *got, uint64_t length)
{
	if (length == values->size && memcmp(got, wanted + index * values->size, length) == 0)
		return "ok";
	return content_judge(values->items[index].key, values->size, values->salt, got, length);
}

static void *
hammer_run(void *context)
{
	struct hammer *hammer = context;
	struct values *values = &hammer->values;
	unsigned char *got = malloc(values->room);
	enum mc_status st = MC_OK;

	for (uint64_t turn = 0;
	     !stopping && st != MC_ERR_CANCELED && (hammer->times == 0 || turn < hammer->times);
	     turn++) {
		uint32_t at = (uint32_t)(turn % values->count);
		uint64_t begin = mc_clock_mono_ns(), took, length = 0;

		memset(got, 0xee, values->room);
		st = mc_store_get_into(values->store, values->items[at].key, got, values->room,
				       &length);
		took = mc_clock_mono_ns() - begin;
		if (took > hammer->longest_ns)
			hammer->longest_ns = took;
		count(hammer->tally,
		      st != MC_OK ? node_verdict(st) : verdict_of(values, at, got, length));
	}
	free(got);
	return NULL;
}

/* "keys", "size", "salt", "threads", "times" for each thread. */
json_t *
node_hammer(const json_t *command)
{
	unsigned int threads = (unsigned int)node_number(command, "threads");

	if (hammers_count > 0 || threads == 0 || threads > THREADS_MAX)
		return NULL;
	stopping = false;
	hammered_command = json_deep_copy(command);
	for (unsigned int i = 0; i < threads; i++) {
		hammers[i] = (struct hammer){.times = node_number(command, "times"),
					     .tally = json_object()};
		values_init(&hammers[i].values, hammered_command, 1);
	}
	values_fill(&hammers[0].values);
	wanted = hammers[0].values.bytes;
	for (; hammers_count < threads; hammers_count++) {
		struct hammer *hammer = &hammers[hammers_count];

		if (pthread_create(&hammer->thread, NULL, hammer_run, hammer) != 0)
			abort();
	}
	return json_true();
}

static void
tally_add(json_t *sum, json_t *tally)
{
	const char *verdict;
	json_t *times;

	json_object_foreach(tally, verdict, times)
		json_object_set_new(sum, verdict,
				    json_integer(json_integer_value(json_object_get(sum, verdict)) +
						 json_integer_value(times)));
}

/* How often which verdict, and the longest call. "wait": until they end by themselves. */
json_t *
node_hammered(const json_t *command)
{
	json_t *sum = json_object();
	uint64_t longest_ns = 0;

	stopping = !node_flag(command, "wait");
	for (unsigned int i = 0; i < hammers_count; i++) {
		pthread_join(hammers[i].thread, NULL);
		tally_add(sum, hammers[i].tally);
		if (hammers[i].longest_ns > longest_ns)
			longest_ns = hammers[i].longest_ns;
		json_decref(hammers[i].tally);
	}
	for (unsigned int i = 0; i < hammers_count; i++)
		values_fini(&hammers[i].values);
	hammers_count = 0;
	json_decref(hammered_command);
	return json_pack("{s:o, s:I}", "verdicts", sum, "longest_ms",
			 (json_int_t)(longest_ns / MC_NS_PER_MS));
}
