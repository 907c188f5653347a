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

/*
 * An engine as with poll_inline, whose core runs on @reactor: its owner sees to it that some thread
 * runs it whenever there is something to do. Until mc_engine_driven(true), and after it is taken
 * back, the calling thread runs it itself where a call has to wait.
 */
enum mc_status mc_engine_create_on(const struct mc_engine_params *params,
				   struct mc_reactor *reactor, struct mc_engine **engine_out);
void mc_engine_driven(struct mc_engine *engine, bool driven);

/* Of the first core: the lcore's, or what the caller polls. */
struct mc_reactor *mc_engine_reactor(const struct mc_engine *engine);
bool mc_engine_inline(const struct mc_engine *engine);

/*
 * mc_segment_open() without blocking: @done is called on the control thread, with a segment if the
 * status is MC_OK. @name is copied. MC_ERR_NO_MEMORY: it will not be called.
 */
enum mc_status mc_segment_open_start(struct mc_engine *engine, const char *name,
				     uint64_t timeout_ns,
				     void (*done)(void *context, enum mc_status status,
						  struct mc_segment *segment),
				     void *context);

#endif
