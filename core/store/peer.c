/* SPDX-License-Identifier: Apache-2.0 */
/* Peers: the nodes that hold replicas, opened when the first replica there is met. */
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/store/private.h"
#include "mc/log.h"

#define OPEN_NS (2 * MC_NS_PER_S)
#define RETRY_NS (100 * MC_NS_PER_MS)	/* doubled with each failure, up to 16 times */
#define ENDPOINT_MAX 1024u

static void
peer_opened(struct mc_msg *msg)
{
	struct store_peer *peer = mc_container_of(msg, struct store_peer, msg);
	struct mc_store *store = peer->store;

	if (peer->status == MC_OK) {
		peer->state = PEER_OPEN;
		peer->failures = 0;
	} else {
		uint32_t shift = peer->failures < 4 ? peer->failures : 4;

		if (peer->failures++ == 0)
			mc_log_warn("node %s: cannot be reached: %s", peer->endpoint,
				    mc_status_text(peer->status));
		peer->state = PEER_FAILED;
		peer->retry_ns = mc_clock_mono_ns() + (RETRY_NS << shift);
	}
	store_op_resolved_all(store);
}

/* On the engine's control thread. */
static void
segment_opened(void *context, enum mc_status status, struct mc_segment *segment)
{
	struct store_peer *peer = context;

	peer->status = status;
	peer->segment = segment;
	store_send(peer->store, &peer->msg);
}

static void
peer_open(struct store_peer *peer)
{
	peer->state = PEER_OPENING;
	peer->msg.run = peer_opened;
	if (mc_segment_open_start(peer->store->engine, peer->endpoint, OPEN_NS, segment_opened,
				  peer) == MC_OK)
		return;
	peer->state = PEER_FAILED;
	peer->status = MC_ERR_NO_MEMORY;
	peer->retry_ns = mc_clock_mono_ns() + RETRY_NS;
}

struct store_peer *
store_peer_get(struct mc_store *store, struct mc_str endpoint)
{
	struct store_peer *peer;

	if (endpoint.len == 0 || endpoint.len > ENDPOINT_MAX)
		return NULL;
	for (struct mc_list *node = store->peers.next; node != &store->peers; node = node->next) {
		peer = mc_container_of(node, struct store_peer, link);
		if (strlen(peer->endpoint) == endpoint.len &&
		    memcmp(peer->endpoint, endpoint.ptr, endpoint.len) == 0) {
			if (peer->state == PEER_FAILED && mc_clock_mono_ns() >= peer->retry_ns)
				peer_open(peer);
			return peer;
		}
	}
	peer = calloc(1, sizeof(*peer) + endpoint.len + 1);
	if (peer == NULL)
		return NULL;
	peer->store = store;
	memcpy(peer->endpoint, endpoint.ptr, endpoint.len);
	mc_list_add_head(&store->peers, &peer->link);
	peer_open(peer);
	return peer;
}
