/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes of the admin port. What counters tell is answered at once; what the metadata lcore
 * must be asked is a query, and the request waits for it (ask.c).
 */
#include "core/admin/admin.h"

#include <stdlib.h>

#include "core/admin/private.h"
#include "core/base/assert.h"

static const struct {
	const char *method;
	const char *path;
	mc_http_handler handler;
} routes[] = {
	{"GET", "/metrics", mc_admin_get_metrics},
	{"GET", "/metrics/summary", mc_admin_get_summary},
	{"GET", "/health", mc_admin_get_health},
	{"GET", "/role", mc_admin_get_role},
	{"GET", "/leader", mc_admin_get_leader},
	{"GET", "/ha_status", mc_admin_get_ha_status},
	{"GET", "/query_key", mc_admin_get_key},
	{"GET", "/get_all_keys", mc_admin_get_keys},
	{"GET", "/get_all_segments", mc_admin_get_segments},
	{"GET", "/get_segments_detail", mc_admin_get_segments_detail},
};

#define ROUTES_COUNT (sizeof(routes) / sizeof(routes[0]))

static enum mc_status
http_open(struct mc_admin *admin)
{
	struct mc_http_route table[ROUTES_COUNT];
	struct mc_http_params http = {
		.size = sizeof(http),
		.reactor = admin->params.reactor,
		.host = admin->params.host,
		.port = admin->params.port,
		.routes = table,
		.routes_count = ROUTES_COUNT,
	};

	for (size_t i = 0; i < ROUTES_COUNT; i++)
		table[i] = (struct mc_http_route){routes[i].method, routes[i].path,
						  routes[i].handler, admin};
	return mc_http_server_open(&http, &admin->http);
}

enum mc_status
mc_admin_open(const struct mc_admin_params *params, struct mc_admin **admin_out)
{
	struct mc_admin *admin = calloc(1, sizeof(*admin));
	enum mc_status st;

	mc_assert(params->size == sizeof(*params));
	if (admin == NULL)
		return MC_ERR_NO_MEMORY;
	admin->params = *params;
	admin->serving = true;
	mc_list_init(&admin->asking);
	st = http_open(admin);
	if (st != MC_OK) {
		free(admin);
		return st;
	}
	*admin_out = admin;
	return MC_OK;
}

void
mc_admin_close(struct mc_admin *admin)
{
	if (admin == NULL)
		return;
	mc_http_server_close(admin->http);
	free(admin);
}

uint16_t
mc_admin_port(const struct mc_admin *admin)
{
	return mc_http_server_port(admin->http);
}

void
mc_admin_serving_set(struct mc_admin *admin, int serving)
{
	admin->serving = serving != 0;
}
