/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments: memory of this process that the master places objects in, and the life with the master
 * that keeps it there. A client pings each second; a master that does not know it (any more) asks
 * for its segments again. Mounting alone does not count a client in: the first ping does, by way of
 * ReMountSegment, as with upstream's clients.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/store/private.h"
#include "mc/log.h"

#define PING_NS MC_NS_PER_S
#define READY_BYTES (1ull << 30)	/* populated before a segment is mounted */
#define READY_NS (4 * MC_NS_PER_S)
#define MOUNT_NS (4 * MC_NS_PER_S)
#define TASKS_MAX 16u

/* Under segments_lock. */
static void
segments_count(struct mc_store *store)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < store->segments_count; i++)
		bytes += store->segments[i].length;
	mc_counter_set(&store->counters.segments, store->segments_count);
	mc_counter_set(&store->counters.segment_bytes, bytes);
}

/* ---- what the master is told of a segment ---- */

static void
segment_describe(const struct mc_store *store, const struct store_segment *segment,
		 struct mc_segment_desc *desc)
{
	*desc = (struct mc_segment_desc){
		.id = segment->id,
		.name = store_str(store->name),
		.base = (uintptr_t)mc_region_addr(segment->region),
		.size = segment->length,
		.te_endpoint = store_str(mc_engine_name(store->engine)),
		.protocol = store_str(store->protocol),
		.host_id = store_str(store->host_id),
	};
}

/* ---- mounting, on a caller's thread ---- */

static enum mc_status
void_decode(void *context, const uint8_t *body, size_t len)
{
	return store_decode_void(*(const enum mc_fn *)context, body, len);
}

static enum mc_status
segment_memory(struct mc_store *store, uint64_t length, struct store_segment *segment)
{
	const struct mc_store_params *how = &store->mount;
	struct mc_region_params region = {
		.size = sizeof(region),
		.length = length,
		.name = "mooncore-segment",
		.huge = how->huge,
		.numa = how->numa,
		.numa_node = how->numa_node,
		.progress = how->progress,
		.context = how->context,
	};
	struct mc_mem_params mem = {.size = sizeof(mem)};
	enum mc_status st = mc_region_create(&region, &segment->region);
	char why[700];

	if (st == MC_OK && !mc_region_room(segment->region, why, sizeof(why))) {
		/* the master would place objects in memory that there is not */
		mc_log_error("segment_size: no %llu bytes of memory: %s",
			     (unsigned long long)length, why);
		return MC_ERR_NO_MEMORY;
	}
	if (st != MC_OK) {
		mc_log_error("segment_size: no %llu bytes of memory (%s); give the pool less",
			     (unsigned long long)length, mc_status_text(st));
		return st;
	}
	segment->length = mc_region_length(segment->region);
	st = mc_region_wait(segment->region,
			    segment->length < READY_BYTES ? segment->length : READY_BYTES,
			    READY_NS);
	/* slow is no failure: it goes on in the background, and peers that come early wait */
	if (st == MC_OK || st == MC_ERR_TIMEOUT)
		st = mc_engine_mem_reg(store->engine, mc_region_addr(segment->region),
				       segment->length, &mem, &segment->mem);
	return st;
}

static void
segment_free(struct store_segment *segment)
{
	if (segment->mem != NULL && mc_engine_mem_unreg(segment->mem) != MC_OK)
		mc_log_error("segment: its memory is in use and stays");
	else if (mc_region_destroy(segment->region) != MC_OK)
		mc_log_error("segment: its memory is registered elsewhere and stays");
	*segment = (struct store_segment){0};
}

static enum mc_status
segment_mount(struct mc_store *store, struct store_segment *segment)
{
	enum mc_fn fn = MC_FN_MOUNT_SEGMENT;
	struct mc_args args;
	enum mc_status st;

	store_args_init(store, &args);
	segment_describe(store, segment, &args.segment);
	st = store_ask(store, fn, &args, MOUNT_NS, void_decode, &fn);
	segment->mounted = st == MC_OK;
	if (st != MC_OK)
		mc_log_error("master %s: MountSegment of %llu bytes: %s", store->master.text,
			     (unsigned long long)segment->length, mc_status_text(st));
	return st;
}

enum mc_status
store_mount(struct mc_store *store, uint64_t length, struct mc_uuid *id_out)
{
	struct store_segment segment = {0};
	enum mc_status st = segment_memory(store, length, &segment);

	segment.id = (struct mc_uuid){mc_random_seed(), mc_random_seed()};
	if (st == MC_OK)
		st = segment_mount(store, &segment);
	pthread_mutex_lock(&store->segments_lock);
	if (st == MC_OK && store->segments_count == STORE_SEGMENTS_MAX)
		st = MC_ERR_TOO_LARGE;
	if (st == MC_OK) {
		store->segments[store->segments_count++] = segment;
		segments_count(store);
		*id_out = segment.id;
	}
	pthread_mutex_unlock(&store->segments_lock);
	if (st != MC_OK)
		segment_free(&segment);
	return st;
}

/* ---- unmounting ---- */

/* Takes it off the list, so that it is not mounted again. */
static bool
segment_remove(struct mc_store *store, struct mc_uuid id, struct store_segment *segment_out)
{
	bool found = false;

	pthread_mutex_lock(&store->segments_lock);
	for (uint32_t i = 0; i < store->segments_count && !found; i++) {
		struct store_segment *segment = &store->segments[i];

		found = segment->id.first == id.first && segment->id.second == id.second;
		if (found) {
			*segment_out = *segment;
			*segment = store->segments[--store->segments_count];
			segments_count(store);
		}
	}
	pthread_mutex_unlock(&store->segments_lock);
	return found;
}

static enum mc_status
segment_status(void *context, const uint8_t *body, size_t len)
{
	struct mc_result_enum result;
	enum mc_status st = mc_result_decode(body, len, MC_FN_QUERY_SEGMENT_STATUS_BY_ID,
					     STORE_RELEASE, &result);

	return st == MC_OK ? mc_wire_error_status(result.error) : st;
}

/* Until the master has forgotten it: its grace is over, and its objects are gone. */
static void
segment_gone_wait(struct mc_store *store, struct mc_uuid id, uint64_t grace_ms)
{
	uint64_t until = mc_clock_mono_ns() + (grace_ms + 12000) * MC_NS_PER_MS;
	struct mc_args args;

	store_args_init(store, &args);
	args.id = id;
	while (mc_clock_mono_ns() < until) {
		if (store_ask(store, MC_FN_QUERY_SEGMENT_STATUS_BY_ID, &args,
			      store->rpc_timeout_ns, segment_status,
			      NULL) == MC_ERR_SEGMENT_NOT_FOUND)
			return;
		store_sleep(store, 50 * MC_NS_PER_MS);
	}
}

enum mc_status
store_unmount(struct mc_store *store, struct mc_uuid id, uint64_t grace_ms)
{
	enum mc_fn fn = grace_ms > 0 ? MC_FN_GRACEFUL_UNMOUNT_SEGMENT : MC_FN_UNMOUNT_SEGMENT;
	struct store_segment segment;
	struct mc_args args;
	enum mc_status st;

	if (!segment_remove(store, id, &segment))
		return MC_ERR_SEGMENT_NOT_FOUND;
	store_args_init(store, &args);
	args.id = id;
	args.grace_period_ms = grace_ms;
	st = store_ask(store, fn, &args, store->rpc_timeout_ns, void_decode, &fn);
	if (st == MC_OK && grace_ms > 0)
		segment_gone_wait(store, id, grace_ms);
	else if (st != MC_OK)
		mc_log_warn("master %s: UnmountSegment: %s; it will find out by itself",
			    store->master.text, mc_status_text(st));
	segment_free(&segment);
	return st;
}

void
store_segment_forget(struct mc_store *store, struct mc_uuid id)
{
	struct store_segment segment;

	if (segment_remove(store, id, &segment))
		segment_free(&segment);
}

/* ---- staying alive ---- */

static uint32_t
segments_describe(struct mc_store *store, struct mc_segment_desc descs[STORE_SEGMENTS_MAX])
{
	uint32_t count;

	pthread_mutex_lock(&store->segments_lock);
	count = store->segments_count;
	for (uint32_t i = 0; i < count; i++)
		segment_describe(store, &store->segments[i], &descs[i]);
	pthread_mutex_unlock(&store->segments_lock);
	return count;
}

static void
remounted(struct store_call *call, enum mc_status status, const uint8_t *body, size_t len)
{
	struct mc_store *store = call->store;
	struct store_liveness *life = &store->liveness;

	life->remounting = false;
	if (status == MC_OK)
		status = store_decode_void(MC_FN_REMOUNT_SEGMENT, body, len);
	/* the first is no news: it is how a client becomes known */
	if (status == MC_OK && life->known)
		mc_counter_add(&store->counters.remounts, 1);
	else if (status != MC_OK && status != MC_ERR_UNREACHABLE)
		mc_log_warn("master %s: ReMountSegment: %s; it is asked again", store->master.text,
			    mc_status_text(status));
	life->ok = status == MC_OK;
	life->known |= life->ok;
}

static void
remount(struct mc_store *store)
{
	struct mc_segment_desc descs[STORE_SEGMENTS_MAX];
	struct mc_args args;

	store->liveness.remounting = true;
	store_args_init(store, &args);
	args.segments = (struct mc_vec){
		.items = descs, .count = segments_describe(store, descs),
		.stride = sizeof(descs[0])};
	store->liveness.remount.answered = remounted;
	store_call(store, &store->liveness.remount, MC_FN_REMOUNT_SEGMENT, &args);
}

static void
pinged(struct store_call *call, enum mc_status status, const uint8_t *body, size_t len)
{
	struct mc_store *store = call->store;
	struct mc_result_ping result;

	store->liveness.pinging = false;
	if (status == MC_OK)
		status = mc_result_decode(body, len, MC_FN_PING, STORE_RELEASE, &result);
	if (status != MC_OK || result.error != 0)
		return;
	store->liveness.ok = result.client_status == MC_CLIENT_OK;
	if (!store->liveness.ok && !store->liveness.remounting)
		remount(store);
}

static void
fetched(struct store_call *call, enum mc_status status, const uint8_t *body, size_t len)
{
	struct mc_store *store = call->store;
	struct mc_vec_cursor cursor = {0};
	struct mc_task_assignment task;
	struct mc_result_vec result;

	store->liveness.fetching = false;
	if (status == MC_OK)
		status = mc_result_decode(body, len, MC_FN_FETCH_TASKS, STORE_RELEASE, &result);
	if (status != MC_OK || result.error != 0)
		return;
	while (mc_vec_next_result(&result.value, &cursor, MC_FN_FETCH_TASKS, STORE_RELEASE, &task))
		store_task_run(store, &task);
}

static void
liveness_tick(struct mc_timer *timer)
{
	struct store_liveness *life = mc_container_of(timer, struct store_liveness, timer);
	struct mc_store *store = mc_container_of(life, struct mc_store, liveness);
	struct mc_args args;

	if (mc_timer_start(store->home, timer, mc_clock_mono_ns() + PING_NS) != MC_OK)
		mc_log_error("store: no memory for the timer of its pings: it will be forgotten");
	store_args_init(store, &args);
	args.batch_size = TASKS_MAX;
	/* who gave nothing to the pool is not tracked by masters, and has no tasks */
	if (store->segments_count == 0)
		return;
	if (life->pinging)
		store_master_doubt(store);
	if (!life->pinging) {
		life->pinging = true;
		life->ping.answered = pinged;
		store_call(store, &life->ping, MC_FN_PING, &args);
	}
	if (!life->fetching && life->ok) {
		life->fetching = true;
		life->fetch.answered = fetched;
		store_call(store, &life->fetch, MC_FN_FETCH_TASKS, &args);
	}
}

void
store_liveness_start(struct mc_store *store)
{
	store->liveness.timer.expired = liveness_tick;
	liveness_tick(&store->liveness.timer);
}

void
store_liveness_stop(struct mc_store *store)
{
	mc_timer_stop(store->home, &store->liveness.timer);
}
