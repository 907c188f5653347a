/* SPDX-License-Identifier: Apache-2.0 */
/* What this process is and does. There is one master, without others to take its place. */
#include <stdio.h>

#include "core/admin/private.h"

void
mc_admin_get_health(void *context, struct mc_http_request *request)
{
	const struct mc_admin *admin = context;
	char text[192];

	snprintf(text, sizeof(text),
		 "{\"status\":\"%s\",\"role\":\"leader\",\"ha_state\":\"%s\",\"service_ready\":%s,"
		 "\"leader_address\":null,\"view_version\":null}",
		 admin->serving ? "ok" : "unavailable", admin->serving ? "serving" : "stopping",
		 admin->serving ? "true" : "false");
	mc_admin_reply_text(request, admin->serving ? 200 : 503, ADMIN_JSON, text);
}

void
mc_admin_get_role(void *context, struct mc_http_request *request)
{
	mc_admin_reply_text(request, 200, ADMIN_PLAIN, "leader");
}

void
mc_admin_get_ha_status(void *context, struct mc_http_request *request)
{
	const struct mc_admin *admin = context;

	mc_admin_reply_text(request, 200, ADMIN_PLAIN, admin->serving ? "serving" : "stopping");
}

/* None are published; those who ask want to know how many. */
void
mc_admin_get_kv_events(void *context, struct mc_http_request *request)
{
	mc_admin_reply_text(request, 200, ADMIN_JSON,
			    "{\"enabled\":false,\"published_batches\":0,\"published_events\":0,"
			    "\"dropped_events\":0,\"skipped_unparsed_keys\":0}");
}

void
mc_admin_get_leader(void *context, struct mc_http_request *request)
{
	mc_admin_reply_text(request, 200, ADMIN_JSON,
			    "{\"present\":false,\"leader_address\":null,\"view_version\":null}");
}
