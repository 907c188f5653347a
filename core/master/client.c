/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients: who has mounted or pinged, and is alive. An entry stays while the client is tracked, has
 * segments, or wrote an object that still exists.
 */
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/master/task.h"
#include "mc/log.h"

enum mc_status
mc_clients_init(struct mc_master *master)
{
	master->clients_free = MC_NUMBER_NONE;
	return mc_uuid_map_init(&master->client_ids);
}

void
mc_clients_fini(struct mc_master *master)
{
	for (uint32_t i = 0; i < master->clients_used; i++) {
		if (master->clients[i].used)
			free((char *)master->clients[i].host_id.ptr);
	}
	mc_uuid_map_fini(&master->client_ids);
	free(master->clients);
}

uint32_t
mc_client_find(const struct mc_master *master, struct mc_uuid id)
{
	uint32_t client;

	return mc_uuid_map_get(&master->client_ids, id, &client) ? client : MC_NUMBER_NONE;
}

/* An entry that is free, made if need be. */
static enum mc_status
entry_free(struct mc_master *master, uint32_t *client_out)
{
	struct master_client *clients;
	uint32_t room;

	if (master->clients_free != MC_NUMBER_NONE) {
		*client_out = master->clients_free;
		master->clients_free = master->clients[*client_out].free_next;
		return MC_OK;
	}
	if (master->clients_used == master->clients_room) {
		room = master->clients_room == 0 ? 64 : master->clients_room * 2;
		if (room > MC_CLIENTS_MAX)
			return MC_ERR_TOO_LARGE;
		clients = realloc(master->clients, room * sizeof(*clients));
		if (clients == NULL)
			return MC_ERR_NO_MEMORY;
		master->clients = clients;
		master->clients_room = room;
	}
	*client_out = master->clients_used++;
	return MC_OK;
}

enum mc_status
mc_client_ref(struct mc_master *master, struct mc_uuid id, uint32_t *client_out)
{
	uint32_t client = mc_client_find(master, id);
	enum mc_status st;

	if (client != MC_NUMBER_NONE) {
		*client_out = client;
		return MC_OK;
	}
	st = entry_free(master, &client);
	if (st != MC_OK)
		return st;
	master->clients[client] = (struct master_client){
		.id = id, .since_ns = mc_reactor_now(master->exec)};
	st = mc_uuid_map_add(&master->client_ids, id, client);
	if (st != MC_OK) {
		master->clients[client].free_next = master->clients_free;
		master->clients_free = client;
		return st;
	}
	master->clients[client].used = true;
	*client_out = client;
	return MC_OK;
}

void
mc_client_settle(struct mc_master *master, uint32_t client)
{
	struct master_client *entry = &master->clients[client];

	if (!entry->used || entry->tracked || entry->objects > 0 || entry->segments > 0 ||
	    entry->copies > 0 || entry->tasks > 0)
		return;
	mc_uuid_map_del(&master->client_ids, entry->id);
	free((char *)entry->host_id.ptr);
	entry->used = false;
	entry->free_next = master->clients_free;
	master->clients_free = client;
}

enum mc_status
mc_client_host_set(struct mc_master *master, uint32_t client, struct mc_str host_id)
{
	struct mc_str copy;
	enum mc_status st;

	if (host_id.len == 0 || mc_str_equal(master->clients[client].host_id, host_id))
		return MC_OK;
	st = mc_str_copy(host_id, &copy);
	if (st != MC_OK)
		return st;
	free((char *)master->clients[client].host_id.ptr);
	master->clients[client].host_id = copy;
	return MC_OK;
}

void
mc_client_touch(struct mc_master *master, uint32_t client)
{
	struct master_client *entry = &master->clients[client];

	entry->tracked = true;
	entry->expired = false;
	entry->expires_ns = mc_reactor_now(master->exec) + master->params.client_ttl_ns;
}

void
mc_client_ok_set(struct mc_master *master, uint32_t client, bool ok)
{
	struct master_client *entry = &master->clients[client];

	if (entry->ok != ok)
		mc_counter_add(&master->stats.clients, ok ? 1 : (uint64_t)-1);
	entry->ok = ok;
}

/* Its RAM goes as if it had unmounted; its objects elsewhere stay. */
static void
client_expire(struct mc_master *master, uint32_t client)
{
	struct master_client *entry = &master->clients[client];

	mc_log_info("client %lu-%lu: no sign of life for %lu ms, %u segments are unmounted",
		    (unsigned long)entry->id.first, (unsigned long)entry->id.second,
		    (unsigned long)(master->params.client_ttl_ns / MC_NS_PER_MS), entry->segments);
	mc_counter_add(&master->stats.clients_expired, 1);
	mc_client_ok_set(master, client, false);
	for (uint32_t i = 0; i < master->segments_used && entry->segments > 0; i++) {
		struct master_segment *segment = &master->segments[i];

		if (!segment_readable(master, i) || segment->client != client)
			continue;
		if (master->params.client_expired != NULL)
			master->params.client_expired(master->params.context,
						      master->names[segment->name].text.ptr);
		mc_segment_kill(master, i);
	}
	entry->tracked = false;
	entry->expired = true;
	mc_copies_sweep(master);
	mc_tasks_sweep(master);
	mc_client_settle(master, client);
}

void
mc_clients_tick(struct mc_master *master, uint64_t now_ns)
{
	for (uint32_t i = 0; i < master->clients_used; i++) {
		struct master_client *entry = &master->clients[i];

		if (entry->used && entry->tracked && now_ns >= entry->expires_ns)
			client_expire(master, i);
	}
}
