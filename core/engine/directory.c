/* SPDX-License-Identifier: Apache-2.0 */
/* The engine as programs get it: every driver, and the directory of core/peer. */
#include "core/engine/private.h"

const struct engine_directory engine_directory_peer = {
	.open = mc_peer_open,
	.close = mc_peer_close,
	.name = mc_peer_name,
	.host = mc_peer_host,
	.publish = mc_peer_publish,
	.unpublish = mc_peer_unpublish,
	.resolve = mc_peer_resolve,
	.notify = mc_peer_notify,
	.probe = mc_peer_probe,
};

enum mc_status
mc_engine_create_on(const struct mc_engine_params *params, struct mc_reactor *reactor,
		    struct mc_engine **engine_out)
{
	const struct mc_driver *drivers[ENGINE_DEVS_MAX + 1] = {NULL};

	for (unsigned int i = 0; i < ENGINE_DEVS_MAX && mc_driver_at(i) != NULL; i++)
		drivers[i] = mc_driver_at(i);
	return engine_create(params, drivers, &engine_directory_peer, reactor, engine_out);
}

enum mc_status
mc_engine_create(const struct mc_engine_params *params, struct mc_engine **engine_out)
{
	return mc_engine_create_on(params, NULL, engine_out);
}
