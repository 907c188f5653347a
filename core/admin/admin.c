/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes of the admin port. What counters tell is answered at once; what the metadata lcore
 * must be asked is a query, and the request waits for it (ask.c).
 */
#include "core/admin/admin.h"

#include <stdlib.h>
#include <string.h>

#include "core/admin/private.h"
#include "core/base/assert.h"
#include "core/base/clock.h"

static const struct {
	const char *method;
	const char *path;
	mc_http_handler handler;
} routes[] = {
	{"GET", "/", mc_admin_get_page},
	{"GET", "/mc/state", mc_admin_get_state},
	{"GET", "/metrics", mc_admin_get_metrics},
	{"GET", "/metrics/summary", mc_admin_get_summary},
	{"GET", "/health", mc_admin_get_health},
	{"GET", "/role", mc_admin_get_role},
	{"GET", "/leader", mc_admin_get_leader},
	{"GET", "/ha_status", mc_admin_get_ha_status},
	{"GET", "/kv_events/status", mc_admin_get_kv_events},
	{"GET", "/query_key", mc_admin_get_key},
	{"GET", "/batch_query_keys", mc_admin_get_keys_named},
	{"GET", "/get_all_keys", mc_admin_get_keys},
	{"POST", "/api/v1/remove_all", mc_admin_post_remove_all},
	{"GET", "/query_segment", mc_admin_get_segment},
	{"GET", "/api/v1/segments/status", mc_admin_get_segment_status},
	{"GET", "/get_all_segments", mc_admin_get_segments},
	{"GET", "/get_segments_detail", mc_admin_get_segments_detail},
	{"POST", "/api/v1/drain_jobs", mc_admin_post_drain},
	{"GET", "/api/v1/drain_jobs/query", mc_admin_get_drain},
	{"POST", "/api/v1/drain_jobs/cancel", mc_admin_post_drain_cancel},
	{"GET", "/api/v1/tenant_quotas", mc_admin_get_quotas},
	{"PUT", "/api/v1/tenant_quotas", mc_admin_put_quota},
	{"DELETE", "/api/v1/tenant_quotas", mc_admin_delete_quota},
};

#define ROUTES_COUNT (sizeof(routes) / sizeof(routes[0]))

/*
 * What has any method but GET changes things, and is for those on this host: nobody proves here who
 * he is. A browser on this host may act for any web page, and says so by an Origin.
 */
static bool
may_change(const struct mc_admin *admin, const struct mc_http_request *request)
{
	struct mc_net_addr peer;

	if (admin->params.remote_writes)
		return true;
	mc_http_peer(request, &peer);
	return mc_net_addr_loopback(&peer) && mc_http_header(request, "Origin") == NULL;
}

static void
guarded(void *context, struct mc_http_request *request)
{
	const struct admin_guard *guard = context;

	if (may_change(guard->admin, request))
		guard->handler(guard->admin, request);
	else
		mc_admin_reply_error(request, MC_ERR_PERMISSION,
				     "only from this host and from no browser, unless mc-master "
				     "runs with -admin_remote_writes");
}

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

	for (size_t i = 0; i < ROUTES_COUNT; i++) {
		bool read = strcmp(routes[i].method, "GET") == 0;

		admin->guards[i] = (struct admin_guard){admin, routes[i].handler};
		table[i] = (struct mc_http_route){
			.method = routes[i].method,
			.path = routes[i].path,
			.handler = read ? routes[i].handler : guarded,
			.context = read ? (void *)admin : (void *)&admin->guards[i],
		};
	}
	return mc_http_server_open(&http, &admin->http);
}

static void
admin_free(struct mc_admin *admin)
{
	free(admin->guards);
	free(admin);
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
	admin->opened_ns = mc_clock_mono_ns();
	mc_list_init(&admin->asking);
	admin->guards = calloc(ROUTES_COUNT, sizeof(*admin->guards));
	st = admin->guards != NULL ? http_open(admin) : MC_ERR_NO_MEMORY;
	if (st != MC_OK) {
		admin_free(admin);
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
	admin_free(admin);
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
