/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quotas of tenants. There are no tenants, so a request that is in order is answered with that; one
 * that is not is told its mistake, as mooncake_master does without -enable_multi_tenants.
 */
#include <jansson.h>

#include "core/admin/private.h"

static void
no_tenants(struct mc_http_request *request)
{
	mc_admin_reply_error(request, MC_ERR_UNAVAILABLE_MODE, NULL);
}

/* False: it was answered. */
static bool
tenant_named(struct mc_http_request *request)
{
	size_t len = 0;

	if (mc_http_query(request, "tenant_id", &len) != NULL && len > 0)
		return true;
	mc_admin_reply_error(request, MC_ERR_INVALID, "no tenant: give ?tenant_id=NAME");
	return false;
}

void
mc_admin_get_quotas(void *context, struct mc_http_request *request)
{
	no_tenants(request);
}

void
mc_admin_put_quota(void *context, struct mc_http_request *request)
{
	const json_t *bytes;
	json_error_t error;
	json_t *json;
	size_t len;
	const void *body = mc_http_body(request, &len);

	if (!tenant_named(request))
		return;
	json = json_loadb(body, len, 0, &error);
	bytes = json_object_get(json, "requested_quota_bytes");
	if (!json_is_object(json))
		mc_admin_reply_error(request, MC_ERR_INVALID, "the body is no JSON object");
	else if (!json_is_integer(bytes) || json_integer_value(bytes) < 1)
		mc_admin_reply_error(request, MC_ERR_INVALID,
				     "requested_quota_bytes is no number from 1 to 2^63 - 1");
	else
		no_tenants(request);
	json_decref(json);
}

void
mc_admin_delete_quota(void *context, struct mc_http_request *request)
{
	if (tenant_named(request))
		no_tenants(request);
}
