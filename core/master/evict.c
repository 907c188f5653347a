/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eviction. Above the watermark, or after an allocation failed, rounds run every 10 ms until it is
 * over. A round takes a share of all evictable objects (leased ones count in the share, but are not
 * taken), those whose lease ended longest ago first: exactly, over all segments. The order comes
 * from two queues that are sorted by themselves (object.h), and from pins.c for objects whose soft
 * pin is over; the oldest of their heads is the next. A group stands there by one member, and goes
 * as a whole (group.c).
 *
 * A round is worked off in slices, so that no RPC waits for it.
 */
#include <math.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/master/state.h"
#include "mc/log.h"

#define ROUND_NS (10 * MC_NS_PER_MS)
/* Objects per pass of the reactor: some 50 µs. */
#define SLICE 128u
/* As long as they are of one group, so that most groups go at once. */
#define GROUP_SLICE 4096u

/* ---- parked space ---- */

static bool
parked_before(const struct mc_master *master, uint32_t a, uint32_t b)
{
	return master->parked[a].free_at_ns < master->parked[b].free_at_ns;
}

static void
parked_swap(struct mc_master *master, uint32_t a, uint32_t b)
{
	struct parked_extent t = master->parked[a];

	master->parked[a] = master->parked[b];
	master->parked[b] = t;
}

static enum mc_status
parked_room(struct mc_master *master)
{
	uint32_t room = master->parked_room == 0 ? 64 : master->parked_room * 2;
	struct parked_extent *parked;

	if (master->parked_count < master->parked_room)
		return MC_OK;
	parked = realloc(master->parked, room * sizeof(*parked));
	if (parked == NULL)
		return MC_ERR_NO_MEMORY;
	master->parked = parked;
	master->parked_room = room;
	return MC_OK;
}

static void
parked_sift_down(struct mc_master *master, uint32_t i)
{
	for (;;) {
		uint32_t least = i;

		for (uint32_t c = 2 * i + 1; c <= 2 * i + 2 && c < master->parked_count; c++) {
			if (parked_before(master, c, least))
				least = c;
		}
		if (least == i)
			return;
		parked_swap(master, i, least);
		i = least;
	}
}

static void
extent_free(struct mc_master *master, const struct parked_extent *parked)
{
	struct master_segment *segment = &master->segments[parked->segment];
	struct mc_alloc_stats before, after;

	mc_alloc_stats_read(segment->alloc, &before);
	mc_alloc_give(segment->alloc, parked->extent);
	mc_alloc_stats_read(segment->alloc, &after);
	master->extent_bytes -= before.used - after.used;
	mc_counter_set(&master->stats.extent_bytes, master->extent_bytes);
	master->eviction.freed_parked++;
	mc_waits_wake(master);
}

void
mc_park(struct mc_master *master, uint32_t segment, uint32_t extent, uint64_t bytes,
	uint64_t free_at_ns)
{
	struct parked_extent parked = {.free_at_ns = free_at_ns,
				       .bytes = bytes,
				       .extent = extent,
				       .generation = master->segments[segment].generation,
				       .segment = (uint16_t)segment};
	uint32_t i;

	mc_alloc_owner_set(master->segments[segment].alloc, extent, MC_OWNER_PARKED);
	if (parked_room(master) != MC_OK) {
		mc_log_error("out of memory: space of an abandoned write is reused at once");
		extent_free(master, &parked);
		return;
	}
	master->segments[segment].parked_bytes += bytes;
	mc_counter_add(&master->stats.parked_bytes, bytes);
	i = master->parked_count++;
	master->parked[i] = parked;
	while (i > 0 && parked_before(master, i, (i - 1) / 2)) {
		parked_swap(master, i, (i - 1) / 2);
		i = (i - 1) / 2;
	}
}

void
mc_parked_tick(struct mc_master *master, uint64_t now_ns)
{
	while (master->parked_count > 0 && master->parked[0].free_at_ns <= now_ns) {
		struct parked_extent parked = master->parked[0];
		struct master_segment *segment = &master->segments[parked.segment];

		parked_swap(master, 0, --master->parked_count);
		parked_sift_down(master, 0);
		/* of a segment that is gone: its space went with it */
		if (!segment_readable(master, parked.segment) ||
		    segment->generation != parked.generation)
			continue;
		segment->parked_bytes -= parked.bytes;
		mc_counter_add(&master->stats.parked_bytes, -parked.bytes);
		mc_counter_add(&master->stats.parked_freed, 1);
		extent_free(master, &parked);
	}
}

void
mc_unfinished_tick(struct mc_master *master, uint64_t now_ns)
{
	for (;;) {
		uint32_t object = mc_table_oldest(master->table, MC_QUEUE_WRITING);
		struct mc_object *obj;

		if (object == MC_OBJECT_NONE)
			return;
		obj = master_object(master, object);
		if (now_ns - obj->lease_ns < master->params.put_release_ns)
			return;
		mc_counter_add(&master->stats.put_discarded, 1);
		mc_counter_add(&master->stats.put_discarded_bytes, obj->size * obj->replicas);
		mc_object_delete(master, object);
	}
}

/* ---- rounds ---- */

static double
used_ratio(const struct mc_master *master)
{
	if (master->capacity_bytes == 0)
		return 0;
	return (double)master->extent_bytes / (double)master->capacity_bytes;
}

static bool
eviction_due(const struct mc_master *master)
{
	return master->eviction.wanted || used_ratio(master) > master->params.eviction_watermark;
}

static void
round_schedule(struct mc_master *master, uint64_t delay_ns)
{
	struct master_eviction *eviction = &master->eviction;

	if (eviction->running || eviction->timer.slot != 0)
		return;
	mc_timer_start(master->exec, &eviction->timer, mc_reactor_now(master->exec) + delay_ns);
}

void
mc_evict_check(struct mc_master *master)
{
	if (eviction_due(master))
		round_schedule(master, 0);
}

void
mc_evict_want(struct mc_master *master)
{
	master->eviction.wanted = true;
	round_schedule(master, 0);
}

static void
round_begin(struct mc_timer *timer)
{
	struct mc_master *master = mc_container_of(timer, struct mc_master, eviction.timer);
	struct master_eviction *eviction = &master->eviction;
	double ratio = master->params.eviction_ratio;
	double over = used_ratio(master) - master->params.eviction_watermark;
	double share = fmin(fmax(ratio, over + ratio), 1.0);
	double least = fmax(share / 2, over);

	if (!eviction_due(master))
		return;
	eviction->freed_parked = 0;
	mc_parked_tick(master, mc_reactor_now(master->exec));
	mc_unfinished_tick(master, mc_reactor_now(master->exec));
	eviction->target = (uint64_t)ceil((double)master->evictable * share);
	eviction->enough = (uint64_t)ceil((double)master->evictable * least);
	eviction->done = 0;
	eviction->second_pass = false;
	eviction->running = true;
	mc_counter_add(&master->stats.eviction_attempts, 1);
}

/* The one of two objects whose lease ended first; either may be none. */
static uint32_t
older(const struct mc_master *master, uint32_t a, uint32_t b)
{
	if (a == MC_OBJECT_NONE || b == MC_OBJECT_NONE)
		return a == MC_OBJECT_NONE ? b : a;
	return master_object(master, a)->lease_ns <= master_object(master, b)->lease_ns ? a : b;
}

static uint32_t
victim(const struct mc_master *master)
{
	const struct mc_table *table = master->table;
	uint32_t object = older(master, mc_table_oldest(table, MC_QUEUE_WRITTEN),
				mc_table_oldest(table, MC_QUEUE_READ));

	object = older(master, object, mc_unpinned_oldest(master));
	if (object != MC_OBJECT_NONE &&
	    master_object(master, object)->lease_ns <= mc_reactor_now(master->exec))
		return object;
	if (!master->eviction.second_pass)
		return MC_OBJECT_NONE;
	object = older(master, mc_table_oldest(table, MC_QUEUE_SOFT_WRITTEN),
		       mc_table_oldest(table, MC_QUEUE_SOFT_READ));
	if (object != MC_OBJECT_NONE &&
	    master_object(master, object)->lease_ns <= mc_reactor_now(master->exec))
		return object;
	return MC_OBJECT_NONE;
}

static void
round_end(struct mc_master *master)
{
	struct master_eviction *eviction = &master->eviction;

	eviction->running = false;
	if (eviction->done > 0 || eviction->freed_parked > 0 || master->evictable == 0)
		eviction->wanted = false;
	if (eviction->done > 0)
		mc_counter_add(&master->stats.evictions, 1);
	if (eviction_due(master))
		round_schedule(master, ROUND_NS);
}

static void
object_evict(struct mc_master *master, uint32_t object)
{
	struct mc_object *obj = master_object(master, object);

	/* went with its segment, which is still being buried */
	if (!mc_object_prune(master, object))
		return;
	/* what is left of its group goes with it, unless it is read or written first */
	master->eviction.group = mc_group_of(master, object);
	master->eviction.group_stamp_ns = obj->lease_ns;
	mc_counter_add(&master->stats.evicted_objects, 1);
	mc_counter_add(&master->stats.evicted_bytes, obj->size * obj->replicas);
	mc_object_delete(master, object);
	master->eviction.done++;
}

/* Enough for the pass; parked space that came free counts for the lower bound, not for the target.
 */
static bool
pass_done(const struct master_eviction *eviction)
{
	if (eviction->second_pass)
		return eviction->done + eviction->freed_parked >= eviction->enough;
	return eviction->done >= eviction->target;
}

static uint32_t
next_victim(struct mc_master *master)
{
	struct master_eviction *eviction = &master->eviction;
	uint32_t rest = mc_group_rest(master, eviction->group, eviction->group_stamp_ns,
				      eviction->second_pass);

	if (rest != MC_OBJECT_NONE)
		return rest;
	eviction->group = MC_GROUP_NONE;
	return pass_done(eviction) ? MC_OBJECT_NONE : victim(master);
}

static bool
slice_over(const struct master_eviction *eviction, unsigned int n)
{
	return n >= (eviction->group == MC_GROUP_NONE ? SLICE : GROUP_SLICE);
}

uint32_t
mc_evict_work(struct mc_master *master)
{
	struct master_eviction *eviction = &master->eviction;

	/* those whose pins are over compete with the rest */
	if (!eviction->running || mc_pins_due(master))
		return 0;
	for (unsigned int n = 0; !slice_over(eviction, n); n++) {
		uint32_t object = next_victim(master);

		if (object != MC_OBJECT_NONE && mc_object_busy(master_object(master, object))) {
			mc_object_pass(master, object);
			continue;
		}
		if (object != MC_OBJECT_NONE) {
			object_evict(master, object);
			continue;
		}
		if (!eviction->second_pass && master->params.evict_soft_pinned &&
		    eviction->done + eviction->freed_parked < eviction->enough) {
			eviction->second_pass = true;
			continue;
		}
		round_end(master);
		return n + 1;
	}
	return SLICE;
}

void
mc_evict_init(struct mc_master *master)
{
	master->eviction.timer.expired = round_begin;
}
