/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placement near the writer: the segments of its host, then those of the next hosts in the order of
 * their ids, around to the first again. Inside a host the key decides where to begin, so that the
 * keys of one writer spread over its segments.
 *
 * master->hosted has the LIVE segments that told a host id, sorted by it: a host is a range.
 */
#include <stdlib.h>

#include "core/master/state.h"

/* Segments tried per object; behind them a random one is as good as the next. */
#define TRIES_MAX 100u

static int
str_compare(struct mc_str a, struct mc_str b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len > 0 ? memcmp(a.ptr, b.ptr, len) : 0;

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static struct mc_str
host_of(const struct mc_master *master, uint32_t segment)
{
	return master->segments[segment].host_id;
}

/* The first place whose host is not below @host; with @above, the first whose host is above it. */
static uint32_t
bound(const struct mc_master *master, struct mc_str host, bool above)
{
	uint32_t low = 0, high = master->hosted_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = str_compare(host_of(master, master->hosted[middle]), host);

		if (order < 0 || (above && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

enum mc_status
mc_hosted_reserve(struct mc_master *master)
{
	uint32_t room = master->hosted_room == 0 ? 16 : master->hosted_room * 2;
	uint32_t *hosted;

	if (master->hosted_count < master->hosted_room)
		return MC_OK;
	hosted = realloc(master->hosted, room * sizeof(*hosted));
	if (hosted == NULL)
		return MC_ERR_NO_MEMORY;
	master->hosted = hosted;
	master->hosted_room = room;
	return MC_OK;
}

void
mc_hosted_add(struct mc_master *master, uint32_t segment)
{
	uint32_t at;

	if (host_of(master, segment).len == 0)
		return;
	at = bound(master, host_of(master, segment), true);
	memmove(&master->hosted[at + 1], &master->hosted[at],
		(master->hosted_count - at) * sizeof(*master->hosted));
	master->hosted[at] = segment;
	master->hosted_count++;
}

void
mc_hosted_remove(struct mc_master *master, uint32_t segment)
{
	uint32_t at;

	if (host_of(master, segment).len == 0)
		return;
	at = bound(master, host_of(master, segment), false);
	while (master->hosted[at] != segment)
		at++;
	master->hosted_count--;
	memmove(&master->hosted[at], &master->hosted[at + 1],
		(master->hosted_count - at) * sizeof(*master->hosted));
}

/* One replica on a segment of the host that has the places from @first to @end. */
static bool
place_on_host(struct mc_master *master, uint32_t object, uint32_t first, uint32_t end,
	      uint32_t *tries)
{
	struct mc_object *obj = master_object(master, object);
	uint64_t hash = mc_table_hash(mc_object_key(obj), obj->key_len);
	uint32_t count = end - first;

	for (uint32_t n = 0; n<count && * tries> 0; n++, (*tries)--) {
		uint32_t segment = master->hosted[first + (hash + n) % count];

		if (mc_replica_take(master, object, segment) == MC_OK)
			return true;
	}
	return false;
}

unsigned int
mc_place_near(struct mc_master *master, uint32_t object, struct mc_str host)
{
	uint32_t left = master->hosted_count;
	uint32_t tries = TRIES_MAX;
	uint32_t at;

	if (host.len == 0)
		return 0;
	at = bound(master, host, false);
	while (left > 0 && tries > 0) {
		uint32_t first = at == master->hosted_count ? 0 : at;
		uint32_t end = bound(master, host_of(master, master->hosted[first]), true);

		if (place_on_host(master, object, first, end, &tries))
			return 1;
		left -= end - first;
		at = end;
	}
	return 0;
}
