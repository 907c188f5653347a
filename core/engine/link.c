/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control's side of routes: which device leads to a peer, connecting, backing off. A core that
 * wants a route gets the best family of devices that works (own process and shared memory, RDMA,
 * TCP), and a lesser one as well where the better cannot reach all buffers of the peer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/engine/private.h"
#include "mc/log.h"

#define BACKOFF_FIRST_NS (10 * MC_NS_PER_MS)
#define BACKOFF_MAX_NS (1 * MC_NS_PER_S)
/* Control does nothing else meanwhile. */
#define CONNECT_TIMEOUT_NS (1 * MC_NS_PER_S)

uint64_t
engine_backoff_ns(uint32_t failures)
{
	uint64_t ns = BACKOFF_FIRST_NS;
	uint64_t jitter = mc_random_seed();

	while (failures-- > 1 && ns < BACKOFF_MAX_NS)
		ns *= 2;
	if (ns > BACKOFF_MAX_NS)
		ns = BACKOFF_MAX_NS;
	return ns + jitter % (ns / 4);
}

static struct engine_link *
link_of(struct mc_segment *segment, uint32_t core, uint32_t device)
{
	return &segment->links[core * segment->engine->devs_count + device];
}

/* ---- what the descriptor offers ---- */

static enum mc_status
tcp_addr(const struct mc_desc *desc, struct mc_tcp_addr *tcp_out)
{
	bool v6 = strchr(desc->tcp_data_host, ':') != NULL;
	char text[300];

	if (desc->tcp_data_port == 0 || strcmp(desc->protocol, "tcp") != 0)
		return MC_ERR_UNSUPPORTED;
	tcp_out->version = desc->tcp_proto_version >= 2 ? 2 : 1;
	if (mc_net_addr_parse(desc->tcp_data_host, desc->tcp_data_port, &tcp_out->addr) == MC_OK)
		return MC_OK;
	snprintf(text, sizeof(text), v6 ? "[%s]:%u" : "%s:%u", desc->tcp_data_host,
		 desc->tcp_data_port);
	return mc_net_addr_resolve(text, &tcp_out->addr);
}

static enum mc_status
shm_addr(const struct mc_desc *desc, struct mc_shm_addr *shm_out)
{
	const struct mc_desc_own *own = &desc->own;

	if (own->version == 0 || own->shm_socket[0] == '\0')
		return MC_ERR_UNSUPPORTED;
	*shm_out = (struct mc_shm_addr){
		.instance = own->instance,
		.pid = own->pid,
		.pid_ns = own->pid_ns,
		.net_ns = own->net_ns,
		.mnt_ns = own->mnt_ns,
	};
	snprintf(shm_out->socket, sizeof(shm_out->socket), "%s", own->shm_socket);
	memcpy(shm_out->boot_id, own->boot_id, sizeof(shm_out->boot_id));
	return MC_OK;
}

/* MC_ERR_UNSUPPORTED: the peer has nothing of this family. */
static enum mc_status
peer_addr(const struct mc_desc *desc, enum mc_family family, struct mc_peer_addr *addr_out)
{
	switch (family) {
	case MC_FAMILY_SHM:
		return shm_addr(desc, &addr_out->shm);
	case MC_FAMILY_TCP:
		return tcp_addr(desc, &addr_out->tcp);
	case MC_FAMILY_RDMA:
		break;
	}
	return MC_ERR_UNSUPPORTED;
}

bool
engine_links_possible(const struct mc_engine *engine, const struct mc_desc *desc)
{
	struct mc_peer_addr addr;

	for (uint32_t i = 0; i < engine->devs_count; i++) {
		if (peer_addr(desc, engine->devs[i].driver->family, &addr) != MC_ERR_UNSUPPORTED)
			return true;
	}
	return false;
}

/* ---- one link ---- */

static int
range_compare(const void *a, const void *b)
{
	const struct engine_range *left = a, *right = b;

	return left->addr < right->addr ? -1 : left->addr > right->addr;
}

static void
route_free(struct engine_route *route)
{
	free(route->ranges);
	free(route->keys);
	free(route);
}

static struct engine_route *
route_create(struct engine_link *link)
{
	struct mc_segment *segment = link->segment;
	const struct mc_desc *desc = segment->desc;
	struct engine_route *route = calloc(1, sizeof(*route));

	if (route == NULL)
		return NULL;
	route->ranges = calloc(desc->buffers_count + 1, sizeof(*route->ranges));
	if (route->ranges == NULL) {
		free(route);
		return NULL;
	}
	for (uint32_t i = 0; i < desc->buffers_count; i++)
		route->ranges[i] = (struct engine_range){
			.addr = desc->buffers[i].addr, .length = desc->buffers[i].length};
	route->ranges_count = desc->buffers_count;
	qsort(route->ranges, route->ranges_count, sizeof(*route->ranges), range_compare);
	mc_list_init(&route->pending);
	route->msg.run = engine_route_install;
	route->peer = &segment->peers[link->core];
	route->device = link->device;
	route->generation = atomic_load_explicit(&segment->generation, memory_order_relaxed);
	route->failures = link->failures;
	return route;
}

/* Keys of the peer's buffers; those that cannot be had stay without, and the link is partial. */
static enum mc_status
route_import(struct engine_link *link, struct engine_route *route)
{
	const struct mc_driver_ops *ops = route->ep->dev->driver->ops;

	link->partial = false;
	if (!(route->ep->dev->driver->caps & MC_CAP_IMPORT))
		return MC_OK;
	route->keys = calloc(route->ranges_count + 1, sizeof(*route->keys));
	if (route->keys == NULL)
		return MC_ERR_NO_MEMORY;
	for (uint32_t i = 0; i < route->ranges_count; i++) {
		enum mc_status st = ops->ep_import(route->ep, route->ranges[i].addr,
						   route->ranges[i].length, &route->keys[i]);

		if (st == MC_ERR_CONN_CLOSED || st == MC_ERR_TIMEOUT)
			return st;
		if (st != MC_OK) {
			route->keys[i] = ENGINE_NO_KEY;
			link->partial = true;
		}
	}
	return MC_OK;
}

static void link_timer(struct mc_timer *timer);

static void
link_backoff(struct engine_link *link)
{
	struct mc_reactor *control = link->segment->engine->control;

	link->state = LINK_BACKOFF;
	link->timer.expired = link_timer;
	if (mc_timer_start(control, &link->timer,
			   mc_clock_mono_ns() + engine_backoff_ns(link->failures)) != MC_OK)
		link->state = LINK_IDLE;	/* the next wish tries at once */
}

/* Does another core ask for it already? One of them is enough for a peer that is not there. */
static bool
link_probed(const struct engine_link *link)
{
	for (uint32_t core = 0; core < link->core; core++) {
		if (link_of(link->segment, core, link->device)->state == LINK_BACKOFF)
			return true;
	}
	return false;
}

static void
link_timer(struct mc_timer *timer)
{
	struct engine_link *link = mc_container_of(timer, struct engine_link, timer);

	link->state = LINK_IDLE;
	if (link_probed(link)) {
		link->failures++;
		link_backoff(link);
	}
	/* perhaps it is elsewhere by now: its descriptor first, then the links */
	engine_segment_refresh(link->segment);
}

static enum mc_status
link_connect(struct engine_link *link, const struct mc_peer_addr *addr,
	     struct engine_route **route_out)
{
	struct mc_engine *engine = link->segment->engine;
	struct mc_ep_params params = {
		.size = sizeof(params),
		.lanes_max = ENGINE_SOCKETS_MAX / engine->active_count,
		.connect_timeout_ns = CONNECT_TIMEOUT_NS};
	const struct mc_driver_ops *ops = engine->devs[link->device].driver->ops;
	struct engine_route *route = route_create(link);
	enum mc_status st;

	if (route == NULL)
		return MC_ERR_NO_MEMORY;
	st = ops->ep_create(engine->cores[link->core].cqs[link->device], &params, addr, &route->ep);
	if (st != MC_OK) {
		route_free(route);
		return st;
	}
	st = route_import(link, route);
	if (st != MC_OK) {
		ops->ep_destroy(route->ep);
		route_free(route);
		return st;
	}
	*route_out = route;
	return MC_OK;
}

/* The best that some core has a route over. */
static void
driver_note(struct mc_segment *segment)
{
	struct mc_engine *engine = segment->engine;
	const char *name = NULL;

	for (uint32_t device = 0; device < engine->devs_count && name == NULL; device++) {
		for (uint32_t core = 0; core < engine->cores_count; core++) {
			if (link_of(segment, core, device)->state == LINK_UP)
				name = engine->devs[device].driver->name;
		}
	}
	atomic_store_explicit(&segment->driver, name, memory_order_relaxed);
}

/* Says, once, that a lesser driver is used, and counts it. */
static void
driver_tell(struct mc_segment *segment, uint32_t device)
{
	struct mc_engine *engine = segment->engine;
	const char *name = engine->devs[device].driver->name;

	driver_note(segment);
	if (device == 0 || segment->fallback_told)
		return;
	for (uint32_t i = 0; i < device; i++) {
		struct engine_link *better = link_of(segment, 0, i);

		/* a peer that offers nothing better is no fall-back */
		if (better->failures == 0 && !better->partial)
			continue;
		segment->fallback_told = true;
		atomic_fetch_add_explicit(&engine->fallbacks, 1, memory_order_relaxed);
		mc_log_warn("segment %s: reached over %s, as %s fails", segment->name, name,
			    engine->devs[i].driver->name);
		return;
	}
}

/* Is it no use to try again? A network may come back; another host does not become this one. */
static bool
link_hopeless(enum mc_family family, enum mc_status status)
{
	return status == MC_ERR_UNSUPPORTED ||
	       (family == MC_FAMILY_SHM &&
		(status == MC_ERR_UNREACHABLE || status == MC_ERR_PERMISSION));
}

/* Tries to bring @link up; its state tells how that went. */
static void
link_try(struct engine_link *link)
{
	struct mc_segment *segment = link->segment;
	struct mc_engine *engine = segment->engine;
	enum mc_family family = engine->devs[link->device].driver->family;
	struct mc_peer_addr addr = {0};
	struct engine_route *route;
	enum mc_status st;

	st = peer_addr(segment->desc, family, &addr);
	if (st == MC_OK)
		st = link_connect(link, &addr, &route);
	if (link_hopeless(family, st)) {
		link->state = LINK_UNUSABLE;
		return;
	}
	if (st != MC_OK) {
		MC_LOG_LIMITED(MC_LOG_INFO, "segment %s: no connection over %s: %s", segment->name,
			       engine->devs[link->device].dev->name, mc_status_text(st));
		link->failures++;
		link_backoff(link);
		return;
	}
	link->state = LINK_UP;
	link->route = route;
	segment->holds++;
	/* before the core has it: who sees the bytes sees by which way they came */
	driver_tell(segment, link->device);
	engine_send(engine->cores[link->core].reactor, &route->msg);
}

/* ---- all links of a segment ---- */

enum mc_status
engine_links_create(struct mc_segment *segment)
{
	const struct mc_engine *engine = segment->engine;

	segment->links = calloc((size_t)engine->cores_count * engine->devs_count,
				sizeof(*segment->links));
	if (segment->links == NULL)
		return MC_ERR_NO_MEMORY;
	for (uint32_t core = 0; core < engine->cores_count; core++) {
		for (uint32_t device = 0; device < engine->devs_count; device++) {
			struct engine_link *link = link_of(segment, core, device);

			link->segment = segment;
			link->core = core;
			link->device = device;
		}
	}
	return MC_OK;
}

struct family_state {
	bool up;
	bool partial;
	bool pending;		/* backs off */
	uint32_t failures;	/* the fewest */
};

static void
family_try(struct mc_segment *segment, uint32_t core, uint32_t first, uint32_t end,
	   struct family_state *state)
{
	for (uint32_t device = first; device < end; device++) {
		struct engine_link *link = link_of(segment, core, device);

		if (link->state == LINK_IDLE)
			link_try(link);
		if (link->state == LINK_BACKOFF) {
			state->pending = true;
			if (link->failures < state->failures)
				state->failures = link->failures;
		}
		if (link->state != LINK_UP)
			continue;
		state->up = true;
		state->partial |= link->partial;
	}
}

void
engine_links_want(struct mc_segment *segment, uint32_t core)
{
	struct mc_engine *engine = segment->engine;
	struct family_state state = {.failures = UINT32_MAX};
	uint32_t first = 0;

	segment->wanted[core] = true;
	while (first < engine->devs_count && (!state.up || state.partial)) {
		uint32_t end = first + 1;

		while (end < engine->devs_count &&
		       engine->devs[end].driver->family == engine->devs[first].driver->family)
			end++;
		state.partial = false;
		family_try(segment, core, first, end, &state);
		first = end;
	}
	if (state.up)
		return;
	if (!state.pending) {
		mc_log_error("segment %s: it offers nothing that is used here: protocol %s, our "
			     "drivers are %s", segment->name, segment->desc->protocol,
			     engine->drivers_text);
		engine_segment_verdict(segment, core, MC_ERR_UNSUPPORTED);
	} else if (state.failures >= ENGINE_FAILURES_MAX) {
		engine_segment_verdict(segment, core, MC_ERR_UNREACHABLE);
	}
}

void
engine_links_reset(struct mc_segment *segment)
{
	const struct mc_engine *engine = segment->engine;

	for (uint32_t i = 0; i < engine->cores_count * engine->devs_count; i++) {
		struct engine_link *link = &segment->links[i];

		mc_timer_stop(engine->control, &link->timer);
		link->state = LINK_IDLE;
		link->failures = 0;
		link->route = NULL;
	}
	segment->fallback_told = false;
}

/* The peer has other buffers: links that need keys are made anew, before the old ones go. */
void
engine_links_renew(struct mc_segment *segment)
{
	const struct mc_engine *engine = segment->engine;

	for (uint32_t i = 0; i < engine->cores_count * engine->devs_count; i++) {
		struct engine_link *link = &segment->links[i];

		if (link->state == LINK_UP &&
		    (engine->devs[link->device].driver->caps & MC_CAP_IMPORT))
			link_try(link);
	}
}

void
engine_route_returned(struct mc_msg *msg)
{
	struct engine_route *route = mc_container_of(msg, struct engine_route, msg);
	struct mc_segment *segment = route->peer->segment;
	struct engine_link *link = link_of(segment, route->peer->core->index, route->device);
	bool newest = link->route == route;

	route->ep->dev->driver->ops->ep_destroy(route->ep);
	if (newest) {
		link->route = NULL;
		link->failures = route->failures;
		link->state = LINK_IDLE;
		driver_note(segment);
	}
	if (newest && !segment->closing) {
		MC_LOG_LIMITED(MC_LOG_INFO, "segment %s: connection over %s ended: %s",
			       segment->name, segment->engine->devs[route->device].dev->name,
			       mc_status_text(route->status));
		link_backoff(link);
		engine_segment_refresh(segment);
	}
	route_free(route);
	engine_segment_let(segment);
}

static void
drop_returned(struct mc_msg *msg)
{
	engine_segment_let(mc_container_of(msg, struct engine_peer, drop)->segment);
}

static void
drop_on_core(struct mc_msg *msg)
{
	struct engine_peer *peer = mc_container_of(msg, struct engine_peer, drop);

	engine_peer_drop(peer->core, peer, MC_ERR_CANCELED);
	peer->drop.run = drop_returned;
	engine_send(peer->core->engine->control, &peer->drop);
}

void
engine_links_close(struct mc_segment *segment)
{
	struct mc_engine *engine = segment->engine;

	engine_links_reset(segment);
	segment->closing = true;
	for (uint32_t i = 0; i < engine->cores_count; i++) {
		segment->holds++;
		segment->peers[i].drop.run = drop_on_core;
		engine_send(engine->cores[i].reactor, &segment->peers[i].drop);
	}
}
