/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to core/peer:
 *   name.c   segment names, hosts and ports (pure)	frame.c   handshake frames (pure)
 *   serve.c  the listener and its connections		ask.c     questions to peers
 *   http.c   the metadata server			publish.c what others learn of us
 *   resolve.c what we learn of others		peer.c    opening and closing
 */
#ifndef MC_CORE_PEER_PRIVATE_H
#define MC_CORE_PEER_PRIVATE_H

#include "core/base/buf.h"
#include "core/base/list.h"
#include "core/base/net.h"
#include "core/http/client.h"
#include "core/peer/peer.h"

/* ---- name.c ---- */

#define PEER_HOST_MAX 256u
#define PEER_NAME_MAX 300u
#define PEER_PORT_DEFAULT 12001u	/* of names without one; MC_HANDSHAKE_PORT */

struct peer_name {
	char host[PEER_HOST_MAX];	/* without brackets */
	uint16_t port;
	bool v6;
};
/*
 * "host", "host:port", "v6", "[v6]", "[v6]:port", "v6%scope:port". A port that is none counts as
 * not given, as upstream has it. MC_ERR_ADDRESS_INVALID: no host, or one above 255 bytes.
 */
enum mc_status peer_name_parse(const char *text, struct peer_name *name_out);
/* "host:port" or "[v6]:port"; buf of PEER_NAME_MAX bytes. */
void peer_name_text(const struct peer_name *name, char *buf);
/* Numeric at once; a host name blocks on the look-up. */
enum mc_status peer_name_addr(const struct peer_name *name, struct mc_net_addr *addr_out);

struct peer_ports {
	uint16_t min;
	uint16_t max;
};
/* From MC_MIN_RPC_PORT and MC_MAX_RPC_PORT (or their old spelling), if upstream took them. */
struct peer_ports peer_ports_choose(void);
/* A number from the environment, or @fallback, with a warning for one that is not in range. */
uint32_t peer_env(const char *name, uint32_t fallback, uint32_t min, uint32_t max);

/* ---- frame.c ---- */

enum peer_frame_type {
	FRAME_CONNECTION = 0,
	FRAME_METADATA = 1,
	FRAME_NOTIFY = 2,
	FRAME_PROBE = 3,
	FRAME_OLD = 0xff,	/* of a release without types: a connection request */
};

struct peer_frame {
	uint8_t type;
	struct mc_str body;	/* in the buffer that was read */
};

/* Appends a frame; FRAME_OLD has no type byte. */
enum mc_status peer_frame_write(struct mc_buf *out, uint8_t type, struct mc_str body);
/*
 * Takes a frame from the head of @in, without consuming it. MC_AGAIN: not all of it is there.
 * MC_ERR_PROTOCOL: length 0 or above @max, or a type that there is not.
 */
enum mc_status peer_frame_read(const struct mc_buf *in, size_t max, struct peer_frame *frame_out);

/* ---- the peer ---- */

struct mc_peer {
	struct mc_reactor *reactor;
	struct mc_peer_params params;
	bool p2p;
	bool rpc_meta_put;
	bool closing;
	size_t frame_max;
	uint64_t connect_timeout_ns;
	char name[PEER_NAME_MAX];
	char host[PEER_HOST_MAX];
	char url[512];			/* of the metadata server, up to "?key=" */
	char prefix[128];		/* of keys: "mooncake/" or "mooncake/CLUSTER/" */
	uint16_t port;
	/* the listener */
	struct mc_watch listen;
	bool paused;			/* too many connections */
	uint32_t serving_count;
	struct mc_list serving;
	struct mc_list asking;		/* questions under way */
	struct mc_list deferred;	/* answers to be given in the next pass */
	struct mc_http_client *http;
	struct mc_buf own;		/* our descriptor as JSON */
	struct mc_list publishing;	/* calls whose descriptor is on its way */
	struct mc_list waiting;		/* calls whose descriptor comes after that */
};

/* ---- serve.c ---- */

enum mc_status peer_serve_open(struct mc_peer *peer, const char *bind_host);
void peer_serve_close(struct mc_peer *peer);

/* ---- ask.c ---- */

typedef void (*peer_answer)(void *context, enum mc_status status, struct mc_str body);

/* One question and its answer. Not called back inside the call. */
void peer_ask(struct mc_peer *peer, const struct peer_name *to, uint8_t type, struct mc_str body,
	      uint64_t timeout_ns, peer_answer answer, void *context);
void peer_ask_close(struct mc_peer *peer);

/* ---- http.c ---- */

#define PEER_KEY_RAM "ram"
#define PEER_KEY_RPC "rpc_meta"

/* The metadata server's entry of @kind for segment @name. MC_ERR_NOT_FOUND: 404. */
void peer_http(struct mc_peer *peer, const char *method, const char *kind, const char *name,
	       struct mc_str body, uint64_t timeout_ns, peer_answer answer, void *context);

/* ---- peer.c ---- */

/* Calls @answer with @status in the next pass of the reactor. */
void peer_later(struct mc_peer *peer, peer_answer answer, void *context, enum mc_status status);

#endif
