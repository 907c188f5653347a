/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transfer engine behind include/mc/engine.h, with what only the library and its tests may
 * choose: the drivers, and where peers are found.
 */
#ifndef MC_CORE_ENGINE_ENGINE_H
#define MC_CORE_ENGINE_ENGINE_H

#include "core/eal/reactor.h"
#include "core/meta/descriptor.h"
#include "core/peer/peer.h"
#include "drivers/driver.h"
#include "mc/engine.h"

/*
 * Where peers are found and we are published: core/peer's calls (core/peer/peer.h says what each
 * does), behind a table so that tests can put a directory of their own in its place.
 */
struct engine_directory {
	enum mc_status (*open)(const struct mc_peer_params *params, struct mc_peer **peer_out);
	void (*close)(struct mc_peer *peer);
	const char *(*name)(const struct mc_peer *peer);
	const char *(*host)(const struct mc_peer *peer);
	void (*publish)(struct mc_peer *peer, const struct mc_desc *own, uint64_t timeout_ns,
			mc_peer_done done, void *context);
	void (*unpublish)(struct mc_peer *peer, uint64_t timeout_ns, mc_peer_done done,
			  void *context);
	void (*resolve)(struct mc_peer *peer, const char *name, uint64_t timeout_ns,
			mc_peer_resolved done, void *context);
	void (*notify)(struct mc_peer *peer, const char *segment, const char *name,
		       const char *text, uint64_t timeout_ns, mc_peer_done done, void *context);
	void (*probe)(struct mc_peer *peer, const char *segment, uint64_t timeout_ns,
		      mc_peer_done done, void *context);
};

extern const struct engine_directory engine_directory_peer;	/* core/peer */

/* mc_engine_create() with these; @drivers ends with NULL, in order of preference. */
enum mc_status mc_engine_create_with(const struct mc_engine_params *params,
				     const struct mc_driver *const *drivers,
				     const struct engine_directory *directory,
				     struct mc_engine **engine_out);

#endif
